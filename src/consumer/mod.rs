//! A consumer (`KafkaConsumer`) that is told which partitions to read, and polls for ever.
//!
//! 1. Every assigned partition has a state: does it have a position, and is it believed ([`subscription_state`])?
//! 2. A missing position is asked for with ListOffsets (`offset_reset.rs`).
//! 3. After a change of leader the position is checked with it, from 2.3 on (`position_validation.rs`).
//! 4. Partitions with a position are fetched, and what comes is returned at once (`fetcher.rs`).
//!
//! The application is one that polls in a tight loop and does nothing else: whatever arrives is returned in the same
//! step.
//!
//! Left out: groups and committed offsets, `max.poll.records`, pausing, transactions (`isolation.level`). In Kafka up
//! to 1.x a fetch also waits for other requests to the same broker.

pub mod assignor;
mod fetcher;
pub mod membership;
mod offset_reset;
mod position_validation;
pub mod protocol;
pub mod subscription_state;
#[cfg(test)]
mod tests;

use crate::client::{ClientSettings, ExponentialBackoff, Leader, NetworkClient};
use crate::command::{Command, Delivery, StartAt};
use crate::config::ConsumerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, NodeId, Offset, TopicPartition};
use crate::messages::Response;
use crate::node::{Effect, Env, Input, Node};
use crate::rules::planted::Planted;
use crate::rules::position_validation::PositionValidation;
use crate::time::Time;
use subscription_state::{AssignedPartition, FetchState, Subscriptions};

/// One consumer process.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    rule: PositionValidation,
    /// Rule `planted`.
    planted: Planted,
    retry: ExponentialBackoff,
    client: NetworkClient,
    subscriptions: Subscriptions,
    calls: Vec<PendingCall>,
    /// The version of the metadata that positions were last compared with.
    metadata_seen: u64,
    wake_at: Time,
    /// Kept for its memory only: the brokers to ask in one step.
    targets: Vec<Leader>,
}

/// A request in flight.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct PendingCall {
    call: CallId,
    node: NodeId,
    broker: BrokerId,
    purpose: Purpose,
}

/// What a request is for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Purpose {
    Fetch,
    ListOffsets,
    Validation,
}

/// Requests in flight on one connection: `KafkaConsumer` sets no bound that could matter.
const MAX_IN_FLIGHT: usize = 100;

impl Consumer {
    /// A consumer that knows these brokers to begin with (`bootstrap.servers`).
    pub fn new(config: ConsumerConfig, era: Era, bootstrap: Vec<NodeId>) -> Consumer {
        let retry = ExponentialBackoff::new(config.retry_backoff, config.retry_backoff_max);
        let setup = config.connection_setup_timeout;
        let setup_max = config.connection_setup_timeout_max.or(setup);
        let settings = ClientSettings {
            request_timeout: config.request_timeout,
            reconnect: ExponentialBackoff::new(config.reconnect_backoff, config.reconnect_backoff_max),
            retry,
            metadata_max_age: config.metadata_max_age,
            connection_setup: setup.zip(setup_max).map(|(first, max)| ExponentialBackoff::new(first, max)),
            max_in_flight: MAX_IN_FLIGHT,
        };
        Consumer {
            rule: era.rules.position_validation,
            planted: era.rules.planted,
            retry,
            client: NetworkClient::new(era, settings, bootstrap),
            subscriptions: Subscriptions::default(),
            calls: Vec::new(),
            metadata_seen: 0,
            wake_at: Time::NEVER,
            targets: Vec::new(),
            config,
        }
    }

    /// The brokers that its last metadata named; before the first, those it was told to begin with.
    pub fn known_brokers(&self) -> &[NodeId] {
        self.client.metadata.nodes()
    }

    /// Where it stands in a partition: the next offset to read, if it has a position.
    pub fn position(&self, partition: TopicPartition) -> Option<Offset> {
        let assigned =
            self.subscriptions.partitions.iter().find(|assigned| assigned.partition == partition)?;
        assigned.position().map(|position| position.offset)
    }

    fn assign(&mut self, partitions: Vec<(TopicPartition, StartAt)>, env: &mut Env<'_>) {
        self.client.metadata.want_only(partitions.iter().map(|(partition, _)| partition.topic));
        self.subscriptions = Subscriptions::default();
        for (partition, start) in partitions {
            if self.subscriptions.find(partition).is_none() {
                self.subscriptions.partitions.push(AssignedPartition::new(partition));
            }
            self.seek(partition, start, env);
        }
    }

