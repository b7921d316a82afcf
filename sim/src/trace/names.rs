//! Records by the names their authors gave them: `m1`, never byte dumps.
//!
//! A record is called by its value if that is short text. The names of a batch (of a single record in the message formats
//! before v2) are read once, when a leader appends it, and found again by partition, offset and CRC, in whatever log the
//! batch stands.

use crate::checkers::ledger::name_of;
use kafka::command::{Command, Delivery, SendId};
use kafka::ids::{LeaderEpoch, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::log::partition_log::BatchInfo;
use kafka::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a batch is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchName {
    /// Its records' names; empty if none has one.
    pub records: Arc<[Arc<str>]>,
}

/// All names known.
#[derive(Clone, Default, Debug)]
pub struct Names {
    batches: Arc<BTreeMap<(TopicPartition, Offset, u32), BatchName>>,
    sends: Arc<BTreeMap<SendId, Option<Arc<str>>>>,
    acked: Arc<BTreeMap<(TopicPartition, Offset), Vec<Acked>>>,
}

/// An acknowledgement of what stood at an offset; there may be another later, when something else stands there.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Acked {
    at: Time,
    name: Option<Arc<str>>,
    /// Epoch and CRC of the copy it is about, if the log of who answered still had it.
    copy: Option<(LeaderEpoch, u32)>,
}

/// Most batches of a list that are named one by one.
const MOST_NAMED: usize = 6;

/// Whether a value is a name: short text that an author chose, not the filler of a workload.
fn name(value: Option<&[u8]>) -> Option<Arc<str>> {
    let value = value?;
    (value.len() <= 24 && std::str::from_utf8(value).is_ok_and(|text| !text.chars().any(char::is_control)))
        .then(|| name_of(value))
}

impl Names {
    /// An application sends something.
    pub fn on_command(&mut self, command: &Command) {
        if let Command::Produce { send, records, .. } = command {
            let named = name(records.first().and_then(|record| record.value.as_deref()));
            Arc::make_mut(&mut self.sends).insert(*send, named);
        }
    }

    /// A leader appended a batch.
    pub fn on_append(&mut self, partition: TopicPartition, batch: &RecordBatch) {
        let mut named = Vec::new();
        for record in batch.records() {
            match record.ok().and_then(|record| name(record.value.as_deref())) {
                Some(name) => named.push(name),
                None => {
                    named.clear();
                    break;
                }
            }
        }
        let key = (partition, batch.header.base_offset, batch.header.crc);
        Arc::make_mut(&mut self.batches).insert(key, BatchName { records: named.into() });
    }

    /// An application was told. `copy` is the epoch and CRC of the batch which stands there in the log of the broker that
    /// answered.
    pub fn on_delivery(&mut self, delivery: &Delivery, at: Time, copy: Option<(LeaderEpoch, u32)>) {
        if let Delivery::Acked { send, partition, base_offset: Some(offset), .. } = delivery {
            let name = self.send(*send);
            let all = Arc::make_mut(&mut self.acked).entry((*partition, *offset)).or_default();
            all.push(Acked { at, name, copy });
        }
    }

    /// When this very batch was acknowledged, if it was: a retry's twin in another epoch was not.
    pub fn acked(&self, partition: TopicPartition, batch: &RecordBatch) -> Option<Time> {
        let header = &batch.header;
        let known = self.batches.get(&(partition, header.base_offset, header.crc));
        let name = known.and_then(|batch| batch.records.first());
        let own = (header.partition_leader_epoch, header.crc);
        let is_it = |acked: &&Acked| acked.name.as_ref() == name && acked.copy.is_none_or(|copy| copy == own);
        self.acked.get(&(partition, header.base_offset))?.iter().find(is_it).map(|acked| acked.at)
    }

    /// What a send is called, if it has a name.
    pub fn send(&self, send: SendId) -> Option<Arc<str>> {
        self.sends.get(&send).cloned().flatten()
    }

    /// Whether a batch has a name: an author's record, not a workload's.
    pub fn is_named(&self, partition: TopicPartition, offset: Offset, crc: u32) -> bool {
        self.batches.get(&(partition, offset, crc)).is_some_and(|batch| !batch.records.is_empty())
    }

    /// A batch as a cell of a log: `m1@0`, `r1..r9@2`, `offset 17@0`; without the epoch where the format has none.
    pub fn cell(&self, partition: TopicPartition, batch: &BatchInfo) -> String {
        let epoch = match batch.epoch.0 {
            -1 => String::new(),
            epoch => format!("@{epoch}"),
        };
        let known = self.batches.get(&(partition, batch.base_offset, batch.crc));
        let text = match known.map(|batch| &batch.records[..]) {
            Some([one]) => one.to_string(),
            Some([first, .., last]) => format!("{first}..{last}"),
            _ if batch.base_offset == batch.last_offset => format!("#{}", batch.base_offset),
            _ => format!("#{}..#{}", batch.base_offset, batch.last_offset),
        };
        format!("{text}{epoch}")
    }

    /// The cells of several batches.
    pub fn cells<'a>(
        &self,
        partition: TopicPartition,
        batches: impl IntoIterator<Item = &'a RecordBatch>,
    ) -> String {
        let cells: Vec<String> =
            batches.into_iter().map(|batch| self.cell(partition, &info(batch))).collect();
        match cells.len() {
            0..=MOST_NAMED => cells.join(" "),
            many => format!("{} {} … {} ({many} batches)", cells[0], cells[1], cells[many - 1]),
        }
    }

    /// The cells of batches that are thrown away, each with when it was acknowledged; of many only how many were.
    pub fn dropped(&self, partition: TopicPartition, batches: &[RecordBatch]) -> String {
        let acked: Vec<Option<Time>> = batches.iter().map(|batch| self.acked(partition, batch)).collect();
        match acked.iter().flatten().count() {
            0 => self.cells(partition, batches),
            some if batches.len() > MOST_NAMED => {
                format!("{}, {some} of them acked", self.cells(partition, batches))
            }
            _ => {
                let cell = |(batch, acked): (&RecordBatch, &Option<Time>)| {
                    let cell = self.cell(partition, &info(batch));
                    acked.map_or(cell.clone(), |at| format!("{cell} (acked at {} ms)", at.millis()))
                };
                batches.iter().zip(&acked).map(cell).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// What a log would know of a batch.
pub fn info(batch: &RecordBatch) -> BatchInfo {
    let header = &batch.header;
    BatchInfo {
        base_offset: header.base_offset,
        last_offset: header.last_offset(),
        epoch: header.partition_leader_epoch,
        crc: header.crc,
        size: batch.size() as u32,
        max_timestamp: header.max_timestamp,
    }
}
