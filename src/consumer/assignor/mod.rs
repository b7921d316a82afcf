//! Who reads which partition of a group (`ConsumerPartitionAssignor`): pure functions, run by the member that leads it.
//!
//! 1. Every member sends a [`Subscription`]: its topics, what it owns, and bytes of its assignor's own.
//! 2. The leader's assignor deals the partitions of all topics out to all members ([`Assignor::assign`]).
//! 3. Every member is told its part, and its own assignor remembers what it needs for the next time
//!    ([`AssignorState`]).
//!
//! `range.rs` and `round_robin.rs` begin anew each time. `sticky.rs` keeps what members have, by one of two algorithms:
//! `constrained.rs` where all subscribe to the same, `general.rs` otherwise; both have changed much, by the rule
//! `sticky-assignor`. `cooperative_sticky.rs` holds back what another member must give up first (KIP-429). A scenario
//! can give a [`CustomAssignor`] as data.
//!
//! Assignments equal Kafka's own to the order of each list, also where they follow Java's hashes (`java_map.rs`).
//! Where Kafka's code throws, there is no assignment but a [`Thrown`].

mod constrained;
mod cooperative_sticky;
mod general;
pub mod java_map;
mod movements;
mod racks;
mod range;
mod round_robin;
mod sticky;

use crate::era::Era;
use crate::ids::{Topic, TopicPartition};
use bytes::Bytes;
use java_map::{JavaMap, JavaSet};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a member says of itself when it joins (`ConsumerPartitionAssignor.Subscription`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Subscription {
    /// The topics it subscribes to, in the order it names them.
    pub topics: Vec<Topic>,
    /// Bytes of its assignor's own.
    pub user_data: Option<Bytes>,
    /// What it owns (from 2.4 on, KIP-429).
    pub owned: Vec<TopicPartition>,
    /// The generation it owned that in (from 3.4 on, KIP-792).
    pub generation: Option<i32>,
    /// `group.instance.id`, known from the group and not from its own bytes (from 2.3 on, KIP-345).
    pub instance: Option<Arc<str>>,
    /// `client.rack` (from 3.5 on, KIP-881).
    pub rack: Option<Arc<str>>,
}

/// The partitions of each topic, each with the racks of its replicas, the leader's first.
pub type PartitionRacks = BTreeMap<Topic, Vec<Vec<Option<Arc<str>>>>>;

/// What each member is to read, by member id.
pub type Assignment = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// What Kafka's code threw instead of assigning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Thrown {
    /// `NullPointerException`: something was looked up that is not there.
    NullPointer,
    /// `IllegalStateException`, with its message.
    IllegalState(String),
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thrown::NullPointer => f.write_str("NullPointerException"),
            Thrown::IllegalState(message) => write!(f, "IllegalStateException: {message}"),
        }
    }
}

/// How a rebalance goes about what members own (`RebalanceProtocol`, KIP-429).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RebalanceProtocol {
    /// A member gives up all it has before it joins.
    Eager,
    /// A member keeps what it has, and gives up what it is told to.
    Cooperative,
}

/// An assignor, by what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Assignor {
    /// `RangeAssignor`.
    Range,
    /// `RoundRobinAssignor`.
    RoundRobin,
    /// `StickyAssignor` (from 0.11 on, KIP-54).
    Sticky,
    /// `CooperativeStickyAssignor` (from 2.4 on, KIP-429).
    CooperativeSticky,
    /// One of the application's own.
    Custom(CustomAssignor),
}

/// An assignor that a scenario gives as data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomAssignor {
    /// Its name in the group's protocol.
    pub name: Arc<str>,
    /// Whom it gives what.
    pub deals: Deals,
}

/// How a [`CustomAssignor`] deals partitions out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Deals {
    /// All partitions of its topics to every member: a broadcast inside one group.
    EverythingToEveryone,
    /// What stands here. A member goes by its `group.instance.id` where it has one, else by its client id, which its
    /// member id begins with; who is not named gets nothing.
    Fixed(BTreeMap<Arc<str>, Vec<TopicPartition>>),
}

/// What one member's assignor remembers from one rebalance to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssignorState {
    /// What it was assigned last; none before its first assignment.
    assigned: Option<Vec<TopicPartition>>,
    /// The generation of that.
    generation: i32,
    /// The newest generation that it has seen members claim, as a leader.
    max_generation: i32,
}

/// "No generation", as Kafka writes it.
pub const NO_GENERATION: i32 = -1;

impl Default for AssignorState {
    fn default() -> Self {
        AssignorState { assigned: None, generation: NO_GENERATION, max_generation: NO_GENERATION }
    }
}

impl AssignorState {
    /// `onAssignment`: what the member was assigned, in which generation.
    pub fn on_assignment(&mut self, assigned: &[TopicPartition], generation: i32) {
        self.assigned = Some(assigned.to_vec());
        self.generation = generation;
    }
}

impl Assignor {
    /// Its name in the group's protocol.
    pub fn name(&self) -> &str {
        match self {
            Assignor::Range => "range",
            Assignor::RoundRobin => "roundrobin",
            Assignor::Sticky => "sticky",
            Assignor::CooperativeSticky => "cooperative-sticky",
            Assignor::Custom(custom) => &custom.name,
        }
    }

    /// Kafka's own of this name.
    pub fn parse(name: &str) -> Option<Assignor> {
        let own = [Assignor::Range, Assignor::RoundRobin, Assignor::Sticky, Assignor::CooperativeSticky];
        own.into_iter().find(|assignor| assignor.name() == name)
    }

