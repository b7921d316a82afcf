//! Whether the high watermark is computed anew when the ISR has shrunk.

use crate::era::Release;

rule! {
    /// Whether the high watermark is computed anew when the ISR has shrunk.
    HighWatermarkAfterShrink("high-watermark-after-shrink") {
        /// At once.
        Rechecked("rechecked", "KAFKA-13091", [(Release::FIRST, Release::new(2, 7, 0)), (Release::new(3, 1, 0), Release::NEXT)]),
        /// With the next append or fetch.
        WaitsForFetch("waits-for-fetch", "KAFKA-13091", [(Release::new(2, 7, 0), Release::new(3, 1, 0))]),
    }
}
