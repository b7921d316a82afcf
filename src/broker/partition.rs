//! One replica of one partition on this broker (`kafka.cluster.Partition`).

use crate::broker::leader::LeaderState;
use crate::config::TopicConfig;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition, ZkVersion};
use crate::log::partition_log::PartitionLog;

/// A replica of a partition.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Which partition.
    pub tp: TopicPartition,
    /// Its log.
    pub log: PartitionLog,
    /// Its high watermark: never below the log's start, never above its end.
    pub high_watermark: Offset,
    /// The leader epoch it is in; [`LeaderEpoch::NONE`] until the controller has spoken.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of the controller that decided so.
    pub controller_epoch: ControllerEpoch,
    /// The version of the state it was told, or has written since.
    pub zk_version: ZkVersion,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// The topic's settings.
    pub config: TopicConfig,
    /// What it is.
    pub role: PartitionRole,
}

/// What a replica is, with what belongs to it.
#[derive(Clone, Debug)]
pub enum PartitionRole {
    /// It leads.
    Leader(LeaderState),
    /// It follows this leader ([`BrokerId::NONE`]: nobody at present).
    Follower {
        /// The leader.
        leader: BrokerId,
    },
    /// The controller has not spoken since the broker started.
    Idle,
}

impl Partition {
    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, PartitionRole::Leader(_))
    }

    /// The leader it follows, if it follows.
    pub fn followed(&self) -> Option<BrokerId> {
        match self.role {
            PartitionRole::Follower { leader } => Some(leader),
            _ => None,
        }
    }
}
