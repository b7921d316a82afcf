//! What the controller tells this broker: LeaderAndIsr, StopReplica, UpdateMetadata (`KafkaApis`,
//! `ReplicaManager.becomeLeaderOrFollower`, `stopReplicas`, `maybeUpdateMetadataCache`).
//!
//! 1. Requests are carried out one at a time, in the order of arrival, as under Kafka's `replicaStateChangeLock`. One that
//!    makes a new log waits until the settings of its topic have been read from ZooKeeper; one that changes a replica whose ISR
//!    is being written waits for that; and all that follow wait with it.
//! 2. A request for an earlier life of the broker (rule `broker-epoch`) or of a deposed controller is refused as a whole.
//! 3. LeaderAndIsr, partition by partition: refused if the leader epoch is not newer than the replica's, or if the broker is
//!    not among the replicas. Those it is to lead are taken from their fetchers and made leaders. Those it is to follow are
//!    made followers, if the leader is live in the metadata cache; otherwise nothing changes but that there is a log. A
//!    follower whose leader or epoch changed (rule `same-leader`) is cut, if that is the rule, and fetched anew, unless the
//!    broker is shutting down.
//! 4. StopReplica: fetchers first, then the replicas (rule `stop-replica`).
//!
//! 5. Groups move with the leadership of their partition (`groups.rs`).
//!
//! Left out: topic ids (KIP-516), offline log directories.

use crate::broker::Broker;
use crate::broker::fetcher_manager::ToFetch;
use crate::broker::topic_configs::TopicRead;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, Topic, TopicPartition};
use crate::messages::leader_and_isr::{LeaderAndIsrPartition, LeaderAndIsrRequest, LeaderAndIsrResponse};
use crate::messages::stop_replica::{StopReplicaRequest, StopReplicaResponse};
use crate::messages::update_metadata::{UpdateMetadataRequest, UpdateMetadataResponse};
use crate::messages::{ApiKey, Request};
use crate::node::{Env, ReplyTo};
use crate::note::{BrokerNote, Decided, Note, ReplicaNote};
use crate::rules::{broker_epoch, stop_replica, truncation};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// The newest controller heard of, and what waits its turn.
#[derive(Clone, Debug)]
pub struct Control {
    /// The epoch of the newest controller that was listened to.
    pub controller_epoch: ControllerEpoch,
    /// The last request that was carried out.
    pub last: CarriedOut,
    waiting: VecDeque<Waiting>,
}

/// The last control request that a broker has carried out.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct CarriedOut {
    /// How many there were.
    pub count: u64,
    /// The life of the broker that it was meant for, if it said so.
    pub meant_for: Option<BrokerEpoch>,
    /// The life in which it was carried out.
    pub in_life: Option<BrokerEpoch>,
}

#[derive(Clone, Debug)]
struct Waiting {
    reply_to: ReplyTo,
    request: Request,
    /// Settings that have to be read first; not known before its turn has come.
    missing: Option<BTreeSet<Topic>>,
}

/// Who sent a control request, and for whom.
#[derive(Copy, Clone, Debug)]
struct Sender {
    api: ApiKey,
    controller: BrokerId,
    controller_epoch: ControllerEpoch,
    broker_epoch: Option<BrokerEpoch>,
}

impl Control {
    /// No controller heard of yet.
    pub fn new() -> Control {
        Control {
            controller_epoch: ControllerEpoch(0),
            last: CarriedOut::default(),
            waiting: VecDeque::new(),
        }
    }

    /// The settings of these topics have been read.
    pub fn on_configs_read(&mut self, read: &[TopicRead]) {
        for waiting in &mut self.waiting {
            if let Some(missing) = &mut waiting.missing {
                missing.retain(|topic| !read.iter().any(|read| read.topic == *topic));
            }
        }
    }
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

impl Broker {
    /// A control request arrived.
    pub(super) fn on_control(&mut self, reply_to: ReplyTo, request: Request, env: &mut Env<'_>) {
        self.control.waiting.push_back(Waiting { reply_to, request, missing: None });
        self.carry_out_control(env);
    }

