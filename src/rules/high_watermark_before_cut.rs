//! Whether a follower takes its leader's high watermark from a fetch that shows that it diverges.
//!
//! Such a fetch brings no records, but the leader's high watermark. A follower that takes it before it has cut its log
//! counts as committed, for a moment, records of its own that the leader does not have; consumers may read them there.

use crate::era::Release;

rule! {
    /// Whether a follower takes its leader's high watermark from a fetch that shows that it diverges.
    HighWatermarkBeforeCut("high-watermark-before-cut") {
        /// Yes, and cuts its log afterwards.
        Taken("taken", "before KAFKA-14704", [(Release::FIRST, Release::new(3, 4, 1))]),
        /// No: the next fetch brings it.
        Left("left", "KAFKA-14704", [(Release::new(3, 4, 1), Release::NEXT)]),
    }
}

impl HighWatermarkBeforeCut {
    /// Whether what a diverging fetch says of the leader's log is taken in at once.
    pub fn takes(self) -> bool {
        match self {
            HighWatermarkBeforeCut::Taken => true,
            HighWatermarkBeforeCut::Left => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_cut_comes_first_from_3_4_1_on() {
        for (release, takes) in [(Release::new(3, 4, 0), true), (Release::new(3, 4, 1), false)] {
            assert_eq!(HighWatermarkBeforeCut::of(release).takes(), takes, "{release}");
        }
    }
}
