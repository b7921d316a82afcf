//! FindCoordinator (API key 10, GroupCoordinator up to 0.10.2): which broker coordinates this group?
//!
//! Any broker can be asked. It is the leader of the partition of `__consumer_offsets` that the group belongs to; a broker
//! that finds no such topic has it made, and answers COORDINATOR_NOT_AVAILABLE until it has a leader.
//!
//! Version 1 (KIP-98) says whose coordinator: a group's or a transaction's. Version 4 (KIP-699) asks for several at once.
//! Left out: both; the coordinator of one group is asked for.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId};
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new_0(11, 0, 0), 1),
    (Release::new(2, 0, 0), 2),
    (Release::new(2, 4, 0), 3),
    (Release::new(3, 0, 0), 4),
    (Release::new(3, 8, 0), 5),
    (Release::new(3, 9, 0), 6),
];

/// A FindCoordinator request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindCoordinatorRequest {
    /// `group.id`.
    pub group: Arc<str>,
}

/// A FindCoordinator response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindCoordinatorResponse {
    /// The coordinator, and where it is.
    pub coordinator: Result<(BrokerId, NodeId), KafkaError>,
}

impl FindCoordinatorRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + self.group.len() as u64
    }
}

impl FindCoordinatorResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        40
    }
}
