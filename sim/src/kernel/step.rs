//! One event: taken from the order, given to a process, and looked at afterwards.

use super::encoding::{self, EventKind};
use super::host;
use super::machine::{LONGEST_SPIN, NodeEntropy, Spin};
use super::queue::Key;
use super::work::{Item, Work};
use super::{Kernel, Pending};
use crate::checkers::{Handed, LifeEvent, Observed};
use crate::net::connection::Direction;
use crate::net::{Arrival, Loss, ends};
use crate::trace::recorder::{Fact, MessageEvent};
use crate::tracing_log;
use crate::world::nodes::{Process, Status};
use crate::world::{EventId, World};
use kafka::ids::{ConnectionId, NodeId};
use kafka::node::{ChannelEvent, Disconnected, Env, Input, Node};
use kafka::time::{Micros, Time};
use std::sync::Arc;

impl World {
    /// Pops one event and acts on it. `None` if there is none at or before `until`; virtual time is then `until`.
    pub fn step(&mut self, until: Time) -> Option<EventId> {
        loop {
            let scheduler = &mut self.kernel.scheduler;
            let (node, turn) = scheduler.turns.next();
            let (arrival, planned) = (scheduler.queue.next(), scheduler.calendar.next());
            let first = turn.min(arrival).min(planned);
            if first.at > until || first.at == Time::NEVER {
                if until != Time::NEVER {
                    self.nodes.now = self.nodes.now.max(until);
                }
                host::follow(self.nodes.now);
                return None;
            }
            assert!(first.at >= self.nodes.now, "time goes back from {:?} to {first:?}", self.nodes.now);
            self.nodes.now = first.at;
            let acted = if first == turn {
                self.take_turn(NodeId(node as u16))
            } else if first == arrival {
                self.take_pending()
            } else {
                let (node, command) = scheduler.calendar.pop().expect("there is a next command");
                self.give(node, EventId::default(), Work::Command(command))
            };
            if acted.is_some() {
                return acted;
            }
        }
    }

    /// When something happens next, unless somebody interferes.
    pub fn next_at(&self) -> Option<Time> {
        let scheduler = &self.kernel.scheduler;
        let first = scheduler.turns.next().1.min(scheduler.queue.next()).min(scheduler.calendar.next());
        (first.at != Time::NEVER).then_some(first.at)
    }

    /// It is a node's turn: it is free, and its inbox holds something or its deadline has passed.
    fn take_turn(&mut self, node: NodeId) -> Option<EventId> {
        let machine = &mut self.kernel.machines[usize::from(node.0)];
        if machine.wake_is_first() {
            let skipped = machine.spin.map_or(0, |spin| spin.turns(self.nodes.now));
            let cause = machine.deadline_cause;
            let id = self.begin(EventKind::Wake, node, cause, u32::try_from(skipped + 1).unwrap_or(u32::MAX));
            self.run(node, id, Input::Wake);
            return Some(id);
        }
        let Some(item) = machine.inbox.pop_front() else {
            unreachable!("{node} has a turn and nothing to do");
        };
        let acted = self.act(node, item);
        if acted.is_none() {
            self.reschedule(node);
        }
        acted
    }

    /// Something that was on its way arrives.
    fn take_pending(&mut self) -> Option<EventId> {
        let scheduler = &mut self.kernel.scheduler;
        let (cause, pending) = scheduler.queue.pop().expect("something is on its way");
        scheduler.cause = cause;
        match pending {
            Pending::Packet { connection, direction, packet } => {
                self.packet_arrives(connection, direction, packet, cause)
            }
            Pending::Command(node, command) => self.give(node, cause, Work::Command(command)),
            Pending::Start(node) => {
                (self.nodes.slot(node).life == 0).then(|| self.start_process(node, cause))
            }
            Pending::ConnectTimeOut(id) => {
                let now = self.nodes.now;
                if !self.kernel.network.time_out(&mut self.kernel.scheduler, id, now) {
                    return None;
                }
                let opener = self.kernel.network.connections.get(id).expect("it just timed out").opener;
                self.give(opener, cause, Work::ConnectFailed(id))
            }
        }
    }

