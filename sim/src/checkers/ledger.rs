//! The ledger: every send of every producer, what its application was told, and which batch in the log it became.
//!
//! A send and a batch find each other when the producer is told the offset: the batch that stands there in the log of the
//! broker that answered. Reports and audits name records by the values their authors gave them.

use super::Handed;
use super::history::{Committed, Ghost, History, find};
use super::shared_list::SharedList;
use crate::world::nodes::Nodes;
use crate::world::spec::{NodeKind, WorldSpec};
use bytes::Bytes;
use kafka::command::{ClientError, Delivery, SendId};
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::messages::produce::Acks;
use kafka::partition_map::PartitionMap;
use kafka::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an application was told of a send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// It is written: since when, and where (unknown with `acks=0`).
    Acked(Time, Option<Offset>),
    /// It failed; whether it may have been written all the same.
    Failed(Time, ClientError, bool),
}

/// One send.
#[derive(Clone, Debug)]
pub struct Send {
    /// The application's handle.
    pub id: SendId,
    /// The producer.
    pub producer: NodeId,
    /// Where to.
    pub partition: TopicPartition,
    /// Its first value.
    value: Option<Bytes>,
    /// With which acknowledgement.
    pub acks: Acks,
    /// When the application sent it.
    pub at: Time,
    /// What it was told.
    pub outcome: Outcome,
    /// The batch it became, once it is known.
    pub batch: Option<BatchInfo>,
}

impl Send {
    /// What it is called: its first value as text.
    pub fn name(&self) -> Arc<str> {
        self.value.as_ref().map_or("a tombstone".into(), |value| name_of(value))
    }

    /// What it is called where it stands: by its name, or its offset.
    pub fn called_at(&self, offset: Offset) -> String {
        if self.is_named() { self.name().to_string() } else { format!("#{offset}") }
    }

    /// Whether its first value is short enough to be a name.
    pub fn is_named(&self) -> bool {
        !self.name().ends_with(" bytes")
    }
}

/// All sends, in the order of their handles.
#[derive(Clone, Default, Debug)]
pub struct Ledger {
    sends: SharedList<Send>,
    /// The sends that were acknowledged, by offset and CRC of their batch.
    by_batch: PartitionMap<SharedList<(Offset, u32, SendId)>>,
    producers: Arc<BTreeMap<NodeId, ProducerTerms>>,
}

/// What a producer's settings promise its application.
#[derive(Copy, Clone, Debug)]
struct ProducerTerms {
    acks: Acks,
    keeps_order: bool,
}

impl Ledger {
    pub(super) fn new(spec: &WorldSpec, in_force: &[String]) -> Ledger {
        let order_asked = in_force.iter().any(|name| name == super::producer_order::INFO.name);
        let terms = spec.nodes.iter().enumerate().filter_map(|(index, node)| match &node.kind {
            NodeKind::Producer(config) => {
                // Without idempotence, more than one request in flight and retries may reorder: Kafka says so.
                let keeps_order = order_asked || config.max_in_flight == 1 || config.retries == 0;
                Some((NodeId(index as u16), ProducerTerms { acks: config.acks, keeps_order }))
            }
            _ => None,
        });
        Ledger { producers: Arc::new(terms.collect()), ..Ledger::default() }
    }

    pub(super) fn on_handed(&mut self, producer: NodeId, handed: &Handed, at: Time) {
        let Handed::Records { send, partition, ref value } = *handed else { return };
        let acks = self.producers.get(&producer).map_or(Acks::All, |terms| terms.acks);
        let entry = Send {
            id: send,
            producer,
            partition,
            value: value.clone(),
            acks,
            at,
            outcome: Outcome::Open,
            batch: None,
        };
        // Handles ascend as they are given out; a busy producer may take its command after a later one elsewhere.
        match self.sends.last() {
            Some(last) if last.id >= entry.id => {
                let place = self.sends.partition_point(|known| known.id < entry.id);
                assert!(
                    self.sends.get(place).is_none_or(|known| known.id != entry.id),
                    "a handle is used once"
                );
                self.sends.insert(place, entry);
            }
            _ => self.sends.push(entry),
        }
    }

