//! What a leader that is elected again still believes of its followers' logs.
//!
//! A leader resets what it remembers of its followers when it becomes one (`Partition.makeLeader`, `isNewLeader`, since
//! KAFKA-2721). One that leads already keeps it: its followers cannot have cut anything, it thinks. But if it has not heard
//! that another led between its two epochs, they can: then it counts as copied what they have thrown away, and raises its
//! high watermark over it. Fetches are fenced by epoch since KIP-320; what was remembered before is not. No release with
//! ZooKeeper mends that, and it has no number.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// What a leader that is elected again still believes of its followers' logs.
    ReelectedLeader("reelected-leader") {
        /// All that it believed before.
        Remembers("remembers", "KAFKA-2721", [(Release::FIRST, Release::NEXT)]),
        /// Nothing, if an epoch lies between, in which another may have led. No release did this.
        Forgets("forgets", "no release", []),
    }
}

/// Whether a leader in epoch `from` that leads on in epoch `to` keeps what it knows of its followers.
pub fn remembers_followers(rule: ReelectedLeader, from: LeaderEpoch, to: LeaderEpoch) -> bool {
    match rule {
        ReelectedLeader::Remembers => true,
        ReelectedLeader::Forgets => to == from || to == from.next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn what_a_leader_keeps_in_its_next_epoch() {
        let keeps = |rule, to| remembers_followers(rule, LeaderEpoch(3), LeaderEpoch(to));
        for to in [3, 4, 5, 9] {
            assert!(keeps(ReelectedLeader::Remembers, to), "epoch 3 to {to}");
            assert_eq!(keeps(ReelectedLeader::Forgets, to), to <= 4, "epoch 3 to {to}");
        }
    }

    #[test]
    fn no_release_forgets() {
        for release in [Release::new(0, 10, 2), Release::new(2, 8, 0), Release::new(3, 9, 2)] {
            assert_eq!(ReelectedLeader::of(release), ReelectedLeader::Remembers, "{release}");
        }
    }
}
