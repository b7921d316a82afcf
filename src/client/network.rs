//! A client's network: opens connections when they are needed, keeps count of what is in flight, gives up on what takes
//! too long, and keeps metadata fresh (`NetworkClient`).
//!
//! 1. The owner asks whether a broker is [`NetworkClient::ready`]; if it is not connected, that opens the connection,
//!    unless the last one was lost too short a time ago (`reconnect.backoff.ms`).
//! 2. A request that is not answered within `request.timeout.ms` costs the connection: it is closed, and everything in
//!    flight on it is lost (it may be carried out all the same).
//! 3. The first call that is answered with "disconnected" loses all others on that connection at once. Answers to calls
//!    that were given up are dropped.
//! 4. Whenever a connection breaks or cannot be made, metadata is asked for again: the broker may be dead.
//! 5. Metadata is asked from the least loaded broker: connected with the fewest requests in flight, else one that is
//!    being connected to, else the one not tried for the longest time. While an update is due and not asked for,
//!    nothing else is sent.
//!
//! Left out: see [`super`].

use super::backoff::ExponentialBackoff;
use super::connections::{Connection, ConnectionState, InFlightRequest};
use super::metadata::Metadata;
use crate::era::Era;
use crate::ids::{CallId, NodeId};
use crate::messages::{ApiKey, Request, Response};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Env, Input, Purpose};
use crate::note::{ClientNote, Note};
use crate::time::{Micros, Time};
use std::collections::VecDeque;

/// The settings of a client's network, whoever's they are.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ClientSettings {
    /// `request.timeout.ms`.
    pub request_timeout: Micros,
    /// `reconnect.backoff.ms` up to `reconnect.backoff.max.ms`.
    pub reconnect: ExponentialBackoff,
    /// `retry.backoff.ms` up to `retry.backoff.max.ms`.
    pub retry: ExponentialBackoff,
    /// `metadata.max.age.ms`.
    pub metadata_max_age: Micros,
    /// `socket.connection.setup.timeout.ms` up to its `.max.ms`; `None` waits for ever (before 2.7).
    pub connection_setup: Option<ExponentialBackoff>,
    /// Requests in flight on one connection.
    pub max_in_flight: usize,
}

/// Whether a broker can be sent a request.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Readiness {
    /// Yes, now.
    Ready,
    /// Not before this time, if no event comes before.
    NotBefore(Time),
    /// When an event has come: it is being connected to, or has enough requests in flight.
    Waiting,
}

/// A metadata request in flight.
#[derive(Copy, Clone, Debug)]
struct MetadataCall {
    call: CallId,
    node: NodeId,
    version: i16,
}

/// A client's network.
#[derive(Clone, Debug)]
pub struct NetworkClient {
    era: Era,
    settings: ClientSettings,
    /// What it knows of the cluster.
    pub metadata: Metadata,
    /// In order of node.
    connections: Vec<Connection>,
    metadata_call: Option<MetadataCall>,
    calls: u64,
    /// The owner's calls that were lost and that it has not taken notice of yet.
    lost: VecDeque<CallId>,
}

impl NetworkClient {
    /// A client of `era` that knows these brokers to begin with.
    pub fn new(era: Era, settings: ClientSettings, bootstrap: Vec<NodeId>) -> NetworkClient {
        let metadata = Metadata::new(&era, settings.retry, settings.metadata_max_age, bootstrap);
        NetworkClient {
            era,
            settings,
            metadata,
            connections: Vec::new(),
            metadata_call: None,
            calls: 0,
            lost: VecDeque::new(),
        }
    }

    /// Takes what concerns the network. Returns the answer to one of the owner's calls, if it is one; lost calls are
    /// told by [`Self::next_lost`].
    pub fn handle(&mut self, input: Input, env: &mut Env<'_>) -> Option<(CallId, Response)> {
        match input {
            Input::Channel { to, event, .. } => {
                self.on_channel(to, event, env);
                None
            }
            Input::Answer { call, answer: Ok(response) } => self.on_response(call, response, env),
            Input::Answer { call, answer: Err(Disconnected) } => {
                if let Some(index) = self.connection_of(call) {
                    self.lose(index, false, env);
                }
                None
            }
            _ => None,
        }
    }

    /// The next of the owner's calls whose connection was lost, in the order of sending.
    pub fn next_lost(&mut self) -> Option<CallId> {
        self.lost.pop_front()
    }

    /// Does what is due: gives up on what took too long, asks for metadata.
    pub fn poll(&mut self, env: &mut Env<'_>) {
        for index in 0..self.connections.len() {
            if self.connections[index].gives_up_at() <= env.now {
                let to = self.connections[index].node;
                env.push(Effect::Disconnect { to, channel: Channel::Data });
                self.lose(index, true, env);
            }
        }
        self.maybe_update_metadata(env);
    }

