//! An operator deletes the records below an offset (KIP-107; `ReplicaManager.deleteRecords`, `Partition.deleteRecordsOnLeader`,
//! `DelayedDeleteRecords`).
//!
//! 1. The leader looks at each partition, and refuses: not its own; an offset below zero or above the high watermark;
//!    a topic whose records are not to be deleted (rule `deletion-policy` says when that is looked at).
//! 2. It raises its log start offset, and with it the beginning of its leader epoch cache. -1 is the high watermark.
//! 3. The *low watermark* is the smallest log start offset of the live replicas. A follower is told its leader's log start
//!    with each answer to a fetch, raises its own, and tells it with its next one.
//! 4. The request waits until the low watermark is where it was asked to be. Whoever does not answer is waited for, until
//!    time is up: REQUEST_TIMED_OUT, though the leader has deleted already.
//!
//! As in Kafka, nobody looks again when a follower dies and so is waited for no more, nor when leadership is lost: then
//! time runs out. Left out: internal topics; the answer of another replica of the same broker (KIP-113).

use crate::broker::purgatory::Delayed;
use crate::broker::replica_manager::{Blocked, ReplicaManager};
use crate::error::KafkaError;
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::log::partition_log::LogError;
use crate::messages::delete_records::{DeleteRecordsRequest, DeleteRecordsResponse, HIGH_WATERMARK};
use crate::node::{Env, ReplyTo};
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::deletion_policy::{self, Deletion};
use std::sync::Arc;

/// A deletion that waits for the low watermark.
#[derive(Clone, Debug)]
pub(super) struct DelayedDeleteRecords {
    reply_to: ReplyTo,
    partitions: Vec<Deleted>,
}

/// One partition of it.
#[derive(Clone, Debug)]
struct Deleted {
    partition: TopicPartition,
    /// The low watermark that it waits for.
    required: Offset,
    /// The answer, if nothing changes it.
    outcome: Result<Offset, KafkaError>,
    /// Whether it still waits.
    waits: bool,
}

impl Delayed for DelayedDeleteRecords {
    fn watched(&self) -> impl Iterator<Item = TopicPartition> {
        self.partitions.iter().map(|deleted| deleted.partition)
    }
}

impl ReplicaManager {
    /// An operator deletes records. Replies itself, now or later.
    pub fn on_delete_records(&mut self, reply_to: ReplyTo, request: DeleteRecordsRequest, env: &mut Env<'_>) {
        if !self.is_halted() {
            self.delete_records(reply_to, request, env);
            self.settle(env);
        }
    }

    pub(super) fn delete_records(
        &mut self,
        reply_to: ReplyTo,
        request: DeleteRecordsRequest,
        env: &mut Env<'_>,
    ) {
        if let Some((locked, _)) = request.partitions.iter().find(|(tp, _)| self.is_locked(*tp)) {
            let locked = *locked;
            return self.block(locked, Blocked::DeleteRecords { reply_to, request });
        }
        let mut partitions = Vec::with_capacity(request.partitions.len());
        for (tp, before) in request.partitions {
            let done = self.delete_on_leader(tp, before, env);
            if let Err(error) = done {
                env.note(|| Note::Replica(tp, ReplicaNote::DeletionRefused { before, error }));
            }
            let outcome = done.and_then(|_| self.low_watermark(tp));
            let required = done.unwrap_or(Offset::NONE);
            let waits = outcome.is_ok_and(|low_watermark| low_watermark < required);
            partitions.push(Deleted { partition: tp, required, outcome, waits });
        }
        let delayed = DelayedDeleteRecords { reply_to, partitions };
        if delayed.partitions.iter().any(|deleted| deleted.waits) {
            self.deletes.park(delayed, env.now + request.timeout);
        } else {
            self.answer_deleted(delayed, env);
        }
    }

