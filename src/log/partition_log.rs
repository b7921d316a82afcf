//! One partition's log on one broker (`kafka.log.Log`, later `UnifiedLog`).

use super::batch::RecordBatch;
use super::leader_epochs::EpochEntry;
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError};
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::time::{Time, Timestamp};

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

/// What everybody may know of a batch in a log without reading it: enough to tell one record from another.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BatchInfo {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// The leader epoch it was appended in.
    pub epoch: LeaderEpoch,
    /// Its CRC32C: with the offset, what tells its content from another's.
    pub crc: u32,
    /// Its size in bytes.
    pub size: u32,
    /// The largest timestamp.
    pub max_timestamp: Timestamp,
}

/// A partition's log.
#[derive(Clone, Debug)]
pub struct PartitionLog {}

impl PartitionLog {
    /// Creates an empty log in `directory/topic-n`.
    pub fn create(
        directory: &str,
        partition: TopicPartition,
        config: &TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<PartitionLog, LogError> {
        let _ = (directory, partition, config, disk);
        todo!()
    }

    /// The topic's settings have changed.
    pub fn set_config(&mut self, config: &TopicConfig) {
        let _ = config;
        todo!()
    }

    /// Offset of the first record that may be read.
    pub fn start_offset(&self) -> Offset {
        todo!()
    }

    /// Offset of the next record.
    pub fn end_offset(&self) -> Offset {
        todo!()
    }

    /// All batches, oldest first.
    pub fn batches(&self) -> &[BatchInfo] {
        todo!()
    }

    /// The leader epoch cache, oldest first.
    pub fn epochs(&self) -> &[EpochEntry] {
        todo!()
    }

    /// Up to where the log is known to be flushed.
    pub fn recovery_point(&self) -> Offset {
        todo!()
    }

    /// The leader appends a producer's batch: stamps offset and epoch, rolls and indexes.
    /// Returns the header as it now stands.
    pub fn append_as_leader(
        &mut self,
        batch: RecordBatch,
        epoch: LeaderEpoch,
        now: Time,
        wall: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<RecordBatch, LogError> {
        let _ = (batch, epoch, now, wall, disk);
        todo!()
    }

    /// A follower appends what its leader sent, as it is.
    pub fn append_as_follower(
        &mut self,
        batch: &RecordBatch,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let _ = (batch, now, disk);
        todo!()
    }

    /// Whole batches from the one that holds `from` on, none of which reaches to or beyond `limit`, up to about
    /// `max_bytes`; the first batch comes whole in any case if `at_least_one`.
    pub fn read(
        &self,
        from: Offset,
        limit: Offset,
        max_bytes: u32,
        at_least_one: bool,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, LogError> {
        let _ = (from, limit, max_bytes, at_least_one, disk);
        todo!()
    }

    /// Cuts the log so that it ends at `offset` (a batch that reaches beyond goes whole). `trim_epochs_at_end`: whether
    /// a cut at or beyond the log end trims the epoch cache all the same (rule `truncate-at-log-end`).
    /// Returns what went, oldest first.
    pub fn truncate_to(
        &mut self,
        offset: Offset,
        trim_epochs_at_end: bool,
        disk: &mut dyn Disk,
    ) -> Result<Vec<RecordBatch>, LogError> {
        let _ = (offset, trim_epochs_at_end, disk);
        todo!()
    }

    /// Empties the log and starts it at `offset`.
    pub fn truncate_fully_and_start_at(
        &mut self,
        offset: Offset,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let _ = (offset, disk);
        todo!()
    }

    /// Moves the log start offset up (DeleteRecords, a follower told its leader's).
    pub fn advance_start_offset(&mut self, offset: Offset, disk: &mut dyn Disk) -> Result<(), LogError> {
        let _ = (offset, disk);
        todo!()
    }

    /// Enters an epoch into the cache at the log end (rule `epoch-cache`).
    pub fn assign_epoch(&mut self, epoch: LeaderEpoch, disk: &mut dyn Disk) -> Result<(), LogError> {
        let _ = (epoch, disk);
        todo!()
    }

    /// The newest epoch in the cache.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        todo!()
    }

    /// The epoch of the record at `offset`, or of the last record below it.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let _ = offset;
        todo!()
    }

    /// The first offset whose timestamp is at or after `timestamp`.
    pub fn offset_for_timestamp(
        &self,
        timestamp: Timestamp,
        disk: &mut dyn Disk,
    ) -> Result<Option<(Offset, Timestamp)>, LogError> {
        let _ = (timestamp, disk);
        todo!()
    }

    /// Flushes everything and moves the recovery point to the log end.
    pub fn flush(&mut self, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        let _ = (now, disk);
        todo!()
    }
}
