//! One partition's log on one broker (`kafka.log.Log`, later `UnifiedLog`).
//!
//! Segments of record batches on disk, the index of all batches in memory ([`super::batch_index`]: Kafka goes through the
//! sparse index, which is also written, byte for byte), and the leader epoch cache with its checkpoint. Offsets: *start*
//! (first that may be read), *end* (of the next record), *recovery point* (up to where everything was flushed).
//!
//! An append: (1) refuse what is too large or corrupt, with the one CRC check a batch gets here; (2) on a leader stamp
//! base offset and epoch, which the CRC does not cover, and with `LogAppendTime` the time, which it does (every entry of
//! a message set before v2 is stamped for itself, but all are one append); (3) enter the epoch into the cache; (4) roll if the segment is full, which flushes what was rolled away, as Kafka's scheduler does a
//! moment later; (5) write; (6) flush if `flush.messages` says so. Reading copies nothing.
//!
//! Releases differ in [`LogRules`]. Up to 0.10.2 there is no epoch cache, and producers send message format v1, which
//! knows no epoch: its entries stand here as batches of one record with epoch -1 ([`super::message_set`]).
//!
//! After [`LogError::Disk`] memory and disk may disagree and the log must not be used again: Kafka takes its log directory
//! offline.
//!
//! Where the rest is: reading in [`super::read`], opening and recovery in [`super::recovery`], cutting in
//! [`super::truncate`].
//!
//! Left out: retention by age and size, compaction, idempotence and transactions, `.deleted`
//! files (Kafka renames a segment's files and deletes them a minute later; here they go at once).

use super::batch::{BatchHeader, MessageFormat, RecordBatch, RecordSet};
use super::batch_index::BatchIndex;
use super::checkpoint;
use super::conversion;
use super::leader_epochs::{EpochEntry, LeaderEpochs};
use super::partition_metadata::TopicId;
use super::records::{LOG_APPEND_TIME, RecordsError, seal};
use super::segment::{Added, Segment};
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError};
use crate::era::{Era, Release};
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::rules::directory_flush::DirectoryFlush;
use crate::rules::epoch_entries::EpochEntries;
use crate::rules::index_entry::IndexEntry;
use crate::rules::planted::Planted;
use crate::rules::recovered_epochs::RecoveredEpochs;
use crate::rules::recovered_point::RecoveredPoint;
use crate::rules::truncation;
use crate::time::{Time, Timestamp};
use std::sync::Arc;

/// Why a log operation failed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum LogError {
    /// The offset is outside the log.
    OutOfRange,
    /// A batch failed its CRC or contradicts itself.
    Corrupt,
    /// A batch larger than `max.message.bytes`.
    TooLarge,
    /// A batch larger than a segment.
    LargerThanSegment,
    /// A follower was given a batch that does not follow its log end.
    NotNext,
    /// The disk failed.
    Disk(DiskError),
}

impl From<DiskError> for LogError {
    fn from(error: DiskError) -> Self {
        LogError::Disk(error)
    }
}

/// What everybody may know of a batch in a log without reading it: enough to tell one record from another.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BatchInfo {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// The leader epoch it was appended in.
    pub epoch: LeaderEpoch,
    /// Its CRC: with the offset, what tells its content from another's.
    pub crc: u32,
    /// Its size in bytes.
    pub size: u32,
    /// The largest timestamp.
    pub max_timestamp: Timestamp,
}

impl BatchInfo {
    /// What a header says.
    pub fn of(header: &BatchHeader) -> BatchInfo {
        BatchInfo {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            epoch: header.partition_leader_epoch,
            crc: header.crc,
            size: header.size() as u32,
            max_timestamp: header.max_timestamp,
        }
    }
}

/// What the release decides about a log.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct LogRules {
    /// Whether there is a leader epoch cache, and an epoch in every batch (KIP-101, 0.11; earlier only if the rule
    /// `truncation` was swapped for one that needs them).
    pub epoch_cache: bool,
    /// The message format in which leaders append.
    pub format: MessageFormat,
    /// Rule `epoch-entries`.
    pub epoch_entries: EpochEntries,
    /// Rule `directory-flush`.
    pub directory_flush: DirectoryFlush,
    /// Rule `index-entry`.
    pub index_entry: IndexEntry,
    /// Rule `recovered-point`.
    pub recovered_point: RecoveredPoint,
    /// Rule `recovered-epochs`.
    pub recovered_epochs: RecoveredEpochs,
    /// Rule `planted`.
    pub planted: Planted,
}

