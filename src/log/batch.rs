//! A record batch (message format v2, KIP-98) as the broker sees it: a header it reads and patches, records it does not.
//!
//! | bytes  | field                  | notes                                                              |
//! |--------|------------------------|--------------------------------------------------------------------|
//! | 0-7    | base offset            | patched by the leader's append; outside the CRC                    |
//! | 8-11   | batch length           | of everything after this field                                     |
//! | 12-15  | partition leader epoch | patched by the leader's append; outside the CRC                    |
//! | 16     | magic                  | 2                                                                  |
//! | 17-20  | CRC32C                 | of everything after this field                                     |
//! | 21-22  | attributes             | compression 0-2, timestamp type 3, transactional 4, control 5      |
//! | 23-26  | last offset delta      | may exceed the last record's after compaction                      |
//! | 27-34  | base timestamp         | the first record's, not the smallest                               |
//! | 35-42  | max timestamp          |                                                                    |
//! | 43-50  | producer id            | -1 without idempotence                                             |
//! | 51-52  | producer epoch         |                                                                    |
//! | 53-56  | base sequence          | -1 without idempotence                                             |
//! | 57-60  | records count          |                                                                    |
//!
//! The bytes of the records themselves are built and read in [`super::records`].
//!
//! Releases before 0.11 write message format v1 ([`super::message_set`]): no batches, but an *entry* for each record, or
//! one around several compressed ones. All formats have offset, length and magic in the same places, so that an entry is
//! told here as a batch of one record without epoch and producer, and a log may hold both.

use super::records::{build, build_at};
use super::{conversion, message_set};
use crate::command::ProducerRecord;
use crate::disk::{Extent, HEADER_LENGTH};
use crate::era::Era;
use crate::ids::{LeaderEpoch, Offset};
use crate::rules::truncation;
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;

/// A message format that some release here writes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum MessageFormat {
    /// Magic 1 (KIP-32).
    V1,
    /// Magic 2 (KIP-98).
    V2,
}

impl MessageFormat {
    /// The one that an era writes: v2 from 0.11 on. Leader epochs need it, so it also comes with a rule `truncation` that
    /// was swapped for one that asks for them.
    pub fn of(era: &Era) -> MessageFormat {
        if truncation::batches_carry_epochs(era) { MessageFormat::V2 } else { MessageFormat::V1 }
    }
}

/// A batch header, field by field.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes after this field.
    pub batch_length: i32,
    /// The epoch of the leader that appended it; -1 before an append.
    pub partition_leader_epoch: LeaderEpoch,
    /// Message format: 2, or 0 and 1 for an entry of the formats before.
    pub magic: i8,
    /// CRC32C of everything from `attributes` on; before v2 CRC32 of everything from `magic` on.
    pub crc: u32,
    /// Compression, timestamp type, transactional, control, delete horizon.
    pub attributes: i16,
    /// Offset of the last record, relative to `base_offset`.
    pub last_offset_delta: i32,
    /// Timestamp of the first record.
    pub base_timestamp: Timestamp,
    /// Largest timestamp in the batch, or the append time with `LogAppendTime`.
    pub max_timestamp: Timestamp,
    /// Producer id, or -1.
    pub producer_id: i64,
    /// Producer epoch, or -1.
    pub producer_epoch: i16,
    /// Sequence number of the first record, or -1.
    pub base_sequence: i32,
    /// Number of records.
    pub records_count: i32,
}

/// The CRC that is known to fit a batch: remembered work, not a part of its value, so that all are equal.
#[derive(Copy, Clone, Default, Debug)]
pub struct KnownCrc(Option<u32>);

impl PartialEq for KnownCrc {
    fn eq(&self, _: &KnownCrc) -> bool {
        true
    }
}

impl Eq for KnownCrc {}

/// The batch that was converted into this one on its way to an old reader: no part of its value, so that all are equal.
#[derive(Clone, Default, Debug)]
struct StandsFor(Option<Arc<RecordBatch>>);

impl PartialEq for StandsFor {
    fn eq(&self, _: &StandsFor) -> bool {
        true
    }
}

