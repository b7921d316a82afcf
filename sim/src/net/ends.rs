//! The two ends of a connection: what processes ask of them, and what becomes of a packet that arrives.

use super::connection::{AcceptorEnd, Connection, Direction, OpenerEnd, Serving};
use super::rules::Verdict;
use super::{Network, Packet};
use crate::kernel::Scheduler;
use crate::kernel::work::Work;
use crate::world::EventId;
use kafka::ids::{CallId, ConnectionId, NodeId};
use kafka::node::{Channel, ReplyTo};
use kafka::time::Time;

/// What became of a packet that reached a machine.
#[derive(Debug)]
pub enum Arrival {
    /// It is for the process: this is what it gets.
    For(NodeId, Work),
    /// The machine dealt with it.
    Taken,
    /// It waits for its turn, or for the machine's power.
    Waits,
    /// Its end is gone.
    Nowhere(Packet),
}

/// The state of the machine that a packet reaches.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Whether it has power.
    pub powered: bool,
    /// Whether a process listens.
    pub listens: bool,
}

/// What the opener of a connection that is gone is to be told next.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Loss {
    /// This call will not be answered. More is to be told.
    Call(CallId),
    /// The channel is gone: the last thing to be told.
    Channel(NodeId, Channel),
    /// Nothing: it knows.
    Nothing,
}

/// What a reply did.
#[derive(Debug)]
pub enum Replied {
    /// The connection is gone, or no answer was wanted; nothing was sent.
    Nothing,
    /// It is on its way, or waits, or was lost, as the verdict says.
    Sent(Serving),
}

impl Network {
    /// Opens a channel: the SYN leaves at `at`.
    pub(crate) fn connect(
        &mut self,
        scheduler: &mut Scheduler,
        opener: NodeId,
        to: NodeId,
        channel: Channel,
        at: Time,
    ) -> ConnectionId {
        let open = self.find(opener, to, channel);
        assert!(open.is_none(), "{opener} opens {channel:?} to {to}, which is open or opening");
        let id = self.connections.open(opener, to, channel);
        self.channels[usize::from(opener.0)].push((to, channel, id));
        self.transmit(scheduler, id, Direction::Forward, Packet::Syn, at, Verdict::Send);
        id
    }

    /// The connection behind a channel, if it is open or opening.
    #[inline]
    pub(crate) fn find(&self, opener: NodeId, to: NodeId, channel: Channel) -> Option<ConnectionId> {
        let channels = &self.channels[usize::from(opener.0)];
        channels.iter().find(|(peer, name, _)| *peer == to && *name == channel).map(|(_, _, id)| *id)
    }

    /// Notes a call of the opener's. Where it goes: `None` if the channel is not connected, else the connection, and
    /// whether its machine still believes in it.
    #[inline]
    pub(crate) fn call(
        &mut self,
        opener: NodeId,
        to: NodeId,
        channel: Channel,
        call: Option<CallId>,
    ) -> Option<(ConnectionId, bool)> {
        let id = self.find(opener, to, channel)?;
        let connection = self.connections.get(id).expect("a channel has a connection");
        if connection.opener_end != OpenerEnd::Open {
            return None;
        }
        if let Some(call) = call {
            assert!(!connection.outstanding.contains(&call), "{opener} uses {call:?} twice");
            connection.outstanding.push_back(call);
        }
        Some((id, !connection.broken))
    }

    /// The opener closes its channel. True if calls are left that must be answered: [`Work::Lost`] is due.
    pub(crate) fn disconnect(
        &mut self,
        scheduler: &mut Scheduler,
        opener: NodeId,
        to: NodeId,
        channel: Channel,
        at: Time,
    ) -> Option<ConnectionId> {
        let id = self.find(opener, to, channel)?;
        self.forget_channel(opener, id);
        let connection = self.connections.get(id).expect("a channel has a connection");
        connection.opener_end = OpenerEnd::Closed;
        let unanswered = !connection.outstanding.is_empty();
        if !connection.broken {
            self.transmit(scheduler, id, Direction::Forward, Packet::Close, at, Verdict::Send);
        }
        self.connections.reap(id);
        unanswered.then_some(id)
    }

