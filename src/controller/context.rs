//! What the controller holds in memory (`ControllerContext`): brokers, topics, assignments, leaders, states.
//!
//! ZooKeeper is the truth; this is what the controller read last or wrote itself. A new controller reads it all anew.

use super::partition_state_machine::PartitionState;
use super::replica_state_machine::ReplicaState;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, NodeId, Topic, TopicPartition, ZkVersion};
use crate::zookeeper::znode::{self, ReplicaAssignment};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A broker that is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct LiveBroker {
    /// Where it listens.
    pub node: NodeId,
    /// Its rack, if it has one.
    pub rack: Option<Arc<str>>,
    /// Its life.
    pub epoch: BrokerEpoch,
}

/// A partition's state as the controller knows it (`LeaderIsrAndControllerEpoch` with its `zkVersion`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leadership {
    /// What the znode holds.
    pub state: znode::PartitionState,
    /// The version of the znode.
    pub version: ZkVersion,
}

/// One replica of one partition (`PartitionAndReplica`).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PartitionAndReplica {
    /// The partition.
    pub partition: TopicPartition,
    /// The broker.
    pub replica: BrokerId,
}

/// Everything an active controller knows.
#[derive(Clone, Debug, Default)]
pub(super) struct ControllerContext {
    /// Its epoch.
    pub epoch: ControllerEpoch,
    /// The version of `/controller_epoch` when it set it.
    pub epoch_version: ZkVersion,
    /// Registered brokers, those that shut down included (`liveOrShuttingDownBrokerIds`).
    pub brokers: BTreeMap<BrokerId, LiveBroker>,
    /// Brokers that asked for a controlled shutdown and have not gone yet.
    pub shutting_down: BTreeSet<BrokerId>,
    /// All topics.
    pub topics: BTreeSet<Topic>,
    /// Who holds each partition.
    pub assignments: BTreeMap<TopicPartition, ReplicaAssignment>,
    /// Who leads each partition; without an entry nobody ever has.
    pub leadership: BTreeMap<TopicPartition, Leadership>,
    /// States of partitions; without an entry `NonExistentPartition`.
    pub partition_states: BTreeMap<TopicPartition, PartitionState>,
    /// States of replicas; without an entry `NonExistentReplica`.
    pub replica_states: BTreeMap<PartitionAndReplica, ReplicaState>,
    /// Replicas on failed log directories of live brokers.
    pub offline_dirs: BTreeMap<BrokerId, BTreeSet<TopicPartition>>,
    /// Partitions that move, and where to.
    pub being_reassigned: BTreeMap<TopicPartition, Vec<BrokerId>>,
    /// Topics in `/admin/delete_topics`.
    pub topics_to_delete: BTreeSet<Topic>,
    /// Those of them whose deletion has begun.
    pub deletion_started: BTreeSet<Topic>,
    /// Those of them that cannot be deleted at present: a replica is down, or a partition moves.
    pub deletion_ineligible: BTreeSet<Topic>,
}

impl ControllerContext {
    /// Whether a broker is registered and does not shut down.
    pub fn is_live(&self, broker: BrokerId) -> bool {
        self.brokers.contains_key(&broker) && !self.shutting_down.contains(&broker)
    }

    /// Brokers that are registered and do not shut down.
    pub fn live(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().filter(|broker| self.is_live(*broker)).collect()
    }

    /// All registered brokers.
    pub fn live_or_shutting_down(&self) -> Vec<BrokerId> {
        self.brokers.keys().copied().collect()
    }

    /// Whether a replica's log directory works, as far as the controller knows.
    pub fn has_log_dir(&self, replica: BrokerId, partition: TopicPartition) -> bool {
        !self.offline_dirs.get(&replica).is_some_and(|offline| offline.contains(&partition))
    }

    /// Whether a replica can serve: its broker is live and its log directory works.
    pub fn is_online(&self, replica: BrokerId, partition: TopicPartition) -> bool {
        self.is_live(replica) && self.has_log_dir(replica, partition)
    }

    /// The replicas of a partition.
    pub fn replicas(&self, partition: TopicPartition) -> &[BrokerId] {
        self.assignments.get(&partition).map_or(&[], |assignment| &assignment.replicas)
    }

