//! `producer-order`: the records of one producer stand in a partition in the order in which they were sent.
//!
//! Seen through what the producer was told: of two acknowledged sends the earlier has the smaller offset.

use super::history::History;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::NodeId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    name: "producer-order",
    claim: "acknowledged records of one producer stand in a partition in the order in which they were sent",
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
    // In-flight sends are few: what is remembered per producer is the largest offset of the newest sends told so far.
    let known = ghost.sent.iter().position(|(producer, _, _)| *producer == node);
    let Some(known) = known else {
        ghost.sent.push((node, *send, *offset));
        return;
    };
    let (_, newest, newest_offset) = ghost.sent[known];
    if *send > newest {
        ghost.sent[known] = (node, *send, *offset);
    }
    if (*send > newest) == (*offset > newest_offset) || *offset == newest_offset {
        return;
    }
    let name = |send| context.ledger.get(send).map_or("a record".into(), |entry| entry.name.clone());
    let (earlier, later) =
        if *send < newest { (name(*send), name(newest)) } else { (name(newest), name(*send)) };
    let (producer, place) = (context.nodes.name(node).to_owned(), *partition);
    context.find(&INFO, ghost, *offset, || {
        vec![format!(
            "{place}: {producer} sent {earlier} before {later}; the log has them the other way round."
        )]
    });
}
