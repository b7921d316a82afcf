//! What producers see.

use super::bench::{Bench, t};
use crate::error::KafkaError;
use crate::ids::Offset;
use crate::messages::produce::Acks;
use crate::messages::{ApiKey, Response};
use crate::node::{Effect, ExitReason};

#[test]
fn acks_all_waits_for_every_member_and_a_follower_learns_one_fetch_late() {
    // What the second fetch is answered: from 2.4 to 2.5 it hurries with the high watermark it has just raised.
    for (release, hurried) in
        [("0.10.2.2", None), ("2.3.1", None), ("2.4.1", Some(1)), ("2.6.3", None), ("3.1.2", None)]
    {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 1, &[1, 2]);
        let produce = broker.produce(t(0), Acks::All, "m1");
        assert_eq!(broker.produced(produce), None, "{release}");
        assert_eq!(broker.read(2, t(0), 0), (None, 0, 1), "{release}");
        assert_eq!(broker.produced(produce), None, "{release}: asking for offset 0 says that it has nothing");
        let second = broker.fetch(2, t(0), 1);
        assert_eq!(broker.produced(produce), Some(Ok(Offset(0))), "{release}");
        let answered = broker.fetched(second).map(|fetched| fetched.high_watermark.0);
        assert_eq!(answered, hurried, "{release}");
    }
}

#[test]
fn a_lone_member_commits_by_itself_and_acks_1_asks_nobody() {
    let mut broker = Bench::new("2.8.2");
    broker.lead(t(0), 1, &[1]);
    let produce = broker.produce(t(0), Acks::All, "m1");
    assert_eq!(broker.produced(produce), Some(Ok(Offset(0))));
    assert_eq!(broker.high_watermark(t(0)), 1);
    broker.lead(t(0), 2, &[1, 2]);
    let produce = broker.produce(t(0), Acks::Leader, "m2");
    assert_eq!(broker.produced(produce), Some(Ok(Offset(1))));
    assert_eq!(broker.high_watermark(t(0)), 1);
}

#[test]
fn too_small_an_isr_is_refused_before_and_after_the_append() {
    let mut broker = Bench::new("2.4.1");
    broker.topic.min_insync_replicas = 2;
    broker.lead(t(0), 1, &[1, 2]);
    let waiting = broker.produce(t(0), Acks::All, "m1");
    broker.lead(t(0), 2, &[1]);
    assert_eq!(broker.produced(waiting), Some(Err(KafkaError::NotEnoughReplicasAfterAppend)));
    let refused = broker.produce(t(0), Acks::All, "m2");
    assert_eq!(broker.produced(refused), Some(Err(KafkaError::NotEnoughReplicas)));
    let accepted = broker.produce(t(0), Acks::Leader, "m3");
    assert_eq!(broker.produced(accepted), Some(Ok(Offset(1))), "m1 stands in the log, m2 does not");
    assert_eq!(broker.high_watermark(t(0)), 2, "up to 3.6 acks=1 is readable below the minimum");
}

#[test]
fn below_the_minimum_the_high_watermark_stands_still_from_3_7_on() {
    let mut broker = Bench::new("3.7.0");
    broker.topic.min_insync_replicas = 2;
    broker.lead(t(0), 1, &[1, 2]);
    let waiting = broker.produce(t(0), Acks::All, "m1");
    broker.lead(t(0), 2, &[1]);
    assert_eq!((broker.produced(waiting), broker.high_watermark(t(0))), (None, 0));
    broker.pass(30_000);
    assert_eq!(broker.produced(waiting), Some(Err(KafkaError::RequestTimedOut)));
}

#[test]
fn a_produce_that_waits_is_told_when_time_or_leadership_ends() {
    let mut broker = Bench::new("2.0.1");
    broker.lead(t(0), 1, &[1, 2]);
    let first = broker.produce(t(0), Acks::All, "m1");
    broker.pass(29_999);
    // The lag check has written a smaller ISR; that the write is unanswered does not hold up the time-out.
    assert_eq!(broker.produced(first), None);
    broker.pass(1);
    assert_eq!(broker.produced(first), Some(Err(KafkaError::RequestTimedOut)));

    let mut broker = Bench::new("2.0.1");
    broker.lead(t(0), 1, &[1, 2]);
    let second = broker.produce(t(0), Acks::All, "m1");
    broker.follow(t(0), 2, 2);
    assert_eq!(broker.produced(second), Some(Err(KafkaError::NotLeaderOrFollower)));
    let third = broker.produce(t(0), Acks::Leader, "m2");
    assert_eq!(broker.produced(third), Some(Err(KafkaError::NotLeaderOrFollower)));
    assert_eq!(broker.manager.partition(t(0)).unwrap().log.end_offset(), Offset(1));
}

