//! `start-is-told`: a consumer that begins at the start of a log is not told a later one.
//!
//! Where no log of the partition has ever started, no start is. A consumer that begins at the end was told that just before.

use super::end_offset_monotone::EndOffsetMonotone;
use super::history::{Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::{NodeId, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 37,
    name: "start-is-told",
    claim: "a consumer that begins at the start of a log begins where some log starts, or before",
    broken: "a consumer that asks for the start is sent beyond it",
    also_called: "",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "a topic that was deleted and made anew",
};

pub(super) fn on_delivery(
    node: NodeId,
    delivery: &Delivery,
    ends: &EndOffsetMonotone,
    history: &History,
    context: &mut Context<'_>,
) {
    let Delivery::PositionReset { partition, from: None, to } = delivery else { return };
    let Some(ghost) = history.get(*partition).filter(|ghost| !ghost.is_made_anew) else { return };
    let start = latest_start(ghost);
    if *to <= start || ends.last(node, *partition) == Some(*to) {
        return;
    }
    let name = context.nodes.name(node).to_owned();
    context.find(&INFO, ghost, *to, || {
        vec![format!("{partition}: {name} begins at offset {to}; no log of it starts beyond {start}.")]
    });
}

/// The highest offset at which a log of the partition has started.
pub(super) fn latest_start(ghost: &Ghost) -> Offset {
    let starts = ghost.replicas.iter().map(|seen| seen.start);
    starts.max().unwrap_or(Offset::ZERO).max(ghost.deleted)
}
