//! Batches of a producer: what one is, and how the records of one send become some (`ProducerBatch`).
//!
//! Without `linger.ms` a batch holds the records of one send and no others; a send that does not fit into `batch.size`
//! becomes several, of which each has at least one record. All records of a send have the wall clock's time when they
//! were handed over (`CreateTime`). A batch is a message set in the format of the producer's release.
//!
//! Left out: compression; splitting a batch that a broker finds too large (KIP-126): MESSAGE_TOO_LARGE is final.

use crate::command::{ProducerRecord, SendId};
use crate::disk::HEADER_LENGTH;
use crate::ids::TopicPartition;
use crate::log::batch::{MessageFormat, RecordSet};
use crate::log::message_set;
use crate::time::{Time, Timestamp};

/// One batch on its way.
#[derive(Clone, Debug)]
pub struct ProducerBatch {
    /// The send whose records it holds.
    pub send: SendId,
    /// Which of that send's batches it is, and how many there are.
    pub piece: (u32, u32),
    /// Where it goes.
    pub partition: TopicPartition,
    /// Its bytes. Producer id, epoch and sequence are -1: idempotence will fill them in when it is first drained.
    pub records: RecordSet,
    /// When its records were handed over and their topic was known.
    pub created: Time,
    /// Failed attempts so far.
    pub attempts: u32,
    /// When the last attempt failed; `created` before.
    pub last_attempt: Time,
    /// Not sent before this time: the back-off of a retry.
    pub not_before: Time,
    /// Whether an attempt was made whose outcome is open.
    pub may_have_been_appended: bool,
}

/// Makes the batches of a send, oldest first.
pub fn batches_of(
    send: SendId,
    partition: TopicPartition,
    given: &[ProducerRecord],
    (format, batch_size): (MessageFormat, u32),
    now: Time,
    wall: Timestamp,
) -> impl Iterator<Item = ProducerBatch> {
    let mut pieces = Vec::with_capacity(1);
    let mut rest = given;
    while !rest.is_empty() {
        let (piece, others) = rest.split_at(how_many_fit(rest, format, u64::from(batch_size)));
        pieces.push(RecordSet::build_at(format, wall, piece));
        rest = others;
    }
    let count = pieces.len() as u32;
    let batch = move |(index, records)| ProducerBatch {
        send,
        piece: (index as u32, count),
        partition,
        records,
        created: now,
        attempts: 0,
        last_attempt: now,
        not_before: now,
        may_have_been_appended: false,
    };
    pieces.into_iter().enumerate().map(batch)
}

/// How many of these records fit into one batch; at least one.
fn how_many_fit(records: &[ProducerRecord], format: MessageFormat, batch_size: u64) -> usize {
    if format == MessageFormat::V1 {
        let mut size = 0;
        let fits = |record: &&ProducerRecord| {
            size += message_set::entry_size(record);
            size <= batch_size
        };
        return records.iter().take_while(fits).count().max(1);
    }
    let mut size = HEADER_LENGTH as u64;
    if size + records.iter().map(record_size_at_most).sum::<u64>() <= batch_size {
        return records.len();
    }
    let fits = |(index, record): &(usize, &ProducerRecord)| {
        size += record_size(record, *index as i64);
        size <= batch_size
    };
    records.iter().enumerate().take_while(fits).count().max(1)
}

/// Whether a record makes a batch larger than `most` bytes all by itself.
pub fn is_larger_than(most: u64, record: &ProducerRecord, format: MessageFormat) -> bool {
    let header = HEADER_LENGTH as u64;
    match format {
        MessageFormat::V1 => message_set::entry_size(record) > most,
        // Nearly every record is far from it, and its exact size takes a while.
        MessageFormat::V2 => {
            header + record_size_at_most(record) > most && header + record_size(record, 0) > most
        }
    }
}

/// No record takes more bytes than this, wherever it stands in its batch.
fn record_size_at_most(record: &ProducerRecord) -> u64 {
    let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    let headers = record.headers.iter().map(|(name, value)| 10 + name.len() as u64 + length(value));
    40 + length(&record.key) + length(&record.value) + headers.sum::<u64>()
}

/// A record's bytes in a batch whose timestamps are all the same (`DefaultRecord.sizeInBytes`).
fn record_size(record: &ProducerRecord, offset_delta: i64) -> u64 {
    let bytes = |bytes: Option<usize>| match bytes {
        None => varint_size(-1),
        Some(length) => varint_size(length as i64) + length as u64,
    };
    let header = |(name, value): &(String, Option<bytes::Bytes>)| {
        bytes(Some(name.len())) + bytes(value.as_ref().map(|value| value.len()))
    };
    let body = 1
        + varint_size(0)
        + varint_size(offset_delta)
        + bytes(record.key.as_ref().map(|key| key.len()))
        + bytes(record.value.as_ref().map(|value| value.len()))
        + varint_size(record.headers.len() as i64)
        + record.headers.iter().map(header).sum::<u64>();
    varint_size(body as i64) + body
}

/// The length of a number as a zigzag varint.
fn varint_size(number: i64) -> u64 {
    let zigzag = ((number << 1) ^ (number >> 63)) as u64;
    u64::from((64 - (zigzag | 1).leading_zeros()).div_ceil(7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::RecordBatch;
    use bytes::Bytes;

    fn record(length: usize) -> ProducerRecord {
        ProducerRecord {
            key: Some(Bytes::from_static(b"k")),
            value: Some(Bytes::from(vec![0; length])),
            headers: vec![("h".to_owned(), None)],
        }
    }

    #[test]
    fn sizes_are_those_of_the_bytes() {
        for count in [1usize, 2, 70] {
            for length in [0usize, 1, 63, 64, 200, 9000] {
                let given: Vec<_> = (0..count).map(|_| (Timestamp(7), record(length))).collect();
                let sizes =
                    given.iter().enumerate().map(|(index, (_, record))| record_size(record, index as i64));
                assert!(sizes.clone().all(|size| size <= record_size_at_most(&given[0].1)));
                let size: u64 = HEADER_LENGTH as u64 + sizes.sum::<u64>();
                assert_eq!(size, crate::log::records::build(&given).size(), "{count} of {length}");
                let sizes = given.iter().map(|(_, record)| message_set::entry_size(record));
                let set = RecordSet::build(MessageFormat::V1, &given);
                assert_eq!(sizes.sum::<u64>(), set.size(), "{count} of {length}");
            }
        }
    }

    #[test]
    fn a_send_becomes_as_many_batches_as_it_needs() {
        let batches = |format, lengths: &[usize], size: u32| -> Vec<u64> {
            let given: Vec<_> = lengths.iter().map(|length| record(*length)).collect();
            let partition = TopicPartition::new("orders", 0);
            let shape = (format, size);
            let batches =
                batches_of(SendId(1), partition, &given, shape, Time(5), Timestamp(9)).collect::<Vec<_>>();
            assert!(batches.iter().all(|batch| batch.piece.1 == batches.len() as u32));
            assert!(batches.iter().flat_map(|batch| batch.records.entries()).all(RecordBatch::is_valid));
            batches.iter().map(|batch| batch.records.count()).collect()
        };
        for format in [MessageFormat::V1, MessageFormat::V2] {
            assert_eq!(batches(format, &[10, 10, 10], 16384), [3]);
            assert_eq!(batches(format, &[100, 100, 100], 300), [2, 1]);
            assert_eq!(
                batches(format, &[5000, 10], 300),
                [1, 1],
                "a record larger than batch.size has a batch of its own"
            );
            assert_eq!(batches(format, &[10, 10], 0), [1, 1]);
        }
    }
}
