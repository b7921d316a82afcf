//! The ledger: every send of every producer, what its application was told, and which batch in the log it became.
//!
//! A send and a batch find each other when the producer is told the offset: the batch that stands there in the log of the
//! broker that answered. In the message formats before v2, where every record stands for itself, a send finds the entries
//! after it too: as many as it has records, stamped at the same time. Reports and audits name records by the values their
//! authors gave them.

use super::Handed;
use super::history::{Committed, Ghost, History, find};
use super::shared_list::SharedList;
use crate::world::nodes::Nodes;
use crate::world::spec::{NodeKind, WorldSpec};
use bytes::Bytes;
use kafka::command::{ClientError, Delivery, SendId};
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
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

/// What is kept of a send's first value: all of it if it may be a name, else its size. What a workload sends need not
/// stay in memory for it.
#[derive(Clone, Debug)]
pub enum FirstValue {
    /// There is none: a tombstone.
    None,
    /// Short enough to be a name.
    Short(Bytes),
    /// So many bytes.
    Long(usize),
}

impl FirstValue {
    /// Of this value.
    pub fn of(value: Option<&Bytes>) -> FirstValue {
        match value {
            None => FirstValue::None,
            Some(value) if value.len() <= LONGEST_NAME => FirstValue::Short(value.clone()),
            Some(value) => FirstValue::Long(value.len()),
        }
    }
}

/// No name has more bytes.
const LONGEST_NAME: usize = 24;

/// One send.
#[derive(Clone, Debug)]
pub struct Send {
    /// The application's handle.
    pub id: SendId,
    /// The producer.
    pub producer: NodeId,
    /// Where to.
    pub partition: TopicPartition,
    /// What is kept of its first value.
    value: FirstValue,
    /// How many records it has.
    count: usize,
    /// With which acknowledgement.
    pub acks: Acks,
    /// When the application sent it.
    pub at: Time,
    /// What it was told.
    pub outcome: Outcome,
    /// The batch it became, or the first entry, once it is known.
    pub batch: Option<BatchInfo>,
    /// The entries after the first, if it became several.
    pub rest: Vec<BatchInfo>,
    /// Whether it was acknowledged, and its topic was deleted later.
    pub is_deleted: bool,
}

impl Send {
    /// What it is called: its first value as text.
    pub fn name(&self) -> Arc<str> {
        match &self.value {
            FirstValue::None => "a tombstone".into(),
            FirstValue::Short(value) => name_of(value),
            FirstValue::Long(size) => name_of_size(*size),
        }
    }

    /// The batch it became, or the last entry: a log that holds it holds them all.
    pub fn last_batch(&self) -> Option<BatchInfo> {
        self.rest.last().copied().or(self.batch)
    }

    /// Whether it became this batch, among others.
    pub fn became(&self, batch: &BatchInfo) -> bool {
        self.batch.iter().chain(&self.rest).any(|own| own == batch)
    }

    /// What it is called where it stands: by its name, or its offset.
    pub fn called_at(&self, offset: Offset) -> String {
        if self.is_named() { self.name().to_string() } else { format!("#{offset}") }
    }

    /// Whether its first value is short enough to be a name.
    pub fn is_named(&self) -> bool {
        match &self.value {
            FirstValue::None => true,
            FirstValue::Short(value) => name_in(value).is_some(),
            FirstValue::Long(_) => false,
        }
    }
}

/// Names of sends that are asked for one after the other: what only tells a size is made once for many.
#[derive(Default)]
pub(super) struct Names {
    sized: Option<(usize, Arc<str>)>,
}

