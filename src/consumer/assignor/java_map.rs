//! The order in which `java.util.HashMap` hands out its entries.
//!
//! Kafka's assignors walk hash maps, so which member gets what can follow Java's hashes of names. An assignment that
//! is to equal Kafka's needs that order. This is the map as far as its order goes: a table of chains that doubles when
//! it is three quarters full; `put` appends to a chain, `computeIfAbsent` puts in front.
//!
//! Left out: chains turned into trees, which needs nine keys of one chain in a table of 64 or more.

use crate::era::{Era, Release};
use crate::ids::{Topic, TopicPartition};

/// What Java hashes: `hashCode()`.
pub trait JavaHash: Eq {
    /// The hash, as Java computes it.
    fn java_hash(&self) -> i32;
}

impl JavaHash for &str {
    fn java_hash(&self) -> i32 {
        self.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
    }
}

impl JavaHash for Topic {
    fn java_hash(&self) -> i32 {
        self.name().java_hash()
    }
}

impl JavaHash for TopicPartition {
    fn java_hash(&self) -> i32 {
        let with_partition = 31i32.wrapping_add(self.partition);
        with_partition.wrapping_mul(31).wrapping_add(self.topic.java_hash())
    }
}

/// The table a map begins with.
const INITIAL: usize = 16;
/// A chain longer than this in a table smaller than [`TREES_FROM`] doubles the table.
const LONG_CHAIN: usize = 8;
const TREES_FROM: usize = 64;

/// A map in Java's order.
#[derive(Clone, Debug)]
pub struct JavaMap<K, V> {
    table: Vec<Vec<(K, V)>>,
    len: usize,
}

/// A set in Java's order: the keys of a map, as `java.util.HashSet` is.
pub type JavaSet<K> = JavaMap<K, ()>;

impl<K, V> Default for JavaMap<K, V> {
    fn default() -> Self {
        JavaMap::with_table(INITIAL)
    }
}

impl<K, V> JavaMap<K, V> {
    /// `new HashMap<>(capacity)`: a table of the next power of two.
    pub fn with_capacity(capacity: usize) -> Self {
        JavaMap::with_table(capacity.max(1).next_power_of_two())
    }

    fn with_table(size: usize) -> Self {
        JavaMap { table: std::iter::repeat_with(Vec::new).take(size).collect(), len: 0 }
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table.iter().flatten().map(|(key, value)| (key, value))
    }

    /// All entries in order, their values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.table.iter_mut().flatten().map(|(key, value)| (&*key, value))
    }

    /// All keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values in order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Takes all entries out. The table keeps its size.
    pub fn clear(&mut self) {
        self.table.iter_mut().for_each(Vec::clear);
        self.len = 0;
    }

    fn is_over_threshold(&self) -> bool {
        self.len > self.table.len() * 3 / 4
    }
}

impl<K: JavaHash + Copy, V> JavaMap<K, V> {
    fn chain(&self, key: K) -> usize {
        let hash = key.java_hash() as u32;
        (hash ^ (hash >> 16)) as usize & (self.table.len() - 1)
    }