    /// Raises the log start offset of a partition that this broker leads. Returns to where it was asked to be raised.
    fn delete_on_leader(
        &mut self,
        tp: TopicPartition,
        before: Offset,
        env: &mut Env<'_>,
    ) -> Result<Offset, KafkaError> {
        if !self.metadata.contains(tp) {
            return Err(KafkaError::UnknownTopicOrPartition);
        }
        let rule = self.era.rules.deletion_policy;
        let partition = self.hosted(tp)?;
        if !partition.is_leader() {
            return Err(KafkaError::NotLeaderOrFollower);
        }
        let decision = deletion_policy::decide(rule, partition.log.config().cleanup.delete);
        if decision == Deletion::Refused {
            return Err(KafkaError::PolicyViolation);
        }
        let start = if before == HIGH_WATERMARK { partition.high_watermark } else { before };
        if start < Offset::ZERO || start > partition.high_watermark {
            return Err(KafkaError::OffsetOutOfRange);
        }
        let decided = (decision == Deletion::DoneAndRefused).then(|| Decided::by(rule));
        let more = i64::from(self.era.rules.planted.deletes_one_more());
        let to = (start + more).min(partition.high_watermark);
        self.raise_log_start(tp, to, BrokerId::NONE, decided, env).map_err(|error| self.log_error(error))?;
        match decision {
            Deletion::DoneAndRefused => Err(KafkaError::PolicyViolation),
            _ => Ok(start),
        }
    }

    /// A replica's log starts at `to`, if it started below. `leader`: who said so, if not an operator.
    pub(super) fn raise_log_start(
        &mut self,
        tp: TopicPartition,
        to: Offset,
        leader: BrokerId,
        decided: Option<Decided>,
        env: &mut Env<'_>,
    ) -> Result<(), LogError> {
        let Some(partition) = self.partitions.get_mut(tp) else { return Ok(()) };
        let from = partition.log.start_offset();
        if to <= from {
            return Ok(());
        }
        Arc::make_mut(partition).log.advance_start_offset(to, &mut *env.disk)?;
        env.note(|| Note::Replica(tp, ReplicaNote::LogStartRaised { from, to, leader, decided }));
        env.mark(tp);
        Ok(())
    }

    /// The smallest log start offset of the live replicas (`lowWatermarkIfLeader`).
    ///
    /// # Errors
    /// If this broker does not lead the partition.
    pub(super) fn low_watermark(&self, tp: TopicPartition) -> Result<Offset, KafkaError> {
        let partition = self.hosted(tp)?;
        let leader = partition.leader().ok_or(KafkaError::NotLeaderOrFollower)?;
        let is_live = |broker| self.metadata.live_broker(broker).is_some();
        Ok(leader.low_watermark(partition.log.start_offset(), is_live))
    }

    /// Looks at the deletions that wait for a partition.
    pub(super) fn complete_deletes(&mut self, tp: TopicPartition, env: &mut Env<'_>) {
        let mut index = 0;
        while let Some(id) = self.deletes.watcher(tp, index) {
            let mut partitions = std::mem::take(&mut self.deletes.get_mut(id).partitions);
            for deleted in partitions.iter_mut().filter(|deleted| deleted.waits) {
                let low_watermark = self.low_watermark(deleted.partition);
                deleted.waits = low_watermark.is_ok_and(|low_watermark| low_watermark < deleted.required);
                deleted.outcome = low_watermark;
            }
            let waits = partitions.iter().any(|deleted| deleted.waits);
            self.deletes.get_mut(id).partitions = partitions;
            if waits {
                index += 1;
            } else {
                let delayed = self.deletes.take(id);
                self.answer_deleted(delayed, env);
            }
        }
    }

    /// Out of time: what still waits is told so.
    pub(super) fn give_up_deleting(&mut self, mut delayed: DelayedDeleteRecords, env: &mut Env<'_>) {
        for deleted in delayed.partitions.iter_mut().filter(|deleted| deleted.waits) {
            deleted.outcome = Err(KafkaError::RequestTimedOut);
        }
        self.answer_deleted(delayed, env);
    }

    fn answer_deleted(&mut self, delayed: DelayedDeleteRecords, env: &mut Env<'_>) {
        let partitions =
            delayed.partitions.into_iter().map(|deleted| (deleted.partition, deleted.outcome)).collect();
        self.reply(delayed.reply_to, DeleteRecordsResponse { partitions }, env);
    }
}
