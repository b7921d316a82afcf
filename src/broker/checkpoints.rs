//! What a broker writes beside its records: checkpoints, flushes, the mark of a clean stop (`LogManager`'s schedule,
//! `ReplicaManager.checkpointHighWatermarks`).
//!
//! | what                                  | when                                                                       |
//! |---------------------------------------|----------------------------------------------------------------------------|
//! | `replication-offset-checkpoint`       | `replica.high.watermark.checkpoint.interval.ms` (5 s), from the first LeaderAndIsr on |
//! | `recovery-point-offset-checkpoint`    | after 30 s, then `log.flush.offset.checkpoint.interval.ms` (60 s); after a cut |
//! | `log-start-offset-checkpoint`         | after 30 s, then `log.flush.start.offset.checkpoint.interval.ms` (60 s; from 0.11 on) |
//! | flush of logs dirty for `flush.ms`    | after 30 s, then `log.flush.scheduler.interval.ms` (never)                 |
//! | segments below the log start go       | after 30 s, then `log.retention.check.interval.ms` (5 min), but of compacted topics |
//!
//! The checkpoints and the flush once more at an orderly stop. The high watermark checkpoint holds the replicas that the controller has named
//! in this life, and no others: what was found on disk and never named loses its high watermark with the first one.

use crate::broker::partition::Partition;
use crate::broker::replica_manager::{ReplicaManager, TimerKey};
use crate::ids::Offset;
use crate::log::log_manager::LogManager;
use crate::log::partition_log::{LogError, PartitionLog};
use crate::node::Env;
use crate::note::{Note, ReplicaNote};
use crate::time::{Micros, Time};
use std::sync::Arc;

/// `LogManager.InitialTaskDelayMs`.
const INITIAL_DELAY: Micros = Micros::from_millis(30_000);

impl ReplicaManager {
    pub(super) fn start_log_timers(&mut self, now: Time) {
        for key in [TimerKey::FlushLogs, TimerKey::RecoveryPointCheckpoint, TimerKey::Retention] {
            self.timers.set(key, now + INITIAL_DELAY);
        }
        if self.open_logs().has_start_offset_checkpoint() {
            self.timers.set(TimerKey::StartOffsetCheckpoint, now + INITIAL_DELAY);
        }
    }

    /// The first LeaderAndIsr starts the checkpoint of high watermarks, so that it does not run before partitions are
    /// known, and lose theirs.
    pub(super) fn start_high_watermark_checkpoint(&mut self, now: Time) {
        if self.timers.get(TimerKey::HighWatermarkCheckpoint).is_none() {
            self.timers.set(TimerKey::HighWatermarkCheckpoint, now);
        }
    }

    /// A deleted log's directory goes a minute after the deletion.
    pub(super) fn arm_deletion(&mut self) {
        match self.open_logs().next_deletion() {
            Some(at) => self.timers.set(TimerKey::DeleteLogs, at),
            None => self.timers.clear(TimerKey::DeleteLogs),
        }
    }

    pub(super) fn delete_logs(&mut self, env: &mut Env<'_>) {
        let logs = self.logs.as_mut().expect("the log directory is open");
        if logs.delete_due(env.now, &mut *env.disk).is_err() {
            self.fail();
        }
        self.arm_deletion();
    }

    pub(super) fn on_log_timer(&mut self, key: TimerKey, env: &mut Env<'_>) {
        let config = &self.config;
        let period = match key {
            TimerKey::HighWatermarkCheckpoint => config.high_watermark_checkpoint_interval,
            TimerKey::FlushLogs => config.log_flush_scheduler_interval,
            TimerKey::Retention => config.log_retention_check_interval,
            TimerKey::RecoveryPointCheckpoint => config.log_flush_offset_checkpoint_interval,
            _ => config.log_flush_start_offset_checkpoint_interval,
        };
        self.timers.set(key, env.now + period.max(Micros::from_millis(1)));
        let done = match key {
            TimerKey::HighWatermarkCheckpoint => self.checkpoint_high_watermarks(env),
            TimerKey::FlushLogs => self.flush_dirty_logs(env),
            TimerKey::Retention => self.delete_old_segments(env),
            TimerKey::RecoveryPointCheckpoint => self.checkpoint_recovery_points(env),
            _ => self.checkpoint_start_offsets(env),
        };
        if done.is_err() {
            self.fail();
        }
    }

