//! A broker's log directory (`LogManager`, with `BrokerMetadataCheckpoint`).
//!
//! | file                               | what                                             | since |
//! |------------------------------------|--------------------------------------------------|-------|
//! | `meta.properties`                  | whose directory it is                            |       |
//! | `.kafka_cleanshutdown`             | the last life ended in order                     |       |
//! | `recovery-point-offset-checkpoint` | up to where each log was flushed                 |       |
//! | `replication-offset-checkpoint`    | high watermarks                                  |       |
//! | `log-start-offset-checkpoint`      | log start offsets above the first segment's      | 0.11  |
//! | `orders-0/`                        | a partition's log                                |       |
//! | `orders-0.<32 digits>-delete/`     | one that was deleted, until a minute has passed  |       |
//!
//! The broker owns the logs; the manager owns the directory. What a broker does with it:
//!
//! 1. On start [`LogManager::open`]: every log, recovered if need be, and the high watermarks.
//! 2. [`LogManager::create`] and [`LogManager::delete`] as the controller says; [`LogManager::delete_due`] when
//!    [`LogManager::next_deletion`] has come.
//! 3. Every `replica.high.watermark.checkpoint.interval.ms` [`LogManager::checkpoint_high_watermarks`]; every
//!    `log.flush.offset.checkpoint.interval.ms` [`LogManager::checkpoint_recovery_points`]; every
//!    `log.flush.start.offset.checkpoint.interval.ms` [`LogManager::checkpoint_log_start_offsets`]; and the recovery points
//!    after every truncation, as Kafka does. Every `log.flush.scheduler.interval.ms` flush the logs of which
//!    [`PartitionLog::flush_is_due`].
//! 4. At the end of an orderly shutdown: [`PartitionLog::close`] each log, checkpoint all three, then
//!    [`LogManager::mark_clean_shutdown`].
//!
//! Any error but `InconsistentBrokerId` means that the log directory has failed; a broker with no other halts.
//!
//! Left out: several directories, `cleaner-offset-checkpoint`, directories of future replicas, the cluster id and the
//! directory id in `meta.properties`. A deleted directory's digits are random in Kafka and counted here.

use super::checkpoint::{self, CheckpointError};
use super::partition_log::{LogError, LogRules, PartitionLog};
use super::recovery::{Known, Recovery};
use crate::config::TopicConfig;
use crate::disk::{Disk, DiskError};
use crate::era::{Era, Release};
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::rules::clean_marker::CleanMarker;
use crate::time::{Micros, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a broker keeps its logs on its own disk.
pub const LOG_DIRECTORY: &str = "/kafka-logs";
/// High watermarks.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// Recovery points.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// Log start offsets.
pub const LOG_START_OFFSETS: &str = "log-start-offset-checkpoint";
/// The mark of an orderly end.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// Whose directory it is.
pub const META_PROPERTIES: &str = "meta.properties";

/// `file.delete.delay.ms`.
const DELETE_DELAY: Micros = Micros::from_millis(60_000);

/// First release with `log-start-offset-checkpoint`, and with `partition.metadata`.
const LOG_START_CHECKPOINT: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new_0(11, 0, 0), true)];
const TOPIC_IDS: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(2, 8, 0), true)];

/// Why a log directory cannot be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenError {
    /// `meta.properties` names another broker, or nobody.
    InconsistentBrokerId {
        /// Whom it names.
        found: Option<BrokerId>,
    },
    /// A file is not what Kafka writes: the checkpoint of high watermarks, or something in this partition.
    Malformed {
        /// Where.
        partition: Option<TopicPartition>,
    },
    /// The disk failed.
    Disk(DiskError),
}

impl From<DiskError> for OpenError {
    fn from(error: DiskError) -> Self {
        OpenError::Disk(error)
    }
}

/// A log directory that was opened, and what was in it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The directory.
    pub manager: LogManager,
    /// Whether the last life ended in order. A new directory counts as clean.
    pub clean: bool,
    /// The logs, by partition, each with what opening it did.
    pub logs: Vec<(TopicPartition, PartitionLog, Recovery)>,
    /// The high watermarks of the last checkpoint, of partitions that exist or not.
    pub high_watermarks: BTreeMap<TopicPartition, Offset>,
}

/// A broker's log directory.
#[derive(Clone, Debug)]
pub struct LogManager {
    directory: Arc<str>,
    rules: LogRules,
    log_start_checkpoint: bool,
    topic_ids: bool,
    /// Directories to delete, and when.
    deletions: Vec<(Time, String)>,
}

