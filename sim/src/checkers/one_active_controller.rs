//! `one-active-controller`: once a controller is elected, no earlier one changes a partition's state.
//!
//! A controller that was paused, or has lost its session, does not know that it has been deposed, and cannot: for a while
//! two brokers believe to be the controller. What must hold is that only the newer of them is heard. Brokers refuse the
//! older one by its epoch; ZooKeeper does so from 2.1 on, where every write is tied to `/controller_epoch` (KAFKA-6082).
//! Before, the older one could overwrite what the newer had decided.
//!
//! A controller is known by the leader epoch it raises: leaders that write their ISR leave both epochs as they are.

use super::history::{Ghost, History, StateChange};
use super::{Context, PropertyInfo, PropertyKind, own_orders};
use kafka::era::Release;
use kafka::ids::ControllerEpoch;
use std::sync::Arc;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 7,
    name: "one-active-controller",
    claim: "once a controller is elected, no earlier one changes the leader or leader epoch of a partition, and no broker that knows of it obeys one",
    broken: "a deposed controller still changes partitions",
    also_called: "SingleController",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "KAFKA-6082",
    excused: "never",
};

pub(super) fn on_state(change: &StateChange, ghost: &Ghost, context: &mut Context<'_>) {
    if !is_broken(change) {
        return;
    }
    let StateChange { partition, controller_epoch, newest_controller, .. } = change;
    context.find(&INFO, ghost, ghost.committed_end(), || {
        vec![format!(
            "{partition}: the controller of epoch {controller_epoch} has written the state; that of epoch {newest_controller} was elected before."
        )]
    });
}

/// Whom each broker has listened to, how often, and in which life; by node.
#[derive(Clone, Default, Debug)]
pub(super) struct Obeyed(Arc<Vec<(u32, u64, ControllerEpoch)>>);

impl Obeyed {
    /// Looks whether a broker has gone back to a controller that it knows to be deposed.
    pub(super) fn look(&mut self, history: &History, context: &mut Context<'_>) {
        for (node, broker) in context.nodes.brokers() {
            let (index, count) = (usize::from(node.0), broker.carried_out().count);
            let now = (context.nodes.slot(node).life, count, broker.obeyed_controller());
            if self.0.get(index) == Some(&now) {
                continue;
            }
            let all = Arc::make_mut(&mut self.0);
            all.resize(all.len().max(index + 1), (0, 0, ControllerEpoch(0)));
            let before = std::mem::replace(&mut all[index], now);
            let partition = history.partitions().next();
            let Some(ghost) = partition.and_then(|partition| history.get(partition)) else { continue };
            if count > 0 {
                own_orders::on_order(node, broker, ghost, context);
            }
            if before.0 == now.0 && now.2 < before.2 {
                let name = context.nodes.name(node).to_owned();
                context.find(&INFO, ghost, ghost.committed_end(), || {
                    vec![format!(
                        "{name} obeys the controller of epoch {}, having listened to that of epoch {}.",
                        now.2, before.2
                    )]
                });
            }
        }
    }
}

/// Whether a deposed controller made this change.
pub(super) fn is_broken(change: &StateChange) -> bool {
    change.by_controller && change.controller_epoch < change.newest_controller
}
