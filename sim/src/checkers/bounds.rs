//! `bounds`: 0 <= log start offset <= high watermark <= log end offset, and recovery point <= log end offset.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::{ReplicaView, Role};
use kafka::era::Release;
use kafka::ids::Offset;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 8,
    name: "bounds",
    claim: "0 <= log start <= high watermark <= log end, and recovery point <= log end, on every replica",
    broken: "log start, high watermark and log end are out of order",
    also_called: "TypeOk",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "never: a replica whose controller has not spoken since it started is not looked at",
};

pub(super) fn on_change(
    change: &Change,
    view: &ReplicaView<'_>,
    ghost: &mut Ghost,
    context: &mut Context<'_>,
) {
    let Some(problem) = problem(view) else { return };
    let (offset, name) =
        (ghost.replicas[change.index].high_watermark, context.nodes.name(change.node).to_owned());
    context.find(&INFO, ghost, offset, || vec![format!("{}, {name}: {problem}.", ghost.partition)]);
}

/// What is out of bounds in a replica, if anything.
pub(super) fn problem(view: &ReplicaView<'_>) -> Option<String> {
    let (start, end) = (view.log.start_offset(), view.log.end_offset());
    let high_watermark = view.high_watermark;
    let recovery_point = view.log.recovery_point();
    // Before the controller speaks the high watermark is what the checkpoint said, and the log may be shorter.
    let idle = view.role == Role::Idle;
    if start < Offset::ZERO || start > end {
        Some(format!("log start {start}, log end {end}"))
    } else if !idle && (high_watermark < start || high_watermark > end) {
        Some(format!("log start {start}, high watermark {high_watermark}, log end {end}"))
    } else if recovery_point > end {
        Some(format!("recovery point {recovery_point} is beyond the log end {end}"))
    } else {
        None
    }
}
