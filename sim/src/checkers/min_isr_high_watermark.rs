//! `min-isr-high-watermark`: the high watermark stands still while the ISR is smaller than `min.insync.replicas`.
//!
//! Until 3.6 it went on: a record that its producer was told is in doubt could be read, and lost (KAFKA-15583).

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 14,
    name: "min-isr-high-watermark",
    claim: "the high watermark stands still while the ISR is smaller than min.insync.replicas",
    broken: "the high watermark moves below min.insync.replicas",
    also_called: "HwMinIsr",
    kind: PropertyKind::Mechanism,
    since: Release::new(3, 7, 0),
    source: "KIP-966, KAFKA-15583",
    excused: "before 3.7",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    let seen = &ghost.replicas[change.index];
    let Some(before) = change.high_watermark_before else { return };
    if seen.role != Role::Leader || change.role_changed || seen.high_watermark <= before {
        return;
    }
    let (size, minimum, now) = (seen.isr.len(), ghost.min_insync_replicas, seen.high_watermark);
    if size < minimum {
        let name = context.nodes.name(change.node).to_owned();
        context.find(&INFO, ghost, before, || {
            vec![format!(
                "{}: {name} moved its high watermark from {before} to {now} with {size} in the ISR; min.insync.replicas is {minimum}.",
                ghost.partition
            )]
        });
    }
}
