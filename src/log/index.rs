//! The two sparse indexes of a segment (`OffsetIndex`, `TimeIndex`), byte for byte as Kafka writes them.
//!
//! | file         | entry, big endian                                          | bytes |
//! |--------------|------------------------------------------------------------|-------|
//! | `.index`     | last offset of a batch relative to the segment's base; position of that batch | 4 + 4 |
//! | `.timeindex` | largest timestamp so far; relative offset of its batch's last record          | 8 + 4 |
//!
//! Here they are only written: batches are found through the index in memory ([`super::batch_index`]). What is read
//! back is the last entry, when a log is opened or cut.
//!
//! Left out: memory mapping and with it preallocation. A running Kafka's index files are `segment.index.bytes` long,
//! filled with zeros, and are trimmed when the segment is rolled or closed; ours are always as long as their entries.
//! Up to 3.7 a leader's time index named the very record with the largest timestamp, ours its batch's last record, as
//! Kafka's followers and all releases since do.

use crate::disk::{Disk, DiskError, Extent, FileId};
use crate::ids::Offset;
use crate::time::Timestamp;
use bytes::Bytes;

/// Bytes of an entry of the offset index.
pub const OFFSET_ENTRY: u64 = 8;
/// Bytes of an entry of the time index.
pub const TIME_ENTRY: u64 = 12;

/// A timestamp and the offset it was seen at.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TimestampOffset {
    /// The timestamp.
    pub timestamp: Timestamp,
    /// The offset.
    pub offset: Offset,
}

/// An offset index as its segment knows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct OffsetIndex {
    /// Its file.
    pub file: FileId,
    /// How many entries it has.
    pub entries: u64,
}

/// A time index as its segment knows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct TimeIndex {
    /// Its file.
    pub file: FileId,
    /// How many entries it has.
    pub entries: u64,
    /// The last one; no timestamp and the segment's base offset if there is none.
    pub last: TimestampOffset,
}

/// An index file contradicts itself.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct CorruptIndex;

impl OffsetIndex {
    /// An empty one.
    pub fn empty(file: FileId) -> OffsetIndex {
        OffsetIndex { file, entries: 0 }
    }

    /// What stands in the file. `Err` within is an index that must be rebuilt.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn load(file: FileId, disk: &mut dyn Disk) -> Result<Result<OffsetIndex, CorruptIndex>, DiskError> {
        let length = disk.length(file);
        if !length.is_multiple_of(OFFSET_ENTRY) {
            return Ok(Err(CorruptIndex));
        }
        let entries = length / OFFSET_ENTRY;
        if entries > 0 && int(&entry(file, entries - 1, OFFSET_ENTRY, disk)?, 0).is_none_or(|last| last < 0) {
            return Ok(Err(CorruptIndex));
        }
        Ok(Ok(OffsetIndex { file, entries }))
    }

    /// Whether it can take no entry more: `segment.index.bytes`, rounded down to whole entries.
    pub fn is_full(&self, bytes: u64) -> bool {
        self.entries >= bytes / OFFSET_ENTRY
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn append(&mut self, relative: i32, position: u32, disk: &mut dyn Disk) -> Result<(), DiskError> {
        let mut bytes = [0; OFFSET_ENTRY as usize];
        bytes[..4].copy_from_slice(&relative.to_be_bytes());
        bytes[4..].copy_from_slice(&position.to_be_bytes());
        disk.append(self.file, Extent::plain(Bytes::copy_from_slice(&bytes)))?;
        self.entries += 1;
        Ok(())
    }

    /// Drops the entries whose relative offset is at or above `relative`.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn truncate(&mut self, relative: i64, disk: &mut dyn Disk) -> Result<(), DiskError> {
        while self.entries > 0 {
            let last = entry(self.file, self.entries - 1, OFFSET_ENTRY, disk)?;
            if int(&last, 0).is_some_and(|last| i64::from(last) < relative) {
                break;
            }
            self.entries -= 1;
        }
        disk.truncate(self.file, self.entries * OFFSET_ENTRY)
    }
}

impl TimeIndex {
    /// An empty one of the segment that begins at `base`.
    pub fn empty(file: FileId, base: Offset) -> TimeIndex {
        TimeIndex { file, entries: 0, last: TimestampOffset { timestamp: Timestamp::NONE, offset: base } }
    }

    /// What stands in the file. `Err` within is an index that must be rebuilt.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn load(
        file: FileId,
        base: Offset,
        disk: &mut dyn Disk,
    ) -> Result<Result<TimeIndex, CorruptIndex>, DiskError> {
        let length = disk.length(file);
        if !length.is_multiple_of(TIME_ENTRY) {
            return Ok(Err(CorruptIndex));
        }
        let mut index = TimeIndex::empty(file, base);
        index.entries = length / TIME_ENTRY;
        index.find_last(base, disk)?;
        let first = match index.entries {
            0 => Timestamp::NONE,
            _ => long(&entry(file, 0, TIME_ENTRY, disk)?, 0).unwrap_or(Timestamp::NONE),
        };
        let sound = index.entries == 0 || (index.last.timestamp >= first && index.last.offset >= base);
        Ok(if sound { Ok(index) } else { Err(CorruptIndex) })
    }

    /// Whether it can take no entry more. One place is kept for the entry at the roll.
    pub fn is_full(&self, bytes: u64) -> bool {
        self.entries + 1 >= bytes / TIME_ENTRY
    }

    /// Adds an entry if it is later than the last one, as Kafka's `maybeAppend`.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn append_if_later(
        &mut self,
        entry: TimestampOffset,
        base: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        if entry.timestamp <= self.last.timestamp {
            return Ok(());
        }
        let mut bytes = [0; TIME_ENTRY as usize];
        bytes[..8].copy_from_slice(&entry.timestamp.0.to_be_bytes());
        bytes[8..].copy_from_slice(&((entry.offset - base) as i32).to_be_bytes());
        disk.append(self.file, Extent::plain(Bytes::copy_from_slice(&bytes)))?;
        self.entries += 1;
        self.last = entry;
        Ok(())
    }

    /// Drops the entries whose offset is at or above `offset`.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn truncate(&mut self, offset: Offset, base: Offset, disk: &mut dyn Disk) -> Result<(), DiskError> {
        while self.entries > 0 && self.last.offset >= offset {
            self.entries -= 1;
            self.find_last(base, disk)?;
        }
        disk.truncate(self.file, self.entries * TIME_ENTRY)
    }

    fn find_last(&mut self, base: Offset, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.last = TimestampOffset { timestamp: Timestamp::NONE, offset: base };
        if self.entries > 0 {
            let bytes = entry(self.file, self.entries - 1, TIME_ENTRY, disk)?;
            if let (Some(timestamp), Some(relative)) = (long(&bytes, 0), int(&bytes, 8)) {
                self.last = TimestampOffset { timestamp, offset: base + i64::from(relative) };
            }
        }
        Ok(())
    }
}

fn entry(file: FileId, number: u64, size: u64, disk: &mut dyn Disk) -> Result<Bytes, DiskError> {
    disk.read(file, number * size, size as usize)
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<Timestamp> {
    Some(Timestamp(i64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?)))
}