    /// The broker stops in order: logs flushed, checkpoints written, clean mark left. What is parked gets no answer.
    pub fn shut_down(&mut self, env: &mut Env<'_>) {
        if self.is_halted() || self.logs.is_none() {
            return;
        }
        match self.close(env) {
            Ok(()) => self.halt(),
            Err(_) => {
                self.fail();
                self.settle(env);
            }
        }
    }

    fn close(&mut self, env: &mut Env<'_>) -> Result<(), LogError> {
        self.checkpoint_high_watermarks(env)?;
        for (tp, partition) in self.partitions.iter_mut() {
            Arc::make_mut(partition).log.close(env.now, &mut *env.disk)?;
            env.mark(tp);
        }
        self.checkpoint_recovery_points(env)?;
        self.checkpoint_start_offsets(env)?;
        self.open_logs().mark_clean_shutdown(&mut *env.disk)
    }

    /// Nothing is written, and what the file says stays true, while no replica is known
    /// (`ReplicaManager.checkpointHighWatermarks` writes the directories of those that are).
    fn checkpoint_high_watermarks(&mut self, env: &mut Env<'_>) -> Result<(), LogError> {
        if !self.partitions.values().any(|partition| partition.hosted) {
            return Ok(());
        }
        for (tp, partition) in self.partitions.iter_mut() {
            if !partition.hosted && partition.high_watermark > partition.log.start_offset() {
                let forgotten = partition.bounded(Offset::ZERO);
                Arc::make_mut(partition).high_watermark = forgotten;
                env.mark(tp);
            }
        }
        let hosted = self.partitions.iter().filter(|(_, partition)| partition.hosted);
        let ahead = self.era.rules.planted.checkpoints_the_log_end();
        let told = |of: &Partition| if ahead { of.log.end_offset() } else { of.high_watermark };
        let lines = hosted.map(|(tp, partition)| (tp, told(partition)));
        self.open_logs().checkpoint_high_watermarks(lines, &mut *env.disk)
    }

    pub(super) fn checkpoint_recovery_points(&self, env: &mut Env<'_>) -> Result<(), LogError> {
        self.open_logs().checkpoint_recovery_points(self.each_log(), &mut *env.disk)
    }

    fn checkpoint_start_offsets(&self, env: &mut Env<'_>) -> Result<(), LogError> {
        self.open_logs().checkpoint_log_start_offsets(self.each_log(), &mut *env.disk)
    }

    fn open_logs(&self) -> &LogManager {
        self.logs.as_ref().expect("the log directory is open")
    }

    fn each_log(&self) -> impl Iterator<Item = &PartitionLog> {
        self.partitions.values().map(|partition| &partition.log)
    }

    /// `LogManager.cleanupLogs`. Of compacted topics the log cleaner looks after the segments, which is left out.
    fn delete_old_segments(&mut self, env: &mut Env<'_>) -> Result<(), LogError> {
        for (tp, partition) in self.partitions.iter_mut() {
            let cleanup = partition.log.config().cleanup;
            if !cleanup.delete || cleanup.compact || !partition.log.has_old_segments() {
                continue;
            }
            let log = &mut Arc::make_mut(partition).log;
            let count = log.delete_old_segments(&mut *env.disk)?;
            let first = log.segments().next().map_or(Offset::ZERO, |segment| segment.base);
            env.note(|| Note::Replica(tp, ReplicaNote::SegmentsDeleted { count, first }));
            env.mark(tp);
        }
        Ok(())
    }

    fn flush_dirty_logs(&mut self, env: &mut Env<'_>) -> Result<(), LogError> {
        for (tp, partition) in self.partitions.iter_mut() {
            if partition.log.flush_is_due(env.now) {
                Arc::make_mut(partition).log.flush(env.now, &mut *env.disk)?;
                env.mark(tp);
            }
        }
        Ok(())
    }
}
