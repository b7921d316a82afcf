//! One follower's fetchers against a leader played by hand, era by era.

use super::fetcher_manager::{FetcherManager, ToFetch};
use super::replica_manager::ReplicaManager;
use crate::config::{BrokerConfig, TopicConfig};
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, ControllerEpoch, LeaderEpoch, NodeId, Offset, TopicPartition, ZkVersion};
use crate::log::batch::{BatchHeader, RecordBatch};
use crate::messages::fetch::{DivergingEpoch, FetchResponse, FetchedPartition};
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use crate::messages::list_offsets::{ListOffsetsResponse, ListedOffset};
use crate::messages::offsets_for_leader_epoch::{EpochEndOffset, OffsetsForLeaderEpochResponse};
use crate::messages::{Request, Response};
use crate::node::{ChannelEvent, Disconnected, Effect};
use crate::testing::TestEnv;
use crate::time::{Micros, Timestamp};
use crate::zookeeper::session::Session;
use bytes::Bytes;
use std::sync::Arc;

const OWN: BrokerId = BrokerId(1);
const LEADER: BrokerId = BrokerId(2);

fn batch(offset: i64, epoch: i32) -> RecordBatch {
    let mut header = BatchHeader {
        base_offset: Offset(offset),
        batch_length: 49 + 4,
        partition_leader_epoch: LeaderEpoch(epoch),
        magic: 2,
        crc: 0,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: Timestamp(5),
        max_timestamp: Timestamp(5),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: 1,
    };
    let records = Bytes::from(format!("{epoch:02}{:02}", offset % 100));
    header.crc = header.compute_crc(&records);
    RecordBatch::new(header, records)
}

/// A follower with its fetchers, and what they last sent.
struct Desk {
    era: Era,
    replicas: ReplicaManager,
    fetchers: FetcherManager,
    session: Session,
    topic: TopicConfig,
    env: TestEnv,
    call: Option<CallId>,
    said: Vec<String>,
}

impl Desk {
    fn with(era: Era, settings: &[(&str, &str)]) -> Desk {
        let settings: Vec<_> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let config = Arc::new(BrokerConfig::new(&era, OWN, &settings).expect("settings"));
        let shared = Arc::new(era.clone());
        let mut desk = Desk {
            replicas: ReplicaManager::new(&config, &shared),
            fetchers: FetcherManager::new(&config, &shared, 3),
            session: Session::new(Micros::from_millis(6000), 1),
            topic: config.topic_defaults.clone(),
            env: TestEnv::new(),
            call: None,
            said: Vec::new(),
            era,
        };
        desk.replicas.load(&mut desk.env.env()).expect("an empty disk");
        desk
    }

    fn new(release: &str) -> Desk {
        Desk::with(Era::parse(release).expect("a release"), &[])
    }

    /// A replica with these records, by epoch, that begins to follow with this high watermark.
    fn follows(&mut self, partition: &str, log: &[i32], high_watermark: i64, epoch: i32) {
        self.is_told(partition, epoch - 1);
        let tp = TopicPartition::parse(partition).expect("a partition");
        let batches: Vec<_> =
            log.iter().enumerate().map(|(offset, epoch)| batch(offset as i64, *epoch)).collect();
        let (hw, mut env) = (Offset(high_watermark), self.env.env());
        self.replicas.follower_append(tp, &batches, LEADER, hw, None, &mut env).expect("appended");
        self.starts(partition, epoch);
    }

    fn is_told(&mut self, partition: &str, epoch: i32) {
        let state = LeaderAndIsrPartition {
            partition: TopicPartition::parse(partition).expect("a partition"),
            controller_epoch: ControllerEpoch(1),
            leader: LEADER,
            leader_epoch: LeaderEpoch(epoch),
            isr: vec![LEADER, OWN],
            zk_version: ZkVersion(0),
            replicas: vec![LEADER, OWN],
            adding: vec![],
            removing: vec![],
            is_new: false,
        };
        let topic = self.topic.clone();
        let env = &mut self.env.env();
        self.replicas.make_follower(&state, &topic, &mut self.session, env).expect("made");
    }

    /// The controller has said so: the partition's fetcher starts anew.
    fn starts(&mut self, partition: &str, epoch: i32) {
        self.is_told(partition, epoch);
        let partition = TopicPartition::parse(partition).expect("a partition");
        self.fetchers.remove(partition);
        let to_fetch = ToFetch { partition, leader: LEADER, node: NodeId(2), epoch: LeaderEpoch(epoch) };
        self.fetchers.add(&[to_fetch], &mut self.replicas, &mut self.env.env());
        self.note_effects();
    }

