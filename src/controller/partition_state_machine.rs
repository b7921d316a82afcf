//! The states of partitions, and elections (`PartitionStateMachine`).
//!
//! ```text
//! NonExistentPartition ──> NewPartition ──> OnlinePartition <──> OfflinePartition ──> NonExistentPartition
//! ```
//!
//! - `NewPartition`: it has replicas and no leader yet. `OfflinePartition`: its leader has gone.
//! - To `OnlinePartition` from `NewPartition`: its first leader ([`super::new_partitions`]).
//! - To `OnlinePartition` from the others: an election ([`super::election`]):
//!   1. read the state znodes; one that a newer controller has written is left alone;
//!   2. for the partitions of which nobody in the ISR is online, read the topics' settings;
//!   3. elect, and write each state if the znode still has the version that was read;
//!   4. those that met another version (the leader changed the ISR meanwhile) begin again at 1.
//! - Every other change is only noted in memory.
//!
//! When all partitions have been handled, the requests gathered are sent. Up to 1.0 each partition goes through these
//! round trips on its own, one after the other (rule `controller-round-trips`).
//!
//! Left out: up to 1.0 a write that is refused counts as done if the znode holds just what was to be written (its first
//! transmission had got through); here the election is held again, as from 1.1 on.

use super::calls::{self, Work};
use super::context::Leadership;
use super::election::{Elected, Situation, Strategy};
use super::{KafkaController, Step};
use crate::ids::{BrokerId, Topic, TopicPartition, ZkVersion};
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::note::{ControllerNote, Note};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{self, ZnodeData};
use std::collections::{BTreeMap, BTreeSet};

/// A partition's state, in Kafka's words.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(clippy::enum_variant_names, reason = "Kafka's names")]
pub(super) enum PartitionState {
    /// Never created, or deleted.
    NonExistentPartition,
    /// Assigned, without a leader yet.
    NewPartition,
    /// It has a leader.
    OnlinePartition,
    /// Its leader has gone.
    OfflinePartition,
}

use PartitionState::{NewPartition, NonExistentPartition, OfflinePartition, OnlinePartition};

impl PartitionState {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            NonExistentPartition => "NonExistentPartition",
            NewPartition => "NewPartition",
            OnlinePartition => "OnlinePartition",
            OfflinePartition => "OfflinePartition",
        }
    }

    /// Whether a partition may come to this state from `previous` (`validPreviousStates`).
    pub fn may_follow(self, previous: PartitionState) -> bool {
        match self {
            NewPartition => previous == NonExistentPartition,
            OnlinePartition | OfflinePartition => previous != NonExistentPartition,
            NonExistentPartition => previous == OfflinePartition,
        }
    }
}

/// A decision on its way to ZooKeeper.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// About which partition.
    pub partition: TopicPartition,
    /// What to write.
    pub state: znode::PartitionState,
    /// Over which version.
    pub over: ZkVersion,
    /// Who is told.
    pub recipients: Vec<BrokerId>,
    /// Whether the leader is from outside the ISR.
    pub unclean: bool,
}

/// What is left to do of a change of state.
#[derive(Clone, Debug)]
pub(super) enum PartitionStep {
    /// Change these.
    Change(Vec<TopicPartition>, PartitionState, Option<Strategy>),
    /// Elect leaders for all that have none (`triggerOnlinePartitionStateChange`), of one topic or of all.
    TriggerOnline(Option<Topic>),
    /// Bring these online that were new.
    Initialize(Vec<TopicPartition>),
    /// The parents of these state znodes have been created, as many levels as this.
    ParentsCreated(Vec<Decision>, u8),
    /// These state znodes have been created, or not.
    Created(Vec<Decision>),
    /// Elect.
    Elect(Vec<TopicPartition>, Strategy),
    /// Their states have been read.
    StatesRead(Vec<TopicPartition>, Strategy),
    /// The settings of these topics have been read too.
    SettingsRead(Vec<(TopicPartition, Leadership)>, Strategy, Vec<Topic>),
    /// The new states have been written, or not.
    Written(Vec<Decision>, Strategy),
}

