//! The kernel: one queue, one clock, one thread; it owns the nodes and steps them by direct call.
//!
//! 1. Take what is first in the total order ([`queue`]): a packet, a command, a node's turn. Virtual time is now its time.
//! 2. If it is for a process that is free, that process is stepped at once; else it waits in the inbox, and the node's
//!    turn comes when it is free ([`step`]). An *event* is one thing acted on, however long it waited.
//! 3. The step's effects are carried out in order ([`effects`]). What it sends leaves when its CPU time is over.
//! 4. Checkers look at what the step changed, the recorder is told, the event is hashed ([`hash`], [`encoding`]).
//!
//! Randomness is keyed ([`entropy`]), so an event more or less moves no draw. A world is `Clone`: in a fork everything
//! large is shared, and both go on to the same hash if they are given the same.

pub mod calendar;
pub mod clock;
pub mod effects;
pub mod encoding;
pub mod entropy;
pub mod hash;
pub mod host;
pub mod machine;
pub mod queue;
pub mod step;
pub mod work;

use crate::checkers::{Handed, LifeEvent};
use crate::net::connection::Direction;
use crate::net::{Network, Packet};
use crate::world::EventId;
use calendar::Calendar;
use entropy::{Domain, Entropy, mix};
use hash::RunningHash;
use kafka::command::{Command, Delivery};
use kafka::ids::{ConnectionId, NodeId, TopicPartition};
use kafka::node::Effect;
use kafka::time::{Micros, Time};
use machine::Machine;
use queue::{Key, Queue, Turns};

/// Everything of a world but the memory of its processes, its checkers and its recorder.
#[derive(Clone)]
pub(crate) struct Kernel {
    pub scheduler: Scheduler,
    pub network: Network,
    pub machines: Vec<Machine>,
    pub hash: RunningHash,
    /// What a step costs a node that is not slowed down.
    pub step_cost: Micros,
    /// Whether checkers are asked.
    pub check: bool,
    /// How many events have been acted on.
    pub events: u64,
    /// What caused the event that is acted on now.
    pub cause: EventId,
    /// How many records consumers were given.
    pub delivered_records: u64,
    pub scratch: Scratch,
}

/// What lasts for one event, kept for its memory.
#[derive(Clone, Default)]
pub(crate) struct Scratch {
    pub effects: Vec<Effect>,
    pub marked: Vec<TopicPartition>,
    pub marks: Vec<(NodeId, TopicPartition)>,
    pub handed: Vec<(NodeId, Handed)>,
    pub deliveries: Vec<(NodeId, Delivery)>,
    pub lives: Vec<(NodeId, LifeEvent)>,
}

/// What is on its way.
#[derive(Clone, Debug)]
pub enum Pending {
    /// A packet, towards the far end of its lane.
    Packet {
        /// The connection.
        connection: ConnectionId,
        /// Which way.
        direction: Direction,
        /// The packet.
        packet: Packet,
    },
    /// A connection attempt has waited long enough.
    ConnectTimeOut(ConnectionId),
    /// A node starts for the first time.
    Start(NodeId),
    /// A command.
    Command(NodeId, Command),
}

/// The order of things to come.
#[derive(Clone)]
pub struct Scheduler {
    /// What is on its way, each with the event that caused it.
    pub queue: Queue<(EventId, Pending)>,
    /// When nodes want the CPU.
    pub turns: Turns,
    /// Commands given ahead of time.
    pub calendar: Calendar,
    /// The trial's randomness.
    pub entropy: Entropy,
    /// Seed 0: no jitter.
    pub calm: bool,
    /// The event that causes what is scheduled now.
    pub cause: EventId,
    /// Whether ties are drawn.
    draw_ties: bool,
    sequence: u64,
}

impl Scheduler {
    /// Nothing is to come yet.
    pub fn new(nodes: usize, seed: u64) -> Scheduler {
        Scheduler {
            queue: Queue::default(),
            turns: Turns::new(nodes),
            calendar: Calendar::default(),
            entropy: Entropy::new(seed),
            calm: seed == 0,
            cause: EventId::default(),
            draw_ties: false,
            sequence: 0,
        }
    }

    /// From now on simultaneous events come in an order drawn from the seed.
    pub fn draw_ties(&mut self) {
        self.draw_ties = true;
    }

    /// From now on everything is drawn from another seed.
    pub fn reseed(&mut self, seed: u64) {
        self.entropy = Entropy::new(seed);
        self.calm = seed == 0;
    }

    /// The tie of an event about `about` between two nodes, caused at a moment.
    #[inline]
    pub fn tie(&mut self, from: NodeId, to: NodeId, at: Time, about: u64) -> u16 {
        if !self.draw_ties {
            return 0;
        }
        mix(self.entropy.at(Domain::Tie, from, to, at) ^ about) as u16
    }

    /// The next place in the order at this time.
    #[inline]
    pub fn key(&mut self, at: Time, tie: u16) -> Key {
        self.sequence += 1;
        Key::new(at, tie, self.sequence)
    }

    /// Adds what is to come.
    #[inline]
    pub fn schedule(&mut self, at: Time, tie: u16, cause: EventId, pending: Pending) {
        let key = self.key(at, tie);
        self.queue.push(key, (cause, pending));
    }
}
