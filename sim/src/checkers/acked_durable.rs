//! `acked-durable`: a record acknowledged with `acks=all` is never lost.
//!
//! Violated when the producer is told of a record that is not committed, when the last copy of an acknowledged record is
//! thrown away, or when the run ends and the partition goes on without it. Another attempt of the producer to write the
//! same record is a copy, too ([`super::audit`]). `leader-completeness` usually breaks before:
//! that is the election which decided it; this is the moment after which nobody can bring the record back.

use super::audit::{Audit, Fate};
use super::history::{Change, Ghost, History, duplicate, find};
use super::ledger::Outcome;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::{Delivery, SendId};
use kafka::era::Release;
use kafka::ids::{Offset, TopicPartition};
use kafka::messages::produce::Acks;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 15,
    name: "acked-durable",
    claim: "a record acknowledged with acks=all is never lost",
    broken: "an acknowledged record is lost",
    also_called: "AckedDurable, Jepsen's lost-write",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "declared losses; acks=0 and acks=1 promise less",
};

pub(super) fn on_delivery(delivery: &Delivery, history: &History, context: &mut Context<'_>) {
    let Delivery::Acked { send, partition, base_offset, broker } = delivery else { return };
    let Some(offset) = base_offset else { return nowhere(*send, *partition, history, context) };
    let (Some(ghost), Some(entry)) = (history.get(*partition), context.ledger.get(*send)) else { return };
    if entry.acks != Acks::All
        || ghost.committed_at(*offset).is_some()
        || ghost.lost.iter().any(|(old, _)| old.batch.base_offset == *offset)
        || ghost.deleted > *offset
        // An unclean election leaves it out of the ghost; the broker that answered does not know.
        || ghost.replica_of(*broker).is_some_and(|seen| seen.high_watermark > *offset)
        // Or knows by now, and has cut what it had appended as leader.
        || ghost.replica_of(*broker).is_some_and(|seen| {
            ghost.cut_at(seen.node, *offset).any(|drop| ghost.is_of_a_deposed_leader(&drop.batch))
        })
        // It answered with its last breath, and nobody saw its high watermark: then the ISR tells.
        || ghost.replica_of(*broker).is_some_and(|seen| !seen.alive) && is_everywhere(ghost, *offset)
    {
        return;
    }
    let (name, producer) = (entry.name(), context.nodes.name(entry.producer).to_owned());
    context.find(&INFO, ghost, *offset, || {
        vec![format!("{partition}: {producer} was told that {name} is at offset {offset}, which no high watermark has passed.")]
    });
}

/// Only `acks=0` is told nothing of the place.
fn nowhere(send: SendId, partition: TopicPartition, history: &History, context: &mut Context<'_>) {
    let (Some(ghost), Some(entry)) = (history.get(partition), context.ledger.get(send)) else { return };
    if entry.acks == Acks::All {
        let (name, producer) = (entry.name(), context.nodes.name(entry.producer).to_owned());
        context.find(&INFO, ghost, Offset::NONE, || {
            vec![format!(
                "{partition}: {producer} says that {name} is written, and no broker has told it where."
            )]
        });
    }
}

/// Whether every running member of the ISR has a record at this offset, and at least one has.
fn is_everywhere(ghost: &Ghost, offset: Offset) -> bool {
    let mut members =
        ghost.replicas.iter().filter(|seen| seen.alive && ghost.in_controller_isr(seen)).peekable();
    members.peek().is_some() && members.all(|seen| seen.end > offset)
}

pub(super) fn on_change(change: &Change, ghost: &mut Ghost, context: &mut Context<'_>) {
    if !change.cut {
        return;
    }
    let mine = ghost.drops.iter().rev().take_while(|drop| drop.node == change.node && drop.at == context.at);
    // What an operator has deleted may go.
    let mine = mine.filter(|drop| drop.batch.last_offset >= ghost.deleted);
    let dropped: Vec<_> = mine.map(|drop| drop.batch).collect();
    for batch in dropped.into_iter().rev() {
        let holds = |batches| find(batches, batch.base_offset) == Some(&batch);
        let anywhere = ghost
            .replicas
            .iter()
            .any(|seen| holds(&seen.batches) || duplicate(&seen.batches, &batch).is_some());
        let Some(send) = context.ledger.send_of(ghost.partition, &batch) else { continue };
        // A retry may stand at the same offset with the same bytes in another epoch: only the copy that was acked counts.
        if !send.became(&batch) {
            continue;
        }
        let declared =
            ghost.lost.iter().rev().find(|(old, _)| old.batch == batch).and_then(|(_, declared)| *declared);
        if anywhere || send.acks != Acks::All || declared.or_else(|| ghost.excuse(&batch)).is_some() {
            continue;
        }
        let Outcome::Acked(at, _) = send.outcome else { continue };
        let name = context.ledger.name(ghost.partition, &batch);
        let drop = ghost.last_drop(&batch).expect("it was just dropped");
        let (who, why) = (context.nodes.name(drop.node).to_owned(), drop.why.clone());
        let place = format!("{} offset {}", ghost.partition, batch.base_offset);
        context.find(&INFO, ghost, batch.base_offset, || {
            let acked = format!("{name} ({place}), acked at {} ms with acks=all", at.millis());
            vec![format!("{acked}: {who} has dropped its last copy by {why}.")]
        });
    }
}

pub(super) fn finish(audit: &Audit, history: &History, context: &mut Context<'_>) {
    for record in &audit.records {
        let Fate::Lost { declared: None, how } = &record.fate else { continue };
        let (Some(ghost), Some(batch)) = (history.get(record.partition), record.batch) else { continue };
        let promise = match record.acks {
            Acks::All => "was acked with acks=all",
            // Who waits for the leader alone is promised nothing until the high watermark passes.
            Acks::Leader | Acks::None => "was committed",
        };
        let line = format!("{} {promise} and is lost: {how}.", record.name);
        context.find(&INFO, ghost, batch.base_offset, || vec![line]);
    }
}
