//! StopReplica (API key 5): the controller tells a broker to stop a replica, and perhaps to delete it.
//!
//! | field              | since          | why                                                                |
//! |--------------------|----------------|--------------------------------------------------------------------|
//! | broker_epoch       | 1 (KIP-380)    | a message for an earlier life of the broker is refused             |
//! | leader_epoch       | 3 (KIP-570)    | a message older than the replica's current epoch is refused        |

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, TopicPartition};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new(2, 2, 0), 1),
    (Release::new(2, 4, 0), 2),
    (Release::new(2, 6, 0), 3),
    (Release::new(3, 4, 0), 4),
];

/// A StopReplica request.
#[derive(Clone, PartialEq, Debug)]
pub struct StopReplicaRequest {
    /// The sender.
    pub controller: BrokerId,
    /// The sender's epoch.
    pub controller_epoch: ControllerEpoch,
    /// The life of the receiver that is meant.
    pub broker_epoch: Option<BrokerEpoch>,
    /// Which replicas.
    pub partitions: Vec<StopReplicaPartition>,
}

/// One replica to stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StopReplicaPartition {
    /// Which partition.
    pub partition: TopicPartition,
    /// Whether its files go too.
    pub delete: bool,
    /// The epoch at which this was decided (version 3 on).
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A StopReplica response.
#[derive(Clone, PartialEq, Debug)]
pub struct StopReplicaResponse {
    /// STALE_CONTROLLER_EPOCH or STALE_BROKER_EPOCH for the whole request.
    pub error: Option<KafkaError>,
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Option<KafkaError>)>,
}

impl StopReplicaRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> StopReplicaRequest {
        if version < 1 {
            self.broker_epoch = None;
        }
        if version < 3 {
            self.partitions.iter_mut().for_each(|partition| partition.leader_epoch = None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        32 + 24 * self.partitions.len() as u64
    }
}

impl StopReplicaResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 24 * self.partitions.len() as u64
    }
}
