//! A consumer among brokers that are played by hand.

use super::*;
use crate::client::testing::{Bench, Sent, orders};
use crate::command::ProducerRecord;
use crate::error::KafkaError;
use crate::ids::LeaderEpoch;
use crate::log::batch::RecordBatch;
use crate::log::records;
use crate::messages::fetch::{FetchPartition, FetchResponse, FetchedPartition};
use crate::messages::list_offsets::{ListOffsetsResponse, ListedOffset, OffsetQuery};
use crate::messages::offsets_for_leader_epoch::{EpochEndOffset, OffsetsForLeaderEpochResponse};
use crate::messages::{ApiKey, Request};
use crate::note::ClientNote;
use crate::time::Timestamp;

type ConsumerBench = Bench<Consumer>;

fn consumer(release: &str, settings: &[(&str, &str)]) -> ConsumerBench {
    let era = Era::parse(release).expect("a release");
    let given: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let config = ConsumerConfig::new(&era, &given).expect("good settings");
    Bench::new(Consumer::new(config, era.clone(), vec![NodeId(1)]), era)
}

/// A consumer that reads partition 0 of `orders` at offset 5 from broker 1, epoch 2, and knows broker 2.
fn reading(release: &str, settings: &[(&str, &str)]) -> ConsumerBench {
    let mut bench = consumer(release, settings);
    bench.command(Command::Assign(vec![(orders(0), StartAt::Offset(Offset(3)))]));
    bench.answer_metadata(&[1, 2], &[(Some(1), 2)]);
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, vec![batch(3, 2, 2)]);
    assert_eq!(polled(&mut bench), [(0, 3, 5)]);
    bench.notes.clear();
    bench
}

/// A batch of `count` records from `offset` on, of this leader epoch.
fn batch(offset: i64, count: usize, epoch: i32) -> RecordBatch {
    let record = ProducerRecord { key: None, value: None, headers: Vec::new() };
    let mut batch = records::build(&vec![(Timestamp(1), record); count]);
    batch.header.base_offset = Offset(offset);
    batch.header.partition_leader_epoch = LeaderEpoch(epoch);
    batch
}

fn asked(sent: &Sent) -> Vec<FetchPartition> {
    match &sent.request {
        Request::Fetch(request) => request.partitions.clone(),
        other => panic!("no fetch: {other:?}"),
    }
}

/// Partition and offset of each partition fetched.
fn offsets(sent: &Sent) -> Vec<(i32, i64)> {
    asked(sent).iter().map(|asked| (asked.partition.partition, asked.fetch_offset.0)).collect()
}

fn answer_of(partition: TopicPartition) -> FetchedPartition {
    FetchedPartition {
        partition,
        error: None,
        high_watermark: Offset(100),
        log_start_offset: None,
        diverging_epoch: None,
        preferred_replica: None,
        records: Vec::new(),
    }
}

/// The first partition of a fetch gets these records, the others nothing.
fn fetched(bench: &mut ConsumerBench, sent: &Sent, records: Vec<RecordBatch>) {
    let mut partitions: Vec<_> = asked(sent).iter().map(|asked| answer_of(asked.partition)).collect();
    partitions[0].records = records;
    bench.answer(sent, FetchResponse { partitions });
}

/// Every partition of a fetch is refused.
fn refused(bench: &mut ConsumerBench, sent: &Sent, error: KafkaError) {
    let refusal = |asked: &FetchPartition| FetchedPartition {
        error: Some(error),
        high_watermark: Offset::NONE,
        ..answer_of(asked.partition)
    };
    let partitions = asked(sent).iter().map(refusal).collect();
    bench.answer(sent, FetchResponse { partitions });
}

/// Partition, from and position of what was polled since the last look.
fn polled(bench: &mut ConsumerBench) -> Vec<(i32, i64, i64)> {
    let told = bench.delivered.drain(..).map(|delivery| match delivery {
        Delivery::Polled { partition, from, position, .. } => (partition.partition, from.0, position.0),
        other => panic!("not polled: {other:?}"),
    });
    told.collect()
}

