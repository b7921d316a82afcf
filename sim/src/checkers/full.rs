//! Every state checker once more, from scratch: for tests.
//!
//! After each change what the incremental checkers have found is compared with what a look at all logs finds. An
//! incremental checker may remember more (a violation that has passed); it may never miss one, nor find one that a full
//! look at that moment does not show.

use super::history::{Ghost, first_disagreement};
use super::{
    Checks, Context, bounds, candidate_completeness, epoch_monotone, leader_completeness, log_matching,
    prefix_per_epoch, quorum_superset, weak_isr,
};
use crate::world::EventId;
use crate::world::nodes::Nodes;
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::time::Time;
use std::collections::BTreeSet;

/// Panics if a full look at the marked partitions finds what no checker has reported.
pub(super) fn compare(checks: &Checks, nodes: &Nodes, marks: &[(NodeId, TopicPartition)]) {
    let partitions: BTreeSet<TopicPartition> = marks.iter().map(|(_, partition)| *partition).collect();
    for partition in partitions {
        let Some(ghost) = checks.history.get(partition) else { continue };
        for property in broken_now(ghost, checks, nodes) {
            let reported = checks.found.iter().any(|(name, of, _)| *name == property && *of == partition);
            assert!(
                reported || !checks.in_force(property),
                "{property} is broken for {partition} at {:?} and no checker has said so",
                nodes.now
            );
        }
    }
}

/// The properties of one partition that a look at all its logs finds broken at this moment.
pub fn broken_now(ghost: &Ghost, checks: &Checks, nodes: &Nodes) -> Vec<&'static str> {
    let mut findings = Vec::new();
    let context = Context {
        at: Time::ZERO,
        event: EventId(0),
        nodes,
        ledger: &checks.ledger,
        force: &checks.force,
        findings: &mut findings,
    };
    let mut broken = BTreeSet::new();
    let alive: Vec<usize> = (0..ghost.replicas.len()).filter(|index| ghost.replicas[*index].alive).collect();
    for &index in &alive {
        let node = ghost.replicas[index].node;
        if bounds::problem(node, ghost, &context).is_some() {
            broken.insert(bounds::INFO.name);
        }
        if epoch_monotone::problem(node, ghost, &context, 0).is_some() {
            broken.insert(epoch_monotone::INFO.name);
        }
        let complete = ghost.clone().lacks(index);
        if candidate_completeness::is_candidate(ghost, index) && complete && ghost.declared().is_none() {
            broken.insert(candidate_completeness::INFO.name);
        }
        if ghost.current_leader() == Some(index) && complete && ghost.declared().is_none() {
            broken.insert(leader_completeness::INFO.name);
        }
        for &other in &alive {
            pair(ghost, index, other, &mut broken);
        }
    }
    if quorum_superset::problem(ghost, &context).is_some() {
        broken.insert(quorum_superset::INFO.name);
    }
    broken.into_iter().collect()
}

fn pair(ghost: &Ghost, one: usize, two: usize, broken: &mut BTreeSet<&'static str>) {
    if one == two {
        return;
    }
    let (left, right) = (&ghost.replicas[one], &ghost.replicas[two]);
    if log_matching::comparable(ghost, one) && log_matching::comparable(ghost, two) {
        let limit = left.high_watermark.min(right.high_watermark).min(left.end).min(right.end);
        if first_disagreement(&left.batches, &right.batches, Offset::ZERO, limit).is_some() {
            broken.insert(log_matching::INFO.name);
        }
    }
    if weak_isr::applies(ghost, one, two) && ghost.declared().is_none() {
        let missing =
            weak_isr::first_missing(&left.batches, &right.batches, right.start, left.high_watermark);
        if missing.is_some() {
            broken.insert(weak_isr::INFO.name);
        }
    }
    let links = |log: &super::history::Seen| {
        (0..log.batches.len())
            .map(|index| prefix_per_epoch::link(&log.batches, index, log.node))
            .collect::<Vec<_>>()
    };
    let (left, right) = (links(left), links(right));
    let same = |one: &&super::history::Link| {
        let other = right
            .iter()
            .find(|other| prefix_per_epoch::key(&other.batch) == prefix_per_epoch::key(&one.batch));
        other.is_some_and(|other| !prefix_per_epoch::agree(one, other))
    };
    if left.iter().find(same).is_some() {
        broken.insert(prefix_per_epoch::INFO.name);
    }
}
