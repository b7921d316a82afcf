//! A client's session with ZooKeeper, as brokers and tools hold it (`ZooKeeperClient`, `KafkaZkClient`, `ClientCnxn`).
//!
//! 1. Connect; ask for a session; from then on send what is submitted, in order.
//! 2. After a third of the time-out without sending anything: a ping. After two thirds without hearing anything: the
//!    connection is given up.
//! 3. Without a connection, wait a second (and, once a connection has stood, a random part of another) and connect
//!    again. Everything submitted waits.
//! 4. Connected again in the same session: set the watches again, then send again whatever was not answered. It may
//!    have been carried out the first time: a create may find its own znode.
//! 5. Told that the session has expired (only ZooKeeper can tell): answer every open submission, forget the watches,
//!    say so, and begin a new session.
//!
//! A submission without operations is answered at the next wake, which it asks for.
//!
//! Left out: `zookeeper.connection.timeout.ms` (a starting broker gives up by its own decision), the limit on
//! requests in flight (`zookeeper.max.in.flight.requests`), authentication. After [`Session::close`] nothing new is
//! answered.

use crate::ids::{CallId, NodeId};
use crate::messages::Response;
use crate::messages::zookeeper::{
    Op, OpResult, Path, SessionId, WatchEvent, WatchKind, WatchedPaths, ZkError, ZooKeeperAnswer,
    ZooKeeperRequest,
};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Env, Purpose};
use crate::time::{Micros, Time};
use std::collections::{BTreeSet, VecDeque};

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

/// Where sessions connect to, and on which channel.
pub const ZOOKEEPER: (NodeId, Channel) = (NodeId::ZOOKEEPER, Channel::ZooKeeper);

/// How long to wait before the same server is tried again (`StaticHostProvider`); also the bound of the random part.
const BACK_OFF: Micros = Micros::from_millis(1000);
/// Pings are never further apart (`MAX_SEND_PING_INTERVAL`).
const MAX_PING_INTERVAL: Micros = Micros::from_millis(10_000);

/// The connection under the session.
#[derive(Copy, Clone, Debug)]
enum Link {
    /// Not begun.
    Idle,
    /// Waiting before the next try.
    BackingOff { until: Time },
    /// Connecting, or connected and asking for the session; given up at this moment.
    Opening { connected: bool, until: Time },
    /// The session stands on it.
    Live { heard: Time, sent: Time },
    /// Close was sent.
    Closing,
    /// The end.
    Closed,
}

/// What a call in flight was for.
#[derive(Copy, Clone, Debug)]
enum Sent {
    Handshake,
    Ping,
    Watches,
    Op { ticket: Ticket, index: usize },
    Multi(Ticket),
    Close,
}

/// Operations that wait for their answers.
#[derive(Clone, Debug)]
struct Submission {
    user: SessionUser,
    ops: Vec<Op>,
    multi: bool,
    /// By operation; `None` while it has no answer.
    results: Vec<Option<Result<OpResult, ZkError>>>,
    unanswered: usize,
}

/// The watches that stand, as the client remembers them (`ZKWatchManager`).
#[derive(Clone, Debug, Default)]
struct Watched {
    data: BTreeSet<Path>,
    exists: BTreeSet<Path>,
    children: BTreeSet<Path>,
}

/// A session, from the client's side. All submissions go out in order; those in flight when the connection is lost
/// are sent again once the same session is connected again (`retryRequestUntilConnected`), so a create may find its
/// own node.
#[derive(Clone, Debug)]
pub struct Session {
    /// The time-out asked for; once a session stands, the one granted.
    timeout: Micros,
    asked: Micros,
    part: u8,
    calls: u64,
    id: Option<SessionId>,
    link: Link,
    /// Whether this session, or one in the making, has had a connection before.
    connected_before: bool,
    /// The last transaction any answer told of.
    zxid: i64,
    watched: Watched,
    in_flight: VecDeque<(CallId, Sent)>,
    /// In order; the first has ticket `answered`.
    submissions: VecDeque<Submission>,
    answered: u64,
}

impl Session {
    /// A session that is not begun yet. Its calls carry `CallId::new(part, _)`.
    pub fn new(timeout: Micros, part: u8) -> Session {
        Session {
            timeout,
            asked: timeout,
            part,
            calls: 0,
            id: None,
            link: Link::Idle,
            connected_before: false,
            zxid: 0,
            watched: Watched::default(),
            in_flight: VecDeque::new(),
            submissions: VecDeque::new(),
            answered: 0,
        }
    }

