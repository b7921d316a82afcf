//! A producer among brokers that are played by hand.

use super::*;
use crate::client::testing::{Bench, Sent, broker, orders};
use crate::error::KafkaError;
use crate::ids::Offset;
use crate::log::batch::RecordSet;
use crate::messages::produce::{Acks, ProduceOutcome, ProduceResponse};
use crate::messages::{ApiKey, Request};
use crate::note::ClientNote;
use bytes::Bytes;

type ProducerBench = Bench<Producer>;

fn producer(release: &str, settings: &[(&str, &str)]) -> ProducerBench {
    let era = Era::parse(release).expect("a release");
    let given: Vec<_> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let config = ProducerConfig::new(&era, &given).expect("good settings");
    Bench::new(Producer::new(config, era.clone(), vec![NodeId(1), NodeId(2)]), era)
}

/// A producer that knows the leaders of `orders`: partition 0 and 1 on broker 1, partition 2 on broker 2.
fn connected(release: &str, settings: &[(&str, &str)]) -> ProducerBench {
    let mut bench = producer(release, settings);
    send(&mut bench, 0, 0);
    bench.answer_metadata(&[1, 2], &[(Some(1), 0), (Some(1), 0), (Some(2), 0)]);
    let sent = bench.take(ApiKey::Produce);
    respond(&mut bench, &sent, &[Ok(0)]);
    assert_eq!(acked(&mut bench), [(0, Some(0))]);
    bench.notes.clear();
    bench
}

fn record(length: usize) -> ProducerRecord {
    ProducerRecord { key: None, value: Some(Bytes::from(vec![7; length])), headers: Vec::new() }
}

fn send_records(bench: &mut ProducerBench, send: u64, partition: i32, lengths: &[usize]) {
    let records = lengths.iter().map(|length| record(*length)).collect();
    bench.command(Command::Produce { send: SendId(send), partition: orders(partition), records });
}

fn send(bench: &mut ProducerBench, send: u64, partition: i32) {
    send_records(bench, send, partition, &[10]);
}

/// The partitions of a produce request.
fn partitions(sent: &Sent) -> Vec<i32> {
    match &sent.request {
        Request::Produce(request) => {
            request.partitions.iter().map(|(partition, _)| partition.partition).collect()
        }
        other => panic!("no produce: {other:?}"),
    }
}

fn respond(bench: &mut ProducerBench, sent: &Sent, results: &[Result<i64, KafkaError>]) {
    let outcome = |(partition, result): (i32, &Result<i64, KafkaError>)| ProduceOutcome {
        partition: orders(partition),
        result: result.map(Offset),
        log_append_time: None,
        log_start_offset: None,
    };
    let partitions = partitions(sent).into_iter().zip(results).map(outcome).collect();
    bench.answer(sent, ProduceResponse { partitions });
}

/// The sends acked since the last look, with their base offsets.
fn acked(bench: &mut ProducerBench) -> Vec<(u64, Option<i64>)> {
    let told = bench.delivered.drain(..).map(|delivery| match delivery {
        Delivery::Acked { send, base_offset, .. } => (send.0, base_offset.map(|offset| offset.0)),
        other => panic!("not acked: {other:?}"),
    });
    told.collect()
}

/// The sends failed since the last look: which, why, and whether they may be in the log.
fn failed(bench: &mut ProducerBench) -> Vec<(u64, ClientError, bool)> {
    let told = bench.delivered.drain(..).map(|delivery| match delivery {
        Delivery::Failed { send, error, may_have_been_appended, .. } => {
            (send.0, error, may_have_been_appended)
        }
        other => panic!("not failed: {other:?}"),
    });
    told.collect()
}

