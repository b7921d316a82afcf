//! Whole events against a fake ZooKeeper, in the eras that differ; expected states are those that real clusters showed.

use super::fake_zookeeper::Delivery;
use super::rig::{Rig, ids, tp};
use super::*;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, ConnectionId, ControllerEpoch, LeaderEpoch, TopicPartition, ZkVersion};
use crate::messages::alter_partition::{AlterPartitionResponse, IsrChange};
use crate::messages::controlled_shutdown::ControlledShutdownResponse;
use crate::messages::{ApiKey, Request};
use crate::zookeeper::znode::{self, PartitionState, ZnodeData};
use std::collections::BTreeMap;
use std::sync::Arc;

const ERAS: [&str; 9] = ["0.10.2", "0.11.0", "1.0", "1.1", "2.0", "2.2", "2.3", "2.8", "3.3"];
const REPLY: ReplyTo = ReplyTo { connection: ConnectionId(1), ordinal: 0 };

/// The APIs that were sent to a broker, in order.
fn apis(rig: &Rig, broker: i32) -> Vec<&'static str> {
    let to = |(sent, _, _): &&(BrokerId, _, _)| sent.0 == broker;
    rig.sent.iter().filter(to).map(|(_, _, request)| request.api().name()).collect()
}

fn written(notes: &[String]) -> Vec<&str> {
    notes.iter().filter(|note| note.contains("written")).map(String::as_str).collect()
}

#[test]
fn the_first_controller_gets_epoch_1_and_creates_what_is_new() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3], &[3, 1]]);
        rig.with(|controller, zk, env| controller.enqueue(Event::Startup, zk, env));
        rig.settle();
        assert_eq!(rig.controller.active_epoch(), Some(ControllerEpoch(1)), "{era}");
        let epoch = ZnodeData::ControllerEpoch(ControllerEpoch(1));
        assert_eq!(rig.zk.get("/controller_epoch"), Some(&epoch), "{era}");
        assert_eq!(rig.state("t-0"), "2 e0 [2, 3] c1", "{era}");
        assert_eq!(rig.state("t-1"), "3 e0 [3, 1] c1", "{era}");
        // Metadata about the brokers goes ahead of everything.
        for broker in 1..=3 {
            assert_eq!(apis(&rig, broker)[..2], ["UpdateMetadata", "LeaderAndIsr"], "{era}: {broker}");
        }

        rig.clear();
        rig.assign("u", &[&[1, 2]]);
        rig.settle();
        assert_eq!(rig.state("u-0"), "1 e0 [1, 2] c1", "{era}");
        let told: Vec<(i32, bool)> = rig
            .sent
            .iter()
            .filter_map(|(to, _, request)| match request {
                Request::LeaderAndIsr(request) => Some((to.0, request.partitions[0].is_new)),
                _ => None,
            })
            .collect();
        let carries_new = ApiKey::LeaderAndIsr.newest_version(rig.era.release) >= Some(1);
        assert_eq!(told, [(1, carries_new), (2, carries_new)], "{era}");
        assert_eq!(apis(&rig, 3), ["UpdateMetadata"], "{era}");
    }
}