    fn packet_arrives(
        &mut self,
        id: ConnectionId,
        direction: Direction,
        packet: crate::net::Packet,
        cause: EventId,
    ) -> Option<EventId> {
        let now = self.nodes.now;
        let Kernel { network, scheduler, machines, .. } = &mut self.kernel;
        let connection = network.connections.get(id)?;
        let receiver = connection.ends(direction).1;
        let machine = ends::Machine {
            powered: machines[usize::from(receiver.0)].powered,
            listens: self.nodes.slots[usize::from(receiver.0)].status != Status::Down,
        };
        if tracing_log::is_on() {
            tracing::trace!(target: "trial::net", connection = id.0, ?direction, to = receiver.0, ?packet, "arrives");
        }
        match network.arrive(scheduler, id, direction, packet, machine, now) {
            Arrival::For(node, work) => self.give(node, cause, work),
            Arrival::Waits => None,
            Arrival::Taken => {
                let event = self.begin(EventKind::Handshake, receiver, cause, id.0);
                self.finish(event);
                Some(event)
            }
            Arrival::Nowhere(packet) => {
                self.record_packet(id, direction, &packet, MessageEvent::Lost);
                None
            }
        }
    }

    /// Gives a process something from outside: at once if it is free, else into its inbox.
    pub(crate) fn give(&mut self, node: NodeId, cause: EventId, work: Work) -> Option<EventId> {
        let now = self.nodes.now;
        let status = self.nodes.slot(node).status;
        let machine = &mut self.kernel.machines[usize::from(node.0)];
        let item = Item { at: now, cause, work };
        match status {
            Status::Down => None,
            Status::Up if machine.inbox.is_empty() && machine.busy_until <= now => {
                let acted = self.act(node, item);
                if acted.is_none() {
                    self.reschedule(node);
                }
                acted
            }
            Status::Up | Status::Paused => {
                machine.interrupt(now);
                machine.inbox.push_back(item);
                self.reschedule(node);
                None
            }
        }
    }

    /// Moves a node's turn to when it now wants the CPU.
    #[inline]
    pub(crate) fn reschedule(&mut self, node: NodeId) {
        let index = usize::from(node.0);
        let scheduler = &mut self.kernel.scheduler;
        let wanted = match self.nodes.slots[index].status {
            Status::Up => self.kernel.machines[index].wants_cpu(),
            Status::Down | Status::Paused => None,
        };
        // A turn that was due while nobody looked (a resumed process) is due now.
        let at = wanted.map_or(Time::NEVER, |at| at.max(self.nodes.now));
        if scheduler.turns.get(index).at == at {
            return;
        }
        let key = if at == Time::NEVER {
            Key::NEVER
        } else {
            let tie = scheduler.tie(node, node, at, 0);
            scheduler.key(at, tie)
        };
        scheduler.turns.set(index, key);
    }

    /// A process takes something from its inbox. `None` if it is about a connection that has no meaning for it any more.
    fn act(&mut self, node: NodeId, item: Item) -> Option<EventId> {
        let Item { at, cause, work } = item;
        let network = &mut self.kernel.network;
        let (id, input) = match work {
            Work::Request { reply_to, version, request } => {
                let (from, channel) = network.as_accepted(reply_to.connection)?;
                let id = self.begin(EventKind::Request, node, cause, version as u32);
                let hash = &mut self.kernel.hash;
                hash.put(u64::from(reply_to.connection.0) | u64::from(reply_to.ordinal) << 32);
                encoding::request(hash, &request);
                if self.recorder.is_on() {
                    let event = MessageEvent::Arrived;
                    let fact = Fact::Request { to: node, channel, version, request: &request, event };
                    self.record(id, from, fact);
                }
                (id, Input::Request { reply_to, from, version, request })
            }
            Work::Response { connection, call, response } => {
                if !network.tell_response(connection, call) {
                    return None;
                }
                let id = self.begin(EventKind::Response, node, cause, connection.0);
                self.kernel.hash.put(call.0);
                encoding::response(&mut self.kernel.hash, &response);
                if self.recorder.is_on() {
                    let (from, _) = self.kernel.network.as_opened(connection).expect("it is open");
                    let event = MessageEvent::Arrived;
                    let fact = Fact::Response { to: node, response: &response, event };
                    self.record(id, from, fact);
                }
                (id, Input::Answer { call, answer: Ok(response) })
            }
            Work::Pushed { connection, event } => {
                let (from, channel) = network.as_opened(connection)?;
                let id = self.begin(EventKind::Pushed, node, cause, connection.0);
                encoding::watch_event(&mut self.kernel.hash, &event);
                (id, Input::Pushed { from, channel, event })
            }
            Work::Command(command) => {
                let id = self.begin(EventKind::Command, node, cause, 0);
                encoding::command(&mut self.kernel.hash, &command);
                if self.recorder.is_on() {
                    self.record(id, node, Fact::Command(&command));
                }
                if self.kernel.check
                    && let Some(handed) = Handed::by(&command)
                {
                    self.kernel.scratch.handed.push((node, handed));
                }
                (id, Input::Command(command))
            }
            Work::Connected(connection) => {
                let (to, channel) = network.tell_connected(connection)?;
                let peer = self.nodes.slot(to).era.clone();
                self.channel_event(
                    EventKind::Connected,
                    node,
                    cause,
                    to,
                    channel,
                    ChannelEvent::Connected { peer },
                )
            }
            Work::ConnectFailed(connection) => {
                let (to, channel) = network.tell_failed(connection)?;
                self.channel_event(EventKind::ConnectFailed, node, cause, to, channel, ChannelEvent::Failed)
            }
            Work::Lost(connection) => match network.tell_loss(connection) {
                Loss::Nothing => return None,
                Loss::Channel(to, channel) => {
                    let event = ChannelEvent::Disconnected;
                    self.channel_event(EventKind::ChannelLost, node, cause, to, channel, event)
                }
                Loss::Call(call) => {
                    let machine = &mut self.kernel.machines[usize::from(node.0)];
                    machine.inbox.push_front(Item { at, cause, work: Work::Lost(connection) });
                    self.no_answer(node, cause, call)
                }
            },
            Work::NotSent(call) => self.no_answer(node, cause, call),
            Work::PeerGone(connection) => {
                network.as_accepted(connection)?;
                network.acceptor_gone(connection);
                let id = self.begin(EventKind::PeerGone, node, cause, connection.0);
                (id, Input::PeerGone { connection })
            }
            Work::Start => unreachable!("a start goes through no inbox"),
        };
        self.run(node, id, input);
        Some(id)
    }

