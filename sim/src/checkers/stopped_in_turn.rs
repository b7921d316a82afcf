//! `stopped-in-turn`: a replica that was assigned anew is not deleted by the order that ended its last assignment.
//!
//! A StopReplica carries the leader epoch in which the controller decided it (KIP-570); a replica that has heard of that
//! epoch, or of a newer one, refuses. So who is deleted was in an older epoch than the last in which he was not assigned,
//! or on the way out.

use super::history::Ghost;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::{LeaderEpoch, NodeId};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 32,
    name: "stopped-in-turn",
    claim: "no replica is deleted by an order that is older than its assignment",
    broken: "a replica is deleted by an order that is over",
    also_called: "",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 6, 0),
    source: "KIP-570",
    excused: "the topic is to be deleted",
};

/// A replica was deleted in turn with an epoch that it should have refused in.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Untimely {
    /// Where.
    pub node: NodeId,
    /// The epoch it was in.
    pub epoch: LeaderEpoch,
}

pub(super) fn on_deletion(ghost: &mut Ghost, context: &mut Context<'_>) {
    let Some(Untimely { node, epoch }) = ghost.untimely.take() else { return };
    let name = context.nodes.name(node).to_owned();
    context.find(&INFO, ghost, ghost.committed_end(), || {
        vec![format!(
            "{}: {name} was deleted in epoch {epoch}, in which it was assigned, by an order of an epoch before.",
            ghost.partition
        )]
    });
}

/// Whether a replica in epoch `own` was deleted by what it had to refuse; `out`: the last epoch in which it was not
/// assigned, or on the way out.
pub(super) fn is_untimely(own: LeaderEpoch, out: Option<LeaderEpoch>) -> bool {
    own != LeaderEpoch::NONE && out.is_none_or(|out| own >= out)
}