    fn note_effects(&mut self) {
        for effect in std::mem::take(&mut self.env.effects) {
            match effect {
                Effect::Connect { .. } => self.said.push("connect".to_owned()),
                Effect::Disconnect { .. } => self.said.push("disconnect".to_owned()),
                Effect::Exit(reason) => self.said.push(format!("EXIT {reason:?}")),
                Effect::Note(_) => {}
                Effect::Send { call, request, .. } => {
                    self.call = Some(call);
                    self.said.push(describe(&request));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// What it has wanted since last asked.
    fn said(&mut self) -> String {
        std::mem::take(&mut self.said).join("; ")
    }

    fn channel(&mut self, event: ChannelEvent) {
        self.fetchers.on_channel(NodeId(2), 0, event, &mut self.replicas, &mut self.env.env());
        self.note_effects();
    }

    fn connected(&mut self) -> String {
        self.connected_to(self.era.clone())
    }

    fn connected_to(&mut self, peer: Era) -> String {
        self.channel(ChannelEvent::Connected { peer });
        self.said()
    }

    fn answer(&mut self, answer: Result<Response, Disconnected>) -> String {
        let call = self.call.take().expect("a call under way");
        self.fetchers.on_answer(call, answer, &mut self.replicas, &mut self.env.env());
        self.note_effects();
        self.said()
    }

    fn epoch_end(&mut self, partition: &str, epoch: i32, end: i64) -> String {
        let tp = TopicPartition::parse(partition).expect("a partition");
        let end = EpochEndOffset { leader_epoch: Some(LeaderEpoch(epoch)), end_offset: Offset(end) };
        self.answer(Ok(OffsetsForLeaderEpochResponse { partitions: vec![(tp, Ok(end))] }.into()))
    }

    fn fetched(&mut self, partitions: Vec<FetchedPartition>) -> String {
        self.answer(Ok(FetchResponse { partitions }.into()))
    }

    fn listed(&mut self, partition: &str, offset: i64) -> String {
        let tp = TopicPartition::parse(partition).expect("a partition");
        let listed = ListedOffset { offset: Offset(offset), timestamp: Timestamp::NONE, leader_epoch: None };
        self.answer(Ok(ListOffsetsResponse { partitions: vec![(tp, Ok(listed))] }.into()))
    }

    /// Lets time pass up to the next deadline: how many milliseconds, and what it wants then.
    fn wake(&mut self) -> String {
        let before = self.env.now;
        self.env.now = self.fetchers.deadline().expect("something to wait for");
        self.fetchers.on_wake(&mut self.replicas, &mut self.env.env());
        self.note_effects();
        format!("{} ms: {}", self.env.now.since(before).millis(), self.said())
    }

    /// The epochs of a replica's records.
    fn log(&self, partition: &str) -> String {
        let tp = TopicPartition::parse(partition).expect("a partition");
        let log = &self.replicas.partition(tp).expect("hosted").log;
        log.batches().iter().map(|batch| batch.epoch.to_string()).collect::<Vec<_>>().join(" ")
    }
}

fn describe(request: &Request) -> String {
    let number = |epoch: Option<LeaderEpoch>| epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
    match request {
        Request::Fetch(request) => {
            let partitions = request.partitions.iter().map(|it| {
                let (current, last) = (number(it.current_leader_epoch), number(it.last_fetched_epoch));
                format!(" {}@{} e{current} last {last}", it.partition, it.fetch_offset)
            });
            format!("Fetch{}", partitions.collect::<Vec<_>>().join(","))
        }
        Request::OffsetsForLeaderEpoch(request) => {
            let asked = request.partitions.iter().map(|it| format!(" {} e{}", it.partition, it.leader_epoch));
            format!("EpochEnd{}", asked.collect::<Vec<_>>().join(","))
        }
        Request::ListOffsets(request) => {
            let asked = request.partitions.iter().map(|(tp, query, _)| format!(" {tp} {query:?}"));
            format!("ListOffsets{}", asked.collect::<Vec<_>>().join(","))
        }
        other => panic!("{other:?}"),
    }
}

fn part(partition: &str, high_watermark: i64, records: Vec<RecordBatch>) -> FetchedPartition {
    FetchedPartition {
        partition: TopicPartition::parse(partition).expect("a partition"),
        error: None,
        high_watermark: Offset(high_watermark),
        log_start_offset: None,
        diverging_epoch: None,
        preferred_replica: None,
        records,
    }
}

fn refused(partition: &str, error: KafkaError) -> FetchedPartition {
    FetchedPartition { error: Some(error), ..part(partition, -1, vec![]) }
}

#[test]
fn what_a_follower_does_first_era_by_era() {
    let mut table = String::new();
    for release in ["0.10.2", "0.11.0", "1.1", "2.0", "2.1", "2.7", "2.8", "3.0"] {
        let mut desk = Desk::new(release);
        desk.follows("t-0", &[0, 0, 1], 1, 3);
        assert_eq!(desk.said(), "connect");
        table += &format!("{release}: {}\n", desk.connected());
    }
    let expected = "\
0.10.2: Fetch t-0@3 e- last -
0.11.0: EpochEnd t-0 e1
1.1: EpochEnd t-0 e1
2.0: EpochEnd t-0 e1
2.1: EpochEnd t-0 e1
2.7: EpochEnd t-0 e1
2.8: Fetch t-0@3 e3 last 1
3.0: Fetch t-0@3 e3 last 1
";
    assert_eq!(table, expected);
}

#[test]
fn a_follower_without_epochs_asks_all_the_same_up_to_2_0() {
    for (release, expected) in [("1.1", "EpochEnd t-0 e-1"), ("2.4", "Fetch t-0@0 e3 last -")] {
        let mut desk = Desk::new(release);
        desk.follows("t-0", &[], 0, 3);
        desk.said();
        assert_eq!(desk.connected(), expected, "{release}");
    }
}

#[test]
fn kip_279_needs_two_questions_and_kip_101_diverges() {
    // The leader's log is 0 1 3; epoch 2 never reached it.
    let mut old = Desk::new("1.1");
    old.follows("t-0", &[0, 2, 2], 1, 3);
    old.said();
    assert_eq!(old.connected(), "EpochEnd t-0 e2");
    assert_eq!(old.epoch_end("t-0", 1, 2), "Fetch t-0@2 e- last -");
    assert_eq!(old.log("t-0"), "0 2");

    let mut new = Desk::new("2.0");
    new.follows("t-0", &[0, 2, 2], 1, 3);
    new.said();
    assert_eq!(new.connected(), "EpochEnd t-0 e2");
    assert_eq!(new.epoch_end("t-0", 1, 2), "EpochEnd t-0 e0");
    assert_eq!(new.epoch_end("t-0", 0, 1), "Fetch t-0@1 e- last -");
    assert_eq!(new.log("t-0"), "0");

    let mut newest = Desk::new("2.8");
    newest.follows("t-0", &[0, 2, 2], 1, 3);
    newest.said();
    assert_eq!(newest.connected(), "Fetch t-0@3 e3 last 2");
    let diverging_epoch = Some(DivergingEpoch { epoch: LeaderEpoch(1), end_offset: Offset(2) });
    let diverged = FetchedPartition { diverging_epoch, ..part("t-0", 1, vec![]) };
    assert_eq!(newest.fetched(vec![diverged]), "Fetch t-0@1 e3 last 0");
    assert_eq!(newest.log("t-0"), "0");
}

#[test]
fn a_leader_too_old_to_find_divergence_is_asked() {
    let mut desk = Desk::new("3.0");
    desk.follows("t-0", &[0, 0], 1, 3);
    desk.said();
    assert_eq!(desk.connected_to(Era::parse("2.6").expect("a release")), "EpochEnd t-0 e0");
    let mut desk = Desk::new("1.1");
    desk.follows("t-0", &[0, 0], 1, 3);
    desk.said();
    assert_eq!(desk.connected_to(Era::parse("0.10.2").expect("a release")), "Fetch t-0@1 e- last -");
    assert_eq!(desk.log("t-0"), "0");
}

#[test]
fn what_is_fetched_is_appended_and_the_next_fetch_goes_on() {
    let mut desk = Desk::new("2.8");
    desk.follows("t-0", &[0], 0, 3);
    desk.said();
    desk.connected();
    let records = vec![batch(1, 0), batch(2, 3)];
    assert_eq!(desk.fetched(vec![part("t-0", 2, records)]), "Fetch t-0@3 e3 last 3");
    assert_eq!(desk.log("t-0"), "0 0 3");
    let replica = desk.replicas.partition(TopicPartition::new("t", 0)).expect("hosted");
    assert_eq!(replica.high_watermark, Offset(2));
}

#[test]
fn a_partition_with_an_error_waits_and_the_others_go_on() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0], 0, 3);
    desk.follows("b-0", &[0], 0, 3);
    desk.said();
    assert_eq!(desk.connected(), "Fetch a-0@1 e3 last 0, b-0@1 e3 last 0");
    let answer = vec![refused("a-0", KafkaError::NotLeaderOrFollower), part("b-0", 0, vec![batch(1, 3)])];
    assert_eq!(desk.fetched(answer), "Fetch b-0@2 e3 last 3");
    desk.env.now += Micros::from_millis(400);
    assert_eq!(desk.fetched(vec![part("b-0", 0, vec![])]), "Fetch b-0@2 e3 last 3");
    desk.env.now += Micros::from_millis(600);
    assert_eq!(desk.fetched(vec![part("b-0", 0, vec![])]), "Fetch b-0@2 e3 last 3, a-0@1 e3 last 0");
}

#[test]
fn a_fetch_that_fails_as_a_whole_costs_the_backoff_twice_unless_something_is_added() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0], 0, 3);
    desk.said();
    desk.connected();
    assert_eq!(desk.answer(Err(Disconnected)), "");
    desk.channel(ChannelEvent::Disconnected);
    assert_eq!(desk.said(), "");
    assert_eq!(desk.wake(), "1000 ms: ");
    assert_eq!(desk.wake(), "1000 ms: connect");
    desk.channel(ChannelEvent::Failed);
    assert_eq!(desk.said(), "");
    desk.follows("b-0", &[], 0, 3);
    assert_eq!(desk.said(), "connect");
    assert_eq!(desk.connected(), "Fetch b-0@0 e3 last -", "a-0 has only begun its delay");
}

