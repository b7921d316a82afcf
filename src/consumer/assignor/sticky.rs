//! `StickyAssignor` and what it shares with the cooperative one (`AbstractStickyAssignor`): members keep what they
//! have as far as that is fair (KIP-54).
//!
//! 1. What does each member claim, and of which generation? An eager member has given everything up before it joins:
//!    its assignor remembers it, in bytes of its own ([`Claims::UserData`]).
//! 2. Do all subscribe to the same? Then `constrained.rs`, else `general.rs`.
//!
//! Left out: nothing is logged.

use super::constrained::{Claimed, Dealt, assign_by_capacity, assign_by_quota};
use super::general::{self, Previous};
use super::java_map::{Grouping, JavaMap, JavaSet};
use super::racks::RackInfo;
use super::{Assigned, AssignorState, Group, NO_GENERATION, Subscription, Thrown};
use crate::era::Era;
use crate::ids::{Topic, TopicPartition};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::{BTreeMap, BTreeSet};

/// Where a member's claims stand.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Claims {
    /// In the bytes of its assignor (sticky).
    UserData,
    /// In its subscription, as what it owns (cooperative-sticky).
    Owned,
}

/// What a member claims (`MemberData`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct MemberData {
    pub(super) partitions: Vec<TopicPartition>,
    pub(super) generation: Option<i32>,
}

/// What came out, and what of it moves from one member to another: none where nobody has looked (`general.rs`).
pub(super) struct Outcome<'a> {
    pub(super) assigned: Assigned<'a>,
    pub(super) transferring: Option<BTreeMap<TopicPartition, &'a str>>,
}

impl Claims {
    fn of(self, subscription: &Subscription) -> MemberData {
        match self {
            Claims::UserData => read_user_data(subscription.user_data.as_ref()),
            Claims::Owned => super::cooperative_sticky::member_data(subscription),
        }
    }

    /// What is left of a member's claims when its bytes have been read to the end before.
    fn of_read_bytes(self, subscription: &Subscription) -> MemberData {
        match self {
            Claims::UserData => MemberData { partitions: Vec::new(), generation: None },
            Claims::Owned => MemberData {
                partitions: subscription.owned.clone(),
                generation: subscription.user_data.as_ref().map(|_| NO_GENERATION),
            },
        }
    }
}

/// Deals partitions out.
pub(super) fn assign<'a>(
    group: &Group<'a>,
    claims: Claims,
    state: &mut AssignorState,
) -> Result<Outcome<'a>, Thrown> {
    let rule = group.era.rules.sticky_assignor;
    if rule.needs_all_topics() {
        // Up to 2.2 the count of a topic that does not exist is looked up and not there.
        let topics = group.subscriptions.values().flat_map(|subscription| &subscription.topics);
        if topics.into_iter().any(|topic| group.count(*topic).is_none()) {
            return Err(Thrown::NullPointer);
        }
    }
    let racks = RackInfo::new(group);
    if !rule.treats_equals_apart() {
        let (current, previous) = claims_by_generation(group, claims, &BTreeSet::new());
        let assigned = general::assign(group, &racks, current, previous)?;
        return Ok(Outcome { assigned, transferring: None });
    }
    let mut max_generation = if rule.remembers_generation() { state.max_generation } else { NO_GENERATION };
    let (claimed, read) = what_is_claimed(group, claims, &mut max_generation);
    if rule.remembers_generation() {
        state.max_generation = max_generation;
    }
    if read.len() == group.subscriptions.len() {
        let dealt = if rule.deals_by_quota() {
            assign_by_quota(group, &racks, claimed)?
        } else {
            assign_by_capacity(group, claimed)?
        };
        let Dealt { assigned, transferring } = dealt;
        return Ok(Outcome { assigned, transferring: Some(transferring) });
    }
    let (current, previous) = if rule.remembers_generation() {
        (claimed.owned, older_claims(group, claims, max_generation))
    } else {
        claims_by_generation(group, claims, &read)
    };
    let assigned = general::assign(group, &racks, current, previous)?;
    Ok(Outcome { assigned, transferring: None })
}

