//! Whether a follower takes a batch that is larger than its topic allows by now.
//!
//! The leader appended it while `max.message.bytes` was larger. A follower that checks as a leader does can never copy
//! it (rule `failed-append`).

use crate::era::Release;

rule! {
    /// Whether a follower takes a batch that is larger than its topic allows by now.
    OversizedBatch("oversized-batch") {
        /// No.
        Refused("refused", "before KAFKA-9617", [(Release::FIRST, Release::new(2, 6, 0))]),
        /// Yes: what the leader has, it has to have too.
        Appended("appended", "KAFKA-9617", [(Release::new(2, 6, 0), Release::NEXT)]),
    }
}

impl OversizedBatch {
    /// Whether a follower appends a batch of `size` bytes to a topic that allows `allowed`.
    pub fn fits(self, size: u64, allowed: u64) -> bool {
        match self {
            OversizedBatch::Refused => size <= allowed,
            OversizedBatch::Appended => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn followers_check_up_to_2_5() {
        for (release, larger) in [(Release::new(2, 5, 1), false), (Release::new(2, 6, 0), true)] {
            let rule = OversizedBatch::of(release);
            assert_eq!((rule.fits(100, 100), rule.fits(101, 100)), (true, larger), "{release}");
        }
    }
}
