//! `RangeAssignor`: each topic by itself, its partitions in ranges to its members in order; the first members carry the
//! remainder. From 3.5 on a member prefers partitions with a replica in its rack (KIP-881).

use super::java_map::{Grouping, JavaMap};
use super::racks::is_rack_aware;
use super::{Assigned, Group};
use crate::ids::{Topic, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// Deals ranges out, topic by topic.
pub(super) fn assign<'a>(group: &Group<'a>) -> Assigned<'a> {
    let mut by_topic = members_by_topic(group);
    for (_, members) in by_topic.iter_mut() {
        group.era.rules.member_order.sort(members, |member| group.subscription(member).instance.clone());
    }
    let mut assigned = group.nobody_has_anything();
    if !group.era.rules.range_assignor.knows_racks() {
        let topics: Vec<Topic> = by_topic.keys().copied().collect();
        for topic in topics {
            let members = by_topic.get(topic).expect("it is one of its keys");
            let Some(count) = group.count(topic) else { continue };
            TopicState::new(group, topic, count, members).assign_ranges(|_, _| true, &mut assigned);
        }
        return assigned;
    }
    let mut states: Vec<TopicState<'a>> = Vec::new();
    for (topic, count) in group.partitions.iter() {
        let members = by_topic.get(*topic).expect("a topic is known because somebody subscribes to it");
        states.push(TopicState::new(group, *topic, *count, members));
    }
    let use_racks = states.iter().any(|state| state.needs_racks);
    if use_racks {
        assign_with_racks(&mut states, &mut assigned);
    }
    for state in &mut states {
        state.assign_ranges(|_, _| true, &mut assigned);
    }
    if use_racks {
        for (_, partitions) in assigned.iter_mut() {
            partitions.sort_unstable();
        }
    }
    assigned
}

/// Who subscribes to each topic, in the order of Java's map.
fn members_by_topic<'a>(group: &Group<'a>) -> JavaMap<Topic, Vec<&'a str>> {
    let by = Grouping::of(group.era);
    let mut by_topic = JavaMap::default();
    for (member, subscription) in group.subscriptions.iter() {
        for topic in &subscription.topics {
            by_topic.group(by, *topic, Vec::new).push(*member);
        }
    }
    by_topic
}

/// Topics of the same members with as many partitions are dealt together: one partition number of all of them to one
/// member that has a replica of each in its rack (KAFKA-14891).
fn assign_with_racks<'a>(states: &mut [TopicState<'a>], assigned: &mut Assigned<'a>) {
    let mut alike: BTreeMap<(Vec<&str>, usize), Vec<usize>> = BTreeMap::new();
    for (index, state) in states.iter().enumerate() {
        let members = state.members.iter().map(|(member, _)| *member).collect();
        alike.entry((members, state.racks.len())).or_default().push(index);
    }
    for ((members, count), indexes) in alike {
        if let [index] = indexes[..] {
            let state = &mut states[index];
            if state.needs_racks {
                let racks = state.racks.clone();
                let of_member = state.members.clone();
                state.assign_ranges(
                    |member, partition| matches(&of_member, &racks, member, partition),
                    assigned,
                );
            }
            continue;
        }
        let mut remaining = members;
        for partition in 0..count as i32 {
            let fits = |state: &TopicState<'_>, member: &str| {
                let partition = TopicPartition { topic: state.topic, partition };
                matches(&state.members, &state.racks, member, partition) && state.may_take(member) > 0
            };
            let found = remaining
                .iter()
                .copied()
                .find(|member| indexes.iter().all(|index| fits(&states[*index], member)));
            let Some(member) = found else { continue };
            for index in &indexes {
                let partition = TopicPartition { topic: states[*index].topic, partition };
                states[*index].take(member, &[partition], assigned);
            }
            if indexes.iter().all(|index| states[*index].may_take(member) == 0) {
                remaining.retain(|known| *known != member);
                if remaining.is_empty() {
                    break;
                }
            }
        }
    }
}

/// The racks of a topic's partitions; empty if none of its members names a rack.
type Racks<'a> = BTreeMap<TopicPartition, BTreeSet<&'a str>>;

/// Whether a member has no rack, or a replica of the partition in it.
fn matches(
    members: &[(&str, Option<&str>)],
    racks: &Racks<'_>,
    member: &str,
    partition: TopicPartition,
) -> bool {
    let rack = members.iter().find(|(known, _)| *known == member).and_then(|(_, rack)| *rack);
    rack.is_none_or(|rack| racks.get(&partition).is_some_and(|racks| racks.contains(rack)))
}

/// One topic while it is dealt out (`TopicAssignmentState`).
struct TopicState<'a> {
    topic: Topic,
    /// Its members in order, with their racks.
    members: Vec<(&'a str, Option<&'a str>)>,
    racks: Racks<'a>,
    needs_racks: bool,
    unassigned: Vec<TopicPartition>,
    taken: Vec<i32>,
    /// What every member gets at least.
    each: i32,
    /// How many may still get one more.
    extra: i32,
}

impl<'a> TopicState<'a> {
    fn new(group: &Group<'a>, topic: Topic, count: i32, members: &[&'a str]) -> TopicState<'a> {
        let rack = |member: &str| group.subscription(member).rack.as_deref().filter(|rack| !rack.is_empty());
        let mut named: Vec<(&str, Option<&str>)> = Vec::new();
        for member in members {
            if named.iter().all(|(known, _)| known != member) {
                named.push((member, rack(member)));
            }
        }
        let consumer_racks: BTreeSet<&str> = named.iter().filter_map(|(_, rack)| *rack).collect();
        let racks: Racks<'a> = if consumer_racks.is_empty() {
            BTreeMap::new()
        } else {
            let of = |partition| (partition, group.racks(partition).into_iter().collect());
            group.partitions(topic).map(of).collect()
        };
        let number = named.len() as i32;
        TopicState {
            topic,
            needs_racks: is_rack_aware(&consumer_racks, racks.values()),
            racks,
            unassigned: group.partitions(topic).collect(),
            taken: vec![0; named.len()],
            members: named,
            each: count / number,
            extra: count % number,
        }
    }

    fn index(&self, member: &str) -> usize {
        self.members.iter().position(|(known, _)| *known == member).expect("it is a member of this topic")
    }

    /// How many more a member may get.
    fn may_take(&self, member: &str) -> i32 {
        (self.each + i32::from(self.extra > 0) - self.taken[self.index(member)]).max(0)
    }

    fn take(&mut self, member: &'a str, partitions: &[TopicPartition], assigned: &mut Assigned<'a>) {
        assigned.get_mut(member).expect("every member is in the map").extend(partitions);
        let index = self.index(member);
        self.taken[index] += partitions.len() as i32;
        if self.taken[index] > self.each {
            self.extra -= 1;
        }
        self.unassigned.retain(|partition| !partitions.contains(partition));
    }

    /// A range of what is left to each member in order, of the partitions that it may have.
    fn assign_ranges(&mut self, may: impl Fn(&str, TopicPartition) -> bool, assigned: &mut Assigned<'a>) {
        for index in 0..self.members.len() {
            let member = self.members[index].0;
            let at_most = self.may_take(member) as usize;
            let fitting = self.unassigned.iter().copied().filter(|partition| may(member, *partition));
            let partitions: Vec<TopicPartition> = fitting.take(at_most).collect();
            if !partitions.is_empty() {
                self.take(member, &partitions, assigned);
            }
        }
    }
}
