//! `start-as-ordered`: no log starts beyond what an operator had deleted.
//!
//! Logs start higher than at their first record only because somebody has asked for it (DeleteRecords), or because they
//! follow who was asked. (Retention by time and size is left out.)

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 36,
    name: "start-as-ordered",
    claim: "no log starts beyond what an operator has ordered to be deleted",
    broken: "a log starts beyond what was to be deleted",
    also_called: "",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "KIP-107",
    excused: "while a machine that lost something is not whole again; a topic that was deleted and made anew",
};

pub(super) fn on_change(change: &Change, ghost: &Ghost, context: &mut Context<'_>) {
    if !change.start_rose || !is_broken(ghost, change.index) {
        return;
    }
    let (start, ordered) = (ghost.replicas[change.index].start, ghost.ordered);
    let name = context.nodes.name(change.node).to_owned();
    context.find(&INFO, ghost, start, || {
        vec![format!(
            "{}: the log of {name} starts at offset {start}; what was to be deleted ends at {ordered}.",
            ghost.partition
        )]
    });
}

/// Whether a replica's log starts too high, and nothing excuses it.
pub(super) fn is_broken(ghost: &Ghost, index: usize) -> bool {
    let excused = !ghost.lossy.is_empty() || !ghost.damaged.is_empty() || ghost.is_made_anew;
    ghost.replicas[index].start > ghost.ordered && !excused
}
