//! The server's sessions and when they expire (`SessionTrackerImpl`).
//!
//! 1. A session is granted a time-out between 2 and 20 ticks.
//! 2. Every request of it, pings included, puts its expiry off to `now` plus the time-out, rounded *up* to the next
//!    tick boundary: sessions expire in buckets, up to one tick later than their time-out says.
//! 3. At the boundary every session of the bucket ends, whatever may be waiting in the network.

use crate::ids::{ConnectionId, NodeId};
use crate::messages::zookeeper::{Path, SessionId};
use crate::time::{Micros, Time};
use std::collections::{BTreeMap, BTreeSet};

/// `tickTime`, its usual value.
pub(super) const TICK: Micros = Micros::from_millis(2000);

/// A session that lives.
#[derive(Clone, Debug)]
pub(super) struct ServerSession {
    /// Whose.
    pub node: NodeId,
    /// The time-out granted.
    pub timeout: Micros,
    /// The bucket it expires in.
    pub expires_at: Time,
    /// The connection it is on, if it is on one.
    pub connection: Option<ConnectionId>,
    /// Its ephemeral znodes.
    pub ephemerals: BTreeSet<Path>,
}

/// All sessions that live.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    alive: BTreeMap<SessionId, ServerSession>,
    by_connection: BTreeMap<ConnectionId, SessionId>,
    opened: i64,
}

/// The time-out granted to who asks for this one (`minSessionTimeout`, `maxSessionTimeout`).
fn granted(asked: Micros) -> Micros {
    Micros(asked.0.clamp(2 * TICK.0, 20 * TICK.0))
}

/// The boundary after this moment (`roundToInterval`).
fn bucket(time: Time) -> Time {
    Time((time.0 / TICK.0 + 1) * TICK.0)
}

impl Sessions {
    /// Begins a session on a connection.
    pub fn open(
        &mut self,
        node: NodeId,
        connection: ConnectionId,
        asked: Micros,
        now: Time,
    ) -> (SessionId, Micros) {
        self.opened += 1;
        let (session, timeout) = (SessionId(self.opened), granted(asked));
        self.alive.insert(
            session,
            ServerSession {
                node,
                timeout,
                expires_at: bucket(now + timeout),
                connection: Some(connection),
                ephemerals: BTreeSet::new(),
            },
        );
        self.by_connection.insert(connection, session);
        (session, timeout)
    }

    /// Moves a session that lives to another connection; says what its time-out is and which connection it left.
    pub fn reopen(
        &mut self,
        id: SessionId,
        connection: ConnectionId,
        now: Time,
    ) -> Option<(Micros, Option<ConnectionId>)> {
        let session = self.alive.get_mut(&id)?;
        let left = session.connection.replace(connection).filter(|left| *left != connection);
        let timeout = session.timeout;
        if let Some(left) = left {
            self.by_connection.remove(&left);
        }
        self.by_connection.insert(connection, id);
        self.touch(id, now);
        Some((timeout, left))
    }

    /// The session on a connection.
    pub fn on(&self, connection: ConnectionId) -> Option<SessionId> {
        self.by_connection.get(&connection).copied()
    }

    /// A session that lives.
    pub fn get(&self, session: SessionId) -> &ServerSession {
        &self.alive[&session]
    }

    /// A session that lives.
    pub fn get_mut(&mut self, session: SessionId) -> &mut ServerSession {
        self.alive.get_mut(&session).expect("only sessions that live are asked for")
    }

    /// An ephemeral znode was deleted by somebody.
    pub fn forget_ephemeral(&mut self, path: &Path) {
        for session in self.alive.values_mut() {
            session.ephemerals.remove(path);
        }
    }

    /// The session was heard from.
    pub fn touch(&mut self, session: SessionId, now: Time) {
        let session = self.get_mut(session);
        session.expires_at = session.expires_at.max(bucket(now + session.timeout));
    }

    /// A connection is gone; its session lives on without one.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        if let Some(session) = self.by_connection.remove(&connection) {
            self.get_mut(session).connection = None;
        }
    }

    /// Ends a session.
    pub fn end(&mut self, session: SessionId) -> ServerSession {
        let ended = self.alive.remove(&session).expect("only a session that lives can end");
        if let Some(connection) = ended.connection {
            self.by_connection.remove(&connection);
        }
        ended
    }

    /// The sessions of a node.
    pub fn of(&self, node: NodeId) -> Vec<SessionId> {
        self.alive.iter().filter(|(_, session)| session.node == node).map(|(id, _)| *id).collect()
    }

    /// When the next bucket is due.
    pub fn next_expiry(&self) -> Option<Time> {
        self.alive.values().map(|session| session.expires_at).min()
    }

    /// A session whose time has come: the earliest bucket first, in it the smallest id.
    pub fn expired(&self, now: Time) -> Option<SessionId> {
        self.alive
            .iter()
            .filter(|(_, session)| session.expires_at <= now)
            .min_by_key(|(id, session)| (session.expires_at, **id))
            .map(|(id, _)| *id)
    }
}
