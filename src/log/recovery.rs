//! Opening a log that an earlier life left, and mending it if that life did not end in order (`LogLoader`).
//!
//! 1. Leftovers go: `.deleted`, `.cleaned`, `.swap`, `.tmp` files, indexes without their `.log`.
//! 2. Every `.log` is a segment. One whose index is missing or contradicts itself is recovered, whatever else holds.
//! 3. Unless the last life ended in order, every segment from the one that holds the recovery point on is recovered:
//!    batch by batch from its start, length, format, CRC and order of offsets are checked; the file is cut at the first
//!    batch that fails, both indexes are built anew, epochs above the newest known are entered into the cache
//!    (rule `recovered-epochs`).
//!    Where a segment was cut, all later ones are deleted; but not where it only goes on with offsets that the next
//!    one holds, which is what a cut leaves that a power failure has undone. (Kafka leaves those bytes, and reads past
//!    them: it looks for an offset in the last segment that begins at or below it.)
//! 4. A log that then ends below its start offset is emptied. One without any segment gets one.
//! 5. The epoch cache is trimmed to what is there; rule `recovered-point` says up to where the log counts as flushed.
//!
//! In segments that are not recovered, headers alone are read, to build the index in memory; Kafka does not even do that.
//! If the chain of headers breaks there, we recover the segment, where Kafka would fail when it reads that far.
//!
//! Entries of message formats before v2 are checked like batches, each for itself; where one is compressed, an index that
//! is built anew by the first offset of rule `index-entry` names its last.
//!
//! Left out: swap files of compaction and splitting, producer snapshots.

use super::batch::{BatchHeader, RecordBatch};
use super::batch_index::BatchIndex;
use super::checkpoint::{self, CheckpointError};
use super::index::{OffsetIndex, TimeIndex, TimestampOffset};
use super::leader_epochs::LeaderEpochs;
use super::partition_log::{BatchInfo, LogError, LogRules, PartitionLog};
use super::partition_metadata;
use super::segment::{self, Segment};
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError, HEADER_LENGTH};
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::rules::index_entry::IndexEntry;
use crate::rules::planted::Planted;
use crate::rules::recovered_epochs::RecoveredEpochs;
use crate::time::{Time, Timestamp};
use std::ops::Range;
use std::sync::Arc;

/// What is known of a log from the log directory's checkpoints before it is opened.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Whether the last life ended in order.
    pub clean: bool,
    /// From `recovery-point-offset-checkpoint`.
    pub recovery_point: Offset,
    /// From `log-start-offset-checkpoint`.
    pub start_offset: Offset,
}

/// What opening a log did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recovery {
    /// From which offset on batches were checked; `None` if nothing was recovered.
    pub from: Option<Offset>,
    /// How many segments were recovered.
    pub segments: usize,
    /// Bytes that were cut off, deleted segments with them.
    pub cut_bytes: u64,
    /// Segments that were deleted because one before them was cut.
    pub deleted_segments: usize,
    /// The log end offset found.
    pub end: Offset,
}

/// What a scan of a segment found.
struct Scan {
    batches: Vec<(BatchInfo, u32)>,
    /// Bytes up to the end of the last good batch.
    valid: u64,
    /// Whether what follows is a good batch whose offsets the next segment holds: a cut that a power failure undid.
    overlaps: bool,
}

impl PartitionLog {
    /// Opens the log in `directory/topic-n`.
    ///
    /// # Errors
    /// `Corrupt` if its epoch checkpoint is malformed. `Disk`.
    pub fn open(
        directory: &str,
        partition: TopicPartition,
        config: &TopicConfig,
        rules: LogRules,
        known: Known,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(PartitionLog, Recovery), LogError> {
        let directory: Arc<str> = format!("{directory}/{partition}").into();
        let bases = clear_leftovers(&directory, disk)?;
        let lines = match rules.epoch_cache {
            true => {
                checkpoint::read_epochs(&format!("{directory}/{}", super::leader_epochs::FILE_NAME), disk)
            }
            false => Ok(Vec::new()),
        };
        let lines = lines.map_err(refuse)?;
        let topic_id = partition_metadata::read(&directory, disk).map_err(refuse)?;
        let epochs = LeaderEpochs::read(rules.epoch_entries, &lines);
        let mut opening = Opening {
            directory: &directory,
            config,
            index_entry: rules.index_entry,
            recovered_epochs: rules.recovered_epochs,
            planted: rules.planted,
            epochs,
            segments: Vec::new(),
            batches: BatchIndex::default(),
            report: Recovery::default(),
        };
        let held = bases.partition_point(|base| *base <= known.recovery_point).saturating_sub(1);
        for (number, base) in bases.iter().enumerate() {
            let recover = !known.clean && number >= held;
            let next = bases.get(number + 1).copied().unwrap_or(Offset(i64::MAX));
            let (cut, overlaps) = opening.load(*base..next, recover, now, disk)?;
            opening.report.cut_bytes += cut;
            if recover && cut > 0 && !overlaps {
                for later in &bases[number + 1..] {
                    opening.delete(*later, disk)?;
                }
                break;
            }
        }
        let (mut log, report) = opening.finish(partition, rules, known, now, disk)?;
        log.topic_id = topic_id;
        if rules.epoch_cache && log.epochs() != lines {
            log.write_epochs(disk)?;
        }
        Ok((log, report))
    }
}

fn refuse(error: CheckpointError) -> LogError {
    match error {
        CheckpointError::Malformed => LogError::Corrupt,
        CheckpointError::Disk(error) => LogError::Disk(error),
    }
}

/// Removes what a crash may have left, and finds the base offsets of the segments, ascending.
fn clear_leftovers(directory: &str, disk: &mut dyn Disk) -> Result<Vec<Offset>, DiskError> {
    let names = disk.list(directory)?;
    let bases: Vec<Offset> = names.iter().filter_map(|name| segment::base_offset(name, ".log")).collect();
    for name in &names {
        let leftover = [".deleted", ".cleaned", ".swap", ".tmp"].iter().any(|suffix| name.ends_with(suffix));
        let index = segment::base_offset(name, ".index").or_else(|| segment::base_offset(name, ".timeindex"));
        if leftover || index.is_some_and(|base| !bases.contains(&base)) {
            disk.delete(&format!("{directory}/{name}"))?;
        }
    }
    Ok(bases)
}

/// A log while it is being opened.
struct Opening<'a> {
    directory: &'a Arc<str>,
    config: &'a TopicConfig,
    index_entry: IndexEntry,
    recovered_epochs: RecoveredEpochs,
    planted: Planted,
    epochs: LeaderEpochs,
    segments: Vec<Segment>,
    batches: BatchIndex,
    report: Recovery,
}

