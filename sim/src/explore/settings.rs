//! The cluster of a plan: everything about it is drawn, so that each run is another corner (swarm testing).
//!
//! Most settings keep their defaults in most runs. Time-outs are short, so that a run of some seconds sees what a cluster
//! sees in a day; segments are small in some, so that they roll.

use super::draw::{Draw, Draws, Purpose};
use super::profile::Profile;
use crate::scenario::cluster::{Brokers, ClientSpec, Cluster, Disks, JournalWord, Network, TopicSpec};
use crate::scenario::words::{Many, Partition, Setting, Span, Table};
use kafka::config::{ConfigKind, default_of};
use kafka::era::Era;
use kafka::ids::TopicPartition;
use kafka::time::Micros;

/// What the rest of a plan must know of its cluster.
#[derive(Clone, Debug)]
pub struct Shape {
    /// How many brokers: `broker-0` and so on.
    pub brokers: u32,
    /// Every partition with its replicas, preferred leader first.
    pub partitions: Vec<(TopicPartition, Vec<i32>)>,
    /// The smallest `min.insync.replicas` of a topic.
    pub min_isr: u32,
    /// Producers, each with its name and whether it waits for the whole ISR.
    pub producers: Vec<(String, bool)>,
    /// Whether there is a second consumer, which begins at the end whenever it is told to.
    pub second_consumer: bool,
    /// `zookeeper.session.timeout.ms`.
    pub session: Micros,
    /// `replica.lag.time.max.ms`.
    pub lag: Micros,
    /// The longest that a broker waits for another one.
    pub socket: Micros,
    /// The brokers' `request.timeout.ms`, if it is another than the default.
    pub request: Option<Micros>,
}

impl Shape {
    /// The names of all brokers.
    pub fn broker_names(&self) -> Vec<String> {
        (0..self.brokers).map(broker).collect()
    }
}

/// The name of the second consumer.
pub const CONSUMER: &str = "consumer-2";

/// The name of a broker.
pub fn broker(id: u32) -> String {
    format!("broker-{id}")
}

fn millis(number: u64) -> Micros {
    Micros(number * 1000)
}

fn set(table: &mut Table<Setting>, name: &str, value: impl ToString) {
    table.add(name.to_owned(), Setting(value.to_string())).expect("each setting is drawn once");
}

/// Draws a cluster.
pub fn cluster(draws: &Draws, era: &Era, profile: Profile) -> (Cluster, Shape) {
    let draw = draws.about(Purpose::Shape, 0);
    let brokers = draw.weighed(0, &[(2u32, 2), (3, 6), (4, 2), (5, 1)]);
    let (mut settings, mut shape) = broker_settings(draws.about(Purpose::BrokerSettings, 0), brokers);
    let mut topics = Table::default();
    for (index, name) in ["t", "u"].into_iter().take(draw.weighed(1, &[(1, 4), (2, 1)])).enumerate() {
        let (spec, min_isr) = topic(draws, profile, index as u32, brokers);
        for (number, replicas) in spec.assignment.iter().flatten().enumerate() {
            shape.partitions.push((TopicPartition::new(name, number as i32), replicas.clone()));
        }
        shape.min_isr = shape.min_isr.min(min_isr);
        topics.add(name.to_owned(), spec).expect("topics have names of their own");
    }
    let unclean = draw.one_in(2, 5);
    set(&mut settings, "unclean.leader.election.enable", unclean);
    let network = Network {
        latency: draw.weighed(3, &[(None, 3), (Some(200), 1), (Some(5_000), 1)]).map(|us| Span(Micros(us))),
        jitter: draw
            .weighed(4, &[(None, 3), (Some(5_000), 2), (Some(20_000), 2), (Some(100_000), 1)])
            .map(|us| Span(Micros(us))),
        bandwidth: None,
    };
    let controller_at = draw.up_to(5, u64::from(brokers) - 1) as u32;
    let cluster = Cluster {
        controller: Default::default(),
        controller_at: (controller_at > 0).then(|| broker(controller_at)),
        brokers: Brokers(Table((0..brokers).map(|id| (broker(id), Table::default())).collect())),
        settings,
        topics,
        network,
        disks: disks(draws, profile),
        clients: clients(draws, era, &mut shape),
        eras: Table::default(),
    };
    (cluster, shape)
}

fn broker_settings(draw: Draw, brokers: u32) -> (Table<Setting>, Shape) {
    let mut settings = Table::default();
    if draw.one_in(0, 4) {
        set(&mut settings, "leader.imbalance.check.interval.seconds", draw.between(1, 3, 12));
    } else {
        set(&mut settings, "auto.leader.rebalance.enable", false);
    }
    let session = draw.of(2, &[2_000, 3_000, 4_000, 6_000]);
    set(&mut settings, "zookeeper.session.timeout.ms", session);
    let lag = draw.of(3, &[1_500, 2_000, 3_000, 5_000, 10_000, 20_000]);
    set(&mut settings, "replica.lag.time.max.ms", lag);
    let socket = draw.of(4, &[1_500, 2_000, 5_000, 10_000]);
    set(&mut settings, "replica.socket.timeout.ms", socket);
    set(&mut settings, "controller.socket.timeout.ms", socket);
    // What a controller has asked, it asks again on another connection after so long.
    let request = draw.weighed(10, &[(None, 2), (Some(1_500), 2), (Some(4_000), 1)]);
    if let Some(request) = request {
        set(&mut settings, "request.timeout.ms", request);
    }
    if draw.one_in(9, 2) {
        set(&mut settings, "controlled.shutdown.retry.backoff.ms", 500);
    }
    if draw.one_in(5, 4) {
        set(&mut settings, "num.replica.fetchers", 2);
    }
    if let Some(interval) = draw.weighed(6, &[(None, 3), (Some(500u32), 1), (Some(60_000), 1)]) {
        set(&mut settings, "replica.high.watermark.checkpoint.interval.ms", interval);
    }
    if draw.one_in(7, 4) {
        set(&mut settings, "replica.fetch.max.bytes", draw.of(8, &[100, 300, 1_000]));
    }
    let (session, lag, socket) = (millis(session), millis(lag), millis(socket));
    let request = request.map(millis);
    let (partitions, producers) = (Vec::new(), Vec::new());
    let second_consumer = false;
    (
        settings,
        Shape {
            brokers,
            partitions,
            min_isr: u32::MAX,
            producers,
            second_consumer,
            session,
            lag,
            socket,
            request,
        },
    )
}

