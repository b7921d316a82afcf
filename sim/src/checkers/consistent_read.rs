//! `consistent-read`: what a consumer was given stays in the log.

use super::history::{Committed, Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 17,
    name: "consistent-read",
    claim: "a record that a consumer was given stays in the current leader's log",
    broken: "a record that was read is gone",
    also_called: "ConsistentRead",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses",
};

/// A read of what was lost before it arrived: the record is gone already.
pub(super) fn on_delivery(delivery: &Delivery, history: &History, context: &mut Context<'_>) {
    let Delivery::Polled { partition, from, batches, .. } = delivery else { return };
    let Some(ghost) = history.get(*partition) else { return };
    if ghost.lost.is_empty() {
        return;
    }
    for batch in batches.iter().filter(|batch| batch.header.last_offset() >= *from) {
        let gone = ghost.lost.iter().find(|(old, declared)| {
            declared.is_none()
                && old.batch.base_offset == batch.header.base_offset
                && old.batch.crc == batch.header.crc
        });
        if let Some((old, _)) = gone {
            report(old, ghost, context);
        }
    }
}

/// The current leader turned out to lack committed records.
pub(super) fn on_leader_without(missing: &[Committed], ghost: &Ghost, context: &mut Context<'_>) {
    for lost in missing.iter().filter(|lost| ghost.was_read(&lost.batch)) {
        report(lost, ghost, context);
    }
}

fn report(lost: &Committed, ghost: &Ghost, context: &mut Context<'_>) {
    let name = context.ledger.name(ghost.partition, &lost.batch);
    let (partition, offset) = (ghost.partition, lost.batch.base_offset);
    context.find(&INFO, ghost, offset, || {
        vec![format!("{partition}: a consumer was given {name} at offset {offset}; the current leader does not hold it.")]
    });
}
