//! `one-leader-per-epoch`: at most one broker ever appends as leader of one partition in one epoch.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 6,
    name: "one-leader-per-epoch",
    claim: "at most one broker ever appends as leader of a partition in one leader epoch",
    broken: "two brokers append as leaders of one epoch",
    also_called: "OneLeaderPerEpoch, ElectionSafety",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "never",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    let seen = &ghost.replicas[change.index];
    // A restarted process shows its whole log as new; it has not appended it.
    if seen.role != Role::Leader || change.role_changed {
        return;
    }
    let Some(first) = seen.batches.get(change.kept) else { return };
    let (epoch, base) = (seen.leader_epoch, first.base_offset);
    match ghost.appenders.iter().rev().find(|(known, _)| *known == epoch) {
        None => ghost.appenders.push((epoch, change.node)),
        Some((_, node)) if *node == change.node => {}
        Some((_, other)) => {
            let (one, two) =
                (context.nodes.name(*other).to_owned(), context.nodes.name(change.node).to_owned());
            context.find(&INFO, ghost, base, || {
                vec![format!(
                    "{}: both {one} and {two} have appended as leader in epoch {epoch}.",
                    ghost.partition
                )]
            });
        }
    }
}