#[test]
fn a_send_asks_for_metadata_connects_to_the_leader_and_is_acked() {
    let mut bench = producer("2.8", &[("acks", "all")]);
    assert!(bench.connects.is_empty(), "nothing is wanted yet");
    send_records(&mut bench, 1, 2, &[10, 20]);
    let bootstrap = bench.connects.clone();
    assert_eq!(bootstrap.len(), 1);
    bench.answer_metadata(&[1, 2], &[(Some(1), 0), (Some(1), 0), (Some(2), 0)]);
    let sent = bench.take(ApiKey::Produce);
    assert_eq!((sent.to, sent.version), (NodeId(2), 9));
    let Request::Produce(request) = &sent.request else { panic!("{sent:?}") };
    let (partition, RecordSet::Batch(batch)) = &request.partitions[0] else { panic!("{request:?}") };
    assert_eq!((*partition, request.acks), (orders(2), Acks::All));
    assert_eq!(
        (batch.header.records_count, batch.header.producer_id, batch.header.base_sequence),
        (2, -1, -1)
    );
    assert!(batch.is_valid());
    assert_eq!(batch.header.base_timestamp.0, 1000, "the wall clock when it was sent");
    respond(&mut bench, &sent, &[Ok(41)]);
    let (broker, _) = broker(2);
    let (send, partition, base_offset) = (SendId(1), orders(2), Some(Offset(41)));
    assert_eq!(bench.delivered, [Delivery::Acked { send, partition, base_offset, broker }]);
}

#[test]
fn one_request_carries_one_batch_of_each_partition_of_a_broker() {
    // One request in flight at a time, so that what follows must wait and goes together.
    let mut bench = connected("2.8", &[("max.in.flight.requests.per.connection", "1")]);
    for (number, partition) in [(1, 0), (2, 0), (3, 1), (4, 2)] {
        send(&mut bench, number, partition);
    }
    let first = bench.take(ApiKey::Produce);
    assert_eq!((first.to, partitions(&first)), (NodeId(1), vec![0]));
    let other_broker = bench.take(ApiKey::Produce);
    assert_eq!((other_broker.to, partitions(&other_broker)), (NodeId(2), vec![2]));
    assert_eq!(bench.waiting(ApiKey::Produce), 0);
    respond(&mut bench, &first, &[Ok(1)]);
    let both = bench.take(ApiKey::Produce);
    assert_eq!(partitions(&both), [0, 1]);
    respond(&mut bench, &both, &[Ok(2), Ok(0)]);
    assert_eq!(acked(&mut bench), [(1, Some(1)), (2, Some(2)), (3, Some(0))]);
}

#[test]
fn no_more_requests_are_in_flight_than_allowed() {
    let mut bench = connected("2.8", &[]);
    (1..=7).for_each(|number| send(&mut bench, number, 0));
    assert_eq!(bench.waiting(ApiKey::Produce), 5);
    let first = bench.take(ApiKey::Produce);
    respond(&mut bench, &first, &[Ok(1)]);
    assert_eq!(bench.waiting(ApiKey::Produce), 5);
}

#[test]
fn a_retry_goes_to_the_front_but_may_have_been_overtaken() {
    let mut bench = connected("2.8", &[("acks", "all")]);
    (1..=2).for_each(|number| send(&mut bench, number, 0));
    let first = bench.take(ApiKey::Produce);
    let second = bench.take(ApiKey::Produce);
    respond(&mut bench, &first, &[Err(KafkaError::NotEnoughReplicas)]);
    respond(&mut bench, &second, &[Ok(1)]);
    assert_eq!(acked(&mut bench), [(2, Some(1))], "the later send is before the earlier one");
    send(&mut bench, 3, 0);
    assert_eq!(bench.waiting(ApiKey::Produce), 0, "the front of the queue is backing off");
    bench.advance(99);
    assert_eq!(bench.waiting(ApiKey::Produce), 0);
    bench.advance(1);
    let again = bench.take(ApiKey::Produce);
    respond(&mut bench, &again, &[Ok(2)]);
    assert_eq!(acked(&mut bench), [(1, Some(2))]);
    let error = ClientError::Kafka(KafkaError::NotEnoughReplicas);
    let retries = ClientNote::Retries { send: SendId(1), partition: orders(0), error, broker: BrokerId(1) };
    assert_eq!(bench.notes, [retries]);
}

