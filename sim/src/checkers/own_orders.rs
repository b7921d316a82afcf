//! `own-orders`: a broker carries out no order that was meant for a former life of its own.
//!
//! Who dies and comes back quickly can be reached by what the controller has sent before: it would lead, follow or delete
//! by what was true of its former life. From 2.2 on each order names the life that it is meant for (KIP-380).

use super::history::Ghost;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::Broker;
use kafka::broker::control::CarriedOut;
use kafka::era::Release;
use kafka::ids::NodeId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 31,
    name: "own-orders",
    claim: "a broker carries out no order of a controller that was meant for a former life of its own",
    broken: "a broker obeys what was meant for its former life",
    also_called: "",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 2, 0),
    source: "KIP-380",
    excused: "never",
};

/// A broker has just carried out an order.
pub(super) fn on_order(node: NodeId, broker: &Broker, ghost: &Ghost, context: &mut Context<'_>) {
    let order = broker.carried_out();
    let Some((former, own)) = problem(&order) else { return };
    let name = context.nodes.name(node).to_owned();
    context.find(&INFO, ghost, ghost.committed_end(), || {
        vec![format!("{name}, in its life of epoch {own}, obeys what was meant for that of epoch {former}.")]
    });
}

/// The life that an order was meant for, and that in which it was carried out, if that is a later one.
pub(super) fn problem(order: &CarriedOut) -> Option<(i64, i64)> {
    let (meant_for, own) = (order.meant_for?, order.in_life?);
    (meant_for < own).then_some((meant_for.0, own.0))
}
