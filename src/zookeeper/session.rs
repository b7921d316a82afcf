//! A client's session with ZooKeeper, as brokers and tools hold it (`ZooKeeperClient`, `KafkaZkClient`).

use crate::ids::{CallId, NodeId};
use crate::messages::Response;
use crate::messages::zookeeper::{Op, OpResult, SessionId, WatchEvent, ZkError};
use crate::node::{Channel, ChannelEvent, Disconnected, Env};
use crate::time::{Micros, Time};

/// A part of a node that uses the session; answers come back to it.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SessionUser {
    /// Registration and configuration.
    Broker,
    /// The controller.
    Controller,
    /// A leader that writes its ISR.
    IsrWriter,
    /// An operator's tool.
    Operator,
}

/// A submission; answered exactly once.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// What became of a submission: one result per operation, or for a multi all or the first failure.
pub type Outcome = Vec<Result<OpResult, ZkError>>;

/// What a session tells its holder.
#[derive(Clone, PartialEq, Debug)]
pub enum SessionEvent {
    /// The session stands: a new one (`fresh`), or the same one after a lost connection.
    Connected {
        /// Which.
        session: SessionId,
        /// Whether it is a new session.
        fresh: bool,
    },
    /// The connection is lost; the session may live.
    ConnectionLost,
    /// The session is gone, and with it its ephemeral nodes and watches. Every submission still open has been answered
    /// with [`ZkError::SessionExpired`] before this. A new session is begun by itself.
    Expired,
    /// An answer.
    Answer {
        /// Whose submission.
        user: SessionUser,
        /// Which.
        ticket: Ticket,
        /// The outcome.
        outcome: Outcome,
    },
    /// A watch fired.
    Watch(WatchEvent),
}

/// A session, from the client's side. All submissions go out in order; those in flight when the connection is lost are
/// sent again once the same session is connected again (`retryRequestUntilConnected`), so a create may find its own node.
#[derive(Clone, Debug)]
pub struct Session {}

impl Session {
    /// A session that is not begun yet. Its calls carry `CallId::new(part, _)`.
    pub fn new(timeout: Micros, part: u8) -> Session {
        let _ = (timeout, part);
        todo!()
    }

    /// Connects.
    pub fn start(&mut self, env: &mut Env<'_>) {
        let _ = env;
        todo!()
    }

    /// The session's id while one stands.
    pub fn id(&self) -> Option<SessionId> {
        todo!()
    }

    /// Submits operations that succeed or fail one by one, pipelined in one go; one outcome for all.
    pub fn submit(&mut self, user: SessionUser, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        let _ = (user, ops, env);
        todo!()
    }

    /// Submits operations that succeed or fail together. On failure the outcome holds the error of the operation that
    /// failed at its index, and [`ZkError::RuntimeInconsistency`] elsewhere.
    pub fn submit_multi(&mut self, user: SessionUser, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        let _ = (user, ops, env);
        todo!()
    }

    /// Closes the session in order: its ephemeral nodes go at once.
    pub fn close(&mut self, env: &mut Env<'_>) {
        let _ = env;
        todo!()
    }

    /// The channel to ZooKeeper changed.
    pub fn on_channel(&mut self, event: ChannelEvent, env: &mut Env<'_>) -> Vec<SessionEvent> {
        let _ = (event, env);
        todo!()
    }

    /// A call of this session's part was answered.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        env: &mut Env<'_>,
    ) -> Vec<SessionEvent> {
        let _ = (call, answer, env);
        todo!()
    }

    /// ZooKeeper pushed a watch event.
    pub fn on_pushed(&mut self, event: WatchEvent) -> Vec<SessionEvent> {
        let _ = event;
        todo!()
    }

    /// Time has passed: pings, reconnects.
    pub fn on_wake(&mut self, env: &mut Env<'_>) -> Vec<SessionEvent> {
        let _ = env;
        todo!()
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        todo!()
    }
}

/// Where sessions connect to, and on which channel.
pub const ZOOKEEPER: (NodeId, Channel) = (NodeId::ZOOKEEPER, Channel::ZooKeeper);