impl LogManager {
    /// Opens a log directory, making it if it does not exist, and every log in it with the settings `defaults`; the
    /// broker gives each its topic's own with [`PartitionLog::set_config`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        directory: &str,
        broker: BrokerId,
        era: &Era,
        defaults: &TopicConfig,
        disk: &mut dyn Disk,
        now: Time,
    ) -> Result<Opened, OpenError> {
        let look_up = |table: &[(Release, bool)]| era.release.look_up(table).copied().unwrap_or(false);
        let mut manager = LogManager {
            directory: directory.into(),
            rules: LogRules::of(era),
            log_start_checkpoint: look_up(LOG_START_CHECKPOINT),
            topic_ids: look_up(TOPIC_IDS),
            deletions: Vec::new(),
        };
        let is_new = manager.make_directory(disk)?;
        manager.check_owner(broker, disk)?;
        let marker = manager.path(CLEAN_SHUTDOWN);
        let marked = disk.exists(&marker);
        let goes_first = CleanMarker::goes_first(era.rules.clean_marker);
        if marked && goes_first {
            disk.delete(&marker)?;
        }
        let clean = marked || is_new;
        let logs = manager.load(clean, defaults, disk, now)?;
        if marked && !goes_first {
            disk.delete(&marker)?;
        }
        let high_watermarks = checkpoint::read_offsets(&manager.path(HIGH_WATERMARKS), disk)
            .map_err(|error| refuse(error, None))?;
        Ok(Opened { manager, clean, logs, high_watermarks })
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    /// Whether the directory had to be made.
    fn make_directory(&self, disk: &mut dyn Disk) -> Result<bool, DiskError> {
        if disk.exists(&self.directory) {
            return Ok(false);
        }
        disk.create_directory(&self.directory)?;
        if self.rules.directory_flush.after_rename() {
            let parent = self.directory.rsplit_once('/').map_or("/", |(parent, _)| parent);
            disk.flush_directory(if parent.is_empty() { "/" } else { parent })?;
        }
        Ok(true)
    }

    fn check_owner(&self, broker: BrokerId, disk: &mut dyn Disk) -> Result<(), OpenError> {
        let text = match checkpoint::read_text(&self.path(META_PROPERTIES), disk) {
            Err(CheckpointError::Malformed) => return Err(OpenError::InconsistentBrokerId { found: None }),
            text => text.map_err(|error| refuse(error, None))?,
        };
        let Some(text) = text else {
            let text = format!("#\nbroker.id={broker}\nversion=0\n");
            let flush = self.rules.directory_flush;
            return Ok(checkpoint::replace(&self.directory, META_PROPERTIES, text, flush, disk)?);
        };
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let found = value("broker.id").and_then(|id| id.trim().parse().ok()).map(BrokerId);
        match (value("version").map(str::trim), found) {
            (Some("0"), Some(found)) if found == broker => Ok(()),
            _ => Err(OpenError::InconsistentBrokerId { found }),
        }
    }

    fn load(
        &mut self,
        clean: bool,
        defaults: &TopicConfig,
        disk: &mut dyn Disk,
        now: Time,
    ) -> Result<Vec<(TopicPartition, PartitionLog, Recovery)>, OpenError> {
        let recovery_points = self.read_or_reset(RECOVERY_POINTS, disk)?;
        let start_offsets = match self.log_start_checkpoint {
            true => self.read_or_reset(LOG_START_OFFSETS, disk)?,
            false => BTreeMap::new(),
        };
        let mut logs = Vec::new();
        for name in disk.list(&self.directory)? {
            if disk.list(&self.path(&name)).is_err() {
                continue;
            }
            if name.ends_with("-delete") {
                self.deletions.push((now + DELETE_DELAY, self.path(&name)));
                continue;
            }
            let Some(partition) = TopicPartition::parse(&name) else { continue };
            let offset = |of: &BTreeMap<TopicPartition, Offset>| of.get(&partition).copied();
            let known = Known {
                clean,
                recovery_point: offset(&recovery_points).unwrap_or(Offset::ZERO).max(Offset::ZERO),
                start_offset: offset(&start_offsets).unwrap_or(Offset::ZERO).max(Offset::ZERO),
            };
            let opened =
                PartitionLog::open(&self.directory, partition, defaults, self.rules, known, now, disk);
            let (log, recovery) = opened.map_err(|error| match error {
                LogError::Disk(error) => OpenError::Disk(error),
                _ => OpenError::Malformed { partition: Some(partition) },
            })?;
            logs.push((partition, log, recovery));
        }
        logs.sort_by_key(|(partition, ..)| *partition);
        Ok(logs)
    }

    /// A checkpoint that Kafka can do without: a malformed one counts as empty, and recovery takes longer.
    fn read_or_reset(
        &self,
        name: &str,
        disk: &mut dyn Disk,
    ) -> Result<BTreeMap<TopicPartition, Offset>, OpenError> {
        match checkpoint::read_offsets(&self.path(name), disk) {
            Err(CheckpointError::Malformed) => Ok(BTreeMap::new()),
            offsets => offsets.map_err(|error| refuse(error, None)),
        }
    }

    /// Whether the release keeps log start offsets in a checkpoint.
    pub fn has_start_offset_checkpoint(&self) -> bool {
        self.log_start_checkpoint
    }

    /// Whether the release has topic ids, and so [`PartitionLog::assign_topic_id`].
    pub fn has_topic_ids(&self) -> bool {
        self.topic_ids
    }

    /// Creates a partition's log.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn create(
        &mut self,
        partition: TopicPartition,
        config: &TopicConfig,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<PartitionLog, LogError> {
        PartitionLog::create_with(&self.directory, partition, config, self.rules, now, disk)
    }

    /// Deletes a partition's log: its directory gets another name now and is removed a minute later. The log of it that
    /// the broker holds must be dropped.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn delete(
        &mut self,
        partition: TopicPartition,
        now: Time,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let name = |number: u64| self.path(&format!("{partition}.{number:032x}-delete"));
        let free = (0..).map(name).find(|name| !disk.exists(name));
        let renamed = free.expect("there are more numbers than directories");
        disk.rename(&self.path(&partition.to_string()), &renamed)?;
        if self.rules.directory_flush.after_rename() {
            disk.flush_directory(&self.directory)?;
        }
        self.deletions.push((now + DELETE_DELAY, renamed));
        Ok(())
    }

    /// When the next deleted directory is to be removed.
    pub fn next_deletion(&self) -> Option<Time> {
        self.deletions.iter().map(|(at, _)| *at).min()
    }

    /// Removes the deleted directories whose time has come.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn delete_due(&mut self, now: Time, disk: &mut dyn Disk) -> Result<(), LogError> {
        while let Some(due) = self.deletions.iter().position(|(at, _)| *at <= now) {
            let (_, directory) = self.deletions.remove(due);
            match disk.remove_directory(&directory) {
                Ok(()) | Err(DiskError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Writes the high watermark of every partition.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn checkpoint_high_watermarks(
        &self,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        self.write(HIGH_WATERMARKS, offsets, disk)
    }

    /// Writes the recovery point of every log.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn checkpoint_recovery_points<'a>(
        &self,
        logs: impl IntoIterator<Item = &'a PartitionLog>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let points = logs.into_iter().map(|log| (log.partition(), log.recovery_point()));
        self.write(RECOVERY_POINTS, points, disk)
    }

    /// Writes the start offsets of the logs that do not start with their first segment. Before 0.11 it does nothing.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn checkpoint_log_start_offsets<'a>(
        &self,
        logs: impl IntoIterator<Item = &'a PartitionLog>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        if !self.log_start_checkpoint {
            return Ok(());
        }
        let above =
            |log: &&PartitionLog| log.segments().next().is_some_and(|first| log.start_offset() > first.base);
        let starts = logs.into_iter().filter(above).map(|log| (log.partition(), log.start_offset()));
        self.write(LOG_START_OFFSETS, starts, disk)
    }

    fn write(
        &self,
        name: &str,
        offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
        disk: &mut dyn Disk,
    ) -> Result<(), LogError> {
        let flush = self.rules.directory_flush;
        Ok(checkpoint::write_offsets(&self.directory, name, offsets, flush, disk)?)
    }

    /// Marks that this life ended in order: the very last thing a broker writes.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn mark_clean_shutdown(&self, disk: &mut dyn Disk) -> Result<(), LogError> {
        let file = disk.open(&self.path(CLEAN_SHUTDOWN), true)?;
        disk.close(file);
        Ok(())
    }
}

fn refuse(error: CheckpointError, partition: Option<TopicPartition>) -> OpenError {
    match error {
        CheckpointError::Malformed => OpenError::Malformed { partition },
        CheckpointError::Disk(error) => OpenError::Disk(error),
    }
}