    /// When [`Self::poll`] has something to do if no event comes before.
    pub fn deadline(&self, now: Time) -> Time {
        let gives_up = self.connections.iter().map(Connection::gives_up_at).min().unwrap_or(Time::NEVER);
        gives_up.min(self.next_metadata(now))
    }

    /// Whether a request can be sent to a broker; opens its connection if there is none.
    pub fn ready(&mut self, node: NodeId, env: &mut Env<'_>) -> Readiness {
        if self.metadata_call.is_none() && self.metadata.due_at() <= env.now {
            return Readiness::Waiting;
        }
        let index = self.connection(node);
        let connection = &self.connections[index];
        match connection.state {
            ConnectionState::Disconnected { retry_at } if retry_at > env.now => {
                Readiness::NotBefore(retry_at)
            }
            ConnectionState::Disconnected { .. } => {
                self.connect(index, env);
                Readiness::Waiting
            }
            _ if connection.can_send(self.settings.max_in_flight) => Readiness::Ready,
            _ => Readiness::Waiting,
        }
    }

    /// The version of an API to use with a connected broker; `None` if one of the two does not know it.
    pub fn version(&self, node: NodeId, api: ApiKey) -> Option<i16> {
        let index = self.connections.binary_search_by_key(&node, |connection| connection.node).ok()?;
        api.version(&self.era, self.connections[index].peer()?)
    }

    /// Whether a broker is connected, so that its release is known.
    pub fn is_connected(&self, node: NodeId) -> bool {
        let index = self.connections.binary_search_by_key(&node, |connection| connection.node);
        index.is_ok_and(|index| self.connections[index].peer().is_some())
    }

    /// The call that the next [`Self::send`] will be.
    pub fn next_call(&self) -> CallId {
        CallId::new(0, self.calls)
    }

    /// Sends a request to a broker that is ready. `version` is from [`Self::version`].
    pub fn send(
        &mut self,
        node: NodeId,
        version: i16,
        request: Request,
        expects_answer: bool,
        env: &mut Env<'_>,
    ) -> CallId {
        let index = self.connection(node);
        let call = self.next_call();
        let connection = &mut self.connections[index];
        assert!(connection.peer().is_some(), "a request goes only to a broker that is ready");
        self.calls += 1;
        if expects_answer {
            let expires_at = env.now + self.settings.request_timeout;
            connection.in_flight.push_back(InFlightRequest { call, expires_at });
        }
        env.push(Effect::Send { to: node, channel: Channel::Data, call, version, expects_answer, request });
        call
    }

    /// The place of a connection, which is made if there is none.
    fn connection(&mut self, node: NodeId) -> usize {
        self.connections.binary_search_by_key(&node, |connection| connection.node).unwrap_or_else(|index| {
            self.connections.insert(index, Connection::new(node));
            index
        })
    }

    fn connection_of(&self, call: CallId) -> Option<usize> {
        let has_it =
            |connection: &Connection| connection.in_flight.iter().any(|request| request.call == call);
        self.connections.iter().position(has_it)
    }

    fn connect(&mut self, index: usize, env: &mut Env<'_>) {
        let connection = &mut self.connections[index];
        let give_up_at = match &self.settings.connection_setup {
            Some(time) => env.now + time.wait(connection.setup_failures, env.entropy),
            None => Time::NEVER,
        };
        connection.state = ConnectionState::Connecting { give_up_at };
        connection.last_attempt = env.now;
        env.push(Effect::Connect { to: connection.node, channel: Channel::Data });
    }

    fn on_channel(&mut self, node: NodeId, event: ChannelEvent, env: &mut Env<'_>) {
        let index = self.connection(node);
        match (event, &self.connections[index].state) {
            (ChannelEvent::Connected { peer }, ConnectionState::Connecting { .. }) => {
                let connection = &mut self.connections[index];
                connection.state = ConnectionState::Ready { peer };
                connection.failures = 0;
                connection.setup_failures = 0;
            }
            (ChannelEvent::Failed, ConnectionState::Connecting { .. })
            | (
                ChannelEvent::Disconnected,
                ConnectionState::Connecting { .. } | ConnectionState::Ready { .. },
            ) => {
                self.lose(index, false, env);
                self.back_off(index, env);
            }
            (ChannelEvent::Disconnected, ConnectionState::Lost) => self.back_off(index, env),
            // Of a connection that this client has closed itself.
            _ => {}
        }
    }

    /// A connection is gone: everything in flight on it is lost. `closed`: by this client, so no event follows.
    fn lose(&mut self, index: usize, closed: bool, env: &mut Env<'_>) {
        let connection = &mut self.connections[index];
        let node = connection.node;
        if connection.is_connecting() {
            connection.setup_failures += 1;
        } else {
            env.note(|| Note::Client(ClientNote::ConnectionLost { node, timed_out: closed }));
        }
        connection.state = ConnectionState::Lost;
        let of_metadata = self.metadata_call.map(|metadata| metadata.call);
        let mut metadata_lost = false;
        for request in connection.in_flight.drain(..) {
            if Some(request.call) == of_metadata {
                metadata_lost = true;
            } else {
                self.lost.push_back(request.call);
            }
        }
        if metadata_lost {
            self.metadata_call = None;
            self.metadata.failed(env);
        }
        self.metadata.request_update();
        if closed {
            self.back_off(index, env);
        }
    }

