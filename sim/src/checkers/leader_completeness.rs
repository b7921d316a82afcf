//! `leader-completeness`: the current leader's log holds every committed record at its offset.
//!
//! *Current* is the leader whose epoch is the one in ZooKeeper: a deposed leader that has not heard of it may lack what
//! its successor committed. What is missing leaves the ghost, which follows the new leader: each loss is told once.

use super::history::{Change, Committed, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 0,
    name: "leader-completeness",
    claim: "the current leader's log holds every committed record at its offset",
    broken: "the leader lacks a committed record",
    also_called: "LeaderCompleteness",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses",
};

/// Returns the committed batches that the current leader turned out to lack.
pub(super) fn on_state(ghost: &mut Ghost, context: &mut Context<'_>) -> Vec<Committed> {
    check(ghost, context)
}

/// The same, after a change of a replica.
pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) -> Vec<Committed> {
    let grown = change.committed_from < ghost.committed.len();
    if grown || change.cut || change.role_changed { check(ghost, context) } else { Vec::new() }
}

fn check(ghost: &mut Ghost, context: &mut Context<'_>) -> Vec<Committed> {
    let Some(leader) = ghost.current_leader() else { return Vec::new() };
    let Some(missing) = ghost.first_missing(leader) else { return Vec::new() };
    let gone = ghost.follow(leader, missing, None, context.at);
    let seen = &ghost.replicas[leader];
    let name = context.nodes.name(seen.node).to_owned();
    for lost in &gone {
        let promise = context.ledger.promise(ghost, lost, context.nodes);
        let how =
            match ghost.drops.iter().rev().find(|drop| drop.batch == lost.batch && drop.node == seen.node) {
                Some(drop) => format!("it dropped it at {} ms by {}", drop.at.millis(), drop.why),
                None => "it never had it".to_owned(),
            };
        let line = format!("{promise}: {name} leads epoch {} without it; {how}.", seen.leader_epoch);
        context.find(&INFO, ghost, lost.batch.base_offset, || vec![line]);
    }
    gone
}