#[test]
fn a_dead_leader_is_replaced_in_one_write_and_a_dead_follower_leaves_with_a_bump() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3], &[3, 2]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.settle();
        let notes: Vec<String> = rig.notes.iter().filter(|note| !note.starts_with("sent")).cloned().collect();
        let event = if era == "0.10.2" { "event BrokerChangeListener" } else { "event BrokerChange" };
        let expected = [
            event,
            "brokers +[] -[2] ~[]",
            "failure [2]",
            "t-0 OnlinePartition -> OfflinePartition",
            "t-0 written 3 e1 [3] (offline)",
            "t-0 OfflinePartition -> OnlinePartition",
        ];
        assert_eq!(notes[..6], expected, "{era}");
        let mut rest: Vec<&str> = notes[6..].iter().map(String::as_str).collect();
        rest.sort_unstable();
        let expected = [
            "t-0@2 OnlineReplica -> OfflineReplica",
            "t-1 written 3 e1 [3] (replica offline)",
            "t-1@2 OnlineReplica -> OfflineReplica",
        ];
        assert_eq!(rest, expected, "{era}");
        assert_eq!(rig.state("t-0"), "3 e1 [3] c1", "{era}");
        assert_eq!(rig.state("t-1"), "3 e1 [3] c1", "{era}");
        assert_eq!(apis(&rig, 2), Vec::<&str>::new(), "{era}: it has no connection any more");
        assert_eq!(apis(&rig, 3)[..2], ["LeaderAndIsr", "UpdateMetadata"], "{era}");
        assert!(apis(&rig, 1).iter().all(|api| *api == "UpdateMetadata"), "{era}: it holds no replica");

        // It comes back: metadata first, then what it follows.
        rig.clear();
        rig.register(2);
        rig.settle();
        assert_eq!(apis(&rig, 2)[..2], ["UpdateMetadata", "LeaderAndIsr"], "{era}");
        assert!(written(&rig.notes).is_empty(), "{era}");
    }
}

#[test]
fn a_controller_that_takes_over_from_a_dead_leader() {
    // (era, the partition that 2 led, the one that it followed)
    for (era, led, followed) in [
        ("0.10.2", "3 e1 [3] c1", "3 e0 [3, 2] c0"),
        ("2.2", "3 e1 [3] c1", "3 e0 [3, 2] c0"),
        ("2.3", "3 e2 [3] c1", "3 e1 [3] c1"),
        ("2.8", "3 e2 [3] c1", "3 e1 [3] c1"),
    ] {
        let mut rig = Rig::new(era, 3);
        rig.unregister(2);
        rig.assign("t", &[&[2, 3], &[3, 2]]);
        rig.found("t-0", 2, 0, &[2, 3]);
        rig.found("t-1", 3, 0, &[3, 2]);
        let rig = rig.started();
        assert_eq!(rig.state("t-0"), led, "{era}");
        assert_eq!(rig.state("t-1"), followed, "{era}");
    }
}

#[test]
fn what_is_left_of_the_last_isr_member() {
    // (era, unclean election on, who lives, state afterwards)
    for (era, unclean, alive, state) in [
        ("0.10.2", true, false, "-1 e1 [] c1"),
        ("0.10.2", false, false, "-1 e1 [2] c1"),
        ("1.1", true, false, "-1 e1 [2] c1"),
        ("2.8", false, false, "-1 e1 [2] c1"),
        ("2.8", false, true, "-1 e1 [2] c1"),
        ("2.8", true, true, "3 e1 [3] c1"),
    ] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3]]);
        rig.found("t-0", 2, 0, &[2]);
        if unclean {
            rig.configure("t", "unclean.leader.election.enable", "true");
        }
        if !alive {
            rig.unregister(3);
        }
        let mut rig = rig.started();
        rig.unregister(2);
        rig.settle();
        assert_eq!(rig.state("t-0"), state, "{era} unclean {unclean}, 3 alive {alive}");
    }
}

#[test]
fn unclean_election_set_at_run_time_acts_at_once_from_2_1() {
    for (era, state) in [("1.1", "-1 e1 [2] c1"), ("2.1", "3 e2 [3] c1"), ("2.8", "3 e2 [3] c1")] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3]]);
        rig.found("t-0", 2, 0, &[2]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.settle();
        rig.configure("t", "unclean.leader.election.enable", "true");
        let at_once = rig.era.rules.unclean_setting.elects_at_once();
        if at_once {
            let event = Event::TopicUncleanElectionEnable(Topic::new("t"));
            rig.with(|controller, zk, env| controller.enqueue(event, zk, env));
        }
        rig.settle();
        assert_eq!(rig.state("t-0"), state, "{era}");
    }
}

