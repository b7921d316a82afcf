//! The records inside a batch (message format v2): the one module that builds and decodes them.
//!
//! A broker does not look in here, but for a few named uses: look-up by timestamp, control records, compaction, and what
//! coordinators load. Producers build, consumers and the auditor decode.
//!
//! One record is, each number a signed varint unless said otherwise:
//!
//! | field           | notes                                                                    |
//! |-----------------|--------------------------------------------------------------------------|
//! | length          | of everything after it                                                   |
//! | attributes      | one byte, unused: 0                                                      |
//! | timestamp delta | to the batch's base timestamp; may be negative                           |
//! | offset delta    | to the batch's base offset                                               |
//! | key             | length, -1 for none; bytes                                               |
//! | value           | length, -1 for none (a tombstone); bytes                                 |
//! | headers         | how many; of each: length and bytes of its name, length and bytes of its value, -1 for none |
//!
//! With `LogAppendTime` every record reads as the batch's max timestamp, whatever its delta says. With a delete horizon
//! (KIP-534, attribute bit 6) the base timestamp field holds the horizon and the deltas are relative to that.
//!
//! An entry of the formats before v2 has one record, which [`super::message_set`] builds and decodes.
//!
//! Left out: compression (a compressed batch is carried, never opened).

use super::batch::{BatchHeader, RecordBatch};
use super::message_set;
use super::varint::{self, Gathered};
use crate::command::ProducerRecord;
use crate::ids::{LeaderEpoch, Offset};
use crate::time::Timestamp;
use bytes::Bytes;

/// The three low bits of the attributes: which compression, 0 for none.
pub const COMPRESSION: i16 = 0x07;
/// The attribute bit of `LogAppendTime`.
pub const LOG_APPEND_TIME: i16 = 0x08;
/// The attribute bit of a transactional batch.
pub const TRANSACTIONAL: i16 = 0x10;
/// The attribute bit of a control batch.
pub const CONTROL: i16 = 0x20;
/// The attribute bit that makes the base timestamp a delete horizon (KIP-534).
pub const DELETE_HORIZON: i16 = 0x40;

/// One record, decoded. Key, value and header values share the batch's bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp, as a reader sees it.
    pub timestamp: Timestamp,
    /// Its sequence number, -1 without idempotence.
    pub sequence: i32,
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers, in order; names may repeat.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// Why records cannot be decoded.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum RecordsError {
    /// They are compressed.
    Compressed,
    /// They contradict themselves or the batch's header.
    Corrupt,
}

/// A batch as a producer builds it: uncompressed, `CreateTime`, offsets from 0, no epoch and no producer id yet.
///
/// # Panics
/// Without any record: a producer never sends an empty batch.
pub fn build(records: &[(Timestamp, ProducerRecord)]) -> RecordBatch {
    build_from(records.iter().map(|(timestamp, record)| (*timestamp, record)))
}

/// The same of records that all were created at one time.
pub fn build_at(timestamp: Timestamp, records: &[ProducerRecord]) -> RecordBatch {
    build_from(records.iter().map(|record| (timestamp, record)))
}

fn build_from<'a>(
    records: impl ExactSizeIterator<Item = (Timestamp, &'a ProducerRecord)> + Clone,
) -> RecordBatch {
    let count = records.len();
    let base_timestamp = records.clone().next().expect("a producer sends no empty batch").0;
    let max_timestamp = records.clone().map(|(timestamp, _)| timestamp).max().unwrap_or(base_timestamp);
    let mut bytes = Vec::with_capacity(records.clone().map(|(_, record)| roughly(record)).sum());
    for (index, (timestamp, record)) in records.enumerate() {
        let delta = timestamp.0.wrapping_sub(base_timestamp.0);
        encode(
            &mut bytes,
            delta,
            index as i32,
            record.key.as_deref(),
            record.value.as_deref(),
            &record.headers,
        );
    }
    let header = BatchHeader {
        base_offset: Offset::ZERO,
        batch_length: 0,
        partition_leader_epoch: LeaderEpoch::NONE,
        magic: 2,
        crc: 0,
        attributes: 0,
        last_offset_delta: count as i32 - 1,
        base_timestamp,
        max_timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: count as i32,
    };
    seal(header, bytes.into())
}

/// Completes a batch or entry: sets the header's length and CRC to fit `records`.
pub fn seal(mut header: BatchHeader, records: Bytes) -> RecordBatch {
    header.batch_length = (header.length() - super::batch::LOG_OVERHEAD + records.len()) as i32;
    header.crc = header.compute_crc(&records);
    RecordBatch::sealed(header, records)
}