impl LogRules {
    /// Those of an era.
    pub fn of(era: &Era) -> LogRules {
        LogRules {
            epoch_cache: truncation::batches_carry_epochs(era),
            format: MessageFormat::of(era),
            epoch_entries: era.rules.epoch_entries,
            directory_flush: era.rules.directory_flush,
            index_entry: era.rules.index_entry,
            recovered_point: era.rules.recovered_point,
            recovered_epochs: era.rules.recovered_epochs,
            planted: era.rules.planted,
        }
    }
}

/// A partition's log.
#[derive(Clone, Debug)]
pub struct PartitionLog {
    pub(super) partition: TopicPartition,
    /// Its own directory.
    pub(super) directory: Arc<str>,
    pub(super) config: Arc<TopicConfig>,
    pub(super) rules: LogRules,
    /// All segments but the last, oldest first.
    pub(super) closed: Arc<Vec<Segment>>,
    /// The one that is appended to.
    pub(super) active: Segment,
    pub(super) batches: BatchIndex,
    pub(super) epochs: LeaderEpochs,
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) recovery_point: Offset,
    pub(super) last_flush: Time,
    pub(super) topic_id: Option<TopicId>,
}

impl PartitionLog {
    /// Creates an empty log in `directory/topic-n`, by the rules of the newest release before 4.0. A broker creates its
    /// logs through [`super::log_manager::LogManager`], which knows the era.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn create(
        directory: &str,
        partition: TopicPartition,
        config: &TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<PartitionLog, LogError> {
        let rules = LogRules::of(&Era::of(Release::new(3, 9, 1)));
        PartitionLog::create_with(directory, partition, config, rules, Time::ZERO, disk)
    }

    /// Creates an empty log in `directory/topic-n`, whatever files were there before.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn create_with(
        directory: &str,
        partition: TopicPartition,
        config: &TopicConfig,
        rules: LogRules,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<PartitionLog, LogError> {
        let directory: Arc<str> = format!("{directory}/{partition}").into();
        disk.create_directory(&directory)?;
        let active = Segment::create(&directory, Offset::ZERO, now, disk)?;
        if rules.epoch_cache {
            let file = disk.open(&format!("{directory}/{}", super::leader_epochs::FILE_NAME), true)?;
            disk.truncate(file, 0)?;
            disk.close(file);
        }
        Ok(PartitionLog {
            partition,
            directory,
            config: Arc::new(config.clone()),
            rules,
            closed: Arc::default(),
            active,
            batches: BatchIndex::default(),
            epochs: LeaderEpochs::new(rules.epoch_entries),
            start: Offset::ZERO,
            end: Offset::ZERO,
            recovery_point: Offset::ZERO,
            last_flush: now,
            topic_id: None,
        })
    }

    /// The partition.
    pub fn partition(&self) -> TopicPartition {
        self.partition
    }

    /// Its directory: `/kafka-logs/orders-0`.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The topic's settings.
    pub fn config(&self) -> &TopicConfig {
        &self.config
    }

    /// Puts other settings in force, from the next append on.
    pub fn set_config(&mut self, config: &TopicConfig) {
        if *self.config != *config {
            self.config = Arc::new(config.clone());
        }
    }

    /// Offset of the first record that may be read.
    pub fn start_offset(&self) -> Offset {
        self.start
    }

    /// Offset of the next record.
    pub fn end_offset(&self) -> Offset {
        self.end
    }

    /// All batches in its files, oldest first; some may lie below the start offset.
    pub fn batches(&self) -> &[BatchInfo] {
        self.batches.infos()
    }

    /// Those from the one that holds `offset` on.
    pub fn batches_from(&self, offset: Offset) -> &[BatchInfo] {
        &self.batches.infos()[self.batches.find(offset)..]
    }

