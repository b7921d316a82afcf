//! Which leader epochs a leader accepts in Fetch, ListOffsets and OffsetsForLeaderEpoch.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::LeaderEpoch;

rule! {
    /// Which leader epochs a leader accepts in Fetch, ListOffsets and OffsetsForLeaderEpoch.
    Fencing("fencing") {
        /// Any: requests carry none.
        None("none", "before KIP-320", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Only its own: FENCED_LEADER_EPOCH if the asker's is older, UNKNOWN_LEADER_EPOCH if it is newer.
        LeaderEpoch("leader-epoch", "KIP-320", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

impl Fencing {
    /// Whether a replica in epoch `own` may serve somebody who believes in epoch `asker`. An asker that names no epoch
    /// is never refused (`Partition.checkCurrentLeaderEpoch`).
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(self, asker: Option<LeaderEpoch>, own: LeaderEpoch) -> Result<(), KafkaError> {
        match (self, asker) {
            (Fencing::LeaderEpoch, Some(asker)) if asker < own => Err(KafkaError::FencedLeaderEpoch),
            (Fencing::LeaderEpoch, Some(asker)) if asker > own => Err(KafkaError::UnknownLeaderEpoch),
            (Fencing::None | Fencing::LeaderEpoch, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_epoch_that_differs_is_refused_and_only_from_kip_320_on() {
        let fenced = Err(KafkaError::FencedLeaderEpoch);
        let unknown = Err(KafkaError::UnknownLeaderEpoch);
        for (situation, asker, own, none, leader_epoch) in [
            ("the asker names no epoch", None, 3, Ok(()), Ok(())),
            ("both agree", Some(3), 3, Ok(()), Ok(())),
            ("the asker missed an election", Some(2), 3, Ok(()), fenced),
            ("the asked missed an election", Some(4), 3, Ok(()), unknown),
        ] {
            let asker = asker.map(LeaderEpoch);
            assert_eq!(Fencing::None.check(asker, LeaderEpoch(own)), none, "{situation}");
            assert_eq!(Fencing::LeaderEpoch.check(asker, LeaderEpoch(own)), leader_epoch, "{situation}");
        }
    }
}