#[test]
fn a_leader_that_never_answers_is_given_up() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0], 0, 3);
    desk.said();
    assert_eq!(desk.wake(), "30000 ms: disconnect", "while connecting");
    assert_eq!(desk.wake(), "1000 ms: ");
    assert_eq!(desk.wake(), "1000 ms: connect");
    desk.connected();
    assert_eq!(desk.wake(), "30000 ms: disconnect");
    assert_eq!(desk.fetchers.deadline(), None, "the answer is awaited");
    assert_eq!(desk.answer(Err(Disconnected)), "");
    assert_eq!(desk.wake(), "1000 ms: ");
    assert_eq!(desk.wake(), "1000 ms: connect");
}

#[test]
fn a_response_of_before_does_not_count() {
    let mut desk = Desk::new("2.4");
    desk.follows("a-0", &[0, 0], 1, 3);
    desk.said();
    desk.connected();
    assert_eq!(desk.epoch_end("a-0", 0, 2), "Fetch a-0@2 e3 last -");
    let fetch = desk.call;
    desk.starts("a-0", 4);
    assert_eq!(desk.said(), "", "one request at a time");
    assert_eq!(desk.call, fetch);
    assert_eq!(desk.fetched(vec![part("a-0", 2, vec![batch(2, 3)])]), "EpochEnd a-0 e0");
    assert_eq!(desk.log("a-0"), "0 0");
    // Neither does an answer that was asked for in the epoch before.
    desk.starts("a-0", 5);
    assert_eq!(desk.epoch_end("a-0", 0, 1), "EpochEnd a-0 e0");
    assert_eq!(desk.log("a-0"), "0 0");

    let mut desk = Desk::new("2.0");
    desk.follows("a-0", &[0, 0], 1, 3);
    desk.said();
    desk.connected();
    desk.starts("a-0", 5);
    assert_eq!(desk.epoch_end("a-0", 0, 1), "Fetch a-0@1 e- last -", "before KIP-320 it did");
    assert_eq!(desk.log("a-0"), "0");
}

