//! A group in a whole cluster: its topic is made, its coordinator found, its state written, and read again elsewhere.

use super::*;
use crate::error::KafkaError;
use crate::group::OFFSETS_TOPIC;
use crate::group::metadata::GroupState;
use crate::ids::Offset;
use crate::messages::ApiKey;
use crate::messages::find_coordinator::FindCoordinatorRequest;
use crate::messages::heartbeat::HeartbeatRequest;
use crate::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::messages::offset_commit::{OffsetCommitPartition, OffsetCommitRequest};
use crate::messages::offset_fetch::OffsetFetchRequest;
use crate::messages::sync_group::SyncGroupRequest;

impl Cluster {
    /// Asks in the newest version, and lets so many milliseconds pass.
    fn answer(&mut self, node: usize, request: impl Into<Request>, millis: i64) -> Option<Response> {
        let request = request.into();
        let version = request.api().newest_version(self.era.release).expect("known");
        self.replies.clear();
        self.ask(node, version, request);
        self.run(millis);
        self.replies.pop()
    }

    fn coordinator(&mut self, node: usize) -> Result<usize, KafkaError> {
        match self.answer(node, FindCoordinatorRequest { group: "g".into() }, 0) {
            Some(Response::FindCoordinator(answer)) => {
                answer.coordinator.map(|(_, node)| usize::from(node.0))
            }
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, node: usize, member: &str) -> JoinGroupResponse {
        let request = JoinGroupRequest {
            group: "g".into(),
            client: "c".into(),
            session_timeout: Micros::from_millis(30_000),
            rebalance_timeout: Micros::from_millis(60_000),
            member: member.into(),
            instance: None,
            protocol_type: "consumer".into(),
            protocols: vec![("range".into(), Bytes::from_static(b"orders"))],
            reason: None,
        };
        match self.answer(node, request, 4_000) {
            Some(Response::JoinGroup(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self, node: usize, member: &str, partition: &str, offset: i64) -> Option<KafkaError> {
        let committed = OffsetCommitPartition {
            partition: tp(partition),
            offset: Offset(offset),
            leader_epoch: None,
            metadata: "".into(),
        };
        let request = OffsetCommitRequest {
            group: "g".into(),
            generation: 1,
            member: member.into(),
            instance: None,
            retention: None,
            partitions: vec![committed],
        };
        match self.answer(node, request, 2_000) {
            Some(Response::OffsetCommit(answer)) => answer.partitions[0].1,
            other => panic!("{other:?}"),
        }
    }

    fn committed(&mut self, node: usize) -> Result<i64, KafkaError> {
        let partitions = Some(vec![tp("orders-0")]);
        let request = OffsetFetchRequest { group: "g".into(), partitions, require_stable: false };
        match self.answer(node, request, 0) {
            Some(Response::OffsetFetch(answer)) => match answer.error {
                Some(error) => Err(error),
                None => answer.partitions[0].1.clone().map(|committed| committed.offset.0),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn three(release: &str, settings: &[(&str, &str)]) -> Cluster {
    let mut all = vec![
        ("zookeeper.session.timeout.ms", "6000"),
        ("auto.leader.rebalance.enable", "false"),
        ("offsets.topic.num.partitions", "4"),
    ];
    all.extend(settings);
    Cluster::new(Era::parse(release).expect("a release"), 3, &all)
}

#[test]
fn a_group_lives_in_its_topic_and_outlives_its_coordinator() {
    for release in ["0.10.2", "0.11.0", "2.0", "2.8", "3.9"] {
        let mut cluster = three(release, &[]);
        cluster.create_topic("orders", &[1, 2, 3]);
        // Two brokers make the topic at once; one of them is too late, and nobody minds.
        assert_eq!(cluster.coordinator(1), Err(KafkaError::CoordinatorNotAvailable), "{release}: none yet");
        assert_eq!(cluster.coordinator(2), Err(KafkaError::CoordinatorNotAvailable), "{release}: none yet");
        cluster.run(3_000);
        let coordinator = cluster.coordinator(1).expect("made by now");
        let partition = crate::group::partition_for("g", 4);
        let partition = format!("{OFFSETS_TOPIC}-{partition}");
        assert_eq!(cluster.leader(&partition), Some(coordinator), "{release}");
        let other = if coordinator == 1 { 2 } else { 1 };
        assert_eq!(cluster.join(other, "").error, Some(KafkaError::NotCoordinator), "{release}");

        let mut joined = cluster.join(coordinator, "");
        let member = joined.member.clone();
        if joined.error.is_some() {
            assert_eq!(joined.error, Some(KafkaError::MemberIdRequired), "{release}");
            joined = cluster.join(coordinator, &member);
        }
        assert_eq!((joined.error, joined.generation, &joined.leader), (None, 1, &member), "{release}");
        let sync = SyncGroupRequest {
            group: "g".into(),
            generation: 1,
            member: member.clone(),
            instance: None,
            protocol_type: None,
            protocol: None,
            assignments: vec![(member.clone(), Bytes::from_static(b"all"))],
        };
        let Some(Response::SyncGroup(synced)) = cluster.answer(coordinator, sync, 1_000) else {
            panic!("{release}: not written")
        };
        assert_eq!((synced.error, &synced.assignment[..]), (None, &b"all"[..]), "{release}");
        assert_eq!(cluster.commit(coordinator, &member, "orders-0", 42), None, "{release}");
        let unknown = Some(KafkaError::UnknownTopicOrPartition);
        assert_eq!(cluster.commit(coordinator, &member, "nowhere-0", 42), unknown, "{release}");
        assert_eq!(cluster.committed(coordinator), Ok(42), "{release}");

        cluster.kill(coordinator);
        cluster.run(9_000);
        let next = cluster.coordinator(other).expect("another leads");
        assert_ne!(next, coordinator, "{release}");
        assert_eq!(cluster.committed(next), Ok(42), "{release}");
        let groups = cluster.brokers[next].as_ref().expect("it runs").groups();
        let group = groups.group("g").expect("it was read from the log");
        assert_eq!((group.state, group.generation), (GroupState::Stable, 1), "{release}");
        let heartbeat =
            HeartbeatRequest { group: "g".into(), generation: 1, member: member.clone(), instance: None };
        let Some(Response::Heartbeat(answer)) = cluster.answer(next, heartbeat, 0) else {
            panic!("{release}")
        };
        assert_eq!(answer.error, None, "{release}: nobody has to join again");

        // The old one is back, leads nothing, and knows that.
        cluster.start(coordinator);
        cluster.run(5_000);
        assert_eq!(cluster.committed(coordinator), Err(KafkaError::NotCoordinator), "{release}");
    }
}

#[test]
fn a_commit_that_too_few_replicas_have_is_not_taken() {
    let mut cluster = three("2.8", &[("min.insync.replicas", "3"), ("offsets.commit.timeout.ms", "1000")]);
    cluster.create_topic("orders", &[1, 2, 3]);
    assert!(cluster.coordinator(1).is_err());
    cluster.run(3_000);
    let coordinator = cluster.coordinator(1).expect("made by now");
    let follower = if coordinator == 3 { 2 } else { 3 };
    cluster.kill(follower);
    let commit = |cluster: &mut Cluster| {
        let request = |offset| OffsetCommitRequest {
            group: "g".into(),
            generation: -1,
            member: "".into(),
            instance: None,
            retention: None,
            partitions: vec![OffsetCommitPartition {
                partition: tp("orders-0"),
                offset: Offset(offset),
                leader_epoch: None,
                metadata: "".into(),
            }],
        };
        match cluster.answer(coordinator, request(7), 2_000) {
            Some(Response::OffsetCommit(answer)) => answer.partitions[0].1,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(commit(&mut cluster), Some(KafkaError::RequestTimedOut), "one is silent, and still in sync");
    assert_eq!(cluster.committed(coordinator), Ok(-1));
    cluster.run(40_000);
    assert_eq!(commit(&mut cluster), Some(KafkaError::CoordinatorNotAvailable), "NOT_ENOUGH_REPLICAS");
    assert_eq!(cluster.committed(coordinator), Ok(-1));
}

#[test]
fn its_topic_is_made_with_fewer_replicas_only_before_0_11() {
    for (release, made) in [("0.10.2", true), ("0.11.0", false)] {
        let settings = [("offsets.topic.num.partitions", "1")];
        let mut cluster = Cluster::new(Era::parse(release).expect("a release"), 2, &settings);
        assert!(cluster.coordinator(1).is_err());
        cluster.run(3_000);
        assert_eq!(cluster.coordinator(1).is_ok(), made, "{release}: KAFKA-3959");
        let api = ApiKey::FindCoordinator.name_in(&cluster.era);
        assert_eq!(api, if made { "GroupCoordinator" } else { "FindCoordinator" });
    }
}
