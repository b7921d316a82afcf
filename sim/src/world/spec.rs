//! What a world is made of: nodes, network, disks.

use crate::disk::Journal;
use kafka::config::{BrokerConfig, ConsumerConfig, ProducerConfig};
use kafka::era::Era;
use kafka::time::{Micros, Time};

/// A world to be built. The index of a node is its `NodeId`; 0 is ZooKeeper.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// The processes.
    pub nodes: Vec<NodeSpec>,
    /// The network between them.
    pub network: NetworkSpec,
    /// Their disks.
    pub disks: DiskSpec,
    /// What a step costs its node, in CPU time.
    pub step_cost: Micros,
    /// The wall clock at time 0, in milliseconds since 1970.
    pub epoch_millis: i64,
}

/// One process to be.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name: `broker-1`, `producer-1`, `zookeeper`, `operator`.
    pub name: String,
    /// The release it runs.
    pub era: Era,
    /// What it is.
    pub kind: NodeKind,
    /// When it starts.
    pub starts_at: Time,
}

/// What a process is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// ZooKeeper.
    ZooKeeper,
    /// A broker.
    Broker(Box<BrokerConfig>),
    /// A producer.
    Producer(ProducerConfig),
    /// A consumer.
    Consumer(ConsumerConfig),
    /// An operator's tools.
    Operator,
}

/// What all disks are like.
#[derive(Copy, Clone, Debug)]
pub struct DiskSpec {
    /// What a flush does for names.
    pub journal: Journal,
    /// What a flush of a file or a directory costs.
    pub flush: Micros,
}

impl Default for DiskSpec {
    fn default() -> Self {
        DiskSpec { journal: Journal::default(), flush: Micros(500) }
    }
}

/// The network.
#[derive(Clone, Debug)]
pub struct NetworkSpec {
    /// One way.
    pub latency: Micros,
    /// Added to it, drawn between 0 and this by every seed but 0.
    pub jitter: Micros,
    /// Per direction of a link; `None` is unbounded.
    pub bytes_per_second: Option<u64>,
}

impl Default for NetworkSpec {
    fn default() -> Self {
        NetworkSpec { latency: Micros(1000), jitter: Micros(1000), bytes_per_second: None }
    }
}
