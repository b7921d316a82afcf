//! What a follower must have reached to enter the ISR.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// What a follower must have reached to enter the ISR.
    IsrAdmission("isr-admission") {
        /// The leader's high watermark.
        AtHighWatermark("at-high-watermark", "before KAFKA-7128", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// The high watermark and the start of the leader's epoch.
        AtEpochStart("at-epoch-start", "KAFKA-7128", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}

impl IsrAdmission {
    /// Whether a follower with this log end may enter. A new leader's high watermark may lie below what its
    /// predecessor committed; below the start of its epoch it cannot tell.
    pub fn admits(self, follower_end: Offset, high_watermark: Offset, epoch_start: Offset) -> bool {
        match self {
            IsrAdmission::AtHighWatermark => follower_end >= high_watermark,
            IsrAdmission::AtEpochStart => follower_end >= high_watermark && follower_end >= epoch_start,
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
        }
    }
}
