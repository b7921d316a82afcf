//! A broker: routes every input to the part it concerns (`KafkaServer`, `KafkaApis`).
//!
//! | part                | calls | what it is for                                                            |
//! |---------------------|-------|---------------------------------------------------------------------------|
//! | [`Session`]         | 1     | ZooKeeper; owned here, lent to whoever uses it                            |
//! | [`KafkaController`] | 2     | the controller, active in one broker of the cluster                       |
//! | [`FetcherManager`]  | 3     | pulls what this broker follows                                            |
//! | [`ToController`]    | 4     | AlterPartition and ControlledShutdown                                     |
//! | [`ReplicaManager`]  |       | replicas: produce, fetch, offsets, ISR                                    |
//! | `metadata_cache`    |       | what the controller told; Metadata                                        |
//! | [`TopicConfigs`]    |       | settings of topics                                                        |
//! | `lifecycle`         |       | start, registration, session expiry                                       |
//! | `control`           |       | LeaderAndIsr, StopReplica, UpdateMetadata                                 |
//! | `shutdown`          |       | controlled shutdown and the end                                           |
//! | [`GroupCoordinator`] |      | consumer groups; `groups` is what ties it to the rest                     |
//!
//! A produce or a fetch touches the replica manager alone. The parts that change seldom stand behind `Arc`, so that a copy
//! of a broker is cheap.
//!
//! Left out: the coordinator of transactions, quotas, authorization, forwarding, several listeners, several log directories.

pub mod alter_partition_queue;
pub mod checkpoints;
#[cfg(test)]
mod cluster_tests;
pub mod control;
pub mod delete_records;
pub mod epoch_end;
pub mod fetch;
pub mod fetch_state;
pub mod fetcher_manager;
mod fetcher_truncation;
pub mod follower_log;
mod groups;
pub mod isr_change;
pub mod leader;
pub mod lifecycle;
pub mod list_offsets;
pub mod metadata_cache;
pub mod partition;
pub mod produce;
pub mod purgatory;
pub mod replica_fetcher;
#[cfg(test)]
mod replica_fetcher_tests;
pub mod replica_manager;
#[cfg(test)]
mod replica_tests;
pub mod shutdown;
pub mod to_controller;
pub mod topic_configs;
pub mod view;

use crate::config::BrokerConfig;
use crate::controller::KafkaController;
use crate::era::Era;
use crate::error::KafkaError;
use crate::group::coordinator::GroupCoordinator;
use crate::ids::{BrokerId, ControllerEpoch, NodeId, TopicPartition};
use crate::messages::metadata::{MetadataRequest, MetadataResponse};
use crate::messages::offsets_for_leader_epoch::{EpochEndOffset, EpochQuestion};
use crate::messages::{Request, Response};
use crate::node::{Channel, ChannelEvent, Command, Effect, Env, Input, Node, ReplyTo};
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Session, SessionEvent};
use control::{CarriedOut, Control};
use fetcher_manager::FetcherManager;
use lifecycle::Lifecycle;
use replica_manager::ReplicaManager;
use shutdown::Shutdown;
use std::sync::Arc;
use to_controller::ToController;
use topic_configs::TopicConfigs;
use view::ReplicaView;

const SESSION: u8 = 1;
const CONTROLLER: u8 = 2;
const FETCHERS: u8 = 3;
const TO_CONTROLLER: u8 = 4;

/// One broker process.
#[derive(Clone, Debug)]
pub struct Broker {
    config: Arc<BrokerConfig>,
    era: Arc<Era>,
    node: NodeId,
    replicas: ReplicaManager,
    fetchers: FetcherManager,
    session: Session,
    controller: Arc<KafkaController>,
    to_controller: ToController,
    configs: Arc<TopicConfigs>,
    lifecycle: Lifecycle,
    control: Control,
    shutdown: Option<Shutdown>,
    groups: Arc<GroupCoordinator>,
    creating_offsets: Option<Box<groups::Creating>>,
}

impl Broker {
    /// A broker that has not started. `node` is its own address.
    pub fn new(config: BrokerConfig, era: Era, node: NodeId) -> Broker {
        let (config, era) = (Arc::new(config), Arc::new(era));
        Broker {
            replicas: ReplicaManager::new(&config, &era),
            fetchers: FetcherManager::new(&config, &era, FETCHERS),
            session: Session::new(config.zookeeper_session_timeout, SESSION),
            controller: Arc::new(KafkaController::new(&config, &era, node, CONTROLLER)),
            to_controller: ToController::new(&config, &era, TO_CONTROLLER),
            configs: Arc::new(TopicConfigs::new(&era, &config.topic_defaults)),
            lifecycle: Lifecycle::new(),
            control: Control::new(),
            shutdown: None,
            groups: Arc::new(GroupCoordinator::new(&config, &era)),
            creating_offsets: None,
            config,
            era,
            node,
        }
    }

