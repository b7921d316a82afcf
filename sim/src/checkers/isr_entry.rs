//! `isr-entry`: a leader lets nobody into its ISR who has less than its high watermark and the start of its epoch.
//!
//! A new leader's high watermark may be below what its predecessor had committed; all that is below the start of its own
//! epoch (KAFKA-7128). Judged by what the leader knows of the follower when it proposes the change: what the follower has
//! lost since, nobody can tell it.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::ReplicaView;
use kafka::era::Release;
use kafka::ids::{BrokerId, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 29,
    name: "isr-entry",
    claim: "a leader lets a follower into its ISR only at or above its high watermark and the start of its epoch",
    broken: "a follower enters the ISR without what may be committed",
    also_called: "",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 0, 1),
    source: "KAFKA-7128",
    excused: "members that the controller names when it elects the leader",
};

pub(super) fn on_change(change: &Change, view: &ReplicaView<'_>, ghost: &Ghost, context: &mut Context<'_>) {
    for member in &change.admitted {
        let Some((has, needs)) = lacks(view, *member) else { continue };
        let leader = context.nodes.name(change.node).to_owned();
        let node = context.nodes.broker_node(*member);
        let name = node.map_or("a broker", |node| context.nodes.name(node)).to_owned();
        context.find(&INFO, ghost, has, || {
            vec![format!(
                "{}: {leader} lets {name} into the ISR, which has all below offset {has}; it takes all below {needs}.",
                ghost.partition
            )]
        });
    }
}

/// How far a follower's log goes, and how far it should to be in the ISR, if that is more.
pub(super) fn lacks(view: &ReplicaView<'_>, member: BrokerId) -> Option<(Offset, Offset)> {
    let remote = view.followers.iter().find(|remote| remote.broker == member)?;
    let needs = view.epoch_start?.max(view.high_watermark);
    (remote.log_end < needs).then_some((remote.log_end, needs))
}
