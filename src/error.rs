//! Kafka's error codes, by their Kafka names: what a response carries and what the caller of a client is told.
//!
//! Only those that this cluster can answer stand here. Where Kafka renamed a code the newest name is the variant and
//! [`KafkaError::name`] gives the name of an era.

use crate::era::{Era, Release};
use std::fmt;

macro_rules! errors {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, retriable: $retriable:literal, metadata: $metadata:literal;)*) => {
        /// An error code of Kafka's protocol (`org.apache.kafka.common.protocol.Errors`). "No error" is not one of
        /// them: a response field is a `Result` or an `Option`.
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum KafkaError { $($(#[$doc])* $variant,)* }

        impl KafkaError {
            /// Every error, by code.
            pub const ALL: &'static [KafkaError] = &[$(KafkaError::$variant,)*];

            /// The code on the wire.
            pub fn code(self) -> i16 {
                match self { $(KafkaError::$variant => $code,)* }
            }

            /// The newest name.
            pub fn newest_name(self) -> &'static str {
                match self { $(KafkaError::$variant => $name,)* }
            }

            /// Whether a client retries by itself: the exception is a `RetriableException`.
            pub fn is_retriable(self) -> bool {
                match self { $(KafkaError::$variant => $retriable,)* }
            }

            /// Whether a client refreshes its metadata: the exception is an `InvalidMetadataException`.
            pub fn refreshes_metadata(self) -> bool {
                match self { $(KafkaError::$variant => $metadata,)* }
            }
        }
    };
}

errors! {
    /// Something the server did not expect.
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", retriable: false, metadata: false;
    /// The offset asked for is outside the log.
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", retriable: false, metadata: false;
    /// A batch failed its CRC.
    CorruptMessage = 2, "CORRUPT_MESSAGE", retriable: true, metadata: false;
    /// The broker does not host this partition, or nobody does.
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", retriable: true, metadata: true;
    /// There is no leader at this moment.
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", retriable: true, metadata: true;
    /// Called NOT_LEADER_FOR_PARTITION up to 2.5: this broker does not lead (or, since 2.6, host) the partition.
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", retriable: true, metadata: true;
    /// The request was not decided in its own time-out; it may still be.
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", retriable: true, metadata: false;
    /// The broker named is not registered.
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", retriable: false, metadata: false;
    /// Not one of the replicas.
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", retriable: true, metadata: true;
    /// The batch is larger than `message.max.bytes`.
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", retriable: false, metadata: false;
    /// From a controller that has been deposed.
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", retriable: false, metadata: false;
    /// The metadata of a commit is too long.
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", retriable: false, metadata: false;
    /// The connection was lost (client side).
    NetworkException = 13, "NETWORK_EXCEPTION", retriable: true, metadata: true;
    /// The coordinator is still loading the group.
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", retriable: true, metadata: false;
    /// There is no coordinator at this moment.
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", retriable: true, metadata: false;
    /// This broker does not coordinate the group.
    NotCoordinator = 16, "NOT_COORDINATOR", retriable: true, metadata: false;
    /// A topic name that Kafka does not allow.
    InvalidTopic = 17, "INVALID_TOPIC_EXCEPTION", retriable: false, metadata: false;
    /// A batch larger than a segment.
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", retriable: false, metadata: false;
    /// `acks=all` with fewer than `min.insync.replicas` in the ISR, found before the append.
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", retriable: true, metadata: false;
    /// As above, found after the append: the record is in the log.
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", retriable: true, metadata: false;
    /// `acks` other than 0, 1, -1.
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", retriable: false, metadata: false;
    /// Not the generation that the group is in.
    IllegalGeneration = 22, "ILLEGAL_GENERATION", retriable: false, metadata: false;
    /// The group knows none of the member's assignors.
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", retriable: false, metadata: false;
    /// No name for a group.
    InvalidGroupId = 24, "INVALID_GROUP_ID", retriable: false, metadata: false;
    /// The group has no such member.
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", retriable: false, metadata: false;
    /// Outside what the broker allows.
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", retriable: false, metadata: false;
    /// The group is forming its next generation: join.
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", retriable: false, metadata: false;
    /// A commit does not fit one batch.
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", retriable: false, metadata: false;
    /// The peer does not speak this version.
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", retriable: false, metadata: false;
    /// A topic of this name exists.
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", retriable: false, metadata: false;
    /// Zero or negative number of partitions.
    InvalidPartitions = 37, "INVALID_PARTITIONS", retriable: false, metadata: false;
    /// More replicas than brokers.
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", retriable: false, metadata: false;
    /// A replica list that cannot be.
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", retriable: false, metadata: false;
    /// A topic setting that cannot be.
    InvalidConfig = 40, "INVALID_CONFIG", retriable: false, metadata: false;
    /// This broker is not the controller.
    NotController = 41, "NOT_CONTROLLER", retriable: true, metadata: false;
    /// A request that contradicts itself.
    InvalidRequest = 42, "INVALID_REQUEST", retriable: false, metadata: false;
    /// Against the topic's policy: its records are not to be deleted.
    PolicyViolation = 44, "POLICY_VIOLATION", retriable: false, metadata: false;
    /// A sequence number that does not follow the last one (KIP-98).
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", retriable: false, metadata: false;
    /// A batch that was appended already (KIP-98).
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", retriable: false, metadata: false;
    /// A producer of an older epoch (KIP-98).
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", retriable: false, metadata: false;
    /// The log directory failed.
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", retriable: true, metadata: true;
    /// The leader lacks the listener that the client came through (KIP-103); up to 2.6 also: it is not alive.
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", retriable: true, metadata: true;
    /// The asker's leader epoch is older than the leader's (KIP-320).
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", retriable: true, metadata: true;
    /// The asker's leader epoch is newer than the leader's (KIP-320).
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", retriable: true, metadata: false;
    /// A control request meant for an earlier life of this broker (KIP-380).
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", retriable: false, metadata: false;
    /// The end offset of a new leader is not known yet (KIP-207).
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", retriable: true, metadata: false;
    /// Here is your id: join again with it (KIP-394).
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", retriable: false, metadata: false;
    /// Preferred leader not available.
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", retriable: true, metadata: true;
    /// The group is full (KIP-389).
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", retriable: false, metadata: false;
    /// Another process has taken this `group.instance.id` (KIP-345).
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", retriable: false, metadata: false;
    /// Nobody may be elected.
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", retriable: true, metadata: true;
    /// The election would change nothing.
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", retriable: true, metadata: true;
    /// An open transaction may still move the offset (KIP-447).
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", retriable: true, metadata: false;
    /// The partition's version in an AlterPartition is not the controller's (KIP-497).
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", retriable: false, metadata: false;
    /// A member of the ISR in an AlterPartition is not alive, or shuts down (KIP-841).
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", retriable: false, metadata: false;
}

impl KafkaError {
    /// The name in `era`: code 6 was NOT_LEADER_FOR_PARTITION up to 2.5, code -1 UNKNOWN up to 0.11; coordinators were
    /// those of groups up to 0.10.2.
    pub fn name(self, era: &Era) -> &'static str {
        let names: &[(Release, &'static str)] = match self {
            KafkaError::NotLeaderOrFollower => &[
                (Release::FIRST, "NOT_LEADER_FOR_PARTITION"),
                (Release::new(2, 6, 0), "NOT_LEADER_OR_FOLLOWER"),
            ],
            KafkaError::UnknownServerError => {
                &[(Release::FIRST, "UNKNOWN"), (Release::new(1, 0, 0), "UNKNOWN_SERVER_ERROR")]
            }
            KafkaError::CoordinatorLoadInProgress => &[
                (Release::FIRST, "GROUP_LOAD_IN_PROGRESS"),
                (Release::new_0(11, 0, 0), "COORDINATOR_LOAD_IN_PROGRESS"),
            ],
            KafkaError::CoordinatorNotAvailable => &[
                (Release::FIRST, "GROUP_COORDINATOR_NOT_AVAILABLE"),
                (Release::new_0(11, 0, 0), "COORDINATOR_NOT_AVAILABLE"),
            ],
            KafkaError::NotCoordinator => &[
                (Release::FIRST, "NOT_COORDINATOR_FOR_GROUP"),
                (Release::new_0(11, 0, 0), "NOT_COORDINATOR"),
            ],
            _ => &[],
        };
        era.release.look_up(names).copied().unwrap_or(self.newest_name())
    }
}

impl fmt::Display for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.newest_name())
    }
}
