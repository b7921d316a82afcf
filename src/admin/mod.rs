//! An operator's tools (`kafka-topics.sh` and its kin), as one node that talks to ZooKeeper.

use crate::era::Era;
use crate::node::{Env, Input, Node};
use crate::time::Time;

/// An operator at a terminal.
#[derive(Clone, Debug)]
pub struct Operator {}

impl Operator {
    /// An operator whose tools are of this era.
    pub fn new(era: Era) -> Operator {
        let _ = era;
        todo!()
    }
}

impl Node for Operator {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let _ = (input, env);
        todo!()
    }

    fn deadline(&self) -> Option<Time> {
        todo!()
    }
}
