//! A recording's operations, done to a simulated cluster.
//!
//! 1. The broker that the recording shows as the first controller starts first, as in a scenario.
//! 2. A client is fresh for each operation, as a recorder's script has it; records go one after the other, each when the
//!    caller was told of the one before.
//! 3. After the last operation of a step the cluster settles: sessions of dead brokers end, and then nothing that is
//!    shown changes for a second. Whatever can happen by itself has had [`AFTERMATH`] to happen.

use super::facts::{About, Facts, NOTHING};
use super::file::{Operation, Recording, Step};
use super::look;
use super::race::{BUSIER, Looked, Race, SLOWER, Slow, leaves_aftermath};
use crate::scenario::look::Look;
use crate::world::spec::{DiskSpec, NetworkSpec, NodeKind, NodeSpec, WorldSpec};
use crate::world::{MessageFate, MessageMatch, MessageRuleId, RunOptions, Side, World};
use bytes::Bytes;
use kafka::command::{
    ClientError, Command, Delivery, OperatorError, Placement, ProducerRecord, SendId, StartAt,
};
use kafka::config::{BrokerConfig, ConsumerConfig, ProducerConfig};
use kafka::error::KafkaError;
use kafka::ids::{BrokerId, NodeId, TopicPartition};
use kafka::messages::ApiKey;
use kafka::time::{Micros, Time};
use kafka::zookeeper::znode::ReplicaAssignment;
use std::collections::BTreeMap;

/// What the recorder called quiet.
const QUIET: Micros = Micros::from_millis(1000);
/// How often it is looked.
const LOOK: Micros = Micros::from_millis(100);
/// What is waited after a fault, an election or a change of settings before it counts as settled.
const AFTERMATH: Micros = Micros::from_millis(10_000);
/// How long anything may take.
const PATIENCE: Micros = Micros::from_millis(300_000);
/// Real clusters on loopback.
const LATENCY: Micros = Micros(100);
/// What a step costs, in CPU time.
const STEP_COST: Micros = Micros(20);
const BROKERS_START: Time = Time(1_000_000);
const OTHERS_START: Time = Time(2_000_000);
const EPOCH_MILLIS: i64 = 1_600_000_000_000;

/// A cluster on which a recording is played.
#[derive(Clone)]
pub(super) struct Player<'a> {
    recording: &'a Recording,
    pub world: World,
    operator: NodeId,
    reader: NodeId,
    sends: u64,
    refused: Option<OperatorError>,
}

impl<'a> Player<'a> {
    /// A cluster that has come up.
    pub fn new(recording: &'a Recording) -> Player<'a> {
        let first = recording.steps.iter().find_map(|step| step.then.as_ref()?.facts.get(&About::Controller));
        let first = first.and_then(|id| id.parse().ok()).filter(|id| recording.brokers.contains(id));
        let first = first.unwrap_or(recording.brokers[0]);
        let (spec, operator, reader) = spec(recording, first);
        let world = World::new(&spec, &RunOptions { seed: 0, record: false, check: true });
        let mut player = Player { recording, world, operator, reader, sends: 0, refused: None };
        let up = |player: &Player<'_>| {
            let look = Look(&player.world);
            let active = player.world.nodes.brokers().any(|(_, broker)| broker.controller_epoch().is_some());
            active && player.recording.brokers.iter().all(|id| look.is_registered(BrokerId(*id)))
        };
        let is_up = player.until(PATIENCE, &up);
        assert!(is_up, "three brokers and ZooKeeper come up");
        player.run_for(AFTERMATH);
        for client in usize::from(reader.0)..player.world.nodes.slots.len() {
            player.world.kill(NodeId(client as u16));
        }
        player
    }

    fn broker(&self, id: i32) -> NodeId {
        self.world.nodes.broker_node(BrokerId(id)).expect("brokers of a recording are checked")
    }

    /// Brokers that run, paused or not.
    pub fn running(&self) -> Vec<i32> {
        self.recording.brokers.iter().copied().filter(|id| Look(&self.world).runs(self.broker(*id))).collect()
    }

