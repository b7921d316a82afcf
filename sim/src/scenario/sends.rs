//! What a scenario's applications sent and what they were told, by the values its author gave the records.
//!
//! Conditions ask here, so it must not depend on whether anybody checks or records. Values of workloads are counted, not
//! kept: their bytes begin with a zero, which no name does.

use crate::world::nodes::Nodes;
use bytes::Bytes;
use kafka::command::{ClientError, Command, Delivery, ProducerRecord, SendId};
use kafka::era::Era;
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::partition_map::PartitionMap;
use kafka::time::{Micros, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a named record, as its application knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Nothing yet.
    Open,
    /// It is written.
    Acked(Time),
    /// It failed.
    Failed(Time, ClientError),
}

/// A send that has no answer yet.
#[derive(Clone, Debug)]
struct Open {
    by: NodeId,
    partition: TopicPartition,
    at: Time,
    key: Option<Bytes>,
    /// The names of its records; none of a workload's.
    values: Vec<String>,
}

/// All sends of a run.
#[derive(Clone, Default, Debug)]
pub struct Sends {
    sent: u64,
    open: BTreeMap<SendId, Open>,
    longest: PartitionMap<Micros>,
    told: BTreeMap<String, Told>,
    read: BTreeSet<(String, NodeId)>,
    batches: BTreeMap<String, Vec<String>>,
    filler: u64,
}

impl Sends {
    /// The command by which a producer sends these named records in one batch.
    pub fn named(
        &mut self,
        by: NodeId,
        at: Time,
        partition: TopicPartition,
        values: &[String],
        key: Option<&str>,
    ) -> Command {
        self.batches.insert(values[0].clone(), values.to_vec());
        self.told.extend(values.iter().map(|value| (value.clone(), Told::Open)));
        let key = key.map(|key| Bytes::copy_from_slice(key.as_bytes()));
        self.send(Open { by, partition, at, key, values: values.to_vec() })
    }

    /// The commands by which an application sends again whatever it has no answer for, oldest first, and what it sends.
    pub fn again(&mut self, by: NodeId, at: Time) -> (Vec<String>, Vec<Command>) {
        let mine = |(_, open): &(&SendId, &Open)| open.by == by && !open.values.is_empty();
        let unanswered: Vec<SendId> = self.open.iter().filter(mine).map(|(send, _)| *send).collect();
        let mut values = Vec::new();
        let mut commands = Vec::new();
        for send in unanswered {
            let open = self.open.remove(&send).expect("it is open");
            values.extend(open.values.iter().cloned());
            commands.push(self.send(Open { at, ..open }));
        }
        (values, commands)
    }

    fn send(&mut self, open: Open) -> Command {
        let send = self.next();
        let partition = open.partition;
        let key = open.key.clone();
        let values = open.values.clone();
        self.open.insert(send, open);
        let record = |value: &String| ProducerRecord {
            key: key.clone(),
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Vec::new(),
        };
        Command::Produce { send, partition, records: values.iter().map(record).collect() }
    }

    /// The command by which a producer sends so many nameless records of this size.
    pub fn filler(
        &mut self,
        by: NodeId,
        at: Time,
        partition: TopicPartition,
        (count, size): (u64, u32),
        key: Option<&str>,
    ) -> Command {
        let send = self.next();
        let key = key.map(|key| Bytes::copy_from_slice(key.as_bytes()));
        self.open.insert(send, Open { by, partition, at, key: None, values: Vec::new() });
        // One piece of memory for all of them.
        let size = size as usize;
        let mut values = vec![b'.'; size * count as usize];
        for value in values.chunks_exact_mut(size) {
            self.filler += 1;
            value[0] = 0;
            let number = self.filler.to_le_bytes();
            let room = number.len().min(size - 1);
            value[1..=room].copy_from_slice(&number[..room]);
        }
        let values = Bytes::from(values);
        let record = |start| {
            let value = Some(values.slice(start..start + size));
            ProducerRecord { key: key.clone(), value, headers: Vec::new() }
        };
        let records = (0..values.len()).step_by(size).map(record).collect();
        Command::Produce { send, partition, records }
    }

