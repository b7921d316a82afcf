//! What truncation to the log end, or beyond, does to the leader epoch cache.

use crate::era::Release;

rule! {
    /// What truncation to the log end, or beyond, does to the leader epoch cache.
    TruncateAtLogEnd("truncate-at-log-end") {
        /// Nothing: an entry of an epoch without records stays, and the same question is asked for ever.
        KeepsEpochs("keeps-epochs", "before KAFKA-10706", [(Release::FIRST, Release::new(2, 6, 1))]),
        /// Entries at or beyond the log end go.
        TrimsEpochs("trims-epochs", "KAFKA-10706", [(Release::new(2, 6, 1), Release::NEXT)]),
    }
}
