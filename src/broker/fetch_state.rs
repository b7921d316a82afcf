//! Where a fetcher stands with each of its partitions (`PartitionStates`, `PartitionFetchState`).
//!
//! ```text
//!   added --> Truncating --(cut)--> Fetching
//!                 \________ any of them may be delayed for `replica.fetch.backoff.ms` after an error
//! ```
//!
//! The order of partitions is that of requests. Whatever changes goes to the end, so that no partition starves the
//! others.

use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::time::Time;

/// What a fetcher does with a partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// It has to find out where to cut before it may fetch.
    Truncating,
    /// It fetches.
    Fetching,
}

/// One partition of a fetcher.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct FetchState {
    /// Which.
    pub partition: TopicPartition,
    /// While truncating, where to cut if the leader cannot say; while fetching, the next offset: the log end.
    pub offset: Offset,
    /// The leader epoch in which it was added.
    pub epoch: LeaderEpoch,
    /// The epoch of the last record, for a leader that finds divergence.
    pub last_fetched_epoch: Option<LeaderEpoch>,
    /// What is done.
    pub phase: Phase,
    /// Nothing is done before this moment.
    pub delayed_until: Time,
}

impl FetchState {
    /// Whether it is due for `phase`.
    pub fn is_ready(&self, phase: Phase, now: Time) -> bool {
        self.phase == phase && self.delayed_until <= now
    }
}

/// The partitions of a fetcher, in the order of requests. Few, so that a flat list is fastest.
#[derive(Clone, Debug, Default)]
pub struct FetchStates {
    states: Vec<FetchState>,
}

impl FetchStates {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &FetchState> {
        self.states.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// One of them.
    pub fn get(&self, partition: TopicPartition) -> Option<&FetchState> {
        self.states.iter().find(|state| state.partition == partition)
    }

    /// Sets a partition's state and moves it to the end.
    pub fn put(&mut self, state: FetchState) {
        self.remove(state.partition);
        self.states.push(state);
    }

    /// Forgets a partition.
    pub fn remove(&mut self, partition: TopicPartition) {
        if let Some(index) = self.states.iter().position(|state| state.partition == partition) {
            self.states.remove(index);
        }
    }

    /// Delays a partition until `until`, unless it is delayed already.
    pub fn delay(&mut self, partition: TopicPartition, now: Time, until: Time) {
        if let Some(state) = self.get(partition).filter(|state| state.delayed_until <= now) {
            self.put(FetchState { delayed_until: until, ..*state });
        }
    }

    /// When the first delay ends.
    pub fn first_ready(&self) -> Option<Time> {
        self.states.iter().map(|state| state.delayed_until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(topic: &str) -> FetchState {
        FetchState {
            partition: TopicPartition::new(topic, 0),
            offset: Offset(0),
            epoch: LeaderEpoch(0),
            last_fetched_epoch: None,
            phase: Phase::Fetching,
            delayed_until: Time::ZERO,
        }
    }

    #[test]
    fn what_changes_goes_to_the_end_and_a_delay_is_not_prolonged() {
        let mut states = FetchStates::default();
        ["a", "b", "c"].iter().for_each(|topic| states.put(state(topic)));
        states.put(FetchState { offset: Offset(5), ..state("a") });
        let order = |states: &FetchStates| {
            states.iter().map(|state| state.partition.topic.name()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&states), "b c a");
        let b = TopicPartition::new("b", 0);
        states.delay(b, Time(10), Time(20));
        states.delay(b, Time(15), Time(25));
        assert_eq!(order(&states), "c a b");
        let delayed = states.get(b).expect("still there");
        assert!(!delayed.is_ready(Phase::Fetching, Time(19)));
        assert!(delayed.is_ready(Phase::Fetching, Time(20)));
        assert!(!delayed.is_ready(Phase::Truncating, Time(20)));
        states.remove(b);
        assert_eq!(states.len(), 2);
    }
}
