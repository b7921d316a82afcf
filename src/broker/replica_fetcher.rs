//! One fetcher (`ReplicaFetcherThread`, `AbstractFetcherThread`): pulls the partitions that this broker follows from
//! one leader.
//!
//! One request is under way at a time, on one connection. Whenever none is, the fetcher takes the first of these:
//!
//! 1. A partition whose fetch was refused as out of range: ask the leader's log end, and perhaps its start
//!    (ListOffsets), and cut by the rule `follower-out-of-range`.
//! 2. Partitions that have to cut their log first: one OffsetsForLeaderEpoch for all of them (up to 2.7), and cut by
//!    the rule `truncation`.
//! 3. The rest: one Fetch for all of them. What comes is appended; a diverging epoch in it (2.8 on) cuts, before
//!    or after the leader's high watermark is taken in (rule `high-watermark-before-cut`).
//!
//! A partition with an error is left alone for `replica.fetch.backoff.ms`. A fetch that fails as a whole puts the
//! fetcher to sleep for that long, and its partitions for as long again: Kafka doubles the delay, too. A partition
//! that is added ends the sleep.
//!
//! A response counts for a partition only if that is still where the request said it was. A leader that says "fenced"
//! makes the fetcher forget the partition until the controller speaks again.
//!
//! A batch that cannot be appended ends the fetcher up to 2.2 (rule `failed-append`): the thread is gone, and who adds
//! partitions to it finds nothing amiss.
//!
//! Left out: fetch sessions (KIP-227), throttling, the failed-partitions count, resizing. In Kafka the questions of
//! point 1 are asked under a lock that holds up LeaderAndIsr; here a partition that is taken away meanwhile is simply
//! forgotten.

use crate::broker::fetch_state::{FetchState, FetchStates, Phase};
use crate::broker::fetcher_manager::Calls;
use crate::broker::replica_manager::ReplicaManager;
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::partition_log::LogError;
use crate::messages::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchedPartition};
use crate::messages::list_offsets::OffsetQuery;
use crate::messages::offsets_for_leader_epoch::EpochEndOffset;
use crate::messages::{ApiKey, Request, Response};
use crate::node::{Channel, ChannelEvent, Disconnected, Effect, Env};
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::fenced_follower;
use crate::rules::truncation::{self, Beginning};
use crate::time::Time;
use std::sync::Arc;

/// One fetcher.
#[derive(Clone, Debug)]
pub struct ReplicaFetcher {
    pub(super) leader: BrokerId,
    id: u8,
    node: NodeId,
    pub(super) config: Arc<BrokerConfig>,
    pub(super) connection: Connection,
    pub(super) partitions: FetchStates,
    /// Refused as out of range, in the epoch of the refused fetch; the first is asked about.
    pub(super) out_of_range: Vec<(TopicPartition, LeaderEpoch)>,
    errand: Option<Errand>,
    /// What the fetch under way asks for: partition, offset, epoch.
    fetching: Vec<(TopicPartition, Offset, LeaderEpoch)>,
    asleep: Option<Asleep>,
    /// Its thread has ended: it keeps its partitions and does nothing for them any more.
    ended: bool,
}

#[derive(Copy, Clone, Debug)]
pub(super) enum Connection {
    Closed,
    Connecting {
        give_up: Time,
    },
    Connected(Versions),
    /// Calls on it have been answered with nothing; the event that says so is on its way.
    Lost,
}

#[derive(Copy, Clone, Debug)]
pub(super) struct Versions {
    pub(super) fetch: i16,
    pub(super) list_offsets: i16,
    pub(super) questions: Option<i16>,
}

/// What is under way.
#[derive(Clone, Debug)]
struct Errand {
    call: CallId,
    give_up: Time,
    kind: ErrandKind,
}

#[derive(Clone, Debug)]
pub(super) enum ErrandKind {
    Fetch,
    /// Partition, epoch asked about, epoch in which it was asked.
    Questions(Vec<(TopicPartition, LeaderEpoch, LeaderEpoch)>),
    LeaderEnd,
    LeaderStart,
}

