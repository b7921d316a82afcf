//! The first leader of a partition (`initializeLeaderAndIsrForPartitions`): from `NewPartition` to `OnlinePartition`.
//!
//! 1. The first live replica leads, all live ones are the ISR, in leader epoch 0. Without a live replica it stays new.
//! 2. The state znode is created, its parents before it, level by level: whatever stands already is left alone. If
//!    the state itself stands, another controller was faster, and the partition stays new here.
//! 3. The replicas in the ISR get LeaderAndIsr, and may create their logs.

use super::calls::Work;
use super::partition_state_machine::{Decision, PartitionState, PartitionStep};
use super::{KafkaController, Step};
use crate::ids::{BrokerId, LeaderEpoch, Topic, TopicPartition, ZkVersion};
use crate::messages::zookeeper::{Op, Path};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{self, ZnodeData};
use std::collections::BTreeSet;

impl KafkaController {
    /// Chooses leader and ISR of new partitions.
    pub(super) fn initialize(&mut self, partitions: Vec<TopicPartition>, w: &mut Work<'_, '_>) {
        let mut decisions = Vec::new();
        for partition in partitions {
            let replicas = self.context.replicas(partition).iter().copied();
            let isr: Vec<BrokerId> =
                replicas.filter(|replica| self.context.is_online(*replica, partition)).collect();
            let Some(leader) = isr.first().copied() else {
                self.not_elected(partition, "no replica is online", w);
                continue;
            };
            let controller_epoch = self.context.epoch;
            decisions.push(Decision {
                partition,
                recipients: isr.clone(),
                state: znode::PartitionState { leader, leader_epoch: LeaderEpoch(0), isr, controller_epoch },
                over: ZkVersion(0),
                unclean: false,
            });
        }
        self.create_states(decisions, 0, w);
    }

    /// Creates the state znodes, level by level: `partitions`, the partitions' own, the states.
    pub(super) fn create_states(&mut self, decisions: Vec<Decision>, level: u8, w: &mut Work<'_, '_>) {
        let create =
            |path: Path, data: ZnodeData| Op::Create { path, data, ephemeral: false, sequential: false };
        let partitions = decisions.iter().map(|decision| decision.partition);
        let ops: Vec<Op> = match level {
            0 => {
                let topics: BTreeSet<Topic> = partitions.map(|partition| partition.topic).collect();
                topics
                    .into_iter()
                    .map(|topic| create(znode::partitions_path(topic), ZnodeData::Empty))
                    .collect()
            }
            1 => partitions.map(|one| create(znode::partition_path(one), ZnodeData::Empty)).collect(),
            _ => {
                let state = |decision: &Decision| ZnodeData::PartitionState(decision.state.clone());
                let path = |decision: &Decision| znode::state_path(decision.partition);
                decisions.iter().map(|decision| create(path(decision), state(decision))).collect()
            }
        };
        let then = match level {
            0 | 1 => PartitionStep::ParentsCreated(decisions, level + 1),
            _ => PartitionStep::Created(decisions),
        };
        self.write(ops, Step::Partitions(then), w);
    }

    /// The state znodes have been created, or were there already.
    pub(super) fn states_created(
        &mut self,
        decisions: Vec<Decision>,
        outcome: Outcome,
        w: &mut Work<'_, '_>,
    ) {
        for (decision, result) in decisions.into_iter().zip(outcome) {
            match result {
                Ok(_) => {
                    let partition = decision.partition;
                    self.leadership_written(&decision, ZkVersion(0), "new partition", w);
                    let assignment = self.context.assignments[&partition].clone();
                    let recipients = &decision.recipients;
                    self.batch.add_leader_and_isr(&self.context, recipients, partition, &assignment, true);
                    self.set_partition_state(partition, PartitionState::OnlinePartition, w);
                }
                Err(error) => self.write_refused(&znode::state_path(decision.partition), error, w),
            }
        }
    }
}
