//! ListOffsets (API key 2): where does a partition begin, end, or reach a timestamp?
//!
//! A consumer asks the leader when it has no position (`auto.offset.reset`). A follower asks its leader (`replica` set)
//! after OFFSET_OUT_OF_RANGE; a follower is told the log end offset, a consumer the high watermark.
//!
//! | field                  | since        | why                                                             |
//! |------------------------|--------------|-----------------------------------------------------------------|
//! | current_leader_epoch   | 4 (KIP-320)  | fences asker and asked                                          |
//! | answer.leader_epoch    | 4 (KIP-320)  | the epoch of the offset found                                   |
//!
//! Version 5 may answer OFFSET_NOT_AVAILABLE (KIP-207). Left out: isolation level, versions 6 and up.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use crate::time::Timestamp;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 1),
    (Release::new_0(11, 0, 0), 2),
    (Release::new(2, 0, 0), 3),
    (Release::new(2, 1, 0), 4),
    (Release::new(2, 2, 0), 5),
    (Release::new(2, 8, 0), 6),
    (Release::new(3, 0, 0), 7),
    (Release::new(3, 5, 0), 8),
    (Release::new(3, 9, 0), 9),
];

/// What is looked for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OffsetQuery {
    /// -2: the log start offset.
    Earliest,
    /// -1: the end.
    Latest,
    /// The first offset whose timestamp is at or after this.
    AtOrAfter(Timestamp),
}

/// A ListOffsets request.
#[derive(Clone, PartialEq, Debug)]
pub struct ListOffsetsRequest {
    /// The follower that asks, or [`BrokerId::NONE`] for a consumer.
    pub replica: BrokerId,
    /// Partition, query, and the leader epoch the asker believes in.
    pub partitions: Vec<(TopicPartition, OffsetQuery, Option<LeaderEpoch>)>,
}

/// A ListOffsets response.
#[derive(Clone, PartialEq, Debug)]
pub struct ListOffsetsResponse {
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Result<ListedOffset, KafkaError>)>,
}

/// An offset that was found.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ListedOffset {
    /// The offset, or [`Offset::NONE`] if no record is that new.
    pub offset: Offset,
    /// Its timestamp, or -1.
    pub timestamp: Timestamp,
    /// Its leader epoch (version 4 on).
    pub leader_epoch: Option<LeaderEpoch>,
}

impl ListOffsetsRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> ListOffsetsRequest {
        if version < 4 {
            self.partitions.iter_mut().for_each(|(_, _, epoch)| *epoch = None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 32 * self.partitions.len() as u64
    }
}

impl ListOffsetsResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 40 * self.partitions.len() as u64
    }
}
