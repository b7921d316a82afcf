//! Whole brokers with ZooKeeper between them, over a network of one millisecond that loses nothing: the parts work together
//! in every era. Clocks, faults and stories are the simulator's.

mod groups;

use crate::broker::Broker;
use crate::broker::view::Role;
use crate::config::BrokerConfig;
use crate::disk::Disk;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, ConnectionId, NodeId, Topic, TopicPartition};
use crate::log::batch::{BatchHeader, RecordBatch};
use crate::log::log_manager::CLEAN_SHUTDOWN;
use crate::messages::metadata::MetadataRequest;
use crate::messages::produce::{Acks, ProduceRequest};
use crate::messages::zookeeper::{Op, ZooKeeperRequest};
use crate::messages::{Request, Response};
use crate::node::{Channel, ChannelEvent, Command, Disconnected, Effect, ExitReason, Input, Node, ReplyTo};
use crate::note::Note;
use crate::testing::TestEnv;
use crate::time::{Micros, Time, Timestamp};
use crate::zookeeper::ZooKeeper;
use crate::zookeeper::znode::{ReplicaAssignment, ZnodeData, topic_config_path, topic_path};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

const MS: Micros = Micros::from_millis(1);
/// Connections of clients, which the test itself plays, begin here.
const CLIENT: ConnectionId = ConnectionId(1_000_000);

enum Event {
    /// To a node, if it is still in this life.
    Input(usize, u32, Input),
    /// A request arrives over a connection.
    Request { connection: usize, ordinal: u32, version: i16, request: Request },
}

struct Connection {
    from: usize,
    to: usize,
    channel: Channel,
    open: bool,
    /// What was sent, by ordinal, and not answered.
    outstanding: Vec<(u32, CallId)>,
    sent: u32,
}

/// ZooKeeper is node 0, broker `i` is node `i`.
struct Cluster {
    era: Era,
    settings: Vec<(String, String)>,
    zookeeper: ZooKeeper,
    brokers: Vec<Option<Broker>>,
    lives: Vec<u32>,
    envs: Vec<TestEnv>,
    now: Time,
    queue: BTreeMap<(Time, u64), Event>,
    count: u64,
    connections: Vec<Connection>,
    exits: Vec<(usize, ExitReason)>,
    notes: Vec<(usize, Note)>,
    replies: Vec<Response>,
}

impl Cluster {
    fn new(era: Era, brokers: usize, settings: &[(&str, &str)]) -> Cluster {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut cluster = Cluster {
            era,
            settings: settings.collect(),
            zookeeper: ZooKeeper::new(),
            brokers: vec![None; brokers + 1],
            lives: vec![0; brokers + 1],
            envs: (0..=brokers).map(|_| TestEnv::new()).collect(),
            now: Time::ZERO,
            queue: BTreeMap::new(),
            count: 0,
            connections: Vec::new(),
            exits: Vec::new(),
            notes: Vec::new(),
            replies: Vec::new(),
        };
        (1..=brokers).for_each(|broker| cluster.start(broker));
        cluster.run(2_000);
        cluster.ask_zookeeper(ZooKeeperRequest::Connect { session: None, timeout: Micros(3_600_000_000) });
        cluster
    }

    fn of(release: &str) -> Cluster {
        Cluster::new(Era::parse(release).expect("a release"), 3, &[("zookeeper.session.timeout.ms", "6000")])
    }

    fn start(&mut self, id: usize) {
        let config = BrokerConfig::new(&self.era, BrokerId(id as i32), &self.settings).expect("settings");
        self.brokers[id] = Some(Broker::new(config, self.era.clone(), NodeId(id as u16)));
        self.lives[id] += 1;
        self.step(id, Input::Start);
    }

