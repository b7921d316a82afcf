//! The node contract: what a process of the cluster may ask of the world, and what the world promises it.
//!
//! A broker, ZooKeeper, a producer, a consumer, an operator's tool: each is a [`Node`]. It owns no clock, no socket, no
//! file and no randomness. All are lent in [`Env`] for one step; everything the node wants done it pushes, in order,
//! into one list of [`Effect`]s.
//!
//! The rules every driver keeps and asserts:
//!
//! 1. A request goes over a *channel* ([`Effect::Send`]), as Kafka keeps separate connections: one per broker for data,
//!    one per fetcher, one from the controller. A channel must be opened first ([`Effect::Connect`]); connected, failed
//!    and disconnected are told to the sender ([`Input::Channel`]). A `Send` on a channel that is not connected is
//!    answered with [`Disconnected`]. The sender chooses `version` from its own release and the receiver's, which it
//!    learns when connected; the fields that a version lacks are `None`.
//! 2. Each request gets exactly one [`Input::Answer`]: a response or [`Disconnected`], unless the sender restarts
//!    first. Only a `Send` with `expects_answer: false` (a produce with `acks=0`) gets none.
//! 3. Requests on one channel arrive in order; responses leave in the order of requests. A request that is not answered
//!    yet holds up what follows on its channel, and nothing else (Kafka mutes the connection: `SocketServer`). Across
//!    channels there is no order.
//! 4. A lost connection answers every outstanding call with [`Disconnected`]. The request may or may not have been
//!    carried out, and *may still arrive later* if it was already in the network.
//! 5. `now` never goes back; the wall clock may. [`Input::Wake`] comes at or after [`Node::deadline`]; a spurious one
//!    changes nothing.
//! 6. All effects of a step happen, in order, before the next step of that node.
//! 7. Disk calls are synchronous and reach the page cache ([`crate::disk::Disk`]).
//! 8. A step is atomic. Races between one broker's own threads are outside the model.
//! 9. Every step costs CPU time of its node. A busy or paused node has an inbox, first in, first out. A deadline that
//!    is already past after a step is a busy loop: it costs time like any other step.
//!
//! Left out on purpose: byte encodings, API keys on the wire, correlation ids. Inside, a message is a struct.

use crate::disk::Disk;
use crate::era::Era;
use crate::ids::{CallId, ConnectionId, NodeId, TopicPartition};
use crate::messages::zookeeper::WatchEvent;
use crate::messages::{Request, Response};
use crate::note::Note;
use crate::time::{Time, Timestamp};

pub use crate::command::{Command, Delivery};

/// One process of the cluster.
pub trait Node {
    /// Takes one input, to the end. Never blocks, never waits.
    fn step(&mut self, input: Input, env: &mut Env<'_>);

    /// When this node next wants [`Input::Wake`], if nothing happens before.
    fn deadline(&self) -> Option<Time>;
}

/// What separates a node's connections to one peer.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// A client's connection for produce, fetch, metadata and offsets.
    Data,
    /// A consumer's connection to its coordinator.
    Coordinator,
    /// A follower's fetcher thread: `ReplicaFetcherThread-<n>`.
    Fetcher(u8),
    /// From the controller to a broker: LeaderAndIsr, StopReplica, UpdateMetadata.
    Controller,
    /// From a broker to the controller: AlterPartition and ControlledShutdown.
    ToController,
    /// To ZooKeeper: one session at a time.
    ZooKeeper,
}

/// What happened to a channel, as told to the side that opened it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ChannelEvent {
    /// The connection stands; the receiver runs `peer`, whose ApiVersions bound the versions to use.
    Connected {
        /// The receiver's era.
        peer: Era,
    },
    /// Nobody answered, or the peer refused.
    Failed,
    /// A connection that stood is gone. Every outstanding call has been answered with [`Disconnected`] before this.
    Disconnected,
}

/// The answer of a request whose connection was lost: whether it was carried out is unknown.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Disconnected;

/// The right to answer one request, once.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ReplyTo {
    /// The connection on which it arrived.
    pub connection: ConnectionId,
    /// Counts the requests that arrived on that connection.
    pub ordinal: u32,
}

/// What a node is given, one at a time.
#[derive(Clone, Debug)]
pub enum Input {
    /// The process has started. Memory is new; the disk is what the last life left.
    Start,
    /// A channel this node opened has changed.
    Channel {
        /// The other end.
        to: NodeId,
        /// Which of the connections to it.
        channel: Channel,
        /// What happened.
        event: ChannelEvent,
    },
    /// A request arrived. Answer it with [`Effect::Reply`] to the same `reply_to`, now or later.
    Request {
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// Who sent it.
        from: NodeId,
        /// The API version the sender chose.
        version: i16,
        /// What is asked.
        request: Request,
    },
    /// What became of a request this node sent.
    Answer {
        /// The call as it was sent.
        call: CallId,
        /// The response, or nothing but the knowledge that the connection is gone.
        answer: Result<Response, Disconnected>,
    },
    /// ZooKeeper's server has something for the session on this channel: a watch fired.
    Pushed {
        /// Who pushed.
        from: NodeId,
        /// On which channel.
        channel: Channel,
        /// What fired.
        event: WatchEvent,
    },
    /// A connection that a peer had opened to this node is gone. Requests of it that are still parked need no answer.
    PeerGone {
        /// Which connection.
        connection: ConnectionId,
    },
    /// [`Node::deadline`] has passed. Also harmless at any other time.
    Wake,
    /// The application or the operator wants something.
    Command(Command),
}

