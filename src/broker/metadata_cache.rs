//! What the controller last told this broker of the cluster (`MetadataCache`), and the answers to Metadata made from it.
//!
//! 1. UpdateMetadata brings all live brokers, and those partitions that changed. The brokers replace what was known; the
//!    partitions are laid over it; a partition with leader -2 is being deleted and goes.
//! 2. A client's Metadata is answered from here by every broker, however old its knowledge is.
//! 3. A follower refuses a leader that is not among the live brokers here, so UpdateMetadata has to come before
//!    LeaderAndIsr when a broker has just started.
//!
//! Left out: listeners (a broker has one), racks in the answers to clients, topic ids, automatic creation of the topics asked for.

use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, Topic, TopicPartition};
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use crate::messages::metadata::{MetadataRequest, MetadataResponse, PartitionMetadata, TopicMetadata};
use crate::messages::update_metadata::UpdateMetadataRequest;
use crate::rules::{Rules, leaderless_metadata};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `LeaderAndIsr.LeaderDuringDelete`: the partition's topic is being deleted.
pub const LEADER_DURING_DELETE: BrokerId = BrokerId(-2);

/// What the controller told. Shared by the copies of a broker until the next UpdateMetadata.
#[derive(Clone, Debug, Default)]
pub struct MetadataCache {
    told: Arc<Told>,
}

#[derive(Clone, Debug, Default)]
struct Told {
    topics: BTreeMap<Topic, BTreeMap<i32, LeaderAndIsrPartition>>,
    live: Vec<(BrokerId, NodeId)>,
    racks: Vec<(BrokerId, Arc<str>)>,
    controller: Option<BrokerId>,
}

impl MetadataCache {
    /// Takes in what the controller tells.
    pub fn update(&mut self, request: UpdateMetadataRequest) {
        let told = Arc::make_mut(&mut self.told);
        told.controller = (request.controller.0 >= 0).then_some(request.controller);
        told.live = request.live_brokers;
        told.racks = request.racks;
        told.live.sort_unstable_by_key(|(broker, _)| *broker);
        for state in request.partitions {
            let (topic, number) = (state.partition.topic, state.partition.partition);
            if state.leader != LEADER_DURING_DELETE {
                told.topics.entry(topic).or_default().insert(number, state);
            } else if let Some(partitions) = told.topics.get_mut(&topic) {
                partitions.remove(&number);
                if partitions.is_empty() {
                    told.topics.remove(&topic);
                }
            }
        }
    }

    /// Whether the controller has told of this partition.
    pub fn contains(&self, partition: TopicPartition) -> bool {
        let known = self.told.topics.get(&partition.topic);
        known.is_some_and(|partitions| partitions.contains_key(&partition.partition))
    }

    /// How many partitions a topic has, if the controller has told of it.
    pub fn partitions_of(&self, topic: Topic) -> Option<i32> {
        self.told.topics.get(&topic).map(|partitions| partitions.len() as i32)
    }

    /// The leader of a partition, and where it is, if it is among the live brokers.
    pub fn live_leader(&self, partition: TopicPartition) -> Option<(BrokerId, NodeId)> {
        let leader = self.told.topics.get(&partition.topic)?.get(&partition.partition)?.leader;
        Some((leader, self.live_broker(leader)?))
    }

    /// How many brokers are alive.
    pub fn live_count(&self) -> usize {
        self.told.live.len()
    }

    /// Where a live broker is.
    pub fn live_broker(&self, broker: BrokerId) -> Option<NodeId> {
        let live = &self.told.live;
        live.binary_search_by_key(&broker, |(known, _)| *known).ok().map(|index| live[index].1)
    }

    /// Whether a live broker stands in this rack.
    pub fn is_in_rack(&self, broker: BrokerId, rack: &str) -> bool {
        self.told.racks.iter().any(|(known, of)| *known == broker && **of == *rack)
    }

    /// The controller, and where it is, if it is among the live brokers.
    pub fn controller(&self) -> Option<(BrokerId, NodeId)> {
        let controller = self.told.controller?;
        Some((controller, self.live_broker(controller)?))
    }

    /// The answer of broker `itself` to a client that asks in this version. A topic asked for by name and not known
    /// here is an error of its own.
    pub fn answer(
        &self,
        request: &MetadataRequest,
        version: i16,
        itself: BrokerId,
        rules: &Rules,
    ) -> MetadataResponse {
        let error = rules.leaderless_error.error(version, self.live_broker(itself).is_some());
        let topics = match &request.topics {
            None => self.told.topics.keys().map(|topic| self.topic(*topic, error, rules)).collect(),
            Some(named) => named.iter().map(|topic| self.topic(*topic, error, rules)).collect(),
        };
        MetadataResponse { brokers: self.told.live.clone(), controller: self.told.controller, topics }
    }

