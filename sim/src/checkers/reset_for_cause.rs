//! `reset-for-cause`: a consumer that stands where its leader's log goes on is not sent elsewhere.
//!
//! A consumer is reset, or told that its position is none, because the leader that it asks does not have the position
//! (too low, too high), or has another history there than the one that was read. So since it was last given records some
//! leader must not have held the last batch that it read, and its position. What was never read, because the application
//! said where to begin, is the application's.

use super::history::{Change, Ghost, History, Seen, find};
use super::{Context, Handed, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::{NodeId, Offset, TopicPartition};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 34,
    name: "reset-for-cause",
    claim: "a consumer is reset only if some leader's log did not go on from what it has read",
    broken: "a consumer is reset for nothing",
    also_called: "",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "where the application has sent it; partitions of which records were deleted",
};

/// Where every consumer stands that was given something.
#[derive(Clone, Default, Debug)]
pub(super) struct ResetForCause {
    readers: Arc<BTreeMap<(NodeId, TopicPartition), Reader>>,
}

/// One consumer in one partition.
#[derive(Copy, Clone, Debug)]
pub(super) struct Reader {
    /// Where it stands.
    pub position: Offset,
    /// The last batch that it was given: its first offset and its CRC.
    pub last: (Offset, u32),
    /// Whether some leader has not gone on from there since.
    pub has_cause: bool,
}

impl ResetForCause {
    pub(super) fn on_handed(&mut self, node: NodeId, handed: &Handed) {
        match handed {
            Handed::Assignment => self.on_life(node),
            Handed::Position(partition) => self.forget(node, *partition),
            Handed::Records { .. } | Handed::Deletion(..) | Handed::TopicDeletion(_) => {}
        }
    }

    /// The process has started or ended.
    pub(super) fn on_life(&mut self, node: NodeId) {
        if self.readers.keys().any(|(by, _)| *by == node) {
            Arc::make_mut(&mut self.readers).retain(|(by, _), _| *by != node);
        }
    }

    fn forget(&mut self, node: NodeId, partition: TopicPartition) {
        if self.readers.contains_key(&(node, partition)) {
            Arc::make_mut(&mut self.readers).remove(&(node, partition));
        }
    }

    /// A replica may lead that has not before, or has another log.
    pub(super) fn on_change(&mut self, change: &Change, ghost: &Ghost) {
        let moved = change.role_changed || change.cut || change.start_rose;
        if !moved || self.readers.is_empty() {
            return;
        }
        let seen = &ghost.replicas[change.index];
        if !may_answer(seen, ghost) {
            return;
        }
        let of_this = |reader: &((NodeId, TopicPartition), Reader)| reader.0.1 == ghost.partition;
        let all = self.readers.iter().map(|(key, reader)| (*key, *reader));
        let left: Vec<_> =
            all.filter(of_this).filter(|(_, reader)| !reader.has_cause && !goes_on(seen, reader)).collect();
        for (key, reader) in left {
            Arc::make_mut(&mut self.readers).insert(key, Reader { has_cause: true, ..reader });
        }
    }

    pub(super) fn on_delivery(
        &mut self,
        node: NodeId,
        delivery: &Delivery,
        history: &History,
        context: &mut Context<'_>,
    ) {
        let (partition, from) = match delivery {
            Delivery::Polled { partition, position, batches, .. } => {
                let Some(last) = batches.last() else { return };
                let Some(ghost) = history.get(*partition) else { return };
                let last = (last.header.base_offset, last.header.crc);
                let reader = Reader { position: *position, last, has_cause: false };
                let reader = Reader { has_cause: has_cause(&reader, ghost), ..reader };
                Arc::make_mut(&mut self.readers).insert((node, *partition), reader);
                return;
            }
            Delivery::PositionReset { partition, from: Some(from), .. } => (*partition, *from),
            Delivery::OffsetOutOfRange { partition, position } => (*partition, *position),
            Delivery::LogTruncated { partition, .. } => return self.forget(node, *partition),
            _ => return,
        };
        let reader = self.readers.get(&(node, partition)).copied();
        self.forget(node, partition);
        let (Some(reader), Some(ghost)) = (reader, history.get(partition)) else { return };
        if is_broken(&reader, from) {
            let name = context.nodes.name(node).to_owned();
            context.find(&INFO, ghost, from, || {
                vec![format!(
                    "{partition}: {name} is sent away from offset {from}, and every leader since it got there goes on from it."
                )]
            });
        }
    }
}

/// Whether who stands there is sent away for nothing.
pub(super) fn is_broken(reader: &Reader, from: Offset) -> bool {
    reader.position == from && !reader.has_cause
}

/// Whether some leader does not go on from where a consumer stands.
pub(super) fn has_cause(reader: &Reader, ghost: &Ghost) -> bool {
    ghost.replicas.iter().any(|seen| may_answer(seen, ghost) && !goes_on(seen, reader))
}

/// Whether a consumer may take this replica for the leader.
fn may_answer(seen: &Seen, ghost: &Ghost) -> bool {
    seen.alive
        && (seen.role == Role::Leader || ghost.appenders.iter().any(|(_, appender)| *appender == seen.node))
}

/// Whether a log holds what was read last, and the position behind it.
fn goes_on(seen: &Seen, reader: &Reader) -> bool {
    let (offset, crc) = reader.last;
    reader.position <= seen.end
        && seen.start <= offset
        && find(&seen.batches, offset).is_some_and(|batch| batch.crc == crc)
}
