//! The cluster under test: nodes, disks, network and clocks, and everything that can be done to them.

pub mod faults;
pub mod nodes;
pub mod spec;

use crate::checkers::Checks;
use crate::kernel::hash::RunningHash;
use crate::kernel::machine::Machine;
use crate::kernel::{Kernel, Pending, Scheduler, Scratch};
use crate::net::Network;
use crate::trace::recorder::Recorder;
use kafka::admin::Operator;
use kafka::broker::Broker;
use kafka::command::Command;
use kafka::consumer::Consumer;
use kafka::ids::NodeId;
use kafka::messages::ApiKey;
use kafka::producer::Producer;
use kafka::time::{Micros, Time};
use kafka::zookeeper::ZooKeeper;
use nodes::{NodeSlot, Nodes, Process, Status};
use spec::{NodeKind, NodeSpec, WorldSpec};
use std::sync::Arc;

/// An event's number: how many were popped before it. Every event knows the one that caused it.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct EventId(pub u64);

/// How a run is watched. None of it changes the hash.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The trial's seed. Seed 0 is calm: fixed latency, no jitter.
    pub seed: u64,
    /// Whether notes and messages are recorded for a story.
    pub record: bool,
    /// Whether properties are checked.
    pub check: bool,
}

/// One world. Cloning it is cheap: everything large is shared until written.
#[derive(Clone)]
pub struct World {
    /// The processes.
    pub nodes: Nodes,
    /// The properties.
    pub checks: Checks,
    /// What happened, for the story.
    pub recorder: Recorder,
    /// Everything else: queue, network, machines, hash.
    pub(crate) kernel: Kernel,
}

/// Which messages a `hold`, `delay` or `drop` takes.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageMatch {
    /// Which API; `None` is any.
    pub api: Option<ApiKey>,
    /// Requests or their responses.
    pub side: Side,
    /// The node that sends the *request*; `None` is any.
    pub from: Option<NodeId>,
    /// The node that the *request* goes to; `None` is any.
    pub to: Option<NodeId>,
    /// Only the first so many; `None` is all.
    pub count: Option<u32>,
}

/// Requests or responses.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Side {
    /// On their way there.
    Request,
    /// On their way back.
    Response,
}

/// What happens to a message that matches.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum MessageFate {
    /// It waits, and what follows on its connection with it, until released.
    Hold,
    /// It is late by this much, and what follows on its connection with it.
    Delay(Micros),
    /// It is lost: a peer that never answers. What follows on its connection waits for ever behind it, as TCP and Kafka's
    /// muted connections have it, until somebody gives up and closes.
    Drop,
}

/// A rule about messages, so that it can be taken back.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageRuleId(pub u32);

/// What of the unflushed page cache survives a power failure.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Survives {
    /// Nothing that was not flushed.
    Nothing,
    /// A prefix of each file's unflushed writes, drawn from the seed.
    SomePrefix,
    /// Any subset of unflushed writes, drawn from the seed; a torn last write among them.
    AnySubset,
    /// All of it but the last unflushed write of each file, of which the first half is there.
    TornTail,
}

/// A fault of a disk.
#[derive(Clone, PartialEq, Debug)]
pub enum DiskFault {
    /// Every call fails with EIO (`true`) or works again.
    Broken(bool),
    /// Writes fail with ENOSPC (`true`) or work again.
    Full(bool),
    /// Every call costs this many times as much; 1 is normal.
    Slow(u32),
    /// The operating system has written back everything: what was not flushed is now.
    WrittenBack,
    /// A bit of this file flips at this position.
    Rot {
        /// Path below the log directory, such as `orders-0/00000000000000000000.log`.
        file: String,
        /// Byte position; negative counts from the end.
        position: i64,
    },
    /// Reading a file fails with EIO (`true`: a bad sector) or works again.
    Unreadable {
        /// Path below the log directory.
        file: String,
        /// Whether it fails.
        fails: bool,
    },
    /// A file vanishes.
    Lose {
        /// Path below the log directory, such as `replication-offset-checkpoint`.
        file: String,
    },
    /// Everything is gone: a new disk.
    Wipe,
}

/// Why a run stopped before its condition was met.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// Virtual time ran out.
    TimeOut,
    /// The event budget ran out.
    EventBudget,
    /// Nothing will ever happen again.
    Idle,
}

impl World {
    /// A world in which nothing has happened yet. Nodes start as [`spec::NodeSpec::starts_at`] says.
    pub fn new(spec: &WorldSpec, options: &RunOptions) -> World {
        let brokers: Vec<NodeId> = (0..spec.nodes.len())
            .filter(|index| matches!(spec.nodes[*index].kind, NodeKind::Broker(_)))
            .map(|index| NodeId(index as u16))
            .collect();
        World::with_processes(spec, options, |node, node_spec| process(node, node_spec, &brokers))
    }

