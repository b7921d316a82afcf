//! Fetches records and takes what comes (`Fetcher`).
//!
//! 1. One fetch request is in flight per broker; it asks for every partition that is read from that broker: its leader,
//!    or a nearer replica that the leader has named (KIP-392).
//! 2. Records count only if they begin where the position is when they arrive; else they are of an outdated request.
//! 3. They are returned to the application at once (`poll`), in whole batches: nothing is decoded. The position moves
//!    behind the last one, and remembers its leader epoch.
//! 4. OFFSET_OUT_OF_RANGE from the leader resets the position as `auto.offset.reset` says, or tells the application.
//! 5. Any other refusal leaves the position; where it says that the leader may have changed, metadata is asked for. The
//!    next fetch goes out at once: Kafka has no back-off here but that of metadata. A refusal is noted once, however
//!    often it is repeated.
//!
//! Left out: fetch sessions (KIP-227), `max.poll.records`, isolation level. A batch that fails its CRC (`check.crcs`)
//! stops the partition; Kafka throws out of every `poll`.

use super::subscription_state::{AssignedPartition, End, FetchState, Position};
use super::{Consumer, PendingCall, Purpose};
use crate::client::{Leader, Metadata, Readiness};
use crate::command::Delivery;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, LeaderEpoch, Offset};
use crate::log::batch::RecordBatch;
use crate::messages::ApiKey;
use crate::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchedPartition};
use crate::node::{Effect, Env};
use crate::note::{ClientNote, Note};
use crate::time::Time;

/// From whom a partition is read now.
enum Reader {
    /// This replica.
    From(Leader),
    /// Its leader must be found out first.
    Unknown,
    /// It is not read at present.
    Nobody,
}

impl Consumer {
    /// Sends a fetch to every broker that has something to give and none in flight. Returns when to look again without
    /// an event.
    pub(super) fn send_fetches(&mut self, env: &mut Env<'_>) -> Time {
        let mut retry_at = Time::NEVER;
        let mut unknown = false;
        let mut readers = std::mem::take(&mut self.targets);
        for assigned in &mut self.subscriptions.partitions {
            match reader(assigned, self.rule.tracks_epochs(), &self.client.metadata, env.now) {
                Reader::From(from) if readers.iter().all(|known| known.node != from.node) => {
                    readers.push(from)
                }
                Reader::From(_) | Reader::Nobody => {}
                Reader::Unknown => unknown = true,
            }
        }
        if unknown {
            self.client.metadata.request_update();
            self.client.maybe_update_metadata(env);
        }
        for from in readers.drain(..) {
            let pending = |call: &PendingCall| call.node == from.node && call.purpose == Purpose::Fetch;
            if self.calls.iter().any(pending) {
                continue;
            }
            match self.client.ready(from.node, env) {
                Readiness::Ready => self.send_fetch(from, env),
                Readiness::Waiting => {}
                Readiness::NotBefore(at) => retry_at = retry_at.min(at),
            }
        }
        self.targets = readers;
        retry_at
    }

    fn send_fetch(&mut self, from: Leader, env: &mut Env<'_>) {
        let tracks = self.rule.tracks_epochs();
        let version = self.client.version(from.node, ApiKey::Fetch).expect("every release knows Fetch");
        let call = self.client.next_call();
        let mut partitions = Vec::with_capacity(self.subscriptions.partitions.len());
        for assigned in &mut self.subscriptions.partitions {
            let read_here = match reader(assigned, tracks, &self.client.metadata, env.now) {
                Reader::From(reader) => reader.node == from.node,
                Reader::Unknown | Reader::Nobody => false,
            };
            if let FetchState::Fetching(position) = assigned.state
                && read_here
            {
                assigned.fetches.push((call, position.offset));
                partitions.push(FetchPartition {
                    partition: assigned.partition,
                    fetch_offset: position.offset,
                    log_start_offset: None,
                    max_bytes: self.config.max_partition_fetch_bytes,
                    current_leader_epoch: position.leader.and_then(|leader| leader.epoch),
                    last_fetched_epoch: None,
                });
            }
        }
        let request = FetchRequest {
            replica: BrokerId::NONE,
            max_wait: self.config.fetch_max_wait,
            min_bytes: self.config.fetch_min_bytes,
            max_bytes: self.config.fetch_max_bytes,
            rack: self.config.client_rack.clone(),
            partitions,
        }
        .for_version(version);
        let sent = self.client.send(from.node, version, request.into(), true, env);
        assert_eq!(sent, call, "the call was announced");
        self.calls.push(PendingCall { call, node: from.node, broker: from.broker, purpose: Purpose::Fetch });
    }

    /// A fetch was answered.
    pub(super) fn on_fetch_response(
        &mut self,
        call: CallId,
        broker: BrokerId,
        response: FetchResponse,
        env: &mut Env<'_>,
    ) {
        for fetched in response.partitions {
            self.on_fetched(call, broker, fetched, env);
        }
        self.forget_fetch(call);
    }

    /// A fetch is over, whatever came of it.
    pub(super) fn forget_fetch(&mut self, call: CallId) {
        for assigned in &mut self.subscriptions.partitions {
            assigned.fetches.retain(|(fetch, _)| *fetch != call);
        }
    }

