//! A map by partition for what is looked up at every step.
//!
//! Topics are few and partition numbers are small and dense, so a partition is found by its number: no tree, no hash. The order is
//! that of [`TopicPartition`]: by topic name, then by number.

use crate::ids::{Topic, TopicPartition};

/// One value per partition.
#[derive(Clone, Debug)]
pub struct PartitionMap<V> {
    /// By topic name; in each, by partition number. No topic is without a value.
    topics: Vec<(Topic, Vec<Option<V>>)>,
}

impl<V> Default for PartitionMap<V> {
    fn default() -> Self {
        PartitionMap { topics: Vec::new() }
    }
}

impl<V> PartitionMap<V> {
    /// The value of a partition.
    #[inline]
    pub fn get(&self, partition: TopicPartition) -> Option<&V> {
        let (_, values) = self.topics.iter().find(|(topic, _)| *topic == partition.topic)?;
        values.get(usize::try_from(partition.partition).ok()?)?.as_ref()
    }

    /// The value of a partition, to be changed.
    #[inline]
    pub fn get_mut(&mut self, partition: TopicPartition) -> Option<&mut V> {
        let (_, values) = self.topics.iter_mut().find(|(topic, _)| *topic == partition.topic)?;
        values.get_mut(usize::try_from(partition.partition).ok()?)?.as_mut()
    }

    /// Whether a partition has a value.
    pub fn contains(&self, partition: TopicPartition) -> bool {
        self.get(partition).is_some()
    }

    /// Gives a partition a value; returns the one it had.
    ///
    /// # Panics
    /// If the partition's number is negative: there is no such partition.
    pub fn insert(&mut self, partition: TopicPartition, value: V) -> Option<V> {
        self.place(partition).replace(value)
    }

    /// The value of a partition, which is made if it has none.
    #[inline]
    pub fn get_or_insert_with(&mut self, partition: TopicPartition, make: impl FnOnce() -> V) -> &mut V {
        self.place(partition).get_or_insert_with(make)
    }

    /// Takes a partition's value away.
    pub fn remove(&mut self, partition: TopicPartition) -> Option<V> {
        let index = self.topics.iter().position(|(topic, _)| *topic == partition.topic)?;
        let values = &mut self.topics[index].1;
        let value = values.get_mut(usize::try_from(partition.partition).ok()?)?.take();
        while values.last().is_some_and(Option::is_none) {
            values.pop();
        }
        if values.is_empty() {
            self.topics.remove(index);
        }
        value
    }

    /// Keeps the partitions for which `wanted` is true.
    pub fn retain(&mut self, wanted: impl Fn(TopicPartition) -> bool) {
        for (topic, values) in &mut self.topics {
            for (number, value) in values.iter_mut().enumerate() {
                value.take_if(|_| !wanted(at(*topic, number)));
            }
        }
        self.topics.retain(|(_, values)| values.iter().any(Option::is_some));
    }

    /// How many partitions have a value.
    pub fn len(&self) -> usize {
        self.keys().count()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Partitions and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (TopicPartition, &V)> {
        self.topics.iter().flat_map(|(topic, values)| {
            values
                .iter()
                .enumerate()
                .filter_map(|(number, value)| Some((at(*topic, number), value.as_ref()?)))
        })
    }

    /// Partitions and values to be changed, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (TopicPartition, &mut V)> {
        self.topics.iter_mut().flat_map(|(topic, values)| {
            values
                .iter_mut()
                .enumerate()
                .filter_map(|(number, value)| Some((at(*topic, number), value.as_mut()?)))
        })
    }

    /// The partitions, in order.
    pub fn keys(&self) -> impl Iterator<Item = TopicPartition> {
        self.iter().map(|(partition, _)| partition)
    }

    /// The values, in order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The values, to be changed, in order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    #[inline]
    fn place(&mut self, partition: TopicPartition) -> &mut Option<V> {
        let number = usize::try_from(partition.partition).expect("partitions count from 0");
        let topic = match self.topics.iter().position(|(topic, _)| *topic == partition.topic) {
            Some(index) => index,
            None => {
                let index = self.topics.partition_point(|(topic, _)| *topic < partition.topic);
                self.topics.insert(index, (partition.topic, Vec::new()));
                index
            }
        };
        let values = &mut self.topics[topic].1;
        if values.len() <= number {
            values.resize_with(number + 1, || None);
        }
        &mut values[number]
    }
}

fn at(topic: Topic, number: usize) -> TopicPartition {
    TopicPartition { topic, partition: number as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_is_the_map_that_the_standard_library_has() {
        let (mut map, mut model) = (PartitionMap::default(), BTreeMap::new());
        for step in 0..2000_u32 {
            let draw = step.wrapping_mul(2_654_435_761) >> 7;
            let topic = ["orders", "b", "a-long-name"][draw as usize % 3];
            let partition = TopicPartition::new(topic, (draw >> 4) as i32 % 9);
            match draw >> 10 & 3 {
                0 => assert_eq!(map.remove(partition), model.remove(&partition)),
                1 => {
                    *map.get_or_insert_with(partition, || step) += 1;
                    *model.entry(partition).or_insert(step) += 1;
                }
                2 => assert_eq!(map.insert(partition, step), model.insert(partition, step)),
                _ if draw % 50 == 0 => {
                    map.retain(|other| other.topic != partition.topic);
                    model.retain(|other, _| other.topic != partition.topic);
                }
                _ => assert_eq!(map.get_mut(partition), model.get_mut(&partition)),
            }
            assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
            assert_eq!(
                (map.get(partition), map.contains(partition)),
                (model.get(&partition), model.contains_key(&partition))
            );
            assert!(map.iter().eq(model.iter().map(|(partition, value)| (*partition, value))));
        }
        assert_eq!(map.get(TopicPartition { partition: -1, ..TopicPartition::new("orders", 0) }), None);
    }
}
