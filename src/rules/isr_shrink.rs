//! Which followers leave the ISR for lagging.

use crate::era::Release;

rule! {
    /// Which followers leave the ISR for lagging.
    IsrShrink("isr-shrink") {
        /// Those that have not been at the log end within `replica.lag.time.max.ms`, even if they have every record.
        NotCaughtUpLately("not-caught-up-lately", "KIP-16", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// As before, but a follower that has every record stays.
        CaughtUpStays("caught-up-stays", "KAFKA-7152", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}
