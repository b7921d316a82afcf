//! Whether the high watermark is computed anew when the ISR has shrunk.
//!
//! A fetch computes it anew only if it moves its follower's position: once everybody left has everything, nothing but
//! the next append does, and an `acks=all` produce that waits is not answered in time.

use crate::era::Release;

rule! {
    /// Whether the high watermark is computed anew when the ISR has shrunk.
    HighWatermarkAfterShrink("high-watermark-after-shrink") {
        /// At once.
        Rechecked("rechecked", "KAFKA-13091", [
            (Release::FIRST, Release::new(2, 7, 0)),
            (Release::new(3, 1, 0), Release::NEXT),
        ]),
        /// With the next append or fetch.
        WaitsForFetch("waits-for-fetch", "KAFKA-13091", [(Release::new(2, 7, 0), Release::new(3, 1, 0))]),
    }
}

impl HighWatermarkAfterShrink {
    /// Whether a leader looks at once, when its ISR change is committed.
    pub fn looks_at_once(self) -> bool {
        match self {
            HighWatermarkAfterShrink::Rechecked => true,
            HighWatermarkAfterShrink::WaitsForFetch => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_releases_in_between_forgot_it() {
        for (release, looks) in [
            (Release::new(2, 6, 3), true),
            (Release::new(2, 7, 0), false),
            (Release::new(3, 0, 2), false),
            (Release::new(3, 1, 0), true),
        ] {
            assert_eq!(HighWatermarkAfterShrink::of(release).looks_at_once(), looks, "{release}");
        }
    }
}
