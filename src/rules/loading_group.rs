//! What a new coordinator answers while it still loads its groups from the log.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a new coordinator answers while it still loads its groups from the log.
    LoadingGroup("loading-group") {
        /// NOT_COORDINATOR: it owns the partition only when all is loaded, and asks for that first.
        NotCoordinator("not-coordinator", "before PR 4788", [(Release::FIRST, Release::new(2, 0, 0))]),
        /// COORDINATOR_LOAD_IN_PROGRESS; heartbeats pass, and who syncs is to join anew.
        InProgress("in-progress", "PR 4788", [(Release::new(2, 0, 0), Release::NEXT)]),
    }
}

/// Who asks.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Asks {
    /// SyncGroup: older clients do not expect that a group is loading.
    Sync,
    /// Heartbeat.
    Heartbeat,
    /// Any other request.
    Other,
}

impl LoadingGroup {
    /// The error of the answer; none passes.
    pub fn error(self, asks: Asks) -> Option<KafkaError> {
        match (self, asks) {
            (LoadingGroup::NotCoordinator, _) => Some(KafkaError::NotCoordinator),
            (LoadingGroup::InProgress, Asks::Sync) => Some(KafkaError::RebalanceInProgress),
            (LoadingGroup::InProgress, Asks::Heartbeat) => None,
            (LoadingGroup::InProgress, Asks::Other) => Some(KafkaError::CoordinatorLoadInProgress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        let not_coordinator = Some(KafkaError::NotCoordinator);
        for (asks, before, since) in [
            (Asks::Sync, not_coordinator, Some(KafkaError::RebalanceInProgress)),
            (Asks::Heartbeat, not_coordinator, None),
            (Asks::Other, not_coordinator, Some(KafkaError::CoordinatorLoadInProgress)),
        ] {
            assert_eq!(LoadingGroup::NotCoordinator.error(asks), before, "{asks:?}");
            assert_eq!(LoadingGroup::InProgress.error(asks), since, "{asks:?}");
        }
    }
}
