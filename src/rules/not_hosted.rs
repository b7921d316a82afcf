//! What a broker answers for a partition of which it holds no replica.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a broker answers for a partition of which it holds no replica.
    NotHosted("not-hosted") {
        /// UNKNOWN_TOPIC_OR_PARTITION.
        Unknown("unknown", "before KAFKA-6796", [(Release::FIRST, Release::new(2, 0, 0))]),
        /// NOT_LEADER_OR_FOLLOWER if its metadata knows the partition.
        NotLeader("not-leader", "KAFKA-6796", [(Release::new(2, 0, 0), Release::NEXT)]),
    }
}

impl NotHosted {
    /// The answer; `in_metadata`: the controller has told this broker that the partition exists.
    pub fn error(self, in_metadata: bool) -> KafkaError {
        match self {
            NotHosted::NotLeader if in_metadata => KafkaError::NotLeaderOrFollower,
            NotHosted::NotLeader | NotHosted::Unknown => KafkaError::UnknownTopicOrPartition,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_lives_elsewhere_is_not_unknown() {
        let (unknown, not_leader) = (KafkaError::UnknownTopicOrPartition, KafkaError::NotLeaderOrFollower);
        for (in_metadata, before, since) in [(false, unknown, unknown), (true, unknown, not_leader)] {
            assert_eq!(NotHosted::Unknown.error(in_metadata), before);
            assert_eq!(NotHosted::NotLeader.error(in_metadata), since);
        }
    }
}
