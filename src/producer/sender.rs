//! Sends batches and takes what comes of them (`Sender`).
//!
//! 1. Of every partition that has a batch to send, the leader is looked up; if one is unknown, metadata is asked for.
//! 2. For each leader that is connected and has fewer than `max.in.flight.requests.per.connection` requests in flight,
//!    one batch of each of its partitions goes into one request, up to `max.request.size`; again, until nothing goes.
//!    For a broker that knows message format v1 alone, what is in v2 is converted ([`crate::log::conversion`]).
//! 3. With `acks=0` a batch is done when it is sent. Otherwise each partition of the answer says what became of its
//!    batch.
//! 4. A retriable refusal, or a lost connection, sends the batch again after `retry.backoff.ms`, if `retries` (0 before
//!    2.1) and the delivery time-out (from 2.1 on) allow; any other refusal fails it.
//! 5. A refusal that says that metadata is out of date makes the producer ask for it.
//! 6. From 2.1 on a batch in flight whose delivery time is over fails at once; its answer, if it ever comes, only
//!    unmutes its partition.

use super::Producer;
use super::batches::ProducerBatch;
use super::outcome::refused_before_append;
use crate::client::Readiness;
use crate::command::ClientError;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, NodeId, Offset, TopicPartition};
use crate::messages::ApiKey;
use crate::messages::produce::{Acks, CARRIES_V2, ProduceRequest, ProduceResponse};
use crate::node::Env;
use crate::note::{ClientNote, Note};
use crate::time::Time;

/// A produce request in flight.
#[derive(Clone, Debug)]
pub(super) struct InFlightProduce {
    call: CallId,
    broker: BrokerId,
    /// In the order of the request; a batch that has expired meanwhile is gone.
    batches: Vec<(TopicPartition, Option<ProducerBatch>)>,
}

impl InFlightProduce {
    /// Its batches, but for those that have expired.
    pub(super) fn batches(&self) -> impl Iterator<Item = &ProducerBatch> {
        self.batches.iter().filter_map(|(_, batch)| batch.as_ref())
    }
}

impl Producer {
    /// Sends all that can be sent now. Returns when it must look again without an event, because of a back-off.
    pub(super) fn send_ready(&mut self, env: &mut Env<'_>) -> Time {
        let mut retry_at = Time::NEVER;
        self.find_leaders(env);
        let mut leaders = std::mem::take(&mut self.leaders);
        for (node, broker) in leaders.drain(..) {
            loop {
                match self.client.ready(node, env) {
                    Readiness::Ready => {}
                    Readiness::Waiting => break,
                    Readiness::NotBefore(at) => {
                        retry_at = retry_at.min(at);
                        break;
                    }
                }
                let metadata = &self.client.metadata;
                let is_led = |partition| metadata.leader(partition).is_some_and(|leader| leader.node == node);
                let max_size = u64::from(self.config.max_request_size);
                let batches = self.accumulator.drain(env.now, max_size, is_led);
                if batches.is_empty() {
                    break;
                }
                self.send_produce(node, broker, batches, env);
            }
        }
        self.leaders = leaders;
        retry_at
    }

    /// Collects the leaders to send to; asks for metadata if one is unknown.
    fn find_leaders(&mut self, env: &mut Env<'_>) {
        let mut unknown = false;
        for partition in self.accumulator.ready(env.now) {
            match self.client.metadata.leader(partition) {
                Some(leader) if !self.leaders.contains(&(leader.node, leader.broker)) => {
                    self.leaders.push((leader.node, leader.broker));
                }
                Some(_) => {}
                None => unknown = true,
            }
        }
        if unknown {
            self.client.metadata.request_update();
            self.client.maybe_update_metadata(env);
        }
    }

    fn send_produce(
        &mut self,
        node: NodeId,
        broker: BrokerId,
        batches: Vec<ProducerBatch>,
        env: &mut Env<'_>,
    ) {
        let acks = self.config.acks;
        let version = self.client.version(node, ApiKey::Produce).expect("every release knows Produce");
        let converts = version < CARRIES_V2 && self.speaks_v2;
        let records = |batch: &ProducerBatch| match converts {
            true => batch.records.converted_down(),
            false => batch.records.clone(),
        };
        let partitions = batches.iter().map(|batch| (batch.partition, records(batch))).collect();
        let request = ProduceRequest { acks, timeout: self.config.request_timeout, partitions };
        let call = self.client.send(node, version, request.into(), acks != Acks::None, env);
        if acks == Acks::None {
            for batch in batches {
                self.deliver_acked(&batch, None, broker, env);
            }
            return;
        }
        if self.keeps_order() {
            batches.iter().for_each(|batch| self.accumulator.mute(batch.partition, true));
        }
        let batches = batches.into_iter().map(|batch| (batch.partition, Some(batch))).collect();
        self.in_flight.push(InFlightProduce { call, broker, batches });
    }

    /// `guaranteeMessageOrder`: one request in flight, and partitions muted meanwhile.
    fn keeps_order(&self) -> bool {
        self.config.max_in_flight == 1 && !self.planted.mutes_nothing()
    }

