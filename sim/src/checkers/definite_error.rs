//! `definite-error`: a record whose producer was told for certain that it is not written never becomes visible.
//!
//! Which errors are certain stands in `kafka::producer::outcome`; a send is certain only if none of its attempts was left
//! open. Visible is what a consumer was given, and what stands below the current leader's high watermark at the end.
//!
//! No release breaks it here, and no rule can be set so that it breaks: the table holds only refusals that every release
//! decides before it appends. The unit tests break it by logs that nobody writes.
//!
//! A record is known by its first value, so nameless ones are not looked for, nor one that the application has sent again.

use super::history::{Ghost, History};
use super::ledger::{Ledger, Outcome, name_of};
use super::{Context, PropertyInfo, PropertyKind, audit::Audit};
use crate::trace::names::info;
use kafka::command::{Delivery, SendId};
use kafka::era::Release;
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 16,
    name: "definite-error",
    claim: "a record whose producer was told for certain that it is not written never becomes visible",
    broken: "a record that was certainly not written is there",
    also_called: "NegAck, Jepsen's G1a",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "errors that leave the outcome open, of this attempt or of one before it",
};

/// What was certainly not written, by partition and name.
#[derive(Clone, Default, Debug)]
pub(super) struct DefiniteError {
    refused: Arc<BTreeMap<TopicPartition, BTreeMap<Arc<str>, SendId>>>,
}

impl DefiniteError {
    pub(super) fn on_delivery(
        &mut self,
        node: NodeId,
        delivery: &Delivery,
        history: &History,
        context: &mut Context<'_>,
    ) {
        match delivery {
            Delivery::Failed { send, partition, may_have_been_appended: false, .. } => {
                let entry = context.ledger.get(*send).filter(|entry| entry.is_named());
                let Some(name) = entry.map(|entry| entry.name()) else { return };
                Arc::make_mut(&mut self.refused).entry(*partition).or_default().insert(name, *send);
            }
            Delivery::Polled { partition, from, batches, .. } => {
                let Some(refused) = self.refused.get(partition) else { return };
                let Some(ghost) = history.get(*partition) else { return };
                for batch in batches.iter().filter(|batch| batch.header.last_offset() >= *from) {
                    if let Some(name) = is_refused(batch, *partition, refused, context.ledger) {
                        let reader = context.nodes.name(node).to_owned();
                        let how = format!("{reader} was given it");
                        report(&name, batch.header.base_offset, &how, ghost, context);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The name of a batch's record, if it was refused for certain and was not sent again.
pub(super) fn is_refused(
    batch: &RecordBatch,
    partition: TopicPartition,
    refused: &BTreeMap<Arc<str>, SendId>,
    ledger: &Ledger,
) -> Option<Arc<str>> {
    let value = batch.records().next()?.ok()?.value?;
    let (name, send) = refused.get_key_value(&name_of(&value))?;
    let acked = ledger.send_of(partition, &info(batch)).is_some_and(|other| other.id != *send);
    (!acked && !is_sent_again(ledger, partition, name)).then(|| Arc::clone(name))
}

/// Whether more than one send to this partition has this name.
fn is_sent_again(ledger: &Ledger, partition: TopicPartition, name: &str) -> bool {
    ledger.sends().filter(|send| send.partition == partition && &*send.name() == name).count() > 1
}

/// The end of the run: what the logs hold.
pub(super) fn finish(audit: &Audit, history: &History, context: &mut Context<'_>) {
    for (record, send) in audit.records.iter().zip(context.ledger.sends()) {
        let (Some(batch), Outcome::Failed(_, _, false)) = (record.batch, &send.outcome) else { continue };
        let Some(ghost) = history.get(record.partition) else { continue };
        let visible = ghost.current_leader().is_some_and(|index| {
            let leader = &ghost.replicas[index];
            batch.last_offset < leader.high_watermark && leader.batches.iter().any(|held| *held == batch)
        });
        if visible && !is_sent_again(context.ledger, record.partition, &record.name) {
            report(&record.name, batch.base_offset, "it is committed in the leader's log", ghost, context);
        }
    }
}

fn report(name: &str, offset: Offset, how: &str, ghost: &Ghost, context: &mut Context<'_>) {
    let partition = ghost.partition;
    context.find(&INFO, ghost, offset, || {
        vec![
            format!("The producer of {name} was told that it is certainly not written."),
            format!("It stands at offset {offset} of {partition}: {how}."),
        ]
    });
}
