//! What others may see of a replica: checkers, stories, the auditor. Read only.

use crate::broker::leader::RemoteReplica;
use crate::ids::{BrokerId, LeaderEpoch, Offset, ZkVersion};
use crate::log::partition_log::PartitionLog;
use crate::note::Decided;

/// What a broker believes a replica of its to be.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// It leads.
    Leader,
    /// It follows this leader ([`BrokerId::NONE`]: nobody at present).
    Follower(BrokerId),
    /// Neither: the controller has not spoken since the broker started, or it was stopped.
    Idle,
}

/// A replica, as its broker sees it.
#[derive(Copy, Clone, Debug)]
pub struct ReplicaView<'a> {
    /// Its role.
    pub role: Role,
    /// The leader epoch it is in.
    pub leader_epoch: LeaderEpoch,
    /// Where its own epoch began, for a leader.
    pub epoch_start: Option<Offset>,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// The ISR as the leader holds it committed; empty on others.
    pub isr: &'a [BrokerId],
    /// The ISR with what is proposed (KIP-497); the same as `isr` while nothing is in flight; empty on others.
    pub maximal_isr: &'a [BrokerId],
    /// What a leader remembers of the other replicas; empty on others.
    pub followers: &'a [RemoteReplica],
    /// The version of the state the leader holds.
    pub zk_version: ZkVersion,
    /// `min.insync.replicas` as it applies.
    pub min_insync_replicas: usize,
    /// What made it cut its log last, in this life.
    pub last_cut: Option<Decided>,
    /// Its log: start, end, batches, epochs.
    pub log: &'a PartitionLog,
}
