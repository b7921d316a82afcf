//! When a leader writes its epoch into its leader epoch cache.
//!
//! With its first append only, a leader that never writes leaves no trace of its epoch: the next question about it is
//! answered for an older epoch. From 2.0.1 on (KAFKA-7415) the entry is made at the election, at the log end.

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

/// Whether becoming leader enters the new epoch at the log end.
pub fn enters_on_election(rule: EpochCache) -> bool {
    match rule {
        EpochCache::OnAppend => false,
        EpochCache::OnElection => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn real_brokers_of_2_0_1_show_the_entry_and_those_of_1_1_1_do_not() {
        assert!(!enters_on_election(EpochCache::of(Release::new(1, 1, 1))));
        assert!(!enters_on_election(EpochCache::of(Release::new(2, 0, 0))));
        assert!(enters_on_election(EpochCache::of(Release::new(2, 0, 1))));
    }
}
