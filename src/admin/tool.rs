//! What the tools have in common: asking ZooKeeper step by step, and Kafka's words when it refuses.

use crate::command::OperatorError;
use crate::config::{BrokerConfig, ConfigError, ConfigProblem};
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::zookeeper::{Op, OpResult, Path, ZkError};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{ReplicaAssignment, ZnodeData};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a tool does next.
pub(crate) enum Next {
    /// Asks ZooKeeper; the answers decide how it goes on.
    Ask(Vec<Op>),
    /// It is done.
    Done,
}

/// A step of a tool, or why it refuses.
pub(crate) type Step = Result<Next, OperatorError>;

/// One read without a watch.
pub(super) fn data_of(path: Path) -> Op {
    Op::GetData { path, watch: false }
}

/// One look without a watch.
pub(super) fn exists(path: Path) -> Op {
    Op::Exists { path, watch: false }
}

/// One list without a watch.
pub(super) fn children_of(path: Path) -> Op {
    Op::GetChildren { path, watch: false }
}

/// A new persistent znode.
pub(super) fn create(path: Path, data: ZnodeData) -> Op {
    Op::Create { path, data, ephemeral: false, sequential: false }
}

/// A refusal whose exception has no error code of its own.
pub(super) fn failed(message: impl Into<String>) -> OperatorError {
    OperatorError { error: KafkaError::UnknownServerError, message: message.into() }
}

/// A refusal.
pub(super) fn refused(error: KafkaError, message: impl Into<String>) -> OperatorError {
    OperatorError { error, message: message.into() }
}

/// An answer of ZooKeeper that the tool has no plan for: it ends with ZooKeeper's exception.
pub(super) fn unexpected(error: ZkError, path: &str) -> OperatorError {
    let code = match error {
        ZkError::NoNode => "NoNode",
        ZkError::NodeExists => "NodeExists",
        ZkError::BadVersion => "BadVersion",
        ZkError::NotEmpty => "Directory not empty",
        ZkError::SessionExpired => "Session expired",
        ZkError::RuntimeInconsistency => "RuntimeInconsistency",
    };
    failed(format!("KeeperErrorCode = {code} for {path}"))
}

/// The only answer of a step that asked once.
pub(super) fn only(outcome: Outcome) -> Result<OpResult, ZkError> {
    let mut results = outcome.into_iter();
    match (results.next(), results.next()) {
        (Some(result), None) => result,
        other => unreachable!("one question has one answer: {other:?}"),
    }
}

/// Whether the znode asked for exists.
pub(super) fn found(outcome: Outcome) -> bool {
    matches!(only(outcome), Ok(OpResult::Exists(Some(_))))
}

/// The names listed; none if the parent does not exist.
pub(super) fn names(result: Result<OpResult, ZkError>) -> Vec<String> {
    match result {
        Ok(OpResult::Children(names)) => names,
        Err(_) => Vec::new(),
        other => unreachable!("no list: {other:?}"),
    }
}

/// The ids of the brokers listed, in order.
pub(super) fn broker_ids(names: Vec<String>) -> Vec<BrokerId> {
    let mut ids: Vec<BrokerId> = names.iter().filter_map(|name| name.parse().ok().map(BrokerId)).collect();
    ids.sort();
    ids
}

/// The partitions of a topic whose znode was read; none if it does not exist.
pub(super) fn assignment(result: Result<OpResult, ZkError>) -> Arc<BTreeMap<i32, ReplicaAssignment>> {
    match result {
        Ok(OpResult::Data(ZnodeData::Topic(partitions), _)) => partitions,
        _ => Arc::default(),
    }
}

/// How the tools print a partition: a new way from 1.0 on.
pub(super) fn shown(partition: TopicPartition, era: &Era) -> String {
    const WITH_DASH: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(1, 0, 0), true)];
    if era.release.look_up(WITH_DASH) == Some(&true) {
        partition.to_string()
    } else {
        format!("[{},{}]", partition.topic, partition.partition)
    }
}

/// Several of anything, with commas.
pub(super) fn listed<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<String>>().join(separator)
}

/// Refuses settings that a topic of this era cannot have (`LogConfig.validate`).
pub(super) fn validate_settings(settings: &BTreeMap<String, String>, era: &Era) -> Result<(), OperatorError> {
    if settings.is_empty() {
        return Ok(());
    }
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    BrokerConfig::new(era, BrokerId(0), &[])
        .and_then(|broker| broker.topic_defaults.with(era, &settings))
        .map(|_| ())
        .map_err(|ConfigError { name, problem }| {
            const UNKNOWN: &[(Release, (&str, &str))] = &[
                (Release::FIRST, ("Unknown Log configuration ", ".")),
                (Release::new_0(11, 0, 0), ("Unknown topic config name: ", "")),
            ];
            let message = match problem {
                ConfigProblem::Unknown { .. } | ConfigProblem::NotInThisRelease { .. } => {
                    let (before, after) = era.release.look_up(UNKNOWN).expect("the first entry is for all");
                    format!("{before}{name}{after}")
                }
                ConfigProblem::BadValue { given, expected } => {
                    format!("Invalid value {given} for configuration {name}: expected {expected}")
                }
            };
            refused(KafkaError::InvalidConfig, message)
        })
}

/// Writes a topic's settings, whether it has any yet or not (`setOrCreateEntityConfigs`).
#[derive(Clone, Debug)]
pub(super) struct WriteConfig {
    path: Path,
    data: ZnodeData,
    creating: bool,
}

impl WriteConfig {
    pub fn new(path: Path, settings: BTreeMap<String, String>) -> WriteConfig {
        WriteConfig { path, data: ZnodeData::Config(Arc::new(settings)), creating: false }
    }

    /// The write to try now.
    pub fn ask(&self) -> Next {
        let (path, data) = (self.path.clone(), self.data.clone());
        let op = if self.creating { create(path, data) } else { Op::SetData { path, data, version: None } };
        Next::Ask(vec![op])
    }

    /// Whether it is written; if not, to be asked again.
    pub fn is_written(&mut self, outcome: Outcome) -> Result<bool, OperatorError> {
        match only(outcome) {
            Ok(_) => Ok(true),
            Err(ZkError::NoNode) if !self.creating => {
                self.creating = true;
                Ok(false)
            }
            Err(ZkError::NodeExists) if self.creating => {
                self.creating = false;
                Ok(false)
            }
            Err(error) => Err(unexpected(error, &self.path)),
        }
    }
}