    /// The protocols it supports (`supportedProtocols`).
    pub fn protocols(&self) -> &'static [RebalanceProtocol] {
        match self {
            Assignor::CooperativeSticky => &[RebalanceProtocol::Eager, RebalanceProtocol::Cooperative],
            _ => &[RebalanceProtocol::Eager],
        }
    }

    /// The bytes a member's own assignor adds to its subscription (`subscriptionUserData`).
    pub fn user_data(&self, state: &AssignorState, era: &Era) -> Option<Bytes> {
        match self {
            Assignor::Sticky => sticky::user_data(state, era),
            Assignor::CooperativeSticky => cooperative_sticky::user_data(state, era),
            Assignor::Range | Assignor::RoundRobin | Assignor::Custom(_) => None,
        }
    }

    /// Deals out the partitions of all topics. `members` stand in the order the coordinator named them; topics that
    /// `topics` does not have are left out.
    ///
    /// # Errors
    /// What Kafka's code would throw.
    pub fn assign(
        &self,
        topics: &PartitionRacks,
        members: &[(Arc<str>, Subscription)],
        state: &mut AssignorState,
        era: &Era,
    ) -> Result<Assignment, Thrown> {
        let group = Group::new(topics, members, era);
        let assigned = match self {
            Assignor::Range => range::assign(&group),
            Assignor::RoundRobin => round_robin::assign(&group),
            Assignor::Sticky => sticky::assign(&group, sticky::Claims::UserData, state)?.assigned,
            Assignor::CooperativeSticky => cooperative_sticky::assign(&group, state)?,
            Assignor::Custom(custom) => custom.assign(&group),
        };
        Ok(assigned.iter().map(|(member, partitions)| (Arc::from(*member), partitions.clone())).collect())
    }
}

impl CustomAssignor {
    fn assign<'a>(&self, group: &Group<'a>) -> Assigned<'a> {
        let mut assigned = group.nobody_has_anything();
        for (member, partitions) in assigned.iter_mut() {
            let subscription = group.subscription(member);
            match &self.deals {
                Deals::EverythingToEveryone => {
                    let topics = subscription.topics.iter().copied();
                    partitions.extend(topics.flat_map(|topic| group.partitions(topic)));
                }
                Deals::Fixed(fixed) => {
                    let by_client = || fixed.iter().find(|(name, _)| is_of_client(member, name));
                    let named = match &subscription.instance {
                        Some(instance) => fixed.get_key_value(instance),
                        None => by_client(),
                    };
                    partitions.extend(named.into_iter().flat_map(|(_, fixed)| fixed.iter().copied()));
                }
            }
        }
        assigned
    }
}

/// Whether a member id is one of this client id: the client id, a dash, and something unique.
fn is_of_client(member: &str, client: &str) -> bool {
    member == client || member.strip_prefix(client).is_some_and(|rest| rest.starts_with('-'))
}

/// What each member gets, in the order Java has it in.
type Assigned<'a> = JavaMap<&'a str, Vec<TopicPartition>>;

/// The group as an assignor is given it (`Cluster` and `GroupSubscription`), with its maps in Java's order.
struct Group<'a> {
    era: &'a Era,
    topics: &'a PartitionRacks,
    subscriptions: JavaMap<&'a str, &'a Subscription>,
    /// How many partitions each topic has that somebody subscribes to and that exists (`partitionsPerTopic`).
    partitions: JavaMap<Topic, i32>,
}

impl<'a> Group<'a> {
    fn new(topics: &'a PartitionRacks, members: &'a [(Arc<str>, Subscription)], era: &'a Era) -> Group<'a> {
        let mut subscriptions = JavaMap::default();
        for (member, subscription) in members {
            subscriptions.put(&**member, subscription);
        }
        let mut subscribed = JavaSet::default();
        for subscription in subscriptions.values() {
            for topic in &subscription.topics {
                subscribed.add(*topic);
            }
        }
        let mut partitions = JavaMap::default();
        for topic in subscribed.keys() {
            let count = topics.get(topic).map_or(0, Vec::len);
            if count > 0 {
                partitions.put(*topic, count as i32);
            }
        }
        Group { era, topics, subscriptions, partitions }
    }

    fn subscription(&self, member: &str) -> &'a Subscription {
        self.subscriptions.get(member).expect("it is asked for members only")
    }

    /// How many partitions a topic has; none for one that does not exist.
    fn count(&self, topic: Topic) -> Option<i32> {
        self.partitions.get(topic).copied()
    }

    /// All partitions of a topic, in order.
    fn partitions(&self, topic: Topic) -> impl Iterator<Item = TopicPartition> + use<> {
        (0..self.count(topic).unwrap_or(0)).map(move |partition| TopicPartition { topic, partition })
    }

    /// How many partitions there are.
    fn total(&self) -> usize {
        self.partitions.values().map(|count| *count as usize).sum()
    }

    /// The racks of a partition's replicas, each once.
    fn racks(&self, partition: TopicPartition) -> Vec<&'a str> {
        let replicas =
            self.topics.get(&partition.topic).and_then(|all| all.get(partition.partition as usize));
        let mut racks: Vec<&str> = replicas.into_iter().flatten().flatten().map(|rack| &**rack).collect();
        racks.sort_unstable();
        racks.dedup();
        racks
    }

    /// A map with every member, and nothing for anybody yet.
    fn nobody_has_anything(&self) -> Assigned<'a> {
        let mut assigned = JavaMap::default();
        for member in self.subscriptions.keys() {
            assigned.put(*member, Vec::new());
        }
        assigned
    }
}

/// Takes the first such partition out of a list, as `List.remove(Object)` does.
fn remove_first(partitions: &mut Vec<TopicPartition>, partition: TopicPartition) {
    if let Some(at) = partitions.iter().position(|known| *known == partition) {
        partitions.remove(at);
    }
}

#[cfg(test)]
mod tests;
