//! The message formats before v2: magic 0 (no timestamp) and magic 1 (KIP-32).
//!
//! | bytes | field      | notes                                                                        |
//! |-------|------------|------------------------------------------------------------------------------|
//! | 0-7   | offset     | of a compressed entry: that of its last inner message                        |
//! | 8-11  | size       | of everything after this field                                               |
//! | 12-15 | CRC32      | (not CRC32C) of everything after this field                                  |
//! | 16    | magic      | 0 or 1                                                                       |
//! | 17    | attributes | compression 0-2, timestamp type 3                                            |
//! | 18-25 | timestamp  | magic 1 only                                                                 |
//! | then  | key, value | each with a length of four bytes, -1 for none                                |
//!
//! There are no batches, leader epochs, producers or headers: every record is an *entry* of its own, and a message set is
//! just one entry after the other. Releases before 0.11 write magic 1; magic 0 is what they find in older directories.
//! Kafka's classes: `Record` and `LogEntry` up to 0.10.2, `LegacyRecord` and `AbstractLegacyRecordBatch` since.
//!
//! In memory an entry is a [`RecordBatch`] with one record. The leader's append gives each its offset in place, which
//! the CRC does not cover. What is inside a compressed entry stays closed, so its own offset counts as its first, too.
//!
//! Left out: compressing; inner offsets and timestamps of a compressed entry. Conversion to and from v2 is in
//! [`super::conversion`].

use super::batch::{BatchHeader, RecordBatch};
use super::records::{Record, seal};
use crate::command::ProducerRecord;
use crate::disk::HEADER_LENGTH;
use crate::ids::{LeaderEpoch, Offset};
use crate::time::Timestamp;
use bytes::Bytes;

/// Bytes before key and value in magic 1.
pub const V1_HEADER_LENGTH: usize = 26;

/// Bytes before key and value; `None` for what is not one of these formats.
pub(super) const fn header_length(magic: i8) -> Option<usize> {
    match magic {
        0 => Some(18),
        1 => Some(V1_HEADER_LENGTH),
        _ => None,
    }
}

/// A record's bytes as an entry of magic 1 (`Records.LOG_OVERHEAD + Record.recordSize`).
pub fn entry_size(record: &ProducerRecord) -> u64 {
    let field = |bytes: &Option<Bytes>| 4 + bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
    V1_HEADER_LENGTH as u64 + field(&record.key) + field(&record.value)
}

/// A message set as a producer builds it: uncompressed, `CreateTime`, offsets from 0. Headers have no place in it: an
/// application of these releases cannot give any (KIP-82).
///
/// # Panics
/// Without any record: a producer never sends an empty set.
pub fn build(records: &[(Timestamp, ProducerRecord)]) -> Vec<RecordBatch> {
    build_from(records.iter().map(|(timestamp, record)| (*timestamp, record)))
}

/// The same of records that all were created at one time.
pub fn build_at(timestamp: Timestamp, records: &[ProducerRecord]) -> Vec<RecordBatch> {
    build_from(records.iter().map(|record| (timestamp, record)))
}

fn build_from<'a>(
    records: impl ExactSizeIterator<Item = (Timestamp, &'a ProducerRecord)>,
) -> Vec<RecordBatch> {
    assert!(records.len() > 0, "a producer sends no empty message set");
    let entry = |(offset, (timestamp, record)): (i64, (Timestamp, &ProducerRecord))| {
        entry(Offset(offset), 0, timestamp, record.key.as_deref(), record.value.as_deref())
    };
    (0..).zip(records).map(entry).collect()
}

/// One uncompressed entry of magic 1.
pub(super) fn entry(
    offset: Offset,
    attributes: i16,
    timestamp: Timestamp,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> RecordBatch {
    let length = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let mut bytes = Vec::with_capacity(8 + length(key) + length(value));
    for field in [key, value] {
        let length = field.map_or(-1, |bytes| bytes.len() as i32);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field.unwrap_or_default());
    }
    seal(header(offset, 0, 0, 1, attributes, timestamp), bytes.into())
}

/// Reads a whole message set: every valid entry from the front, up to the first that is not whole or not valid.
pub fn read_all(bytes: &Bytes) -> Vec<RecordBatch> {
    let mut entries = Vec::new();
    let mut rest = bytes.clone();
    while let Some(header) = decode_header(&rest) {
        let range = header.length()..header.size() as usize;
        if range.is_empty() || range.end > rest.len() {
            break;
        }
        let entry = RecordBatch::new(header, rest.slice(range.clone()));
        if !entry.is_valid() {
            break;
        }
        rest = rest.slice(range.end..);
        entries.push(entry);
    }
    entries
}

