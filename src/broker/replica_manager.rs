//! The replicas of one broker, and what producers, consumers, followers and the controller ask of them
//! (`ReplicaManager`).
//!
//! 1. [`ReplicaManager::load`] opens the log directory. Every replica found is idle until the controller gives it a role.
//! 2. [`ReplicaManager::make_leader`] and [`ReplicaManager::make_follower`] give it one. The caller has checked epochs.
//! 3. Requests are answered at once, or parked until something happens to a partition ([`super::purgatory`]): `acks=all`
//!    until the high watermark has passed, fetches until there is enough to read.
//! 4. Whatever changes a partition looks at what waits for it, and at nothing else.
//! 5. A request that touches a partition whose write lock is held for an ISR change ([`super::isr_change`]) is kept
//!    aside, and carried out as if it had just arrived when the lock is released.
//! 6. A failed disk ends the process, since a broker here has one log directory (rule `log-directory-failure`).
//!
//! Other files hold the rest of it: [`super::produce`], [`super::fetch`], [`super::list_offsets`], [`super::epoch_end`],
//! [`super::delete_records`], [`super::follower_log`], [`super::checkpoints`].
//!
//! Left out: several log directories and moving a replica between them, quotas.

use crate::broker::alter_partition_queue::AlterPartitionQueue;
use crate::broker::delete_records::DelayedDeleteRecords;
use crate::broker::fetch::{DelayedFetch, Look};
use crate::broker::isr_change::ZooKeeperIsrWriter;
use crate::broker::leader::LeaderState;
use crate::broker::metadata_cache::MetadataCache;
use crate::broker::partition::{Partition, PartitionRole};
use crate::broker::produce::DelayedProduce;
use crate::broker::purgatory::Purgatory;
use crate::config::{BrokerConfig, TopicConfig};
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, NodeId, Offset, Topic, TopicPartition};
use crate::log::batch::RecordSet;
use crate::log::log_manager::{LogManager, OpenError};
use crate::log::partition_log::LogError;
use crate::messages::alter_partition::AlterPartitionRequest;
use crate::messages::delete_records::DeleteRecordsRequest;
use crate::messages::fetch::CARRIES_V2;
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use crate::messages::list_offsets::ListOffsetsRequest;
use crate::messages::offsets_for_leader_epoch::OffsetsForLeaderEpochRequest;
use crate::messages::produce::ProduceRequest;
use crate::messages::{ApiKey, Response};
use crate::node::{Effect, Env, ExitReason, ReplyTo};
use crate::note::{BrokerNote, Decided, Note, ReplicaNote};
use crate::partition_map::PartitionMap;
use crate::rules::{epoch_cache, reelected_leader, same_leader, truncation};
use crate::time::{Micros, Time, Timers};
use crate::zookeeper::session::Session;
use std::sync::Arc;

/// `log.dirs` of every broker here.
const LOG_DIRECTORY: &str = "/kafka-logs";

/// The replicas of one broker.
#[derive(Clone, Debug)]
pub struct ReplicaManager {
    /// Every replica, in order.
    pub partitions: PartitionMap<Arc<Partition>>,
    /// The log directory; none before [`ReplicaManager::load`].
    pub logs: Option<LogManager>,
    /// What the controller last told of the cluster: keep it up to date.
    pub metadata: MetadataCache,
    pub(super) config: Arc<BrokerConfig>,
    pub(super) era: Arc<Era>,
    /// Whether batches carry the epoch of the leader that appended them.
    pub(super) stamps_epochs: bool,
    /// Whether readers that know message format v1 alone are given their records converted.
    pub(super) converts: bool,
    pub(super) timers: Timers<TimerKey>,
    /// When the broker started: periodic work is counted from here.
    pub(super) started: Time,
    pub(super) produces: Purgatory<DelayedProduce>,
    pub(super) fetches: Purgatory<DelayedFetch>,
    pub(super) deletes: Purgatory<DelayedDeleteRecords>,
    /// What became of the coordinator's appends, by ticket, since it was told last.
    pub(super) stored_for_groups: Vec<(u64, Result<Offset, KafkaError>)>,
    pub(super) isr_writer: ZooKeeperIsrWriter,
    pub(super) alter_partition: AlterPartitionQueue,
    /// Kept for its memory only: what a fetch finds in each of its partitions.
    pub(super) looks: Vec<Vec<Result<Look, KafkaError>>>,
    /// Requests that wait for a partition's write lock, in the order of arrival.
    blocked: Vec<(TopicPartition, Blocked)>,
    /// What the process does from now on.
    life: Life,
}