#[test]
fn a_fenced_partition_is_fetched_no_more_until_the_controller_speaks() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0], 0, 3);
    desk.said();
    desk.connected();
    assert_eq!(desk.fetched(vec![refused("a-0", KafkaError::FencedLeaderEpoch)]), "");
    assert_eq!(desk.fetchers.deadline(), None);
    desk.starts("a-0", 4);
    assert_eq!(desk.said(), "Fetch a-0@1 e4 last 0");
}

#[test]
fn out_of_range_cuts_at_the_leaders_end() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0, 0, 0], 1, 3);
    desk.said();
    desk.connected();
    assert_eq!(desk.fetched(vec![refused("a-0", KafkaError::OffsetOutOfRange)]), "ListOffsets a-0 Latest");
    assert_eq!(desk.listed("a-0", 2), "Fetch a-0@2 e3 last 0");
    assert_eq!(desk.log("a-0"), "0 0");
}

#[test]
fn out_of_range_ended_the_process_up_to_2_0_0_unless_unclean() {
    for (unclean, expected) in [("false", "EXIT FollowerAheadOfLeader"), ("true", "Fetch a-0@2 e- last -")] {
        let era = Era::parse("2.0.0").expect("a release");
        let mut desk = Desk::with(era, &[("unclean.leader.election.enable", unclean)]);
        desk.follows("a-0", &[0, 0, 0], 1, 3);
        desk.said();
        desk.connected();
        desk.epoch_end("a-0", 0, 9);
        desk.fetched(vec![refused("a-0", KafkaError::OffsetOutOfRange)]);
        assert_eq!(desk.listed("a-0", 2), expected);
    }
}

