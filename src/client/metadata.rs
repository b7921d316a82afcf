//! What a client knows of the cluster: brokers, leaders and their epochs, and when to ask again (`Metadata`).
//!
//! 1. A client *wants* topics: a producer those it sends to, a consumer those it is assigned. Nothing is asked before.
//! 2. An update is due when somebody *requests* one (a leader is unknown or refused, a connection broke), or when the
//!    last one is `metadata.max.age.ms` old; but not before the back-off since the last answer has passed. A topic that
//!    is wanted for the first time does not wait for the back-off.
//! 3. Every answer replaces brokers and topics whole. From 2.2 on a partition's older leader epoch does not replace a
//!    newer one (rule `metadata-epochs`).
//! 4. An answer that names no broker counts as none.
//!
//! Left out: topics that are forgotten when unused (`metadata.max.idle.ms`), updates of single topics (KIP-526), the
//! leader that a 3.7 broker names in its refusal (KIP-951). Releases differ in whether a leaderless partition makes the
//! client ask again by itself; here it asks again when it needs that leader.

use super::backoff::ExponentialBackoff;
use crate::era::Era;
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Topic, TopicPartition};
use crate::messages::metadata::{MetadataRequest, MetadataResponse, PartitionMetadata};
use crate::node::Env;
use crate::partition_map::PartitionMap;
use crate::rules::metadata_epochs::{MetadataEpochs, Told};
use crate::time::{Micros, Time};
use std::collections::BTreeMap;

/// A leader that can be talked to (`LeaderAndEpoch`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Leader {
    /// Who leads.
    pub broker: BrokerId,
    /// Where it is.
    pub node: NodeId,
    /// Its epoch, where metadata tells it.
    pub epoch: Option<LeaderEpoch>,
}

/// A leader that changed: partition, who leads now, in which epoch.
pub type LeaderChange = (TopicPartition, Option<BrokerId>, Option<LeaderEpoch>);

/// What is known of one partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct KnownPartition {
    leader: Option<BrokerId>,
    /// The epoch of that leader.
    epoch: Option<LeaderEpoch>,
    /// The newest epoch heard of by any way. If it is newer than `epoch`, the leader is out of date and not used.
    seen: Option<LeaderEpoch>,
}

/// A client's metadata.
#[derive(Clone, Debug)]
pub struct Metadata {
    rule: MetadataEpochs,
    back_off: ExponentialBackoff,
    max_age: Micros,
    /// Whom to ask: the bootstrap list until the first answer, then the brokers named in the last one.
    nodes: Vec<NodeId>,
    /// In order of id.
    brokers: Vec<(BrokerId, NodeId)>,
    /// The topics wanted, and how many partitions each has, as far as known.
    topics: BTreeMap<Topic, Option<i32>>,
    partitions: PartitionMap<KnownPartition>,
    /// Somebody asked for an update.
    requested: bool,
    /// Since the last question a topic was wanted for the first time.
    new_topics: bool,
    /// Not before this time, but for new topics.
    not_before: Time,
    /// When what is known is too old.
    expires_at: Time,
    /// Questions that went without an answer since the last answer.
    failures: u32,
    /// Counts the answers.
    version: u64,
}

impl Metadata {
    /// Nothing known but where some brokers are.
    pub fn new(era: &Era, back_off: ExponentialBackoff, max_age: Micros, bootstrap: Vec<NodeId>) -> Metadata {
        Metadata {
            rule: era.rules.metadata_epochs,
            back_off,
            max_age,
            nodes: bootstrap,
            brokers: Vec::new(),
            topics: BTreeMap::new(),
            partitions: PartitionMap::default(),
            requested: false,
            new_topics: false,
            not_before: Time::ZERO,
            expires_at: Time::NEVER,
            failures: 0,
            version: 0,
        }
    }

    /// Whom to ask.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// Counts the answers: whoever has seen this version has seen all that is known.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Adds a topic to those wanted.
    pub fn want(&mut self, topic: Topic) {
        if let std::collections::btree_map::Entry::Vacant(entry) = self.topics.entry(topic) {
            entry.insert(None);
            self.new_topics = true;
        }
    }

    /// Wants these topics and no others.
    pub fn want_only(&mut self, topics: impl Iterator<Item = Topic>) {
        let former = std::mem::take(&mut self.topics);
        for topic in topics {
            let known = former.get(&topic).copied();
            self.new_topics |= known.is_none();
            self.topics.insert(topic, known.flatten());
        }
        let topics = &self.topics;
        self.partitions.retain(|partition| topics.contains_key(&partition.topic));
    }

