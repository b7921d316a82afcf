//! `read-below-high-watermark`: a consumer is never given what is not below the serving replica's high watermark.

use super::history::History;
use super::{Context, PropertyInfo, PropertyKind};
use kafka::command::Delivery;
use kafka::era::Release;
use kafka::ids::NodeId;

pub(super) const INFO: PropertyInfo = PropertyInfo {
    number: 18,
    name: "read-below-high-watermark",
    claim: "a consumer is only given records below the serving replica's high watermark, as it was when it served them",
    broken: "a consumer is given what is not committed",
    also_called: "ReadBelowHw, ReadCommittedOnly",
    kind: PropertyKind::Promise,
    since: Release::FIRST,
    source: "",
    excused: "never",
};

pub(super) fn on_delivery(node: NodeId, delivery: &Delivery, history: &History, context: &mut Context<'_>) {
    let Delivery::Polled { partition, batches, high_watermark, broker, .. } = delivery else { return };
    let Some(ghost) = history.get(*partition) else { return };
    let Some(last) = batches.last().filter(|last| last.header.last_offset() >= *high_watermark) else {
        return;
    };
    let offset = last.header.base_offset;
    let server =
        context.nodes.broker_node(*broker).map_or("a broker", |node| context.nodes.name(node)).to_owned();
    let client = context.nodes.name(node).to_owned();
    context.find(&INFO, ghost, offset, || {
        vec![format!("{partition}: {server} gave {client} offset {offset} while its high watermark was {high_watermark}.")]
    });
}
