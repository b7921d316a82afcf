//! What waits for a process: the entries of its inbox.
//!
//! An entry becomes an [`Input`](kafka::node::Input) only when the process takes it. Until then the connection it is
//! about may change: a process that has closed a channel meanwhile is not told that it is gone.

use crate::world::EventId;
use kafka::command::Command;
use kafka::ids::{CallId, ConnectionId};
use kafka::messages::zookeeper::WatchEvent;
use kafka::messages::{Request, Response};
use kafka::node::ReplyTo;
use kafka::time::Time;

/// Something for a process.
#[derive(Clone, Debug)]
pub enum Work {
    /// It starts.
    Start,
    /// A command.
    Command(Command),
    /// A request that arrived.
    Request {
        /// How it answers.
        reply_to: ReplyTo,
        /// The API version.
        version: i16,
        /// The message.
        request: Request,
    },
    /// A response that arrived.
    Response {
        /// On which connection.
        connection: ConnectionId,
        /// The call it answers.
        call: CallId,
        /// The message.
        response: Response,
    },
    /// A watch event that arrived.
    Pushed {
        /// On which connection.
        connection: ConnectionId,
        /// What fired.
        event: WatchEvent,
    },
    /// A channel it is opening stands.
    Connected(ConnectionId),
    /// A channel it is opening cannot be opened.
    ConnectFailed(ConnectionId),
    /// A channel it opened is gone, or it closed it with calls outstanding: each call is answered, then the channel
    /// told. Stays at the head of the inbox until all is told.
    Lost(ConnectionId),
    /// A connection that a peer had opened is gone.
    PeerGone(ConnectionId),
    /// It sent on a channel that is not connected.
    NotSent(CallId),
}

/// An inbox entry.
#[derive(Clone, Debug)]
pub struct Item {
    /// When it arrived.
    pub at: Time,
    /// What caused it.
    pub cause: EventId,
    /// What it is.
    pub work: Work,
}