#[test]
fn with_one_request_in_flight_a_muted_partition_keeps_its_order() {
    let mut bench = connected("2.8", &[("max.in.flight.requests.per.connection", "1")]);
    (1..=2).for_each(|number| send(&mut bench, number, 0));
    let first = bench.take(ApiKey::Produce);
    respond(&mut bench, &first, &[Err(KafkaError::NotLeaderOrFollower)]);
    // The leader has moved: without muting, the second send would go to the new one at once.
    bench.advance(100);
    bench.answer_metadata(&[1, 2], &[(Some(2), 1), (Some(1), 0), (Some(2), 0)]);
    let again = bench.take(ApiKey::Produce);
    assert_eq!(again.to, NodeId(2));
    assert_eq!(bench.waiting(ApiKey::Produce), 0);
    respond(&mut bench, &again, &[Ok(5)]);
    let next = bench.take(ApiKey::Produce);
    respond(&mut bench, &next, &[Ok(6)]);
    assert_eq!(acked(&mut bench), [(1, Some(5)), (2, Some(6))]);
}

#[test]
fn before_2_1_the_first_error_is_final() {
    for (acks, open) in [("1", false), ("all", true)] {
        let mut bench = connected("0.10.2", &[("acks", acks)]);
        send(&mut bench, 1, 0);
        let sent = bench.take(ApiKey::Produce);
        respond(&mut bench, &sent, &[Err(KafkaError::NotLeaderOrFollower)]);
        let error = ClientError::Kafka(KafkaError::NotLeaderOrFollower);
        assert_eq!(failed(&mut bench), [(1, error, open)], "acks={acks}");
        bench.advance(100);
        assert_eq!(bench.waiting(ApiKey::Metadata), 1, "NOT_LEADER says that metadata is out of date");
    }
}

#[test]
fn an_attempt_whose_outcome_is_open_leaves_it_open() {
    let mut bench = connected("2.8", &[("acks", "all"), ("retries", "1")]);
    send(&mut bench, 1, 0);
    bench.break_connection(NodeId(1));
    assert!(bench.delivered.is_empty());
    bench.advance(100);
    bench.answer_metadata(&[1, 2], &[(Some(1), 0)]);
    bench.advance(100);
    let again = bench.take(ApiKey::Produce);
    respond(&mut bench, &again, &[Err(KafkaError::NotEnoughReplicas)]);
    let error = ClientError::Kafka(KafkaError::NotEnoughReplicas);
    assert_eq!(failed(&mut bench), [(1, error, true)], "the first attempt may have been appended");
}

#[test]
fn a_refusal_before_the_append_is_definite() {
    let mut bench = connected("2.8", &[("acks", "all"), ("retries", "0")]);
    send(&mut bench, 1, 0);
    let sent = bench.take(ApiKey::Produce);
    respond(&mut bench, &sent, &[Err(KafkaError::NotEnoughReplicas)]);
    assert_eq!(failed(&mut bench), [(1, ClientError::Kafka(KafkaError::NotEnoughReplicas), false)]);
    send(&mut bench, 2, 0);
    bench.break_connection(NodeId(1));
    assert_eq!(failed(&mut bench), [(2, ClientError::Disconnected, true)]);
}

#[test]
fn acks_0_is_done_when_it_is_sent() {
    let mut bench = producer("2.8", &[("acks", "0")]);
    send(&mut bench, 1, 0);
    bench.answer_metadata(&[1], &[(Some(1), 0)]);
    (2..=9).for_each(|number| send(&mut bench, number, 0));
    assert_eq!(acked(&mut bench), (1..=9).map(|number| (number, None)).collect::<Vec<_>>());
}

