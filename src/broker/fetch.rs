//! Followers and consumers read (`ReplicaManager.fetchMessages`, `Partition.readRecords`, `DelayedFetch`).
//!
//! 1. Each partition is looked at: an error, a divergence (KIP-595), or what can be read. A follower reads up to the
//!    leader's log end, a consumer up to the high watermark.
//! 2. The answer goes out at once if there is an error or a divergence, if there are `min_bytes`, if nobody wants to wait,
//!    or if the rule `stale-high-watermark` says so. It carries the high watermark *before* this fetch: a follower learns
//!    of what it has made committed with its next one.
//! 3. A follower's fetch offset tells the leader how far its log goes ([`super::leader`]): it may enter the ISR, and the
//!    high watermark may rise, which answers others. It tells where that log starts, too ([`super::delete_records`]).
//! 4. Otherwise the request waits: for records, for the high watermark, for the end of leadership, or until `max_wait`.
//!    What it is answered then is read anew; the follower's position is not taken in a second time.
//!
//! Bytes (KIP-74): batches come whole, up to the request's and the partition's bound; the first batch of the first
//! partition that has one comes even if it is larger.
//!
//! A consumer of 0.10.2 is given message format v1 ([`crate::log::conversion`]), converted after the bytes were counted.
//!
//! A consumer that stands in another rack than its leader may be named a replica to read from instead (KIP-392, rule
//! `preferred-replica`): no records then. Any replica serves a consumer that is new enough, named or not (rule
//! `follower-reads`).
//!
//! A replica that the leader does not know to be assigned is refused, or sent nothing (rule `unassigned-replica`).
//!
//! Left out: sessions, isolation levels, throttling, the early answer to a fetch
//! that reads an older segment. A failed fetch does not reset what the leader knows of its follower, as it does up to 2.3;
//! the high watermark is looked at only if the follower's position has moved, as from 2.4 on (KAFKA-8841).

use crate::broker::partition::Partition;
use crate::broker::purgatory::Delayed;
use crate::broker::replica_manager::{Blocked, ReplicaManager};
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, Offset, TopicPartition};
use crate::log::batch::RecordBatch;
use crate::log::conversion;
use crate::messages::fetch::{
    CARRIES_V2, DivergingEpoch, FetchPartition, FetchRequest, FetchResponse, FetchedPartition,
};
use crate::node::{Env, ReplyTo};
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::earliest_epoch;
use crate::rules::preferred_replica::Candidate;
use crate::rules::unassigned_replica::Stranger;
use crate::time::Micros;
use crate::zookeeper::session::Session;
use std::sync::Arc;

/// A fetch, parked or not.
#[derive(Clone, Debug)]
pub(super) struct DelayedFetch {
    reply_to: ReplyTo,
    from: NodeId,
    version: i16,
    request: FetchRequest,
}

impl Delayed for DelayedFetch {
    fn watched(&self) -> impl Iterator<Item = TopicPartition> {
        self.request.partitions.iter().map(|asked| asked.partition)
    }
}

impl DelayedFetch {
    /// The follower that asks.
    fn follower(&self) -> Option<BrokerId> {
        (self.request.replica.0 >= 0).then_some(self.request.replica)
    }
}

/// What a look at a partition shows.
#[derive(Copy, Clone, Debug)]
pub(super) struct Look {
    log_start: Offset,
    high_watermark: Offset,
    log_end: Offset,
    /// Up to where this asker may read.
    limit: Offset,
    /// Where the asker's log leaves this one.
    diverging: Option<DivergingEpoch>,
    /// Bytes that can be read, none beyond what the asker takes.
    bytes: u64,
    /// The answer should not wait, because of the high watermark or of a nearer replica.
    hurries: bool,
    /// A follower that is not assigned: it is sent nothing, or the whole request is refused.
    stranger: bool,
    /// A nearer replica that the asker should read from: it is sent nothing.
    preferred: Option<BrokerId>,
}

