//! `consumers-arrive`: when all has calmed down, every consumer has read up to the high watermark.

use super::excuse::knows_nobody;
use super::history::History;
use super::{Context, PropertyInfo, PropertyKind};
use crate::world::nodes::{Process, Status};
use kafka::era::Release;
use kafka::ids::NodeId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 27,
    name: "consumers-arrive",
    claim: "at the end of the run every running consumer stands at the high watermark of each of its partitions, or beyond",
    broken: "a consumer never arrives at the high watermark",
    also_called: "Progress of reads",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up; and where nobody leads, or the consumer knows no broker that runs",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    let nodes = context.nodes;
    for (index, slot) in nodes.slots.iter().enumerate().filter(|(_, slot)| slot.status == Status::Up) {
        let Process::Consumer(consumer) = &*slot.process else { continue };
        if knows_nobody(NodeId(index as u16), nodes) {
            continue;
        }
        for partition in history.partitions() {
            let Some(ghost) = history.get(partition) else { continue };
            let Some(leader) = ghost.current_leader().map(|index| &ghost.replicas[index]) else { continue };
            let Some(position) = consumer.position(partition).filter(|at| *at < leader.high_watermark) else {
                continue;
            };
            let line = format!(
                "{} stands at {position} of {partition}, whose high watermark is {}.",
                slot.name, leader.high_watermark
            );
            context.find(&INFO, ghost, position, || vec![line]);
        }
    }
}