    /// Does a step, and lets the cluster settle. Says what callers were told.
    pub fn step(&mut self, step: &Step, race: &Race) -> Facts {
        self.run_for(race.later);
        self.shape(race.slow, LATENCY + SLOWER, BUSIER);
        let late = self.hold_up(race.slow);
        let began = self.world.now();
        let mut told = Facts::new();
        let mut is_fault = false;
        for (index, (operation, _)) in step.operations.iter().enumerate() {
            if let Some(answer) = self.operation(operation, race) {
                told.insert(About::Told(index), answer);
            }
            is_fault |= leaves_aftermath(operation);
            if index + 1 < step.operations.len() && waits(operation) != race.other_pace {
                self.settle(self.world.now(), false);
            }
        }
        let more_comes = step.operations.last().is_some_and(|(last, _)| leaves_aftermath(last));
        if race.looked != Looked::AtOnce && (step.then.is_some() || more_comes) {
            self.settle(began, is_fault && race.looked == Looked::Settled);
        }
        self.shape(race.slow, LATENCY, 1);
        if let Some(rule) = late {
            self.world.remove_message_rule(rule);
        }
        told
    }

    /// Stops all brokers in order, those that are paused after they were woken.
    pub fn stop(&mut self, race: &Race) {
        self.shape(race.slow, LATENCY + SLOWER, BUSIER);
        let running = self.running();
        for broker in &running {
            self.world.resume(self.broker(*broker));
        }
        if race.stop_order.is_empty() {
            self.shut_down(&running);
        }
        for broker in &race.stop_order {
            self.shut_down(&[*broker]);
        }
    }

    fn shut_down(&mut self, brokers: &[i32]) {
        for broker in brokers {
            self.world.command(self.broker(*broker), Command::ShutDown);
        }
        let down =
            |player: &Player<'_>| brokers.iter().all(|id| !Look(&player.world).runs(player.broker(*id)));
        self.until(PATIENCE, &down);
    }

    /// What it shows now.
    pub fn facts(&self) -> Facts {
        look::facts(&self.world)
    }

    fn shape(&mut self, slow: Option<Slow>, latency: Micros, factor: u32) {
        let (node, peers) = match slow {
            None | Some(Slow::Leave(_)) => return,
            Some(Slow::Cpu(broker)) => return self.world.slow_cpu(self.broker(broker), factor),
            Some(Slow::ZooKeeperBut(broker)) => {
                let others = self.recording.brokers.iter().filter(|other| **other != broker);
                (NodeId::ZOOKEEPER, others.map(|other| self.broker(*other)).collect())
            }
            Some(Slow::ZooKeeper(broker)) => (self.broker(broker), vec![NodeId::ZOOKEEPER]),
            Some(Slow::Peers(broker)) => {
                let others = self.recording.brokers.iter().filter(|other| **other != broker);
                (self.broker(broker), others.map(|other| self.broker(*other)).collect())
            }
        };
        for peer in peers {
            self.world.shape_link(node, peer, Some(latency), None, None);
            self.world.shape_link(peer, node, Some(latency), None, None);
        }
    }

    /// Delays the answers to a broker's ControlledShutdown.
    fn hold_up(&mut self, slow: Option<Slow>) -> Option<MessageRuleId> {
        let Some(Slow::Leave(broker)) = slow else { return None };
        let matches = MessageMatch {
            api: Some(ApiKey::ControlledShutdown),
            side: Side::Response,
            from: Some(self.broker(broker)),
            to: None,
            count: None,
        };
        Some(self.world.add_message_rule(matches, MessageFate::Delay(SLOWER)))
    }

    fn run_for(&mut self, span: Micros) {
        let until = self.world.now() + span;
        while self.world.step(until).is_some() {}
    }

    fn until(&mut self, patience: Micros, goal: &dyn Fn(&Player<'_>) -> bool) -> bool {
        let until = self.world.now() + patience;
        loop {
            if goal(self) {
                return true;
            }
            if self.world.now() >= until {
                return false;
            }
            self.run_for(LOOK);
        }
    }

    /// Waits until nothing that is shown has changed for a second.
    fn settle(&mut self, began: Time, wait: bool) {
        let until = self.world.now() + PATIENCE;
        let (mut last, mut since) = (self.facts(), self.world.now());
        loop {
            let now = self.world.now();
            let waited = !wait || (now >= began + AFTERMATH && self.no_dead_sessions());
            if now >= until || (waited && now >= since + QUIET) {
                return;
            }
            self.run_for(LOOK);
            let is = self.facts();
            if is != last {
                (last, since) = (is, self.world.now());
            }
        }
    }

    /// Whether no broker that is down is still registered.
    fn no_dead_sessions(&self) -> bool {
        let look = Look(&self.world);
        self.recording
            .brokers
            .iter()
            .all(|id| look.runs(self.broker(*id)) || !look.is_registered(BrokerId(*id)))
    }

    fn operation(&mut self, operation: &Operation, race: &Race) -> Option<String> {
        match operation {
            Operation::Kill(brokers) => brokers.iter().for_each(|id| self.world.kill(self.broker(*id))),
            Operation::Pause(brokers) => brokers.iter().for_each(|id| self.world.pause(self.broker(*id))),
            Operation::Resume(brokers) => brokers.iter().for_each(|id| self.world.resume(self.broker(*id))),
            Operation::Shutdown(brokers) => self.shut_down(brokers),
            Operation::Restart { brokers, at_once } => self.restart(brokers, *at_once),
            Operation::Produce { to, settings, values, .. } => {
                return Some(self.produce(*to, settings, values, race.same_client).join(", "));
            }
            Operation::EpochEnds(of, answers) => {
                let answer = |(epoch, _): &(i32, String)| {
                    let end = look::epoch_end(&self.world, *of, *epoch);
                    format!("{epoch}: {}", end.unwrap_or_else(|| "nobody leads".to_owned()))
                };
                return Some(answers.iter().map(answer).collect::<Vec<_>>().join("; "));
            }
            Operation::ReadAll(of, _) => return Some(self.read_all(*of).join(" ")),
            tool => {
                let command = command(tool);
                self.refused = None;
                self.operate(command);
                return self.refused.take().map(|error| format!("refused: {}", error.message));
            }
        }
        None
    }

    fn restart(&mut self, brokers: &[i32], at_once: bool) {
        if !at_once {
            let gone = |player: &Player<'_>| {
                brokers.iter().all(|id| !Look(&player.world).is_registered(BrokerId(*id)))
            };
            self.until(PATIENCE, &gone);
        }
        for broker in brokers {
            self.world.restart(self.broker(*broker));
        }
    }