    /// Goes elsewhere. A partition that is not assigned is left alone (Kafka throws at the application).
    fn seek(&mut self, partition: TopicPartition, start: StartAt, env: &mut Env<'_>) {
        let leader = self.client.metadata.leader(partition).filter(|_| self.rule.tracks_epochs());
        let policy = self.config.auto_offset_reset;
        let Some(assigned) = self.subscriptions.find(partition) else { return };
        if !assigned.seek(start, policy, leader) {
            // NoOffsetForPartitionException.
            env.push(Effect::Deliver(Delivery::OffsetOutOfRange { partition, position: Offset::NONE }));
        }
    }

    /// The leaders of partitions in a state that has something to ask, and when the next back-off of one ends. Asks for
    /// metadata if a leader is unknown.
    fn find_targets(
        &mut self,
        waits: impl Fn(&FetchState) -> bool,
        env: &mut Env<'_>,
    ) -> (Vec<Leader>, Time) {
        let mut targets = std::mem::take(&mut self.targets);
        let mut retry_at = Time::NEVER;
        let mut unknown = false;
        for assigned in self.subscriptions.partitions.iter().filter(|assigned| waits(&assigned.state)) {
            if assigned.asked.is_some() {
                continue;
            }
            if assigned.not_before > env.now {
                retry_at = retry_at.min(assigned.not_before);
                continue;
            }
            let checked_with = assigned.position().and_then(|position| position.leader);
            match checked_with.or_else(|| self.client.metadata.leader(assigned.partition)) {
                Some(leader) if targets.iter().all(|known| known.node != leader.node) => targets.push(leader),
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown {
            self.client.metadata.request_update();
            self.client.maybe_update_metadata(env);
        }
        (targets, retry_at)
    }

    /// What was asked about a partition has come to nothing: not again before `retry.backoff.ms` has passed.
    fn ask_again(&mut self, call: CallId, partition: TopicPartition, env: &mut Env<'_>) {
        let Some(assigned) =
            self.subscriptions.find(partition).filter(|assigned| assigned.asked == Some(call))
        else {
            return;
        };
        assigned.asked = None;
        assigned.not_before = env.now + self.retry.wait(assigned.failures, env.entropy);
        assigned.failures += 1;
    }

    fn on_response(&mut self, call: CallId, response: Response, env: &mut Env<'_>) {
        let index = self.calls.iter().position(|pending| pending.call == call);
        let pending = self.calls.remove(index.expect("an answer belongs to a request in flight"));
        match response {
            Response::Fetch(response) => self.on_fetch_response(call, pending.broker, response, env),
            Response::ListOffsets(response) => {
                self.on_list_offsets_response(call, pending.broker, response, env);
            }
            Response::OffsetsForLeaderEpoch(response) => self.on_validation_response(call, response, env),
            other => unreachable!("a consumer asks for nothing of the kind: {other:?}"),
        }
    }

    fn on_lost(&mut self, call: CallId, env: &mut Env<'_>) {
        let index = self.calls.iter().position(|pending| pending.call == call);
        let pending = self.calls.remove(index.expect("a lost call was in flight"));
        if pending.purpose == Purpose::Fetch {
            self.forget_fetch(call);
            return;
        }
        let about: Vec<TopicPartition> = {
            let asked = self.subscriptions.partitions.iter().filter(|assigned| assigned.asked == Some(call));
            asked.map(|assigned| assigned.partition).collect()
        };
        about.into_iter().for_each(|partition| self.ask_again(call, partition, env));
    }

    /// One turn of `poll`: all that can be done now.
    fn run(&mut self, env: &mut Env<'_>) {
        self.client.poll(env);
        while let Some(call) = self.client.next_lost() {
            self.on_lost(call, env);
        }
        self.check_leaders();
        self.wake_at = self
            .send_validations(env)
            .min(self.send_list_offsets(env))
            .min(self.send_fetches(env))
            .min(self.client.deadline(env.now));
    }
}

impl Node for Consumer {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        match input {
            Input::Command(Command::Assign(partitions)) => self.assign(partitions, env),
            Input::Command(Command::Seek(partition, start)) => self.seek(partition, start, env),
            Input::Command(other) => unreachable!("no command for a consumer: {other:?}"),
            input => {
                if let Some((call, response)) = self.client.handle(input, env) {
                    self.on_response(call, response, env);
                }
            }
        }
        self.run(env);
    }

    fn deadline(&self) -> Option<Time> {
        (self.wake_at != Time::NEVER).then_some(self.wake_at)
    }
}
