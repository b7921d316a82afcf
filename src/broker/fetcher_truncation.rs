//! Where a fetcher cuts a partition's log: by the end of an epoch, by a diverging fetch, or because its fetch offset is
//! outside the leader's log (`maybeTruncate`, `truncateOnFetchResponse`, `fetchOffsetAndTruncate`).
//!
//! The decisions are the rules `truncation` and `follower-out-of-range`; here they are asked for and carried out.

use crate::broker::fetch_state::{FetchState, FetchStates, Phase};
use crate::broker::fetcher_manager::Calls;
use crate::broker::replica_fetcher::{Connection, ErrandKind, ReplicaFetcher, Versions};
use crate::broker::replica_manager::ReplicaManager;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::messages::list_offsets::{ListOffsetsRequest, ListOffsetsResponse, OffsetQuery};
use crate::messages::offsets_for_leader_epoch::{
    EpochEndOffset, EpochQuestion, OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse,
};
use crate::node::{Effect, Env, ExitReason};
use crate::note::{Decided, Note, ReplicaNote};
use crate::rules::follower_out_of_range::{self, OutOfRange};
use crate::rules::overtaken_follower::{self, Restart};
use crate::rules::stale_epoch_answer;
use crate::rules::truncation::{self, Beginning, Cut, FollowerLog};
use std::sync::Arc;

/// Finding out where to cut.
impl ReplicaFetcher {
    pub(super) fn ask_epoch_ends(
        &mut self,
        versions: Versions,
        calls: &mut Calls,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let rules = calls.era.rules;
        let finds = truncation::fetch_finds_divergence(versions.fetch);
        let now = env.now;
        let waiting: Vec<FetchState> =
            self.partitions.iter().filter(|state| state.is_ready(Phase::Truncating, now)).copied().collect();
        let mut asked = Vec::new();
        for state in waiting {
            let replica = replicas.partition(state.partition).expect("hosted while fetched");
            let newest = replica.log.latest_epoch();
            let questions = versions.questions.is_some();
            match truncation::begin(rules.truncation, rules.empty_epoch_cache, newest, questions, finds) {
                Beginning::Ask(epoch) => asked.push((state.partition, epoch, state.epoch)),
                Beginning::CutAtHighWatermark => {
                    let decided = match newest {
                        None if questions => Decided::by(rules.empty_epoch_cache),
                        _ => Decided::by(rules.truncation),
                    };
                    let to = state.offset.min(replica.log.end_offset());
                    self.cut_to(state, to, Phase::Fetching, decided, replicas, env);
                }
                Beginning::Fetch => {
                    let offset = replica.log.end_offset();
                    let phase = Phase::Fetching;
                    self.partitions.put(FetchState { phase, offset, last_fetched_epoch: newest, ..state });
                }
            }
        }
        let Some(version) = versions.questions.filter(|_| !asked.is_empty()) else { return };
        let leader = self.leader;
        for (partition, epoch, _) in &asked {
            env.note(|| Note::Replica(*partition, ReplicaNote::AskedEpochEnd { leader, epoch: *epoch }));
        }
        let questions = asked.iter().map(|(partition, leader_epoch, current)| EpochQuestion {
            partition: *partition,
            current_leader_epoch: Some(*current),
            leader_epoch: *leader_epoch,
        });
        let request =
            OffsetsForLeaderEpochRequest { replica: self.config.id, partitions: questions.collect() };
        let request = request.for_version(version).into();
        self.send(ErrandKind::Questions(asked), version, request, calls, env);
    }

    pub(super) fn on_epoch_ends(
        &mut self,
        asked: &[(TopicPartition, LeaderEpoch, LeaderEpoch)],
        response: &OffsetsForLeaderEpochResponse,
        era: &Era,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let leader = self.leader;
        for (partition, epoch, asked_in) in asked.iter().copied() {
            let Some(state) = self.partitions.get(partition) else { continue };
            let counts = stale_epoch_answer::counts(era.rules.stale_epoch_answer, asked_in, state.epoch);
            if state.phase != Phase::Truncating || !counts {
                continue;
            }
            let answer = response.partitions.iter().find(|(answered, _)| *answered == partition);
            let Some((_, answer)) = answer else {
                self.delay(partition, env.now);
                continue;
            };
            let told = *answer;
            env.note(|| {
                Note::Replica(partition, ReplicaNote::ToldEpochEnd { leader, asked: epoch, answer: told })
            });
            match told {
                Ok(end) => self.cut(partition, end, false, era, replicas, env),
                Err(KafkaError::FencedLeaderEpoch) => self.on_fenced(partition, asked_in, era, env),
                Err(_) => self.delay(partition, env.now),
            }
        }
    }

