//! One TCP connection: two ends that learn of each other's fate on their own, and a lane in each direction.
//!
//! ```text
//!   opener end      Opening --SYN-ACK handed over--> Open --closed, broken and told, died--> Closed
//!   acceptor end    NotYet  --SYN accepted--> Open --FIN worked off, hung up, died--> Gone
//! ```
//!
//! The opener's end changes when its *process* is told, not when a packet reaches its machine: between the two, the
//! process goes on sending and believing. `broken` is what the machine knows already.

use crate::net::Packet;
use crate::world::{EventId, MessageRuleId};
use kafka::ids::{CallId, ConnectionId, NodeId};
use kafka::node::Channel;
use kafka::time::{Micros, Time};
use std::collections::VecDeque;

/// Which way along a connection.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From the opener to the acceptor: requests.
    Forward = 0,
    /// From the acceptor to the opener: responses and pushes.
    Backward = 1,
}

/// What the opener's process believes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OpenerEnd {
    /// It asked for a connection.
    Opening,
    /// It was told that it stands.
    Open,
    /// It closed it, was told that it is gone, or died itself.
    Closed,
}

/// What the acceptor's process knows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum AcceptorEnd {
    /// Nothing yet.
    NotYet,
    /// It serves it.
    Open,
    /// It is gone.
    Gone,
}

/// A connection.
#[derive(Clone)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Who opened it.
    pub opener: NodeId,
    /// To whom.
    pub acceptor: NodeId,
    /// As which channel.
    pub channel: Channel,
    /// The opener's end.
    pub opener_end: OpenerEnd,
    /// The opener's machine has had its SYN-ACK.
    pub established: bool,
    /// The opener's machine knows that it is over: refused, timed out, FIN or RST.
    pub broken: bool,
    /// Calls without an answer, in the order sent.
    pub outstanding: VecDeque<CallId>,
    /// The acceptor's end.
    pub acceptor_end: AcceptorEnd,
    /// The request that the acceptor works on; what follows waits (Kafka mutes the connection).
    pub serving: Option<Serving>,
    /// Arrived, not handed over yet.
    pub waiting: VecDeque<(EventId, Packet)>,
    /// How many requests were handed over.
    pub requests: u32,
    /// Both directions.
    pub lanes: [Lane; 2],
}

/// A request in work.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Serving {
    /// Its number on this connection.
    pub ordinal: u32,
    /// Its call.
    pub call: CallId,
    /// Whether it wants an answer.
    pub expects_answer: bool,
}

/// One direction.
#[derive(Clone, Default)]
pub struct Lane {
    /// The newest arrival scheduled: nothing later may arrive before it.
    pub last_arrival: Time,
    /// Its tie.
    pub last_tie: u16,
    /// FIN or RST has been sent: nothing follows.
    pub finished: bool,
    /// What cannot go now, in order: the first is held by a rule, or the link is cut, or the machine is off.
    pub backlog: VecDeque<Parked>,
}

/// A packet that waits.
#[derive(Clone)]
pub struct Parked {
    /// The packet.
    pub packet: Packet,
    /// The rule that holds it, if one does.
    pub held_by: Option<MessageRuleId>,
    /// By how much a rule made it late.
    pub late: Micros,
    /// The event that sent it.
    pub cause: EventId,
}

impl Connection {
    /// A connection that is being opened.
    pub fn new(id: ConnectionId, opener: NodeId, acceptor: NodeId, channel: Channel) -> Connection {
        Connection {
            id,
            opener,
            acceptor,
            channel,
            opener_end: OpenerEnd::Opening,
            established: false,
            broken: false,
            outstanding: VecDeque::new(),
            acceptor_end: AcceptorEnd::NotYet,
            serving: None,
            waiting: VecDeque::new(),
            requests: 0,
            lanes: [Lane::default(), Lane::default()],
        }
    }

    /// Sender and receiver of a direction.
    pub fn ends(&self, direction: Direction) -> (NodeId, NodeId) {
        match direction {
            Direction::Forward => (self.opener, self.acceptor),
            Direction::Backward => (self.acceptor, self.opener),
        }
    }

    /// One direction.
    pub fn lane(&mut self, direction: Direction) -> &mut Lane {
        &mut self.lanes[direction as usize]
    }

    /// Whether neither end has any use for it.
    pub fn is_over(&self) -> bool {
        self.opener_end == OpenerEnd::Closed
            && self.outstanding.is_empty()
            && self.acceptor_end != AcceptorEnd::Open
    }
}

/// All connections, by id. An id is a place and a count of its uses, so that look-up is an index and no id comes twice.
#[derive(Clone, Default)]
pub struct Connections {
    places: Vec<Place>,
    free: Vec<u16>,
}

#[derive(Clone, Default)]
struct Place {
    uses: u16,
    connection: Option<Connection>,
}

const PLACE_BITS: u32 = 16;

impl Connections {
    /// Adds a connection.
    pub fn open(&mut self, opener: NodeId, acceptor: NodeId, channel: Channel) -> ConnectionId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            u16::try_from(self.places.len() - 1).expect("fewer than 65536 connections at once")
        });
        let entry = &mut self.places[usize::from(place)];
        let id = ConnectionId(u32::from(entry.uses) << PLACE_BITS | u32::from(place));
        entry.connection = Some(Connection::new(id, opener, acceptor, channel));
        id
    }

    /// A connection, unless it is over.
    #[inline]
    pub fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let place = (id.0 & ((1 << PLACE_BITS) - 1)) as usize;
        let connection = self.places.get_mut(place)?.connection.as_mut()?;
        (connection.id == id).then_some(connection)
    }

    /// Forgets a connection if it is over.
    pub fn reap(&mut self, id: ConnectionId) {
        if self.get(id).is_some_and(|connection| connection.is_over()) {
            let place = (id.0 & ((1 << PLACE_BITS) - 1)) as u16;
            let entry = &mut self.places[usize::from(place)];
            entry.connection = None;
            // A place whose count is used up is never used again.
            if let Some(uses) = entry.uses.checked_add(1) {
                entry.uses = uses;
                self.free.push(place);
            }
        }
    }

    /// The ids of all that `wanted` picks, in a fixed order.
    pub fn ids(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<ConnectionId> {
        let connections = self.places.iter().filter_map(|place| place.connection.as_ref());
        connections.filter(|connection| wanted(connection)).map(|connection| connection.id).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.places.iter().filter(|place| place.connection.is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_comes_twice() {
        let mut connections = Connections::default();
        let first = connections.open(NodeId(1), NodeId(2), Channel::Data);
        connections.reap(first);
        assert!(connections.get(first).is_some(), "it is not over");
        connections.get(first).unwrap().opener_end = OpenerEnd::Closed;
        connections.reap(first);
        assert!(connections.get(first).is_none());
        let second = connections.open(NodeId(1), NodeId(2), Channel::Data);
        assert_ne!(first, second);
        assert!(connections.get(first).is_none() && connections.get(second).is_some());
        assert_eq!((connections.count(), connections.places.len()), (1, 1), "the place is used again");
    }
}
