//! How a broker stops in order (`KafkaServer.controlledShutdown` and `shutdown`).
//!
//! 1. With `controlled.shutdown.enable`: look up the controller and its address (rule `shutdown-controller`), ask it to
//!    move this broker's leaders away, and wait for the answer. If partitions remain, or nobody answers, wait
//!    `controlled.shutdown.retry.backoff.ms` and begin anew, at most `controlled.shutdown.max.retries` times in all. Meanwhile
//!    the broker serves as before, except that it follows nobody new.
//! 2. Successful or not: fetchers end, logs are flushed, checkpoints written, the mark of a clean stop is left.
//! 3. The session is closed, so that its ephemeral nodes go at once, and the process ends.
//!
//! A start that fails because the broker's znode belongs to somebody else (`KafkaServer.startup` catches, and calls
//! `shutdown`) does steps 2 and 3 and not 1, in every release: what was recovered is flushed, recovery points and log
//! start offsets are written, the mark of a clean stop is left, and `/controller` goes with the session if it was won
//! meanwhile. High watermarks are not written: no replica is known yet.
//!
//! Left out: a broker that is told to stop before it runs (Kafka waits until it does) skips step 1.

use crate::broker::Broker;
use crate::broker::to_controller::Heard;
use crate::ids::{BrokerId, NodeId};
use crate::messages::controlled_shutdown::{ControlledShutdownRequest, ControlledShutdownResponse};
use crate::messages::zookeeper::{Op, OpResult};
use crate::node::{Disconnected, Effect, Env, ExitReason};
use crate::note::{BrokerNote, Note};
use crate::time::Time;
use crate::zookeeper::session::{Outcome, SessionUser, Ticket};
use crate::zookeeper::znode::{CONTROLLER, ZnodeData, broker_path};

/// A shutdown in progress.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// How often the controller may still be asked.
    attempts: u32,
    /// The controller as it was last found.
    controller: Option<NodeId>,
    step: Step,
    /// What the process ends with.
    reason: ExitReason,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Step {
    FindingController(Ticket),
    FindingItsNode(Ticket),
    Asking,
    BackingOff { until: Time },
    ClosingSession { give_up: Time },
}

impl Shutdown {
    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        match self.step {
            Step::BackingOff { until } => Some(until),
            Step::ClosingSession { give_up } => Some(give_up),
            Step::FindingController(_) | Step::FindingItsNode(_) | Step::Asking => None,
        }
    }

    /// Whether requests are served no more.
    pub fn is_closing(&self) -> bool {
        matches!(self.step, Step::ClosingSession { .. })
    }
}

