//! The recorder: collects what a story is told from. Records nothing unless asked.

use crate::checkers::LifeEvent;
use crate::world::EventId;
use crate::world::nodes::Nodes;
use kafka::command::Delivery;
use kafka::ids::NodeId;
use kafka::messages::{Request, Response};
use kafka::node::{Channel, ChannelEvent, ExitReason};
use kafka::note::Note;
use kafka::time::Time;

/// A message's fate, as the recorder is told.
#[derive(Clone, PartialEq, Debug)]
pub enum MessageEvent {
    /// It left.
    Sent,
    /// It arrived.
    Arrived,
    /// A rule holds it.
    Held,
    /// A rule let it go again.
    Released,
    /// It is lost: a rule, or its connection is gone.
    Lost,
}

/// What the kernel tells the recorder, one fact at a time.
#[derive(Clone, Debug)]
pub enum Fact<'a> {
    /// A node noted this.
    Note(&'a Note),
    /// An application was told this.
    Delivery(&'a Delivery),
    /// A process started, ended or lost something; `exit` if it ended by itself.
    Life(LifeEvent, Option<ExitReason>),
    /// A request.
    Request {
        /// To whom (the fact's node is the sender).
        to: NodeId,
        /// On which channel.
        channel: Channel,
        /// At which version.
        version: i16,
        /// The message.
        request: &'a Request,
        /// Its fate.
        event: MessageEvent,
    },
    /// A response (the fact's node is its sender).
    Response {
        /// To whom.
        to: NodeId,
        /// The message.
        response: &'a Response,
        /// Its fate.
        event: MessageEvent,
    },
    /// A channel changed, as its opener sees it.
    Channel {
        /// The other end.
        to: NodeId,
        /// Which.
        channel: Channel,
        /// How.
        event: &'a ChannelEvent,
    },
}

/// Collects what happened, in order.
#[derive(Clone, Default)]
pub struct Recorder {}

impl Recorder {
    /// A recorder that records (`wanted`), or one that ignores everything.
    pub fn new(wanted: bool) -> Recorder {
        let _ = wanted;
        Recorder {}
    }

    /// Whether it records: else nobody needs to build facts.
    pub fn is_on(&self) -> bool {
        false
    }

    /// Takes a fact. `cause` is the event that caused `event`.
    pub fn record(
        &mut self,
        event: EventId,
        cause: EventId,
        at: Time,
        node: NodeId,
        fact: Fact<'_>,
        nodes: &Nodes,
    ) {
        let _ = (event, cause, at, node, fact, nodes);
    }

    /// The scenario begins a step: a heading of the story.
    pub fn step(&mut self, at: Time, heading: &str, nodes: &Nodes) {
        let _ = (at, heading, nodes);
    }

    /// The scenario says something.
    pub fn say(&mut self, at: Time, text: &str) {
        let _ = (at, text);
    }

    /// A checker has found a violation: its report, to stand where it happened.
    pub fn violated(&mut self, at: Time, property: &str, report: &[String]) {
        let _ = (at, property, report);
    }
}