fn listed(bench: &mut ConsumerBench, sent: &Sent, offset: i64) {
    let found = ListedOffset {
        offset: Offset(offset),
        timestamp: Timestamp::NONE,
        leader_epoch: Some(LeaderEpoch(2)),
    };
    let Request::ListOffsets(request) = &sent.request else { panic!("{sent:?}") };
    let partitions = request.partitions.iter().map(|(partition, _, _)| (*partition, Ok(found))).collect();
    bench.answer(sent, ListOffsetsResponse { partitions });
}

/// The leader moves to broker 2, epoch 3, and the consumer finds out.
fn move_leader(bench: &mut ConsumerBench) {
    let refuse = |bench: &mut ConsumerBench| {
        let sent = bench.take(ApiKey::Fetch);
        assert_eq!(sent.to, NodeId(1));
        refused(bench, &sent, KafkaError::NotLeaderOrFollower);
    };
    refuse(bench);
    // Until the back-off of metadata allows a question, the old leader is asked again and again.
    refuse(bench);
    bench.advance(100);
    refuse(bench);
    bench.answer_metadata(&[1, 2], &[(Some(2), 3)]);
    refuse(bench);
}

fn epoch_ended(bench: &mut ConsumerBench, epoch: i32, end_offset: i64) {
    let sent = bench.take(ApiKey::OffsetsForLeaderEpoch);
    assert_eq!(sent.to, NodeId(2));
    let Request::OffsetsForLeaderEpoch(request) = &sent.request else { panic!("{sent:?}") };
    let question = &request.partitions[0];
    assert_eq!(
        (question.leader_epoch, question.current_leader_epoch),
        (LeaderEpoch(2), Some(LeaderEpoch(3)))
    );
    let end = EpochEndOffset { leader_epoch: Some(LeaderEpoch(epoch)), end_offset: Offset(end_offset) };
    bench.answer(&sent, OffsetsForLeaderEpochResponse { partitions: vec![(orders(0), Ok(end))] });
}

#[test]
fn without_a_position_the_reset_policy_decides() {
    let mut bench = consumer("2.8", &[]);
    bench.command(Command::Assign(vec![(orders(0), StartAt::Reset)]));
    bench.answer_metadata(&[1], &[(Some(1), 2)]);
    let sent = bench.take(ApiKey::ListOffsets);
    let Request::ListOffsets(request) = &sent.request else { panic!("{sent:?}") };
    assert_eq!(request.partitions, [(orders(0), OffsetQuery::Latest, Some(LeaderEpoch(2)))]);
    listed(&mut bench, &sent, 7);
    let (partition, offset, broker) = (orders(0), Offset(7), BrokerId(1));
    assert_eq!(
        bench.delivered,
        [
            Delivery::EndOffset { partition, offset, broker },
            Delivery::PositionReset { partition, from: None, to: offset },
        ]
    );
    assert!(bench.notes.contains(&ClientNote::PositionReset { partition, offset }));
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, 7)]);
}

#[test]
fn the_application_may_go_where_it_likes() {
    let mut bench = consumer("2.0", &[("auto.offset.reset", "none")]);
    bench.command(Command::Assign(vec![(orders(0), StartAt::Earliest)]));
    bench.answer_metadata(&[1], &[(Some(1), 2)]);
    let sent = bench.take(ApiKey::ListOffsets);
    let Request::ListOffsets(request) = &sent.request else { panic!("{sent:?}") };
    assert_eq!(request.partitions, [(orders(0), OffsetQuery::Earliest, None)], "no epoch before 2.3");
    listed(&mut bench, &sent, 0);
    assert!(bench.delivered.is_empty(), "its own decision");
    let stale = bench.take(ApiKey::Fetch);
    bench.command(Command::Seek(orders(0), StartAt::Offset(Offset(50))));
    fetched(&mut bench, &stale, vec![batch(0, 9, 2)]);
    assert!(bench.delivered.is_empty(), "records from a former position do not count");
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, 50)]);
    bench.command(Command::Seek(orders(9), StartAt::Latest));
    bench.command(Command::Seek(orders(0), StartAt::Reset));
    let none = Delivery::OffsetOutOfRange { partition: orders(0), position: Offset::NONE };
    assert_eq!(bench.delivered, [none]);
}

