//! How a leader changes its ISR.
//!
//! 1. A follower enters when one of its fetches shows that it has enough (rule `isr-admission`). Members leave when the
//!    check that runs every half of `replica.lag.time.max.ms` finds that they lag (rule `isr-shrink`).
//! 2. Up to 2.6 (rule `isr-writer`) the leader sets the state znode itself, if it still has the version that it knows,
//!    and holds the partition's write lock until ZooKeeper has answered: what wants to append or read waits. The check
//!    goes from partition to partition and waits at each; a leader that is cut off from ZooKeeper hangs at the first.
//! 3. "Bad version": perhaps its own write, whose answer was lost. It reads the znode; if that holds just what it wanted
//!    to write, all is well; if not, the ISR stays as it is ("Cached zkVersion not equal"), until the next fetch or check.
//!    What the end of the session cuts short is tried again in the next, or given up (rule `expired-isr-write`).
//! 4. The controller hears of changes by a znode under `/isr_change_notification`, written after 5 s of quiet or 60 s at
//!    most, by a check that runs every 2.5 s.
//! 5. From 2.7 on the leader asks the controller ([`super::alter_partition_queue`]) and goes on; the change is pending
//!    meanwhile and there is no other. An answer that does not fit leaves it pending until the next
//!    LeaderAndIsr; after one that says no more than that the controller failed, rule `isr-answer-error` decides.
//!
//! Left out: the threads that wait for the lock are taken for unlimited (Kafka has `num.io.threads`, 8); consumers wait
//! for the lock in every release up to 2.6 (really from 2.1 on); a request that touches several partitions waits as a
//! whole, before any of it is done; a fetch that runs out of time is answered though the lock is held, and one whose
//! expansion throws is answered as if there had been none. Control requests that wait for the lock are kept aside by [`super::control`].

use crate::broker::leader::IsrProposal;
use crate::broker::replica_manager::{ReplicaManager, TimerKey};
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, TopicPartition, ZkVersion};
use crate::messages::alter_partition::{AlterPartitionResponse, AlteredPartition};
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::node::{Disconnected, Env};
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::isr_answer_error::Refused;
use crate::rules::isr_writer::IsrWriteStep;
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Outcome, Session, SessionUser, Ticket};
use crate::zookeeper::znode::{self, PartitionState, ZnodeData};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often it is checked whether the controller has to be told of ISR changes.
pub(super) const NOTIFICATION_CHECK: Micros = Micros::from_millis(2_500);
/// How long no ISR may have changed before the controller is told.
const NOTIFICATION_QUIET: Micros = Micros::from_millis(5_000);
/// After how long it is told even if ISRs go on changing.
const NOTIFICATION_AT_MOST: Micros = Micros::from_millis(60_000);

/// ISR changes that go through ZooKeeper.
#[derive(Clone, Debug, Default)]
pub(super) struct ZooKeeperIsrWriter {
    writes: Vec<IsrWrite>,
    /// Partitions that the check of the lag has still to look at, the next one last.
    round: Vec<TopicPartition>,
    /// The one whose write it waits for.
    waits_at: Option<TopicPartition>,
    /// Partitions whose change the controller has not been told of.
    changed: BTreeSet<TopicPartition>,
    last_change: Time,
    last_notification: Time,
    notifying: Option<(Ticket, Arc<[TopicPartition]>)>,
}

/// A write of a state znode that is not answered yet.
#[derive(Clone, Debug)]
struct IsrWrite {
    ticket: Ticket,
    partition: TopicPartition,
    state: PartitionState,
    /// The version of the znode that it replaces.
    version: ZkVersion,
    /// Whether the znode is read, to see what stands there.
    checking: bool,
}

impl IsrWrite {
    /// What is asked of ZooKeeper.
    fn op(&self) -> Op {
        let path = znode::state_path(self.partition);
        if self.checking {
            return Op::GetData { path, watch: false };
        }
        let data = ZnodeData::PartitionState(self.state.clone());
        Op::SetData { path, data, version: Some(self.version) }
    }
}

/// News of changed ISRs for the controller.
fn notification(told: &Arc<[TopicPartition]>) -> Op {
    Op::Create {
        path: format!("{}/isr_change_", znode::ISR_CHANGES).into(),
        data: ZnodeData::IsrChange(Arc::clone(told)),
        ephemeral: false,
        sequential: true,
    }
}