/// After a fetch that failed as a whole.
#[derive(Clone, Debug)]
struct Asleep {
    until: Time,
    failed: Vec<TopicPartition>,
}

/// What to do next.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Next {
    AskLeaderEnd,
    AskEpochEnds,
    Fetch,
}

impl ReplicaFetcher {
    /// A fetcher without partitions, not connected.
    pub fn new(key: (BrokerId, u8), node: NodeId, config: &Arc<BrokerConfig>) -> ReplicaFetcher {
        ReplicaFetcher {
            leader: key.0,
            id: key.1,
            node,
            config: Arc::clone(config),
            connection: Connection::Closed,
            partitions: FetchStates::default(),
            out_of_range: Vec::new(),
            errand: None,
            fetching: Vec::new(),
            asleep: None,
            ended: false,
        }
    }

    /// Whom it fetches from, and which of the fetchers to that broker it is.
    pub fn key(&self) -> (BrokerId, u8) {
        (self.leader, self.id)
    }

    /// Where that broker is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Whether this is its connection.
    pub fn is_on(&self, to: NodeId, id: u8) -> bool {
        self.node == to && self.id == id
    }

    /// Whether it waits for this call.
    pub fn awaits(&self, call: CallId) -> bool {
        self.errand.as_ref().is_some_and(|errand| errand.call == call)
    }

    /// Whether it may be shut down: nothing to fetch, and nothing still to be heard of its connection.
    pub fn is_idle(&self) -> bool {
        self.partitions.is_empty() && !matches!(self.connection, Connection::Lost)
    }

    /// Takes a partition in, from the replica's state as it now is. Ends a sleep.
    pub fn add(
        &mut self,
        partition: TopicPartition,
        epoch: LeaderEpoch,
        era: &Era,
        replicas: &ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let replica = replicas.partition(partition).expect("a partition that is fetched is hosted");
        let newest = replica.log.latest_epoch();
        let rules = &era.rules;
        let (phase, offset) =
            match truncation::begin(rules.truncation, rules.empty_epoch_cache, newest, true, true) {
                Beginning::Fetch => (Phase::Fetching, replica.log.end_offset()),
                Beginning::Ask(_) | Beginning::CutAtHighWatermark => {
                    (Phase::Truncating, replica.high_watermark)
                }
            };
        self.wake_up(env.now);
        self.partitions.put(FetchState {
            partition,
            offset,
            epoch,
            last_fetched_epoch: newest,
            phase,
            delayed_until: Time::ZERO,
        });
    }

    /// Forgets a partition.
    pub fn remove(&mut self, partition: TopicPartition) {
        self.partitions.remove(partition);
        // The first one may be asked about right now: its answer must still find it.
        let first_asked = usize::from(self.is_asking_offsets());
        let mut index = 0;
        self.out_of_range.retain(|(refused, _)| {
            index += 1;
            index <= first_asked || *refused != partition
        });
    }

    /// Closes the connection.
    pub fn shut_down(&mut self, env: &mut Env<'_>) {
        if matches!(self.connection, Connection::Connecting { .. } | Connection::Connected(_)) {
            self.disconnect(env);
        }
    }

    /// Does what is to be done next, until something is under way or there is nothing.
    pub fn run(&mut self, calls: &mut Calls, replicas: &mut ReplicaManager, env: &mut Env<'_>) {
        while self.errand.is_none() && self.asleep.is_none() {
            let Some(next) = self.next(env.now) else { return };
            match self.connection {
                Connection::Closed => {
                    env.push(Effect::Connect { to: self.node, channel: self.channel() });
                    let give_up = env.now + self.config.replica_socket_timeout;
                    self.connection = Connection::Connecting { give_up };
                    return;
                }
                Connection::Connecting { .. } | Connection::Lost => return,
                Connection::Connected(versions) => match next {
                    Next::AskLeaderEnd => {
                        self.ask_offset(OffsetQuery::Latest, ErrandKind::LeaderEnd, versions, calls, env);
                    }
                    Next::AskEpochEnds => self.ask_epoch_ends(versions, calls, replicas, env),
                    Next::Fetch => self.fetch(versions, calls, replicas, env),
                },
            }
        }
    }

