//! Cutting a log: at its end, altogether, at its start (`Log.truncateTo`, `truncateFullyAndStartAt`,
//! `maybeIncrementLogStartOffset`).
//!
//! The start (KIP-107) is an offset: what is below it is not read any more, and stays in its files until a segment ends at
//! or below it. Then the segment goes, when the broker next looks (`log.retention.check.interval.ms`). The epoch cache is
//! cut with it at once; the start itself is written to a checkpoint a minute later at the latest.
//!
//! A cut at the end: (1) whole segments above go, (2) the segment that holds the offset is cut before the batch that
//! holds it, its indexes with it, (3) recovery point, start offset and epoch cache follow. Nothing is flushed: after a
//! power failure the log may be as long as before.
//!
//! Left out: Kafka keeps the log end at the offset asked for even where a batch that held it went whole, and so do we,
//! but no rule of a release ever cuts inside a batch.

use super::batch::RecordBatch;
use super::partition_log::{LogError, PartitionLog};
use super::segment::Segment;
use crate::disk::Disk;
use crate::ids::Offset;
use std::sync::Arc;

impl PartitionLog {
    /// Cuts the log so that it ends at `offset` (a batch that reaches beyond goes whole). `trim_epochs_at_end`: whether
    /// a cut at or beyond the log end trims the epoch cache all the same (rule `truncate-at-log-end`).
    /// Returns what went, oldest first.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn truncate_to(
        &mut self,
        offset: Offset,
        trim_epochs_at_end: bool,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, LogError> {
        assert!(offset >= Offset::ZERO, "a log cannot be cut to a negative offset");
        if offset >= self.end {
            let trims = trim_epochs_at_end && !self.rules.planted.leaves_epochs();
            if trims && self.epochs.truncate_from_end(self.end) {
                self.write_epochs(disk)?;
            }
            return Ok(Vec::new());
        }
        let first = self.batches.find(offset);
        let dropped = self.read_from(first, disk)?;
        let oldest = self.segments().map(|segment| segment.base).next();
        if oldest.is_some_and(|oldest| oldest > offset) {
            self.truncate_fully_and_start_at(offset, disk)?;
            return Ok(dropped);
        }
        while self.active.base > offset {
            self.active.delete(&self.directory, disk)?;
            let before = Arc::make_mut(&mut self.closed).pop();
            self.active = before.expect("the oldest segment does not begin above the offset");
        }
        let numbers = self.batches_in(&self.active);
        let position = match first < numbers.end {
            true => u64::from(self.batches.position(first)),
            false => self.active.size,
        };
        let left = &self.batches.infos()[numbers.start..first.min(numbers.end)];
        self.active.truncate(offset, position, left, self.last_flush, disk)?;
        self.batches.truncate(first);
        self.end = offset;
        self.start = self.start.min(offset);
        self.recovery_point = self.recovery_point.min(offset);
        let one_more = i64::from(self.rules.planted.trims_epochs_one_short());
        if !self.rules.planted.leaves_epochs() && self.epochs.truncate_from_end(offset + one_more) {
            self.write_epochs(disk)?;
        }
        Ok(dropped)
    }

    /// Every batch from number `first` on.
    fn read_from(&self, first: usize, disk: &mut dyn Disk) -> Result<Vec<RecordBatch>, LogError> {
        let mut batches = Vec::with_capacity(self.batches.infos().len() - first);
        for segment in self.segments() {
            let numbers = self.batches_in(segment);
            for number in numbers.start.max(first)..numbers.end {
                batches.push(self.read_batch(segment, number, disk)?);
            }
        }
        Ok(batches)
    }

    /// Empties the log and starts it at `offset`.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn truncate_fully_and_start_at(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        for segment in self.segments() {
            segment.delete(&self.directory, disk)?;
        }
        self.closed = Arc::default();
        self.active = Segment::create(&self.directory, offset, self.last_flush, disk)?;
        self.batches.truncate(0);
        self.end = offset;
        self.start = offset;
        self.recovery_point = self.recovery_point.min(offset);
        if self.rules.epoch_cache {
            self.epochs.clear();
            self.write_epochs(disk)?;
        }
        Ok(())
    }

    /// Whether a segment ends at or below the log start offset.
    pub fn has_old_segments(&self) -> bool {
        self.old_segments() > 0
    }

    fn old_segments(&self) -> usize {
        let ends = self.segments().skip(1).map(|next| next.base);
        let old = ends.take_while(|end| *end <= self.start).count();
        let early = usize::from(self.rules.planted.deletes_early() && self.start > Offset::ZERO);
        (old + early).min(self.closed.len())
    }

    /// Deletes the segments that end at or below the log start offset, but never the last one
    /// (`deleteLogStartOffsetBreachedSegments`). Returns how many.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn delete_old_segments(&mut self, disk: &mut dyn Disk) -> Result<usize, LogError> {
        let count = self.old_segments();
        for segment in self.closed.iter().take(count) {
            segment.delete(&self.directory, disk)?;
        }
        Arc::make_mut(&mut self.closed).drain(..count);
        let first = self.segments().next().map_or(self.end, |segment| segment.base);
        self.batches.drop_below(first);
        Ok(count)
    }

    /// Moves the log start offset up (DeleteRecords, a follower told its leader's). Never down. The files stay.
    ///
    /// # Errors
    /// `OutOfRange` above the log end. `Disk`.
    pub fn advance_start_offset(&mut self, offset: Offset, disk: &mut dyn Disk) -> Result<(), LogError> {
        if offset > self.end {
            return Err(LogError::OutOfRange);
        }
        if offset > self.start {
            self.start = offset;
            if self.epochs.truncate_from_start(offset) {
                self.write_epochs(disk)?;
            }
        }
        Ok(())
    }
}
