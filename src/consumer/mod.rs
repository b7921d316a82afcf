//! A consumer.

use crate::config::ConsumerConfig;
use crate::era::Era;
use crate::ids::NodeId;
use crate::node::{Env, Input, Node};
use crate::time::Time;

/// One consumer process.
#[derive(Clone, Debug)]
pub struct Consumer {}

impl Consumer {
    /// A consumer that knows these brokers to begin with (`bootstrap.servers`).
    pub fn new(config: ConsumerConfig, era: Era, bootstrap: Vec<NodeId>) -> Consumer {
        let _ = (config, era, bootstrap);
        todo!()
    }
}

impl Node for Consumer {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let _ = (input, env);
        todo!()
    }

    fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
