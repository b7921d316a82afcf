//! What a follower does when its log is longer than its leader's (OFFSET_OUT_OF_RANGE).

use crate::era::Release;

rule! {
    /// What a follower does when its log is longer than its leader's (OFFSET_OUT_OF_RANGE).
    FollowerOutOfRange("follower-out-of-range") {
        /// Ends its process, unless unclean leader election is on: then it truncates.
        HaltsUnlessUnclean("halts-unless-unclean", "before KAFKA-7414", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Truncates to the leader's log end.
        Truncates("truncates", "KAFKA-7414", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}
