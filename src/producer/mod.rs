//! A producer (`KafkaProducer`): an application's sends become batches, and batches go to the leaders of their partitions.
//!
//! 1. A send whose topic is unknown waits for metadata, up to `max.block.ms` ([`Producer`]).
//! 2. Its records become a batch, or several ([`batches`]), and wait in the queue of their partition ([`accumulator`]).
//! 3. The sender sends what can be sent and takes what comes of it (`sender`): acknowledged, sent again, or failed.
//! 4. The application is told once (`sends`); of a failed send also whether it may be in the log ([`outcome`]).
//!
//! Left out: `linger.ms` and batches of several sends; idempotence and transactions (a 3.x producer here behaves as one
//! with `enable.idempotence=false`); partitioners (a send names its partition); `buffer.memory`; closing.

pub mod accumulator;
pub mod batches;
pub mod outcome;
mod sender;
mod sends;
#[cfg(test)]
mod tests;

use crate::client::{ClientSettings, ExponentialBackoff, NetworkClient};
use crate::command::{ClientError, Command, Delivery, ProducerRecord, SendId};
use crate::config::ProducerConfig;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, TopicPartition};
use crate::log::batch::MessageFormat;
use crate::messages::produce::CARRIES_V2;
use crate::messages::{ApiKey, Response};
use crate::node::{Effect, Env, Input, Node};
use crate::rules::planted::Planted;
use crate::time::Time;
use accumulator::Accumulator;
use batches::{ProducerBatch, batches_of, is_larger_than};
use sender::InFlightProduce;
use sends::Sends;
use std::collections::VecDeque;

/// One producer process.
#[derive(Clone, Debug)]
pub struct Producer {
    config: ProducerConfig,
    retry: ExponentialBackoff,
    /// The message format of its release.
    format: MessageFormat,
    /// Whether its release knows a version of Produce that carries format v2.
    speaks_v2: bool,
    /// Rule `planted`.
    planted: Planted,
    client: NetworkClient,
    accumulator: Accumulator,
    /// Sends whose partition is not known yet, in order.
    blocked: VecDeque<BlockedSend>,
    in_flight: Vec<InFlightProduce>,
    sends: Sends,
    wake_at: Time,
    /// Kept for its memory only: the leaders to send to in one step.
    leaders: Vec<(NodeId, BrokerId)>,
}

/// A send that waits for metadata (`KafkaProducer.waitOnMetadata`).
#[derive(Clone, Debug)]
struct BlockedSend {
    send: SendId,
    partition: TopicPartition,
    records: Vec<ProducerRecord>,
    gives_up_at: Time,
}

impl Producer {
    /// A producer that knows these brokers to begin with (`bootstrap.servers`).
    pub fn new(config: ProducerConfig, era: Era, bootstrap: Vec<NodeId>) -> Producer {
        let retry = ExponentialBackoff::new(config.retry_backoff, config.retry_backoff_max);
        let setup = config.connection_setup_timeout;
        let setup_max = config.connection_setup_timeout_max.or(setup);
        let settings = ClientSettings {
            request_timeout: config.request_timeout,
            reconnect: ExponentialBackoff::new(config.reconnect_backoff, config.reconnect_backoff_max),
            retry,
            metadata_max_age: config.metadata_max_age,
            connection_setup: setup.zip(setup_max).map(|(first, max)| ExponentialBackoff::new(first, max)),
            max_in_flight: config.max_in_flight as usize,
        };
        Producer {
            retry,
            format: MessageFormat::of(&era),
            speaks_v2: ApiKey::Produce.newest_version(era.release).is_some_and(|newest| newest >= CARRIES_V2),
            planted: era.rules.planted,
            client: NetworkClient::new(era, settings, bootstrap),
            accumulator: Accumulator::new(&config),
            blocked: VecDeque::new(),
            in_flight: Vec::new(),
            sends: Sends::default(),
            wake_at: Time::NEVER,
            leaders: Vec::new(),
            config,
        }
    }

