//! Which followers leave the ISR for lagging.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// Which followers leave the ISR for lagging.
    IsrShrink("isr-shrink") {
        /// Those that have not been at the log end within `replica.lag.time.max.ms`, even if they have every record.
        NotCaughtUpLately("not-caught-up-lately", "KIP-16", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// As before, but a follower that has every record stays.
        CaughtUpStays("caught-up-stays", "KAFKA-7152", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

impl IsrShrink {
    /// Whether a member leaves. `caught_up_lately`: whether it was at the leader's log end within the lag time.
    pub fn lags(self, follower_end: Offset, leader_end: Offset, caught_up_lately: bool) -> bool {
        match self {
            IsrShrink::NotCaughtUpLately => !caught_up_lately,
            IsrShrink::CaughtUpStays => !caught_up_lately && follower_end != leader_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_follower_that_lacks_nothing_stays_from_2_1_on() {
        for (situation, follower, leader, lately, by_time, by_offset) in [
            ("fetches and is at the end", 5, 5, true, false, false),
            ("fetches and is a little behind", 4, 5, true, false, false),
            ("is stopped, lacks nothing", 5, 5, false, true, false),
            ("is stopped, lacks a record", 4, 5, false, true, true),
            ("has not fetched since the election", -1, 5, false, true, true),
        ] {
            let of = |rule: IsrShrink| rule.lags(Offset(follower), Offset(leader), lately);
            assert_eq!(of(IsrShrink::NotCaughtUpLately), by_time, "{situation}");
            assert_eq!(of(IsrShrink::CaughtUpStays), by_offset, "{situation}");
        }
    }
}
