//! Produce (API key 0): a producer appends batches to partitions that the receiver leads.
//!
//! | field                      | since         | why                                                        |
//! |----------------------------|---------------|------------------------------------------------------------|
//! | acks                       | 0             | 0, 1, or -1 (all)                                          |
//! | timeout                    | 0             | how long the broker may wait for the ISR                   |
//! | answer.log_append_time     | 2             | with `LogAppendTime`                                       |
//! | answer.log_start_offset    | 5 (KIP-107)   | lets an idempotent producer tell deletion from loss        |
//!
//! The records of a partition come in message format v1 up to version 2, and in v2 from version 3 on.
//!
//! Left out: transactional id (later), record errors of version 8 (KIP-467), throttle time (no quotas).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{Offset, TopicPartition};
use crate::log::batch::RecordSet;
use crate::time::{Micros, Timestamp};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 2),
    (Release::new_0(11, 0, 0), 3),
    (Release::new(1, 0, 0), 5),
    (Release::new(2, 0, 0), 6),
    (Release::new(2, 1, 0), 7),
    (Release::new(2, 4, 0), 8),
    (Release::new(2, 8, 0), 9),
    (Release::new(3, 7, 0), 10),
    (Release::new(3, 8, 0), 11),
];

/// The first version that carries message format v2.
pub const CARRIES_V2: i16 = 3;

/// `acks`: how many replicas must have a record before the producer is told.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Acks {
    /// `0`: nobody, and no response.
    None,
    /// `1`: the leader.
    Leader,
    /// `all` or `-1`: every member of the ISR.
    All,
}

/// A produce request.
#[derive(Clone, PartialEq, Debug)]
pub struct ProduceRequest {
    /// Required acknowledgement.
    pub acks: Acks,
    /// How long the broker may wait for it: the producer's `request.timeout.ms`.
    pub timeout: Micros,
    /// One batch per partition (Kafka allows one each, too), or one message set.
    pub partitions: Vec<(TopicPartition, RecordSet)>,
}

/// A produce response, partition by partition in the order of the request.
#[derive(Clone, PartialEq, Debug)]
pub struct ProduceResponse {
    /// Outcomes.
    pub partitions: Vec<ProduceOutcome>,
}

/// What became of one batch.
#[derive(Clone, PartialEq, Debug)]
pub struct ProduceOutcome {
    /// Which partition.
    pub partition: TopicPartition,
    /// The offset of its first record, or why not.
    pub result: Result<Offset, KafkaError>,
    /// The append time, if the topic stamps it.
    pub log_append_time: Option<Timestamp>,
    /// Where the log starts (version 5 on).
    pub log_start_offset: Option<Offset>,
}

impl ProduceRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        40 + self.partitions.iter().map(|(_, records)| 32 + records.size()).sum::<u64>()
    }
}

impl ProduceResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 48 * self.partitions.len() as u64
    }
}