fn note_refusal(tp: TopicPartition, wanted: Vec<BrokerId>, error: KafkaError, env: &mut Env<'_>) {
    env.note(|| Note::Replica(tp, ReplicaNote::IsrChangeRefused { wanted, error }));
}

impl ReplicaManager {
    /// Whether the partition's write lock is held for an ISR change.
    pub(super) fn is_locked(&self, tp: TopicPartition) -> bool {
        !self.isr_writer.writes.is_empty()
            && self.partition(tp).and_then(|partition| partition.leader()).is_some_and(|leader| {
                leader.pending.is_some() && self.era.rules.isr_writer.step() == IsrWriteStep::WriteUnderLock
            })
    }

    /// A follower has fetched: perhaps it enters the ISR. True if the partition is locked for that.
    pub(super) fn maybe_expand_isr(
        &mut self,
        tp: TopicPartition,
        follower: BrokerId,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> bool {
        let Some(partition) = self.partition(tp) else { return false };
        let Some(leader) = partition.leader() else { return false };
        let Some(remote) = leader.follower(follower) else { return false };
        if leader.pending.is_some() || leader.isr.contains(&follower) {
            return false;
        }
        let (rule, planted) = (self.era.rules.isr_admission, self.era.rules.planted);
        let is_live = self.metadata.live_broker(follower).is_some() || planted.admits_the_dead();
        let epoch_start =
            if planted.ignores_the_epoch_start() { partition.high_watermark } else { leader.epoch_start };
        let admitted = rule.is_eligible(is_live)
            && (rule.admits(remote.log_end, partition.high_watermark, epoch_start)
                || planted.admits_anybody());
        if !admitted {
            return false;
        }
        let proposal = IsrProposal::expand(&leader.isr, follower);
        self.propose_isr(tp, proposal, session, env)
    }

    /// The periodic check: who lags leaves.
    pub(super) fn check_lag(&mut self, session: &mut Session, env: &mut Env<'_>) {
        // A check that still waits for a lock is not begun again.
        if self.isr_writer.round.is_empty() && self.isr_writer.waits_at.is_none() {
            self.isr_writer.round.extend(self.partitions.keys());
            self.isr_writer.round.reverse();
        }
        self.go_on_checking_lag(session, env);
    }

    /// When lag was last to be looked at, and how much there may be; nothing while a change is under way, or still stands
    /// in the queue.
    pub(super) fn last_lag_check(&self, tp: TopicPartition) -> Option<(Time, Micros)> {
        let leader = self.partition(tp)?.leader()?;
        let next = self.timers.get(TimerKey::LagCheck)?;
        let is_still = leader.pending.is_none() && !self.alter_partition.has(tp);
        let last = next.0.checked_sub(self.lag_check_interval().0)?;
        is_still.then_some((Time(last), self.config.replica_lag_time_max))
    }

    fn go_on_checking_lag(&mut self, session: &mut Session, env: &mut Env<'_>) {
        if self.isr_writer.waits_at.is_some_and(|tp| self.is_locked(tp)) {
            return;
        }
        self.isr_writer.waits_at = None;
        while let Some(tp) = self.isr_writer.round.last().copied() {
            if self.is_locked(tp) {
                return;
            }
            self.isr_writer.round.pop();
            let lag = self.config.replica_lag_time_max;
            let rule = self.era.rules.isr_shrink;
            let Some(partition) = self.partition(tp) else { continue };
            let Some(leader) = partition.leader() else { continue };
            let lagging = leader.lagging(rule, partition.log.end_offset(), env.wall, lag);
            if lagging.is_empty() || self.era.rules.planted.keeps_laggards() {
                continue;
            }
            let proposal = IsrProposal::shrink(&leader.isr, &lagging);
            if !proposal.to.is_empty() && self.propose_isr(tp, proposal, session, env) {
                self.isr_writer.waits_at = Some(tp);
                return;
            }
        }
    }

    /// Sets out to change the ISR. True if the partition is locked until that is decided.
    fn propose_isr(
        &mut self,
        tp: TopicPartition,
        proposal: IsrProposal,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> bool {
        let step = self.era.rules.isr_writer.step();
        let own = self.config.id;
        let Some(partition) = self.partitions.get_mut(tp) else { return false };
        match step {
            IsrWriteStep::AskController => {
                let (epoch, version) = (partition.leader_epoch, partition.zk_version);
                if !self.alter_partition.submit(tp, &proposal, epoch, version) {
                    return false;
                }
            }
            IsrWriteStep::WriteUnderLock => {
                let state = PartitionState {
                    leader: own,
                    leader_epoch: partition.leader_epoch,
                    isr: proposal.to.clone(),
                    controller_epoch: partition.controller_epoch,
                };
                let version = partition.zk_version;
                let mut write =
                    IsrWrite { ticket: Ticket(0), partition: tp, state, version, checking: false };
                write.ticket = session.submit(SessionUser::IsrWriter, vec![write.op()], env);
                self.isr_writer.writes.push(write);
            }
        }
        env.note(|| {
            let decided = Decided::by(self.era.rules.isr_writer);
            let (from, to) = (proposal.from.clone(), proposal.to.clone());
            Note::Replica(tp, ReplicaNote::IsrProposed { from, to, decided })
        });
        let partition = Arc::make_mut(partition);
        let leader = partition.leader_mut().expect("only a leader proposes");
        if self.era.rules.planted.takes_proposals_for_written() {
            leader.isr.clone_from(&proposal.to);
        } else {
            leader.pending = Some(proposal);
        }
        env.mark(tp);
        step == IsrWriteStep::WriteUnderLock
    }

    /// A submission of `SessionUser::IsrWriter` was answered.
    pub fn on_isr_outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        if self.is_halted() {
            return;
        }
        let Some(result) = outcome.into_iter().next() else { return };
        let again = result == Err(ZkError::SessionExpired) && self.era.rules.expired_isr_write.tries_again();
        if let Some((_, told)) = self.isr_writer.notifying.take_if(|(notifying, _)| *notifying == ticket) {
            if again {
                let ticket = session.submit(SessionUser::IsrWriter, vec![notification(&told)], env);
                self.isr_writer.notifying = Some((ticket, told));
            } else if result.is_err() {
                self.isr_writer.changed.extend(told.iter());
                self.arm_notification(env.now);
            }
            return;
        }
        let writes = &mut self.isr_writer.writes;
        let Some(index) = writes.iter().position(|write| write.ticket == ticket) else { return };
        let bad_version = result == Err(ZkError::BadVersion);
        if again || bad_version {
            writes[index].checking |= bad_version;
            writes[index].ticket = session.submit(SessionUser::IsrWriter, vec![writes[index].op()], env);
            return;
        }
        let written = match result {
            Ok(OpResult::Set(stat)) => Ok(stat.version),
            // The check of a write whose answer may have been lost.
            Ok(OpResult::Data(ZnodeData::PartitionState(state), stat)) if state == writes[index].state => {
                Ok(stat.version)
            }
            Ok(_) => Err(KafkaError::InvalidUpdateVersion),
            Err(ZkError::NoNode) => Err(KafkaError::UnknownTopicOrPartition),
            Err(_) => Err(KafkaError::UnknownServerError),
        };
        let write = self.isr_writer.writes.remove(index);
        if written == Err(KafkaError::UnknownServerError) && self.isr_writer.waits_at == Some(write.partition)
        {
            // The exception ends this round of the check.
            self.isr_writer.round.clear();
        }
        self.on_isr_written(write, written, session, env);
        self.settle(env);
    }

    fn on_isr_written(
        &mut self,
        write: IsrWrite,
        written: Result<ZkVersion, KafkaError>,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let tp = write.partition;
        if written.is_ok() {
            self.isr_writer.changed.insert(tp);
            self.isr_writer.last_change = env.now;
            self.arm_notification(env.now);
        }
        // The lock is this write's unless a LeaderAndIsr has taken over.
        let waits = self.pending_in(tp, write.state.leader_epoch).is_some_and(|to| *to == write.state.isr);
        if waits {
            match written {
                Ok(version) => self.commit_isr(tp, write.state.isr, version, env),
                Err(error) => self.withdraw_isr(tp, error, env),
            }
            if self.raise_high_watermark(tp, env) {
                self.complete_waiting(tp, env);
            }
            // The fetch that has led to this may have told a log start offset, too.
            self.complete_deletes(tp, env);
        }
        self.unlock(tp, session, env);
        self.go_on_checking_lag(session, env);
    }

    /// What the pending change wants, if the partition still leads in this epoch.
    fn pending_in(&self, tp: TopicPartition, epoch: LeaderEpoch) -> Option<&Vec<BrokerId>> {
        let partition = self.partition(tp).filter(|partition| partition.leader_epoch == epoch)?;
        partition.leader()?.pending.as_ref().map(|proposal| &proposal.to)
    }

    fn commit_isr(&mut self, tp: TopicPartition, isr: Vec<BrokerId>, version: ZkVersion, env: &mut Env<'_>) {
        let admission = self.era.rules.isr_admission;
        let Some(partition) = self.partition_mut(tp) else { return };
        partition.zk_version = version;
        let Some(leader) = partition.leader_mut() else { return };
        leader.pending = None;
        let from = std::mem::replace(&mut leader.isr, isr);
        env.note(|| {
            let to = leader.isr.clone();
            let note = if to.len() > from.len() {
                ReplicaNote::IsrExpanded { from, to, decided: Decided::by(admission) }
            } else {
                ReplicaNote::IsrShrunk { from, to }
            };
            Note::Replica(tp, note)
        });
        env.mark(tp);
    }

    /// The ISR stays what it was.
    fn withdraw_isr(&mut self, tp: TopicPartition, error: KafkaError, env: &mut Env<'_>) {
        let Some(leader) = self.partition_mut(tp).and_then(|partition| partition.leader_mut()) else {
            return;
        };
        let Some(proposal) = leader.pending.take() else { return };
        note_refusal(tp, proposal.to, error, env);
        env.mark(tp);
    }

    pub(super) fn start_notifications(&mut self, now: Time) {
        (self.isr_writer.last_change, self.isr_writer.last_notification) = (now, now);
    }

    fn arm_notification(&mut self, now: Time) {
        self.arm_periodic(TimerKey::IsrNotification, NOTIFICATION_CHECK, now);
    }

    /// Tells the controller of changed ISRs, if it is time (`maybePropagateIsrChanges`).
    pub(super) fn maybe_notify_isr_changes(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let writer = &mut self.isr_writer;
        if writer.changed.is_empty() {
            return;
        }
        let due = writer.last_change + NOTIFICATION_QUIET < env.now
            || writer.last_notification + NOTIFICATION_AT_MOST < env.now;
        if !due || writer.notifying.is_some() {
            return self.arm_notification(env.now);
        }
        let told: Arc<[TopicPartition]> = std::mem::take(&mut writer.changed).into_iter().collect();
        writer.last_notification = env.now;
        let ticket = session.submit(SessionUser::IsrWriter, vec![notification(&told)], env);
        writer.notifying = Some((ticket, told));
    }

    /// What became of the AlterPartition request that was taken.
    pub fn on_alter_partition_answer(
        &mut self,
        answer: Result<AlterPartitionResponse, Disconnected>,
        env: &mut Env<'_>,
    ) {
        if self.is_halted() {
            return;
        }
        let (answered, back_off) = self.alter_partition.on_answer(answer, self.era.rules.isr_answer);
        if back_off {
            let at = env.now + super::alter_partition_queue::RETRY_BACKOFF;
            self.timers.set(TimerKey::RetryAlterPartition, at);
        }
        for (tp, change, result) in answered {
            let leader = self.partition(tp).and_then(|partition| partition.leader());
            // Compared by what is wanted, as Kafka does: an old answer may be taken for that of a new, equal request.
            if leader.and_then(|leader| leader.pending.as_ref()) == Some(&change.proposal) {
                self.on_isr_altered(tp, change.proposal, result, env);
            }
        }
        self.settle(env);
    }

    fn on_isr_altered(
        &mut self,
        tp: TopicPartition,
        proposal: IsrProposal,
        result: Result<AlteredPartition, KafkaError>,
        env: &mut Env<'_>,
    ) {
        let Some(partition) = self.partition(tp) else { return };
        match result {
            Ok(state) => {
                let accepted = state.leader_epoch == partition.leader_epoch
                    && self.era.rules.isr_answer_version.accepts(state.zk_version, partition.zk_version);
                if !accepted {
                    return;
                }
                self.commit_isr(tp, state.isr, state.zk_version, env);
                if self.era.rules.high_watermark_after_shrink.looks_at_once()
                    && self.raise_high_watermark(tp, env)
                {
                    self.complete_delayed(tp, env);
                }
            }
            Err(error) => match self.era.rules.isr_answer_error.decide(error) {
                Refused::Pending => note_refusal(tp, proposal.to, error, env),
                Refused::Withdrawn => self.withdraw_isr(tp, error, env),
                Refused::Again => {
                    let (epoch, version) = (partition.leader_epoch, partition.zk_version);
                    let queued = self.alter_partition.submit(tp, &proposal, epoch, version);
                    assert!(queued, "the change that was answered stands in the queue no more");
                    note_refusal(tp, proposal.to, error, env);
                }
            },
        }
    }
}
