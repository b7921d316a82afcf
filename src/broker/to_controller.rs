//! What a broker asks of the controller (`BrokerToControllerChannelManager`, and the client in
//! `KafkaServer.controlledShutdown`).
//!
//! 1. The first controller that the metadata cache names is kept (`activeController`), whoever is named later. AlterPartition
//!    goes there. If the connection is lost or cannot be made, if nobody answers in time, or if that broker says that it is
//!    not the controller (any more), it is forgotten: the same request is sent again, to whoever is named then, for as
//!    long as it takes. So a controller that was deposed and does not know it, or does not answer, still gets requests.
//! 2. ControlledShutdown goes to the broker that whoever asks has looked up, once.
//!
//! Both share one connection per broker here; Kafka opens one for each. Left out: forwarding of clients' requests
//! (KIP-590).

use crate::broker::fetcher_manager::Calls;
use crate::broker::metadata_cache::MetadataCache;
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{CallId, NodeId};
use crate::messages::alter_partition::{AlterPartitionRequest, AlterPartitionResponse};
use crate::messages::controlled_shutdown::{ControlledShutdownRequest, ControlledShutdownResponse};
use crate::messages::{ApiKey, Request, Response};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Env};
use crate::time::{Micros, Time};
use std::sync::Arc;

/// `reconnect.backoff.ms` of the channel manager's client.
const RECONNECT_BACKOFF: Micros = Micros::from_millis(50);
/// How long it waits before it looks for a controller again.
const NO_CONTROLLER_BACKOFF: Micros = Micros::from_millis(100);

/// Connections to controllers and what is under way on them.
#[derive(Clone, Debug)]
pub struct ToController {
    config: Arc<BrokerConfig>,
    calls: Calls,
    links: Vec<Link>,
    alter: Option<Asking<AlterPartitionRequest>>,
    shutdown: Option<Asking<ControlledShutdownRequest>>,
    /// The controller that AlterPartition goes to, until that fails.
    active: Option<NodeId>,
}

/// What came of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Heard {
    /// The controller answered an AlterPartition.
    Altered(AlterPartitionResponse),
    /// What became of a ControlledShutdown.
    ShutDown(Result<ControlledShutdownResponse, Disconnected>),
}

#[derive(Clone, Debug)]
struct Link {
    to: NodeId,
    state: LinkState,
}

#[derive(Clone, Debug)]
enum LinkState {
    Connecting {
        give_up: Time,
    },
    Connected(Box<Era>),
    /// Its calls have been answered with nothing; the event that says so is on its way.
    Lost,
}

#[derive(Clone, Debug)]
struct Asking<R> {
    request: R,
    stage: Stage,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// Not before this moment.
    Waiting { until: Time },
    /// For the connection to this broker.
    Connecting(NodeId),
    /// For the answer of this broker.
    Sent { to: NodeId, call: CallId, give_up: Time },
}

impl ToController {
    /// Nothing asked yet. Its calls carry `CallId::new(part, _)`.
    pub fn new(config: &Arc<BrokerConfig>, era: &Arc<Era>, part: u8) -> ToController {
        ToController {
            config: Arc::clone(config),
            calls: Calls::new(era, part),
            links: Vec::new(),
            alter: None,
            shutdown: None,
            active: None,
        }
    }

    /// Whether an AlterPartition may be handed in: one at a time.
    pub fn is_free(&self) -> bool {
        self.alter.is_none()
    }

    /// The metadata cache has changed: keeps the controller that it names, unless there is one already.
    pub fn on_metadata(&mut self, metadata: &MetadataCache) {
        if self.active.is_none() {
            self.active = metadata.controller().map(|(_, node)| node);
        }
    }

    /// Sends an AlterPartition, however often it takes.
    pub fn alter(&mut self, request: AlterPartitionRequest, metadata: &MetadataCache, env: &mut Env<'_>) {
        assert!(self.is_free(), "one AlterPartition at a time");
        self.alter = Some(Asking { request, stage: Stage::Waiting { until: env.now } });
        self.go_on(metadata, env);
    }

