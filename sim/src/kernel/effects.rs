//! What a step wanted done: carried out in order, and what the recorder is told of it.

use super::{Kernel, Pending};
use crate::checkers::LifeEvent;
use crate::kernel::work::{Item, Work};
use crate::net::connection::Direction;
use crate::net::rules::Verdict;
use crate::net::{CONNECTION_SETUP_TIMEOUT, Packet, Replied};
use crate::trace::recorder::{Fact, MessageEvent};
use crate::world::{EventId, Side, World};
use kafka::command::Delivery;
use kafka::ids::{ConnectionId, NodeId};
use kafka::log::batch::RecordBatch;
use kafka::log::conversion::as_in_the_log;
use kafka::messages::{ApiKey, Response};
use kafka::node::{Effect, ExitReason, ReplyTo};
use kafka::time::Time;

impl World {
    /// Carries out one effect of event `id`; what it sends leaves at `leaves`.
    #[inline]
    pub(super) fn carry_out(&mut self, node: NodeId, id: EventId, leaves: Time, effect: Effect) {
        let Kernel { network, scheduler, .. } = &mut self.kernel;
        match effect {
            Effect::Send { .. } => self.send(node, id, leaves, effect),
            Effect::Reply { to, response } => self.reply(node, id, leaves, to, response),
            Effect::Connect { to, channel } => {
                assert!(
                    usize::from(to.0) < self.nodes.slots.len(),
                    "{node} connects to {to}, which is nowhere"
                );
                let connection = network.connect(scheduler, node, to, channel, leaves);
                let gives_up = leaves + CONNECTION_SETUP_TIMEOUT;
                scheduler.schedule(gives_up, 0, id, Pending::ConnectTimeOut(connection));
            }
            Effect::Disconnect { to, channel } => {
                if let Some(connection) = network.disconnect(scheduler, node, to, channel, leaves) {
                    self.own_inbox(node, id, leaves, Work::Lost(connection));
                }
            }
            Effect::HangUp { connection } => network.hang_up(scheduler, node, connection, leaves),
            Effect::Push { connection, event } => {
                if let Some((opener, _)) = network.as_accepted(connection) {
                    let verdict = network.rules.judge(Some(ApiKey::ZooKeeper), Side::Response, opener, node);
                    let packet = Packet::Push(event);
                    network.transmit(scheduler, connection, Direction::Backward, packet, leaves, verdict);
                }
            }
            Effect::Deliver(delivery) => self.deliver(node, id, delivery),
            Effect::Note(note) => {
                self.recorder.count(&note);
                self.record(id, node, Fact::Note(&note));
            }
            Effect::Exit(reason) => self.end_process(node, id, LifeEvent::Ended, Some(reason)),
        }
    }

    fn send(&mut self, node: NodeId, id: EventId, leaves: Time, effect: Effect) {
        let Effect::Send { to, channel, call, version, expects_answer, request } = effect else {
            unreachable!("the caller looked");
        };
        let network = &mut self.kernel.network;
        let Some((connection, alive)) = network.call(node, to, channel, expects_answer.then_some(call))
        else {
            if expects_answer {
                self.own_inbox(node, id, leaves, Work::NotSent(call));
            }
            return;
        };
        let verdict = if alive {
            network.rules.judge(Some(request.api()), Side::Request, node, to)
        } else {
            Verdict::Lose
        };
        if self.recorder.is_on() {
            for event in fates(verdict) {
                let fact = Fact::Request { to, channel, version, request: &request, event };
                self.record(id, node, fact);
            }
        }
        let packet = Packet::Request { call, version, expects_answer, request };
        let Kernel { network, scheduler, .. } = &mut self.kernel;
        network.transmit(scheduler, connection, Direction::Forward, packet, leaves, verdict);
    }

    fn reply(&mut self, node: NodeId, id: EventId, leaves: Time, to: ReplyTo, response: Response) {
        let network = &mut self.kernel.network;
        let Replied::Sent(serving) = network.reply(node, to) else { return };
        if serving.expects_answer {
            assert!(response.api().is_some(), "{node} answers nothing to {to:?}, which wants an answer");
            let (opener, _) = network.as_accepted(to.connection).expect("it was just served");
            let verdict = network.rules.judge(response.api(), Side::Response, opener, node);
            if self.recorder.is_on() {
                for event in fates(verdict) {
                    let fact = Fact::Response { to: opener, response: &response, event };
                    self.record(id, node, fact);
                }
            }
            let packet = Packet::Response { call: serving.call, response };
            let Kernel { network, scheduler, .. } = &mut self.kernel;
            network.transmit(scheduler, to.connection, Direction::Backward, packet, leaves, verdict);
        }
        if let Some((cause, work)) = self.kernel.network.next_waiting(to.connection) {
            self.own_inbox(node, cause, leaves, work);
        }
    }

