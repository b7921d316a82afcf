//! All logs of one broker, in its one log directory (`LogManager`).

use super::partition_log::{LogError, PartitionLog};
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError};
use crate::era::Era;
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::time::Time;
use std::collections::BTreeMap;

/// The log directory of a broker.
#[derive(Clone, Debug)]
pub struct LogManager {}

/// What was found in a log directory.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The directory.
    pub manager: LogManager,
    /// Whether the last life stopped in order.
    pub clean: bool,
    /// Every log.
    pub logs: BTreeMap<TopicPartition, PartitionLog>,
    /// `replication-offset-checkpoint`.
    pub high_watermarks: BTreeMap<TopicPartition, Offset>,
}

/// Why a log directory cannot be used.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// `meta.properties` names another broker.
    InconsistentBrokerId,
    /// The disk failed.
    Disk(DiskError),
}

impl LogManager {
    /// Opens, and after an unclean stop recovers, every log.
    pub fn open(
        directory: &str,
        broker: BrokerId,
        era: &Era,
        config: &TopicConfig,
        disk: &mut dyn Disk,
        now: Time,
    ) -> Result<Opened, OpenError> {
        let _ = (directory, broker, era, config, disk, now);
        todo!()
    }

    /// Creates an empty log.
    pub fn create(
        &mut self,
        partition: TopicPartition,
        config: &TopicConfig,
        disk: &mut dyn Disk,
    ) -> Result<PartitionLog, LogError> {
        let _ = (partition, config, disk);
        todo!()
    }

    /// Deletes a log.
    pub fn delete(&mut self, partition: TopicPartition, disk: &mut dyn Disk) -> Result<(), LogError> {
        let _ = (partition, disk);
        todo!()
    }

    /// Writes `replication-offset-checkpoint`.
    pub fn checkpoint_high_watermarks(
        &mut self,
        high_watermarks: &[(TopicPartition, Offset)],
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let _ = (high_watermarks, disk);
        todo!()
    }

    /// Writes `recovery-point-offset-checkpoint`.
    pub fn checkpoint_recovery_points(
        &mut self,
        recovery_points: &[(TopicPartition, Offset)],
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let _ = (recovery_points, disk);
        todo!()
    }

    /// Writes `log-start-offset-checkpoint`.
    pub fn checkpoint_start_offsets(
        &mut self,
        start_offsets: &[(TopicPartition, Offset)],
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let _ = (start_offsets, disk);
        todo!()
    }

    /// Leaves the mark of a clean stop.
    pub fn mark_clean_shutdown(&mut self, disk: &mut dyn Disk) -> Result<(), LogError> {
        let _ = disk;
        todo!()
    }
}