    /// `broker.id`.
    pub fn id(&self) -> BrokerId {
        self.config.id
    }

    /// Its default of `unclean.leader.election.enable`.
    pub fn allows_unclean_elections(&self) -> bool {
        self.config.topic_defaults.unclean_leader_election
    }

    /// The epoch of the newest controller that it has listened to, in this life.
    pub fn obeyed_controller(&self) -> ControllerEpoch {
        self.control.controller_epoch
    }

    /// The last control request that it has carried out, in this life.
    pub fn carried_out(&self) -> CarriedOut {
        self.control.last
    }

    /// When the members of a partition's ISR were last to be looked at for lagging, and how far they may lag; nothing
    /// while a change of that ISR is under way.
    pub fn lag_check(&self, partition: TopicPartition) -> Option<(Time, Micros)> {
        self.replicas.last_lag_check(partition)
    }

    /// Whether it keeps a producer waiting that waits for nothing any more, as far as this partition goes.
    pub fn has_ripe_produce(&self, partition: TopicPartition) -> bool {
        self.replicas.has_ripe_produce(partition)
    }

    /// Its controller epoch while it is the active controller.
    pub fn controller_epoch(&self) -> Option<ControllerEpoch> {
        self.controller.active_epoch()
    }

    /// Whether its controller knows this broker as alive and not shutting down.
    pub fn controller_knows(&self, broker: BrokerId) -> bool {
        self.controller.knows_live(broker)
    }

    /// The replica of a partition, if this broker hosts one.
    pub fn replica(&self, partition: TopicPartition) -> Option<ReplicaView<'_>> {
        self.replicas.partition(partition).map(|replica| replica.view(&self.era.rules))
    }

    /// What it answers to Metadata of this version now.
    pub fn metadata(&self, request: &MetadataRequest, version: i16) -> MetadataResponse {
        let answer = self.replicas.metadata.answer(request, version, self.config.id, &self.era.rules);
        answer.for_version(version)
    }

    /// What it answers to OffsetsForLeaderEpoch now.
    ///
    /// # Errors
    /// The error of the answer.
    pub fn epoch_end(&self, question: &EpochQuestion) -> Result<EpochEndOffset, KafkaError> {
        self.replicas.epoch_end(question)
    }

    /// The groups that it coordinates.
    pub fn groups(&self) -> &GroupCoordinator {
        &self.groups
    }

    /// The partitions it hosts, in order.
    pub fn partitions(&self) -> Vec<TopicPartition> {
        self.replicas.partitions.keys().collect()
    }

    fn on_request(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: Request,
        env: &mut Env<'_>,
    ) {
        match request {
            Request::Fetch(request) => {
                self.replicas.on_fetch(reply_to, from, version, request, &mut self.session, env);
            }
            Request::Produce(request) => {
                self.replicas.on_produce(reply_to, from, version, request, env);
            }
            Request::ListOffsets(request) => {
                self.replicas.on_list_offsets(reply_to, from, version, request, env);
            }
            Request::OffsetsForLeaderEpoch(request) => {
                self.replicas.on_offsets_for_leader_epoch(reply_to, from, version, request, env);
            }
            Request::DeleteRecords(request) => self.replicas.on_delete_records(reply_to, request, env),
            Request::Metadata(request) => {
                env.reply(reply_to, self.metadata(&request, version).into());
            }
            Request::LeaderAndIsr(_) | Request::StopReplica(_) | Request::UpdateMetadata(_) => {
                self.on_control(reply_to, request, env);
            }
            Request::ControlledShutdown(request) => {
                let controller = Arc::make_mut(&mut self.controller);
                controller.on_controlled_shutdown(request, reply_to, &mut self.session, env);
            }
            Request::AlterPartition(request) => {
                let controller = Arc::make_mut(&mut self.controller);
                controller.on_alter_partition(request, reply_to, &mut self.session, env);
            }
            Request::FindCoordinator(_)
            | Request::JoinGroup(_)
            | Request::SyncGroup(_)
            | Request::Heartbeat(_)
            | Request::LeaveGroup(_)
            | Request::OffsetCommit(_)
            | Request::OffsetFetch(_) => self.on_group_request(reply_to, version, request, env),
            // Not for a broker.
            Request::ZooKeeper(_) => env.push(Effect::HangUp { connection: reply_to.connection }),
        }
    }

    fn on_channel(&mut self, to: NodeId, channel: Channel, event: ChannelEvent, env: &mut Env<'_>) {
        match channel {
            Channel::ZooKeeper => {
                let events = self.session.on_channel(event, env);
                self.on_session_events(events, env);
            }
            Channel::Controller => {
                Arc::make_mut(&mut self.controller).on_channel(to, event, &mut self.session, env);
            }
            Channel::Fetcher(id) => self.fetchers.on_channel(to, id, event, &mut self.replicas, env),
            Channel::ToController => {
                let heard = self.to_controller.on_channel(to, event, &self.replicas.metadata, env);
                self.on_heard(heard, env);
            }
            Channel::Data | Channel::Coordinator => unreachable!("a broker opens no channel of a client"),
        }
    }

    fn on_session_events(&mut self, events: Vec<SessionEvent>, env: &mut Env<'_>) {
        for event in events {
            self.on_session_event(event, env);
        }
        self.exit_if_closed(env);
    }

    fn on_wake(&mut self, env: &mut Env<'_>) {
        let now = env.now;
        let is_due = |deadline: Option<Time>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.replicas.deadline()) {
            self.replicas.on_wake(&mut self.session, env);
        }
        if is_due(self.fetchers.deadline()) {
            self.fetchers.on_wake(&mut self.replicas, env);
        }
        if is_due(self.session.deadline()) {
            let events = self.session.on_wake(env);
            self.on_session_events(events, env);
        }
        if is_due(self.controller.deadline()) {
            Arc::make_mut(&mut self.controller).on_wake(&mut self.session, env);
        }
        if is_due(self.to_controller.deadline()) {
            let heard = self.to_controller.on_wake(&self.replicas.metadata, env);
            self.on_heard(heard, env);
        }
        if is_due(self.groups_deadline()) {
            self.wake_groups(env);
        }
        self.wake_shutdown(env);
    }

    /// Takes to the controller what the replicas want of it.
    fn send_isr_changes(&mut self, env: &mut Env<'_>) {
        self.to_controller.on_metadata(&self.replicas.metadata);
        if !self.to_controller.is_free() {
            return;
        }
        if let Some(request) = self.replicas.take_alter_partition_request(self.lifecycle.epoch()) {
            self.to_controller.alter(request, &self.replicas.metadata, env);
        }
    }

    fn on_answer(
        &mut self,
        call: crate::ids::CallId,
        answer: Result<Response, crate::node::Disconnected>,
        env: &mut Env<'_>,
    ) {
        match call.part() {
            FETCHERS => self.fetchers.on_answer(call, answer, &mut self.replicas, env),
            SESSION => {
                let events = self.session.on_answer(call, answer, env);
                self.on_session_events(events, env);
            }
            CONTROLLER => {
                Arc::make_mut(&mut self.controller).on_answer(call, answer, &mut self.session, env);
            }
            TO_CONTROLLER => {
                let heard = self.to_controller.on_answer(call, answer, env);
                self.on_heard(heard, env);
            }
            part => unreachable!("no part {part} makes calls"),
        }
    }
}

