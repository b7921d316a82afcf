//! Moving partitions to other brokers (`kafka-reassign-partitions.sh --execute`: `ReassignPartitionsCommand`).
//!
//! 1. Look at the lists: not empty (from 0.11 on), no broker twice.
//! 2. Read the topics: all partitions must exist. From 0.11 on so must all brokers, at this moment.
//! 3. If `/admin/reassign_partitions` exists a reassignment is under way, and nothing is done; else create it.
//!
//! Left out: throttles, log directories; cancelling and adding to one under way (KIP-455, through a broker).

use super::tool::{
    Next, Step, assignment, broker_ids, children_of, create, data_of, exists, failed, found, listed, names,
    only, shown, unexpected,
};
use crate::era::{Era, Release};
use crate::ids::{BrokerId, Topic, TopicPartition};
use crate::messages::zookeeper::ZkError;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{BROKER_IDS, REASSIGN_PARTITIONS, ZnodeData, topic_path};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A reassignment to be started.
#[derive(Clone, Debug)]
pub(super) struct ReassignPartitions {
    targets: Arc<BTreeMap<TopicPartition, Vec<BrokerId>>>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    Topics(Vec<Topic>),
    Brokers,
    UnderWay,
    Create,
}

/// From 0.11 on the tool refuses empty lists and brokers that are not there (KAFKA-5161).
const ASKS_FOR_BROKERS: &[(Release, bool)] = &[(Release::FIRST, false), (Release::new_0(11, 0, 0), true)];

impl ReassignPartitions {
    pub fn new(targets: BTreeMap<TopicPartition, Vec<BrokerId>>) -> ReassignPartitions {
        ReassignPartitions { targets: Arc::new(targets), stage: Stage::Begin }
    }

    pub fn proceed(&mut self, outcome: Outcome, era: &Era) -> Step {
        let asks_for_brokers = era.release.look_up(ASKS_FOR_BROKERS) == Some(&true);
        match &mut self.stage {
            Stage::Begin => {
                self.validate(asks_for_brokers, era)?;
                let topics: BTreeSet<Topic> = self.targets.keys().map(|partition| partition.topic).collect();
                let reads = topics.iter().map(|topic| data_of(topic_path(*topic))).collect();
                self.stage = Stage::Topics(topics.into_iter().collect());
                Ok(Next::Ask(reads))
            }
            Stage::Topics(topics) => {
                let mut existing = BTreeSet::new();
                for (topic, result) in std::mem::take(topics).into_iter().zip(outcome) {
                    let numbers = assignment(result);
                    existing.extend(
                        numbers.keys().map(|partition| TopicPartition { topic, partition: *partition }),
                    );
                }
                let unknown = self.targets.keys().filter(|partition| !existing.contains(partition));
                let unknown: Vec<String> = unknown.map(|partition| shown(*partition, era)).collect();
                if !unknown.is_empty() {
                    let unknown = unknown.join(", ");
                    let message = "The proposed assignment contains non-existent partitions";
                    return Err(failed(format!("{message}: List({unknown})")));
                }
                if asks_for_brokers {
                    self.stage = Stage::Brokers;
                    return Ok(Next::Ask(vec![children_of(BROKER_IDS.into())]));
                }
                Ok(self.look_for_another())
            }
            Stage::Brokers => {
                let alive = broker_ids(names(only(outcome)));
                let wanted: BTreeSet<BrokerId> = self.targets.values().flatten().copied().collect();
                let unknown: Vec<BrokerId> = wanted.into_iter().filter(|id| !alive.contains(id)).collect();
                if !unknown.is_empty() {
                    let message = "The proposed assignment contains non-existent brokerIDs";
                    return Err(failed(format!("{message}: {}", listed(unknown, ","))));
                }
                Ok(self.look_for_another())
            }
            Stage::UnderWay => {
                if found(outcome) {
                    const WORDS: &[(Release, &str)] = &[
                        (Release::FIRST, "There is an existing assignment running."),
                        (
                            Release::new(2, 6, 0),
                            "Cannot execute because there is an existing partition assignment.  Use --additional to \
                             override this and create a new partition assignment in addition to the existing one.",
                        ),
                    ];
                    return Err(failed(*era.release.look_up(WORDS).expect("the first entry is for all")));
                }
                self.stage = Stage::Create;
                let data = ZnodeData::ReassignPartitions(Arc::clone(&self.targets));
                Ok(Next::Ask(vec![create(REASSIGN_PARTITIONS.into(), data)]))
            }
            Stage::Create => match only(outcome) {
                Ok(_) => Ok(Next::Done),
                Err(ZkError::NodeExists) => {
                    let partitions = listed(self.targets.keys().map(|partition| shown(*partition, era)), ",");
                    Err(failed(format!(
                        "Partition reassignment currently in progress for {partitions}. Aborting operation"
                    )))
                }
                Err(error) => Err(unexpected(error, REASSIGN_PARTITIONS)),
            },
        }
    }

    fn validate(&self, refuses_empty_lists: bool, era: &Era) -> Result<(), crate::command::OperatorError> {
        const EMPTY: &[(Release, &str)] = &[
            (Release::FIRST, "Partition reassignment data file is empty"),
            (Release::new(2, 6, 0), "Partition reassignment list cannot be empty"),
        ];
        if self.targets.is_empty() {
            return Err(failed(*era.release.look_up(EMPTY).expect("the first entry is for all")));
        }
        if refuses_empty_lists && self.targets.values().any(Vec::is_empty) {
            return Err(failed("Partition replica list cannot be empty"));
        }
        let twice = self.targets.iter().filter_map(|(partition, replicas)| {
            let duplicates = duplicates(replicas);
            let partition = shown(*partition, era);
            (!duplicates.is_empty())
                .then(|| format!("{partition} contains multiple entries for {}", listed(duplicates, ",")))
        });
        let twice: Vec<String> = twice.collect();
        if !twice.is_empty() {
            let message = "Partition replica lists may not contain duplicate entries";
            return Err(failed(format!("{message}: {}", twice.join(". "))));
        }
        Ok(())
    }

    fn look_for_another(&mut self) -> Next {
        self.stage = Stage::UnderWay;
        Next::Ask(vec![exists(REASSIGN_PARTITIONS.into())])
    }
}

/// The brokers that stand more than once in a list.
fn duplicates(replicas: &[BrokerId]) -> BTreeSet<BrokerId> {
    let mut seen = BTreeSet::new();
    replicas.iter().copied().filter(|id| !seen.insert(*id)).collect()
}
