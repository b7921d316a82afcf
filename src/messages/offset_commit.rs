//! OffsetCommit (API key 8): up to where a group has read.
//!
//! A member says its generation, so that one which has lost its partitions cannot move what is another's by now. Who is
//! no member, but was told its partitions, says generation -1 and no id. Answered when the commit stands in
//! `__consumer_offsets` on all in sync.
//!
//! | field         | since                  | why                                                              |
//! |---------------|------------------------|------------------------------------------------------------------|
//! | retention     | 2 to 4 (ended by KIP-211) | how long the commit is kept; the broker's word if not said     |
//! | leader_epoch  | 6 (KIP-320)            | the epoch of the last record read                                |
//! | instance      | 7 (KIP-345)            |                                                                  |

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::time::Micros;
use std::sync::Arc;

/// First release and newest version, ascending. Version 9 stands in 3.6 already, but is not offered.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 2),
    (Release::new_0(11, 0, 0), 3),
    (Release::new(2, 0, 0), 4),
    (Release::new(2, 1, 0), 6),
    (Release::new(2, 3, 0), 7),
    (Release::new(2, 4, 0), 8),
    (Release::new(3, 7, 0), 9),
];

/// An OffsetCommit request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// The generation that the member is in, or -1.
    pub generation: i32,
    /// The member, or nothing.
    pub member: Arc<str>,
    /// `group.instance.id` (version 7 on).
    pub instance: Option<Arc<str>>,
    /// How long to keep it (up to version 4; Kafka's consumer never says).
    pub retention: Option<Micros>,
    /// Partition by partition.
    pub partitions: Vec<OffsetCommitPartition>,
}

/// What is committed in one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitPartition {
    /// Which.
    pub partition: TopicPartition,
    /// The next offset to read.
    pub offset: Offset,
    /// The epoch of the record before it (version 6 on).
    pub leader_epoch: Option<LeaderEpoch>,
    /// What the application says of it.
    pub metadata: Arc<str>,
}

/// An OffsetCommit response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommitResponse {
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Option<KafkaError>)>,
}

impl OffsetCommitRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> OffsetCommitRequest {
        if version >= 5 {
            self.retention = None;
        }
        if version < 6 {
            self.partitions.iter_mut().for_each(|partition| partition.leader_epoch = None);
        }
        if version < 7 {
            self.instance = None;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let partitions = self.partitions.iter().map(|partition| 28 + partition.metadata.len());
        (36 + self.group.len() + self.member.len() + partitions.sum::<usize>()) as u64
    }
}

impl OffsetCommitResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 16 * self.partitions.len() as u64
    }
}
