//! Taking over (`onControllerFailover`): watch, read everything back, tell everybody.
//!
//! 1. Watch what operators and leaders write, and delete the notifications meant for the controller before.
//! 2. Read brokers, topics, assignments and states, each with a watch.
//! 3. UpdateMetadata to every broker: they must know the live brokers before a LeaderAndIsr names one of them.
//! 4. Start the replica state machine: LeaderAndIsr about every live replica; from 2.3 on dead replicas leave the ISR
//!    (rule `dead-followers`). Start the partition state machine: elect leaders where there is none.
//! 5. Take up reassignments, deletions and preferred elections where the controller before left them.
//! 6. Look at the balance of leaders after 5 seconds.
//!
//! Left out: up to 1.0 old ISR notifications are not deleted but handled with the next one. It makes no difference to
//! the cluster: the states are read anyway.

use super::calls::{self, Work};
use super::context::{Leadership, LiveBroker, PartitionAndReplica};
use super::replica_state_machine::ReplicaState;
use super::{
    About, DeletionStep, KafkaController, PartitionStep, PreferredStep, ReassignmentStep, ReplicaStep, Step,
};
use crate::ids::{BrokerEpoch, BrokerId, Topic, TopicPartition};
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::note::{ControllerNote, Note};
use crate::time::Micros;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{
    BROKER_IDS, DELETE_TOPICS, ISR_CHANGES, LOG_DIR_EVENTS, PREFERRED_REPLICA_ELECTION, REASSIGN_PARTITIONS,
    TOPICS, ZnodeData, broker_path, state_path, topic_path,
};
use std::collections::BTreeMap;

/// How soon after an election the balance of leaders is looked at for the first time.
const FIRST_REBALANCE: Micros = Micros::from_millis(5_000);

/// What is left to do to take over.
#[derive(Clone, Debug)]
pub(super) enum FailoverStep {
    /// Watch what comes by znode.
    Watch,
    /// Delete old notifications.
    Watched,
    /// Read who is there.
    ListBrokers,
    /// Read their znodes.
    BrokersListed,
    /// They have been read.
    BrokersRead(Vec<BrokerId>),
    /// Read the topics' znodes.
    TopicsListed,
    /// They have been read: read the states.
    TopicsRead(Vec<Topic>),
    /// The states have been read.
    StatesRead(Vec<TopicPartition>),
    /// The topics to delete have been read: go.
    Start,
    /// Start the replica state machine.
    StartReplicas,
    /// Start the partition state machine.
    StartPartitions,
    /// Ready: look at the balance of leaders in a while.
    ScheduleRebalance,
}

