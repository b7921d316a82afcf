//! What consumers and followers see.

use super::bench::{Bench, batch, t};
use crate::error::KafkaError;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, NodeId, Offset};
use crate::messages::Response;
use crate::messages::fetch::{FetchPartition, FetchRequest};
use crate::messages::list_offsets::{ListOffsetsRequest, OffsetQuery};
use crate::messages::offsets_for_leader_epoch::{EpochQuestion, OffsetsForLeaderEpochRequest};
use crate::messages::produce::Acks;
use crate::messages::update_metadata::UpdateMetadataRequest;
use std::sync::Arc;

/// Broker 1 leads `t-0` in epoch 1 with ISR {1, 2}; two records, the first of them committed.
fn half_committed(release: &str) -> Bench {
    let mut broker = Bench::new(release);
    broker.lead(t(0), 1, &[1, 2]);
    for value in ["m1", "m2"] {
        broker.produce(t(0), Acks::Leader, value);
    }
    broker.read(2, t(0), 0);
    broker.read(2, t(0), 1);
    broker.effects();
    assert_eq!(broker.high_watermark(t(0)), 1);
    broker
}

#[test]
fn consumers_read_what_is_committed_and_followers_everything() {
    let mut broker = half_committed("2.8.2");
    assert_eq!(broker.read(-1, t(0), 0), (None, 1, 1));
    assert_eq!(broker.read(2, t(0), 1), (None, 1, 1));
    let waiting = broker.fetch(-1, t(0), 1);
    assert_eq!(broker.fetched(waiting), None);
    broker.fetch(2, t(0), 2);
    let woken = broker.fetched(waiting).expect("the high watermark has risen");
    assert_eq!((woken.high_watermark.0, woken.records.len()), (2, 1));
}

#[test]
fn a_fetch_waits_no_longer_than_it_wants_to() {
    let mut broker = half_committed("2.8.2");
    let waiting = broker.fetch(-1, t(0), 1);
    broker.pass(499);
    assert_eq!(broker.fetched(waiting), None);
    broker.pass(1);
    let empty = broker.fetched(waiting).expect("out of time");
    assert_eq!((empty.error, empty.records.len()), (None, 0));
}

#[test]
fn an_append_wakes_the_followers_that_wait() {
    let mut broker = half_committed("2.8.2");
    let waiting = broker.fetch(2, t(0), 2);
    assert_eq!(broker.fetched(waiting), None);
    broker.produce(t(0), Acks::Leader, "m3");
    assert_eq!(broker.fetched(waiting).expect("there is a record").records.len(), 1);
}

#[test]
fn out_of_range_is_below_the_start_or_above_the_end() {
    let mut broker = half_committed("2.8.2");
    let out = (Some(KafkaError::OffsetOutOfRange), -1, 0);
    assert_eq!(broker.read(-1, t(0), -1), out);
    assert_eq!(broker.read(-1, t(0), 3), out);
    let between = broker.fetch(-1, t(0), 2);
    assert_eq!(broker.fetched(between), None, "above the high watermark, in the log: it waits");
}

#[test]
fn bytes_are_bounded_but_the_first_batch_comes_whole() {
    let mut broker = Bench::new("2.8.2");
    broker.lead(t(0), 1, &[1]);
    broker.lead(t(1), 1, &[1]);
    for tp in [t(0), t(0), t(1)] {
        broker.produce(tp, Acks::Leader, "m");
    }
    let one = batch("m").size() as u32;
    // request's bound, partition's bound; batches of t-0 and t-1
    for (request_bound, bound, read) in [
        (1000, 1000, [2, 1]),
        (1, 1000, [1, 0]),
        (1000, 1, [1, 0]),
        (2 * one, 1000, [2, 0]),
        (1000, one, [1, 1]),
    ] {
        let asked = |tp| FetchPartition { max_bytes: bound, ..Bench::asked(tp, 0) };
        let mut request = Bench::fetch_request(-1, asked(t(0)));
        request.partitions.push(asked(t(1)));
        request.max_bytes = request_bound;
        let number = broker.send(request.into());
        let Some(Response::Fetch(response)) = broker.answer(number) else { panic!("there is something") };
        let counts: Vec<usize> = response.partitions.iter().map(|fetched| fetched.records.len()).collect();
        assert_eq!(counts, read, "{request_bound} {bound}");
    }
}

