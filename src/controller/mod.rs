//! The controller (`KafkaController`), a part of every broker; active in the one that holds `/controller`.
//!
//! 1. Every broker watches `/controller` and runs for it when it is gone (`elector`). Who wins raises the controller
//!    epoch, watches everything, reads everything back and tells every broker (`failover`).
//! 2. What happens afterwards becomes an *event* in one queue (`event`): a watch that fired, a broker's request or answer,
//!    a timer. One event is handled at a time, to its end.
//! 3. **An event spans several round trips to ZooKeeper.** It is a stack of *steps*; a step changes memory, pushes further
//!    steps, or asks ZooKeeper something and names the step that goes on with the answer (`engine`, `calls`). While it waits, the
//!    events behind it wait too. What changes meanwhile in ZooKeeper it finds out when a conditional write is refused.
//! 4. Decisions go through two state machines, of partitions (`partition_state_machine`) and of replicas
//!    (`replica_state_machine`), and leave as LeaderAndIsr, UpdateMetadata and StopReplica (`request_batch`), one at a
//!    time per broker (`channels`).
//!
//! | event                          | file                     |
//! |--------------------------------|--------------------------|
//! | brokers come and go            | `broker_change`        |
//! | topics, partitions             | `topics`               |
//! | deletion of topics             | `topic_deletion`       |
//! | ISR and log directory news     | `notifications`        |
//! | AlterPartition                 | `alter_partition`      |
//! | ControlledShutdown             | `controlled_shutdown`  |
//! | preferred leaders, rebalance   | `preferred_election`   |
//! | partitions that move           | `reassignment`         |
//!
//! Left out: dynamic broker settings, topic ids, features, delegation tokens, and the requests of admin clients that came
//! with KIP-183, KIP-455 and KIP-460 (the same is done here by znode). `ZkClient`, up to 1.0, reads children and sets the
//! watch again when it fires; here the event does so when its turn comes, as from 1.1 on. Events of answers that change
//! nothing are not queued.

mod alter_partition;
mod broker_change;
mod calls;
mod channels;
mod context;
mod controlled_shutdown;
mod election;
mod elector;
mod engine;
mod event;
mod failover;
mod new_partitions;
mod notifications;
mod partition_state_machine;
mod preferred_election;
mod reassignment;
mod replica_state_machine;
mod request_batch;
mod topic_deletion;
mod topics;

#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
mod fake_zookeeper;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;

use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, ControllerEpoch, NodeId, Topic};
use crate::messages::Response;
use crate::messages::alter_partition::AlterPartitionRequest;
use crate::messages::controlled_shutdown::ControlledShutdownRequest;
use crate::messages::zookeeper::WatchEvent;
use crate::node::{ChannelEvent, Disconnected, Env, ReplyTo};
use crate::rules::reassignment::Reassignment;
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Outcome, Session, Ticket};
use alter_partition::AlterPartitionStep;
use broker_change::BrokerStep;
use calls::Question;
use channels::Channels;
use context::ControllerContext;
use controlled_shutdown::ShutdownStep;
use elector::ElectorStep;
use event::Event;
use failover::FailoverStep;
use notifications::NotificationStep;
use partition_state_machine::PartitionStep;
use preferred_election::PreferredStep;
use reassignment::ReassignmentStep;
use replica_state_machine::ReplicaStep;
use request_batch::{About, RequestBatch};
use std::collections::VecDeque;
use topic_deletion::DeletionStep;
use topics::TopicStep;

/// The controller part of a broker. All its ZooKeeper work goes through the broker's session.
#[derive(Clone, Debug)]
pub struct KafkaController {
    id: BrokerId,
    era: Era,
    settings: Settings,
    /// Whether it watches the states of partitions that move (up to 2.6).
    watches_states: bool,

    /// Who it thinks is controller (`activeControllerId`).
    active_controller: Option<BrokerId>,
    context: ControllerContext,
    channels: Channels,
    batch: RequestBatch,
    rebalance_at: Option<Time>,

    /// Events that wait.
    queue: VecDeque<Event>,
    /// What is left to do of the event that runs; the last comes first.
    steps: Vec<Step>,
    /// What that event has asked ZooKeeper, while it waits for the answer.
    question: Option<Question>,
    /// The request behind that event, if it has not been answered yet.
    owed: Option<Owed>,
}

/// The broker's settings, as far as its controller depends on them.
#[derive(Copy, Clone, Debug)]
struct Settings {
    /// `unclean.leader.election.enable` of topics that do not set it.
    unclean_leader_election: bool,
    /// `auto.leader.rebalance.enable`.
    auto_leader_rebalance: bool,
    /// `delete.topic.enable`.
    delete_topic_enable: bool,
    /// `leader.imbalance.check.interval.seconds`.
    imbalance_check_interval: Micros,
    /// `leader.imbalance.per.broker.percentage`.
    imbalance_percentage: u32,
    /// `controller.socket.timeout.ms`: how long a connection may take.
    connect_timeout: Micros,
    /// `request.timeout.ms`: how long an answer may take.
    request_timeout: Micros,
}

