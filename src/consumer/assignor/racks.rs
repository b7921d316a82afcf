//! What a sticky assignor makes of racks, from 3.5 on (KIP-881; `RackInfo` of `AbstractStickyAssignor`).

use super::Group;
use crate::ids::TopicPartition;
use std::collections::{BTreeMap, BTreeSet};

/// Whether racks are looked at: some member's rack has replicas, and not every partition is in all racks.
pub(super) fn is_rack_aware<'r, 'a: 'r>(
    consumer_racks: &BTreeSet<&str>,
    racks: impl Iterator<Item = &'r BTreeSet<&'a str>> + Clone,
) -> bool {
    let all: BTreeSet<&str> = racks.clone().flatten().copied().collect();
    consumer_racks.iter().any(|rack| all.contains(rack)) && racks.clone().any(|racks| *racks != all)
}

/// Racks of members and partitions; both empty where racks are not looked at.
#[derive(Default)]
pub(super) struct RackInfo<'a> {
    consumer_racks: BTreeMap<&'a str, &'a str>,
    partition_racks: BTreeMap<TopicPartition, BTreeSet<&'a str>>,
    /// How many members are in the racks of a partition. Counted as soon as any member names a rack, also where racks
    /// are not looked at further: the order of partitions follows it then too.
    members_near: BTreeMap<TopicPartition, usize>,
}

impl<'a> RackInfo<'a> {
    /// What is known of racks; nothing in releases that do not look at them.
    pub(super) fn new(group: &Group<'a>) -> RackInfo<'a> {
        if !group.era.rules.sticky_assignor.knows_racks() {
            return RackInfo::default();
        }
        let mut consumer_racks = BTreeMap::new();
        for (member, subscription) in group.subscriptions.iter() {
            if let Some(rack) = subscription.rack.as_deref().filter(|rack| !rack.is_empty()) {
                consumer_racks.insert(*member, rack);
            }
        }
        if consumer_racks.is_empty() {
            return RackInfo::default();
        }
        let partitions = group.partitions.keys().flat_map(|topic| group.partitions(*topic));
        let of = |partition| (partition, group.racks(partition).into_iter().collect::<BTreeSet<&str>>());
        let partition_racks: BTreeMap<_, _> = partitions.map(of).collect();
        let near =
            |racks: &BTreeSet<&str>| consumer_racks.values().filter(|rack| racks.contains(*rack)).count();
        let members_near =
            partition_racks.iter().map(|(partition, racks)| (*partition, near(racks))).collect();
        let own: BTreeSet<&str> = consumer_racks.values().copied().collect();
        if is_rack_aware(&own, partition_racks.values()) {
            RackInfo { consumer_racks, partition_racks, members_near }
        } else {
            RackInfo { members_near, ..RackInfo::default() }
        }
    }

    /// Whether racks are looked at.
    pub(super) fn is_used(&self) -> bool {
        !self.consumer_racks.is_empty()
    }

    /// A member's rack.
    pub(super) fn rack(&self, member: &str) -> Option<&'a str> {
        self.consumer_racks.get(member).copied()
    }

    /// Whether a rack has a replica of the partition.
    pub(super) fn has_replica(&self, rack: &str, partition: TopicPartition) -> bool {
        self.partition_racks.get(&partition).is_some_and(|racks| racks.contains(rack))
    }

    /// Whether a member has a rack, and no replica of the partition in it.
    pub(super) fn mismatch(&self, member: &str, partition: TopicPartition) -> bool {
        self.rack(member).is_some_and(|rack| !self.has_replica(rack, partition))
    }

    /// Partitions that few members are near come first.
    pub(super) fn sort_by_members_near(&self, partitions: &mut [TopicPartition]) {
        if !self.members_near.is_empty() {
            partitions.sort_by_key(|partition| self.members_near.get(partition).copied().unwrap_or(0));
        }
    }

    /// The next member of a list, from an index on and round, whose rack has a replica of the partition.
    pub(super) fn next_near(
        &self,
        partition: TopicPartition,
        members: &[&str],
        first: usize,
    ) -> Option<usize> {
        (0..members.len())
            .map(|step| (first + step) % members.len())
            .find(|index| self.rack(members[*index]).is_some_and(|rack| self.has_replica(rack, partition)))
    }
}
