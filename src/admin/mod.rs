//! An operator's tools (`kafka-topics.sh` and its kin, `zkCli`), as one node that talks to ZooKeeper.
//!
//! Each command is a tool that asks ZooKeeper, looks at the answers and asks on until it is done or refuses; what it is
//! told in the end is one [`Delivery::Done`]. Commands wait for each other. Real tools begin a session each; this
//! operator keeps one, and what waits for it while ZooKeeper cannot be reached waits on.
//!
//! Left out: tools that speak to brokers (`--bootstrap-server`), which come with the client's APIs for it. What they make
//! a broker do to ZooKeeper is what these do themselves.

mod add_partitions;
mod create_topic;
mod elect;
pub mod placement;
mod reassign;
#[cfg(test)]
mod tests;
mod tool;
mod topic_config;
mod topic_name;

use crate::command::{Command, Delivery};
use crate::era::Era;
use crate::messages::zookeeper::{Op, ZkError};
use crate::node::{Channel, Effect, Entropy, Env, Input, Node};
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Outcome, Session, SessionEvent, SessionUser, Ticket};
use add_partitions::AddPartitions;
use create_topic::CreateTopic;
use elect::ElectPreferredLeaders;
use reassign::ReassignPartitions;
use std::collections::VecDeque;
use tool::{Next, Step, failed, only, unexpected};
use topic_config::AlterTopicConfig;

/// The session time-out of the tools.
const SESSION_TIMEOUT: Micros = Micros::from_millis(30_000);

/// An operator at a terminal.
#[derive(Clone, Debug)]
pub struct Operator {
    era: Era,
    session: Session,
    waiting: VecDeque<Command>,
    running: Option<(Ticket, Tool)>,
}

/// A tool at work.
#[derive(Clone, Debug)]
enum Tool {
    CreateTopic(CreateTopic),
    AddPartitions(AddPartitions),
    AlterTopicConfig(AlterTopicConfig),
    ElectPreferredLeaders(ElectPreferredLeaders),
    ReassignPartitions(ReassignPartitions),
    DeleteZnode { path: String, asked: bool },
}

impl Tool {
    fn new(command: Command) -> Tool {
        match command {
            Command::CreateTopic { topic, placement, settings } => {
                Tool::CreateTopic(CreateTopic::new(topic, placement, settings))
            }
            Command::AddPartitions { topic, partitions, assignment } => {
                Tool::AddPartitions(AddPartitions::new(topic, partitions, assignment))
            }
            Command::AlterTopicConfig { topic, settings } => {
                Tool::AlterTopicConfig(AlterTopicConfig::new(topic, settings))
            }
            Command::ElectPreferredLeaders(partitions) => {
                Tool::ElectPreferredLeaders(ElectPreferredLeaders::new(partitions))
            }
            Command::ReassignPartitions(targets) => {
                Tool::ReassignPartitions(ReassignPartitions::new(targets))
            }
            Command::DeleteZnode(path) => Tool::DeleteZnode { path, asked: false },
            other => unreachable!("not for an operator: {other:?}"),
        }
    }

    /// Goes on with the answers to what was asked last; at first there are none.
    fn proceed(&mut self, outcome: Outcome, era: &Era, entropy: &mut dyn Entropy) -> Step {
        if outcome.contains(&Err(ZkError::SessionExpired)) {
            return Err(failed("Session expired either before or while waiting for connection"));
        }
        match self {
            Tool::CreateTopic(tool) => tool.proceed(outcome, era, entropy),
            Tool::AddPartitions(tool) => tool.proceed(outcome, era),
            Tool::AlterTopicConfig(tool) => tool.proceed(outcome, era),
            Tool::ElectPreferredLeaders(tool) => tool.proceed(outcome, era),
            Tool::ReassignPartitions(tool) => tool.proceed(outcome, era),
            Tool::DeleteZnode { path, asked: false } => {
                // What ZooKeeper's client does not even send (`PathUtils`, `DeleteCommand`).
                if !path.starts_with('/') {
                    return Err(failed("Path must start with / character"));
                }
                let op = Op::Delete { path: path.as_str().into(), version: None };
                *self = Tool::DeleteZnode { path: std::mem::take(path), asked: true };
                Ok(Next::Ask(vec![op]))
            }
            Tool::DeleteZnode { path, asked: true } => match only(outcome) {
                Ok(_) => Ok(Next::Done),
                Err(ZkError::NoNode) => Err(failed(format!("Node does not exist: {path}"))),
                Err(ZkError::NotEmpty) => Err(failed(format!("Node not empty: {path}"))),
                Err(error) => Err(unexpected(error, path)),
            },
        }
    }
}

impl Operator {
    /// An operator whose tools are of this era.
    pub fn new(era: Era) -> Operator {
        Operator { era, session: Session::new(SESSION_TIMEOUT, 0), waiting: VecDeque::new(), running: None }
    }

    fn on_session(&mut self, events: Vec<SessionEvent>, env: &mut Env<'_>) {
        for event in events {
            let SessionEvent::Answer { ticket, outcome, .. } = event else { continue };
            let (asked, tool) = self.running.take().expect("only a tool at work asks");
            assert_eq!(asked, ticket, "a tool asks one thing at a time");
            self.run(tool, outcome, env);
        }
        self.begin_next(env);
    }

    fn begin_next(&mut self, env: &mut Env<'_>) {
        while self.running.is_none() {
            let Some(command) = self.waiting.pop_front() else { return };
            self.run(Tool::new(command), Vec::new(), env);
        }
    }

    fn run(&mut self, mut tool: Tool, outcome: Outcome, env: &mut Env<'_>) {
        let told = match tool.proceed(outcome, &self.era, env.entropy) {
            Ok(Next::Ask(ops)) => {
                let ticket = self.session.submit(SessionUser::Operator, ops, env);
                self.running = Some((ticket, tool));
                return;
            }
            Ok(Next::Done) => Ok(()),
            Err(refusal) => Err(refusal),
        };
        env.push(Effect::Deliver(Delivery::Done(told)));
    }
}

impl Node for Operator {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let events = match input {
            Input::Start => {
                self.session.start(env);
                Vec::new()
            }
            Input::Channel { channel: Channel::ZooKeeper, event, .. } => self.session.on_channel(event, env),
            Input::Answer { call, answer } => self.session.on_answer(call, answer, env),
            Input::Pushed { event, .. } => self.session.on_pushed(event),
            Input::Wake => self.session.on_wake(env),
            Input::Command(command) => {
                self.waiting.push_back(command);
                Vec::new()
            }
            other => unreachable!("not for an operator: {other:?}"),
        };
        self.on_session(events, env);
    }

    fn deadline(&self) -> Option<Time> {
        self.session.deadline()
    }
}
