//! Deleting topics (`TopicDeletionManager`).
//!
//! 1. A child of `/admin/delete_topics` queues a topic. It is ineligible while a partition of it moves or a replica
//!    is down.
//! 2. Its partitions go to `OfflinePartition` and `NonExistentPartition`; UpdateMetadata names the leader -2, so that
//!    brokers stop serving them.
//! 3. Its replicas go to `OfflineReplica` (StopReplica, and out of the ISR) and to `ReplicaDeletionStarted`
//!    (StopReplica with deletion); those on dead brokers become ineligible, and with them the topic.
//! 4. A broker that answers makes its replicas `ReplicaDeletionSuccessful`, or ineligible. When all are successful
//!    the topic's znodes go.
//! 5. A broker that comes back makes its topics eligible again.
//!
//! With `delete.topic.enable=false`, the default up to 0.11, the child is deleted and nothing else happens.
//!
//! Left out: up to 2.0 partitions went through
//! step 2's states at the end, and every UpdateMetadata named all partitions of topics to be deleted.

use super::calls::{self, Work};
use super::context::PartitionAndReplica;
use super::partition_state_machine::PartitionState;
use super::replica_state_machine::ReplicaState;
use super::{About, Event, KafkaController, PartitionStep, ReplicaStep, Step};
use crate::error::KafkaError;
use crate::ids::{BrokerId, Topic, TopicPartition};
use crate::messages::stop_replica::{StopReplicaRequest, StopReplicaResponse};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{
    DELETE_TOPICS, partition_path, partitions_path, state_path, topic_config_path, topic_path,
};
use std::collections::BTreeSet;

/// What is left to do to delete topics.
#[derive(Clone, Debug)]
pub(super) enum DeletionStep {
    /// Look which are to be deleted.
    Look,
    /// They have been read.
    Listed,
    /// These may not be deleted: their marks go.
    Unmark(Vec<Topic>),
    /// Go on with whatever can be (`resumeDeletions`).
    Resume,
    /// These may be eligible again.
    ResumeFor(Vec<Topic>),
    /// These replicas cannot be deleted at present (`failReplicaDeletion`).
    Fail(Vec<PartitionAndReplica>),
    /// A broker has answered.
    Answered {
        /// Who.
        broker: BrokerId,
        /// Each replica, and why it could not be deleted.
        replicas: Vec<(TopicPartition, Option<KafkaError>)>,
    },
    /// Begin with these (`onTopicDeletion`).
    Begin(Vec<Topic>),
    /// Stop and delete their replicas (`onPartitionDeletion`).
    DeleteReplicas(Vec<Topic>),
    /// This topic's replicas are all gone: so goes the topic.
    Complete(Topic),
    /// Delete its znodes.
    DeleteZnodes(Topic),
    /// Its znodes are gone.
    Completed(Topic),
}

