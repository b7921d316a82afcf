//! OffsetsForLeaderEpoch (API key 23): "where did epoch e end, in your log?"
//!
//! A follower asks its leader before it truncates (KIP-101); a consumer asks after a leader change (KIP-320).
//!
//! | field                  | since           | why                                                        |
//! |------------------------|-----------------|------------------------------------------------------------|
//! | leader_epoch           | 0 (KIP-101)     | the epoch asked about                                      |
//! | current_leader_epoch   | 2 (KIP-320)     | fences asker and asked if they disagree on who leads       |
//! | answer.leader_epoch    | 1 (KIP-279)     | which epoch `end_offset` belongs to; the asker may lack it |

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(11, 0, 0), 0),
    (Release::new(2, 0, 0), 1),
    (Release::new(2, 1, 0), 2),
    (Release::new(2, 3, 0), 3),
    (Release::new(2, 8, 0), 4),
];

/// An OffsetsForLeaderEpoch request.
#[derive(Clone, PartialEq, Debug)]
pub struct OffsetsForLeaderEpochRequest {
    /// The follower that asks, or [`BrokerId::NONE`] for a consumer.
    pub replica: BrokerId,
    /// The questions.
    pub partitions: Vec<EpochQuestion>,
}

/// One question.
#[derive(Clone, PartialEq, Debug)]
pub struct EpochQuestion {
    /// Which partition.
    pub partition: TopicPartition,
    /// The leader epoch the asker believes in.
    pub current_leader_epoch: Option<LeaderEpoch>,
    /// The epoch asked about.
    pub leader_epoch: LeaderEpoch,
}

/// An OffsetsForLeaderEpoch response.
#[derive(Clone, PartialEq, Debug)]
pub struct OffsetsForLeaderEpochResponse {
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Result<EpochEndOffset, KafkaError>)>,
}

/// Where an epoch ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct EpochEndOffset {
    /// The largest epoch not above the one asked about (version 1 on); `Some(-1)` if there is none.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Its end offset, or [`Offset::NONE`] if the leader cannot say.
    pub end_offset: Offset,
}

impl OffsetsForLeaderEpochRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> OffsetsForLeaderEpochRequest {
        if version < 2 {
            self.partitions.iter_mut().for_each(|question| question.current_leader_epoch = None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 32 * self.partitions.len() as u64
    }
}

impl OffsetsForLeaderEpochResponse {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> OffsetsForLeaderEpochResponse {
        if version < 1 {
            self.partitions.iter_mut().flat_map(|(_, answer)| answer).for_each(|end| end.leader_epoch = None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 32 * self.partitions.len() as u64
    }
}