    /// Its channel changed.
    pub fn on_channel(
        &mut self,
        event: ChannelEvent,
        calls: &mut Calls,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        match (event, self.connection) {
            (ChannelEvent::Connected { peer }, Connection::Connecting { .. }) => {
                self.on_connected(&peer, &calls.era, replicas);
            }
            (ChannelEvent::Failed, Connection::Connecting { .. }) => {
                self.connection = Connection::Closed;
                self.on_connect_failed(env);
            }
            (ChannelEvent::Disconnected, Connection::Connected(_) | Connection::Lost) => {
                self.connection = Connection::Closed;
            }
            // Of a connection that was given up before.
            _ => return,
        }
        self.run(calls, replicas, env);
    }

    /// The call under way was answered.
    pub fn on_answer(
        &mut self,
        answer: Result<Response, Disconnected>,
        calls: &mut Calls,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let Some(errand) = self.errand.take() else { return };
        match (answer, errand.kind) {
            (Ok(Response::Fetch(response)), ErrandKind::Fetch) => {
                self.on_fetched(&response, &calls.era, replicas, env);
            }
            (Ok(Response::OffsetsForLeaderEpoch(response)), ErrandKind::Questions(asked)) => {
                self.on_epoch_ends(&asked, &response, &calls.era, replicas, env);
            }
            (
                Ok(Response::ListOffsets(response)),
                kind @ (ErrandKind::LeaderEnd | ErrandKind::LeaderStart),
            ) => {
                self.on_offset(&kind, &response, calls, replicas, env);
            }
            (_, kind) => {
                if let Connection::Connected(_) = self.connection {
                    self.connection = Connection::Lost;
                }
                self.on_failed(kind, env);
            }
        }
        self.run(calls, replicas, env);
    }

    /// Time has passed.
    pub fn on_wake(&mut self, calls: &mut Calls, replicas: &mut ReplicaManager, env: &mut Env<'_>) {
        let now = env.now;
        if self.errand.as_ref().is_some_and(|errand| errand.give_up <= now) {
            // `request.timeout.ms`: the answer to the call is now that there is none.
            self.disconnect(env);
            if let Some(errand) = &mut self.errand {
                errand.give_up = Time::NEVER;
            }
        }
        if matches!(self.connection, Connection::Connecting { give_up } if give_up <= now) {
            self.disconnect(env);
            self.on_connect_failed(env);
        }
        if self.asleep.as_ref().is_some_and(|asleep| asleep.until <= now) {
            self.wake_up(now);
        }
        self.run(calls, replicas, env);
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        let moment = match (&self.errand, self.connection, &self.asleep) {
            (Some(errand), ..) => errand.give_up,
            (None, Connection::Connecting { give_up }, _) => give_up,
            (None, Connection::Lost, _) => Time::NEVER,
            (None, _, Some(asleep)) => asleep.until,
            (None, _, None) if self.ended => Time::NEVER,
            (None, _, None) => self.partitions.first_ready()?,
        };
        (moment != Time::NEVER).then_some(moment)
    }

    fn next(&self, now: Time) -> Option<Next> {
        if self.ended {
            None
        } else if !self.out_of_range.is_empty() {
            Some(Next::AskLeaderEnd)
        } else if self.partitions.iter().any(|state| state.is_ready(Phase::Truncating, now)) {
            Some(Next::AskEpochEnds)
        } else if self.partitions.iter().any(|state| state.is_ready(Phase::Fetching, now)) {
            Some(Next::Fetch)
        } else {
            None
        }
    }

    fn channel(&self) -> Channel {
        Channel::Fetcher(self.id)
    }

    fn is_asking_offsets(&self) -> bool {
        let kind = self.errand.as_ref().map(|errand| &errand.kind);
        matches!(kind, Some(ErrandKind::LeaderEnd | ErrandKind::LeaderStart))
    }

    fn disconnect(&mut self, env: &mut Env<'_>) {
        env.push(Effect::Disconnect { to: self.node, channel: self.channel() });
        self.connection = Connection::Closed;
    }