/// What a node wants done. Carried out in the order pushed.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Open a channel. Opening one that is open or opening is a bug of the node.
    Connect {
        /// The peer.
        to: NodeId,
        /// Which channel to it.
        channel: Channel,
    },
    /// Close a channel this node opened, as a client does on a request time-out. Outstanding calls on it are answered
    /// with [`Disconnected`]; no [`ChannelEvent::Disconnected`] follows, since the node knows.
    Disconnect {
        /// The peer.
        to: NodeId,
        /// Which channel to it.
        channel: Channel,
    },
    /// Send a request.
    Send {
        /// The peer.
        to: NodeId,
        /// Which channel to it.
        channel: Channel,
        /// This call, never used before in this life.
        call: CallId,
        /// API version.
        version: i16,
        /// False only for a produce with `acks=0`.
        expects_answer: bool,
        /// What is asked.
        request: Request,
    },
    /// Answer a request. To a `reply_to` whose connection has gone this does nothing.
    Reply {
        /// As it came with the request.
        to: ReplyTo,
        /// The answer; [`Response::None`] releases the channel without one.
        response: Response,
    },
    /// Close a connection that a peer opened to this node.
    HangUp {
        /// Which connection.
        connection: ConnectionId,
    },
    /// ZooKeeper only: send a watch event on a session's connection, in order with its responses.
    Push {
        /// Which connection.
        connection: ConnectionId,
        /// What fired.
        event: WatchEvent,
    },
    /// Tell the application or the operator.
    Deliver(Delivery),
    /// A protocol fact, for stories and marks. Never read by a checker.
    Note(Box<Note>),
    /// The process ends here: its memory goes, its connections break, its page cache stays.
    Exit(ExitReason),
}

/// Why a process ended by itself.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExitReason {
    /// A controlled shutdown is complete.
    ShutDown,
    /// `/brokers/ids/<id>` exists already: an earlier life's session has not expired.
    NodeExists,
    /// Up to 2.0.0: a follower found its log longer than the leader's, with unclean election off (KAFKA-7414).
    FollowerAheadOfLeader,
    /// The log directory failed: the only one, so the broker halts.
    LogDirectoryFailed,
    /// The configured directory cannot be used: `meta.properties` of another broker, or unreadable.
    InconsistentBrokerId,
}

/// What randomness is for. Draws are addressed by (node, life, purpose, ordinal), so that one draw more or less for one
/// purpose moves no other.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Purpose {
    /// Jitter of a client's back-off.
    BackOff,
    /// Which node to ask for metadata.
    LeastLoadedNode,
    /// Identifiers that Kafka draws at random: cluster id, topic id, directory id.
    Identifier,
    /// Where a producer without a key sends a record.
    Partitioner,
    /// A random delay by design (for example the first poll of a fetcher).
    Delay,
    /// Where the replicas of a new topic begin.
    Placement,
}

/// Randomness lent for one step.
pub trait Entropy {
    /// The next draw for `purpose`: uniform over all of `u64`.
    fn draw(&mut self, purpose: Purpose) -> u64;
}

/// What is lent to a node for one step.
pub struct Env<'a> {
    /// The node's monotonic clock.
    pub now: Time,
    /// The node's wall clock.
    pub wall: Timestamp,
    /// The node's disk.
    pub disk: &'a mut dyn Disk,
    /// The node's randomness.
    pub entropy: &'a mut dyn Entropy,
    /// What the node wants done; drained by the driver.
    pub effects: &'a mut Vec<Effect>,
    /// Partitions whose replica here changed in this step (log, role, high watermark, ISR): checkers look at these.
    /// May name one twice.
    pub marks: &'a mut Vec<TopicPartition>,
    /// Whether anybody listens to notes. A node must behave the same either way.
    pub notes_wanted: bool,
}

impl Env<'_> {
    /// Pushes an effect.
    pub fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Answers a request.
    pub fn reply(&mut self, to: ReplyTo, response: Response) {
        self.effects.push(Effect::Reply { to, response });
    }

    /// Reports a protocol fact. The closure runs only if somebody listens.
    #[inline]
    pub fn note(&mut self, note: impl FnOnce() -> Note) {
        if self.notes_wanted {
            self.take_note(note);
        }
    }

    /// Not in line: what makes up a note would stand in the midst of what a step does in any case.
    #[cold]
    #[inline(never)]
    fn take_note(&mut self, note: impl FnOnce() -> Note) {
        self.effects.push(Effect::Note(Box::new(note())));
    }

    /// Marks a replica of this node as changed.
    pub fn mark(&mut self, partition: TopicPartition) {
        if self.marks.last() != Some(&partition) {
            self.marks.push(partition);
        }
    }
}
