//! `epoch-monotone`: leader epochs never decrease along a log, and the leader epoch cache says where each began.

use super::history::{Change, Ghost};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::{ReplicaView, Role};
use kafka::era::Release;
use kafka::ids::{LeaderEpoch, Offset};
use kafka::log::leader_epochs::EpochEntry;
use kafka::log::partition_log::BatchInfo;
use kafka::rules::epoch_cache::enters_on_election;
use kafka::rules::truncation::batches_carry_epochs;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 5,
    name: "epoch-monotone",
    claim: "leader epochs never decrease along a log, and the leader epoch cache agrees with the log",
    broken: "epochs go back along a log, or its epoch cache says otherwise",
    also_called: "EpochMonotone",
    kind: PropertyKind::Mechanism,
    since: Release::new_0(11, 0, 0),
    source: "KIP-101",
    excused: "records that were deleted; an entry of an epoch without records may stand at the log end, or at the start of the next epoch",
};

pub(super) fn on_change(
    change: &Change,
    view: &ReplicaView<'_>,
    ghost: &mut Ghost,
    context: &mut Context<'_>,
) {
    if let Some((offset, problem)) = unnoted(change, view, context) {
        let name = context.nodes.name(change.node).to_owned();
        context.find(&INFO, ghost, offset, || vec![format!("{}, {name}: {problem}.", ghost.partition)]);
    }
    if let Some((offset, problem)) = left_by_cut(change, view) {
        let name = context.nodes.name(change.node).to_owned();
        context.find(&INFO, ghost, offset, || vec![format!("{}, {name}: {problem}.", ghost.partition)]);
    }
    // New batches are looked at with the one before them; if the cache has changed, all are.
    let from = match change.cut || change.epochs_changed {
        true => 0,
        false if change.kept == ghost.replicas[change.index].batches.len() => return,
        false => change.kept.saturating_sub(1),
    };
    if let Some((offset, problem)) = problem(view, from, ghost.deleted) {
        let name = context.nodes.name(change.node).to_owned();
        context.find(&INFO, ghost, offset, || vec![format!("{}, {name}: {problem}.", ghost.partition)]);
    }
}

/// A leader that has not entered its epoch into its cache on being elected, where its release does so.
fn unnoted(change: &Change, view: &ReplicaView<'_>, context: &Context<'_>) -> Option<(Offset, String)> {
    let era = &context.nodes.slot(change.node).era;
    let enters = enters_on_election(era.rules.epoch_cache) && batches_carry_epochs(era);
    let newest = view.log.latest_epoch().unwrap_or(LeaderEpoch::NONE);
    let lacks = enters && view.role == Role::Leader && newest < view.leader_epoch;
    lacks.then(|| {
        (
            view.log.end_offset(),
            format!("it leads in epoch {}, and its epoch cache ends with {newest}", view.leader_epoch),
        )
    })
}

/// An entry of an epoch that begins where a follower's log now ends, having just been cut there.
fn left_by_cut(change: &Change, view: &ReplicaView<'_>) -> Option<(Offset, String)> {
    let is_cut = change.cut && change.high_watermark_before.is_some();
    if is_cut && matches!(view.role, Role::Follower(_)) { left(view) } else { None }
}

/// An entry at the log end.
pub(super) fn left(view: &ReplicaView<'_>) -> Option<(Offset, String)> {
    let end = view.log.end_offset();
    let entry = view.log.epochs().last().filter(|entry| entry.start >= end)?;
    Some((
        entry.start,
        format!("its log was cut to end at {end}, and its epoch cache still knows epoch {}", entry.epoch),
    ))
}

/// What is wrong with the epochs of a replica's log, looking at batches from index `from` on. Below `deleted` the cache
/// says nothing: it is cut at once, and a crash may bring the records back, but not its entries.
pub(super) fn problem(view: &ReplicaView<'_>, from: usize, deleted: Offset) -> Option<(Offset, String)> {
    let batches = view.log.batches().get(from..).unwrap_or_default();
    let there = batches.partition_point(|batch| batch.base_offset < deleted);
    along_the_log(batches)
        .or_else(|| cache(view.log.epochs(), &batches[there..]))
        .or_else(|| beyond(view.log.epochs(), view.log.end_offset()))
}

/// An entry of what is not there.
fn beyond(entries: &[EpochEntry], end: Offset) -> Option<(Offset, String)> {
    let entry = entries.last().filter(|entry| entry.start > end)?;
    let what =
        format!("epoch cache: epoch {} from {} on, and the log ends at {end}", entry.epoch, entry.start);
    Some((entry.start, what))
}

fn along_the_log(batches: &[BatchInfo]) -> Option<(Offset, String)> {
    let pair = batches.windows(2).find(|pair| pair[1].epoch < pair[0].epoch)?;
    let (one, two) = (pair[0], pair[1]);
    Some((
        two.base_offset,
        format!("epoch {} at offset {} after epoch {}", two.epoch, two.base_offset, one.epoch),
    ))
}

fn cache(entries: &[EpochEntry], batches: &[BatchInfo]) -> Option<(Offset, String)> {
    if let Some(pair) =
        entries.windows(2).find(|pair| pair[1].epoch <= pair[0].epoch || pair[1].start < pair[0].start)
    {
        let [one, two] = [&pair[0], &pair[1]];
        let what = format!(
            "epoch cache: epoch {} from {} on, after epoch {} from {} on",
            two.epoch, two.start, one.epoch, one.start
        );
        return Some((two.start, what));
    }
    batches.iter().find_map(|batch| {
        let entry = entries.iter().rev().find(|entry| entry.start <= batch.base_offset);
        (entry.map(|entry| entry.epoch) != Some(batch.epoch)).then(|| {
            let says = entry.map_or("nothing".to_owned(), |entry| format!("epoch {}", entry.epoch));
            (
                batch.base_offset,
                format!(
                    "offset {} is of epoch {}, the epoch cache says {says}",
                    batch.base_offset, batch.epoch
                ),
            )
        })
    })
}