fn disks(draws: &Draws, profile: Profile) -> Disks {
    let strict = profile.has_power_failures() && draws.about(Purpose::Shape, 1).one_in(0, 3);
    let journal = if strict { JournalWord::Strict } else { JournalWord::InOrder };
    Disks { journal, ..Disks::default() }
}

fn topic(draws: &Draws, profile: Profile, index: u32, brokers: u32) -> (TopicSpec, u32) {
    let draw = draws.about(Purpose::TopicSettings, index);
    let most = u64::from(brokers.min(4));
    let factor = draw.weighed(0, &[(2, 4), (3, 6), (4, 1)]).min(most);
    let partitions = draw.weighed(1, &[(1, 4), (2, 2), (3, 1)]);
    let all: Vec<i32> = (0..brokers as i32).collect();
    let mut assignment = Vec::new();
    for number in 0..partitions {
        let order = draws.about(Purpose::Assignment, index * 16 + number).shuffled(0, &all);
        assignment.push(order[..factor as usize].to_vec());
    }
    let mut settings = Table::default();
    // Where all machines but one must survive, power cannot fail.
    let alone = if profile.has_power_failures() { 1 } else { 3 };
    let min_isr = draw.weighed(2, &[(1u32, alone), (2, 4), (3, 1)]).min(factor as u32);
    if min_isr > 1 {
        set(&mut settings, "min.insync.replicas", min_isr);
    }
    if let Some(bytes) = draw.weighed(3, &[(None, 3), (Some(400u32), 1), (Some(1_000), 1)]) {
        set(&mut settings, "segment.bytes", bytes);
    }
    if profile.has_power_failures() && draw.one_in(4, 6) {
        set(&mut settings, "flush.messages", draw.of(5, &[1, 3]));
    }
    let spec = TopicSpec { assignment: Some(assignment), settings, ..TopicSpec::default() };
    (spec, min_isr)
}

/// How old a consumer's metadata become: with five minutes, the default, one that reads from a leader which knows nothing of
/// its successor would outlast every run.
pub const METADATA_AGE: Micros = Micros::from_millis(10_000);

fn clients(draws: &Draws, era: &Era, shape: &mut Shape) -> Table<ClientSpec> {
    let mut clients = Table::default();
    let draw = draws.about(Purpose::Clients, 0);
    let acks =
        [("all", true), ("1", draw.up_to(0, 3) > 0), ("0", draw.one_in(1, 8)), ("all", draw.one_in(2, 4))];
    for (index, (acks, _)) in acks.into_iter().filter(|(_, is_there)| *is_there).enumerate() {
        let draw = draws.about(Purpose::Clients, 1 + index as u32);
        let mut settings = Table::default();
        set(&mut settings, "acks", acks);
        set(&mut settings, "request.timeout.ms", draw.of(0, &[1_000, 2_000, 3_000]));
        // From 2.1 on a producer tries for two minutes: that, too, would outlast every run.
        if default_of(ConfigKind::Producer, era, "delivery.timeout.ms").is_some() {
            set(&mut settings, "delivery.timeout.ms", draw.of(3, &[4_000, 8_000, 12_000]));
        }
        let retries = draw.weighed(1, &[(0u32, 1), (1, 1), (5, 3)]);
        set(&mut settings, "retries", retries);
        if retries > 0 && draw.one_in(2, 3) {
            set(&mut settings, "max.in.flight.requests.per.connection", 1);
        }
        let name = format!("producer-{}", index + 1);
        shape.producers.push((name.clone(), acks == "all"));
        let spec = ClientSpec { settings, ..ClientSpec::default() };
        clients.add(name, spec).expect("clients have names of their own");
    }
    // A consumer that waits for five minutes, as those before 2.0 do, would outlast every run.
    let mut settings = Table::default();
    set(&mut settings, "request.timeout.ms", 11_000);
    // Nobody tells it that the broker it reads from leads no more, if that one does not know: it finds out by looking.
    set(&mut settings, "metadata.max.age.ms", METADATA_AGE.0 / 1000);
    let all = shape.partitions.iter().map(|(partition, _)| Partition(*partition)).collect();
    let start = crate::scenario::step::StartWord(kafka::command::StartAt::Earliest);
    let spec = ClientSpec { assign: Some(Many(all)), from: Some(start), settings };
    clients.add("consumer-1".to_owned(), spec.clone()).expect("it is the first consumer");
    shape.second_consumer = draw.one_in(5, 2);
    if shape.second_consumer {
        // Another one asks where the log ends.
        let start = crate::scenario::step::StartWord(kafka::command::StartAt::Latest);
        let spec = ClientSpec { from: Some(start), ..spec };
        clients.add(CONSUMER.to_owned(), spec).expect("it is the second");
    }
    clients
}
