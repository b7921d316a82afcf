//! A producer appends (`ReplicaManager.appendRecords`, `Partition.appendRecordsToLeader`, `DelayedProduce`).
//!
//! 1. Each batch is refused or appended on its own; one that is refused does not hold up the others.
//! 2. An append may raise the high watermark at once, if the ISR is the leader alone. Followers that wait get the records.
//! 3. `acks=0`: no answer, but a refusal closes the connection, so that the producer looks for the leader anew.
//!    `acks=1`: the answer. `acks=all`: the request waits until the high watermark has passed every batch.
//! 4. While it waits: leadership lost is NOT_LEADER_OR_FOLLOWER; passed with an ISR that is too small by now is
//!    NOT_ENOUGH_REPLICAS_AFTER_APPEND; out of time is REQUEST_TIMED_OUT. In all three the records are in the log.
//!
//! A coordinator of this broker appends likewise, as with `acks=all`, and is told instead of answered.
//!
//! Left out: idempotence and transactions, record errors (KIP-467), internal topics, conversion of old formats.

use crate::broker::partition::Partition;
use crate::broker::purgatory::Delayed;
use crate::broker::replica_manager::{Blocked, ReplicaManager};
use crate::error::KafkaError;
use crate::ids::{LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::batch::RecordSet;
use crate::messages::Response;
use crate::messages::produce::{Acks, ProduceOutcome, ProduceRequest, ProduceResponse};
use crate::node::{Effect, Env, ReplyTo};
use crate::note::{Note, ReplicaNote};
use crate::rules::Rules;
use crate::time::Micros;
use std::sync::Arc;

/// The first version whose answer carries the log start offset (KIP-107).
const CARRIES_LOG_START: i16 = 5;

/// A produce that waits for the high watermark.
#[derive(Clone, Debug)]
pub(super) struct DelayedProduce {
    tells: Tells,
    batches: Vec<Appended>,
}

/// Who is told what became of an append.
#[derive(Copy, Clone, Debug)]
enum Tells {
    /// A producer.
    Producer(ReplyTo),
    /// The coordinator of groups, by its ticket.
    Groups(u64),
}

/// One batch of it.
#[derive(Clone, Debug)]
struct Appended {
    /// The answer, if nothing changes it.
    outcome: ProduceOutcome,
    /// The high watermark that it waits for.
    required: Offset,
    /// Whether it still waits.
    waits: bool,
}

impl Delayed for DelayedProduce {
    fn watched(&self) -> impl Iterator<Item = TopicPartition> {
        self.batches.iter().map(|batch| batch.outcome.partition)
    }
}

impl ReplicaManager {
    /// A producer appends. Replies itself, now or later.
    pub fn on_produce(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ProduceRequest,
        env: &mut Env<'_>,
    ) {
        if !self.is_halted() {
            self.produce(reply_to, from, version, request, env);
            self.settle(env);
        }
    }

    pub(super) fn produce(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ProduceRequest,
        env: &mut Env<'_>,
    ) {
        if let Some((locked, _)) = request.partitions.iter().find(|(tp, _)| self.is_locked(*tp)) {
            let locked = *locked;
            return self.block(locked, Blocked::Produce { reply_to, from, version, request });
        }
        let ProduceRequest { acks, timeout, partitions } = request;
        let mut batches = Vec::with_capacity(partitions.len());
        for (tp, records) in partitions {
            batches.push(self.append(tp, records, acks, from, version, env));
        }
        let produce = DelayedProduce { tells: Tells::Producer(reply_to), batches };
        match acks {
            Acks::None if produce.batches.iter().any(|batch| batch.outcome.result.is_err()) => {
                env.push(Effect::HangUp { connection: reply_to.connection });
            }
            Acks::None => self.reply(reply_to, Response::None, env),
            Acks::Leader => self.answer_appended(produce, env),
            Acks::All => self.answer_or_park(produce, timeout, env),
        }
    }

    fn answer_or_park(&mut self, mut produce: DelayedProduce, timeout: Micros, env: &mut Env<'_>) {
        let at_once = self.era.rules.planted.acknowledges_at_once();
        if at_once || self.is_satisfied(&mut produce, None) {
            self.answer_appended(produce, env);
        } else {
            self.produces.park(produce, env.now + timeout);
        }
    }

    /// The coordinator of groups appends. What became of it is in `stored_for_groups`, now or later; `own` is this broker.
    pub(super) fn append_for_groups(
        &mut self,
        ticket: u64,
        tp: TopicPartition,
        records: RecordSet,
        timeout: Micros,
        own: NodeId,
        env: &mut Env<'_>,
    ) {
        if self.is_halted() {
            return;
        }
        if self.is_locked(tp) {
            return self.block(tp, Blocked::Groups { ticket, records, timeout, own });
        }
        let batches = vec![self.append(tp, records, Acks::All, own, CARRIES_LOG_START, env)];
        self.answer_or_park(DelayedProduce { tells: Tells::Groups(ticket), batches }, timeout, env);
        self.settle(env);
    }

    /// Every reason not to append, but for those that only the log can tell.
    fn refuse_produce(partition: &Partition, rules: &Rules, acks: Acks) -> Result<(), KafkaError> {
        let leader = partition.leader().ok_or(KafkaError::NotLeaderOrFollower)?;
        let in_sync = partition.in_sync(leader.isr.len(), rules);
        if acks == Acks::All && in_sync < partition.min_insync_replicas(rules) {
            return Err(KafkaError::NotEnoughReplicas);
        }
        Ok(())
    }

    fn append(
        &mut self,
        tp: TopicPartition,
        records: RecordSet,
        acks: Acks,
        from: NodeId,
        version: i16,
        env: &mut Env<'_>,
    ) -> Appended {
        let rules = &self.era.rules;
        let accepted = self.hosted(tp).and_then(|hosted| Self::refuse_produce(hosted, rules, acks));
        let afterwards =
            accepted == Err(KafkaError::NotEnoughReplicas) && rules.planted.refuses_after_the_append();
        if afterwards {
            // What is said of it stays the same.
            let _ = self.append_to_log(tp, records.clone(), env);
            env.mark(tp);
        }
        let appended = accepted.and_then(|()| self.append_to_log(tp, records, env));
        if let Err(error) = &appended {
            let error = *error;
            env.note(|| Note::Replica(tp, ReplicaNote::ProduceRefused { from, error }));
        }
        let appended = appended.map(|(base_offset, records)| {
            let last = records.entries().last().expect("an append has at least one record");
            let (next_offset, largest) = (last.header.next_offset(), last.header.max_timestamp);
            env.note(|| Note::Replica(tp, ReplicaNote::AppendedAsLeader { records, from }));
            (base_offset, next_offset, largest)
        });
        if appended.is_ok() {
            env.mark(tp);
            if self.raise_high_watermark(tp, env) {
                self.complete_delayed(tp, env);
            } else {
                self.complete_fetches(tp, env);
            }
        }
        let stamped = self.partition(tp).filter(|partition| partition.log.config().log_append_time);
        let log_start = self.partition(tp).map(|partition| partition.log.start_offset());
        Appended {
            required: match self.era.rules.planted.acknowledges_one_short() {
                true => appended.map_or(Offset::NONE, |(base_offset, ..)| base_offset),
                false => appended.map_or(Offset::NONE, |(_, next_offset, _)| next_offset),
            },
            waits: appended.is_ok(),
            outcome: ProduceOutcome {
                partition: tp,
                log_append_time: stamped.and_then(|_| Some(appended.ok()?.2)),
                result: appended.map(|(base_offset, ..)| {
                    base_offset + i64::from(self.era.rules.planted.answers_the_next_offset())
                }),
                log_start_offset: log_start.filter(|_| version >= CARRIES_LOG_START),
            },
        }
    }

    fn append_to_log(
        &mut self,
        tp: TopicPartition,
        records: RecordSet,
        env: &mut Env<'_>,
    ) -> Result<(Offset, RecordSet), KafkaError> {
        let partition = self.partitions.get_mut(tp).expect("refused if there is none");
        let epoch = if self.stamps_epochs { partition.leader_epoch } else { LeaderEpoch::NONE };
        let log = &mut Arc::make_mut(partition).log;
        let base_offset = log.end_offset();
        if self.era.rules.planted.appends_twice() {
            // What is answered is the second.
            let _ = log.append_set_as_leader(records.clone(), epoch, env.now, env.wall, &mut *env.disk);
        }
        log.append_set_as_leader(records, epoch, env.now, env.wall, &mut *env.disk)
            .map(|records| (base_offset, records))
            .map_err(|error| self.log_error(error))
    }

    /// Looks at the produces that wait for a partition: its high watermark rose, or its role changed.
    pub(super) fn complete_produces(&mut self, tp: TopicPartition, env: &mut Env<'_>) {
        if self.era.rules.planted.leaves_produces_waiting() {
            return;
        }
        let mut index = 0;
        while let Some(id) = self.produces.watcher(tp, index) {
            let mut batches = std::mem::take(&mut self.produces.get_mut(id).batches);
            let satisfied = self.are_satisfied(&mut batches, Some(tp));
            self.produces.get_mut(id).batches = batches;
            if satisfied {
                let produce = self.produces.take(id);
                self.answer_appended(produce, env);
            } else {
                index += 1;
            }
        }
    }

    /// Whether a produce waits for nothing any more, of those that watch a partition.
    pub(super) fn has_ripe_produce(&self, tp: TopicPartition) -> bool {
        let watchers = (0..).map_while(|index| self.produces.watcher(tp, index));
        watchers.map(|id| &self.produces.get(id).batches).any(|batches| {
            let mut waiting = batches.iter().filter(|batch| batch.waits);
            waiting.all(|batch| self.reached(batch.outcome.partition, batch.required) == Ok(true))
        })
    }

    fn is_satisfied(&self, produce: &mut DelayedProduce, only: Option<TopicPartition>) -> bool {
        self.are_satisfied(&mut produce.batches, only)
    }

    /// Whether nothing waits any more, having looked at the batches of one partition, or at all.
    fn are_satisfied(&self, batches: &mut [Appended], only: Option<TopicPartition>) -> bool {
        let mut satisfied = true;
        for batch in batches.iter_mut().filter(|batch| batch.waits) {
            let tp = batch.outcome.partition;
            if only.is_none_or(|only| only == tp) {
                match self.reached(tp, batch.required) {
                    Ok(reached) => batch.waits = !reached,
                    Err(error) => {
                        batch.waits = false;
                        batch.outcome.result = Err(error);
                    }
                }
            }
            satisfied &= !batch.waits;
        }
        satisfied
    }

    /// Whether everybody who has to have everything below `required` has it (`checkEnoughReplicasReachOffset`).
    fn reached(&self, tp: TopicPartition, required: Offset) -> Result<bool, KafkaError> {
        let partition = self.hosted(tp)?;
        let rules = &self.era.rules;
        if rules.planted.acknowledges_when_deposed() && !partition.is_leader() {
            return Ok(true);
        }
        let leader = partition.leader().ok_or(KafkaError::NotLeaderOrFollower)?;
        let in_sync = partition.in_sync(leader.maximal_isr().len(), rules);
        if partition.high_watermark < required {
            Ok(false)
        } else if in_sync < partition.min_insync_replicas(rules) {
            Err(KafkaError::NotEnoughReplicasAfterAppend)
        } else {
            Ok(true)
        }
    }

    /// Out of time: what still waits is told so.
    pub(super) fn answer_produce(&mut self, mut produce: DelayedProduce, env: &mut Env<'_>) {
        for batch in produce.batches.iter_mut().filter(|batch| batch.waits) {
            batch.outcome.result = Err(KafkaError::RequestTimedOut);
        }
        self.answer_appended(produce, env);
    }

    fn answer_appended(&mut self, produce: DelayedProduce, env: &mut Env<'_>) {
        match produce.tells {
            Tells::Producer(reply_to) => {
                let partitions = produce.batches.into_iter().map(|batch| batch.outcome).collect();
                self.reply(reply_to, ProduceResponse { partitions }, env);
            }
            Tells::Groups(ticket) => {
                let results = produce.batches.into_iter().map(|batch| (ticket, batch.outcome.result));
                self.stored_for_groups.extend(results);
            }
        }
    }
}