impl KafkaController {
    /// Goes on with a change of state.
    pub(super) fn partitions(&mut self, step: PartitionStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            PartitionStep::Change(partitions, target, strategy) => {
                self.change_partitions(partitions, target, strategy, w);
            }
            PartitionStep::TriggerOnline(topic) => {
                let partitions = self.context.without_leader(topic);
                self.change_partitions(partitions, OnlinePartition, Some(Strategy::Offline), w);
            }
            PartitionStep::Initialize(partitions) => self.initialize(partitions, w),
            PartitionStep::ParentsCreated(decisions, levels) => self.create_states(decisions, levels, w),
            PartitionStep::Created(decisions) => self.states_created(decisions, outcome, w),
            PartitionStep::Elect(partitions, strategy) => {
                let reads = partitions.iter().map(|partition| self.read_state(*partition)).collect();
                self.ask(reads, Step::Partitions(PartitionStep::StatesRead(partitions, strategy)), w);
            }
            PartitionStep::StatesRead(partitions, strategy) => {
                self.states_read(partitions, strategy, outcome, w);
            }
            PartitionStep::SettingsRead(held, strategy, topics) => {
                let settings = topics.into_iter().zip(&outcome);
                let unclean = settings.map(|(topic, read)| (topic, self.allows_unclean(read))).collect();
                self.hold_elections(held, strategy, &unclean, w);
            }
            PartitionStep::Written(decisions, strategy) => {
                self.elections_written(decisions, strategy, outcome, w)
            }
        }
    }

    /// `handleStateChanges`.
    fn change_partitions(
        &mut self,
        partitions: Vec<TopicPartition>,
        target: PartitionState,
        strategy: Option<Strategy>,
        w: &mut Work<'_, '_>,
    ) {
        let may_change =
            |partition: &TopicPartition| target.may_follow(self.context.partition_state(*partition));
        let partitions: Vec<TopicPartition> = partitions.into_iter().filter(may_change).collect();
        if target != OnlinePartition {
            for partition in partitions {
                self.set_partition_state(partition, target, w);
            }
            return;
        }
        let strategy = strategy.expect("an election needs a strategy");
        let is_new = |partition: &TopicPartition| self.context.partition_state(*partition) == NewPartition;
        let (new, old): (Vec<_>, Vec<_>) = partitions.into_iter().partition(is_new);
        let groups = self.era.rules.controller_round_trips;
        let mut steps = Vec::new();
        for group in groups.groups(new) {
            steps.push(Step::Partitions(PartitionStep::Initialize(group)));
        }
        for group in groups.groups(old) {
            steps.push(Step::Partitions(PartitionStep::Elect(group, strategy)));
        }
        steps.push(Step::SendRequests);
        self.next(steps);
    }

    /// Notes a partition's new state.
    pub(super) fn set_partition_state(
        &mut self,
        partition: TopicPartition,
        to: PartitionState,
        w: &mut Work<'_, '_>,
    ) {
        let from = self.context.partition_state(partition);
        match to {
            NonExistentPartition => self.context.partition_states.remove(&partition),
            _ => self.context.partition_states.insert(partition, to),
        };
        if from != to {
            w.env.note(|| {
                let (from, to) = (from.name(), to.name());
                Note::Controller(ControllerNote::PartitionState { partition, from, to })
            });
        }
    }

    /// A read of a partition's state; with a watch if its leader's next change of it decides about a reassignment.
    pub(super) fn read_state(&self, partition: TopicPartition) -> Op {
        let watch = self.watches_states && self.context.being_reassigned.contains_key(&partition);
        calls::get(znode::state_path(partition), watch)
    }

    // From OfflinePartition or OnlinePartition to OnlinePartition.

    fn states_read(
        &mut self,
        partitions: Vec<TopicPartition>,
        strategy: Strategy,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let mut held = Vec::new();
        let mut topics = BTreeSet::new();
        for (partition, read) in partitions.into_iter().zip(&outcome) {
            match self.state_to_change(read) {
                Ok(leadership) => {
                    if strategy.asks_for_unclean_setting(&leadership.state.isr, &self.online(partition)) {
                        topics.insert(partition.topic);
                    }
                    held.push((partition, leadership));
                }
                Err(reason) => self.not_elected(partition, reason, w),
            }
        }
        if topics.is_empty() {
            self.hold_elections(held, strategy, &BTreeMap::new(), w);
        } else {
            let topics: Vec<Topic> = topics.into_iter().collect();
            let reads =
                topics.iter().map(|topic| calls::get(znode::topic_config_path(*topic), false)).collect();
            self.ask(reads, Step::Partitions(PartitionStep::SettingsRead(held, strategy, topics)), w);
        }
    }

    /// A state that was read in order to change it: unless it is not there, or a newer controller has written it.
    pub(super) fn state_to_change(
        &self,
        read: &Result<OpResult, ZkError>,
    ) -> Result<Leadership, &'static str> {
        match calls::data(read) {
            Some((ZnodeData::PartitionState(state), _))
                if state.controller_epoch > self.context.epoch
                    && !self.era.rules.planted.writes_unguarded() =>
            {
                Err("another controller has written its state")
            }
            Some((ZnodeData::PartitionState(state), stat)) => {
                Ok(Leadership { state: state.clone(), version: stat.version })
            }
            _ => Err("it has no state"),
        }
    }

    /// Whether `unclean.leader.election.enable` is on, by a topic's settings and by this broker's default.
    pub(super) fn allows_unclean(&self, read: &Result<OpResult, ZkError>) -> bool {
        const SETTING: &str = "unclean.leader.election.enable";
        let own = match calls::data(read) {
            Some((ZnodeData::Config(settings), _)) => settings.get(SETTING),
            _ => None,
        };
        own.map_or(self.settings.unclean_leader_election, |value| value.trim().eq_ignore_ascii_case("true"))
    }

    fn online(&self, partition: TopicPartition) -> Vec<BrokerId> {
        let replicas = self.context.replicas(partition).iter().copied();
        replicas.filter(|replica| self.context.is_online(*replica, partition)).collect()
    }

    fn hold_elections(
        &mut self,
        held: Vec<(TopicPartition, Leadership)>,
        strategy: Strategy,
        unclean: &BTreeMap<Topic, bool>,
        w: &mut Work<'_, '_>,
    ) {
        let mut decisions = Vec::new();
        for (partition, Leadership { state, version }) in held {
            let unclean_allowed = unclean.get(&partition.topic).copied().unwrap_or(false);
            match self.elect_leader(partition, &state, strategy, unclean_allowed) {
                Elected::Leader { leader, isr, recipients, unclean } => decisions.push(Decision {
                    partition,
                    state: znode::PartitionState {
                        leader,
                        leader_epoch: match self.era.rules.planted.keeps_the_epoch() {
                            true => state.leader_epoch,
                            false => state.leader_epoch.next(),
                        },
                        isr,
                        controller_epoch: self.context.epoch,
                    },
                    over: version,
                    recipients,
                    unclean,
                }),
                Elected::NotNeeded => {}
                Elected::Nobody(reason) => self.not_elected(partition, reason, w),
            }
        }
        let over_any = self.era.rules.planted.writes_unguarded();
        let write = |decision: &Decision| match decision.write() {
            Op::SetData { path, data, .. } if over_any => Op::SetData { path, data, version: None },
            write => write,
        };
        let ops = decisions.iter().map(write).collect();
        self.write(ops, Step::Partitions(PartitionStep::Written(decisions, strategy)), w);
    }

    fn elect_leader(
        &self,
        partition: TopicPartition,
        state: &znode::PartitionState,
        strategy: Strategy,
        unclean_allowed: bool,
    ) -> Elected {
        let assignment = self.context.replicas(partition);
        let leaving =
            assignment.iter().copied().filter(|replica| self.context.shutting_down.contains(replica));
        strategy.elect(
            &Situation {
                assignment,
                target: self.context.being_reassigned.get(&partition).map_or(assignment, |target| target),
                leader: state.leader,
                isr: &state.isr,
                online: &self.online(partition),
                leaving: &leaving.collect::<Vec<_>>(),
                unclean_allowed,
            },
            &self.era.rules,
        )
    }

    fn elections_written(
        &mut self,
        decisions: Vec<Decision>,
        strategy: Strategy,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        let all = decisions.iter().map(|decision| decision.partition).collect();
        let mut refused = Vec::new();
        for (decision, result) in decisions.into_iter().zip(outcome) {
            let partition = decision.partition;
            match result {
                Ok(OpResult::Set(stat)) => {
                    self.leadership_written(&decision, stat.version, strategy.reason(), w);
                    if let Some(assignment) = self.context.assignments.get(&partition).cloned() {
                        let recipients = &decision.recipients;
                        self.batch.add_leader_and_isr(
                            &self.context,
                            recipients,
                            partition,
                            &assignment,
                            false,
                        );
                    }
                    self.set_partition_state(partition, OnlinePartition, w);
                }
                Ok(other) => unreachable!("a write is answered with {other:?}"),
                Err(error) => {
                    self.write_refused(&znode::state_path(partition), error, w);
                    if error == ZkError::BadVersion {
                        refused.push(partition);
                    }
                }
            }
        }
        let again = self.era.rules.election_retry.again(all, refused);
        if !again.is_empty() {
            self.next(vec![Step::Partitions(PartitionStep::Elect(again, strategy))]);
        }
    }

    /// A state has been written: keeps it and notes it.
    pub(super) fn leadership_written(
        &mut self,
        decision: &Decision,
        version: ZkVersion,
        reason: &'static str,
        w: &mut Work<'_, '_>,
    ) {
        let state = decision.state.clone();
        w.env.note(|| {
            Note::Controller(ControllerNote::LeaderAndIsrWritten {
                partition: decision.partition,
                leader: state.leader,
                epoch: state.leader_epoch,
                isr: state.isr.clone(),
                reason,
                unclean: decision.unclean,
            })
        });
        self.context.leadership.insert(decision.partition, Leadership { state, version });
    }

    pub(super) fn not_elected(&self, partition: TopicPartition, reason: &'static str, w: &mut Work<'_, '_>) {
        w.env.note(|| Note::Controller(ControllerNote::NotElected { partition, reason }));
    }

    /// Notes that a write failed.
    pub(super) fn write_refused(&self, path: &str, error: ZkError, w: &mut Work<'_, '_>) {
        let path = path.to_owned();
        w.env.note(|| Note::Controller(ControllerNote::WriteRefused { path, error }));
    }

    /// Gives every partition the state it is in when a controller begins (`initializePartitionState`).
    pub(super) fn initialize_partition_states(&mut self) {
        for partition in self.context.assignments.keys() {
            let state = match self.context.leader(*partition) {
                None => NewPartition,
                Some(leader) if self.context.is_online(leader, *partition) => OnlinePartition,
                Some(_) => OfflinePartition,
            };
            self.context.partition_states.insert(*partition, state);
        }
    }
}

impl Decision {
    /// The write: only over the version that was read.
    pub fn write(&self) -> Op {
        Op::SetData {
            path: znode::state_path(self.partition),
            data: ZnodeData::PartitionState(self.state.clone()),
            version: Some(self.over),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kafkas_transitions_are_possible() {
        let all = [NonExistentPartition, NewPartition, OnlinePartition, OfflinePartition];
        let table: Vec<String> = all
            .iter()
            .map(|from| all.iter().map(|to| if to.may_follow(*from) { 'x' } else { '.' }).collect())
            .collect();
        // from (rows) to (columns): non-existent, new, online, offline
        assert_eq!(table, [".x..", "..xx", "..xx", "x.xx"]);
    }
}
