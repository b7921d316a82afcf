//! The coordinator by itself: a bench with a log, and a situation table for each release that differs.

mod static_members;

use super::coordinator::{Asker, GroupCoordinator, Store};
use super::metadata::GroupState;
use super::partition_for;
use super::records::Key;
use crate::command::ProducerRecord;
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, ConnectionId, Offset, TopicPartition};
use crate::log::batch::{MessageFormat, RecordBatch, RecordSet};
use crate::messages::Response;
use crate::messages::heartbeat::HeartbeatRequest;
use crate::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::messages::leave_group::{LeaveGroupRequest, LeavingMember};
use crate::messages::offset_commit::{OffsetCommitPartition, OffsetCommitRequest};
use crate::messages::offset_fetch::OffsetFetchRequest;
use crate::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::messages::{ApiKey, Request};
use crate::node::{Effect, ReplyTo};
use crate::testing::TestEnv;
use crate::time::{Micros, Time};
use bytes::Bytes;
use std::sync::Arc;

pub(crate) const GROUP: &str = "g";
/// `session.timeout.ms` and `max.poll.interval.ms` of everybody here.
const SESSION: i64 = 10_000;
const REBALANCE: i64 = 60_000;

/// A coordinator that owns every partition, and its log.
pub(crate) struct Bench {
    pub(crate) coordinator: GroupCoordinator,
    pub(crate) era: Era,
    pub(crate) env: TestEnv,
    asked: u32,
    /// What was to be written; completed by hand.
    stores: Vec<Store>,
    log: Vec<RecordBatch>,
}

impl Bench {
    pub(crate) fn of(release: &str) -> Bench {
        Bench::with(release, &[])
    }

    fn with(release: &str, settings: &[(&str, &str)]) -> Bench {
        let era = Era::parse(release).expect("a release");
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = BrokerConfig::new(&era, BrokerId(1), &settings).expect("settings");
        let coordinator = GroupCoordinator::new(&Arc::new(config), &Arc::new(era.clone()));
        let mut bench =
            Bench { coordinator, era, env: TestEnv::new(), asked: 0, stores: Vec::new(), log: Vec::new() };
        let partition = bench.coordinator.partition_of(GROUP);
        bench.coordinator.on_election(partition, Time::ZERO);
        bench.coordinator.on_loaded(partition, &[], &mut bench.env.env());
        bench
    }

    /// Asks, in the newest version; what is answered at once is for this request or for others.
    pub(crate) fn ask(&mut self, request: impl Into<Request>) -> u32 {
        let request = request.into();
        let version = request.api().newest_version(self.era.release).expect("known");
        self.ask_in(version, request)
    }

    fn ask_in(&mut self, version: i16, request: Request) -> u32 {
        self.asked += 1;
        let to = ReplyTo { connection: ConnectionId(1), ordinal: self.asked };
        let asker = Asker { to, version };
        let mut env = self.env.env();
        match request {
            Request::JoinGroup(join) => self.coordinator.on_join(asker, join.for_version(version), &mut env),
            Request::SyncGroup(sync) => self.coordinator.on_sync(asker, sync.for_version(version), &mut env),
            Request::Heartbeat(beat) => {
                self.coordinator.on_heartbeat(asker, &beat.for_version(version), &mut env)
            }
            Request::LeaveGroup(leave) => {
                self.coordinator.on_leave(asker, leave.for_version(version), &mut env)
            }
            Request::OffsetCommit(commit) => {
                self.coordinator.on_offset_commit(asker, commit.for_version(version), Vec::new(), &mut env);
            }
            Request::OffsetFetch(fetch) => {
                self.coordinator.on_offset_fetch(asker, &fetch.for_version(version), &mut env);
            }
            other => unreachable!("{other:?}"),
        }
        self.stores.extend(self.coordinator.take_stores());
        self.asked
    }

    /// The answers since this was asked last, by request.
    pub(crate) fn answers(&mut self) -> Vec<(u32, Response)> {
        let answer = |effect| match effect {
            Effect::Reply { to, response } => Some((to.ordinal, response)),
            _ => None,
        };
        std::mem::take(&mut self.env.effects).into_iter().filter_map(answer).collect()
    }