/// Periodic work and back-offs.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum TimerKey {
    LagCheck,
    IsrNotification,
    RetryAlterPartition,
    HighWatermarkCheckpoint,
    FlushLogs,
    RecoveryPointCheckpoint,
    StartOffsetCheckpoint,
    DeleteLogs,
    Retention,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Life {
    /// Everything works.
    Running,
    /// The disk has failed in this step.
    Failed,
    /// Nothing is done any more.
    Halted,
}

/// A request that waits for a lock.
#[derive(Clone, Debug)]
pub(super) enum Blocked {
    Produce {
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ProduceRequest,
    },
    /// `may_propose` is false for a fetch that has had its chance to change an ISR.
    Fetch {
        fetch: DelayedFetch,
        may_propose: bool,
    },
    ListOffsets {
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ListOffsetsRequest,
    },
    EpochEnds {
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: OffsetsForLeaderEpochRequest,
    },
    DeleteRecords {
        reply_to: ReplyTo,
        request: DeleteRecordsRequest,
    },
    Groups {
        ticket: u64,
        records: RecordSet,
        timeout: Micros,
        own: NodeId,
    },
}

/// What was found at start-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadReport {
    /// Whether the last life stopped in order.
    pub clean: bool,
    /// How many partitions were found.
    pub partitions: usize,
}

impl ReplicaManager {
    /// A manager without replicas.
    pub fn new(config: &Arc<BrokerConfig>, era: &Arc<Era>) -> ReplicaManager {
        ReplicaManager {
            partitions: PartitionMap::default(),
            logs: None,
            metadata: MetadataCache::default(),
            config: Arc::clone(config),
            era: Arc::clone(era),
            stamps_epochs: truncation::batches_carry_epochs(era),
            converts: ApiKey::Fetch.newest_version(era.release).is_some_and(|newest| newest >= CARRIES_V2),
            timers: Timers::default(),
            started: Time::ZERO,
            produces: Purgatory::default(),
            fetches: Purgatory::default(),
            deletes: Purgatory::default(),
            stored_for_groups: Vec::new(),
            isr_writer: ZooKeeperIsrWriter::default(),
            alter_partition: AlterPartitionQueue::default(),
            looks: Vec::new(),
            blocked: Vec::new(),
            life: Life::Running,
        }
    }

    /// Opens the log directory, recovering what was not closed in order, and starts the periodic work.
    ///
    /// # Errors
    /// If the directory cannot be used; then the broker cannot start.
    pub fn load(&mut self, env: &mut Env<'_>) -> Result<LoadReport, OpenError> {
        let defaults = &self.config.topic_defaults;
        let opened = LogManager::open(LOG_DIRECTORY, self.config.id, &self.era, defaults, env.disk, env.now)?;
        for (tp, log, recovery) in opened.logs {
            if let Some(from) = recovery.from {
                let (log_end_offset, cut_bytes) = (recovery.end, recovery.cut_bytes);
                let note = ReplicaNote::Recovered { from, log_end_offset, cut_bytes };
                env.note(|| Note::Replica(tp, note));
            }
            let checkpointed = opened.high_watermarks.get(&tp).copied();
            let partition = Partition::idle(tp, log, checkpointed);
            self.partitions.insert(tp, Arc::new(partition));
            env.mark(tp);
        }
        self.logs = Some(opened.manager);
        self.started = env.now;
        self.start_notifications(env.now);
        self.timers.set(TimerKey::LagCheck, env.now + self.lag_check_interval());
        self.start_log_timers(env.now);
        self.arm_deletion();
        Ok(LoadReport { clean: opened.clean, partitions: self.partitions.len() })
    }

