//! Partitions move to other replicas (`onPartitionReassignment`).
//!
//! `/admin/reassign_partitions` names partitions and their target replicas. For each:
//!
//! - *U* Write old and new replicas together into the topic's znode, target first (rule `reassignment` says with what
//!   else).
//! - *A* While a target replica is not in the ISR: raise the leader epoch and tell every replica, old and new, by
//!   LeaderAndIsr; bring the new ones to `NewReplica`. Then wait: for the leader to change the ISR. Up to 2.6 the
//!   state znode is watched; from 2.7 the leader's AlterPartition says so.
//! - *B* When all are in the ISR: bring the new ones to `OnlineReplica`; let the target be the assignment in memory;
//!   elect a leader from the target if the leader is not in it or is down, else raise the leader epoch again; stop
//!   and delete the old replicas, which takes them out of the ISR; write the target into the topic's znode; take the
//!   partition out of `/admin/reassign_partitions`; tell every broker by UpdateMetadata.
//!
//! For [1,2] to [2,3] that makes three leader epochs: A, the new leader, and the ISR without 1.
//!
//! Left out: the requests of KIP-455 (AlterPartitionReassignments and the listing of them).

use super::calls::{self, Work};
use super::context::PartitionAndReplica;
use super::election::Strategy;
use super::partition_state_machine::{Decision, PartitionState};
use super::replica_state_machine::ReplicaState;
use super::{About, DeletionStep, Event, KafkaController, PartitionStep, ReplicaStep, Step};
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::rules::reassignment::Told;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{self, REASSIGN_PARTITIONS, ReplicaAssignment, ZnodeData, topic_path};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is left to do about partitions that move.
#[derive(Clone, Debug)]
pub(super) enum ReassignmentStep {
    /// A new controller takes up what it finds.
    TakeUp,
    /// Look at the znode.
    Look,
    /// It has been read; the others that were found in the topics' znodes are resumed too if so.
    Read(bool),
    /// `onPartitionReassignment`: this partition moves there.
    Begin(TopicPartition, Vec<BrokerId>),
    /// Write down the move, if that must be now.
    Record(Moving),
    /// It has been written, or not.
    Recorded(Moving),
    /// Is the target in sync?
    Check(Moving),
    /// The state has been read.
    Checked(Moving),
    /// It has; and the move has been written down.
    Wait(Moving),
    /// Read the state, to raise its leader epoch.
    RaiseEpoch(TopicPartition, ReplicaAssignment, Told),
    /// It has been read.
    EpochRead(TopicPartition, ReplicaAssignment, Told),
    /// It has been raised, or not.
    EpochRaised(Decision, ReplicaAssignment, Told),
    /// Let the target be the assignment, and choose who leads.
    MoveLeader(Moving),
    /// Write the target into the topic's znode.
    WriteTarget(Moving),
    /// It has been written, or not.
    TargetWritten(Moving),
    /// Take this partition out of the znode; its reassignment has ended, well or not.
    Remove(TopicPartition),
    /// The znode has been read.
    RemoveRead(TopicPartition),
    /// It has been written.
    WatchAgain,
    /// Is there one already?
    Watched,
    /// The reassignment of this partition ends here, if it breaks off.
    End(TopicPartition),
    /// See whether this one is complete now.
    MaybeComplete(TopicPartition),
    /// Its state has been read.
    MaybeCompleteRead(TopicPartition),
}

/// A partition on its way.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    partition: TopicPartition,
    /// As it was when this step of the way began.
    before: ReplicaAssignment,
    /// Old and new replicas.
    moving: ReplicaAssignment,
    /// Where to.
    target: Vec<BrokerId>,
    /// Whether the move has been written down.
    recorded: bool,
}

