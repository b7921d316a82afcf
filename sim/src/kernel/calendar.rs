//! Commands given ahead of time: what a workload is made of.
//!
//! A workload may be tens of thousands of commands, and a fork of the world must not copy them. So they stand beside
//! the event queue, sorted, behind an `Arc`: a world moves its own cursor through a list that all forks share.

use crate::kernel::queue::Key;
use kafka::command::Command;
use kafka::ids::NodeId;
use std::sync::Arc;

/// Scheduled commands, in total order.
#[derive(Clone, Default)]
pub struct Calendar {
    entries: Arc<Vec<Entry>>,
    /// How many of them are past.
    done: usize,
    /// The key of the first that is not.
    next: Option<Key>,
}

#[derive(Clone)]
struct Entry {
    key: Key,
    node: NodeId,
    command: Option<Command>,
}

impl Calendar {
    /// Adds a command. Adding in order of time costs least.
    pub fn add(&mut self, key: Key, node: NodeId, command: Command) {
        let entries = Arc::make_mut(&mut self.entries);
        if self.done == entries.len() {
            entries.clear();
            self.done = 0;
        }
        let entry = Entry { key, node, command: Some(command) };
        match entries.last() {
            Some(last) if last.key > key => {
                let place = self.done + entries[self.done..].partition_point(|entry| entry.key < key);
                entries.insert(place, entry);
            }
            _ => entries.push(entry),
        }
        self.next = Some(entries[self.done].key);
    }

    /// The key of the next command, or [`Key::NEVER`].
    pub fn next(&self) -> Key {
        self.next.unwrap_or(Key::NEVER)
    }

    /// Takes the next command: moved out if no fork can see it, else copied.
    pub fn pop(&mut self) -> Option<(NodeId, Command)> {
        self.next?;
        let taken = match Arc::get_mut(&mut self.entries) {
            Some(entries) => {
                let entry = &mut entries[self.done];
                (entry.node, entry.command.take())
            }
            None => {
                let entry = &self.entries[self.done];
                (entry.node, entry.command.clone())
            }
        };
        self.done += 1;
        self.next = self.entries.get(self.done).map(|entry| entry.key);
        Some((taken.0, taken.1.expect("a command ahead of the cursor is still there")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::time::Time;

    fn command(node: u16) -> Command {
        Command::ExpireSession(NodeId(node))
    }

    #[test]
    fn commands_come_in_order_of_time_and_a_fork_keeps_its_own_cursor() {
        let mut calendar = Calendar::default();
        for (sequence, at) in [5, 3, 9, 3].into_iter().enumerate() {
            calendar.add(Key::new(Time(at), 0, sequence as u64), NodeId(sequence as u16), command(0));
        }
        assert_eq!(calendar.pop().map(|(node, _)| node), Some(NodeId(1)));
        let mut fork = calendar.clone();
        let rest = |calendar: &mut Calendar| -> Vec<u16> {
            std::iter::from_fn(|| calendar.pop()).map(|(node, _)| node.0).collect()
        };
        assert_eq!(rest(&mut calendar), [3, 0, 2]);
        assert_eq!(rest(&mut fork), [3, 0, 2]);
        assert_eq!(fork.next(), Key::NEVER);
        fork.add(Key::new(Time(1), 0, 9), NodeId(9), command(0));
        assert_eq!(rest(&mut fork), [9]);
    }
}
