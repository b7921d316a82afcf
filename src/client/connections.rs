//! A client's connections: in what state each is, what is in flight on it, and when to try again
//! (`ClusterConnectionStates`, `InFlightRequests`).
//!
//! ```text
//! Disconnected -> Connecting -> Ready -> Lost -> Disconnected
//!       ^_____________|  |________|_____________^
//! ```
//!
//! - *Disconnected*: nothing to the peer; after a loss not before its back-off has passed.
//! - *Connecting*: asked for; from 2.7 on given up after `socket.connection.setup.timeout.ms` (KIP-601).
//! - *Ready*: requests can be sent, as many at once as the client allows.
//! - *Lost*: a call was answered with "disconnected", so everything in flight is lost, but the channel's own event is
//!   still to come; until then it cannot be opened again.

use crate::era::Era;
use crate::ids::{CallId, NodeId};
use crate::time::Time;
use std::collections::VecDeque;

/// The state of one connection.
#[derive(Clone, PartialEq, Debug)]
pub enum ConnectionState {
    /// Not connected; may connect from this time on.
    Disconnected {
        /// When the back-off is over.
        retry_at: Time,
    },
    /// Connecting; given up at this time.
    Connecting {
        /// Never, before 2.7.
        give_up_at: Time,
    },
    /// Connected to a peer of this era.
    Ready {
        /// The peer's era.
        peer: Era,
    },
    /// Lost, but not closed yet.
    Lost,
}

/// A request in flight.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct InFlightRequest {
    /// The call.
    pub call: CallId,
    /// When its time is over.
    pub expires_at: Time,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The peer.
    pub node: NodeId,
    /// Its state.
    pub state: ConnectionState,
    /// When it was last asked for.
    pub last_attempt: Time,
    /// Losses and failures since it last stood.
    pub failures: u32,
    /// Failed attempts since it last stood: lengthens the time an attempt is given.
    pub setup_failures: u32,
    /// In order of sending; answers come in the same order.
    pub in_flight: VecDeque<InFlightRequest>,
}

impl Connection {
    /// A connection to a peer that nobody has tried yet.
    pub fn new(node: NodeId) -> Connection {
        Connection {
            node,
            state: ConnectionState::Disconnected { retry_at: Time::ZERO },
            last_attempt: Time::ZERO,
            failures: 0,
            setup_failures: 0,
            in_flight: VecDeque::new(),
        }
    }

    /// The peer's era, while connected.
    pub fn peer(&self) -> Option<&Era> {
        match &self.state {
            ConnectionState::Ready { peer } => Some(peer),
            _ => None,
        }
    }

    /// Whether a request may be sent now (`canSendRequest`).
    pub fn can_send(&self, max_in_flight: usize) -> bool {
        matches!(self.state, ConnectionState::Ready { .. }) && self.in_flight.len() < max_in_flight
    }

    /// Whether it may be opened now (`canConnect`).
    pub fn can_connect(&self, now: Time) -> bool {
        matches!(self.state, ConnectionState::Disconnected { retry_at } if retry_at <= now)
    }

    /// Whether it is being opened.
    pub fn is_connecting(&self) -> bool {
        matches!(self.state, ConnectionState::Connecting { .. })
    }

    /// When something about it must be looked at without an event: the oldest request, or the attempt, has had its
    /// time.
    pub fn gives_up_at(&self) -> Time {
        match self.state {
            ConnectionState::Connecting { give_up_at } => give_up_at,
            _ => self.in_flight.front().map_or(Time::NEVER, |oldest| oldest.expires_at),
        }
    }
}
