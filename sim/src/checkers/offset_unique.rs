//! `offset-unique`: whoever reads an offset is given the same record.

use super::history::{Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::NodeId;
use kafka::log::batch::RecordBatch;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    name: "offset-unique",
    claim: "whoever reads an offset of a partition is given the same record",
    also_called: "OffsetUnique, Jepsen's inconsistent-offsets",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses",
};

pub(super) fn on_delivery(
    node: NodeId,
    delivery: &Delivery,
    history: &mut History,
    context: &mut Context<'_>,
) {
    let Delivery::Polled { partition, from, batches, .. } = delivery else { return };
    let ghost = history.ghost_mut(*partition);
    for batch in batches.iter().filter(|batch| batch.header.last_offset() >= *from) {
        let (offset, crc) = (batch.header.base_offset, batch.header.crc);
        let at = ghost.reads.partition_point(|(read, _)| *read < offset);
        match ghost.reads.get(at).copied().filter(|(read, _)| *read == offset) {
            None => ghost.reads.insert(at, (offset, crc)),
            Some((_, first)) if first == crc => {}
            Some(_) => {
                ghost.reads[at] = (offset, crc);
                report(node, batch, ghost, context);
            }
        }
    }
}

fn report(node: NodeId, batch: &RecordBatch, ghost: &Ghost, context: &mut Context<'_>) {
    // What was read first may have been lost by declaration: then the offset was free again.
    let offset = batch.header.base_offset;
    let declared =
        ghost.lost.iter().any(|(old, declared)| declared.is_some() && old.batch.base_offset == offset);
    if declared || ghost.declared().is_some() {
        return;
    }
    let (client, partition) = (context.nodes.name(node).to_owned(), ghost.partition);
    context.find(&INFO, ghost, offset, || {
        vec![format!(
            "{partition}: {client} was given another record at offset {offset} than a reader before."
        )]
    });
}
