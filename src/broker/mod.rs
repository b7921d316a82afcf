//! A broker: routes every input to the part it concerns (`KafkaServer`, `KafkaApis`).

pub mod leader;
pub mod partition;
pub mod replica_manager;
pub mod view;

use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, ControllerEpoch, NodeId, TopicPartition};
use crate::node::{Env, Input, Node};
use crate::time::Time;
use view::ReplicaView;

/// One broker process.
#[derive(Clone, Debug)]
pub struct Broker {}

impl Broker {
    /// A broker that has not started. `node` is its own address.
    pub fn new(config: BrokerConfig, era: Era, node: NodeId) -> Broker {
        let _ = (config, era, node);
        todo!()
    }

    /// `broker.id`.
    pub fn id(&self) -> BrokerId {
        todo!()
    }

    /// Its controller epoch while it is the active controller.
    pub fn controller_epoch(&self) -> Option<ControllerEpoch> {
        todo!()
    }

    /// The replica of a partition, if this broker hosts one.
    pub fn replica(&self, partition: TopicPartition) -> Option<ReplicaView<'_>> {
        let _ = partition;
        todo!()
    }

    /// The partitions it hosts, in order.
    pub fn partitions(&self) -> Vec<TopicPartition> {
        todo!()
    }
}

impl Node for Broker {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let _ = (input, env);
        todo!()
    }

    fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