    /// A replica.
    pub fn partition(&self, tp: TopicPartition) -> Option<&Partition> {
        self.partitions.get(tp).map(Arc::as_ref)
    }

    /// A replica, to be changed. Mark it.
    pub fn partition_mut(&mut self, tp: TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(tp).map(Arc::make_mut)
    }

    /// A replica that the controller has named since the broker started.
    ///
    /// # Errors
    /// What to answer if there is none.
    pub(super) fn hosted(&self, tp: TopicPartition) -> Result<&Partition, KafkaError> {
        match self.partition(tp) {
            Some(partition) if partition.hosted => Ok(partition),
            _ => Err(self.era.rules.not_hosted.error(self.metadata.contains(tp))),
        }
    }

    /// A replica that the controller has named; if there is none, an empty one, on disk too. Also for one whose leader is
    /// unknown: it then stays idle, but its high watermark is in the checkpoint (KAFKA-1647).
    ///
    /// # Errors
    /// If the disk fails; this broker then asks to exit.
    pub fn get_or_create(
        &mut self,
        tp: TopicPartition,
        topic: &TopicConfig,
        env: &mut Env<'_>,
    ) -> Result<&mut Partition, LogError> {
        if !self.partitions.contains(tp) {
            let logs = self.logs.as_mut().expect("the log directory is open");
            let log = match logs.create(tp, topic, env.now, &mut *env.disk) {
                Ok(log) => log,
                Err(error) => {
                    self.fail();
                    self.settle(env);
                    return Err(error);
                }
            };
            self.partitions.insert(tp, Arc::new(Partition::idle(tp, log, None)));
            env.mark(tp);
        }
        self.start_high_watermark_checkpoint(env.now);
        let partition = self.partitions.get_mut(tp).map(Arc::make_mut).expect("just created");
        partition.hosted = true;
        Ok(partition)
    }

    /// This broker leads from now on, or leads on in a newer epoch. The caller has checked epochs.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn make_leader(
        &mut self,
        state: &LeaderAndIsrPartition,
        topic: &TopicConfig,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> Result<(), KafkaError> {
        let tp = state.partition;
        let own = self.config.id;
        let rules = &self.era.rules;
        let rule = rules.reelected_leader;
        let enters_epoch = self.stamps_epochs
            && epoch_cache::enters_on_election(rules.epoch_cache)
            && !rules.planted.enters_no_epoch();
        let partition = self.get_or_create(tp, topic, env).map_err(|_| KafkaError::KafkaStorageError)?;
        let epoch_start = partition.log.end_offset();
        let epoch_before = partition.leader_epoch;
        take_over(partition, state, topic);
        let before = match std::mem::replace(&mut partition.role, PartitionRole::Idle) {
            PartitionRole::Leader(before) => {
                reelected_leader::remembers_followers(rule, epoch_before, state.leader_epoch)
                    .then_some(before)
            }
            _ => None,
        };
        let leader =
            LeaderState::new(own, &state.replicas, &state.isr, epoch_start, env.wall, before.as_ref());
        partition.role = PartitionRole::Leader(leader);
        let entered =
            if enters_epoch { partition.log.assign_epoch(state.leader_epoch, env.disk) } else { Ok(()) };
        env.note(|| {
            let (epoch, isr) = (state.leader_epoch, state.isr.clone());
            let high_watermark = partition.high_watermark;
            let note = ReplicaNote::BecameLeader { epoch, isr, log_end_offset: epoch_start, high_watermark };
            Note::Replica(tp, note)
        });
        env.mark(tp);
        self.alter_partition.on_leader_and_isr(tp, self.era.rules.isr_answer);
        if entered.is_err() {
            self.fail();
        } else if self.raise_high_watermark(tp, env) {
            // The ISR may be this broker alone.
            self.complete_delayed(tp, env);
        }
        self.unlock(tp, session, env);
        self.settle(env);
        entered.map_err(|_| KafkaError::KafkaStorageError)
    }

