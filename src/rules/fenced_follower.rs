//! What a follower does when its leader says that its epoch is old (FENCED_LEADER_EPOCH).
//!
//! It stops fetching until the controller tells it of the newer epoch. If that came while the refused request was
//! under way the refusal is about the past; up to 2.4 the follower stops nonetheless, and stays stopped (KAFKA-9750).

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// What a follower does when its leader says that its epoch is old (FENCED_LEADER_EPOCH).
    FencedFollower("fenced-follower") {
        /// Stops fetching.
        Stops("stops", "KIP-320", [(Release::FIRST, Release::new(2, 5, 0))]),
        /// Stops only if it is still in the epoch in which it asked; else tries again.
        StopsIfStillInThatEpoch("stops-if-still-in-that-epoch", "KAFKA-9750", [(Release::new(2, 5, 0), Release::NEXT)]),
    }
}

/// Whether a follower in `current` stops when a request that it sent in `asked_in` is refused.
pub fn stops(rule: FencedFollower, asked_in: LeaderEpoch, current: LeaderEpoch) -> bool {
    match rule {
        FencedFollower::Stops => true,
        FencedFollower::StopsIfStillInThatEpoch => asked_in == current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_epoch_3() {
        for (rule, current, expected) in [
            (FencedFollower::Stops, 3, true),
            (FencedFollower::Stops, 4, true),
            (FencedFollower::StopsIfStillInThatEpoch, 3, true),
            (FencedFollower::StopsIfStillInThatEpoch, 4, false),
        ] {
            assert_eq!(stops(rule, LeaderEpoch(3), LeaderEpoch(current)), expected, "{rule} in {current}");
        }
    }
}
