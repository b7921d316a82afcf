//! A leader asks for another ISR (`processAlterIsr`, later `processAlterPartition`; KIP-497, from 2.7 on).
//!
//! 1. Refuse: NOT_CONTROLLER, or STALE_BROKER_EPOCH for a broker that is not registered in that life.
//! 2. Judge each proposal (rule `alter-partition-checks`); write those that are taken, over the version the leader
//!    named. One that meets another version is INVALID_UPDATE_VERSION.
//!    The controller may have written that itself, if the answer was lost with its connection (rule `own-isr-write`).
//! 3. Read back what was written, and tell every broker by UpdateMetadata: also of the partitions that were refused.
//! 4. Answer with the states as they now are. If the session expires during the writes of 2, each of them has failed
//!    (UNKNOWN_SERVER_ERROR), not the request.
//! 5. See whether a reassignment is complete now.

use super::calls::Work;
use super::{About, KafkaController, Owed, ReassignmentStep, Step};
use crate::error::KafkaError;
use crate::ids::{BrokerId, TopicPartition, ZkVersion};
use crate::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, AlteredPartition, IsrChange,
};
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::node::{Env, ReplyTo};
use crate::rules::alter_partition_checks::Verdict;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{PartitionState, ZnodeData, state_path};

/// What is left to do for the leader.
#[derive(Clone, Debug)]
pub(super) enum AlterPartitionStep {
    /// Judge.
    Begin(AlterPartitionRequest),
    /// The changes taken have been written, or not.
    Written(Answers, Vec<IsrChange>, BrokerId),
    /// What was written has been read back, and what met another version.
    StatesRead(Answers, Vec<TopicPartition>, BrokerId, Vec<IsrChange>),
    /// Answer.
    Answer(Answers),
}

/// An answer in the making: one entry per partition asked about, `None` where it is not decided yet.
pub(super) type Answers = Vec<(TopicPartition, Option<Result<AlteredPartition, KafkaError>>)>;

/// Answers a request that this broker is not the controller for.
pub(super) fn refuse_not_controller(reply_to: ReplyTo, env: &mut Env<'_>) {
    refuse(reply_to, KafkaError::NotController, env);
}

/// Answers a request whose event broke off.
pub(super) fn refuse_failed(reply_to: ReplyTo, env: &mut Env<'_>) {
    refuse(reply_to, KafkaError::UnknownServerError, env);
}

/// Answers a request whose writes the end of the session cut short: the partitions that were to be written have failed,
/// one by one.
pub(super) fn answer_unwritten(reply_to: ReplyTo, answers: Answers, env: &mut Env<'_>) {
    let failed = Err(KafkaError::UnknownServerError);
    let partitions = answers
        .into_iter()
        .map(|(partition, answer)| (partition, answer.unwrap_or_else(|| failed.clone())))
        .collect();
    env.reply(reply_to, AlterPartitionResponse { error: None, partitions }.into());
}

fn refuse(reply_to: ReplyTo, error: KafkaError, env: &mut Env<'_>) {
    env.reply(reply_to, AlterPartitionResponse { error: Some(error), partitions: Vec::new() }.into());
}

fn decide(answers: &mut Answers, partition: TopicPartition, answer: Result<AlteredPartition, KafkaError>) {
    let open = answers.iter_mut().find(|(known, _)| *known == partition);
    open.expect("every change has its place in the answer").1 = Some(answer);
}

fn altered(state: &PartitionState, zk_version: ZkVersion) -> AlteredPartition {
    let PartitionState { leader, leader_epoch, isr, .. } = state.clone();
    AlteredPartition { leader, leader_epoch, isr, zk_version }
}

impl KafkaController {
    /// Goes on with a leader's request.
    pub(super) fn alter_partition(
        &mut self,
        step: AlterPartitionStep,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        match step {
            AlterPartitionStep::Begin(request) => self.judge(request, w),
            AlterPartitionStep::Written(answers, changes, leader) => {
                self.changes_written(answers, &changes, leader, &outcome, w);
            }
            AlterPartitionStep::StatesRead(mut answers, partitions, leader, unsure) => {
                self.load_states(&partitions, &outcome);
                for change in unsure {
                    let found = self.what_stands_there(&change, leader);
                    decide(&mut answers, change.partition, found);
                }
                let all = answers.iter().map(|(partition, _)| *partition).collect();
                self.next(vec![
                    Step::SendMetadata(About::Partitions(all)),
                    Step::AlterPartition(AlterPartitionStep::Answer(answers)),
                ]);
            }
            AlterPartitionStep::Answer(answers) => self.answer_leader(answers, w),
        }
    }

