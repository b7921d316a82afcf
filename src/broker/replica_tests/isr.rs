//! The ISR, the high watermark, roles, and what survives a restart.

use super::bench::{Bench, ids, stat, t};
use crate::error::KafkaError;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, ZkVersion};
use crate::messages::produce::Acks;
use crate::messages::zookeeper::{Op, OpResult, ZkError};
use crate::note::Decided;
use crate::rules::truncation::Truncation;
use crate::zookeeper::znode::{PartitionState, ZnodeData};

fn set(version: i32) -> Result<OpResult, ZkError> {
    Ok(OpResult::Set(stat(version)))
}

/// Broker 1 leads `t-0` in epoch 1 (version 10) with ISR {1, 2}; one record that broker 2 lacks, waited for.
fn waiting(release: &str) -> (Bench, u32) {
    let mut broker = Bench::new(release);
    broker.lead(t(0), 1, &[1, 2]);
    let produce = broker.produce(t(0), Acks::All, "m1");
    broker.effects();
    (broker, produce)
}

#[test]
fn up_to_2_6_a_shrink_holds_the_partition_until_zookeeper_has_answered() {
    let (mut broker, first) = waiting("2.6.3");
    broker.pass(10_000);
    assert_eq!(broker.written(), None, "lagging is more than 10 s, checked every 5 s");
    broker.pass(5_000);
    assert_eq!(broker.written_isr(), Some((ids(&[1]), Some(ZkVersion(10)))));
    let second = broker.produce(t(0), Acks::Leader, "m2");
    let fetch = broker.fetch(2, t(0), 0);
    assert_eq!((broker.produced(second), broker.fetched(fetch)), (None, None), "they wait for the lock");
    assert_eq!(broker.manager.partition(t(0)).unwrap().log.end_offset(), Offset(1));
    assert_eq!((broker.isr(t(0)), broker.maximal_isr(t(0))), (ids(&[1, 2]), ids(&[1, 2])));

    broker.zookeeper_answers(set(11));
    assert_eq!(broker.isr(t(0)), ids(&[1]));
    assert_eq!(broker.manager.partition(t(0)).unwrap().zk_version, ZkVersion(11));
    assert_eq!(broker.produced(first), Some(Ok(Offset(0))), "the high watermark rises with the shrink");
    assert_eq!(broker.produced(second), Some(Ok(Offset(1))));
    let records = broker.fetched(fetch).expect("read after the append").records.len();
    assert_eq!(records, 2);

    broker.pass(4_000);
    assert_eq!(broker.written(), None, "5 s of quiet");
    broker.pass(4_000);
    match broker.written() {
        Some(Op::Create { path, data: ZnodeData::IsrChange(told), sequential: true, .. }) => {
            assert_eq!((&*path, &told[..]), ("/isr_change_notification/isr_change_", &[t(0)][..]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_check_waits_at_the_first_partition_that_zookeeper_does_not_answer_for() {
    let (mut broker, _) = waiting("2.4.1");
    broker.lead(t(1), 1, &[1, 2]);
    broker.produce(t(1), Acks::Leader, "m1");
    broker.effects();
    broker.pass(15_000);
    assert_eq!(broker.written_isr(), Some((ids(&[1]), Some(ZkVersion(10)))));
    assert_eq!(broker.written(), None);
    let elsewhere = broker.produce(t(1), Acks::Leader, "m2");
    assert_eq!(broker.produced(elsewhere), Some(Ok(Offset(1))), "t-1 is not locked");
    broker.pass(60_000);
    assert_eq!(broker.written(), None, "however long it takes");
    broker.zookeeper_answers(set(11));
    assert!(broker.written_isr().is_some(), "now t-1");
}

#[test]
fn a_bad_version_may_be_its_own_write_and_else_leaves_the_isr() {
    let written = |isr: &[i32]| {
        let state = PartitionState {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(1),
            isr: ids(isr),
            controller_epoch: ControllerEpoch(1),
        };
        Ok(OpResult::Data(ZnodeData::PartitionState(state), stat(12)))
    };
    for (found, isr, version) in [(written(&[1]), vec![1], 12), (written(&[1, 2, 3]), vec![1, 2], 10)] {
        let (mut broker, produce) = waiting("1.1.1");
        broker.pass(15_000);
        assert!(broker.written_isr().is_some());
        broker.zookeeper_answers(Err(ZkError::BadVersion));
        assert!(matches!(broker.written(), Some(Op::GetData { watch: false, .. })));
        broker.zookeeper_answers(found);
        assert_eq!(
            (broker.isr(t(0)), broker.manager.partition(t(0)).unwrap().zk_version.0),
            (ids(&isr), version)
        );
        let acked = broker.produced(produce);
        assert_eq!(acked, (version == 12).then_some(Ok(Offset(0))));
        broker.pass(5_000);
        let again = broker.written_isr();
        assert_eq!(again.is_some(), version == 10, "the next check tries again: {again:?}");
    }
}

#[test]
fn a_write_that_the_end_of_the_session_cuts_short_is_tried_again_up_to_1_0() {
    for (release, again) in [("0.10.2", true), ("1.0.2", true), ("1.1.0", false), ("2.6.3", false)] {
        let (mut broker, produce) = waiting(release);
        broker.lead(t(1), 1, &[1, 2]);
        broker.produce(t(1), Acks::Leader, "m1");
        broker.pass(15_000);
        let wanted = broker.written_isr();
        assert!(wanted.is_some(), "{release}");
        broker.zookeeper_answers(Err(ZkError::SessionExpired));
        if again {
            assert_eq!(broker.written_isr(), wanted, "{release}: the same, with the version it knew");
            let waits = broker.produce(t(0), Acks::Leader, "m2");
            assert_eq!(broker.produced(waits), None, "{release}: the lock is held");
            broker.zookeeper_answers(set(11));
            assert_eq!(broker.isr(t(0)), ids(&[1]), "{release}");
            assert_eq!(broker.produced(produce), Some(Ok(Offset(0))), "{release}");
            assert!(broker.written_isr().is_some(), "{release}: the check goes on with t-1");
        } else {
            assert_eq!(broker.written(), None, "{release}: the exception ends the round, too");
            assert_eq!(broker.isr(t(0)), ids(&[1, 2]), "{release}");
            broker.pass(5_000);
            assert_eq!(broker.written_isr(), wanted, "{release}: the next check begins anew");
        }
    }
}

#[test]
fn a_follower_enters_and_its_fetch_waits_for_that() {
    let mut broker = Bench::new("2.6.3");
    broker.lead(t(0), 1, &[1]);
    broker.produce(t(0), Acks::All, "m1");
    broker.read(2, t(0), 0);
    assert_eq!(broker.written(), None, "it lacks a committed record");
    let fetch = broker.fetch(2, t(0), 1);
    assert_eq!(broker.written_isr(), Some((ids(&[1, 2]), Some(ZkVersion(10)))));
    assert_eq!((broker.isr(t(0)), broker.maximal_isr(t(0))), (ids(&[1]), ids(&[1, 2])));
    let produce = broker.produce(t(0), Acks::Leader, "m2");
    broker.zookeeper_answers(set(11));
    assert_eq!(broker.isr(t(0)), ids(&[1, 2]));
    assert_eq!(broker.produced(produce), Some(Ok(Offset(1))));
    assert_eq!(broker.fetched(fetch).expect("m2 has come").records.len(), 1);
    assert_eq!(broker.high_watermark(t(0)), 1, "broker 2 does not have m2");
}

#[test]
fn a_refused_expansion_is_not_tried_again_by_the_same_fetch() {
    let mut broker = Bench::new("2.6.3");
    broker.lead(t(0), 1, &[1]);
    let fetch = broker.fetch(2, t(0), 0);
    assert!(broker.written_isr().is_some());
    broker.zookeeper_answers(Err(ZkError::NoNode));
    assert_eq!((broker.written(), broker.isr(t(0))), (None, ids(&[1])));
    broker.pass(500);
    assert!(broker.fetched(fetch).is_some(), "it waited for records, and ran out of time");
    broker.fetch(2, t(0), 0);
    assert!(broker.written_isr().is_some(), "the next one tries");
}

#[test]
fn from_2_0_1_on_a_follower_must_have_reached_the_epoch() {
    for (release, enters) in [("2.0.0", true), ("2.0.1", false)] {
        let (mut broker, _) = waiting(release);
        broker.follow(t(0), 2, 2);
        broker.lead(t(0), 3, &[1, 2]);
        broker.effects();
        broker.fetch(3, t(0), 0);
        assert_eq!(broker.written_isr().is_some(), enters, "{release}: high watermark 0, epoch start 1");
    }
}

#[test]
fn a_silent_follower_that_lacks_nothing_stays_from_2_1_on() {
    for (release, leaves) in [("2.0.1", true), ("2.1.1", false)] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 1, &[1, 2]);
        broker.fetch(2, t(0), 0);
        broker.pass(20_000);
        assert_eq!(broker.written_isr().is_some(), leaves, "{release}");
    }
}

#[test]
fn from_2_7_on_the_controller_is_asked_and_the_partition_goes_on() {
    // In 2.7 to 3.0 the high watermark waits for the next append (KAFKA-13091).
    for (release, at_once) in [("2.8.2", false), ("3.0.2", false), ("3.1.2", true)] {
        let (mut broker, first) = waiting(release);
        broker.pass(15_000);
        assert_eq!(broker.written(), None, "{release}");
        assert_eq!(broker.requested(), Some(ids(&[1])), "{release}");
        assert_eq!(broker.maximal_isr(t(0)), ids(&[1, 2]), "{release}: it may still be refused");
        let second = broker.produce(t(0), Acks::Leader, "m2");
        assert_eq!(broker.produced(second), Some(Ok(Offset(1))), "{release}");
        broker.controller_answers(Ok((&[1], 1, 11)));
        assert_eq!(broker.isr(t(0)), ids(&[1]), "{release}");
        assert_eq!(broker.produced(first).is_some(), at_once, "{release}");
        broker.produce(t(0), Acks::Leader, "m3");
        assert_eq!(broker.high_watermark(t(0)), 3, "{release}");
    }
}

#[test]
fn a_member_that_is_about_to_enter_is_waited_for() {
    for (rule, committed) in [("maximal-isr", 0), ("committed-isr", 1)] {
        let mut broker = Bench::new("2.8.2");
        let mut era = crate::era::Era::clone(&broker.era);
        era.rules.set("high-watermark", rule).unwrap();
        let manager = std::mem::replace(&mut broker.manager, {
            let config = crate::config::BrokerConfig::new(&era, BrokerId(1), &[]).unwrap();
            crate::broker::replica_manager::ReplicaManager::new(&config.into(), &era.into())
        });
        drop(manager);
        broker.manager.load(&mut broker.test.env()).unwrap();
        broker.lead(t(0), 1, &[1]);
        broker.fetch(2, t(0), 0);
        assert_eq!(broker.requested(), Some(ids(&[1, 2])));
        // Long enough for broker 2 not to count as caught up lately.
        broker.test.wall.0 += 60_000;
        broker.produce(t(0), Acks::Leader, "m1");
        assert_eq!(broker.high_watermark(t(0)), committed, "{rule}");
    }
}

#[test]
fn from_3_3_on_only_live_brokers_enter() {
    for (release, enters) in [("3.2.3", true), ("3.3.2", false)] {
        let mut broker = Bench::new(release);
        broker.lead(t(0), 1, &[1]);
        broker.fetch(2, t(0), 0);
        assert_eq!(broker.requested().is_some(), enters, "{release}: its metadata knows no broker");
    }
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_change_pending() {
    let stale = Err(KafkaError::InvalidUpdateVersion);
    // the answer; whether the change is still pending
    for (release, answer, pending) in [
        ("2.8.0", stale, true),
        ("2.8.0", Ok((&[1][..], 2, 11)), true),
        ("2.8.0", Ok((&[1][..], 1, 10)), true),
        ("2.8.1", Ok((&[1][..], 1, 10)), false),
        ("2.8.0", Ok((&[1][..], 1, 11)), false),
        ("3.1.2", Err(KafkaError::UnknownServerError), false),
    ] {
        let (mut broker, _) = waiting(release);
        broker.pass(15_000);
        assert!(broker.requested().is_some());
        broker.controller_answers(answer);
        let leader = broker.manager.partition(t(0)).unwrap().leader().unwrap().clone();
        assert_eq!(leader.pending.is_some(), pending, "{release} {answer:?}");
        broker.lead(t(0), 2, &[1, 2]);
        let leader = broker.manager.partition(t(0)).unwrap().leader().unwrap().clone();
        assert!(leader.pending.is_none(), "{release} {answer:?}: a LeaderAndIsr settles it");
    }
}

#[test]
fn a_leader_that_takes_over_knows_its_followers_only_from_their_fetches() {
    let mut broker = Bench::new("2.4.1");
    broker.lead(t(0), 1, &[1, 2]);
    broker.produce(t(0), Acks::Leader, "m1");
    broker.fetch(2, t(0), 1);
    assert_eq!(broker.high_watermark(t(0)), 1);
    broker.follow(t(0), 2, 2);
    broker.lead(t(0), 3, &[1, 2]);
    broker.produce(t(0), Acks::Leader, "m2");
    assert_eq!(broker.high_watermark(t(0)), 1);
    broker.fetch(2, t(0), 2);
    assert_eq!(broker.high_watermark(t(0)), 2);
}

#[test]
fn following_the_same_leader_in_a_newer_epoch() {
    let restarts = |release: &str, epoch: i32| {
        let mut broker = Bench::new(release);
        broker.follow(t(0), 2, 1);
        broker.notes(|broker| broker.follow(t(0), 2, epoch))
    };
    for (release, next, later) in [
        ("2.0.0", "KeptFollowing", "KeptFollowing"),
        ("2.0.1", "KeptFollowing", "BecameFollower"),
        ("2.1.1", "BecameFollower", "BecameFollower"),
    ] {
        assert_eq!((restarts(release, 2), restarts(release, 3)), (vec![next], vec![later]), "{release}");
    }
}

#[test]
fn a_follower_takes_the_leaders_high_watermark_as_far_as_its_log_goes() {
    let mut leader = Bench::new("2.8.2");
    leader.lead(t(0), 1, &[1]);
    for value in ["m1", "m2"] {
        leader.produce(t(0), Acks::Leader, value);
    }
    let fetch = leader.fetch(2, t(0), 0);
    let batches = leader.fetched(fetch).unwrap().records;

    let mut follower = Bench::new("2.8.2");
    follower.follow(t(0), 2, 1);
    let append = |follower: &mut Bench, batches: &[_], high_watermark: i64| {
        let mut env = follower.test.env();
        let leader = BrokerId(2);
        follower
            .manager
            .follower_append(t(0), batches, leader, Offset(high_watermark), None, &mut env)
            .unwrap();
        follower.high_watermark(t(0))
    };
    assert_eq!(append(&mut follower, &batches[..1], 2), 1);
    assert_eq!(append(&mut follower, &batches[1..], 1), 1);
    assert_eq!(append(&mut follower, &[], 2), 2);
    let cut = Decided::by(Truncation::OnFetch);
    follower.manager.truncate(t(0), Offset(1), cut, &mut follower.test.env()).unwrap();
    assert_eq!((follower.high_watermark(t(0)), append(&mut follower, &[], 0)), (1, 0), "it may go back");
}

#[test]
fn a_restart_knows_the_high_watermark_of_the_last_checkpoint() {
    for orderly in [false, true] {
        let mut broker = Bench::new("2.4.1");
        broker.lead(t(0), 1, &[1]);
        broker.produce(t(0), Acks::All, "m1");
        broker.pass(5_000);
        broker.produce(t(0), Acks::All, "m2");
        assert_eq!(broker.high_watermark(t(0)), 2);
        if orderly {
            broker.manager.shut_down(&mut broker.test.env());
        }
        let mut broker = broker.restart();
        assert_eq!(broker.high_watermark(t(0)), if orderly { 2 } else { 1 });
        assert_eq!(broker.manager.partition(t(0)).unwrap().log.end_offset(), Offset(2), "nothing is cut");
        broker.lead(t(0), 2, &[1, 2]);
        assert_eq!(broker.high_watermark(t(0)), if orderly { 2 } else { 1 });
    }
}

#[test]
fn a_replica_that_the_controller_never_named_loses_its_high_watermark() {
    let mut broker = Bench::new("2.4.1");
    for tp in [t(0), t(1)] {
        broker.lead(tp, 1, &[1]);
        broker.produce(tp, Acks::All, "m1");
    }
    broker.manager.shut_down(&mut broker.test.env());
    let mut broker = broker.restart();
    broker.lead(t(0), 2, &[1, 2]);
    assert_eq!((broker.high_watermark(t(0)), broker.high_watermark(t(1))), (1, 1));
    broker.pass(1);
    assert_eq!((broker.high_watermark(t(0)), broker.high_watermark(t(1))), (1, 0));
}

#[test]
fn a_deleted_replica_answers_nobody_and_its_files_go() {
    let (mut broker, produce) = waiting("2.4.1");
    let fetch = broker.fetch(-1, t(0), 0);
    broker.manager.stop_replica(t(0), true, &mut broker.session, &mut broker.test.env());
    assert_eq!(broker.produced(produce), Some(Err(KafkaError::UnknownTopicOrPartition)));
    let fetched = broker.fetched(fetch).expect("nothing to wait for");
    assert_eq!(fetched.error, Some(KafkaError::UnknownTopicOrPartition));
    assert!(broker.restart().manager.partitions.is_empty());
}
