//! How a broker comes to life and stays registered (`KafkaServer.startup`, `KafkaHealthcheck`, `KafkaZkClient.registerBroker`).
//!
//! ```text
//!   New --> Connecting --> Preparing --> Registering <--> Checking --> Running
//!               ^______________|______________|  the session expired meanwhile
//! ```
//!
//! 1. The log directory is opened, the session with ZooKeeper begun.
//! 2. The persistent paths are made if they do not exist, the settings of all topics read.
//! 3. `/brokers/ids/<id>` is created. If it exists and belongs to an earlier life's session, the broker closes what it has opened
//!    and ends ([`super::shutdown`]). Its zxid is the broker epoch.
//! 4. The controller part starts, before or after step 3 (rule `startup-order`); configuration changes are watched.
//! 5. Only now the broker answers. Connections are accepted all the time, as Kafka's socket server does, and what came
//!    over them waits. (Up to 0.11 it answers just before step 3.)
//! 6. When the session expires the broker goes on leading and following. In its next session it registers again; should
//!    somebody else hold its id by then, it stays unregistered.
//!
//! Left out: the cluster id, generated broker ids, `zookeeper.connection.timeout.ms` (it waits for ever), the removal of an
//! ephemeral node that ZooKeeper forgot (KAFKA-7165).

use crate::broker::Broker;
use crate::broker::topic_configs::{TopicConfigs, TopicRead};
use crate::ids::{BrokerEpoch, NodeId};
use crate::log::log_manager::OpenError;
use crate::messages::Request;
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::node::{Effect, Env, ExitReason, ReplyTo};
use crate::note::{BrokerNote, Note};
use crate::rules::startup_order;
use crate::zookeeper::session::{Outcome, SessionEvent, SessionUser, Ticket};
use crate::zookeeper::znode::{PERSISTENT_PATHS, ZnodeData, broker_path};
use std::sync::Arc;

