//! Kafka's znodes: where each stands and what it holds.
//!
//! Data is typed inside; [`ZnodeData`]'s `Display` is the JSON that Kafka writes (`kafka.zk.ZkData`), as stories and
//! comparisons with real clusters show it, in short for the two whose fields differ from release to release.
//! [`ZnodeData::text_in`] has those in full. The order of keys is a hash map's, which differs between builds of one release;
//! here it is that of the schemas in Kafka's source.
//!
//! Left out: the `topic_id` of version 3 (2.8).

use crate::era::Release;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, NodeId, Topic, TopicPartition};
use crate::messages::zookeeper::Path;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a znode holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum ZnodeData {
    /// Nothing: a parent, or `/admin/delete_topics/<topic>`.
    #[default]
    Empty,
    /// `/brokers/ids/<id>`, ephemeral.
    Broker {
        /// Where it listens.
        node: NodeId,
        /// `broker.rack`.
        rack: Option<Arc<str>>,
        /// When it registered.
        timestamp: Timestamp,
    },
    /// `/controller`, ephemeral.
    Controller {
        /// Who.
        broker: BrokerId,
        /// Since when.
        timestamp: Timestamp,
    },
    /// `/controller_epoch`.
    ControllerEpoch(ControllerEpoch),
    /// `/brokers/topics/<topic>`: replica lists by partition; the lists being added and removed by a reassignment
    /// (KIP-455) are empty otherwise.
    Topic(Arc<BTreeMap<i32, ReplicaAssignment>>),
    /// `/brokers/topics/<topic>/partitions/<n>/state`.
    PartitionState(PartitionState),
    /// `/config/topics/<topic>` and its kin: settings that differ from the broker's.
    Config(Arc<BTreeMap<String, String>>),
    /// `/config/changes/config_change_<n>`: whose configuration changed, such as `topics/orders`.
    ConfigChange(Arc<str>),
    /// `/isr_change_notification/isr_change_<n>`.
    IsrChange(Arc<[TopicPartition]>),
    /// `/log_dir_event_notification/log_dir_event_<n>`: a broker whose log directory failed (KIP-112).
    LogDirEvent(BrokerId),
    /// `/admin/preferred_replica_election`.
    PreferredReplicaElection(Arc<[TopicPartition]>),
    /// `/admin/reassign_partitions`.
    ReassignPartitions(Arc<BTreeMap<TopicPartition, Vec<BrokerId>>>),
}

/// Who holds a partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReplicaAssignment {
    /// All replicas, preferred leader first; with a reassignment in progress, target replicas first.
    pub replicas: Vec<BrokerId>,
    /// Being added.
    pub adding: Vec<BrokerId>,
    /// Being removed.
    pub removing: Vec<BrokerId>,
}

/// A partition's state as ZooKeeper keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionState {
    /// The leader, or [`BrokerId::NONE`].
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// In-sync replicas, in Kafka's order.
    pub isr: Vec<BrokerId>,
    /// The epoch of the controller that made the last controller-made change.
    pub controller_epoch: ControllerEpoch,
}

/// `/controller`.
pub const CONTROLLER: &str = "/controller";
/// `/controller_epoch`.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// `/brokers/ids`.
pub const BROKER_IDS: &str = "/brokers/ids";
/// `/brokers/topics`.
pub const TOPICS: &str = "/brokers/topics";
/// `/config/topics`.
pub const TOPIC_CONFIGS: &str = "/config/topics";
/// `/config/changes`.
pub const CONFIG_CHANGES: &str = "/config/changes";
/// `/isr_change_notification`.
pub const ISR_CHANGES: &str = "/isr_change_notification";
/// `/log_dir_event_notification`.
pub const LOG_DIR_EVENTS: &str = "/log_dir_event_notification";
/// `/admin/delete_topics`.
pub const DELETE_TOPICS: &str = "/admin/delete_topics";
/// `/admin/preferred_replica_election`.
pub const PREFERRED_REPLICA_ELECTION: &str = "/admin/preferred_replica_election";
/// `/admin/reassign_partitions`.
pub const REASSIGN_PARTITIONS: &str = "/admin/reassign_partitions";