impl KafkaController {
    /// Goes on with partitions that move.
    pub(super) fn reassignment(&mut self, step: ReassignmentStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        let then = |step| Step::Reassignment(step);
        match step {
            ReassignmentStep::TakeUp => self.look_at_reassignments(true, w),
            ReassignmentStep::Look => self.look_at_reassignments(false, w),
            ReassignmentStep::Read(take_up) => self.reassignments_read(&outcome[1], take_up),
            ReassignmentStep::Begin(partition, target) => self.begin_reassignment(partition, target),
            ReassignmentStep::Record(moving) => self.record(moving, w),
            ReassignmentStep::Recorded(moving) => self.recorded(moving, &outcome),
            ReassignmentStep::Check(moving) => {
                let read = vec![self.read_state(moving.partition)];
                self.ask(read, then(ReassignmentStep::Checked(moving)), w);
            }
            ReassignmentStep::Checked(moving) => self.checked(moving, &outcome[0]),
            ReassignmentStep::Wait(moving) => self.start_new_replicas(moving),
            ReassignmentStep::RaiseEpoch(partition, assignment, told) => {
                let read = vec![self.read_state(partition)];
                self.ask(read, then(ReassignmentStep::EpochRead(partition, assignment, told)), w);
            }
            ReassignmentStep::EpochRead(partition, assignment, told) => {
                self.epoch_read(partition, assignment, told, &outcome[0], w);
            }
            ReassignmentStep::EpochRaised(decision, assignment, told) => {
                self.epoch_raised(decision, assignment, told, &outcome[0], w);
            }
            ReassignmentStep::MoveLeader(moving) => self.move_leader(moving),
            ReassignmentStep::WriteTarget(moving) => {
                let partition = moving.partition;
                let write = self.topic_write(partition, &self.context.assignments[&partition]);
                self.write(vec![write], then(ReassignmentStep::TargetWritten(moving)), w);
            }
            ReassignmentStep::TargetWritten(moving) => {
                if outcome[0].is_err() {
                    self.break_off(moving.partition);
                }
            }
            ReassignmentStep::Remove(partition) => {
                self.context.being_reassigned.remove(&partition);
                let read = vec![calls::get(REASSIGN_PARTITIONS, false)];
                self.ask(read, then(ReassignmentStep::RemoveRead(partition)), w);
            }
            ReassignmentStep::RemoveRead(partition) => self.remove_from_znode(partition, &outcome[0], w),
            ReassignmentStep::WatchAgain => {
                let look = vec![calls::exists(REASSIGN_PARTITIONS)];
                self.ask(look, then(ReassignmentStep::Watched), w);
            }
            ReassignmentStep::Watched => {
                if matches!(outcome[0], Ok(OpResult::Exists(Some(_)))) {
                    self.queue.push_back(Event::PartitionReassignment);
                }
            }
            ReassignmentStep::End(_) => {}
            ReassignmentStep::MaybeComplete(partition) => {
                let read = vec![self.read_state(partition)];
                self.ask(read, then(ReassignmentStep::MaybeCompleteRead(partition)), w);
            }
            ReassignmentStep::MaybeCompleteRead(partition) => {
                if let Some(target) = self.context.being_reassigned.get(&partition).cloned()
                    && self.is_in_sync(&target, &outcome[0])
                {
                    self.next(vec![then(ReassignmentStep::Begin(partition, target))]);
                }
            }
        }
    }

    fn look_at_reassignments(&mut self, take_up: bool, w: &mut Work<'_, '_>) {
        let reads = vec![calls::exists(REASSIGN_PARTITIONS), calls::get(REASSIGN_PARTITIONS, false)];
        self.ask(reads, Step::Reassignment(ReassignmentStep::Read(take_up)), w);
    }

    fn reassignments_read(&mut self, read: &Result<OpResult, ZkError>, take_up: bool) {
        let mut targets: BTreeMap<TopicPartition, Vec<BrokerId>> = match calls::data(read) {
            Some((ZnodeData::ReassignPartitions(targets), _)) => (**targets).clone(),
            _ => BTreeMap::new(),
        };
        if take_up {
            for (partition, target) in &self.context.being_reassigned {
                targets.entry(*partition).or_insert_with(|| target.clone());
            }
        }
        let begin = |(partition, target): (TopicPartition, Vec<BrokerId>)| {
            let possible = self.context.assignments.contains_key(&partition)
                && !self.context.is_queued_for_deletion(partition.topic);
            let unchanged = self.context.replicas(partition) == target
                && !self.context.being_reassigned.contains_key(&partition);
            Step::Reassignment(if possible && !unchanged {
                ReassignmentStep::Begin(partition, target)
            } else {
                ReassignmentStep::Remove(partition)
            })
        };
        let steps = targets.into_iter().map(begin).collect();
        self.next(steps);
    }

    fn begin_reassignment(&mut self, partition: TopicPartition, target: Vec<BrokerId>) {
        self.mark_ineligible([partition.topic]);
        let before = self.context.assignments[&partition].clone();
        let rule = self.era.rules.reassignment;
        let moving = rule.moving(&before, &target);
        self.context.being_reassigned.insert(partition, target.clone());
        let moving = Moving { partition, before, moving, target, recorded: false };
        let first = if rule.always_recorded() { ReassignmentStep::Record } else { ReassignmentStep::Check };
        self.next(vec![
            Step::Reassignment(first(moving)),
            Step::Reassignment(ReassignmentStep::End(partition)),
        ]);
    }

