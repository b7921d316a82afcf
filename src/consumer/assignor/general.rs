//! The sticky assignment of members that do not all subscribe to the same (`generalAssign`), and up to 2.5.0 of all.
//!
//! 1. Everybody keeps what is still theirs to have.
//! 2. What nobody has goes to the member with the least that subscribes to it.
//! 3. Partitions move from those with more to those with less, one at a time, until nothing is gained ([`Balancer`]).
//! 4. If the moves made nothing better they are undone.
//!
//! Releases differ in what the claims are worth, in the order in which partitions are looked at, and in whether those
//! that were unassigned move first: the rule `sticky-assignor`.

use super::java_map::{JavaMap, JavaSet};
use super::movements::PartitionMovements;
use super::racks::RackInfo;
use super::{Assigned, Group, Thrown, remove_first};
use crate::ids::{Topic, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// Who had a partition before the member that has it, by an older generation.
pub(super) type Previous<'a> = JavaMap<TopicPartition, (&'a str, i32)>;

/// Members by how much they have, then by name (`SubscriptionComparator`).
type ByLoad<'a> = BTreeSet<(usize, &'a str)>;

/// Deals partitions out: `current` is what members claim, `previous` what was claimed of older generations.
pub(super) fn assign<'a>(
    group: &Group<'a>,
    racks: &RackInfo<'a>,
    current: Assigned<'a>,
    previous: Previous<'a>,
) -> Result<Assigned<'a>, Thrown> {
    let is_fresh = current.is_empty();
    let mut balancer = Balancer::new(group, racks, current, previous);
    let sorted = if group.era.rules.sticky_assignor.sorts_by_load() && !is_fresh && balancer.all_alike() {
        balancer.sort_by_load()
    } else {
        balancer.sort_by_members()
    };
    let unassigned = balancer.keep_claims(&sorted);
    balancer.balance(sorted, unassigned)?;
    Ok(balancer.current)
}

struct Balancer<'g, 'a> {
    group: &'g Group<'a>,
    racks: &'g RackInfo<'a>,
    /// The members that subscribe to each topic.
    members: JavaMap<Topic, Vec<&'a str>>,
    /// The topics of each member that exist.
    topics: JavaMap<&'a str, Vec<Topic>>,
    current: Assigned<'a>,
    previous: Previous<'a>,
    /// Who has a partition now.
    owner: BTreeMap<TopicPartition, &'a str>,
    by_load: ByLoad<'a>,
    movements: PartitionMovements<'a>,
    /// Somebody had to give something up.
    revocation: bool,
}

impl<'g, 'a> Balancer<'g, 'a> {
    fn new(
        group: &'g Group<'a>,
        racks: &'g RackInfo<'a>,
        mut current: Assigned<'a>,
        previous: Previous<'a>,
    ) -> Balancer<'g, 'a> {
        let mut members = JavaMap::with_capacity(group.partitions.len());
        for topic in group.partitions.keys() {
            members.put(*topic, Vec::new());
        }
        let mut topics = JavaMap::with_capacity(group.subscriptions.len());
        if group.era.rules.sticky_assignor.maps_partitions() {
            topics = JavaMap::default();
        }
        for (member, subscription) in group.subscriptions.iter() {
            let known: Vec<Topic> =
                subscription.topics.iter().copied().filter(|topic| group.count(*topic).is_some()).collect();
            for topic in &known {
                members.get_mut(*topic).expect("it is known").push(*member);
            }
            topics.put(*member, known);
            if !current.contains(member) {
                current.put(*member, Vec::new());
            }
        }
        let mut owner = BTreeMap::new();
        for (member, partitions) in current.iter() {
            for partition in partitions {
                owner.insert(*partition, *member);
            }
        }
        Balancer {
            group,
            racks,
            members,
            topics,
            current,
            previous,
            owner,
            by_load: ByLoad::new(),
            movements: PartitionMovements::default(),
            revocation: false,
        }
    }

    fn load(&self, member: &str) -> Result<usize, Thrown> {
        self.current.get(member).map(Vec::len).ok_or(Thrown::NullPointer)
    }

