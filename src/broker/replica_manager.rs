//! The replicas of one broker and what clients and followers ask of them (`ReplicaManager`).

use crate::broker::partition::Partition;
use crate::config::{BrokerConfig, TopicConfig};
use crate::era::Era;
use crate::ids::{BrokerEpoch, BrokerId, NodeId, Offset, Topic, TopicPartition};
use crate::error::KafkaError;
use crate::log::batch::RecordBatch;
use crate::log::log_manager::{LogManager, OpenError};
use crate::log::partition_log::LogError;
use crate::messages::alter_partition::{AlterPartitionRequest, AlterPartitionResponse};
use crate::messages::fetch::FetchRequest;
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use crate::messages::list_offsets::ListOffsetsRequest;
use crate::messages::offsets_for_leader_epoch::OffsetsForLeaderEpochRequest;
use crate::messages::produce::ProduceRequest;
use crate::node::{Disconnected, Env, ReplyTo};
use crate::note::Decided;
use crate::time::Time;
use crate::zookeeper::session::{Outcome, Session, Ticket};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The replicas of one broker.
#[derive(Clone, Debug)]
pub struct ReplicaManager {
    /// Every replica, in order.
    pub partitions: BTreeMap<TopicPartition, Arc<Partition>>,
    /// The log directory; none before [`ReplicaManager::load`].
    pub logs: Option<LogManager>,
    config: Arc<BrokerConfig>,
    era: Arc<Era>,
    node: NodeId,
}

/// What was found at start-up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadReport {
    /// Whether the last life stopped in order.
    pub clean: bool,
    /// How many partitions were found.
    pub partitions: usize,
}

impl ReplicaManager {
    /// A manager without replicas. `node` is the broker's own address.
    pub fn new(config: &Arc<BrokerConfig>, era: &Arc<Era>, node: NodeId) -> ReplicaManager {
        ReplicaManager {
            partitions: BTreeMap::new(),
            logs: None,
            config: Arc::clone(config),
            era: Arc::clone(era),
            node,
        }
    }

    /// Opens the log directory. Partitions are idle until the controller speaks.
    pub fn load(&mut self, env: &mut Env<'_>) -> Result<LoadReport, OpenError> {
        let _ = (env, &self.config, &self.era, self.node);
        todo!()
    }

    /// A replica.
    pub fn partition(&self, tp: TopicPartition) -> Option<&Partition> {
        self.partitions.get(&tp).map(Arc::as_ref)
    }

    /// A replica, to be changed. Mark it.
    pub fn partition_mut(&mut self, tp: TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(&tp).map(Arc::make_mut)
    }

    /// A replica; if there is none yet, an empty one, on disk too.
    pub fn get_or_create(
        &mut self,
        tp: TopicPartition,
        topic: &TopicConfig,
        env: &mut Env<'_>,
    ) -> Result<&mut Partition, LogError> {
        let _ = (tp, topic, env);
        todo!()
    }

    /// This broker leads from now on, or leads in a newer epoch. The caller has checked epochs.
    pub fn make_leader(
        &mut self,
        state: &LeaderAndIsrPartition,
        topic: &TopicConfig,
        session: &mut Session,
        env: &mut Env<'_>,
    ) -> Result<(), KafkaError> {
        let _ = (state, topic, session, env);
        todo!()
    }

    /// This broker follows `state.leader` from now on. The caller has checked epochs. True if the follower's fetcher
    /// must be started anew: the leader has changed, or the rule `same-leader` says so.
    pub fn make_follower(
        &mut self,
        state: &LeaderAndIsrPartition,
        topic: &TopicConfig,
        env: &mut Env<'_>,
    ) -> Result<bool, KafkaError> {
        let _ = (state, topic, env);
        todo!()
    }

    /// Stops a replica: it answers nothing any more; with `delete`, its files go. Notes it.
    pub fn stop_replica(&mut self, tp: TopicPartition, delete: bool, env: &mut Env<'_>) {
        let _ = (tp, delete, env);
        todo!()
    }

    /// A follower appends what its leader sent; its high watermark becomes the leader's or its log end, whichever is
    /// smaller. On a disk error this broker has asked to exit: do nothing more.
    #[expect(clippy::too_many_arguments, reason = "the fields of one fetched partition")]
    pub fn follower_append(
        &mut self,
        tp: TopicPartition,
        batches: &[RecordBatch],
        leader: BrokerId,
        leader_high_watermark: Offset,
        leader_log_start: Option<Offset>,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let _ = (tp, batches, leader, leader_high_watermark, leader_log_start, env);
        todo!()
    }

    /// A follower cuts its log to end at `to` (to its own end if that is smaller); its high watermark goes down with it.
    pub fn truncate(
        &mut self,
        tp: TopicPartition,
        to: Offset,
        decided: Decided,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let _ = (tp, to, decided, env);
        todo!()
    }

    /// A follower empties its log and starts it at `at`: its leader's log begins beyond its own end.
    pub fn truncate_fully_and_start_at(
        &mut self,
        tp: TopicPartition,
        at: Offset,
        decided: Decided,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let _ = (tp, at, decided, env);
        todo!()
    }

    /// A producer appends. Replies itself, now or later.
    pub fn on_produce(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ProduceRequest,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (reply_to, from, version, request, session, env);
        todo!()
    }

    /// A follower or a consumer reads. Replies itself, now or later.
    pub fn on_fetch(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: FetchRequest,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (reply_to, from, version, request, session, env);
        todo!()
    }

    /// Where does a partition begin or end? Replies itself.
    pub fn on_list_offsets(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ListOffsetsRequest,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (reply_to, from, version, request, session, env);
        todo!()
    }

    /// Where did an epoch end? Replies itself.
    pub fn on_offsets_for_leader_epoch(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: OffsetsForLeaderEpochRequest,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (reply_to, from, version, request, session, env);
        todo!()
    }

    /// A submission of `SessionUser::IsrWriter` was answered.
    pub fn on_isr_outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (ticket, outcome, session, env);
        todo!()
    }

    /// The session has expired: every submission still open has been answered before.
    pub fn on_session_expired(&mut self, env: &mut Env<'_>) {
        let _ = env;
        todo!()
    }

    /// ISR changes to ask the controller for (rule `isr-writer`), if there are any and none is in flight. Ask after
    /// every step that called into this manager, while the channel to the controller stands; whoever takes a request
    /// sends it and brings back what became of it.
    pub fn take_alter_partition_request(&mut self, broker_epoch: BrokerEpoch) -> Option<AlterPartitionRequest> {
        let _ = broker_epoch;
        todo!()
    }

    /// What became of the request that was taken.
    pub fn on_alter_partition_answer(
        &mut self,
        answer: Result<AlterPartitionResponse, Disconnected>,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        let _ = (answer, session, env);
        todo!()
    }

    /// A topic's settings have changed.
    pub fn set_topic_config(&mut self, topic: Topic, config: &TopicConfig, env: &mut Env<'_>) {
        let _ = (topic, config, env);
        todo!()
    }

    /// The broker stops in order: logs flushed, checkpoints written, clean mark left.
    pub fn shut_down(&mut self, env: &mut Env<'_>) {
        let _ = env;
        todo!()
    }

    /// Time has passed.
    pub fn on_wake(&mut self, session: &mut Session, env: &mut Env<'_>) {
        let _ = (session, env);
        todo!()
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
