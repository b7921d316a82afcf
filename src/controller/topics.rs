//! Topics come and go (`TopicChange`, `PartitionModifications`, `onNewPartitionCreation`).
//!
//! 1. Read `/brokers/topics`, with a watch; forget the topics that are gone; read the assignments of new ones, with a
//!    watch on each.
//! 2. New partitions go to `NewPartition` and their replicas to `NewReplica`; then the partitions to
//!    `OnlinePartition` (leader and ISR are written, the replicas are told) and the replicas to `OnlineReplica`.
//! 3. A topic's assignment that changes may have more partitions: they go the same way.
//!
//! Left out: partitions added to a topic that is being deleted are ignored, not taken out of its znode again
//! (KAFKA-6612).

use super::calls::{self, Work};
use super::election::Strategy;
use super::partition_state_machine::PartitionState;
use super::replica_state_machine::ReplicaState;
use super::{KafkaController, PartitionStep, ReplicaStep, Step};
use crate::ids::{Topic, TopicPartition};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{TOPICS, topic_path};
use std::collections::BTreeSet;

/// What is left to do about topics.
#[derive(Clone, Debug)]
pub(super) enum TopicStep {
    /// Look which there are.
    Look,
    /// Read the new ones.
    Listed,
    /// They have been read.
    Read(Vec<Topic>),
    /// Look at a topic's assignment.
    LookAtPartitions(Topic),
    /// It has been read.
    PartitionsRead(Topic),
}

impl KafkaController {
    /// Goes on with what happened to topics.
    pub(super) fn topics(&mut self, step: TopicStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            TopicStep::Look => self.ask(vec![calls::list(TOPICS)], Step::Topics(TopicStep::Listed), w),
            TopicStep::Listed => {
                let topics: BTreeSet<Topic> =
                    calls::children(&outcome[0]).iter().map(|name| Topic::new(name)).collect();
                let new: Vec<Topic> = topics.difference(&self.context.topics).copied().collect();
                let gone: Vec<Topic> = self.context.topics.difference(&topics).copied().collect();
                for topic in gone {
                    self.context.remove_topic(topic);
                }
                self.context.topics = topics;
                let reads = new.iter().map(|topic| calls::get(topic_path(*topic), true)).collect();
                self.ask(reads, Step::Topics(TopicStep::Read(new)), w);
            }
            TopicStep::Read(topics) => {
                let reads = topics.into_iter().zip(&outcome);
                let new = reads.flat_map(|(topic, read)| self.load_assignments(topic, read)).collect();
                self.create_partitions(new);
            }
            TopicStep::LookAtPartitions(topic) => {
                let read = vec![calls::get(topic_path(topic), true)];
                self.ask(read, Step::Topics(TopicStep::PartitionsRead(topic)), w);
            }
            TopicStep::PartitionsRead(topic) => {
                // The znode of a topic that this event does not know yet belongs to a `TopicChange` behind it.
                if self.context.topics.contains(&topic) && !self.context.is_queued_for_deletion(topic) {
                    let new = self.load_assignments(topic, &outcome[0]);
                    self.create_partitions(new);
                }
            }
        }
    }

    /// `onNewPartitionCreation`.
    fn create_partitions(&mut self, new: Vec<TopicPartition>) {
        if new.is_empty() {
            return;
        }
        let replicas = self.context.replicas_of(&new);
        self.next(vec![
            Step::Partitions(PartitionStep::Change(new.clone(), PartitionState::NewPartition, None)),
            Step::Replicas(ReplicaStep::Change(replicas.clone(), ReplicaState::NewReplica)),
            Step::Partitions(PartitionStep::Change(
                new,
                PartitionState::OnlinePartition,
                Some(Strategy::Offline),
            )),
            Step::Replicas(ReplicaStep::Change(replicas, ReplicaState::OnlineReplica)),
        ]);
    }
}
