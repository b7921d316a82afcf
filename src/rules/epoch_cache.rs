//! When a leader writes its epoch into its leader epoch cache.

use crate::era::Release;

rule! {
    /// When a leader writes its epoch into its leader epoch cache.
    EpochCache("epoch-cache") {
        /// With its first append.
        OnAppend("on-append", "KIP-101", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// On becoming leader, even if it never writes.
        OnElection("on-election", "KAFKA-7415", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}