    fn operate(&mut self, command: Command) {
        self.world.command(self.operator, command);
        let until = self.world.now() + PATIENCE;
        while self.world.step(until).is_some() {
            for (_, delivery) in self.world.deliveries() {
                if let Delivery::Done(done) = delivery {
                    self.refused = done.clone().err();
                    return;
                }
            }
        }
    }

    fn produce(
        &mut self,
        to: TopicPartition,
        settings: &[(String, String)],
        values: &[String],
        same_client: bool,
    ) -> Vec<String> {
        let node = self.world.nodes.find(&producer_name(settings)).expect("producers are nodes");
        if !same_client || !Look(&self.world).runs(node) {
            self.world.kill(node);
            self.world.restart(node);
        }
        values.iter().map(|value| self.send(node, to, value)).collect()
    }

    fn send(&mut self, node: NodeId, partition: TopicPartition, value: &str) -> String {
        self.sends += 1;
        let mine = SendId(self.sends);
        let value = Bytes::copy_from_slice(value.as_bytes());
        let record = ProducerRecord { key: None, value: Some(value), headers: Vec::new() };
        self.world.command(node, Command::Produce { send: mine, partition, records: vec![record] });
        let until = self.world.now() + PATIENCE;
        while self.world.step(until).is_some() {
            for (_, delivery) in self.world.deliveries() {
                match delivery {
                    Delivery::Acked { send, base_offset, .. } if *send == mine => {
                        return format!("offset {}", base_offset.map_or(-1, |offset| offset.0));
                    }
                    Delivery::Failed { send, error, .. } if *send == mine => return exception(*error),
                    _ => {}
                }
            }
        }
        format!("{NOTHING} within {} s", PATIENCE.0 / 1_000_000)
    }

    /// A new consumer reads until nothing has come for a while.
    fn read_all(&mut self, of: TopicPartition) -> Vec<String> {
        const PATIENT: Micros = Micros::from_millis(3000);
        self.world.kill(self.reader);
        self.world.restart(self.reader);
        self.world.command(self.reader, Command::Assign(vec![(of, StartAt::Earliest)]));
        let mut values = Vec::new();
        let mut until = self.world.now() + PATIENT;
        while self.world.step(until).is_some() {
            for (_, delivery) in self.world.deliveries() {
                let Delivery::Polled { from, batches, .. } = delivery else { continue };
                let records = batches.iter().flat_map(|batch| batch.records().map_while(Result::ok));
                for record in records.filter(|record| record.offset >= *from) {
                    let value = record.value.unwrap_or_default();
                    values.push(String::from_utf8_lossy(&value).into_owned());
                }
                until = self.world.now() + PATIENT;
            }
        }
        self.world.kill(self.reader);
        values
    }
}

/// Whether a recorder waits for what comes of it before the next operation of the same step.
fn waits(operation: &Operation) -> bool {
    !matches!(operation, Operation::Kill(_) | Operation::Pause(_) | Operation::Produce { .. })
}

