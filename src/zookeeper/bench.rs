//! A test bench: ZooKeeper, some nodes that hold sessions with it, and a network that works at once unless told not to.

use super::ZooKeeper;
use crate::era::{Era, RELEASES};
use crate::ids::{CallId, ConnectionId, NodeId};
use crate::messages::Request;
use crate::messages::Response;
use crate::messages::zookeeper::{ZooKeeperAnswer, ZooKeeperRequest};
use crate::node::{Channel, ChannelEvent, Command, Delivery, Disconnected, Effect, Input, Node, ReplyTo};
use crate::note::{Note, ZooKeeperNote};
use crate::testing::TestEnv;
use crate::time::{Micros, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Something on its way.
enum Message {
    ToServer { client: usize, connection: ConnectionId, ordinal: u32, request: ZooKeeperRequest },
    ToClient { client: usize, input: Input },
}

/// A connection: calls that wait for their answers, in order, and how many were sent.
#[derive(Default)]
struct Connection {
    client: usize,
    open: bool,
    outstanding: VecDeque<CallId>,
    sent: u32,
}

/// ZooKeeper and nodes that talk to it; node `i` has `NodeId(i + 1)`.
pub(crate) struct Bench<N> {
    pub zookeeper: ZooKeeper,
    pub nodes: Vec<N>,
    pub notes: Vec<ZooKeeperNote>,
    /// What the nodes delivered.
    pub deliveries: Vec<(usize, Delivery)>,
    /// Nodes that reach nobody: nothing they send arrives, nothing arrives at them, connecting fails.
    pub cut: BTreeSet<usize>,
    /// Nodes whose requests arrive but whose answers are lost.
    pub deaf: BTreeSet<usize>,
    /// Of this node, only so many more answers arrive.
    pub answers_left: Option<(usize, u32)>,
    server: TestEnv,
    clients: Vec<TestEnv>,
    connections: BTreeMap<ConnectionId, Connection>,
    queue: VecDeque<Message>,
}

impl<N: Node> Bench<N> {
    /// All nodes have started and have been given what they want at time 0.
    pub fn new(nodes: Vec<N>) -> Bench<N> {
        let mut bench = Bench {
            zookeeper: ZooKeeper::new(),
            clients: nodes.iter().map(|_| TestEnv::new()).collect(),
            nodes,
            notes: Vec::new(),
            deliveries: Vec::new(),
            cut: BTreeSet::new(),
            deaf: BTreeSet::new(),
            answers_left: None,
            server: TestEnv::new(),
            connections: BTreeMap::new(),
            queue: VecDeque::new(),
        };
        for client in 0..bench.nodes.len() {
            bench.step_client(client, Input::Start);
        }
        bench.settle();
        bench
    }

    pub fn now(&self) -> Time {
        self.server.now
    }

    /// Gives a node a command and lets everything happen that happens at once.
    pub fn command(&mut self, client: usize, command: Command) {
        self.step_client(client, Input::Command(command));
        self.settle();
    }

    /// Lets a test drive a node by hand within a step.
    pub fn with<T>(&mut self, client: usize, act: impl FnOnce(&mut N, &mut TestEnv) -> T) -> T {
        let result = act(&mut self.nodes[client], &mut self.clients[client]);
        let effects = std::mem::take(&mut self.clients[client].effects);
        self.carry_out(client, effects);
        self.settle();
        result
    }

    /// Ends a node's sessions.
    pub fn expire(&mut self, client: usize) {
        self.step_server(Input::Command(Command::ExpireSession(NodeId(client as u16 + 1))));
        self.settle();
    }

    /// Breaks a node's connection.
    pub fn reset(&mut self, client: usize) {
        let open: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, it)| it.open && it.client == client)
            .map(|(id, _)| *id)
            .collect();
        for connection in open {
            self.break_connection(connection, true);
        }
        self.settle();
    }

    /// Lets time pass, waking whoever wants to be woken.
    pub fn advance(&mut self, span: Micros) {
        let until = self.now() + span;
        loop {
            let deadlines = self.nodes.iter().map(Node::deadline).chain([self.zookeeper.deadline()]);
            let next = deadlines.flatten().min().filter(|at| *at <= until);
            let now = next.unwrap_or(until).max(self.now());
            self.server.now = now;
            for client in &mut self.clients {
                client.now = now;
            }
            if next.is_none() {
                break;
            }
            if self.zookeeper.deadline().is_some_and(|at| at <= now) {
                self.step_server(Input::Wake);
            }
            for client in 0..self.nodes.len() {
                if self.nodes[client].deadline().is_some_and(|at| at <= now) {
                    self.step_client(client, Input::Wake);
                }
            }
            self.settle();
        }
    }

    /// One request of somebody who has a connection of their own; node and connection are of that name.
    pub fn ask(&mut self, by: u16, request: ZooKeeperRequest) -> ZooKeeperAnswer {
        let to = ReplyTo { connection: ConnectionId(60_000 + u32::from(by)), ordinal: 0 };
        let request = Input::Request {
            reply_to: to,
            from: NodeId(60_000 + by),
            version: 0,
            request: Request::ZooKeeper(request),
        };
        let effects = self.server.step(&mut self.zookeeper, request);
        let mut answer = None;
        let mut rest = Vec::new();
        for effect in effects {
            match effect {
                Effect::Reply { to: reply_to, response: Response::ZooKeeper(response) } if reply_to == to => {
                    answer = Some(response.answer);
                }
                other => rest.push(other),
            }
        }
        self.carry_out_server(rest);
        self.settle();
        answer.expect("ZooKeeper answers at once")
    }

    fn step_client(&mut self, client: usize, input: Input) {
        let effects = self.clients[client].step(&mut self.nodes[client], input);
        self.carry_out(client, effects);
    }

    fn step_server(&mut self, input: Input) {
        let effects = self.server.step(&mut self.zookeeper, input);
        self.carry_out_server(effects);
    }

    fn channel(&mut self, client: usize, event: ChannelEvent) {
        let input = Input::Channel { to: NodeId::ZOOKEEPER, channel: Channel::ZooKeeper, event };
        self.queue.push_back(Message::ToClient { client, input });
    }

    fn carry_out(&mut self, client: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect { .. } => {
                    let id = ConnectionId(self.connections.len() as u32);
                    assert!(
                        !self.connections.values().any(|it| it.open && it.client == client),
                        "one channel at a time"
                    );
                    let open = !self.cut.contains(&client);
                    self.connections.insert(id, Connection { client, open, ..Connection::default() });
                    let peer = Era::of(RELEASES[0]);
                    let event = if open { ChannelEvent::Connected { peer } } else { ChannelEvent::Failed };
                    self.channel(client, event);
                }
                Effect::Disconnect { .. } => {
                    let open = self.connections.iter().find(|(_, it)| it.open && it.client == client);
                    if let Some(id) = open.map(|(id, _)| *id) {
                        self.break_connection(id, false);
                    }
                }
                Effect::Send { call, request: Request::ZooKeeper(request), .. } => {
                    let open = self.connections.iter_mut().find(|(_, it)| it.open && it.client == client);
                    let Some((id, it)) = open else {
                        let input = Input::Answer { call, answer: Err(Disconnected) };
                        self.queue.push_back(Message::ToClient { client, input });
                        continue;
                    };
                    it.outstanding.push_back(call);
                    it.sent += 1;
                    let (connection, ordinal) = (*id, it.sent);
                    self.queue.push_back(Message::ToServer { client, connection, ordinal, request });
                }
                Effect::Deliver(delivery) => self.deliveries.push((client, delivery)),
                Effect::Note(_) => {}
                other => panic!("no client of ZooKeeper does this: {other:?}"),
            }
        }
    }

    fn carry_out_server(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Reply { to, response } => {
                    let it = self.connections.get_mut(&to.connection).expect("a connection of ours");
                    if !it.open || self.deaf.contains(&it.client) || self.cut.contains(&it.client) {
                        continue;
                    }
                    if let Some((client, left)) = &mut self.answers_left
                        && *client == it.client
                    {
                        let Some(fewer) = left.checked_sub(1) else { continue };
                        *left = fewer;
                    }
                    let call = it.outstanding.pop_front().expect("an answer to something");
                    let client = it.client;
                    let input = Input::Answer { call, answer: Ok(response) };
                    self.queue.push_back(Message::ToClient { client, input });
                }
                Effect::Push { connection, event } => {
                    let Some(it) = self.connections.get(&connection).filter(|it| it.open) else { continue };
                    let client = it.client;
                    if self.deaf.contains(&client) || self.cut.contains(&client) {
                        continue;
                    }
                    let input = Input::Pushed { from: NodeId::ZOOKEEPER, channel: Channel::ZooKeeper, event };
                    self.queue.push_back(Message::ToClient { client, input });
                }
                Effect::HangUp { connection } => {
                    if self.connections.get(&connection).is_some_and(|it| it.open) {
                        self.break_connection(connection, true);
                    }
                }
                Effect::Note(note) => match *note {
                    Note::ZooKeeper(note) => self.notes.push(note),
                    other => panic!("not ZooKeeper's to say: {other:?}"),
                },
                other => panic!("ZooKeeper does no such thing: {other:?}"),
            }
        }
    }

    /// Both ends hear of it; the client not, if it closed the connection itself or is cut off.
    fn break_connection(&mut self, connection: ConnectionId, tell: bool) {
        let it = self.connections.get_mut(&connection).expect("it exists");
        it.open = false;
        let (client, lost) = (it.client, std::mem::take(&mut it.outstanding));
        for call in lost {
            let input = Input::Answer { call, answer: Err(Disconnected) };
            self.queue.push_back(Message::ToClient { client, input });
        }
        if tell && !self.cut.contains(&client) {
            self.channel(client, ChannelEvent::Disconnected);
        }
        if !self.cut.contains(&client) {
            self.step_server(Input::PeerGone { connection });
        }
    }

    fn settle(&mut self) {
        while let Some(message) = self.queue.pop_front() {
            match message {
                Message::ToServer { client, connection, ordinal, request } => {
                    if self.cut.contains(&client) || !self.connections[&connection].open {
                        continue;
                    }
                    self.step_server(Input::Request {
                        reply_to: ReplyTo { connection, ordinal },
                        from: NodeId(client as u16 + 1),
                        version: 0,
                        request: Request::ZooKeeper(request),
                    });
                }
                Message::ToClient { client, input } => self.step_client(client, input),
            }
        }
    }
}
