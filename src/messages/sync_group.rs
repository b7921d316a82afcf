//! SyncGroup (API key 14): a member asks what it was assigned; the leader hands in what everybody gets.
//!
//! The coordinator answers all when the leader's has come and stands in its log. Bytes are the members' own.
//!
//! Version 3 (KIP-345) has `instance`; version 5 (KIP-559) the protocol that the member believes in, in both directions.

use crate::era::Release;
use crate::error::KafkaError;
use bytes::Bytes;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new_0(11, 0, 0), 1),
    (Release::new(2, 0, 0), 2),
    (Release::new(2, 3, 0), 3),
    (Release::new(2, 4, 0), 4),
    (Release::new(2, 5, 0), 5),
];

/// A SyncGroup request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncGroupRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// The generation that it was told of.
    pub generation: i32,
    /// The member.
    pub member: Arc<str>,
    /// `group.instance.id` (version 3 on).
    pub instance: Option<Arc<str>>,
    /// `consumer` (version 5 on).
    pub protocol_type: Option<Arc<str>>,
    /// The assignor (version 5 on).
    pub protocol: Option<Arc<str>>,
    /// What each member gets, from the leader only.
    pub assignments: Vec<(Arc<str>, Bytes)>,
}

/// A SyncGroup response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncGroupResponse {
    /// Refused.
    pub error: Option<KafkaError>,
    /// `consumer` (version 5 on).
    pub protocol_type: Option<Arc<str>>,
    /// The assignor (version 5 on).
    pub protocol: Option<Arc<str>>,
    /// What the member gets.
    pub assignment: Bytes,
}

impl SyncGroupRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> SyncGroupRequest {
        if version < 3 {
            self.instance = None;
        }
        if version < 5 {
            (self.protocol_type, self.protocol) = (None, None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let assignments = self.assignments.iter().map(|(member, bytes)| 6 + member.len() + bytes.len());
        (32 + self.group.len() + self.member.len() + assignments.sum::<usize>()) as u64
    }
}

impl SyncGroupResponse {
    /// A refusal.
    pub fn refused(error: KafkaError) -> SyncGroupResponse {
        SyncGroupResponse {
            error: Some(error),
            protocol_type: None,
            protocol: None,
            assignment: Bytes::new(),
        }
    }

    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> SyncGroupResponse {
        if version < 5 {
            (self.protocol_type, self.protocol) = (None, None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + self.assignment.len() as u64
    }
}
