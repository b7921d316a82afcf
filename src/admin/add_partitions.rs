//! More partitions for a topic (`kafka-topics.sh --alter --partitions`: `TopicCommand`, `AdminUtils.addPartitions`).
//!
//! 1. Read the topic and which brokers are alive. There can only be more partitions than before, never fewer.
//! 2. A given assignment of the new ones is looked at: as many replicas as partition 0 has, none twice, every broker
//!    alive. Otherwise they are placed: the ring is entered at the preferred leader of partition 0, as if all
//!    partitions had been placed at once.
//! 3. Write `/brokers/topics/<topic>`; the controller is watching.
//!
//! Left out: `--disable-rack-aware`; from 3.0 on the tool asks a broker, which does the same.

use super::placement::{BrokerMetadata, Start, assign_replicas};
use super::tool::{
    Next, Step, assignment, broker_ids, children_of, data_of, failed, listed, names, only, refused,
    unexpected,
};
use crate::command::OperatorError;
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{BrokerId, Topic};
use crate::messages::zookeeper::{Op, OpResult};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{BROKER_IDS, ReplicaAssignment, ZnodeData, broker_path, topic_path};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From 1.0 on refusals have error codes of their own (KIP-195).
const OWN_ERRORS: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new(1, 0, 0), true)];

/// Partitions in the making.
#[derive(Clone, Debug)]
pub(super) struct AddPartitions {
    topic: Topic,
    count: i32,
    given: Option<Vec<Vec<BrokerId>>>,
    existing: Arc<BTreeMap<i32, ReplicaAssignment>>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    Topic,
    BrokerIds,
    Brokers(Vec<BrokerId>),
    Write,
}

impl AddPartitions {
    /// `count` partitions in all; `given`: the replicas of those that are new.
    pub fn new(topic: Topic, count: i32, given: Option<Vec<Vec<BrokerId>>>) -> AddPartitions {
        AddPartitions { topic, count, given, existing: Arc::default(), stage: Stage::Begin }
    }

    pub fn proceed(&mut self, outcome: Outcome, era: &Era) -> Step {
        match &mut self.stage {
            Stage::Begin => {
                self.stage = Stage::Topic;
                Ok(Next::Ask(vec![data_of(topic_path(self.topic))]))
            }
            Stage::Topic => {
                self.existing = assignment(only(outcome));
                self.look_at_count(era)?;
                self.stage = Stage::BrokerIds;
                Ok(Next::Ask(vec![children_of(BROKER_IDS.into())]))
            }
            Stage::BrokerIds => {
                let ids = broker_ids(names(only(outcome)));
                if ids.is_empty() {
                    return self.place(&[], era);
                }
                let reads = ids.iter().map(|id| data_of(broker_path(*id))).collect();
                self.stage = Stage::Brokers(ids);
                Ok(Next::Ask(reads))
            }
            Stage::Brokers(ids) => {
                let read = std::mem::take(ids).into_iter().zip(outcome);
                let brokers: Vec<BrokerMetadata> = read
                    .filter_map(|(id, result)| match result {
                        Ok(OpResult::Data(ZnodeData::Broker { rack, .. }, _)) => {
                            Some(BrokerMetadata { id, rack })
                        }
                        _ => None,
                    })
                    .collect();
                self.place(&brokers, era)
            }
            Stage::Write => match only(outcome) {
                Ok(_) => Ok(Next::Done),
                Err(error) => Err(unexpected(error, &topic_path(self.topic))),
            },
        }
    }

    fn look_at_count(&self, era: &Era) -> Result<(), OperatorError> {
        let (topic, known, wanted) = (self.topic, self.existing.len(), self.count);
        if known == 0 {
            return Err(failed(format!("Topic '{topic}' does not exist as expected")));
        }
        if wanted > known as i32 {
            return Ok(());
        }
        Err(match has_own_errors(era) {
            false => failed("The number of partitions for a topic can only be increased"),
            true => refused(
                KafkaError::InvalidPartitions,
                format!(
                    "The number of partitions for a topic can only be increased. Topic {topic} currently has {known} \
                     partitions, {wanted} would not be an increase."
                ),
            ),
        })
    }

