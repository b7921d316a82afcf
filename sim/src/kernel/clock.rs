//! A machine's wall clock: true time plus an error that steps and drifts. Its monotonic clock is virtual time itself.

use kafka::time::{Time, Timestamp};

/// A wall clock.
#[derive(Clone, Debug)]
pub struct WallClock {
    /// Its reading, in microseconds since 1970, at `since`.
    base: i64,
    since: Time,
    parts_per_million: i64,
}

const MILLION: i64 = 1_000_000;

impl WallClock {
    /// A clock that is right.
    pub fn new(epoch_millis: i64) -> WallClock {
        WallClock { base: epoch_millis.saturating_mul(1000), since: Time::ZERO, parts_per_million: 0 }
    }

    /// What it shows.
    #[inline]
    pub fn read(&self, now: Time) -> Timestamp {
        Timestamp(self.micros(now).div_euclid(1000))
    }

    /// It jumps.
    pub fn step(&mut self, now: Time, millis: i64) {
        self.base = self.micros(now).saturating_add(millis.saturating_mul(1000));
        self.since = now;
    }

    /// From now on it runs this much too fast. It cannot run backwards.
    pub fn skew(&mut self, now: Time, parts_per_million: i64) {
        self.base = self.micros(now);
        self.since = now;
        self.parts_per_million = parts_per_million.clamp(-MILLION, MILLION * MILLION);
    }

    #[inline]
    fn micros(&self, now: Time) -> i64 {
        let elapsed = now.since(self.since).0 as i64;
        let error = if self.parts_per_million == 0 {
            0
        } else {
            (i128::from(elapsed) * i128::from(self.parts_per_million)).div_euclid(i128::from(MILLION)) as i64
        };
        self.base.saturating_add(elapsed).saturating_add(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_steps_and_drifts_from_where_it_is() {
        let mut clock = WallClock::new(1_000_000);
        assert_eq!(clock.read(Time(2_500)), Timestamp(1_000_002));
        clock.step(Time(10_000), -4);
        assert_eq!(clock.read(Time(10_000)), Timestamp(1_000_006));
        clock.skew(Time(10_000), 500_000);
        assert_eq!(clock.read(Time(12_000)), Timestamp(1_000_009));
        clock.skew(Time(12_000), -1_000_000);
        assert_eq!(clock.read(Time(99_000)), Timestamp(1_000_009), "it stands still");
        clock.skew(Time(99_000), -9_000_000);
        assert_eq!(clock.read(Time(199_000)), Timestamp(1_000_009), "and never runs backwards");
    }
}