#[test]
fn what_arrives_is_returned_at_once_and_moves_the_position() {
    let mut bench = reading("2.8", &[]);
    let sent = bench.take(ApiKey::Fetch);
    let asked_for = &asked(&sent)[0];
    assert_eq!((asked_for.fetch_offset, asked_for.current_leader_epoch), (Offset(5), Some(LeaderEpoch(2))));
    assert_eq!((asked_for.last_fetched_epoch, sent.version), (None, 12));
    fetched(&mut bench, &sent, Vec::new());
    assert!(bench.delivered.is_empty());
    // The first batch begins below the position, as after a seek into its middle.
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, vec![batch(4, 3, 2), batch(7, 1, 2)]);
    let delivery = bench.delivered.pop_front();
    let Some(Delivery::Polled { from, position, batches, broker, high_watermark, .. }) = delivery else {
        panic!("{delivery:?}");
    };
    assert_eq!((from, position, batches.len()), (Offset(5), Offset(8), 2));
    assert_eq!((broker, high_watermark), (BrokerId(1), Offset(100)));
    assert_eq!(bench.node.position(orders(0)), Some(Offset(8)));
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, 8)]);
}

#[test]
fn one_fetch_is_in_flight_for_each_broker() {
    let mut bench = consumer("2.8", &[]);
    let all = (0..4).map(|partition| (orders(partition), StartAt::Offset(Offset(0)))).collect();
    bench.command(Command::Assign(all));
    bench.answer_metadata(&[1, 2], &[(Some(1), 0), (Some(2), 0), (Some(1), 0), (Some(1), 0)]);
    assert_eq!(bench.waiting(ApiKey::Fetch), 2);
    let first = bench.take(ApiKey::Fetch);
    assert_eq!((first.to, offsets(&first)), (NodeId(1), vec![(0, 0), (2, 0), (3, 0)]));
    fetched(&mut bench, &first, vec![batch(0, 4, 0)]);
    assert_eq!(polled(&mut bench), [(0, 0, 4)]);
    let other = bench.take(ApiKey::Fetch);
    assert_eq!((other.to, offsets(&other)), (NodeId(2), vec![(1, 0)]));
    let next = bench.take(ApiKey::Fetch);
    assert_eq!(offsets(&next), [(2, 0), (3, 0), (0, 4)], "who gave something comes last");
}

#[test]
fn out_of_range_is_for_the_reset_policy() {
    let mut bench = reading("2.0", &[("auto.offset.reset", "earliest")]);
    let sent = bench.take(ApiKey::Fetch);
    refused(&mut bench, &sent, KafkaError::OffsetOutOfRange);
    let sent = bench.take(ApiKey::ListOffsets);
    listed(&mut bench, &sent, 1);
    let (partition, from, to) = (orders(0), Some(Offset(5)), Offset(1));
    assert_eq!(bench.delivered, [Delivery::PositionReset { partition, from, to }]);

    let mut bench = reading("2.0", &[("auto.offset.reset", "none")]);
    let sent = bench.take(ApiKey::Fetch);
    refused(&mut bench, &sent, KafkaError::OffsetOutOfRange);
    assert_eq!(bench.delivered, [Delivery::OffsetOutOfRange { partition, position: Offset(5) }]);
    bench.advance(10_000);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0, "it waits for the application");
    bench.command(Command::Seek(partition, StartAt::Offset(Offset(2))));
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, 2)]);
}

#[test]
fn before_2_3_a_new_leader_is_read_at_the_same_offset() {
    let mut bench = reading("2.2", &[]);
    move_leader(&mut bench);
    assert_eq!(bench.waiting(ApiKey::OffsetsForLeaderEpoch), 0);
    let sent = bench.take(ApiKey::Fetch);
    assert_eq!((sent.to, offsets(&sent)), (NodeId(2), vec![(0, 5)]));
    assert_eq!(asked(&sent)[0].current_leader_epoch, None);
    let (partition, offset, error) = (orders(0), Offset(5), KafkaError::NotLeaderOrFollower);
    assert!(bench.notes.contains(&ClientNote::FetchRefused { partition, offset, error }));
}

