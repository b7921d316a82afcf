//! The operator against ZooKeeper.

use super::*;
use crate::command::{OperatorError, Placement};
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, Offset, Topic, TopicPartition};
use crate::messages::zookeeper::{ZooKeeperAnswer, ZooKeeperRequest};
use crate::time::Timestamp;
use crate::zookeeper::bench::Bench;
use crate::zookeeper::znode::{REASSIGN_PARTITIONS, ReplicaAssignment, ZnodeData};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Tools(Bench<Operator>);

impl Tools {
    fn new(release: &str, brokers: &[(i32, Option<&str>)]) -> Tools {
        let era = Era::parse(release).expect("a release");
        let mut tools = Tools(Bench::new(vec![Operator::new(era, Vec::new())]));
        let connect = ZooKeeperRequest::Connect { session: None, timeout: Micros::from_millis(40_000) };
        assert!(matches!(tools.0.ask(1, connect), ZooKeeperAnswer::Connected { .. }));
        for (id, rack) in brokers {
            let node = NodeId(*id as u16);
            let data = ZnodeData::Broker { node, rack: rack.map(Arc::from), timestamp: Timestamp(0) };
            tools.write(&format!("/brokers/ids/{id}"), data);
        }
        tools
    }

    /// Creates a znode in the name of somebody else.
    fn write(&mut self, path: &str, data: ZnodeData) {
        let op = Op::Create { path: path.into(), data, ephemeral: false, sequential: false };
        let answer = self.0.ask(1, ZooKeeperRequest::Op(op));
        assert!(matches!(answer, ZooKeeperAnswer::Op(Ok(_))), "{answer:?}");
    }

    /// Gives a command: what the operator is told, once.
    fn run(&mut self, command: Command) -> Result<(), OperatorError> {
        self.0.command(0, command);
        self.0.advance(Micros::ZERO);
        let told = std::mem::take(&mut self.0.deliveries);
        match &told[..] {
            [(0, Delivery::Done(result))] => result.clone(),
            other => panic!("told once: {other:?}"),
        }
    }

    fn refused(&mut self, command: Command) -> (KafkaError, String) {
        let refusal = self.run(command).expect_err("this must be refused");
        (refusal.error, refusal.message)
    }

    fn show(&self, path: &str) -> Option<String> {
        self.0.zookeeper.get(path).map(|(data, _)| data.to_string())
    }
}

fn counted(topic: &str, partitions: i32, replication_factor: i16) -> Command {
    let placement = Placement::Counted { partitions, replication_factor };
    Command::CreateTopic { topic: Topic::new(topic), placement, settings: BTreeMap::new() }
}

fn assigned(topic: &str, lists: &[(i32, &[i32])]) -> Command {
    let lists = lists.iter().map(|(number, ids)| {
        let replicas = ids.iter().map(|id| BrokerId(*id)).collect();
        (*number, ReplicaAssignment { replicas, ..ReplicaAssignment::default() })
    });
    let placement = Placement::Assigned(lists.collect());
    Command::CreateTopic { topic: Topic::new(topic), placement, settings: BTreeMap::new() }
}

fn reassign(targets: &[(&str, &[i32])]) -> Command {
    let targets = targets.iter().map(|(partition, ids)| {
        let partition = TopicPartition::parse(partition).expect("a partition");
        (partition, ids.iter().map(|id| BrokerId(*id)).collect())
    });
    Command::ReassignPartitions(targets.collect())
}

fn elect(partitions: &[&str]) -> Command {
    let partitions = partitions.iter().map(|name| TopicPartition::parse(name).expect("a partition"));
    Command::ElectPreferredLeaders(partitions.collect())
}

const THREE: &[(i32, Option<&str>)] = &[(0, None), (1, None), (10, None)];