    fn joined(&mut self) -> Vec<JoinGroupResponse> {
        let join = |(_, response)| match response {
            Response::JoinGroup(join) => Some(join),
            _ => None,
        };
        self.answers().into_iter().filter_map(join).collect()
    }

    fn synced(&mut self) -> Vec<SyncGroupResponse> {
        let sync = |(_, response)| match response {
            Response::SyncGroup(sync) => Some(sync),
            _ => None,
        };
        self.answers().into_iter().filter_map(sync).collect()
    }

    /// Lets time pass, stopping where the coordinator wants to be woken.
    pub(crate) fn wait(&mut self, millis: i64) {
        let until = self.env.now + Micros::from_millis(millis);
        while let Some(deadline) = self.coordinator.deadline().filter(|deadline| *deadline <= until) {
            self.env.now = self.env.now.max(deadline);
            self.coordinator.on_wake(&mut self.env.env());
            self.stores.extend(self.coordinator.take_stores());
        }
        self.env.now = until;
    }

    /// All that was to be written is, or is refused.
    pub(crate) fn complete_stores(&mut self, refused: Option<KafkaError>) {
        for store in std::mem::take(&mut self.stores) {
            let offset = self.log.last().map_or(Offset(0), |last| last.header.next_offset());
            let result = refused.map_or(Ok(offset), Err);
            if refused.is_none() {
                let record = |(key, value)| ProducerRecord { key: Some(key), value, headers: Vec::new() };
                let records: Vec<_> = store.records.into_iter().map(record).collect();
                let set = RecordSet::build_at(MessageFormat::V2, self.env.wall, &records);
                let mut batch = set.entries()[0].clone();
                batch.header.base_offset = offset;
                self.log.push(batch);
            }
            self.coordinator.on_stored(store.ticket, result, &mut self.env.env());
            self.stores.extend(self.coordinator.take_stores());
        }
    }

    /// Somebody new asks to join, and goes on with the id it is told, if it is told one.
    fn join_new(&mut self, client: &str) -> Option<Arc<str>> {
        self.ask(join("", client));
        let refused =
            self.joined().into_iter().find(|answer| answer.error == Some(KafkaError::MemberIdRequired));
        let id = refused.map(|answer| answer.member);
        if let Some(id) = &id {
            self.ask(join(id, client));
        }
        id
    }

    /// A stable group of these clients, in the order of their ids' appearance: the leader is first.
    fn stable(&mut self, clients: &[&str]) -> Vec<Arc<str>> {
        clients.iter().for_each(|client| {
            self.join_new(client);
        });
        while self.state() == GroupState::PreparingRebalance {
            self.wait(500);
        }
        let members = self.members();
        self.env.effects.clear();
        self.sync_all();
        members
    }

    fn members(&self) -> Vec<Arc<str>> {
        self.coordinator
            .group(GROUP)
            .expect("a group")
            .members
            .iter()
            .map(|member| member.id.clone())
            .collect()
    }

    fn sync_all(&mut self) {
        let members = self.members();
        let generation = self.generation();
        let parts = |id: &Arc<str>| (id.clone(), Bytes::from(format!("part of {}", client_of(id))));
        let assignments: Vec<_> = members.iter().map(parts).collect();
        for id in &members {
            let own = if self.coordinator.group(GROUP).expect("a group").is_leader(id) {
                assignments.clone()
            } else {
                vec![]
            };
            self.ask(sync(id, generation, own));
        }
        self.complete_stores(None);
        assert_eq!(self.state(), GroupState::Stable);
    }

    pub(crate) fn state(&self) -> GroupState {
        self.coordinator.group(GROUP).expect("a group").state
    }

    pub(crate) fn generation(&self) -> i32 {
        self.coordinator.group(GROUP).expect("a group").generation
    }

