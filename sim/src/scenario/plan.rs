//! From a scenario and an era to a world: nodes, their releases and settings, when each starts.
//!
//! Node 0 is ZooKeeper; brokers follow in the order of the file, then an operator, then clients. The broker that is to be
//! controller starts first and alone: by the time the others come it holds `/controller`.

use super::cluster::JournalWord;
use super::eras::of_node;
use super::names::ClientKind;
use super::settings::{of_broker, pairs};
use super::validate::Ready;
use crate::disk::Journal;
use crate::world::spec::{DiskSpec, NetworkSpec, NodeKind, NodeSpec, WorldSpec};
use kafka::config::{BrokerConfig, ConsumerConfig, ProducerConfig};
use kafka::era::Era;
use kafka::ids::{BrokerId, NodeId};
use kafka::time::{Micros, Time};

/// When the controller's broker starts: ZooKeeper is up.
const CONTROLLER_STARTS: Time = Time(10_000);
/// When the other brokers start.
const BROKERS_START: Time = Time(1_000_000);
/// When the operator and clients start: the brokers are up.
const OTHERS_START: Time = Time(2_000_000);
/// What a step costs, in CPU time.
const STEP_COST: Micros = Micros(20);
/// The wall clock when a trial begins: 2020-09-13 12:26:40 UTC.
const EPOCH_MILLIS: i64 = 1_600_000_000_000;

/// A world to be, and where its special nodes are.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The world.
    pub spec: WorldSpec,
    /// The operator.
    pub operator: NodeId,
}

/// Plans the world of a run in `era`.
pub fn plan(ready: &Ready, era: &Era) -> Plan {
    const CHECKED: &str = "settings are checked in every era before it runs";
    let scenario = ready.scenario();
    let node = |name: &str, kind: NodeKind, starts_at: Time| NodeSpec {
        name: name.to_owned(),
        era: of_node(scenario, era, name),
        kind,
        starts_at,
    };
    let mut nodes = vec![node("zookeeper", NodeKind::ZooKeeper, Time::ZERO)];
    let first = scenario.cluster.controller_at.as_deref().unwrap_or(&ready.names.brokers[0].name);
    for broker in &ready.names.brokers {
        let own = of_node(scenario, era, &broker.name);
        let settings = of_broker(scenario, &broker.name);
        let config = BrokerConfig::new(&own, BrokerId(broker.id), &settings).expect(CHECKED);
        let starts_at = if broker.name == first { CONTROLLER_STARTS } else { BROKERS_START };
        nodes.push(node(&broker.name, NodeKind::Broker(Box::new(config)), starts_at));
    }
    let operator = NodeId(nodes.len() as u16);
    nodes.push(node("operator", NodeKind::Operator, OTHERS_START));
    for client in &ready.names.clients {
        let own = of_node(scenario, era, &client.name);
        let settings = pairs(&client.spec.settings);
        let kind = match client.kind {
            ClientKind::Producer => NodeKind::Producer(ProducerConfig::new(&own, &settings).expect(CHECKED)),
            ClientKind::Consumer => NodeKind::Consumer(ConsumerConfig::new(&own, &settings).expect(CHECKED)),
        };
        nodes.push(node(&client.name, kind, OTHERS_START));
    }
    let network = &scenario.cluster.network;
    let default = NetworkSpec::default();
    let network = NetworkSpec {
        latency: network.latency.map_or(default.latency, |span| span.0),
        jitter: network.jitter.map_or(default.jitter, |span| span.0),
        bytes_per_second: network.bandwidth,
    };
    let disks = &scenario.cluster.disks;
    let default = DiskSpec::default();
    let disks = DiskSpec {
        journal: match disks.journal {
            JournalWord::InOrder => Journal::InOrder,
            JournalWord::Strict => Journal::Strict,
        },
        flush: disks.flush.map_or(default.flush, |span| span.0),
    };
    let spec = WorldSpec { nodes, network, disks, step_cost: STEP_COST, epoch_millis: EPOCH_MILLIS };
    Plan { spec, operator }
}
