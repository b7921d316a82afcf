//! A node for tests: it does what its commands say and writes down everything it is given, with the time.
//!
//! Commands are words in [`Command::DeleteZnode`], the one command that carries free text:
//!
//! | words                        | what it does                                                      |
//! |------------------------------|-------------------------------------------------------------------|
//! | `connect N C`, `close N C`   | opens, closes channel `C` to node `N`                             |
//! | `send N C NAME`              | sends a request called `NAME`                                     |
//! | `send0 N C NAME`             | sends one that wants no answer                                    |
//! | `park`, `serve`, `reply`     | parks requests from now on, answers at once, answers the oldest   |
//! | `hangup`                     | closes the connection of the newest request                       |
//! | `alarm T`, `clear`           | wants to be woken at `T` µs, no more                              |
//! | `spin T`                     | wants to be woken without end until `T` µs                        |
//! | `push`, `draw`, `exit`       | pushes a watch event, draws a number, ends itself                 |
//! | `write`, `flush`             | appends a byte to `/file`, flushes it and its name                |

#![allow(dead_code, reason = "each test file uses its part")]

pub mod busy;

use bytes::Bytes;
use kafka::command::Command;
use kafka::disk::Extent;
use kafka::era::Era;
use kafka::ids::{CallId, ConnectionId, NodeId, Topic};
use kafka::messages::metadata::{MetadataRequest, MetadataResponse};
use kafka::messages::zookeeper::{WatchEvent, WatchKind};
use kafka::messages::{Request, Response};
use kafka::node::{Channel, ChannelEvent, Effect, Env, ExitReason, Input, Node, Purpose, ReplyTo};
use kafka::time::{Micros, Time};
use std::collections::VecDeque;
use trial::world::nodes::Process;
use trial::world::spec::{DiskSpec, NetworkSpec, NodeKind, NodeSpec, WorldSpec};
use trial::world::{RunOptions, World};

#[derive(Clone, Default)]
pub struct Probe {
    pub log: Vec<(Time, String)>,
    pub wakes: u64,
    pub drawn: Vec<u64>,
    parks: bool,
    parked: VecDeque<(ReplyTo, Response)>,
    newest: Option<ConnectionId>,
    calls: u64,
    alarm: Option<Time>,
    spins_until: Option<Time>,
}

impl Probe {
    fn obey(&mut self, words: &str, env: &mut Env<'_>) {
        let words: Vec<&str> = words.split(' ').collect();
        let peer = |index: usize| NodeId(words[index].parse().unwrap());
        let number = |index: usize| Time(words[index].parse().unwrap());
        match words[0] {
            "connect" => env.push(Effect::Connect { to: peer(1), channel: channel(words[2]) }),
            "close" => env.push(Effect::Disconnect { to: peer(1), channel: channel(words[2]) }),
            "send" | "send0" => {
                self.calls += 1;
                env.push(Effect::Send {
                    to: peer(1),
                    channel: channel(words[2]),
                    call: CallId::new(0, self.calls),
                    version: 0,
                    expects_answer: words[0] == "send",
                    request: request(words[3]),
                });
            }
            "park" => self.parks = true,
            "serve" => self.parks = false,
            "reply" => {
                let (to, response) = self.parked.pop_front().expect("a request is parked");
                env.reply(to, response);
            }
            "hangup" => env.push(Effect::HangUp { connection: self.newest.unwrap() }),
            "push" => env.push(Effect::Push {
                connection: self.newest.unwrap(),
                event: WatchEvent { path: "/a".into(), kind: WatchKind::Created },
            }),
            "alarm" => self.alarm = Some(number(1)),
            "clear" => self.alarm = None,
            "spin" => self.spins_until = Some(number(1)),
            "draw" => self.drawn.push(env.entropy.draw(Purpose::Delay)),
            "exit" => env.push(Effect::Exit(ExitReason::ShutDown)),
            "write" => {
                let file = env.disk.open("/file", true).unwrap();
                env.disk.append(file, Extent::plain(Bytes::from_static(b"x"))).unwrap();
            }
            "flush" => {
                let file = env.disk.open("/file", false).unwrap();
                env.disk.flush(file).unwrap();
            }
            other => panic!("no such command: {other}"),
        }
    }
}