/// The persistent paths that exist in a fresh cluster (`KafkaZkClient.makeSurePersistentPathExists`), parents first.
pub const PERSISTENT_PATHS: &[&str] = &[
    "/admin",
    DELETE_TOPICS,
    "/brokers",
    BROKER_IDS,
    TOPICS,
    "/config",
    CONFIG_CHANGES,
    TOPIC_CONFIGS,
    "/config/brokers",
    "/config/clients",
    "/config/users",
    ISR_CHANGES,
    LOG_DIR_EVENTS,
];

/// `/brokers/ids/<id>`.
pub fn broker_path(broker: BrokerId) -> Path {
    format!("{BROKER_IDS}/{broker}").into()
}

/// `/brokers/topics/<topic>`.
pub fn topic_path(topic: Topic) -> Path {
    format!("{TOPICS}/{topic}").into()
}

/// `/brokers/topics/<topic>/partitions`.
pub fn partitions_path(topic: Topic) -> Path {
    format!("{TOPICS}/{topic}/partitions").into()
}

/// `/brokers/topics/<topic>/partitions/<n>`.
pub fn partition_path(partition: TopicPartition) -> Path {
    format!("{TOPICS}/{}/partitions/{}", partition.topic, partition.partition).into()
}

/// `/brokers/topics/<topic>/partitions/<n>/state`.
pub fn state_path(partition: TopicPartition) -> Path {
    format!("{TOPICS}/{}/partitions/{}/state", partition.topic, partition.partition).into()
}

/// `/config/topics/<topic>`.
pub fn topic_config_path(topic: Topic) -> Path {
    format!("{TOPIC_CONFIGS}/{topic}").into()
}

/// The last element of a path.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn list(ids: &[BrokerId]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

fn named(partitions: &[TopicPartition]) -> String {
    let partitions: Vec<String> = partitions
        .iter()
        .map(|partition| {
            format!("{{\"topic\":\"{}\",\"partition\":{}}}", partition.topic, partition.partition)
        })
        .collect();
    format!("[{}]", partitions.join(","))
}

/// The version of `/brokers/ids/<id>`: `features` came with 2.7 (KIP-584).
const BROKER_VERSION: &[(Release, i32)] = &[(Release::FIRST, 4), (Release::new(2, 7, 0), 5)];
/// The version of `/brokers/topics/<topic>`: what a reassignment adds and removes (KIP-455), then topic ids (KIP-516).
const TOPIC_VERSION: &[(Release, i32)] =
    &[(Release::FIRST, 1), (Release::new(2, 4, 0), 2), (Release::new(2, 8, 0), 3)];

