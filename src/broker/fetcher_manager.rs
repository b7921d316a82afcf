//! Which fetcher fetches what (`ReplicaFetcherManager`, `AbstractFetcherManager`).
//!
//! 1. A partition that this broker follows belongs to one fetcher: that of its leader, numbered by a hash of topic and
//!    partition modulo `num.replica.fetchers`.
//! 2. LeaderAndIsr and StopReplica take partitions away from their fetchers, and give them to others.
//! 3. A fetcher that has nothing left is shut down and its connection closed.
//!
//! Left out: `ReplicaAlterLogDirsManager` (a broker has one log directory), resizing the pool at run time, quotas.

use crate::broker::replica_fetcher::ReplicaFetcher;
use crate::broker::replica_manager::ReplicaManager;
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::ids::{BrokerId, CallId, LeaderEpoch, NodeId, TopicPartition};
use crate::messages::Response;
use crate::node::{ChannelEvent, Disconnected, Env};
use crate::time::Time;
use std::sync::Arc;

/// All fetchers of a broker.
#[derive(Clone, Debug)]
pub struct FetcherManager {
    config: Arc<BrokerConfig>,
    calls: Calls,
    /// In order of leader and number.
    fetchers: Vec<ReplicaFetcher>,
}

/// A partition to be fetched from now on.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ToFetch {
    /// Which.
    pub partition: TopicPartition,
    /// From whom.
    pub leader: BrokerId,
    /// Where that broker is.
    pub node: NodeId,
    /// In which epoch it leads.
    pub epoch: LeaderEpoch,
}

/// What every fetcher is lent for a step: settings, era, the counter of calls.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The broker's era.
    pub era: Arc<Era>,
    part: u8,
    next: u64,
}

impl Calls {
    /// Calls of one part of the broker.
    pub fn new(era: &Arc<Era>, part: u8) -> Calls {
        Calls { era: Arc::clone(era), part, next: 0 }
    }

    /// A call that was never used before.
    pub fn new_call(&mut self) -> CallId {
        self.next += 1;
        CallId::new(self.part, self.next)
    }
}

/// `AbstractFetcherManager.getFetcherId`: `String.hashCode` times 31 plus the partition, in 32-bit arithmetic that
/// wraps.
pub fn fetcher_id(partition: TopicPartition, fetchers: u8) -> u8 {
    let hash = partition
        .topic
        .name()
        .encode_utf16()
        .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let hash = hash.wrapping_mul(31).wrapping_add(partition.partition);
    // `Utils.abs` makes 0 of the one number that has no positive counterpart.
    let positive = hash.checked_abs().unwrap_or(0);
    (positive % i32::from(fetchers.max(1))) as u8
}

impl FetcherManager {
    /// A manager without fetchers. Its calls carry `CallId::new(part, _)`.
    pub fn new(config: &Arc<BrokerConfig>, era: &Arc<Era>, part: u8) -> FetcherManager {
        FetcherManager { config: Arc::clone(config), calls: Calls::new(era, part), fetchers: Vec::new() }
    }

    /// Begins to fetch partitions. Whoever fetched them before must have been told to stop
    /// ([`FetcherManager::remove`]).
    pub fn add(&mut self, partitions: &[ToFetch], replicas: &mut ReplicaManager, env: &mut Env<'_>) {
        for to_fetch in partitions {
            let id = fetcher_id(to_fetch.partition, self.config.num_replica_fetchers);
            let key = (to_fetch.leader, id);
            let index = match self.fetchers.binary_search_by_key(&key, ReplicaFetcher::key) {
                Ok(index) if self.fetchers[index].node() == to_fetch.node => index,
                Ok(index) => {
                    // The broker of this id has moved: another connection, and what it was asked is void.
                    self.fetchers[index].shut_down(env);
                    self.fetchers[index] = ReplicaFetcher::new(key, to_fetch.node, &self.config);
                    index
                }
                Err(index) => {
                    self.fetchers.insert(index, ReplicaFetcher::new(key, to_fetch.node, &self.config));
                    index
                }
            };
            self.fetchers[index].add(to_fetch.partition, to_fetch.epoch, &self.calls.era, replicas, env);
        }
        for fetcher in &mut self.fetchers {
            fetcher.run(&mut self.calls, replicas, env);
        }
    }

    /// Stops fetching a partition. What is under way for it is ignored when it comes.
    pub fn remove(&mut self, partition: TopicPartition) {
        for fetcher in &mut self.fetchers {
            fetcher.remove(partition);
        }
    }

    /// Ends the fetchers that have nothing to fetch.
    pub fn shut_down_idle(&mut self, env: &mut Env<'_>) {
        self.fetchers.retain_mut(|fetcher| {
            let goes = fetcher.is_idle();
            if goes {
                fetcher.shut_down(env);
            }
            !goes
        });
    }

    /// Ends all fetchers: the broker stops.
    pub fn shut_down(&mut self, env: &mut Env<'_>) {
        for mut fetcher in self.fetchers.drain(..) {
            fetcher.shut_down(env);
        }
    }

    /// A `Channel::Fetcher` changed.
    pub fn on_channel(
        &mut self,
        to: NodeId,
        id: u8,
        event: ChannelEvent,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        if let Some(fetcher) = self.fetchers.iter_mut().find(|fetcher| fetcher.is_on(to, id)) {
            fetcher.on_channel(event, &mut self.calls, replicas, env);
            self.shut_down_idle(env);
        }
    }

    /// A call of this part was answered. Of a fetcher that has gone, nobody cares.
    pub fn on_answer(
        &mut self,
        call: CallId,
        answer: Result<Response, Disconnected>,
        replicas: &mut ReplicaManager,
        env: &mut Env<'_>,
    ) {
        if let Some(fetcher) = self.fetchers.iter_mut().find(|fetcher| fetcher.awaits(call)) {
            fetcher.on_answer(answer, &mut self.calls, replicas, env);
        }
    }

    /// Time has passed.
    pub fn on_wake(&mut self, replicas: &mut ReplicaManager, env: &mut Env<'_>) {
        for fetcher in &mut self.fetchers {
            if fetcher.deadline().is_some_and(|deadline| deadline <= env.now) {
                fetcher.on_wake(&mut self.calls, replicas, env);
            }
        }
    }

    /// When it next wants to be woken.
    pub fn deadline(&self) -> Option<Time> {
        self.fetchers.iter().filter_map(ReplicaFetcher::deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_find_their_fetcher_as_in_java() {
        // "orders".hashCode() is -1008770331, "t".hashCode() is 116, "".hashCode() is 0.
        let id =
            |topic: &str, partition, fetchers| fetcher_id(TopicPartition::new(topic, partition), fetchers);
        let orders = (-1_008_770_331i32).wrapping_mul(31);
        for partition in 0..5 {
            assert_eq!(i32::from(id("orders", partition, 4)), (orders.wrapping_add(partition)).abs() % 4);
            assert_eq!(id("orders", partition, 1), 0);
            assert_eq!(i32::from(id("t", partition, 7)), (116 * 31 + partition) % 7);
        }
    }
}