    /// The request that `reply_to` answers, which is thereby done. What waited behind it: [`Network::next_waiting`].
    pub(crate) fn reply(&mut self, node: NodeId, reply_to: ReplyTo) -> Replied {
        let Some(connection) = self.connections.get(reply_to.connection) else { return Replied::Nothing };
        assert!(connection.acceptor == node, "{node} answers on a connection of {}", connection.acceptor);
        if connection.acceptor_end != AcceptorEnd::Open {
            return Replied::Nothing;
        }
        match connection.serving.take() {
            Some(serving) if serving.ordinal == reply_to.ordinal => Replied::Sent(serving),
            serving => panic!("{node} answers {reply_to:?}, but works on {serving:?}"),
        }
    }

    /// What the acceptor is to be handed next of what waits on a connection.
    pub(crate) fn next_waiting(&mut self, id: ConnectionId) -> Option<(EventId, Work)> {
        let connection = self.connections.get(id)?;
        assert!(connection.serving.is_none(), "one request at a time");
        let (cause, packet) = connection.waiting.pop_front()?;
        Some((cause, hand_over(connection, packet)))
    }

    /// The acceptor closes a connection.
    pub(crate) fn hang_up(&mut self, scheduler: &mut Scheduler, node: NodeId, id: ConnectionId, at: Time) {
        let Some(connection) = self.connections.get(id) else { return };
        assert!(connection.acceptor == node, "{node} hangs up a connection of {}", connection.acceptor);
        if connection.acceptor_end == AcceptorEnd::Open {
            self.transmit(scheduler, id, Direction::Backward, Packet::Close, at, Verdict::Send);
            self.acceptor_gone(id);
        }
    }

    /// The acceptor's end is gone: what waited there is lost.
    pub(crate) fn acceptor_gone(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(id) {
            connection.acceptor_end = AcceptorEnd::Gone;
            connection.serving = None;
            connection.waiting.clear();
            self.connections.reap(id);
        }
    }

    /// The process of a node is gone. `silently`: its machine says nothing to its peers.
    pub(crate) fn process_gone(&mut self, scheduler: &mut Scheduler, node: NodeId, at: Time, silently: bool) {
        self.channels[usize::from(node.0)].clear();
        for id in self.connections.ids(|connection| connection.opener == node) {
            let connection = self.connections.get(id).expect("it was just listed");
            let closes = connection.opener_end != OpenerEnd::Closed && !connection.broken;
            connection.opener_end = OpenerEnd::Closed;
            connection.outstanding.clear();
            if closes && !silently {
                self.transmit(scheduler, id, Direction::Forward, Packet::Close, at, Verdict::Send);
            }
            self.connections.reap(id);
        }
        let accepted = |connection: &Connection| {
            connection.acceptor == node && connection.acceptor_end == AcceptorEnd::Open
        };
        for id in self.connections.ids(accepted) {
            if !silently {
                self.transmit(scheduler, id, Direction::Backward, Packet::Close, at, Verdict::Send);
            }
            self.acceptor_gone(id);
        }
    }

    /// Breaks every connection between two nodes. Returns what their openers must be told.
    pub(crate) fn reset(
        &mut self,
        scheduler: &mut Scheduler,
        one: NodeId,
        other: NodeId,
        at: Time,
    ) -> Vec<(NodeId, Work)> {
        let between = |connection: &Connection| {
            let ends = (connection.opener, connection.acceptor);
            (ends == (one, other) || ends == (other, one)) && !connection.broken
        };
        let mut told = Vec::new();
        for id in self.connections.ids(between) {
            // Requests on their way still arrive; only behind them does the acceptor learn of the end.
            self.transmit(scheduler, id, Direction::Forward, Packet::Close, at, Verdict::Send);
            let connection = self.connections.get(id).expect("it was just listed");
            connection.broken = true;
            connection.lane(Direction::Backward).finished = true;
            connection.lane(Direction::Backward).backlog.clear();
            if connection.opener_end != OpenerEnd::Closed {
                let work = if connection.established { Work::Lost(id) } else { Work::ConnectFailed(id) };
                told.push((connection.opener, work));
            }
        }
        told
    }

