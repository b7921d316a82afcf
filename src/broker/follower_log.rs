//! What a follower's fetcher does to its replica (`ReplicaFetcherThread.processPartitionData`, `truncate`).
//!
//! 1. Append what the leader sent, as it is.
//! 2. The high watermark becomes the leader's, as far as the own log goes. It may go back: a new leader can know less.
//! 3. The log start offset follows the leader's (KIP-107). Where that lies in the middle of a batch, an empty log may be
//!    given a batch that begins below its start: rule `batch-below-start`.
//! 4. Cuts lower the high watermark with the log, and write the recovery point checkpoint.
//!
use crate::broker::partition::Partition;
use crate::broker::replica_manager::ReplicaManager;
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::log::batch::RecordBatch;
use crate::log::partition_log::LogError;
use crate::node::Env;
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::batch_below_start::{self, Misfit};
use crate::rules::truncate_at_log_end;
use std::sync::Arc;

impl ReplicaManager {
    /// A follower appends what its leader sent; its high watermark becomes the leader's or its log end, whichever is
    /// smaller.
    ///
    /// # Errors
    /// If a batch cannot be appended; those before it are. If the disk failed, this broker has asked to exit.
    pub fn follower_append(
        &mut self,
        tp: TopicPartition,
        batches: &[RecordBatch],
        leader: BrokerId,
        leader_high_watermark: Offset,
        leader_log_start: Option<Offset>,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        if let Some(first) = batches.first() {
            self.check_sizes(tp, batches)?;
            let fits = self.make_fit(tp, first, env);
            if fits.is_err() {
                return self.end_log_work(fits, env);
            }
        }
        let Some(partition) = self.partitions.get_mut(tp) else { return Ok(()) };
        // Most answers bring nothing for most of their partitions.
        if batches.is_empty()
            && partition.bounded(leader_high_watermark) == partition.high_watermark
            && !self.era.rules.planted.takes_any_high_watermark()
            && leader_log_start.is_none_or(|start| start <= partition.log.start_offset())
        {
            return self.end_log_work(Ok(()), env);
        }
        let partition = Arc::make_mut(partition);
        let mut appended = Ok(());
        let mut count = 0;
        for batch in batches {
            appended = partition.log.append_as_follower(batch, env.now, &mut *env.disk);
            if appended.is_err() {
                break;
            }
            count += 1;
        }
        if count > 0 {
            let batches = &batches[..count];
            env.note(|| {
                let batches = batches.to_vec();
                Note::Replica(tp, ReplicaNote::AppendedAsFollower { batches, leader })
            });
            env.mark(tp);
        }
        let planted = self.era.rules.planted;
        let learns = appended.is_ok() && !planted.learns_no_high_watermark();
        let bound = if planted.takes_any_high_watermark() {
            leader_high_watermark
        } else {
            partition.log.end_offset()
        };
        let rose = learns && learn_high_watermark(partition, leader_high_watermark, bound, env);
        let may_rise = |start: &Offset| *start <= partition.high_watermark && !planted.learns_no_log_start();
        if let (Ok(()), Some(start)) = (appended, leader_log_start.filter(may_rise)) {
            appended = self.raise_log_start(tp, start, leader, None, env);
        }
        if rose && self.era.rules.follower_reads.replication_wakes() {
            self.complete_fetches(tp, env);
        }
        self.end_log_work(appended, env)
    }

    /// All are looked at before one is appended.
    fn check_sizes(&self, tp: TopicPartition, batches: &[RecordBatch]) -> Result<(), LogError> {
        let Some(partition) = self.partition(tp) else { return Ok(()) };
        let (rule, allowed) = (self.era.rules.oversized_batch, partition.log.config().max_message_bytes);
        let fit = batches.iter().all(|batch| rule.fits(batch.size(), allowed));
        if fit { Ok(()) } else { Err(LogError::TooLarge) }
    }