    /// This broker follows `state.leader` from now on. The caller has checked epochs, and that it knows the leader. True if
    /// the follower's fetcher must be started anew: the leader has changed, or the rule `same-leader` says so.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn make_follower(
        &mut self,
        state: &LeaderAndIsrPartition,
        topic: &TopicConfig,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> Result<bool, KafkaError> {
        let tp = state.partition;
        let rule = self.era.rules.same_leader;
        let partition = self.get_or_create(tp, topic, env).map_err(|_| KafkaError::KafkaStorageError)?;
        let keeps = partition.followed() == Some(state.leader)
            && same_leader::keeps_following(rule, partition.leader_epoch, state.leader_epoch);
        take_over(partition, state, topic);
        partition.role = PartitionRole::Follower { leader: state.leader };
        env.note(|| {
            let (epoch, leader) = (state.leader_epoch, state.leader);
            let note = if keeps {
                ReplicaNote::KeptFollowing { epoch, leader, decided: Decided::by(rule) }
            } else {
                let log_end_offset = partition.log.end_offset();
                let high_watermark = partition.high_watermark;
                ReplicaNote::BecameFollower { epoch, leader, log_end_offset, high_watermark }
            };
            Note::Replica(tp, note)
        });
        env.mark(tp);
        self.alter_partition.on_leader_and_isr(tp, self.era.rules.isr_answer);
        if !keeps {
            self.complete_waiting(tp, env);
        }
        self.unlock(tp, session, env);
        self.settle(env);
        Ok(!keeps)
    }

    /// The controller stops a replica. With `delete` it and its files go; without, only its fetcher stops (which is the
    /// caller's to do) and it stays what it was. What waits here: rule `stopped-replica`.
    pub fn stop_replica(
        &mut self,
        tp: TopicPartition,
        delete: bool,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        if delete && self.partitions.remove(tp).is_some() {
            let logs = self.logs.as_mut().expect("the log directory is open");
            if logs.delete(tp, env.now, &mut *env.disk).is_err() {
                self.fail();
            }
            self.arm_deletion();
        }
        env.note(|| Note::Replica(tp, ReplicaNote::Stopped { deleted: delete }));
        env.mark(tp);
        if self.era.rules.stopped_replica.answers() {
            self.complete_waiting(tp, env);
        }
        self.unlock(tp, session, env);
        self.settle(env);
    }

    /// The session has expired. Nothing is to be done: every write still open has been answered before and was given up,
    /// and what was submitted since goes out in the next session.
    pub fn on_session_expired(&mut self, env: &mut Env<'_>) {
        self.settle(env);
    }

    /// ISR changes to ask the controller for (rule `isr-writer`), if there are any and none is in flight. Ask after
    /// every step that called into this manager, while the channel to the controller stands; whoever takes a request
    /// sends it and brings back what became of it, a request time-out as a lost connection.
    pub fn take_alter_partition_request(
        &mut self,
        broker_epoch: BrokerEpoch,
    ) -> Option<AlterPartitionRequest> {
        self.alter_partition.take_request(self.config.id, broker_epoch)
    }

    /// A topic's settings have changed.
    pub fn set_topic_config(&mut self, topic: Topic, config: &TopicConfig, env: &mut Env<'_>) {
        for (tp, partition) in self.partitions.iter_mut().filter(|(tp, _)| tp.topic == topic) {
            Arc::make_mut(partition).log.set_config(config);
            env.mark(tp);
        }
    }