/// The operator's command.
fn command(operation: &Operation) -> Command {
    match operation {
        Operation::CreateTopic { topic, assignment, settings } => {
            let assigned = |lists: &Vec<Vec<i32>>| {
                let replicas = |list: &Vec<i32>| list.iter().map(|id| BrokerId(*id)).collect();
                let held =
                    |list| ReplicaAssignment { replicas: replicas(list), ..ReplicaAssignment::default() };
                Placement::Assigned((0..).zip(lists.iter().map(held)).collect())
            };
            let placement = match assignment {
                Ok(lists) => assigned(lists),
                Err((partitions, factor)) => {
                    Placement::Counted { partitions: *partitions, replication_factor: *factor }
                }
            };
            Command::CreateTopic { topic: *topic, placement, settings: settings.iter().cloned().collect() }
        }
        Operation::Set(topic, settings) => {
            Command::AlterTopicConfig { topic: *topic, settings: settings.iter().cloned().collect() }
        }
        Operation::ElectPreferred(partitions) => Command::ElectPreferredLeaders(partitions.clone()),
        Operation::DeleteZnode(path) => Command::DeleteZnode(path.clone()),
        Operation::Reassign(targets) => {
            let ids = |list: &Vec<i32>| list.iter().map(|id| BrokerId(*id)).collect();
            Command::ReassignPartitions(targets.iter().map(|(of, list)| (*of, ids(list))).collect())
        }
        other => unreachable!("{other:?} is not for an operator"),
    }
}

/// The class of the exception that a caller got.
fn exception(error: ClientError) -> String {
    let name = match error {
        ClientError::TimedOut => return "TimeoutException".to_owned(),
        ClientError::Disconnected => return "NetworkException".to_owned(),
        ClientError::Kafka(error) => error,
    };
    match name {
        KafkaError::RequestTimedOut => "TimeoutException".to_owned(),
        KafkaError::UnknownServerError => "UnknownServerException".to_owned(),
        KafkaError::MessageTooLarge => "RecordTooLargeException".to_owned(),
        KafkaError::RecordListTooLarge => "RecordBatchTooLargeException".to_owned(),
        KafkaError::CorruptMessage => "CorruptRecordException".to_owned(),
        KafkaError::KafkaStorageError => "KafkaStorageException".to_owned(),
        other => {
            let mut class = String::new();
            for word in other.newest_name().trim_end_matches("_EXCEPTION").split('_') {
                let (first, rest) = word.split_at(1);
                class += &format!("{first}{}", rest.to_lowercase());
            }
            class + "Exception"
        }
    }
}

fn producer_name(settings: &[(String, String)]) -> String {
    let settings: Vec<String> = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("producer {}", settings.join(" "))
}

/// The world: ZooKeeper, brokers, an operator, a consumer, producers by their settings.
fn spec(recording: &Recording, first: i32) -> (WorldSpec, NodeId, NodeId) {
    const CHECKED: &str = "settings of a recording are checked when it is read";
    let (brokers, clients) = (&recording.era, &recording.client_era);
    let node = |name: String, era: &kafka::era::Era, kind: NodeKind, starts_at: Time| NodeSpec {
        name,
        era: era.clone(),
        kind,
        starts_at,
    };
    let mut nodes = vec![node("zookeeper".to_owned(), brokers, NodeKind::ZooKeeper, Time::ZERO)];
    for id in &recording.brokers {
        let config = BrokerConfig::new(brokers, BrokerId(*id), &recording.settings).expect(CHECKED);
        let starts_at = if *id == first { Time(10_000) } else { BROKERS_START };
        nodes.push(node(format!("broker-{id}"), brokers, NodeKind::Broker(Box::new(config)), starts_at));
    }
    let operator = NodeId(nodes.len() as u16);
    nodes.push(node("operator".to_owned(), brokers, NodeKind::Operator, OTHERS_START));
    let reader = NodeId(nodes.len() as u16);
    let config = ConsumerConfig::new(clients, &[]).expect(CHECKED);
    nodes.push(node("reader".to_owned(), clients, NodeKind::Consumer(config), OTHERS_START));
    let mut producers = BTreeMap::new();
    for (operation, _) in recording.steps.iter().flat_map(|step| &step.operations) {
        if let Operation::Produce { settings, .. } = operation {
            producers.insert(producer_name(settings), ProducerConfig::new(clients, settings).expect(CHECKED));
        }
    }
    for (name, config) in producers {
        nodes.push(node(name, clients, NodeKind::Producer(config), OTHERS_START));
    }
    let network = NetworkSpec { latency: LATENCY, jitter: Micros::ZERO, bytes_per_second: None };
    let disks = DiskSpec::default();
    (WorldSpec { nodes, network, disks, step_cost: STEP_COST, epoch_millis: EPOCH_MILLIS }, operator, reader)
}