impl ReplicaManager {
    /// A follower or a consumer reads. Replies itself, now or later.
    pub fn on_fetch(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: FetchRequest,
        session: &mut Session,
        env: &mut Env<'_>,
    ) {
        if !self.is_halted() {
            self.fetch(DelayedFetch { reply_to, from, version, request }, Some(session), env);
            self.settle(env);
        }
    }

    /// Without a session the fetch may not change an ISR.
    pub(super) fn fetch(&mut self, fetch: DelayedFetch, session: Option<&mut Session>, env: &mut Env<'_>) {
        let locked = fetch.watched().find(|tp| self.is_locked(*tp));
        if let Some(locked) = locked {
            let may_propose = session.is_some();
            return self.block(locked, Blocked::Fetch { fetch, may_propose });
        }
        let mut looks = self.looks.pop().unwrap_or_default();
        looks.extend(fetch.request.partitions.iter().map(|asked| self.look(&fetch, asked)));
        // Read before the follower's position is taken in.
        let refused = self.refused_as_a_whole(&looks);
        let counted = refused.map_or(looks.len(), |(index, _)| index);
        let answer = match refused {
            Some((_, error)) => Some(self.refuse_all(&fetch, error, env)),
            None => {
                is_complete(&fetch.request, looks.iter().copied()).then(|| self.read(&fetch, &looks, env))
            }
        };
        let taken_in = match fetch.follower() {
            Some(follower) => self.take_in_position(&fetch, &looks[..counted], follower, session, env),
            None => TakenIn::Nothing,
        };
        looks.clear();
        self.looks.push(looks);
        let rose = match taken_in {
            TakenIn::Locked(tp) => return self.block(tp, Blocked::Fetch { fetch, may_propose: false }),
            TakenIn::Rose => true,
            TakenIn::Nothing => false,
        };
        match answer {
            Some(answer) => self.reply(fetch.reply_to, answer, env),
            None if rose && self.may_be_answered(&fetch, fetch.request.partitions[0].partition) => {
                self.answer_fetch(&fetch, env)
            }
            None => {
                let deadline = env.now + fetch.request.max_wait;
                self.fetches.park(fetch, deadline);
            }
        }
    }

    /// Looks at the fetches that wait for a partition.
    pub(super) fn complete_fetches(&mut self, tp: TopicPartition, env: &mut Env<'_>) {
        let mut index = 0;
        while let Some(id) = self.fetches.watcher(tp, index) {
            if self.may_be_answered(self.fetches.get(id), tp) {
                let fetch = self.fetches.take(id);
                self.answer_fetch(&fetch, env);
            } else {
                index += 1;
            }
        }
    }

    /// Answers with what there is now.
    pub(super) fn answer_fetch(&mut self, fetch: &DelayedFetch, env: &mut Env<'_>) {
        let mut looks = self.looks.pop().unwrap_or_default();
        looks.extend(fetch.request.partitions.iter().map(|asked| self.look(fetch, asked)));
        let answer = self.read(fetch, &looks, env);
        looks.clear();
        self.looks.push(looks);
        self.reply(fetch.reply_to, answer, env);
    }

    /// Whether a parked fetch need not wait any more. The partition that has changed is looked at first: it is nearly
    /// always the one that decides.
    fn may_be_answered(&self, fetch: &DelayedFetch, changed: TopicPartition) -> bool {
        let asked = |of_changed: bool| {
            fetch.request.partitions.iter().filter(move |asked| (asked.partition == changed) == of_changed)
        };
        let looks = asked(true).chain(asked(false)).map(|asked| self.look(fetch, asked));
        is_complete(&fetch.request, looks)
    }

