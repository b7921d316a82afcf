//! What a consumer checks after a change of leader.

use crate::era::Release;

rule! {
    /// What a consumer checks after a change of leader.
    PositionValidation("position-validation") {
        /// Nothing: it goes on at its offset.
        None("none", "before KIP-320", [(Release::FIRST, Release::new(2, 3, 0))]),
        /// It asks the new leader where the epoch of its last record ended.
        LeaderEpoch("leader-epoch", "KIP-320", [(Release::new(2, 3, 0), Release::NEXT)]),
    }
}