impl Eq for StandsFor {}

/// A batch: header and the opaque, shared bytes of its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordBatch {
    /// The parsed header.
    pub header: BatchHeader,
    /// The records as they stand on disk (compressed or not).
    pub records: Bytes,
    /// The CRC that is known to fit.
    fits: KnownCrc,
    /// What stands in the log in its place.
    stands_for: StandsFor,
}

/// Bytes of base offset and batch length, which `batch_length` does not count.
pub const LOG_OVERHEAD: usize = 12;

impl BatchHeader {
    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Offset after the last record.
    pub fn next_offset(&self) -> Offset {
        self.last_offset() + 1
    }

    /// Length of header and records, in bytes.
    pub fn size(&self) -> u64 {
        (LOG_OVERHEAD as i64 + i64::from(self.batch_length)).max(0) as u64
    }

    /// How many bytes it has on disk: 61 in format v2, 26 in v1.
    pub fn length(&self) -> usize {
        message_set::header_length(self.magic).unwrap_or(HEADER_LENGTH)
    }

    /// The bytes on disk, of which the first [`BatchHeader::length`] count.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        if self.magic < 2 {
            return message_set::encode_header(self);
        }
        let mut bytes = [0u8; HEADER_LENGTH];
        bytes[0..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.partition_leader_epoch.0.to_be_bytes());
        bytes[16] = self.magic as u8;
        bytes[17..21].copy_from_slice(&self.crc.to_be_bytes());
        bytes[21..23].copy_from_slice(&self.attributes.to_be_bytes());
        bytes[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        bytes[27..35].copy_from_slice(&self.base_timestamp.0.to_be_bytes());
        bytes[35..43].copy_from_slice(&self.max_timestamp.0.to_be_bytes());
        bytes[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        bytes[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        bytes[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&self.records_count.to_be_bytes());
        bytes
    }

    /// Reads a header as its magic says. Nothing is validated but the number of bytes.
    pub fn decode(bytes: &[u8]) -> Option<BatchHeader> {
        if matches!(bytes.get(16), Some(0 | 1)) {
            return message_set::decode_header(bytes);
        }
        let bytes: &[u8; HEADER_LENGTH] = bytes.get(..HEADER_LENGTH)?.try_into().ok()?;
        fn field<const N: usize>(bytes: &[u8; HEADER_LENGTH], at: usize) -> [u8; N] {
            let mut out = [0; N];
            out.copy_from_slice(&bytes[at..at + N]);
            out
        }
        Some(BatchHeader {
            base_offset: Offset(i64::from_be_bytes(field(bytes, 0))),
            batch_length: i32::from_be_bytes(field(bytes, 8)),
            partition_leader_epoch: LeaderEpoch(i32::from_be_bytes(field(bytes, 12))),
            magic: bytes[16] as i8,
            crc: u32::from_be_bytes(field(bytes, 17)),
            attributes: i16::from_be_bytes(field(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: Timestamp(i64::from_be_bytes(field(bytes, 27))),
            max_timestamp: Timestamp(i64::from_be_bytes(field(bytes, 35))),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            records_count: i32::from_be_bytes(field(bytes, 57)),
        })
    }

    /// A header of format v1 that fits no CRC, for an entry whose own tells another format than its length allows.
    pub(super) fn damaged(bytes: &[u8]) -> Option<BatchHeader> {
        let mut head: [u8; message_set::V1_HEADER_LENGTH] = bytes.get(..26)?.try_into().ok()?;
        head[16] = 1;
        let header = message_set::decode_header(&head)?;
        Some(BatchHeader { batch_length: -1, ..header })
    }

    /// The CRC that header and records should carry.
    pub fn compute_crc(&self, records: &[u8]) -> u32 {
        if self.magic < 2 {
            return message_set::crc32([&self.encode()[16..self.length()], records]);
        }
        ::crc32c::crc32c_append(crc32c(&self.encode()[21..]), records)
    }
}

/// The checksum of a batch: CRC32C (Castagnoli), Kafka's `Crc32C`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    ::crc32c::crc32c(bytes)
}

impl RecordBatch {
    /// A batch of which nothing is known.
    pub fn new(header: BatchHeader, records: Bytes) -> RecordBatch {
        RecordBatch { header, records, fits: KnownCrc::default(), stands_for: StandsFor::default() }
    }

    /// A batch whose header has just been given the CRC of these records.
    pub(super) fn sealed(header: BatchHeader, records: Bytes) -> RecordBatch {
        RecordBatch { fits: KnownCrc(Some(header.crc)), ..RecordBatch::new(header, records) }
    }

    /// A batch as it was appended to a file: what was known of it then is known still.
    pub(super) fn of_extent(header: BatchHeader, extent: Extent) -> RecordBatch {
        RecordBatch { fits: extent.fits, ..RecordBatch::new(header, extent.body) }
    }

    /// The same, remembered as what a batch in a log was converted into.
    pub(super) fn instead_of(self, batch: &RecordBatch) -> RecordBatch {
        RecordBatch { stands_for: StandsFor(Some(Arc::new(batch.clone()))), ..self }
    }

    /// The batch in the log that was converted into this one for a reader.
    pub(super) fn stands_for(&self) -> Option<&RecordBatch> {
        self.stands_for.0.as_deref()
    }

    /// What is appended to a file.
    pub(super) fn to_extent(&self) -> Extent {
        Extent {
            header: self.header.encode(),
            header_length: self.header.length() as u8,
            body: self.records.clone(),
            fits: self.fits,
        }
    }

    /// Whether the batch is as it was written: length, format and CRC agree. Every broker on a batch's way asks; as the
    /// bytes are shared and never change, the answer of the first is remembered.
    pub fn is_valid(&self) -> bool {
        matches!(self.header.magic, 0..=2)
            && self.header.size() == self.size()
            && (self.fits.0 == Some(self.header.crc)
                || self.header.crc == self.header.compute_crc(&self.records))
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        (self.header.length() + self.records.len()) as u64
    }
}

/// What one request appends to one partition (`MemoryRecords`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordSet {
    /// Format v2: one batch.
    Batch(RecordBatch),
    /// Format v1: an entry for each record, or one around compressed ones.
    Messages(Vec<RecordBatch>),
}

impl From<RecordBatch> for RecordSet {
    fn from(batch: RecordBatch) -> Self {
        RecordSet::Batch(batch)
    }
}

impl RecordSet {
    /// The records as a producer sends them in this format.
    ///
    /// # Panics
    /// Without any record: a producer never sends an empty set.
    pub fn build(format: MessageFormat, records: &[(Timestamp, ProducerRecord)]) -> RecordSet {
        match format {
            MessageFormat::V1 => RecordSet::Messages(message_set::build(records)),
            MessageFormat::V2 => RecordSet::Batch(build(records)),
        }
    }

    /// The same for a broker that knows format v1 alone. What is compressed cannot be opened and stays as it is.
    pub fn converted_down(&self) -> RecordSet {
        match self {
            RecordSet::Messages(_) => self.clone(),
            RecordSet::Batch(batch) => {
                conversion::down(batch, Offset::ZERO).map_or_else(|_| self.clone(), RecordSet::Messages)
            }
        }
    }

    /// The same of records that all were created at one time.
    pub fn build_at(format: MessageFormat, timestamp: Timestamp, records: &[ProducerRecord]) -> RecordSet {
        match format {
            MessageFormat::V1 => RecordSet::Messages(message_set::build_at(timestamp, records)),
            MessageFormat::V2 => RecordSet::Batch(build_at(timestamp, records)),
        }
    }

    /// Its batches or entries, in order.
    pub fn entries(&self) -> &[RecordBatch] {
        match self {
            RecordSet::Batch(batch) => std::slice::from_ref(batch),
            RecordSet::Messages(entries) => entries,
        }
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.entries().iter().map(RecordBatch::size).sum()
    }

    /// How many records it has.
    pub fn count(&self) -> u64 {
        self.entries().iter().map(|entry| u64::from(entry.header.records_count.unsigned_abs())).sum()
    }
}