    /// Time has passed.
    pub fn on_wake(&mut self, session: &mut Session, env: &mut Env<'_>) {
        if self.is_halted() {
            return;
        }
        while let Some(key) = self.timers.pop_due(env.now) {
            self.on_timer(key, session, env);
        }
        while let Some(fetch) = self.fetches.pop_due(env.now) {
            self.answer_fetch(&fetch, env);
        }
        while let Some(produce) = self.produces.pop_due(env.now) {
            self.answer_produce(produce, env);
        }
        while let Some(delayed) = self.deletes.pop_due(env.now) {
            self.give_up_deleting(delayed, env);
        }
        self.settle(env);
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        if self.is_halted() {
            return None;
        }
        let delayed = [self.fetches.deadline(), self.produces.deadline(), self.deletes.deadline()];
        let deadlines = delayed.into_iter().chain([self.timers.deadline()]);
        deadlines.flatten().min()
    }

    fn on_timer(&mut self, key: TimerKey, session: &mut Session, env: &mut Env<'_>) {
        match key {
            TimerKey::LagCheck => {
                self.arm_periodic(key, self.lag_check_interval(), env.now);
                self.check_lag(session, env);
            }
            TimerKey::IsrNotification => self.maybe_notify_isr_changes(session, env),
            TimerKey::RetryAlterPartition => self.alter_partition.on_retry(),
            TimerKey::DeleteLogs => self.delete_logs(env),
            TimerKey::HighWatermarkCheckpoint
            | TimerKey::FlushLogs
            | TimerKey::RecoveryPointCheckpoint
            | TimerKey::StartOffsetCheckpoint
            | TimerKey::Retention => self.on_log_timer(key, env),
        }
    }

    pub(super) fn lag_check_interval(&self) -> Micros {
        Micros(self.config.replica_lag_time_max.0 / 2).max(Micros::from_millis(1))
    }

    /// Arms periodic work for the next multiple of its period since the start.
    pub(super) fn arm_periodic(&mut self, key: TimerKey, period: Micros, now: Time) {
        if self.timers.get(key).is_none() {
            let rounds = now.since(self.started).0 / period.0 + 1;
            self.timers.set(key, self.started + Micros(rounds.saturating_mul(period.0)));
        }
    }

    /// Computes the high watermark of a leader anew. True if it rose.
    pub(super) fn raise_high_watermark(&mut self, tp: TopicPartition, env: &mut Env<'_>) -> bool {
        let rules = &self.era.rules;
        let Some(partition) = self.partitions.get_mut(tp) else { return false };
        let Some(leader) = partition.leader() else { return false };
        if !rules
            .high_watermark
            .may_rise(partition.in_sync(leader.isr.len(), rules), partition.min_insync_replicas(rules))
        {
            return false;
        }
        let (end, lag) = (partition.log.end_offset(), self.config.replica_lag_time_max);
        let may_enter =
            |follower| rules.isr_admission.is_eligible(self.metadata.live_broker(follower).is_some());
        let by = (rules.high_watermark, rules.planted);
        let to = leader.high_watermark(by, end, env.wall, lag, may_enter);
        let from = partition.high_watermark;
        if to <= from {
            if to < from && rules.planted.lets_high_watermark_fall() {
                let partition = Arc::make_mut(partition);
                partition.high_watermark = partition.bounded(to);
                env.mark(tp);
            }
            return false;
        }
        env.note(|| {
            let isr = rules.high_watermark.members(&leader.isr, leader.maximal_isr()).to_vec();
            Note::Replica(tp, ReplicaNote::HighWatermarkAdvanced { from, to, isr })
        });
        Arc::make_mut(partition).high_watermark = to;
        env.mark(tp);
        true
    }

    /// Looks at what waits for a partition whose high watermark has risen (`tryCompleteDelayedRequests`).
    pub(super) fn complete_delayed(&mut self, tp: TopicPartition, env: &mut Env<'_>) {
        self.complete_waiting(tp, env);
        self.complete_deletes(tp, env);
    }