fn shut_down(rig: &mut Rig, broker: i32) -> ControlledShutdownResponse {
    let request = ControlledShutdownRequest { broker: BrokerId(broker), broker_epoch: None };
    let event = Event::ControlledShutdown { request, reply_to: REPLY };
    rig.with(|controller, zk, env| controller.enqueue(event, zk, env));
    rig.settle();
    match rig.replies.pop() {
        Some(Response::ControlledShutdown(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_controlled_shutdown_moves_leaders_and_takes_followers_out() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3], &[3, 2], &[2]]);
        let mut rig = rig.started();
        let response = shut_down(&mut rig, 2);
        assert_eq!((response.error, response.remaining), (None, vec![]), "{era}: t-2 has no other replica");
        assert_eq!(rig.state("t-0"), "3 e1 [3] c1", "{era}");
        assert_eq!(rig.state("t-1"), "3 e1 [3] c1", "{era}");
        assert_eq!(rig.state("t-2"), "2 e0 [2] c1", "{era}");
        let told = apis(&rig, 2).contains(&"LeaderAndIsr");
        assert_eq!(told, !["1.1", "2.0"].contains(&era), "{era}: KAFKA-7482");
        assert!(apis(&rig, 2).contains(&"StopReplica"), "{era}");

        rig.clear();
        let response = shut_down(&mut rig, 3);
        assert_eq!(response.remaining, [tp("t-0"), tp("t-1")], "{era}: nobody to take over");
        assert_eq!(rig.state("t-0"), "3 e1 [3] c1", "{era}");
    }
    let mut rig = Rig::new("2.8", 2).started();
    assert_eq!(shut_down(&mut rig, 9).error, Some(KafkaError::BrokerNotAvailable));
}

#[test]
fn an_isr_change_between_read_and_write_is_met_again() {
    for era in ERAS {
        let mut rig = Rig::new(era, 4);
        rig.assign("t", &[&[2, 3, 4]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.until("t-0 OnlinePartition -> OfflinePartition");
        // The read is answered already; the old leader's last word comes before the write.
        let Some(Delivery::Answer(..)) = rig.zk.deliveries.front() else { panic!("it waits") };
        rig.found("t-0", 2, 0, &[2, 4]);
        rig.settle();
        let refused = "refused /brokers/topics/t/partitions/0/state BadVersion".to_owned();
        assert!(rig.notes.contains(&refused), "{era}: {:#?}", rig.notes);
        assert_eq!(rig.state("t-0"), "4 e1 [4] c1", "{era}");
    }
}

fn usurp(rig: &mut Rig) {
    rig.zk.remove("/controller");
    let (broker, timestamp) = (BrokerId(2), crate::time::Timestamp(0));
    rig.zk.put("/controller", ZnodeData::Controller { broker, timestamp });
    rig.zk.put("/controller_epoch", ZnodeData::ControllerEpoch(ControllerEpoch(2)));
}

#[test]
fn a_deposed_controller_is_stopped_by_its_epoch_from_2_1() {
    for (era, state) in
        [("1.0", "3 e1 [3] c1"), ("2.0", "3 e1 [3] c1"), ("2.1", "2 e0 [2, 3] c1"), ("2.8", "2 e0 [2, 3] c1")]
    {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.until("t-0 OnlinePartition -> OfflinePartition");
        usurp(&mut rig);
        rig.settle();
        assert_eq!(rig.state("t-0"), state, "{era}");
        assert!(rig.notes.contains(&"resigned c1".to_owned()), "{era}");
        assert!(rig.notes.contains(&"follows 2".to_owned()), "{era}");
        assert_eq!(rig.controller.active_epoch(), None, "{era}");
    }
}

#[test]
fn an_expired_session_drains_the_queue_until_1_0_and_clears_it_from_1_1() {
    for (era, state) in [("0.10.2", "3 e1 [3] c1"), ("1.0", "3 e1 [3] c1"), ("1.1", "2 e0 [2, 3] c1")] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.until("t-0 OnlinePartition -> OfflinePartition");
        rig.zk.expire();
        rig.settle();
        rig.with(|controller, zk, env| controller.session_expired(zk, env));
        rig.settle();
        let (broker, timestamp) = (BrokerId(3), crate::time::Timestamp(0));
        rig.zk.put("/controller", ZnodeData::Controller { broker, timestamp });
        rig.zk.put("/controller_epoch", ZnodeData::ControllerEpoch(ControllerEpoch(2)));
        rig.with(|controller, zk, env| controller.new_session(zk, env));
        rig.settle();
        assert_eq!(rig.state("t-0"), state, "{era}");
        assert_eq!(rig.controller.active_epoch(), None, "{era}");
        assert!(rig.notes.contains(&"resigned c1".to_owned()), "{era}");
    }
}

#[test]
fn deleting_the_controllers_znode_makes_everybody_run_again() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3).started();
        rig.zk.remove("/controller");
        rig.settle();
        assert_eq!(rig.controller.active_epoch(), Some(ControllerEpoch(2)), "{era}");
        let event = if era == "0.10.2" { "event LeaderChangeListener" } else { "event Reelect" };
        assert_eq!(rig.notes[..3], [event, "resigned c1", "elected c2"], "{era}");
    }
}