    /// What a partition has for this asker. Every reason to refuse is here.
    fn look(&self, fetch: &DelayedFetch, asked: &FetchPartition) -> Result<Look, KafkaError> {
        let rules = &self.era.rules;
        let partition = self.hosted(asked.partition)?;
        let follower = fetch.follower();
        let leader_only = follower.is_some() || !rules.follower_reads.served_by_follower(fetch.version);
        partition.serves(rules, asked.current_leader_epoch, leader_only)?;
        let remote = partition
            .leader()
            .zip(follower)
            .map(|(leader, follower)| leader.follower(follower).ok_or(follower));
        let stranger = matches!(remote, Some(Err(_)));
        if stranger
            && let Stranger::Refuse(error) =
                rules.unassigned_replica.decide(asked.current_leader_epoch.is_some())
        {
            return Err(error);
        }
        let log_end = partition.log.end_offset();
        let log_start = partition.log.start_offset();
        if asked.fetch_offset < log_start {
            return Err(KafkaError::OffsetOutOfRange);
        }
        let diverging = self.divergence(partition, asked)?;
        if diverging.is_none() && asked.fetch_offset > log_end {
            return Err(KafkaError::OffsetOutOfRange);
        }
        let tells_end = follower.is_some() && rules.planted.tells_the_log_end();
        let high_watermark = if tells_end { log_end } else { partition.high_watermark };
        let to_the_end = follower.is_some() || rules.planted.lets_consumers_read_ahead();
        let one_beyond = i64::from(rules.planted.reads_one_beyond());
        let limit = if to_the_end { log_end } else { (high_watermark + one_beyond).min(log_end) };
        let hurries = remote.and_then(Result::ok).is_some_and(|remote| {
            rules.stale_high_watermark.answers_at_once(remote.told_high_watermark, high_watermark)
        });
        let preferred = self.preferred_replica(fetch, asked, partition);
        let bytes = if stranger || diverging.is_some() || preferred.is_some() {
            0
        } else {
            partition.readable_bytes(asked.fetch_offset, limit, u64::from(asked.max_bytes))
        };
        let hurries = hurries || preferred.is_some() && self.era.rules.preferred_replica.answers_at_once();
        Ok(Look { log_start, high_watermark, log_end, limit, diverging, bytes, hurries, stranger, preferred })
    }

    /// A replica in a consumer's rack, if this leader should name one (`findPreferredReadReplica`).
    fn preferred_replica(
        &self,
        fetch: &DelayedFetch,
        asked: &FetchPartition,
        partition: &Partition,
    ) -> Option<BrokerId> {
        let rack = fetch.request.rack.as_deref().filter(|_| self.config.rack_aware_reads)?;
        let leader = partition.leader().filter(|_| fetch.follower().is_none())?;
        let metadata = &self.metadata;
        let candidates = leader.followers.iter().map(|remote| Candidate {
            broker: remote.broker,
            is_near: metadata.is_in_rack(remote.broker, rack),
            in_isr: leader.isr.contains(&remote.broker),
            log: (remote.log_start, remote.log_end),
            caught_up: remote.last_caught_up,
        });
        let leader_is_near = metadata.is_in_rack(self.config.id, rack);
        self.era.rules.preferred_replica.named(asked.fetch_offset, leader_is_near, candidates)
    }

    /// Where the asker's log leaves this one, if it tells the epoch of its last record (KIP-595).
    fn divergence(
        &self,
        partition: &Partition,
        asked: &FetchPartition,
    ) -> Result<Option<DivergingEpoch>, KafkaError> {
        let rules = &self.era.rules;
        let told = asked.last_fetched_epoch.filter(|_| !rules.planted.misses_divergence());
        let Some(fetched) = told else { return Ok(None) };
        let (rule, end) = (self.era.rules.earliest_epoch, partition.log.end_offset());
        let (epoch, end_offset) = earliest_epoch::end_offset_for(rule, partition.log.epochs(), end, fetched)
            .ok_or(KafkaError::OffsetOutOfRange)?;
        let ends_at_the_end = rules.planted.ends_epochs_at_the_log_end();
        let (epoch, end_offset) = if ends_at_the_end { (fetched, end) } else { (epoch, end_offset) };
        let diverges = epoch < fetched || end_offset < asked.fetch_offset;
        Ok(diverges.then_some(DivergingEpoch { epoch, end_offset }))
    }

