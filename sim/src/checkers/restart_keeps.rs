//! `restart-keeps`: a log holds after a restart what it held before: all of it if only the process died, what was flushed
//! if its machine lost power.
//!
//! That is the promise of the disk (what was written outlives the process, what was flushed outlives the machine) and of
//! recovery, which throws away no batch that is whole. What was flushed is below the recovery point; a cut by order takes
//! that with it. What the log start offset has passed is nobody's any more.
//!
//! Before 3.0 nobody flushes directories, so that a file may be gone whose bytes were flushed (KAFKA-3968).

use super::history::{Change, Ghost, Seen};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::Offset;
use kafka::log::partition_log::BatchInfo;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 28,
    name: "restart-keeps",
    claim: "a log holds after a restart all that it held before or, if its machine lost power, all that was flushed",
    broken: "a log has lost over a restart what was safe on its disk",
    also_called: "",
    kind: PropertyKind::Mechanism,
    since: Release::new(3, 0, 0),
    source: "KAFKA-3968",
    excused: "a disk that was damaged; what was cut by order, or deleted",
};

pub(super) fn on_change(change: &Change, ghost: &Ghost, context: &mut Context<'_>) {
    let Some(lost) = change.lost_over_restart else { return };
    let name = context.nodes.name(change.node).to_owned();
    context.find(&INFO, ghost, lost.base_offset, || {
        vec![format!(
            "{}: what {name} held at offset {} was safe on its disk, and is gone since it started again.",
            ghost.partition, lost.base_offset
        )]
    });
}

/// Up to where a log must be the same when its broker has started again.
pub(super) fn safe_end(before: &Seen) -> Offset {
    if before.lost_power { before.flushed } else { before.end }
}

/// The first of the batches dropped over a restart that must not be missing from a log that now starts at `start`.
pub(super) fn first_lost(dropped: &[BatchInfo], safe: Offset, start: Offset) -> Option<BatchInfo> {
    dropped.iter().copied().find(|batch| batch.last_offset >= start && batch.last_offset < safe)
}
