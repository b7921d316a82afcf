//! For tests: one controller with a fake ZooKeeper, and brokers that answer its requests.
//!
//! [`Rig`] steps the controller through deliveries one at a time, so that a test can change the tree between a read
//! and the write that depends on it.

use super::event::Event;
use super::fake_zookeeper::{Delivery, FakeZooKeeper};
use super::{KafkaController, Settings};
use crate::era::Era;
use crate::ids::{BrokerId, CallId, ControllerEpoch, LeaderEpoch, NodeId, TopicPartition};
use crate::messages::leader_and_isr::LeaderAndIsrResponse;
use crate::messages::stop_replica::StopReplicaResponse;
use crate::messages::update_metadata::UpdateMetadataResponse;
use crate::messages::{Request, Response};
use crate::node::{ChannelEvent, Disconnected, Effect, Env};
use crate::note::{ControllerNote, Note};
use crate::testing::TestEnv;
use crate::time::{Micros, Time, Timestamp};
use crate::zookeeper::znode::{self, PartitionState, ReplicaAssignment, ZnodeData};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// One controller, its ZooKeeper, and brokers that answer everything at once unless they are silent.
pub(super) struct Rig {
    pub controller: KafkaController,
    pub zk: FakeZooKeeper,
    pub era: Era,
    pub now: Time,
    /// What was noted, one line each.
    pub notes: Vec<String>,
    /// What was sent to whom.
    pub sent: Vec<(BrokerId, CallId, Request)>,
    /// What the controller answered.
    pub replies: Vec<Response>,
    /// Brokers that do not answer.
    pub silent: BTreeSet<BrokerId>,
    to_do: VecDeque<Effect>,
}

pub(super) fn ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().map(|id| BrokerId(*id)).collect()
}

pub(super) fn tp(partition: &str) -> TopicPartition {
    TopicPartition::parse(partition).expect("a partition")
}

impl Rig {
    /// Controller 1, of a cluster of brokers `1..=brokers` that are registered.
    pub fn new(era: &str, brokers: i32) -> Rig {
        let era = Era::parse(era).expect("a release");
        let settings = Settings {
            unclean_leader_election: false,
            auto_leader_rebalance: false,
            delete_topic_enable: true,
            imbalance_check_interval: Micros::from_millis(300_000),
            imbalance_percentage: 10,
            connect_timeout: Micros::from_millis(30_000),
            request_timeout: Micros::from_millis(30_000),
        };
        let mut rig = Rig {
            controller: KafkaController::with(BrokerId(1), &era, settings, 7),
            zk: FakeZooKeeper::new(),
            era,
            now: Time(1_000_000),
            notes: Vec::new(),
            sent: Vec::new(),
            replies: Vec::new(),
            silent: BTreeSet::new(),
            to_do: VecDeque::new(),
        };
        (1..=brokers).for_each(|broker| rig.register(broker));
        rig
    }

    pub fn register(&mut self, broker: i32) {
        let node = NodeId(broker as u16);
        let data = ZnodeData::Broker { node, rack: None, timestamp: Timestamp(0) };
        self.zk.put(&znode::broker_path(BrokerId(broker)), data);
    }

    pub fn unregister(&mut self, broker: i32) {
        self.zk.remove(&znode::broker_path(BrokerId(broker)));
    }

    pub fn assign(&mut self, topic: &str, replicas: &[&[i32]]) {
        let assignment = |list: &&[i32]| ReplicaAssignment { replicas: ids(list), ..Default::default() };
        let map = (0..).zip(replicas.iter().map(assignment)).collect();
        self.zk.put(&format!("/brokers/topics/{topic}"), ZnodeData::Topic(Arc::new(map)));
    }

    pub fn configure(&mut self, topic: &str, name: &str, value: &str) {
        let settings = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        self.zk.put(&format!("/config/topics/{topic}"), ZnodeData::Config(Arc::new(settings)));
    }

    /// Writes a state as it was before this controller.
    pub fn found(&mut self, partition: &str, leader: i32, epoch: i32, isr: &[i32]) {
        let partition = tp(partition);
        for path in [znode::partitions_path(partition.topic), znode::partition_path(partition)] {
            if self.zk.get(&path).is_none() {
                self.zk.put(&path, ZnodeData::Empty);
            }
        }
        let state = PartitionState {
            leader: BrokerId(leader),
            leader_epoch: LeaderEpoch(epoch),
            isr: ids(isr),
            controller_epoch: ControllerEpoch(0),
        };
        self.zk.put(&znode::state_path(partition), ZnodeData::PartitionState(state));
    }

    /// A state as one line: leader, epoch, ISR, controller epoch.
    pub fn state(&self, partition: &str) -> String {
        match self.zk.get(&znode::state_path(tp(partition))) {
            Some(ZnodeData::PartitionState(state)) => {
                let isr: Vec<i32> = state.isr.iter().map(|id| id.0).collect();
                let PartitionState { leader, leader_epoch, controller_epoch, .. } = state;
                format!("{leader} e{leader_epoch} {isr:?} c{controller_epoch}")
            }
            _ => "none".to_owned(),
        }
    }

