//! Batches that wait to be sent: a queue per partition (`RecordAccumulator`).
//!
//! 1. A new batch goes to the back of its partition's queue.
//! 2. A batch may be *drained* when it is first in its queue, its back-off is over, and its partition is not muted.
//! 3. A batch that is to be sent again goes to the *front*: with several requests in flight, a later batch may have
//!    overtaken it (that is reordering, and without idempotence nothing prevents it).
//! 4. With one request in flight per connection a partition is muted while a batch of it is in flight, so that nothing
//!    overtakes, also not by way of another broker (KAFKA-3197).
//! 5. A batch that has waited too long *expires*: from 2.1 on `delivery.timeout.ms` after it was created, whether sent or
//!    not (KIP-91); before, `request.timeout.ms` after it was created or, for a retry, after its back-off, and not while
//!    its partition is muted.
//!
//! Left out: `linger.ms` (every batch may be sent at once; here is where it would wait), `buffer.memory`.

use super::batches::ProducerBatch;
use crate::config::ProducerConfig;
use crate::ids::TopicPartition;
use crate::partition_map::PartitionMap;
use crate::time::{Micros, Time};
use std::collections::VecDeque;

/// The queues.
#[derive(Clone, Debug)]
pub struct Accumulator {
    delivery_timeout: Option<Micros>,
    request_timeout: Micros,
    queues: PartitionMap<Queue>,
    /// Where the next drain begins, so that a request that was full does not starve the partitions at the end.
    drain_from: Option<TopicPartition>,
}

/// The queue of one partition.
#[derive(Clone, Default, Debug)]
struct Queue {
    batches: VecDeque<ProducerBatch>,
    muted: bool,
}

impl Queue {
    /// The first batch, if it may be sent now.
    fn ready(&self, now: Time) -> Option<&ProducerBatch> {
        self.batches.front().filter(|batch| !self.muted && batch.not_before <= now)
    }
}

impl Accumulator {
    /// No batches yet.
    pub fn new(config: &ProducerConfig) -> Accumulator {
        Accumulator {
            delivery_timeout: config.delivery_timeout,
            request_timeout: config.request_timeout,
            queues: PartitionMap::default(),
            drain_from: None,
        }
    }

    /// A new batch, last in its queue.
    pub fn append(&mut self, batch: ProducerBatch) {
        self.queues.get_or_insert_with(batch.partition, Queue::default).batches.push_back(batch);
    }

    /// A batch that is to be sent again, first in its queue.
    pub fn reenqueue(&mut self, batch: ProducerBatch) {
        self.queues.get_or_insert_with(batch.partition, Queue::default).batches.push_front(batch);
    }

    /// While a partition is muted nothing of it is drained.
    pub fn mute(&mut self, partition: TopicPartition, muted: bool) {
        if let Some(queue) = self.queues.get_mut(partition) {
            queue.muted = muted;
        }
    }

    /// The batches of a partition that wait.
    pub fn waiting(&self, partition: TopicPartition) -> impl Iterator<Item = &ProducerBatch> {
        self.queues.get(partition).into_iter().flat_map(|queue| &queue.batches)
    }

    /// The partitions that have a batch to be sent now.
    pub fn ready(&self, now: Time) -> impl Iterator<Item = TopicPartition> {
        self.queues
            .iter()
            .filter(move |(_, queue)| queue.ready(now).is_some())
            .map(|(partition, _)| partition)
    }

    /// Takes one batch of each partition that `belongs` and has one to be sent now, as many as fit into a request of
    /// `max_size` bytes and at least one.
    pub fn drain(
        &mut self,
        now: Time,
        max_size: u64,
        belongs: impl Fn(TopicPartition) -> bool,
    ) -> Vec<ProducerBatch> {
        let mut drained = Vec::new();
        let mut size = 0;
        let mut full_at = None;
        let mut take = |partition: TopicPartition, queue: &mut Queue| {
            if full_at.is_some() || queue.ready(now).is_none() || !belongs(partition) {
                return;
            }
            let next = queue.batches.front().map_or(0, |batch| batch.records.size());
            if size + next > max_size && !drained.is_empty() {
                full_at = Some(partition);
                return;
            }
            size += next;
            drained.extend(queue.batches.pop_front());
        };
        match self.drain_from {
            None => self.queues.iter_mut().for_each(|(partition, queue)| take(partition, queue)),
            Some(from) => {
                for first_round in [true, false] {
                    let queues =
                        self.queues.iter_mut().filter(|(partition, _)| (*partition >= from) == first_round);
                    queues.for_each(|(partition, queue)| take(partition, queue));
                }
            }
        }
        if full_at.is_some() {
            self.drain_from = full_at;
        }
        drained
    }

    /// Takes the batches that have waited too long, in order of partition and age.
    pub fn expired(&mut self, now: Time) -> Vec<ProducerBatch> {
        let mut expired = Vec::new();
        for queue in self.queues.values_mut() {
            while let Some(batch) = queue.batches.front()
                && expires_at(self.delivery_timeout, self.request_timeout, queue.muted, batch) <= now
            {
                expired.extend(queue.batches.pop_front());
            }
        }
        expired
    }

    /// When a batch expires or a back-off ends, whichever is first and still to come.
    pub fn next_event(&self, now: Time) -> Time {
        let first = |queue: &Queue| {
            let Some(batch) = queue.batches.front() else { return Time::NEVER };
            let expires = expires_at(self.delivery_timeout, self.request_timeout, queue.muted, batch);
            if batch.not_before > now && !queue.muted { expires.min(batch.not_before) } else { expires }
        };
        self.queues.values().map(first).min().unwrap_or(Time::NEVER)
    }
}

/// When a waiting batch expires.
fn expires_at(
    delivery_timeout: Option<Micros>,
    request_timeout: Micros,
    muted: bool,
    batch: &ProducerBatch,
) -> Time {
    match delivery_timeout {
        Some(timeout) => batch.created + timeout,
        None if muted => Time::NEVER,
        None if batch.attempts > 0 => batch.not_before + request_timeout,
        None => batch.created + request_timeout,
    }
}