    fn next(&mut self) -> SendId {
        self.sent += 1;
        SendId(self.sent)
    }

    /// Takes what an application was told.
    pub fn on_delivery(&mut self, node: NodeId, delivery: &Delivery, at: Time, reads_wanted: bool) {
        let told = match delivery {
            Delivery::Acked { send, .. } => Some((send, Told::Acked(at))),
            Delivery::Failed { send, error, .. } => Some((send, Told::Failed(at, *error))),
            Delivery::Polled { batches, from, .. } if reads_wanted => {
                for (offset, value) in batches.iter().flat_map(values) {
                    if offset >= *from {
                        self.read.insert((value, node));
                    }
                }
                None
            }
            _ => None,
        };
        if let Some((send, told)) = told {
            let Some(open) = self.open.remove(send) else { return };
            if matches!(told, Told::Acked(_)) {
                let waited = at.since(open.at);
                let longest = self.longest.get_or_insert_with(open.partition, Micros::default);
                *longest = waited.max(*longest);
            }
            for value in open.values {
                self.told.insert(value, told.clone());
            }
        }
    }

    /// All records of the batch whose first one is called so, if it has names.
    pub fn batch_of(&self, first: &str) -> Option<&[String]> {
        self.batches.get(first).map(Vec::as_slice)
    }

    /// What is known of a record.
    pub fn told(&self, value: &str) -> Option<&Told> {
        self.told.get(value)
    }

    /// The longest that anybody has waited for an acknowledgement of a send to this partition, or has been waiting until
    /// now.
    pub fn longest_wait(&self, partition: TopicPartition, now: Time) -> Micros {
        let told = self.longest.get(partition).copied().unwrap_or_default();
        let open = self.open.values().filter(|open| open.partition == partition);
        open.map(|open| now.since(open.at)).fold(told, Micros::max)
    }

    /// The longest wait of all, and of which partition.
    pub fn longest_wait_of_all(&self, now: Time) -> Option<(TopicPartition, Micros)> {
        let open = self.open.values().map(|open| open.partition);
        let partitions: BTreeSet<TopicPartition> = self.longest.keys().chain(open).collect();
        let waits = partitions.into_iter().map(|partition| (partition, self.longest_wait(partition, now)));
        waits.rev().max_by_key(|(_, waited)| *waited)
    }

    /// Whether a consumer (any, if none is named) has read a record.
    pub fn is_read(&self, value: &str, by: Option<NodeId>) -> bool {
        let mut readers = self.read.iter().filter(|(read, _)| read == value);
        readers.any(|(_, node)| by.is_none_or(|by| by == *node))
    }

    /// What is known of a record, in words.
    pub fn in_words(&self, value: &str, nodes: &Nodes, era: &Era) -> String {
        let told = match self.told(value) {
            None => "not produced yet".to_owned(),
            Some(Told::Open) => "neither acked nor failed".to_owned(),
            Some(Told::Acked(at)) => format!("acked at {} ms", at.millis()),
            Some(Told::Failed(at, error)) => format!("failed at {} ms: {}", at.millis(), error.name(era)),
        };
        let readers = self.read.iter().filter(|(read, _)| read == value);
        let readers: Vec<&str> = readers.map(|(_, node)| nodes.name(*node)).collect();
        match readers.is_empty() {
            true => format!("{value} is {told}"),
            false => format!("{value} is {told}, read by {}", readers.join(", ")),
        }
    }
}

/// The named records of a batch: offset and value.
pub fn values(batch: &RecordBatch) -> Vec<(Offset, String)> {
    let text = |value: Bytes| {
        let named = value.first().is_some_and(|first| *first != 0);
        named.then(|| String::from_utf8_lossy(&value).into_owned())
    };
    batch
        .records()
        .map_while(Result::ok)
        .filter_map(|record| Some((record.offset, record.value.and_then(text)?)))
        .collect()
}
