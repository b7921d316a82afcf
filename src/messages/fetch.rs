//! Fetch (API key 1): a follower or a consumer reads from the leader (a consumer, since KIP-392, perhaps from a
//! follower).
//!
//! | field                      | since         | why                                                        |
//! |----------------------------|---------------|------------------------------------------------------------|
//! | replica_id                 | 0             | a follower's broker id; -1 for a consumer                  |
//! | max_bytes                  | 3 (KIP-74)    | bounds the whole response                                  |
//! | records in format v2       | 4 (KIP-98)    | v1 up to version 3: converted, if the log has v2           |
//! | log_start_offset           | 5 (KIP-107)   | the follower's; the leader's in the answer                 |
//! | current_leader_epoch       | 9 (KIP-320)   | fences asker and asked if they disagree on who leads       |
//! | last_fetched_epoch         | 12 (KIP-595)  | of the record below the fetch offset: finds divergence     |
//! | answer.diverging_epoch     | 12 (KIP-595)  | where the asker's log leaves the leader's                  |
//! | rack_id                    | 11 (KIP-392)  | lets the leader name a nearer replica                      |
//! | answer.preferred_replica   | 11 (KIP-392)  | that replica                                               |
//!
//! Left out: fetch sessions (KIP-227; the request is always full), isolation level and aborted transactions (later),
//! topic ids (KIP-516), broker epoch (KIP-903; KRaft).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use crate::log::batch::RecordBatch;
use crate::time::Micros;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 3),
    (Release::new_0(11, 0, 0), 5),
    (Release::new(1, 0, 0), 6),
    (Release::new(1, 1, 0), 7),
    (Release::new(2, 0, 0), 8),
    (Release::new(2, 1, 0), 10),
    (Release::new(2, 3, 0), 11),
    (Release::new(2, 7, 0), 12),
    (Release::new(3, 1, 0), 13),
    (Release::new(3, 5, 0), 15),
    (Release::new(3, 7, 0), 16),
    (Release::new(3, 9, 0), 17),
];

/// The first version whose answers carry message format v2.
pub const CARRIES_V2: i16 = 4;

/// A fetch request.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchRequest {
    /// The follower that asks, or [`BrokerId::NONE`] for a consumer.
    pub replica: BrokerId,
    /// How long the broker may wait for `min_bytes`.
    pub max_wait: Micros,
    /// How much is worth answering.
    pub min_bytes: u32,
    /// Bound on the whole response; the first batch is returned whole in any case.
    pub max_bytes: u32,
    /// Where a consumer stands (`client.rack`).
    pub rack: Option<Arc<str>>,
    /// What is read, in this order.
    pub partitions: Vec<FetchPartition>,
}

/// One partition of a fetch request.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchPartition {
    /// Which partition.
    pub partition: TopicPartition,
    /// From where: for a follower its log end offset.
    pub fetch_offset: Offset,
    /// The follower's log start offset.
    pub log_start_offset: Option<Offset>,
    /// Bound on this partition's bytes.
    pub max_bytes: u32,
    /// The leader epoch the asker believes in.
    pub current_leader_epoch: Option<LeaderEpoch>,
    /// The epoch of the asker's last record.
    pub last_fetched_epoch: Option<LeaderEpoch>,
}

/// A fetch response.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchResponse {
    /// Partition by partition, in the order of the request.
    pub partitions: Vec<FetchedPartition>,
}

/// What was read of one partition.
#[derive(Clone, PartialEq, Debug)]
pub struct FetchedPartition {
    /// Which partition.
    pub partition: TopicPartition,
    /// Why nothing was read.
    pub error: Option<KafkaError>,
    /// The leader's high watermark; [`Offset::NONE`] with an error.
    pub high_watermark: Offset,
    /// The leader's log start offset.
    pub log_start_offset: Option<Offset>,
    /// Set instead of records if the asker's log has left the leader's.
    pub diverging_epoch: Option<DivergingEpoch>,
    /// A nearer replica to read from; no records then.
    pub preferred_replica: Option<BrokerId>,
    /// Whole batches; the first may begin below the fetch offset.
    pub records: Vec<RecordBatch>,
}

/// The largest epoch not above the asker's that the leader knows, and where it ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct DivergingEpoch {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Its end offset in the leader's log.
    pub end_offset: Offset,
}

impl FetchRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> FetchRequest {
        if version < 11 {
            self.rack = None;
        }
        for partition in &mut self.partitions {
            if version < 5 {
                partition.log_start_offset = None;
            }
            if version < 9 {
                partition.current_leader_epoch = None;
            }
            if version < 12 {
                partition.last_fetched_epoch = None;
            }
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        48 + 48 * self.partitions.len() as u64
    }
}

impl FetchResponse {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> FetchResponse {
        for partition in &mut self.partitions {
            if version < 5 {
                partition.log_start_offset = None;
            }
            if version < 11 {
                partition.preferred_replica = None;
            }
            if version < 12 {
                partition.diverging_epoch = None;
            }
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let records = |fetched: &FetchedPartition| fetched.records.iter().map(RecordBatch::size).sum::<u64>();
        24 + self.partitions.iter().map(|fetched| 48 + records(fetched)).sum::<u64>()
    }
}
