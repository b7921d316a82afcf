//! What a follower without a single leader epoch does before it fetches.
//!
//! A new replica, or one whose records were written before KIP-101, has nothing to ask about. Up to 2.0 it asks all the
//! same, about epoch -1, and the answer is "unknown", so that it cuts to its high watermark one round trip later; from
//! 2.1 it cuts there without asking.

use crate::era::Release;

rule! {
    /// What a follower without a single leader epoch does before it fetches.
    EmptyEpochCache("empty-epoch-cache") {
        /// Asks its leader about epoch -1.
        Asks("asks", "KIP-101", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Cuts its log at its high watermark without asking.
        TruncatesToHighWatermark("to-high-watermark", "KIP-320", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

/// Whether it asks.
pub fn asks(rule: EmptyEpochCache) -> bool {
    match rule {
        EmptyEpochCache::Asks => true,
        EmptyEpochCache::TruncatesToHighWatermark => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_question_about_nothing_ends_with_2_1() {
        assert!(asks(EmptyEpochCache::of(Release::new(2, 0, 1))));
        assert!(!asks(EmptyEpochCache::of(Release::new(2, 1, 0))));
    }
}
