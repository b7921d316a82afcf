//! What will happen, in total order: (virtual time, tie, sequence).
//!
//! Two structures share that order. The [`Queue`] holds what is on its way: a heap of 24-byte entries, four children
//! to a node so that a sift touches few cache lines, with the payloads in a slab beside it. [`Turns`] holds for each
//! node the one moment at which it next wants the CPU (an inbox to work off, a deadline that passes): a tournament
//! tree with one leaf per node, so that moving a deadline leaves nothing stale behind.
//!
//! `tie` is 0 unless both orders of simultaneous events are to get their turn; then it is drawn, and `sequence` decides
//! among equals. It never reorders one channel: the network gives a packet at least the tie of the one before.

use kafka::time::Time;
use std::cmp::Ordering;

/// A place in the total order.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// When.
    pub at: Time,
    /// Tie in the upper 16 bits, sequence number below.
    order: u64,
}

const SEQUENCE_BITS: u32 = 48;

impl Key {
    /// After everything else.
    pub const NEVER: Key = Key { at: Time::NEVER, order: u64::MAX };

    /// Time and order in one number: two of them are compared without a branch, whose outcome nobody could foresee.
    #[inline]
    fn whole(self) -> u128 {
        u128::from(self.at.0) << 64 | u128::from(self.order)
    }

    /// The `sequence`-th key made in this trial.
    pub fn new(at: Time, tie: u16, sequence: u64) -> Key {
        assert!(sequence < 1 << SEQUENCE_BITS, "out of sequence numbers");
        Key { at, order: u64::from(tie) << SEQUENCE_BITS | sequence }
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Key) -> Ordering {
        self.whole().cmp(&other.whole())
    }
}

impl PartialOrd for Key {
    #[inline]
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    #[inline]
    fn lt(&self, other: &Key) -> bool {
        self.whole() < other.whole()
    }

    #[inline]
    fn le(&self, other: &Key) -> bool {
        self.whole() <= other.whole()
    }
}

/// A priority queue over payloads of any size.
#[derive(Clone)]
pub struct Queue<T> {
    heap: Vec<Entry>,
    slab: Vec<Option<T>>,
    free: Vec<u32>,
}

#[derive(Copy, Clone)]
struct Entry {
    key: Key,
    slot: u32,
}

/// Children of a heap node.
const ARITY: usize = 4;

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: Vec::new(), slab: Vec::new(), free: Vec::new() }
    }
}

impl<T> Queue<T> {
    /// Adds what is to happen at `key`.
    pub fn push(&mut self, key: Key, payload: T) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slab[slot as usize] = Some(payload);
                slot
            }
            None => {
                self.slab.push(Some(payload));
                (self.slab.len() - 1) as u32
            }
        };
        let mut hole = self.heap.len();
        let entry = Entry { key, slot };
        self.heap.push(entry);
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.heap[parent].key <= key {
                break;
            }
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = entry;
    }

    /// The key of what happens next, or [`Key::NEVER`].
    pub fn next(&self) -> Key {
        self.heap.first().map_or(Key::NEVER, |entry| entry.key)
    }

    /// Takes what happens next.
    pub fn pop(&mut self) -> Option<T> {
        let first = *self.heap.first()?;
        let last = self.heap.pop().expect("the heap has a first entry");
        if !self.heap.is_empty() {
            self.sift_down(last);
        }
        self.free.push(first.slot);
        let payload = self.slab[first.slot as usize].take();
        Some(payload.expect("an entry of the heap has a payload"))
    }

    /// How much is on its way.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    fn sift_down(&mut self, entry: Entry) {
        let mut hole = 0;
        loop {
            let children = ARITY * hole + 1;
            if children >= self.heap.len() {
                break;
            }
            let end = (children + ARITY).min(self.heap.len());
            let (mut smallest, mut least) = (children, self.heap[children]);
            for (child, other) in (children + 1..end).zip(&self.heap[children + 1..end]) {
                let less = other.key < least.key;
                smallest = if less { child } else { smallest };
                least = if less { *other } else { least };
            }
            if entry.key <= least.key {
                break;
            }
            self.heap[hole] = least;
            hole = smallest;
        }
        self.heap[hole] = entry;
    }
}

/// For each node the moment it next wants the CPU: at most one, by construction.
#[derive(Clone, Default)]
pub struct Turns {
    keys: Vec<Key>,
    /// A tournament: leaf `width + node`, and in each inner place the winner of its two children; 1 is the root.
    winners: Vec<u16>,
    width: usize,
}

impl Turns {
    /// For this many nodes, none of which wants anything.
    pub fn new(nodes: usize) -> Turns {
        let width = nodes.next_power_of_two().max(1);
        let mut turns = Turns { keys: vec![Key::NEVER; width], winners: vec![0; 2 * width], width };
        for node in 0..width {
            turns.winners[width + node] = node as u16;
        }
        for place in (1..width).rev() {
            turns.winners[place] = turns.winners[2 * place];
        }
        turns
    }

    /// When this node's turn is.
    pub fn get(&self, node: usize) -> Key {
        self.keys[node]
    }

    /// Moves this node's turn.
    pub fn set(&mut self, node: usize, key: Key) {
        self.keys[node] = key;
        let mut place = (self.width + node) / 2;
        while place > 0 {
            let (left, right) = (self.winners[2 * place], self.winners[2 * place + 1]);
            let left_first = self.keys[usize::from(left)] <= self.keys[usize::from(right)];
            self.winners[place] = if left_first { left } else { right };
            place /= 2;
        }
    }

    /// Whose turn is next, and when; [`Key::NEVER`] if nobody's is.
    pub fn next(&self) -> (usize, Key) {
        let node = usize::from(if self.width == 1 { 0 } else { self.winners[1] });
        (node, self.keys[node])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_queue_is_in_order_of_time_tie_and_sequence(
            pushes in prop::collection::vec((0..20u64, 0..3u16, any::<bool>()), 0..200),
        ) {
            let mut queue = Queue::default();
            let mut model: Vec<(Key, usize)> = Vec::new();
            for (number, (at, tie, pop)) in pushes.into_iter().enumerate() {
                let key = Key::new(Time(at), tie, number as u64);
                queue.push(key, number);
                model.push((key, number));
                if pop {
                    model.sort();
                    prop_assert_eq!(queue.next(), model[0].0);
                    prop_assert_eq!(queue.pop(), Some(model.remove(0).1));
                }
            }
            model.sort();
            prop_assert_eq!(queue.len(), model.len());
            for (_, number) in model {
                prop_assert_eq!(queue.pop(), Some(number));
            }
            prop_assert!(queue.is_empty() && queue.pop().is_none());
            prop_assert_eq!(queue.next(), Key::NEVER);
        }

        #[test]
        fn the_next_turn_is_the_earliest_of_all(
            nodes in 1..40usize,
            moves in prop::collection::vec((0..40usize, 0..50u64), 1..100),
        ) {
            let mut turns = Turns::new(nodes);
            let mut model = vec![Key::NEVER; nodes];
            prop_assert_eq!(turns.next().1, Key::NEVER);
            for (number, (node, at)) in moves.into_iter().enumerate() {
                let node = node % nodes;
                let key = if at == 0 { Key::NEVER } else { Key::new(Time(at), 0, number as u64) };
                turns.set(node, key);
                model[node] = key;
                let (winner, earliest) = turns.next();
                prop_assert_eq!(earliest, *model.iter().min().unwrap());
                prop_assert_eq!(model[winner], earliest);
            }
        }
    }
}