    fn no_answer(&mut self, node: NodeId, cause: EventId, call: kafka::ids::CallId) -> (EventId, Input) {
        let id = self.begin(EventKind::NoAnswer, node, cause, 0);
        self.kernel.hash.put(call.0);
        (id, Input::Answer { call, answer: Err(Disconnected) })
    }

    fn channel_event(
        &mut self,
        kind: EventKind,
        node: NodeId,
        cause: EventId,
        to: NodeId,
        channel: kafka::node::Channel,
        event: ChannelEvent,
    ) -> (EventId, Input) {
        let id = self.begin(kind, node, cause, 0);
        encoding::channel(&mut self.kernel.hash, to, channel);
        if self.recorder.is_on() {
            self.record(id, node, Fact::Channel { to, channel, event: &event });
        }
        (id, Input::Channel { to, channel, event })
    }

    /// A process starts with new memory.
    pub(crate) fn start_process(&mut self, node: NodeId, cause: EventId) -> EventId {
        let index = usize::from(node.0);
        let machine = &mut self.kernel.machines[index];
        let slot = &mut self.nodes.slots[index];
        assert!(slot.status == Status::Down, "{} runs already", slot.name);
        machine.clear();
        machine.busy_until = self.nodes.now;
        slot.status = Status::Up;
        slot.life += 1;
        slot.process = Arc::clone(&machine.pristine);
        let life = slot.life;
        let id = self.begin(EventKind::Start, node, cause, life);
        self.life_event(id, node, LifeEvent::Started, None);
        self.run(node, id, Input::Start);
        id
    }

    /// Counts an event and writes down its head.
    #[inline]
    pub(crate) fn begin(&mut self, kind: EventKind, node: NodeId, cause: EventId, detail: u32) -> EventId {
        let kernel = &mut self.kernel;
        let id = EventId(kernel.events);
        kernel.events += 1;
        // Kept until the next event begins: conditions of a scenario look at them.
        kernel.scratch.deliveries.clear();
        kernel.scheduler.cause = id;
        kernel.cause = cause;
        encoding::event(&mut kernel.hash, kind, node, self.nodes.now, detail);
        if tracing_log::is_on() {
            tracing_log::set_now(self.nodes.now);
            let name = self.nodes.name(node);
            tracing::debug!(target: "trial::kernel", node = name, event = id.0, cause = cause.0, detail, "{kind:?}");
        }
        id
    }