    /// Sends a ControlledShutdown to this broker, once.
    pub fn shut_down(&mut self, request: ControlledShutdownRequest, to: NodeId, env: &mut Env<'_>) {
        self.shutdown = Some(Asking { request, stage: Stage::Connecting(to) });
        self.connect(to, env);
        self.send_shutdown(to, env);
    }

    /// A `Channel::ToController` changed.
    pub fn on_channel(
        &mut self,
        to: NodeId,
        event: ChannelEvent,
        metadata: &MetadataCache,
        env: &mut Env<'_>,
    ) -> Option<Heard> {
        let index = self.links.iter().position(|link| link.to == to)?;
        match event {
            ChannelEvent::Connected { peer } => {
                self.links[index].state = LinkState::Connected(Box::new(peer));
                self.send_alter(to, env);
                self.send_shutdown(to, env);
                None
            }
            ChannelEvent::Failed => {
                self.links.remove(index);
                self.on_connect_failed(to, env)
            }
            ChannelEvent::Disconnected => {
                self.links.remove(index);
                self.go_on(metadata, env);
                // Somebody may have waited for the event, to connect anew.
                let asking = self.shutdown.as_ref().map(|asking| asking.stage);
                if asking == Some(Stage::Connecting(to)) {
                    self.connect(to, env);
                }
                None
            }
        }
    }

