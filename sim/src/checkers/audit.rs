//! The auditor: at the end of a run, what became of every record that an application sent.
//!
//! For each: whether it was acknowledged and how, where copies are now (running replicas, and the disks of brokers that
//! are down or damaged), and for one that is lost who threw away the last copy, when, by which rule, and whether the operator's
//! settings allowed it.
//!
//! A record that an operator has deleted is not lost: it is below the log start offset. A batch of which some records are
//! below it and some are not is still there.
//!
//! What was promised is the record, not its place. A producer that tries again may write it twice, and be told of the one
//! or the other; if the batch it was told of is gone and the current leader still has the other (the same bytes: the CRC
//! covers all but offset and leader epoch), the record is not lost. That the offset was given away is broken all the same,
//! and told by `leader-completeness` and `consistent-read`. With `LogAppendTime` the two differ, and the record counts as lost.
//!
//! Where a record went that was never acknowledged, nobody was told: then the logs are searched for its first value.

use super::history::{Deletion, Ghost, History, Seen, duplicate, find};
use super::ledger::{Ledger, Names, Outcome, Send, acks_name, name_of};
use crate::trace::names::info;
use crate::world::nodes::Nodes;
use kafka::command::ClientError;
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::log::partition_log::BatchInfo;
use kafka::messages::produce::Acks;
use kafka::partition_map::PartitionMap;
use std::collections::BTreeMap;
use std::fmt;
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
    /// What the application was told.
    pub told: Told,
    /// The batch it became, if that is known.
    pub batch: Option<BatchInfo>,
    /// Names of the nodes that hold it: one list for all records that the same nodes hold.
    pub copies: Arc<[Arc<str>]>,
    /// What became of it.
    pub fate: Fate,
}

/// What an application was told of a record: put into words only for those who read them, as most records are kept.
#[derive(Clone, Debug)]
pub struct Told {
    outcome: Outcome,
    acks: Acks,
    /// The error's name in the producer's era, if it failed.
    error: &'static str,
}

impl Told {
    fn of(send: &Send, nodes: &Nodes) -> Told {
        let error = match send.outcome {
            Outcome::Open | Outcome::Acked(..) => "",
            Outcome::Failed(_, ClientError::Kafka(error), _) => error.name(&nodes.slot(send.producer).era),
            Outcome::Failed(_, ClientError::TimedOut, _) => "TimeoutException",
            Outcome::Failed(_, ClientError::Disconnected, _) => "NetworkException",
        };
        Told { outcome: send.outcome.clone(), acks: send.acks, error }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let acks = acks_name(self.acks);
        match self.outcome {
            Outcome::Open => write!(f, "nothing yet, acks={acks}"),
            // Nobody answers such a request: it counts as done once it is sent.
            Outcome::Acked(at, _) if self.acks == Acks::None => {
                write!(f, "sent at {} ms, acks={acks}", at.millis())
            }
            Outcome::Acked(at, _) => write!(f, "acked at {} ms, acks={acks}", at.millis()),
            Outcome::Failed(at, _, open) => {
                let open = if open { "may be written" } else { "not written" };
                write!(f, "{} at {} ms ({open})", self.error, at.millis())
            }
        }
    }
}

/// What became of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The current leader has it.
    Kept,
    /// The batch that was acknowledged is gone, and the current leader has the producer's other attempt, at this offset.
    Duplicate(Offset),
    /// It was never promised, and is not there (or nobody can say).
    NotPromised,
    /// The current leader has the batch, but what is below this offset was deleted by an operator.
    KeptFrom(Offset),
    /// An operator had it deleted: the log starts here.
    Deleted(Offset),
    /// An operator had its topic deleted.
    TopicDeleted,
    /// Nobody leads, or who leads cannot read it; these copies wait for another leader.
    Waiting,
    /// It was acknowledged, and the partition goes on without it.
    Lost {
        /// `acks=1`, `unclean-election`, `power-loss`; `None` if nothing allowed it.
        declared: Option<&'static str>,
        /// Who threw it away, when and why.
        how: String,
    },
}

