//! Consumer groups in this broker (`KafkaApis`, and what `GroupMetadataManager` asks of `ReplicaManager`): requests go to
//! the coordinator, what it wants written goes into the log, and leadership tells it which groups are its own.
//!
//! 1. FindCoordinator: the leader of the group's partition of `__consumer_offsets`, as this broker's metadata has it. If
//!    there is no such topic it is made (rule `offsets-topic`), compacted; meanwhile COORDINATOR_NOT_AVAILABLE.
//! 2. All other requests of members are the coordinator's ([`crate::group`]). Commits for partitions that this broker's
//!    metadata does not know are UNKNOWN_TOPIC_OR_PARTITION, and the rest is carried out.
//! 3. What the coordinator wants written is appended as `acks=all`; when the high watermark has passed it, or it was
//!    refused, the coordinator is told.
//! 4. Leadership of a partition of `__consumer_offsets` that comes: its groups are read from the log, in the next turn.
//!    Leadership that goes, or a replica that is deleted: they are forgotten.
//!
//! In Kafka a FindCoordinator that has the topic made is answered when ZooKeeper has it; here at once. How many partitions
//! the topic has Kafka reads when a broker starts; here it is asked for when it matters.

use crate::admin::create_topic::CreateTopic;
use crate::admin::tool::Next;
use crate::broker::Broker;
use crate::command::{Placement, ProducerRecord};
use crate::error::KafkaError;
use crate::group::coordinator::{Asker, Store};
use crate::ids::{BrokerId, NodeId, TopicPartition};
use crate::log::batch::{MessageFormat, RecordBatch, RecordSet};
use crate::messages::Request;
use crate::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::messages::offset_commit::OffsetCommitRequest;
use crate::messages::zookeeper::ZkError;
use crate::node::{Env, ReplyTo};
use crate::time::Time;
use crate::zookeeper::session::{Outcome, SessionUser, Ticket};
use std::sync::Arc;

/// `__consumer_offsets` in the making.
#[derive(Clone, Debug)]
pub(super) struct Creating {
    ticket: Ticket,
    topic: CreateTopic,
}

impl Broker {
    /// A request of a member of a group, or of who wants to be one. Replies, now or later.
    pub(super) fn on_group_request(
        &mut self,
        reply_to: ReplyTo,
        version: i16,
        request: Request,
        env: &mut Env<'_>,
    ) {
        self.count_offsets_partitions();
        let asker = Asker { to: reply_to, version };
        match request {
            Request::FindCoordinator(request) => {
                let coordinator = self.find_coordinator(&request, env);
                env.reply(reply_to, FindCoordinatorResponse { coordinator }.into());
            }
            Request::JoinGroup(request) => Arc::make_mut(&mut self.groups).on_join(asker, request, env),
            Request::SyncGroup(request) => Arc::make_mut(&mut self.groups).on_sync(asker, request, env),
            Request::Heartbeat(request) => Arc::make_mut(&mut self.groups).on_heartbeat(asker, &request, env),
            Request::LeaveGroup(request) => Arc::make_mut(&mut self.groups).on_leave(asker, request, env),
            Request::OffsetCommit(request) => self.on_offset_commit(asker, request, env),
            Request::OffsetFetch(request) => self.groups.on_offset_fetch(asker, &request, env),
            other => unreachable!("{:?} is not about a group", other.api()),
        }
    }

    fn on_offset_commit(&mut self, asker: Asker, mut request: OffsetCommitRequest, env: &mut Env<'_>) {
        let mut unknown = Vec::new();
        request.partitions.retain(|committed| {
            let known = self.replicas.metadata.contains(committed.partition);
            if !known {
                unknown.push((committed.partition, KafkaError::UnknownTopicOrPartition));
            }
            known
        });
        Arc::make_mut(&mut self.groups).on_offset_commit(asker, request, unknown, env);
    }

    /// How many partitions the topic of groups has, if it is known.
    fn count_offsets_partitions(&mut self) {
        let count = self.replicas.metadata.partitions_of(self.groups.topic());
        if let Some(count) = count.filter(|count| *count != self.groups.partitions()) {
            Arc::make_mut(&mut self.groups).set_partitions(count);
        }
    }

    fn find_coordinator(
        &mut self,
        request: &FindCoordinatorRequest,
        env: &mut Env<'_>,
    ) -> Result<(BrokerId, NodeId), KafkaError> {
        let topic = self.groups.topic();
        if self.replicas.metadata.partitions_of(topic).is_none() {
            self.create_offsets_topic(env);
            return Err(KafkaError::CoordinatorNotAvailable);
        }
        let partition = TopicPartition { topic, partition: self.groups.partition_of(&request.group) };
        self.replicas.metadata.live_leader(partition).ok_or(KafkaError::CoordinatorNotAvailable)
    }