    fn push(&mut self, after: Micros, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + after, self.count), event);
    }

    fn tell(&mut self, node: usize, after: Micros, input: Input) {
        self.push(after, Event::Input(node, self.lives[node], input));
    }

    fn deadline(&self, node: usize) -> Option<Time> {
        match node {
            0 => self.zookeeper.deadline(),
            _ => self.brokers[node].as_ref()?.deadline(),
        }
    }

    fn step(&mut self, node: usize, input: Input) {
        self.envs[node].now = self.now;
        self.envs[node].wall = Timestamp(1_000_000 + self.now.millis() as i64);
        let effects = match node {
            0 => self.envs[0].step(&mut self.zookeeper, input),
            _ => match &mut self.brokers[node] {
                Some(broker) => self.envs[node].step(broker, input),
                None => return,
            },
        };
        for effect in effects {
            self.carry_out(node, effect);
            if node > 0 && self.brokers[node].is_none() {
                break;
            }
        }
    }

    fn find(&self, from: usize, to: NodeId, channel: Channel) -> Option<usize> {
        let to = usize::from(to.0);
        let is_it = |it: &Connection| it.open && (it.from, it.to, it.channel) == (from, to, channel);
        self.connections.iter().position(is_it)
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        match effect {
            Effect::Connect { to, channel } => {
                assert_eq!(self.find(node, to, channel), None, "opened twice: {node} to {to} {channel:?}");
                let target = usize::from(to.0);
                let open = target == 0 || self.brokers[target].is_some();
                let peer = self.era.clone();
                let event = if open { ChannelEvent::Connected { peer } } else { ChannelEvent::Failed };
                if open {
                    let (outstanding, sent) = (Vec::new(), 0);
                    let it = Connection { from: node, to: target, channel, open, outstanding, sent };
                    self.connections.push(it);
                }
                self.tell(node, Micros(2 * MS.0), Input::Channel { to, channel, event });
            }
            Effect::Disconnect { to, channel } => {
                let connection = self.find(node, to, channel).expect("closes what it opened");
                self.close(connection, false);
            }
            Effect::Send { to, channel, call, version, request, expects_answer } => {
                assert!(expects_answer);
                let Some(connection) = self.find(node, to, channel) else {
                    self.tell(node, Micros::ZERO, Input::Answer { call, answer: Err(Disconnected) });
                    return;
                };
                let it = &mut self.connections[connection];
                it.sent += 1;
                it.outstanding.push((it.sent, call));
                let ordinal = it.sent;
                self.push(MS, Event::Request { connection, ordinal, version, request });
            }
            Effect::Reply { to, response } if to.connection >= CLIENT => self.replies.push(response),
            Effect::Reply { to, response } => {
                let it = &mut self.connections[to.connection.0 as usize];
                let waiting = it.outstanding.iter().position(|(ordinal, _)| *ordinal == to.ordinal);
                if let Some(index) = waiting.filter(|_| it.open) {
                    let (call, from) = (it.outstanding.remove(index).1, it.from);
                    self.tell(from, MS, Input::Answer { call, answer: Ok(response) });
                }
            }
            Effect::Push { connection, event } => {
                let Some(it) = self.connections.get(connection.0 as usize).filter(|it| it.open) else {
                    return;
                };
                let (from, channel) = (it.from, it.channel);
                self.tell(from, MS, Input::Pushed { from: NodeId(node as u16), channel, event });
            }
            Effect::HangUp { connection } => {
                if connection < CLIENT {
                    self.close(connection.0 as usize, true);
                }
            }
            Effect::Note(note) => self.notes.push((node, *note)),
            Effect::Exit(reason) => {
                self.exits.push((node, reason));
                self.kill(node);
            }
            Effect::Deliver(_) => panic!("a broker delivers nothing"),
        }
    }

    /// `by_peer`: the side that opened it hears of that as news.
    fn close(&mut self, connection: usize, by_peer: bool) {
        let it = &mut self.connections[connection];
        if !std::mem::replace(&mut it.open, false) {
            return;
        }
        let (from, to, channel) = (it.from, it.to, it.channel);
        for (_, call) in std::mem::take(&mut it.outstanding) {
            self.tell(from, MS, Input::Answer { call, answer: Err(Disconnected) });
        }
        if by_peer {
            let event = ChannelEvent::Disconnected;
            self.tell(from, MS, Input::Channel { to: NodeId(to as u16), channel, event });
        } else {
            let connection = ConnectionId(connection as u32);
            self.tell(to, MS, Input::PeerGone { connection });
        }
    }

    fn kill(&mut self, node: usize) {
        self.brokers[node] = None;
        self.lives[node] += 1;
        for connection in 0..self.connections.len() {
            let (from, to) = (self.connections[connection].from, self.connections[connection].to);
            if from == node || to == node {
                self.close(connection, to == node);
            }
        }
    }

    /// Lets so many milliseconds pass.
    fn run(&mut self, millis: i64) {
        let until = self.now + Micros::from_millis(millis);
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 2_000_000, "too much happens");
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            let waking = (0..self.brokers.len()).filter_map(|node| Some((self.deadline(node)?, node))).min();
            match (next, waking) {
                (Some(at), _) if at <= until && waking.is_none_or(|(wake, _)| at <= wake) => {
                    self.now = self.now.max(at);
                    let (_, event) = self.queue.pop_first().expect("just seen");
                    self.deliver(event);
                }
                (_, Some((wake, node))) if wake <= until => {
                    self.now = self.now.max(wake);
                    self.step(node, Input::Wake);
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn deliver(&mut self, event: Event) {
        match event {
            Event::Input(node, life, input) if self.lives[node] == life => self.step(node, input),
            Event::Input(..) => {}
            Event::Request { connection, ordinal, version, request } => {
                let it = &self.connections[connection];
                let (from, to) = (NodeId(it.from as u16), it.to);
                if it.open {
                    let reply_to = ReplyTo { connection: ConnectionId(connection as u32), ordinal };
                    self.step(to, Input::Request { reply_to, from, version, request });
                }
            }
        }
    }

    /// A request of a client that the test plays.
    fn ask(&mut self, node: usize, version: i16, request: Request) {
        let reply_to = ReplyTo { connection: CLIENT, ordinal: 0 };
        self.step(node, Input::Request { reply_to, from: NodeId(99), version, request });
    }

    fn ask_zookeeper(&mut self, request: ZooKeeperRequest) {
        self.ask(0, 0, request.into());
    }

    fn create_znode(&mut self, path: &str, data: ZnodeData, sequential: bool) {
        let op = Op::Create { path: path.into(), data, ephemeral: false, sequential };
        self.ask_zookeeper(ZooKeeperRequest::Op(op));
    }

    fn create_topic(&mut self, topic: &str, replicas: &[i32]) {
        let replicas = replicas.iter().map(|id| BrokerId(*id)).collect();
        let held = ReplicaAssignment { replicas, ..ReplicaAssignment::default() };
        let data = ZnodeData::Topic(Arc::new(BTreeMap::from([(0, held)])));
        self.create_znode(&topic_path(Topic::new(topic)), data, false);
        self.run(3_000);
    }

    /// Sends a record to whoever leads; what comes back in the next second.
    fn produce(&mut self, partition: &str, value: &str) -> Option<Response> {
        let leader = self.leader(partition)?;
        let records = Bytes::from(value.to_owned());
        let mut header = BatchHeader {
            base_offset: crate::ids::Offset(0),
            batch_length: 49 + records.len() as i32,
            partition_leader_epoch: crate::ids::LeaderEpoch(-1),
            magic: 2,
            crc: 0,
            attributes: 0,
            last_offset_delta: 0,
            base_timestamp: Timestamp(5),
            max_timestamp: Timestamp(5),
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records_count: 1,
        };
        header.crc = header.compute_crc(&records);
        let partitions = vec![(tp(partition), RecordBatch::new(header, records).into())];
        let request = ProduceRequest { acks: Acks::All, timeout: Micros::from_millis(30_000), partitions };
        self.replies.clear();
        self.ask(leader, 2, request.into());
        self.run(1_000);
        self.replies.pop()
    }

    fn leader(&self, partition: &str) -> Option<usize> {
        let leads = |node: &usize| {
            let view = self.brokers[*node].as_ref().and_then(|broker| broker.replica(tp(partition)));
            view.is_some_and(|view| view.role == Role::Leader)
        };
        let epoch = |node: &usize| {
            let broker = self.brokers[*node].as_ref().expect("it leads");
            broker.replica(tp(partition)).expect("it leads").leader_epoch
        };
        (1..self.brokers.len()).filter(leads).max_by_key(epoch)
    }

    /// A replica in a line: role, epoch, log end, high watermark, ISR.
    fn replica(&self, node: usize, partition: &str) -> String {
        let Some(broker) = &self.brokers[node] else { return "down".to_owned() };
        let Some(view) = broker.replica(tp(partition)) else { return "none".to_owned() };
        let role = match view.role {
            Role::Leader => "leads".to_owned(),
            Role::Follower(leader) => format!("follows {leader}"),
            Role::Idle => "idle".to_owned(),
        };
        let mut isr: Vec<i32> = view.isr.iter().map(|id| id.0).collect();
        isr.sort_unstable();
        format!("{role} end {} hw {} isr {isr:?}", view.log.end_offset(), view.high_watermark)
    }

    fn said(&self, node: usize, name: &str) -> usize {
        self.notes.iter().filter(|(by, note)| *by == node && note.name() == name).count()
    }
}

fn tp(partition: &str) -> TopicPartition {
    TopicPartition::parse(partition).expect("a partition")
}

fn is_acked(response: Option<Response>) -> bool {
    let Some(Response::Produce(response)) = response else { return false };
    response.partitions[0].result.is_ok()
}

const ERAS: [&str; 13] = [
    "0.10.2", "0.11.0", "1.0", "1.1", "2.0.0", "2.0.1", "2.1", "2.4", "2.6.0", "2.7", "2.8.0", "2.8.2", "3.0",
];

#[test]
fn a_record_survives_its_leader_in_every_era() {
    for release in ERAS {
        let mut cluster = Cluster::of(release);
        cluster.create_topic("t", &[2, 3, 1]);
        assert_eq!(cluster.leader("t-0"), Some(2), "{release}");
        assert!(is_acked(cluster.produce("t-0", "m1")), "{release}");
        assert_eq!(cluster.replica(2, "t-0"), "leads end 1 hw 1 isr [1, 2, 3]", "{release}");
        assert_eq!(cluster.replica(3, "t-0"), "follows 2 end 1 hw 1 isr []", "{release}");

        cluster.kill(2);
        cluster.run(20_000);
        assert_eq!(cluster.leader("t-0"), Some(3), "{release}");
        assert!(is_acked(cluster.produce("t-0", "m2")), "{release}");
        assert_eq!(cluster.replica(1, "t-0"), "follows 3 end 2 hw 2 isr []", "{release}");

        cluster.start(2);
        cluster.run(20_000);
        assert_eq!(cluster.replica(2, "t-0"), "follows 3 end 2 hw 2 isr []", "{release}");
        assert_eq!(cluster.replica(3, "t-0"), "leads end 2 hw 2 isr [1, 2, 3]", "{release}");
        assert_eq!(cluster.exits, [], "{release}");
    }
}

#[test]
fn a_broker_that_stops_in_order_hands_over_first_in_every_era() {
    for release in ERAS {
        let mut cluster = Cluster::of(release);
        cluster.create_topic("t", &[2, 3, 1]);
        assert!(is_acked(cluster.produce("t-0", "m1")), "{release}");
        cluster.step(2, Input::Command(Command::ShutDown));
        cluster.run(12_000);
        assert_eq!(cluster.exits, [(2, ExitReason::ShutDown)], "{release}");
        assert_eq!(cluster.said(2, "ShutdownAnswered"), 1, "{release}");
        assert_eq!(cluster.leader("t-0"), Some(3), "{release}");
        let gone = cluster.zookeeper.get("/brokers/ids/2").is_none();
        assert!(gone, "{release}: the session was closed, not left to expire");
        cluster.notes.clear();
        cluster.start(2);
        cluster.run(10_000);
        let clean = cluster.notes.iter().any(|(by, note)| {
            *by == 2
                && matches!(
                    note,
                    Note::Broker(crate::note::BrokerNote::Started { clean: true, partitions: 1 })
                )
        });
        assert!(clean, "{release}");
        assert_eq!(cluster.replica(2, "t-0"), "follows 3 end 1 hw 1 isr []", "{release}");
    }
}

#[test]
fn a_restart_before_the_old_session_has_expired_ends_with_node_exists() {
    for release in ERAS {
        let mut cluster = Cluster::of(release);
        cluster.create_topic("t", &[2, 3, 1]);
        assert!(is_acked(cluster.produce("t-0", "m1")), "{release}");
        cluster.run(6_000);
        let checkpoint = |cluster: &mut Cluster| {
            let disk = &mut cluster.envs[2].disk;
            let file = disk.open("/kafka-logs/replication-offset-checkpoint", false).expect("it is there");
            disk.read(file, 0, disk.length(file) as usize).expect("it can be read")
        };
        let is_clean =
            |cluster: &Cluster| cluster.envs[2].disk.exists(&format!("/kafka-logs/{CLEAN_SHUTDOWN}"));
        let before = checkpoint(&mut cluster);
        cluster.kill(2);
        assert!(!is_clean(&cluster), "{release}");
        cluster.run(100);
        cluster.start(2);
        cluster.run(1_000);
        assert_eq!(cluster.exits, [(2, ExitReason::NodeExists)], "{release}");
        // It has shut down: what it recovered is marked clean; high watermarks are those of the life before.
        assert!(is_clean(&cluster), "{release}");
        assert_eq!(checkpoint(&mut cluster), before, "{release}");
        assert!(cluster.zookeeper.get("/brokers/ids/2").is_some(), "{release}: the old session's");
    }
}

#[test]
fn a_broker_whose_session_expires_goes_on_and_registers_again() {
    for release in ERAS {
        let mut cluster = Cluster::of(release);
        cluster.create_topic("t", &[2, 3, 1]);
        assert!(is_acked(cluster.produce("t-0", "m1")), "{release}");
        cluster.step(0, Input::Command(Command::ExpireSession(NodeId(2))));
        cluster.run(30_000);
        assert_eq!(cluster.said(2, "SessionExpired"), 1, "{release}");
        assert_eq!(cluster.said(2, "Registered"), 2, "{release}");
        assert!(cluster.zookeeper.get("/brokers/ids/2").is_some(), "{release}");
        assert!(is_acked(cluster.produce("t-0", "m2")), "{release}");
        assert_eq!(cluster.replica(2, "t-0"), "follows 3 end 2 hw 2 isr []", "{release}");
        assert_eq!(cluster.replica(3, "t-0"), "leads end 2 hw 2 isr [1, 2, 3]", "{release}");
    }
}

#[test]
fn the_controllers_death_is_survived_in_every_era() {
    for release in ERAS {
        let mut cluster = Cluster::of(release);
        cluster.create_topic("t", &[2, 3, 1]);
        let active = |cluster: &Cluster| {
            (1..=3).find(|node| {
                cluster.brokers[*node].as_ref().is_some_and(|broker| broker.controller_epoch().is_some())
            })
        };
        let first = active(&cluster).expect("there is one");
        cluster.kill(first);
        cluster.run(20_000);
        let second = active(&cluster).expect("another one");
        assert_ne!(first, second, "{release}");
        // The dead broker may still be in the ISR: up to 2.2 a new controller leaves it there, and from 2.1 on a follower
        // that had everything begins to lag only now.
        let answer = cluster.produce("t-0", "m1").or_else(|| {
            cluster.run(20_000);
            cluster.replies.pop()
        });
        assert!(is_acked(answer), "{release}");
        cluster.start(first);
        cluster.run(20_000);
        assert!(cluster.replica(first, "t-0").contains("end 1 hw 1"), "{release}");
    }
}

#[test]
fn a_change_of_settings_reaches_the_replica() {
    let mut cluster = Cluster::of("2.4");
    cluster.create_topic("t", &[2, 3, 1]);
    let minimum = |cluster: &Cluster| {
        let broker = cluster.brokers[2].as_ref().expect("up");
        broker.replica(tp("t-0")).expect("hosted").min_insync_replicas
    };
    assert_eq!(minimum(&cluster), 1);
    let settings = BTreeMap::from([("min.insync.replicas".to_owned(), "2".to_owned())]);
    cluster.create_znode(&topic_config_path(Topic::new("t")), ZnodeData::Config(Arc::new(settings)), false);
    let change = ZnodeData::ConfigChange("topics/t".into());
    cluster.create_znode("/config/changes/config_change_", change, true);
    cluster.run(100);
    assert_eq!(minimum(&cluster), 2);
}

#[test]
fn requests_wait_until_the_broker_is_registered() {
    let mut cluster = Cluster::new(Era::parse("2.4").expect("a release"), 1, &[]);
    cluster.kill(1);
    cluster.run(30_000);
    cluster.replies.clear();
    cluster.start(1);
    cluster.ask(1, 9, MetadataRequest { topics: None }.into());
    assert!(cluster.replies.is_empty());
    cluster.run(1_000);
    assert!(matches!(cluster.replies[..], [Response::Metadata(_)]));
}

#[test]
fn a_deposed_controller_and_one_that_means_an_earlier_life_are_refused() {
    use crate::error::KafkaError;
    use crate::ids::{BrokerEpoch, ControllerEpoch};
    use crate::messages::update_metadata::UpdateMetadataRequest;
    let mut cluster = Cluster::of("2.4");
    cluster.create_topic("t", &[2, 3, 1]);
    let mut told = |controller_epoch, broker_epoch: Option<i64>| {
        let request = UpdateMetadataRequest {
            controller: BrokerId(3),
            controller_epoch: ControllerEpoch(controller_epoch),
            broker_epoch: broker_epoch.map(BrokerEpoch),
            partitions: vec![],
            live_brokers: vec![],
            racks: vec![],
        };
        cluster.replies.clear();
        cluster.ask(2, 6, request.into());
        match cluster.replies.pop() {
            Some(Response::UpdateMetadata(response)) => response.error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(9, Some(0)), Some(KafkaError::StaleBrokerEpoch));
    let later = Some(i64::MAX);
    assert_eq!(told(9, later), Some(KafkaError::UnknownServerError), "2.4 takes it for a bug (KAFKA-9839)");
    assert_eq!(told(0, None), Some(KafkaError::StaleControllerEpoch));
    assert_eq!(told(9, None), None);
    assert_eq!(told(1, None), Some(KafkaError::StaleControllerEpoch), "now it is older than the newest");
}
