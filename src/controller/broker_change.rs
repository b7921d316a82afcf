//! Brokers come and go (`BrokerChange`, `onBrokerStartup`, `onBrokerFailure`, `onReplicasBecomeOffline`).
//!
//! 1. Read `/brokers/ids`, with a watch, and each broker's znode; compare with what is known (rule `broker-bounce`).
//! 2. Open and close connections.
//! 3. A broker that *starts*: UpdateMetadata first, so that it knows everybody and everybody knows it; then its
//!    replicas go to `OnlineReplica`, which tells it what it leads and follows; then elections for all partitions
//!    without a leader; then reassignments and deletions that waited for it.
//! 4. A broker that *fails*: the partitions it led go to `OfflinePartition` and are elected for; its replicas go to
//!    `OfflineReplica`, which takes them out of the ISR; deletions that need it stop. UpdateMetadata tells
//!    the others at least of the broker, if nothing else has (rule `metadata-after-failure`).
//! 5. A broker that *bounced* fails and starts.
//!
//! A failed log directory ends in the same place as 4, for the replicas in it.
//!
//! Left out: changes of a broker's endpoints (`BrokerModifications`): they never change here.

use super::calls::{self, Work};
use super::context::{LiveBroker, PartitionAndReplica};
use super::partition_state_machine::PartitionState;
use super::replica_state_machine::ReplicaState;
use super::{
    About, DeletionStep, Event, KafkaController, PartitionStep, ReassignmentStep, ReplicaStep, Step, failover,
};
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, Topic, TopicPartition};
use crate::messages::{Request, Response};
use crate::note::{ControllerNote, Note};
use crate::rules::metadata_after_failure::Damage;
use crate::zookeeper::session::Outcome;
use crate::zookeeper::znode::BROKER_IDS;
use std::collections::{BTreeMap, BTreeSet};

/// What is left to do about brokers.
#[derive(Clone, Debug)]
pub(super) enum BrokerStep {
    /// Look who is registered.
    Look,
    /// Read their znodes.
    Listed,
    /// They have been read.
    Read(Vec<BrokerId>),
    /// These are registered now.
    Enter(BTreeMap<BrokerId, LiveBroker>),
    /// These are not, or not in that life.
    Leave(Vec<BrokerId>),
    /// `onBrokerStartup`.
    Started(Vec<BrokerId>),
    /// Take up what waited for a broker.
    ResumeFor(Vec<BrokerId>),
    /// `onBrokerFailure`.
    Failed(Vec<BrokerId>),
    /// `onReplicasBecomeOffline`, after the failure of these brokers.
    BecomeOffline(Vec<PartitionAndReplica>, Vec<BrokerId>),
    /// See whether the brokers have been told: of a failure that did this, and brought an election for these.
    TellOfFailure(Damage, Vec<TopicPartition>),
    /// A broker has said which of its replicas have lost their log directory.
    LogDirsAnswered {
        /// Who.
        broker: BrokerId,
        /// Those that have.
        offline: Vec<TopicPartition>,
        /// Those that have not.
        online: Vec<TopicPartition>,
    },
}

impl KafkaController {
    /// Goes on with what happened to brokers.
    pub(super) fn brokers(&mut self, step: BrokerStep, outcome: Outcome, w: &mut Work<'_, '_>) {
        match step {
            BrokerStep::Look => {
                self.ask(vec![calls::list(BROKER_IDS)], Step::Brokers(BrokerStep::Listed), w);
            }
            BrokerStep::Listed => {
                let (ids, reads) = failover::read_brokers(&outcome[0]);
                self.ask(reads, Step::Brokers(BrokerStep::Read(ids)), w);
            }
            BrokerStep::Read(ids) => self.brokers_read(failover::live_brokers(&ids, &outcome), w),
            BrokerStep::Enter(brokers) => self.context.brokers.extend(brokers),
            BrokerStep::Leave(brokers) => {
                self.context.brokers.retain(|broker, _| !brokers.contains(broker));
            }
            BrokerStep::Started(brokers) => self.on_broker_startup(brokers, w),
            BrokerStep::ResumeFor(brokers) => self.resume_for(&brokers),
            BrokerStep::Failed(brokers) => self.on_broker_failure(brokers, w),
            BrokerStep::BecomeOffline(replicas, failed) => self.replicas_become_offline(replicas, &failed),
            BrokerStep::TellOfFailure(damage, waiting) => self.tell_of_failure(damage, &waiting),
            BrokerStep::LogDirsAnswered { broker, offline, online } => {
                self.log_dirs_answered(broker, offline, &online);
            }
        }
    }

