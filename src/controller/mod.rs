//! The controller (`KafkaController`), a part of every broker; active in the one that holds `/controller`.
//!
//! 1. Every broker watches `/controller` and runs for it when it is gone ([`elector`]). Who wins raises the controller
//!    epoch, watches everything, reads everything back and tells every broker ([`failover`]).
//! 2. What happens afterwards becomes an *event* in one queue ([`event`]): a watch that fired, a broker's request or answer,
//!    a timer. One event is handled at a time, to its end.
//! 3. **An event spans several round trips to ZooKeeper.** It is a stack of *steps*; a step changes memory, pushes further
//!    steps, or asks ZooKeeper something and names the step that goes on with the answer ([`calls`]). While it waits, the
//!    events behind it wait too. What changes meanwhile in ZooKeeper it finds out when a conditional write is refused.
//! 4. Decisions go through two state machines, of partitions ([`partition_state_machine`]) and of replicas
//!    ([`replica_state_machine`]), and leave as LeaderAndIsr, UpdateMetadata and StopReplica ([`request_batch`]), one at a
//!    time per broker ([`channels`]).
//!
//! | event                          | file                     |
//! |--------------------------------|--------------------------|
//! | brokers come and go            | [`broker_change`]        |
//! | topics, partitions             | [`topics`]               |
//! | deletion of topics             | [`topic_deletion`]       |
//! | ISR and log directory news     | [`notifications`]        |
//! | AlterPartition                 | [`alter_partition`]      |
//! | ControlledShutdown             | [`controlled_shutdown`]  |
//! | preferred leaders, rebalance   | [`preferred_election`]   |
//! | partitions that move           | [`reassignment`]         |
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
mod event;
mod failover;
mod notifications;
mod partition_state_machine;
mod preferred_election;
mod reassignment;
mod replica_state_machine;
mod request_batch;
mod topic_deletion;
mod topics;

#[cfg(test)]
mod fake_zookeeper;
#[cfg(test)]
mod tests;

use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, ControllerEpoch, NodeId, Topic};
use crate::messages::Response;
use crate::messages::alter_partition::AlterPartitionRequest;
use crate::messages::controlled_shutdown::ControlledShutdownRequest;
use crate::messages::zookeeper::{Op, WatchEvent};
use crate::node::{ChannelEvent, Disconnected, Env, ReplyTo};
use crate::note::{ControllerNote, Note};
use crate::rules::reassignment::Reassignment;
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Outcome, Session, Ticket};
use alter_partition::AlterPartitionStep;
use broker_change::BrokerStep;
use calls::{Answers, Question, Submit, Work};
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

    /// Its epoch while it is the active controller.
    pub fn active_epoch(&self) -> Option<ControllerEpoch> {
        self.is_active().then_some(self.context.epoch)
    }
}

// What the public calls come down to, with ZooKeeper behind a narrow door.
impl KafkaController {
    fn is_active(&self) -> bool {
        self.active_controller == Some(self.id)
    }

    fn enqueue(&mut self, event: Event, zk: &mut dyn Submit, env: &mut Env<'_>) {
        self.queue.push_back(event);
        self.advance(&mut Work { zk, env });
    }

    fn watch_fired(&mut self, event: &WatchEvent, zk: &mut dyn Submit, env: &mut Env<'_>) {
        match Event::of_watch(event) {
            Some(event @ (Event::Reelect | Event::ControllerChange)) => self.enqueue(event, zk, env),
            Some(event) if self.is_active() => self.enqueue(event, zk, env),
            _ => {}
        }
    }

    fn answered(&mut self, ticket: Ticket, outcome: Outcome, zk: &mut dyn Submit, env: &mut Env<'_>) {
        if let Some(question) = &mut self.question {
            question.answer(ticket, outcome);
            self.advance(&mut Work { zk, env });
        }
    }

    fn session_expired(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        if self.era.rules.controller_session.drops_events() {
            self.abandon_event(env);
            for event in std::mem::take(&mut self.queue) {
                self.refuse(&event, env);
            }
            self.enqueue(Event::Expire, zk, env);
        }
    }

    fn new_session(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        let mut w = Work { zk, env };
        if let Some(question) = &mut self.question {
            question.repeat(&mut w);
        }
        self.queue.push_back(Event::NewSession);
        self.advance(&mut w);
    }

    fn broker_answered(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        zk: &mut dyn Submit,
        env: &mut Env<'_>,
    ) {
        let Some((broker, request, response)) = self.channels.on_answer(call, answer, env) else { return };
        if let Some(event) = self.event_of_answer(broker, &request, response) {
            self.enqueue(event, zk, env);
        }
    }

    fn time_passed(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        self.channels.on_wake(env);
        if self.rebalance_at.is_some_and(|at| at <= env.now) {
            self.rebalance_at = None;
            self.enqueue(Event::AutoPreferredReplicaElection, zk, env);
        }
    }
}

// The engine: events, steps, questions.
impl KafkaController {
    /// Runs until it waits for ZooKeeper or has nothing left to do.
    fn advance(&mut self, w: &mut Work<'_, '_>) {
        loop {
            if let Some(question) = &self.question {
                match question.answers() {
                    // Either more answers come, or a new session (see `session_expired` and `new_session`).
                    Answers::Open | Answers::Expired => return,
                    Answers::Moved => {
                        self.question = None;
                        self.controller_moved(w);
                    }
                    Answers::All(then, outcome) => {
                        self.question = None;
                        self.run(*then, outcome, w);
                    }
                }
            } else if let Some(step) = self.steps.pop() {
                self.run(step, Outcome::new(), w);
            } else if let Some(event) = self.queue.pop_front() {
                self.begin(event, w);
            } else {
                return;
            }
        }
    }

