//! Heartbeat (API key 12): a member is alive, and asks whether its generation still stands.
//!
//! REBALANCE_IN_PROGRESS tells it to join anew. Version 3 (KIP-345) has `instance`.

use crate::era::Release;
use crate::error::KafkaError;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new_0(11, 0, 0), 1),
    (Release::new(2, 0, 0), 2),
    (Release::new(2, 3, 0), 3),
    (Release::new(2, 4, 0), 4),
];

/// A Heartbeat request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// The generation that the member is in.
    pub generation: i32,
    /// The member.
    pub member: Arc<str>,
    /// `group.instance.id` (version 3 on).
    pub instance: Option<Arc<str>>,
}

/// A Heartbeat response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeartbeatResponse {
    /// Refused.
    pub error: Option<KafkaError>,
}

impl HeartbeatRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> HeartbeatRequest {
        if version < 3 {
            self.instance = None;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        (24 + self.group.len() + self.member.len()) as u64
    }
}

impl HeartbeatResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        14
    }
}
