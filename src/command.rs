//! What applications and operators ask of a node, and what they are told.

use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, Offset, Topic, TopicPartition};
use crate::log::batch::RecordBatch;
use crate::time::Timestamp;
use crate::zookeeper::znode::ReplicaAssignment;
use bytes::Bytes;
use std::collections::BTreeMap;

/// One send of an application, as the application knows it. Unique per trial.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SendId(pub u64);

/// A record as an application hands it to a producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerRecord {
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers: name and value.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// Where a consumer begins on a partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum StartAt {
    /// No position: `auto.offset.reset` decides.
    Reset,
    /// The log start offset.
    Earliest,
    /// The log end, as ListOffsets tells it.
    Latest,
    /// This offset.
    Offset(Offset),
}

/// What an application or an operator wants of a node.
#[derive(Clone, PartialEq, Debug)]
pub enum Command {
    /// Broker: stop in order (SIGTERM): controlled shutdown, flush, clean-shutdown marker, exit.
    ShutDown,
    /// ZooKeeper: end every session that this node holds, as if it had been silent too long.
    ExpireSession(NodeId),
    /// Producer: send these records, in one batch if they fit, to this partition.
    Produce {
        /// The application's handle.
        send: SendId,
        /// Where.
        partition: TopicPartition,
        /// What.
        records: Vec<ProducerRecord>,
    },
    /// Consumer: read these partitions and no others from now on.
    Assign(Vec<(TopicPartition, StartAt)>),
    /// Consumer: go to this offset.
    Seek(TopicPartition, StartAt),
    /// Operator's tool: create a topic.
    CreateTopic {
        /// Its name.
        topic: Topic,
        /// Its replicas, or how many partitions and replicas to place.
        placement: Placement,
        /// Its settings, by Kafka's names.
        settings: BTreeMap<String, String>,
    },
    /// Operator's tool: more partitions for a topic.
    AddPartitions {
        /// Which topic.
        topic: Topic,
        /// How many in all.
        partitions: i32,
        /// The replicas of the new ones; placed as Kafka places them if left out.
        assignment: Option<Vec<Vec<BrokerId>>>,
    },
    /// Operator's tool: change settings of a topic; `None` removes one.
    AlterTopicConfig {
        /// Which topic.
        topic: Topic,
        /// What changes.
        settings: BTreeMap<String, Option<String>>,
    },
    /// Operator's tool: delete a topic.
    DeleteTopic(Topic),
    /// Operator's tool: delete the records of a partition below an offset.
    DeleteRecords {
        /// Which partition.
        partition: TopicPartition,
        /// The first offset that stays; -1 is the high watermark.
        before: Offset,
    },
    /// Operator's tool: elect the preferred leader of these partitions; of all if empty.
    ElectPreferredLeaders(Vec<TopicPartition>),
    /// Operator's tool: move partitions to these replicas.
    ReassignPartitions(BTreeMap<TopicPartition, Vec<BrokerId>>),
    /// Operator's tool: delete a znode, whatever its version.
    DeleteZnode(String),
}

/// How a new topic's replicas are placed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Exactly so.
    Assigned(BTreeMap<i32, ReplicaAssignment>),
    /// As Kafka places them (`AdminUtils.assignReplicasToBrokers`).
    Counted {
        /// How many partitions.
        partitions: i32,
        /// How many replicas of each.
        replication_factor: i16,
    },
}

/// Why a client gave up on something.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ClientError {
    /// A broker answered this.
    Kafka(KafkaError),
    /// `TimeoutException`: `delivery.timeout.ms`, or `request.timeout.ms` before 2.1, ran out.
    TimedOut,
    /// `NetworkException`/`DisconnectException`: the connection was lost and no retry was left.
    Disconnected,
}

impl ClientError {
    /// Kafka's name of it in `era`: an error of the protocol, or an exception of the client.
    pub fn name(self, era: &Era) -> &'static str {
        match self {
            ClientError::Kafka(error) => error.name(era),
            ClientError::TimedOut => "TimeoutException",
            ClientError::Disconnected => "disconnected",
        }
    }
}

/// What an application or an operator is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Delivery {
    /// Producer: this send is done.
    Acked {
        /// Which send.
        send: SendId,
        /// Where.
        partition: TopicPartition,
        /// The offset of its first record; `None` with `acks=0`.
        base_offset: Option<Offset>,
        /// The broker that answered.
        broker: BrokerId,
    },
    /// Producer: this send failed.
    Failed {
        /// Which send.
        send: SendId,
        /// Where.
        partition: TopicPartition,
        /// What the caller's exception says.
        error: ClientError,
        /// Whether any attempt may have been appended: then the outcome is open, never a failure.
        may_have_been_appended: bool,
    },
    /// Consumer: records were returned by `poll`: those of `batches` from offset `from` on.
    Polled {
        /// Which partition.
        partition: TopicPartition,
        /// The consumer's position before.
        from: Offset,
        /// Its position after.
        position: Offset,
        /// Whole batches; the first may begin below `from`.
        batches: Vec<RecordBatch>,
        /// The broker read from.
        broker: BrokerId,
        /// That broker's high watermark, as the fetch said.
        high_watermark: Offset,
    },
    /// Consumer: its position was changed by `auto.offset.reset`.
    PositionReset {
        /// Which partition.
        partition: TopicPartition,
        /// From where, if it had a position.
        from: Option<Offset>,
        /// To where.
        to: Offset,
    },
    /// Consumer: the log was truncated below its position and no reset policy is set (`LogTruncationException`, KIP-320).
    LogTruncated {
        /// Which partition.
        partition: TopicPartition,
        /// Its position.
        position: Offset,
        /// Where the logs part, if known.
        diverges_at: Option<Offset>,
    },
    /// Consumer: its offset is out of range and `auto.offset.reset` is `none`.
    OffsetOutOfRange {
        /// Which partition.
        partition: TopicPartition,
        /// Its position.
        position: Offset,
    },
    /// Consumer or producer: an end offset that ListOffsets told.
    EndOffset {
        /// Which partition.
        partition: TopicPartition,
        /// The offset.
        offset: Offset,
        /// The broker that said so.
        broker: BrokerId,
    },
    /// Operator's tool: the last command is done, or why it was refused.
    Done(Result<(), OperatorError>),
}

/// Why an operator's command was refused, with Kafka's error and words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperatorError {
    /// Kafka's error.
    pub error: KafkaError,
    /// What is wrong.
    pub message: String,
}

/// A record as a consumer returns it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerRecord {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
}
