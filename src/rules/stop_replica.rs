//! When a StopReplica is too old to be carried out.
//!
//! Up to 2.5 only the controller's epoch tells. From 2.6 (KIP-570) the request carries the leader epoch at which it
//! was decided, and a replica that has heard of that epoch or a newer one refuses. Two numbers stand for "do not
//! check": -1 (the sender knows none) and -2 (the topic is being deleted, which does not raise the epoch).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::LeaderEpoch;

rule! {
    /// When a StopReplica is too old to be carried out.
    StopReplicaCheck("stop-replica") {
        /// If its controller has been deposed.
        ControllerEpoch("controller-epoch", "before KIP-570", [(Release::FIRST, Release::new(2, 6, 0))]),
        /// Also if the replica has seen a newer leader epoch.
        LeaderEpoch("leader-epoch", "KIP-570", [(Release::new(2, 6, 0), Release::NEXT)]),
    }
}

/// `LeaderAndIsr.EpochDuringDelete`: the topic goes, whatever the epoch.
pub const EPOCH_DURING_DELETE: LeaderEpoch = LeaderEpoch(-2);

/// Whether a replica in epoch `current` (none: not hosted here) may be stopped by a request decided at epoch `request`.
///
/// # Errors
/// FENCED_LEADER_EPOCH.
pub fn validate(
    rule: StopReplicaCheck,
    current: Option<LeaderEpoch>,
    request: Option<LeaderEpoch>,
) -> Result<(), KafkaError> {
    match (rule, current, request) {
        (StopReplicaCheck::ControllerEpoch, _, _) => Ok(()),
        (StopReplicaCheck::LeaderEpoch, None, _) | (StopReplicaCheck::LeaderEpoch, _, None) => Ok(()),
        (StopReplicaCheck::LeaderEpoch, Some(current), Some(request)) => {
            let unchecked = request == EPOCH_DURING_DELETE || request == LeaderEpoch::NONE;
            if unchecked || request > current { Ok(()) } else { Err(KafkaError::FencedLeaderEpoch) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_in_epoch_5_and_what_stops_it() {
        let mut table = String::new();
        for request in [None, Some(-2), Some(-1), Some(4), Some(5), Some(6)] {
            for rule in [StopReplicaCheck::ControllerEpoch, StopReplicaCheck::LeaderEpoch] {
                let stopped = validate(rule, Some(LeaderEpoch(5)), request.map(LeaderEpoch));
                table +=
                    &format!("{request:?} {rule}: {}\n", if stopped.is_ok() { "stops" } else { "refused" });
            }
        }
        let expected = "\
None controller-epoch: stops
None leader-epoch: stops
Some(-2) controller-epoch: stops
Some(-2) leader-epoch: stops
Some(-1) controller-epoch: stops
Some(-1) leader-epoch: stops
Some(4) controller-epoch: stops
Some(4) leader-epoch: refused
Some(5) controller-epoch: stops
Some(5) leader-epoch: refused
Some(6) controller-epoch: stops
Some(6) leader-epoch: stops
";
        assert_eq!(table, expected);
        assert_eq!(validate(StopReplicaCheck::LeaderEpoch, None, Some(LeaderEpoch(0))), Ok(()));
    }
}