    fn members_of(&self, topic: Topic) -> &[&'a str] {
        self.members.get(topic).map_or(&[], Vec::as_slice)
    }

    /// All partitions in the order of Java's map of partitions, which releases up to 2.8 have.
    fn in_map_order(&self) -> Vec<TopicPartition> {
        let mut all = JavaSet::default();
        for topic in self.group.partitions.keys() {
            for partition in self.group.partitions(*topic) {
                all.add(partition);
            }
        }
        all.keys().copied().collect()
    }

    /// Whether every partition has the same members to go to, and every member the same partitions.
    fn all_alike(&self) -> bool {
        let mut members =
            self.members.values().map(|members| members.iter().copied().collect::<BTreeSet<&str>>());
        let mut topics =
            self.topics.values().map(|topics| topics.iter().copied().collect::<BTreeSet<Topic>>());
        let (first_members, first_topics) = (members.next(), topics.next());
        members.all(|members| Some(members) == first_members)
            && topics.all(|topics| Some(topics) == first_topics)
    }

    /// One of the member that has most, and again, until all that somebody has is in; then what nobody has.
    fn sort_by_load(&self) -> Vec<TopicPartition> {
        let mut left = self.current.clone();
        for (_, partitions) in left.iter_mut() {
            partitions.retain(|partition| self.exists(*partition));
        }
        let mut by_load: ByLoad<'a> = left.iter().map(|(member, left)| (left.len(), *member)).collect();
        let mut sorted = Vec::new();
        while let Some((_, member)) = by_load.pop_last() {
            let left = left.get_mut(member).expect("it is one of the members");
            let moved_before = self.previous.keys().copied().find(|partition| left.contains(partition));
            let Some(partition) = moved_before.or(left.first().copied()) else { continue };
            remove_first(left, partition);
            sorted.push(partition);
            by_load.insert((left.len(), member));
        }
        for partition in self.in_map_order() {
            if !sorted.contains(&partition) {
                sorted.push(partition);
            }
        }
        sorted
    }

    /// Those that the fewest members can have come first.
    fn sort_by_members(&self) -> Vec<TopicPartition> {
        let topics = self.group.partitions.keys().copied();
        let mut all: Vec<TopicPartition> = topics.flat_map(|topic| self.group.partitions(topic)).collect();
        all.sort_by_key(|partition| (self.members_of(partition.topic).len(), *partition));
        all
    }

    fn exists(&self, partition: TopicPartition) -> bool {
        self.group.count(partition.topic).is_some_and(|count| partition.partition < count)
    }

    /// Everybody keeps what is theirs to have: what is left over, in order.
    fn keep_claims(&mut self, sorted: &[TopicPartition]) -> Vec<TopicPartition> {
        let rule = self.group.era.rules.sticky_assignor;
        let by_partition = rule.maps_partitions();
        let claimants: Vec<&str> = self.current.keys().copied().collect();
        let mut kept = Vec::new();
        for member in claimants {
            let partitions = self.current.get_mut(member).expect("it is one of its keys");
            let Some(subscription) = self.group.subscriptions.get(member) else {
                for partition in partitions.iter() {
                    self.owner.remove(partition);
                }
                self.current.remove(member);
                continue;
            };
            for partition in std::mem::take(partitions) {
                let count = self.group.count(partition.topic);
                if count.is_none_or(|count| by_partition && partition.partition >= count) {
                    self.owner.remove(&partition);
                } else if !subscription.topics.contains(&partition.topic)
                    || self.racks.mismatch(member, partition)
                {
                    self.revocation = true;
                } else {
                    partitions.push(partition);
                    kept.push(partition);
                }
            }
        }
        if by_partition {
            let mut unassigned = sorted.to_vec();
            for partition in kept {
                remove_first(&mut unassigned, partition);
            }
            return unassigned;
        }
        kept.sort_by_key(|partition| (self.members_of(partition.topic).len(), *partition));
        without(sorted, &kept)
    }

