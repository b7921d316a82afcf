//! A bench for tests: one client, and a cluster that is played by hand.
//!
//! Connections are made at once, unless a broker is down; requests wait until the test answers them.

use crate::command::{Command, Delivery};
use crate::disk::{Disk, DiskError, Extent, FileId};
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, LeaderEpoch, NodeId, Topic, TopicPartition};
use crate::messages::metadata::{MetadataResponse, PartitionMetadata, TopicMetadata};
use crate::messages::{ApiKey, Request, Response};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Entropy, Env, Input, Node, Purpose};
use crate::note::{ClientNote, Note};
use crate::time::{Time, Timestamp};
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};

/// Clients have no disk.
struct NoDisk;

macro_rules! no_disk {
    ($(fn $name:ident(&$($mutable:ident)? $(, $type:ty)*) -> $answer:ty;)*) => {
        $(#[allow(unused_mut, reason = "the trait says so")]
        fn $name(&$($mutable)? self $(, _: $type)*) -> $answer {
            unreachable!("a client has no disk")
        })*
    };
}

impl Disk for NoDisk {
    no_disk! {
        fn create_directory(&mut, &str) -> Result<(), DiskError>;
        fn list(&mut, &str) -> Result<Vec<String>, DiskError>;
        fn remove_directory(&mut, &str) -> Result<(), DiskError>;
        fn exists(&, &str) -> bool;
        fn open(&mut, &str, bool) -> Result<FileId, DiskError>;
        fn length(&, FileId) -> u64;
        fn append(&mut, FileId, Extent) -> Result<(), DiskError>;
        fn write_at(&mut, FileId, u64, &[u8]) -> Result<(), DiskError>;
        fn read(&mut, FileId, u64, usize) -> Result<Bytes, DiskError>;
        fn extent(&mut, FileId, u64) -> Result<Option<Extent>, DiskError>;
        fn truncate(&mut, FileId, u64) -> Result<(), DiskError>;
        fn flush(&mut, FileId) -> Result<(), DiskError>;
        fn rename(&mut, &str, &str) -> Result<(), DiskError>;
        fn delete(&mut, &str) -> Result<(), DiskError>;
        fn flush_directory(&mut, &str) -> Result<(), DiskError>;
    }
}

/// Always draws the same.
struct Calm;

impl Entropy for Calm {
    fn draw(&mut self, _: Purpose) -> u64 {
        0
    }
}

/// A request that waits for its answer.
#[derive(Clone, Debug)]
pub struct Sent {
    /// To whom.
    pub to: NodeId,
    /// The call.
    pub call: CallId,
    /// The version chosen.
    pub version: i16,
    /// What is asked.
    pub request: Request,
}

/// A client on the bench.
pub struct Bench<N> {
    /// The client.
    pub node: N,
    /// Virtual time.
    pub now: Time,
    /// What the brokers run.
    pub peer: Era,
    /// Brokers that do not answer when connected to.
    pub down: BTreeSet<NodeId>,
    /// Requests that wait for an answer, in order of sending.
    pub sent: VecDeque<Sent>,
    /// What the application was told and has not been asked for yet.
    pub delivered: VecDeque<Delivery>,
    /// What was noted.
    pub notes: Vec<ClientNote>,
    /// Connections asked for, in order.
    pub connects: Vec<NodeId>,
    /// Connections closed by the client, in order.
    pub disconnects: Vec<NodeId>,
}

/// The broker that runs on a node: they have the same number.
pub fn broker(number: i32) -> (BrokerId, NodeId) {
    (BrokerId(number), NodeId(number as u16))
}

/// Metadata that names these brokers, and of each partition of `orders` the leader and its epoch.
pub fn metadata(brokers: &[i32], leaders: &[(Option<i32>, i32)]) -> MetadataResponse {
    let partition = |(number, (leader, epoch)): (usize, &(Option<i32>, i32))| PartitionMetadata {
        partition: number as i32,
        error: leader.is_none().then_some(KafkaError::LeaderNotAvailable),
        leader: leader.map(BrokerId),
        leader_epoch: Some(LeaderEpoch(*epoch)),
        replicas: Vec::new(),
        isr: Vec::new(),
    };
    let partitions = Ok(leaders.iter().enumerate().map(partition).collect());
    MetadataResponse {
        brokers: brokers.iter().map(|number| broker(*number)).collect(),
        controller: None,
        topics: vec![TopicMetadata { topic: Topic::new("orders"), partitions }],
    }
}