#[test]
fn who_comes_second_follows_and_watches() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.zk.put("/controller_epoch", ZnodeData::ControllerEpoch(ControllerEpoch(1)));
        rig.with(|controller, zk, env| controller.enqueue(Event::Startup, zk, env));
        // Another is faster, after this one has looked.
        let (broker, timestamp) = (BrokerId(2), crate::time::Timestamp(0));
        rig.zk.put("/controller", ZnodeData::Controller { broker, timestamp });
        rig.zk.put("/controller_epoch", ZnodeData::ControllerEpoch(ControllerEpoch(2)));
        rig.settle();
        assert_eq!(rig.controller.active_epoch(), None, "{era}");
        assert!(rig.notes.contains(&"follows 2".to_owned()), "{era}");
        rig.zk.remove("/controller");
        rig.settle();
        assert_eq!(rig.controller.active_epoch(), Some(ControllerEpoch(3)), "{era}");
    }
}

#[test]
fn a_bounce_is_seen_from_2_2_on() {
    for (era, state) in [("2.1", "2 e0 [2, 3] c1"), ("2.2", "3 e1 [3] c1"), ("2.8", "3 e1 [3] c1")] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.register(2);
        rig.settle();
        assert_eq!(rig.state("t-0"), state, "{era}");
        let again = apis(&rig, 2).contains(&"LeaderAndIsr");
        assert_eq!(again, era != "2.1", "{era}: else it stays idle");
    }
}

fn elect_preferred(rig: &mut Rig, partitions: &[&str]) {
    let partitions: Vec<TopicPartition> = partitions.iter().map(|partition| tp(partition)).collect();
    rig.zk.put(znode::PREFERRED_REPLICA_ELECTION, ZnodeData::PreferredReplicaElection(partitions.into()));
    rig.settle();
}