    /// The segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().chain(std::iter::once(&self.active))
    }

    /// Its size in bytes: that of all its batches.
    pub fn size(&self) -> u64 {
        self.segments().map(|segment| segment.size).sum()
    }

    /// The leader epoch cache, oldest first.
    pub fn epochs(&self) -> &[EpochEntry] {
        self.epochs.entries()
    }

    /// Up to where the log is known to be flushed.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// The newest epoch in the cache.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.epochs.latest()
    }

    /// The epoch of the record at `offset`, or of the last record below it.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.epochs.epoch_at(offset)
    }

    /// The largest epoch known that is not above `asked`, and where it ends ([`LeaderEpochs::end_offset_for`]).
    pub fn end_offset_for(&self, asked: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_offset_for(asked, self.end)
    }

    /// Enters an epoch into the cache at the log end (rule `epoch-cache`). Without a cache it does nothing.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.enter_epoch(epoch, self.end, disk)
    }

    fn enter_epoch(
        &mut self,
        epoch: LeaderEpoch,
        start: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let has_epoch = epoch != LeaderEpoch::NONE;
        if self.rules.epoch_cache && has_epoch && self.epochs.assign(epoch, start) {
            self.write_epochs(disk)?;
        }
        Ok(())
    }

    pub(super) fn write_epochs(&self, disk: &mut dyn Disk) -> Result<(), LogError> {
        let flush = self.rules.directory_flush;
        Ok(checkpoint::write_epochs(&self.directory, self.epochs.entries(), flush, disk)?)
    }

    /// The leader appends what a producer sent for one partition; a message set, where the release writes v2, after its
    /// conversion. Returns it as it now stands.
    ///
    /// # Errors
    /// As [`PartitionLog::append_as_leader`].
    pub fn append_set_as_leader(
        &mut self,
        set: RecordSet,
        epoch: LeaderEpoch,
        now: Time,
        wall: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<RecordSet, LogError> {
        Ok(match set {
            RecordSet::Batch(batch) => {
                RecordSet::Batch(self.append_as_leader(batch, epoch, now, wall, disk)?)
            }
            RecordSet::Messages(entries) => {
                self.check_messages(&entries)?;
                match self.rules.format {
                    MessageFormat::V1 => {
                        RecordSet::Messages(self.append_messages_as_leader(entries, now, wall, disk)?)
                    }
                    MessageFormat::V2 => {
                        let batch = conversion::up(&entries).map_err(|_: RecordsError| LogError::Corrupt)?;
                        RecordSet::Batch(self.append_as_leader(batch, epoch, now, wall, disk)?)
                    }
                }
            }
        })
    }

    /// Whether a producer's message set may be appended (`Log.analyzeAndValidateRecords`).
    fn check_messages(&self, entries: &[RecordBatch]) -> Result<(), LogError> {
        for entry in entries {
            if entry.size() > self.config.max_message_bytes {
                return Err(LogError::TooLarge);
            }
            let BatchHeader { magic, attributes, last_offset_delta, .. } = entry.header;
            let create_time = attributes & LOG_APPEND_TIME == 0;
            if magic != 1 || last_offset_delta < 0 || !create_time || !entry.is_valid() {
                return Err(LogError::Corrupt);
            }
        }
        if entries.is_empty() { Err(LogError::Corrupt) } else { Ok(()) }
    }

    /// The leader appends a message set of format v1: gives each entry its offset, in place, and rolls and indexes once
    /// (`LogValidator.assignOffsetsNonCompressed`).
    fn append_messages_as_leader(
        &mut self,
        mut entries: Vec<RecordBatch>,
        now: Time,
        wall: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, LogError> {
        if entries.iter().map(RecordBatch::size).sum::<u64>() > self.config.segment_bytes {
            return Err(LogError::LargerThanSegment);
        }
        let mut next = self.end;
        for entry in &mut entries {
            // Of a compressed entry the offset is that of its last record.
            let last = next + i64::from(entry.header.last_offset_delta);
            entry.header.base_offset = last;
            entry.header.last_offset_delta = 0;
            if self.config.log_append_time {
                entry.header.attributes |= LOG_APPEND_TIME;
                entry.header.base_timestamp = wall;
                entry.header.max_timestamp = wall;
                *entry = seal(entry.header, entry.records.clone());
            }
            next = last + 1;
        }
        self.append(&entries, self.end, now, disk)?;
        Ok(entries)
    }

    /// The leader appends a producer's batch of format v2: stamps offset and epoch, rolls and indexes.
    /// Returns the batch as it now stands.
    ///
    /// # Errors
    /// `TooLarge`, `Corrupt`, `LargerThanSegment`: nothing was changed. `Disk`.
    pub fn append_as_leader(
        &mut self,
        mut batch: RecordBatch,
        epoch: LeaderEpoch,
        now: Time,
        wall: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<RecordBatch, LogError> {
        if batch.size() > self.config.max_message_bytes {
            return Err(LogError::TooLarge);
        }
        let header = &mut batch.header;
        let counts = header.records_count > 0
            && i64::from(header.last_offset_delta) == i64::from(header.records_count) - 1;
        let create_time = header.attributes & LOG_APPEND_TIME == 0;
        if !counts || !create_time || !batch.is_valid() {
            return Err(LogError::Corrupt);
        }
        if batch.size() > self.config.segment_bytes {
            return Err(LogError::LargerThanSegment);
        }
        let header = &mut batch.header;
        header.base_offset = self.end;
        header.partition_leader_epoch = if self.rules.epoch_cache { epoch } else { LeaderEpoch::NONE };
        if self.config.log_append_time {
            header.attributes |= LOG_APPEND_TIME;
            header.max_timestamp = wall;
            batch = seal(batch.header, batch.records);
        }
        self.append(std::slice::from_ref(&batch), batch.header.base_offset, now, disk)?;
        Ok(batch)
    }

    /// A follower appends what its leader sent, as it is. A gap before it is allowed: the leader's log may be compacted.
    ///
    /// # Errors
    /// `Corrupt`, `NotNext`, `LargerThanSegment`: nothing was changed. `Disk`.
    pub fn append_as_follower(
        &mut self,
        batch: &RecordBatch,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let delta = i64::from(batch.header.last_offset_delta);
        let ordered = delta >= 0 && batch.header.base_offset.0.checked_add(delta + 1).is_some();
        if !ordered || !batch.is_valid() {
            return Err(LogError::Corrupt);
        }
        if batch.header.base_offset < self.end {
            return Err(LogError::NotNext);
        }
        if batch.size() > self.config.segment_bytes {
            return Err(LogError::LargerThanSegment);
        }
        self.append(std::slice::from_ref(batch), batch.header.base_offset, now, disk)
    }

    /// Appends what has its offsets: one batch, or all entries of a message set.
    fn append(
        &mut self,
        entries: &[RecordBatch],
        first_offset: Offset,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let added = Added::of(first_offset, entries);
        assert!(added.first_offset >= self.end && added.last_offset >= added.first_offset);
        self.enter_epoch(entries[0].header.partition_leader_epoch, first_offset, disk)?;
        if self.active.must_roll(&added, &self.config, now) {
            // The first offset in a compressed entry is not known: the log end is below it.
            let base = if entries[0].header.magic < 2 { self.end } else { first_offset };
            self.roll(base, now, disk)?;
        }
        let mut position = self.active.size as u32;
        let interval = self.config.index_interval_bytes;
        self.active.append(entries, &added, interval, self.rules.index_entry, disk)?;
        for entry in entries {
            let info = BatchInfo::of(&entry.header);
            self.batches.push(info, position);
            position += info.size;
        }
        self.end = added.last_offset + 1;
        let unflushed = u64::try_from(self.end - self.recovery_point).unwrap_or(0);
        if unflushed >= self.config.flush_messages {
            self.flush(now, disk)?;
        }
        Ok(())
    }

    fn roll(&mut self, base: Offset, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        if self.active.size == 0 && self.active.base == base {
            self.active = Segment::create(&self.directory, base, now, disk)?;
            return Ok(());
        }
        self.active.finish_time_index(disk)?;
        let next = Segment::create(&self.directory, base, now, disk)?;
        Arc::make_mut(&mut self.closed).push(self.active);
        self.active = next;
        self.flush_up_to(base, now, disk)
    }

    /// Flushes everything and moves the recovery point to the log end.
    ///
    /// # Errors
    /// If the disk fails: the recovery point has not moved.
    pub fn flush(&mut self, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.flush_up_to(self.end, now, disk)
    }

    fn flush_up_to(&mut self, offset: Offset, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        if offset <= self.recovery_point {
            return Ok(());
        }
        // The segment that holds the recovery point, and all that begin after it.
        let at_or_below = self.segments().take_while(|segment| segment.base <= self.recovery_point).count();
        let mut newest = None;
        for segment in self.segments().skip(at_or_below.saturating_sub(1)) {
            if segment.base < offset && !self.rules.planted.flushes_nothing() {
                segment.flush(disk)?;
                newest = Some(segment.base.0);
            }
        }
        if self.rules.directory_flush.with_segments(newest, self.recovery_point.0) {
            disk.flush_directory(&self.directory)?;
        }
        self.recovery_point = offset;
        self.last_flush = now;
        Ok(())
    }

    /// Whether `flush.ms` have passed since the last flush (asked every `log.flush.scheduler.interval.ms`).
    pub fn flush_is_due(&self, now: Time) -> bool {
        self.config.flush_ms.is_some_and(|interval| now.since(self.last_flush) >= interval)
    }

    /// Flushes and closes the log in order, as at the end of a controlled shutdown.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn close(&mut self, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.flush(now, disk)?;
        Ok(self.active.finish_time_index(disk)?)
    }
}
