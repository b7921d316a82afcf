//! What truncation to the log end, or beyond, does to the leader epoch cache.
//!
//! A leader that was elected and wrote nothing has an entry at its log end (rule `epoch-cache`). When it follows
//! again and is told to cut at its end, no record goes; up to 2.6.0 the entry does not go either, its owner asks
//! about the same epoch again, gets the same answer, and so on for ever (KAFKA-10706).

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

/// Whether a cut that drops no record still drops the entries at or beyond the log end.
pub fn trims_epochs(rule: TruncateAtLogEnd) -> bool {
    match rule {
        TruncateAtLogEnd::KeepsEpochs => false,
        TruncateAtLogEnd::TrimsEpochs => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_endless_question_ends_with_2_6_1() {
        assert!(!trims_epochs(TruncateAtLogEnd::of(Release::new(2, 6, 0))));
        assert!(trims_epochs(TruncateAtLogEnd::of(Release::new(2, 6, 1))));
    }
}