    /// The first partition whose asker is unknown, if the whole request fails for that (rule `unassigned-replica`).
    fn refused_as_a_whole(&self, looks: &[Result<Look, KafkaError>]) -> Option<(usize, KafkaError)> {
        let index = looks.iter().position(|look| matches!(look, Ok(look) if look.stranger))?;
        match self.era.rules.unassigned_replica.decide(false) {
            Stranger::RefuseAll(error) => Some((index, error)),
            Stranger::SendNothing | Stranger::Refuse(_) => None,
        }
    }

    fn refuse_all(&self, fetch: &DelayedFetch, error: KafkaError, env: &mut Env<'_>) -> FetchResponse {
        let asked = fetch.request.partitions.iter();
        let partitions = asked.map(|asked| self.refused(fetch, asked, error, env)).collect();
        FetchResponse { partitions }.for_version(fetch.version)
    }

    /// Reads everything that is asked for.
    fn read(
        &mut self,
        fetch: &DelayedFetch,
        looks: &[Result<Look, KafkaError>],
        env: &mut Env<'_>,
    ) -> FetchResponse {
        let request = &fetch.request;
        let mut left = request.max_bytes;
        let mut at_least_one = true;
        let mut partitions = Vec::with_capacity(request.partitions.len());
        for (asked, look) in request.partitions.iter().zip(looks) {
            let max_bytes = left.min(asked.max_bytes);
            let fetched = match look {
                Err(error) => self.refused(fetch, asked, *error, env),
                Ok(look) => match self.records(asked, look, max_bytes, at_least_one, env) {
                    Ok(records) => self.fetched(fetch, asked, look, records, env),
                    Err(error) => self.refused(fetch, asked, error, env),
                },
            };
            let bytes: u64 = fetched.records.iter().map(RecordBatch::size).sum();
            at_least_one &= bytes == 0;
            left = left.saturating_sub(bytes.min(u64::from(u32::MAX)) as u32);
            partitions.push(fetched);
        }
        if fetch.version < CARRIES_V2 && self.converts {
            for (asked, fetched) in request.partitions.iter().zip(&mut partitions) {
                let records = std::mem::take(&mut fetched.records);
                match conversion::down_for_reader(records, asked.fetch_offset) {
                    Ok(entries) => fetched.records = entries,
                    Err(_) => *fetched = self.refused(fetch, asked, KafkaError::CorruptMessage, env),
                }
            }
        }
        FetchResponse { partitions }.for_version(fetch.version)
    }

    fn records(
        &mut self,
        asked: &FetchPartition,
        look: &Look,
        max_bytes: u32,
        at_least_one: bool,
        env: &mut Env<'_>,
    ) -> Result<Vec<RecordBatch>, KafkaError> {
        let nothing = look.stranger || look.diverging.is_some() || look.preferred.is_some();
        if nothing || asked.fetch_offset >= look.limit {
            return Ok(Vec::new());
        }
        let partition = self.partitions.get(asked.partition).expect("looked at");
        partition
            .log
            .read(asked.fetch_offset, look.limit, max_bytes, at_least_one, &mut *env.disk)
            .map_err(|error| self.log_error(error))
    }

    fn fetched(
        &self,
        fetch: &DelayedFetch,
        asked: &FetchPartition,
        look: &Look,
        records: Vec<RecordBatch>,
        env: &mut Env<'_>,
    ) -> FetchedPartition {
        if let Some(diverging) = look.diverging {
            env.note(|| {
                let decided = Decided::by(self.era.rules.diverging_fetch);
                let (replica, end_offset) = (fetch.request.replica, diverging.end_offset);
                let note = ReplicaNote::FoundDivergence { replica, end_offset, decided };
                Note::Replica(asked.partition, note)
            });
        }
        FetchedPartition {
            partition: asked.partition,
            error: None,
            high_watermark: look.high_watermark,
            log_start_offset: Some(look.log_start),
            diverging_epoch: look.diverging,
            preferred_replica: look.preferred,
            records,
        }
    }

