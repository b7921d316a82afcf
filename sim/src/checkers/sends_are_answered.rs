//! `sends-are-answered`: when all has calmed down, every application has been told what became of its records.

use super::excuse::knows_nobody;
use super::history::History;
use super::ledger::Outcome;
use super::{Context, PropertyInfo, PropertyKind};
use crate::world::nodes::Status;
use kafka::era::Release;
use kafka::ids::Offset;
use kafka::time::Micros;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 26,
    name: "sends-are-answered",
    claim: "at the end of the run every send of a running producer has been acknowledged or has failed",
    broken: "a send is never answered",
    also_called: "Progress of writes",
    kind: PropertyKind::Liveness,
    since: Release::NEXT,
    source: "",
    excused: "unless a scenario names it: it must give the cluster the time, and hold nothing up; and where the producer knows no broker that runs",
};

pub(super) fn finish(history: &History, context: &mut Context<'_>) {
    let (ledger, nodes) = (context.ledger, context.nodes);
    for send in ledger.sends().filter(|send| send.outcome == Outcome::Open) {
        let Some(ghost) = history.get(send.partition) else { continue };
        if nodes.slot(send.producer).status != Status::Up || knows_nobody(send.producer, nodes) {
            continue;
        }
        let waits = Micros(context.at.0 - send.at.0).millis();
        let line = format!(
            "{} for {} by {} was sent {waits} ms ago, and nobody has said what became of it.",
            send.name(),
            send.partition,
            nodes.name(send.producer)
        );
        context.find(&INFO, ghost, Offset::ZERO, || vec![line]);
    }
}
