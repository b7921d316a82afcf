//! Kafka's znodes: where each stands and what it holds.
//!
//! Data is typed inside; [`ZnodeData`]'s `Display` is the JSON that Kafka writes (`kafka.zk.ZkData`), as stories and
//! comparisons with real clusters show it.

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
