//! The controller's connections to brokers (`ControllerChannelManager`, `RequestSendThread`).
//!
//! 1. Every registered broker, the controller's own included, has a queue and a connection of its own.
//! 2. One request is in flight per broker. The next one leaves when it is answered.
//! 3. A request whose connection is lost, or that is not answered within `request.timeout.ms`, is sent again, 100 ms
//!    later and on a new connection, until it is answered or the broker is no longer registered. So a broker may
//!    carry it out twice, and *a late control message is the first transmission of one that was sent again*.
//! 4. When the broker goes, its queue goes.
//!
//! Left out: `reconnect.backoff.ms` (the controller sets it to 0).

use super::Settings;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, LeaderEpoch, NodeId, TopicPartition};
use crate::messages::{ApiKey, Request, Response};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Env};
use crate::note::{ControllerNote, Note};
use crate::time::{Micros, Time};
use std::collections::{BTreeMap, VecDeque};

/// How long a send thread pauses before it tries again.
const BACK_OFF: Micros = Micros::from_millis(100);

#[derive(Clone, Debug)]
enum Link {
    /// Not connected, and nothing to send.
    Closed,
    /// Being opened, until then.
    Opening(Time),
    /// Connected to a broker of this era, with nothing in flight.
    Ready(Era),
    /// Connected, with the first of the queue in flight until then.
    Waiting(Era, CallId, Time),
    /// Pausing until then.
    BackingOff(Time),
}

#[derive(Clone, Debug)]
struct BrokerChannel {
    node: NodeId,
    link: Link,
    queue: VecDeque<Request>,
}

/// All connections of an active controller.
#[derive(Clone, Debug)]
pub(super) struct Channels {
    era: Era,
    part: u8,
    calls: u64,
    connect_timeout: Micros,
    request_timeout: Micros,
    brokers: BTreeMap<BrokerId, BrokerChannel>,
}

impl Channels {
    /// No connections yet.
    pub fn new(settings: Settings, era: &Era, part: u8) -> Channels {
        Channels {
            era: era.clone(),
            part,
            calls: 0,
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            brokers: BTreeMap::new(),
        }
    }

    /// A broker has registered.
    pub fn add(&mut self, broker: BrokerId, node: NodeId) {
        let channel = BrokerChannel { node, link: Link::Closed, queue: VecDeque::new() };
        self.brokers.entry(broker).or_insert(channel);
    }

    /// A broker is no longer registered, or is in another life.
    pub fn remove(&mut self, broker: BrokerId, env: &mut Env<'_>) {
        if let Some(channel) = self.brokers.remove(&broker) {
            channel.close(env);
        }
    }

    /// This broker is controller no more.
    pub fn shutdown(&mut self, env: &mut Env<'_>) {
        for channel in std::mem::take(&mut self.brokers).values() {
            channel.close(env);
        }
    }

    /// Queues a request. One to a broker that is not registered goes nowhere.
    pub fn send(&mut self, broker: BrokerId, request: Request, env: &mut Env<'_>) {
        if let Some(channel) = self.brokers.get_mut(&broker) {
            channel.queue.push_back(request);
            self.advance(broker, env);
        }
    }

    /// A connection changed.
    pub fn on_channel(&mut self, to: NodeId, event: ChannelEvent, env: &mut Env<'_>) {
        let Some((&broker, channel)) = self.brokers.iter_mut().find(|(_, channel)| channel.node == to) else {
            return;
        };
        channel.link = match (event, &channel.link) {
            (ChannelEvent::Connected { peer }, _) => Link::Ready(peer),
            // The call in flight has been answered before, and the pause has begun.
            (ChannelEvent::Disconnected, Link::BackingOff(until)) => Link::BackingOff(*until),
            (ChannelEvent::Failed | ChannelEvent::Disconnected, _) if channel.queue.is_empty() => {
                Link::Closed
            }
            (ChannelEvent::Failed | ChannelEvent::Disconnected, _) => Link::BackingOff(env.now + BACK_OFF),
        };
        self.advance(broker, env);
    }

