//! How the controller runs: events from the queue, their steps, and the questions between them.
//!
//! 1. [`KafkaController::advance`] runs until there is nothing to do, or until the running event has asked ZooKeeper
//!    something that is not answered yet.
//! 2. The answer runs the step that was named with the question; steps that it pushes come before those that were
//!    waiting.
//! 3. When no step is left the next event begins. One that concerns only the active controller is refused elsewhere.
//! 4. An event may break off: another controller has been elected, or the session has expired. A request behind it is
//!    answered all the same; of those that still wait, rule `controller-session` decides.

use super::alter_partition::{self, AlterPartitionStep};
use super::broker_change::BrokerStep;
use super::calls::{Answers, Question, Submit, Work};
use super::controlled_shutdown::{self, ShutdownStep};
use super::elector::ElectorStep;
use super::event::Event;
use super::notifications::NotificationStep;
use super::partition_state_machine::PartitionStep;
use super::preferred_election::PreferredStep;
use super::reassignment::ReassignmentStep;
use super::topic_deletion::DeletionStep;
use super::topics::TopicStep;
use super::{KafkaController, Owed, Step};
use crate::ids::CallId;
use crate::messages::Response;
use crate::messages::zookeeper::{Op, WatchEvent};
use crate::node::{Disconnected, Env};
use crate::note::{ControllerNote, Note};
use crate::zookeeper::session::{Outcome, Ticket};

// What the public calls come down to, with ZooKeeper behind a narrow door.
impl KafkaController {
    pub(super) fn is_active(&self) -> bool {
        self.active_controller == Some(self.id)
    }

    pub(super) fn enqueue(&mut self, event: Event, zk: &mut dyn Submit, env: &mut Env<'_>) {
        self.queue.push_back(event);
        self.advance(&mut Work { zk, env });
    }

    pub(super) fn watch_fired(&mut self, event: &WatchEvent, zk: &mut dyn Submit, env: &mut Env<'_>) {
        match Event::of_watch(event) {
            Some(event @ (Event::Reelect | Event::ControllerChange)) => self.enqueue(event, zk, env),
            Some(event) if self.is_active() => self.enqueue(event, zk, env),
            _ => {}
        }
    }

    pub(super) fn answered(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        zk: &mut dyn Submit,
        env: &mut Env<'_>,
    ) {
        if let Some(question) = &mut self.question {
            question.answer(ticket, outcome);
            self.advance(&mut Work { zk, env });
        }
    }

    pub(super) fn session_expired(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        let rule = self.era.rules.controller_session;
        if rule.drops_events() {
            self.abandon_event(env);
            let dropped = std::mem::take(&mut self.queue);
            if rule.answers_dropped() {
                dropped.iter().for_each(|event| self.refuse(event, env));
            }
            self.enqueue(Event::Expire, zk, env);
        }
    }

    pub(super) fn new_session(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        let mut w = Work { zk, env };
        if let Some(question) = &mut self.question {
            question.repeat(&mut w);
        }
        self.queue.push_back(Event::NewSession);
        self.advance(&mut w);
    }

    pub(super) fn broker_answered(
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

    pub(super) fn time_passed(&mut self, zk: &mut dyn Submit, env: &mut Env<'_>) {
        self.channels.on_wake(env);
        if self.rebalance_at.is_some_and(|at| at <= env.now) {
            self.rebalance_at = None;
            self.enqueue(Event::AutoPreferredReplicaElection, zk, env);
        }
    }
}

impl KafkaController {
    /// Runs until it waits for ZooKeeper or has nothing left to do.
    pub(super) fn advance(&mut self, w: &mut Work<'_, '_>) {
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
        let (name, routine) = (event.name(&self.era), event.is_routine());
        w.env.note(|| Note::Controller(ControllerNote::Event { name, routine }));
        let step = match event {
            Event::Startup | Event::Reelect | Event::NewSession => {
                Step::Elector(ElectorStep::Look { then_run: true })
            }
            Event::ControllerChange => {
                let then_run = self.era.rules.missed_deletion.runs();
                Step::Elector(ElectorStep::Look { then_run })
            }
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
    pub(super) fn next(&mut self, steps: Vec<Step>) {
        self.steps.extend(steps.into_iter().rev());
    }

    /// Asks ZooKeeper and goes on with `then` when it has answered; at once if there is nothing to ask.
    pub(super) fn ask(&mut self, ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) {
        if ops.is_empty() {
            self.steps.push(then);
        } else {
            self.question = Some(Question::one_by_one(ops, then, w));
        }
    }

    /// The same for writes, which are guarded as the era does it.
    pub(super) fn write(&mut self, ops: Vec<Op>, then: Step, w: &mut Work<'_, '_>) {
        if ops.is_empty() {
            self.steps.push(then);
        } else {
            let guard = self.era.rules.controller_writes.guard(self.context.epoch_version);
            let guard = guard.filter(|_| !self.era.rules.planted.writes_unguarded());
            self.question = Some(Question::writes(ops, guard, then, w));
        }
    }

    /// Ends the running event where it is. A request behind it is answered with an error.
    pub(super) fn abandon_event(&mut self, env: &mut Env<'_>) {
        let cut_short = self.question.take();
        self.steps.clear();
        self.batch.clear();
        match self.owed.take() {
            Some(Owed::ControlledShutdown(reply_to)) => controlled_shutdown::refuse_moved(reply_to, env),
            Some(Owed::AlterPartition(reply_to)) => match cut_short.map(Question::then) {
                // The session has expired: each write fails for itself.
                Some(Step::AlterPartition(AlterPartitionStep::Written(answers, ..))) => {
                    alter_partition::answer_unwritten(reply_to, answers, env);
                }
                _ => alter_partition::refuse_failed(reply_to, env),
            },
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