    /// The value of a key.
    pub fn get(&self, key: K) -> Option<&V> {
        self.table[self.chain(key)].iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let chain = self.chain(key);
        self.table[chain].iter_mut().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Whether it has the key.
    pub fn contains(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    /// `put`: the value it had before, if any.
    pub fn put(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(key) {
            return Some(std::mem::replace(known, value));
        }
        let chain = self.chain(key);
        self.table[chain].push((key, value));
        self.len += 1;
        if self.table[chain].len() > LONG_CHAIN && self.table.len() < TREES_FROM {
            self.double();
        }
        if self.is_over_threshold() {
            self.double();
        }
        None
    }

    /// `computeIfAbsent`: the value of the key, made now if there is none. It looks at the size before it inserts,
    /// where `put` looks afterwards.
    pub fn compute_if_absent(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        if self.is_over_threshold() {
            self.double();
        }
        if !self.contains(key) {
            let chain = self.chain(key);
            self.table[chain].insert(0, (key, value()));
            self.len += 1;
            if self.table[chain].len() >= LONG_CHAIN && self.table.len() < TREES_FROM {
                self.double();
            }
        }
        self.get_mut(key).expect("it has just been put in")
    }

    /// The value of a key, made now if there is none, in the way a release groups things.
    pub fn group(&mut self, by: Grouping, key: K, value: impl FnOnce() -> V) -> &mut V {
        match by {
            Grouping::InFront => self.compute_if_absent(key, value),
            Grouping::Behind => {
                if !self.contains(key) {
                    self.put(key, value());
                }
                self.get_mut(key).expect("it has just been put in")
            }
        }
    }

    /// `remove`: the value it had.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let chain = self.chain(key);
        let at = self.table[chain].iter().position(|(known, _)| *known == key)?;
        self.len -= 1;
        Some(self.table[chain].remove(at).1)
    }

    /// Twice the table. A chain is split, each half in the order it had.
    fn double(&mut self) {
        let size = self.table.len() * 2;
        let old = std::mem::replace(&mut self.table, std::iter::repeat_with(Vec::new).take(size).collect());
        for (key, value) in old.into_iter().flatten() {
            let chain = self.chain(key);
            self.table[chain].push((key, value));
        }
    }
}

impl<K: JavaHash + Copy> JavaMap<K, ()> {
    /// `add` of a set: whether it was not there before.
    pub fn add(&mut self, key: K) -> bool {
        self.put(key, ()).is_none()
    }
}

/// How a release puts the first of a group into its map.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// By `put`.
    Behind,
    /// By `computeIfAbsent`.
    InFront,
}

impl Grouping {
    /// The first releases of both (MINOR, no number: a clean-up that moved the order of lists).
    const SINCE: &'static [(Release, Grouping)] =
        &[(Release::FIRST, Grouping::Behind), (Release::new(2, 1, 0), Grouping::InFront)];

    /// That of an era.
    pub fn of(era: &Era) -> Grouping {
        *era.release.look_up(Grouping::SINCE).expect("the table begins before every release")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hash_as_in_java() {
        assert_eq!("".java_hash(), 0);
        assert_eq!("a".java_hash(), 97);
        assert_eq!("consumer-1".java_hash(), -166239206);
        assert_eq!(TopicPartition::new("a", 0).java_hash(), 31 * 31 + 97);
    }

    #[test]
    fn letters_come_in_order_and_a_shared_chain_as_it_was_filled() {
        let mut map = JavaMap::default();
        for key in ["d", "b", "t", "a"] {
            map.put(key, ());
        }
        // "d" is 100 and "t" 116: one chain of sixteen.
        assert_eq!(map.keys().copied().collect::<Vec<_>>(), ["a", "b", "d", "t"]);
        let mut grouped = JavaMap::default();
        for key in ["d", "b", "t", "a"] {
            grouped.compute_if_absent(key, || ());
        }
        assert_eq!(grouped.keys().copied().collect::<Vec<_>>(), ["a", "b", "t", "d"]);
        assert_eq!(grouped.remove("d"), Some(()));
        assert_eq!((grouped.len(), grouped.contains("d")), (3, false));
    }

    #[test]
    fn a_table_three_quarters_full_doubles() {
        let mut map = JavaMap::default();
        for partition in 0..13 {
            map.put(TopicPartition::new("t", partition), partition);
        }
        assert_eq!((map.table.len(), map.len()), (32, 13));
        let mut grouped = JavaMap::default();
        for partition in 0..13 {
            grouped.compute_if_absent(TopicPartition::new("t", partition), || partition);
        }
        assert_eq!(grouped.table.len(), 16, "it looks before it inserts");
        grouped.compute_if_absent(TopicPartition::new("t", 13), || 13);
        assert_eq!(grouped.table.len(), 32);
    }
}
