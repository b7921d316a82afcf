//! What a follower must have reached to enter the ISR.

use crate::era::Release;

rule! {
    /// What a follower must have reached to enter the ISR.
    IsrAdmission("isr-admission") {
        /// The leader's high watermark.
        AtHighWatermark("at-high-watermark", "before KAFKA-7128", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// The high watermark and the start of the leader's epoch.
        AtEpochStart("at-epoch-start", "KAFKA-7128", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}
