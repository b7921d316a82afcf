//! News that come by sequential znodes: ISRs that leaders changed, log directories that failed
//! (`IsrChangeNotification`, `LogDirEventNotification`).
//!
//! 1. Read the children, with a watch, and each one's data.
//! 2. ISRs: read the states of the partitions named, and tell every broker by UpdateMetadata. From 2.7 on leaders ask
//!    the controller instead, and these do not come. Log directories: send the brokers named LeaderAndIsr about all
//!    their replicas; the answers name those that are offline.
//! 3. Delete the children.

use super::calls::{self, Work};
use super::replica_state_machine::ReplicaState;
use super::{About, KafkaController, ReplicaStep, Step};
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::zookeeper::{OpResult, ZkError};
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::{ISR_CHANGES, LOG_DIR_EVENTS, ZnodeData};
use std::collections::BTreeSet;

/// What is left to do about news.
#[derive(Clone, Debug)]
pub(super) enum NotificationStep {
    /// Look at `/isr_change_notification`.
    LookAtIsrs,
    /// Read its children.
    IsrsListed,
    /// They have been read.
    IsrsRead(Vec<String>),
    /// And so have the states of the partitions they name.
    StatesRead(Vec<TopicPartition>, Vec<String>),
    /// Look at `/log_dir_event_notification`.
    LookAtLogDirs,
    /// Read its children.
    LogDirsListed,
    /// They have been read.
    LogDirsRead(Vec<String>),
    /// Delete these.
    Delete(Vec<String>),
}

fn paths(parent: &str, listed: &Result<OpResult, ZkError>) -> Vec<String> {
    calls::children(listed).iter().map(|name| format!("{parent}/{name}")).collect()
}

impl KafkaController {
    /// Goes on with the news.
    pub(super) fn notifications(&mut self, step: NotificationStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        let then = |step| Step::Notifications(step);
        match step {
            NotificationStep::LookAtIsrs => {
                self.ask(vec![calls::list(ISR_CHANGES)], then(NotificationStep::IsrsListed), w);
            }
            NotificationStep::IsrsListed => {
                let paths = paths(ISR_CHANGES, &outcome[0]);
                let reads = paths.iter().map(|path| calls::get(path.as_str(), false)).collect();
                self.ask(reads, then(NotificationStep::IsrsRead(paths)), w);
            }
            NotificationStep::IsrsRead(paths) => {
                let named = outcome.iter().filter_map(|read| match calls::data(read) {
                    Some((ZnodeData::IsrChange(partitions), _)) => Some(partitions.to_vec()),
                    _ => None,
                });
                let partitions: BTreeSet<TopicPartition> = named.flatten().collect();
                let partitions: Vec<TopicPartition> = partitions.into_iter().collect();
                let reads = partitions.iter().map(|partition| self.read_state(*partition)).collect();
                self.ask(reads, then(NotificationStep::StatesRead(partitions, paths)), w);
            }
            NotificationStep::StatesRead(partitions, paths) => {
                self.load_states(&partitions, &outcome);
                let mut steps = Vec::new();
                if !partitions.is_empty() {
                    steps.push(Step::SendMetadata(About::Partitions(partitions)));
                }
                steps.push(then(NotificationStep::Delete(paths)));
                self.next(steps);
            }
            NotificationStep::LookAtLogDirs => {
                self.ask(vec![calls::list(LOG_DIR_EVENTS)], then(NotificationStep::LogDirsListed), w);
            }
            NotificationStep::LogDirsListed => {
                let paths = paths(LOG_DIR_EVENTS, &outcome[0]);
                let reads = paths.iter().map(|path| calls::get(path.as_str(), false)).collect();
                self.ask(reads, then(NotificationStep::LogDirsRead(paths)), w);
            }
            NotificationStep::LogDirsRead(paths) => {
                let named = outcome.iter().filter_map(|read| match calls::data(read) {
                    Some((ZnodeData::LogDirEvent(broker), _)) => Some(*broker),
                    _ => None,
                });
                let brokers: BTreeSet<BrokerId> = named.collect();
                let brokers: Vec<BrokerId> = brokers.into_iter().collect();
                let replicas = self.context.replicas_on(&brokers);
                self.next(vec![
                    Step::Replicas(ReplicaStep::Change(replicas, ReplicaState::OnlineReplica)),
                    then(NotificationStep::Delete(paths)),
                ]);
            }
            NotificationStep::Delete(paths) => {
                self.write(paths.into_iter().map(calls::delete).collect(), Step::Done, w);
            }
        }
    }
}