    fn brokers_read(&mut self, registered: BTreeMap<BrokerId, LiveBroker>, w: &mut Work<'_, '_>) {
        let epochs = |brokers: &BTreeMap<BrokerId, LiveBroker>| -> BTreeMap<BrokerId, BrokerEpoch> {
            brokers.iter().map(|(broker, live)| (*broker, live.epoch)).collect()
        };
        let changes =
            self.era.rules.broker_bounce.compare(&epochs(&self.context.brokers), &epochs(&registered));
        let (started, bounced, failed) = (changes.started, changes.bounced, changes.failed);
        w.env.note(|| {
            let (started, bounced, failed) = (started.clone(), bounced.clone(), failed.clone());
            let event = Event::BrokerChange.name(&self.era);
            Note::Controller(ControllerNote::BrokersChanged { event, started, failed, bounced })
        });
        for broker in bounced.iter().chain(&failed) {
            self.channels.remove(*broker, w.env);
        }
        for broker in started.iter().chain(&bounced) {
            self.channels.add(*broker, registered[broker].node);
        }
        let these = |brokers: &[BrokerId]| {
            brokers.iter().map(|broker| (*broker, registered[broker].clone())).collect()
        };
        let mut steps = Vec::new();
        if !started.is_empty() {
            steps.push(BrokerStep::Enter(these(&started)));
            steps.push(BrokerStep::Started(started));
        }
        if !bounced.is_empty() {
            let again = these(&bounced);
            steps.push(BrokerStep::Leave(bounced.clone()));
            steps.push(BrokerStep::Failed(bounced.clone()));
            steps.push(BrokerStep::Enter(again));
            steps.push(BrokerStep::Started(bounced));
        }
        if !failed.is_empty() {
            steps.push(BrokerStep::Leave(failed.clone()));
            steps.push(BrokerStep::Failed(failed));
        }
        if changes.replaces_at_once {
            self.context.brokers = registered;
        }
        self.next(steps.into_iter().map(Step::Brokers).collect());
    }

    fn on_broker_startup(&mut self, brokers: Vec<BrokerId>, w: &mut Work<'_, '_>) {
        w.env.note(|| Note::Controller(ControllerNote::BrokerStartup { brokers: brokers.clone() }));
        for broker in &brokers {
            self.context.offline_dirs.remove(broker);
        }
        let all = self.context.live_or_shutting_down();
        if self.era.rules.full_metadata.no_partition_means_all() {
            self.send_update_metadata(&all, About::AllPartitions, w);
        } else {
            let (new, known): (Vec<_>, Vec<_>) = all.into_iter().partition(|broker| brokers.contains(broker));
            self.send_update_metadata(&known, About::BrokersAlone, w);
            self.send_update_metadata(&new, About::AllPartitions, w);
        }
        let replicas = self.context.replicas_on(&brokers);
        self.next(vec![
            Step::Replicas(ReplicaStep::Change(replicas, ReplicaState::OnlineReplica)),
            Step::Partitions(PartitionStep::TriggerOnline(None)),
            Step::Brokers(BrokerStep::ResumeFor(brokers)),
        ]);
    }

    fn resume_for(&mut self, brokers: &[BrokerId]) {
        let waits = |target: &[BrokerId]| target.iter().any(|replica| brokers.contains(replica));
        let reassignments = self
            .context
            .being_reassigned
            .iter()
            .filter(|(_, target)| waits(target))
            .map(|(partition, target)| (*partition, target.clone()));
        let mut steps: Vec<Step> = reassignments
            .map(|(partition, target)| Step::Reassignment(ReassignmentStep::Begin(partition, target)))
            .collect();
        let topics: BTreeSet<Topic> = self
            .context
            .replicas_on(brokers)
            .into_iter()
            .map(|replica| replica.partition.topic)
            .filter(|topic| self.context.is_queued_for_deletion(*topic))
            .collect();
        if !topics.is_empty() {
            steps.push(Step::Deletion(DeletionStep::ResumeFor(topics.into_iter().collect())));
        }
        self.next(steps);
    }