impl Fate {
    /// Whether the current leader has it, or a duplicate of it.
    pub fn is_kept(&self) -> bool {
        matches!(self, Fate::Kept | Fate::KeptFrom(_) | Fate::Duplicate(_))
    }
}

impl Audit {
    /// Accounts for every send. `on_disk` reads what a node's disk holds of a partition, whether it runs or not.
    pub fn new(
        history: &History,
        ledger: &Ledger,
        nodes: &Nodes,
        on_disk: &dyn Fn(NodeId, TopicPartition) -> Vec<RecordBatch>,
    ) -> Audit {
        let mut searched = Searched::default();
        let mut names = Names::default();
        let mut copies = Vec::new();
        let mut named: (Vec<NodeId>, Arc<[Arc<str>]>) = Default::default();
        let mut places = PartitionMap::default();
        let records = ledger.sends().map(|send| {
            let ghost = history.get(send.partition);
            let found = ghost.and_then(|ghost| searched.find(ghost, send, ledger, on_disk));
            let batch = send.batch.or(found);
            copies.clear();
            if let (Some(ghost), Some(last)) = (ghost, send.last_batch().or(found)) {
                // Sends are gone through in about the order of the logs, and all logs hold nearly the same.
                let place = places.get_or_insert_with(send.partition, || 0);
                copies.extend(holders(ghost, last, nodes, place, on_disk));
            }
            Audited {
                name: names.of(send),
                partition: send.partition,
                producer: send.producer,
                acks: send.acks,
                told: Told::of(send, nodes),
                batch,
                fate: ghost.map_or(Fate::NotPromised, |ghost| fate(ghost, send, nodes, &copies)),
                copies: {
                    if named.0 != copies {
                        let names = copies.iter().map(|node| Arc::clone(&nodes.slot(*node).name)).collect();
                        named = (copies.clone(), names);
                    }
                    Arc::clone(&named.1)
                },
            }
        });
        // The ledger knows how many there are; the iterator does not.
        let mut all = Vec::with_capacity(ledger.count());
        all.extend(records);
        Audit { records: all }
    }

    /// Names of the records that are lost, with the declaration that allowed it.
    pub fn lost(&self) -> impl Iterator<Item = (&Audited, Option<&'static str>)> {
        self.records.iter().filter_map(|record| match record.fate {
            Fate::Lost { declared, .. } => Some((record, declared)),
            _ => None,
        })
    }
}

/// What the logs of a partition hold: the first value of each batch.
#[derive(Default)]
struct Searched {
    values: BTreeMap<TopicPartition, Vec<OnDisk>>,
}

/// On whose disk, which batch, and what its send is called.
type OnDisk = (NodeId, BatchInfo, Option<Arc<str>>);

impl Searched {
    /// The batch of a send whose producer was not told where it is: the current leader's, or anybody's.
    fn find(
        &mut self,
        ghost: &Ghost,
        send: &Send,
        ledger: &Ledger,
        on_disk: &dyn Fn(NodeId, TopicPartition) -> Vec<RecordBatch>,
    ) -> Option<BatchInfo> {
        // What has no name may be many, and is counted only.
        if send.batch.is_some() || !send.is_named() {
            return None;
        }
        let values = self.values.entry(send.partition).or_insert_with(|| {
            let of_node = |seen: &Seen| {
                let (node, batches) = (seen.node, on_disk(seen.node, ghost.partition));
                batches.into_iter().map(move |batch| (node, info(&batch), first_value(&batch)))
            };
            ghost.replicas.iter().flat_map(of_node).collect()
        });
        let leader = ghost.current_leader().map(|index| ghost.replicas[index].node);
        let is_it = |(_, batch, value): &&OnDisk| {
            value.as_deref() == Some(&*send.name())
                && ledger.send_of(send.partition, batch).is_none_or(|other| other.id == send.id)
        };
        let mut found = values.iter().filter(is_it);
        let any = found.next()?;
        let of_leader = [any].into_iter().chain(found).find(|(node, ..)| Some(*node) == leader);
        Some(of_leader.unwrap_or(any).1)
    }
}