    pub(super) fn send(
        &mut self,
        kind: ErrandKind,
        version: i16,
        request: Request,
        calls: &mut Calls,
        env: &mut Env<'_>,
    ) {
        let call = calls.new_call();
        env.push(Effect::Send {
            to: self.node,
            channel: self.channel(),
            call,
            version,
            expects_answer: true,
            request,
        });
        self.errand = Some(Errand { call, give_up: env.now + self.config.request_timeout, kind });
    }

    fn on_connected(&mut self, peer: &Era, own: &Era, replicas: &ReplicaManager) {
        let versions = Versions {
            fetch: truncation::fetch_version(own, peer),
            list_offsets: ApiKey::ListOffsets.version(own, peer).unwrap_or(0),
            questions: truncation::questions_version(own, peer),
        };
        self.connection = Connection::Connected(versions);
        // A leader too old to find divergence in a fetch has to be asked, after all.
        let finds = truncation::fetch_finds_divergence(versions.fetch);
        if truncation::cuts_on_fetch(own.rules.truncation) && !finds {
            let states: Vec<FetchState> = self.partitions.iter().copied().collect();
            for state in states {
                let replica = replicas.partition(state.partition).expect("hosted while fetched");
                let offset = replica.high_watermark;
                self.partitions.put(FetchState { phase: Phase::Truncating, offset, ..state });
            }
        }
    }

    /// Nobody answers at the leader's address: what was to be done next has failed.
    fn on_connect_failed(&mut self, env: &mut Env<'_>) {
        match self.next(env.now) {
            Some(Next::AskLeaderEnd) => self.on_failed(ErrandKind::LeaderEnd, env),
            Some(Next::AskEpochEnds) => {
                let now = env.now;
                let asking = self.partitions.iter().filter(|state| state.is_ready(Phase::Truncating, now));
                let asked = asking.map(|state| (state.partition, LeaderEpoch::NONE, state.epoch)).collect();
                self.on_failed(ErrandKind::Questions(asked), env);
            }
            Some(Next::Fetch) => self.on_failed(ErrandKind::Fetch, env),
            None => {}
        }
    }

    /// A request got no answer.
    fn on_failed(&mut self, kind: ErrandKind, env: &mut Env<'_>) {
        match kind {
            ErrandKind::Fetch => {
                let failed = self.partitions.iter().map(|state| state.partition).collect();
                self.asleep = Some(Asleep { until: env.now + self.config.replica_fetch_backoff, failed });
            }
            ErrandKind::Questions(asked) => {
                asked.iter().for_each(|(partition, ..)| self.delay(*partition, env.now));
            }
            ErrandKind::LeaderEnd | ErrandKind::LeaderStart => {
                let (partition, _) = self.out_of_range.remove(0);
                self.delay(partition, env.now);
            }
        }
    }

    fn wake_up(&mut self, now: Time) {
        if let Some(asleep) = self.asleep.take() {
            asleep.failed.iter().for_each(|partition| self.delay(*partition, now));
        }
    }

    pub(super) fn delay(&mut self, partition: TopicPartition, now: Time) {
        self.partitions.delay(partition, now, now + self.config.replica_fetch_backoff);
    }
}

/// Fetching.
impl ReplicaFetcher {
    fn fetch(&mut self, versions: Versions, calls: &mut Calls, replicas: &ReplicaManager, env: &mut Env<'_>) {
        self.fetching.clear();
        let mut partitions = Vec::with_capacity(self.partitions.len());
        let finds_divergence = truncation::cuts_on_fetch(calls.era.rules.truncation);
        for state in self.partitions.iter().filter(|state| state.is_ready(Phase::Fetching, env.now)) {
            let replica = replicas.partition(state.partition).expect("hosted while fetched");
            self.fetching.push((state.partition, state.offset, state.epoch));
            partitions.push(FetchPartition {
                partition: state.partition,
                fetch_offset: state.offset,
                log_start_offset: Some(replica.log.start_offset()),
                max_bytes: self.config.replica_fetch_max_bytes,
                current_leader_epoch: Some(state.epoch),
                last_fetched_epoch: state.last_fetched_epoch.filter(|_| finds_divergence),
            });
        }
        let request = FetchRequest {
            replica: self.config.id,
            max_wait: self.config.replica_fetch_wait_max,
            min_bytes: self.config.replica_fetch_min_bytes,
            max_bytes: self.config.replica_fetch_response_max_bytes,
            rack: None,
            partitions,
        };
        let request = request.for_version(versions.fetch).into();
        self.send(ErrandKind::Fetch, versions.fetch, request, calls, env);
    }

