//! `candidate-completeness`: every running member of the ISR that the controller holds has every committed record.
//!
//! The controller elects from its ISR without looking at a log. So this is what makes a clean election safe, and where it
//! fails the loss has happened already: it only waits for the next election.
//!
//! A machine that lost something stands in the ISR until the controller has seen that it failed. While its new process has
//! not heard from the controller it is not looked at: first it is fenced, or elected, and then it is.

use super::ghost::{Committed, Drop};
use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 1,
    name: "candidate-completeness",
    claim: "every running member of the ISR that the controller holds has every committed record",
    broken: "a member of the ISR lacks a committed record",
    also_called: "StrongIsr, LeaderCandidateCompleteness",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses; a machine that lost something, until the controller speaks to its new process; a replica that leaves, its reassignment being complete",
};

/// So many missing records are named, one by one.
const MOST_NAMED: usize = 4;

pub(super) fn on_state(ghost: &mut Ghost, context: &mut Context<'_>) {
    for index in 0..ghost.replicas.len() {
        check(index, ghost, context);
    }
}

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    if change.committed_from < ghost.committed.len() {
        on_state(ghost, context);
    } else if change.cut
        || change.role_changed
        || ghost.replicas[change.index].complete < ghost.committed.len()
    {
        check(change.index, ghost, context);
    }
}

fn check(index: usize, ghost: &mut Ghost, context: &mut Context<'_>) {
    if !is_candidate(ghost, index) {
        return;
    }
    let Some(missing) = ghost.first_missing(index) else { return };
    let Some(lost) = ghost.first_unexcused(index, missing).cloned() else { return };
    let all = ghost.missing(index, MOST_NAMED + 1);
    let seen = &ghost.replicas[index];
    let name = context.nodes.name(seen.node).to_owned();
    let report = || {
        let named = &all[..all.len().min(MOST_NAMED)];
        let promise = |one: &Committed| context.ledger.promise(ghost, one, context.nodes);
        let mut promised = named.iter().map(promise).collect::<Vec<_>>().join("; ");
        if all.len() > MOST_NAMED {
            promised += "; and more";
        }
        // What became of them there: those of one fate together.
        let mut fates: Vec<(Option<String>, Vec<String>)> = Vec::new();
        for one in named {
            let dropped = |drop: &&Drop| drop.batch == one.batch && drop.node == seen.node;
            let drop = ghost.drops.iter().rev().find(dropped);
            let fate = drop.map(|drop| format!("at {} ms by {}", drop.at.millis(), drop.why));
            let record = context.ledger.name(ghost.partition, &one.batch);
            match fates.iter_mut().find(|(known, _)| *known == fate) {
                Some((_, records)) => records.push(record),
                None => fates.push((fate, vec![record])),
            }
        }
        let fates: Vec<String> = fates
            .into_iter()
            .map(|(fate, records)| {
                let records = if named.len() == 1 { "it".to_owned() } else { records.join(" and ") };
                match fate {
                    Some(how) => format!("dropped {records} {how}"),
                    None => format!("never had {records}"),
                }
            })
            .collect();
        vec![format!("{promised}: {name} is in the ISR, may be elected, and {}.", fates.join(" and "))]
    };
    let lines = report();
    context.find(&INFO, ghost, lost.batch.base_offset, || lines);
}

/// Whether the controller may elect this replica cleanly.
pub(super) fn is_candidate(ghost: &Ghost, index: usize) -> bool {
    let seen = &ghost.replicas[index];
    let fenced = seen.role == Role::Idle && ghost.lossy.contains(&seen.node);
    seen.alive && !fenced && ghost.in_controller_isr(seen) && !ghost.is_leaving(seen)
}
