//! Creating a topic (`kafka-topics.sh --create`: `TopicCommand`, `AdminUtils`, `AdminZkClient`).
//!
//! 1. Look at the settings; without a given assignment, read which brokers are alive and place the replicas.
//! 2. Look at the name; read whether the topic exists, and for a name with `.` or `_` what it might collide with.
//! 3. Look at the assignment: as many replicas everywhere, none twice, no gap in the numbers (the last from 2.3 on).
//! 4. Write `/config/topics/<topic>`, then create `/brokers/topics/<topic>`. The two are no transaction.
//!
//! No release of this ladder asks whether the brokers of a given assignment exist: it may name brokers to come.
//! Left out: `--if-not-exists`, `--disable-rack-aware`; from 3.0 on the tool asks a broker, which does the same.

use super::placement::{BrokerMetadata, Start, assign_replicas};
use super::tool::{
    Next, Step, WriteConfig, broker_ids, children_of, create, data_of, exists, failed, found, listed, names,
    only, refused, unexpected, validate_settings,
};
use super::topic_name;
use crate::command::{OperatorError, Placement};
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{BrokerId, Topic};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::node::Entropy;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{
    BROKER_IDS, ReplicaAssignment, TOPICS, ZnodeData, broker_path, topic_config_path, topic_path,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A topic in the making.
#[derive(Clone, Debug)]
pub(crate) struct CreateTopic {
    topic: Topic,
    placement: Placement,
    settings: BTreeMap<String, String>,
    /// Known from the start, or once the brokers are.
    assignment: BTreeMap<i32, Vec<BrokerId>>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    BrokerIds,
    Brokers(Vec<BrokerId>),
    Exists,
    AllTopics,
    Config(WriteConfig),
    Create,
}

impl CreateTopic {
    pub(crate) fn new(topic: Topic, placement: Placement, settings: BTreeMap<String, String>) -> CreateTopic {
        CreateTopic { topic, placement, settings, assignment: BTreeMap::new(), stage: Stage::Begin }
    }

    pub(crate) fn proceed(&mut self, outcome: Outcome, era: &Era, entropy: &mut dyn Entropy) -> Step {
        match &mut self.stage {
            Stage::Begin => {
                validate_settings(&self.settings, era)?;
                match &self.placement {
                    Placement::Counted { .. } => {
                        self.stage = Stage::BrokerIds;
                        Ok(Next::Ask(vec![children_of(BROKER_IDS.into())]))
                    }
                    Placement::Assigned(given) => {
                        if given.values().any(|held| held.replicas.is_empty()) {
                            // The tool stumbles over the empty list where it reads numbers.
                            let message = "For input string: \"\"";
                            return Err(refused(KafkaError::InvalidReplicaAssignment, message));
                        }
                        let lists = given.iter().map(|(number, held)| (*number, held.replicas.clone()));
                        self.assignment = lists.collect();
                        self.look_for_topic(era)
                    }
                }
            }
            Stage::BrokerIds => {
                let ids = broker_ids(names(only(outcome)));
                if ids.is_empty() {
                    return self.place(Vec::new(), era, entropy);
                }
                let reads = ids.iter().map(|id| data_of(broker_path(*id))).collect();
                self.stage = Stage::Brokers(ids);
                Ok(Next::Ask(reads))
            }
            Stage::Brokers(ids) => {
                // A broker that went between list and read is not there.
                let read = std::mem::take(ids).into_iter().zip(outcome);
                let brokers = read.filter_map(|(id, result)| match result {
                    Ok(OpResult::Data(ZnodeData::Broker { rack, .. }, _)) => {
                        Some(BrokerMetadata { id, rack })
                    }
                    _ => None,
                });
                let brokers = brokers.collect();
                self.place(brokers, era, entropy)
            }
            Stage::Exists => {
                if found(outcome) {
                    return Err(self.already_exists());
                }
                if topic_name::has_collision_characters(self.topic.name()) {
                    self.stage = Stage::AllTopics;
                    return Ok(Next::Ask(vec![children_of(TOPICS.into())]));
                }
                self.write_config(era)
            }
            Stage::AllTopics => {
                let topic = self.topic.name();
                let others = names(only(outcome));
                if others.iter().any(|other| other == topic) {
                    return Err(self.already_exists());
                }
                let colliding: Vec<String> =
                    others.into_iter().filter(|other| topic_name::collide(topic, other)).collect();
                if !colliding.is_empty() {
                    let colliding = colliding.join(", ");
                    let message = format!("Topic '{topic}' collides with existing topics: {colliding}");
                    return Err(refused(KafkaError::InvalidTopic, message));
                }
                self.write_config(era)
            }
            Stage::Config(writing) => {
                if !writing.is_written(outcome)? {
                    return Ok(writing.ask());
                }
                self.stage = Stage::Create;
                let assignment = self.assignment.iter().map(|(number, replicas)| {
                    (
                        *number,
                        ReplicaAssignment { replicas: replicas.clone(), ..ReplicaAssignment::default() },
                    )
                });
                let data = ZnodeData::Topic(Arc::new(assignment.collect()));
                Ok(Next::Ask(vec![create(topic_path(self.topic), data)]))
            }
            Stage::Create => match only(outcome) {
                Ok(_) => Ok(Next::Done),
                Err(ZkError::NodeExists) => Err(self.already_exists()),
                Err(error) => Err(unexpected(error, &topic_path(self.topic))),
            },
        }
    }

    fn place(&mut self, brokers: Vec<BrokerMetadata>, era: &Era, entropy: &mut dyn Entropy) -> Step {
        let Placement::Counted { partitions, replication_factor } = self.placement else {
            unreachable!("brokers are asked for only to place replicas")
        };
        let with_rack = brokers.iter().filter(|broker| broker.rack.is_some()).count();
        if with_rack > 0 && with_rack < brokers.len() {
            return Err(failed(
                "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica \
                 assignment without rack information.",
            ));
        }
        let start = Start::Drawn(entropy);
        self.assignment =
            assign_replicas(&brokers, partitions, i32::from(replication_factor), -1, start, era)?;
        self.look_for_topic(era)
    }

    fn look_for_topic(&mut self, era: &Era) -> Step {
        topic_name::validate(self.topic.name(), era)?;
        self.stage = Stage::Exists;
        Ok(Next::Ask(vec![exists(topic_path(self.topic))]))
    }

    fn write_config(&mut self, era: &Era) -> Step {
        validate_assignment(&self.assignment, era)?;
        let writing = WriteConfig::new(topic_config_path(self.topic), std::mem::take(&mut self.settings));
        let next = writing.ask();
        self.stage = Stage::Config(writing);
        Ok(next)
    }

    fn already_exists(&self) -> OperatorError {
        refused(KafkaError::TopicAlreadyExists, format!("Topic '{}' already exists.", self.topic))
    }
}

/// Refuses an assignment that cannot be.
fn validate_assignment(assignment: &BTreeMap<i32, Vec<BrokerId>>, era: &Era) -> Result<(), OperatorError> {
    /// Partition numbers are looked at from 2.3.0 on (KAFKA-7864).
    const CONSECUTIVE: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(2, 3, 0), true)];
    let refused = |message: &str| Err(refused(KafkaError::InvalidReplicaAssignment, message));

    let factors: BTreeSet<usize> = assignment.values().map(Vec::len).collect();
    if factors.len() != 1 {
        return refused("All partitions should have the same number of replicas");
    }
    let has_duplicate =
        |replicas: &Vec<BrokerId>| replicas.iter().collect::<BTreeSet<_>>().len() < replicas.len();
    if assignment.values().any(has_duplicate) {
        let lists =
            assignment.iter().map(|(number, list)| format!("{number} -> List({})", listed(list, ", ")));
        return refused(&format!("Duplicate replica assignment found: Map({})", listed(lists, ", ")));
    }
    if era.release.look_up(CONSECUTIVE) == Some(&true) {
        // By their sum, as Kafka does.
        let count = assignment.len() as i64;
        let sum: i64 =
            assignment.keys().filter(|number| **number >= 0).map(|number| i64::from(*number)).sum();
        if sum != count * (count - 1) / 2 {
            return refused("partitions should be a consecutive 0-based integer sequence");
        }
    }
    Ok(())
}
