//! DeleteRecords (API key 21, since 0.11, KIP-107): "delete what is below this offset".
//!
//! An operator's tool asks the leader of each partition. The answer is the *low watermark*: the smallest log start offset
//! of the live replicas. It comes when that has reached the offset asked for, or when the time-out has passed.
//!
//! Versions 1 (2.0) and 2 (2.6) carry what version 0 does.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{Offset, TopicPartition};
use crate::time::Micros;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] =
    &[(Release::new_0(11, 0, 0), 0), (Release::new(2, 0, 0), 1), (Release::new(2, 6, 0), 2)];

/// Stands for the leader's high watermark.
pub const HIGH_WATERMARK: Offset = Offset(-1);

/// A DeleteRecords request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRecordsRequest {
    /// How long the broker may wait for the other replicas.
    pub timeout: Micros,
    /// Partition, and the first offset that stays, or [`HIGH_WATERMARK`].
    pub partitions: Vec<(TopicPartition, Offset)>,
}

/// A DeleteRecords response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRecordsResponse {
    /// Partition by partition: the low watermark.
    pub partitions: Vec<(TopicPartition, Result<Offset, KafkaError>)>,
}

impl DeleteRecordsRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        24 + 24 * self.partitions.len() as u64
    }
}

impl DeleteRecordsResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 24 * self.partitions.len() as u64
    }
}
