//! `high-watermark-monotone`: while it leads in one epoch, a leader's high watermark never goes back.
//!
//! A *new* leader may begin with a lower one than its predecessor had: it learned it one fetch late. What it may not lack
//! are the records below it: that is `leader-completeness`. What clients see of it is `end-offset-monotone`.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 9,
    name: "high-watermark-monotone",
    claim: "while it leads in one epoch, a leader's high watermark never goes back",
    broken: "a leader's high watermark goes back",
    also_called: "TrueHwMonotone",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "never within one leadership",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    let seen = &ghost.replicas[change.index];
    let Some(before) = change.high_watermark_before else { return };
    if seen.role == Role::Leader && !change.role_changed && seen.high_watermark < before {
        let (now, epoch, name) =
            (seen.high_watermark, seen.leader_epoch, context.nodes.name(change.node).to_owned());
        context.find(&INFO, ghost, now, || {
            vec![format!(
                "{}: {name} leads in epoch {epoch}; its high watermark went from {before} to {now}.",
                ghost.partition
            )]
        });
    }
}
