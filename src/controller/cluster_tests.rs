//! Several controllers against the real ZooKeeper node, each by a session of its own.

use super::rig::{ids, response};
use super::*;
use crate::ids::TopicPartition;
use crate::messages::Request;
use crate::messages::zookeeper::{Op, ZooKeeperAnswer, ZooKeeperRequest};
use crate::node::{Channel, Effect, Input, Node};
use crate::time::Timestamp;
use crate::zookeeper::bench::Bench;
use crate::zookeeper::session::{SessionEvent, SessionUser};
use crate::zookeeper::znode::{self, ReplicaAssignment, ZnodeData};
use std::sync::Arc;

/// As much of a broker as a controller needs: a session, a registration, and answers to control requests.
struct Broker {
    id: BrokerId,
    session: Session,
    controller: KafkaController,
    controlled: Vec<Request>,
    started: bool,
}

impl Broker {
    fn new(id: i32, era: &str) -> Broker {
        let era = Era::parse(era).expect("a release");
        let config = BrokerConfig::new(&era, BrokerId(id), &[]).expect("defaults");
        Broker {
            id: BrokerId(id),
            session: Session::new(Micros::from_millis(6_000), 1),
            controller: KafkaController::new(&config, &era, NodeId(id as u16), 7),
            controlled: Vec::new(),
            started: false,
        }
    }

    fn told(&mut self, events: Vec<SessionEvent>, env: &mut Env<'_>) {
        let Broker { session, controller, .. } = self;
        for event in events {
            match event {
                SessionEvent::Connected { fresh: true, .. } => {
                    let node = NodeId(self.id.0 as u16);
                    let data = ZnodeData::Broker { node, rack: None, timestamp: Timestamp(0) };
                    let path = znode::broker_path(self.id);
                    let create = Op::Create { path, data, ephemeral: true, sequential: false };
                    session.submit(SessionUser::Broker, vec![create], env);
                }
                SessionEvent::Answer { user: SessionUser::Broker, outcome, .. } if outcome[0].is_ok() => {
                    if std::mem::replace(&mut self.started, true) {
                        controller.on_new_session(session, env);
                    } else {
                        controller.startup(session, env);
                    }
                }
                SessionEvent::Answer { user: SessionUser::Controller, ticket, outcome } => {
                    controller.on_outcome(ticket, outcome, session, env);
                }
                SessionEvent::Expired => controller.on_session_expired(session, env),
                SessionEvent::Watch(event) => controller.on_watch(&event, session, env),
                _ => {}
            }
        }
    }

    /// The brokers at the other end of the controller's channels answer at once.
    fn answer_control_requests(&mut self, env: &mut Env<'_>) {
        let is_control = |effect: &Effect| match effect {
            Effect::Connect { channel, .. }
            | Effect::Disconnect { channel, .. }
            | Effect::Send { channel, .. } => *channel == Channel::Controller,
            _ => false,
        };
        while let Some(at) = env.effects.iter().position(is_control) {
            match env.effects.remove(at) {
                Effect::Connect { to, .. } => {
                    let peer = self.controller.era.clone();
                    self.controller.on_channel(to, ChannelEvent::Connected { peer }, &mut self.session, env);
                }
                Effect::Send { call, request, .. } => {
                    let answer = Ok(response(&request));
                    self.controlled.push(request);
                    self.controller.on_answer(call, answer, &mut self.session, env);
                }
                _ => {}
            }
        }
    }
}

impl Node for Broker {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let events = match input {
            Input::Start => {
                self.session.start(env);
                Vec::new()
            }
            Input::Channel { event, .. } => self.session.on_channel(event, env),
            Input::Answer { call, answer } => self.session.on_answer(call, answer, env),
            Input::Pushed { event, .. } => self.session.on_pushed(event),
            Input::Wake => {
                self.controller.on_wake(&mut self.session, env);
                self.session.on_wake(env)
            }
            other => panic!("{other:?}"),
        };
        self.told(events, env);
        self.answer_control_requests(env);
    }

    fn deadline(&self) -> Option<Time> {
        self.session.deadline().into_iter().chain(self.controller.deadline()).min()
    }
}

fn cluster(era: &str) -> Bench<Broker> {
    Bench::new((1..=3).map(|id| Broker::new(id, era)).collect())
}

fn operate(bench: &mut Bench<Broker>, op: Op) {
    let connect = ZooKeeperRequest::Connect { session: None, timeout: Micros::from_millis(600_000) };
    bench.ask(1, connect);
    let answer = bench.ask(1, ZooKeeperRequest::Op(op));
    assert!(matches!(answer, ZooKeeperAnswer::Op(Ok(_))), "{answer:?}");
}

