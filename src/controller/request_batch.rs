//! The requests that one change of state calls for, gathered before they are sent (`ControllerBrokerRequestBatch`).
//!
//! 1. State machines add to the batch while they work: LeaderAndIsr to the replicas of a partition and, with each,
//!    UpdateMetadata about it to every registered broker; StopReplica to a replica that must stop.
//! 2. When the change is complete the batch is sent: per broker one LeaderAndIsr, then one UpdateMetadata, then the
//!    StopReplicas. So on one connection a broker hears who leads before it hears the same as metadata; only what
//!    must be known before (a new broker) goes in a batch of its own ahead.
//!
//! Left out: the *empty* StopReplica that Kafka sends ahead of others up to 2.2, offline replicas in UpdateMetadata.

use super::KafkaController;
use super::calls::Work;
use super::context::{ControllerContext, Leadership};
use crate::ids::{BrokerId, LeaderEpoch, TopicPartition, ZkVersion};
use crate::messages::Request;
use crate::messages::leader_and_isr::{LeaderAndIsrPartition, LeaderAndIsrRequest};
use crate::messages::stop_replica::{StopReplicaPartition, StopReplicaRequest};
use crate::messages::update_metadata::UpdateMetadataRequest;
use crate::zookeeper::znode::ReplicaAssignment;
use std::collections::{BTreeMap, BTreeSet};

/// `LeaderAndIsr.LeaderDuringDelete`: the leader, in metadata, of a partition that is being deleted.
const LEADER_DURING_DELETE: BrokerId = BrokerId(-2);
/// `LeaderAndIsr.EpochDuringDelete`: the leader epoch of a StopReplica that no newer epoch overrides (KIP-570).
const EPOCH_DURING_DELETE: LeaderEpoch = LeaderEpoch(-2);

/// Requests to be.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestBatch {
    leader_and_isr: BTreeMap<BrokerId, BTreeMap<TopicPartition, LeaderAndIsrPartition>>,
    stop_replica: BTreeMap<BrokerId, Vec<StopReplicaPartition>>,
    metadata_to: BTreeSet<BrokerId>,
    metadata: BTreeMap<TopicPartition, LeaderAndIsrPartition>,
}

/// Which partitions an UpdateMetadata is about.
#[derive(Clone, Debug)]
pub(super) enum About {
    /// None in particular: only the list of brokers has changed.
    BrokersAlone,
    /// Every partition that has a leader.
    AllPartitions,
    /// These.
    Partitions(Vec<TopicPartition>),
}

fn described(
    partition: TopicPartition,
    leadership: &Leadership,
    assignment: &ReplicaAssignment,
    is_new: bool,
) -> LeaderAndIsrPartition {
    LeaderAndIsrPartition {
        partition,
        controller_epoch: leadership.state.controller_epoch,
        leader: leadership.state.leader,
        leader_epoch: leadership.state.leader_epoch,
        isr: leadership.state.isr.clone(),
        zk_version: leadership.version,
        replicas: assignment.replicas.clone(),
        adding: assignment.adding.clone(),
        removing: assignment.removing.clone(),
        is_new,
    }
}

impl RequestBatch {
    /// Tells `brokers` who leads a partition, and all brokers of its metadata.
    pub fn add_leader_and_isr(
        &mut self,
        context: &ControllerContext,
        brokers: &[BrokerId],
        partition: TopicPartition,
        assignment: &ReplicaAssignment,
        is_new: bool,
    ) {
        let Some(leadership) = context.leadership.get(&partition) else { return };
        for broker in brokers.iter().filter(|broker| broker.0 >= 0) {
            let partitions = self.leader_and_isr.entry(*broker).or_default();
            let already_new = partitions.get(&partition).is_some_and(|already| already.is_new);
            let state = described(partition, leadership, assignment, is_new || already_new);
            partitions.insert(partition, state);
        }
        self.add_update_metadata(context, &context.live_or_shutting_down(), &[partition]);
    }