    fn heartbeat(&mut self, id: &Arc<str>, generation: i32) -> Option<KafkaError> {
        self.ask(HeartbeatRequest { group: GROUP.into(), generation, member: id.clone(), instance: None });
        match self.answers().pop() {
            Some((_, Response::Heartbeat(answer))) => answer.error,
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, id: &str, generation: i32, offset: i64) -> Option<KafkaError> {
        self.ask(commit(id, generation, offset));
        self.complete_stores(None);
        match self.answers().pop() {
            Some((_, Response::OffsetCommit(answer))) => answer.partitions[0].1,
            other => panic!("{other:?}"),
        }
    }

    fn fetch(&mut self) -> Result<i64, Option<KafkaError>> {
        let partitions = Some(vec![TopicPartition::new("t", 0)]);
        self.ask(OffsetFetchRequest { group: GROUP.into(), partitions, require_stable: false });
        match self.answers().pop() {
            Some((_, Response::OffsetFetch(answer))) => match answer.partitions.first() {
                Some((_, Ok(committed))) => Ok(committed.offset.0),
                _ => Err(answer.error),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn client_of(id: &str) -> &str {
    &id[..id.len() - 37]
}

fn join(member: &str, client: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group: GROUP.into(),
        client: client.into(),
        session_timeout: Micros::from_millis(SESSION),
        rebalance_timeout: Micros::from_millis(REBALANCE),
        member: member.into(),
        instance: None,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::from(format!("wishes of {client}")))],
        reason: None,
    }
}

fn sync(member: &str, generation: i32, assignments: Vec<(Arc<str>, Bytes)>) -> SyncGroupRequest {
    SyncGroupRequest {
        group: GROUP.into(),
        generation,
        member: member.into(),
        instance: None,
        protocol_type: Some("consumer".into()),
        protocol: Some("range".into()),
        assignments,
    }
}

fn commit(member: &str, generation: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitPartition {
        partition: TopicPartition::new("t", 0),
        offset: Offset(offset),
        leader_epoch: None,
        metadata: "".into(),
    };
    OffsetCommitRequest {
        group: GROUP.into(),
        generation,
        member: member.into(),
        instance: None,
        retention: None,
        partitions: vec![partition],
    }
}

#[test]
fn a_group_belongs_to_a_partition_by_the_hash_of_its_name() {
    for (group, partition) in [("", 0), ("a", 47), ("hello", 22), ("polygenelubricants", 0)] {
        assert_eq!(partition_for(group, 50), partition, "{group}");
    }
}

#[test]
fn the_handshake_in_every_release() {
    for release in ["0.10.2", "0.11.0", "1.1", "2.1", "2.2", "2.3", "2.5", "2.8", "3.2", "3.9"] {
        let mut bench = Bench::of(release);
        let asks_first = bench.join_new("a").is_some();
        bench.join_new("b");
        let version = ApiKey::JoinGroup.newest_version(bench.era.release).expect("known");
        assert_eq!(asks_first, version >= 4, "{release}: KIP-394");
        let delayed = bench.joined();
        if release == "0.10.2" {
            // KIP-134 is not there yet: the first is a generation of its own, and asked to join again.
            assert_eq!((bench.generation(), bench.state()), (1, GroupState::PreparingRebalance));
            let first = bench.members()[0].clone();
            bench.ask(join(&first, "a"));
        } else {
            assert!(delayed.is_empty(), "{release}: the first of a group waits for others");
            bench.wait(3_000 + 3_000);
        }
        let joined = bench.joined();
        assert_eq!(joined.len(), 2, "{release}");
        let leader = joined.iter().find(|answer| !answer.members.is_empty()).expect("somebody leads");
        assert_eq!(leader.members.len(), 2, "{release}");
        assert!(joined.iter().all(|answer| answer.leader == leader.member), "{release}");
        assert_eq!(leader.members[1].subscription, "wishes of b", "{release}");
        let generation = leader.generation;
        assert_eq!(bench.state(), GroupState::CompletingRebalance);
        assert_eq!(leader.protocol_type.is_some(), version >= 7, "{release}: KIP-559");

        // The other asks first and waits; the leader's assignment has to be written before anybody hears of it.
        let members = bench.members();
        bench.ask(sync(&members[1], generation, Vec::new()));
        let parts = vec![(members[1].clone(), Bytes::from_static(b"all"))];
        bench.ask(sync(&members[0], generation, parts));
        assert!(bench.answers().is_empty(), "{release}: not written yet");
        bench.complete_stores(None);
        let synced: Vec<Bytes> = bench.synced().into_iter().map(|answer| answer.assignment).collect();
        assert_eq!(synced, [Bytes::new(), Bytes::from_static(b"all")], "{release}");
        assert_eq!(bench.state(), GroupState::Stable);
        assert_eq!(bench.heartbeat(&members[0], generation), None);
        assert_eq!(bench.heartbeat(&members[0], generation - 1), Some(KafkaError::IllegalGeneration));
        assert_eq!(bench.heartbeat(&"stranger".into(), generation), Some(KafkaError::UnknownMemberId));
    }
}

#[test]
fn a_group_that_was_empty_waits_again_while_members_come() {
    let mut bench = Bench::of("2.8");
    bench.join_new("a");
    bench.wait(2_999);
    bench.join_new("b");
    bench.wait(2_000);
    assert!(bench.joined().is_empty(), "b came: another 3 s");
    bench.wait(1_002);
    assert_eq!(bench.joined().len(), 2);
    // One that has had a generation waits once.
    let members = bench.members();
    for member in members {
        let leaving = LeavingMember { member, instance: None, reason: None };
        bench.ask(LeaveGroupRequest { group: GROUP.into(), members: vec![leaving] });
    }
    assert_eq!((bench.state(), bench.generation()), (GroupState::Empty, 2));
    bench.join_new("c");
    bench.wait(1_000);
    bench.join_new("d");
    bench.answers();
    bench.wait(2_000);
    assert_eq!((bench.joined().len(), bench.generation()), (2, 3));
}

#[test]
fn who_is_silent_is_out_and_the_others_are_told() {
    let mut bench = Bench::of("2.8");
    let members = bench.stable(&["a", "b"]);
    let generation = bench.generation();
    bench.wait(SESSION - 1);
    assert_eq!(bench.heartbeat(&members[0], generation), None);
    bench.wait(2);
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(bench.heartbeat(&members[0], generation), Some(KafkaError::RebalanceInProgress));
    assert_eq!(bench.heartbeat(&members[1], generation), Some(KafkaError::UnknownMemberId));
    bench.ask(join(&members[0], "a"));
    let joined = bench.joined();
    assert_eq!(
        (joined[0].generation, joined[0].members.len()),
        (generation + 1, 1),
        "nobody else is waited for"
    );
}

#[test]
fn who_does_not_join_in_time_is_out_though_it_sends_heartbeats() {
    let mut bench = Bench::of("2.8");
    let members = bench.stable(&["a", "b"]);
    let generation = bench.generation();
    bench.ask(join(&members[0], "a"));
    for _ in 0..(REBALANCE / 5_000) {
        assert!(bench.joined().is_empty(), "b is waited for");
        assert_eq!(bench.heartbeat(&members[1], generation), Some(KafkaError::RebalanceInProgress));
        bench.wait(5_000);
    }
    assert_eq!(bench.joined().len(), 1);
    assert_eq!(bench.heartbeat(&members[1], generation + 1), Some(KafkaError::UnknownMemberId));
}

#[test]
fn what_joining_again_does_hangs_on_the_state() {
    // Who, with what, and whether a rebalance begins.
    for (who, client, rebalances) in [(0, "a", true), (1, "b", false), (1, "other wishes", true)] {
        let mut bench = Bench::of("2.8");
        let members = bench.stable(&["a", "b"]);
        bench.answers();
        let generation = bench.generation();
        bench.ask(join(&members[who], client));
        let answered = bench.joined();
        assert_eq!(bench.state() == GroupState::PreparingRebalance, rebalances, "{who} {client}");
        assert_eq!(answered.first().map(|answer| answer.generation), (!rebalances).then_some(generation));
    }
    let mut bench = Bench::of("2.8");
    assert_eq!(bench.ask(join("stranger", "a")), 1);
    assert_eq!(bench.joined()[0].error, Some(KafkaError::UnknownMemberId), "there is no such group");
    bench.ask(JoinGroupRequest { session_timeout: Micros(1), ..join("", "a") });
    assert_eq!(bench.joined()[0].error, Some(KafkaError::InvalidSessionTimeout));
    bench.stable(&["a"]);
    bench.answers();
    bench.ask(JoinGroupRequest { protocols: vec![("sticky".into(), Bytes::new())], ..join("", "x") });
    assert_eq!(bench.joined()[0].error, Some(KafkaError::InconsistentGroupProtocol));
}

#[test]
fn a_ghost_delays_a_rebalance_until_it_is_given_up() {
    // G4: one asks to join while b does not, gives up, and asks again without an id.
    for (release, ghosts) in [("2.1.0", 3), ("2.1.1", 3), ("2.2", 1)] {
        let mut bench = Bench::of(release);
        let members = bench.stable(&["b"]);
        let generation = bench.generation();
        bench.answers();
        for _ in 0..3 {
            bench.ask(join("", "late"));
            bench.wait(100);
        }
        let known = bench.members().len() - 1;
        let pending = bench.coordinator.group(GROUP).expect("a group").pending.len();
        assert_eq!(known + pending, 3, "{release}");
        assert_eq!(known, if ghosts == 1 { 0 } else { 3 }, "{release}: an id costs nothing until it is used");
        if release == "2.2" {
            assert_eq!(bench.heartbeat(&members[0], generation), None, "no rebalance yet");
            bench.wait(SESSION / 2);
            assert_eq!(bench.heartbeat(&members[0], generation), None);
            bench.wait(SESSION / 2);
            assert_eq!(bench.coordinator.group(GROUP).expect("a group").pending.len(), 0, "ids lapse");
        }
    }
    // b stays away from the rebalance for longer than five minutes.
    for (release, left) in [("2.1.0", 1), ("2.1.1", 0)] {
        let mut bench = Bench::of(release);
        let slow = JoinGroupRequest { rebalance_timeout: Micros::from_millis(3_600_000), ..join("", "b") };
        bench.ask(slow);
        bench.wait(3_000);
        bench.sync_all();
        let member = bench.members()[0].clone();
        let generation = bench.generation();
        bench.ask(join("", "ghost"));
        for _ in 0..70 {
            bench.wait(5_000);
            bench.heartbeat(&member, generation);
        }
        assert_eq!(bench.members().len() - 1, left, "{release}");
    }
}

#[test]
fn heartbeats_while_the_leader_deals_out() {
    for (release, error, alive) in [
        ("2.6.0", Some(KafkaError::RebalanceInProgress), false),
        ("2.6.1", None, true),
        ("2.8.0", None, true),
    ] {
        let mut bench = Bench::of(release);
        bench.join_new("a");
        bench.join_new("b");
        bench.wait(6_000);
        let members = bench.members();
        let generation = bench.generation();
        for _ in 0..5 {
            for member in &members {
                let told = bench.heartbeat(member, generation);
                if bench.coordinator.group(GROUP).is_some_and(|group| group.has(member)) {
                    assert_eq!(told, error, "{release}");
                }
            }
            bench.wait(SESSION / 4);
        }
        assert_eq!(bench.members().len() == 2, alive, "{release}: nobody synced");
        // G8: nobody gives up on a leader that never hands anything in, up to 2.8.0.
        if release == "2.8.0" {
            assert_eq!(bench.state(), GroupState::CompletingRebalance);
        }
    }
}

#[test]
fn who_never_asks_for_its_assignment_is_out_from_2_8_1_on() {
    for (release, members, state) in [
        ("2.8.0", 2, GroupState::CompletingRebalance),
        ("2.8.1", 1, GroupState::PreparingRebalance),
        ("3.9", 1, GroupState::PreparingRebalance),
    ] {
        let mut bench = Bench::of(release);
        bench.join_new("a");
        bench.join_new("b");
        bench.wait(6_000);
        let (ids, generation) = (bench.members(), bench.generation());
        bench.answers();
        // The leader never syncs; the other does, and waits.
        bench.ask(sync(&ids[1], generation, Vec::new()));
        for _ in 0..(REBALANCE / 5_000) {
            bench.heartbeat_quietly(&ids[0], generation);
            bench.wait(5_000);
        }
        assert_eq!((bench.members().len(), bench.state()), (members, state), "{release}");
        let told: Vec<_> = bench.synced().into_iter().map(|answer| answer.error).collect();
        let rebalance = Some(KafkaError::RebalanceInProgress);
        assert_eq!(told, if members == 1 { vec![rebalance] } else { vec![] }, "{release}");
    }
}

impl Bench {
    /// A heartbeat whose answer is nobody's concern; others stay.
    fn heartbeat_quietly(&mut self, id: &Arc<str>, generation: i32) {
        self.ask(HeartbeatRequest { group: GROUP.into(), generation, member: id.clone(), instance: None });
        let is_heartbeat =
            |effect: &Effect| matches!(effect, Effect::Reply { response: Response::Heartbeat(_), .. });
        self.env.effects.retain(|effect| !is_heartbeat(effect));
    }
}

#[test]
fn commits_by_who_and_when() {
    let mut bench = Bench::of("2.8");
    assert_eq!(bench.fetch(), Ok(-1), "nobody committed");
    assert_eq!(bench.commit("a", 3, 5), Some(KafkaError::IllegalGeneration), "no such group");
    assert_eq!(bench.commit("", -1, 5), None, "who is no member only keeps its offsets here");
    assert_eq!(bench.fetch(), Ok(5));
    let members = bench.stable(&["a"]);
    let generation = bench.generation();
    bench.answers();
    assert_eq!(bench.commit("", -1, 6), Some(KafkaError::UnknownMemberId), "the group has members now");
    assert_eq!(bench.commit("stranger", generation, 6), Some(KafkaError::UnknownMemberId));
    assert_eq!(bench.commit(&members[0], generation - 1, 6), Some(KafkaError::IllegalGeneration));
    assert_eq!(bench.commit(&members[0], generation, 6), None);
    assert_eq!(bench.fetch(), Ok(6));
    // Not seen before it is written.
    bench.ask(commit(&members[0], generation, 7));
    assert_eq!((bench.fetch(), bench.answers().len()), (Ok(6), 0));
    bench.complete_stores(Some(KafkaError::NotEnoughReplicas));
    let Some((_, Response::OffsetCommit(answer))) = bench.answers().pop() else { panic!("answered") };
    assert_eq!(answer.partitions[0].1, Some(KafkaError::CoordinatorNotAvailable));
    assert_eq!(bench.fetch(), Ok(6));
    // The rebalance has begun: still taken. The generation has: not any more.
    bench.ask(join("", "b"));
    bench.join_new("b");
    bench.answers();
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
    assert_eq!(bench.commit(&members[0], generation, 8), None);
    bench.ask(join(&members[0], "a"));
    bench.wait(SESSION);
    assert_eq!(bench.state(), GroupState::CompletingRebalance);
    bench.answers();
    assert_eq!(bench.commit(&members[0], generation + 1, 9), Some(KafkaError::RebalanceInProgress));
    assert_eq!(bench.commit(&members[0], generation, 9), Some(KafkaError::IllegalGeneration));
}

#[test]
fn commits_of_strangers_while_the_leader_deals_out() {
    for (release, error) in [("2.3", KafkaError::RebalanceInProgress), ("2.4", KafkaError::UnknownMemberId)] {
        let mut bench = Bench::of(release);
        bench.join_new("a");
        bench.wait(3_000);
        bench.answers();
        assert_eq!(bench.commit("stranger", 1, 9), Some(error), "{release}");
    }
}

#[test]
fn a_new_coordinator_knows_what_stands_in_the_log() {
    let mut bench = Bench::of("2.8");
    let members = bench.stable(&["a", "b"]);
    let generation = bench.generation();
    bench.answers();
    assert_eq!(bench.commit(&members[0], generation, 6), None);
    assert_eq!(bench.commit(&members[0], generation, 7), None);

    let partition = bench.coordinator.partition_of(GROUP);
    let log = std::mem::take(&mut bench.log);
    bench.ask(join(&members[1], "other wishes"));
    bench.coordinator.on_resignation(partition, &mut bench.env.env());
    assert_eq!(bench.joined()[0].error, Some(KafkaError::NotCoordinator), "who waits is told");
    assert_eq!(bench.fetch(), Err(Some(KafkaError::NotCoordinator)));
    assert_eq!(bench.heartbeat(&members[0], generation), Some(KafkaError::NotCoordinator));

    bench.coordinator.on_election(partition, bench.env.now);
    assert_eq!(bench.coordinator.deadline(), Some(bench.env.now), "it is read in the next turn");
    assert_eq!(bench.coordinator.to_load().len(), 1);
    assert_eq!(bench.fetch(), Err(Some(KafkaError::CoordinatorLoadInProgress)));
    assert_eq!(bench.heartbeat(&members[0], generation), None, "blindly");
    bench.ask(sync(&members[0], generation, Vec::new()));
    assert_eq!(bench.synced()[0].error, Some(KafkaError::RebalanceInProgress));
    bench.coordinator.on_loaded(partition, &log, &mut bench.env.env());

    assert_eq!(
        (bench.state(), bench.generation(), bench.members()),
        (GroupState::Stable, generation, members.clone())
    );
    assert_eq!(bench.fetch(), Ok(7), "the last word counts");
    bench.ask(sync(&members[1], generation, Vec::new()));
    assert_eq!(bench.synced()[0].assignment, "part of b");
    bench.wait(SESSION);
    assert_eq!(bench.state(), GroupState::Empty, "who is not heard of is out, as ever");
}

#[test]
fn a_tombstone_takes_an_offset_away() {
    let mut bench = Bench::of("2.8");
    assert_eq!(bench.commit("", -1, 5), None);
    let key = Key::Offset { group: GROUP.into(), partition: TopicPartition::new("t", 0) }.write();
    let tombstone = ProducerRecord { key: Some(key), value: None, headers: Vec::new() };
    let set = RecordSet::build_at(MessageFormat::V2, bench.env.wall, &[tombstone]);
    let mut log = std::mem::take(&mut bench.log);
    let partition = bench.coordinator.partition_of(GROUP);
    for (with_tombstone, offset) in [(false, 5), (true, -1)] {
        if with_tombstone {
            log.push(set.entries()[0].clone());
        }
        bench.coordinator.on_resignation(partition, &mut bench.env.env());
        bench.coordinator.on_election(partition, bench.env.now);
        bench.coordinator.on_loaded(partition, &log, &mut bench.env.env());
        assert_eq!(bench.fetch(), Ok(offset));
    }
}

#[test]
fn while_a_group_is_loaded_an_old_coordinator_denies_it() {
    let mut bench = Bench::of("1.1");
    let partition = bench.coordinator.partition_of(GROUP);
    bench.coordinator.on_resignation(partition, &mut bench.env.env());
    bench.coordinator.on_election(partition, bench.env.now);
    assert_eq!(bench.fetch(), Err(Some(KafkaError::NotCoordinator)));
}

#[test]
fn an_assignment_that_cannot_be_written_is_dealt_out_anew() {
    let mut bench = Bench::of("2.8");
    bench.join_new("a");
    bench.wait(3_000);
    bench.answers();
    let id = bench.members()[0].clone();
    bench.ask(sync(&id, 1, Vec::new()));
    bench.complete_stores(Some(KafkaError::RequestTimedOut));
    assert_eq!(bench.synced()[0].error, Some(KafkaError::RebalanceInProgress));
    assert_eq!(bench.state(), GroupState::PreparingRebalance);
}

#[test]
fn the_assignor_that_most_like_best_of_those_all_know() {
    let mut bench = Bench::of("2.8");
    let wishes =
        |names: &[&str]| names.iter().map(|name| (Arc::from(*name), Bytes::new())).collect::<Vec<_>>();
    for (client, names) in
        [("a", vec!["range", "sticky"]), ("b", vec!["sticky", "range"]), ("c", vec!["x", "sticky", "range"])]
    {
        bench.ask(JoinGroupRequest { protocols: wishes(&names), ..join("", client) });
        let id = bench.joined()[0].member.clone();
        bench.ask(JoinGroupRequest { protocols: wishes(&names), ..join(&id, client) });
    }
    bench.wait(9_000);
    assert_eq!(bench.coordinator.group(GROUP).expect("a group").protocol.as_deref(), Some("sticky"));
}

#[test]
fn states_have_the_names_of_their_release() {
    let name = |release: &str| GroupState::CompletingRebalance.name(&Era::parse(release).expect("a release"));
    assert_eq!(
        [name("1.0"), name("1.1"), name("3.9")],
        ["AwaitingSync", "CompletingRebalance", "CompletingRebalance"]
    );
}
