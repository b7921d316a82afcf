//! `high-watermark-arrives`: when all has calmed down, what the whole ISR has is committed.
//!
//! From 2.7 to 3.0 a leader whose ISR had shrunk did not look: producers gave up on records that everybody who counts
//! had (KAFKA-13091).

use super::history::{Ghost, History, Seen};
use super::{Context, PropertyInfo, PropertyKind, min_isr_high_watermark};
use kafka::broker::view::Role;
use kafka::era::Release;
use kafka::ids::Offset;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 23,
    name: "high-watermark-arrives",
    claim: "at the end of the run the leader's high watermark is where the shortest log of the ISR ends, and so is that of every member",
    broken: "the high watermark stays behind what the whole ISR has",
    also_called: "HwEventuallyAdvances",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up; from 3.7 on where the ISR is below min.insync.replicas",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    for partition in history.partitions() {
        let Some(ghost) = history.get(partition) else { continue };
        if let Some((leader, follower)) = untold(ghost) {
            let name = context.nodes.name(follower.node).to_owned();
            let line = format!(
                "{partition}: {name} is in the ISR, its high watermark is {}, and its leader's is {}: it does not learn.",
                follower.high_watermark, leader.high_watermark
            );
            context.find(&INFO, ghost, follower.high_watermark, || vec![line]);
        }
        let Some((leader, end)) = behind(ghost) else { continue };
        // Too small an ISR holds it back, where that is a rule.
        let view = context.nodes.broker(leader.node).and_then(|broker| broker.replica(partition));
        let is_too_small = view.is_some_and(|view| leader.isr.len() < view.min_insync_replicas);
        if is_too_small && context.in_force(&min_isr_high_watermark::INFO) {
            continue;
        }
        let line = format!(
            "{partition}: every member of the ISR has all up to {end}, and {}'s high watermark is {}: nobody looks.",
            context.nodes.name(leader.node),
            leader.high_watermark
        );
        context.find(&INFO, ghost, leader.high_watermark, || vec![line]);
    }
}

/// The current leader, and a member of the ISR that follows it, has as much, and has not taken its high watermark.
fn untold(ghost: &Ghost) -> Option<(&Seen, &Seen)> {
    let leader = &ghost.replicas[ghost.current_leader()?];
    let untold = ghost.replicas.iter().find(|seen| {
        seen.alive
            && seen.role == Role::Follower(leader.broker)
            && seen.leader_epoch == leader.leader_epoch
            && ghost.in_controller_isr(seen)
            && seen.end >= leader.high_watermark
            && seen.high_watermark < leader.high_watermark
    });
    Some((leader, untold?))
}

/// The current leader, if its high watermark is below the end of the shortest log of its ISR, and that end.
fn behind(ghost: &Ghost) -> Option<(&Seen, Offset)> {
    let leader = &ghost.replicas[ghost.current_leader()?];
    let members = ghost.replicas.iter().filter(|seen| ghost.in_controller_isr(seen));
    let end = members.map(|seen| if seen.alive { seen.end } else { Offset::NONE }).min()?;
    (leader.high_watermark < end).then_some((leader, end))
}