#[test]
fn preferred_leaders_by_znode() {
    // (era, state of a partition whose preferred replica leads already)
    for (era, already) in [
        ("0.10.2", "3 e5 [3, 2] c0"),
        ("1.1", "3 e6 [3, 2] c1"),
        ("2.2", "3 e5 [3, 2] c0"),
        ("2.8", "3 e5 [3, 2] c0"),
    ] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[2, 3], &[3, 2], &[2, 3]]);
        rig.found("t-0", 3, 5, &[3, 2]);
        rig.found("t-1", 3, 5, &[3, 2]);
        rig.found("t-2", 3, 5, &[3]);
        let mut rig = rig.started();
        elect_preferred(&mut rig, &["t-0", "t-1", "t-2", "u-0"]);
        assert_eq!(rig.state("t-0"), "2 e6 [3, 2] c1", "{era}: the ISR stays as it is");
        assert_eq!(rig.state("t-1"), already, "{era}");
        assert_eq!(rig.state("t-2"), "3 e5 [3] c0", "{era}: the preferred replica is not in the ISR");
        assert_eq!(rig.zk.get(znode::PREFERRED_REPLICA_ELECTION), None, "{era}");
        // It hears of the next one too. Meanwhile the leader has let the preferred replica in.
        rig.found("t-2", 3, 5, &[3, 2]);
        elect_preferred(&mut rig, &["t-2"]);
        assert_eq!(rig.state("t-2"), "2 e6 [3, 2] c1", "{era}");
    }
}

#[test]
fn the_balance_is_restored_five_seconds_after_an_election() {
    for era in ["0.10.2", "2.8"] {
        let mut rig = Rig::new(era, 3);
        rig.controller.settings.auto_leader_rebalance = true;
        rig.assign("t", &[&[2, 3], &[2, 3]]);
        rig.found("t-0", 3, 0, &[3, 2]);
        rig.found("t-1", 3, 0, &[3]);
        let mut rig = rig.started();
        let elected_at = rig.now;
        assert_eq!(rig.controller.deadline(), Some(elected_at + Micros::from_millis(5_000)), "{era}");
        rig.now = rig.controller.deadline().expect("a rebalance");
        rig.with(|controller, zk, env| controller.time_passed(zk, env));
        rig.settle();
        assert_eq!(rig.state("t-0"), "2 e1 [3, 2] c1", "{era}");
        assert_eq!(rig.state("t-1"), "3 e0 [3] c0", "{era}");
        assert_eq!(rig.controller.deadline(), Some(rig.now + Micros::from_millis(300_000)), "{era}");
    }
}

fn reassign(rig: &mut Rig, partition: &str, target: &[i32]) {
    let targets = BTreeMap::from([(tp(partition), ids(target))]);
    rig.zk.put(znode::REASSIGN_PARTITIONS, ZnodeData::ReassignPartitions(Arc::new(targets)));
    rig.settle();
}

fn assigned(rig: &Rig, partition: &str) -> (Vec<i32>, Vec<i32>, Vec<i32>) {
    let partition = tp(partition);
    let Some(ZnodeData::Topic(assignments)) = rig.zk.get(&znode::topic_path(partition.topic)) else {
        panic!("no topic")
    };
    let held = &assignments[&partition.partition];
    let list = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
    (list(&held.replicas), list(&held.adding), list(&held.removing))
}