    fn on_broker_failure(&mut self, brokers: Vec<BrokerId>, w: &mut Work<'_, '_>) {
        w.env.note(|| Note::Controller(ControllerNote::BrokerFailure { brokers: brokers.clone() }));
        for broker in &brokers {
            self.context.offline_dirs.remove(broker);
            self.context.shutting_down.remove(broker);
        }
        let replicas = self.context.replicas_on(&brokers);
        self.next(vec![Step::Brokers(BrokerStep::BecomeOffline(replicas, brokers))]);
    }

    fn replicas_become_offline(&mut self, replicas: Vec<PartitionAndReplica>, failed: &[BrokerId]) {
        let context = &self.context;
        let to_delete = |topic: Topic| context.is_queued_for_deletion(topic);
        let (undeletable, others): (Vec<_>, Vec<_>) =
            replicas.into_iter().partition(|replica| to_delete(replica.partition.topic));
        let rule = self.era.rules.leaderless_partitions;
        let leaderless: Vec<TopicPartition> = context
            .leadership
            .iter()
            .filter(|(partition, held)| {
                let online = context.is_online(held.state.leader, **partition);
                rule.counts(held.state.leader, failed, online) && !to_delete(partition.topic)
            })
            .map(|(partition, _)| *partition)
            .collect();
        let mut waiting = leaderless.clone();
        let is_offline = |partition: &TopicPartition| {
            context.partition_state(*partition) == PartitionState::OfflinePartition
        };
        waiting.extend(context.without_leader(None).into_iter().filter(is_offline));
        let damage = Damage {
            leaders_lost: !leaderless.is_empty(),
            replicas_lost: !others.is_empty(),
            any_elected: false,
        };
        let mut steps = vec![
            Step::Partitions(PartitionStep::Change(leaderless, PartitionState::OfflinePartition, None)),
            Step::Partitions(PartitionStep::TriggerOnline(None)),
            Step::Replicas(ReplicaStep::Change(others, ReplicaState::OfflineReplica)),
        ];
        if !undeletable.is_empty() {
            steps.push(Step::Deletion(DeletionStep::Fail(undeletable)));
        }
        steps.push(Step::Brokers(BrokerStep::TellOfFailure(damage, waiting)));
        self.next(steps);
    }

    fn tell_of_failure(&mut self, damage: Damage, waiting: &[TopicPartition]) {
        let is_online = |partition: &TopicPartition| {
            self.context.partition_state(*partition) == PartitionState::OnlinePartition
        };
        let damage = Damage { any_elected: waiting.iter().any(is_online), ..damage };
        if self.era.rules.metadata_after_failure.tells(damage) {
            self.next(vec![Step::SendMetadata(About::BrokersAlone)]);
        }
    }

    fn log_dirs_answered(
        &mut self,
        broker: BrokerId,
        offline: Vec<TopicPartition>,
        online: &[TopicPartition],
    ) {
        let known = self.context.offline_dirs.entry(broker).or_default();
        known.retain(|partition| !online.contains(partition));
        let new: Vec<PartitionAndReplica> = offline
            .into_iter()
            .filter(|partition| known.insert(*partition))
            .map(|partition| PartitionAndReplica { partition, replica: broker })
            .collect();
        if !new.is_empty() {
            self.next(vec![Step::Brokers(BrokerStep::BecomeOffline(new, Vec::new()))]);
        }
    }

    /// The event that a broker's answer means, if there is something to act on.
    pub(super) fn event_of_answer(
        &self,
        broker: BrokerId,
        request: &Request,
        response: Response,
    ) -> Option<Event> {
        match (request, response) {
            (_, Response::LeaderAndIsr(response)) if response.error.is_none() => {
                let failed =
                    |(_, error): &(_, Option<KafkaError>)| *error == Some(KafkaError::KafkaStorageError);
                let any_failed = response.partitions.iter().any(failed);
                if !any_failed && !self.context.offline_dirs.contains_key(&broker) {
                    return None;
                }
                let (offline, rest): (Vec<_>, Vec<_>) = response.partitions.into_iter().partition(failed);
                Some(Event::LeaderAndIsrResponseReceived {
                    broker,
                    offline: offline.into_iter().map(|(partition, _)| partition).collect(),
                    online: rest
                        .into_iter()
                        .filter(|(_, error)| error.is_none())
                        .map(|(partition, _)| partition)
                        .collect(),
                })
            }
            (Request::StopReplica(request), Response::StopReplica(response)) => {
                self.deletion_answered(broker, request, &response)
            }
            _ => None,
        }
    }
}
