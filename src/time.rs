//! Time as the state machines see it: integers, lent by the driver, never read from a clock.
//!
//! [`Time`] is a node's monotonic clock, [`Timestamp`] its wall clock (which may be wrong or step back), and
//! [`Micros`] a span. [`Timers`] is the table behind [`crate::node::Node::deadline`]: a node arms named timers in
//! it and asks which are due; there is nothing to cancel and nothing for a driver to get wrong.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A moment on a node's monotonic clock: microseconds since the trial began.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// A span of time in microseconds.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

/// A wall-clock reading in milliseconds since 1970, as Kafka stamps records. It may step back.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(pub i64);

impl Time {
    /// The start of a trial.
    pub const ZERO: Time = Time(0);
    /// Later than every other moment: a timer that never fires.
    pub const NEVER: Time = Time(u64::MAX);

    /// The span from `earlier` to this moment; zero if `earlier` is in fact later.
    pub fn since(self, earlier: Time) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }

    /// Whole milliseconds, rounded down, as stories print them.
    pub fn millis(self) -> u64 {
        self.0 / 1000
    }
}

impl Micros {
    /// No time at all.
    pub const ZERO: Micros = Micros(0);

    /// A span of whole milliseconds, the unit of Kafka's settings. Negative spans count as zero.
    pub const fn from_millis(millis: i64) -> Micros {
        Micros(if millis < 0 { 0 } else { (millis as u64).saturating_mul(1000) })
    }

    /// Whole milliseconds, rounded down.
    pub const fn millis(self) -> u64 {
        self.0 / 1000
    }
}

impl Timestamp {
    /// "No timestamp", as Kafka writes it.
    pub const NONE: Timestamp = Timestamp(-1);
}

impl Add<Micros> for Time {
    type Output = Time;
    fn add(self, span: Micros) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Micros> for Time {
    fn add_assign(&mut self, span: Micros) {
        *self = *self + span;
    }
}

impl Sub<Micros> for Time {
    type Output = Time;
    fn sub(self, span: Micros) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Add for Micros {
    type Output = Micros;
    fn add(self, other: Micros) -> Micros {
        Micros(self.0.saturating_add(other.0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1000, self.0 % 1000)
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µs", self.0)
    }
}

/// A node's timers: at most one deadline per key. The earliest is kept ready, since it is asked for after every step.
///
/// Few timers are armed at once (a broker has about ten and one per parked request), so a flat table is both the
/// smallest and the fastest form.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    armed: Vec<(K, Time)>,
    earliest: Time,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Timers { armed: Vec::new(), earliest: Time::NEVER }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Arms `key` to fire at `at`, replacing its former deadline.
    pub fn set(&mut self, key: K, at: Time) {
        match self.armed.iter_mut().find(|(armed, _)| *armed == key) {
            Some(entry) => {
                let old = std::mem::replace(&mut entry.1, at);
                if at <= self.earliest {
                    self.earliest = at;
                } else if old == self.earliest {
                    self.find_earliest();
                }
            }
            None => {
                self.armed.push((key, at));
                self.earliest = self.earliest.min(at);
            }
        }
    }

    /// Disarms `key`. Disarming what is not armed changes nothing.
    pub fn clear(&mut self, key: K) {
        if let Some(index) = self.armed.iter().position(|(armed, _)| *armed == key) {
            let (_, at) = self.armed.swap_remove(index);
            if at == self.earliest {
                self.find_earliest();
            }
        }
    }

    /// When `key` fires, if it is armed.
    pub fn get(&self, key: K) -> Option<Time> {
        self.armed.iter().find(|(armed, _)| *armed == key).map(|(_, at)| *at)
    }

    /// The earliest deadline of all.
    pub fn deadline(&self) -> Option<Time> {
        (self.earliest != Time::NEVER).then_some(self.earliest)
    }

    /// Disarms and returns one timer that is due at `now`: the earliest, and of several at one moment the smallest
    /// key, so that the order never depends on how they were armed.
    pub fn pop_due(&mut self, now: Time) -> Option<K> {
        if self.earliest > now {
            return None;
        }
        let key = self.armed.iter().filter(|(_, at)| *at <= now).min_by_key(|(key, at)| (*at, *key))?.0;
        self.clear(key);
        Some(key)
    }

    fn find_earliest(&mut self) {
        self.earliest = self.armed.iter().map(|(_, at)| *at).min().unwrap_or(Time::NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_timer_fires_first_and_ties_go_to_the_smaller_key() {
        let mut timers = Timers::default();
        timers.set('b', Time(5));
        timers.set('a', Time(5));
        timers.set('c', Time(3));
        assert_eq!(timers.deadline(), Some(Time(3)));
        assert_eq!(timers.pop_due(Time(2)), None);
        assert_eq!(timers.pop_due(Time(5)), Some('c'));
        assert_eq!(timers.pop_due(Time(5)), Some('a'));
        timers.set('b', Time(9));
        assert_eq!(timers.pop_due(Time(5)), None);
        timers.clear('b');
        assert_eq!(timers.deadline(), None);
    }
}
