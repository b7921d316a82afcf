//! `weak-isr`: whoever believes to lead agrees with every member of its own ISR below its own high watermark.

use super::history::{Change, Ghost, Log, Seen, find, first_disagreement, goes_on_alike};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::broker::view::Role;
use kafka::era::Release;
use kafka::ids::Offset;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 2,
    name: "weak-isr",
    claim: "whoever believes to lead agrees with every running member of its own ISR below its own high watermark",
    broken: "a leader counts a follower that does not agree with it",
    also_called: "WeakIsr",
    kind: PropertyKind::Mechanism,
    since: Release::new(2, 1, 0),
    source: "KIP-320",
    excused: "declared losses; a member that lost something, until it is in the ISR again with all that is committed",
};

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    let risen = change.high_watermark_before != Some(ghost.replicas[change.index].high_watermark);
    if !risen && !change.cut && !change.role_changed && !change.isr_changed {
        return;
    }
    for leader in 0..ghost.replicas.len() {
        if ghost.replicas[leader].role != Role::Leader {
            continue;
        }
        for member in 0..ghost.replicas.len() {
            if leader != change.index && member != change.index {
                continue;
            }
            check(leader, member, ghost, context);
        }
    }
}

/// An excuse has ended: everybody is compared.
pub(super) fn on_state(ghost: &mut Ghost, context: &mut Context<'_>) {
    if !context.in_force(&INFO) {
        return;
    }
    for leader in 0..ghost.replicas.len() {
        (0..ghost.replicas.len()).for_each(|member| check(leader, member, ghost, context));
    }
}

fn check(leader: usize, member: usize, ghost: &mut Ghost, context: &mut Context<'_>) {
    let (leads, follows) = (&ghost.replicas[leader], &ghost.replicas[member]);
    if leader == member || !applies(ghost, leader, member) {
        return;
    }
    let pair = (leads.node, follows.node);
    let known = ghost.weakly_matched.iter().position(|(one, two, _)| (*one, *two) == pair);
    let from = known.map_or(Offset::ZERO, |known| ghost.weakly_matched[known].2);
    let limit = leads.high_watermark;
    if limit <= from {
        return;
    }
    let differs = first_missing(&leads.batches, &follows.batches, from.max(ghost.deleted), limit);
    // What is excused for now is looked at again.
    let upto = differs.filter(|offset| ghost.declared_at(*offset).is_some());
    match known {
        Some(known) => ghost.weakly_matched[known].2 = upto.unwrap_or(limit),
        None => ghost.weakly_matched.push((pair.0, pair.1, upto.unwrap_or(limit))),
    }
    let Some(offset) = differs else { return };
    if is_declared(ghost, &ghost.replicas[leader], offset) {
        return;
    }
    let (one, two) = (context.nodes.name(pair.0).to_owned(), context.nodes.name(pair.1).to_owned());
    let epoch = ghost.replicas[leader].leader_epoch;
    context.find(&INFO, ghost, offset, || {
        vec![format!(
            "{}: {one} leads in epoch {epoch} with {two} in its ISR and high watermark {limit}; {two} does not hold what {one} holds at offset {offset}.",
            ghost.partition
        )]
    });
}

/// Whether the leader holds there what others were allowed to lose: it has not heard of its successor yet.
pub(super) fn is_declared(ghost: &Ghost, leader: &Seen, offset: Offset) -> bool {
    let Some(batch) = find(&leader.batches, offset) else { return false };
    ghost.excuse(batch).is_some()
        || ghost.lost.iter().any(|(old, declared)| declared.is_some() && old.batch == *batch)
}

/// Whether the claim speaks of this pair.
pub(super) fn applies(ghost: &Ghost, leader: usize, member: usize) -> bool {
    let (leads, follows) = (&ghost.replicas[leader], &ghost.replicas[member]);
    leads.role == Role::Leader
        && leads.alive
        && follows.alive
        && leads.isr.contains(&follows.broker)
        && !ghost.lossy.contains(&follows.node)
        && !ghost.is_leaving(follows)
        && !ghost.has_left_since(follows, leads)
}

/// The first offset below `limit` that `here` holds and `there` does not, or holds otherwise.
pub(super) fn first_missing(here: &Log, there: &Log, from: Offset, limit: Offset) -> Option<Offset> {
    if goes_on_alike(here, there, from, limit) {
        return None;
    }
    if let Some(offset) = first_disagreement(here, there, from, limit) {
        return Some(offset);
    }
    let first = here.partition_point(|batch| batch.last_offset < from);
    let below = here.iter_from(first).take_while(|batch| batch.last_offset < limit);
    below.map(|batch| batch.base_offset).find(|offset| find(there, *offset).is_none())
}
