//! `appended-once`: what a producer has sent so many times stands in a leader's log no more often.
//!
//! Without idempotence a batch that is sent again may stand twice. What is sent once stands once. The batches of a send
//! are known by their bytes as long as the producer has not done with them: those that it waits for an answer to, and those that
//! it will send again. Of a batch that it has done with, nothing is said.
//!
//! A leader's new batch is compared with the few before it: that costs next to nothing, and whoever writes twice, writes
//! twice in a row.

use super::history::{Change, Ghost, Log};
use super::{Context, PropertyInfo, PropertyKind};
use crate::world::nodes::{Process, Status};
use kafka::broker::view::Role;
use kafka::era::Release;
use kafka::ids::Offset;
use kafka::log::partition_log::BatchInfo;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 33,
    name: "appended-once",
    claim: "a batch stands in a leader's log no more often than its producer has sent it",
    broken: "a batch was appended more often than it was sent",
    also_called: "",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "what the producer has done with; records that an application sends twice",
};

/// So many batches before a new one are compared with it.
const NEAR: usize = 8;

pub(super) fn on_change(change: &Change, ghost: &Ghost, context: &mut Context<'_>) {
    let seen = &ghost.replicas[change.index];
    if change.cut || seen.role != Role::Leader {
        return;
    }
    for index in change.kept..seen.batches.len() {
        let Some(batch) = seen.batches.get(index) else { continue };
        let near = (index.saturating_sub(NEAR)..index).rev().filter_map(|other| seen.batches.get(other));
        let Some(first) = near.into_iter().find(|other| is_same(other, batch)).copied() else { continue };
        let batch = *batch;
        let Some((stands, sent)) = problem(&batch, &seen.batches, ghost, context) else { continue };
        let name = context.nodes.name(change.node).to_owned();
        context.find(&INFO, ghost, batch.base_offset, || {
            vec![format!(
                "{}, {name}: what stands at offset {} stands again at {}: {stands} times, and was sent {sent} times.",
                ghost.partition, first.base_offset, batch.base_offset
            )]
        });
    }
}

/// Whether two batches have the same bytes, but for offset and leader epoch.
fn is_same(one: &BatchInfo, other: &BatchInfo) -> bool {
    let bytes = |batch: &BatchInfo| (batch.crc, batch.size, batch.max_timestamp);
    bytes(one) == bytes(other)
}

/// How often a batch stands in a log and how often it was sent, if that is less often.
pub(super) fn problem(
    batch: &BatchInfo,
    log: &Log,
    ghost: &Ghost,
    context: &Context<'_>,
) -> Option<(usize, usize)> {
    let sent = times_sent(batch, ghost, context)?;
    let stands = log.iter().filter(|other| is_same(other, batch)).count();
    (stands > sent).then_some((stands, sent))
}

/// How often the producers that have not done with a batch have sent it.
fn times_sent(batch: &BatchInfo, ghost: &Ghost, context: &Context<'_>) -> Option<usize> {
    let running = context.nodes.slots.iter().filter(|slot| slot.status != Status::Down);
    let producers = running.filter_map(|slot| match &*slot.process {
        Process::Producer(producer) => Some(producer),
        _ => None,
    });
    let mut sent = None;
    for (waits, times) in producers.flat_map(|producer| producer.unfinished(ghost.partition)) {
        let is_it = |entry: &BatchInfo| is_same(entry, batch);
        let alike =
            waits.records.entries().iter().map(|entry| BatchInfo::of(&entry.header)).filter(is_it).count();
        if alike == 0 {
            continue;
        }
        if context.ledger.is_sent_alike(waits.send) {
            return None;
        }
        *sent.get_or_insert(0) += alike * times as usize;
    }
    sent.filter(|_| batch.base_offset >= Offset::ZERO)
}
