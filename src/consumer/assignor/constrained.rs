//! The sticky assignment of members that all subscribe to the same (`constrainedAssign`), from 2.5.1 on (KAFKA-9987).
//!
//! Everybody gets the same number, or one more. From 3.0 on (KAFKA-12464):
//!
//! 1. Each member keeps what it has up to that number; only as many as there are partitions over keep one more.
//! 2. What nobody has goes round among those who have less, by their racks first (from 3.5 on, KIP-881).
//!
//! Up to 2.8 members keep one more as long as they have it, and those who have less take from them in the end
//! ([`assign_by_capacity`]).

use super::general::without;
use super::java_map::{JavaMap, JavaSet};
use super::racks::RackInfo;
use super::{Assigned, Group, Thrown};
use crate::ids::TopicPartition;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What members claim that all subscribe to the same.
pub(super) struct Claimed<'a> {
    /// What each still owns.
    pub(super) owned: Assigned<'a>,
    /// What more than one claimed of one generation: nobody's.
    pub(super) doubly: JavaSet<TopicPartition>,
}

/// An assignment, and what in it has to be given up by another member first.
pub(super) struct Dealt<'a> {
    pub(super) assigned: Assigned<'a>,
    pub(super) transferring: BTreeMap<TopicPartition, &'a str>,
}

fn all_sorted(group: &Group<'_>) -> Vec<TopicPartition> {
    let mut all: Vec<TopicPartition> =
        group.partitions.keys().flat_map(|topic| group.partitions(*topic)).collect();
    all.sort_unstable();
    all
}

fn illegal<T>(message: impl Into<String>) -> Result<T, Thrown> {
    Err(Thrown::IllegalState(message.into()))
}

/// As of 2.5.1 to 2.8: by capacity.
pub(super) fn assign_by_capacity<'a>(group: &Group<'a>, claimed: Claimed<'a>) -> Result<Dealt<'a>, Thrown> {
    let total = group.total();
    let (min, max) = (total / claimed.owned.len(), total.div_ceil(claimed.owned.len()));
    let mut left: BTreeSet<TopicPartition> = all_sorted(group).into_iter().collect();
    let mut revoked: BTreeSet<TopicPartition> = BTreeSet::new();
    let mut transferring = BTreeMap::new();
    let mut assigned = JavaMap::default();
    let (mut unfilled, mut at_min, mut at_max) = (Vec::new(), VecDeque::new(), VecDeque::new());
    for (member, owned) in claimed.owned.iter() {
        let owned: Vec<_> = owned.iter().copied().filter(|owned| !claimed.doubly.contains(*owned)).collect();
        let (keeps, gives_up) = owned.split_at(owned.len().min(max));
        for partition in keeps {
            left.remove(partition);
        }
        revoked.extend(gives_up);
        if owned.len() < min {
            unfilled.push(*member);
        } else {
            if keeps.len() == min {
                at_min.push_back(*member);
            }
            if keeps.len() == max {
                at_max.push_back(*member);
            }
        }
        assigned.put(*member, keeps.to_vec());
    }
    let was_owned =
        |partition: TopicPartition| revoked.contains(&partition) || claimed.doubly.contains(partition);
    unfilled.sort_unstable();
    while !unfilled.is_empty() && !left.is_empty() {
        let mut still_unfilled = Vec::new();
        for member in std::mem::take(&mut unfilled) {
            let has: &mut Vec<TopicPartition> = assigned.get_mut(member).expect("every member is in the map");
            let taken = left.pop_first();
            if let Some(partition) = taken {
                has.push(partition);
                if was_owned(partition) {
                    transferring.insert(partition, member);
                }
            }
            if taken.is_some() && has.len() == min {
                at_min.push_back(member);
            } else {
                still_unfilled.push(member);
            }
        }
        unfilled = still_unfilled;
    }
    for member in unfilled {
        let has = assigned.get(member).map_or(0, Vec::len);
        for _ in has..min {
            let Some(overloaded) = at_max.pop_front() else {
                return illegal("Some consumers are under capacity but all partitions have been assigned");
            };
            let partition = assigned.get_mut(overloaded).expect("every member is in the map").remove(0);
            assigned.get_mut(member).expect("every member is in the map").push(partition);
            transferring.insert(partition, member);
        }
        at_min.push_back(member);
    }
    for partition in left {
        let Some(member) = at_min.pop_front() else {
            return illegal("Some partitions are unassigned but all consumers are at maximum capacity");
        };
        assigned.get_mut(member).expect("every member is in the map").push(partition);
        if was_owned(partition) {
            transferring.insert(partition, member);
        }
    }
    Ok(Dealt { assigned, transferring })
}

/// As of 3.0 on: by quota.
pub(super) fn assign_by_quota<'a>(
    group: &Group<'a>,
    racks: &RackInfo<'a>,
    claimed: Claimed<'a>,
) -> Result<Dealt<'a>, Thrown> {
    let (members, total) = (claimed.owned.len(), group.total());
    let mut quotas = Quotas {
        racks,
        min: total / members,
        max: total.div_ceil(members),
        more_expected: total % members,
        more: 0,
        under_min: Vec::new(),
        at_min: VecDeque::new(),
        fixed_in_3_7_1: group.era.rules.sticky_assignor.counts_by_rack(),
        assigned: JavaMap::default(),
        revoked: BTreeMap::new(),
        doubly: claimed.doubly,
        transferring: BTreeMap::new(),
    };
    let mut kept = Vec::new();
    for (member, owned) in claimed.owned.iter() {
        kept.extend(quotas.keep(member, owned));
    }
    kept.sort_unstable();
    let mut left = without(&all_sorted(group), &kept);
    quotas.under_min.sort_unstable();
    quotas.at_min.make_contiguous().sort_unstable();
    racks.sort_by_members_near(&mut left);
    if racks.is_used() {
        left = quotas.assign_near(left);
    }
    quotas.assign_round(left)?;
    quotas.verify()?;
    Ok(Dealt { assigned: quotas.assigned, transferring: quotas.transferring })
}