    /// Connects.
    pub fn start(&mut self, env: &mut Env<'_>) {
        assert!(matches!(self.link, Link::Idle), "a session starts once");
        self.connect(env);
    }

    /// The session's id while one stands.
    pub fn id(&self) -> Option<SessionId> {
        self.id
    }

    /// Whether it was closed, and nothing more is to be heard of it.
    pub fn is_closed(&self) -> bool {
        matches!(self.link, Link::Closed)
    }

    /// Submits operations that succeed or fail one by one, pipelined in one go; one outcome for all.
    pub fn submit(&mut self, user: SessionUser, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        self.enqueue(user, ops, false, env)
    }

    /// Submits operations that succeed or fail together. On failure the outcome holds the error of the operation that
    /// failed at its index, and [`ZkError::RuntimeInconsistency`] elsewhere.
    pub fn submit_multi(&mut self, user: SessionUser, ops: Vec<Op>, env: &mut Env<'_>) -> Ticket {
        self.enqueue(user, ops, true, env)
    }

    fn enqueue(&mut self, user: SessionUser, ops: Vec<Op>, multi: bool, env: &mut Env<'_>) -> Ticket {
        let ticket = Ticket(self.answered + self.submissions.len() as u64);
        let unanswered = ops.len();
        self.submissions.push_back(Submission {
            user,
            ops,
            multi,
            results: vec![None; unanswered],
            unanswered,
        });
        if matches!(self.link, Link::Live { .. }) {
            self.send_submission(ticket, env);
        }
        ticket
    }

    /// Closes the session in order: its ephemeral nodes go at once.
    pub fn close(&mut self, env: &mut Env<'_>) {
        match self.link {
            Link::Live { .. } => {
                self.send(Sent::Close, ZooKeeperRequest::Close, env);
                self.link = Link::Closing;
            }
            Link::Opening { .. } => {
                self.disconnect(env);
                self.link = Link::Closed;
            }
            Link::Idle | Link::BackingOff { .. } => self.link = Link::Closed,
            Link::Closing | Link::Closed => {}
        }
    }

    /// The channel to ZooKeeper changed.
    pub fn on_channel(&mut self, event: ChannelEvent, env: &mut Env<'_>) -> Vec<SessionEvent> {
        match (event, self.link) {
            (ChannelEvent::Connected { .. }, Link::Opening { connected: false, .. }) => {
                self.connected_before = true;
                self.link = Link::Opening { connected: true, until: env.now + self.timeout };
                let request = ZooKeeperRequest::Connect { session: self.id, timeout: self.asked };
                self.send(Sent::Handshake, request, env);
                Vec::new()
            }
            (ChannelEvent::Failed, Link::Opening { connected: false, .. })
            | (ChannelEvent::Disconnected, Link::Opening { connected: true, .. } | Link::Live { .. }) => {
                self.lose(env)
            }
            (ChannelEvent::Disconnected, Link::Closing) => {
                self.in_flight.clear();
                self.link = Link::Closed;
                Vec::new()
            }
            // News of a connection that was given up meanwhile.
            _ => Vec::new(),
        }
    }