/// Appends one record's bytes.
pub fn encode(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(String, Option<Bytes>)],
) {
    let sized = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => varint::size(bytes.len() as i64) + bytes.len(),
        None => varint::size(-1),
    };
    let headers_size: usize =
        headers.iter().map(|(name, value)| sized(Some(name.as_bytes())) + sized(value.as_deref())).sum();
    let length = 1
        + varint::size(timestamp_delta)
        + varint::size(i64::from(offset_delta))
        + sized(key)
        + sized(value)
        + varint::size(headers.len() as i64)
        + headers_size;
    let mut numbers = Gathered::default();
    numbers.number(length as i64);
    numbers.byte(0);
    numbers.number(timestamp_delta);
    numbers.number(i64::from(offset_delta));
    write_sized(out, &mut numbers, key);
    write_sized(out, &mut numbers, value);
    numbers.number(headers.len() as i64);
    for (name, value) in headers {
        write_sized(out, &mut numbers, Some(name.as_bytes()));
        write_sized(out, &mut numbers, value.as_deref());
    }
    numbers.flush(out);
}

/// Bytes after their length, with the numbers before them; "no bytes" is one more number.
#[inline(always)]
fn write_sized(out: &mut Vec<u8>, numbers: &mut Gathered, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            numbers.number(bytes.len() as i64);
            numbers.flush(out);
            out.extend_from_slice(bytes);
        }
        None => numbers.number(-1),
    }
}

fn roughly(record: &ProducerRecord) -> usize {
    let of = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let headers: usize = record.headers.iter().map(|(name, value)| name.len() + of(value) + 4).sum();
    16 + of(&record.key) + of(&record.value) + headers
}

impl RecordBatch {
    /// Its records, one after the other, decoded as they are asked for. After an error there is nothing more.
    pub fn records(&self) -> Records<'_> {
        Records { batch: self, position: 0, left: self.header.records_count, failed: false }
    }
}

/// Decodes a batch's records lazily.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    batch: &'a RecordBatch,
    position: usize,
    left: i32,
    failed: bool,
}

impl Iterator for Records<'_> {
    type Item = Result<Record, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = self.advance().transpose();
        self.failed = matches!(item, Some(Err(_)));
        item
    }
}

impl Records<'_> {
    fn advance(&mut self) -> Result<Option<Record>, RecordsError> {
        let header = &self.batch.header;
        if header.attributes & COMPRESSION != 0 {
            return Err(RecordsError::Compressed);
        }
        let bytes = &self.batch.records;
        if header.magic < 2 {
            self.left -= 1;
            let read = || message_set::decode_record(self.batch).ok_or(RecordsError::Corrupt);
            return if self.left == 0 { read().map(Some) } else { Ok(None) };
        }
        if self.left <= 0 {
            let nothing_left = self.left == 0 && self.position == bytes.len();
            return if nothing_left { Ok(None) } else { Err(RecordsError::Corrupt) };
        }
        let mut input = bytes.get(self.position..).ok_or(RecordsError::Corrupt)?;
        let length = varint::read(&mut input).ok_or(RecordsError::Corrupt)?;
        let start = bytes.len() - input.len();
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        let end = end.filter(|end| *end <= bytes.len()).ok_or(RecordsError::Corrupt)?;
        let body = bytes.slice(start..end);
        let record = decode(header, &body).ok_or(RecordsError::Corrupt)?;
        self.position = end;
        self.left -= 1;
        Ok(Some(record))
    }
}

fn decode(header: &BatchHeader, body: &Bytes) -> Option<Record> {
    let mut input = body.get(1..)?;
    let timestamp_delta = varint::read_long(&mut input)?;
    let offset_delta = varint::read(&mut input)?;
    let key = read_sized(body, &mut input)?;
    let value = read_sized(body, &mut input)?;
    let count = usize::try_from(varint::read(&mut input)?).ok()?;
    let mut headers = Vec::with_capacity(count.min(input.len()));
    for _ in 0..count {
        let name = read_sized(body, &mut input)??;
        let value = read_sized(body, &mut input)?;
        headers.push((String::from_utf8(name.to_vec()).ok()?, value));
    }
    if !input.is_empty() {
        return None;
    }
    let own = Timestamp(header.base_timestamp.0.wrapping_add(timestamp_delta));
    Some(Record {
        offset: Offset(header.base_offset.0.checked_add(i64::from(offset_delta))?),
        timestamp: if header.attributes & LOG_APPEND_TIME != 0 { header.max_timestamp } else { own },
        sequence: sequence(header.base_sequence, offset_delta),
        key,
        value,
        headers,
    })
}

/// Bytes with their length before them; the outer `None` is a contradiction, the inner one "no bytes".
fn read_sized(body: &Bytes, input: &mut &[u8]) -> Option<Option<Bytes>> {
    let length = varint::read(input)?;
    if length == -1 {
        return Some(None);
    }
    let length = usize::try_from(length).ok()?;
    let rest = input.get(length..)?;
    let start = body.len() - input.len();
    *input = rest;
    Some(Some(body.slice(start..start + length)))
}

