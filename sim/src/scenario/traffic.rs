//! Steady traffic: records that are sent one after the other while the scenario goes on.

use super::sends::Sends;
use kafka::command::Command;
use kafka::ids::{NodeId, TopicPartition};
use kafka::time::{Micros, Time};
use std::collections::VecDeque;

/// What one source still has to send.
#[derive(Clone, Debug)]
pub enum Load {
    /// Records with names, one at a time.
    Named(VecDeque<String>),
    /// So many sends of so many nameless records of this size.
    Filler {
        /// Sends left.
        left: u64,
        /// Records in each.
        records: u64,
        /// Bytes in each value.
        size: u32,
    },
}

/// One source.
#[derive(Clone, Debug)]
struct Source {
    producer: NodeId,
    partitions: Vec<TopicPartition>,
    turn: usize,
    key: Option<String>,
    next: Time,
    every: Micros,
    load: Load,
}

/// All sources of a run.
#[derive(Clone, Default, Debug)]
pub struct Traffic {
    sources: Vec<Source>,
    next: Option<Time>,
}

impl Traffic {
    /// Adds a source that first sends at `from`, to its partitions in turn.
    pub fn add(
        &mut self,
        producer: NodeId,
        partitions: Vec<TopicPartition>,
        key: Option<String>,
        from: Time,
        every: Micros,
        load: Load,
    ) {
        self.sources.push(Source { producer, partitions, turn: 0, key, next: from, every, load });
        self.find_next();
    }

    /// When something is sent next.
    pub fn next(&self) -> Option<Time> {
        self.next
    }

    /// What is sent at `now`, in the order in which the sources were added.
    pub fn due(&mut self, now: Time, sends: &mut Sends) -> Vec<(NodeId, Command)> {
        let mut commands = Vec::new();
        for source in self.sources.iter_mut().filter(|source| source.next <= now) {
            let partition = source.partitions[source.turn % source.partitions.len()];
            let key = source.key.as_deref();
            let command = match &mut source.load {
                Load::Named(values) => values
                    .pop_front()
                    .map(|value| sends.named(source.producer, now, partition, &[value], key)),
                Load::Filler { left, records, size } => left.checked_sub(1).map(|less| {
                    *left = less;
                    sends.filler(source.producer, now, partition, (*records, *size), key)
                }),
            };
            source.turn += 1;
            source.next = now + source.every;
            commands.extend(command.map(|command| (source.producer, command)));
        }
        self.sources.retain(|source| match &source.load {
            Load::Named(values) => !values.is_empty(),
            Load::Filler { left, .. } => *left > 0,
        });
        self.find_next();
        commands
    }

    fn find_next(&mut self) {
        self.next = self.sources.iter().map(|source| source.next).min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_send_in_turn_and_end() {
        let (mut traffic, mut sends) = (Traffic::default(), Sends::default());
        let partitions = vec![TopicPartition::new("t", 0), TopicPartition::new("t", 1)];
        let load = Load::Filler { left: 3, records: 2, size: 4 };
        traffic.add(NodeId(5), partitions.clone(), None, Time(10), Micros(7), load);
        let mut seen = Vec::new();
        while let Some(at) = traffic.next() {
            for (node, command) in traffic.due(at, &mut sends) {
                let Command::Produce { partition, records, .. } = command else { panic!("{command:?}") };
                assert_eq!((node, records.len()), (NodeId(5), 2));
                seen.push((at, partition));
            }
        }
        assert_eq!(seen, [(Time(10), partitions[0]), (Time(17), partitions[1]), (Time(24), partitions[0])]);
    }
}