    fn take_in_flight(&mut self, call: CallId) -> InFlightProduce {
        let index = self.in_flight.iter().position(|request| request.call == call);
        self.in_flight.remove(index.expect("an answer belongs to a request in flight"))
    }

    /// A request was answered.
    pub(super) fn on_produce_response(&mut self, call: CallId, response: ProduceResponse, env: &mut Env<'_>) {
        let request = self.take_in_flight(call);
        assert_eq!(response.partitions.len(), request.batches.len(), "one outcome for each batch");
        for ((partition, batch), outcome) in request.batches.into_iter().zip(response.partitions) {
            assert_eq!(outcome.partition, partition, "outcomes come in the order of the request");
            if let Some(batch) = batch {
                match outcome.result {
                    Ok(offset) => self.deliver_acked(&batch, Some(offset), request.broker, env),
                    Err(error) => self.refused(batch, error, request.broker, env),
                }
            }
            self.accumulator.mute(partition, false);
        }
    }

    /// A request's connection was lost.
    pub(super) fn on_produce_lost(&mut self, call: CallId, env: &mut Env<'_>) {
        let request = self.take_in_flight(call);
        for (partition, batch) in request.batches {
            if let Some(mut batch) = batch {
                if self.planted.takes_silence_for_success() {
                    self.deliver_acked(&batch, None, request.broker, env);
                    continue;
                }
                batch.may_have_been_appended = true;
                self.retry_or_fail(batch, ClientError::Disconnected, true, request.broker, env);
            }
            self.accumulator.mute(partition, false);
        }
    }

    fn refused(&mut self, mut batch: ProducerBatch, error: KafkaError, broker: BrokerId, env: &mut Env<'_>) {
        let is_definite =
            refused_before_append(error, self.config.acks) || self.planted.calls_every_refusal_definite();
        batch.may_have_been_appended |= !is_definite;
        self.retry_or_fail(batch, ClientError::Kafka(error), error.is_retriable(), broker, env);
        if error.refreshes_metadata() {
            self.client.metadata.request_update();
        }
    }

    fn retry_or_fail(
        &mut self,
        mut batch: ProducerBatch,
        error: ClientError,
        retriable: bool,
        broker: BrokerId,
        env: &mut Env<'_>,
    ) {
        let in_time = self.config.delivery_timeout.is_none_or(|timeout| batch.created + timeout > env.now);
        if !retriable || !in_time || batch.attempts >= self.config.retries {
            self.deliver_failed(&batch, error, env);
            return;
        }
        env.note(|| {
            let (send, partition) = (batch.send, batch.partition);
            Note::Client(ClientNote::Retries { send, partition, error, broker })
        });
        batch.last_attempt = env.now;
        batch.not_before = env.now + self.retry.wait(batch.attempts, env.entropy);
        batch.attempts += 1;
        match self.planted.queues_retries_last() {
            true => self.accumulator.append(batch),
            false => self.accumulator.reenqueue(batch),
        }
    }

    /// Fails every batch whose time is over, waiting or in flight.
    pub(super) fn expire(&mut self, env: &mut Env<'_>) {
        let mut expired = Vec::new();
        let open = !self.planted.calls_expiry_definite();
        if let Some(timeout) = self.config.delivery_timeout {
            for (_, slot) in self.in_flight.iter_mut().flat_map(|request| &mut request.batches) {
                if slot.as_ref().is_some_and(|batch| batch.created + timeout <= env.now) {
                    expired.extend(
                        slot.take().map(|batch| ProducerBatch { may_have_been_appended: open, ..batch }),
                    );
                }
            }
        }
        expired.extend(self.accumulator.expired(env.now));
        for batch in expired {
            if batch.may_have_been_appended && self.planted.takes_expiry_for_success() {
                self.deliver_acked(&batch, None, BrokerId::NONE, env);
                continue;
            }
            self.deliver_failed(&batch, ClientError::TimedOut, env);
        }
    }

    /// When the next batch in flight expires.
    pub(super) fn next_in_flight_expiry(&self) -> Time {
        let Some(timeout) = self.config.delivery_timeout else { return Time::NEVER };
        let batches = self.in_flight.iter().flat_map(|request| &request.batches);
        let created = batches.filter_map(|(_, batch)| batch.as_ref()).map(|batch| batch.created);
        created.min().map_or(Time::NEVER, |created| created + timeout)
    }

    /// A batch is in the log as far as `acks` asks: tells the application, if it was the last of its send.
    fn deliver_acked(
        &mut self,
        batch: &ProducerBatch,
        base_offset: Option<Offset>,
        broker: BrokerId,
        env: &mut Env<'_>,
    ) {
        self.sends.finish(batch, Ok((base_offset, broker)), env);
    }

    /// A batch failed: tells the application, if it was the last of its send.
    fn deliver_failed(&mut self, batch: &ProducerBatch, error: ClientError, env: &mut Env<'_>) {
        self.sends.finish(batch, Err(error), env);
    }
}
