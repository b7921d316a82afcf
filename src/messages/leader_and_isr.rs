//! LeaderAndIsr (API key 4): the controller tells a broker which partitions it now leads or follows.
//!
//! | field                  | since          | why                                                            |
//! |------------------------|----------------|----------------------------------------------------------------|
//! | controller_epoch       | 0              | a deposed controller is refused                                |
//! | leader_epoch           | 0              | an older decision is refused                                   |
//! | is_new                 | 1 (KIP-112)    | the replica may be created in any log directory                |
//! | broker_epoch           | 2 (KIP-380)    | a message for an earlier life of the broker is refused         |
//! | adding, removing       | 3 (KIP-455)    | reassignment in progress                                       |
//! | type                   | 5 (KIP-516)    | full or incremental; and topic ids                             |
//!
//! Left out: leader recovery state (KIP-704, version 6), topic ids, the KRaft controller's use of it.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, NodeId, TopicPartition, ZkVersion};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new(1, 0, 0), 1),
    (Release::new(2, 2, 0), 2),
    (Release::new(2, 4, 0), 4),
    (Release::new(2, 8, 0), 5),
    (Release::new(3, 2, 0), 6),
    (Release::new(3, 4, 0), 7),
];

/// A LeaderAndIsr request.
#[derive(Clone, PartialEq, Debug)]
pub struct LeaderAndIsrRequest {
    /// The sender.
    pub controller: BrokerId,
    /// The sender's epoch.
    pub controller_epoch: ControllerEpoch,
    /// The life of the receiver that is meant.
    pub broker_epoch: Option<BrokerEpoch>,
    /// What the partitions look like now.
    pub partitions: Vec<LeaderAndIsrPartition>,
    /// The live leaders named above and where they are.
    pub live_leaders: Vec<(BrokerId, NodeId)>,
}

/// One partition's leadership, as the controller decided it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderAndIsrPartition {
    /// Which partition.
    pub partition: TopicPartition,
    /// The controller epoch of the last change.
    pub controller_epoch: ControllerEpoch,
    /// The leader, or [`BrokerId::NONE`].
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// In-sync replicas, in Kafka's order.
    pub isr: Vec<BrokerId>,
    /// The version of the state znode (or, with AlterPartition, the partition epoch).
    pub zk_version: ZkVersion,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Replicas being added by a reassignment (version 3 on).
    pub adding: Vec<BrokerId>,
    /// Replicas being removed by a reassignment (version 3 on).
    pub removing: Vec<BrokerId>,
    /// Whether the replica is new on this broker (version 1 on).
    pub is_new: bool,
}

/// A LeaderAndIsr response.
#[derive(Clone, PartialEq, Debug)]
pub struct LeaderAndIsrResponse {
    /// STALE_CONTROLLER_EPOCH or STALE_BROKER_EPOCH for the whole request.
    pub error: Option<KafkaError>,
    /// Partition by partition.
    pub partitions: Vec<(TopicPartition, Option<KafkaError>)>,
}

impl LeaderAndIsrRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> LeaderAndIsrRequest {
        if version < 2 {
            self.broker_epoch = None;
        }
        for partition in &mut self.partitions {
            if version < 1 {
                partition.is_new = false;
            }
            if version < 3 {
                partition.adding.clear();
                partition.removing.clear();
            }
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let partition = |partition: &LeaderAndIsrPartition| {
            40 + 4 * (partition.isr.len() + partition.replicas.len()) as u64
        };
        32 + self.partitions.iter().map(partition).sum::<u64>() + 24 * self.live_leaders.len() as u64
    }
}

impl LeaderAndIsrResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 24 * self.partitions.len() as u64
    }
}
