//! What a follower must have reached to enter the ISR.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// What a follower must have reached to enter the ISR.
    IsrAdmission("isr-admission") {
        /// The leader's high watermark.
        AtHighWatermark("at-high-watermark", "before KAFKA-7128", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// The high watermark and the start of the leader's epoch.
        AtEpochStart("at-epoch-start", "KAFKA-7128", [(Release::new(2, 0, 1), Release::new(3, 3, 0))]),
        /// The same, and it must be among the live brokers as the controller last told them.
        LiveAtEpochStart("live-at-epoch-start", "KAFKA-13916", [(Release::new(3, 3, 0), Release::NEXT)]),
    }
}

impl IsrAdmission {
    /// Whether a follower with this log end may enter. A new leader's high watermark may lie below what its
    /// predecessor committed; below the start of its epoch it cannot tell.
    pub fn admits(self, follower_end: Offset, high_watermark: Offset, epoch_start: Offset) -> bool {
        match self {
            IsrAdmission::AtHighWatermark => follower_end >= high_watermark,
            IsrAdmission::AtEpochStart | IsrAdmission::LiveAtEpochStart => {
                follower_end >= high_watermark && follower_end >= epoch_start
            }
        }
    }

    /// Whether a follower can enter at all, whatever it has. The high watermark waits for nobody who cannot.
    pub fn is_eligible(self, is_live: bool) -> bool {
        match self {
            IsrAdmission::AtHighWatermark | IsrAdmission::AtEpochStart => true,
            IsrAdmission::LiveAtEpochStart => is_live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_watermark_of_a_new_leader_admits_too_many() {
        // follower's end, high watermark, epoch start; at-high-watermark, at-epoch-start
        for (situation, end, high_watermark, start, by_watermark, by_start) in [
            ("has everything", 5, 3, 5, true, true),
            ("lacks what the last leader committed", 3, 3, 5, true, false),
            ("is below the high watermark", 2, 3, 1, false, false),
            ("position unknown", -1, 0, 0, false, false),
        ] {
            let of = |rule: IsrAdmission| rule.admits(Offset(end), Offset(high_watermark), Offset(start));
            assert_eq!(of(IsrAdmission::AtHighWatermark), by_watermark, "{situation}");
            assert_eq!(of(IsrAdmission::AtEpochStart), by_start, "{situation}");
            assert_eq!(of(IsrAdmission::LiveAtEpochStart), by_start, "{situation}");
        }
    }

    #[test]
    fn one_that_fetches_without_a_session_enters_up_to_3_2() {
        for is_live in [false, true] {
            assert!(IsrAdmission::AtHighWatermark.is_eligible(is_live));
            assert!(IsrAdmission::AtEpochStart.is_eligible(is_live));
            assert_eq!(IsrAdmission::LiveAtEpochStart.is_eligible(is_live), is_live);
        }
    }
}
