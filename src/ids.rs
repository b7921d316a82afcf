//! Names, ids and epochs: one type each, so that a leader epoch cannot be handed in for a controller epoch.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::sync::{Mutex, OnceLock};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number!(
    /// `broker.id`.
    BrokerId(i32)
);
number!(
    /// Where a process can be reached: its host and port. The world hands these out; 0 is always ZooKeeper.
    NodeId(u16)
);
number!(
    /// Counts the leaders of one partition. -1 is "unknown".
    LeaderEpoch(i32)
);
number!(
    /// Counts the controllers of the cluster; kept in `/controller_epoch`.
    ControllerEpoch(i32)
);
number!(
    /// One life of a broker: the zxid with which its `/brokers/ids` znode was created (KIP-380). -1 is "unknown".
    BrokerEpoch(i64)
);
number!(
    /// The version of a znode, for compare-and-set. Kafka calls that of a partition's state `zkVersion`.
    ZkVersion(i32)
);
number!(
    /// A position in a partition's log. An *end* offset is exclusive: the offset of the next record.
    Offset(i64)
);
number!(
    /// One TCP connection as its accepting side knows it. Never reused within a trial.
    ConnectionId(u32)
);
number!(
    /// A request in flight, as its sender knows it. Never reused within one life of a node.
    CallId(u64)
);

impl NodeId {
    /// The ZooKeeper ensemble, one linearizable node here.
    pub const ZOOKEEPER: NodeId = NodeId(0);
}

impl BrokerId {
    /// "No broker": the leader of a partition that has none, the replica id of a consumer's fetch.
    pub const NONE: BrokerId = BrokerId(-1);
}

impl CallId {
    /// The `number`-th call of one part of a node; parts count on their own and answers find their way back by `part`.
    pub fn new(part: u8, number: u64) -> CallId {
        CallId(u64::from(part) << 56 | number)
    }

    /// The part of the node that made the call.
    pub fn part(self) -> u8 {
        (self.0 >> 56) as u8
    }
}

impl LeaderEpoch {
    /// "Unknown epoch", -1 on the wire and in batches that nobody has stamped yet.
    pub const NONE: LeaderEpoch = LeaderEpoch(-1);

    /// The epoch of the next leader.
    pub fn next(self) -> LeaderEpoch {
        LeaderEpoch(self.0 + 1)
    }
}

impl Offset {
    /// The first offset of a new log.
    pub const ZERO: Offset = Offset(0);
    /// "Unknown offset", as Kafka writes it.
    pub const NONE: Offset = Offset(-1);
}

impl Add<i64> for Offset {
    type Output = Offset;
    fn add(self, count: i64) -> Offset {
        Offset(self.0 + count)
    }
}

impl AddAssign<i64> for Offset {
    fn add_assign(&mut self, count: i64) {
        self.0 += count;
    }
}

impl Sub for Offset {
    type Output = i64;
    fn sub(self, other: Offset) -> i64 {
        self.0 - other.0
    }
}

/// The name of a topic. Copied freely: names are interned for the life of the process, ordered and compared by text.
#[derive(Copy, Clone)]
pub struct Topic(&'static str);

impl Topic {
    /// The topic of this name.
    pub fn new(name: &str) -> Topic {
        static NAMES: OnceLock<Mutex<BTreeSet<&'static str>>> = OnceLock::new();
        let mut names =
            NAMES.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = names.get(name) {
            return Topic(known);
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.insert(kept);
        Topic(kept)
    }

    /// The name as text.
    pub fn name(self) -> &'static str {
        self.0
    }
}

// Equal names are one interned string, so identity decides equality; order is by text, never by address.
impl PartialEq for Topic {
    fn eq(&self, other: &Topic) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Topic {}

impl PartialOrd for Topic {
    fn partial_cmp(&self, other: &Topic) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Topic {
    fn cmp(&self, other: &Topic) -> Ordering {
        if self == other { Ordering::Equal } else { self.0.cmp(other.0) }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A partition of a topic, written `orders-0` as Kafka names its directory.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Topic,
    /// The partition's number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Partition `partition` of the topic called `topic`.
    pub fn new(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: Topic::new(topic), partition }
    }

    /// Reads `orders-0`; the number follows the *last* dash, since topic names may contain dashes.
    pub fn parse(text: &str) -> Option<TopicPartition> {
        let (topic, partition) = text.rsplit_once('-')?;
        let partition = partition.parse().ok().filter(|number| *number >= 0)?;
        (!topic.is_empty()).then(|| TopicPartition::new(topic, partition))
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_parse_as_kafka_names_their_directories() {
        assert_eq!(TopicPartition::parse("a-b-3"), Some(TopicPartition::new("a-b", 3)));
        for bad in ["orders", "-1", "orders-", "orders-x", "orders--1"] {
            let parsed = TopicPartition::parse(bad);
            assert!(
                parsed.is_none() || parsed == Some(TopicPartition::new("orders-", 1)),
                "{bad}: {parsed:?}"
            );
        }
        assert!(Topic::new("a") < Topic::new("b"));
    }
}