/// A partition of `orders`.
pub fn orders(partition: i32) -> TopicPartition {
    TopicPartition::new("orders", partition)
}

impl<N: Node> Bench<N> {
    /// A client that has started, among brokers of an era.
    pub fn new(node: N, peer: Era) -> Bench<N> {
        let mut bench = Bench {
            node,
            now: Time(1_000_000),
            peer,
            down: BTreeSet::new(),
            sent: VecDeque::new(),
            delivered: VecDeque::new(),
            notes: Vec::new(),
            connects: Vec::new(),
            disconnects: Vec::new(),
        };
        bench.input(Input::Start);
        bench
    }

    /// Gives it an input, and all that follows from it at once.
    pub fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for effect in self.step(input) {
                self.carry_out(effect, &mut inputs);
            }
        }
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        let (mut effects, mut marks) = (Vec::new(), Vec::new());
        self.node.step(
            input,
            &mut Env {
                now: self.now,
                wall: Timestamp((self.now.0 / 1000) as i64),
                disk: &mut NoDisk,
                entropy: &mut Calm,
                effects: &mut effects,
                marks: &mut marks,
                notes_wanted: true,
            },
        );
        assert!(marks.is_empty(), "a client marks no replica");
        if let Some(deadline) = self.node.deadline() {
            assert!(deadline > self.now, "all that was due at {:?} is done: {deadline:?}", self.now);
        }
        effects
    }

    fn carry_out(&mut self, effect: Effect, inputs: &mut VecDeque<Input>) {
        match effect {
            Effect::Connect { to, channel } => {
                self.connects.push(to);
                let event = if self.down.contains(&to) {
                    ChannelEvent::Failed
                } else {
                    ChannelEvent::Connected { peer: self.peer.clone() }
                };
                inputs.push_back(Input::Channel { to, channel, event });
            }
            Effect::Disconnect { to, .. } => {
                self.disconnects.push(to);
                inputs.extend(self.lose(to));
            }
            Effect::Send { to, call, version, expects_answer, request, .. } => {
                if expects_answer {
                    self.sent.push_back(Sent { to, call, version, request });
                }
            }
            Effect::Deliver(delivery) => self.delivered.push_back(delivery),
            Effect::Note(note) => match *note {
                Note::Client(note) => self.notes.push(note),
                other => panic!("no note of a client: {other:?}"),
            },
            other => panic!("no effect of a client: {other:?}"),
        }
    }

    /// The calls to a node are lost.
    fn lose(&mut self, node: NodeId) -> Vec<Input> {
        let (lost, kept) = self.sent.drain(..).partition(|sent| sent.to == node);
        self.sent = kept;
        let lost: VecDeque<Sent> = lost;
        lost.iter().map(|sent| Input::Answer { call: sent.call, answer: Err(Disconnected) }).collect()
    }

    /// A broker's connection breaks.
    pub fn break_connection(&mut self, node: NodeId) {
        for input in self.lose(node) {
            self.input(input);
        }
        self.input(Input::Channel { to: node, channel: Channel::Data, event: ChannelEvent::Disconnected });
    }

    /// Gives a command.
    pub fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    /// The oldest request of an API that waits for an answer.
    pub fn take(&mut self, api: ApiKey) -> Sent {
        let index = self.sent.iter().position(|sent| sent.request.api() == api);
        let index = index.unwrap_or_else(|| panic!("no {} among {:?}", api.name(), self.sent));
        self.sent.remove(index).expect("found")
    }

    /// How many requests of an API wait for an answer.
    pub fn waiting(&self, api: ApiKey) -> usize {
        self.sent.iter().filter(|sent| sent.request.api() == api).count()
    }

    /// Answers a request.
    pub fn answer(&mut self, sent: &Sent, response: impl Into<Response>) {
        self.input(Input::Answer { call: sent.call, answer: Ok(response.into()) });
    }

    /// Answers the oldest metadata request.
    pub fn answer_metadata(&mut self, brokers: &[i32], leaders: &[(Option<i32>, i32)]) {
        let sent = self.take(ApiKey::Metadata);
        self.answer(&sent, metadata(brokers, leaders).for_version(sent.version));
    }

    /// Lets time pass, waking the client whenever it wants.
    pub fn advance(&mut self, millis: u64) {
        let until = Time(self.now.0 + millis * 1000);
        while let Some(deadline) = self.node.deadline().filter(|deadline| *deadline <= until) {
            self.now = deadline;
            self.input(Input::Wake);
        }
        self.now = until;
    }
}