/// An answer that is owed.
#[derive(Copy, Clone, Debug)]
enum Owed {
    ControlledShutdown(ReplyTo),
    AlterPartition(ReplyTo),
}

/// A piece of an event: each file has its own.
#[derive(Clone, Debug)]
enum Step {
    Elector(ElectorStep),
    Failover(FailoverStep),
    Brokers(BrokerStep),
    Topics(TopicStep),
    Deletion(DeletionStep),
    Partitions(PartitionStep),
    Replicas(ReplicaStep),
    Notifications(NotificationStep),
    Preferred(PreferredStep),
    Reassignment(ReassignmentStep),
    ControlledShutdown(ShutdownStep),
    AlterPartition(AlterPartitionStep),
    /// Send the requests gathered.
    SendRequests,
    /// Send UpdateMetadata to every registered broker.
    SendMetadata(About),
    /// Writes whose results nobody needs are done.
    Done,
}

impl KafkaController {
    /// A controller that has not run for election yet. Its calls carry `CallId::new(part, _)`.
    pub fn new(config: &BrokerConfig, era: &Era, node: NodeId, part: u8) -> KafkaController {
        // It reaches its own broker as it does the others: at the address in `/brokers/ids`.
        let _ = node;
        let settings = Settings {
            unclean_leader_election: config.topic_defaults.unclean_leader_election,
            delete_topic_enable: config.delete_topic_enable,
            auto_leader_rebalance: config.auto_leader_rebalance,
            imbalance_check_interval: config.leader_imbalance_check_interval,
            imbalance_percentage: config.leader_imbalance_percentage,
            connect_timeout: config.controller_socket_timeout,
            request_timeout: config.request_timeout,
        };
        KafkaController::with(config.id, era, settings, part)
    }

    fn with(id: BrokerId, era: &Era, settings: Settings, part: u8) -> KafkaController {
        KafkaController {
            id,
            era: era.clone(),
            settings,
            watches_states: Reassignment::watches_states(era.rules.isr_writer),
            active_controller: None,
            context: ControllerContext::default(),
            channels: Channels::new(settings, era, part),
            batch: RequestBatch::default(),
            rebalance_at: None,
            queue: VecDeque::new(),
            steps: Vec::new(),
            question: None,
            owed: None,
        }
    }

    /// The broker has started and its session stands: watch `/controller` and run for it.
    pub fn startup(&mut self, session: &mut Session, env: &mut Env<'_>) {
        self.enqueue(Event::Startup, session, env);
    }

    /// The session has expired.
    pub fn on_session_expired(&mut self, session: &mut Session, env: &mut Env<'_>) {
        self.session_expired(session, env);
    }

    /// A new session stands after an expiry, and the broker has registered again: run for `/controller`.
    pub fn on_new_session(&mut self, session: &mut Session, env: &mut Env<'_>) {
        self.new_session(session, env);
    }

    /// A watch fired (any path; those of others are ignored).
    pub fn on_watch(&mut self, event: &WatchEvent, session: &mut Session, env: &mut Env<'_>) {
        self.watch_fired(event, session, env);
    }

    /// A submission of `SessionUser::Controller` was answered.
    pub fn on_outcome(&mut self, ticket: Ticket, outcome: Outcome, session: &mut Session, env: &mut Env<'_>) {
        self.answered(ticket, outcome, session, env);
    }

    /// A `Channel::Controller` to a broker changed.
    pub fn on_channel(&mut self, to: NodeId, event: ChannelEvent, session: &mut Session, env: &mut Env<'_>) {
        let _ = session;
        self.channels.on_channel(to, event, env);
    }

    /// A call of this part was answered.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        self.broker_answered(call, answer, session, env);
    }

    /// A broker wants to stop. Replies itself, now or later.
    pub fn on_controlled_shutdown(
        &mut self,
        request: ControlledShutdownRequest,
        reply_to: ReplyTo,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        self.enqueue(Event::ControlledShutdown { request, reply_to }, session, env);
    }

    /// A leader asks for another ISR. Replies itself, now or later.
    pub fn on_alter_partition(
        &mut self,
        request: AlterPartitionRequest,
        reply_to: ReplyTo,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        self.enqueue(Event::AlterPartition { request, reply_to }, session, env);
    }

    /// A topic's own `unclean.leader.election.enable` has become true, as this broker learns from `/config/changes`.
    pub fn on_unclean_enabled(&mut self, topic: Topic, session: &mut Session, env: &mut Env<'_>) {
        if self.is_active() && self.era.rules.unclean_setting.elects_at_once() {
            self.enqueue(Event::TopicUncleanElectionEnable(topic), session, env);
        }
    }

    /// Time has passed.
    pub fn on_wake(&mut self, session: &mut Session, env: &mut Env<'_>) {
        self.time_passed(session, env);
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        self.channels.deadline().into_iter().chain(self.rebalance_at).min()
    }

    /// Whether it knows a broker as alive and not shutting down.
    pub fn knows_live(&self, broker: BrokerId) -> bool {
        self.context.is_live(broker)
    }

    /// Its epoch while it is the active controller.
    pub fn active_epoch(&self) -> Option<ControllerEpoch> {
        self.is_active().then_some(self.context.epoch)
    }
}
