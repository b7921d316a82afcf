//! The checkers of ZooKeeper's partition states once more, from a copy of every state as it was before: for tests.

use super::{Checks, Finding, eligible_isr, isr_subset, one_active_controller};
use crate::world::nodes::Nodes;
use kafka::ids::{BrokerId, TopicPartition};
use kafka::zookeeper::znode::{PartitionState, ZnodeData, topic_path};
use std::collections::{BTreeMap, BTreeSet};

/// Every state as it was after the last event.
#[derive(Clone, Default)]
pub(super) struct States {
    before: BTreeMap<TopicPartition, PartitionState>,
}

impl States {
    /// Panics if the checkers and a look at all states disagree. `fresh`: what was found in this event.
    pub(super) fn compare(&mut self, checks: &Checks, nodes: &Nodes, fresh: &[Finding]) {
        let zookeeper = nodes.zookeeper();
        let mut broken = BTreeSet::new();
        for partition in zookeeper.partitions() {
            let (now, _) = zookeeper.partition_state(partition).expect("it is listed");
            if is_strange(partition, now, nodes) {
                let told = checks.found.iter().any(|(name, of, _)| (*name, *of) == (SUBSET, partition));
                assert!(told || !checks.in_force(SUBSET), "{SUBSET} is broken for {partition}: {now:?}");
                broken.insert((SUBSET, partition));
            }
            let before = self.before.insert(partition, now.clone());
            if before.as_ref() == Some(now) {
                continue;
            }
            let raised = before.as_ref().is_none_or(|before| before.leader_epoch != now.leader_epoch);
            if raised && now.controller_epoch < zookeeper.controller_epoch() {
                broken.insert((ONE, partition));
            }
            let Some(before) = before.filter(|before| !before.isr.is_empty()) else { continue };
            let mut came = now.isr.iter().filter(|member| !before.isr.contains(member));
            let controllers: Vec<_> = nodes
                .brokers()
                .map(|(_, broker)| broker)
                .filter(|broker| broker.controller_epoch() == Some(zookeeper.controller_epoch()))
                .collect();
            if came.any(|member| controllers.iter().any(|controller| !controller.controller_knows(*member))) {
                broken.insert((ELIGIBLE, partition));
            }
        }
        for property in [ONE, ELIGIBLE, SUBSET].into_iter().filter(|property| checks.in_force(property)) {
            let found = fresh.iter().filter(|finding| finding.property == property);
            let found: BTreeSet<_> = found.map(|finding| (property, finding.partition)).collect();
            let again: BTreeSet<_> = broken.iter().copied().filter(|(name, _)| *name == property).collect();
            // What goes on being broken is told when it begins.
            let agree = if property == SUBSET { found.is_subset(&again) } else { found == again };
            assert!(agree, "{property} at {:?}: found {found:?}, looked again {again:?}", nodes.now);
        }
    }
}

const ONE: &str = one_active_controller::INFO.name;
const ELIGIBLE: &str = eligible_isr::INFO.name;
const SUBSET: &str = isr_subset::INFO.name;

/// Whether the ISR holds somebody who is not assigned, or lacks the leader.
fn is_strange(partition: TopicPartition, state: &PartitionState, nodes: &Nodes) -> bool {
    let zookeeper = nodes.zookeeper();
    let held = match zookeeper.get(&topic_path(partition.topic)) {
        Some((ZnodeData::Topic(topic), _)) => topic.get(&partition.partition),
        _ => None,
    };
    let moves = match zookeeper.get("/admin/reassign_partitions") {
        Some((ZnodeData::ReassignPartitions(moving), _)) => moving.get(&partition),
        _ => None,
    };
    let assigned = |member: &BrokerId| {
        held.is_none_or(|held| {
            [&held.replicas, &held.adding, &held.removing].into_iter().any(|some| some.contains(member))
        }) || moves.is_some_and(|targets| targets.contains(member))
    };
    let leads = state.leader != BrokerId::NONE;
    !state.isr.iter().all(assigned) || leads && !state.isr.contains(&state.leader)
}