    /// Carries out what waits, up to the first that has to wait on.
    pub(super) fn carry_out_control(&mut self, env: &mut Env<'_>) {
        while let Some(first) = self.control.waiting.front() {
            if first.missing.is_none() {
                let topics = match &first.request {
                    Request::LeaderAndIsr(request) => self.unread_topics(request),
                    _ => BTreeSet::new(),
                };
                Arc::make_mut(&mut self.configs).read(
                    topics.iter().copied().collect(),
                    &mut self.session,
                    env,
                );
                self.control.waiting[0].missing = Some(topics);
            }
            let first = &self.control.waiting[0];
            let is_ready = first.missing.as_ref().is_some_and(BTreeSet::is_empty);
            if !is_ready || self.needs_a_lock(&first.request) {
                return;
            }
            let Some(ready) = self.control.waiting.pop_front() else { return };
            let response = match ready.request {
                Request::LeaderAndIsr(request) => self.on_leader_and_isr(request, env).into(),
                Request::StopReplica(request) => self.on_stop_replica(request, env).into(),
                Request::UpdateMetadata(request) => self.on_update_metadata(request, env).into(),
                other => unreachable!("{:?} is no control request", other.api()),
            };
            env.reply(ready.reply_to, response);
        }
    }

    /// Whether a replica that the request changes is locked for an ISR change (up to 2.6, `leaderIsrUpdateLock`).
    fn needs_a_lock(&self, request: &Request) -> bool {
        match request {
            Request::LeaderAndIsr(request) => {
                let accepted = |state: &&LeaderAndIsrPartition| self.validate_leader_and_isr(state).is_ok();
                let mut changed = request.partitions.iter().filter(accepted);
                changed.any(|state| self.replicas.is_locked(state.partition))
            }
            Request::StopReplica(request) => {
                request.partitions.iter().any(|stop| stop.delete && self.replicas.is_locked(stop.partition))
            }
            _ => false,
        }
    }

    /// The topics whose settings have to be read before this request is carried out: those it makes a log of.
    fn unread_topics(&self, request: &LeaderAndIsrRequest) -> BTreeSet<Topic> {
        let creates = |state: &&LeaderAndIsrPartition| {
            let own = state.replicas.contains(&self.config.id);
            let hosted = self.replicas.partition(state.partition).is_some();
            own && !(hosted && self.configs.get(state.partition.topic).is_some())
        };
        request.partitions.iter().filter(creates).map(|state| state.partition.topic).collect()
    }

    /// Every reason to refuse a control request as a whole. One that is not refused has made its sender the controller.
    fn validate_sender(&mut self, sender: Sender, env: &mut Env<'_>) -> Result<(), KafkaError> {
        let own = self.lifecycle.epoch();
        let rules = &self.era.rules;
        let former_life = broker_epoch::validate(rules.broker_epoch, own, sender.broker_epoch).err();
        let deposed = sender.controller_epoch < self.control.controller_epoch;
        let refused = former_life
            .filter(|_| !rules.planted.accepts_for_a_former_life())
            .or((deposed && !rules.planted.accepts_old_controllers())
                .then_some(KafkaError::StaleControllerEpoch));
        if let Some(error) = refused {
            let Sender { api, controller, controller_epoch, .. } = sender;
            env.note(|| {
                let refusal = BrokerNote::ControlRequestRefused { api, controller, controller_epoch, error };
                Note::Broker(refusal)
            });
            return Err(error);
        }
        self.control.controller_epoch = sender.controller_epoch;
        let count = self.control.last.count + 1;
        self.control.last = CarriedOut { count, meant_for: sender.broker_epoch, in_life: Some(own) };
        Ok(())
    }