    /// The brokers that its last metadata named; before the first, those it was told to begin with.
    pub fn known_brokers(&self) -> &[NodeId] {
        self.client.metadata.nodes()
    }

    /// The batches of a partition that it has not done with, and how often each was sent.
    pub fn unfinished(&self, partition: TopicPartition) -> impl Iterator<Item = (&ProducerBatch, u32)> {
        let sent = self.in_flight.iter().flat_map(InFlightProduce::batches).map(|batch| (batch, 1));
        let waiting = self.accumulator.waiting(partition).map(|batch| (batch, 0));
        let all = sent.chain(waiting).filter(move |(batch, _)| batch.partition == partition);
        all.map(|(batch, now)| (batch, batch.attempts + now))
    }

    /// The application sends.
    fn on_send(
        &mut self,
        send: SendId,
        partition: TopicPartition,
        records: Vec<ProducerRecord>,
        env: &mut Env<'_>,
    ) {
        assert!(!records.is_empty(), "an application sends at least one record");
        let most = u64::from(self.config.max_request_size);
        if records.iter().any(|record| is_larger_than(most, record, self.format)) {
            let error = ClientError::Kafka(KafkaError::MessageTooLarge);
            let may_have_been_appended = false;
            env.push(Effect::Deliver(Delivery::Failed { send, partition, error, may_have_been_appended }));
            return;
        }
        self.client.metadata.want(partition.topic);
        let gives_up_at = env.now + self.config.max_block;
        self.blocked.push_back(BlockedSend { send, partition, records, gives_up_at });
    }

    /// Lets in the sends whose partition is known by now, and gives up on those that have waited too long.
    fn admit(&mut self, env: &mut Env<'_>) {
        for _ in 0..self.blocked.len() {
            let Some(blocked) = self.blocked.pop_front() else { break };
            let BlockedSend { send, partition, records, gives_up_at } = blocked;
            let count = self.client.metadata.partition_count(partition.topic);
            if count.is_some_and(|count| partition.partition < count) {
                let shape = (self.format, self.config.batch_size);
                for batch in batches_of(send, partition, &records, shape, env.now, env.wall) {
                    self.accumulator.append(batch);
                }
            } else if gives_up_at <= env.now {
                let error = ClientError::TimedOut;
                let may_have_been_appended = false;
                env.push(Effect::Deliver(Delivery::Failed {
                    send,
                    partition,
                    error,
                    may_have_been_appended,
                }));
            } else {
                self.client.metadata.request_update();
                self.blocked.push_back(BlockedSend { send, partition, records, gives_up_at });
            }
        }
    }

    /// One turn of the sender: all that can be done now.
    fn run(&mut self, env: &mut Env<'_>) {
        self.client.poll(env);
        while let Some(call) = self.client.next_lost() {
            self.on_produce_lost(call, env);
        }
        self.admit(env);
        self.expire(env);
        self.client.maybe_update_metadata(env);
        let retry_at = self.send_ready(env);
        let gives_up = self.blocked.iter().map(|blocked| blocked.gives_up_at).min().unwrap_or(Time::NEVER);
        self.wake_at = retry_at
            .min(gives_up)
            .min(self.accumulator.next_event(env.now))
            .min(self.next_in_flight_expiry())
            .min(self.client.deadline(env.now));
    }
}

impl Node for Producer {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        match input {
            Input::Command(Command::Produce { send, partition, records }) => {
                self.on_send(send, partition, records, env);
            }
            Input::Command(other) => unreachable!("no command for a producer: {other:?}"),
            input => match self.client.handle(input, env) {
                None => {}
                Some((call, Response::Produce(response))) => self.on_produce_response(call, response, env),
                Some((_, other)) => unreachable!("a producer asks for nothing of the kind: {other:?}"),
            },
        }
        self.run(env);
    }

    fn deadline(&self) -> Option<Time> {
        (self.wake_at != Time::NEVER).then_some(self.wake_at)
    }
}
