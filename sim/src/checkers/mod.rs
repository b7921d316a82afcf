//! The properties: what Kafka promises, and what its mechanisms should keep. One claim a file.

use crate::world::EventId;
use crate::world::nodes::Nodes;
use crate::world::spec::WorldSpec;
use kafka::command::{Command, Delivery};
use kafka::ids::{NodeId, TopicPartition};
use kafka::time::Time;

/// What the kernel tells the checkers after an event, beside the state they read.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The event.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// Replicas that changed: on which node, of which partition.
    pub marks: &'a [(NodeId, TopicPartition)],
    /// Commands given to clients.
    pub commands: &'a [(NodeId, Command)],
    /// What applications were told.
    pub deliveries: &'a [(NodeId, Delivery)],
    /// Processes that started or ended, disks that lost something: (node, what).
    pub lives: &'a [(NodeId, LifeEvent)],
}

/// What became of a process or its machine.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LifeEvent {
    /// It started.
    Started,
    /// Its memory is gone, its page cache is not.
    Ended,
    /// Its memory is gone and so may be what it had not flushed.
    LostPower,
    /// Its disk was damaged, emptied, or lost a file.
    DiskDamaged,
}

/// All checkers of a run, and the auditor's ledger.
#[derive(Clone, Default)]
pub struct Checks {}

impl Checks {
    /// The checkers that watch such a world. `in_force`: mechanisms to be checked earlier than their release.
    pub fn new(spec: &WorldSpec, in_force: &[String]) -> Checks {
        let _ = (spec, in_force);
        Checks {}
    }

    /// After an event: looks at what changed. Must cost next to nothing when nothing did.
    pub fn observe(&mut self, observed: Observed<'_>, nodes: &Nodes) {
        let _ = (observed, nodes);
    }
}
