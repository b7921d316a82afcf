//! One segment of a log: `.log`, `.index` and `.timeindex`, named by base offset (`LogSegment`).
//!
//! An append (1) writes a batch, or all entries of a message set, (2) remembers the largest timestamp so far, (3) if more
//! than `index.interval.bytes` were written since the last entry, adds one to each index: an offset (rule `index-entry`)
//! and the position where the append began, and the largest timestamp if it has grown. A segment is rolled when the next
//! append
//!
//! - would make it larger than `segment.bytes`, or
//! - is more than `segment.ms` later, by its largest timestamp, than the segment's first batch (in a segment whose
//!   first batch has no timestamp the clock since its creation counts instead), or
//! - an index is full (`segment.index.bytes`), or
//! - its last offset does not fit the 32 bits of an index entry.
//!
//! When it is rolled or closed, the largest timestamp gets its entry whatever the interval.
//!
//! Left out: `segment.jitter.ms`, preallocation, the transaction index, producer snapshots. Kafka takes the batches of
//! one fetch in one go, with at most one index entry (up to 4.0) and one decision to roll; here each batch, or entry of a
//! message set, is its own append on followers.

use super::batch::RecordBatch;
use super::batch_index::BatchIndex;
use super::index::{OffsetIndex, TimeIndex, TimestampOffset};
use super::partition_log::BatchInfo;
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError, FileId};
use crate::ids::Offset;
use crate::rules::index_entry::IndexEntry;
use crate::time::{Time, Timestamp};

/// A segment of a log.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The offset it is named by; no record in it is below.
    pub base: Offset,
    /// The `.log` file.
    pub log: FileId,
    /// Its length in bytes.
    pub size: u64,
    /// The `.index` file.
    pub offset_index: OffsetIndex,
    /// The `.timeindex` file.
    pub time_index: TimeIndex,
    /// The largest timestamp so far and where.
    pub largest_timestamp: TimestampOffset,
    /// Bytes appended since the last index entry.
    pub bytes_since_entry: u64,
    /// The largest timestamp of the first batch.
    pub first_timestamp: Option<Timestamp>,
    /// When it was created or, if it is older than this life, opened.
    pub created: Time,
}

/// What one append adds, in sum.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Added {
    /// The first offset.
    pub first_offset: Offset,
    /// The last offset.
    pub last_offset: Offset,
    /// Bytes.
    pub size: u64,
    /// The largest timestamp, and the batch or entry that has it first.
    pub largest_timestamp: TimestampOffset,
}

impl Added {
    /// Of these batches or entries, the first of which may begin before what its own header says (see
    /// [`super::message_set`]).
    pub fn of(first_offset: Offset, entries: &[RecordBatch]) -> Added {
        let time = |entry: &RecordBatch| TimestampOffset {
            timestamp: entry.header.max_timestamp,
            offset: entry.header.last_offset(),
        };
        let (first, last) = entries.first().zip(entries.last()).expect("an append has at least one batch");
        let mut added = Added {
            first_offset,
            last_offset: last.header.last_offset(),
            size: 0,
            largest_timestamp: time(first),
        };
        for entry in entries {
            added.size += entry.size();
            if entry.header.max_timestamp > added.largest_timestamp.timestamp {
                added.largest_timestamp = time(entry);
            }
        }
        added
    }
}

/// The path of one of a segment's files; `suffix` such as `.log`.
pub fn path(directory: &str, base: Offset, suffix: &str) -> String {
    format!("{directory}/{:020}{suffix}", base.0)
}

/// The base offset in a file's name, if it is one of a segment's files with this suffix.
pub fn base_offset(name: &str, suffix: &str) -> Option<Offset> {
    let digits = name.strip_suffix(suffix)?;
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all_digits).map(Offset)
}

/// The suffixes of the files every segment has.
pub const SUFFIXES: [&str; 3] = [".log", ".index", ".timeindex"];

impl Segment {
    /// Creates an empty segment; files of that name that exist already go first.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn create(
        directory: &str,
        base: Offset,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<Segment, DiskError> {
        let mut files = [FileId(0); 3];
        for (file, suffix) in files.iter_mut().zip(SUFFIXES) {
            *file = disk.open(&path(directory, base, suffix), true)?;
            disk.truncate(*file, 0)?;
        }
        let [log, offset_index, time_index] = files;
        let none = TimestampOffset { timestamp: Timestamp::NONE, offset: base };
        Ok(Segment {
            base,
            log,
            size: 0,
            offset_index: OffsetIndex::empty(offset_index),
            time_index: TimeIndex::empty(time_index, base),
            largest_timestamp: none,
            bytes_since_entry: 0,
            first_timestamp: None,
            created: now,
        })
    }

