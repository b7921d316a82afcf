//! Facts about producers, consumers and operators' tools.

use super::notes;
use crate::command::{ClientError, SendId};
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};

notes! {
    /// A fact about a client.
    ClientNote {
        /// It asked for metadata and was answered.
        MetadataRefreshed {
            /// By whom.
            broker: NodeId,
            /// Leaders that are other than before: partition, leader, epoch.
            changes: Vec<(TopicPartition, Option<BrokerId>, Option<LeaderEpoch>)>,
        },
        /// A producer will send a batch again.
        Retries {
            /// Which send.
            send: SendId,
            /// Where.
            partition: TopicPartition,
            /// Why.
            error: ClientError,
            /// Whom it had asked.
            broker: BrokerId,
        },
        /// A connection to a broker was lost.
        ConnectionLost {
            /// Which broker's.
            node: NodeId,
            /// Whether it closed it itself, after `request.timeout.ms`.
            timed_out: bool,
        },
        /// A consumer checks its position with a new leader (KIP-320).
        PositionChecked {
            /// Which partition.
            partition: TopicPartition,
            /// The epoch of its last record.
            epoch: LeaderEpoch,
            /// Where that epoch ended.
            end_offset: Offset,
            /// Its position.
            position: Offset,
        },
        /// A consumer has a position now.
        PositionReset {
            /// Which partition.
            partition: TopicPartition,
            /// Where.
            offset: Offset,
        },
        /// A fetch was refused; a refusal that is only repeated is noted once.
        FetchRefused {
            /// Which partition.
            partition: TopicPartition,
            /// Its position.
            offset: Offset,
            /// Why.
            error: crate::error::KafkaError,
        },
    }
}