#[test]
fn a_topic_is_created_after_its_settings_were_written() {
    let mut tools = Tools::new("2.8", THREE);
    // Entropy counts: start 0, distance 1.
    assert_eq!(tools.run(counted("orders", 2, 2)), Ok(()));
    assert_eq!(
        tools.show("/brokers/topics/orders").as_deref(),
        Some(r#"{"version":1,"partitions":{"0":[0,10],"1":[1,0]}}"#)
    );
    assert_eq!(tools.show("/config/topics/orders").as_deref(), Some(r#"{"version":1,"config":{}}"#));
    let zxid = |path: &str| tools.0.zookeeper.get(path).map(|(_, stat)| stat.czxid);
    assert!(zxid("/config/topics/orders") < zxid("/brokers/topics/orders"));
    assert!(tools.0.zookeeper.children("/config/changes").is_empty(), "a new topic is no change of settings");

    // Settings that were left behind by a topic of that name are overwritten.
    tools.write("/config/topics/old", ZnodeData::Empty);
    assert_eq!(tools.run(assigned("old", &[(0, &[7, 8])])), Ok(()), "brokers may be unknown");
    assert_eq!(tools.show("/config/topics/old").as_deref(), Some(r#"{"version":1,"config":{}}"#));
}

#[test]
fn topics_that_cannot_be_are_refused_with_kafkas_errors() {
    use KafkaError::*;
    let mut tools = Tools::new("2.8", THREE);
    assert_eq!(tools.run(counted("a.b", 1, 1)), Ok(()));
    let cases: &[(Command, KafkaError, &str)] = &[
        (counted("a.b", 1, 1), TopicAlreadyExists, "Topic 'a.b' already exists."),
        (counted("a_b", 1, 1), InvalidTopic, "Topic 'a_b' collides with existing topics: a.b"),
        (counted("..", 1, 1), InvalidTopic, "Topic name cannot be \".\" or \"..\""),
        (counted("", 1, 1), InvalidTopic, "Topic name is illegal, it can't be empty"),
        (counted("t", 0, 1), InvalidPartitions, "Number of partitions must be larger than 0."),
        (counted("t", 1, 0), InvalidReplicationFactor, "Replication factor must be larger than 0."),
        (
            counted("..", 1, 4),
            InvalidReplicationFactor,
            "Replication factor: 4 larger than available brokers: 3.",
        ),
        (
            assigned("t", &[(0, &[1, 2]), (1, &[1])]),
            InvalidReplicaAssignment,
            "All partitions should have the same number of replicas",
        ),
        (
            assigned("t", &[]),
            InvalidReplicaAssignment,
            "All partitions should have the same number of replicas",
        ),
        (assigned("t", &[(0, &[])]), InvalidReplicaAssignment, "For input string: \"\""),
        (
            assigned("t", &[(0, &[1, 2]), (1, &[2, 2])]),
            InvalidReplicaAssignment,
            "Duplicate replica assignment found: Map(0 -> List(1, 2), 1 -> List(2, 2))",
        ),
        (
            assigned("t", &[(0, &[1]), (2, &[1])]),
            InvalidReplicaAssignment,
            "partitions should be a consecutive 0-based integer sequence",
        ),
    ];
    for (command, error, message) in cases {
        assert_eq!(tools.refused(command.clone()), (*error, (*message).to_owned()), "{command:?}");
    }
    assert_eq!(tools.0.zookeeper.children("/brokers/topics"), ["a.b"]);
    assert_eq!(tools.0.zookeeper.children("/config/topics"), ["a.b"], "nothing was written");

    let mut settings = counted("t", 1, 1);
    if let Command::CreateTopic { settings, .. } = &mut settings {
        settings.insert("retention".to_owned(), "1".to_owned());
    }
    let unknown = (InvalidConfig, "Unknown topic config name: retention".to_owned());
    assert_eq!(tools.refused(settings), unknown);
    assert_eq!(tools.0.zookeeper.children("/brokers/topics"), ["a.b"]);

    let mut older = Tools::new("2.2", THREE);
    assert_eq!(older.run(assigned("t", &[(0, &[1]), (2, &[1])])), Ok(()), "gaps were not looked for");
    let mut empty = Tools::new("0.10.2", &[]);
    assert_eq!(empty.refused(counted("t", 1, 1)).1, "replication factor: 1 larger than available brokers: 0");
}

fn add(topic: &str, partitions: i32, lists: Option<&[&[i32]]>) -> Command {
    let ids = |list: &&[i32]| list.iter().map(|id| BrokerId(*id)).collect();
    let assignment = lists.map(|lists| lists.iter().map(ids).collect());
    Command::AddPartitions { topic: Topic::new(topic), partitions, assignment }
}

#[test]
fn partitions_are_added_and_never_taken_away() {
    use KafkaError::*;
    let mut tools = Tools::new("2.8", THREE);
    assert_eq!(tools.run(assigned("t", &[(0, &[1, 10])])), Ok(()));
    // As if placed with the first: the ring is entered at partition 0's leader, which is at index 1.
    assert_eq!(tools.run(add("t", 3, None)), Ok(()));
    let placed = r#"{"version":1,"partitions":{"0":[1,10],"1":[10,1],"2":[0,10]}}"#;
    assert_eq!(tools.show("/brokers/topics/t").as_deref(), Some(placed));
    assert_eq!(tools.run(add("t", 4, Some(&[&[10, 0]]))), Ok(()));
    let added = r#"{"version":1,"partitions":{"0":[1,10],"1":[10,1],"2":[0,10],"3":[10,0]}}"#;
    assert_eq!(tools.show("/brokers/topics/t").as_deref(), Some(added));
    for (command, error, message) in [
        (
            add("t", 3, None),
            InvalidPartitions,
            "The number of partitions for a topic can only be increased. Topic t currently has 4 partitions, 3 would \
             not be an increase.",
        ),
        (
            add("t", 4, None),
            InvalidPartitions,
            "The number of partitions for a topic can only be increased. Topic t currently has 4 partitions, 4 would \
             not be an increase.",
        ),
        (
            add("t", 5, Some(&[&[1, 1]])),
            InvalidReplicaAssignment,
            "Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 4.",
        ),
        (
            add("t", 5, Some(&[&[1, 7]])),
            BrokerNotAvailable,
            "Some brokers specified for partition id 4 are not available. Specified brokers: 1, 7, available brokers: \
             0, 1, 10.",
        ),
        (
            add("t", 5, Some(&[&[1]])),
            InvalidReplicaAssignment,
            "Inconsistent replication factor between partitions, partition 0 has 2 while partitions [4] have \
             replication factors [1], respectively.",
        ),
        (add("u", 5, None), UnknownServerError, "Topic 'u' does not exist as expected"),
    ] {
        assert_eq!(tools.refused(command), (error, message.to_owned()));
    }
    assert_eq!(tools.show("/brokers/topics/t").as_deref(), Some(added));

    let mut older = Tools::new("0.10.2", THREE);
    assert_eq!(older.run(assigned("t", &[(0, &[1])])), Ok(()));
    let (error, message) = older.refused(add("t", 1, None));
    assert_eq!(
        (error, message.as_str()),
        (UnknownServerError, "The number of partitions for a topic can only be increased")
    );
}

#[test]
fn racks_count_only_if_every_broker_has_one() {
    let mut all = Tools::new("2.8", &[(1, Some("a")), (2, Some("a")), (3, Some("b"))]);
    assert_eq!(all.run(counted("t", 3, 2)), Ok(()));
    assert_eq!(
        all.show("/brokers/topics/t").as_deref(),
        Some(r#"{"version":1,"partitions":{"0":[1,3],"1":[3,2],"2":[2,3]}}"#)
    );
    let mut some = Tools::new("2.8", &[(1, Some("a")), (2, None)]);
    let (error, message) = some.refused(counted("t", 1, 1));
    assert_eq!(error, KafkaError::UnknownServerError);
    assert!(
        message.starts_with("Not all brokers have rack information. Add --disable-rack-aware"),
        "{message}"
    );
}

#[test]
fn settings_are_changed_only_where_they_can_be() {
    let mut tools = Tools::new("0.10.2", THREE);
    let alter = |topic: &str, settings: &[(&str, Option<&str>)]| Command::AlterTopicConfig {
        topic: Topic::new(topic),
        settings: settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect(),
    };
    assert_eq!(
        tools.refused(alter("none", &[("retention.ms", Some("1"))])),
        (KafkaError::UnknownServerError, "Topic \"none\" does not exist.".to_owned())
    );
    assert_eq!(tools.run(counted("t", 1, 1)), Ok(()));
    assert_eq!(
        tools.refused(alter("t", &[("a", None), ("b", None)])),
        (KafkaError::InvalidConfig, "Invalid config(s): a,b".to_owned())
    );
    assert_eq!(tools.refused(alter("t", &[])).0, KafkaError::InvalidRequest);
    assert!(tools.0.zookeeper.children("/config/changes").is_empty());

    // One goes and another comes: what is not named stays, and the brokers are told.
    assert_eq!(
        tools.refused(alter("t", &[("min.insync.replica", Some("2"))])),
        (KafkaError::InvalidConfig, "Unknown Log configuration min.insync.replica.".to_owned())
    );
    let (error, message) = tools.refused(alter("t", &[("min.insync.replicas", Some("two"))]));
    assert_eq!(error, KafkaError::InvalidConfig);
    assert!(message.starts_with("Invalid value two for configuration min.insync.replicas: "), "{message}");
    assert!(tools.0.zookeeper.children("/config/changes").is_empty());
    let two = &[("min.insync.replicas", Some("2")), ("segment.bytes", Some("1000"))];
    assert_eq!(tools.run(alter("t", two)), Ok(()));
    assert_eq!(tools.run(alter("t", &[("min.insync.replicas", None), ("flush.ms", Some("7"))])), Ok(()));
    assert_eq!(
        tools.show("/config/topics/t").as_deref(),
        Some(r#"{"version":1,"config":{"flush.ms":"7","segment.bytes":"1000"}}"#)
    );
    assert_eq!(tools.0.zookeeper.children("/config/changes").len(), 2);
    assert_eq!(
        tools.show("/config/changes/config_change_0000000000").as_deref(),
        Some(r#"{"version":2,"entity_path":"topics/t"}"#)
    );

    let mut newer = Tools::new("2.7", THREE);
    assert_eq!(
        newer.refused(alter("none", &[("retention.ms", Some("1"))])),
        (KafkaError::UnknownTopicOrPartition, "Topic 'none' does not exist.".to_owned())
    );
}

#[test]
fn one_preferred_election_at_a_time_and_of_partitions_that_exist() {
    let path = "/admin/preferred_replica_election";
    let mut tools = Tools::new("1.1", THREE);
    assert_eq!(tools.run(assigned("t", &[(0, &[1]), (1, &[1])])), Ok(()));
    let (error, message) = tools.refused(elect(&["t-1", "t-7", "u-0"]));
    assert_eq!(error, KafkaError::UnknownTopicOrPartition);
    assert!(message.contains("partition t-7 since") && message.contains("partition u-0 since"), "{message}");
    let one = r#"{"version":1,"partitions":[{"topic":"t","partition":1}]}"#;
    assert_eq!(tools.show(path).as_deref(), Some(one), "the others are started all the same");
    assert_eq!(
        tools.refused(elect(&["t-0"])).1,
        "Preferred replica leader election currently in progress for t-1. Aborting operation"
    );
    assert_eq!(tools.show(path).as_deref(), Some(one));
    assert_eq!(tools.run(Command::DeleteZnode(path.to_owned())), Ok(()));

    // All partitions: those the controller has made.
    tools.write("/brokers/topics/t/partitions", ZnodeData::Empty);
    tools.write("/brokers/topics/t/partitions/0", ZnodeData::Empty);
    assert_eq!(tools.run(elect(&[])), Ok(()));
    let all = r#"{"version":1,"partitions":[{"topic":"t","partition":0}]}"#;
    assert_eq!(tools.show(path).as_deref(), Some(all));

    let mut older = Tools::new("0.10.2", THREE);
    assert_eq!(older.run(assigned("t", &[(0, &[1])])), Ok(()));
    assert_eq!(older.run(elect(&["t-0"])), Ok(()));
    assert!(older.refused(elect(&["t-0"])).1.contains("in progress for Set([t,0])."));
}

#[test]
fn reassignments_name_partitions_and_brokers_that_exist() {
    let mut tools = Tools::new("0.11.0", THREE);
    assert_eq!(tools.run(assigned("t", &[(0, &[0])])), Ok(()));
    for (command, message) in [
        (reassign(&[]), "Partition reassignment data file is empty"),
        (reassign(&[("t-0", &[])]), "Partition replica list cannot be empty"),
        (
            reassign(&[("t-0", &[1, 0, 1])]),
            "Partition replica lists may not contain duplicate entries: [t,0] contains multiple entries for 1",
        ),
        (
            reassign(&[("t-0", &[1]), ("t-3", &[1])]),
            "The proposed assignment contains non-existent partitions: List([t,3])",
        ),
        (
            reassign(&[("t-0", &[1, 12, 11])]),
            "The proposed assignment contains non-existent brokerIDs: 11,12",
        ),
    ] {
        assert_eq!(tools.refused(command), (KafkaError::UnknownServerError, message.to_owned()));
    }
    assert_eq!(tools.show(REASSIGN_PARTITIONS), None);
    assert_eq!(tools.run(reassign(&[("t-0", &[10, 1])])), Ok(()));
    assert_eq!(
        tools.show(REASSIGN_PARTITIONS).as_deref(),
        Some(r#"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[10,1]}]}"#)
    );
    assert_eq!(tools.refused(reassign(&[("t-0", &[1])])).1, "There is an existing assignment running.");

    let mut older = Tools::new("0.10.2", THREE);
    assert_eq!(older.run(assigned("t", &[(0, &[0])])), Ok(()));
    assert_eq!(older.run(reassign(&[("t-0", &[77])])), Ok(()), "0.10.2 does not look for brokers");
}

#[test]
fn znodes_are_deleted_by_hand() {
    let mut tools = Tools::new("2.8", THREE);
    tools.write("/controller", ZnodeData::Empty);
    let delete = |path: &str| Command::DeleteZnode(path.to_owned());
    assert_eq!(tools.run(delete("/controller")), Ok(()));
    assert_eq!(tools.refused(delete("/controller")).1, "Node does not exist: /controller");
    assert_eq!(tools.refused(delete("/brokers")).1, "Node not empty: /brokers");
    assert_eq!(tools.refused(delete("/")).1, "Node not empty: /");
    assert_eq!(tools.refused(delete("controller")).1, "Path must start with / character");
    assert_eq!(tools.refused(delete("")).1, "Path must start with / character");
}

#[test]
fn commands_wait_for_each_other_and_for_zookeeper() {
    let mut tools = Tools::new("2.8", THREE);
    tools.0.cut.insert(0);
    tools.0.command(0, counted("first", 1, 1));
    tools.0.command(0, counted("first", 1, 1));
    tools.0.command(0, counted("second", 1, 1));
    tools.0.advance(Micros::from_millis(25_000));
    assert!(tools.0.deliveries.is_empty());
    tools.0.cut.clear();
    tools.0.advance(Micros::from_millis(3_000));
    let told: Vec<bool> =
        tools.0.deliveries.iter().map(|(_, told)| matches!(told, Delivery::Done(Ok(())))).collect();
    assert_eq!(told, [true, false, true]);
}

#[test]
fn a_command_ends_with_its_session_and_the_next_has_a_new_one() {
    let mut tools = Tools::new("2.8", THREE);
    tools.0.cut.insert(0);
    tools.0.command(0, counted("t", 1, 1));
    tools.0.command(0, counted("u", 1, 1));
    tools.0.expire(0);
    tools.0.advance(Micros::from_millis(30_000));
    tools.0.cut.clear();
    tools.0.advance(Micros::from_millis(3_000));
    match &tools.0.deliveries[..] {
        [(0, Delivery::Done(Err(expired))), (0, Delivery::Done(Ok(())))] => {
            assert_eq!(expired.message, "Session expired either before or while waiting for connection");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(tools.0.zookeeper.children("/brokers/topics"), ["u"]);
}

#[test]
fn a_topic_is_marked_for_deletion_and_an_unknown_one_is_not() {
    for (release, words) in [
        ("0.10.2.2", "Topic no does not exist on ZK path zookeeper:2181"),
        ("2.2.0", "Topics in [] does not exist"),
        ("2.8", "Topic 'no' does not exist as expected"),
    ] {
        let mut tools = Tools::new(release, THREE);
        let delete = |topic: &str| Command::DeleteTopic(Topic::new(topic));
        let unknown = (KafkaError::UnknownServerError, words.to_owned());
        assert_eq!(tools.refused(delete("no")), unknown, "{release}");
        assert_eq!(tools.show("/admin/delete_topics/no"), None, "{release}");
        assert_eq!(tools.run(assigned("t", &[(0, &[1])])), Ok(()), "{release}");
        assert_eq!(tools.run(delete("t")), Ok(()), "{release}");
        assert_eq!(tools.show("/admin/delete_topics/t").as_deref(), Some(""), "{release}");
        assert_eq!(tools.run(delete("t")), Ok(()), "{release}: it is marked already");
        assert_eq!(tools.run(assigned("__consumer_offsets", &[(0, &[1])])), Ok(()), "{release}");
        let (_, message) = tools.refused(delete("__consumer_offsets"));
        assert!(message.contains("is a kafka internal topic"), "{release}: {message}");
    }
}

#[test]
fn a_tool_that_cannot_reach_a_broker_gives_up() {
    for (release, seconds) in [("0.11.0.2", 5), ("2.4.1", 120), ("2.8.2", 60)] {
        let mut tools = Tools::new(release, THREE);
        let partition = TopicPartition::new("t", 0);
        tools.0.command(0, Command::DeleteRecords { partition, before: Offset(1) });
        tools.0.advance(Micros::from_millis(seconds * 1000 - 1));
        assert!(tools.0.deliveries.is_empty(), "{release}");
        tools.0.advance(Micros::from_millis(1));
        let told = std::mem::take(&mut tools.0.deliveries);
        let [(0, Delivery::Done(Err(refusal)))] = &told[..] else { panic!("{release}: {told:?}") };
        assert_eq!(refusal.error, KafkaError::RequestTimedOut, "{release}");
        assert_eq!(tools.run(counted("orders", 1, 1)), Ok(()), "{release}: the next tool works");
    }
    let mut tools = Tools::new("0.10.2.2", THREE);
    let partition = TopicPartition::new("t", 0);
    let (error, _) = tools.refused(Command::DeleteRecords { partition, before: Offset(1) });
    assert_eq!(error, KafkaError::UnsupportedVersion);
}