    fn deliver(&mut self, node: NodeId, id: EventId, mut delivery: Delivery) {
        if let Delivery::Polled { from, batches, .. } = &mut delivery {
            as_in_the_log(batches);
            let records = |batch: &RecordBatch| {
                let after = batch.header.next_offset() - (*from).max(batch.header.base_offset);
                after.clamp(0, i64::from(batch.header.records_count)) as u64
            };
            self.kernel.delivered_records += batches.iter().map(records).sum::<u64>();
        }
        if self.recorder.is_on() {
            self.record(id, node, Fact::Delivery(&delivery));
        }
        if self.kernel.check {
            self.kernel.scratch.deliveries.push((node, delivery));
        }
    }

    /// Something that a step itself brought about waits for the same node.
    fn own_inbox(&mut self, node: NodeId, cause: EventId, at: Time, work: Work) {
        self.kernel.machines[usize::from(node.0)].inbox.push_back(Item { at, cause, work });
    }

    /// A process ends: its memory goes, its connections break. A machine that lost power says nothing to its peers.
    pub(crate) fn end_process(
        &mut self,
        node: NodeId,
        id: EventId,
        how: LifeEvent,
        exit: Option<ExitReason>,
    ) {
        let index = usize::from(node.0);
        let Kernel { network, scheduler, machines, .. } = &mut self.kernel;
        let slot = &mut self.nodes.slots[index];
        let machine = &mut machines[index];
        machine.interrupt(self.nodes.now);
        machine.clear();
        machine.disk.end_of_life();
        slot.status = crate::world::nodes::Status::Down;
        slot.process = std::sync::Arc::clone(&machine.pristine);
        let at = self.nodes.now.max(machine.busy_until);
        network.process_gone(scheduler, node, at, how == LifeEvent::LostPower);
        self.reschedule(node);
        self.life_event(id, node, how, exit);
    }

    /// Tells checkers and recorder what became of a process or its machine.
    pub(crate) fn life_event(&mut self, id: EventId, node: NodeId, how: LifeEvent, exit: Option<ExitReason>) {
        self.kernel.scratch.lives.push((node, how));
        if self.recorder.is_on() {
            self.record(id, node, Fact::Life(how, exit));
        }
    }

    /// Tells the recorder a fact about the event that is acted on now. Not in line: mostly nobody records.
    #[cold]
    #[inline(never)]
    pub(crate) fn record(&mut self, id: EventId, node: NodeId, fact: Fact<'_>) {
        self.recorder.record(id, self.kernel.cause, self.nodes.now, node, fact, &self.nodes);
    }

    /// Tells the recorder what became of a packet, if it is a message.
    pub(crate) fn record_packet(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        packet: &Packet,
        event: MessageEvent,
    ) {
        if !self.recorder.is_on() {
            return;
        }
        let Some(connection) = self.kernel.network.connections.get(id) else { return };
        let ((from, to), channel) = (connection.ends(direction), connection.channel);
        if let Some(fact) = packet_fact(packet, to, channel, event) {
            // No event: nobody acts on it. It stands with the one that sent it.
            let sent_by = self.kernel.scheduler.cause;
            self.recorder.record(sent_by, sent_by, self.nodes.now, from, fact, &self.nodes);
        }
    }
}

/// The fact about a packet that is a message.
pub(crate) fn packet_fact(
    packet: &Packet,
    to: NodeId,
    channel: kafka::node::Channel,
    event: MessageEvent,
) -> Option<Fact<'_>> {
    match packet {
        Packet::Request { version, request, .. } => {
            Some(Fact::Request { to, channel, version: *version, request, event })
        }
        Packet::Response { response, .. } => Some(Fact::Response { to, response, event }),
        _ => None,
    }
}

/// What the recorder is told when a message is sent.
fn fates(verdict: Verdict) -> impl Iterator<Item = MessageEvent> {
    let second = match verdict {
        Verdict::Send | Verdict::Late(_) => None,
        Verdict::Hold(_) => Some(MessageEvent::Held),
        Verdict::Lose => Some(MessageEvent::Lost),
    };
    std::iter::once(MessageEvent::Sent).chain(second)
}