    /// A call of this part was answered.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        env: &mut Env<'_>,
    ) -> Option<Heard> {
        if let Some(to) = sent(self.alter.as_ref(), call) {
            let until = env.now + RECONNECT_BACKOFF;
            let answered = match answer {
                Ok(Response::AlterPartition(response)) => {
                    if !says_not_controller(&response) {
                        self.alter = None;
                        return Some(Heard::Altered(response));
                    }
                    self.disconnect(to, env);
                    true
                }
                _ => false,
            };
            if !answered {
                self.lose(to);
            }
            self.active = None;
            if let Some(alter) = &mut self.alter {
                alter.stage = Stage::Waiting { until };
            }
            return None;
        }
        let to = sent(self.shutdown.as_ref(), call)?;
        self.shutdown = None;
        match answer {
            Ok(Response::ControlledShutdown(response)) => Some(Heard::ShutDown(Ok(response))),
            _ => {
                self.lose(to);
                Some(Heard::ShutDown(Err(Disconnected)))
            }
        }
    }

    /// Time has passed.
    pub fn on_wake(&mut self, metadata: &MetadataCache, env: &mut Env<'_>) -> Option<Heard> {
        let now = env.now;
        for stage in
            [self.alter.as_mut().map(|it| &mut it.stage), self.shutdown.as_mut().map(|it| &mut it.stage)]
        {
            if let Some(Stage::Sent { to, give_up, .. }) = stage
                && *give_up <= now
            {
                // The answer to the call is now that there is none.
                let to = *to;
                *give_up = Time::NEVER;
                env.push(Effect::Disconnect { to, channel: Channel::ToController });
                self.links.retain(|link| link.to != to);
            }
        }
        let late = |link: &Link| matches!(link.state, LinkState::Connecting { give_up } if give_up <= now);
        if let Some(index) = self.links.iter().position(late) {
            let to = self.links[index].to;
            self.disconnect(to, env);
            let heard = self.on_connect_failed(to, env);
            if heard.is_some() {
                return heard;
            }
        }
        self.go_on(metadata, env);
        None
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        let of_link = |link: &Link| match link.state {
            LinkState::Connecting { give_up } => give_up,
            LinkState::Connected(_) | LinkState::Lost => Time::NEVER,
        };
        let of_stage = |stage: Stage| match stage {
            Stage::Waiting { until } => until,
            Stage::Sent { give_up, .. } => give_up,
            Stage::Connecting(_) => Time::NEVER,
        };
        let links = self.links.iter().map(of_link).fold(Time::NEVER, Time::min);
        let alter = self.alter.as_ref().map_or(Time::NEVER, |alter| of_stage(alter.stage));
        let shutdown = self.shutdown.as_ref().map_or(Time::NEVER, |shutdown| of_stage(shutdown.stage));
        let first = links.min(alter).min(shutdown);
        (first != Time::NEVER).then_some(first)
    }

    /// Takes up an AlterPartition whose time has come.
    fn go_on(&mut self, metadata: &MetadataCache, env: &mut Env<'_>) {
        self.on_metadata(metadata);
        let Some(alter) = &mut self.alter else { return };
        let due = match alter.stage {
            Stage::Waiting { until } => until <= env.now,
            // The connection it waited for went before it stood.
            Stage::Connecting(to) => !self.links.iter().any(|link| link.to == to),
            Stage::Sent { .. } => false,
        };
        if !due {
            return;
        }
        match self.active {
            Some(to) => {
                alter.stage = Stage::Connecting(to);
                self.connect(to, env);
                self.send_alter(to, env);
            }
            None => alter.stage = Stage::Waiting { until: env.now + NO_CONTROLLER_BACKOFF },
        }
    }

    fn on_connect_failed(&mut self, to: NodeId, env: &mut Env<'_>) -> Option<Heard> {
        if let Some(alter) = self.alter.as_mut().filter(|asking| asking.stage == Stage::Connecting(to)) {
            alter.stage = Stage::Waiting { until: env.now + RECONNECT_BACKOFF };
            self.active = None;
        }
        self.shutdown.take_if(|asking| asking.stage == Stage::Connecting(to))?;
        Some(Heard::ShutDown(Err(Disconnected)))
    }

    fn connect(&mut self, to: NodeId, env: &mut Env<'_>) {
        if !self.links.iter().any(|link| link.to == to) {
            let give_up = env.now + self.config.controller_socket_timeout;
            self.links.push(Link { to, state: LinkState::Connecting { give_up } });
            env.push(Effect::Connect { to, channel: Channel::ToController });
        }
    }

    fn disconnect(&mut self, to: NodeId, env: &mut Env<'_>) {
        self.links.retain(|link| link.to != to);
        env.push(Effect::Disconnect { to, channel: Channel::ToController });
    }

    fn lose(&mut self, to: NodeId) {
        let link = self.links.iter_mut().find(|link| link.to == to);
        if let Some(link) = link.filter(|link| matches!(link.state, LinkState::Connected(_))) {
            link.state = LinkState::Lost;
        }
    }

    fn send_alter(&mut self, to: NodeId, env: &mut Env<'_>) {
        let Some(mut alter) = self.alter.take_if(|asking| asking.stage == Stage::Connecting(to)) else {
            return;
        };
        let version = |own: &Era, peer: &Era| ApiKey::AlterPartition.version(own, peer).unwrap_or(0);
        let request = |_| alter.request.clone().into();
        if let Some(stage) = self.send(to, version, request, env) {
            alter.stage = stage;
        }
        self.alter = Some(alter);
    }

    fn send_shutdown(&mut self, to: NodeId, env: &mut Env<'_>) {
        let Some(mut asking) = self.shutdown.take_if(|asking| asking.stage == Stage::Connecting(to)) else {
            return;
        };
        let version = |own: &Era, peer: &Era| ApiKey::ControlledShutdown.version(own, peer).unwrap_or(0);
        let request = |version| asking.request.clone().for_version(version).into();
        if let Some(stage) = self.send(to, version, request, env) {
            asking.stage = stage;
        }
        self.shutdown = Some(asking);
    }

    /// Sends if the connection stands.
    fn send(
        &mut self,
        to: NodeId,
        version: impl Fn(&Era, &Era) -> i16,
        request: impl Fn(i16) -> Request,
        env: &mut Env<'_>,
    ) -> Option<Stage> {
        let link = self.links.iter().find(|link| link.to == to)?;
        let LinkState::Connected(peer) = &link.state else { return None };
        let version = version(&self.calls.era, peer);
        let call = self.calls.new_call();
        env.push(Effect::Send {
            to,
            channel: Channel::ToController,
            call,
            version,
            expects_answer: true,
            request: request(version),
        });
        Some(Stage::Sent { to, call, give_up: env.now + self.config.controller_socket_timeout })
    }
}

