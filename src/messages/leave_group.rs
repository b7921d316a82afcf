//! LeaveGroup (API key 13): a member goes, and its partitions are free at once.
//!
//! A consumer leaves when it is closed, when it unsubscribes, and when it has not polled for `max.poll.interval.ms`.
//! Static members do not. From version 3 on (KIP-345) several can be taken out at once, by an operator too; before, the
//! answer is one error. Version 5 (KIP-800) says why.

use crate::era::Release;
use crate::error::KafkaError;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 0),
    (Release::new_0(11, 0, 0), 1),
    (Release::new(2, 0, 0), 2),
    (Release::new(2, 4, 0), 4),
    (Release::new(3, 2, 0), 5),
];

/// The first version that names several members.
const SEVERAL: i16 = 3;

/// A LeaveGroup request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveGroupRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// A member that leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavingMember {
    /// Its id; empty for a static member that an operator takes out.
    pub member: Arc<str>,
    /// `group.instance.id` (version 3 on).
    pub instance: Option<Arc<str>>,
    /// Why (version 5 on).
    pub reason: Option<Arc<str>>,
}

/// A LeaveGroup response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaveGroupResponse {
    /// Refused as a whole; up to version 2 also what became of the one member.
    pub error: Option<KafkaError>,
    /// Member by member (version 3 on).
    pub members: Vec<LeftMember>,
}

/// What became of one member that leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftMember {
    /// Its id, as it was asked for.
    pub member: Arc<str>,
    /// `group.instance.id`.
    pub instance: Option<Arc<str>>,
    /// Refused.
    pub error: Option<KafkaError>,
}

impl LeaveGroupRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> LeaveGroupRequest {
        if version < SEVERAL {
            assert_eq!(self.members.len(), 1, "older versions have one member");
            self.members[0].instance = None;
        }
        if version < 5 {
            self.members.iter_mut().for_each(|member| member.reason = None);
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let members = self.members.iter().map(|member| 6 + member.member.len());
        (20 + self.group.len() + members.sum::<usize>()) as u64
    }
}

impl LeaveGroupResponse {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> LeaveGroupResponse {
        if version < SEVERAL {
            let of_the_one = self.members.first().and_then(|member| member.error);
            self.error = self.error.or(of_the_one);
            self.members.clear();
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        14 + self.members.iter().map(|member| 8 + member.member.len() as u64).sum::<u64>()
    }
}
