//! OffsetFetch (API key 9): up to where has a group committed?
//!
//! A member asks when it is given partitions. A partition that nobody committed is answered with offset -1.
//!
//! | field          | since       | why                                                                    |
//! |----------------|-------------|------------------------------------------------------------------------|
//! | answer.error   | 2           | the whole is refused; before, each partition is                        |
//! | leader_epoch   | 5 (KIP-320) | the epoch of the record before                                         |
//! | require_stable | 7 (KIP-447) | wait for open transactions: UNSTABLE_OFFSET_COMMIT                     |
//!
//! Version 8 (KIP-709) asks for several groups at once; 9 (KIP-848) names the member. Left out: both.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 2),
    (Release::new_0(11, 0, 0), 3),
    (Release::new(2, 0, 0), 4),
    (Release::new(2, 1, 0), 5),
    (Release::new(2, 4, 0), 6),
    (Release::new(2, 5, 0), 7),
    (Release::new(3, 0, 0), 8),
    (Release::new(3, 7, 0), 9),
];

/// An OffsetFetch request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetFetchRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// Which partitions; all that the group has committed if none.
    pub partitions: Option<Vec<TopicPartition>>,
    /// Whether an offset that an open transaction may move is to be refused (version 7 on).
    pub require_stable: bool,
}

/// An OffsetFetch response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetFetchResponse {
    /// Refused as a whole.
    pub error: Option<KafkaError>,
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Result<CommittedOffset, KafkaError>)>,
}

/// What is committed in one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    /// The next offset to read, or [`Offset::NONE`].
    pub offset: Offset,
    /// The epoch of the record before it (version 5 on).
    pub leader_epoch: Option<LeaderEpoch>,
    /// What the application said of it.
    pub metadata: Arc<str>,
}

impl OffsetFetchRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> OffsetFetchRequest {
        if version < 7 {
            self.require_stable = false;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        20 + self.group.len() as u64 + 16 * self.partitions.as_ref().map_or(0, Vec::len) as u64
    }
}

impl OffsetFetchResponse {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> OffsetFetchResponse {
        if version < 5 {
            for committed in self.partitions.iter_mut().filter_map(|(_, committed)| committed.as_mut().ok()) {
                committed.leader_epoch = None;
            }
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 32 * self.partitions.len() as u64
    }
}