fn alter(
    rig: &mut Rig,
    leader: i32,
    partition: &str,
    epoch: i32,
    version: i32,
    isr: &[i32],
) -> AlterPartitionResponse {
    let broker_epoch = rig.controller.context.brokers.get(&BrokerId(leader)).map(|live| live.epoch);
    let change = IsrChange {
        partition: tp(partition),
        leader_epoch: LeaderEpoch(epoch),
        new_isr: ids(isr),
        zk_version: ZkVersion(version),
    };
    let request = AlterPartitionRequest {
        broker: BrokerId(leader),
        broker_epoch: broker_epoch.unwrap_or(BrokerEpoch(-1)),
        partitions: vec![change],
    };
    let event = Event::AlterPartition { request, reply_to: REPLY };
    rig.with(|controller, zk, env| controller.enqueue(event, zk, env));
    rig.settle();
    match rig.replies.pop() {
        Some(Response::AlterPartition(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_partition_moves_from_1_2_to_2_3_in_three_epochs() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2]]);
        let mut rig = rig.started();
        reassign(&mut rig, "t-0", &[2, 3]);
        assert_eq!(rig.state("t-0"), "1 e1 [1, 2] c1", "{era}");
        let kip_455 = ["2.8", "3.3"].contains(&era);
        let moving =
            if kip_455 { (vec![2, 3, 1], vec![3], vec![1]) } else { (vec![2, 3, 1], vec![], vec![]) };
        assert_eq!(assigned(&rig, "t-0"), moving, "{era}");
        assert_eq!(written(&rig.notes).len(), 1, "{era}");

        rig.clear();
        if kip_455 {
            let response = alter(&mut rig, 1, "t-0", 1, 1, &[1, 2, 3]);
            assert!(response.partitions[0].1.is_ok(), "{era}: {response:?}");
        } else {
            rig.found("t-0", 1, 1, &[1, 2, 3]);
            rig.settle();
        }
        assert_eq!(rig.state("t-0"), "2 e3 [2, 3] c1", "{era}");
        assert_eq!(assigned(&rig, "t-0"), (vec![2, 3], vec![], vec![]), "{era}");
        assert_eq!(rig.zk.get(znode::REASSIGN_PARTITIONS), None, "{era}");
        let deleted = rig.sent.iter().any(|(to, _, request)| match request {
            Request::StopReplica(stop) => to.0 == 1 && stop.partitions.iter().any(|one| one.delete),
            _ => false,
        });
        assert!(deleted, "{era}: broker 1 deletes its replica");
        // And back again: the znode is watched still.
        reassign(&mut rig, "t-0", &[2, 1]);
        assert_eq!(assigned(&rig, "t-0").0, [2, 1, 3], "{era}");
    }
}

#[test]
fn a_new_controller_takes_a_move_up_where_it_stands() {
    for era in ["1.1", "2.3", "2.6", "2.8"] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2]]);
        let mut rig = rig.started();
        reassign(&mut rig, "t-0", &[2, 3]);
        rig.zk.remove("/controller");
        rig.settle();
        assert_eq!(rig.controller.active_epoch(), Some(ControllerEpoch(2)));
        assert_eq!(rig.state("t-0"), "1 e2 [1, 2] c2", "{era}: another epoch");
        let alters = ["2.8"].contains(&era);
        if alters {
            alter(&mut rig, 1, "t-0", 2, 2, &[1, 2, 3]);
        } else {
            rig.found("t-0", 1, 2, &[1, 2, 3]);
            rig.settle();
        }
        assert_eq!(rig.state("t-0"), "2 e4 [2, 3] c2", "{era}");
        assert_eq!(assigned(&rig, "t-0"), (vec![2, 3], vec![], vec![]), "{era}");
    }
}

#[test]
fn a_move_of_what_is_not_there_is_taken_out_of_the_znode() {
    for era in ["1.1", "2.8"] {
        let mut rig = Rig::new(era, 3).started();
        reassign(&mut rig, "t-0", &[2, 3]);
        assert_eq!(rig.zk.get(znode::REASSIGN_PARTITIONS), None, "{era}");
    }
}

