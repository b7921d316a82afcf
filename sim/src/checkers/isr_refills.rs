//! `isr-refills`: when all is well again, every replica is back in its ISR.
//!
//! Liveness can only be judged where the author of a run says that its faults are over and that it has had the time: a
//! scenario puts this in force by name, and it is judged at the end of the run.

use super::history::{Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use crate::world::nodes::Status;
use kafka::era::Release;
use kafka::ids::{BrokerId, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 19,
    name: "isr-refills",
    claim: "at the end, when faults are over, every replica whose broker runs is in the ISR",
    also_called: "liveness under a healed network",
    kind: PropertyKind::Mechanism,
    since: Release::NEXT,
    source: "in force only where a scenario says that its faults are over",
    excused: "while anything is broken",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    for partition in history.partitions() {
        let Some(ghost) = history.get(partition) else { continue };
        for broker in missing(ghost, context) {
            let name = context
                .nodes
                .broker_node(broker)
                .map_or("a broker", |node| context.nodes.name(node))
                .to_owned();
            let isr: Vec<String> =
                ghost.state.iter().flat_map(|state| &state.isr).map(BrokerId::to_string).collect();
            context.find(&INFO, ghost, Offset(i64::from(broker.0)), || {
                vec![format!(
                    "{partition}: {name} runs and is registered, and the ISR is {{{}}} for good.",
                    isr.join(",")
                )]
            });
        }
    }
}

/// Assigned replicas whose broker runs, outside the ISR.
fn missing(ghost: &Ghost, context: &Context<'_>) -> Vec<BrokerId> {
    let Some(state) = &ghost.state else { return Vec::new() };
    let runs = |broker: &BrokerId| {
        let node = context.nodes.broker_node(*broker);
        node.is_some_and(|node| context.nodes.slot(node).status == Status::Up)
    };
    let assigned = context.nodes.zookeeper().assignment(ghost.partition);
    assigned.iter().filter(|broker| runs(broker) && !state.isr.contains(broker)).copied().collect()
}