impl KafkaController {
    /// Goes on with deletions.
    pub(super) fn deletion(&mut self, step: DeletionStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            DeletionStep::Look => {
                self.ask(vec![calls::list(DELETE_TOPICS)], Step::Deletion(DeletionStep::Listed), w);
            }
            DeletionStep::Listed => self.deletions_listed(&outcome[0], w),
            DeletionStep::Unmark(topics) => {
                let marks = topics.iter().map(|topic| calls::delete(format!("{DELETE_TOPICS}/{topic}")));
                self.write(marks.collect(), Step::Done, w);
            }
            DeletionStep::Resume => self.resume_deletions(),
            DeletionStep::ResumeFor(topics) => {
                let queued = |topic: &Topic| self.context.is_queued_for_deletion(*topic);
                let topics: Vec<Topic> = topics.into_iter().filter(queued).collect();
                self.context.deletion_ineligible.retain(|topic| !topics.contains(topic));
                if !topics.is_empty() {
                    self.next(vec![Step::Deletion(DeletionStep::Resume)]);
                }
            }
            DeletionStep::Fail(replicas) => self.fail_deletion(replicas),
            DeletionStep::Answered { broker, replicas } => self.replicas_deleted(broker, replicas),
            DeletionStep::Begin(topics) => self.begin_deletion(topics),
            DeletionStep::DeleteReplicas(topics) => self.delete_replicas(&topics),
            DeletionStep::Complete(topic) => {
                let replicas = self.context.replicas_in(topic, ReplicaState::ReplicaDeletionSuccessful);
                self.next(vec![
                    Step::Replicas(ReplicaStep::Change(replicas, ReplicaState::NonExistentReplica)),
                    Step::Deletion(DeletionStep::DeleteZnodes(topic)),
                ]);
            }
            DeletionStep::DeleteZnodes(topic) => self.delete_znodes(topic, w),
            DeletionStep::Completed(topic) => self.context.remove_topic(topic),
        }
    }

    /// Takes the topics to delete as a new controller finds them (`fetchTopicDeletionsInProgress`). Returns those that
    /// may not be deleted.
    pub(super) fn load_deletions(&mut self, listed: &Result<OpResult, ZkError>) -> Vec<Topic> {
        let topics: BTreeSet<Topic> = calls::children(listed).iter().map(|name| Topic::new(name)).collect();
        let down = |replica: &PartitionAndReplica| {
            !self.context.is_online(replica.replica, replica.partition)
                || self.context.being_reassigned.contains_key(&replica.partition)
        };
        let all = self.context.all_replicas();
        let held_up = all.into_iter().filter(down).map(|replica| replica.partition.topic);
        if !self.settings.delete_topic_enable {
            return topics.into_iter().collect();
        }
        self.context.deletion_ineligible = held_up.filter(|topic| topics.contains(topic)).collect();
        self.context.topics_to_delete = topics;
        Vec::new()
    }

    /// Halts the deletion of these topics, if they are to be deleted.
    pub(super) fn mark_ineligible(&mut self, topics: impl IntoIterator<Item = Topic>) {
        let queued = topics.into_iter().filter(|topic| self.context.topics_to_delete.contains(topic));
        self.context.deletion_ineligible.extend(queued);
    }

    fn deletions_listed(&mut self, listed: &Result<OpResult, ZkError>, w: &mut Work<'_, '_>) {
        let listed: Vec<Topic> = calls::children(listed).iter().map(|name| Topic::new(name)).collect();
        let enabled = self.settings.delete_topic_enable;
        let (known, unknown): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|topic| enabled && self.context.topics.contains(topic));
        let moving: Vec<Topic> = self.context.being_reassigned.keys().map(|one| one.topic).collect();
        self.context.topics_to_delete.extend(&known);
        self.mark_ineligible(moving);
        let strays = unknown.iter().map(|topic| calls::delete(format!("{DELETE_TOPICS}/{topic}"))).collect();
        let then = if known.is_empty() { Step::Done } else { Step::Deletion(DeletionStep::Resume) };
        self.write(strays, then, w);
    }

    fn resume_deletions(&mut self) {
        let mut complete = Vec::new();
        let mut retry = Vec::new();
        let mut begin = Vec::new();
        for topic in &self.context.topics_to_delete {
            let replicas = self.context.replicas_of(&self.context.partitions_of(*topic));
            let state = |replica: &PartitionAndReplica| self.context.replica_state(*replica);
            let is_started =
                replicas.iter().any(|replica| state(replica) == ReplicaState::ReplicaDeletionStarted);
            let is_done =
                replicas.iter().all(|replica| state(replica) == ReplicaState::ReplicaDeletionSuccessful);
            if is_done {
                complete.push(Step::Deletion(DeletionStep::Complete(*topic)));
            } else if !is_started {
                retry.extend(self.context.replicas_in(*topic, ReplicaState::ReplicaDeletionIneligible));
                if !self.context.deletion_ineligible.contains(topic) {
                    begin.push(*topic);
                }
            }
        }
        let mut steps = complete;
        steps.push(Step::Replicas(ReplicaStep::Change(retry, ReplicaState::OfflineReplica)));
        if !begin.is_empty() {
            steps.push(Step::Deletion(DeletionStep::Begin(begin)));
        }
        self.next(steps);
    }

    fn begin_deletion(&mut self, topics: Vec<Topic>) {
        let partitions = |topics: &mut dyn Iterator<Item = &Topic>| -> Vec<TopicPartition> {
            topics.flat_map(|topic| self.context.partitions_of(*topic)).collect()
        };
        let unseen =
            partitions(&mut topics.iter().filter(|topic| !self.context.deletion_started.contains(topic)));
        let all = partitions(&mut topics.iter());
        self.context.deletion_started.extend(&topics);
        let change = |to| Step::Partitions(PartitionStep::Change(unseen.clone(), to, None));
        self.next(vec![
            change(PartitionState::OfflinePartition),
            change(PartitionState::NonExistentPartition),
            Step::SendMetadata(About::Partitions(all)),
            Step::Deletion(DeletionStep::DeleteReplicas(topics)),
        ]);
    }

    fn delete_replicas(&mut self, topics: &[Topic]) {
        let mut dead = Vec::new();
        let mut alive = Vec::new();
        for topic in topics {
            for replica in self.context.replicas_of(&self.context.partitions_of(*topic)) {
                if !self.context.is_online(replica.replica, replica.partition) {
                    dead.push(replica);
                } else if self.context.replica_state(replica) != ReplicaState::ReplicaDeletionSuccessful {
                    alive.push(replica);
                }
            }
        }
        self.mark_ineligible(dead.iter().map(|replica| replica.partition.topic).collect::<Vec<_>>());
        let change = |replicas, to| Step::Replicas(ReplicaStep::Change(replicas, to));
        self.next(vec![
            change(dead, ReplicaState::ReplicaDeletionIneligible),
            change(alive.clone(), ReplicaState::OfflineReplica),
            change(alive, ReplicaState::ReplicaDeletionStarted),
        ]);
    }

    fn fail_deletion(&mut self, replicas: Vec<PartitionAndReplica>) {
        let queued =
            |replica: &PartitionAndReplica| self.context.is_queued_for_deletion(replica.partition.topic);
        let failed: Vec<PartitionAndReplica> = replicas.into_iter().filter(queued).collect();
        if failed.is_empty() {
            return;
        }
        self.mark_ineligible(failed.iter().map(|replica| replica.partition.topic).collect::<Vec<_>>());
        self.next(vec![
            Step::Replicas(ReplicaStep::Change(failed, ReplicaState::ReplicaDeletionIneligible)),
            Step::Deletion(DeletionStep::Resume),
        ]);
    }

    /// The event that the answer to a StopReplica means: only those that delete replicas of topics to be deleted count.
    pub(super) fn deletion_answered(
        &self,
        broker: BrokerId,
        request: &StopReplicaRequest,
        response: &StopReplicaResponse,
    ) -> Option<Event> {
        let was_to_delete = |partition: TopicPartition| {
            let asked = request.partitions.iter().find(|stop| stop.partition == partition);
            asked.is_some_and(|stop| stop.delete) && self.context.deletion_started.contains(&partition.topic)
        };
        let answered = request.partitions.iter().map(|stop| {
            let error = response.partitions.iter().find(|(partition, _)| *partition == stop.partition);
            (stop.partition, response.error.or(error.and_then(|(_, error)| *error)))
        });
        let replicas: Vec<_> = answered.filter(|(partition, _)| was_to_delete(*partition)).collect();
        (!replicas.is_empty()).then_some(Event::TopicDeletionStopReplicaResponse { broker, replicas })
    }

    fn replicas_deleted(&mut self, broker: BrokerId, replicas: Vec<(TopicPartition, Option<KafkaError>)>) {
        let (deleted, failed): (Vec<_>, Vec<_>) =
            replicas.into_iter().partition(|(_, error)| error.is_none());
        let on_broker = |replicas: Vec<(TopicPartition, _)>| -> Vec<PartitionAndReplica> {
            replicas
                .into_iter()
                .map(|(partition, _)| PartitionAndReplica { partition, replica: broker })
                .collect()
        };
        let (deleted, failed) = (on_broker(deleted), on_broker(failed));
        let mut steps = vec![Step::Deletion(DeletionStep::Fail(failed))];
        if !deleted.is_empty() {
            let change = ReplicaStep::Change(deleted, ReplicaState::ReplicaDeletionSuccessful);
            steps.push(Step::Replicas(change));
            steps.push(Step::Deletion(DeletionStep::Resume));
        }
        self.next(steps);
    }

    fn delete_znodes(&mut self, topic: Topic, w: &mut Work<'_, '_>) {
        let partitions = self.context.partitions_of(topic);
        let mut ops = Vec::new();
        for partition in &partitions {
            ops.push(calls::delete(state_path(*partition)));
            ops.push(calls::delete(partition_path(*partition)));
        }
        ops.push(calls::delete(partitions_path(topic)));
        ops.push(calls::delete(topic_path(topic)));
        ops.push(calls::delete(topic_config_path(topic)));
        ops.push(calls::delete(format!("{DELETE_TOPICS}/{topic}")));
        self.write(ops, Step::Deletion(DeletionStep::Completed(topic)), w);
    }
}
