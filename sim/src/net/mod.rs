//! The network: connections as Kafka has them, over links that have a latency, a width, and can be cut.
//!
//! How a message travels:
//!
//! 1. The sender's step ends; only then do its bytes leave (`Network::transmit` is given that time).
//! 2. Message rules judge it: it goes, goes late, is held, is lost.
//! 3. If the link is cut, or something before it in its direction waits, it waits behind (the backlog of its lane).
//! 4. It waits for the link's bandwidth, then travels for latency plus a draw up to the jitter, keyed by (link, send
//!    time). It never arrives before what was sent before it on the same connection: TCP.
//! 5. It reaches a machine (`Network::arrive`). An end that is gone answers RST; a machine without power answers nothing,
//!    and the packet is sent again when power is back.
//! 6. A request is handed to the process when the one before it has been answered (Kafka mutes the connection).
//!
//! How a connection ends: either end closes it or dies (`kill` sends FIN behind everything already sent, `power_off` sends
//! nothing: the other end stays half-open until it gives up, or sends something to a machine that is back). The opener's process is
//! told [`kernel::work::Work::Lost`](crate::kernel::work::Work); requests that were already sent still arrive and are worked off, and their answers go nowhere.
//!
//! Left out: the end of retransmission (`tcp_retries2`, a quarter of an hour; Kafka's own time-outs come first), TCP's
//! windows, keep-alive, `connections.max.idle.ms`.

pub mod connection;
pub mod ends;
pub mod link;
pub mod rules;

use crate::kernel::entropy::{Domain, up_to};
use crate::kernel::{Pending, Scheduler};
use crate::tracing_log;
use crate::world::MessageRuleId;
use crate::world::spec::NetworkSpec;
use connection::{Connection, Connections, Direction, Parked};
use kafka::ids::{CallId, ConnectionId, NodeId};
use kafka::messages::zookeeper::WatchEvent;
use kafka::messages::{Request, Response};
use kafka::node::Channel;
use kafka::time::{Micros, Time};
use link::Links;
use rules::{MessageRules, Verdict};

pub use ends::{Arrival, Loss, Replied};

/// How long a connection attempt waits for an answer: `socket.connection.setup.timeout.ms` (KIP-601, 2.7). Releases
/// before it waited for the operating system, up to 127 s on Linux, unless a request time-out came first; this one
/// constant stands for all.
pub const CONNECTION_SETUP_TIMEOUT: Micros = Micros(10_000_000);

/// What travels on a connection.
#[derive(Clone, Debug)]
pub enum Packet {
    /// Opens it.
    Syn,
    /// Accepts it.
    SynAck,
    /// Nobody listens: RST to a SYN.
    Refused,
    /// A request.
    Request {
        /// The sender's call.
        call: CallId,
        /// The API version.
        version: i16,
        /// Whether an answer is wanted.
        expects_answer: bool,
        /// The message.
        request: Request,
    },
    /// A response.
    Response {
        /// The call it answers.
        call: CallId,
        /// The message.
        response: Response,
    },
    /// A watch that fired.
    Push(WatchEvent),
    /// FIN or RST: the sender's end is gone.
    Close,
}

/// A packet as bandwidth sees it, without a payload: TCP and IP headers.
const BARE_PACKET: u64 = 40;
const PUSH_SIZE: u64 = 96;

impl Packet {
    /// About how many bytes it is.
    pub fn wire_size(&self) -> u64 {
        BARE_PACKET
            + match self {
                Packet::Request { request, .. } => request.wire_size(),
                Packet::Response { response, .. } => response.wire_size(),
                Packet::Push(_) => PUSH_SIZE,
                Packet::Syn | Packet::SynAck | Packet::Refused | Packet::Close => 0,
            }
    }
}

/// Connections and what lies between.
#[derive(Clone)]
pub struct Network {
    /// The links.
    pub links: Links,
    /// The rules about messages.
    pub rules: MessageRules,
    /// The connections.
    pub(crate) connections: Connections,
    /// For each node the channels it has open or is opening.
    channels: Vec<Vec<(NodeId, Channel, ConnectionId)>>,
}

/// Holds what was dropped: a rule that nobody can remove.
const LOST: MessageRuleId = MessageRuleId(u32::MAX);

impl Network {
    /// A network between this many machines.
    pub fn new(nodes: usize, spec: &NetworkSpec) -> Network {
        Network {
            links: Links::new(nodes, spec),
            rules: MessageRules::default(),
            connections: Connections::default(),
            channels: vec![Vec::new(); nodes],
        }
    }

    /// How many connections there are, half-open ones included.
    pub fn connection_count(&self) -> usize {
        self.connections.count()
    }

