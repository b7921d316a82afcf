//! Which partitions a broker's failure leaves without a leader, in the controller's eyes.

use crate::era::Release;
use crate::ids::BrokerId;

rule! {
    /// Which partitions a broker's failure leaves without a leader, in the controller's eyes.
    LeaderlessPartitions("leaderless-partitions") {
        /// Those led by one of the brokers that failed just now.
        LedByTheFailed("led-by-the-failed", "before KIP-112", [(Release::FIRST, Release::new(1, 0, 0))]),
        /// Every one whose leader is not online, whatever the reason.
        LeaderNotOnline("leader-not-online", "KIP-112", [(Release::new(1, 0, 0), Release::NEXT)]),
    }
}

impl LeaderlessPartitions {
    /// Whether a partition led by `leader` counts, after the failure of `failed`.
    pub fn counts(self, leader: BrokerId, failed: &[BrokerId], leader_online: bool) -> bool {
        match self {
            LeaderlessPartitions::LedByTheFailed => failed.contains(&leader),
            LeaderlessPartitions::LeaderNotOnline => !leader_online,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use LeaderlessPartitions::{LeaderNotOnline, LedByTheFailed};
        let failed = [BrokerId(1)];
        // (leader, online, counts for the older, counts for the newer)
        for (leader, online, older, newer) in [
            (1, false, true, true),
            (2, true, false, false),
            (-1, false, false, true),
            (3, false, false, true),
        ] {
            assert_eq!(LedByTheFailed.counts(BrokerId(leader), &failed, online), older, "{leader}");
            assert_eq!(LeaderNotOnline.counts(BrokerId(leader), &failed, online), newer, "{leader}");
        }
    }
}