    /// A connection attempt has waited long enough. True if its opener must be told.
    pub(crate) fn time_out(&mut self, scheduler: &mut Scheduler, id: ConnectionId, at: Time) -> bool {
        let Some(connection) = self.connections.get(id) else { return false };
        if connection.opener_end != OpenerEnd::Opening || connection.established || connection.broken {
            return false;
        }
        connection.broken = true;
        self.transmit(scheduler, id, Direction::Forward, Packet::Close, at, Verdict::Send);
        true
    }

    /// A packet reaches the machine at the end of its lane.
    #[inline]
    pub(crate) fn arrive(
        &mut self,
        scheduler: &mut Scheduler,
        id: ConnectionId,
        direction: Direction,
        packet: Packet,
        machine: Machine,
        at: Time,
    ) -> Arrival {
        let Some(connection) = self.connections.get(id) else { return Arrival::Nowhere(packet) };
        if !machine.powered {
            let (held_by, late, cause) = (None, kafka::time::Micros::ZERO, scheduler.cause);
            let parked = super::Parked { packet, held_by, late, cause };
            connection.lane(direction).backlog.push_back(parked);
            return Arrival::Waits;
        }
        match direction {
            Direction::Forward => self.arrive_at_acceptor(scheduler, id, packet, machine.listens, at),
            Direction::Backward => self.arrive_at_opener(scheduler, id, packet, at),
        }
    }

    fn arrive_at_acceptor(
        &mut self,
        scheduler: &mut Scheduler,
        id: ConnectionId,
        packet: Packet,
        listens: bool,
        at: Time,
    ) -> Arrival {
        let connection = self.connections.get(id).expect("its caller looked");
        match (connection.acceptor_end, packet) {
            (AcceptorEnd::NotYet, Packet::Syn) => {
                let answer = if listens {
                    connection.acceptor_end = AcceptorEnd::Open;
                    Packet::SynAck
                } else {
                    Packet::Refused
                };
                self.transmit(scheduler, id, Direction::Backward, answer, at, Verdict::Send);
                Arrival::Taken
            }
            (AcceptorEnd::Open, packet) => {
                if connection.serving.is_some() || !connection.waiting.is_empty() {
                    connection.waiting.push_back((scheduler.cause, packet));
                    return Arrival::Waits;
                }
                Arrival::For(connection.acceptor, hand_over(connection, packet))
            }
            (_, Packet::Close) => Arrival::Taken,
            (_, packet) => {
                self.transmit(scheduler, id, Direction::Backward, Packet::Close, at, Verdict::Send);
                Arrival::Nowhere(packet)
            }
        }
    }

    fn arrive_at_opener(
        &mut self,
        scheduler: &mut Scheduler,
        id: ConnectionId,
        packet: Packet,
        at: Time,
    ) -> Arrival {
        let connection = self.connections.get(id).expect("its caller looked");
        let opener = connection.opener;
        if connection.broken || connection.opener_end == OpenerEnd::Closed {
            if !matches!(packet, Packet::Close | Packet::Refused) {
                self.transmit(scheduler, id, Direction::Forward, Packet::Close, at, Verdict::Send);
            }
            return Arrival::Nowhere(packet);
        }
        match packet {
            Packet::SynAck => {
                connection.established = true;
                Arrival::For(opener, Work::Connected(id))
            }
            Packet::Refused => {
                connection.broken = true;
                Arrival::For(opener, Work::ConnectFailed(id))
            }
            Packet::Close => {
                connection.broken = true;
                let work = if connection.established { Work::Lost(id) } else { Work::ConnectFailed(id) };
                Arrival::For(opener, work)
            }
            Packet::Response { call, response } => {
                Arrival::For(opener, Work::Response { connection: id, call, response })
            }
            Packet::Push(event) => Arrival::For(opener, Work::Pushed { connection: id, event }),
            Packet::Syn | Packet::Request { .. } => unreachable!("the opener sends these"),
        }
    }