    /// The member with the least that subscribes to it takes a partition; with `near`, one in a rack that has it.
    fn assign_one(&mut self, partition: TopicPartition, near: bool) -> Result<bool, Thrown> {
        let fits = |(_, member): &&(usize, &'a str)| {
            self.topics.get(member).is_some_and(|topics| topics.contains(&partition.topic))
                && !(near && self.racks.mismatch(member, partition))
        };
        let Some((load, member)) = self.by_load.iter().find(fits).copied() else { return Ok(false) };
        self.by_load.remove(&(load, member));
        self.current.get_mut(member).ok_or(Thrown::NullPointer)?.push(partition);
        self.owner.insert(partition, member);
        self.by_load.insert((load + 1, member));
        Ok(true)
    }

    fn balance(
        &mut self,
        mut sorted: Vec<TopicPartition>,
        mut unassigned: Vec<TopicPartition>,
    ) -> Result<(), Thrown> {
        let rule = self.group.era.rules.sticky_assignor;
        self.by_load = self.current.iter().map(|(member, has)| (has.len(), *member)).collect();
        let initializing = self.by_load.last().is_none_or(|(most, _)| *most == 0);
        let mut left = unassigned.clone();
        if self.racks.is_used() {
            let mut far = Vec::new();
            for partition in left {
                if !self.assign_one(partition, true)? {
                    far.push(partition);
                }
            }
            left = far;
        }
        for partition in left {
            self.assign_one(partition, false)?;
        }
        // What only one member can have stays; so does a member that can neither give nor take.
        let movable = |partition: &TopicPartition| self.members_of(partition.topic).len() >= 2;
        sorted.retain(movable);
        unassigned.retain(movable);
        let mut fixed: JavaMap<&'a str, Vec<TopicPartition>> = JavaMap::default();
        for member in self.topics.keys().copied().collect::<Vec<_>>() {
            if !self.can_take_part(member)? {
                let load = self.load(member)?;
                self.by_load.remove(&(load, member));
                fixed.put(member, self.current.remove(member).ok_or(Thrown::NullPointer)?);
            }
        }
        let before = copy(&self.current);
        if rule.moves_unassigned_first() && !self.revocation {
            self.reassign_all(&unassigned)?;
        }
        let moved = self.reassign_all(&sorted)?;
        if !initializing && moved && score(&self.current) >= score(&before) {
            self.current.clear();
            for (member, partitions) in before.iter() {
                self.current.put(*member, partitions.clone());
            }
        }
        for (member, partitions) in fixed.iter() {
            self.current.put(*member, partitions.clone());
        }
        Ok(())
    }

    /// How many partitions a member could have at most.
    fn most(&self, member: &str) -> usize {
        let topics = self.topics.get(member).map_or(&[][..], Vec::as_slice);
        topics.iter().map(|topic| self.group.count(*topic).unwrap_or(0) as usize).sum()
    }

    fn can_take_part(&self, member: &str) -> Result<bool, Thrown> {
        let has = self.current.get(member).ok_or(Thrown::NullPointer)?;
        let can_give = has.iter().any(|partition| self.members_of(partition.topic).len() >= 2);
        Ok(has.len() < self.most(member) || can_give)
    }

