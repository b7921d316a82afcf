//! Requests that wait for something to happen to a partition (`DelayedOperationPurgatory`).
//!
//! 1. A request is parked with the partitions it watches and the time at which it is answered whatever has happened.
//! 2. Who changes a partition looks at the requests that watch it, and at no others, and takes out those that are complete.
//! 3. What has run out of time is taken out by [`Purgatory::pop_due`].
//!
//! A request that is taken out watches nothing any more. Kafka leaves the others' watch lists as they are and purges them
//! now and then; nobody can see the difference.

use crate::ids::TopicPartition;
use crate::partition_map::PartitionMap;
use crate::time::{Time, Timers};

/// A parked request.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OperationId(u32);

/// What can be parked.
pub trait Delayed {
    /// The partitions it watches.
    fn watched(&self) -> impl Iterator<Item = TopicPartition>;
}

/// Parked requests of one kind.
#[derive(Clone, Debug)]
pub struct Purgatory<T> {
    parked: Vec<Option<T>>,
    free: Vec<OperationId>,
    watchers: PartitionMap<Vec<OperationId>>,
    deadlines: Timers<OperationId>,
}

impl<T> Default for Purgatory<T> {
    fn default() -> Self {
        Purgatory {
            parked: Vec::new(),
            free: Vec::new(),
            watchers: PartitionMap::default(),
            deadlines: Timers::default(),
        }
    }
}

impl<T: Delayed> Purgatory<T> {
    /// Parks a request until `deadline`.
    pub fn park(&mut self, operation: T, deadline: Time) -> OperationId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.parked.push(None);
            OperationId(self.parked.len() as u32 - 1)
        });
        for partition in operation.watched() {
            let watchers = self.watchers.get_or_insert_with(partition, Vec::new);
            // A request may name a partition twice.
            if watchers.last() != Some(&id) {
                watchers.push(id);
            }
        }
        self.deadlines.set(id, deadline);
        self.parked[id.0 as usize] = Some(operation);
        id
    }

    /// The `index`-th request that watches `partition`, oldest first.
    pub fn watcher(&self, partition: TopicPartition, index: usize) -> Option<OperationId> {
        self.watchers.get(partition)?.get(index).copied()
    }

    /// A parked request.
    pub fn get(&self, id: OperationId) -> &T {
        self.parked[id.0 as usize].as_ref().expect("a watcher is parked")
    }

    /// A parked request.
    pub fn get_mut(&mut self, id: OperationId) -> &mut T {
        self.parked[id.0 as usize].as_mut().expect("a watcher is parked")
    }

    /// Takes a request out.
    pub fn take(&mut self, id: OperationId) -> T {
        self.deadlines.clear(id);
        self.remove(id)
    }

    /// When the next request runs out of time.
    pub fn deadline(&self) -> Option<Time> {
        self.deadlines.deadline()
    }

    /// Takes out one request that has run out of time.
    pub fn pop_due(&mut self, now: Time) -> Option<T> {
        let id = self.deadlines.pop_due(now)?;
        Some(self.remove(id))
    }

    fn remove(&mut self, id: OperationId) -> T {
        let operation = self.parked[id.0 as usize].take().expect("a request is taken out once");
        for partition in operation.watched() {
            if let Some(watchers) = self.watchers.get_mut(partition) {
                watchers.retain(|watcher| *watcher != id);
            }
        }
        self.free.push(id);
        operation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Request(&'static str, Vec<TopicPartition>);

    impl Delayed for Request {
        fn watched(&self) -> impl Iterator<Item = TopicPartition> {
            self.1.iter().copied()
        }
    }

    #[test]
    fn who_watches_what_until_it_is_taken_out() {
        let [a, b] = ["a", "b"].map(|topic| TopicPartition::new(topic, 0));
        let mut purgatory = Purgatory::default();
        let first = purgatory.park(Request("first", vec![a, b, a]), Time(10));
        let second = purgatory.park(Request("second", vec![b]), Time(5));
        assert_eq!((purgatory.watcher(a, 0), purgatory.watcher(b, 0)), (Some(first), Some(first)));
        assert_eq!(purgatory.watcher(b, 1), Some(second));
        assert_eq!(purgatory.take(first).0, "first");
        assert_eq!((purgatory.watcher(a, 0), purgatory.watcher(b, 0)), (None, Some(second)));
        assert_eq!(purgatory.deadline(), Some(Time(5)));
        assert!(purgatory.pop_due(Time(4)).is_none());
        assert_eq!(purgatory.pop_due(Time(5)).map(|request| request.0), Some("second"));
        assert_eq!((purgatory.watcher(b, 0), purgatory.deadline()), (None, None));
    }

    #[test]
    fn a_place_is_used_again() {
        let a = TopicPartition::new("a", 0);
        let mut purgatory = Purgatory::default();
        let old = purgatory.park(Request("old", vec![a]), Time(1));
        purgatory.take(old);
        let new = purgatory.park(Request("new", vec![a]), Time(9));
        assert_eq!(new, old);
        assert_eq!(purgatory.deadline(), Some(Time(9)), "the old deadline is gone");
        assert_eq!(purgatory.get(new).0, "new");
    }
}