    /// Cuts where the leader's answer says. `diverging`: the answer came with a fetch.
    pub(super) fn cut(
        &mut self,
        partition: TopicPartition,
        answer: EpochEndOffset,
        diverging: bool,
        era: &Era,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let Some(&state) = self.partitions.get(partition) else { return };
        let replica = replicas.partition(partition).expect("hosted while fetched");
        let rule = era.rules.truncation;
        let follower = FollowerLog {
            high_watermark: state.offset,
            end: replica.log.end_offset(),
            epochs: replica.log.epochs(),
        };
        let cut = truncation::decide(rule, era.rules.earliest_epoch, answer, follower);
        let (Cut::To(to) | Cut::ToAndAskAgain(to)) = cut;
        let planted = era.rules.planted;
        let to = if planted.cuts_at_the_high_watermark() { replica.high_watermark } else { to };
        let to = if planted.cuts_one_short() { replica.log.end_offset().min(to + 1) } else { to };
        let fetches = truncation::fetches_after_cut(rule, cut, diverging);
        let phase = if fetches { Phase::Fetching } else { Phase::Truncating };
        self.cut_to(state, to, phase, Decided::by(rule), replicas, env);
    }

    pub(super) fn cut_to(
        &mut self,
        state: FetchState,
        to: Offset,
        phase: Phase,
        decided: Decided,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        match replicas.truncate(state.partition, to, decided, env) {
            Ok(()) => self.go_on(state, phase, replicas),
            // The partition has failed: nothing more until the controller speaks.
            Err(_) => self.partitions.remove(state.partition),
        }
    }

    /// Goes on from the log end as it now is.
    pub(super) fn go_on(&mut self, state: FetchState, phase: Phase, replicas: &ReplicaManager) {
        let log = &replicas.partition(state.partition).expect("hosted while fetched").log;
        let (offset, last_fetched_epoch) = (log.end_offset(), log.latest_epoch());
        self.partitions.put(FetchState { offset, last_fetched_epoch, phase, ..state });
    }
}

/// Out of range.
impl ReplicaFetcher {
    pub(super) fn ask_offset(
        &mut self,
        query: OffsetQuery,
        kind: ErrandKind,
        versions: Versions,
        calls: &mut Calls,
        env: &mut Env<'_>,
    ) {
        let (partition, epoch) = self.out_of_range[0];
        let partitions = vec![(partition, query, Some(epoch))];
        let request = ListOffsetsRequest { replica: self.config.id, partitions };
        let version = versions.list_offsets;
        self.send(kind, version, request.for_version(version).into(), calls, env);
    }

    pub(super) fn on_offset(
        &mut self,
        kind: &ErrandKind,
        response: &ListOffsetsResponse,
        calls: &mut Calls,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        let (partition, epoch) = self.out_of_range[0];
        let answer = response.partitions.iter().find(|(answered, _)| *answered == partition);
        let state = self.partitions.get(partition).filter(|state| state.epoch == epoch).copied();
        let era = Arc::clone(&calls.era);
        let (Some((_, answer)), Some(state)) = (answer, state) else {
            self.out_of_range.remove(0);
            return;
        };
        let listed = match answer {
            Ok(listed) => listed.offset,
            Err(error) => {
                self.out_of_range.remove(0);
                return match error {
                    KafkaError::FencedLeaderEpoch => self.on_fenced(partition, epoch, &era, env),
                    _ => self.delay(partition, env.now),
                };
            }
        };
        let (rule, overtaken) = (era.rules.follower_out_of_range, era.rules.overtaken_follower);
        let replica = replicas.partition(partition).expect("hosted while fetched");
        let end = replica.log.end_offset();
        if let ErrandKind::LeaderStart = kind {
            self.out_of_range.remove(0);
            match overtaken_follower::decide(overtaken, listed, end) {
                Restart::Continue => self.go_on(state, Phase::Fetching, replicas),
                Restart::StartAt(start) => {
                    match replicas.truncate_fully_and_start_at(partition, start, Decided::by(overtaken), env)
                    {
                        Ok(()) => self.go_on(state, Phase::Fetching, replicas),
                        Err(_) => self.partitions.remove(partition),
                    }
                }
            }
            return;
        }
        match follower_out_of_range::decide(rule, listed, end, replica.log.config().unclean_leader_election) {
            OutOfRange::Halt => {
                self.out_of_range.clear();
                self.partitions = FetchStates::default();
                env.push(Effect::Exit(ExitReason::FollowerAheadOfLeader));
            }
            OutOfRange::TruncateTo(to) => {
                self.out_of_range.remove(0);
                self.cut_to(state, to, Phase::Fetching, Decided::by(rule), replicas, env);
            }
            OutOfRange::AskLeaderStart => {
                if let Connection::Connected(versions) = self.connection {
                    self.ask_offset(OffsetQuery::Earliest, ErrandKind::LeaderStart, versions, calls, env);
                }
            }
        }
    }
}