/// Sequence numbers go from 2147483647 on to 0, never to a negative one.
fn sequence(base: i32, delta: i32) -> i32 {
    if base < 0 {
        return -1;
    }
    ((i64::from(base) + i64::from(delta)) & i64::from(i32::MAX)) as i32
}

/// What a control batch says.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ControlRecord {
    /// A transaction was aborted.
    Abort {
        /// The coordinator's epoch.
        coordinator_epoch: i32,
    },
    /// A transaction was committed.
    Commit {
        /// The coordinator's epoch.
        coordinator_epoch: i32,
    },
    /// Of the KRaft quorum (leader change, snapshot header and footer, versions, voters): its type, not opened further.
    Other(i16),
}

impl ControlRecord {
    /// Reads the only record of a control batch. `None` if this is not one.
    pub fn of(batch: &RecordBatch) -> Option<ControlRecord> {
        if batch.header.attributes & CONTROL == 0 {
            return None;
        }
        let record = batch.records().next()?.ok()?;
        let key = record.key?;
        let kind = i16::from_be_bytes(key.get(2..4)?.try_into().ok()?);
        if kind > 1 {
            return Some(ControlRecord::Other(kind));
        }
        let coordinator_epoch = i32::from_be_bytes(record.value?.get(2..6)?.try_into().ok()?);
        Some(match kind {
            0 => ControlRecord::Abort { coordinator_epoch },
            _ => ControlRecord::Commit { coordinator_epoch },
        })
    }

    /// The batch a transaction coordinator has written at the end of a transaction. `None` for [`ControlRecord::Other`].
    pub fn build(self, producer_id: i64, producer_epoch: i16, timestamp: Timestamp) -> Option<RecordBatch> {
        let (kind, coordinator_epoch) = match self {
            ControlRecord::Abort { coordinator_epoch } => (0u8, coordinator_epoch),
            ControlRecord::Commit { coordinator_epoch } => (1u8, coordinator_epoch),
            ControlRecord::Other(_) => return None,
        };
        let mut value = vec![0, 0];
        value.extend_from_slice(&coordinator_epoch.to_be_bytes());
        let mut bytes = Vec::new();
        encode(&mut bytes, 0, 0, Some(&[0, 0, 0, kind]), Some(&value), &[]);
        let header = BatchHeader {
            base_offset: Offset::ZERO,
            batch_length: 0,
            partition_leader_epoch: LeaderEpoch::NONE,
            magic: 2,
            crc: 0,
            attributes: TRANSACTIONAL | CONTROL,
            last_offset_delta: 0,
            base_timestamp: timestamp,
            max_timestamp: timestamp,
            producer_id,
            producer_epoch,
            base_sequence: -1,
            records_count: 1,
        };
        Some(seal(header, bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &'static str, value: &'static str) -> ProducerRecord {
        ProducerRecord { key: Some(key.into()), value: Some(value.into()), headers: vec![("h".into(), None)] }
    }

    #[test]
    fn what_is_built_reads_the_same() {
        let batch = build(&[(Timestamp(1000), record("a", "one")), (Timestamp(990), record("b", "two"))]);
        assert!(batch.is_valid());
        assert_eq!(
            (batch.header.base_timestamp, batch.header.max_timestamp),
            (Timestamp(1000), Timestamp(1000))
        );
        let records: Vec<Record> = batch.records().map(|record| record.expect("built here")).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[1].offset, records[1].timestamp), (Offset(1), Timestamp(990)));
        assert_eq!(records[1].value.as_deref(), Some(&b"two"[..]));
        assert_eq!(records[1].headers, vec![("h".to_owned(), None)]);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic() {
        let batch = build(&[(Timestamp(1000), record("a", "one")), (Timestamp(990), record("b", "two"))]);
        for position in 0..batch.records.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = batch.records.to_vec();
                bytes[position] ^= flip;
                let damaged = RecordBatch::new(batch.header, bytes.into());
                assert!(damaged.records().count() <= 3);
            }
            let cut = RecordBatch::new(batch.header, batch.records.slice(..position));
            assert!(cut.records().any(|record| record == Err(RecordsError::Corrupt)));
        }
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(sequence(i32::MAX, 1), 0);
        assert_eq!(sequence(i32::MAX - 1, 3), 1);
        assert_eq!(sequence(-1, 3), -1);
    }

    #[test]
    fn markers_read_back() {
        let commit = ControlRecord::Commit { coordinator_epoch: 9 };
        let batch = commit.build(7, 1, Timestamp(5)).expect("a marker");
        assert_eq!(ControlRecord::of(&batch), Some(commit));
        assert_eq!(batch.header.producer_id, 7);
        assert!(batch.is_valid());
    }
}
