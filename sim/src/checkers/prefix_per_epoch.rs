//! `prefix-per-epoch`: two replicas that hold the same (offset, epoch) hold the same log up to there.
//!
//! Raft's log matching by epoch. It is enough to look at one batch and the one before it: the rest follows by
//! induction, so every batch ever seen is remembered with its predecessor and compared once per replica.

use super::history::{Change, Ghost, Link, Log};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::{NodeId, Offset};
use kafka::log::partition_log::BatchInfo;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 4,
    name: "prefix-per-epoch",
    claim: "two replicas that hold the same (offset, epoch) hold the same log up to there",
    broken: "two replicas hold the same offset and epoch, and another log below",
    also_called: "PrefixPerEpoch, Raft's LogMatching",
    kind: PropertyKind::Mechanism,
    since: Release::new_0(11, 0, 0),
    source: "KIP-101",
    excused: "where power took what was there before, as was declared",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    let from = change.kept;
    for index in from..ghost.replicas[change.index].batches.len() {
        let batches = &ghost.replicas[change.index].batches;
        let link = link(batches, index, change.node);
        // Nearly every batch is new at its leader and among the last few at a follower.
        let place = ghost.links.partition_point(|known| key(&known.batch) < key(&link.batch));
        let known = ghost.links.get(place).filter(|known| key(&known.batch) == key(&link.batch)).copied();
        match known {
            None => ghost.links.insert(place, link),
            Some(known) if agree(&known, &link) => {}
            // What came before was deleted by order: a replica that has not heard of it may have kept something else.
            Some(known) if known.batch == link.batch && key(&link.batch).0 <= ghost.deleted => {}
            // A leader that lost its log with its power leads the same epoch again, and gives the offsets away anew.
            Some(known) if ghost.is_lost_to_power(&known.batch) => {
                if !ghost.given_anew.contains(&key(&link.batch)) {
                    ghost.given_anew.push(key(&link.batch));
                }
            }
            Some(known) => {
                let (one, two) =
                    (context.nodes.name(known.node).to_owned(), context.nodes.name(change.node).to_owned());
                let (offset, epoch) = key(&link.batch);
                context.find(&INFO, ghost, offset, || {
                    vec![format!(
                        "{}: {one} and {two} each hold offset {offset} of epoch {epoch}, but their logs differ \
                         at or just below it.",
                        ghost.partition
                    )]
                });
            }
        }
    }
}

/// The link of a batch in a log.
pub(super) fn link(batches: &Log, index: usize, node: NodeId) -> Link {
    let before = index.checked_sub(1).and_then(|before| batches.get(before));
    let batch = *batches.get(index).expect("the caller counts");
    Link { batch, before: before.map(|before| (before.epoch, before.crc)), node }
}

/// Whether two links with the same offset and epoch agree. A log that begins there knows no predecessor.
pub(super) fn agree(one: &Link, two: &Link) -> bool {
    one.batch == two.batch && (one.before.is_none() || two.before.is_none() || one.before == two.before)
}

/// Offset and epoch.
pub(super) fn key(batch: &BatchInfo) -> (Offset, kafka::ids::LeaderEpoch) {
    (batch.base_offset, batch.epoch)
}