    /// A connection is closed for good; the next one waits.
    fn back_off(&mut self, index: usize, env: &mut Env<'_>) {
        let connection = &mut self.connections[index];
        let wait = self.settings.reconnect.wait(connection.failures, env.entropy);
        connection.failures += 1;
        connection.state = ConnectionState::Disconnected { retry_at: env.now + wait };
    }

    fn on_response(
        &mut self,
        call: CallId,
        response: Response,
        env: &mut Env<'_>,
    ) -> Option<(CallId, Response)> {
        let is_next =
            |connection: &Connection| connection.in_flight.front().is_some_and(|next| next.call == call);
        let Some(index) = self.connections.iter().position(is_next) else {
            assert!(
                self.connection_of(call).is_none(),
                "answers on one channel come in the order of requests"
            );
            return None;
        };
        self.connections[index].in_flight.pop_front();
        match (self.metadata_call, response) {
            (Some(asked), Response::Metadata(answer)) if asked.call == call => {
                self.metadata_call = None;
                let changes = self.metadata.update(answer, asked.version, env);
                let broker = asked.node;
                env.note(|| Note::Client(ClientNote::MetadataRefreshed { broker, changes }));
                None
            }
            (_, response) => Some((call, response)),
        }
    }

    /// Asks for metadata if that is due and somebody can be asked (`DefaultMetadataUpdater.maybeUpdate`).
    pub fn maybe_update_metadata(&mut self, env: &mut Env<'_>) {
        if self.metadata_call.is_some() || self.metadata.due_at() > env.now {
            return;
        }
        let Some(index) = self.least_loaded(env) else { return };
        if !self.connections[index].can_send(self.settings.max_in_flight) {
            self.connect(index, env);
            return;
        }
        let node = self.connections[index].node;
        let version = self.version(node, ApiKey::Metadata).expect("every release knows Metadata");
        let request = self.metadata.request();
        let call = self.send(node, version, request.into(), true, env);
        self.metadata_call = Some(MetadataCall { call, node, version });
    }

    /// The connection to use or to open for metadata; `None` if one is being opened already, or if none can be.
    fn least_loaded(&mut self, env: &mut Env<'_>) -> Option<usize> {
        for index in 0..self.metadata.nodes().len() {
            let node = self.metadata.nodes()[index];
            self.connection(node);
        }
        let max_in_flight = self.settings.max_in_flight;
        let known = |index: &usize| self.metadata.nodes().contains(&self.connections[*index].node);
        let all = || (0..self.connections.len()).filter(known);
        // The smaller, the better: requests in flight if connected, else the time of the last attempt.
        let ready = |index: &usize| {
            let connection = &self.connections[*index];
            connection.can_send(max_in_flight).then_some(connection.in_flight.len() as u64)
        };
        let idle = |index: &usize| {
            let connection = &self.connections[*index];
            connection.can_connect(env.now).then_some(connection.last_attempt.0)
        };
        if all().any(|index| ready(&index).is_some()) {
            let best = all().filter_map(|index| ready(&index)).min();
            let candidates: Vec<usize> = all().filter(|index| ready(index) == best).collect();
            return Some(choose(&candidates, env));
        }
        if all().any(|index| self.connections[index].is_connecting()) {
            return None;
        }
        let best = all().filter_map(|index| idle(&index)).min()?;
        let candidates: Vec<usize> = all().filter(|index| idle(index) == Some(best)).collect();
        Some(choose(&candidates, env))
    }

    /// When metadata must be looked at without an event.
    fn next_metadata(&self, now: Time) -> Time {
        let due_at = self.metadata.due_at();
        if self.metadata_call.is_some() {
            return Time::NEVER;
        }
        if due_at > now {
            return due_at;
        }
        // Due, but nobody could be asked: when the first back-off is over, if no event comes before.
        let known = |connection: &&Connection| self.metadata.nodes().contains(&connection.node);
        let retries = self.connections.iter().filter(known).filter_map(|connection| match connection.state {
            ConnectionState::Disconnected { retry_at } => Some(retry_at),
            _ => None,
        });
        retries.filter(|retry_at| *retry_at > now).min().unwrap_or(Time::NEVER)
    }
}

/// One of several that are as good as each other; drawn only if there is a choice.
fn choose(candidates: &[usize], env: &mut Env<'_>) -> usize {
    match candidates {
        [only] => *only,
        _ => {
            let draw = env.entropy.draw(Purpose::LeastLoadedNode);
            candidates[(draw % candidates.len() as u64) as usize]
        }
    }
}