    /// The opener's process is told that its channel stands. `None` if it has closed it meanwhile.
    pub(crate) fn tell_connected(&mut self, id: ConnectionId) -> Option<(NodeId, Channel)> {
        let connection = self.connections.get(id)?;
        if connection.opener_end != OpenerEnd::Opening {
            return None;
        }
        connection.opener_end = OpenerEnd::Open;
        Some((connection.acceptor, connection.channel))
    }

    /// The opener's process is told that it could not connect. `None` if it has given up meanwhile.
    pub(crate) fn tell_failed(&mut self, id: ConnectionId) -> Option<(NodeId, Channel)> {
        let connection = self.connections.get(id)?;
        if connection.opener_end != OpenerEnd::Opening {
            return None;
        }
        connection.opener_end = OpenerEnd::Closed;
        let (opener, told) = (connection.opener, (connection.acceptor, connection.channel));
        self.forget_channel(opener, id);
        self.connections.reap(id);
        Some(told)
    }

    /// The opener's process is told the next thing about a connection that is gone.
    pub(crate) fn tell_loss(&mut self, id: ConnectionId) -> Loss {
        let Some(connection) = self.connections.get(id) else { return Loss::Nothing };
        if let Some(call) = connection.outstanding.pop_front() {
            self.connections.reap(id);
            return Loss::Call(call);
        }
        if connection.opener_end != OpenerEnd::Open {
            return Loss::Nothing;
        }
        connection.opener_end = OpenerEnd::Closed;
        let (opener, to, channel) = (connection.opener, connection.acceptor, connection.channel);
        self.forget_channel(opener, id);
        self.connections.reap(id);
        Loss::Channel(to, channel)
    }

    /// The opener's process is handed a response. False if the call has been answered otherwise.
    #[inline]
    pub(crate) fn tell_response(&mut self, id: ConnectionId, call: CallId) -> bool {
        let Some(connection) = self.connections.get(id) else { return false };
        if connection.opener_end != OpenerEnd::Open {
            return false;
        }
        // The oldest, unless a message rule lost the one before.
        match connection.outstanding.iter().position(|outstanding| *outstanding == call) {
            Some(0) => connection.outstanding.pop_front(),
            Some(place) => connection.outstanding.remove(place),
            None => return false,
        };
        true
    }

    /// The other end and the channel of a connection whose opener still has it open.
    pub(crate) fn as_opened(&mut self, id: ConnectionId) -> Option<(NodeId, Channel)> {
        let connection = self.connections.get(id)?;
        (connection.opener_end == OpenerEnd::Open).then_some((connection.acceptor, connection.channel))
    }

    /// The opener and the channel of a connection whose acceptor still has it open.
    #[inline]
    pub(crate) fn as_accepted(&mut self, id: ConnectionId) -> Option<(NodeId, Channel)> {
        let connection = self.connections.get(id)?;
        (connection.acceptor_end == AcceptorEnd::Open).then_some((connection.opener, connection.channel))
    }

    fn forget_channel(&mut self, opener: NodeId, id: ConnectionId) {
        self.channels[usize::from(opener.0)].retain(|(_, _, connection)| *connection != id);
    }
}

/// Turns a packet that the acceptor may have now into what its process is given.
fn hand_over(connection: &mut Connection, packet: Packet) -> Work {
    match packet {
        Packet::Request { call, version, expects_answer, request } => {
            let ordinal = connection.requests;
            connection.requests += 1;
            connection.serving = Some(Serving { ordinal, call, expects_answer });
            Work::Request { reply_to: ReplyTo { connection: connection.id, ordinal }, version, request }
        }
        Packet::Close => Work::PeerGone(connection.id),
        other => unreachable!("the opener does not send {other:?} on an open connection"),
    }
}