impl Node for Broker {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        match input {
            Input::Request { reply_to, from, version, request } => {
                if self.shutdown.as_ref().is_some_and(Shutdown::is_closing) {
                    env.push(Effect::HangUp { connection: reply_to.connection });
                } else if self.lifecycle.is_running() {
                    self.on_request(reply_to, from, version, request, env);
                } else {
                    self.lifecycle.park(reply_to, from, version, request);
                }
            }
            Input::Answer { call, answer } => self.on_answer(call, answer, env),
            Input::Wake => self.on_wake(env),
            Input::Start => self.on_start(env),
            Input::Channel { to, channel, event } => self.on_channel(to, channel, event, env),
            Input::Pushed { event, .. } => {
                let events = self.session.on_pushed(event);
                self.on_session_events(events, env);
            }
            // What is parked for it is carried out all the same, and answered to nobody.
            Input::PeerGone { .. } => {}
            Input::Command(Command::ShutDown) => self.start_shutdown(env),
            // Not for a broker.
            Input::Command(_) => {}
        }
        self.serve_groups(env);
        self.send_isr_changes(env);
    }

    fn deadline(&self) -> Option<Time> {
        let or_never = |deadline: Option<Time>| deadline.unwrap_or(Time::NEVER);
        let earliest = or_never(self.replicas.deadline())
            .min(or_never(self.fetchers.deadline()))
            .min(or_never(self.session.deadline()))
            .min(or_never(self.controller.deadline()))
            .min(or_never(self.to_controller.deadline()))
            .min(or_never(self.groups_deadline()))
            .min(or_never(self.shutdown.as_ref().and_then(Shutdown::deadline)));
        (earliest != Time::NEVER).then_some(earliest)
    }
}