    /// A call was answered: by whom, to which request, with what. `None` if there is nothing to act on.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        env: &mut Env<'_>,
    ) -> Option<(BrokerId, Request, Response)> {
        let is_in_flight =
            |channel: &BrokerChannel| matches!(channel.link, Link::Waiting(_, sent, _) if sent == call);
        let (&broker, channel) = self.brokers.iter_mut().find(|(_, channel)| is_in_flight(channel))?;
        let Link::Waiting(peer, ..) = &channel.link else { unreachable!("it was found by its call") };
        match answer {
            Ok(response) => {
                channel.link = Link::Ready(peer.clone());
                let request =
                    channel.queue.pop_front().expect("what is in flight stays at the head of the queue");
                self.advance(broker, env);
                Some((broker, request, response))
            }
            Err(Disconnected) => {
                channel.link = Link::BackingOff(env.now + BACK_OFF);
                None
            }
        }
    }

    /// Time has passed.
    pub fn on_wake(&mut self, env: &mut Env<'_>) {
        let due: Vec<BrokerId> = self
            .brokers
            .iter()
            .filter(|(_, channel)| channel.deadline().is_some_and(|at| at <= env.now))
            .map(|(broker, _)| *broker)
            .collect();
        for broker in due {
            let channel = self.brokers.get_mut(&broker).expect("it was just found");
            channel.link = match &channel.link {
                Link::BackingOff(_) => Link::Closed,
                Link::Opening(_) | Link::Waiting(..) => {
                    channel.close(env);
                    Link::BackingOff(env.now + BACK_OFF)
                }
                Link::Closed | Link::Ready(_) => unreachable!("no deadline"),
            };
            self.advance(broker, env);
        }
    }

    /// When the next of them wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        self.brokers.values().filter_map(BrokerChannel::deadline).min()
    }

    /// Sends the head of the queue if it can be sent, or opens the connection for it.
    fn advance(&mut self, broker: BrokerId, env: &mut Env<'_>) {
        let Some(channel) = self.brokers.get_mut(&broker) else { return };
        let Some(request) = channel.queue.front() else { return };
        let to = channel.node;
        match &channel.link {
            Link::Closed => {
                env.push(Effect::Connect { to, channel: Channel::Controller });
                channel.link = Link::Opening(env.now + self.connect_timeout);
            }
            Link::Ready(peer) => {
                let version = request.api().version(&self.era, peer).expect("every release speaks them");
                let call = CallId::new(self.part, self.calls);
                self.calls += 1;
                let request = for_version(request.clone(), version);
                env.note(|| {
                    let (api, partitions) = (request.api(), partitions(&request));
                    Note::Controller(ControllerNote::Sent { api, to: broker, partitions })
                });
                env.push(Effect::Send {
                    to,
                    channel: Channel::Controller,
                    call,
                    version,
                    expects_answer: true,
                    request,
                });
                channel.link = Link::Waiting(peer.clone(), call, env.now + self.request_timeout);
            }
            Link::Opening(_) | Link::Waiting(..) | Link::BackingOff(_) => {}
        }
    }
}

impl BrokerChannel {
    fn deadline(&self) -> Option<Time> {
        match self.link {
            Link::Closed | Link::Ready(_) => None,
            Link::Opening(until) | Link::Waiting(_, _, until) | Link::BackingOff(until) => Some(until),
        }
    }

    fn close(&self, env: &mut Env<'_>) {
        match self.link {
            Link::Closed | Link::BackingOff(_) => {}
            Link::Opening(_) | Link::Ready(_) | Link::Waiting(..) => {
                env.push(Effect::Disconnect { to: self.node, channel: Channel::Controller });
            }
        }
    }
}

fn for_version(request: Request, version: i16) -> Request {
    match request {
        Request::LeaderAndIsr(request) => request.for_version(version).into(),
        Request::StopReplica(request) => request.for_version(version).into(),
        Request::UpdateMetadata(request) => request.for_version(version).into(),
        other => unreachable!("a controller sends no {}", ApiKey::name(other.api())),
    }
}

/// What a request is about, and which leader it names.
fn partitions(request: &Request) -> Vec<(TopicPartition, Option<(BrokerId, LeaderEpoch)>)> {
    match request {
        Request::LeaderAndIsr(request) => request
            .partitions
            .iter()
            .map(|one| (one.partition, Some((one.leader, one.leader_epoch))))
            .collect(),
        Request::StopReplica(request) => request.partitions.iter().map(|one| (one.partition, None)).collect(),
        Request::UpdateMetadata(request) => request
            .partitions
            .iter()
            .map(|one| (one.partition, Some((one.leader, one.leader_epoch))))
            .collect(),
        _ => Vec::new(),
    }
}