    fn on_fetched(
        &mut self,
        response: &FetchResponse,
        era: &Era,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let (mut refused, mut diverged) = (Vec::new(), Vec::new());
        let fetching = std::mem::take(&mut self.fetching);
        for fetched in &response.partitions {
            let partition = fetched.partition;
            let asked = fetching.iter().find(|(asked, ..)| *asked == partition);
            let Some((&(_, offset, epoch), state)) = asked.zip(self.partitions.get(partition)) else {
                continue;
            };
            // Taken away and added again, or delayed, while the fetch was under way.
            if state.offset != offset || !state.is_ready(Phase::Fetching, env.now) {
                continue;
            }
            match fetched.error {
                None => {
                    let cuts = truncation::cuts_on_fetch(era.rules.truncation);
                    let found = fetched.diverging_epoch.filter(|_| cuts);
                    if let Some(found) = found.filter(|_| !era.rules.high_watermark_before_cut.takes()) {
                        diverged.push((partition, found));
                        continue;
                    }
                    let appended = self.append(*state, fetched, era, replicas, env);
                    if self.ended {
                        break;
                    }
                    if !appended {
                        refused.push(partition);
                    } else {
                        diverged.extend(found.map(|found| (partition, found)));
                    }
                }
                Some(error) => {
                    let leader = self.leader;
                    env.note(|| {
                        Note::Replica(partition, ReplicaNote::FetchRefused { leader, offset, error })
                    });
                    match error {
                        KafkaError::OffsetOutOfRange => self.out_of_range.push((partition, epoch)),
                        KafkaError::FencedLeaderEpoch => self.on_fenced(partition, epoch, era, env),
                        _ => refused.push(partition),
                    }
                }
            }
        }
        self.fetching = fetching;
        for (partition, found) in diverged {
            let answer = EpochEndOffset { leader_epoch: Some(found.epoch), end_offset: found.end_offset };
            self.cut(partition, answer, true, era, replicas, env);
        }
        refused.iter().for_each(|partition| self.delay(*partition, env.now));
    }

    /// Appends what came for one partition. False if it is to be tried again later.
    fn append(
        &mut self,
        state: FetchState,
        fetched: &FetchedPartition,
        era: &Era,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) -> bool {
        let rule = era.rules.failed_append;
        let appended = replicas.follower_append(
            state.partition,
            &fetched.records,
            self.leader,
            fetched.high_watermark,
            fetched.log_start_offset,
            env,
        );
        match appended {
            Ok(()) => {
                if let Some(last) = fetched.records.last() {
                    self.partitions.put(FetchState {
                        offset: last.header.next_offset(),
                        last_fetched_epoch: Some(last.header.partition_leader_epoch),
                        ..state
                    });
                }
                true
            }
            Err(LogError::Corrupt) => false,
            Err(LogError::NotNext | LogError::TooLarge | LogError::LargerThanSegment)
                if rule.ends_fetcher() =>
            {
                let (leader, decided) = (self.leader, Decided::by(rule));
                let note = ReplicaNote::FetcherEnded { leader, decided };
                env.note(|| Note::Replica(state.partition, note));
                self.ended = true;
                true
            }
            // The partition has failed: nothing more until the controller speaks.
            Err(_) => {
                self.partitions.remove(state.partition);
                true
            }
        }
    }

    pub(super) fn on_fenced(
        &mut self,
        partition: TopicPartition,
        asked_in: LeaderEpoch,
        era: &Era,
        env: &mut Env<'_>,
    ) {
        let Some(state) = self.partitions.get(partition) else { return };
        if fenced_follower::stops(era.rules.fenced_follower, asked_in, state.epoch) {
            self.partitions.remove(partition);
        } else {
            self.delay(partition, env.now);
        }
    }
}