    /// Sends a packet that is ready at `at`.
    #[inline]
    pub(crate) fn transmit(
        &mut self,
        scheduler: &mut Scheduler,
        id: ConnectionId,
        direction: Direction,
        packet: Packet,
        at: Time,
        verdict: Verdict,
    ) {
        let Some(connection) = self.connections.get(id) else { return };
        let (from, to) = connection.ends(direction);
        let lane = connection.lane(direction);
        if lane.finished {
            return;
        }
        lane.finished = matches!(packet, Packet::Close | Packet::Refused);
        let cause = scheduler.cause;
        let (held_by, late) = match verdict {
            Verdict::Send => (None, Micros::ZERO),
            Verdict::Late(late) => (None, late),
            Verdict::Hold(rule) => (Some(rule), Micros::ZERO),
            // TCP delivers in order or not at all: what follows on the connection waits behind it for ever.
            Verdict::Lose => (Some(LOST), Micros::ZERO),
        };
        let parked = Parked { packet, held_by, late, cause };
        if held_by.is_some() || !lane.backlog.is_empty() || self.links.is_cut(from, to) {
            tracing::trace!(target: "trial::net", connection = id.0, ?direction, ?verdict, packet = ?parked.packet, "waits");
            lane.backlog.push_back(parked);
        } else {
            dispatch(&mut self.links, scheduler, connection, direction, parked, at);
        }
    }

    /// Sends on, at `at`, what waits in a lane and need not any more.
    fn flush(&mut self, scheduler: &mut Scheduler, id: ConnectionId, direction: Direction, at: Time) {
        let Some(connection) = self.connections.get(id) else { return };
        let (from, to) = connection.ends(direction);
        if self.links.is_cut(from, to) {
            return;
        }
        let lane = direction as usize;
        while connection.lanes[lane].backlog.front().is_some_and(|parked| parked.held_by.is_none()) {
            let parked = connection.lanes[lane].backlog.pop_front().expect("it has a front");
            dispatch(&mut self.links, scheduler, connection, direction, parked, at);
        }
    }

    /// Sends on everything that waits and need not, on lanes that `wanted` picks by sender and receiver.
    fn flush_all(&mut self, scheduler: &mut Scheduler, at: Time, wanted: impl Fn(NodeId, NodeId) -> bool) {
        for direction in [Direction::Forward, Direction::Backward] {
            let waits = |connection: &Connection| {
                let (from, to) = connection.ends(direction);
                !connection.lanes[direction as usize].backlog.is_empty() && wanted(from, to)
            };
            for id in self.connections.ids(waits) {
                self.flush(scheduler, id, direction, at);
            }
        }
    }

    /// Undoes a cut, and sends on what it stopped.
    pub(crate) fn heal(&mut self, scheduler: &mut Scheduler, one: NodeId, other: NodeId, at: Time) {
        self.links.heal(one, other);
        self.flush_all(scheduler, at, |from, to| [(one, other), (other, one)].contains(&(from, to)));
    }

    /// A machine has power again: what its peers still had to say is sent again.
    pub(crate) fn power_on(&mut self, scheduler: &mut Scheduler, node: NodeId, at: Time) {
        self.flush_all(scheduler, at, |_, to| to == node);
    }

    /// Removes a message rule, and sends on what it held. `released` is shown each message it held.
    pub(crate) fn release(
        &mut self,
        scheduler: &mut Scheduler,
        rule: MessageRuleId,
        at: Time,
        released: &mut dyn FnMut(&Connection, Direction, &Packet),
    ) {
        self.rules.remove(rule);
        for direction in [Direction::Forward, Direction::Backward] {
            let holds = |connection: &Connection| {
                connection.lanes[direction as usize].backlog.iter().any(|parked| parked.held_by == Some(rule))
            };
            for id in self.connections.ids(holds) {
                let connection = self.connections.get(id).expect("it was just listed");
                let lane = direction as usize;
                for index in 0..connection.lanes[lane].backlog.len() {
                    if connection.lanes[lane].backlog[index].held_by == Some(rule) {
                        connection.lanes[lane].backlog[index].held_by = None;
                        released(connection, direction, &connection.lanes[lane].backlog[index].packet);
                    }
                }
                self.flush(scheduler, id, direction, at);
            }
        }
    }
}

/// Puts a packet on its way.
#[inline]
fn dispatch(
    links: &mut Links,
    scheduler: &mut Scheduler,
    connection: &mut Connection,
    direction: Direction,
    parked: Parked,
    at: Time,
) {
    let (from, to) = connection.ends(direction);
    let id = connection.id;
    let lane = connection.lane(direction);
    let Parked { packet, late, cause, .. } = parked;
    let leaves = links.leave(from, to, at, || packet.wire_size());
    let (latency, jitter) = links.latency(from, to);
    let more = if scheduler.calm || jitter == Micros::ZERO {
        Micros::ZERO
    } else {
        Micros(up_to(scheduler.entropy.at(Domain::Latency, from, to, at), jitter.0))
    };
    let arrival = (leaves + latency + more + late).max(lane.last_arrival);
    let mut tie = scheduler.tie(from, to, at, u64::from(id.0));
    if arrival == lane.last_arrival {
        tie = tie.max(lane.last_tie);
    }
    (lane.last_arrival, lane.last_tie) = (arrival, tie);
    if tracing_log::is_on() {
        tracing::trace!(target: "trial::net", connection = id.0, from = from.0, to = to.0, ?arrival, ?packet, "sent");
    }
    scheduler.schedule(arrival, tie, cause, Pending::Packet { connection: id, direction, packet });
}