    fn begin(&mut self, event: Event, w: &mut Work<'_, '_>) {
        assert!(self.owed.is_none(), "the last event answered");
        let concerns_all = matches!(
            event,
            Event::Startup | Event::Reelect | Event::NewSession | Event::Expire | Event::ControllerChange
        );
        if !concerns_all && !self.is_active() {
            self.refuse(&event, w.env);
            return;
        }
        let name = event.name(&self.era);
        w.env.note(|| Note::Controller(ControllerNote::Event { name }));
        let step = match event {
            Event::Startup | Event::Reelect | Event::NewSession => {
                Step::Elector(ElectorStep::Look { then_run: true })
            }
            Event::ControllerChange => Step::Elector(ElectorStep::Look { then_run: false }),
            Event::Expire => Step::Elector(ElectorStep::Expire),
            Event::BrokerChange => Step::Brokers(BrokerStep::Look),
            Event::TopicChange => Step::Topics(TopicStep::Look),
            Event::PartitionModifications(topic) => Step::Topics(TopicStep::LookAtPartitions(topic)),
            Event::TopicDeletion => Step::Deletion(DeletionStep::Look),
            Event::PartitionReassignment => Step::Reassignment(ReassignmentStep::Look),
            Event::PartitionReassignmentIsrChange(partition) => {
                Step::Reassignment(ReassignmentStep::MaybeComplete(partition))
            }
            Event::IsrChangeNotification => Step::Notifications(NotificationStep::LookAtIsrs),
            Event::LogDirEventNotification => Step::Notifications(NotificationStep::LookAtLogDirs),
            Event::PreferredReplicaElection => Step::Preferred(PreferredStep::Look),
            Event::AutoPreferredReplicaElection => Step::Preferred(PreferredStep::Rebalance),
            Event::TopicUncleanElectionEnable(topic) => {
                Step::Partitions(PartitionStep::TriggerOnline(Some(topic)))
            }
            Event::ControlledShutdown { request, reply_to } => {
                self.owed = Some(Owed::ControlledShutdown(reply_to));
                Step::ControlledShutdown(ShutdownStep::Begin(request))
            }
            Event::AlterPartition { request, reply_to } => {
                self.owed = Some(Owed::AlterPartition(reply_to));
                Step::AlterPartition(AlterPartitionStep::Begin(request))
            }
            Event::LeaderAndIsrResponseReceived { broker, offline, online } => {
                Step::Brokers(BrokerStep::LogDirsAnswered { broker, offline, online })
            }
            Event::TopicDeletionStopReplicaResponse { broker, replicas } => {
                Step::Deletion(DeletionStep::Answered { broker, replicas })
            }
        };
        self.steps.push(step);
    }

    fn run(&mut self, step: Step, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            Step::Elector(step) => self.elector(step, outcome, w),
            Step::Failover(step) => self.failover(step, outcome, w),
            Step::Brokers(step) => self.brokers(step, outcome, w),
            Step::Topics(step) => self.topics(step, outcome, w),
            Step::Deletion(step) => self.deletion(step, outcome, w),
            Step::Partitions(step) => self.partitions(step, outcome, w),
            Step::Replicas(step) => self.replicas(step, outcome, w),
            Step::Notifications(step) => self.notifications(step, outcome, w),
            Step::Preferred(step) => self.preferred(step, outcome, w),
            Step::Reassignment(step) => self.reassignment(step, outcome, w),
            Step::ControlledShutdown(step) => self.controlled_shutdown(step, w),
            Step::AlterPartition(step) => self.alter_partition(step, outcome, w),
            Step::SendRequests => self.send_requests(w),
            Step::SendMetadata(about) => {
                let brokers = self.context.live_or_shutting_down();
                self.send_update_metadata(&brokers, about, w);
            }
            Step::Done => {}
        }
    }

    /// What comes next, in this order, before what was to come.
    fn next(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().rev());
    }

    /// Asks ZooKeeper and goes on with `then` when it has answered; at once if there is nothing to ask.
    fn ask(&mut self, ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) {
        if ops.is_empty() {
            self.steps.push(then);
        } else {
            self.question = Some(Question::one_by_one(ops, then, w));
        }
    }

    /// The same for writes, which are guarded as the era does it.
    fn write(&mut self, ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) {
        if ops.is_empty() {
            self.steps.push(then);
        } else {
            let guard = self.era.rules.controller_writes.guard(self.context.epoch_version);
            self.question = Some(Question::writes(ops, guard, then, w));
        }
    }

    /// Ends the running event where it is. A request behind it is answered with an error.
    fn abandon_event(&mut self, env: &mut Env<'_>) {
        self.steps.clear();
        self.question = None;
        self.batch.clear();
        match self.owed.take() {
            Some(Owed::ControlledShutdown(reply_to)) => controlled_shutdown::refuse_moved(reply_to, env),
            Some(Owed::AlterPartition(reply_to)) => alter_partition::refuse_failed(reply_to, env),
            None => {}
        }
    }

    /// Answers a request whose event will not be handled: this broker is not the controller (any more).
    fn refuse(&self, event: &Event, env: &mut Env<'_>) {
        match event {
            Event::ControlledShutdown { reply_to, .. } => controlled_shutdown::refuse_moved(*reply_to, env),
            Event::AlterPartition { reply_to, .. } => alter_partition::refuse_not_controller(*reply_to, env),
            _ => {}
        }
    }
}