    /// Whether an append must go into a new segment.
    pub fn must_roll(&self, added: &Added, config: &TopicConfig, now: Time) -> bool {
        // Kafka's test, `size > segment.bytes - messages`, is of signed numbers.
        self.size + added.size > config.segment_bytes
            || (self.size > 0 && self.has_waited(added.largest_timestamp.timestamp, now, config))
            || self.offset_index.is_full(config.segment_index_bytes)
            || self.time_index.is_full(config.segment_index_bytes)
            || !self.fits(added.last_offset)
    }

    fn has_waited(&self, max_timestamp: Timestamp, now: Time, config: &TopicConfig) -> bool {
        let limit = config.segment_ms.millis();
        match self.first_timestamp {
            Some(first) if first.0 >= 0 => {
                u64::try_from(max_timestamp.0.saturating_sub(first.0)).is_ok_and(|waited| waited > limit)
            }
            _ => now.since(self.created).millis() > limit,
        }
    }

    /// Whether an offset can be told by the 32 bits of an index entry.
    pub fn fits(&self, offset: Offset) -> bool {
        (0..=i64::from(i32::MAX)).contains(&(offset.0.wrapping_sub(self.base.0)))
    }

    /// Appends batches or entries in one go. The position of the first is the segment's size before.
    ///
    /// # Errors
    /// If the disk fails: then the segment must not be used again.
    pub fn append(
        &mut self,
        entries: &[RecordBatch],
        added: &Added,
        interval: u64,
        rule: IndexEntry,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        assert!(self.fits(added.last_offset), "a batch whose offset does not fit is rolled before");
        for entry in entries {
            disk.append(self.log, entry.to_extent())?;
        }
        let position = self.size;
        let TimestampOffset { timestamp, offset } = added.largest_timestamp;
        if position == 0 {
            self.first_timestamp = Some(timestamp);
        }
        self.see(timestamp, offset);
        if self.bytes_since_entry > interval {
            self.add_entries(rule.offset(added.first_offset, added.last_offset), position, disk)?;
            self.bytes_since_entry = 0;
        }
        self.size += added.size;
        self.bytes_since_entry += added.size;
        Ok(())
    }

    /// Remembers a timestamp if it is the largest.
    pub fn see(&mut self, timestamp: Timestamp, offset: Offset) {
        if timestamp > self.largest_timestamp.timestamp {
            self.largest_timestamp = TimestampOffset { timestamp, offset };
        }
    }

    /// Adds an entry to each index.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn add_entries(
        &mut self,
        offset: Offset,
        position: u64,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.offset_index.append((offset - self.base) as i32, position as u32, disk)?;
        self.time_index.append_if_later(self.largest_timestamp, self.base, disk)
    }

    /// Gives the largest timestamp its entry: at a roll, at a clean close, at the end of recovery.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn finish_time_index(&mut self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        self.time_index.append_if_later(self.largest_timestamp, self.base, disk)
    }

    /// Cuts the segment at `position`, where the batch that holds `offset` begins; `left` are the batches before it.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn truncate(
        &mut self,
        offset: Offset,
        position: u64,
        left: &[BatchInfo],
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(), DiskError> {
        self.offset_index.truncate(offset - self.base, disk)?;
        self.time_index.truncate(offset, self.base, disk)?;
        disk.truncate(self.log, position)?;
        self.size = position;
        if position == 0 {
            self.created = now;
            self.first_timestamp = None;
        }
        self.bytes_since_entry = 0;
        self.largest_timestamp = self.time_index.last;
        for info in left {
            self.see(info.max_timestamp, info.last_offset);
        }
        Ok(())
    }

    /// Flushes all its files.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn flush(&self, disk: &mut dyn Disk) -> Result<(), DiskError> {
        disk.flush(self.log)?;
        disk.flush(self.offset_index.file)?;
        disk.flush(self.time_index.file)
    }

    /// Deletes all its files.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn delete(&self, directory: &str, disk: &mut dyn Disk) -> Result<(), DiskError> {
        for file in [self.log, self.offset_index.file, self.time_index.file] {
            disk.close(file);
        }
        for suffix in SUFFIXES {
            match disk.delete(&path(directory, self.base, suffix)) {
                Ok(()) | Err(DiskError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The numbers of a segment's batches, given where the next segment begins.
pub fn batches_of(batches: &BatchIndex, base: Offset, next: Option<Offset>) -> std::ops::Range<usize> {
    let infos = batches.infos();
    let start = infos.partition_point(|info| info.base_offset < base);
    let end = next.map_or(infos.len(), |next| infos.partition_point(|info| info.base_offset < next));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_files_are_named_by_base_offset() {
        assert_eq!(
            path("/kafka-logs/orders-0", Offset(45), ".log"),
            "/kafka-logs/orders-0/00000000000000000045.log"
        );
        assert_eq!(base_offset("00000000000000000045.timeindex", ".timeindex"), Some(Offset(45)));
        for other in
            ["leader-epoch-checkpoint", ".log", "x.log", "+5.log", "-1.log", "99999999999999999999.log"]
        {
            assert_eq!(base_offset(other, ".log"), None, "{other}");
        }
    }
}
