//! The states of replicas, and how a dead one leaves the ISR (`ReplicaStateMachine`).
//!
//! ```text
//! NonExistentReplica ──> NewReplica ──> OnlineReplica <──> OfflineReplica ──> ReplicaDeletionStarted
//!         ^                                                    │  ^                │          │
//!         │                                                    v  │                v          │
//!         └── ReplicaDeletionSuccessful <──────────── ReplicaDeletionIneligible <──┘          │
//!                        ^─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! - To `NewReplica` and `OnlineReplica`: the replica's broker gets LeaderAndIsr.
//! - To `OfflineReplica`: the broker gets StopReplica (without deletion) if it still lives, and the replica leaves
//!   the ISR:
//!   1. read the state znode; one that a newer controller has written is left alone;
//!   2. a leader that goes is replaced by -1; the last member of the ISR may stay (rule `last-isr-member`);
//!   3. write, with a new leader epoch, if the znode still has the version that was read; else begin again at 1;
//!   4. the other replicas get LeaderAndIsr, also if the replica was not in the ISR and nothing was written.
//! - To `ReplicaDeletionStarted`: StopReplica with deletion. The rest is only noted in memory.
//!
//! Left out: what differs in small between releases: up to 1.0 a replica becoming new reads its leader from ZooKeeper
//! instead of memory, up to 1.1 a replica whose partition never had a leader does not become offline, and up to 2.2
//! only a replica whose deletion has started can become ineligible.

use super::calls::{self, Work};
use super::context::PartitionAndReplica;
use super::partition_state_machine::Decision;
use super::{KafkaController, Step};
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::note::{ControllerNote, Note};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode;
use std::collections::BTreeMap;

/// A replica's state, in Kafka's words.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ReplicaState {
    /// Not assigned, or deleted.
    NonExistentReplica,
    /// Assigned just now.
    NewReplica,
    /// Its broker is up.
    OnlineReplica,
    /// Its broker or its log directory is down, or it is about to be deleted.
    OfflineReplica,
    /// Its broker has been told to delete it.
    ReplicaDeletionStarted,
    /// It is deleted.
    ReplicaDeletionSuccessful,
    /// It cannot be deleted at present.
    ReplicaDeletionIneligible,
}

use ReplicaState::{
    NewReplica, NonExistentReplica, OfflineReplica, OnlineReplica, ReplicaDeletionIneligible,
    ReplicaDeletionStarted, ReplicaDeletionSuccessful,
};

impl ReplicaState {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            NonExistentReplica => "NonExistentReplica",
            NewReplica => "NewReplica",
            OnlineReplica => "OnlineReplica",
            OfflineReplica => "OfflineReplica",
            ReplicaDeletionStarted => "ReplicaDeletionStarted",
            ReplicaDeletionSuccessful => "ReplicaDeletionSuccessful",
            ReplicaDeletionIneligible => "ReplicaDeletionIneligible",
        }
    }

    /// Whether a replica may come to this state from `previous` (`validPreviousStates`).
    pub fn may_follow(self, previous: ReplicaState) -> bool {
        match self {
            NewReplica => previous == NonExistentReplica,
            OnlineReplica | OfflineReplica => {
                matches!(previous, NewReplica | OnlineReplica | OfflineReplica | ReplicaDeletionIneligible)
            }
            ReplicaDeletionStarted => previous == OfflineReplica,
            ReplicaDeletionSuccessful => previous == ReplicaDeletionStarted,
            ReplicaDeletionIneligible => matches!(previous, OfflineReplica | ReplicaDeletionStarted),
            NonExistentReplica => previous == ReplicaDeletionSuccessful,
        }
    }
}

/// What is left to do of a change of state.
#[derive(Clone, Debug)]
pub(super) enum ReplicaStep {
    /// Change these.
    Change(Vec<PartitionAndReplica>, ReplicaState),
    /// Take a broker's replicas offline.
    GoOffline(BrokerId, Vec<TopicPartition>),
    /// Take a broker out of the ISR of these partitions.
    LeaveIsr(BrokerId, Vec<TopicPartition>),
    /// The states have been read.
    StatesRead(BrokerId, Vec<TopicPartition>),
    /// Settings have been read too: those of the topics of removals that depend on them.
    SettingsRead(BrokerId, Vec<(Decision, bool)>),
    /// The new states have been written, or not.
    Written(BrokerId, Vec<Decision>),
}

