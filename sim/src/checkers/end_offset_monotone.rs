//! `end-offset-monotone`: the end offset that one client is told never goes back.
//!
//! Until 2.1 a new leader told its own high watermark, which may be below what its predecessor had told (KAFKA-2334).

use super::history::{Ghost, History};
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::{BrokerId, NodeId, Offset, TopicPartition};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 10,
    name: "end-offset-monotone",
    claim: "the end offset that ListOffsets tells one client never goes back, and is never beyond what is committed",
    broken: "the end of the log, as a client is told it, goes back",
    also_called: "AppliedHwMonotone",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "KIP-207",
    excused: "declared losses",
};

/// Where the farthest high watermark that there ever was stands: a client is told no more.
fn committed_end(ghost: &Ghost) -> Offset {
    let committed = ghost.committed.last().map(|one| one.batch.last_offset + 1);
    let lost = ghost.lost.iter().map(|(one, _)| one.batch.last_offset + 1);
    let seen = ghost.replicas.iter().map(|seen| seen.high_watermark.max(seen.start));
    committed.into_iter().chain(lost).chain(seen).max().unwrap_or(Offset::ZERO)
}

/// What each client was told last.
#[derive(Clone, Default, Debug)]
pub(super) struct EndOffsetMonotone {
    told: Arc<BTreeMap<(NodeId, TopicPartition), (Offset, BrokerId)>>,
}

impl EndOffsetMonotone {
    /// The end that a client was told last.
    pub(super) fn last(&self, node: NodeId, partition: TopicPartition) -> Option<Offset> {
        self.told.get(&(node, partition)).map(|(offset, _)| *offset)
    }

    pub(super) fn on_delivery(
        &mut self,
        node: NodeId,
        delivery: &Delivery,
        history: &History,
        context: &mut Context<'_>,
    ) {
        let Delivery::EndOffset { partition, offset, broker } = delivery else { return };
        if let Some(ghost) = history.get(*partition).filter(|ghost| *offset > committed_end(ghost)) {
            let client = context.nodes.name(node).to_owned();
            let end = committed_end(ghost);
            context.find(&INFO, ghost, *offset, || {
                vec![format!("{partition}: {client} is told that the log ends at {offset}; what is committed ends at {end}.")]
            });
        }
        let before = Arc::make_mut(&mut self.told).insert((node, *partition), (*offset, *broker));
        let (Some((told, teller)), Some(ghost)) = (before, history.get(*partition)) else { return };
        if *offset >= told || ghost.unclean.is_some() || ghost.declared_at(*offset).is_some() {
            return;
        }
        let name = |broker| {
            context.nodes.broker_node(broker).map_or("a broker", |node| context.nodes.name(node)).to_owned()
        };
        let (client, one, two) = (context.nodes.name(node).to_owned(), name(teller), name(*broker));
        context.find(&INFO, ghost, *offset, || {
            vec![format!(
                "{partition}: {one} told {client} that the log ends at {told}; {two} now tells it {offset}."
            )]
        });
    }
}