    /// A process takes one step, to the end, and its effects are carried out.
    fn run(&mut self, node: NodeId, id: EventId, input: Input) {
        let index = usize::from(node.0);
        let now = self.nodes.now;
        let Kernel { scheduler, machines, scratch, step_cost, .. } = &mut self.kernel;
        let machine = &mut machines[index];
        let slot = &mut self.nodes.slots[index];
        let woken = matches!(input, Input::Wake);
        let mut effects = std::mem::take(&mut scratch.effects);
        let process = Arc::make_mut(&mut slot.process);
        {
            let _span = tracing_log::is_on().then(|| tracing_log::enter(&slot.name, slot.life, &input));
            let mut env = Env {
                now,
                wall: machine.clock.read(now),
                disk: &mut machine.disk,
                entropy: &mut NodeEntropy {
                    entropy: &scheduler.entropy,
                    node,
                    life: slot.life,
                    draws: &mut machine.draws,
                },
                effects: &mut effects,
                marks: &mut scratch.marked,
                notes_wanted: self.recorder.wants_notes(),
            };
            process.step(input, &mut env);
        }
        let disk_cost = machine.disk.take_cost();
        // Nothing happens in no time.
        let cost = Micros((step_cost.0 * u64::from(machine.slow) + disk_cost.0).max(1));
        let skipped = machine.spin.take().map_or(Micros::ZERO, |spin| now.since(spin.since));
        machine.cpu = machine.cpu + skipped + cost;
        machine.busy_until = now + cost;
        machine.set_deadline(process.deadline(), woken, id);
        let changed_nothing = effects.is_empty() && scratch.marked.is_empty() && disk_cost == Micros::ZERO;
        if woken
            && changed_nothing
            && machine.inbox.is_empty()
            && machine.deadline.is_some_and(|deadline| deadline <= now)
        {
            self.spin(node, cost);
        }
        scratch_marks(&mut self.kernel.scratch, node);
        let leaves = now + cost;
        for effect in effects.drain(..) {
            self.carry_out(node, id, leaves, effect);
            if self.nodes.slots[index].status == Status::Down {
                break;
            }
        }
        effects.clear();
        self.kernel.scratch.effects = effects;
        self.reschedule(node);
        self.finish(id);
    }

    /// A busy loop that changes nothing: its turns up to the next event elsewhere are taken together.
    fn spin(&mut self, node: NodeId, cost: Micros) {
        let index = usize::from(node.0);
        let Kernel { scheduler, machines, .. } = &mut self.kernel;
        scheduler.turns.set(index, Key::NEVER);
        let elsewhere =
            scheduler.turns.next().1.min(scheduler.queue.next()).min(scheduler.calendar.next()).at;
        let machine = &mut machines[index];
        let spin = Spin { since: machine.busy_until, cost };
        machine.busy_until = spin.end_of_turn(elsewhere.min(spin.since + LONGEST_SPIN));
        machine.spin = Some(spin);
    }

    /// Checkers look at what the event changed.
    pub(crate) fn finish(&mut self, event: EventId) {
        let kernel = &mut self.kernel;
        let scratch = &mut kernel.scratch;
        if kernel.check {
            let observed = Observed {
                event,
                at: self.nodes.now,
                marks: &scratch.marks,
                handed: &scratch.handed,
                deliveries: &scratch.deliveries,
                lives: &scratch.lives,
            };
            self.checks.observe(observed, &self.nodes);
        }
        scratch.marks.clear();
        scratch.handed.clear();
        scratch.lives.clear();
    }
}

fn scratch_marks(scratch: &mut super::Scratch, node: NodeId) {
    scratch.marks.extend(scratch.marked.drain(..).map(|partition| (node, partition)));
}

impl Process {
    /// One step of whatever it is.
    #[inline]
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        match self {
            Process::ZooKeeper(zookeeper) => zookeeper.step(input, env),
            Process::Broker(broker) => broker.step(input, env),
            Process::Producer(producer) => producer.step(input, env),
            Process::Consumer(consumer) => consumer.step(input, env),
            Process::Operator(operator) => operator.step(input, env),
            Process::Custom(custom) => custom.step(input, env),
        }
    }

    /// When it wants to be woken.
    #[inline]
    fn deadline(&self) -> Option<Time> {
        match self {
            Process::ZooKeeper(zookeeper) => zookeeper.deadline(),
            Process::Broker(broker) => broker.deadline(),
            Process::Producer(producer) => producer.deadline(),
            Process::Consumer(consumer) => consumer.deadline(),
            Process::Operator(operator) => operator.deadline(),
            Process::Custom(custom) => custom.deadline(),
        }
    }
}