fn create_topic(bench: &mut Bench<Broker>, topic: &str, replicas: &[&[i32]]) {
    let assignment = |list: &&[i32]| ReplicaAssignment { replicas: ids(list), ..Default::default() };
    let data = ZnodeData::Topic(Arc::new((0..).zip(replicas.iter().map(assignment)).collect()));
    let path = znode::topic_path(Topic::new(topic));
    operate(bench, Op::Create { path, data, ephemeral: false, sequential: false });
}

fn state(bench: &Bench<Broker>, partition: &str) -> String {
    let partition = TopicPartition::parse(partition).expect("a partition");
    let (state, version) = bench.zookeeper.partition_state(partition).expect("it has a state");
    let isr: Vec<i32> = state.isr.iter().map(|id| id.0).collect();
    format!("{} e{} {isr:?} c{} v{}", state.leader, state.leader_epoch, state.controller_epoch, version.0)
}

/// Each broker's epoch as controller, by broker.
fn epochs(bench: &Bench<Broker>) -> Vec<Option<i32>> {
    bench.nodes.iter().map(|broker| broker.controller.active_epoch().map(|epoch| epoch.0)).collect()
}

#[test]
fn one_of_three_is_elected_and_a_dead_leader_is_replaced() {
    for era in ["0.10.2", "1.0", "1.1", "2.1", "2.8", "3.9"] {
        let mut bench = cluster(era);
        assert_eq!(epochs(&bench), [Some(1), None, None], "{era}");
        create_topic(&mut bench, "t", &[&[2, 3], &[3, 2]]);
        assert_eq!(state(&bench, "t-0"), "2 e0 [2, 3] c1 v0", "{era}");
        bench.cut.insert(1);
        bench.advance(Micros::from_millis(10_000));
        assert_eq!(state(&bench, "t-0"), "3 e1 [3] c1 v1", "{era}");
        assert_eq!(state(&bench, "t-1"), "3 e1 [3] c1 v1", "{era}");
        // It comes back in a new session, and follows.
        bench.cut.clear();
        bench.advance(Micros::from_millis(30_000));
        assert_eq!(bench.zookeeper.children(znode::BROKER_IDS), ["1", "2", "3"], "{era}");
        let last = bench.nodes[0].controlled.iter().rev().find_map(|request| match request {
            Request::LeaderAndIsr(request) => Some(request.partitions.len()),
            _ => None,
        });
        assert_eq!(last, Some(2), "{era}: it is told of both");
        assert_eq!(epochs(&bench), [Some(1), None, None], "{era}");
    }
}

#[test]
fn a_controller_whose_session_expires_is_replaced_and_resigns() {
    for era in ["0.10.2", "1.0", "1.1", "2.1", "2.8", "3.9"] {
        let mut bench = cluster(era);
        create_topic(&mut bench, "t", &[&[1, 2], &[2, 1]]);
        bench.expire(0);
        bench.advance(Micros::from_millis(1_000));
        assert_eq!(epochs(&bench).iter().flatten().collect::<Vec<_>>(), [&2], "{era}: exactly one");
        assert_eq!(bench.zookeeper.children(znode::BROKER_IDS), ["1", "2", "3"], "{era}");
        operate(&mut bench, Op::Delete { path: znode::CONTROLLER.into(), version: None });
        bench.advance(Micros::from_millis(1_000));
        assert_eq!(epochs(&bench).iter().flatten().collect::<Vec<_>>(), [&3], "{era}: exactly one again");
    }
}

#[test]
fn controller_and_leader_die_together() {
    // As real clusters showed: (era, the partition that 1 led, the one that it followed)
    for (era, led, followed) in [
        ("0.10.2", "2 e1 [2] c2 v1", "2 e0 [2, 1] c1 v0"),
        ("1.1", "2 e1 [2] c2 v1", "2 e0 [2, 1] c1 v0"),
        ("2.2", "2 e1 [2] c2 v1", "2 e0 [2, 1] c1 v0"),
        ("2.4", "2 e2 [2] c2 v2", "2 e1 [2] c2 v1"),
        ("2.8", "2 e2 [2] c2 v2", "2 e1 [2] c2 v1"),
    ] {
        let mut bench = cluster(era);
        create_topic(&mut bench, "t", &[&[1, 2], &[2, 1]]);
        bench.cut.insert(0);
        bench.advance(Micros::from_millis(10_000));
        assert_eq!(state(&bench, "t-0"), led, "{era}");
        assert_eq!(state(&bench, "t-1"), followed, "{era}");
    }
}