    /// What a fetch brought of one partition.
    fn on_fetched(&mut self, call: CallId, broker: BrokerId, fetched: FetchedPartition, env: &mut Env<'_>) {
        let Some(assigned) = self.subscriptions.find(fetched.partition) else { return };
        let asked = assigned.fetches.iter().find(|(fetch, _)| *fetch == call);
        let Some(fetch_offset) = asked.map(|(_, offset)| *offset) else { return };
        let FetchState::Fetching(position) = assigned.state else { return };
        if let Some(error) = fetched.error {
            self.on_fetch_refused(fetched, error, fetch_offset, position, env);
        } else if position.offset == fetch_offset {
            self.take_records(fetched, position, broker, env);
        }
    }

    /// Returns records to the application and moves the position behind them.
    fn take_records(
        &mut self,
        mut fetched: FetchedPartition,
        position: Position,
        broker: BrokerId,
        env: &mut Env<'_>,
    ) {
        let partition = fetched.partition;
        let assigned = self.subscriptions.find(partition).expect("found by the caller");
        assigned.refused = None;
        if let Some(replica) = fetched.preferred_replica {
            let until = env.now + self.config.metadata_max_age;
            if assigned.preferred_replica.is_none_or(|(known, _)| known != replica) {
                assigned.preferred_replica = Some((replica, until));
            }
        }
        let valid = fetched.records.iter().take_while(|batch| batch.is_valid()).count();
        let is_corrupt = valid < fetched.records.len();
        fetched.records.truncate(valid);
        let planted = self.planted;
        let next = fetched.records.last().map(|batch| {
            let next = after(batch, position);
            let ahead = i64::from(planted.skips_a_record(next.offset));
            Position { offset: next.offset + ahead, ..next }
        });
        if let Some(next) = next.filter(|next| next.offset > position.offset) {
            // The position changes, the state does not: nothing that was asked becomes out of date.
            assigned.state = FetchState::Fetching(next);
            env.push(Effect::Deliver(Delivery::Polled {
                partition,
                from: position.offset,
                position: next.offset,
                batches: fetched.records,
                broker,
                high_watermark: fetched.high_watermark,
            }));
        }
        if is_corrupt {
            assigned.transition(FetchState::Stopped);
            let (offset, error) = (next.unwrap_or(position).offset, KafkaError::CorruptMessage);
            env.note(|| Note::Client(ClientNote::FetchRefused { partition, offset, error }));
        }
        if next.is_some() {
            self.subscriptions.move_to_end(partition);
        }
    }

    fn on_fetch_refused(
        &mut self,
        fetched: FetchedPartition,
        error: KafkaError,
        fetch_offset: Offset,
        position: Position,
        env: &mut Env<'_>,
    ) {
        let partition = fetched.partition;
        let policy = self.config.auto_offset_reset;
        let assigned = self.subscriptions.find(partition).expect("found by the caller");
        if assigned.refused.replace(error) != Some(error) {
            let offset = fetch_offset;
            env.note(|| Note::Client(ClientNote::FetchRefused { partition, offset, error }));
        }
        match error {
            _ if self.planted.resets_on_any_refusal() => {
                assigned.transition(FetchState::AwaitReset {
                    to: End::Earliest,
                    from: Some(position.offset),
                    by_policy: true,
                });
            }
            // A follower may not have what the leader has: the leader decides.
            KafkaError::OffsetOutOfRange if assigned.preferred_replica.take().is_some() => {}
            KafkaError::OffsetOutOfRange if fetch_offset != position.offset => {}
            KafkaError::OffsetOutOfRange => {
                if !assigned.reset_by_policy(policy) {
                    let position = position.offset;
                    env.push(Effect::Deliver(Delivery::OffsetOutOfRange { partition, position }));
                }
            }
            // The broker knows a newer leader than this consumer has asked for: it will learn of it by itself.
            KafkaError::UnknownLeaderEpoch | KafkaError::UnknownServerError => {}
            _ => self.client.metadata.request_update(),
        }
        self.subscriptions.move_to_end(partition);
    }
}

/// Behind a batch.
fn after(batch: &RecordBatch, position: Position) -> Position {
    let epoch = batch.header.partition_leader_epoch;
    let offset_epoch = Some(epoch).filter(|epoch| *epoch != LeaderEpoch::NONE);
    Position { offset: batch.header.next_offset(), offset_epoch, leader: position.leader }
}

/// From whom a partition is read now (`selectReadReplica`).
fn reader(assigned: &mut AssignedPartition, tracks_epochs: bool, metadata: &Metadata, now: Time) -> Reader {
    let FetchState::Fetching(position) = &mut assigned.state else { return Reader::Nobody };
    let leader = if tracks_epochs {
        if position.leader.is_none() {
            position.leader = metadata.leader(assigned.partition);
        }
        position.leader
    } else {
        metadata.leader(assigned.partition)
    };
    let Some(leader) = leader else { return Reader::Unknown };
    let preferred = assigned.preferred_replica.filter(|(_, until)| now <= *until).map(|(replica, _)| replica);
    match preferred.map(|broker| (broker, metadata.node_of(broker))) {
        Some((broker, Some(node))) => Reader::From(Leader { broker, node, epoch: leader.epoch }),
        _ => {
            assigned.preferred_replica = None;
            Reader::From(leader)
        }
    }
}