    // U: write down the move.

    fn record(&mut self, moving: Moving, w: &mut Work<'_, '_>) {
        let changes = moving.before != moving.moving;
        let write = changes.then(|| self.topic_write(moving.partition, &moving.moving));
        self.write(write.into_iter().collect(), Step::Reassignment(ReassignmentStep::Recorded(moving)), w);
    }

    fn topic_write(&self, partition: TopicPartition, assignment: &ReplicaAssignment) -> Op {
        let data = ZnodeData::Topic(Arc::new(self.context.topic_assignment(partition, assignment)));
        Op::SetData { path: topic_path(partition.topic), data, version: None }
    }

    fn recorded(&mut self, mut moving: Moving, outcome: &Outcome) {
        if outcome.iter().any(Result::is_err) {
            self.break_off(moving.partition);
            return;
        }
        moving.recorded = true;
        let partition = moving.partition;
        self.context.assignments.insert(partition, moving.moving.clone());
        // A target that replaces another one: what only the other one needed goes at once.
        let unneeded = moving.before.replicas.iter().copied();
        let unneeded = unneeded.filter(|replica| !moving.moving.replicas.contains(replica));
        let mut steps = stop_replicas(partition, unneeded.collect());
        let goes_on = if self.era.rules.reassignment.always_recorded() {
            ReassignmentStep::Check(moving)
        } else {
            ReassignmentStep::Wait(moving)
        };
        steps.push(Step::Reassignment(goes_on));
        self.next(steps);
    }

    // A: wait for the new replicas.

    fn is_in_sync(&self, target: &[BrokerId], read: &Result<OpResult, ZkError>) -> bool {
        self.era.rules.planted.completes_reassignments_at_once() || in_sync(target, read)
    }

    fn checked(&mut self, moving: Moving, read: &Result<OpResult, ZkError>) {
        let steps = if self.is_in_sync(&moving.target, read) {
            self.complete(moving)
        } else if moving.recorded {
            vec![Step::Reassignment(ReassignmentStep::Wait(moving))]
        } else {
            vec![Step::Reassignment(ReassignmentStep::Record(moving))]
        };
        self.next(steps);
    }

    fn start_new_replicas(&mut self, way: Moving) {
        let rule = self.era.rules.reassignment;
        let Moving { partition, before, moving, target, .. } = way;
        let told = rule.told_at_start(&moving);
        let new = on(partition, rule.to_start(&before, &moving, &target));
        self.next(vec![
            Step::Reassignment(ReassignmentStep::RaiseEpoch(partition, moving, told)),
            Step::Replicas(ReplicaStep::Change(new, ReplicaState::NewReplica)),
        ]);
    }

    // B: complete.

    fn complete(&self, way: Moving) -> Vec<Step> {
        let rule = self.era.rules.reassignment;
        let partition = way.partition;
        let removed = rule.to_remove(&way.moving, &way.target);
        let mut steps = Vec::new();
        for group in rule.to_bring_online(&way.moving, &way.target) {
            let change = ReplicaStep::Change(on(partition, group), ReplicaState::OnlineReplica);
            steps.push(Step::Replicas(change));
        }
        steps.push(Step::Reassignment(ReassignmentStep::MoveLeader(way.clone())));
        steps.extend(stop_replicas(partition, removed));
        steps.push(Step::Reassignment(ReassignmentStep::WriteTarget(way)));
        steps.push(Step::Reassignment(ReassignmentStep::Remove(partition)));
        steps.push(Step::SendMetadata(About::Partitions(vec![partition])));
        steps.push(Step::Deletion(DeletionStep::ResumeFor(vec![partition.topic])));
        steps
    }

    fn move_leader(&mut self, way: Moving) {
        let Moving { partition, moving, target, .. } = way;
        let assignment = ReplicaAssignment { replicas: target.clone(), ..Default::default() };
        self.context.assignments.insert(partition, assignment.clone());
        let stays = self
            .context
            .leader(partition)
            .is_some_and(|leader| target.contains(&leader) && self.context.is_online(leader, partition));
        self.next(vec![if stays {
            let told = self.era.rules.reassignment.told_at_end(&moving, &target);
            Step::Reassignment(ReassignmentStep::RaiseEpoch(partition, assignment, told))
        } else {
            let strategy = Some(Strategy::Reassignment);
            let change = PartitionStep::Change(vec![partition], PartitionState::OnlinePartition, strategy);
            Step::Partitions(change)
        }]);
    }