    fn place(&mut self, brokers: &[BrokerMetadata], era: &Era) -> Step {
        let known = self.existing.len() as i32;
        let Some(first) = self.existing.get(&0) else {
            let message = format!(
                "Unexpected existing replica assignment for topic '{}', partition id 0 is missing.",
                self.topic
            );
            return Err(failed(message));
        };
        let new: BTreeMap<i32, Vec<BrokerId>> = match &self.given {
            Some(lists) => {
                let alive = brokers.iter().map(|broker| broker.id).collect();
                let new = (known..self.count).zip(lists.iter().cloned()).collect();
                look_at(&new, first.replicas.len(), &alive, era)?;
                new
            }
            None => {
                let leader = first.replicas.first().copied().unwrap_or(BrokerId::NONE);
                let start = brokers.iter().position(|broker| broker.id >= leader).unwrap_or(0);
                let (count, factor) = (self.count - known, first.replicas.len() as i32);
                assign_replicas(brokers, count, factor, known, Start::Fixed(start), era)?
            }
        };
        let mut all = BTreeMap::clone(&self.existing);
        all.extend(new.into_iter().map(|(number, replicas)| {
            (number, ReplicaAssignment { replicas, ..ReplicaAssignment::default() })
        }));
        self.stage = Stage::Write;
        let (path, data) = (topic_path(self.topic), ZnodeData::Topic(Arc::new(all)));
        Ok(Next::Ask(vec![Op::SetData { path, data, version: None }]))
    }
}

/// Refuses an assignment of new partitions that cannot be (`validateReplicaAssignment`; up to 0.11
/// `getManualReplicaAssignment`).
fn look_at(
    lists: &BTreeMap<i32, Vec<BrokerId>>,
    factor: usize,
    alive: &BTreeSet<BrokerId>,
    era: &Era,
) -> Result<(), OperatorError> {
    let own = has_own_errors(era);
    let bad = |new: String, old: String| match own {
        true => Err(refused(KafkaError::InvalidReplicaAssignment, new)),
        false => Err(failed(old)),
    };
    for (number, replicas) in lists {
        let ids = listed(replicas, ", ");
        let different: BTreeSet<BrokerId> = replicas.iter().copied().collect();
        if replicas.is_empty() {
            let new = format!("Cannot have replication factor of 0 for partition id {number}.");
            return bad(new, "replication factor must be larger than 0".to_owned());
        }
        if different.len() != replicas.len() {
            let new = format!(
                "Duplicate brokers not allowed in replica assignment: {ids} for partition id {number}."
            );
            return bad(new, format!("duplicate brokers in replica assignment: {ids}"));
        }
        if !different.is_subset(alive) {
            let available = listed(alive, ", ");
            return Err(match own {
                true => refused(
                    KafkaError::BrokerNotAvailable,
                    format!(
                        "Some brokers specified for partition id {number} are not available. Specified brokers: {ids}, \
                         available brokers: {available}."
                    ),
                ),
                false => failed(format!(
                    "some specified brokers not available. specified brokers: {ids}available broker:{available}"
                )),
            });
        }
    }
    let others: Vec<(&i32, usize)> = lists
        .iter()
        .map(|(number, list)| (number, list.len()))
        .filter(|(_, count)| *count != factor)
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    bad(
        format!(
            "Inconsistent replication factor between partitions, partition 0 has {factor} while partitions [{}] have \
             replication factors [{}], respectively.",
            listed(others.iter().map(|(number, _)| number), ", "),
            listed(others.iter().map(|(_, count)| count), ", ")
        ),
        format!(
            "The replication factor in manual replication assignment  is not equal to the existing replication factor for \
             the topic {factor}"
        ),
    )
}

fn has_own_errors(era: &Era) -> bool {
    era.release.look_up(OWN_ERRORS) == Some(&true)
}
