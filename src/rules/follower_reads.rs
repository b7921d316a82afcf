//! Whether a consumer may read from a follower.
//!
//! The broker's `replica.selector.class` only makes a leader *name* a nearer replica; that any replica answers a
//! consumer that is new enough does not depend on it. So a consumer with old metadata goes on reading from a leader
//! that has become a follower, unless its leader epoch gives it away.

use crate::era::Release;

rule! {
    /// Whether a consumer may read from a follower.
    FollowerReads("follower-reads") {
        /// No.
        LeaderOnly("leader-only", "before KIP-392", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// Yes, up to the follower's high watermark; one that waits there is not woken when that rises.
        AnyReplica("any-replica", "KIP-392", [(Release::new(2, 4, 0), Release::new(3, 3, 2))]),
        /// Yes, and one that waits is woken.
        AnyReplicaWakes("any-replica-wakes", "KAFKA-14334", [(Release::new(3, 3, 2), Release::NEXT)]),
    }
}

/// The first version of Fetch whose consumers are known to cope (KAFKA-9004).
const KNOWS_FOLLOWERS: i16 = 11;

impl FollowerReads {
    /// Whether a follower answers a consumer's fetch of this version.
    pub fn served_by_follower(self, version: i16) -> bool {
        match self {
            FollowerReads::LeaderOnly => false,
            FollowerReads::AnyReplica | FollowerReads::AnyReplicaWakes => version >= KNOWS_FOLLOWERS,
        }
    }

    /// Whether waiting fetches are looked at when a follower's high watermark has risen.
    pub fn replication_wakes(self) -> bool {
        match self {
            FollowerReads::LeaderOnly | FollowerReads::AnyReplica => false,
            FollowerReads::AnyReplicaWakes => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn only_a_new_broker_serves_and_only_a_new_consumer_is_served() {
        for (rule, version, served) in [
            (FollowerReads::LeaderOnly, 11, false),
            (FollowerReads::AnyReplica, 10, false),
            (FollowerReads::AnyReplica, 11, true),
            (FollowerReads::AnyReplicaWakes, 12, true),
        ] {
            assert_eq!(rule.served_by_follower(version), served, "{rule} {version}");
        }
        for (release, wakes) in [(Release::new(3, 3, 1), false), (Release::new(3, 3, 2), true)] {
            assert_eq!(FollowerReads::of(release).replication_wakes(), wakes, "{release}");
        }
    }
}
