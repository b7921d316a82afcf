//! When a controller tells all brokers of a failure by an UpdateMetadata of its own.
//!
//! Every partition whose leader or ISR changes brings one anyhow. Where nothing changes the others have to hear all the
//! same that a broker is gone. Up to 3.0 a partition that lost its leader is taken for a change, though nobody may have
//! been elected for it; and where no leader was lost a second request follows the one of the shrunk ISRs.

use crate::era::Release;

rule! {
    /// When a controller tells all brokers of a failure by an UpdateMetadata of its own.
    MetadataAfterFailure("metadata-after-failure") {
        /// If no partition has lost its leader.
        IfNoLeaderLost("if-no-leader-lost", "before KAFKA-13225", [(Release::FIRST, Release::new(3, 1, 0))]),
        /// If no replica went with the broker, and nobody was elected.
        IfNothingChanged("if-nothing-changed", "KAFKA-13225", [(Release::new(3, 1, 0), Release::NEXT)]),
    }
}

/// What a failure has come to.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Partitions had no leader any more.
    pub leaders_lost: bool,
    /// Replicas went offline, of topics that are not being deleted.
    pub replicas_lost: bool,
    /// At least one partition has got a new leader.
    pub any_elected: bool,
}

impl MetadataAfterFailure {
    /// Whether the brokers are told.
    pub fn tells(self, damage: Damage) -> bool {
        match self {
            MetadataAfterFailure::IfNoLeaderLost => !damage.leaders_lost,
            MetadataAfterFailure::IfNothingChanged => !damage.replicas_lost && !damage.any_elected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use MetadataAfterFailure::{IfNoLeaderLost, IfNothingChanged};
        for (situation, leaders_lost, replicas_lost, any_elected, older, newer) in [
            ("an empty broker", false, false, false, true, true),
            ("an empty broker, while another partition has no leader", true, false, false, false, true),
            ("an empty broker, and another partition is elected for", true, false, true, false, false),
            ("a follower", false, true, false, true, false),
            ("a leader, and nobody can follow it", true, true, false, false, false),
            ("a leader that is replaced", true, true, true, false, false),
        ] {
            let damage = Damage { leaders_lost, replicas_lost, any_elected };
            assert_eq!(IfNoLeaderLost.tells(damage), older, "{situation}");
            assert_eq!(IfNothingChanged.tells(damage), newer, "{situation}");
        }
    }
}