/// What a batch's send is called.
fn first_value(batch: &RecordBatch) -> Option<Arc<str>> {
    let first = batch.records().next()?.ok()?;
    first.value.as_deref().map(name_of)
}

/// Who has a copy of a batch. `place`: about where it is in a log.
fn holders(
    ghost: &Ghost,
    batch: BatchInfo,
    nodes: &Nodes,
    place: &mut usize,
    on_disk: &dyn Fn(NodeId, TopicPartition) -> Vec<RecordBatch>,
) -> impl Iterator<Item = NodeId> {
    let holds = move |seen: &&Seen| {
        let knows = seen.alive || nodes.broker(seen.node).is_some();
        let mut listed = || {
            let is_at = |place: usize| seen.batches.get(place) == Some(&batch);
            let near = [*place, *place + 1].into_iter().find(|near| is_at(*near));
            *place = near
                .unwrap_or_else(|| seen.batches.partition_point(|held| held.base_offset < batch.base_offset));
            is_at(*place)
        };
        let readable = || on_disk(seen.node, ghost.partition).iter().any(|held| info(held) == batch);
        match (knows, ghost.damaged.contains(&seen.node)) {
            (true, false) => listed(),
            (true, true) => listed() && readable(),
            (false, _) => readable(),
        }
    };
    ghost.replicas.iter().filter(holds).map(|seen| seen.node)
}

fn has_damaged_copy(ghost: &Ghost, seen: &Seen, batch: &BatchInfo) -> bool {
    ghost.damaged.contains(&seen.node) && find(&seen.batches, batch.base_offset) == Some(batch)
}

fn fate(ghost: &Ghost, send: &Send, nodes: &Nodes, copies: &[NodeId]) -> Fate {
    let (Outcome::Acked(..), Some(batch)) = (&send.outcome, send.last_batch()) else {
        return Fate::NotPromised;
    };
    let leader = ghost.current_leader().map(|index| &ghost.replicas[index]);
    if send.is_deleted || ghost.deletion == Deletion::Begun && leader.is_none() {
        return Fate::TopicDeleted;
    }
    // Its bytes may be on disk all the same. What a crash has brought back is there again.
    let start = leader.map_or(ghost.deleted, |leader| leader.start.min(ghost.ordered));
    if start > batch.last_offset {
        return Fate::Deleted(start);
    }
    match leader {
        Some(leader) if copies.contains(&leader.node) && start > batch.base_offset => {
            return Fate::KeptFrom(start);
        }
        Some(leader) if copies.contains(&leader.node) => return Fate::Kept,
        Some(leader) => {
            if let Some(other) = duplicate(&leader.batches, &batch) {
                return Fate::Duplicate(other.base_offset);
            }
            // The leader cannot read its copy; whoever has a good one may lead some day.
            if has_damaged_copy(ghost, leader, &batch) && !copies.is_empty() {
                return Fate::Waiting;
            }
        }
        None if !copies.is_empty() => return Fate::Waiting,
        None => {}
    }
    if ghost.deleted > batch.last_offset {
        return Fate::Deleted(ghost.deleted);
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
            // Nobody has led without it yet.
            .or_else(|| ghost.excuse(&batch))
            .map(|d| d.name()),
    };
    let damaged = ghost.replicas.iter().find(|seen| seen.alive && has_damaged_copy(ghost, seen, &batch));
    let how = match ghost.last_drop(&batch) {
        _ if damaged.is_some() && copies.is_empty() => {
            let node = damaged.map_or("nobody", |seen| nodes.name(seen.node));
            format!("the only copy left, on {node}, fails its CRC")
        }
        Some(drop) => {
            format!("{} dropped it at {} ms by {}", nodes.name(drop.node), drop.at.millis(), drop.why)
        }
        None if copies.is_empty() => "no copy is left".to_owned(),
        None => "the current leader never had it".to_owned(),
    };
    Fate::Lost { declared, how }
}