    /// Gives the controller something, and lends it all it needs.
    pub fn with<T>(
        &mut self,
        act: impl FnOnce(&mut KafkaController, &mut FakeZooKeeper, &mut Env<'_>) -> T,
    ) -> T {
        let mut lent = TestEnv::new();
        lent.now = self.now;
        let result = act(&mut self.controller, &mut self.zk, &mut lent.env());
        for effect in lent.effects {
            match effect {
                Effect::Note(note) => self.notes.push(shown(&note)),
                Effect::Reply { response, .. } => self.replies.push(response),
                other => self.to_do.push_back(other),
            }
        }
        result
    }

    /// Carries out one effect or delivers one thing from ZooKeeper. False if there is nothing.
    pub fn step(&mut self) -> bool {
        if let Some(effect) = self.to_do.pop_front() {
            self.carry_out(effect);
            return true;
        }
        match self.zk.deliveries.pop_front() {
            Some(Delivery::Answer(ticket, outcome)) => {
                self.with(|controller, zk, env| controller.answered(ticket, outcome, zk, env));
            }
            Some(Delivery::Watch(event)) => {
                self.with(|controller, zk, env| controller.watch_fired(&event, zk, env));
            }
            None => return false,
        }
        true
    }

    /// Until nothing is left to do.
    pub fn settle(&mut self) {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(steps < 100_000, "it never settles: {:?}", self.notes.iter().rev().take(20));
        }
    }

    /// Until a note contains `text`.
    pub fn until(&mut self, text: &str) {
        while !self.notes.iter().any(|note| note.contains(text)) {
            assert!(self.step(), "no {text} in {:#?}", self.notes);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Connect { to, .. } => {
                let peer = self.era.clone();
                self.channel(to, ChannelEvent::Connected { peer });
            }
            Effect::Disconnect { .. } => {}
            Effect::Send { to, call, request, .. } => {
                let broker = BrokerId(i32::from(to.0));
                self.sent.push((broker, call, request.clone()));
                if !self.silent.contains(&broker) {
                    self.answer(call, Ok(response(&request)));
                }
            }
            other => panic!("a controller does not {other:?}"),
        }
    }

    pub fn channel(&mut self, to: NodeId, event: ChannelEvent) {
        self.with(|controller, _, env| controller.channels.on_channel(to, event, env));
    }

    pub fn answer(&mut self, call: CallId, answer: Result<Response, Disconnected>) {
        self.with(|controller, zk, env| controller.broker_answered(call, answer, zk, env));
    }

    /// Forgets what was noted, sent and answered, and says what was noted.
    pub fn clear(&mut self) -> Vec<String> {
        self.sent.clear();
        self.replies.clear();
        std::mem::take(&mut self.notes)
    }

    /// A started controller that has settled, with nothing noted.
    pub fn started(mut self) -> Rig {
        self.with(|controller, zk, env| controller.enqueue(Event::Startup, zk, env));
        self.settle();
        assert!(self.controller.is_active());
        self.clear();
        self
    }
}

/// What a broker answers to a control request when all is well.
pub(super) fn response(request: &Request) -> Response {
    match request {
        Request::LeaderAndIsr(request) => {
            let partitions = request.partitions.iter().map(|one| (one.partition, None)).collect();
            LeaderAndIsrResponse { error: None, partitions }.into()
        }
        Request::StopReplica(request) => {
            let partitions = request.partitions.iter().map(|one| (one.partition, None)).collect();
            StopReplicaResponse { error: None, partitions }.into()
        }
        Request::UpdateMetadata(_) => UpdateMetadataResponse { error: None }.into(),
        other => panic!("a controller sends no {other:?}"),
    }
}

fn shown(note: &Note) -> String {
    let list = |ids: &[BrokerId]| format!("{:?}", ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let Note::Controller(note) = note else { panic!("not the controller's: {note:?}") };
    match note {
        ControllerNote::Event { name, .. } => format!("event {name}"),
        ControllerNote::Elected { epoch } => format!("elected c{epoch}"),
        ControllerNote::Resigned { epoch } => format!("resigned c{epoch}"),
        ControllerNote::Follows { controller } => format!("follows {controller}"),
        ControllerNote::Initialized { brokers, partitions } => {
            format!("initialized {} {partitions}", list(brokers))
        }
        ControllerNote::BrokersChanged { started, failed, bounced, .. } => {
            format!("brokers +{} -{} ~{}", list(started), list(failed), list(bounced))
        }
        ControllerNote::BrokerFailure { brokers } => format!("failure {}", list(brokers)),
        ControllerNote::BrokerStartup { brokers } => format!("startup {}", list(brokers)),
        ControllerNote::PartitionState { partition, from, to } => format!("{partition} {from} -> {to}"),
        ControllerNote::ReplicaState { partition, broker, from, to } => {
            format!("{partition}@{broker} {from} -> {to}")
        }
        ControllerNote::LeaderAndIsrWritten { partition, leader, epoch, isr, reason, unclean } => {
            let unclean = if *unclean { " UNCLEAN" } else { "" };
            format!("{partition} written {leader} e{epoch} {} ({reason}){unclean}", list(isr))
        }
        ControllerNote::NotElected { partition, reason } => format!("{partition} not elected: {reason}"),
        ControllerNote::WriteRefused { path, error } => format!("refused {path} {error:?}"),
        ControllerNote::Imbalance { broker, led_elsewhere, preferred_of, .. } => {
            format!("of {preferred_of} that prefer {broker} others lead {led_elsewhere}")
        }
        ControllerNote::ShutdownRefused { broker, error } => format!("refuses to let {broker} go: {error}"),
        ControllerNote::Sent { api, to, partitions } => {
            let partitions: Vec<_> = partitions.iter().map(|(partition, _)| partition).collect();
            format!("sent {} to {to} {partitions:?}", api.name())
        }
    }
}
