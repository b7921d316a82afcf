//! `leader-arrives`: when all has calmed down, every partition has a leader that knows it.

use super::excuse::excuse;
use super::history::History;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::{BrokerId, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 25,
    name: "leader-arrives",
    claim: "at the end of the run every partition has a leader that knows it, in the epoch that ZooKeeper says",
    broken: "a partition never gets a leader that knows it",
    also_called: "LeaderEventuallyElected",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up; and where the whole ISR is down",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    for partition in history.partitions() {
        let Some(ghost) = history.get(partition) else { continue };
        let Some(state) = &ghost.state else { continue };
        if ghost.current_leader().is_some() || excuse(ghost, context.nodes).is_some() {
            continue;
        }
        let isr: Vec<String> = state.isr.iter().map(BrokerId::to_string).collect();
        let says =
            format!("leader {}, leader epoch {}, ISR [{}]", state.leader, state.leader_epoch, isr.join(","));
        let line = format!("{partition}: ZooKeeper says {says}, and nobody leads so.");
        context.find(&INFO, ghost, Offset::ZERO, || vec![line]);
    }
}
