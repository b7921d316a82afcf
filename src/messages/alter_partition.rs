//! AlterPartition (API key 56, KIP-497; called AlterIsr up to 3.1): a leader asks the controller to change its ISR.
//!
//! Up to 2.6 the leader writes the state znode itself. From 2.7 it asks; the controller accepts only a request that
//! names the version of the state it holds, and answers with the state as it now is.
//!
//! Left out: leader recovery state (version 1), topic ids (2), broker epochs of the ISR (3; KIP-903, KRaft).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, TopicPartition, ZkVersion};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new(2, 7, 0), 0),
    (Release::new(3, 2, 0), 1),
    (Release::new(3, 3, 0), 2),
    (Release::new(3, 5, 0), 3),
];

/// An AlterPartition request.
#[derive(Clone, PartialEq, Debug)]
pub struct AlterPartitionRequest {
    /// The leader that asks.
    pub broker: BrokerId,
    /// Its life.
    pub broker_epoch: BrokerEpoch,
    /// The changes.
    pub partitions: Vec<IsrChange>,
}

/// One proposed ISR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IsrChange {
    /// Which partition.
    pub partition: TopicPartition,
    /// The epoch in which the sender leads.
    pub leader_epoch: LeaderEpoch,
    /// The ISR it wants.
    pub new_isr: Vec<BrokerId>,
    /// The version of the state it wants to change.
    pub zk_version: ZkVersion,
}

/// An AlterPartition response.
#[derive(Clone, PartialEq, Debug)]
pub struct AlterPartitionResponse {
    /// NOT_CONTROLLER or STALE_BROKER_EPOCH for the whole request.
    pub error: Option<KafkaError>,
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Result<AlteredPartition, KafkaError>)>,
}

/// A partition's state after the change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlteredPartition {
    /// The leader.
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The ISR.
    pub isr: Vec<BrokerId>,
    /// The new version.
    pub zk_version: ZkVersion,
}

impl AlterPartitionRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + self.partitions.iter().map(|change| 40 + 4 * change.new_isr.len() as u64).sum::<u64>()
    }
}

impl AlterPartitionResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 48 * self.partitions.len() as u64
    }
}