impl ZnodeData {
    /// What a broker of this release writes.
    pub fn text_in(&self, release: Release) -> String {
        let version = |table| *release.look_up(table).expect("the first entry is for all");
        match self {
            ZnodeData::Broker { node, rack, timestamp } => {
                let rack = rack.as_ref().map_or(String::new(), |rack| format!(",\"rack\":\"{rack}\""));
                let version = version(BROKER_VERSION);
                let features = if version >= 5 { ",\"features\":{}" } else { "" };
                format!(
                    "{{\"version\":{version},\"host\":\"node-{node}\",\"port\":9092,\"jmx_port\":-1,\
                     \"timestamp\":\"{}\",\"endpoints\":[\"PLAINTEXT://node-{node}:9092\"],\
                     \"listener_security_protocol_map\":{{\"PLAINTEXT\":\"PLAINTEXT\"}}{rack}{features}}}",
                    timestamp.0
                )
            }
            ZnodeData::Topic(partitions) => {
                let version = version(TOPIC_VERSION);
                let held = |of: fn(&ReplicaAssignment) -> &Vec<BrokerId>, all: bool| {
                    let lists = partitions.iter().filter(|(_, held)| all || !of(held).is_empty());
                    let lists: Vec<String> =
                        lists.map(|(number, held)| format!("\"{number}\":{}", list(of(held)))).collect();
                    format!("{{{}}}", lists.join(","))
                };
                let replicas = held(|held| &held.replicas, true);
                if version == 1 {
                    return format!("{{\"version\":1,\"partitions\":{replicas}}}");
                }
                let (adding, removing) =
                    (held(|held| &held.adding, false), held(|held| &held.removing, false));
                format!(
                    "{{\"version\":{version},\"partitions\":{replicas},\"adding_replicas\":{adding},\
                     \"removing_replicas\":{removing}}}"
                )
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for ZnodeData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ZnodeData::Empty => Ok(()),
            ZnodeData::Broker { node, rack, timestamp } => {
                write!(
                    f,
                    "{{\"endpoints\":[\"PLAINTEXT://node-{node}:9092\"],\"timestamp\":\"{}\"",
                    timestamp.0
                )?;
                if let Some(rack) = rack {
                    write!(f, ",\"rack\":\"{rack}\"")?;
                }
                f.write_str("}")
            }
            ZnodeData::Controller { broker, timestamp } => {
                write!(f, "{{\"version\":1,\"brokerid\":{broker},\"timestamp\":\"{}\"}}", timestamp.0)
            }
            ZnodeData::ControllerEpoch(epoch) => write!(f, "{epoch}"),
            ZnodeData::Topic(partitions) => {
                let lists: Vec<String> = partitions
                    .iter()
                    .map(|(number, held)| format!("\"{number}\":{}", list(&held.replicas)))
                    .collect();
                write!(f, "{{\"version\":1,\"partitions\":{{{}}}}}", lists.join(","))
            }
            ZnodeData::PartitionState(state) => write!(
                f,
                "{{\"controller_epoch\":{},\"leader\":{},\"version\":1,\"leader_epoch\":{},\"isr\":{}}}",
                state.controller_epoch,
                state.leader,
                state.leader_epoch,
                list(&state.isr)
            ),
            ZnodeData::Config(settings) => {
                let settings: Vec<String> =
                    settings.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
                write!(f, "{{\"version\":1,\"config\":{{{}}}}}", settings.join(","))
            }
            ZnodeData::ConfigChange(path) => write!(f, "{{\"version\":2,\"entity_path\":\"{path}\"}}"),
            ZnodeData::IsrChange(partitions) => {
                write!(f, "{{\"version\":1,\"partitions\":{}}}", named(partitions))
            }
            ZnodeData::LogDirEvent(broker) => write!(f, "{{\"version\":1,\"broker\":{broker},\"event\":1}}"),
            ZnodeData::PreferredReplicaElection(partitions) => {
                write!(f, "{{\"version\":1,\"partitions\":{}}}", named(partitions))
            }
            ZnodeData::ReassignPartitions(targets) => {
                let targets: Vec<String> = targets
                    .iter()
                    .map(|(partition, replicas)| {
                        format!(
                            "{{\"topic\":\"{}\",\"partition\":{},\"replicas\":{}}}",
                            partition.topic,
                            partition.partition,
                            list(replicas)
                        )
                    })
                    .collect();
                write!(f, "{{\"version\":1,\"partitions\":[{}]}}", targets.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_and_topics_are_written_as_the_release_does() {
        let broker = ZnodeData::Broker { node: NodeId(1), rack: Some("r".into()), timestamp: Timestamp(7) };
        let text = broker.text_in(Release::new(2, 6, 0));
        assert_eq!(
            text,
            "{\"version\":4,\"host\":\"node-1\",\"port\":9092,\"jmx_port\":-1,\"timestamp\":\"7\",\
             \"endpoints\":[\"PLAINTEXT://node-1:9092\"],\
             \"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"},\"rack\":\"r\"}"
        );
        assert!(broker.text_in(Release::new(2, 7, 0)).ends_with(",\"rack\":\"r\",\"features\":{}}"));
        let moving = ReplicaAssignment {
            replicas: vec![BrokerId(1), BrokerId(2)],
            adding: vec![BrokerId(1)],
            removing: vec![BrokerId(2)],
        };
        let settled = ReplicaAssignment { replicas: vec![BrokerId(3)], ..ReplicaAssignment::default() };
        let topic = ZnodeData::Topic(Arc::new(BTreeMap::from([(0, moving), (1, settled)])));
        let partitions = "\"partitions\":{\"0\":[1,2],\"1\":[3]}";
        let rest = "\"adding_replicas\":{\"0\":[1]},\"removing_replicas\":{\"0\":[2]}";
        for (release, expected) in [
            (Release::new(2, 3, 1), format!("{{\"version\":1,{partitions}}}")),
            (Release::new(2, 4, 0), format!("{{\"version\":2,{partitions},{rest}}}")),
            (Release::new(2, 8, 0), format!("{{\"version\":3,{partitions},{rest}}}")),
        ] {
            assert_eq!(topic.text_in(release), expected, "{release}");
        }
    }
}