    fn on_leader_and_isr(&mut self, request: LeaderAndIsrRequest, env: &mut Env<'_>) -> LeaderAndIsrResponse {
        let sender = Sender {
            api: ApiKey::LeaderAndIsr,
            controller: request.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
        };
        if let Err(error) = self.validate_sender(sender, env) {
            let partitions = request.partitions.iter().map(|state| (state.partition, Some(error))).collect();
            return LeaderAndIsrResponse { error: Some(error), partitions };
        }
        let mut answers = Vec::with_capacity(request.partitions.len());
        let (mut to_lead, mut to_follow) = (Vec::new(), Vec::new());
        for state in request.partitions {
            let refused = self.validate_leader_and_isr(&state).err();
            answers.push((state.partition, refused));
            match refused {
                Some(error) => {
                    let refusal = ReplicaNote::ControlRefused { epoch: state.leader_epoch, error };
                    env.note(|| Note::Replica(state.partition, refusal));
                }
                None if state.leader == self.config.id => to_lead.push(state),
                None => to_follow.push(state),
            }
        }
        let mut failed = self.make_leaders(&to_lead, env);
        failed.extend(self.make_followers(&to_follow, env));
        for (partition, error) in failed.iter().copied() {
            if let Some(answer) = answers.iter_mut().find(|(answered, _)| *answered == partition) {
                answer.1 = Some(error);
            }
        }
        for (states, leads) in [(&to_lead, true), (&to_follow, false)] {
            let done = states.iter().map(|state| state.partition);
            let done = done.filter(|done| failed.iter().all(|(partition, _)| partition != done));
            done.for_each(|partition| self.on_group_leadership(partition, leads, env));
        }
        self.fetchers.shut_down_idle(env);
        LeaderAndIsrResponse { error: None, partitions: answers }
    }

    /// Every reason to refuse one partition of a LeaderAndIsr.
    fn validate_leader_and_isr(&self, state: &LeaderAndIsrPartition) -> Result<(), KafkaError> {
        let current = self.replicas.partition(state.partition).map(|replica| replica.leader_epoch);
        let is_over = state.leader_epoch <= current.unwrap_or(LeaderEpoch::NONE);
        if is_over && !self.era.rules.planted.accepts_old_leader_epochs() {
            Err(KafkaError::StaleControllerEpoch)
        } else if !state.replicas.contains(&self.config.id) {
            Err(KafkaError::UnknownTopicOrPartition)
        } else {
            Ok(())
        }
    }

    fn make_leaders(
        &mut self,
        states: &[LeaderAndIsrPartition],
        env: &mut Env<'_>,
    ) -> Vec<(TopicPartition, KafkaError)> {
        states.iter().for_each(|state| self.fetchers.remove(state.partition));
        let mut failed = Vec::new();
        for state in states {
            let topic = self.configs.get(state.partition.topic).expect("read before its turn");
            if let Err(error) = self.replicas.make_leader(state, topic, &mut self.session, env) {
                failed.push((state.partition, error));
            }
        }
        failed
    }

    fn make_followers(
        &mut self,
        states: &[LeaderAndIsrPartition],
        env: &mut Env<'_>,
    ) -> Vec<(TopicPartition, KafkaError)> {
        let (mut to_fetch, mut failed) = (Vec::new(), Vec::new());
        for state in states {
            let partition = state.partition;
            let topic = self.configs.get(partition.topic).expect("read before its turn");
            let restarts = match self.replicas.metadata.live_broker(state.leader) {
                Some(node) => {
                    self.replicas.make_follower(state, topic, &mut self.session, env).map(|restarts| {
                        if restarts {
                            let (leader, epoch) = (state.leader, state.leader_epoch);
                            to_fetch.push(ToFetch { partition, leader, node, epoch });
                        }
                    })
                }
                None => {
                    // Kafka logs it and answers no error.
                    let (leader, epoch) = (state.leader, state.leader_epoch);
                    env.note(|| Note::Replica(partition, ReplicaNote::LeaderUnavailable { epoch, leader }));
                    self.replicas.start_high_watermark_checkpoint(env.now);
                    let made = match self.era.rules.leaderless_checkpoint.makes_replica() {
                        true => self.replicas.get_or_create(partition, topic, env).map(|_| ()),
                        false => Ok(()),
                    };
                    made.map_err(|_| KafkaError::KafkaStorageError)
                }
            };
            failed.extend(restarts.err().map(|error| (partition, error)));
        }
        to_fetch.iter().for_each(|follower| self.fetchers.remove(follower.partition));
        self.cut_at_high_watermarks(&mut to_fetch, env);
        if !self.is_shutting_down() {
            self.fetchers.add(&to_fetch, &mut self.replicas, env);
        }
        failed
    }

