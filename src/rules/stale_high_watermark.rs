//! Whether a follower whose high watermark is behind waits with its fetch.

use crate::era::Release;

rule! {
    /// Whether a follower whose high watermark is behind waits with its fetch.
    StaleHighWatermark("stale-high-watermark") {
        /// Like any other, up to `replica.fetch.wait.max.ms`.
        Waits("waits", "before KIP-392", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// No: it is answered at once.
        AnsweredAtOnce("answered-at-once", "KIP-392", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}
