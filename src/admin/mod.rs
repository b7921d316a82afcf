//! An operator's tools (`kafka-topics.sh` and its kin, `zkCli`), as one node that talks to ZooKeeper, and to brokers where
//! a tool never did anything else.
//!
//! Each command is a tool that asks ZooKeeper, looks at the answers and asks on until it is done or refuses; what it is
//! told in the end is one [`Delivery::Done`]. Commands wait for each other. Real tools begin a session each; this
//! operator keeps one, and what waits for it while ZooKeeper cannot be reached waits on.
//!
//! Left out: tools that came to speak to brokers (`--bootstrap-server`). What they make a broker do to ZooKeeper is what
//! these do themselves.

mod add_partitions;
pub(crate) mod create_topic;
mod delete_records;
mod delete_topic;
mod elect;
pub mod placement;
mod reassign;
#[cfg(test)]
mod tests;
pub(crate) mod tool;
mod topic_config;
mod topic_name;

use crate::client::{ClientSettings, ExponentialBackoff, NetworkClient};
use crate::command::{Command, Delivery, OperatorError};
use crate::era::Era;
use crate::ids::NodeId;
use crate::messages::zookeeper::{Op, ZkError};
use crate::node::{Channel, Effect, Entropy, Env, Input, Node};
use crate::time::{Micros, Time};
use crate::zookeeper::session::{Outcome, Session, SessionEvent, SessionUser, Ticket};
use add_partitions::AddPartitions;
use create_topic::CreateTopic;
use delete_records::{DeleteRecords, Progress};
use delete_topic::DeleteTopic;
use elect::ElectPreferredLeaders;
use reassign::ReassignPartitions;
use std::collections::VecDeque;
use tool::{Next, Step, failed, only, unexpected};
use topic_config::AlterTopicConfig;

/// The session time-out of the tools.
const SESSION_TIMEOUT: Micros = Micros::from_millis(30_000);
/// Whose calls are whose: the network's own are 0.
const SESSION: u8 = 1;

/// An operator at a terminal.
#[derive(Clone, Debug)]
pub struct Operator {
    era: Era,
    session: Session,
    /// For tools that speak to brokers.
    client: NetworkClient,
    brokers: Vec<NodeId>,
    waiting: VecDeque<Command>,
    running: Running,
    /// When a tool that speaks to brokers wants to look again.
    wake_at: Time,
}

/// What runs at the terminal.
#[derive(Clone, Debug)]
enum Running {
    Nothing,
    /// A tool that waits for ZooKeeper.
    OfZooKeeper(Ticket, Tool),
    /// A tool that waits for brokers.
    OfBrokers(DeleteRecords),
}

/// A tool at work.
#[derive(Clone, Debug)]
enum Tool {
    CreateTopic(CreateTopic),
    AddPartitions(AddPartitions),
    DeleteTopic(DeleteTopic),
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
            Command::DeleteTopic(topic) => Tool::DeleteTopic(DeleteTopic::new(topic)),
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
            Tool::DeleteTopic(tool) => tool.proceed(outcome, era),
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
    /// `brokers`: those that tools are told of (`--bootstrap-server`).
    pub fn new(era: Era, brokers: Vec<NodeId>) -> Operator {
        let (_, request_timeout) = delete_records::timeouts(&era);
        // The defaults of `AdminClientConfig`.
        let same = |wait: u64| ExponentialBackoff::new(Micros(wait * 1000), Micros(wait * 1000));
        let settings = ClientSettings {
            request_timeout,
            reconnect: same(50),
            retry: same(100),
            metadata_max_age: Micros::from_millis(300_000),
            connection_setup: None,
            max_in_flight: 1,
        };
        Operator {
            session: Session::new(SESSION_TIMEOUT, SESSION),
            client: NetworkClient::new(era.clone(), settings, brokers.clone()),
            era,
            brokers,
            waiting: VecDeque::new(),
            running: Running::Nothing,
            wake_at: Time::NEVER,
        }
    }

    fn on_session(&mut self, events: Vec<SessionEvent>, env: &mut Env<'_>) {
        for event in events {
            let SessionEvent::Answer { ticket, outcome, .. } = event else { continue };
            let Running::OfZooKeeper(asked, tool) = std::mem::replace(&mut self.running, Running::Nothing)
            else {
                unreachable!("only a tool at work asks")
            };
            assert_eq!(asked, ticket, "a tool asks one thing at a time");
            self.run(tool, outcome, env);
        }
        self.begin_next(env);
    }

    fn begin_next(&mut self, env: &mut Env<'_>) {
        while matches!(self.running, Running::Nothing) {
            match self.waiting.pop_front() {
                None => return,
                Some(Command::DeleteRecords { partition, before }) => {
                    self.running = Running::OfBrokers(DeleteRecords::new(partition, before));
                    self.go_on_with_brokers(env);
                }
                Some(command) => self.run(Tool::new(command), Vec::new(), env),
            }
        }
    }

    /// What came of a connection to a broker, or time, may let a tool go on.
    fn on_network(&mut self, input: Input, env: &mut Env<'_>) {
        let answer = self.client.handle(input, env);
        self.client.poll(env);
        let lost: Vec<_> = std::iter::from_fn(|| self.client.next_lost()).collect();
        if let Running::OfBrokers(tool) = &mut self.running {
            lost.into_iter().for_each(|call| tool.on_lost(call));
            if let Some(told) = answer.and_then(|(call, response)| tool.on_response(call, response)) {
                return self.end(told, env);
            }
        }
        self.go_on_with_brokers(env);
    }

    fn go_on_with_brokers(&mut self, env: &mut Env<'_>) {
        self.wake_at = Time::NEVER;
        if let Running::OfBrokers(tool) = &mut self.running {
            match tool.proceed(&mut self.client, &self.brokers, &self.era, env) {
                Progress::Waits(until) => self.wake_at = until,
                Progress::Done(told) => self.end(told, env),
            }
        }
    }

    fn end(&mut self, told: Result<(), OperatorError>, env: &mut Env<'_>) {
        self.running = Running::Nothing;
        self.wake_at = Time::NEVER;
        env.push(Effect::Deliver(Delivery::Done(told)));
    }

    fn run(&mut self, mut tool: Tool, outcome: Outcome, env: &mut Env<'_>) {
        let told = match tool.proceed(outcome, &self.era, env.entropy) {
            Ok(Next::Ask(ops)) => {
                let ticket = self.session.submit(SessionUser::Operator, ops, env);
                self.running = Running::OfZooKeeper(ticket, tool);
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
            Input::Answer { call, answer } if call.part() == SESSION => {
                self.session.on_answer(call, answer, env)
            }
            input @ (Input::Channel { .. } | Input::Answer { .. }) => {
                self.on_network(input, env);
                Vec::new()
            }
            Input::Pushed { event, .. } => self.session.on_pushed(event),
            Input::Wake => {
                self.on_network(Input::Wake, env);
                self.session.on_wake(env)
            }
            Input::Command(command) => {
                self.waiting.push_back(command);
                Vec::new()
            }
            other => unreachable!("not for an operator: {other:?}"),
        };
        self.on_session(events, env);
    }

    fn deadline(&self) -> Option<Time> {
        // While a tool speaks to brokers, its requests may take too long; nothing else is under way.
        let network = match self.running {
            Running::OfBrokers(_) => self.wake_at.min(self.client.deadline(Time::ZERO)),
            _ => Time::NEVER,
        };
        let deadline = self.session.deadline().unwrap_or(Time::NEVER).min(network);
        (deadline != Time::NEVER).then_some(deadline)
    }
}
