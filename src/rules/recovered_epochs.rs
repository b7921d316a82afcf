//! Which leader epochs the recovery of a segment enters into the leader epoch cache.
//!
//! Only a log whose leader epoch checkpoint is lost, or behind, depends on it. From 2.1.1 to 2.6.0 batches of epoch 0,
//! the first of every partition, count as if they had none: the cache lacks them.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// Which leader epochs the recovery of a segment enters into the leader epoch cache.
    RecoveredEpochs("recovered-epochs") {
        /// All that are newer than the newest known.
        Newer("newer", "KAFKA-10432", [
            (Release::FIRST, Release::new(2, 1, 1)),
            (Release::new(2, 6, 1), Release::NEXT),
        ]),
        /// The same, but never epoch 0.
        NewerButZero("newer-but-zero", "KAFKA-7897", [(Release::new(2, 1, 1), Release::new(2, 6, 1))]),
    }
}

impl RecoveredEpochs {
    /// Whether a batch of `epoch` is entered, after `newest`.
    pub fn enters(self, epoch: LeaderEpoch, newest: Option<LeaderEpoch>) -> bool {
        let newer = epoch > newest.unwrap_or(LeaderEpoch::NONE);
        match self {
            RecoveredEpochs::Newer => newer,
            RecoveredEpochs::NewerButZero => newer && epoch != LeaderEpoch(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn epoch_0_is_forgotten_from_2_1_1_to_2_6_0() {
        for (release, zero) in [
            (Release::new(2, 1, 0), true),
            (Release::new(2, 1, 1), false),
            (Release::new(2, 6, 0), false),
            (Release::new(2, 6, 1), true),
        ] {
            let rule = RecoveredEpochs::of(release);
            assert_eq!(rule.enters(LeaderEpoch(0), None), zero, "{release}");
            assert!(rule.enters(LeaderEpoch(1), None), "{release}");
            assert!(!rule.enters(LeaderEpoch(1), Some(LeaderEpoch(1))), "{release}");
            assert!(!rule.enters(LeaderEpoch::NONE, None), "{release}");
        }
    }
}
