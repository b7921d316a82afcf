//! What a coordinator answers to a commit while members wait for the leader's assignment (CompletingRebalance).

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a coordinator answers to a commit while members wait for the leader's assignment.
    CommitWhileSyncing("commit-while-syncing") {
        /// REBALANCE_IN_PROGRESS to everybody, whoever it is.
        StateFirst("state-first", "before KAFKA-8487", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// To members of this generation only; the others are told that they are none.
        MemberFirst("member-first", "KAFKA-8487", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

impl CommitWhileSyncing {
    /// The error, if `not_a_member` is why a commit would be refused in any other state.
    pub fn error(self, not_a_member: Option<KafkaError>) -> KafkaError {
        match self {
            CommitWhileSyncing::StateFirst => KafkaError::RebalanceInProgress,
            CommitWhileSyncing::MemberFirst => not_a_member.unwrap_or(KafkaError::RebalanceInProgress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        let (rebalance, illegal) = (KafkaError::RebalanceInProgress, KafkaError::IllegalGeneration);
        for (not_a_member, before, since) in
            [(None, rebalance, rebalance), (Some(illegal), rebalance, illegal)]
        {
            assert_eq!(CommitWhileSyncing::StateFirst.error(not_a_member), before);
            assert_eq!(CommitWhileSyncing::MemberFirst.error(not_a_member), since);
        }
    }
}