#[test]
fn from_2_3_a_new_leader_is_asked_first() {
    let mut bench = reading("2.8", &[]);
    move_leader(&mut bench);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0, "not before the position is checked");
    epoch_ended(&mut bench, 2, 5);
    let sent = bench.take(ApiKey::Fetch);
    assert_eq!((sent.to, offsets(&sent)), (NodeId(2), vec![(0, 5)]));
    assert_eq!(asked(&sent)[0].current_leader_epoch, Some(LeaderEpoch(3)));
    let (partition, epoch) = (orders(0), LeaderEpoch(2));
    let (end_offset, position) = (Offset(5), Offset(5));
    assert!(bench.notes.contains(&ClientNote::PositionChecked { partition, epoch, end_offset, position }));
}

#[test]
fn a_truncated_log_takes_the_consumer_back() {
    let (partition, from) = (orders(0), Some(Offset(5)));
    let mut bench = reading("2.8", &[]);
    move_leader(&mut bench);
    epoch_ended(&mut bench, 2, 4);
    assert_eq!(bench.delivered, [Delivery::PositionReset { partition, from, to: Offset(4) }]);
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, 4)]);

    let mut bench = reading("2.8", &[("auto.offset.reset", "none")]);
    move_leader(&mut bench);
    epoch_ended(&mut bench, 2, 4);
    let (position, diverges_at) = (Offset(5), Some(Offset(4)));
    assert_eq!(bench.delivered, [Delivery::LogTruncated { partition, position, diverges_at }]);
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
}

#[test]
fn where_nobody_knows_where_the_log_was_cut_releases_differ() {
    let partition = orders(0);
    let mut bench = reading("2.8", &[("auto.offset.reset", "earliest")]);
    move_leader(&mut bench);
    epoch_ended(&mut bench, -1, -1);
    assert_eq!(bench.waiting(ApiKey::ListOffsets), 1, "the policy decides");

    let mut bench = reading("2.4", &[("auto.offset.reset", "earliest")]);
    move_leader(&mut bench);
    epoch_ended(&mut bench, -1, -1);
    let (from, to) = (Some(Offset(5)), Offset::NONE);
    assert_eq!(bench.delivered, [Delivery::PositionReset { partition, from, to }]);
    assert_eq!(offsets(&bench.take(ApiKey::Fetch)), [(0, -1)], "KAFKA-9840");
}

#[test]
fn a_leader_that_is_too_old_is_not_asked() {
    let mut bench = reading("2.8", &[]);
    bench.peer = Era::parse("2.2").expect("a release");
    bench.break_connection(NodeId(1));
    bench.advance(100);
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, Vec::new());
    let sent = bench.take(ApiKey::Metadata);
    // Version 7, whose epochs a 2.8 client does not rely on.
    bench.answer(&sent, crate::client::testing::metadata(&[1, 2], &[(Some(2), 3)]));
    assert_eq!(bench.waiting(ApiKey::OffsetsForLeaderEpoch), 0);
    let to: Vec<_> = bench.sent.iter().map(|sent| (sent.to, offsets(sent))).collect();
    assert_eq!(
        to,
        [(NodeId(1), vec![(0, 5)]), (NodeId(2), vec![(0, 5)])],
        "the old leader's fetch is still out"
    );
}

#[test]
fn a_fetch_from_a_former_leader_counts_if_it_fits() {
    let mut bench = consumer("2.2", &[("metadata.max.age.ms", "1000")]);
    let both = (0..2).map(|partition| (orders(partition), StartAt::Offset(Offset(5)))).collect();
    bench.command(Command::Assign(both));
    bench.answer_metadata(&[1, 2], &[(Some(2), 0), (Some(1), 0)]);
    let former = bench.sent.iter().position(|sent| sent.to == NodeId(2)).expect("a fetch of partition 0");
    let former = bench.sent.remove(former).expect("found");
    bench.advance(1000);
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, Vec::new());
    bench.answer_metadata(&[1, 2], &[(Some(1), 1), (Some(1), 0)]);
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, Vec::new());
    let newer = bench.take(ApiKey::Fetch);
    assert_eq!((newer.to, offsets(&newer)), (NodeId(1), vec![(0, 5), (1, 5)]));
    fetched(&mut bench, &former, vec![batch(5, 1, 0)]);
    assert_eq!(polled(&mut bench), [(0, 5, 6)]);
    fetched(&mut bench, &newer, vec![batch(5, 1, 1)]);
    assert!(bench.delivered.is_empty(), "the position has moved on");
}

