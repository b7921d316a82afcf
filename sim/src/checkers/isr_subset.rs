//! `isr-subset`: the ISR that the controller holds has assigned replicas only, and the leader among them.
//!
//! While a reassignment is under way a replica that is being removed may still be in the ISR (KAFKA-9672): both sides of
//! the move count as assigned until it is over.
//!
//! No release breaks it here, and no rule can be set so that it breaks: whoever writes an ISR takes its members from an
//! assignment, and writes over the version of the state that the assignment came with. The unit tests break it by
//! states that nobody writes.

use super::history::{Ghost, StateSeen};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::BrokerId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 12,
    name: "isr-subset",
    claim: "the controller's ISR holds assigned replicas only, and the leader if there is one",
    broken: "the ISR holds somebody who is no replica, or not the leader",
    also_called: "IsrSubset, LeaderInIsr",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "replicas that a reassignment in progress adds or removes",
};

pub(super) fn on_state(ghost: &Ghost, context: &mut Context<'_>) {
    let Some((who, why)) = ghost.state.as_ref().and_then(problem) else { return };
    let name = match context.nodes.broker_node(who) {
        Some(node) => context.nodes.name(node).to_owned(),
        None => format!("broker {who}"),
    };
    context.find(&INFO, ghost, ghost.committed_end(), || vec![format!("{}: {name} {why}.", ghost.partition)]);
}

/// Who is in the ISR and must not be, or leads without being in it.
pub(super) fn problem(state: &StateSeen) -> Option<(BrokerId, &'static str)> {
    let StateSeen { leader, isr, assigned, .. } = state;
    // A topic that is being deleted has lost its assignment before its states.
    let stranger = isr.iter().find(|member| !assigned.is_empty() && !assigned.contains(member));
    let outside = (*leader != BrokerId::NONE && !isr.contains(leader)).then_some(*leader);
    stranger
        .map(|member| (*member, "is in the ISR and not assigned to the partition"))
        .or_else(|| outside.map(|leader| (leader, "leads and is not in the ISR")))
}
