//! `no-silent-gap`: a consumer is given every committed record from its position on, or is told that it is not.
//!
//! 1. A poll begins where the one before ended, and its batches follow one upon the other. A consumer may go back, as one
//!    does that finds its log truncated (KIP-320), and reads again.
//! 2. The log under a consumer may have become another: committed records were lost, or it was given records by a leader
//!    that had been deposed, and others were committed at offsets it has passed. As soon as it is given a record of the
//!    new history it has skipped those it was not given (up to 2.2, where nobody compares epochs; KAFKA-7440). As long as
//!    it reads from the deposed leader it may still learn. So its reads are compared with the history whenever committed
//!    batches were lost, and whenever the leader epoch of what it is given is another than before.
//!
//! To be told is a reset (by `auto.offset.reset`, by itself after a truncation), an exception, or the application's own
//! `assign` and `seek`. What is below the leader's log start offset is nobody's any more.

use super::history::{Declared, Ghost, History, Read};
use super::shared_list::SharedList;
use super::{Context, Handed, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::{LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::log::partition_log::BatchInfo;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 19,
    name: "no-silent-gap",
    claim: "a consumer is given every committed record from its position on, or is told that it is not",
    broken: "a consumer skips a record and is not told",
    also_called: "NoSilentGap, Jepsen's poll-skip",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "KIP-320",
    excused: "resets and exceptions, seeks, records below the log start offset; a record in the place of one of the same epoch that power took, as was declared",
};

/// Where every consumer stands.
#[derive(Clone, Default, Debug)]
pub(super) struct NoSilentGap {
    readers: Arc<BTreeMap<(NodeId, TopicPartition), Reader>>,
}

/// One consumer in one partition, since it last was told where it is.
#[derive(Clone, Debug)]
struct Reader {
    /// Where it began.
    start: Offset,
    /// Where its last poll ended.
    position: Offset,
    /// What it was given, in order of offsets.
    reads: SharedList<Read>,
    /// Up to which loss ([`Ghost::rewrites`]) and leader epoch what it was given was compared with the history.
    compared: (u32, LeaderEpoch),
}

impl NoSilentGap {
    pub(super) fn on_handed(&mut self, node: NodeId, handed: &Handed) {
        match handed {
            Handed::Assignment => self.forget(node, None),
            Handed::Position(partition) => self.forget(node, Some(*partition)),
            Handed::Records { .. } | Handed::Deletion(..) | Handed::TopicDeletion(_) => {}
        }
    }

    /// The process has started or ended.
    pub(super) fn on_life(&mut self, node: NodeId) {
        self.forget(node, None);
    }

    fn forget(&mut self, node: NodeId, partition: Option<TopicPartition>) {
        let gone = |(by, of): &(NodeId, TopicPartition)| *by == node && partition.is_none_or(|it| it == *of);
        if self.readers.keys().any(gone) {
            Arc::make_mut(&mut self.readers).retain(|key, _| !gone(key));
        }
    }

    pub(super) fn on_delivery(
        &mut self,
        node: NodeId,
        delivery: &Delivery,
        history: &History,
        context: &mut Context<'_>,
    ) {
        match delivery {
            Delivery::Polled { partition, from, position, batches, .. } => {
                let Some(ghost) = history.get(*partition) else { return };
                let readers = Arc::make_mut(&mut self.readers);
                let reader = readers
                    .entry((node, *partition))
                    .or_insert_with(|| Reader::beginning_at(*from, ghost.rewrites));
                if let Some(gap) = reader.poll(*from, *position, batches, ghost) {
                    let client = context.nodes.name(node).to_owned();
                    report(&client, *from, gap, ghost, context);
                }
            }
            Delivery::PositionReset { partition, .. }
            | Delivery::LogTruncated { partition, .. }
            | Delivery::OffsetOutOfRange { partition, .. } => self.forget(node, Some(*partition)),
            _ => {}
        }
    }
}

impl Reader {
    fn beginning_at(offset: Offset, rewrites: u32) -> Reader {
        let compared = (rewrites, LeaderEpoch::NONE);
        Reader { start: offset, position: offset, reads: SharedList::default(), compared }
    }

    /// Takes in a poll. Returns the first offset that was skipped.
    fn poll(
        &mut self,
        from: Offset,
        position: Offset,
        batches: &[RecordBatch],
        ghost: &Ghost,
    ) -> Option<Offset> {
        if from < self.position {
            let kept = self.reads.partition_point(|read| read.last_offset < from);
            self.reads.truncate(kept);
            self.start = self.start.min(from);
        }
        let mut gap = (from > self.position).then_some(self.position);
        let mut next = from;
        for batch in batches {
            let header = &batch.header;
            let (base_offset, last_offset) = (header.base_offset, header.last_offset());
            if last_offset < from {
                continue;
            }
            if base_offset > next && gap.is_none() {
                gap = Some(next);
            }
            next = last_offset + 1;
            // Of a batch that it has the beginning of, it is given the rest.
            let known = self.reads.last().is_some_and(|last| last.last_offset >= base_offset);
            if !known {
                self.reads.push(Read { base_offset, last_offset, crc: header.crc });
            }
        }
        self.position = position;
        gap.filter(|gap| *gap >= ghost.deleted).or_else(|| self.skipped_of_new_history(from, batches, ghost))
    }

    /// The first committed batch before `from` that was not given, if this poll gave a committed one, of another leader
    /// than before or after a loss.
    fn skipped_of_new_history(
        &mut self,
        from: Offset,
        batches: &[RecordBatch],
        ghost: &Ghost,
    ) -> Option<Offset> {
        let epoch = batches.last()?.header.partition_leader_epoch;
        let now = (ghost.rewrites, epoch);
        if self.compared == now || !batches.iter().any(|batch| is_committed(batch, ghost)) {
            return None;
        }
        let lost = self.compared.0 != now.0;
        self.compared = now;
        let begin = self.start.max(ghost.deleted);
        let mut skipped = None;
        let behind = ghost.committed.partition_point(|old| old.batch.last_offset < from);
        // Logs that agree at one place agree before it; what was lost may still stand between what was not.
        let below = if lost { ghost.rewritten_from } else { Offset(i64::MAX) };
        for index in (0..behind).rev() {
            let batch = &ghost.committed.get(index).expect("below the end").batch;
            let given = self.was_given(batch);
            if batch.base_offset < begin || given && batch.base_offset < below {
                break;
            }
            if !given {
                skipped = Some(batch.base_offset);
            }
        }
        skipped
    }

    fn was_given(&self, batch: &BatchInfo) -> bool {
        let place = self.reads.partition_point(|read| read.base_offset < batch.base_offset);
        let read = self.reads.get(place);
        read.is_some_and(|read| (read.base_offset, read.crc) == (batch.base_offset, batch.crc))
    }
}

/// Whether a batch that was read is committed, as the history is now.
pub(super) fn is_committed(batch: &RecordBatch, ghost: &Ghost) -> bool {
    let header = &batch.header;
    ghost
        .committed_at(header.base_offset)
        .is_some_and(|old| (old.batch.crc, old.batch.epoch) == (header.crc, header.partition_leader_epoch))
}

/// Whether what stands there took the place of a record of the same epoch that power took, as was declared: nobody can
/// tell the two apart by offset and epoch.
fn is_again_in_its_epoch(gap: Offset, ghost: &Ghost) -> bool {
    let Some(now) = ghost.committed_at(gap).map(|committed| committed.batch) else { return false };
    let covers = |old: &BatchInfo| old.base_offset <= gap && gap <= old.last_offset && old.epoch == now.epoch;
    ghost.lost.iter().any(|(old, declared)| *declared == Some(Declared::PowerLoss) && covers(&old.batch))
}

fn report(client: &str, from: Offset, gap: Offset, ghost: &Ghost, context: &mut Context<'_>) {
    if is_again_in_its_epoch(gap, ghost) {
        return;
    }
    let partition = ghost.partition;
    let what = match ghost.committed_at(gap) {
        Some(committed) => {
            format!("{} (offset {gap})", context.ledger.name(partition, &committed.batch))
        }
        None => format!("what stood at offset {gap}"),
    };
    context.find(&INFO, ghost, gap, || {
        vec![format!(
            "{partition}: {client} is given records from offset {from} on; it never was given {what}, and nothing told it so."
        )]
    });
}