    fn topic(&self, topic: Topic, leaderless: KafkaError, rules: &Rules) -> TopicMetadata {
        let partitions = match self.told.topics.get(&topic) {
            None => Err(KafkaError::UnknownTopicOrPartition),
            Some(known) => Ok(known.values().map(|state| self.partition(state, leaderless, rules)).collect()),
        };
        TopicMetadata { topic, partitions }
    }

    fn partition(
        &self,
        state: &LeaderAndIsrPartition,
        leaderless: KafkaError,
        rules: &Rules,
    ) -> PartitionMetadata {
        let leader = self.live_broker(state.leader).map(|_| state.leader);
        let (isr, leader_epoch) = match leader {
            Some(_) => (state.isr.clone(), Some(state.leader_epoch)),
            None => leaderless_metadata::told(rules.leaderless_metadata, &state.isr, state.leader_epoch),
        };
        PartitionMetadata {
            partition: state.partition.partition,
            error: leader.is_none().then_some(leaderless),
            leader,
            leader_epoch,
            replicas: state.replicas.clone(),
            isr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::era::Release;
    use crate::ids::{ControllerEpoch, LeaderEpoch, ZkVersion};

    fn answer(cache: &MetadataCache, request: &MetadataRequest, release: Release) -> MetadataResponse {
        cache.answer(request, 9, BrokerId(1), &Rules::of(release))
    }

    fn state(partition: TopicPartition, leader: i32, epoch: i32) -> LeaderAndIsrPartition {
        LeaderAndIsrPartition {
            partition,
            controller_epoch: ControllerEpoch(1),
            leader: BrokerId(leader),
            leader_epoch: LeaderEpoch(epoch),
            isr: vec![BrokerId(1), BrokerId(2)],
            zk_version: ZkVersion(0),
            replicas: vec![BrokerId(1), BrokerId(2)],
            adding: vec![],
            removing: vec![],
            is_new: false,
        }
    }

    fn told(live: &[i32], partitions: Vec<LeaderAndIsrPartition>) -> UpdateMetadataRequest {
        UpdateMetadataRequest {
            controller: BrokerId(1),
            controller_epoch: ControllerEpoch(1),
            broker_epoch: None,
            partitions,
            live_brokers: live.iter().map(|id| (BrokerId(*id), NodeId(*id as u16))).collect(),
            racks: Vec::new(),
        }
    }

    #[test]
    fn a_leader_that_is_not_live_is_not_available() {
        let orders = TopicPartition::new("orders", 0);
        let mut cache = MetadataCache::default();
        cache.update(told(&[2, 1], vec![state(orders, 2, 4)]));
        let all = MetadataRequest { topics: None };
        let heard = answer(&cache, &all, Release::new(2, 7, 0));
        assert_eq!(heard.brokers, [(BrokerId(1), NodeId(1)), (BrokerId(2), NodeId(2))]);
        let partition = &heard.topics[0].partitions.as_ref().expect("known")[0];
        assert_eq!((partition.leader, partition.leader_epoch), (Some(BrokerId(2)), Some(LeaderEpoch(4))));

        cache.update(told(&[1], vec![]));
        let heard = answer(&cache, &all, Release::new(2, 7, 0));
        let partition = &heard.topics[0].partitions.as_ref().expect("known")[0];
        assert_eq!((partition.leader, partition.error), (None, Some(KafkaError::LeaderNotAvailable)));
        assert_eq!((partition.isr.len(), partition.leader_epoch), (2, Some(LeaderEpoch(4))));
        let older = answer(&cache, &all, Release::new(2, 6, 3));
        let partition = &older.topics[0].partitions.as_ref().expect("known")[0];
        assert_eq!((partition.leader, partition.error), (None, Some(KafkaError::ListenerNotFound)));
        assert_eq!(cache.live_broker(BrokerId(2)), None);
    }

    #[test]
    fn a_topic_that_is_deleted_becomes_unknown() {
        let orders = TopicPartition::new("orders", 0);
        let mut cache = MetadataCache::default();
        cache.update(told(&[1, 2], vec![state(orders, 2, 4)]));
        cache.update(told(&[1, 2], vec![state(orders, LEADER_DURING_DELETE.0, 4)]));
        let release = Release::new(2, 3, 0);
        assert!(answer(&cache, &MetadataRequest { topics: None }, release).topics.is_empty());
        let named = answer(&cache, &MetadataRequest { topics: Some(vec![orders.topic]) }, release);
        assert_eq!(named.topics[0].partitions, Err(KafkaError::UnknownTopicOrPartition));
    }

    #[test]
    fn the_controller_counts_only_while_it_lives() {
        let mut cache = MetadataCache::default();
        assert_eq!(cache.controller(), None);
        cache.update(told(&[1], vec![]));
        assert_eq!(cache.controller(), Some((BrokerId(1), NodeId(1))));
        cache.update(told(&[2], vec![]));
        assert_eq!(cache.controller(), None);
    }
}
