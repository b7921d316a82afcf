//! Why a partition may stay as it is when all has calmed down, though nobody is to blame: computed from the state, never
//! from what a scenario did.
//!
//! Nobody is left who may lead: every member of the ISR is down, and an election from outside of it is off (or nobody
//! else runs either). Kafka waits then, and should: whoever may have a committed record is not there.
//!
//! A client may know nobody: every broker that its last metadata named is down. It asks those again and again, and never
//! the addresses that it began with (until KIP-899, which up to 3.9 has to be asked for).

use super::ghost::{Deletion, Ghost, Seen};
use super::history::History;
use crate::world::nodes::{Nodes, Process, Status};
use kafka::ids::{BrokerId, NodeId, TopicPartition};

/// A partition that waits with good reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excuse {
    /// Which.
    pub partition: TopicPartition,
    /// Why, in words.
    pub why: String,
}

/// All excuses there are now.
pub fn excuses(history: &History, nodes: &Nodes) -> Vec<Excuse> {
    let of = |partition| {
        let why = excuse(history.get(partition)?, nodes)?;
        Some(Excuse { partition, why })
    };
    history.partitions().filter_map(of).collect()
}

/// Whether every broker that a client knows is down.
pub fn knows_nobody(client: NodeId, nodes: &Nodes) -> bool {
    let known = match &*nodes.slot(client).process {
        Process::Producer(producer) => producer.known_brokers(),
        Process::Consumer(consumer) => consumer.known_brokers(),
        _ => return false,
    };
    known.iter().all(|node| nodes.slot(*node).status == Status::Down)
}

/// Why this partition waits, if it may.
pub fn excuse(ghost: &Ghost, nodes: &Nodes) -> Option<String> {
    let state = ghost.state.as_ref()?;
    if ghost.deletion == Deletion::Begun {
        return Some("its topic is being deleted".to_owned());
    }
    let can_lead = |seen: &Seen| seen.alive && ghost.in_controller_isr(seen);
    if ghost.replicas.iter().any(can_lead) {
        return None;
    }
    let allows_unclean = |seen: &Seen| {
        let view = nodes.broker(seen.node).and_then(|broker| broker.replica(ghost.partition));
        view.is_some_and(|view| view.log.config().unclean_leader_election)
    };
    if ghost.replicas.iter().any(|seen| seen.alive && allows_unclean(seen)) {
        return None;
    }
    let isr: Vec<String> = state.isr.iter().map(BrokerId::to_string).collect();
    let verb = if isr.len() == 1 { "is" } else { "are all" };
    Some(format!("its ISR [{}] {verb} down, and nobody else may lead", isr.join(",")))
}
