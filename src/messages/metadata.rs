//! Metadata (API key 3): a client asks any broker who leads what and where brokers are.
//!
//! | field                       | since        | why                                                        |
//! |-----------------------------|--------------|------------------------------------------------------------|
//! | answer.offline_replicas     | 5 (KIP-112)  | replicas whose broker or disk is down                      |
//! | answer.leader_epoch         | 7 (KIP-320)  | lets a client tell old metadata from new                   |
//!
//! Left out: cluster id, authorized operations, automatic topic creation by this request.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Topic};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 2),
    (Release::new_0(11, 0, 0), 4),
    (Release::new(1, 0, 0), 5),
    (Release::new(2, 0, 0), 6),
    (Release::new(2, 1, 0), 7),
    (Release::new(2, 3, 0), 8),
    (Release::new(2, 4, 0), 9),
    (Release::new(2, 8, 0), 11),
    (Release::new(3, 1, 0), 12),
];

/// A metadata request.
#[derive(Clone, PartialEq, Debug)]
pub struct MetadataRequest {
    /// Which topics; `None` is all.
    pub topics: Option<Vec<Topic>>,
}

/// A metadata response.
#[derive(Clone, PartialEq, Debug)]
pub struct MetadataResponse {
    /// The live brokers and where they are.
    pub brokers: Vec<(BrokerId, NodeId)>,
    /// The controller, if known.
    pub controller: Option<BrokerId>,
    /// Topic by topic.
    pub topics: Vec<TopicMetadata>,
}

/// One topic.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicMetadata {
    /// Its name.
    pub topic: Topic,
    /// Its partitions, or why there are none.
    pub partitions: Result<Vec<PartitionMetadata>, KafkaError>,
}

/// One partition.
#[derive(Clone, PartialEq, Debug)]
pub struct PartitionMetadata {
    /// Its number.
    pub partition: i32,
    /// If there is no live leader (rule `leaderless-error`).
    pub error: Option<KafkaError>,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
    /// The leader's epoch (version 7 on).
    pub leader_epoch: Option<LeaderEpoch>,
    /// Assigned replicas.
    pub replicas: Vec<BrokerId>,
    /// In-sync replicas.
    pub isr: Vec<BrokerId>,
}

impl MetadataRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + self.topics.iter().flatten().map(|topic| 2 + topic.name().len() as u64).sum::<u64>()
    }
}

impl MetadataResponse {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> MetadataResponse {
        if version < 7 {
            for topic in &mut self.topics {
                topic.partitions.iter_mut().flatten().for_each(|partition| partition.leader_epoch = None);
            }
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let partition =
            |partition: &PartitionMetadata| 24 + 4 * (partition.replicas.len() + partition.isr.len()) as u64;
        let topic = |topic: &TopicMetadata| {
            12 + topic.topic.name().len() as u64
                + topic.partitions.iter().flatten().map(partition).sum::<u64>()
        };
        24 + 32 * self.brokers.len() as u64 + self.topics.iter().map(topic).sum::<u64>()
    }
}
