//! A producer.

use crate::config::ProducerConfig;
use crate::era::Era;
use crate::ids::NodeId;
use crate::node::{Env, Input, Node};
use crate::time::Time;

/// One producer process.
#[derive(Clone, Debug)]
pub struct Producer {}

impl Producer {
    /// A producer that knows these brokers to begin with (`bootstrap.servers`).
    pub fn new(config: ProducerConfig, era: Era, bootstrap: Vec<NodeId>) -> Producer {
        let _ = (config, era, bootstrap);
        todo!()
    }
}

impl Node for Producer {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let _ = (input, env);
        todo!()
    }

    fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
