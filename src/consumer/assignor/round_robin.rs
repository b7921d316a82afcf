//! `RoundRobinAssignor`: all partitions of all topics in order, one to each member in turn. Whoever does not subscribe
//! to the topic is passed over.

use super::{Assigned, Group};
use std::collections::BTreeSet;

/// Deals partitions out in turn.
pub(super) fn assign<'a>(group: &Group<'a>) -> Assigned<'a> {
    let mut assigned = group.nobody_has_anything();
    let mut members: Vec<&str> = group.subscriptions.keys().copied().collect();
    group.era.rules.member_order.sort(&mut members, |member| group.subscription(member).instance.clone());
    let topics: BTreeSet<_> =
        group.subscriptions.values().flat_map(|subscription| subscription.topics.iter().copied()).collect();
    let mut next = 0;
    for topic in topics {
        for partition in group.partitions(topic) {
            while !group.subscription(members[next]).topics.contains(&topic) {
                next = (next + 1) % members.len();
            }
            assigned.get_mut(members[next]).expect("every member is in the map").push(partition);
            next = (next + 1) % members.len();
        }
    }
    assigned
}