#[test]
fn out_of_range_behind_the_leaders_start_begins_anew_and_otherwise_goes_on() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0, 0], 1, 3);
    desk.said();
    desk.connected();
    desk.fetched(vec![refused("a-0", KafkaError::OffsetOutOfRange)]);
    assert_eq!(desk.listed("a-0", 9), "ListOffsets a-0 Earliest");
    assert_eq!(desk.listed("a-0", 7), "Fetch a-0@7 e3 last -");
    assert_eq!(desk.log("a-0"), "");

    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0, 0], 1, 3);
    desk.said();
    desk.connected();
    desk.fetched(vec![refused("a-0", KafkaError::OffsetOutOfRange)]);
    desk.listed("a-0", 9);
    assert_eq!(desk.listed("a-0", 1), "Fetch a-0@2 e3 last 0");
    assert_eq!(desk.log("a-0"), "0 0");
}

#[test]
fn a_batch_that_begins_below_an_empty_log_ends_the_fetcher_or_begins_the_log() {
    // KAFKA-6975: mended in 1.0.2, 1.1.1 and 2.0.0.
    for (release, ends) in
        [("0.11.0.2", true), ("1.0.1", true), ("1.0.2", false), ("1.1.0", true), ("2.8", false)]
    {
        let mut desk = Desk::new(release);
        desk.follows("a-0", &[0, 0], 2, 0);
        desk.said();
        if !desk.connected().starts_with("Fetch") {
            desk.epoch_end("a-0", 0, 2);
        }
        desk.fetched(vec![refused("a-0", KafkaError::OffsetOutOfRange)]);
        desk.listed("a-0", 9);
        desk.listed("a-0", 7);
        // The leader's log starts in the middle of a batch from 5 to 8.
        let mut long = batch(5, 0);
        (long.header.last_offset_delta, long.header.records_count) = (3, 4);
        long.header.crc = long.header.compute_crc(&long.records);
        let next = desk.fetched(vec![FetchedPartition {
            log_start_offset: Some(Offset(7)),
            ..part("a-0", 9, vec![long])
        }]);
        let log = &desk.replicas.partition(TopicPartition::new("a", 0)).expect("hosted").log;
        let (start, end) = (log.start_offset().0, log.end_offset().0);
        assert_eq!(
            (next.is_empty(), start, end),
            if ends { (true, 7, 7) } else { (false, 7, 9) },
            "{release}"
        );
        if ends {
            desk.starts("a-0", 1);
            assert_eq!(desk.said(), "", "{release}: nobody is there to do it");
            assert_eq!(desk.fetchers.deadline(), None, "{release}");
        }
    }
}

#[test]
fn a_fetcher_without_partitions_ends() {
    let mut desk = Desk::new("2.8");
    desk.follows("a-0", &[0], 0, 3);
    desk.said();
    desk.connected();
    desk.fetchers.remove(TopicPartition::new("a", 0));
    desk.fetchers.shut_down_idle(&mut desk.env.env());
    desk.note_effects();
    assert_eq!(desk.said(), "disconnect");
    assert_eq!(desk.answer(Err(Disconnected)), "");
    assert_eq!(desk.fetchers.deadline(), None);
    desk.starts("a-0", 4);
    assert_eq!(desk.said(), "connect");
}

#[test]
fn a_swapped_rule_is_obeyed_in_a_release_whose_protocol_lacks_it() {
    let mut era = Era::parse("0.10.2").expect("a release");
    assert_eq!(era.rules.set("truncation", "to-epoch-end"), Ok(()));
    let mut desk = Desk::with(era, &[]);
    desk.follows("t-0", &[0, 0], 1, 3);
    desk.said();
    assert_eq!(desk.connected(), "EpochEnd t-0 e0");
    assert_eq!(desk.epoch_end("t-0", 0, 2), "Fetch t-0@2 e- last -");
    assert_eq!(desk.log("t-0"), "0 0");
}