#[test]
fn min_bytes_are_waited_for() {
    let mut broker = half_committed("2.8.2");
    let mut request = Bench::fetch_request(2, Bench::asked(t(0), 0));
    request.min_bytes = 2 * batch("m1").size() as u32 + 1;
    let waiting = broker.send(request.into());
    assert_eq!(broker.fetched(waiting), None);
    broker.produce(t(0), Acks::Leader, "m3");
    assert_eq!(broker.fetched(waiting).expect("enough").records.len(), 3);
}

#[test]
fn epochs_are_fenced_from_2_1_on() {
    for (release, asker, told) in [
        ("2.0.1", 0, None),
        ("2.1.1", 0, Some(KafkaError::FencedLeaderEpoch)),
        ("2.1.1", 1, None),
        ("2.1.1", 2, Some(KafkaError::UnknownLeaderEpoch)),
    ] {
        let mut broker = half_committed(release);
        let asked =
            FetchPartition { current_leader_epoch: Some(LeaderEpoch(asker)), ..Bench::asked(t(0), 0) };
        let number = broker.send(Bench::fetch_request(-1, asked).into());
        let fetched = broker.fetched(number).expect("there is a record, or an error");
        assert_eq!(fetched.error, told, "{release} {asker}");
    }
}

#[test]
fn a_follower_serves_new_consumers_from_2_4_on() {
    for (release, version, told) in [
        ("2.3.1", 11, Some(KafkaError::NotLeaderOrFollower)),
        ("2.4.1", 10, Some(KafkaError::NotLeaderOrFollower)),
        ("2.4.1", 11, None),
    ] {
        let mut broker = half_committed(release);
        broker.follow(t(0), 2, 2);
        let request = Bench::fetch_request(-1, Bench::asked(t(0), 0));
        let number = broker.send_version(request.into(), version);
        let fetched = broker.fetched(number).expect("answered at once");
        assert_eq!(fetched.error, told, "{release} {version}");
        assert_eq!(fetched.records.len(), usize::from(told.is_none()), "up to the high watermark");
    }
}

#[test]
fn a_diverging_fetch_counted_as_progress_in_2_8_0() {
    for (release, rose) in [("2.7.1", true), ("2.7.2", false), ("2.8.0", true), ("2.8.1", false)] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 1, &[1]);
        broker.produce(t(0), Acks::All, "m0");
        broker.lead(t(0), 3, &[1, 2]);
        broker.produce(t(0), Acks::All, "m2");
        // Broker 2 has another record, of epoch 2, at offset 1.
        let asked = FetchPartition { last_fetched_epoch: Some(LeaderEpoch(2)), ..Bench::asked(t(0), 2) };
        let number = broker.send(Bench::fetch_request(2, asked).into());
        let fetched = broker.fetched(number).expect("a divergence is told at once");
        let diverging = fetched.diverging_epoch.expect("its log parts at offset 1");
        assert_eq!((diverging.epoch, diverging.end_offset), (LeaderEpoch(1), Offset(1)), "{release}");
        assert!(fetched.records.is_empty());
        assert_eq!(broker.high_watermark(t(0)), if rose { 2 } else { 1 }, "{release}");
    }
}

#[test]
fn an_epoch_that_the_leader_cannot_place_is_out_of_range() {
    let mut broker = half_committed("2.8.2");
    let asked = FetchPartition { last_fetched_epoch: Some(LeaderEpoch(7)), ..Bench::asked(t(0), 1) };
    let number = broker.send(Bench::fetch_request(2, asked).into());
    assert_eq!(broker.fetched(number).unwrap().error, Some(KafkaError::OffsetOutOfRange));
}

#[test]
fn a_fetcher_that_is_not_assigned_gets_nothing_and_counts_for_nothing() {
    let mut broker = half_committed("2.8.2");
    let stranger = broker.fetch(7, t(0), 0);
    assert_eq!(broker.fetched(stranger), None);
    broker.pass(500);
    let fetched = broker.fetched(stranger).expect("out of time");
    assert_eq!((fetched.error, fetched.records.len()), (None, 0));
    assert_eq!(broker.high_watermark(t(0)), 1);
}

