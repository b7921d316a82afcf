//! Which leader epochs a leader accepts in Fetch, ListOffsets and OffsetsForLeaderEpoch.

use crate::era::Release;

rule! {
    /// Which leader epochs a leader accepts in Fetch, ListOffsets and OffsetsForLeaderEpoch.
    Fencing("fencing") {
        /// Any: requests carry none.
        None("none", "before KIP-320", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Only its own: FENCED_LEADER_EPOCH if the asker's is older, UNKNOWN_LEADER_EPOCH if it is newer.
        LeaderEpoch("leader-epoch", "KIP-320", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}
