//! A broker wants to stop (`doControlledShutdown`; `shutdownBroker` in 0.10.2).
//!
//! 1. Refuse: not the controller, not a registered broker, an earlier life of it.
//! 2. The broker counts as shutting down from now on, until it has gone: it is not elected any more.
//! 3. Partitions that it leads, with other replicas: elect another leader from the ISR, and take it out of the ISR. Where that
//!    cannot be, it goes on leading.
//! 4. Partitions that it follows: StopReplica, without deletion, then `OfflineReplica`, which takes it out of the ISR.
//! 5. Answer which partitions it still leads. It asks again, if there are any.
//!
//! Up to 1.0 each partition goes through 3 or 4 on its own (rule `controller-round-trips`).

use super::calls::Work;
use super::context::PartitionAndReplica;
use super::election::Strategy;
use super::partition_state_machine::PartitionState;
use super::replica_state_machine::ReplicaState;
use super::{KafkaController, Owed, PartitionStep, ReplicaStep, Step};
use crate::error::KafkaError;
use crate::ids::{BrokerId, TopicPartition};
use crate::messages::controlled_shutdown::{ControlledShutdownRequest, ControlledShutdownResponse};
use crate::node::{Env, ReplyTo};
use crate::note::{ControllerNote, Note};
use crate::rules::broker_epoch;

/// What is left to do for the broker.
#[derive(Clone, Debug)]
pub(super) enum ShutdownStep {
    /// Move its leaders.
    Begin(ControlledShutdownRequest),
    /// Stop its replicas of these partitions.
    StopReplicas(BrokerId, Vec<TopicPartition>),
    /// Answer.
    Answer(BrokerId),
}

/// Answers a request whose controller has moved, or is somewhere else.
pub(super) fn refuse_moved(reply_to: ReplyTo, env: &mut Env<'_>) {
    refuse(reply_to, KafkaError::StaleControllerEpoch, env);
}

fn refuse(reply_to: ReplyTo, error: KafkaError, env: &mut Env<'_>) {
    env.reply(reply_to, ControlledShutdownResponse { error: Some(error), remaining: Vec::new() }.into());
}

impl KafkaController {
    /// Goes on with a broker's shutdown.
    pub(super) fn controlled_shutdown(&mut self, step: ShutdownStep, w: &mut Work<'_, '_>) {
        match step {
            ShutdownStep::Begin(request) => match self.validate_shutdown(&request) {
                Ok(()) => self.move_leaders(request.broker),
                Err(error) => {
                    let broker = request.broker;
                    w.env.note(|| Note::Controller(ControllerNote::ShutdownRefused { broker, error }));
                    if let Some(Owed::ControlledShutdown(reply_to)) = self.owed.take() {
                        refuse(reply_to, error, w.env);
                    }
                }
            },
            ShutdownStep::StopReplicas(broker, partitions) => {
                for partition in partitions {
                    self.batch.add_stop_replica(&self.context, broker, partition, false);
                }
                self.send_requests(w);
            }
            ShutdownStep::Answer(broker) => {
                let Some(Owed::ControlledShutdown(reply_to)) = self.owed.take() else {
                    unreachable!("a ControlledShutdown is answered once")
                };
                let remaining = self.shared_partitions(broker, true);
                w.env.reply(reply_to, ControlledShutdownResponse { error: None, remaining }.into());
            }
        }
    }

    fn validate_shutdown(&self, request: &ControlledShutdownRequest) -> Result<(), KafkaError> {
        match (self.context.brokers.get(&request.broker), request.broker_epoch) {
            (None, None) => Err(KafkaError::BrokerNotAvailable),
            // The look-up of the epoch fails before the check that would have said so (KIP-380).
            (None, Some(_)) => Err(KafkaError::UnknownServerError),
            (Some(live), asked) => {
                broker_epoch::validate_shutdown(self.era.rules.broker_epoch, live.epoch, asked)
            }
        }
    }

    /// Partitions with other replicas that the broker leads, or follows.
    fn shared_partitions(&self, broker: BrokerId, leads: bool) -> Vec<TopicPartition> {
        let holds = |partition: &TopicPartition| {
            let replicas = self.context.replicas(*partition);
            replicas.len() > 1 && (leads || replicas.contains(&broker))
        };
        self.context
            .leadership
            .iter()
            .filter(|(partition, held)| (held.state.leader == broker) == leads && holds(partition))
            .map(|(partition, _)| *partition)
            .filter(|partition| !self.context.is_queued_for_deletion(partition.topic))
            .collect()
    }

    fn move_leaders(&mut self, broker: BrokerId) {
        self.context.shutting_down.insert(broker);
        let led = self.shared_partitions(broker, true);
        let followed = self.shared_partitions(broker, false);
        let groups = self.era.rules.controller_round_trips;
        let mut steps = Vec::new();
        for group in groups.groups(led) {
            let strategy = Some(Strategy::ControlledShutdown);
            let change = PartitionStep::Change(group, PartitionState::OnlinePartition, strategy);
            steps.push(Step::Partitions(change));
        }
        for group in groups.groups(followed) {
            let replica =
                |partition: &TopicPartition| PartitionAndReplica { partition: *partition, replica: broker };
            let replicas = group.iter().map(replica).collect();
            steps.push(Step::ControlledShutdown(ShutdownStep::StopReplicas(broker, group)));
            steps.push(Step::Replicas(ReplicaStep::Change(replicas, ReplicaState::OfflineReplica)));
        }
        steps.push(Step::ControlledShutdown(ShutdownStep::Answer(broker)));
        self.next(steps);
    }
}