    /// Stops a replica, and deletes it if `delete`.
    pub fn add_stop_replica(
        &mut self,
        context: &ControllerContext,
        broker: BrokerId,
        partition: TopicPartition,
        delete: bool,
    ) {
        let leader_epoch = if context.is_queued_for_deletion(partition.topic) {
            EPOCH_DURING_DELETE
        } else {
            context.leadership.get(&partition).map_or(LeaderEpoch::NONE, |held| held.state.leader_epoch)
        };
        let stop = StopReplicaPartition { partition, delete, leader_epoch: Some(leader_epoch) };
        let stops = self.stop_replica.entry(broker).or_default();
        match stops.iter_mut().find(|already| already.partition == partition) {
            Some(already) => already.delete |= delete,
            None => stops.push(stop),
        }
    }

    /// Tells `brokers` of the metadata of these partitions, and of the list of brokers.
    pub fn add_update_metadata(
        &mut self,
        context: &ControllerContext,
        brokers: &[BrokerId],
        partitions: &[TopicPartition],
    ) {
        self.metadata_to.extend(brokers);
        for partition in partitions {
            let (Some(leadership), Some(assignment)) =
                (context.leadership.get(partition), context.assignments.get(partition))
            else {
                continue;
            };
            let replicas = ReplicaAssignment { replicas: assignment.replicas.clone(), ..Default::default() };
            let mut state = described(*partition, leadership, &replicas, false);
            if context.is_queued_for_deletion(partition.topic) {
                state.leader = LEADER_DURING_DELETE;
                state.leader_epoch = LeaderEpoch(0);
                state.zk_version = ZkVersion(0);
            }
            self.metadata.insert(*partition, state);
        }
    }

    /// Forgets everything, when the event that gathered it is abandoned.
    pub fn clear(&mut self) {
        *self = RequestBatch::default();
    }
}

impl KafkaController {
    /// Sends what was gathered (`sendRequestsToBrokers`).
    pub(super) fn send_requests(&mut self, w: &mut Work<'_, '_>) {
        let batch = std::mem::take(&mut self.batch);
        let requests = batch.into_requests(self);
        for (broker, request) in requests {
            self.channels.send(broker, request, w.env);
        }
    }

    /// Sends UpdateMetadata to `brokers`, in a batch of its own (`sendUpdateMetadataRequest`).
    pub(super) fn send_update_metadata(&mut self, brokers: &[BrokerId], about: About, w: &mut Work<'_, '_>) {
        let partitions = match about {
            About::BrokersAlone if !self.era.rules.full_metadata.no_partition_means_all() => Vec::new(),
            About::Partitions(partitions) => partitions,
            About::BrokersAlone | About::AllPartitions => self.context.leadership.keys().copied().collect(),
        };
        self.batch.add_update_metadata(&self.context, brokers, &partitions);
        self.send_requests(w);
    }
}

impl RequestBatch {
    fn into_requests(self, of: &KafkaController) -> Vec<(BrokerId, Request)> {
        let context = &of.context;
        let (controller, controller_epoch) = (of.id, context.epoch);
        let broker_epoch = |broker: &BrokerId| context.brokers.get(broker).map(|live| live.epoch);
        let nodes = || context.brokers.iter().map(|(broker, live)| (*broker, live.node));
        let mut requests = Vec::new();
        for (broker, partitions) in self.leader_and_isr {
            let partitions: Vec<LeaderAndIsrPartition> = partitions.into_values().collect();
            let leads = |broker: BrokerId| partitions.iter().any(|partition| partition.leader == broker);
            let live_leaders = nodes().filter(|(broker, _)| leads(*broker)).collect();
            let broker_epoch = broker_epoch(&broker);
            let request =
                LeaderAndIsrRequest { controller, controller_epoch, broker_epoch, partitions, live_leaders };
            requests.push((broker, request.into()));
        }
        let partitions: Vec<LeaderAndIsrPartition> = self.metadata.into_values().collect();
        for broker in self.metadata_to {
            let request = UpdateMetadataRequest {
                controller,
                controller_epoch,
                broker_epoch: broker_epoch(&broker),
                partitions: partitions.clone(),
                live_brokers: nodes().collect(),
            };
            requests.push((broker, request.into()));
        }
        for (broker, stops) in self.stop_replica {
            let broker_epoch = broker_epoch(&broker);
            for partitions in of.era.rules.stop_replica_requests.requests(stops) {
                let request = StopReplicaRequest { controller, controller_epoch, broker_epoch, partitions };
                requests.push((broker, request.into()));
            }
        }
        requests
    }
}
