//! `eligible-isr`: nobody enters the ISR whom the controller knows to be gone or about to go.
//!
//! A leader decides by what a follower has fetched, and may not have heard that its session has ended or that it is being
//! shut down; up to 3.2 it is let in again, and may be elected the moment it goes. From 3.3 on the controller refuses such
//! a proposal (KIP-841).
//!
//! Judged by what the controller knows when the state is written, as it is the one to refuse. Left out: a member that has
//! restarted since it fetched (the broker epochs of KIP-903 are looked at in KRaft only).

use super::history::{Ghost, StateChange};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::BrokerId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 13,
    name: "eligible-isr",
    claim: "nobody enters the ISR whom the controller knows to be gone or shutting down",
    broken: "somebody who is gone enters the ISR",
    also_called: "EligibleIsr",
    kind: PropertyKind::Mechanism,
    since: Release::new(3, 3, 0),
    source: "KIP-841",
    excused: "before 3.3; while nobody is the controller",
};

pub(super) fn on_state(change: &StateChange, ghost: &Ghost, context: &mut Context<'_>) {
    if change.entered.is_empty() || !context.in_force(&INFO) {
        return;
    }
    // The controller of the newest epoch, if it runs and has heard that it was elected.
    let newest = Some(change.newest_controller);
    let mut brokers = context.nodes.brokers().map(|(_, broker)| broker);
    let Some(controller) = brokers.find(|broker| broker.controller_epoch() == newest) else { return };
    let Some(member) = ineligible(&change.entered, |member| controller.controller_knows(member)) else {
        return;
    };
    let name = match context.nodes.broker_node(member) {
        Some(node) => context.nodes.name(node).to_owned(),
        None => format!("broker {member}"),
    };
    context.find(&INFO, ghost, ghost.committed_end(), || {
        vec![format!(
            "{}: {name} enters the ISR although the controller knows that it is gone or shutting down.",
            change.partition
        )]
    });
}

/// The first who must not enter.
pub(super) fn ineligible(entered: &[BrokerId], is_live: impl Fn(BrokerId) -> bool) -> Option<BrokerId> {
    entered.iter().copied().find(|member| !is_live(*member))
}