    fn create_offsets_topic(&mut self, env: &mut Env<'_>) {
        if self.creating_offsets.is_some() {
            return;
        }
        let (alive, config) = (self.replicas.metadata.live_count(), &self.config);
        let wanted = config.offsets_topic_replication_factor;
        let Some(replication_factor) = self.era.rules.offsets_topic.replication_factor(alive, wanted) else {
            return;
        };
        let placement =
            Placement::Counted { partitions: config.offsets_topic_partitions, replication_factor };
        let settings = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", config.offsets_topic_segment_bytes.to_string()),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let topic = CreateTopic::new(self.groups.topic(), placement, settings);
        self.go_on_creating(topic, Vec::new(), env);
    }

    /// Whether this submission was made to create the topic of groups.
    pub(super) fn awaits_offsets_topic(&self, ticket: Ticket) -> bool {
        self.creating_offsets.as_ref().is_some_and(|creating| creating.ticket == ticket)
    }

    /// ZooKeeper answered. If it refuses, or another broker was quicker, the next request begins anew or finds it.
    pub(super) fn on_offsets_topic_outcome(&mut self, outcome: Outcome, env: &mut Env<'_>) {
        let Some(creating) = self.creating_offsets.take() else { return };
        if !outcome.contains(&Err(ZkError::SessionExpired)) {
            self.go_on_creating(creating.topic, outcome, env);
        }
    }

    fn go_on_creating(&mut self, mut topic: CreateTopic, outcome: Outcome, env: &mut Env<'_>) {
        if let Ok(Next::Ask(ops)) = topic.proceed(outcome, &self.era, env.entropy) {
            let ticket = self.session.submit(SessionUser::Broker, ops, env);
            self.creating_offsets = Some(Box::new(Creating { ticket, topic }));
        }
    }

    /// This broker has a new role in a partition; `None`: its replica is gone.
    pub(super) fn on_group_leadership(&mut self, partition: TopicPartition, leads: bool, env: &mut Env<'_>) {
        if partition.topic != self.groups.topic() {
            return;
        }
        self.count_offsets_partitions();
        let groups = Arc::make_mut(&mut self.groups);
        if leads {
            groups.on_election(partition.partition, env.now);
        } else {
            groups.on_resignation(partition.partition, env);
        }
    }

    /// When the coordinator has something to do without being asked.
    pub(super) fn groups_deadline(&self) -> Option<Time> {
        self.groups.deadline()
    }

    /// Time has passed: reads partitions that were taken over, and looks at members.
    pub(super) fn wake_groups(&mut self, env: &mut Env<'_>) {
        for partition in self.groups.to_load() {
            let batches = self.read_offsets(partition, env);
            Arc::make_mut(&mut self.groups).on_loaded(partition.partition, &batches, env);
        }
        Arc::make_mut(&mut self.groups).on_wake(env);
    }

    /// A partition of the topic of groups, from its start.
    fn read_offsets(&mut self, tp: TopicPartition, env: &mut Env<'_>) -> Vec<RecordBatch> {
        let mut batches: Vec<RecordBatch> = Vec::new();
        let Some(partition) = self.replicas.partition(tp) else { return batches };
        let end = self.groups.end_of_loading(partition.high_watermark, partition.log.end_offset());
        let mut from = partition.log.start_offset();
        let failed = loop {
            match partition.log.read(from, end, u32::MAX, true, &mut *env.disk) {
                Ok(read) => match read.last() {
                    Some(last) => {
                        from = last.header.next_offset();
                        batches.extend(read);
                    }
                    None => break None,
                },
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = failed {
            self.replicas.log_error(error);
            self.replicas.settle(env);
        }
        batches
    }

    /// Writes what the coordinator wants written, and tells it what became of it.
    pub(super) fn serve_groups(&mut self, env: &mut Env<'_>) {
        loop {
            let stores = match self.groups.wants_to_store() {
                true => Arc::make_mut(&mut self.groups).take_stores(),
                false => Vec::new(),
            };
            let stored = std::mem::take(&mut self.replicas.stored_for_groups);
            if stores.is_empty() && stored.is_empty() {
                return;
            }
            for store in stores {
                self.store(store, env);
            }
            for (ticket, result) in stored {
                Arc::make_mut(&mut self.groups).on_stored(ticket, result, env);
            }
        }
    }

    fn store(&mut self, store: Store, env: &mut Env<'_>) {
        let record = |(key, value)| ProducerRecord { key: Some(key), value, headers: Vec::new() };
        let records: Vec<ProducerRecord> = store.records.into_iter().map(record).collect();
        let records = RecordSet::build_at(MessageFormat::of(&self.era), env.wall, &records);
        self.replicas.append_for_groups(
            store.ticket,
            store.partition,
            records,
            store.timeout,
            self.node,
            env,
        );
    }
}