#[test]
fn alter_partition() {
    for era in ["2.7", "2.8", "3.3"] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2, 3]]);
        let mut rig = rig.started();
        let response = alter(&mut rig, 1, "t-0", 0, 0, &[1, 2]);
        let altered = response.partitions[0].1.clone().expect("it is taken");
        assert_eq!((altered.isr, altered.zk_version), (ids(&[1, 2]), ZkVersion(1)), "{era}");
        assert_eq!(rig.state("t-0"), "1 e0 [1, 2] c1", "{era}");
        assert_eq!(apis(&rig, 3), ["UpdateMetadata"], "{era}");

        let stale = alter(&mut rig, 1, "t-0", 0, 0, &[1]).partitions[0].1.clone();
        assert_eq!(stale, Err(KafkaError::InvalidUpdateVersion), "{era}");
        let again = alter(&mut rig, 1, "t-0", 0, 0, &[1, 2]).partitions[0].1.clone();
        assert_eq!(again.map(|altered| altered.zk_version), Ok(ZkVersion(1)), "{era}: it is so already");
        let unknown = alter(&mut rig, 1, "u-0", 0, 0, &[1]).partitions[0].1.clone();
        assert_eq!(unknown, Err(KafkaError::UnknownTopicOrPartition), "{era}");
        assert_eq!(alter(&mut rig, 9, "t-0", 0, 1, &[1]).error, Some(KafkaError::StaleBrokerEpoch), "{era}");

        rig.unregister(1);
        rig.settle();
        assert_eq!(rig.state("t-0"), "2 e1 [2] c1", "{era}");
        let fenced = alter(&mut rig, 2, "t-0", 0, 2, &[2, 3]).partitions[0].1.clone();
        assert_eq!(fenced, Err(KafkaError::FencedLeaderEpoch), "{era}");

        let mut other = Rig::new(era, 3);
        assert_eq!(alter(&mut other, 1, "t-0", 0, 0, &[1]).error, Some(KafkaError::NotController), "{era}");
    }
}

#[test]
fn its_own_write_whose_answer_was_lost_is_refused() {
    for (value, expected) in
        [("refused", Err(KafkaError::InvalidUpdateVersion)), ("recognised", Ok(ZkVersion(1)))]
    {
        let mut rig = Rig::new("3.9", 3);
        rig.assign("t", &[&[1, 2, 3]]);
        let mut rig = rig.started();
        rig.controller.era.rules.set("own-isr-write", value).expect("there is such a value");
        let state = PartitionState {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(0),
            isr: ids(&[1, 2]),
            controller_epoch: ControllerEpoch(1),
        };
        rig.zk.put("/brokers/topics/t/partitions/0/state", ZnodeData::PartitionState(state));
        let answer = alter(&mut rig, 1, "t-0", 0, 0, &[1, 2]).partitions[0].1.clone();
        assert_eq!(answer.map(|altered| altered.zk_version), expected, "{value}");
        // Somebody else's is refused either way.
        let other = alter(&mut rig, 1, "t-0", 0, 0, &[1]).partitions[0].1.clone();
        assert_eq!(other, Err(KafkaError::InvalidUpdateVersion), "{value}");
    }
}

#[test]
fn isr_changes_of_leaders_become_metadata() {
    for era in ["0.10.2", "2.6"] {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2]]);
        let mut rig = rig.started();
        rig.found("t-0", 1, 0, &[1]);
        let news = ZnodeData::IsrChange(vec![tp("t-0")].into());
        rig.zk.put("/isr_change_notification/isr_change_0000000000", news);
        rig.settle();
        assert!(rig.zk.children(znode::ISR_CHANGES).is_empty(), "{era}");
        let metadata: Vec<Vec<BrokerId>> = rig
            .sent
            .iter()
            .filter_map(|(_, _, request)| match request {
                Request::UpdateMetadata(request) => Some(request.partitions[0].isr.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(metadata, [ids(&[1]), ids(&[1]), ids(&[1])], "{era}");
    }
}

#[test]
fn a_topic_is_deleted_once_all_its_brokers_are_up() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2]]);
        let mut rig = rig.started();
        rig.unregister(2);
        rig.settle();
        rig.zk.put("/admin/delete_topics/t", ZnodeData::Empty);
        rig.settle();
        assert!(rig.zk.get("/brokers/topics/t").is_some(), "{era}: broker 2 is down");
        rig.register(2);
        rig.settle();
        assert!(rig.zk.get("/brokers/topics/t").is_none(), "{era}: {:#?}", rig.notes);
        assert!(rig.zk.children(znode::DELETE_TOPICS).is_empty(), "{era}");
        assert!(rig.controller.context.replica_states.is_empty(), "{era}");
        // The name can be used again.
        rig.assign("t", &[&[1, 2]]);
        rig.settle();
        assert_eq!(rig.state("t-0"), "1 e0 [1, 2] c1", "{era}");
    }
}