#[test]
fn acks_0_is_answered_by_nothing_or_by_a_closed_connection() {
    let mut broker = Bench::new("1.1.1");
    broker.lead(t(0), 1, &[1, 2]);
    let accepted = broker.produce(t(0), Acks::None, "m1");
    assert_eq!(broker.answer(accepted), Some(Response::None));
    broker.produce(t(1), Acks::None, "m2");
    let hung_up = broker.effects();
    assert!(matches!(hung_up[..], [Effect::HangUp { .. }]), "{hung_up:?}");
}

#[test]
fn a_partition_that_is_not_here() {
    for (release, told) in
        [("1.1.1", KafkaError::UnknownTopicOrPartition), ("2.4.1", KafkaError::UnknownTopicOrPartition)]
    {
        let mut broker = Bench::new(release);
        let produce = broker.produce(t(0), Acks::Leader, "m1");
        assert_eq!(broker.produced(produce), Some(Err(told)), "{release}: its metadata does not know it");
    }
    // Found on disk, but the controller has not spoken yet.
    let mut broker = Bench::new("2.4.1");
    broker.lead(t(0), 1, &[1]);
    let mut broker = broker.restart();
    assert!(broker.manager.partition(t(0)).is_some());
    let produce = broker.produce(t(0), Acks::Leader, "m1");
    assert_eq!(broker.produced(produce), Some(Err(KafkaError::UnknownTopicOrPartition)));
}

#[test]
fn each_batch_is_refused_on_its_own() {
    let mut broker = Bench::new("2.4.1");
    broker.topic.max_message_bytes = 100;
    broker.lead(t(0), 1, &[1]);
    let large = broker.produce(t(0), Acks::All, &"x".repeat(60));
    assert_eq!(broker.produced(large), Some(Err(KafkaError::MessageTooLarge)));
    let mut damaged = super::bench::batch("m1");
    damaged.header.crc ^= 1;
    let partitions = vec![(t(0), damaged.into()), (t(0), super::bench::batch("m2").into())];
    let timeout = crate::time::Micros::from_millis(1000);
    let request = crate::messages::produce::ProduceRequest { acks: Acks::All, timeout, partitions };
    let both = broker.send(request.into());
    let Some(Response::Produce(response)) = broker.answer(both) else { panic!("answered at once") };
    let results: Vec<_> = response.partitions.iter().map(|outcome| outcome.result).collect();
    assert_eq!(results, [Err(KafkaError::CorruptMessage), Ok(Offset(0))]);
}

#[test]
fn epochs_are_stamped_from_0_11_on() {
    for (release, stamped) in [("0.10.2.2", -1), ("0.11.0.3", 4), ("3.1.2", 4)] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 4, &[1]);
        broker.produce(t(0), Acks::Leader, "m1");
        let log = &broker.manager.partition(t(0)).unwrap().log;
        assert_eq!(log.batches()[0].epoch.0, stamped, "{release}");
        let knows = ApiKey::OffsetsForLeaderEpoch.newest_version(broker.era.release).is_some();
        assert_eq!(knows, stamped == 4, "{release}");
    }
}

#[test]
fn a_new_leader_enters_its_epoch_at_once_from_2_0_1_on() {
    for (release, entries) in [("0.10.2.2", 0), ("2.0.0", 0), ("2.0.1", 1)] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 4, &[1]);
        assert_eq!(broker.manager.partition(t(0)).unwrap().log.epochs().len(), entries, "{release}");
    }
}

#[test]
fn a_failed_disk_ends_the_process_and_is_told_from_1_0_on() {
    for (release, told) in [("0.11.0.3", None), ("1.0.0", Some(Err(KafkaError::KafkaStorageError)))] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 1, &[1]);
        broker.effects();
        broker.test.disk.broken = true;
        let produce = broker.produce(t(0), Acks::Leader, "m1");
        assert_eq!(broker.produced(produce), told, "{release}");
        let effects = broker.effects();
        assert!(
            matches!(effects[..], [Effect::Exit(ExitReason::LogDirectoryFailed)]),
            "{release}: {effects:?}"
        );
        let after = broker.produce(t(0), Acks::Leader, "m2");
        assert_eq!((broker.produced(after), broker.manager.deadline()), (None, None), "{release}");
    }
}