fn header(
    offset: Offset,
    size: i32,
    crc: u32,
    magic: i8,
    attributes: i16,
    timestamp: Timestamp,
) -> BatchHeader {
    BatchHeader {
        base_offset: offset,
        batch_length: size,
        partition_leader_epoch: LeaderEpoch::NONE,
        magic,
        crc,
        attributes,
        last_offset_delta: 0,
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: 1,
    }
}

/// An entry's bytes before key and value, and zeros.
pub(super) fn encode_header(header: &BatchHeader) -> [u8; HEADER_LENGTH] {
    let mut bytes = [0; HEADER_LENGTH];
    bytes[0..8].copy_from_slice(&header.last_offset().0.to_be_bytes());
    bytes[8..12].copy_from_slice(&header.batch_length.to_be_bytes());
    bytes[12..16].copy_from_slice(&header.crc.to_be_bytes());
    bytes[16] = header.magic as u8;
    bytes[17] = header.attributes as u8;
    if header.magic == 1 {
        bytes[18..26].copy_from_slice(&header.max_timestamp.0.to_be_bytes());
    }
    bytes
}

/// Reads an entry's bytes before key and value. `None` if they are too few or of another format.
pub(super) fn decode_header(bytes: &[u8]) -> Option<BatchHeader> {
    let magic = *bytes.get(16)? as i8;
    let length = header_length(magic)?;
    let timestamp = if magic == 0 { Timestamp::NONE } else { Timestamp(long(bytes, 18)?) };
    let attributes = i16::from(*bytes.get(17)?);
    let header =
        header(Offset(long(bytes, 0)?), int(bytes, 8)?, int(bytes, 12)? as u32, magic, attributes, timestamp);
    (bytes.len() >= length).then_some(header)
}

/// The record of an entry that is not compressed. `None` if its bytes contradict themselves.
pub(super) fn decode_record(entry: &RecordBatch) -> Option<Record> {
    let bytes = &entry.records;
    let mut at = 0;
    let mut field = || {
        let length = int(bytes, at)?;
        at += 4;
        if length == -1 {
            return Some(None);
        }
        let end = at.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= bytes.len())?;
        let field = bytes.slice(at..end);
        at = end;
        Some(Some(field))
    };
    let (key, value) = (field()?, field()?);
    (at == bytes.len()).then(|| Record {
        offset: entry.header.base_offset,
        timestamp: entry.header.max_timestamp,
        sequence: -1,
        key,
        value,
        headers: Vec::new(),
    })
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The CRC of zip and Ethernet, byte by byte with a table made at compile time.
pub(super) fn crc32(pieces: [&[u8]; 2]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    let bytes = pieces.into_iter().flatten();
    !bytes.fold(!0, |crc: u32, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Vec<RecordBatch> {
        let record = |key: Option<&'static str>, value: Option<&'static str>| ProducerRecord {
            key: key.map(Bytes::from),
            value: value.map(Bytes::from),
            headers: Vec::new(),
        };
        build(&[(Timestamp(1000), record(Some("a"), Some("one"))), (Timestamp(990), record(None, None))])
    }

    fn bytes_of(entries: &[RecordBatch]) -> Vec<u8> {
        let bytes =
            |entry: &RecordBatch| [&entry.header.encode()[..V1_HEADER_LENGTH], &entry.records].concat();
        entries.iter().flat_map(bytes).collect()
    }

    #[test]
    fn crc32_is_the_one_of_zip() {
        assert_eq!(crc32([b"1234", b"56789"]), 0xcbf4_3926);
    }

    #[test]
    fn what_is_built_reads_the_same() {
        let set = set();
        assert!(set.iter().all(RecordBatch::is_valid));
        assert_eq!(set[0].size(), 38);
        assert_eq!(read_all(&bytes_of(&set).into()), set);
        let records: Vec<Record> = set.iter().flat_map(RecordBatch::records).map(Result::unwrap).collect();
        assert_eq!((records[0].key.as_deref(), records[1].key.as_deref()), (Some(&b"a"[..]), None));
        assert_eq!((records[0].offset, records[1].offset), (Offset(0), Offset(1)));
        assert_eq!((records[0].timestamp, records[1].timestamp), (Timestamp(1000), Timestamp(990)));
    }

    #[test]
    fn nonsense_is_no_message() {
        for nonsense in [&[0; 40][..], &[0xff; 40], &[]] {
            assert_eq!(read_all(&Bytes::copy_from_slice(nonsense)), []);
        }
        let good = bytes_of(&set());
        // The offset of an entry is not covered by its CRC.
        let offsets = [0..8, 38..46];
        for position in (0..good.len()).filter(|at| !offsets.iter().any(|offset| offset.contains(at))) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[position] ^= flip;
                assert!(read_all(&bytes.into()).len() < 2, "byte {position}");
            }
            assert!(read_all(&Bytes::copy_from_slice(&good[..position])).len() < 2);
        }
    }
}