    /// Asks for an update as soon as the back-off allows.
    pub fn request_update(&mut self) {
        self.requested = true;
    }

    /// A leader epoch was seen in an answer to something else: if it is newer, the leader known is out of date
    /// (`updateLastSeenEpochIfNewer`).
    pub fn saw_epoch(&mut self, partition: TopicPartition, epoch: LeaderEpoch) {
        if !self.rule.remembers_epochs() {
            return;
        }
        if let Some(known) = self.partitions.get_mut(partition)
            && known.seen.is_some_and(|seen| seen < epoch)
        {
            known.seen = Some(epoch);
            self.requested = true;
        }
    }

    /// How many partitions a topic has, if that is known.
    pub fn partition_count(&self, topic: Topic) -> Option<i32> {
        self.topics.get(&topic).copied().flatten()
    }

    /// The leader of a partition, if there is one that is not known to be out of date and whose place is known.
    pub fn leader(&self, partition: TopicPartition) -> Option<Leader> {
        let known = self.partitions.get(partition)?;
        let broker = known.leader.filter(|_| known.seen == known.epoch)?;
        Some(Leader { broker, node: self.node_of(broker)?, epoch: known.epoch })
    }

    /// Where a broker is, if it is alive as far as known.
    pub fn node_of(&self, broker: BrokerId) -> Option<NodeId> {
        let index = self.brokers.binary_search_by_key(&broker, |(id, _)| *id).ok()?;
        Some(self.brokers[index].1)
    }

    /// When the next update is due (`timeToNextUpdate`); never while nothing is wanted.
    pub fn due_at(&self) -> Time {
        if self.topics.is_empty() {
            Time::NEVER
        } else if self.new_topics {
            Time::ZERO
        } else if self.requested {
            self.not_before
        } else {
            self.expires_at.max(self.not_before)
        }
    }

    /// The question to ask now.
    pub fn request(&mut self) -> MetadataRequest {
        self.new_topics = false;
        MetadataRequest { topics: Some(self.topics.keys().copied().collect()) }
    }

    /// The question went without an answer (`failedUpdate`).
    pub fn failed(&mut self, env: &mut Env<'_>) {
        self.not_before = env.now + self.back_off.wait(self.failures, env.entropy);
        self.failures += 1;
        self.requested = true;
    }

    /// Takes an answer of this API version. Returns the leaders that are other than before, if anybody wants to know.
    pub fn update(&mut self, answer: MetadataResponse, version: i16, env: &mut Env<'_>) -> Vec<LeaderChange> {
        if answer.brokers.is_empty() {
            self.failed(env);
            return Vec::new();
        }
        self.failures = 0;
        self.not_before = env.now + self.back_off.wait(0, env.entropy);
        self.expires_at = env.now + self.max_age;
        self.requested = false;
        self.version += 1;
        self.nodes.clear();
        self.nodes.extend(answer.brokers.iter().map(|(_, node)| *node));
        self.brokers = answer.brokers;
        self.brokers.sort_unstable();
        let mut changes = Vec::new();
        for topic in answer.topics {
            let Some(count) = self.topics.get_mut(&topic.topic) else { continue };
            let Ok(partitions) = topic.partitions else {
                *count = None;
                self.forget_leaders(topic.topic);
                continue;
            };
            *count = partitions.iter().map(|partition| partition.partition + 1).max();
            for told in partitions {
                let partition = TopicPartition { topic: topic.topic, partition: told.partition };
                let change = self.update_partition(partition, &told, version);
                changes.extend(change.filter(|_| env.notes_wanted));
            }
        }
        changes
    }

    /// Takes what was told about one partition (`updateLatestMetadata`).
    fn update_partition(
        &mut self,
        partition: TopicPartition,
        told: &PartitionMetadata,
        version: i16,
    ) -> Option<LeaderChange> {
        let known = self.partitions.get(partition).copied();
        let seen = known.and_then(|known| known.seen);
        let Told::Believe(epoch) = self.rule.decide(seen, told.leader_epoch, version) else { return None };
        self.partitions.insert(partition, KnownPartition { leader: told.leader, epoch, seen: epoch });
        let changed = known.is_none_or(|known| (known.leader, known.epoch) != (told.leader, epoch));
        changed.then_some((partition, told.leader, epoch))
    }

    /// A topic was told to be unknown or unavailable: it has no leaders, but the epochs seen are kept.
    fn forget_leaders(&mut self, topic: Topic) {
        let of_topic = self.partitions.iter_mut().filter(|(partition, _)| partition.topic == topic);
        of_topic.for_each(|(_, known)| known.leader = None);
    }
}
