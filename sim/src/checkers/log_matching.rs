//! `log-matching`: any two replicas hold the same records at every offset below both their high watermarks.

use super::history::{Change, Ghost, first_disagreement};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::era::Release;
use kafka::ids::{NodeId, Offset};

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 3,
    name: "log-matching",
    claim: "any two replicas hold the same records at every offset below both their high watermarks",
    broken: "two replicas disagree about what is committed",
    also_called: "LogMatching",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "after a declared loss (an unclean election, power), for replicas that are not in the ISR yet",
};

/// After a declared loss the ISR says who is compared.
pub(super) fn on_state(ghost: &mut Ghost, context: &mut Context<'_>) {
    if ghost.has_declared_loss() {
        (0..ghost.replicas.len()).for_each(|index| check(index, ghost, context));
    }
}

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    let risen = change.high_watermark_before != Some(ghost.replicas[change.index].high_watermark);
    if !risen && !change.cut && !change.role_changed {
        return;
    }
    check(change.index, ghost, context);
}

/// Compares a replica with all others.
fn check(index: usize, ghost: &mut Ghost, context: &mut Context<'_>) {
    for other in 0..ghost.replicas.len() {
        if other == index || !comparable(ghost, index) || !comparable(ghost, other) {
            continue;
        }
        let (one, two) = (index.min(other), index.max(other));
        let (left, right) = (&ghost.replicas[one], &ghost.replicas[two]);
        let pair = (left.node, right.node);
        let limit = left.high_watermark.min(right.high_watermark).min(left.end).min(right.end);
        let known = ghost.matched.iter().position(|(one, two, _)| (*one, *two) == pair);
        let from = known.map_or(Offset::ZERO, |known| ghost.matched[known].2);
        if limit <= from {
            continue;
        }
        let differs = first_disagreement(&left.batches, &right.batches, from, limit);
        match known {
            Some(known) => ghost.matched[known].2 = limit,
            None => ghost.matched.push((pair.0, pair.1, limit)),
        }
        if let Some(offset) = differs {
            let report = || report(ghost, pair, offset, context.nodes, context.ledger);
            let lines = report();
            context.find(&INFO, ghost, offset, || lines);
        }
    }
}

/// Whether a replica's log may be compared. One that comes back with what the cluster was allowed to lose still has
/// to be cut: it counts when it is in the ISR.
pub(super) fn comparable(ghost: &Ghost, index: usize) -> bool {
    let seen = &ghost.replicas[index];
    seen.alive && (!ghost.has_declared_loss() || ghost.in_controller_isr(seen))
}

fn report(
    ghost: &Ghost,
    pair: (NodeId, NodeId),
    offset: Offset,
    nodes: &crate::world::nodes::Nodes,
    ledger: &super::ledger::Ledger,
) -> Vec<String> {
    let side = |node: NodeId| {
        let batch = ghost.replica(node).and_then(|seen| super::history::find(&seen.batches, offset));
        match batch {
            Some(batch) => format!("{} holds {}", nodes.name(node), ledger.name(ghost.partition, batch)),
            None => format!("{} holds something else", nodes.name(node)),
        }
    };
    vec![format!(
        "{} offset {offset} is below both high watermarks: {}, {}.",
        ghost.partition,
        side(pair.0),
        side(pair.1)
    )]
}
