//! What a coordinator answers to a heartbeat while members wait for the leader's assignment (CompletingRebalance).

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a coordinator answers to a heartbeat while members wait for the leader's assignment.
    HeartbeatWhileSyncing("heartbeat-while-syncing") {
        /// REBALANCE_IN_PROGRESS, and it does not count: a member that is long about it is thrown out.
        Refused("refused", "before KAFKA-10134", [(Release::FIRST, Release::new(2, 6, 1))]),
        /// That all is well; it counts.
        Counts("counts", "KAFKA-10134", [(Release::new(2, 6, 1), Release::NEXT)]),
    }
}

impl HeartbeatWhileSyncing {
    /// The error of the answer, if it is one. A heartbeat that is no error counts.
    pub fn error(self) -> Option<KafkaError> {
        (self == HeartbeatWhileSyncing::Refused).then_some(KafkaError::RebalanceInProgress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        assert_eq!(HeartbeatWhileSyncing::Refused.error(), Some(KafkaError::RebalanceInProgress));
        assert_eq!(HeartbeatWhileSyncing::Counts.error(), None);
    }
}
