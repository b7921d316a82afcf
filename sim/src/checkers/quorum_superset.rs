//! `quorum-superset`: a leader that is not stale commits against no fewer replicas than the controller may elect.
//!
//! The argument behind KIP-497's maximal ISR: the replication quorum (current and proposed ISR at the leader) contains the
//! election quorum (the controller's ISR), so whatever is committed is on every candidate.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::ReplicaView;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 11,
    name: "quorum-superset",
    claim: "a current leader's maximal ISR contains the controller's ISR, while its ISR has min.insync.replicas members",
    broken: "the controller may elect somebody for whom the leader does not wait",
    also_called: "ReplicationQuorumSuperset",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 7, 0),
    source: "KIP-497",
    excused: "before 2.7 the leader writes the ISR itself and waits for the write",
};

pub(super) fn on_state(ghost: &mut Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    report(problem(ghost, context), ghost, context);
}

fn report(problem: Option<(usize, String)>, ghost: &Ghost, context: &mut Context<'_>) {
    if let Some((index, outside)) = problem {
        let (node, offset) = (ghost.replicas[index].node, ghost.replicas[index].high_watermark);
        let name = context.nodes.name(node).to_owned();
        context.find(&INFO, ghost, offset, || {
            vec![format!(
                "{}: the controller may elect {outside}, for whom {name} does not wait.",
                ghost.partition
            )]
        });
    }
}

pub(super) fn on_change(
    change: &Change,
    view: &ReplicaView<'_>,
    ghost: &mut Ghost,
    context: &mut Context<'_>,
) {
    if context.in_force(&INFO) && ghost.current_leader() == Some(change.index) {
        report(problem_of(change.index, view, ghost, context), ghost, context);
    }
}

/// The current leader, and the candidate it does not wait for.
pub(super) fn problem(ghost: &Ghost, context: &Context<'_>) -> Option<(usize, String)> {
    let index = ghost.current_leader()?;
    let view = context.nodes.broker(ghost.replicas[index].node)?.replica(ghost.partition)?;
    problem_of(index, &view, ghost, context)
}

fn problem_of(
    index: usize,
    view: &ReplicaView<'_>,
    ghost: &Ghost,
    context: &Context<'_>,
) -> Option<(usize, String)> {
    if view.isr.len() < view.min_insync_replicas {
        return None;
    }
    let outside = ghost.state.as_ref()?.isr.iter().find(|member| !view.maximal_isr.contains(member))?;
    let node = context.nodes.broker_node(*outside)?;
    Some((index, context.nodes.name(node).to_owned()))
}
