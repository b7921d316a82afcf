//! `consistent-read`: what a consumer was given stays in the log.

use super::history::{Committed, Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::{Offset, TopicPartition};
use std::collections::BTreeMap;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    name: "consistent-read",
    claim: "a record that a consumer was given stays in the current leader's log",
    also_called: "ConsistentRead",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses",
};

/// Up to where somebody has read.
#[derive(Clone, Default, Debug)]
pub(super) struct ConsistentRead {
    read_to: BTreeMap<TopicPartition, Offset>,
}

impl ConsistentRead {
    pub(super) fn on_delivery(&mut self, delivery: &Delivery, history: &History, context: &mut Context<'_>) {
        let Delivery::Polled { partition, from, position, batches, .. } = delivery else { return };
        let end = self.read_to.entry(*partition).or_default();
        *end = (*end).max(*position);
        // A read of what was lost before it arrived: the record is gone already.
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
    pub(super) fn on_leader_without(
        &mut self,
        missing: &[Committed],
        ghost: &Ghost,
        context: &mut Context<'_>,
    ) {
        let read_to = self.read_to.get(&ghost.partition).copied().unwrap_or_default();
        for lost in missing.iter().filter(|lost| lost.batch.base_offset < read_to) {
            report(lost, ghost, context);
        }
    }
}

fn report(lost: &Committed, ghost: &Ghost, context: &mut Context<'_>) {
    let name = context.ledger.name(ghost.partition, &lost.batch);
    let (partition, offset) = (ghost.partition, lost.batch.base_offset);
    context.find(&INFO, ghost, offset, || {
        vec![format!("{partition}: a consumer was given {name} at offset {offset}; the current leader does not hold it.")]
    });
}