/// Whether any error in it says so: that of the request, or (from 3.3 on) of a partition.
fn says_not_controller(response: &AlterPartitionResponse) -> bool {
    let of_partition = |(_, result): &(_, Result<_, KafkaError>)| *result == Err(KafkaError::NotController);
    response.error == Some(KafkaError::NotController) || response.partitions.iter().any(of_partition)
}

fn sent<R>(asking: Option<&Asking<R>>, call: CallId) -> Option<NodeId> {
    match asking?.stage {
        Stage::Sent { to, call: sent, .. } if sent == call => Some(to),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, TopicPartition};
    use crate::messages::update_metadata::UpdateMetadataRequest;
    use crate::testing::TestEnv;

    struct Desk {
        asking: ToController,
        metadata: MetadataCache,
        env: TestEnv,
        era: Era,
    }

    impl Desk {
        fn new() -> Desk {
            let era = Era::parse("2.8").expect("a release");
            let config = BrokerConfig::new(&era, BrokerId(1), &[]).expect("defaults");
            let asking = ToController::new(&Arc::new(config), &Arc::new(era.clone()), 4);
            Desk { asking, metadata: MetadataCache::default(), env: TestEnv::new(), era }
        }

        fn controller_is(&mut self, id: i32) {
            self.metadata.update(UpdateMetadataRequest {
                controller: BrokerId(id),
                controller_epoch: ControllerEpoch(1),
                broker_epoch: None,
                partitions: vec![],
                live_brokers: vec![(BrokerId(id), NodeId(id as u16))],
                racks: Vec::new(),
            });
        }

        /// What it wants done, in short, and the last call it sent.
        fn effects(&mut self) -> (String, Option<CallId>) {
            let (mut text, mut last) = (Vec::new(), None);
            for effect in std::mem::take(&mut self.env.effects) {
                match effect {
                    Effect::Connect { to, .. } => text.push(format!("connect {to}")),
                    Effect::Disconnect { to, .. } => text.push(format!("disconnect {to}")),
                    Effect::Send { to, call, request, .. } => {
                        text.push(format!("{} to {to}", request.api().name()));
                        last = Some(call);
                    }
                    other => panic!("{other:?}"),
                }
            }
            (text.join(", "), last)
        }

        fn channel(&mut self, to: u16, event: ChannelEvent) -> Option<Heard> {
            self.asking.on_channel(NodeId(to), event, &self.metadata, &mut self.env.env())
        }

        fn connected(&mut self, to: u16) -> Option<Heard> {
            let peer = self.era.clone();
            self.channel(to, ChannelEvent::Connected { peer })
        }

        fn answer(&mut self, call: CallId, error: Option<KafkaError>) -> Option<Heard> {
            let response = AlterPartitionResponse { error, partitions: vec![] };
            self.asking.on_answer(call, Ok(response.into()), &mut self.env.env())
        }

        fn alter(&mut self) {
            let request = AlterPartitionRequest {
                broker: BrokerId(1),
                broker_epoch: BrokerEpoch(5),
                partitions: vec![],
            };
            self.asking.alter(request, &self.metadata, &mut self.env.env());
        }

        /// Lets time pass up to the next deadline.
        fn wake(&mut self) -> Option<Heard> {
            self.env.now = self.asking.deadline().expect("something to wait for");
            self.asking.on_wake(&self.metadata, &mut self.env.env())
        }
    }

    #[test]
    fn an_isr_change_goes_on_until_a_controller_answers() {
        let mut desk = Desk::new();
        desk.alter();
        assert_eq!(desk.effects().0, "", "no controller is known");
        desk.controller_is(2);
        assert_eq!(desk.wake(), None);
        assert_eq!(desk.effects().0, "connect 2");
        assert_eq!(desk.channel(2, ChannelEvent::Failed), None);
        desk.wake();
        assert_eq!(desk.effects().0, "connect 2");
        desk.connected(2);
        let (text, call) = desk.effects();
        assert_eq!(text, "AlterPartition to 2");

        // The connection breaks; the event that says so may come late.
        let call = call.expect("sent");
        assert_eq!(desk.asking.on_answer(call, Err(Disconnected), &mut desk.env.env()), None);
        desk.wake();
        assert_eq!(desk.effects().0, "");
        desk.channel(2, ChannelEvent::Disconnected);
        assert_eq!(desk.effects().0, "connect 2");
        desk.connected(2);
        let call = desk.effects().1.expect("sent again");

        // It is not the controller any more.
        assert_eq!(desk.answer(call, Some(KafkaError::NotController)), None);
        assert_eq!(desk.effects().0, "disconnect 2");
        desk.controller_is(3);
        desk.wake();
        assert_eq!(desk.effects().0, "connect 3");
        desk.connected(3);
        let call = desk.effects().1.expect("sent to the new one");
        assert!(!desk.asking.is_free());
        assert!(matches!(desk.answer(call, None), Some(Heard::Altered(_))));
        assert!(desk.asking.is_free());
        assert_eq!(desk.asking.deadline(), None);
    }

    #[test]
    fn the_controller_it_knows_is_asked_until_that_fails() {
        let mut desk = Desk::new();
        desk.controller_is(2);
        desk.asking.on_metadata(&desk.metadata);
        desk.controller_is(3);
        desk.asking.on_metadata(&desk.metadata);
        desk.alter();
        assert_eq!(desk.effects().0, "connect 2", "the first that was named");
        desk.connected(2);
        let call = desk.effects().1.expect("sent");
        assert!(matches!(desk.answer(call, None), Some(Heard::Altered(_))));
        desk.alter();
        let call = desk.effects().1.expect("the connection stands");
        // One partition's error is enough.
        let partitions = vec![(TopicPartition::new("t", 0), Err(KafkaError::NotController))];
        let response = AlterPartitionResponse { error: None, partitions };
        assert_eq!(desk.asking.on_answer(call, Ok(response.into()), &mut desk.env.env()), None);
        assert_eq!(desk.effects().0, "disconnect 2");
        desk.wake();
        assert_eq!(desk.effects().0, "connect 3");
        // Nobody there: whoever is named by then is next.
        desk.controller_is(1);
        desk.channel(3, ChannelEvent::Failed);
        desk.wake();
        assert_eq!(desk.effects().0, "connect 1");
    }

    #[test]
    fn a_call_that_is_never_answered_is_given_up() {
        let mut desk = Desk::new();
        desk.controller_is(2);
        desk.alter();
        desk.connected(2);
        let call = desk.effects().1.expect("sent");
        desk.wake();
        assert_eq!(desk.env.now, Time::ZERO + Micros::from_millis(30_000));
        assert_eq!(desk.effects().0, "disconnect 2");
        desk.asking.on_answer(call, Err(Disconnected), &mut desk.env.env());
        desk.wake();
        assert_eq!(desk.effects().0, "connect 2");
    }

    #[test]
    fn a_shutdown_is_asked_for_once_even_beside_an_isr_change() {
        let mut desk = Desk::new();
        desk.controller_is(2);
        desk.alter();
        let request = ControlledShutdownRequest { broker: BrokerId(1), broker_epoch: Some(BrokerEpoch(5)) };
        desk.asking.shut_down(request.clone(), NodeId(2), &mut desk.env.env());
        assert_eq!(desk.effects().0, "connect 2");
        desk.connected(2);
        assert_eq!(desk.effects().0, "AlterPartition to 2, ControlledShutdown to 2");

        let mut desk = Desk::new();
        desk.asking.shut_down(request, NodeId(2), &mut desk.env.env());
        assert_eq!(desk.channel(2, ChannelEvent::Failed), Some(Heard::ShutDown(Err(Disconnected))));
        assert_eq!(desk.asking.deadline(), None);
    }
}