    /// A world of processes that need not be Kafka's: `make` gives each node its own, before it has started.
    pub fn with_processes(
        spec: &WorldSpec,
        options: &RunOptions,
        make: impl Fn(NodeId, &NodeSpec) -> Process,
    ) -> World {
        let count = spec.nodes.len();
        assert!(count <= usize::from(u16::MAX), "a node's id has 16 bits");
        let mut scheduler = Scheduler::new(count, options.seed);
        let mut machines = Vec::with_capacity(count);
        let mut slots = Vec::with_capacity(count);
        for (index, node_spec) in spec.nodes.iter().enumerate() {
            let node = NodeId(index as u16);
            let process = Arc::new(make(node, node_spec));
            machines.push(Machine::new(Arc::clone(&process), spec));
            scheduler.schedule(node_spec.starts_at, 0, EventId::default(), Pending::Start(node));
            slots.push(NodeSlot {
                name: node_spec.name.as_str().into(),
                era: node_spec.era.clone(),
                status: Status::Down,
                life: 0,
                process,
            });
        }
        World {
            nodes: Nodes { slots, now: Time::ZERO },
            checks: if options.check { Checks::new(spec, &[]) } else { Checks::default() },
            recorder: Recorder::new(options.record),
            kernel: Kernel {
                scheduler,
                network: Network::new(count, &spec.network),
                machines,
                hash: RunningHash::default(),
                step_cost: spec.step_cost,
                check: options.check,
                events: 0,
                cause: EventId::default(),
                delivered_records: 0,
                scratch: Scratch::default(),
            },
        }
    }

    /// Puts another process in the place of one that has not started yet, made of it: for tests of checkers.
    ///
    /// # Panics
    /// If it has started.
    pub fn replace_process(&mut self, node: NodeId, make: impl FnOnce(&Process) -> Process) {
        let slot = &mut self.nodes.slots[usize::from(node.0)];
        assert_eq!(slot.life, 0, "{} has started already", slot.name);
        slot.process = Arc::new(make(&slot.process));
        self.kernel.machines[usize::from(node.0)].pristine = Arc::clone(&slot.process);
    }

    /// From now on simultaneous events come in an order drawn from the seed, so that exploration sees both. A channel is never
    /// reordered.
    pub fn draw_ties(&mut self) {
        self.kernel.scheduler.draw_ties();
    }

    /// From now on everything is drawn from another seed: another future of the same past.
    pub fn reseed(&mut self, seed: u64) {
        self.kernel.scheduler.reseed(seed);
    }

    /// The event that caused the one that was acted on last.
    pub fn cause(&self) -> EventId {
        self.kernel.cause
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        self.nodes.now
    }

    /// How many events have been acted on.
    pub fn events(&self) -> u64 {
        self.kernel.events
    }

    /// Nothing is checked from now on: to measure what checking costs.
    pub fn stop_checking(&mut self) {
        self.checks = Checks::default();
    }

    /// Nothing is hashed from now on: to measure what hashing costs.
    pub fn stop_hashing(&mut self) {
        self.kernel.hash.mute();
    }

    /// The hash over every event so far.
    pub fn hash(&self) -> u64 {
        self.kernel.hash.value()
    }

    /// What applications and operators were told in the last event.
    pub fn deliveries(&self) -> &[(NodeId, kafka::command::Delivery)] {
        &self.kernel.scratch.deliveries
    }

    /// How many records have been returned to consumers, for the benchmark.
    pub fn delivered_records(&self) -> u64 {
        self.kernel.delivered_records
    }

    /// The CPU time that a node has taken so far.
    pub fn cpu_time(&self, node: NodeId) -> Micros {
        self.kernel.machines[usize::from(node.0)].cpu
    }

    /// The wall clock of a node, as it would read it now.
    pub fn wall_clock(&self, node: NodeId) -> kafka::time::Timestamp {
        self.kernel.machines[usize::from(node.0)].clock.read(self.nodes.now)
    }

    /// The disk of a node.
    pub fn disk(&self, node: NodeId) -> &crate::disk::SimDisk {
        &self.kernel.machines[usize::from(node.0)].disk
    }

    /// How many connections there are, half-open ones included.
    pub fn connections(&self) -> usize {
        self.kernel.network.connection_count()
    }

    /// How much is on its way: packets, commands and time-outs.
    pub fn pending(&self) -> usize {
        self.kernel.scheduler.queue.len()
    }

    /// Gives a node a command, now. A process that is down does not hear it.
    pub fn command(&mut self, node: NodeId, command: Command) {
        let now = self.nodes.now;
        let cause = self.kernel.scheduler.cause;
        self.kernel.scheduler.schedule(now, 0, cause, Pending::Command(node, command));
    }

    /// Gives a node a command at a later time: what a workload is made of. A time that is past means now.
    pub fn command_at(&mut self, at: Time, node: NodeId, command: Command) {
        let key = self.kernel.scheduler.key(at.max(self.nodes.now), 0);
        self.kernel.scheduler.calendar.add(key, node, command);
    }
}

/// The process that a specification asks for.
fn process(node: NodeId, spec: &NodeSpec, brokers: &[NodeId]) -> Process {
    let era = spec.era.clone();
    match &spec.kind {
        NodeKind::ZooKeeper => Process::ZooKeeper(ZooKeeper::new()),
        NodeKind::Broker(config) => Process::Broker(Box::new(Broker::new((**config).clone(), era, node))),
        NodeKind::Producer(config) => {
            Process::Producer(Box::new(Producer::new(config.clone(), era, brokers.to_vec())))
        }
        NodeKind::Consumer(config) => {
            Process::Consumer(Box::new(Consumer::new(config.clone(), era, brokers.to_vec())))
        }
        NodeKind::Operator => Process::Operator(Box::new(Operator::new(era, brokers.to_vec()))),
    }
}
