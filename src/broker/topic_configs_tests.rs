//! Topic settings, against ZooKeeper.

use super::{TopicConfigs, TopicRead};
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, Topic};
use crate::messages::zookeeper::{Op, ZooKeeperRequest};
use crate::node::{Channel, Env, Input, Node};
use crate::time::{Micros, Time};
use crate::zookeeper::bench::Bench;
use crate::zookeeper::session::{Session, SessionEvent};
use crate::zookeeper::znode::ZnodeData;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node that holds a session and reads settings.
struct Reader {
    session: Session,
    configs: TopicConfigs,
    read: Vec<TopicRead>,
}

impl Reader {
    fn new() -> Reader {
        let era = Era::parse("2.4").expect("a release");
        let config = BrokerConfig::new(&era, BrokerId(1), &[]).expect("defaults");
        Reader {
            session: Session::new(Micros::from_millis(6000), 1),
            configs: TopicConfigs::new(&Arc::new(era), &config.topic_defaults),
            read: Vec::new(),
        }
    }

    fn on_events(&mut self, events: Vec<SessionEvent>, env: &mut Env<'_>) {
        for event in events {
            let session = &mut self.session;
            match event {
                SessionEvent::Connected { fresh: true, .. } => self.configs.on_new_session(session, env),
                SessionEvent::Answer { ticket, outcome, .. } if self.configs.awaits(ticket) => {
                    self.read.extend(self.configs.on_outcome(ticket, outcome, session, env));
                }
                SessionEvent::Watch(event) => self.configs.on_watch(&event, session, env),
                _ => {}
            }
        }
    }

    fn min_isr(&self, topic: &str) -> Option<usize> {
        self.configs.get(Topic::new(topic)).map(|config| config.min_insync_replicas)
    }
}

impl Node for Reader {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let events = match input {
            Input::Start => {
                self.session.start(env);
                Vec::new()
            }
            Input::Channel { channel: Channel::ZooKeeper, event, .. } => self.session.on_channel(event, env),
            Input::Answer { call, answer } => self.session.on_answer(call, answer, env),
            Input::Pushed { event, .. } => self.session.on_pushed(event),
            Input::Wake => self.session.on_wake(env),
            other => panic!("{other:?}"),
        };
        self.on_events(events, env);
    }

    fn deadline(&self) -> Option<Time> {
        self.session.deadline()
    }
}

fn create(bench: &mut Bench<Reader>, path: &str, data: ZnodeData, sequential: bool) {
    let op = Op::Create { path: path.into(), data, ephemeral: false, sequential };
    bench.ask(7, ZooKeeperRequest::Op(op));
}

fn settings(min_isr: &str) -> ZnodeData {
    setting("min.insync.replicas", min_isr)
}

fn setting(name: &str, value: &str) -> ZnodeData {
    ZnodeData::Config(Arc::new(BTreeMap::from([(name.to_owned(), value.to_owned())])))
}

fn change(bench: &mut Bench<Reader>, topic: &str, min_isr: &str) {
    let path = format!("/config/topics/{topic}");
    let op = Op::SetData { path: path.into(), data: settings(min_isr), version: None };
    bench.ask(7, ZooKeeperRequest::Op(op));
    announce(bench, topic);
}

fn announce(bench: &mut Bench<Reader>, topic: &str) {
    let data = ZnodeData::ConfigChange(format!("topics/{topic}").into());
    create(bench, "/config/changes/config_change_", data, true);
}

fn bench() -> Bench<Reader> {
    let mut bench = Bench::new(vec![Reader::new()]);
    let timeout = Micros::from_millis(6000);
    bench.ask(7, ZooKeeperRequest::Connect { session: None, timeout });
    bench
}

fn read(bench: &mut Bench<Reader>, topic: &str) {
    let topics = vec![Topic::new(topic)];
    bench.with(0, |reader, env| reader.configs.read(topics, &mut reader.session, &mut env.env()));
}

#[test]
fn a_topic_without_settings_has_the_brokers() {
    let mut bench = bench();
    assert_eq!(bench.nodes[0].min_isr("orders"), None);
    read(&mut bench, "orders");
    assert_eq!(bench.nodes[0].min_isr("orders"), Some(1));
    create(&mut bench, "/config/topics/strict", settings("2"), false);
    read(&mut bench, "strict");
    assert_eq!(bench.nodes[0].min_isr("strict"), Some(2));
}

#[test]
fn a_change_is_read_when_it_is_announced_and_each_announcement_once() {
    let mut bench = bench();
    create(&mut bench, "/config/topics/orders", settings("1"), false);
    for (min_isr, expected) in [("2", 2), ("3", 3), ("2", 2)] {
        change(&mut bench, "orders", min_isr);
        assert_eq!(bench.nodes[0].min_isr("orders"), Some(expected));
    }
    assert_eq!(bench.nodes[0].read.len(), 3);
}

#[test]
fn changes_made_while_no_session_stood_are_read_in_the_next() {
    let mut bench = bench();
    create(&mut bench, "/config/topics/orders", settings("1"), false);
    change(&mut bench, "orders", "2");
    bench.cut.insert(0);
    bench.reset(0);
    bench.expire(0);
    change(&mut bench, "orders", "3");
    read(&mut bench, "other");
    assert_eq!(bench.nodes[0].min_isr("orders"), Some(2));
    bench.cut.clear();
    bench.advance(Micros::from_millis(20_000));
    assert_eq!(bench.nodes[0].min_isr("orders"), Some(3));
    assert_eq!(
        bench.nodes[0].min_isr("other"),
        Some(1),
        "what was asked for in the old session is asked again"
    );
}

#[test]
fn a_topic_that_is_gone_is_forgotten_and_settings_that_cannot_be_count_as_none() {
    let mut bench = bench();
    create(&mut bench, "/config/topics/orders", settings("many"), false);
    read(&mut bench, "orders");
    assert_eq!(bench.nodes[0].min_isr("orders"), Some(1));
    bench.nodes[0].configs.forget(Topic::new("orders"));
    assert_eq!(bench.nodes[0].min_isr("orders"), None);
}

#[test]
fn a_topic_that_allows_unclean_election_is_reported_when_announced() {
    let mut bench = bench();
    let unclean = setting("unclean.leader.election.enable", "true");
    create(&mut bench, "/config/topics/orders", unclean, false);
    read(&mut bench, "orders");
    announce(&mut bench, "orders");
    create(&mut bench, "/config/topics/strict", settings("2"), false);
    announce(&mut bench, "strict");
    let reported: Vec<bool> = bench.nodes[0].read.iter().map(|read| read.unclean_announced).collect();
    assert_eq!(reported, [false, true, false]);
}