impl Node for Probe {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let line = match &input {
            Input::Start => "start".to_owned(),
            Input::Channel { to, channel, event } => {
                let event = match event {
                    ChannelEvent::Connected { .. } => "connected",
                    ChannelEvent::Failed => "failed",
                    ChannelEvent::Disconnected => "disconnected",
                };
                format!("{event} {to} {}", channel_name(*channel))
            }
            Input::Request { from, request, .. } => format!("request {} from {from}", name_of(request)),
            Input::Answer { call, answer: Ok(response) } => {
                format!("answer {} {}", call.0, name_in(response))
            }
            Input::Answer { call, answer: Err(_) } => format!("answer {} lost", call.0),
            Input::Pushed { from, event, .. } => format!("pushed {} from {from}", event.path),
            Input::PeerGone { .. } => "peer gone".to_owned(),
            Input::Wake => "wake".to_owned(),
            Input::Command(Command::DeleteZnode(words)) => format!("told {words}"),
            Input::Command(other) => panic!("a probe knows no {other:?}"),
        };
        match input {
            Input::Wake => {
                self.wakes += 1;
                self.spins_until = self.spins_until.filter(|until| env.now < *until);
                if self.alarm.is_some_and(|alarm| alarm <= env.now) {
                    self.alarm = None;
                    self.log.push((env.now, line));
                }
                return;
            }
            Input::Command(Command::DeleteZnode(words)) => self.obey(&words, env),
            Input::Request { reply_to, request, .. } => {
                let response = response(&request);
                self.newest = Some(reply_to.connection);
                if self.parks {
                    self.parked.push_back((reply_to, response));
                } else {
                    env.reply(reply_to, response);
                }
            }
            _ => {}
        }
        if !line.starts_with("told") {
            self.log.push((env.now, line));
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.spins_until.map_or(self.alarm, |_| Some(Time::ZERO))
    }
}

pub fn request(name: &str) -> Request {
    MetadataRequest { topics: Some(vec![Topic::new(name)]) }.into()
}

fn response(request: &Request) -> Response {
    let topic = Topic::new(name_of(request));
    let topics = vec![kafka::messages::metadata::TopicMetadata { topic, partitions: Ok(Vec::new()) }];
    MetadataResponse { brokers: Vec::new(), controller: None, topics }.into()
}

fn name_of(request: &Request) -> &'static str {
    match request {
        Request::Metadata(metadata) => metadata.topics.as_ref().unwrap()[0].name(),
        other => panic!("a probe sends no {other:?}"),
    }
}

fn name_in(response: &Response) -> &'static str {
    match response {
        Response::Metadata(metadata) => metadata.topics[0].topic.name(),
        other => panic!("a probe answers no {other:?}"),
    }
}

fn channel(name: &str) -> Channel {
    match name {
        "data" => Channel::Data,
        "zk" => Channel::ZooKeeper,
        number => Channel::Fetcher(number.parse().unwrap()),
    }
}

fn channel_name(channel: Channel) -> String {
    match channel {
        Channel::Data => "data".to_owned(),
        Channel::ZooKeeper => "zk".to_owned(),
        Channel::Fetcher(number) => number.to_string(),
        other => panic!("a probe has no {other:?}"),
    }
}

/// What a step costs in these tests.
pub const COST: Micros = Micros(10);
/// One way.
pub const LATENCY: Micros = Micros(1000);

/// A world of this many probes. Seed 0: 1 ms each way, no jitter.
pub fn world(nodes: usize, seed: u64) -> World {
    world_with(nodes, seed, NetworkSpec::default())
}

pub fn world_with(nodes: usize, seed: u64, network: NetworkSpec) -> World {
    let node = |index: usize| NodeSpec {
        name: format!("probe-{index}"),
        era: Era::parse("2.8.1").unwrap(),
        kind: NodeKind::Operator,
        starts_at: Time::ZERO,
    };
    let spec = WorldSpec {
        nodes: (0..nodes).map(node).collect(),
        network,
        disks: DiskSpec::default(),
        step_cost: COST,
        epoch_millis: 1_600_000_000_000,
    };
    let options = RunOptions { seed, record: false, check: false };
    World::with_processes(&spec, &options, |_, _| Process::Custom(Box::new(Probe::default())))
}

/// Tells a probe to do something, now.
pub fn tell(world: &mut World, node: u16, words: &str) {
    world.command(NodeId(node), Command::DeleteZnode(words.to_owned()));
}

/// Lets so many microseconds pass.
pub fn pass(world: &mut World, micros: u64) {
    let until = world.now() + Micros(micros);
    while world.step(until).is_some() {}
}

/// Tells, and lets it be done.
pub fn order(world: &mut World, node: u16, words: &str) {
    tell(world, node, words);
    pass(world, 100);
}

/// The probe of a node.
pub fn probe(world: &World, node: u16) -> &Probe {
    world.nodes.custom(NodeId(node)).expect("a probe")
}

/// What a probe has written down, without times, from its first connection on.
pub fn log(world: &World, node: u16) -> Vec<&str> {
    let lines = probe(world, node).log.iter().map(|(_, line)| line.as_str());
    lines.filter(|line| *line != "start").collect()
}

/// When a probe wrote a line.
pub fn when(world: &World, node: u16, line: &str) -> u64 {
    let found = probe(world, node).log.iter().find(|(_, written)| written == line);
    found.unwrap_or_else(|| panic!("{line}: {:?}", probe(world, node).log)).0.0
}
