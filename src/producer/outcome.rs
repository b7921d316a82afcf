//! What a broker's refusal says of the log: was the batch appended or not?
//!
//! A retry after an open outcome may duplicate, and an application that is told of an error cannot know. Only a refusal
//! that every release decides *before* the append is definite:
//!
//! | refusal                                | acks=1        | acks=all  | because                                         |
//! |----------------------------------------|---------------|-----------|-------------------------------------------------|
//! | CORRUPT_MESSAGE, MESSAGE_TOO_LARGE,    | not appended  | the same  | validation of the batch                         |
//! | RECORD_LIST_TOO_LARGE, INVALID_*, ...  |               |           |                                                 |
//! | NOT_ENOUGH_REPLICAS                    | not appended  | the same  | the ISR is counted before the append            |
//! | NOT_LEADER_OR_FOLLOWER,                | not appended  | **open**  | also the answer to a request that waited for the|
//! | UNKNOWN_TOPIC_OR_PARTITION             |               |           | ISR when its leader was deposed (KAFKA-13574)   |
//! | NOT_ENOUGH_REPLICAS_AFTER_APPEND       | -             | **open**  | as it says                                      |
//! | REQUEST_TIMED_OUT                      | -             | **open**  | the ISR has not answered yet                    |
//! | KAFKA_STORAGE_ERROR, UNKNOWN_*_ERROR   | **open**      | **open**  | anything may have happened                      |
//! | disconnected, no answer in time        | **open**      | **open**  | the request may arrive later still              |
//!
//! The same in every era. What is decided before the append: `Partition.appendRecordsToLeader` counts the ISR and asks
//! who leads; `Log.append` validates. What is decided after it: `Partition.checkEnoughReplicasReachOffset` says
//! NOT_LEADER when it no longer leads and NOT_ENOUGH_REPLICAS_AFTER_APPEND, and `DelayedProduce.tryComplete` says
//! UNKNOWN_TOPIC_OR_PARTITION of a partition that is gone, and from 1.0 on (KIP-112) KAFKA_STORAGE_ERROR of one whose disk
//! is; before, that ended the process. From 2.6 on both come out of `getPartitionOrError`, with NOT_LEADER beside them.

use crate::error::KafkaError;
use crate::messages::produce::Acks;

/// Whether this refusal proves that the batch was not appended.
pub fn refused_before_append(error: KafkaError, acks: Acks) -> bool {
    match error {
        KafkaError::CorruptMessage
        | KafkaError::MessageTooLarge
        | KafkaError::RecordListTooLarge
        | KafkaError::InvalidTopic
        | KafkaError::InvalidRequiredAcks
        | KafkaError::UnsupportedVersion
        | KafkaError::InvalidRequest
        | KafkaError::NotEnoughReplicas => true,
        KafkaError::NotLeaderOrFollower | KafkaError::UnknownTopicOrPartition => acks != Acks::All,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_decided_before_the_append_is_definite() {
        let definite = |acks| -> Vec<i16> {
            let all = KafkaError::ALL.iter().filter(|error| refused_before_append(**error, acks));
            all.map(|error| error.code()).collect()
        };
        assert_eq!(definite(Acks::All), [2, 10, 17, 18, 19, 21, 35, 42]);
        assert_eq!(definite(Acks::Leader), [2, 3, 6, 10, 17, 18, 19, 21, 35, 42]);
    }
}
