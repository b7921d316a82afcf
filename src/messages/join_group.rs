//! JoinGroup (API key 11): a member wants to be in the next generation of its group.
//!
//! The coordinator answers when all members have asked, or their time is up: to one member, the leader, with everybody's
//! subscriptions, so that it may deal out the partitions; to the others with none. What a subscription says is in bytes
//! that the coordinator does not read.
//!
//! | field              | since        | why                                                                      |
//! |--------------------|--------------|--------------------------------------------------------------------------|
//! | rebalance_timeout  | 1 (KIP-62)   | how long a member may work between two polls                             |
//! | instance           | 5 (KIP-345)  | a static member: it keeps its place over a restart                       |
//! | reason             | 8 (KIP-800)  | for the coordinator's log                                                |
//! | answer.protocol_type | 7 (KIP-559) | checked against what the member knows                                   |
//! | answer.skip_assignment | 9 (KIP-814) | a static leader is back: the assignment is to stay                    |
//!
//! From version 4 on (KIP-394) a new member is first given its id, by MEMBER_ID_REQUIRED, and joins again with it.
//! `client` stands in the header of every request in Kafka; here only a coordinator reads it, to make up member ids.
//! Left out: version 0, which has no rebalance time-out.

use crate::era::Release;
use crate::error::KafkaError;
use crate::time::Micros;
use bytes::Bytes;
use std::sync::Arc;

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] = &[
    (Release::new_0(10, 2, 0), 1),
    (Release::new_0(11, 0, 0), 2),
    (Release::new(2, 0, 0), 3),
    (Release::new(2, 2, 0), 4),
    (Release::new(2, 3, 0), 5),
    (Release::new(2, 4, 0), 6),
    (Release::new(2, 5, 0), 7),
    (Release::new(3, 2, 0), 9),
];

/// The first version whose sender understands MEMBER_ID_REQUIRED (KIP-394).
pub const ID_FIRST: i16 = 4;
/// The first version with `skip_assignment` (KIP-814).
pub const SKIPS_ASSIGNMENT: i16 = 9;
/// The first version with `protocol_type` in the answer, where the protocol may also be null (KIP-559).
const NAMES_PROTOCOL_TYPE: i16 = 7;

/// "No generation": of an answer that is an error, and of who commits without being a member.
pub const NO_GENERATION: i32 = -1;

/// A JoinGroup request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroupRequest {
    /// `group.id`.
    pub group: Arc<str>,
    /// `client.id`.
    pub client: Arc<str>,
    /// `session.timeout.ms`.
    pub session_timeout: Micros,
    /// `max.poll.interval.ms`.
    pub rebalance_timeout: Micros,
    /// The member's id; empty for one that has none yet.
    pub member: Arc<str>,
    /// `group.instance.id`.
    pub instance: Option<Arc<str>>,
    /// `consumer`.
    pub protocol_type: Arc<str>,
    /// The assignors it knows, the one it likes best first, each with its subscription.
    pub protocols: Vec<(Arc<str>, Bytes)>,
    /// Why it joins (version 8 on).
    pub reason: Option<Arc<str>>,
}

/// A JoinGroup response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinGroupResponse {
    /// Refused.
    pub error: Option<KafkaError>,
    /// The generation that begins.
    pub generation: i32,
    /// `consumer` (version 7 on).
    pub protocol_type: Option<Arc<str>>,
    /// The assignor that all know.
    pub protocol: Option<Arc<str>>,
    /// Who leads: the member that deals out the partitions.
    pub leader: Arc<str>,
    /// The leader is to keep the assignment that is (version 9 on).
    pub skip_assignment: bool,
    /// The member's id.
    pub member: Arc<str>,
    /// Everybody, for the leader only.
    pub members: Vec<JoinedMember>,
}

/// A member, as the leader is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinedMember {
    /// Its id.
    pub member: Arc<str>,
    /// `group.instance.id` (version 5 on).
    pub instance: Option<Arc<str>>,
    /// Its subscription.
    pub subscription: Bytes,
}

impl JoinGroupRequest {
    /// Drops what `version` does not carry. A static member that must speak an older version ends in Kafka with an
    /// UnsupportedVersionException; here it is an ordinary member then.
    pub fn for_version(mut self, version: i16) -> JoinGroupRequest {
        if version < 5 {
            self.instance = None;
        }
        if version < 8 {
            self.reason = None;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let protocols = self.protocols.iter().map(|(name, bytes)| 6 + name.len() + bytes.len());
        (48 + self.group.len() + self.member.len() + protocols.sum::<usize>()) as u64
    }
}

impl JoinGroupResponse {
    /// A refusal.
    pub fn refused(member: Arc<str>, error: KafkaError) -> JoinGroupResponse {
        JoinGroupResponse {
            error: Some(error),
            generation: NO_GENERATION,
            protocol_type: None,
            protocol: None,
            leader: "".into(),
            skip_assignment: false,
            member,
            members: Vec::new(),
        }
    }

    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> JoinGroupResponse {
        if version < 5 {
            self.members.iter_mut().for_each(|member| member.instance = None);
        }
        if version < NAMES_PROTOCOL_TYPE {
            self.protocol_type = None;
            self.protocol.get_or_insert("".into());
        }
        if version < SKIPS_ASSIGNMENT {
            self.skip_assignment = false;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        let members = self.members.iter().map(|member| 8 + member.member.len() + member.subscription.len());
        (32 + self.leader.len() + self.member.len() + members.sum::<usize>()) as u64
    }
}