#[test]
fn with_deletion_off_a_topic_is_unmarked_at_once_and_by_a_new_controller() {
    for era in ERAS {
        let mut rig = Rig::new(era, 3);
        rig.assign("t", &[&[1, 2]]);
        rig.controller.settings.delete_topic_enable = false;
        rig.zk.put("/admin/delete_topics/t", ZnodeData::Empty);
        let mut rig = rig.started();
        for _ in 0..2 {
            assert!(rig.zk.children(znode::DELETE_TOPICS).is_empty(), "{era}");
            assert_eq!(rig.state("t-0"), "1 e0 [1, 2] c1", "{era}");
            rig.zk.put("/admin/delete_topics/t", ZnodeData::Empty);
            rig.settle();
        }
    }
}

#[test]
fn a_failed_log_directory_takes_its_replicas_offline() {
    let mut rig = Rig::new("2.8", 3);
    rig.assign("t", &[&[2, 3]]);
    let mut rig = rig.started();
    rig.silent.insert(BrokerId(2));
    rig.zk.put("/log_dir_event_notification/log_dir_event_0000000000", ZnodeData::LogDirEvent(BrokerId(2)));
    rig.settle();
    let (_, call, request) = rig.sent.iter().find(|(to, _, _)| to.0 == 2).expect("it is asked").clone();
    let Request::LeaderAndIsr(request) = request else { panic!("{request:?}") };
    let failed = Some(KafkaError::KafkaStorageError);
    let partitions = request.partitions.iter().map(|one| (one.partition, failed)).collect();
    let response = crate::messages::leader_and_isr::LeaderAndIsrResponse { error: None, partitions };
    rig.answer(call, Ok(response.into()));
    rig.settle();
    assert_eq!(rig.state("t-0"), "3 e1 [3] c1");
    assert!(rig.zk.children(znode::LOG_DIR_EVENTS).is_empty());
}

#[test]
fn a_request_is_sent_again_until_it_is_answered_or_the_broker_goes() {
    let mut rig = Rig::new("2.8", 3);
    rig.assign("t", &[&[2, 3]]);
    let mut rig = rig.started();
    rig.silent.insert(BrokerId(3));
    rig.unregister(2);
    rig.settle();
    let to_3 = |rig: &Rig| -> Vec<(CallId, Request)> {
        let to = rig.sent.iter().filter(|(to, _, _)| to.0 == 3);
        to.map(|(_, call, request)| (*call, request.clone())).collect()
    };
    let first = to_3(&rig);
    assert_eq!(first.len(), 1, "one at a time");
    assert_eq!(first[0].0.part(), 7);
    rig.answer(first[0].0, Err(Disconnected));
    rig.channel(NodeId(3), ChannelEvent::Disconnected);
    rig.settle();
    assert_eq!(to_3(&rig).len(), 1, "it pauses");
    rig.now += Micros::from_millis(100);
    assert_eq!(rig.controller.deadline(), Some(rig.now));
    rig.with(|controller, zk, env| controller.time_passed(zk, env));
    rig.settle();
    let sent = to_3(&rig);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].1, first[0].1, "the same request");
    assert_ne!(sent[1].0, first[0].0, "in a new call");

    // No answer at all: the connection is closed, and the request sent once more.
    rig.now += Micros::from_millis(30_000);
    rig.with(|controller, zk, env| controller.time_passed(zk, env));
    rig.now += Micros::from_millis(100);
    rig.with(|controller, zk, env| controller.time_passed(zk, env));
    rig.settle();
    assert_eq!(to_3(&rig).len(), 3);
    // The answer of the closed connection counts no more.
    rig.answer(sent[1].0, Err(Disconnected));
    rig.unregister(3);
    rig.settle();
    assert_eq!(rig.controller.deadline(), None, "its queue went with it");
}
