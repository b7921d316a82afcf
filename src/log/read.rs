//! Reading a log: by offset, by timestamp, batch by batch (`LogSegment.read`, `Log.fetchOffsetsByTimestamp`).
//!
//! A batch is found in the index in memory and comes from the disk as the very bytes that were appended, shared, not
//! copied. Nothing is checked on the way.
//!
//! Left out: Kafka fills a fetch to its last byte, with a part of a batch if need be, which a consumer throws away.

use super::batch::{BatchHeader, RecordBatch};
use super::partition_log::{LogError, PartitionLog};
use super::records::{COMPRESSION, RecordsError};
use super::segment::{Segment, batches_of};
use crate::disk::{Disk, DiskError};
use crate::ids::Offset;
use crate::time::Timestamp;

impl PartitionLog {
    /// Whole batches from the one that holds `from` on, none of which reaches to or beyond `limit`, up to about
    /// `max_bytes`; the first batch comes whole in any case if `at_least_one`. As in Kafka, one read never leaves a
    /// segment: what follows in the next one is left for the next read.
    ///
    /// A batch comes as it stands on disk, damaged or not: a broker does not check what it sends.
    ///
    /// # Errors
    /// `OutOfRange` if `from` is below the start or above the end. `Disk`.
    pub fn read(
        &self,
        from: Offset,
        limit: Offset,
        max_bytes: u32,
        at_least_one: bool,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, LogError> {
        if from < self.start || from > self.end {
            return Err(LogError::OutOfRange);
        }
        let infos = self.batches.infos();
        let first = self.batches.find(from);
        let is_first = !self.closed.is_empty() && from == self.active.base;
        let first = first + usize::from(is_first && self.rules.planted.skips_the_first_of_a_segment());
        let Some(first_info) = infos.get(first) else { return Ok(Vec::new()) };
        let (segment, next) = self.segment_of(first_info.base_offset);
        let mut left = u64::from(max_bytes);
        let mut count = 0;
        for info in &infos[first..] {
            let forced = at_least_one && count == 0;
            let beyond = info.last_offset >= limit || next.is_some_and(|next| info.base_offset >= next);
            if beyond || (u64::from(info.size) > left && !forced) {
                break;
            }
            left = left.saturating_sub(u64::from(info.size));
            count += 1;
        }
        let mut batches = Vec::with_capacity(count);
        for number in first..first + count {
            batches.push(self.read_batch(segment, number, disk)?);
        }
        Ok(batches)
    }

    /// The segment that holds the batch at `base_offset`, and where the next one begins.
    fn segment_of(&self, base_offset: Offset) -> (&Segment, Option<Offset>) {
        if base_offset >= self.active.base || self.closed.is_empty() {
            return (&self.active, None);
        }
        let after = self.closed.partition_point(|segment| segment.base <= base_offset).max(1);
        let next = self.closed.get(after).map_or(self.active.base, |next| next.base);
        (&self.closed[after - 1], Some(next))
    }

    /// Reads the batch of this number in the index.
    pub(super) fn read_batch(
        &self,
        segment: &Segment,
        number: usize,
        disk: &mut dyn Disk,
    ) -> Result<RecordBatch, LogError> {
        let position = u64::from(self.batches.position(number));
        let size = self.batches.infos()[number].size as usize;
        if let Some(extent) = disk.extent(segment.log, position)?
            && extent.length() == size as u64
            && let Some(header) = BatchHeader::decode(&extent.header)
            && usize::from(extent.header_length) == header.length()
        {
            return Ok(RecordBatch::of_extent(header, extent));
        }
        let bytes = disk.read(segment.log, position, size)?;
        // A short entry whose magic is damaged has no header that could be read: whoever gets it finds its CRC wrong.
        let header = BatchHeader::decode(&bytes)
            .or_else(|| BatchHeader::damaged(&bytes))
            .ok_or(LogError::Disk(DiskError::Io))?;
        Ok(RecordBatch::new(header, bytes.slice(header.length()..)))
    }

    /// The numbers of the batches in the segment that begins at `base`.
    pub(super) fn batches_in(&self, segment: &Segment) -> std::ops::Range<usize> {
        let next = self.segments().map(|other| other.base).find(|base| *base > segment.base);
        batches_of(&self.batches, segment.base, next)
    }

    /// The first offset whose timestamp is at or after `timestamp`, with that record's timestamp. Of a compressed batch,
    /// which is not opened, the first offset and the largest timestamp.
    ///
    /// # Errors
    /// `Corrupt` if the batch it must be in cannot be decoded. `Disk`.
    pub fn offset_for_timestamp(
        &self,
        timestamp: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Option<(Offset, Timestamp)>, LogError> {
        for (number, info) in self.batches.infos().iter().enumerate() {
            if info.max_timestamp < timestamp || info.last_offset < self.start {
                continue;
            }
            let batch = self.read_batch(self.segment_of(info.base_offset).0, number, disk)?;
            if batch.header.attributes & COMPRESSION != 0 {
                return Ok(Some((info.base_offset.max(self.start), info.max_timestamp)));
            }
            for record in batch.records() {
                let record = record.map_err(|_: RecordsError| LogError::Corrupt)?;
                if record.timestamp >= timestamp && record.offset >= self.start {
                    return Ok(Some((record.offset, record.timestamp)));
                }
            }
        }
        Ok(None)
    }
}