impl Names {
    /// What a send is called.
    pub(super) fn of(&mut self, send: &Send) -> Arc<str> {
        match (&send.value, &self.sized) {
            (FirstValue::Long(size), Some((known, name))) if size == known => Arc::clone(name),
            (FirstValue::Long(size), _) => Arc::clone(&self.sized.insert((*size, send.name())).1),
            _ => send.name(),
        }
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
        let Handed::Records { send, partition, ref value, count } = *handed else { return };
        let acks = self.producers.get(&producer).map_or(Acks::All, |terms| terms.acks);
        let entry = Send {
            id: send,
            producer,
            partition,
            value: value.clone(),
            count,
            acks,
            at,
            outcome: Outcome::Open,
            batch: None,
            rest: Vec::new(),
            is_deleted: false,
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
                    let seen = ghost.replica_of(*broker)?;
                    let there = find(&seen.batches, offset).copied();
                    // An answer may be late: whoever gave it has cut the record by now, and follows another leader's.
                    let own = there.filter(|batch| ghost.has_led(seen.node, batch.epoch));
                    let own = own.or_else(|| ghost.cut_as_leader(seen.node, offset, self.get(*send)?.at));
                    own.or(there).or_else(|| ghost.committed_at(offset).map(|old| old.batch))
                });
                let rest =
                    batch.map_or(Vec::new(), |batch| self.entries_after(*send, batch, *broker, history));
                for batch in batch.iter().chain(&rest) {
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
                    entry.rest = rest;
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

    /// The entries that a send became besides its first.
    fn entries_after(
        &self,
        send: SendId,
        first: BatchInfo,
        broker: BrokerId,
        history: &History,
    ) -> Vec<BatchInfo> {
        let Some(entry) = self.get(send).filter(|entry| entry.count > 1) else { return Vec::new() };
        // A batch of several records holds the whole send, or as much of it as fits.
        if first.last_offset > first.base_offset || first.epoch != LeaderEpoch::NONE {
            return Vec::new();
        }
        let log = history.get(entry.partition).and_then(|ghost| Some(&ghost.replica_of(broker)?.batches));
        let Some(log) = log else { return Vec::new() };
        let after = log.partition_point(|batch| batch.base_offset <= first.base_offset);
        let same = |batch: &&BatchInfo| batch.max_timestamp == first.max_timestamp;
        log.iter_from(after).take(entry.count - 1).take_while(same).copied().collect()
    }

    /// A topic that an operator had deleted is gone: whatever of this partition was acknowledged is gone with it.
    pub(super) fn topic_is_deleted(&mut self, partition: TopicPartition) {
        let of_partition =
            |send: &&Send| send.partition == partition && matches!(send.outcome, Outcome::Acked(..));
        let gone: Vec<SendId> = self.sends.iter().filter(of_partition).map(|send| send.id).collect();
        for send in gone {
            self.get_mut(send).expect("it was just found").is_deleted = true;
        }
        self.by_batch.remove(partition);
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

    /// How many sends there are.
    pub fn count(&self) -> usize {
        self.sends.len()
    }

    /// Whether another send to the same partition may have the same bytes: its first value is the same, or as long.
    pub fn is_sent_alike(&self, send: SendId) -> bool {
        let Some(entry) = self.get(send) else { return true };
        let alike = |other: &&Send| {
            let same = match (&entry.value, &other.value) {
                (FirstValue::None, FirstValue::None) => true,
                (FirstValue::Short(one), FirstValue::Short(two)) => one == two,
                (FirstValue::Long(one), FirstValue::Long(two)) => one == two,
                _ => false,
            };
            same && other.id != entry.id && other.partition == entry.partition
        };
        self.sends.iter().any(|other| alike(&other))
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
            Some(send) => match send.rest.iter().position(|own| own == batch) {
                Some(index) => format!("record {} sent with {}", index + 2, send.name()),
                None => send.called_at(batch.base_offset),
            },
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
                self.name(ghost.partition, batch),
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
    match name_in(value) {
        Some(text) => text.into(),
        None => name_of_size(value.len()),
    }
}

fn name_of_size(size: usize) -> Arc<str> {
    format!("{size} bytes").into()
}

/// A value that is a name.
fn name_in(value: &[u8]) -> Option<&str> {
    if value.len() > LONGEST_NAME {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    text.chars().all(|c| !c.is_control()).then_some(text)
}