impl Opening<'_> {
    /// Opens one segment, of which the first and the next one's base offset are given; returns how many bytes were cut
    /// off, and whether only because the next one holds their offsets.
    fn load(
        &mut self,
        offsets: Range<Offset>,
        recover: bool,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(u64, bool), LogError> {
        let base = offsets.start;
        let log = disk.open(&segment::path(self.directory, base, ".log"), false)?;
        let size = disk.length(log);
        let newly_made = !disk.exists(&segment::path(self.directory, base, ".timeindex"));
        let no_index = !disk.exists(&segment::path(self.directory, base, ".index"));
        let offset_file = disk.open(&segment::path(self.directory, base, ".index"), true)?;
        let time_file = disk.open(&segment::path(self.directory, base, ".timeindex"), true)?;
        let offset_index = OffsetIndex::load(offset_file, disk)?;
        let time_index = TimeIndex::load(time_file, base, disk)?;
        let sound = !no_index && (!newly_made || size == 0) && offset_index.is_ok() && time_index.is_ok();
        let offset_index = offset_index.unwrap_or(OffsetIndex::empty(offset_file));
        let time_index = time_index.unwrap_or(TimeIndex::empty(time_file, base));
        let mut segment = Segment {
            base,
            log,
            size,
            offset_index,
            time_index,
            largest_timestamp: time_index.last,
            bytes_since_entry: 0,
            first_timestamp: None,
            created: now,
        };
        let lowest = self.batches.infos().last().map_or(base, |info| info.last_offset + 1).max(base);
        let allowed = lowest..offsets.end;
        let mut scan = scan(&segment, allowed.clone(), recover || !sound, disk)?;
        if recover || !sound || scan.valid < size {
            if !recover && sound {
                scan = self::scan(&segment, allowed, true, disk)?;
            }
            if self.planted.recovers_one_short()
                && let Some((_, position)) = scan.batches.pop()
            {
                scan.valid = u64::from(position);
            }
            self.recover(&mut segment, &scan, disk)?;
        }
        let overlaps = scan.overlaps;
        segment.first_timestamp = scan.batches.first().map(|(info, _)| info.max_timestamp);
        for (info, position) in scan.batches {
            self.batches.push(info, position);
        }
        self.segments.push(segment);
        Ok((size - segment.size, overlaps))
    }

    /// Cuts a segment to what the scan found good and builds its indexes anew.
    fn recover(&mut self, segment: &mut Segment, scan: &Scan, disk: &mut dyn Disk) -> Result<(), LogError> {
        self.report.segments += 1;
        self.report.from.get_or_insert(segment.base);
        disk.truncate(segment.offset_index.file, 0)?;
        disk.truncate(segment.time_index.file, 0)?;
        segment.offset_index = OffsetIndex::empty(segment.offset_index.file);
        segment.time_index = TimeIndex::empty(segment.time_index.file, segment.base);
        segment.largest_timestamp = TimestampOffset { timestamp: Timestamp::NONE, offset: segment.base };
        let mut last_entry = 0;
        for (info, position) in &scan.batches {
            let position = u64::from(*position);
            segment.see(info.max_timestamp, info.last_offset);
            if position - last_entry > self.config.index_interval_bytes {
                let offset = self.index_entry.offset(info.base_offset, info.last_offset);
                segment.add_entries(offset, position, disk)?;
                last_entry = position;
            }
            if self.recovered_epochs.enters(info.epoch, self.epochs.latest()) {
                self.epochs.assign(info.epoch, info.base_offset);
            }
        }
        if scan.valid < segment.size {
            disk.truncate(segment.log, scan.valid)?;
            segment.size = scan.valid;
        }
        Ok(segment.finish_time_index(disk)?)
    }

    /// Deletes a segment that follows one that was cut.
    fn delete(&mut self, base: Offset, disk: &mut dyn Disk) -> Result<(), LogError> {
        let log = disk.open(&segment::path(self.directory, base, ".log"), false)?;
        self.report.cut_bytes += disk.length(log);
        self.report.deleted_segments += 1;
        disk.close(log);
        for suffix in segment::SUFFIXES {
            match disk.delete(&segment::path(self.directory, base, suffix)) {
                Ok(()) | Err(DiskError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn finish(
        mut self,
        partition: TopicPartition,
        rules: LogRules,
        known: Known,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(PartitionLog, Recovery), LogError> {
        let end = self.batches.infos().last().map(|info| info.last_offset + 1);
        let last_base = self.segments.last().map(|segment| segment.base);
        let mut end = end.max(last_base).unwrap_or(known.start_offset);
        if end < known.start_offset {
            for segment in &self.segments {
                self.report.cut_bytes += segment.size;
                segment.delete(self.directory, disk)?;
            }
            self.segments.clear();
            self.batches.truncate(0);
            self.epochs.clear();
            end = known.start_offset;
        }
        let active = match self.segments.pop() {
            Some(active) => active,
            None => Segment::create(self.directory, end, now, disk)?,
        };
        let first_base = self.segments.first().map_or(active.base, |first| first.base);
        let start = known.start_offset.max(first_base);
        self.epochs.truncate_from_end(end);
        self.epochs.truncate_from_start(start);
        if !rules.epoch_cache {
            self.epochs.clear();
        }
        self.report.end = end;
        let log = PartitionLog {
            partition,
            directory: self.directory.clone(),
            config: Arc::new(self.config.clone()),
            rules,
            closed: Arc::new(self.segments),
            active,
            batches: self.batches,
            epochs: self.epochs,
            start,
            end,
            recovery_point: rules.recovered_point.after_loading(known.clean, known.recovery_point, end),
            last_flush: now,
            topic_id: None,
        };
        Ok((log, self.report))
    }
}

/// Walks a segment from its start, up to the first batch that is not whole, does not follow the one before it or, with
/// `check`, fails its CRC. Its offsets must lie in `allowed`.
fn scan(
    segment: &Segment,
    allowed: Range<Offset>,
    check: bool,
    disk: &mut dyn Disk,
) -> Result<Scan, LogError> {
    let mut scan = Scan { batches: Vec::new(), valid: 0, overlaps: false };
    let mut lowest = allowed.start;
    while let Some(batch) = batch_at(segment, scan.valid, check, disk)? {
        let header = &batch.header;
        let ordered = header.base_offset >= lowest
            && header.last_offset_delta >= 0
            && header.base_offset.0.checked_add(i64::from(header.last_offset_delta)).is_some()
            && header.last_offset() < allowed.end
            && segment.fits(header.last_offset());
        if !ordered || (check && !batch.is_valid()) {
            scan.overlaps = header.base_offset >= allowed.end && batch.is_valid();
            break;
        }
        let Ok(position) = u32::try_from(scan.valid) else { break };
        scan.batches.push((BatchInfo::of(header), position));
        scan.valid += header.size();
        lowest = header.next_offset();
    }
    Ok(scan)
}

/// The batch at `position`, if a whole one stands there. Its records are read only if they will be checked.
fn batch_at(
    segment: &Segment,
    position: u64,
    with_records: bool,
    disk: &mut dyn Disk,
) -> Result<Option<RecordBatch>, LogError> {
    if let Some(extent) = disk.extent(segment.log, position)?
        && extent.header_length > 0
    {
        let header = BatchHeader::decode(&extent.header).filter(|header| is_whole(header, segment, position));
        // A header that tells another length than was appended together is damaged, but only a CRC can prove it.
        let as_appended = |header: &BatchHeader| {
            header.length() == usize::from(extent.header_length) && header.size() == extent.length()
        };
        if let Some(header) = header.filter(as_appended) {
            return Ok(Some(RecordBatch::of_extent(header, extent)));
        }
    }
    let bytes = disk.read(segment.log, position, HEADER_LENGTH)?;
    let header = BatchHeader::decode(&bytes).filter(|header| is_whole(header, segment, position));
    let Some(header) = header else { return Ok(None) };
    let records = match with_records {
        true => disk.read(
            segment.log,
            position + header.length() as u64,
            header.size() as usize - header.length(),
        )?,
        false => bytes::Bytes::new(),
    };
    Ok(Some(RecordBatch::new(header, records)))
}

fn is_whole(header: &BatchHeader, segment: &Segment, position: u64) -> bool {
    matches!(header.magic, 0..=2)
        && header.size() >= header.length() as u64
        && header.size() <= segment.size - position
        && header.partition_leader_epoch >= LeaderEpoch::NONE
}