    /// Looks at the fetches and produces that wait for a partition.
    pub(super) fn complete_waiting(&mut self, tp: TopicPartition, env: &mut Env<'_>) {
        self.complete_fetches(tp, env);
        self.complete_produces(tp, env);
    }

    /// Keeps a request aside until the partition is unlocked.
    pub(super) fn block(&mut self, tp: TopicPartition, request: Blocked) {
        self.blocked.push((tp, request));
    }

    /// The partition's lock may have been released: what waited for it is carried out.
    pub(super) fn unlock(&mut self, tp: TopicPartition, session: &mut Session, env: &mut Env<'_>) {
        if self.blocked.is_empty() || self.is_locked(tp) {
            return;
        }
        let (released, blocked) =
            std::mem::take(&mut self.blocked).into_iter().partition(|(waited_for, _)| *waited_for == tp);
        self.blocked = blocked;
        let released: Vec<(TopicPartition, Blocked)> = released;
        for (_, request) in released {
            match request {
                Blocked::Produce { reply_to, from, version, request } => {
                    self.produce(reply_to, from, version, request, env);
                }
                Blocked::Fetch { fetch, may_propose } => {
                    self.fetch(fetch, may_propose.then_some(&mut *session), env);
                }
                Blocked::ListOffsets { reply_to, from, version, request } => {
                    self.list_offsets(reply_to, from, version, request, env);
                }
                Blocked::EpochEnds { reply_to, from, version, request } => {
                    self.epoch_ends(reply_to, from, version, request, env);
                }
                Blocked::DeleteRecords { reply_to, request } => self.delete_records(reply_to, request, env),
                Blocked::Groups { ticket, records, timeout, own } => {
                    self.append_for_groups(ticket, tp, records, timeout, own, env);
                }
            }
        }
    }

    /// The disk has failed. The process ends with this step ([`ReplicaManager::settle`]).
    pub(super) fn fail(&mut self) {
        if self.life == Life::Running {
            self.life = Life::Failed;
        }
    }

    /// Ends a step: if the disk has failed in it, the process exits.
    pub(super) fn settle(&mut self, env: &mut Env<'_>) {
        if self.life == Life::Failed {
            self.life = Life::Halted;
            env.note(|| Note::Broker(BrokerNote::LogDirectoryFailed));
            env.push(Effect::Exit(ExitReason::LogDirectoryFailed));
        }
    }

    /// Nothing is done any more: the disk has failed, or the broker has shut down.
    pub(super) fn is_halted(&self) -> bool {
        self.life == Life::Halted
    }

    /// From now on nothing is done any more.
    pub(super) fn halt(&mut self) {
        self.life = Life::Halted;
    }

    /// Answers a request, unless the process halts before it can.
    pub(super) fn reply(&self, to: ReplyTo, response: impl Into<Response>, env: &mut Env<'_>) {
        if self.life == Life::Running || self.era.rules.log_directory_failure.answer().is_some() {
            env.reply(to, response.into());
        }
    }

    /// Kafka's error for a failed log operation. A failed disk is remembered.
    pub(super) fn log_error(&mut self, error: LogError) -> KafkaError {
        match error {
            LogError::OutOfRange => KafkaError::OffsetOutOfRange,
            LogError::Corrupt => KafkaError::CorruptMessage,
            LogError::TooLarge => KafkaError::MessageTooLarge,
            LogError::LargerThanSegment => KafkaError::RecordListTooLarge,
            LogError::NotNext => KafkaError::UnknownServerError,
            LogError::Disk(_) => {
                self.fail();
                KafkaError::KafkaStorageError
            }
        }
    }
}

/// What every LeaderAndIsr brings, whatever the role.
fn take_over(partition: &mut Partition, state: &LeaderAndIsrPartition, topic: &TopicConfig) {
    partition.leader_epoch = state.leader_epoch;
    partition.controller_epoch = state.controller_epoch;
    partition.zk_version = state.zk_version;
    partition.replicas.clone_from(&state.replicas);
    partition.log.set_config(topic);
}
