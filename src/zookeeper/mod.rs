//! ZooKeeper.

pub mod znode;

pub mod session;

use crate::ids::{TopicPartition, ZkVersion};
use crate::messages::zookeeper::Stat;
use crate::node::{Env, Input, Node};
use crate::time::Time;
use znode::{PartitionState, ZnodeData};

/// The ZooKeeper ensemble as one linearizable node.
#[derive(Clone, Debug, Default)]
pub struct ZooKeeper {}

impl ZooKeeper {
    /// A fresh tree with Kafka's persistent paths.
    pub fn new() -> ZooKeeper {
        todo!()
    }

    /// What a znode holds.
    pub fn get(&self, path: &str) -> Option<(&ZnodeData, Stat)> {
        let _ = path;
        todo!()
    }

    /// The children of a znode, by name, sorted.
    pub fn children(&self, path: &str) -> Vec<&str> {
        let _ = path;
        todo!()
    }

    /// A partition's state. Fast: checkers ask after many events.
    pub fn partition_state(&self, partition: TopicPartition) -> Option<(&PartitionState, ZkVersion)> {
        let _ = partition;
        todo!()
    }

    /// Counts the changes of any partition's state, so that a checker sees cheaply that nothing changed.
    pub fn partition_states_version(&self) -> u64 {
        todo!()
    }

    /// Every partition that has a state.
    pub fn partitions(&self) -> Vec<TopicPartition> {
        todo!()
    }
}

impl Node for ZooKeeper {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let _ = (input, env);
        todo!()
    }

    fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