impl Broker {
    /// Whether it was told to stop.
    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_some()
    }

    /// SIGTERM.
    pub(super) fn start_shutdown(&mut self, env: &mut Env<'_>) {
        if self.is_shutting_down() {
            return;
        }
        env.note(|| Note::Broker(BrokerNote::ShutdownStarted));
        let controlled = self.config.controlled_shutdown && self.lifecycle.is_running();
        let attempts = if controlled { self.config.controlled_shutdown_max_retries } else { 0 };
        let reason = ExitReason::ShutDown;
        self.shutdown = Some(Shutdown { attempts, controller: None, step: Step::Asking, reason });
        self.attempt_shutdown(env);
    }

    /// The broker cannot start: it closes what it has opened.
    pub(super) fn abandon_startup(&mut self, reason: ExitReason, env: &mut Env<'_>) {
        if !self.is_shutting_down() {
            self.shutdown = Some(Shutdown { attempts: 0, controller: None, step: Step::Asking, reason });
            self.finish_shutdown(env);
        }
    }

    /// Asks once more, or stops without having been let go.
    fn attempt_shutdown(&mut self, env: &mut Env<'_>) {
        let Some(shutdown) = &mut self.shutdown else { return };
        let Some(attempts) = shutdown.attempts.checked_sub(1) else { return self.finish_shutdown(env) };
        shutdown.attempts = attempts;
        if !self.era.rules.shutdown_controller.asks_zookeeper() {
            let known = self.replicas.metadata.controller();
            shutdown.controller = known.map(|(_, node)| node).or(shutdown.controller);
            return self.ask_controller(env);
        }
        let get = Op::GetData { path: CONTROLLER.into(), watch: false };
        let ticket = self.session.submit(SessionUser::Broker, vec![get], env);
        shutdown.step = Step::FindingController(ticket);
    }

    /// ZooKeeper answered where the controller is.
    pub(super) fn on_shutdown_outcome(&mut self, ticket: Ticket, outcome: &Outcome, env: &mut Env<'_>) {
        let Some(shutdown) = &mut self.shutdown else { return };
        let found = match outcome.first() {
            Some(Ok(OpResult::Data(data, _))) => Some(data),
            _ => None,
        };
        match (shutdown.step, found) {
            (Step::FindingController(asked), Some(ZnodeData::Controller { broker, .. }))
                if asked == ticket =>
            {
                let broker: BrokerId = *broker;
                let get = Op::GetData { path: broker_path(broker), watch: false };
                let ticket = self.session.submit(SessionUser::Broker, vec![get], env);
                shutdown.step = Step::FindingItsNode(ticket);
            }
            (Step::FindingItsNode(asked), Some(ZnodeData::Broker { node, .. })) if asked == ticket => {
                shutdown.controller = Some(*node);
                self.ask_controller(env);
            }
            // There is none now: whoever it was before is asked, if there was one.
            (Step::FindingController(asked) | Step::FindingItsNode(asked), _) if asked == ticket => {
                self.ask_controller(env);
            }
            _ => {}
        }
    }

    fn ask_controller(&mut self, env: &mut Env<'_>) {
        let Some(shutdown) = &mut self.shutdown else { return };
        let Some(to) = shutdown.controller else { return self.back_off_shutdown(env) };
        shutdown.step = Step::Asking;
        let request =
            ControlledShutdownRequest { broker: self.config.id, broker_epoch: Some(self.lifecycle.epoch()) };
        self.to_controller.shut_down(request, to, env);
    }

    fn back_off_shutdown(&mut self, env: &mut Env<'_>) {
        if let Some(shutdown) = &mut self.shutdown {
            let until = env.now + self.config.controlled_shutdown_retry_backoff;
            shutdown.step = Step::BackingOff { until };
        }
    }

    /// The controller answered, or nobody did.
    fn on_shutdown_answer(
        &mut self,
        answer: Result<ControlledShutdownResponse, Disconnected>,
        env: &mut Env<'_>,
    ) {
        let Ok(response) = answer else { return self.back_off_shutdown(env) };
        let remaining = response.remaining.len();
        env.note(|| Note::Broker(BrokerNote::ShutdownAnswered { remaining }));
        if response.error.is_none() && remaining == 0 {
            self.finish_shutdown(env);
        } else {
            self.back_off_shutdown(env);
        }
    }

    /// What the controller had to say.
    pub(super) fn on_heard(&mut self, heard: Option<Heard>, env: &mut Env<'_>) {
        match heard {
            Some(Heard::Altered(response)) => {
                self.replicas.on_alter_partition_answer(Ok(response), env);
            }
            Some(Heard::ShutDown(answer)) => self.on_shutdown_answer(answer, env),
            None => {}
        }
    }

    fn finish_shutdown(&mut self, env: &mut Env<'_>) {
        self.fetchers.shut_down(env);
        self.replicas.shut_down(env);
        self.session.close(env);
        let give_up = env.now + self.config.zookeeper_session_timeout;
        if let Some(shutdown) = &mut self.shutdown {
            shutdown.step = Step::ClosingSession { give_up };
        }
        self.exit_if_closed(env);
    }

    /// Ends the process once the session is closed.
    pub(super) fn exit_if_closed(&mut self, env: &mut Env<'_>) {
        let closing = self.shutdown.as_ref().map(|shutdown| (shutdown.step, shutdown.reason));
        if let Some((Step::ClosingSession { give_up }, reason)) = closing
            && (self.session.is_closed() || give_up <= env.now)
        {
            env.push(Effect::Exit(reason));
        }
    }

    /// Time has passed.
    pub(super) fn wake_shutdown(&mut self, env: &mut Env<'_>) {
        let step = self.shutdown.as_ref().map(|shutdown| shutdown.step);
        if matches!(step, Some(Step::BackingOff { until }) if until <= env.now) {
            self.attempt_shutdown(env);
        }
        self.exit_if_closed(env);
    }
}