#[test]
fn a_fetch_without_an_answer_costs_the_connection() {
    let mut bench = reading("2.2", &[]);
    bench.advance(29_999);
    assert!(bench.disconnects.is_empty());
    bench.advance(1);
    assert_eq!(bench.disconnects, [NodeId(1)]);
    bench.advance(100);
    assert_eq!(bench.waiting(ApiKey::Metadata), 1);
}

#[test]
fn a_question_without_an_answer_is_asked_again() {
    let mut bench = consumer("2.8", &[]);
    bench.command(Command::Assign(vec![(orders(0), StartAt::Latest)]));
    bench.answer_metadata(&[1], &[(Some(1), 2)]);
    let sent = bench.take(ApiKey::ListOffsets);
    let refusal = vec![(orders(0), Err(KafkaError::OffsetNotAvailable))];
    bench.answer(&sent, ListOffsetsResponse { partitions: refusal });
    bench.advance(99);
    assert_eq!(bench.waiting(ApiKey::ListOffsets), 0);
    bench.advance(1);
    assert_eq!(bench.waiting(ApiKey::ListOffsets), 1);
    bench.break_connection(NodeId(1));
    bench.advance(200);
    bench.answer_metadata(&[1], &[(Some(1), 2)]);
    let sent = bench.take(ApiKey::ListOffsets);
    listed(&mut bench, &sent, 3);
    assert_eq!(bench.delivered.len(), 1, "an end offset, by the application's own decision");
    assert_eq!(bench.waiting(ApiKey::Fetch), 1);
}

#[test]
fn a_nearer_replica_is_read_until_it_cannot_serve() {
    let mut bench = reading("2.8", &[]);
    let sent = bench.take(ApiKey::Fetch);
    let named = FetchedPartition { preferred_replica: Some(BrokerId(2)), ..answer_of(orders(0)) };
    bench.answer(&sent, FetchResponse { partitions: vec![named] });
    let sent = bench.take(ApiKey::Fetch);
    assert_eq!(sent.to, NodeId(2));
    refused(&mut bench, &sent, KafkaError::OffsetOutOfRange);
    assert!(bench.delivered.is_empty(), "a follower may not have it yet");
    assert_eq!(bench.take(ApiKey::Fetch).to, NodeId(1));
}

#[test]
fn a_corrupt_batch_stops_the_partition() {
    let mut bench = reading("2.8", &[]);
    let sent = bench.take(ApiKey::Fetch);
    let mut corrupt = batch(6, 1, 2);
    corrupt.header.crc ^= 1;
    fetched(&mut bench, &sent, vec![batch(5, 1, 2), corrupt]);
    assert_eq!(polled(&mut bench), [(0, 5, 6)]);
    let (partition, offset, error) = (orders(0), Offset(6), KafkaError::CorruptMessage);
    assert!(bench.notes.contains(&ClientNote::FetchRefused { partition, offset, error }));
    assert_eq!(bench.waiting(ApiKey::Fetch), 0);
}

#[test]
fn a_new_assignment_forgets_the_old_one() {
    let mut bench = reading("2.8", &[]);
    let stale = bench.take(ApiKey::Fetch);
    bench.command(Command::Assign(vec![(orders(1), StartAt::Offset(Offset(0)))]));
    fetched(&mut bench, &stale, vec![batch(5, 1, 2)]);
    assert!(bench.delivered.is_empty());
    assert_eq!(bench.node.position(orders(0)), None);
    bench.advance(100);
    bench.answer_metadata(&[1, 2], &[(Some(1), 2), (Some(2), 0)]);
    let sent = bench.take(ApiKey::Fetch);
    assert_eq!((sent.to, offsets(&sent)), (NodeId(2), vec![(1, 0)]));
}

#[test]
fn a_spurious_wake_changes_nothing() {
    let mut bench = reading("2.8", &[]);
    bench.input(Input::Wake);
    assert_eq!(bench.sent.len(), 1);
    assert!(bench.delivered.is_empty() && bench.notes.is_empty());
    let fork = bench.node.clone();
    let sent = bench.take(ApiKey::Fetch);
    fetched(&mut bench, &sent, vec![batch(5, 1, 2)]);
    assert_eq!(fork.position(orders(0)), Some(Offset(5)), "a copy has a life of its own");
}