    fn refused(
        &self,
        fetch: &DelayedFetch,
        asked: &FetchPartition,
        error: KafkaError,
        env: &mut Env<'_>,
    ) -> FetchedPartition {
        env.note(|| {
            let (replica, offset) = (fetch.request.replica, asked.fetch_offset);
            let note = ReplicaNote::ReadRefused { from: fetch.from, replica, offset, error };
            Note::Replica(asked.partition, note)
        });
        FetchedPartition {
            partition: asked.partition,
            error: Some(error),
            high_watermark: Offset::NONE,
            log_start_offset: Some(Offset::NONE),
            diverging_epoch: None,
            preferred_replica: None,
            records: Vec::new(),
        }
    }

    /// A follower's fetch tells how far its log goes.
    fn take_in_position(
        &mut self,
        fetch: &DelayedFetch,
        looks: &[Result<Look, KafkaError>],
        follower: BrokerId,
        mut session: Option<&mut Session>,
        env: &mut Env<'_>,
    ) -> TakenIn {
        let mut taken_in = TakenIn::Nothing;
        for (asked, look) in fetch.request.partitions.iter().zip(looks) {
            let tp = asked.partition;
            let Ok(look) = look else { continue };
            let deletes = self.deletes.watcher(tp, 0).is_some();
            let low_watermark = deletes.then(|| self.low_watermark(tp));
            if look.stranger || (look.diverging.is_some() && !self.era.rules.diverging_fetch.counts_offset())
            {
                continue;
            }
            let Some(partition) = self.partitions.get_mut(tp).map(Arc::make_mut) else { continue };
            let Some(remote) = partition.leader_mut().and_then(|leader| leader.follower_mut(follower)) else {
                continue;
            };
            let moved = remote.log_end != asked.fetch_offset;
            let log_start = asked.log_start_offset.unwrap_or(Offset::NONE);
            let planted = self.era.rules.planted;
            let at = match (planted.counts_what_is_sent(), planted.keeps_the_highest_position()) {
                (true, _) => look.log_end,
                (_, true) => asked.fetch_offset.max(remote.log_end),
                _ => asked.fetch_offset,
            };
            remote.fetched(at, log_start, look.log_end, env.wall);
            remote.told_high_watermark = look.high_watermark;
            if let Some(session) = session.as_deref_mut()
                && self.maybe_expand_isr(tp, follower, session, env)
            {
                // The high watermark is looked at when the write is done.
                taken_in = TakenIn::Locked(tp);
                continue;
            }
            let rose = moved && self.raise_high_watermark(tp, env);
            // Both, as Kafka does, if one of them has risen.
            if rose || low_watermark.is_some_and(|before| self.low_watermark(tp) > before) {
                self.complete_delayed(tp, env);
            }
            if rose && matches!(taken_in, TakenIn::Nothing) {
                taken_in = TakenIn::Rose;
            }
        }
        taken_in
    }
}

/// Whether there is no reason to wait: an error, a divergence, something that should not be kept back, or enough bytes.
fn is_complete(request: &FetchRequest, looks: impl Iterator<Item = Result<Look, KafkaError>>) -> bool {
    let mut wanted = u64::from(request.min_bytes);
    let mut enough = wanted == 0 || request.max_wait == Micros::ZERO || request.partitions.is_empty();
    for look in looks {
        if enough {
            break;
        }
        match look {
            Ok(look) if look.diverging.is_none() && !look.hurries => {
                wanted = wanted.saturating_sub(look.bytes);
                enough = wanted == 0;
            }
            _ => enough = true,
        }
    }
    enough
}

/// What a follower's position has brought about.
enum TakenIn {
    /// Nothing that the fetch itself has to care about.
    Nothing,
    /// A high watermark rose.
    Rose,
    /// An ISR is being written: the fetch waits for this partition.
    Locked(TopicPartition),
}