fn end_of(broker: &mut Bench, replica: i32, query: OffsetQuery) -> Result<i64, KafkaError> {
    let request = ListOffsetsRequest { replica: BrokerId(replica), partitions: vec![(t(0), query, None)] };
    let number = broker.send(request.into());
    match broker.answer(number) {
        Some(Response::ListOffsets(response)) => response.partitions[0].1.map(|listed| listed.offset.0),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn the_end_is_the_high_watermark_for_a_client_unless_its_leader_is_too_new_to_know_it() {
    for (release, told) in [("2.1.1", Ok(1)), ("2.2.0", Err(KafkaError::OffsetNotAvailable))] {
        let mut broker = half_committed(release);
        assert_eq!(end_of(&mut broker, -1, OffsetQuery::Latest), Ok(1), "{release}");
        assert_eq!(end_of(&mut broker, -1, OffsetQuery::Earliest), Ok(0), "{release}");
        assert_eq!(end_of(&mut broker, 2, OffsetQuery::Latest), Ok(2), "{release}: a follower");
        broker.follow(t(0), 2, 2);
        assert_eq!(
            end_of(&mut broker, -1, OffsetQuery::Latest),
            Err(KafkaError::NotLeaderOrFollower),
            "{release}"
        );
        broker.lead(t(0), 3, &[1, 2]);
        assert_eq!(end_of(&mut broker, -1, OffsetQuery::Latest), told, "{release}: epoch start 2");
        assert_eq!(end_of(&mut broker, 2, OffsetQuery::Latest), Ok(2), "{release}");
    }
}

#[test]
fn where_an_epoch_ended() {
    // Records of epoch 1 and 3; the question, the answer
    for (release, asked, answer) in [
        ("0.11.0.3", 1, (None, 1)),
        ("2.0.1", 1, (Some(1), 1)),
        ("2.0.1", 2, (Some(1), 1)),
        ("2.0.1", 3, (Some(3), 2)),
        ("2.0.1", 4, (Some(-1), -1)),
        ("2.0.1", 0, (Some(0), 0)),
        ("2.0.0", 0, (Some(-1), -1)),
    ] {
        let mut broker = Bench::new(release);
        for epoch in [1, 3] {
            broker.lead(t(0), epoch, &[1]);
            broker.produce(t(0), Acks::Leader, "m");
        }
        let question =
            EpochQuestion { partition: t(0), current_leader_epoch: None, leader_epoch: LeaderEpoch(asked) };
        let request = OffsetsForLeaderEpochRequest { replica: BrokerId(2), partitions: vec![question] };
        let number = broker.send(request.into());
        let Some(Response::OffsetsForLeaderEpoch(response)) = broker.answer(number) else {
            panic!("answered at once")
        };
        let end = response.partitions[0].1.unwrap();
        let told = (end.leader_epoch.map(|epoch| epoch.0), end.end_offset.0);
        assert_eq!(told, answer, "{release}: epoch {asked}");
    }
}

#[test]
fn a_consumer_in_another_rack_is_named_a_replica_there() {
    for (release, at_once) in [("2.4.1", false), ("3.1.2", false), ("3.2.0", true), ("3.8.0", true)] {
        let mut broker = Bench::new(release);
        Arc::make_mut(&mut broker.manager.config).rack_aware_reads = true;
        let racks = [(1, "a"), (2, "b"), (3, "b")];
        broker.manager.metadata.update(UpdateMetadataRequest {
            controller: BrokerId(1),
            controller_epoch: ControllerEpoch(1),
            broker_epoch: None,
            partitions: Vec::new(),
            live_brokers: racks.iter().map(|(id, _)| (BrokerId(*id), NodeId(*id as u16))).collect(),
            racks: racks.iter().map(|(id, rack)| (BrokerId(*id), Arc::from(*rack))).collect(),
        });
        broker.lead(t(0), 1, &[1, 2]);
        broker.produce(t(0), Acks::Leader, "m1");
        broker.read(2, t(0), 0);
        broker.fetch(2, t(0), 1);
        let ask = |broker: &mut Bench, rack: &str| {
            let request = Bench::fetch_request(-1, Bench::asked(t(0), 0));
            broker.send(FetchRequest { rack: Some(rack.into()), ..request }.into())
        };
        let asked = ask(&mut broker, "b");
        if !at_once {
            assert!(broker.fetched(asked).is_none(), "{release}: it waits as if there were nothing to read");
            broker.pass(500);
        }
        let named = broker.fetched(asked).expect("answered");
        assert_eq!((named.preferred_replica, named.records.len()), (Some(BrokerId(2)), 0), "{release}");
        for rack in ["a", "c"] {
            let asked = ask(&mut broker, rack);
            let read = broker.fetched(asked).expect("answered");
            assert_eq!((read.preferred_replica, read.records.len()), (None, 1), "{release} {rack}");
        }
        Arc::make_mut(&mut broker.manager.config).rack_aware_reads = false;
        let asked = ask(&mut broker, "b");
        assert_eq!(broker.fetched(asked).expect("answered").records.len(), 1, "{release}: no selector");
    }
}
