//! `offset-unique`: whoever reads an offset is given the same record.

use super::history::{Ghost, History, Read, find};
use super::ledger::Outcome;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::{Delivery, SendId};
use kafka::era::Release;
use kafka::ids::{BrokerId, NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 20,
    name: "offset-unique",
    claim: "whoever reads an offset of a partition is given the same record",
    broken: "two readers of one offset get two records",
    also_called: "OffsetUnique, Jepsen's inconsistent-offsets",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses; what an operator has ordered to be deleted",
};

pub(super) fn on_delivery(
    node: NodeId,
    delivery: &Delivery,
    history: &mut History,
    context: &mut Context<'_>,
) {
    if let Delivery::Acked { send, partition, base_offset: Some(offset), broker } = delivery {
        return acked_twice(*send, *partition, (*offset, *broker), history, context);
    }
    let Delivery::Polled { partition, from, batches, .. } = delivery else { return };
    let ghost = history.ghost_mut(*partition);
    for batch in batches.iter().filter(|batch| batch.header.last_offset() >= *from) {
        let header = &batch.header;
        let read =
            Read { base_offset: header.base_offset, last_offset: header.last_offset(), crc: header.crc };
        let place = ghost.reads.partition_point(|old| old.last_offset < read.base_offset);
        match ghost.reads.get(place) {
            Some(old) if *old == read => continue,
            Some(old) if old.base_offset <= read.last_offset => {
                let old = *old;
                let mut after = ghost.reads.split_off(place);
                after.retain(|old| old.base_offset > read.last_offset);
                ghost.reads.push(read);
                ghost.reads.extend(after);
                report(node, old, read, ghost, context);
            }
            _ => ghost.reads.insert(place, read),
        }
    }
}

/// Two sends are told of one batch that it is theirs.
fn acked_twice(
    send: SendId,
    partition: TopicPartition,
    (offset, broker): (Offset, BrokerId),
    history: &History,
    context: &mut Context<'_>,
) {
    let Some(ghost) = history.get(partition) else { return };
    let Some(log) = ghost.replica_of(broker).map(|seen| &seen.batches) else { return };
    let Some(batch) = find(log, offset).copied() else { return };
    let other = context.ledger.send_of(partition, &batch).filter(|other| other.id != send);
    let Some(other) =
        other.filter(|other| matches!(other.outcome, Outcome::Acked(_, Some(at)) if at == offset))
    else {
        return;
    };
    let (one, two) = (other.name(), context.ledger.get(send).map(|entry| entry.name()));
    context.find(&INFO, ghost, offset, || {
        let two = two.map_or_else(String::new, |two| two.to_string());
        vec![format!("{partition}: the producers of {one} and of {two} were both told that theirs is at offset {offset}.")]
    });
}

fn report(node: NodeId, old: Read, read: Read, ghost: &Ghost, context: &mut Context<'_>) {
    // What was read first may have been lost by declaration: then the offset was free again.
    let offset = read.base_offset;
    let overlaps = |old: &BatchInfo| old.base_offset <= read.last_offset && old.last_offset >= offset;
    let declared = ghost.lost.iter().any(|(old, declared)| declared.is_some() && overlaps(&old.batch));
    // Or it never was part of the history: a leader that an unclean election had deposed gave it away.
    let is_old = |batch: &BatchInfo| batch.base_offset == old.base_offset && batch.crc == old.crc;
    let was_committed = ghost.committed_at(old.base_offset).is_some_and(|one| is_old(&one.batch))
        || ghost.lost.iter().any(|(one, _)| is_old(&one.batch));
    let deposed = ghost.unclean.is_some() && !was_committed;
    // What was deleted may come back with a crash, or not: its offset is free then.
    let deleted = old.last_offset < ghost.deleted;
    if declared || deposed || deleted || ghost.declared_at(offset).is_some() {
        return;
    }
    let (client, partition) = (context.nodes.name(node).to_owned(), ghost.partition);
    context.find(&INFO, ghost, offset, || {
        vec![format!(
            "{partition}: {client} was given another record at offset {offset} than a reader before."
        )]
    });
}