/// How far the broker is.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    phase: Phase,
    /// A registration that is under way.
    registering: Option<Registering>,
    epoch: BrokerEpoch,
    controller_started: bool,
    parked: Vec<Parked>,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Phase {
    New,
    Connecting,
    Preparing(Ticket),
    Registering,
    Running,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Registering {
    Creating(Ticket),
    /// The znode exists: whose is it?
    Checking(Ticket),
}

#[derive(Clone, Debug)]
struct Parked {
    reply_to: ReplyTo,
    from: NodeId,
    version: i16,
    request: Request,
}

impl Lifecycle {
    /// Not started.
    pub fn new() -> Lifecycle {
        Lifecycle {
            phase: Phase::New,
            registering: None,
            epoch: BrokerEpoch(-1),
            controller_started: false,
            parked: Vec::new(),
        }
    }

    /// The life the broker is in, as far as it knows: -1 before its first registration.
    pub fn epoch(&self) -> BrokerEpoch {
        self.epoch
    }

    /// Whether it answers requests.
    pub fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Keeps a request until the broker runs.
    pub fn park(&mut self, reply_to: ReplyTo, from: NodeId, version: i16, request: Request) {
        self.parked.push(Parked { reply_to, from, version, request });
    }
}

impl Default for Lifecycle {
    fn default() -> Lifecycle {
        Lifecycle::new()
    }
}

impl Broker {
    /// The process has started.
    pub(super) fn on_start(&mut self, env: &mut Env<'_>) {
        match self.replicas.load(env) {
            Ok(report) => {
                let (clean, partitions) = (report.clean, report.partitions);
                env.note(|| Note::Broker(BrokerNote::Started { clean, partitions }));
                self.lifecycle.phase = Phase::Connecting;
                self.session.start(env);
            }
            Err(OpenError::Disk(_)) => {
                env.note(|| Note::Broker(BrokerNote::LogDirectoryFailed));
                env.push(Effect::Exit(ExitReason::LogDirectoryFailed));
            }
            Err(_) => env.push(Effect::Exit(ExitReason::InconsistentBrokerId)),
        }
    }

    /// The session has something to tell.
    pub(super) fn on_session_event(&mut self, event: SessionEvent, env: &mut Env<'_>) {
        match event {
            SessionEvent::Connected { fresh: true, .. } => self.on_new_session(env),
            SessionEvent::Connected { fresh: false, .. } => {
                env.note(|| Note::Broker(BrokerNote::ZooKeeperBack));
            }
            SessionEvent::ConnectionLost => env.note(|| Note::Broker(BrokerNote::ZooKeeperLost)),
            SessionEvent::Expired => self.on_session_expired(env),
            SessionEvent::Answer { user: SessionUser::Controller, ticket, outcome } => {
                Arc::make_mut(&mut self.controller).on_outcome(ticket, outcome, &mut self.session, env);
            }
            SessionEvent::Answer { user: SessionUser::IsrWriter, ticket, outcome } => {
                self.replicas.on_isr_outcome(ticket, outcome, &mut self.session, env);
                // A lock may have been released that a control request waits for.
                self.carry_out_control(env);
            }
            SessionEvent::Answer { user: SessionUser::Broker, ticket, outcome } => {
                self.on_own_outcome(ticket, outcome, env);
            }
            SessionEvent::Answer { user: SessionUser::Operator, .. } => {
                unreachable!("no operator uses a broker's session")
            }
            SessionEvent::Watch(event) => {
                Arc::make_mut(&mut self.configs).on_watch(&event, &mut self.session, env);
                if self.lifecycle.controller_started {
                    Arc::make_mut(&mut self.controller).on_watch(&event, &mut self.session, env);
                }
            }
        }
    }

    fn on_new_session(&mut self, env: &mut Env<'_>) {
        if !self.lifecycle.is_running() {
            self.prepare(env);
            return;
        }
        Arc::make_mut(&mut self.configs).on_new_session(&mut self.session, env);
        if !startup_order::registers_first(self.era.rules.startup_order) {
            Arc::make_mut(&mut self.controller).on_new_session(&mut self.session, env);
        }
        self.register(env);
    }

    fn on_session_expired(&mut self, env: &mut Env<'_>) {
        env.note(|| Note::Broker(BrokerNote::SessionExpired));
        self.lifecycle.registering = None;
        if !self.lifecycle.is_running() {
            self.lifecycle.phase = Phase::Connecting;
        }
        self.replicas.on_session_expired(env);
        self.carry_out_control(env);
        if self.lifecycle.controller_started {
            Arc::make_mut(&mut self.controller).on_session_expired(&mut self.session, env);
        }
    }

    fn prepare(&mut self, env: &mut Env<'_>) {
        let mut ops: Vec<Op> = PERSISTENT_PATHS
            .iter()
            .map(|path| Op::Create {
                path: (*path).into(),
                data: ZnodeData::Empty,
                ephemeral: false,
                sequential: false,
            })
            .collect();
        ops.push(TopicConfigs::list_topics());
        let ticket = self.session.submit(SessionUser::Broker, ops, env);
        self.lifecycle.phase = Phase::Preparing(ticket);
    }

    /// A submission of the broker itself was answered.
    fn on_own_outcome(&mut self, ticket: Ticket, outcome: Outcome, env: &mut Env<'_>) {
        if self.lifecycle.phase == Phase::Preparing(ticket) {
            self.on_prepared(&outcome, env);
        } else if self.lifecycle.registering == Some(Registering::Creating(ticket)) {
            self.on_created(outcome.first(), env);
        } else if self.lifecycle.registering == Some(Registering::Checking(ticket)) {
            self.on_checked(outcome.first(), env);
        } else if self.configs.awaits(ticket) {
            let read = Arc::make_mut(&mut self.configs).on_outcome(ticket, outcome, &mut self.session, env);
            for TopicRead { topic, unclean_announced } in &read {
                if let Some(config) = self.configs.get(*topic) {
                    self.replicas.set_topic_config(*topic, config, env);
                }
                if *unclean_announced {
                    let controller = Arc::make_mut(&mut self.controller);
                    controller.on_unclean_enabled(*topic, &mut self.session, env);
                }
            }
            self.control.on_configs_read(&read);
            self.carry_out_control(env);
        } else if self.awaits_offsets_topic(ticket) {
            self.on_offsets_topic_outcome(outcome, env);
        } else {
            self.on_shutdown_outcome(ticket, &outcome, env);
        }
    }

    fn on_prepared(&mut self, outcome: &Outcome, env: &mut Env<'_>) {
        let Some(Ok(OpResult::Children(names))) = outcome.last() else {
            // Answered by the end of the session: the next one begins here again.
            return;
        };
        self.lifecycle.phase = Phase::Registering;
        let topics = names.iter().map(|name| crate::ids::Topic::new(name)).collect();
        Arc::make_mut(&mut self.configs).read(topics, &mut self.session, env);
        if !startup_order::registers_first(self.era.rules.startup_order) {
            self.start_controller(env);
        }
        self.register(env);
    }

    fn start_controller(&mut self, env: &mut Env<'_>) {
        let controller = Arc::make_mut(&mut self.controller);
        if self.lifecycle.controller_started {
            controller.on_new_session(&mut self.session, env);
        } else {
            self.lifecycle.controller_started = true;
            controller.startup(&mut self.session, env);
        }
    }

    fn register(&mut self, env: &mut Env<'_>) {
        let (node, rack, timestamp) = (self.node, self.config.rack.clone(), env.wall);
        let create = Op::Create {
            path: broker_path(self.config.id),
            data: ZnodeData::Broker { node, rack, timestamp },
            ephemeral: true,
            sequential: false,
        };
        let ticket = self.session.submit(SessionUser::Broker, vec![create], env);
        self.lifecycle.registering = Some(Registering::Creating(ticket));
    }

    fn on_created(&mut self, result: Option<&Result<OpResult, ZkError>>, env: &mut Env<'_>) {
        self.lifecycle.registering = None;
        match result {
            Some(Ok(OpResult::Created { zxid, .. })) => self.on_registered(BrokerEpoch(*zxid), env),
            Some(Err(ZkError::NodeExists)) => {
                let get = Op::GetData { path: broker_path(self.config.id), watch: false };
                let ticket = self.session.submit(SessionUser::Broker, vec![get], env);
                self.lifecycle.registering = Some(Registering::Checking(ticket));
            }
            // The session is gone: the next one registers.
            _ => {}
        }
    }

    fn on_checked(&mut self, result: Option<&Result<OpResult, ZkError>>, env: &mut Env<'_>) {
        self.lifecycle.registering = None;
        match result {
            Some(Ok(OpResult::Data(_, stat))) => {
                if stat.ephemeral_owner == self.session.id() {
                    // Its own: the create was carried out and its answer lost.
                    self.on_registered(BrokerEpoch(stat.czxid), env);
                } else if !self.lifecycle.is_running() {
                    self.abandon_startup(ExitReason::NodeExists, env);
                }
            }
            Some(Err(ZkError::NoNode)) => self.register(env),
            _ => {}
        }
    }

    fn on_registered(&mut self, epoch: BrokerEpoch, env: &mut Env<'_>) {
        self.lifecycle.epoch = epoch;
        env.note(|| Note::Broker(BrokerNote::Registered { epoch }));
        let registers_first = startup_order::registers_first(self.era.rules.startup_order);
        if self.lifecycle.is_running() {
            if registers_first {
                Arc::make_mut(&mut self.controller).on_new_session(&mut self.session, env);
            }
            return;
        }
        if registers_first {
            self.start_controller(env);
        }
        Arc::make_mut(&mut self.configs).watch(&mut self.session, env);
        self.lifecycle.phase = Phase::Running;
        for parked in std::mem::take(&mut self.lifecycle.parked) {
            self.on_request(parked.reply_to, parked.from, parked.version, parked.request, env);
        }
    }
}