    pub(super) fn on_delivery(&mut self, delivery: &Delivery, at: Time, history: &History) {
        match delivery {
            Delivery::Acked { send, partition, base_offset, broker } => {
                let batch = base_offset.and_then(|offset| {
                    let ghost = history.get(*partition)?;
                    let log = &ghost.replica_of(*broker)?.batches;
                    // The leader may have lost or cut it by now: then what was committed there.
                    find(log, offset).copied().or_else(|| ghost.committed_at(offset).map(|old| old.batch))
                });
                if let Some(batch) = batch {
                    let known = self.by_batch.get_or_insert_with(*partition, SharedList::default);
                    let key = (batch.base_offset, batch.crc);
                    let place = known.partition_point(|(offset, crc, _)| (*offset, *crc) < key);
                    match known.get(place) {
                        Some((offset, crc, _)) if (*offset, *crc) == key => {
                            known.replace(place, (key.0, key.1, *send));
                        }
                        _ => known.insert(place, (key.0, key.1, *send)),
                    }
                }
                if let Some(entry) = self.get_mut(*send) {
                    entry.outcome = Outcome::Acked(at, *base_offset);
                    entry.batch = batch;
                }
            }
            Delivery::Failed { send, error, may_have_been_appended, .. } => {
                if let Some(entry) = self.get_mut(*send) {
                    entry.outcome = Outcome::Failed(at, *error, *may_have_been_appended);
                }
            }
            _ => {}
        }
    }

    fn index(&self, send: SendId) -> Option<usize> {
        let index = self.sends.partition_point(|entry| entry.id < send);
        self.sends.get(index).is_some_and(|entry| entry.id == send).then_some(index)
    }

    fn get_mut(&mut self, send: SendId) -> Option<&mut Send> {
        let index = self.index(send)?;
        self.sends.get_mut(index)
    }

    /// One send.
    pub fn get(&self, send: SendId) -> Option<&Send> {
        self.sends.get(self.index(send)?)
    }

    /// All sends, oldest first.
    pub fn sends(&self) -> impl Iterator<Item = &Send> {
        self.sends.iter()
    }

    /// Whether a producer's settings promise that its records keep their order.
    pub fn keeps_order(&self, producer: NodeId) -> bool {
        self.producers.get(&producer).is_some_and(|terms| terms.keeps_order)
    }

    /// The send that became a batch, if its application was told.
    pub fn send_of(&self, partition: TopicPartition, batch: &BatchInfo) -> Option<&Send> {
        let known = self.by_batch.get(partition)?;
        let key = (batch.base_offset, batch.crc);
        let (offset, crc, send) =
            known.get(known.partition_point(|(offset, crc, _)| (*offset, *crc) < key))?;
        if (*offset, *crc) == key { self.get(*send) } else { None }
    }

    /// What a batch is called: its first value, or where it stands.
    pub fn name(&self, partition: TopicPartition, batch: &BatchInfo) -> String {
        match self.send_of(partition, batch) {
            Some(send) => send.called_at(batch.base_offset),
            None => format!("the record at offset {}", batch.base_offset),
        }
    }

    /// What was promised about a committed batch, and when; a sentence goes on.
    pub fn promise(&self, ghost: &Ghost, committed: &Committed, nodes: &Nodes) -> String {
        let batch = &committed.batch;
        let place = format!("{} offset {}", ghost.partition, batch.base_offset);
        match self.send_of(ghost.partition, batch).map(|send| (send, &send.outcome)) {
            Some((send, Outcome::Acked(at, _))) => format!(
                "{} ({place}), acked at {} ms with acks={}",
                send.called_at(batch.base_offset),
                at.millis(),
                acks_name(send.acks)
            ),
            _ => format!(
                "{} ({place}), committed at {} ms by the high watermark of {}",
                self.name(ghost.partition, batch),
                committed.at.millis(),
                nodes.name(committed.by)
            ),
        }
    }
}

/// `acks` as it is set.
pub fn acks_name(acks: Acks) -> &'static str {
    match acks {
        Acks::None => "0",
        Acks::Leader => "1",
        Acks::All => "all",
    }
}

/// A value as a name: text if it is short and printable.
pub fn name_of(value: &[u8]) -> Arc<str> {
    match std::str::from_utf8(value) {
        Ok(text) if text.len() <= 24 && text.chars().all(|c| !c.is_control()) => text.into(),
        _ => format!("{} bytes", value.len()).into(),
    }
}
