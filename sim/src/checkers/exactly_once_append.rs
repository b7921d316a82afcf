//! `exactly-once-append`: what a producer sends once stands once in what is committed.
//!
//! A batch that is sent again after its answer was lost is the same batch: its records, its timestamps, its CRC are those
//! of the first. So two committed batches of one content are one send that was appended twice. (What an *application*
//! sends again is another send, with other timestamps: nobody can promise anything of that.)

use super::history::{Change, Committed, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::Offset;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 24,
    name: "exactly-once-append",
    claim: "a batch that a producer sends stands at most once in what is committed",
    broken: "a batch stands twice in what is committed",
    also_called: "ExactlyOnceAppend, Jepsen's duplicate",
    kind: PropertyKind::Mechanism,
    since: Release::NEXT,
    source: "KIP-98; idempotence is left out so far, so that only a scenario puts it in force",
    excused: "without idempotence, if a producer retries",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    for index in change.committed_from..ghost.committed.len() {
        let Some((first, second)) = problem(ghost, index) else { continue };
        let place = ghost.partition;
        context.find(&INFO, ghost, second, || {
            vec![format!(
                "{place}: what stands at offset {first} stands again at {second}: one batch, twice."
            )]
        });
    }
}

/// Where a committed batch stood before, and where it stands again.
fn problem(ghost: &Ghost, index: usize) -> Option<(Offset, Offset)> {
    let again = ghost.committed.get(index)?.batch;
    let same = |old: &&Committed| {
        let old = &old.batch;
        (old.crc, old.size, old.max_timestamp) == (again.crc, again.size, again.max_timestamp)
    };
    let first = ghost.committed.iter().take(index).find(same)?;
    Some((first.batch.base_offset, again.base_offset))
}