    fn judge(&mut self, request: AlterPartitionRequest, w: &mut Work<'_, '_>) {
        let registered = self.context.brokers.get(&request.broker);
        if registered.is_none_or(|live| live.epoch != request.broker_epoch) {
            if let Some(Owed::AlterPartition(reply_to)) = self.owed.take() {
                refuse(reply_to, KafkaError::StaleBrokerEpoch, w.env);
            }
            return;
        }
        let live = self.context.live();
        let mut answers = Answers::new();
        let mut changes = Vec::new();
        for change in request.partitions {
            let held = self.context.leadership.get(&change.partition).map(|held| (&held.state, held.version));
            let rules = &self.era.rules;
            let verdict = match rules.planted.writes_isr_over_any_version() {
                true => Verdict::Write,
                false => rules.alter_partition_checks.judge(request.broker, &change, held, &live),
            };
            let verdict = match verdict {
                Verdict::Refuse(KafkaError::IneligibleReplica) if rules.planted.admits_the_dead() => {
                    Verdict::Write
                }
                verdict => verdict,
            };
            let answer = match verdict {
                Verdict::Refuse(error) => Some(Err(error)),
                Verdict::AlreadySo => held.map(|(state, version)| Ok(altered(state, version))),
                Verdict::Write => None,
            };
            answers.push((change.partition, answer));
            if matches!(answers.last(), Some((_, None))) {
                changes.push(change);
            }
        }
        let ops = changes.iter().map(|change| self.write_of(change, request.broker)).collect();
        let then = AlterPartitionStep::Written(answers, changes, request.broker);
        self.write(ops, Step::AlterPartition(then), w);
    }

    fn proposed(&self, change: &IsrChange, leader: BrokerId) -> PartitionState {
        PartitionState {
            leader,
            leader_epoch: change.leader_epoch,
            isr: change.new_isr.clone(),
            controller_epoch: self.context.epoch,
        }
    }

    fn write_of(&self, change: &IsrChange, leader: BrokerId) -> Op {
        Op::SetData {
            path: state_path(change.partition),
            data: ZnodeData::PartitionState(self.proposed(change, leader)),
            version: (!self.era.rules.planted.writes_isr_over_any_version()).then_some(change.zk_version),
        }
    }

    fn changes_written(
        &mut self,
        mut answers: Answers,
        changes: &[IsrChange],
        leader: BrokerId,
        outcome: &Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let (mut written, mut unsure) = (Vec::new(), Vec::new());
        for (change, result) in changes.iter().zip(outcome) {
            let answer = match result {
                Ok(OpResult::Set(stat)) => {
                    written.push(change.partition);
                    Ok(altered(&self.proposed(change, leader), stat.version))
                }
                Ok(other) => unreachable!("a write is answered with {other:?}"),
                Err(error) => {
                    self.write_refused(&state_path(change.partition), *error, w);
                    Err(match error {
                        ZkError::BadVersion if self.era.rules.own_isr_write.looks() => {
                            written.push(change.partition);
                            unsure.push(change.clone());
                            continue;
                        }
                        ZkError::BadVersion => KafkaError::InvalidUpdateVersion,
                        _ => KafkaError::UnknownServerError,
                    })
                }
            };
            decide(&mut answers, change.partition, answer);
        }
        let reads = written.iter().map(|partition| self.read_state(*partition)).collect();
        let then = AlterPartitionStep::StatesRead(answers, written, leader, unsure);
        self.ask(reads, Step::AlterPartition(then), w);
    }

    /// What to answer to a change that met another version, now that its state has been read: perhaps it is in force.
    fn what_stands_there(
        &self,
        change: &IsrChange,
        leader: BrokerId,
    ) -> Result<AlteredPartition, KafkaError> {
        let held = self.context.leadership.get(&change.partition);
        let same = held.filter(|held| held.state == self.proposed(change, leader));
        same.map(|held| altered(&held.state, held.version)).ok_or(KafkaError::InvalidUpdateVersion)
    }

    fn answer_leader(&mut self, answers: Answers, w: &mut Work<'_, '_>) {
        let Some(Owed::AlterPartition(reply_to)) = self.owed.take() else {
            unreachable!("an AlterPartition is answered once")
        };
        let partitions: Vec<_> = answers
            .into_iter()
            .map(|(partition, answer)| (partition, answer.expect("every proposal is decided")))
            .collect();
        let moved = |partition: &TopicPartition| self.context.being_reassigned.contains_key(partition);
        let steps = partitions
            .iter()
            .filter(|(partition, answer)| answer.is_ok() && moved(partition))
            .map(|(partition, _)| Step::Reassignment(ReassignmentStep::MaybeComplete(*partition)))
            .collect();
        w.env.reply(reply_to, AlterPartitionResponse { error: None, partitions }.into());
        self.next(steps);
    }
}