#[test]
fn a_request_without_an_answer_costs_the_connection() {
    let mut bench = connected("2.8", &[]);
    (1..=2).for_each(|number| send(&mut bench, number, 0));
    let first = bench.sent[0].clone();
    bench.advance(29_999);
    assert!(bench.disconnects.is_empty());
    bench.advance(1);
    assert_eq!(bench.disconnects, [NodeId(1)]);
    let lost = ClientNote::ConnectionLost { node: NodeId(1), timed_out: true };
    assert!(bench.notes.contains(&lost), "{:?}", bench.notes);
    let metadata = bench.take(ApiKey::Metadata);
    assert_eq!(metadata.to, NodeId(2), "the broker that is connected");
    bench.answer(&metadata, crate::client::testing::metadata(&[2], &[(Some(2), 1)]));
    bench.advance(100);
    // The last to fail is the first in the queue: both were in flight, and came back in order.
    assert_eq!(bench.waiting(ApiKey::Produce), 2);
    assert!(bench.sent.iter().all(|sent| sent.to == NodeId(2)));
    // The old request's answer arrives after all.
    respond(&mut bench, &first, &[Ok(1)]);
    assert!(bench.delivered.is_empty());
}

#[test]
fn from_2_1_a_batch_fails_when_its_delivery_time_is_over() {
    let settings = [("delivery.timeout.ms", "1000"), ("request.timeout.ms", "700"), ("linger.ms", "0")];
    let mut bench = connected("2.8", &settings);
    send(&mut bench, 1, 0);
    bench.advance(700);
    assert_eq!(bench.disconnects, [NodeId(1)]);
    bench.advance(299);
    assert!(bench.delivered.is_empty());
    bench.advance(1);
    assert_eq!(failed(&mut bench), [(1, ClientError::TimedOut, true)]);
    // One that was never sent is definitely not in the log.
    bench.break_connection(NodeId(1));
    bench.break_connection(NodeId(2));
    bench.down.extend([NodeId(1), NodeId(2)]);
    send(&mut bench, 2, 0);
    bench.advance(1000);
    assert_eq!(failed(&mut bench), [(2, ClientError::TimedOut, false)]);
}

#[test]
fn a_batch_that_expires_in_flight_is_done_with() {
    let settings = [("delivery.timeout.ms", "1000"), ("request.timeout.ms", "1000")];
    let mut bench = connected("2.8", &settings);
    send(&mut bench, 1, 0);
    let sent = bench.take(ApiKey::Produce);
    respond(&mut bench, &sent, &[Err(KafkaError::NotEnoughReplicas)]);
    bench.advance(100);
    let again = bench.take(ApiKey::Produce);
    bench.advance(900);
    assert_eq!(failed(&mut bench), [(1, ClientError::TimedOut, true)]);
    assert!(bench.disconnects.is_empty(), "the request has 100 ms left");
    respond(&mut bench, &again, &[Ok(3)]);
    assert!(bench.delivered.is_empty(), "told once");
}

#[test]
fn before_2_1_a_batch_waits_for_the_request_time_out() {
    let mut bench = connected("2.0", &[("request.timeout.ms", "1000")]);
    bench.down.extend([NodeId(1), NodeId(2)]);
    bench.break_connection(NodeId(1));
    bench.break_connection(NodeId(2));
    send(&mut bench, 1, 0);
    bench.advance(999);
    assert!(bench.delivered.is_empty());
    bench.advance(1);
    assert_eq!(failed(&mut bench), [(1, ClientError::TimedOut, false)]);
}

#[test]
fn a_send_waits_for_its_topic_and_gives_up() {
    let mut bench = producer("2.8", &[("max.block.ms", "500")]);
    send(&mut bench, 1, 0);
    send(&mut bench, 2, 1);
    // One partition only: the second send's is not there.
    bench.answer_metadata(&[1], &[(Some(1), 0)]);
    let sent = bench.take(ApiKey::Produce);
    assert_eq!(partitions(&sent), [0]);
    respond(&mut bench, &sent, &[Ok(0)]);
    assert_eq!(acked(&mut bench), [(1, Some(0))]);
    bench.advance(100);
    bench.answer_metadata(&[1], &[(Some(1), 0)]);
    bench.advance(400);
    assert_eq!(failed(&mut bench), [(2, ClientError::TimedOut, false)]);
}

#[test]
fn a_client_never_goes_back_to_its_bootstrap_list() {
    let mut bench = producer("2.8", &[]);
    send(&mut bench, 1, 0);
    bench.answer_metadata(&[3], &[(Some(3), 0)]);
    bench.down.insert(NodeId(3));
    bench.break_connection(NodeId(1));
    bench.break_connection(NodeId(2));
    bench.connects.clear();
    bench.break_connection(NodeId(3));
    bench.advance(60_000);
    assert!(bench.connects.len() > 10 && bench.connects.iter().all(|node| *node == NodeId(3)));
}

