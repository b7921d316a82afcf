//! Whose log ends the high watermark waits for while an ISR change is in flight.

use crate::era::Release;

rule! {
    /// Whose log ends the high watermark waits for while an ISR change is in flight.
    HighWatermark("high-watermark") {
        /// Everyone in the current ISR or in the proposed one.
        MaximalIsr("maximal-isr", "KIP-497", [(Release::FIRST, Release::NEXT)]),
        /// The current ISR alone. No release did this: it is here to show why.
        CommittedIsr("committed-isr", "KIP-497, rejected", []),
    }
}