/// Of each partition the claim of the newest generation, and the one before (up to 2.8). Up to 2.2 all claims. The bytes
/// of some may have been `read` before.
fn claims_by_generation<'a>(
    group: &Group<'a>,
    claims: Claims,
    read: &BTreeSet<&str>,
) -> (Assigned<'a>, Previous<'a>) {
    let reads_once = group.era.rules.sticky_assignor.reads_claims_once();
    let (mut current, mut previous) = (JavaMap::default(), JavaMap::default());
    if !group.era.rules.sticky_assignor.compares_claims() {
        for (member, subscription) in group.subscriptions.iter() {
            if subscription.user_data.as_ref().is_some_and(|data| !data.is_empty()) {
                current.put(*member, claims.of(subscription).partitions);
            }
        }
        return (current, previous);
    }
    let mut by_partition: JavaMap<TopicPartition, BTreeMap<i32, &'a str>> = JavaMap::default();
    for (member, subscription) in group.subscriptions.iter() {
        let data = if reads_once && read.contains(member) {
            claims.of_read_bytes(subscription)
        } else {
            claims.of(subscription)
        };
        for partition in data.partitions {
            if !by_partition.contains(partition) {
                by_partition.put(partition, BTreeMap::new());
            }
            let claimants = by_partition.get_mut(partition).expect("it has just been put in");
            match data.generation {
                // The second of one generation is passed over.
                Some(generation) => _ = claimants.entry(generation).or_insert(*member),
                None => _ = claimants.insert(NO_GENERATION, *member),
            }
        }
    }
    for (partition, claimants) in by_partition.iter() {
        let mut newest_first = claimants.iter().rev();
        if let Some((_, member)) = newest_first.next() {
            current.compute_if_absent(*member, Vec::new).push(*partition);
        }
        if let Some((generation, member)) = newest_first.next() {
            previous.put(*partition, (*member, *generation));
        }
    }
    (current, previous)
}

/// What each owns, and which members were looked at before the first that subscribes to something else: all of them, if
/// all subscribe to the same (`allSubscriptionsEqual`). What a release does with claims of an older generation, and with
/// two of one, differs.
fn what_is_claimed<'a>(
    group: &Group<'a>,
    claims: Claims,
    max_generation: &mut i32,
) -> (Claimed<'a>, BTreeSet<&'a str>) {
    let rule = group.era.rules.sticky_assignor;
    let mut claimed = Claimed { owned: JavaMap::default(), doubly: JavaSet::default() };
    let mut owners: BTreeMap<TopicPartition, &'a str> = BTreeMap::new();
    let mut newest: Vec<&'a str> = Vec::new();
    let mut topics: BTreeSet<Topic> = BTreeSet::new();
    let (mut read, mut all_equal) = (BTreeSet::new(), true);
    for (member, subscription) in group.subscriptions.iter() {
        if topics.is_empty() {
            // Also after a first member that subscribes to nothing.
            topics.extend(&subscription.topics);
        } else if subscription.topics.len() != topics.len()
            || !subscription.topics.iter().all(|topic| topics.contains(topic))
        {
            all_equal = false;
        }
        if all_equal {
            read.insert(*member);
        }
        let data = claims.of(subscription);
        claimed.owned.put(*member, Vec::new());
        let generation = data.generation.unwrap_or(NO_GENERATION);
        let known = data.partitions.into_iter().filter(|partition| group.count(partition.topic).is_some());
        if rule.honours_older_claims() {
            *max_generation = generation.max(*max_generation);
            for partition in known {
                let Some(other) = owners.get(&partition).copied() else {
                    owners.insert(partition, *member);
                    claimed.give(member, partition);
                    continue;
                };
                let other_generation = group.subscription(other).generation.unwrap_or(NO_GENERATION);
                if generation == other_generation {
                    claimed.doubly.add(partition);
                    claimed.take(other, partition);
                } else if generation > other_generation {
                    claimed.give(member, partition);
                    claimed.take(other, partition);
                }
                if generation >= other_generation || rule.forgets_the_newer_owner() {
                    owners.insert(partition, *member);
                }
            }
            continue;
        }
        let counts = match data.generation {
            Some(generation) => generation >= *max_generation,
            None => *max_generation == NO_GENERATION,
        };
        if !counts {
            continue;
        }
        if generation > *max_generation {
            // All that was claimed of an older generation is void.
            owners.clear();
            claimed.doubly.clear();
            for older in newest.drain(..) {
                claimed.owned.put(older, Vec::new());
            }
            *max_generation = generation;
        }
        newest.push(*member);
        for partition in known {
            match owners.get(&partition).copied().filter(|_| rule.voids_double_claims()) {
                None => {
                    owners.insert(partition, *member);
                    claimed.give(member, partition);
                }
                Some(other) => {
                    claimed.take(other, partition);
                    claimed.doubly.add(partition);
                }
            }
        }
    }
    (claimed, read)
}

