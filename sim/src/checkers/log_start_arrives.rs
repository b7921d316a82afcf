//! `log-start-arrives`: when all has calmed down, whoever follows has deleted what its leader has.
//!
//! A follower is told its leader's log start offset with every answer to a fetch (KIP-107).

use super::excuse::excuse;
use super::history::{Ghost, History, Seen};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 38,
    name: "log-start-arrives",
    claim: "at the end of the run every member of the ISR has deleted what its leader has",
    broken: "a follower keeps what was deleted",
    also_called: "",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    for partition in history.partitions() {
        let Some(ghost) = history.get(partition) else { continue };
        let Some((leader, follower)) = untold(ghost) else { continue };
        if excuse(ghost, context.nodes).is_some() {
            continue;
        }
        let name = context.nodes.name(follower.node).to_owned();
        let line = format!(
            "{partition}: {name} is in the ISR, its log starts at {}, and its leader's at {}: it does not learn.",
            follower.start, leader.start
        );
        context.find(&INFO, ghost, follower.start, || vec![line]);
    }
}

/// The current leader, and a member of the ISR that follows it and starts before it.
fn untold(ghost: &Ghost) -> Option<(&Seen, &Seen)> {
    let leader = &ghost.replicas[ghost.current_leader()?];
    let untold = ghost.replicas.iter().find(|seen| {
        seen.alive
            && seen.role == Role::Follower(leader.broker)
            && seen.leader_epoch == leader.leader_epoch
            && ghost.in_controller_isr(seen)
            && seen.start < leader.start
    });
    Some((leader, untold?))
}