impl KafkaController {
    /// Goes on taking over.
    pub(super) fn failover(&mut self, step: FailoverStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        let then = |step| Step::Failover(step);
        match step {
            FailoverStep::Watch => {
                let mut reads = vec![
                    calls::exists(PREFERRED_REPLICA_ELECTION),
                    calls::exists(REASSIGN_PARTITIONS),
                    calls::list(ISR_CHANGES),
                ];
                if self.era.rules.log_dir_events.are_watched() {
                    reads.push(calls::list(LOG_DIR_EVENTS));
                }
                self.ask(reads, then(FailoverStep::Watched), w);
            }
            FailoverStep::Watched => {
                let old = |parent: &'static str, index: usize| {
                    let names = outcome.get(index).map_or(&[][..], calls::children);
                    names.iter().map(move |name| calls::delete(format!("{parent}/{name}")))
                };
                let deletions = old(LOG_DIR_EVENTS, 3).chain(old(ISR_CHANGES, 2)).collect();
                self.write(deletions, then(FailoverStep::ListBrokers), w);
            }
            FailoverStep::ListBrokers => {
                self.ask(vec![calls::list(BROKER_IDS)], then(FailoverStep::BrokersListed), w);
            }
            FailoverStep::BrokersListed => {
                let (ids, reads) = read_brokers(&outcome[0]);
                self.ask(reads, then(FailoverStep::BrokersRead(ids)), w);
            }
            FailoverStep::BrokersRead(ids) => {
                self.context.brokers = live_brokers(&ids, &outcome);
                self.ask(vec![calls::list(TOPICS)], then(FailoverStep::TopicsListed), w);
            }
            FailoverStep::TopicsListed => {
                let topics: Vec<Topic> =
                    calls::children(&outcome[0]).iter().map(|name| Topic::new(name)).collect();
                self.context.topics = topics.iter().copied().collect();
                let reads = topics.iter().map(|topic| calls::get(topic_path(*topic), true)).collect();
                self.ask(reads, then(FailoverStep::TopicsRead(topics)), w);
            }
            FailoverStep::TopicsRead(topics) => {
                for (topic, read) in topics.into_iter().zip(&outcome) {
                    self.load_assignments(topic, read);
                }
                let partitions: Vec<TopicPartition> = self.context.assignments.keys().copied().collect();
                let reads =
                    partitions.iter().map(|partition| calls::get(state_path(*partition), false)).collect();
                self.ask(reads, then(FailoverStep::StatesRead(partitions)), w);
            }
            FailoverStep::StatesRead(partitions) => {
                self.load_states(&partitions, &outcome);
                self.ask(vec![calls::list(DELETE_TOPICS)], then(FailoverStep::Start), w);
            }
            FailoverStep::Start => {
                let refused = self.load_deletions(&outcome[0]);
                self.start(w);
                if !refused.is_empty() {
                    self.next(vec![Step::Deletion(DeletionStep::Unmark(refused))]);
                }
            }
            FailoverStep::StartReplicas => {
                self.initialize_replica_states();
                let online = |replica: &PartitionAndReplica| {
                    self.context.is_online(replica.replica, replica.partition)
                };
                let (up, down): (Vec<_>, Vec<_>) = self.context.all_replicas().into_iter().partition(online);
                let mut steps = vec![Step::Replicas(ReplicaStep::Change(up, ReplicaState::OnlineReplica))];
                if self.era.rules.dead_followers.go_offline_at_startup() {
                    steps.push(Step::Replicas(ReplicaStep::Change(down, ReplicaState::OfflineReplica)));
                }
                self.next(steps);
            }
            FailoverStep::StartPartitions => {
                self.initialize_partition_states();
                self.next(vec![Step::Partitions(PartitionStep::TriggerOnline(None))]);
            }
            FailoverStep::ScheduleRebalance => {
                if self.settings.auto_leader_rebalance {
                    self.rebalance_at = Some(w.env.now + FIRST_REBALANCE);
                }
            }
        }
    }

    fn start(&mut self, w: &mut Work<'_, '_>) {
        for (broker, live) in &self.context.brokers {
            self.channels.add(*broker, live.node);
        }
        w.env.note(|| {
            let partitions = self.context.assignments.len();
            let brokers = self.context.live_or_shutting_down();
            Note::Controller(ControllerNote::Initialized { brokers, partitions })
        });
        self.next(vec![
            Step::SendMetadata(About::BrokersAlone),
            Step::Failover(FailoverStep::StartReplicas),
            Step::Failover(FailoverStep::StartPartitions),
            Step::Reassignment(ReassignmentStep::TakeUp),
            Step::Deletion(DeletionStep::Resume),
            Step::Preferred(PreferredStep::Look),
            Step::Failover(FailoverStep::ScheduleRebalance),
        ]);
    }

    /// Takes a topic's assignments as its znode has them: partitions that are known keep what is known.
    pub(super) fn load_assignments(
        &mut self,
        topic: Topic,
        read: &Result<OpResult, ZkError>,
    ) -> Vec<TopicPartition> {
        let Some((ZnodeData::Topic(assignments), _)) = calls::data(read) else { return Vec::new() };
        let mut added = Vec::new();
        for (number, assignment) in assignments.iter() {
            let partition = TopicPartition { topic, partition: *number };
            if self.context.assignments.contains_key(&partition) {
                continue;
            }
            if let Some(target) = self.era.rules.reassignment.target_in(assignment) {
                self.context.being_reassigned.insert(partition, target);
            }
            self.context.assignments.insert(partition, assignment.clone());
            added.push(partition);
        }
        added
    }

    /// Takes states as they were read (`updateLeaderAndIsrCache`); one that is not there changes nothing.
    pub(super) fn load_states(&mut self, partitions: &[TopicPartition], outcome: &Outcome) {
        for (partition, read) in partitions.iter().zip(outcome) {
            if let Some((ZnodeData::PartitionState(state), stat)) = calls::data(read) {
                let leadership = Leadership { state: state.clone(), version: stat.version };
                self.context.leadership.insert(*partition, leadership);
            }
        }
    }
}

/// The brokers that a list names, and the reads of their znodes.
pub(super) fn read_brokers(listed: &Result<OpResult, ZkError>) -> (Vec<BrokerId>, Vec<Op>) {
    let mut ids: Vec<BrokerId> =
        calls::children(listed).iter().filter_map(|name| name.parse().ok()).map(BrokerId).collect();
    ids.sort();
    let reads = ids.iter().map(|broker| calls::get(broker_path(*broker), false)).collect();
    (ids, reads)
}

/// The brokers whose znodes were still there when they were read.
pub(super) fn live_brokers(ids: &[BrokerId], outcome: &Outcome) -> BTreeMap<BrokerId, LiveBroker> {
    let live = |(broker, read): (&BrokerId, _)| match calls::data(read) {
        Some((ZnodeData::Broker { node, rack, .. }, stat)) => {
            Some((*broker, LiveBroker { node: *node, rack: rack.clone(), epoch: BrokerEpoch(stat.czxid) }))
        }
        _ => None,
    };
    ids.iter().zip(outcome).filter_map(live).collect()
}
