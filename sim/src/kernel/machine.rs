//! A machine: disk, wall clock, CPU, and the inbox of the one process on it.

use crate::disk::SimDisk;
use crate::kernel::clock::WallClock;
use crate::kernel::entropy::Entropy;
use crate::kernel::work::Item;
use crate::world::EventId;
use crate::world::nodes::Process;
use crate::world::spec::WorldSpec;
use kafka::ids::NodeId;
use kafka::node::{self, Purpose};
use kafka::time::{Micros, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// A machine.
#[derive(Clone)]
pub struct Machine {
    /// Its process before it has started: what a restart begins with.
    pub pristine: Arc<Process>,
    /// Its disk.
    pub disk: SimDisk,
    /// Its wall clock.
    pub clock: WallClock,
    /// Whether it has power.
    pub powered: bool,
    /// Every step costs so many times as much.
    pub slow: u32,
    /// Until when its CPU is taken.
    pub busy_until: Time,
    /// What waits for the process, in order of arrival.
    pub inbox: VecDeque<Item>,
    /// When the process next wants to be woken, as it said last.
    pub deadline: Option<Time>,
    /// When that is due: not before the end of the step that asked for it.
    pub due: Option<Time>,
    /// The event that set the deadline.
    pub deadline_cause: EventId,
    /// Set while it wakes without end and changes nothing.
    pub spin: Option<Spin>,
    /// How many numbers this life has drawn, by purpose.
    pub draws: [u32; PURPOSES],
    /// CPU time taken so far.
    pub cpu: Micros,
}

/// A busy loop: turns that change nothing, not taken one by one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Spin {
    /// The end of the last turn that was taken.
    pub since: Time,
    /// What a turn costs.
    pub cost: Micros,
}

/// Room for purposes of draws.
const PURPOSES: usize = 16;

/// A busy loop is looked at again after this time even if nothing happens elsewhere.
pub const LONGEST_SPIN: Micros = Micros(1000);

impl Machine {
    /// A machine whose process has not started.
    pub fn new(process: Arc<Process>, spec: &WorldSpec) -> Machine {
        Machine {
            pristine: process,
            disk: SimDisk::of(spec.disks),
            clock: WallClock::new(spec.epoch_millis),
            powered: true,
            slow: 1,
            busy_until: Time::ZERO,
            inbox: VecDeque::new(),
            deadline: None,
            due: None,
            deadline_cause: EventId::default(),
            spin: None,
            draws: [0; PURPOSES],
            cpu: Micros::ZERO,
        }
    }

    /// Nothing of the process is left in the machine.
    pub fn clear(&mut self) {
        self.inbox.clear();
        self.deadline = None;
        self.due = None;
        self.spin = None;
        self.draws = [0; PURPOSES];
    }

    /// When the process next wants the CPU.
    #[inline]
    pub fn wants_cpu(&self) -> Option<Time> {
        if !self.inbox.is_empty() {
            return Some(self.busy_until);
        }
        self.due.map(|due| due.max(self.busy_until))
    }

    /// Takes down the deadline that the process has after a step that ended at `busy_until`. A wake that is due queues
    /// with the inbox by the time it became due: neither starves the other.
    #[inline]
    pub fn set_deadline(&mut self, deadline: Option<Time>, woken: bool, cause: EventId) {
        if woken || deadline != self.deadline {
            self.deadline = deadline;
            self.due = deadline.map(|deadline| deadline.max(self.busy_until));
            self.deadline_cause = cause;
        }
    }

    /// Whether the wake that is due comes before what waits in the inbox.
    pub fn wake_is_first(&self) -> bool {
        match (self.inbox.front(), self.due) {
            (Some(item), Some(due)) => due < item.at,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }

    /// Something comes from outside at `now`: a busy loop ends with the turn it is in.
    pub fn interrupt(&mut self, now: Time) {
        if let Some(spin) = self.spin {
            self.busy_until = self.busy_until.min(spin.end_of_turn(now));
        }
    }
}

impl Spin {
    /// The end of the turn that runs at `now`; a turn that ends at `now` has ended.
    pub fn end_of_turn(self, now: Time) -> Time {
        self.since + Micros(now.since(self.since).0.div_ceil(self.cost.0) * self.cost.0)
    }

    /// How many turns it took until `now`.
    pub fn turns(self, now: Time) -> u64 {
        now.since(self.since).0 / self.cost.0
    }
}

/// Randomness lent to one life of one node.
pub struct NodeEntropy<'a> {
    /// The trial's.
    pub entropy: &'a Entropy,
    /// Which node.
    pub node: NodeId,
    /// Which life.
    pub life: u32,
    /// How often it has drawn.
    pub draws: &'a mut [u32; PURPOSES],
}

impl node::Entropy for NodeEntropy<'_> {
    fn draw(&mut self, purpose: Purpose) -> u64 {
        let ordinal = &mut self.draws[purpose as usize];
        let draw = self.entropy.of_node(self.node, self.life, purpose, *ordinal);
        *ordinal += 1;
        draw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_loop_ends_with_the_turn_it_is_in() {
        let spin = Spin { since: Time(100), cost: Micros(30) };
        for (now, end, turns) in [(100, 100, 0), (101, 130, 0), (130, 130, 1), (131, 160, 1), (400, 400, 10)]
        {
            assert_eq!(spin.end_of_turn(Time(now)), Time(end), "at {now}");
            assert_eq!(spin.turns(Time(now)), turns, "at {now}");
        }
    }
}