    // A new leader epoch for the same leader (`updateLeaderEpochAndSendRequest`).

    fn epoch_read(
        &mut self,
        partition: TopicPartition,
        assignment: ReplicaAssignment,
        told: Told,
        read: &Result<OpResult, ZkError>,
        w: &mut Work<'_, '_>,
    ) {
        let Ok(held) = self.state_to_change(read) else {
            self.break_off(partition);
            return;
        };
        let state = znode::PartitionState {
            leader_epoch: held.state.leader_epoch.next(),
            controller_epoch: self.context.epoch,
            ..held.state
        };
        let decision =
            Decision { partition, state, over: held.version, recipients: Vec::new(), unclean: false };
        let write = vec![decision.write()];
        self.write(write, Step::Reassignment(ReassignmentStep::EpochRaised(decision, assignment, told)), w);
    }

    fn epoch_raised(
        &mut self,
        decision: Decision,
        assignment: ReplicaAssignment,
        told: Told,
        result: &Result<OpResult, ZkError>,
        w: &mut Work<'_, '_>,
    ) {
        let partition = decision.partition;
        match result {
            Ok(OpResult::Set(stat)) => {
                self.leadership_written(&decision, stat.version, "reassignment", w);
                for (brokers, is_new) in &told {
                    self.batch.add_leader_and_isr(&self.context, brokers, partition, &assignment, *is_new);
                }
                self.send_requests(w);
            }
            Ok(other) => unreachable!("a write is answered with {other:?}"),
            Err(error) => {
                self.write_refused(&znode::state_path(partition), *error, w);
                if *error == ZkError::BadVersion {
                    let again = ReassignmentStep::RaiseEpoch(partition, assignment, told);
                    self.next(vec![Step::Reassignment(again)]);
                } else {
                    self.break_off(partition);
                }
            }
        }
    }

    // The end, well or not.

    /// Gives a partition's reassignment up, and lets the operator know by taking it out of the znode.
    fn break_off(&mut self, partition: TopicPartition) {
        let is_end = |step: &Step| match step {
            Step::Reassignment(ReassignmentStep::End(ending)) => *ending == partition,
            _ => false,
        };
        while self.steps.last().is_some_and(|step| !is_end(step)) {
            self.steps.pop();
        }
        self.batch.clear();
        self.next(vec![Step::Reassignment(ReassignmentStep::Remove(partition))]);
    }

    fn remove_from_znode(
        &mut self,
        partition: TopicPartition,
        read: &Result<OpResult, ZkError>,
        w: &mut Work<'_, '_>,
    ) {
        let Some((ZnodeData::ReassignPartitions(targets), _)) = calls::data(read) else { return };
        let mut rest = (**targets).clone();
        rest.remove(&partition);
        let then = Step::Reassignment(ReassignmentStep::WatchAgain);
        if rest.is_empty() {
            self.write(vec![calls::delete(REASSIGN_PARTITIONS)], then, w);
        } else {
            let data = ZnodeData::ReassignPartitions(Arc::new(rest));
            let write = Op::SetData { path: REASSIGN_PARTITIONS.into(), data, version: None };
            self.write(vec![write], Step::Done, w);
        }
    }
}

fn on(partition: TopicPartition, brokers: Vec<BrokerId>) -> Vec<PartitionAndReplica> {
    brokers.into_iter().map(|replica| PartitionAndReplica { partition, replica }).collect()
}

/// Stops and deletes replicas that are not needed any more. Nobody waits for the brokers' answers.
fn stop_replicas(partition: TopicPartition, brokers: Vec<BrokerId>) -> Vec<Step> {
    if brokers.is_empty() {
        return Vec::new();
    }
    let states = [
        ReplicaState::OfflineReplica,
        ReplicaState::ReplicaDeletionStarted,
        ReplicaState::ReplicaDeletionSuccessful,
        ReplicaState::NonExistentReplica,
    ];
    let change = |state| Step::Replicas(ReplicaStep::Change(on(partition, brokers.clone()), state));
    states.into_iter().map(change).collect()
}

/// Whether the state that was read has all of `target` in the ISR.
fn in_sync(target: &[BrokerId], read: &Result<OpResult, ZkError>) -> bool {
    match calls::data(read) {
        Some((ZnodeData::PartitionState(state), _)) => {
            target.iter().all(|replica| state.isr.contains(replica))
        }
        _ => false,
    }
}
