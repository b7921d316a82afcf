//! `ripe-produce`: who waits for the high watermark is answered when it has passed.
//!
//! A produce with `acks=all` is parked until every batch of it is committed. Whoever raises the high watermark, or changes
//! the ISR, looks at what waits for that; if he forgets to, the producer learns it by the time-out, and sends again what
//! is written long since.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 35,
    name: "ripe-produce",
    claim: "a produce that waits for the high watermark is answered when it has passed every batch",
    broken: "a producer waits for what has happened",
    also_called: "",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "never",
};

pub(super) fn on_change(change: &Change, ghost: &Ghost, context: &mut Context<'_>) {
    let seen = &ghost.replicas[change.index];
    if seen.role != Role::Leader {
        return;
    }
    let broker = context.nodes.broker(change.node);
    if !broker.is_some_and(|broker| broker.has_ripe_produce(ghost.partition)) {
        return;
    }
    let name = context.nodes.name(change.node).to_owned();
    let reached = seen.high_watermark;
    context.find(&INFO, ghost, reached, || {
        vec![format!(
            "{}: a producer waits at {name} for a high watermark that is passed: it is {reached}.",
            ghost.partition
        )]
    });
}