struct Quotas<'r, 'a> {
    racks: &'r RackInfo<'a>,
    min: usize,
    max: usize,
    /// How many members are to have more than the least; none if all have the same.
    more_expected: usize,
    /// How many have.
    more: usize,
    /// Members with less than the least, and with exactly that, who may still get one.
    under_min: Vec<&'a str>,
    at_min: VecDeque<&'a str>,
    /// Whether dealing by racks counts who has more, and gaps of racks count as given up (KAFKA-15170).
    fixed_in_3_7_1: bool,
    assigned: Assigned<'a>,
    /// What was given up, by whom.
    revoked: BTreeMap<TopicPartition, &'a str>,
    doubly: JavaSet<TopicPartition>,
    transferring: BTreeMap<TopicPartition, &'a str>,
}

impl<'a> Quotas<'_, 'a> {
    /// What a member keeps of what it owns.
    fn keep(&mut self, member: &'a str, owned: &[TopicPartition]) -> Vec<TopicPartition> {
        let (mut owned, far): (Vec<_>, Vec<_>) =
            owned.iter().copied().partition(|partition| !self.racks.mismatch(member, *partition));
        if self.fixed_in_3_7_1 {
            self.revoked.extend(far.into_iter().map(|partition| (partition, member)));
            owned.sort_by_key(|owned| (owned.partition, owned.topic));
        }
        owned.retain(|partition| !self.doubly.contains(*partition));
        let keeps = if owned.len() < self.min {
            self.under_min.push(member);
            owned.len()
        } else if owned.len() >= self.max && self.more < self.more_expected {
            self.more += 1;
            if self.more == self.more_expected {
                self.at_min.clear();
            }
            self.max
        } else {
            if self.more < self.more_expected {
                self.at_min.push_back(member);
            }
            self.min
        };
        let gives_up = owned.split_off(keeps);
        self.revoked.extend(gives_up.into_iter().map(|partition| (partition, member)));
        self.assigned.put(member, owned.clone());
        owned
    }

    fn has(&self, member: &str) -> usize {
        self.assigned.get(member).map_or(0, Vec::len)
    }

    /// Gives a partition to a member: how many it has then.
    fn give(&mut self, partition: TopicPartition, member: &'a str) -> usize {
        let had_by = self.revoked.get(&partition);
        let given_up = had_by.is_some_and(|former| !(self.fixed_in_3_7_1 && *former == member));
        if given_up || self.doubly.contains(partition) {
            self.transferring.insert(partition, member);
        }
        let has = self.assigned.get_mut(member).expect("every member is in the map");
        has.push(partition);
        has.len()
    }

    /// Gives partitions to members whose racks have a replica: what is left.
    fn assign_near(&mut self, partitions: Vec<TopicPartition>) -> Vec<TopicPartition> {
        let mut first = 0;
        let mut left = Vec::new();
        for partition in partitions {
            let mut found = None;
            if let Some(index) = self.racks.next_near(partition, &self.under_min, first) {
                let member = self.under_min[index];
                found = Some(member);
                let count = self.has(member) + 1;
                let mut next = index;
                if count >= self.min {
                    self.under_min.remove(index);
                    if count < self.max && (!self.fixed_in_3_7_1 || self.more < self.more_expected) {
                        self.at_min.push_back(member);
                    }
                } else {
                    next += 1;
                }
                first = if self.under_min.is_empty() { 0 } else { next % self.under_min.len() };
            } else if let Some(index) = self.racks.next_near(partition, self.at_min.make_contiguous(), 0) {
                let member = self.at_min[index];
                found = Some(member);
                if self.has(member) + 1 == self.max {
                    self.at_min.remove(index);
                    if self.fixed_in_3_7_1 {
                        self.more += 1;
                        if self.more == self.more_expected {
                            self.at_min.clear();
                        }
                    }
                }
            }
            match found {
                Some(member) => _ = self.give(partition, member),
                None => left.push(partition),
            }
        }
        left
    }

    /// Gives partitions to those who have less, round and round.
    fn assign_round(&mut self, partitions: Vec<TopicPartition>) -> Result<(), Thrown> {
        let mut next = 0;
        for partition in partitions {
            if next >= self.under_min.len() {
                next = 0;
            }
            let (member, in_turn) = match self.under_min.get(next) {
                Some(member) => (*member, true),
                None => match self.at_min.pop_front() {
                    Some(member) => (member, false),
                    None => return illegal("No more unfilled consumers to be assigned."),
                },
            };
            let has = self.give(partition, member);
            next += usize::from(in_turn);
            if has == self.min {
                if !in_turn {
                    return illegal("");
                }
                next -= 1;
                self.under_min.remove(next);
                self.at_min.push_back(member);
            } else if has == self.max {
                self.more += 1;
            }
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), Thrown> {
        if self.under_min.is_empty() {
            return Ok(());
        }
        if self.more != self.more_expected {
            return illegal(
                "We haven't reached the expected number of members with more than the minQuota partitions, \
                 but no more partitions to be assigned",
            );
        }
        match self.under_min.iter().find(|member| self.has(member) != self.min) {
            Some(member) => illegal(format!(
                "Consumer: [{member}] doesn't reach minQuota partitions, and no more partitions to be assigned"
            )),
            None => Ok(()),
        }
    }
}