    /// A batch that begins below the log end: the log starts with it, or it cannot be appended.
    fn make_fit(
        &mut self,
        tp: TopicPartition,
        batch: &RecordBatch,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let Some(partition) = self.partitions.get_mut(tp) else { return Ok(()) };
        let (first, last) = (batch.header.base_offset, batch.header.last_offset());
        let (from, start) = (partition.log.end_offset(), partition.log.start_offset());
        if first >= from {
            return Ok(());
        }
        let rule = self.era.rules.batch_below_start;
        match batch_below_start::decide(rule, first, last, from, start == from) {
            Misfit::End => Err(LogError::NotNext),
            Misfit::StartAt(at) => {
                let log = &mut Arc::make_mut(partition).log;
                let cut = log.truncate_fully_and_start_at(at, &mut *env.disk).map(|()| Vec::new());
                self.after_cut(tp, from, cut, Decided::by(rule), env)
            }
        }
    }

    /// A follower cuts its log to end at `to`; at or beyond its end nothing is dropped. Its high watermark goes down with it.
    ///
    /// # Errors
    /// If the disk failed; this broker has asked to exit.
    pub fn truncate(
        &mut self,
        tp: TopicPartition,
        to: Offset,
        decided: Decided,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        if self.era.rules.planted.leaves_out_the_cut() {
            return Ok(());
        }
        let trims = truncate_at_log_end::trims_epochs(self.era.rules.truncate_at_log_end);
        let Some(partition) = self.partitions.get_mut(tp).map(Arc::make_mut) else { return Ok(()) };
        let from = partition.log.end_offset();
        let cut = partition.log.truncate_to(to, trims, &mut *env.disk);
        let done = self.after_cut(tp, from, cut, decided, env);
        self.end_log_work(done, env)
    }

    /// A follower empties its log and starts it at `at`: its leader's log begins beyond its own end.
    ///
    /// # Errors
    /// If the disk failed; this broker has asked to exit.
    pub fn truncate_fully_and_start_at(
        &mut self,
        tp: TopicPartition,
        at: Offset,
        decided: Decided,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let Some(partition) = self.partitions.get_mut(tp).map(Arc::make_mut) else { return Ok(()) };
        let (from, start) = (partition.log.end_offset(), partition.log.start_offset());
        let cut = partition.log.truncate_to(start, true, &mut *env.disk).and_then(|dropped| {
            partition.log.truncate_fully_and_start_at(at, &mut *env.disk)?;
            Ok(dropped)
        });
        let done = self.after_cut(tp, from, cut, decided, env);
        self.end_log_work(done, env)
    }

    fn after_cut(
        &mut self,
        tp: TopicPartition,
        from: Offset,
        cut: Result<Vec<RecordBatch>, LogError>,
        decided: Decided,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let dropped = cut?;
        let partition = self.partitions.get_mut(tp).map(Arc::make_mut).expect("it was just cut");
        partition.high_watermark = partition.bounded(partition.high_watermark);
        let to = partition.log.end_offset();
        let shorter = !dropped.is_empty() || to != from;
        if shorter {
            partition.last_cut = Some(decided);
        }
        env.note(|| Note::Replica(tp, ReplicaNote::Truncated { from, to, dropped, decided }));
        env.mark(tp);
        if shorter {
            self.checkpoint_recovery_points(env)?;
        }
        self.complete_waiting(tp, env);
        Ok(())
    }

    fn end_log_work(&mut self, done: Result<(), LogError>, env: &mut Env<'_>) -> Result<(), LogError> {
        if let Err(LogError::Disk(_)) = done {
            self.fail();
        }
        self.settle(env);
        done
    }
}

/// Takes the leader's high watermark as far as the log goes. True if it rose.
fn learn_high_watermark(
    partition: &mut Partition,
    leaders: Offset,
    bound: Offset,
    env: &mut Env<'_>,
) -> bool {
    let from = partition.high_watermark;
    let to = leaders.max(partition.log.start_offset()).min(bound);
    if to == from {
        return false;
    }
    partition.high_watermark = to;
    if to > from {
        let isr = Vec::new();
        env.note(|| Note::Replica(partition.tp, ReplicaNote::HighWatermarkAdvanced { from, to, isr }));
    }
    env.mark(partition.tp);
    to > from
}
