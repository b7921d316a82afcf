//! What a leader that is elected again, and was leader all the while in its own eyes, still knows of its followers.
//!
//! `Partition.makeLeader` sets the log ends of followers back when this replica did not lead (`isNewLeader`, since
//! KAFKA-1430), and from 3.3 on asks `Replica.resetReplicaState` to do so, which does it in the same case. But a leader may
//! have missed the epochs in which others led: it was cut from the controller, or the controller's messages were late. Its
//! followers may have cut their logs since, and it counts what they no longer have: the high watermark passes it. No
//! release mends that, and it has no number.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// What a leader that is elected again, and was leader all the while in its own eyes, still knows of its followers.
    RememberedFollowers("remembered-followers") {
        /// All that it knew.
        Kept("kept", "KAFKA-1430", [(Release::FIRST, Release::NEXT)]),
        /// Nothing, if others may have led in between: an epoch is missing. No release did this.
        Forgotten("forgotten", "no release", []),
    }
}

impl RememberedFollowers {
    /// Whether what was known in epoch `before` holds in epoch `now`.
    pub fn holds(self, before: LeaderEpoch, now: LeaderEpoch) -> bool {
        match self {
            RememberedFollowers::Kept => true,
            RememberedFollowers::Forgotten => now <= before.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn no_release_forgets() {
        for release in [Release::new(0, 10, 2), Release::new(2, 6, 0), Release::new(3, 9, 2)] {
            assert!(RememberedFollowers::of(release).holds(LeaderEpoch(0), LeaderEpoch(4)), "{release}");
        }
        let forgets = |before| !RememberedFollowers::Forgotten.holds(LeaderEpoch(before), LeaderEpoch(4));
        assert!(!forgets(3) && forgets(2));
    }
}
