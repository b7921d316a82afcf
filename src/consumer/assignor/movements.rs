//! Which partitions a sticky assignor has moved so far, from whom to whom (`PartitionMovements`). Instead of moving a
//! partition back and another one forth between two members, the first goes home.

use super::Thrown;
use super::java_map::{JavaHash, JavaMap, JavaSet};
use crate::ids::{Topic, TopicPartition};
use std::collections::BTreeMap;

/// From one member to another (`ConsumerPair`).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Pair<'a> {
    from: &'a str,
    to: &'a str,
}

impl JavaHash for Pair<'_> {
    fn java_hash(&self) -> i32 {
        let with_from = 31i32.wrapping_add(self.from.java_hash());
        with_from.wrapping_mul(31).wrapping_add(self.to.java_hash())
    }
}

/// The moves of one assignment.
#[derive(Default)]
pub(super) struct PartitionMovements<'a> {
    by_topic: BTreeMap<Topic, JavaMap<Pair<'a>, JavaSet<TopicPartition>>>,
    moved: BTreeMap<TopicPartition, Pair<'a>>,
}

impl<'a> PartitionMovements<'a> {
    fn forget(&mut self, partition: TopicPartition) -> Option<Pair<'a>> {
        let pair = self.moved.remove(&partition)?;
        let of_topic = self.by_topic.get_mut(&partition.topic)?;
        let of_pair = of_topic.get_mut(pair)?;
        of_pair.remove(partition);
        if of_pair.is_empty() {
            of_topic.remove(pair);
        }
        if of_topic.is_empty() {
            self.by_topic.remove(&partition.topic);
        }
        Some(pair)
    }

    fn add(&mut self, partition: TopicPartition, pair: Pair<'a>) {
        self.moved.insert(partition, pair);
        let of_topic = self.by_topic.entry(partition.topic).or_default();
        if !of_topic.contains(pair) {
            of_topic.put(pair, JavaSet::default());
        }
        of_topic.get_mut(pair).expect("it has just been put in").add(partition);
    }

    /// A partition goes from one member to another. Where it came from first is what counts.
    pub(super) fn moves(&mut self, partition: TopicPartition, from: &'a str, to: &'a str) {
        match self.forget(partition) {
            None => self.add(partition, Pair { from, to }),
            Some(before) if before.from != to => self.add(partition, Pair { from: before.from, to }),
            Some(_) => {}
        }
    }

    /// The partition that should move in the place of this one: one that came the other way, if there is any.
    pub(super) fn actual(
        &self,
        partition: TopicPartition,
        from: &'a str,
        to: &'a str,
    ) -> Result<TopicPartition, Thrown> {
        let Some(of_topic) = self.by_topic.get(&partition.topic) else { return Ok(partition) };
        let from = self.moved.get(&partition).map_or(from, |pair| pair.from);
        let Some(back) = of_topic.get(Pair { from: to, to: from }) else { return Ok(partition) };
        back.keys().next().copied().ok_or(Thrown::NullPointer)
    }
}
