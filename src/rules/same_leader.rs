//! When a follower told to follow the leader it follows already does nothing.
//!
//! A leader can have been deposed and elected again between two things a follower hears. If the follower goes on as
//! if nothing had happened, it keeps records that its leader has cut meanwhile. Up to 2.0.0 it does (KAFKA-7164);
//! 2.0.1 lets it go on only if the epoch is the next one, in which nobody else can have led; from 2.1.0 on the
//! fetcher carries the epoch in its requests (KIP-320) and starts anew with every epoch.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// When a follower told to follow the leader it follows already does nothing.
    SameLeader("same-leader") {
        /// Always.
        Skips("skips", "before KAFKA-7164", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Only if the epoch is the same or the next one: else it missed a leader.
        SkipsAdjacentEpochs("skips-adjacent-epochs", "KAFKA-7164", [(Release::new(2, 0, 1), Release::new(2, 1, 0))]),
        /// Only if the epoch is the same; each new one starts the fetcher anew.
        SkipsSameEpoch("skips-same-epoch", "KIP-320", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

/// Whether a follower in epoch `from`, told to follow the same leader in epoch `to`, keeps its fetcher as it is.
pub fn keeps_following(rule: SameLeader, from: LeaderEpoch, to: LeaderEpoch) -> bool {
    match rule {
        SameLeader::Skips => true,
        SameLeader::SkipsAdjacentEpochs => to == from || to == from.next(),
        SameLeader::SkipsSameEpoch => to == from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_next_epoch_of_the_same_leader_does() {
        let mut table = String::new();
        for to in [3, 4, 5] {
            table += &format!("epoch 3 to {to}:");
            for rule in [SameLeader::Skips, SameLeader::SkipsAdjacentEpochs, SameLeader::SkipsSameEpoch] {
                let keeps = keeps_following(rule, LeaderEpoch(3), LeaderEpoch(to));
                table += &format!(" {rule} {}", if keeps { "keeps" } else { "RESTARTS" });
            }
            table += "\n";
        }
        let expected = "\
epoch 3 to 3: skips keeps skips-adjacent-epochs keeps skips-same-epoch keeps
epoch 3 to 4: skips keeps skips-adjacent-epochs keeps skips-same-epoch RESTARTS
epoch 3 to 5: skips keeps skips-adjacent-epochs RESTARTS skips-same-epoch RESTARTS
";
        assert_eq!(table, expected);
    }
}
