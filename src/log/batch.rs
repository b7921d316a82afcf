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

use crate::disk::{Extent, HEADER_LENGTH};
use crate::ids::{LeaderEpoch, Offset};
use crate::time::Timestamp;
use bytes::Bytes;

/// A batch header, field by field.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes after this field: 49 plus the length of the records.
    pub batch_length: i32,
    /// The epoch of the leader that appended it; -1 before an append.
    pub partition_leader_epoch: LeaderEpoch,
    /// Message format; 2.
    pub magic: i8,
    /// CRC32C of everything from `attributes` on.
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

/// A batch: header and the opaque, shared bytes of its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordBatch {
    /// The parsed header.
    pub header: BatchHeader,
    /// The records as they stand on disk (compressed or not).
    pub records: Bytes,
    /// The CRC that is known to fit.
    fits: KnownCrc,
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

    /// The 61 bytes on disk.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
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

    /// Reads the 61 bytes. Nothing is validated but their number.
    pub fn decode(bytes: &[u8]) -> Option<BatchHeader> {
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

    /// The CRC32C that header and records should carry.
    pub fn compute_crc(&self, records: &[u8]) -> u32 {
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
        RecordBatch { header, records, fits: KnownCrc::default() }
    }

    /// A batch whose header has just been given the CRC of these records.
    pub(super) fn sealed(header: BatchHeader, records: Bytes) -> RecordBatch {
        RecordBatch { fits: KnownCrc(Some(header.crc)), header, records }
    }

    /// A batch as it was appended to a file: what was known of it then is known still.
    pub(super) fn of_extent(header: BatchHeader, extent: Extent) -> RecordBatch {
        RecordBatch { header, records: extent.body, fits: extent.fits }
    }

    /// What is appended to a file.
    pub(super) fn to_extent(&self) -> Extent {
        Extent { fits: self.fits, ..Extent::batch(self.header.encode(), self.records.clone()) }
    }

    /// Whether the batch is as it was written: length, format and CRC agree. Every broker on a batch's way asks; as the
    /// bytes are shared and never change, the answer of the first is remembered.
    pub fn is_valid(&self) -> bool {
        self.header.magic == 2
            && self.header.size() == (HEADER_LENGTH + self.records.len()) as u64
            && (self.fits.0 == Some(self.header.crc)
                || self.header.crc == self.header.compute_crc(&self.records))
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        (HEADER_LENGTH + self.records.len()) as u64
    }
}