impl KafkaController {
    /// Goes on with a change of state.
    pub(super) fn replicas(&mut self, step: ReplicaStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            ReplicaStep::Change(replicas, target) => self.change_replicas(replicas, target, w),
            ReplicaStep::GoOffline(broker, partitions) => self.go_offline(broker, partitions, w),
            ReplicaStep::LeaveIsr(broker, partitions) => {
                let reads = partitions.iter().map(|partition| self.read_state(*partition)).collect();
                self.ask(reads, Step::Replicas(ReplicaStep::StatesRead(broker, partitions)), w);
            }
            ReplicaStep::StatesRead(broker, partitions) => self.isrs_read(broker, partitions, outcome, w),
            ReplicaStep::SettingsRead(broker, removals) => {
                self.isr_settings_read(broker, removals, outcome, w)
            }
            ReplicaStep::Written(broker, decisions) => self.isrs_written(broker, decisions, outcome, w),
        }
    }

    /// `handleStateChanges`.
    fn change_replicas(
        &mut self,
        replicas: Vec<PartitionAndReplica>,
        target: ReplicaState,
        w: &mut Work<'_, '_>,
    ) {
        let may_change =
            |replica: &PartitionAndReplica| target.may_follow(self.context.replica_state(*replica));
        let mut by_broker: BTreeMap<BrokerId, Vec<TopicPartition>> = BTreeMap::new();
        for replica in replicas.into_iter().filter(may_change) {
            by_broker.entry(replica.replica).or_default().push(replica.partition);
        }
        let mut steps = Vec::new();
        for (broker, partitions) in by_broker {
            if target == OfflineReplica {
                for group in self.era.rules.controller_round_trips.groups(partitions) {
                    steps.push(Step::Replicas(ReplicaStep::GoOffline(broker, group)));
                }
            } else {
                for partition in partitions {
                    self.change_replica(PartitionAndReplica { partition, replica: broker }, target, w);
                }
            }
        }
        steps.push(Step::SendRequests);
        self.next(steps);
    }

    /// A change that needs no round trip.
    fn change_replica(&mut self, replica: PartitionAndReplica, target: ReplicaState, w: &mut Work<'_, '_>) {
        let PartitionAndReplica { partition, replica: broker } = replica;
        match target {
            NewReplica if self.context.leader(partition) == Some(broker) => return,
            NewReplica => self.tell_replica(replica, true),
            OnlineReplica if self.context.replica_state(replica) == NewReplica => {
                let assignment = self.context.assignments.entry(partition).or_default();
                if !assignment.replicas.contains(&broker) {
                    assignment.replicas.push(broker);
                }
            }
            OnlineReplica => self.tell_replica(replica, false),
            ReplicaDeletionStarted => self.batch.add_stop_replica(&self.context, broker, partition, true),
            NonExistentReplica => {
                if let Some(assignment) = self.context.assignments.get_mut(&partition) {
                    for list in [&mut assignment.replicas, &mut assignment.adding, &mut assignment.removing] {
                        list.retain(|assigned| *assigned != broker);
                    }
                }
            }
            OfflineReplica | ReplicaDeletionSuccessful | ReplicaDeletionIneligible => {}
        }
        self.set_replica_state(replica, target, w);
    }

    fn tell_replica(&mut self, replica: PartitionAndReplica, is_new: bool) {
        let partition = replica.partition;
        if let Some(assignment) = self.context.assignments.get(&partition).cloned() {
            self.batch.add_leader_and_isr(&self.context, &[replica.replica], partition, &assignment, is_new);
        }
    }

    fn set_replica_state(&mut self, replica: PartitionAndReplica, to: ReplicaState, w: &mut Work<'_, '_>) {
        let from = self.context.replica_state(replica);
        match to {
            NonExistentReplica => self.context.replica_states.remove(&replica),
            _ => self.context.replica_states.insert(replica, to),
        };
        if from != to {
            w.env.note(|| {
                let PartitionAndReplica { partition, replica: broker } = replica;
                let (from, to) = (from.name(), to.name());
                Note::Controller(ControllerNote::ReplicaState { partition, broker, from, to })
            });
        }
    }

    // To OfflineReplica.

    fn go_offline(&mut self, broker: BrokerId, partitions: Vec<TopicPartition>, w: &mut Work<'_, '_>) {
        for partition in &partitions {
            self.batch.add_stop_replica(&self.context, broker, *partition, false);
        }
        let has_leadership = |partition: &TopicPartition| self.context.leadership.contains_key(partition);
        let (with, without): (Vec<_>, Vec<_>) = partitions.into_iter().partition(has_leadership);
        for partition in without {
            self.set_replica_state(PartitionAndReplica { partition, replica: broker }, OfflineReplica, w);
        }
        self.next(vec![Step::Replicas(ReplicaStep::LeaveIsr(broker, with))]);
    }

    fn isrs_read(
        &mut self,
        broker: BrokerId,
        partitions: Vec<TopicPartition>,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let rule = self.era.rules.last_isr_member;
        let mut removals = Vec::new();
        let mut reads = Vec::new();
        for (partition, read) in partitions.into_iter().zip(&outcome) {
            let leadership = match self.state_to_change(read) {
                Ok(leadership) => leadership,
                Err(reason) => {
                    w.env.note(|| Note::Controller(ControllerNote::NotElected { partition, reason }));
                    continue;
                }
            };
            if !leadership.state.isr.contains(&broker) {
                let mut leadership = leadership;
                leadership.state.controller_epoch = self.context.epoch;
                self.context.leadership.insert(partition, leadership);
                self.replica_is_offline(partition, broker, w);
                continue;
            }
            let asks = rule.asks_for_unclean_setting(&leadership.state.isr, broker);
            if asks {
                reads.push(calls::get(znode::topic_config_path(partition.topic), false));
            }
            let state = znode::PartitionState {
                leader: if leadership.state.leader == broker {
                    BrokerId::NONE
                } else {
                    leadership.state.leader
                },
                leader_epoch: leadership.state.leader_epoch.next(),
                isr: leadership.state.isr,
                controller_epoch: self.context.epoch,
            };
            let over = leadership.version;
            removals
                .push((Decision { partition, state, over, recipients: Vec::new(), unclean: false }, asks));
        }
        self.ask(reads, Step::Replicas(ReplicaStep::SettingsRead(broker, removals)), w);
    }

    fn isr_settings_read(
        &mut self,
        broker: BrokerId,
        removals: Vec<(Decision, bool)>,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let rule = self.era.rules.last_isr_member;
        let mut settings = outcome.iter();
        let mut decisions = Vec::new();
        for (mut decision, asked) in removals {
            let unclean = asked && settings.next().is_some_and(|read| self.allows_unclean(read));
            decision.state.isr = rule.without(&decision.state.isr, broker, unclean);
            decisions.push(decision);
        }
        let ops = decisions.iter().map(Decision::write).collect();
        self.write(ops, Step::Replicas(ReplicaStep::Written(broker, decisions)), w);
    }

    fn isrs_written(
        &mut self,
        broker: BrokerId,
        decisions: Vec<Decision>,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let mut again = Vec::new();
        for (decision, result) in decisions.into_iter().zip(outcome) {
            match result {
                Ok(OpResult::Set(stat)) => {
                    self.leadership_written(&decision, stat.version, "replica offline", w);
                    self.replica_is_offline(decision.partition, broker, w);
                }
                Ok(other) => unreachable!("a write is answered with {other:?}"),
                Err(error) => {
                    self.write_refused(&znode::state_path(decision.partition), error, w);
                    if error == ZkError::BadVersion {
                        again.push(decision.partition);
                    }
                }
            }
        }
        if !again.is_empty() {
            self.next(vec![Step::Replicas(ReplicaStep::LeaveIsr(broker, again))]);
        }
    }

    fn replica_is_offline(&mut self, partition: TopicPartition, broker: BrokerId, w: &mut Work<'_, '_>) {
        if !self.context.is_queued_for_deletion(partition.topic)
            && let Some(assignment) = self.context.assignments.get(&partition).cloned()
        {
            let others: Vec<BrokerId> =
                assignment.replicas.iter().copied().filter(|replica| *replica != broker).collect();
            self.batch.add_leader_and_isr(&self.context, &others, partition, &assignment, false);
        }
        self.set_replica_state(PartitionAndReplica { partition, replica: broker }, OfflineReplica, w);
    }

    /// Gives every replica the state it is in when a controller begins (`initializeReplicaState`). A replica that is
    /// down counts as one that could not be deleted, in case its topic is to be.
    pub(super) fn initialize_replica_states(&mut self) {
        for replica in self.context.all_replicas() {
            let online = self.context.is_online(replica.replica, replica.partition);
            let state = if online { OnlineReplica } else { ReplicaDeletionIneligible };
            self.context.replica_states.insert(replica, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kafkas_transitions_are_possible() {
        let all = [
            NonExistentReplica,
            NewReplica,
            OnlineReplica,
            OfflineReplica,
            ReplicaDeletionStarted,
            ReplicaDeletionSuccessful,
            ReplicaDeletionIneligible,
        ];
        let table: Vec<String> = all
            .iter()
            .map(|from| all.iter().map(|to| if to.may_follow(*from) { 'x' } else { '.' }).collect())
            .collect();
        // from (rows) to (columns): non-existent, new, online, offline, deletion started, successful, ineligible
        assert_eq!(table, [".x.....", "..xx...", "..xx...", "..xxx.x", ".....xx", "x......", "..xx..."]);
    }
}
