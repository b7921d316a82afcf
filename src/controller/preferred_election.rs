//! Back to the preferred leaders: by an operator's znode, and by itself (`onPreferredReplicaElection`,
//! `checkAndTriggerAutoLeaderRebalance`).
//!
//! 1. `/admin/preferred_replica_election` appears: elect the first assigned replica of each partition it names, if that is live
//!    and in the ISR; delete the znode; watch for the next.
//! 2. Five seconds after an election of the controller, then every `leader.imbalance.check.interval.seconds`: for each broker,
//!    if more than `leader.imbalance.per.broker.percentage` of the partitions that prefer it are led by others, elect it for
//!    those; perhaps not while a partition moves (rule `rebalance-while-moving`).
//!
//! Left out: the rebalance considers only partitions whose preferred replica could be elected, as from 2.6 on; before, the
//! election of the others failed, to the same effect.

use super::calls::{self, Work};
use super::election::Strategy;
use super::partition_state_machine::PartitionState;
use super::{Event, KafkaController, PartitionStep, Step};
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::note::{ControllerNote, Note};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{PREFERRED_REPLICA_ELECTION, ZnodeData};
use std::collections::BTreeMap;

/// What is left to do about preferred leaders.
#[derive(Clone, Debug)]
pub(super) enum PreferredStep {
    /// Look at the znode.
    Look,
    /// It has been read.
    Read,
    /// Delete it.
    Finish,
    /// Watch for the next.
    WatchAgain,
    /// Is it there already?
    Watched,
    /// Look at the balance of leaders.
    Rebalance,
}

impl KafkaController {
    /// Goes on with preferred leaders.
    pub(super) fn preferred(&mut self, step: PreferredStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        let then = |step| Step::Preferred(step);
        match step {
            PreferredStep::Look => {
                let reads = vec![
                    calls::exists(PREFERRED_REPLICA_ELECTION),
                    calls::get(PREFERRED_REPLICA_ELECTION, false),
                ];
                self.ask(reads, then(PreferredStep::Read), w);
            }
            PreferredStep::Read => self.preferred_asked(&outcome[1]),
            PreferredStep::Finish => {
                let deletion = vec![calls::delete(PREFERRED_REPLICA_ELECTION)];
                self.write(deletion, then(PreferredStep::WatchAgain), w);
            }
            PreferredStep::WatchAgain => {
                let look = vec![calls::exists(PREFERRED_REPLICA_ELECTION)];
                self.ask(look, then(PreferredStep::Watched), w);
            }
            PreferredStep::Watched => {
                if matches!(outcome[0], Ok(OpResult::Exists(Some(_)))) {
                    self.queue.push_back(Event::PreferredReplicaElection);
                }
            }
            PreferredStep::Rebalance => {
                self.rebalance(w);
                self.rebalance_at = Some(w.env.now + self.settings.imbalance_check_interval);
            }
        }
    }

    fn preferred_asked(&mut self, read: &Result<OpResult, ZkError>) {
        let Some((ZnodeData::PreferredReplicaElection(asked), _)) = calls::data(read) else { return };
        let rule = self.era.rules.preferred_election;
        let is_electable = |partition: &TopicPartition| {
            let preferred = self.context.replicas(*partition).first().copied();
            self.context.leadership.get(partition).is_some_and(|held| {
                !rule.leaves_out(preferred == Some(held.state.leader))
                    && !self.context.is_queued_for_deletion(partition.topic)
            })
        };
        let partitions: Vec<TopicPartition> = asked.iter().copied().filter(is_electable).collect();
        self.next(vec![elect_preferred(partitions), Step::Preferred(PreferredStep::Finish)]);
    }

    fn rebalance(&mut self, w: &mut Work<'_, '_>) {
        if !self.era.rules.rebalance_while_moving.elects(self.context.being_reassigned.len()) {
            return;
        }
        let mut by_preferred: BTreeMap<BrokerId, (usize, Vec<TopicPartition>)> = BTreeMap::new();
        for (partition, assignment) in &self.context.assignments {
            let Some(preferred) = assignment.replicas.first() else { continue };
            if self.context.is_queued_for_deletion(partition.topic) {
                continue;
            }
            let (total, elsewhere) = by_preferred.entry(*preferred).or_default();
            *total += 1;
            if self.context.leader(*partition).is_some_and(|leader| leader != *preferred) {
                elsewhere.push(*partition);
            }
        }
        let mut steps = Vec::new();
        for (preferred, (total, elsewhere)) in by_preferred {
            if !elsewhere.is_empty() {
                w.env.note(|| {
                    Note::Controller(ControllerNote::Imbalance {
                        broker: preferred,
                        led_elsewhere: elsewhere.len(),
                        preferred_of: total,
                        allowed_percentage: self.settings.imbalance_percentage,
                    })
                });
            }
            if !is_imbalanced(elsewhere.len(), total, self.settings.imbalance_percentage) {
                continue;
            }
            let electable = elsewhere.into_iter().filter(|partition| {
                let in_isr = self.context.leadership[partition].state.isr.contains(&preferred);
                in_isr && self.context.is_online(preferred, *partition)
            });
            for group in self.era.rules.leader_rebalance.groups(electable.collect()) {
                steps.push(elect_preferred(group));
            }
        }
        self.next(steps);
    }
}

fn elect_preferred(partitions: Vec<TopicPartition>) -> Step {
    let strategy = Some(Strategy::Preferred);
    Step::Partitions(PartitionStep::Change(partitions, PartitionState::OnlinePartition, strategy))
}

/// Whether more than `percentage` per cent of `total` are led elsewhere.
fn is_imbalanced(elsewhere: usize, total: usize, percentage: u32) -> bool {
    elsewhere * 100 > total * percentage as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imbalance_is_strictly_more_than_the_setting() {
        for (elsewhere, total, imbalanced) in [(0, 1, false), (1, 10, false), (2, 10, true), (1, 9, true)] {
            assert_eq!(is_imbalanced(elsewhere, total, 10), imbalanced, "{elsewhere} of {total}");
        }
    }
}