impl<'a> Claimed<'a> {
    fn give(&mut self, member: &'a str, partition: TopicPartition) {
        self.owned.get_mut(member).expect("it was put in").push(partition);
    }

    fn take(&mut self, member: &'a str, partition: TopicPartition) {
        super::remove_first(self.owned.get_mut(member).expect("it was put in"), partition);
    }
}

/// Who claimed what of a generation older than the newest (from 3.0 on).
fn older_claims<'a>(group: &Group<'a>, claims: Claims, max_generation: i32) -> Previous<'a> {
    let mut previous: Previous<'a> = JavaMap::default();
    for (member, subscription) in group.subscriptions.iter() {
        let data = claims.of(subscription);
        let generation = data.generation.unwrap_or(NO_GENERATION);
        if generation >= max_generation {
            continue;
        }
        for partition in data.partitions {
            if previous.get(partition).is_none_or(|(_, known)| generation > *known) {
                previous.put(partition, (*member, generation));
            }
        }
    }
    previous
}

/// What a member's assignor remembers of its last assignment: partitions by topic, and from 2.3 on their generation
/// (KIP-341).
pub(super) fn user_data(state: &AssignorState, era: &Era) -> Option<Bytes> {
    let by = Grouping::of(era);
    let mut by_topic: JavaMap<Topic, Vec<i32>> = JavaMap::default();
    for partition in state.assigned.as_ref()? {
        by_topic.group(by, partition.topic, Vec::new).push(partition.partition);
    }
    let mut bytes = BytesMut::new();
    bytes.put_i32(by_topic.len() as i32);
    for (topic, partitions) in by_topic.iter() {
        bytes.put_i16(topic.name().len() as i16);
        bytes.put_slice(topic.name().as_bytes());
        bytes.put_i32(partitions.len() as i32);
        for partition in partitions {
            bytes.put_i32(*partition);
        }
    }
    if era.rules.sticky_assignor.compares_claims() {
        bytes.put_i32(state.generation);
    }
    Some(bytes.freeze())
}

/// Reads [`user_data`], of either version; what cannot be read claims nothing.
fn read_user_data(data: Option<&Bytes>) -> MemberData {
    let Some(data) = data.filter(|data| !data.is_empty()) else {
        return MemberData { partitions: Vec::new(), generation: None };
    };
    let mut rest = data.clone();
    match read_partitions(&mut rest) {
        Some(partitions) => MemberData { partitions, generation: rest.try_get_i32().ok() },
        None => MemberData { partitions: Vec::new(), generation: Some(NO_GENERATION) },
    }
}

fn read_partitions(bytes: &mut Bytes) -> Option<Vec<TopicPartition>> {
    let mut partitions = Vec::new();
    for _ in 0..bytes.try_get_i32().ok()? {
        let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        let name = (bytes.len() >= length).then(|| bytes.split_to(length))?;
        let topic = Topic::new(std::str::from_utf8(&name).ok()?);
        for _ in 0..bytes.try_get_i32().ok()? {
            partitions.push(TopicPartition { topic, partition: bytes.try_get_i32().ok()? });
        }
    }
    Some(partitions)
}
