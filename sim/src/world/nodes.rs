//! The processes of a world, as others may see them.

use kafka::admin::Operator;
use kafka::broker::Broker;
use kafka::consumer::Consumer;
use kafka::era::Era;
use kafka::ids::{BrokerId, NodeId};
use kafka::node::Node;
use kafka::producer::Producer;
use kafka::time::Time;
use kafka::zookeeper::ZooKeeper;
use std::any::Any;
use std::sync::Arc;

/// A process of any kind.
#[derive(Clone)]
pub enum Process {
    /// ZooKeeper.
    ZooKeeper(ZooKeeper),
    /// A broker.
    Broker(Box<Broker>),
    /// A producer.
    Producer(Box<Producer>),
    /// A consumer.
    Consumer(Box<Consumer>),
    /// An operator's tools.
    Operator(Box<Operator>),
    /// Something else: a test's node, or a user's.
    Custom(Box<dyn CustomProcess>),
}

/// A process that is none of Kafka's. Every [`Node`] that can be cloned and sent is one.
pub trait CustomProcess: Node + Send + Sync {
    /// A copy.
    fn copy(&self) -> Box<dyn CustomProcess>;
    /// Itself, for whoever knows what it is.
    fn as_any(&self) -> &dyn Any;
}

impl<T: Node + Clone + Send + Sync + 'static> CustomProcess for T {
    fn copy(&self) -> Box<dyn CustomProcess> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Clone for Box<dyn CustomProcess> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}

/// Whether a process runs.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// Not started yet, killed, or ended by itself.
    Down,
    /// Running.
    Up,
    /// Stopped by SIGSTOP or a long GC.
    Paused,
}

/// One place in the cluster: a machine with at most one process.
#[derive(Clone)]
pub struct NodeSlot {
    /// Its name.
    pub name: Arc<str>,
    /// The release it runs.
    pub era: Era,
    /// Whether it runs.
    pub status: Status,
    /// Which life it is in, counted from 1; 0 before the first.
    pub life: u32,
    /// The memory of its process; of a process that is down, nothing may be read but what it is.
    pub process: Arc<Process>,
}

/// All nodes, by `NodeId`.
#[derive(Clone, Default)]
pub struct Nodes {
    /// The slots; the index is the `NodeId`.
    pub slots: Vec<NodeSlot>,
    /// Virtual time.
    pub now: Time,
}

impl Nodes {
    /// One node.
    pub fn slot(&self, node: NodeId) -> &NodeSlot {
        &self.slots[usize::from(node.0)]
    }

    /// Its name.
    pub fn name(&self, node: NodeId) -> &str {
        &self.slot(node).name
    }

    /// The node of this name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.slots.iter().position(|slot| &*slot.name == name).map(|index| NodeId(index as u16))
    }

    /// A broker that runs (paused ones included).
    pub fn broker(&self, node: NodeId) -> Option<&Broker> {
        let slot = self.slot(node);
        match (&*slot.process, slot.status) {
            (Process::Broker(broker), Status::Up | Status::Paused) => Some(broker),
            _ => None,
        }
    }

    /// Every broker that runs (paused ones included), by node.
    pub fn brokers(&self) -> impl Iterator<Item = (NodeId, &Broker)> {
        (0..self.slots.len())
            .map(|index| NodeId(index as u16))
            .filter_map(|node| Some((node, self.broker(node)?)))
    }

    /// The places of brokers, running or not, by broker id.
    pub fn broker_nodes(&self) -> impl Iterator<Item = (BrokerId, NodeId)> + '_ {
        self.slots.iter().enumerate().filter_map(|(index, slot)| match &*slot.process {
            Process::Broker(broker) => Some((broker.id(), NodeId(index as u16))),
            _ => None,
        })
    }

    /// The place of a broker.
    pub fn broker_node(&self, id: BrokerId) -> Option<NodeId> {
        self.broker_nodes().find(|(broker, _)| *broker == id).map(|(_, node)| node)
    }

    /// The process of a node, if it is of type `T`.
    pub fn custom<T: 'static>(&self, node: NodeId) -> Option<&T> {
        match &*self.slot(node).process {
            Process::Custom(custom) => (**custom).as_any().downcast_ref(),
            _ => None,
        }
    }

    /// ZooKeeper.
    pub fn zookeeper(&self) -> &ZooKeeper {
        match &*self.slots[0].process {
            Process::ZooKeeper(zookeeper) => zookeeper,
            _ => unreachable!("node 0 is ZooKeeper"),
        }
    }
}