    /// A partition's leader, if anybody has ever led it.
    pub fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        self.leadership.get(&partition).map(|leadership| leadership.state.leader)
    }

    /// The replicas on these brokers.
    pub fn replicas_on(&self, brokers: &[BrokerId]) -> Vec<PartitionAndReplica> {
        let mut found = Vec::new();
        for broker in brokers {
            for (partition, assignment) in &self.assignments {
                if assignment.replicas.contains(broker) {
                    found.push(PartitionAndReplica { partition: *partition, replica: *broker });
                }
            }
        }
        found
    }

    /// The replicas of these partitions.
    pub fn replicas_of(&self, partitions: &[TopicPartition]) -> Vec<PartitionAndReplica> {
        let replicas = |partition: &TopicPartition| {
            let partition = *partition;
            self.replicas(partition)
                .iter()
                .map(move |replica| PartitionAndReplica { partition, replica: *replica })
        };
        partitions.iter().flat_map(replicas).collect()
    }

    /// Every replica, in order of partition.
    pub fn all_replicas(&self) -> Vec<PartitionAndReplica> {
        let partitions: Vec<TopicPartition> = self.assignments.keys().copied().collect();
        self.replicas_of(&partitions)
    }

    /// The partitions of a topic.
    pub fn partitions_of(&self, topic: Topic) -> Vec<TopicPartition> {
        self.assignments.keys().copied().filter(|partition| partition.topic == topic).collect()
    }

    /// The assignments of a topic as its znode holds them, with one partition's replaced.
    pub fn topic_assignment(
        &self,
        changed: TopicPartition,
        to: &ReplicaAssignment,
    ) -> BTreeMap<i32, ReplicaAssignment> {
        let mut assignments: BTreeMap<i32, ReplicaAssignment> = self
            .assignments
            .iter()
            .filter(|(partition, _)| partition.topic == changed.topic)
            .map(|(partition, assignment)| (partition.partition, assignment.clone()))
            .collect();
        assignments.insert(changed.partition, to.clone());
        assignments
    }

    /// Whether a topic is to be deleted.
    pub fn is_queued_for_deletion(&self, topic: Topic) -> bool {
        self.topics_to_delete.contains(&topic)
    }

    /// A partition's state.
    pub fn partition_state(&self, partition: TopicPartition) -> PartitionState {
        self.partition_states.get(&partition).copied().unwrap_or(PartitionState::NonExistentPartition)
    }

    /// A replica's state.
    pub fn replica_state(&self, replica: PartitionAndReplica) -> ReplicaState {
        self.replica_states.get(&replica).copied().unwrap_or(ReplicaState::NonExistentReplica)
    }

    /// The replicas of a topic that are in this state.
    pub fn replicas_in(&self, topic: Topic, state: ReplicaState) -> Vec<PartitionAndReplica> {
        let of_topic = |replica: &PartitionAndReplica| replica.partition.topic == topic;
        self.replica_states
            .iter()
            .filter(|(replica, found)| of_topic(replica) && **found == state)
            .map(|(replica, _)| *replica)
            .collect()
    }

    /// Partitions that wait for a leader, those of topics to be deleted excepted; of one topic, or of all.
    pub fn without_leader(&self, topic: Option<Topic>) -> Vec<TopicPartition> {
        self.partition_states
            .iter()
            .filter(|(_, state)| {
                matches!(state, PartitionState::NewPartition | PartitionState::OfflinePartition)
            })
            .map(|(partition, _)| *partition)
            .filter(|partition| topic.is_none_or(|topic| partition.topic == topic))
            .filter(|partition| !self.is_queued_for_deletion(partition.topic))
            .collect()
    }

    /// Forgets a topic.
    pub fn remove_topic(&mut self, topic: Topic) {
        self.topics.remove(&topic);
        self.assignments.retain(|partition, _| partition.topic != topic);
        self.leadership.retain(|partition, _| partition.topic != topic);
        self.partition_states.retain(|partition, _| partition.topic != topic);
        self.replica_states.retain(|replica, _| replica.partition.topic != topic);
        self.topics_to_delete.remove(&topic);
        self.deletion_started.remove(&topic);
        self.deletion_ineligible.remove(&topic);
    }
}