    /// Before KIP-101: who begins to follow cuts its log at its own high watermark.
    fn cut_at_high_watermarks(&mut self, followers: &mut Vec<ToFetch>, env: &mut Env<'_>) {
        let rule = self.era.rules.truncation;
        if truncation::cuts_on_becoming_follower(rule) {
            followers.retain(|follower| {
                let replica = self.replicas.partition(follower.partition).expect("it follows");
                let to = replica.high_watermark;
                self.replicas.truncate(follower.partition, to, Decided::by(rule), env).is_ok()
            });
        }
    }

    fn on_stop_replica(&mut self, request: StopReplicaRequest, env: &mut Env<'_>) -> StopReplicaResponse {
        let sender = Sender {
            api: ApiKey::StopReplica,
            controller: request.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
        };
        if let Err(error) = self.validate_sender(sender, env) {
            return StopReplicaResponse { error: Some(error), partitions: Vec::new() };
        }
        let mut answers = Vec::with_capacity(request.partitions.len());
        let rule = self.era.rules.stop_replica;
        for stop in &request.partitions {
            let current = self.replicas.partition(stop.partition).map(|replica| replica.leader_epoch);
            let refused = stop_replica::validate(rule, current, stop.leader_epoch).err();
            let refused = refused.filter(|_| !self.era.rules.planted.accepts_late_stops());
            answers.push((stop.partition, refused));
            match refused {
                Some(error) => {
                    let epoch = stop.leader_epoch.unwrap_or(LeaderEpoch::NONE);
                    env.note(|| Note::Replica(stop.partition, ReplicaNote::ControlRefused { epoch, error }));
                }
                None => self.fetchers.remove(stop.partition),
            }
        }
        let stopped = request.partitions.iter().zip(&answers).filter(|(_, (_, refused))| refused.is_none());
        for (stop, _) in stopped {
            self.replicas.stop_replica(stop.partition, stop.delete, &mut self.session, env);
            if stop.delete {
                self.on_group_leadership(stop.partition, false, env);
            }
            let topic = stop.partition.topic;
            let is_last = !self.replicas.partitions.keys().any(|hosted| hosted.topic == topic);
            if stop.delete && is_last {
                Arc::make_mut(&mut self.configs).forget(topic);
            }
        }
        self.fetchers.shut_down_idle(env);
        StopReplicaResponse { error: None, partitions: answers }
    }

    fn on_update_metadata(
        &mut self,
        request: UpdateMetadataRequest,
        env: &mut Env<'_>,
    ) -> UpdateMetadataResponse {
        let sender = Sender {
            api: ApiKey::UpdateMetadata,
            controller: request.controller,
            controller_epoch: request.controller_epoch,
            broker_epoch: request.broker_epoch,
        };
        let error = self.validate_sender(sender, env).err();
        if error.is_none() {
            let mut request = request;
            if self.era.rules.planted.keeps_the_first_leader() {
                request.partitions.retain(|state| !self.replicas.metadata.contains(state.partition));
            }
            self.replicas.metadata.update(request);
        }
        UpdateMetadataResponse { error }
    }
}