    fn is_balanced(&self) -> Result<bool, Thrown> {
        let (least, most) = match (self.by_load.first(), self.by_load.last()) {
            (Some((least, _)), Some((most, _))) => (*least, *most),
            _ => return Ok(true),
        };
        if least + 1 >= most {
            return Ok(true);
        }
        let mut owners: BTreeMap<TopicPartition, &str> = BTreeMap::new();
        for (member, partitions) in self.current.iter() {
            owners.extend(partitions.iter().map(|partition| (*partition, *member)));
        }
        let gap = self.group.era.rules.sticky_assignor.gap_to_move();
        for (load, member) in &self.by_load {
            let has = self.current.get(member).ok_or(Thrown::NullPointer)?;
            if *load == self.most(member) {
                continue;
            }
            for topic in self.topics.get(member).into_iter().flatten() {
                for partition in self.group.partitions(*topic) {
                    if has.contains(&partition) {
                        continue;
                    }
                    let other = owners.get(&partition).ok_or(Thrown::NullPointer)?;
                    if load + gap <= self.load(other)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Moves partitions until nothing moves any more (`performReassignments`): whether any did.
    fn reassign_all(&mut self, partitions: &[TopicPartition]) -> Result<bool, Thrown> {
        let mut any = false;
        loop {
            let mut modified = false;
            for partition in partitions {
                if self.is_balanced()? {
                    break;
                }
                modified |= self.reassign(*partition)?;
            }
            any |= modified;
            if !modified {
                return Ok(any);
            }
        }
    }

    fn reassign(&mut self, partition: TopicPartition) -> Result<bool, Thrown> {
        let member = *self.owner.get(&partition).ok_or(Thrown::NullPointer)?;
        let load = self.load(member)?;
        if let Some((before, _)) = self.previous.get(partition).copied()
            && load > self.load(before)? + 1
        {
            self.reassign_to(partition, before)?;
            return Ok(true);
        }
        let near = |rack: Option<&str>| rack.is_some_and(|rack| self.racks.has_replica(rack, partition));
        let others = self.members_of(partition.topic);
        let mut may_move = false;
        if near(self.racks.rack(member)) {
            for other in others.iter().filter(|other| near(self.racks.rack(other))) {
                may_move |= load > self.load(other)? + 1;
                if may_move {
                    break;
                }
            }
        }
        if !may_move {
            for other in others {
                may_move |= load > self.load(other)? + 1;
                if may_move {
                    break;
                }
            }
        }
        if !may_move {
            return Ok(false);
        }
        // Whoever gives the reason, the member with the least that subscribes gets it.
        let takes = |(_, member): &&(usize, &'a str)| {
            self.topics.get(member).is_some_and(|topics| topics.contains(&partition.topic))
        };
        let (_, to) = self.by_load.iter().find(takes).copied().ok_or(Thrown::NullPointer)?;
        self.reassign_to(partition, to)?;
        Ok(true)
    }

    fn reassign_to(&mut self, partition: TopicPartition, to: &'a str) -> Result<(), Thrown> {
        let from = *self.owner.get(&partition).ok_or(Thrown::NullPointer)?;
        let partition = self.movements.actual(partition, from, to)?;
        let from = *self.owner.get(&partition).ok_or(Thrown::NullPointer)?;
        for member in [from, to] {
            let load = self.load(member)?;
            self.by_load.remove(&(load, member));
        }
        self.movements.moves(partition, from, to);
        remove_first(self.current.get_mut(from).ok_or(Thrown::NullPointer)?, partition);
        self.current.get_mut(to).ok_or(Thrown::NullPointer)?.push(partition);
        self.owner.insert(partition, to);
        for member in [to, from] {
            let load = self.load(member)?;
            self.by_load.insert((load, member));
        }
        Ok(())
    }
}

/// `deepCopy`: a new map, filled in the order of the old one.
fn copy<'a>(assigned: &Assigned<'a>) -> Assigned<'a> {
    let mut copy = JavaMap::default();
    for (member, partitions) in assigned.iter() {
        copy.put(*member, partitions.clone());
    }
    copy
}

/// How far from even: the differences between all pairs of members, added up.
fn score(assigned: &Assigned<'_>) -> usize {
    let loads: Vec<usize> = assigned.values().map(Vec::len).collect();
    let pairs = loads
        .iter()
        .enumerate()
        .flat_map(|(index, load)| loads[index + 1..].iter().map(move |other| load.abs_diff(*other)));
    pairs.sum()
}

/// What is in `all` and not in `assigned`, which is sorted alike. As Kafka walks them: side by side, so that one that
/// `all` does not have, or one that stands twice, ends the comparing.
pub(super) fn without(all: &[TopicPartition], assigned: &[TopicPartition]) -> Vec<TopicPartition> {
    let mut next = assigned.iter().peekable();
    let mut left = Vec::new();
    for partition in all {
        if next.peek().is_some_and(|next| *next == partition) {
            next.next();
        } else {
            left.push(*partition);
        }
    }
    left
}
