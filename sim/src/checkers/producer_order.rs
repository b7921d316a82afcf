//! `producer-order`: the records of one producer stand in a partition in the order in which they were sent.
//!
//! Seen through what the producer was told: of two acknowledged sends the earlier has the smaller offset.

use super::history::{Ghost, History, Log, find};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::{Delivery, SendId};
use kafka::era::Release;
use kafka::ids::{NodeId, Offset};
use kafka::log::partition_log::BatchInfo;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 21,
    name: "producer-order",
    claim: "acknowledged records of one producer stand in a partition in the order in which they were sent",
    broken: "acknowledged records stand in another order than they were sent",
    also_called: "PerProducerOrder, Jepsen's nonmonotonic-send",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "without idempotence, more than one request in flight and retries (unless a scenario puts it in force)",
};

pub(super) fn on_delivery(
    node: NodeId,
    delivery: &Delivery,
    history: &mut History,
    context: &mut Context<'_>,
) {
    let Delivery::Acked { send, partition, base_offset: Some(offset), .. } = delivery else { return };
    if !context.ledger.keeps_order(node) {
        return;
    }
    let ghost = history.ghost_mut(*partition);
    // Handles ascend over all producers, so that a new one belongs at the end or just before it.
    let place = ghost.sent.partition_point(|(_, known, _)| known < send);
    let same = |(producer, _, _): &(NodeId, SendId, Offset)| *producer == node;
    let before = (0..place).rev().filter_map(|index| ghost.sent.get(index).copied()).find(same);
    let after = ghost.sent.iter_from(place).copied().find(same);
    ghost.sent.insert(place, (node, *send, *offset));
    let ghost = &*ghost;
    for (neighbour, is_earlier) in [(before, true), (after, false)] {
        let Some((_, other, at)) = neighbour else { continue };
        let in_order = if is_earlier { at < *offset } else { at > *offset };
        // What a deposed leader acknowledged and lost stands in no log with what came later.
        if in_order || !stand_together(other, *send, ghost, context) {
            continue;
        }
        let (earlier, later) = if is_earlier { (other, *send) } else { (*send, other) };
        let name = |send| context.ledger.get(send).map_or("a record".into(), |entry| entry.name());
        let (earlier, later) = (name(earlier), name(later));
        let (producer, place) = (context.nodes.name(node).to_owned(), *partition);
        context.find(&INFO, ghost, *offset, || {
            vec![format!(
                "{place}: {producer} sent {earlier} before {later}; the log has them the other way round."
            )]
        });
    }
}

/// Whether what two sends became is in one and the same log.
fn stand_together(one: SendId, two: SendId, ghost: &Ghost, context: &Context<'_>) -> bool {
    let batch = |send| context.ledger.get(send).and_then(|entry| entry.batch);
    let (Some(one), Some(two)) = (batch(one), batch(two)) else { return false };
    let holds = |log: &Log, batch: &BatchInfo| find(log, batch.base_offset) == Some(batch);
    ghost.replicas.iter().any(|seen| holds(&seen.batches, &one) && holds(&seen.batches, &two))
}
