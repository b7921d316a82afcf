//! The table of all replicas of a partition, and the lanes: one character a broker, so that the eye can follow it down
//! the page.

use super::names::Names;
use crate::world::nodes::{Nodes, Status};
use kafka::broker::view::Role;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many batches of a log a row shows, from its end.
const SHOWN: usize = 9;

/// A replica as it was when its process last ran: what its machine's disk holds if nothing was lost since.
#[derive(Clone, Debug)]
struct Last {
    epoch: LeaderEpoch,
    batches: Vec<BatchInfo>,
    start: Offset,
    /// Its machine has lost some of it since.
    lost: bool,
}

/// What is remembered of replicas whose broker is down.
#[derive(Clone, Default, Debug)]
pub struct Replicas {
    last: Arc<BTreeMap<(NodeId, TopicPartition), Last>>,
    /// The batch of a replica that fails its CRC, by its offset.
    damaged: Arc<BTreeMap<(NodeId, TopicPartition), Offset>>,
}

impl Replicas {
    /// A replica has changed.
    pub fn look(&mut self, node: NodeId, partition: TopicPartition, nodes: &Nodes) {
        let Some(view) = nodes.broker(node).and_then(|broker| broker.replica(partition)) else { return };
        let (batches, start) = (view.log.batches().to_vec(), view.log.start_offset());
        let last = Last { epoch: view.leader_epoch, batches, start, lost: false };
        Arc::make_mut(&mut self.last).insert((node, partition), last);
    }

    /// A machine has lost something: what, its next life will find out.
    pub fn lose(&mut self, node: NodeId) {
        for (_, last) in Arc::make_mut(&mut self.last).iter_mut().filter(|((at, _), _)| *at == node) {
            last.lost = true;
        }
    }

    /// A batch on a machine's disk fails its CRC from now on.
    pub fn damaged(&mut self, node: NodeId, partition: TopicPartition, offset: Offset) {
        Arc::make_mut(&mut self.damaged).insert((node, partition), offset);
    }

    /// A replica has cut its log: what was damaged may be gone.
    pub fn cut(&mut self, node: NodeId, partition: TopicPartition, nodes: &Nodes) {
        let Some(offset) = self.damaged.get(&(node, partition)) else { return };
        let view = nodes.broker(node).and_then(|broker| broker.replica(partition));
        if view.is_some_and(|view| view.log.end_offset() <= *offset) {
            Arc::make_mut(&mut self.damaged).remove(&(node, partition));
        }
    }

    /// The rows of a partition's table: broker, role, epoch, log with the high watermark as a bar.
    pub fn table(&self, partition: TopicPartition, names: &Names, nodes: &Nodes) -> Vec<[String; 4]> {
        let assigned = nodes.zookeeper().assignment(partition);
        let rows = assigned.iter().filter_map(|broker| {
            let node = nodes.broker_node(*broker)?;
            let name = nodes.name(node).to_owned();
            let view = nodes.broker(node).and_then(|broker| broker.replica(partition));
            Some(match (view, self.last.get(&(node, partition))) {
                (Some(view), _) => {
                    let role = match view.role {
                        Role::Leader => "leader",
                        Role::Follower(_) => "follower",
                        Role::Idle => "idle",
                    };
                    let paused = nodes.slot(node).status == Status::Paused;
                    let role = if paused { format!("{role}, paused") } else { role.to_owned() };
                    let (batches, start) = (view.log.batches(), view.log.start_offset());
                    let of = (node, partition);
                    let log = self.log(of, batches, start, Some(view.high_watermark), names);
                    [name, role, format!("epoch {}", view.leader_epoch), log]
                }
                (None, Some(last)) if last.lost => {
                    [name, "down".to_owned(), format!("epoch {}", last.epoch), "?".to_owned()]
                }
                (None, Some(last)) => {
                    let log = self.log((node, partition), &last.batches, last.start, None, names);
                    let epoch = match last.epoch {
                        LeaderEpoch::NONE => String::new(),
                        epoch => format!("epoch {epoch}"),
                    };
                    [name, "down".to_owned(), epoch, log]
                }
                (None, None) => [name, "down".to_owned(), String::new(), String::new()],
            })
        });
        rows.collect()
    }

    /// The cells of a log. What is below its start is not shown, though it may be on disk.
    fn log(
        &self,
        (node, partition): (NodeId, TopicPartition),
        batches: &[BatchInfo],
        start: Offset,
        high_watermark: Option<Offset>,
        names: &Names,
    ) -> String {
        let damaged = self.damaged.get(&(node, partition));
        let mut cells = Vec::new();
        if start > Offset::ZERO {
            cells.push(format!("from {start}:"));
        }
        let batches = &batches[batches.partition_point(|batch| batch.last_offset < start)..];
        let hidden = batches.len().saturating_sub(SHOWN);
        if hidden > 0 {
            cells.push("…".to_owned());
        }
        let mut bar = high_watermark;
        for batch in &batches[hidden..] {
            if bar.is_some_and(|at| at <= batch.base_offset) {
                cells.push("|".to_owned());
                bar = None;
            }
            let mark = if damaged == Some(&batch.base_offset) { "!" } else { "" };
            cells.push(names.cell(partition, batch) + mark);
        }
        if bar.is_some() {
            cells.push("|".to_owned());
        }
        cells.join(" ")
    }
}

/// Adds to a leader's row up to where it knows the other replicas to be.
pub fn add_remembered(partition: TopicPartition, nodes: &Nodes, rows: &mut [[String; 4]]) {
    for row in rows {
        let node = nodes.find(&row[0]);
        let view = node.and_then(|node| nodes.broker(node)).and_then(|broker| broker.replica(partition));
        let known = view.map_or(&[][..], |view| view.followers).iter().map(|follower| {
            let name = nodes.broker_node(follower.broker).map_or("a broker", |node| nodes.name(node));
            match follower.log_end {
                Offset::NONE => format!("{name} at nothing yet"),
                at => format!("{name} at {at}"),
            }
        });
        let known: Vec<String> = known.collect();
        if !known.is_empty() {
            row[3] += &format!("   remembers {}", known.join(", "));
        }
    }
}

/// One character a broker: for one partition `L` leads, `f` follows; for several how many it leads; `#` down, `z` paused.
pub fn lanes(focus: &[TopicPartition], nodes: &Nodes) -> String {
    let lane = |(_, node): (BrokerId, NodeId)| {
        let slot = nodes.slot(node);
        match (slot.status, nodes.broker(node)) {
            (Status::Down, _) | (_, None) => '#',
            (Status::Paused, _) => 'z',
            (Status::Up, Some(broker)) => match focus {
                [] => '·',
                [one] => match broker.replica(*one).map(|view| view.role) {
                    Some(Role::Leader) => 'L',
                    Some(Role::Follower(_)) => 'f',
                    Some(Role::Idle) | None => '·',
                },
                many => {
                    let leads = |partition: &&TopicPartition| {
                        broker.replica(**partition).is_some_and(|view| view.role == Role::Leader)
                    };
                    char::from_digit(many.iter().filter(leads).count() as u32, 36).unwrap_or('+')
                }
            },
        }
    };
    let mut brokers: Vec<(BrokerId, NodeId)> = nodes.broker_nodes().collect();
    brokers.sort();
    brokers.into_iter().map(lane).map(String::from).collect::<Vec<_>>().join(" ")
}
