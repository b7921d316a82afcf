//! One replica of one partition on this broker (`kafka.cluster.Partition`).
//!
//! ```text
//!          LeaderAndIsr                 LeaderAndIsr
//!   Idle ---------------> Follower <---------------> Leader
//! ```
//!
//! - *Idle*: found on disk, or created while its leader was unknown; the controller has not given it a role.
//! - *Follower* of a leader, from which it fetches; its high watermark is what the leader says, as far as its log goes.
//! - *Leader*: the only role in which it takes records, and decides on high watermark and ISR ([`super::leader`]).
//!
//! The high watermark never lies above the log's end. Kafka up to 2.3 lets it stand there between a truncation and the
//! next fetch; nothing reads it meanwhile.

use crate::broker::leader::LeaderState;
use crate::broker::view::{ReplicaView, Role};
use crate::error::KafkaError;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition, ZkVersion};
use crate::log::partition_log::PartitionLog;
use crate::note::Decided;
use crate::rules::Rules;

/// A replica of a partition.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Which partition.
    pub tp: TopicPartition,
    /// Its log.
    pub log: PartitionLog,
    /// Its high watermark: never above the log's end.
    pub high_watermark: Offset,
    /// The leader epoch it is in; [`LeaderEpoch::NONE`] until the controller has spoken.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of the controller that decided so; an ISR change carries it on.
    pub controller_epoch: ControllerEpoch,
    /// The version of the state it was told, or has written since.
    pub zk_version: ZkVersion,
    /// Assigned replicas, preferred leader first.
    pub replicas: Vec<BrokerId>,
    /// Whether the controller has named it since the broker started. Nobody is served by a replica that was only found
    /// on disk, and the high watermark checkpoint does not list it.
    pub hosted: bool,
    /// What made it cut its log last, in this life.
    pub last_cut: Option<Decided>,
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
    /// The controller has not given it a role since the broker started.
    Idle,
}

impl Partition {
    /// A replica without a role. `checkpointed`: its high watermark as the checkpoint has it.
    pub fn idle(tp: TopicPartition, log: PartitionLog, checkpointed: Option<Offset>) -> Partition {
        let mut partition = Partition {
            tp,
            log,
            high_watermark: Offset::ZERO,
            leader_epoch: LeaderEpoch::NONE,
            controller_epoch: ControllerEpoch(0),
            zk_version: ZkVersion(0),
            replicas: Vec::new(),
            hosted: false,
            last_cut: None,
            role: PartitionRole::Idle,
        };
        partition.high_watermark = partition.bounded(checkpointed.unwrap_or(Offset::ZERO));
        partition
    }

    /// Whether this broker leads.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, PartitionRole::Leader(_))
    }

    /// Its state as leader, if it leads.
    pub fn leader(&self) -> Option<&LeaderState> {
        match &self.role {
            PartitionRole::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// Its state as leader, if it leads.
    pub fn leader_mut(&mut self) -> Option<&mut LeaderState> {
        match &mut self.role {
            PartitionRole::Leader(leader) => Some(leader),
            _ => None,
        }
    }

    /// The leader it follows, if it follows.
    pub fn followed(&self) -> Option<BrokerId> {
        match self.role {
            PartitionRole::Follower { leader } => Some(leader),
            _ => None,
        }
    }

    /// Whether it may serve somebody who believes in `asker`'s epoch (`getLocalLog`).
    ///
    /// # Errors
    /// Why it may not: the epoch first, then the role.
    pub fn serves(
        &self,
        rules: &Rules,
        asker: Option<LeaderEpoch>,
        leader_only: bool,
    ) -> Result<(), KafkaError> {
        if rules.planted.serves_anybody() && self.role_is_given() {
            return Ok(());
        }
        rules.fencing.check(asker, self.leader_epoch)?;
        let may = match self.role {
            PartitionRole::Leader(_) => true,
            PartitionRole::Follower { .. } => !leader_only,
            PartitionRole::Idle => false,
        };
        if may { Ok(()) } else { Err(KafkaError::NotLeaderOrFollower) }
    }

    fn role_is_given(&self) -> bool {
        !matches!(self.role, PartitionRole::Idle)
    }

    /// `min.insync.replicas` as it applies.
    pub fn min_insync_replicas(&self, rules: &Rules) -> usize {
        match rules.planted.ignores_the_minimum() {
            true => 1,
            false => self.promised_minimum(rules),
        }
    }

    /// How many in-sync replicas the topic promises, whatever this broker makes of it.
    fn promised_minimum(&self, rules: &Rules) -> usize {
        rules.high_watermark.effective_minimum(self.log.config().min_insync_replicas, self.replicas.len())
    }

    /// How many replicas count for `min.insync.replicas`, of which so many are in the ISR.
    pub fn in_sync(&self, isr: usize, rules: &Rules) -> usize {
        if rules.planted.counts_all_replicas() { self.replicas.len() } else { isr }
    }

    /// Bytes of whole batches from the one that holds `from` on, below `limit`; counting stops at `enough`.
    pub fn readable_bytes(&self, from: Offset, limit: Offset, enough: u64) -> u64 {
        if from >= limit {
            return 0;
        }
        let mut bytes = 0;
        for batch in self.log.batches_from(from) {
            if batch.last_offset >= limit || bytes >= enough {
                break;
            }
            bytes += u64::from(batch.size);
        }
        bytes.min(enough)
    }

    /// A high watermark within the log.
    pub fn bounded(&self, high_watermark: Offset) -> Offset {
        high_watermark.max(self.log.start_offset()).min(self.log.end_offset())
    }

    /// What others may see of it.
    pub fn view(&self, rules: &Rules) -> ReplicaView<'_> {
        let leader = self.leader();
        ReplicaView {
            role: match &self.role {
                PartitionRole::Leader(_) => Role::Leader,
                PartitionRole::Follower { leader } => Role::Follower(*leader),
                PartitionRole::Idle => Role::Idle,
            },
            leader_epoch: self.leader_epoch,
            epoch_start: leader.map(|leader| leader.epoch_start),
            high_watermark: self.high_watermark,
            isr: leader.map_or(&[], |leader| &leader.isr),
            maximal_isr: leader.map_or(&[], LeaderState::maximal_isr),
            followers: leader.map_or(&[], |leader| &leader.followers),
            zk_version: self.zk_version,
            min_insync_replicas: self.promised_minimum(rules),
            last_cut: self.last_cut,
            log: &self.log,
        }
    }
}
