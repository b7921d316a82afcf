//! The auditor: at the end of a run, what became of every record that an application sent.
//!
//! For each: whether it was acknowledged and how, where copies are now (running replicas, and the disks of brokers that
//! are down), and for one that is lost who threw away the last copy, when, by which rule, and whether the operator's
//! settings allowed it.

use super::history::{Ghost, History, Seen, find};
use super::ledger::{Ledger, Outcome, Send, acks_name};
use crate::world::nodes::Nodes;
use kafka::command::ClientError;
use kafka::ids::{NodeId, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::messages::produce::Acks;
use kafka::time::Time;
use std::sync::Arc;

/// Everything that was sent.
#[derive(Clone, Default, Debug)]
pub struct Audit {
    /// A record (or batch) each, oldest first.
    pub records: Vec<Audited>,
}

/// One send, accounted for.
#[derive(Clone, Debug)]
pub struct Audited {
    /// What it is called.
    pub name: Arc<str>,
    /// Where it was sent.
    pub partition: TopicPartition,
    /// By whom.
    pub producer: NodeId,
    /// With which acknowledgement.
    pub acks: Acks,
    /// What the application was told, in words.
    pub told: String,
    /// The batch it became, if that is known.
    pub batch: Option<BatchInfo>,
    /// Names of the nodes that hold it.
    pub copies: Vec<String>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The current leader has it.
    Kept,
    /// It was never promised, and is not there (or nobody can say).
    NotPromised,
    /// Nobody leads; these copies wait for somebody to.
    Waiting,
    /// It was acknowledged, and the partition goes on without it.
    Lost {
        /// `acks=1`, `unclean-election`, `power-loss`; `None` if nothing allowed it.
        declared: Option<&'static str>,
        /// Who threw it away, when and why.
        how: String,
    },
}

impl Audit {
    /// Accounts for every send. `on_disk` tells what a node that is down holds on its disk, where memory cannot say.
    pub fn new(
        history: &History,
        ledger: &Ledger,
        nodes: &Nodes,
        on_disk: &dyn Fn(NodeId, TopicPartition) -> Vec<BatchInfo>,
    ) -> Audit {
        let records = ledger.sends().map(|send| {
            let ghost = history.get(send.partition);
            let copies = ghost.map_or(Vec::new(), |ghost| copies(ghost, send, nodes, on_disk));
            Audited {
                name: send.name(),
                partition: send.partition,
                producer: send.producer,
                acks: send.acks,
                told: told(send, nodes),
                batch: send.batch,
                fate: ghost.map_or(Fate::NotPromised, |ghost| fate(ghost, send, nodes, &copies)),
                copies: copies.into_iter().map(|node| nodes.name(node).to_owned()).collect(),
            }
        });
        Audit { records: records.collect() }
    }

    /// Names of the records that are lost, with the declaration that allowed it.
    pub fn lost(&self) -> impl Iterator<Item = (&Audited, Option<&'static str>)> {
        self.records.iter().filter_map(|record| match record.fate {
            Fate::Lost { declared, .. } => Some((record, declared)),
            _ => None,
        })
    }
}

fn told(send: &Send, nodes: &Nodes) -> String {
    let acks = acks_name(send.acks);
    let ms = |at: &Time| at.millis();
    match &send.outcome {
        Outcome::Open => format!("nothing yet, acks={acks}"),
        Outcome::Acked(at, _) => format!("acked at {} ms, acks={acks}", ms(at)),
        Outcome::Failed(at, error, open) => {
            let error = match error {
                ClientError::Kafka(error) => error.name(&nodes.slot(send.producer).era).to_owned(),
                ClientError::TimedOut => "TimeoutException".to_owned(),
                ClientError::Disconnected => "NetworkException".to_owned(),
            };
            let open = if *open { "may be written" } else { "not written" };
            format!("{error} at {} ms ({open})", ms(at))
        }
    }
}

fn copies(
    ghost: &Ghost,
    send: &Send,
    nodes: &Nodes,
    on_disk: &dyn Fn(NodeId, TopicPartition) -> Vec<BatchInfo>,
) -> Vec<NodeId> {
    let Some(batch) = send.batch else { return Vec::new() };
    let holds = |seen: &&Seen| {
        if seen.alive || nodes.broker(seen.node).is_some() {
            find(&seen.batches, batch.base_offset) == Some(&batch)
        } else {
            on_disk(seen.node, ghost.partition).contains(&batch)
        }
    };
    ghost.replicas.iter().filter(holds).map(|seen| seen.node).collect()
}

fn fate(ghost: &Ghost, send: &Send, nodes: &Nodes, copies: &[NodeId]) -> Fate {
    let (Outcome::Acked(..), Some(batch)) = (&send.outcome, send.batch) else { return Fate::NotPromised };
    if ghost.replicas.iter().any(|seen| seen.start > batch.last_offset) {
        return Fate::Kept; // deleted from the front, as the operator or retention asked
    }
    match ghost.current_leader().map(|index| &ghost.replicas[index]) {
        Some(leader) if copies.contains(&leader.node) => return Fate::Kept,
        None if !copies.is_empty() => return Fate::Waiting,
        _ => {}
    }
    let declared = match send.acks {
        Acks::None => Some("acks=0"),
        Acks::Leader if !ghost.lost.iter().any(|(old, _)| old.batch == batch) => Some("acks=1"),
        _ => ghost
            .lost
            .iter()
            .rev()
            .find(|(old, _)| old.batch == batch)
            .and_then(|(_, declared)| *declared)
            .map(|d| d.name()),
    };
    let how = match ghost.last_drop(&batch) {
        Some(drop) => {
            format!("{} dropped it at {} ms by {}", nodes.name(drop.node), drop.at.millis(), drop.why)
        }
        None if copies.is_empty() => "no copy is left".to_owned(),
        None => "the current leader never had it".to_owned(),
    };
    Fate::Lost { declared, how }
}
