//! When a follower told to follow the leader it follows already does nothing.

use crate::era::Release;

rule! {
    /// When a follower told to follow the leader it follows already does nothing.
    SameLeader("same-leader") {
        /// Always.
        Skips("skips", "before KAFKA-7164", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Only if the epoch is the same or the next one: else it missed a leader.
        SkipsAdjacentEpochs("skips-adjacent-epochs", "KAFKA-7164", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}
