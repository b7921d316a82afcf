//! UpdateMetadata (API key 6): the controller tells a broker what all partitions look like and which brokers live.
//!
//! What a broker answers to Metadata comes from here, and a follower refuses a leader that it does not name.
//!
//! | field              | since          | why                                                                |
//! |--------------------|----------------|--------------------------------------------------------------------|
//! | offline_replicas   | 4 (KIP-112)    | replicas whose disk or broker is down                              |
//! | broker_epoch       | 5 (KIP-380)    | a message for an earlier life of the broker is refused             |

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, NodeId};
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 3),
    (Release::new(1, 0, 0), 4),
    (Release::new(2, 2, 0), 5),
    (Release::new(2, 4, 0), 6),
    (Release::new(2, 8, 0), 7),
    (Release::new(3, 4, 0), 8),
];

/// An UpdateMetadata request.
#[derive(Clone, PartialEq, Debug)]
pub struct UpdateMetadataRequest {
    /// The sender.
    pub controller: BrokerId,
    /// The sender's epoch.
    pub controller_epoch: ControllerEpoch,
    /// The life of the receiver that is meant.
    pub broker_epoch: Option<BrokerEpoch>,
    /// Partitions that changed. A leader of -2 (`LeaderDuringDelete`) says that the topic is being deleted.
    pub partitions: Vec<LeaderAndIsrPartition>,
    /// All live brokers and where they are.
    pub live_brokers: Vec<(BrokerId, NodeId)>,
    /// The racks of those that have one.
    pub racks: Vec<(BrokerId, Arc<str>)>,
}

/// An UpdateMetadata response.
#[derive(Clone, PartialEq, Debug)]
pub struct UpdateMetadataResponse {
    /// STALE_CONTROLLER_EPOCH or STALE_BROKER_EPOCH.
    pub error: Option<KafkaError>,
}

impl UpdateMetadataRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> UpdateMetadataRequest {
        if version < 5 {
            self.broker_epoch = None;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let partition = |partition: &LeaderAndIsrPartition| {
            40 + 4 * (partition.isr.len() + partition.replicas.len()) as u64
        };
        32 + self.partitions.iter().map(partition).sum::<u64>() + 24 * self.live_brokers.len() as u64
    }
}

impl UpdateMetadataResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        8
    }
}