#[test]
fn the_wait_before_a_reconnect_doubles_from_0_11_on() {
    let attempts = |release: &str| {
        let mut bench = producer(release, &[("max.block.ms", "100000")]);
        bench.down.extend([NodeId(1), NodeId(2)]);
        send(&mut bench, 1, 0);
        bench.advance(10_000);
        bench.connects.len()
    };
    // Two brokers: every 50 ms each, against 40, 80, 160, 320, 640 and then 800 ms with the smallest jitter.
    assert_eq!(attempts("0.10.2"), 402);
    assert!((30..40).contains(&attempts("2.8")), "{}", attempts("2.8"));
}

#[test]
fn a_send_of_several_batches_is_told_of_once() {
    let mut bench = connected("2.8", &[("batch.size", "300"), ("acks", "all")]);
    send_records(&mut bench, 1, 0, &[200, 200]);
    let first = bench.take(ApiKey::Produce);
    let second = bench.take(ApiKey::Produce);
    respond(&mut bench, &first, &[Ok(7)]);
    assert!(bench.delivered.is_empty());
    respond(&mut bench, &second, &[Ok(8)]);
    assert_eq!(acked(&mut bench), [(1, Some(7))]);
    send_records(&mut bench, 2, 0, &[200, 200]);
    let first = bench.take(ApiKey::Produce);
    let second = bench.take(ApiKey::Produce);
    respond(&mut bench, &first, &[Ok(9)]);
    respond(&mut bench, &second, &[Err(KafkaError::MessageTooLarge)]);
    let error = ClientError::Kafka(KafkaError::MessageTooLarge);
    assert_eq!(failed(&mut bench), [(2, error, true)], "half of it is in the log");
    send_records(&mut bench, 3, 0, &[2_000_000]);
    assert_eq!(failed(&mut bench), [(3, error, false)], "larger than max.request.size");
}

#[test]
fn older_metadata_is_believed_only_before_2_2() {
    let leader_after = |release: &str| {
        let mut bench = connected(release, &[("retries", "0")]);
        let mut told_not_leader = |number: u64, leader: i32, epoch: i32| {
            send(&mut bench, number, 0);
            let sent = bench.take(ApiKey::Produce);
            respond(&mut bench, &sent, &[Err(KafkaError::NotLeaderOrFollower)]);
            bench.advance(100);
            bench.answer_metadata(&[1, 2], &[(Some(leader), epoch)]);
            sent.to
        };
        told_not_leader(1, 2, 5);
        assert_eq!(told_not_leader(2, 1, 4), NodeId(2));
        told_not_leader(3, 2, 5)
    };
    assert_eq!(leader_after("2.1"), NodeId(1));
    assert_eq!(leader_after("2.2"), NodeId(2));
    assert_eq!(leader_after("2.8"), NodeId(2));
}

#[test]
fn a_producer_without_work_refreshes_metadata_and_does_nothing_else() {
    let mut bench = connected("2.8", &[]);
    bench.input(Input::Wake);
    assert!(bench.sent.is_empty() && bench.delivered.is_empty() && bench.notes.is_empty());
    bench.advance(299_999);
    assert!(bench.sent.is_empty());
    bench.advance(1);
    assert_eq!(bench.waiting(ApiKey::Metadata), 1);
}

#[test]
fn a_leaderless_partition_makes_the_producer_ask_every_back_off() {
    let mut bench = producer("2.8", &[]);
    send(&mut bench, 1, 0);
    for _ in 0..5 {
        bench.answer_metadata(&[1, 2], &[(None, 1)]);
        bench.advance(99);
        assert_eq!(bench.waiting(ApiKey::Metadata), 0);
        bench.advance(1);
    }
    bench.answer_metadata(&[1, 2], &[(Some(2), 2)]);
    assert_eq!(bench.take(ApiKey::Produce).to, NodeId(2));
}
