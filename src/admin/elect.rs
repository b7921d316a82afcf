//! Electing preferred leaders (`kafka-preferred-replica-election.sh`: `PreferredReplicaLeaderElectionCommand`).
//!
//! 1. Without a list: read which partitions there are.
//! 2. Read the topics; partitions that they do not have are left out.
//! 3. Create `/admin/preferred_replica_election`. It stands until the controller is done with it, and only one can.
//!
//! The tool says which partitions it left out, after having started the rest; here that is its error.

use super::tool::{
    Next, Step, assignment, children_of, create, data_of, failed, listed, names, only, refused, shown,
    unexpected,
};
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{Topic, TopicPartition};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{PREFERRED_REPLICA_ELECTION, TOPICS, ZnodeData, partitions_path, topic_path};
use std::collections::BTreeSet;

/// A preferred replica election to be started.
#[derive(Clone, Debug)]
pub(super) struct ElectPreferredLeaders {
    partitions: BTreeSet<TopicPartition>,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    Begin,
    AllTopics,
    AllPartitions(Vec<Topic>),
    Existing(Vec<Topic>),
    Create { left_out: Vec<TopicPartition> },
    InProgress,
}

impl ElectPreferredLeaders {
    pub fn new(partitions: Vec<TopicPartition>) -> ElectPreferredLeaders {
        ElectPreferredLeaders { partitions: partitions.into_iter().collect(), stage: Stage::Begin }
    }

    pub fn proceed(&mut self, outcome: Outcome, era: &Era) -> Step {
        match &mut self.stage {
            Stage::Begin if self.partitions.is_empty() => {
                self.stage = Stage::AllTopics;
                Ok(Next::Ask(vec![children_of(TOPICS.into())]))
            }
            Stage::Begin => Ok(self.look_for_topics()),
            Stage::AllTopics => {
                let topics: Vec<Topic> = names(only(outcome)).iter().map(|name| Topic::new(name)).collect();
                let lists = topics.iter().map(|topic| children_of(partitions_path(*topic))).collect();
                self.stage = Stage::AllPartitions(topics);
                Ok(Next::Ask(lists))
            }
            Stage::AllPartitions(topics) => {
                for (topic, result) in std::mem::take(topics).into_iter().zip(outcome) {
                    let numbers = names(result).into_iter().filter_map(|name| name.parse().ok());
                    self.partitions.extend(numbers.map(|partition| TopicPartition { topic, partition }));
                }
                Ok(self.look_for_topics())
            }
            Stage::Existing(topics) => {
                let mut existing = BTreeSet::new();
                for (topic, result) in std::mem::take(topics).into_iter().zip(outcome) {
                    let numbers = assignment(result);
                    existing.extend(
                        numbers.keys().map(|partition| TopicPartition { topic, partition: *partition }),
                    );
                }
                let valid = self.partitions.intersection(&existing).copied().collect();
                let left_out = self.partitions.difference(&existing).copied().collect();
                self.stage = Stage::Create { left_out };
                let data = ZnodeData::PreferredReplicaElection(valid);
                Ok(Next::Ask(vec![create(PREFERRED_REPLICA_ELECTION.into(), data)]))
            }
            Stage::Create { left_out } => match only(outcome) {
                Ok(_) if left_out.is_empty() => Ok(Next::Done),
                Ok(_) => {
                    let lines = left_out.iter().map(|partition| {
                        let partition = shown(*partition, era);
                        format!(
                            "Skipping preferred replica leader election for partition {partition} since it \
                             doesn't exist."
                        )
                    });
                    Err(refused(KafkaError::UnknownTopicOrPartition, listed(lines, " ")))
                }
                Err(ZkError::NodeExists) => {
                    self.stage = Stage::InProgress;
                    Ok(Next::Ask(vec![data_of(PREFERRED_REPLICA_ELECTION.into())]))
                }
                Err(error) => Err(unexpected(error, PREFERRED_REPLICA_ELECTION)),
            },
            Stage::InProgress => {
                const AS_SET: &[(Release, bool)] = &[(Release::FIRST, true), (Release::new(1, 1, 0), false)];
                let under_way = match only(outcome) {
                    Ok(OpResult::Data(ZnodeData::PreferredReplicaElection(partitions), _)) => {
                        partitions.to_vec()
                    }
                    _ => Vec::new(),
                };
                let under_way = under_way.into_iter().map(|partition| shown(partition, era));
                let under_way = if era.release.look_up(AS_SET) == Some(&true) {
                    format!("Set({})", listed(under_way, ", "))
                } else {
                    listed(under_way, ",")
                };
                Err(failed(format!(
                    "Preferred replica leader election currently in progress for {under_way}. Aborting operation"
                )))
            }
        }
    }

    fn look_for_topics(&mut self) -> Next {
        let topics: BTreeSet<Topic> = self.partitions.iter().map(|partition| partition.topic).collect();
        let reads = topics.iter().map(|topic| data_of(topic_path(*topic))).collect();
        self.stage = Stage::Existing(topics.into_iter().collect());
        Next::Ask(reads)
    }
}
