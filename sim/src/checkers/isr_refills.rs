//! `isr-refills`: when all has calmed down, every replica that runs is in the ISR.
//!
//! Replication repairs itself: a follower that was away fetches what it lacks and is let in again. Releases in which it
//! did not, for one reason or another: 0.10.2 to 2.1 (KAFKA-7235, a request or an event of a broker's former life), 2.0.1
//! to 2.6.0 (KAFKA-10706), 2.7 and 2.8 (KAFKA-12686).

use super::excuse::excuse;
use super::history::{Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::Offset;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 22,
    name: "isr-refills",
    claim: "at the end of the run every replica whose broker runs is in the ISR",
    broken: "a replica that runs never gets back into the ISR",
    also_called: "IsrRefills",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up; and where the whole ISR is down",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    for partition in history.partitions() {
        let Some(ghost) = history.get(partition) else { continue };
        let outside = missing(ghost);
        if outside.is_empty() || excuse(ghost, context.nodes).is_some() {
            continue;
        }
        let names: Vec<&str> =
            outside.iter().map(|index| context.nodes.name(ghost.replicas[*index].node)).collect();
        let verb = if names.len() == 1 { "runs and is" } else { "run and are" };
        let line =
            format!("{partition}: {} {verb} not in the ISR, and nothing will change that.", names.join(", "));
        context.find(&INFO, ghost, Offset::ZERO, || vec![line]);
    }
}

/// The replicas that run and are not in the ISR.
fn missing(ghost: &Ghost) -> Vec<usize> {
    let runs = |index: &usize| ghost.replicas[*index].alive;
    let assigned = |index: &usize| {
        let state = ghost.state.as_ref();
        state.is_none_or(|state| state.assigned.contains(&ghost.replicas[*index].broker))
    };
    let outside = |index: &usize| assigned(index) && !ghost.in_controller_isr(&ghost.replicas[*index]);
    (0..ghost.replicas.len()).filter(runs).filter(outside).collect()
}
