//! Links: what lies between two machines, per direction: latency, jitter, bandwidth, and whether anything gets through.
//!
//! A message leaves when the link is free and its bytes are through ([`Links::leave`]); bytes of all connections
//! between two machines share the link. It arrives a latency later. A process that speaks to its own machine uses the
//! loopback, which has its own latency and cannot be cut.
//!
//! A cut stops what is *sent* from then on, in its direction; what was on its way arrives.
//!
//! Left out: packet loss and the pace of retransmission (what waited behind a cut is sent on at once when it heals),
//! routes that share a bottleneck.

use crate::world::spec::NetworkSpec;
use kafka::ids::NodeId;
use kafka::time::{Micros, Time};
use std::sync::Arc;

/// From a machine to itself.
pub const LOOPBACK_LATENCY: Micros = Micros(30);

/// All links of a world. Their shapes change with faults only, so forks share them.
#[derive(Clone)]
pub struct Links {
    nodes: usize,
    shapes: Arc<Vec<Shape>>,
    /// When each link has sent what it was given; empty while no link is bounded.
    free_at: Vec<Time>,
}

/// One direction of one link.
#[derive(Copy, Clone)]
struct Shape {
    latency: Micros,
    jitter: Micros,
    bytes_per_second: Option<u64>,
    cut: Option<Cut>,
}

/// How a direction was cut.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Cut {
    OneWay,
    BothWays,
}

impl Links {
    /// The links of a network, between this many machines.
    pub fn new(nodes: usize, spec: &NetworkSpec) -> Links {
        let between = Shape {
            latency: spec.latency,
            jitter: spec.jitter,
            bytes_per_second: spec.bytes_per_second,
            cut: None,
        };
        let loopback =
            Shape { latency: LOOPBACK_LATENCY, jitter: Micros::ZERO, bytes_per_second: None, cut: None };
        let shape = |index: usize| if index / nodes == index % nodes { loopback } else { between };
        let mut links =
            Links { nodes, shapes: Arc::new((0..nodes * nodes).map(shape).collect()), free_at: Vec::new() };
        links.make_room();
        links
    }

    /// Latency and jitter of a direction.
    #[inline]
    pub fn latency(&self, from: NodeId, to: NodeId) -> (Micros, Micros) {
        let shape = &self.shapes[self.index(from, to)];
        (shape.latency, shape.jitter)
    }

    /// When a message of `bytes` that is sent at `at` has left, after what the link was given before.
    #[inline]
    pub fn leave(&mut self, from: NodeId, to: NodeId, at: Time, bytes: impl FnOnce() -> u64) -> Time {
        if self.free_at.is_empty() {
            return at;
        }
        let index = self.index(from, to);
        let Some(bytes_per_second) = self.shapes[index].bytes_per_second else { return at };
        let leaves = at.max(self.free_at[index]) + transmission(bytes(), bytes_per_second);
        self.free_at[index] = leaves;
        leaves
    }

    /// Whether nothing gets from `from` to `to`.
    #[inline]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.shapes[self.index(from, to)].cut.is_some()
            || self.shapes[self.index(to, from)].cut == Some(Cut::BothWays)
    }

    /// Whether anything is cut.
    pub fn any_cut(&self) -> bool {
        self.shapes.iter().any(|shape| shape.cut.is_some())
    }

    /// Cuts a direction, or both.
    pub fn cut(&mut self, from: NodeId, to: NodeId, both: bool) {
        if from != to {
            self.shape_mut(from, to).cut = Some(if both { Cut::BothWays } else { Cut::OneWay });
        }
    }

    /// Undoes the cut of this direction, and with it the other if they were cut together.
    pub fn heal(&mut self, from: NodeId, to: NodeId) {
        self.shape_mut(from, to).cut = None;
        let back = self.shape_mut(to, from);
        if back.cut == Some(Cut::BothWays) {
            back.cut = None;
        }
    }

    /// Changes what is given.
    pub fn shape(
        &mut self,
        from: NodeId,
        to: NodeId,
        latency: Option<Micros>,
        jitter: Option<Micros>,
        bytes_per_second: Option<u64>,
    ) {
        let shape = self.shape_mut(from, to);
        shape.latency = latency.unwrap_or(shape.latency);
        shape.jitter = jitter.unwrap_or(shape.jitter);
        shape.bytes_per_second = bytes_per_second.or(shape.bytes_per_second);
        self.make_room();
    }

    fn make_room(&mut self) {
        if self.free_at.is_empty() && self.shapes.iter().any(|shape| shape.bytes_per_second.is_some()) {
            self.free_at = vec![Time::ZERO; self.shapes.len()];
        }
    }

    fn shape_mut(&mut self, from: NodeId, to: NodeId) -> &mut Shape {
        let index = self.index(from, to);
        &mut Arc::make_mut(&mut self.shapes)[index]
    }

    fn index(&self, from: NodeId, to: NodeId) -> usize {
        usize::from(from.0) * self.nodes + usize::from(to.0)
    }
}

/// How long `bytes` take to leave, rounded up to whole microseconds. A bandwidth of nothing lets nothing through.
pub fn transmission(bytes: u64, bytes_per_second: u64) -> Micros {
    if bytes_per_second == 0 {
        return Micros(u64::MAX);
    }
    let micros = (u128::from(bytes) * 1_000_000).div_ceil(u128::from(bytes_per_second));
    Micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    #[test]
    fn bytes_leave_one_message_after_the_other() {
        assert_eq!(transmission(0, 10), Micros(0));
        assert_eq!(transmission(1, 3), Micros(333_334));
        assert_eq!(transmission(125_000, 125_000_000), Micros(1000));
        assert_eq!(transmission(u64::MAX, 1), Micros(u64::MAX));
        let spec = NetworkSpec { bytes_per_second: Some(1_000_000), ..NetworkSpec::default() };
        let mut links = Links::new(2, &spec);
        assert_eq!(links.leave(A, B, Time(100), || 500), Time(600));
        assert_eq!(links.leave(A, B, Time(200), || 500), Time(1100));
        assert_eq!(links.leave(B, A, Time(200), || 500), Time(700), "the other direction is its own");
        assert_eq!(links.leave(A, B, Time(5000), || 1), Time(5001), "an idle link sends at once");
        assert_eq!(links.leave(A, A, Time(5), || 1 << 30), Time(5), "the loopback is unbounded");
    }

    #[test]
    fn a_cut_has_directions() {
        let mut links = Links::new(2, &NetworkSpec::default());
        links.cut(A, B, false);
        assert_eq!((links.is_cut(A, B), links.is_cut(B, A)), (true, false));
        links.heal(A, B);
        assert_eq!((links.is_cut(A, B), links.is_cut(B, A)), (false, false));
        links.cut(A, B, true);
        assert_eq!((links.is_cut(A, B), links.is_cut(B, A)), (true, true));
        links.heal(B, A);
        assert_eq!((links.is_cut(A, B), links.is_cut(B, A)), (false, false));
        links.cut(A, B, false);
        links.cut(B, A, false);
        links.heal(B, A);
        assert_eq!((links.is_cut(A, B), links.is_cut(B, A)), (true, false), "each was cut on its own");
        links.cut(A, A, true);
        assert!(!links.is_cut(A, A));
    }
}
