//! Whether a follower whose high watermark is behind waits with its fetch.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// Whether a follower whose high watermark is behind waits with its fetch.
    StaleHighWatermark("stale-high-watermark") {
        /// Like any other, up to `replica.fetch.wait.max.ms`.
        Waits("waits", "before KIP-392, and again since KAFKA-9952", [
            (Release::FIRST, Release::new(2, 4, 0)),
            (Release::new(2, 6, 0), Release::NEXT),
        ]),
        /// No: it is answered at once.
        AnsweredAtOnce("answered-at-once", "KIP-392", [(Release::new(2, 4, 0), Release::new(2, 6, 0))]),
    }
}

impl StaleHighWatermark {
    /// Whether a fetch is answered now, whatever there is to read, because the follower was last told `told`.
    pub fn answers_at_once(self, told: Offset, high_watermark: Offset) -> bool {
        match self {
            StaleHighWatermark::Waits => false,
            StaleHighWatermark::AnsweredAtOnce => told < high_watermark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn two_lines_hurried() {
        for (situation, told, waits, at_once) in [("knows it", 5, false, false), ("does not", 4, false, true)]
        {
            let of = |rule: StaleHighWatermark| rule.answers_at_once(Offset(told), Offset(5));
            assert_eq!(of(StaleHighWatermark::Waits), waits, "{situation}");
            assert_eq!(of(StaleHighWatermark::AnsweredAtOnce), at_once, "{situation}");
        }
        assert_eq!(StaleHighWatermark::of(Release::new(2, 3, 1)), StaleHighWatermark::Waits);
        assert_eq!(StaleHighWatermark::of(Release::new(2, 5, 1)), StaleHighWatermark::AnsweredAtOnce);
        assert_eq!(StaleHighWatermark::of(Release::new(2, 6, 0)), StaleHighWatermark::Waits);
    }
}
