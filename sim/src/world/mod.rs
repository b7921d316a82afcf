//! The cluster under test: nodes, disks, network and clocks, and everything that can be done to them.

pub mod nodes;
pub mod spec;

use crate::checkers::Checks;
use crate::trace::recorder::Recorder;
use kafka::command::Command;
use kafka::ids::NodeId;
use kafka::messages::ApiKey;
use kafka::time::{Micros, Time};
use nodes::Nodes;
use spec::WorldSpec;

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
    /// It is lost: its connection goes on without it (the network duplicates nothing and loses nothing within TCP, so this
    /// stands for a peer that never answers).
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
    /// A bit of this file flips at this position.
    Rot {
        /// Path below the log directory, such as `orders-0/00000000000000000000.log`.
        file: String,
        /// Byte position; negative counts from the end.
        position: i64,
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
        let _ = (spec, options);
        todo!()
    }

    /// Pops one event and acts on it. `None` if there is none at or before `until`; virtual time is then `until`.
    pub fn step(&mut self, until: Time) -> Option<EventId> {
        let _ = until;
        todo!()
    }

    /// Virtual time.
    pub fn now(&self) -> Time {
        todo!()
    }

    /// How many events have been acted on.
    pub fn events(&self) -> u64 {
        todo!()
    }

    /// The hash over every event so far.
    pub fn hash(&self) -> u64 {
        todo!()
    }

    /// What applications and operators were told in the last event.
    pub fn deliveries(&self) -> &[(NodeId, kafka::command::Delivery)] {
        todo!()
    }

    /// How many records have been returned to consumers, for the benchmark.
    pub fn delivered_records(&self) -> u64 {
        todo!()
    }

    /// Gives a node a command, now.
    pub fn command(&mut self, node: NodeId, command: Command) {
        let _ = (node, command);
        todo!()
    }

    /// Gives a node a command at a later time: what a workload is made of.
    pub fn command_at(&mut self, at: Time, node: NodeId, command: Command) {
        let _ = (at, node, command);
        todo!()
    }

    /// SIGKILL: memory goes, the page cache stays, connections break.
    pub fn kill(&mut self, node: NodeId) {
        let _ = node;
        todo!()
    }

    /// Starts a node that is down.
    pub fn restart(&mut self, node: NodeId) {
        let _ = node;
        todo!()
    }

    /// The machine loses power: like `kill`, and what was not flushed may go too. Its peers hear nothing (no FIN).
    pub fn power_off(&mut self, node: NodeId, survives: Survives) {
        let _ = (node, survives);
        todo!()
    }

    /// SIGSTOP, a long GC: it does nothing, its connections stand, its inbox fills.
    pub fn pause(&mut self, node: NodeId) {
        let _ = node;
        todo!()
    }

    /// SIGCONT.
    pub fn resume(&mut self, node: NodeId) {
        let _ = node;
        todo!()
    }

    /// Every step of the node costs this many times as much; 1 is normal.
    pub fn slow_cpu(&mut self, node: NodeId, factor: u32) {
        let _ = (node, factor);
        todo!()
    }

    /// The node's wall clock jumps by this many milliseconds.
    pub fn step_clock(&mut self, node: NodeId, millis: i64) {
        let _ = (node, millis);
        todo!()
    }

    /// The node's wall clock runs this many parts per million too fast (or too slow, if negative) from now on.
    pub fn skew_clock(&mut self, node: NodeId, parts_per_million: i64) {
        let _ = (node, parts_per_million);
        todo!()
    }

    /// Nothing gets from `from` to `to` any more; with `both`, nor back. Connections stand until somebody gives up
    /// (packets are retransmitted: what is sent meanwhile arrives after `heal` if the connection still stands).
    pub fn cut(&mut self, from: NodeId, to: NodeId, both: bool) {
        let _ = (from, to, both);
        todo!()
    }

    /// Undoes `cut`.
    pub fn heal(&mut self, from: NodeId, to: NodeId) {
        let _ = (from, to);
        todo!()
    }

    /// Breaks every connection between two nodes (RST). What was sent already may still arrive at its receiver.
    pub fn reset_connections(&mut self, one: NodeId, other: NodeId) {
        let _ = (one, other);
        todo!()
    }

    /// The latency, jitter and bandwidth from `from` to `to` from now on; `None` leaves one as it is.
    pub fn shape_link(
        &mut self,
        from: NodeId,
        to: NodeId,
        latency: Option<Micros>,
        jitter: Option<Micros>,
        bytes_per_second: Option<u64>,
    ) {
        let _ = (from, to, latency, jitter, bytes_per_second);
        todo!()
    }

    /// Installs a rule about messages sent from now on.
    pub fn add_message_rule(&mut self, matches: MessageMatch, fate: MessageFate) -> MessageRuleId {
        let _ = (matches, fate);
        todo!()
    }

    /// Removes a rule; what it held is sent on.
    pub fn remove_message_rule(&mut self, rule: MessageRuleId) {
        let _ = rule;
        todo!()
    }

    /// A fault of a node's disk. False if there is no such file.
    pub fn disk_fault(&mut self, node: NodeId, fault: DiskFault) -> bool {
        let _ = (node, fault);
        todo!()
    }
}