    /// A call of this session's part was answered.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        env: &mut Env<'_>,
    ) -> Vec<SessionEvent> {
        // A lost call is sent again when the channel's own news comes; one of an earlier connection is of no interest.
        let Ok(Response::ZooKeeper(response)) = answer else { return Vec::new() };
        let sent = match self.in_flight.front() {
            Some((first, sent)) if *first == call => *sent,
            _ => return Vec::new(),
        };
        self.in_flight.pop_front();
        // Not the handshake's: what happened while there was no connection has not been seen yet.
        if !matches!(sent, Sent::Handshake) {
            self.zxid = self.zxid.max(response.zxid);
        }
        if let Link::Live { heard, .. } = &mut self.link {
            *heard = env.now;
        }
        match (sent, response.answer) {
            (_, ZooKeeperAnswer::SessionExpired) => self.expire(env),
            (Sent::Handshake, ZooKeeperAnswer::Connected { session, timeout }) => {
                self.connected(session, timeout, env)
            }
            (Sent::Ping, ZooKeeperAnswer::Pong) | (Sent::Watches, ZooKeeperAnswer::WatchesSet) => Vec::new(),
            (Sent::Op { ticket, index }, ZooKeeperAnswer::Op(result)) => {
                self.remember_watch(ticket, index, &result);
                let submission = self.submission(ticket);
                submission.results[index] = Some(result);
                submission.unanswered -= 1;
                self.completed()
            }
            (Sent::Multi(ticket), ZooKeeperAnswer::Multi(outcome)) => {
                let submission = self.submission(ticket);
                submission.unanswered = 0;
                match outcome {
                    Ok(results) => {
                        submission.results = results.into_iter().map(|result| Some(Ok(result))).collect()
                    }
                    Err((failed, error)) => {
                        submission.results.fill(Some(Err(ZkError::RuntimeInconsistency)));
                        submission.results[failed] = Some(Err(error));
                    }
                }
                self.completed()
            }
            (Sent::Close, ZooKeeperAnswer::Closed) => {
                self.disconnect(env);
                self.id = None;
                self.link = Link::Closed;
                Vec::new()
            }
            (sent, answer) => unreachable!("{answer:?} answers no {sent:?}"),
        }
    }

    /// ZooKeeper pushed a watch event.
    pub fn on_pushed(&mut self, event: WatchEvent) -> Vec<SessionEvent> {
        let Watched { data, exists, children } = &mut self.watched;
        let watched = match event.kind {
            WatchKind::Created | WatchKind::DataChanged => {
                data.remove(&event.path) | exists.remove(&event.path)
            }
            WatchKind::ChildrenChanged => children.remove(&event.path),
            WatchKind::Deleted => {
                data.remove(&event.path) | exists.remove(&event.path) | children.remove(&event.path)
            }
        };
        // What nobody watches any more belongs to a session that is gone, or was told already.
        if watched { vec![SessionEvent::Watch(event)] } else { Vec::new() }
    }

    /// Time has passed: pings, reconnects.
    pub fn on_wake(&mut self, env: &mut Env<'_>) -> Vec<SessionEvent> {
        let mut events = Vec::new();
        match self.link {
            Link::BackingOff { until } if until <= env.now => self.connect(env),
            Link::Opening { until, .. } if until <= env.now => {
                self.disconnect(env);
                events = self.lose(env);
            }
            Link::Live { heard, .. } if heard + self.read_timeout() <= env.now => {
                self.disconnect(env);
                events = self.lose(env);
            }
            Link::Live { sent, .. } if sent + self.ping_interval() <= env.now => {
                self.send(Sent::Ping, ZooKeeperRequest::Ping, env);
            }
            _ => {}
        }
        events.extend(self.completed());
        events
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        if self.submissions.front().is_some_and(|first| first.unanswered == 0) {
            return Some(Time::ZERO);
        }
        match self.link {
            Link::Idle | Link::Closing | Link::Closed => None,
            Link::BackingOff { until } | Link::Opening { until, .. } => Some(until),
            Link::Live { heard, sent } => {
                Some((heard + self.read_timeout()).min(sent + self.ping_interval()))
            }
        }
    }

    fn read_timeout(&self) -> Micros {
        Micros(self.timeout.0 * 2 / 3)
    }

    fn ping_interval(&self) -> Micros {
        Micros(self.timeout.0 / 3).min(MAX_PING_INTERVAL)
    }

    fn connect(&mut self, env: &mut Env<'_>) {
        let (to, channel) = ZOOKEEPER;
        env.push(Effect::Connect { to, channel });
        self.link = Link::Opening { connected: false, until: env.now + self.timeout };
    }

    fn disconnect(&mut self, env: &mut Env<'_>) {
        let (to, channel) = ZOOKEEPER;
        env.push(Effect::Disconnect { to, channel });
        self.in_flight.clear();
    }

    fn send(&mut self, sent: Sent, request: ZooKeeperRequest, env: &mut Env<'_>) {
        let call = CallId::new(self.part, self.calls);
        self.calls += 1;
        self.in_flight.push_back((call, sent));
        if let Link::Live { sent, .. } = &mut self.link {
            *sent = env.now;
        }
        let (to, channel) = ZOOKEEPER;
        let request = request.into();
        env.push(Effect::Send { to, channel, call, version: 0, expects_answer: true, request });
    }

    /// Sends what of a submission has no answer yet.
    fn send_submission(&mut self, ticket: Ticket, env: &mut Env<'_>) {
        let submission = self.submission(ticket);
        if submission.unanswered == 0 {
            return;
        }
        if submission.multi {
            let ops = submission.ops.clone();
            self.send(Sent::Multi(ticket), ZooKeeperRequest::Multi(ops), env);
            return;
        }
        for index in 0..submission.ops.len() {
            let submission = self.submission(ticket);
            if submission.results[index].is_none() {
                let op = submission.ops[index].clone();
                self.send(Sent::Op { ticket, index }, ZooKeeperRequest::Op(op), env);
            }
        }
    }

    fn submission(&mut self, ticket: Ticket) -> &mut Submission {
        let index = (ticket.0 - self.answered) as usize;
        &mut self.submissions[index]
    }

    /// Takes the answered submissions from the front: they are answered in order.
    fn completed(&mut self) -> Vec<SessionEvent> {
        let mut events = Vec::new();
        while self.submissions.front().is_some_and(|first| first.unanswered == 0) {
            let Submission { user, results, .. } = self.submissions.pop_front().expect("there is one");
            let outcome = results.into_iter().map(|result| result.expect("all are answered")).collect();
            events.push(SessionEvent::Answer { user, ticket: Ticket(self.answered), outcome });
            self.answered += 1;
        }
        events
    }

    fn remember_watch(&mut self, ticket: Ticket, index: usize, result: &Result<OpResult, ZkError>) {
        let submission = &self.submissions[(ticket.0 - self.answered) as usize];
        let watched = &mut self.watched;
        let (kind, path) = match (&submission.ops[index], result) {
            (Op::GetData { path, watch: true }, Ok(_)) => (&mut watched.data, path),
            (Op::Exists { path, watch: true }, Ok(OpResult::Exists(Some(_)))) => (&mut watched.data, path),
            (Op::Exists { path, watch: true }, Ok(_)) => (&mut watched.exists, path),
            (Op::GetChildren { path, watch: true }, Ok(_)) => (&mut watched.children, path),
            _ => return,
        };
        kind.insert(path.clone());
    }

    /// A session stands on the connection.
    fn connected(&mut self, session: SessionId, timeout: Micros, env: &mut Env<'_>) -> Vec<SessionEvent> {
        let fresh = self.id != Some(session);
        assert!(!fresh || self.id.is_none(), "ZooKeeper goes on with the session that was named, or refuses");
        self.id = Some(session);
        self.timeout = timeout;
        self.link = Link::Live { heard: env.now, sent: env.now };
        if let Some(watches) = self.watched.paths() {
            let request = ZooKeeperRequest::SetWatches { zxid: self.zxid, watches: Box::new(watches) };
            self.send(Sent::Watches, request, env);
        }
        for index in 0..self.submissions.len() as u64 {
            self.send_submission(Ticket(self.answered + index), env);
        }
        vec![SessionEvent::Connected { session, fresh }]
    }

    /// The connection is gone: try again later.
    fn lose(&mut self, env: &mut Env<'_>) -> Vec<SessionEvent> {
        self.in_flight.clear();
        let stood = matches!(self.link, Link::Live { .. });
        let mut wait = BACK_OFF;
        if self.connected_before {
            wait = wait + Micros(env.entropy.draw(Purpose::BackOff) % BACK_OFF.0);
        }
        self.link = Link::BackingOff { until: env.now + wait };
        if stood { vec![SessionEvent::ConnectionLost] } else { Vec::new() }
    }

    /// The session is gone.
    fn expire(&mut self, env: &mut Env<'_>) -> Vec<SessionEvent> {
        let closing = matches!(self.link, Link::Closing);
        self.id = None;
        self.watched = Watched::default();
        let mut events = Vec::with_capacity(self.submissions.len() + 1);
        for Submission { user, ops, .. } in self.submissions.drain(..) {
            let outcome = vec![Err(ZkError::SessionExpired); ops.len()];
            events.push(SessionEvent::Answer { user, ticket: Ticket(self.answered), outcome });
            self.answered += 1;
        }
        self.disconnect(env);
        if closing {
            self.link = Link::Closed;
            return events;
        }
        events.push(SessionEvent::Expired);
        // A new client handle: it asks anew, and its first connection does not wait.
        self.timeout = self.asked;
        self.connected_before = false;
        self.connect(env);
        events
    }
}

impl Watched {
    /// All of them, unless there are none.
    fn paths(&self) -> Option<WatchedPaths> {
        let list = |paths: &BTreeSet<Path>| paths.iter().cloned().collect::<Vec<Path>>();
        let none = self.data.is_empty() && self.exists.is_empty() && self.children.is_empty();
        (!none).then(|| WatchedPaths {
            data: list(&self.data),
            exists: list(&self.exists),
            children: list(&self.children),
        })
    }
}
