//! The messages of the protocol, one file per API, in the order of their API keys.
//!
//! Inside, a message has every field that any version has; a field that some versions lack is an `Option` and `None`
//! there. Nobody but these files looks at a version number: a sender picks one with [`ApiKey::version`] and calls the
//! message's `for_version`, which drops what that version does not carry.

pub mod alter_partition;
pub mod controlled_shutdown;
pub mod delete_records;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod join_group;
pub mod leader_and_isr;
pub mod leave_group;
pub mod list_offsets;
pub mod metadata;
pub mod offset_commit;
pub mod offset_fetch;
pub mod offsets_for_leader_epoch;
pub mod produce;
pub mod schema;
pub mod stop_replica;
pub mod sync_group;
pub mod update_metadata;
pub mod zookeeper;

use crate::era::{Era, Release};
use crate::messages::alter_partition::{AlterPartitionRequest, AlterPartitionResponse};
use crate::messages::controlled_shutdown::{ControlledShutdownRequest, ControlledShutdownResponse};
use crate::messages::delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
use crate::messages::fetch::{FetchRequest, FetchResponse};
use crate::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use crate::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use crate::messages::leader_and_isr::{LeaderAndIsrRequest, LeaderAndIsrResponse};
use crate::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use crate::messages::list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
use crate::messages::metadata::{MetadataRequest, MetadataResponse};
use crate::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use crate::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
use crate::messages::offsets_for_leader_epoch::{
    OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse,
};
use crate::messages::produce::{ProduceRequest, ProduceResponse};
use crate::messages::stop_replica::{StopReplicaRequest, StopReplicaResponse};
use crate::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::messages::update_metadata::{UpdateMetadataRequest, UpdateMetadataResponse};
use crate::messages::zookeeper::{ZooKeeperRequest, ZooKeeperResponse};

macro_rules! apis {
    ($($(#[$doc:meta])* $name:ident($request:ident, $response:ident) = $key:literal;)*) => {
        /// Which API a message belongs to.
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ApiKey { $($(#[$doc])* $name,)* }

        /// A request of any API.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Request { $($(#[$doc])* $name($request),)* }

        /// A response of any API.
        #[derive(Clone, PartialEq, Debug)]
        pub enum Response {
            /// No response: releases the channel after a produce with `acks=0`.
            None,
            $($(#[$doc])* $name($response),)*
        }

        impl ApiKey {
            /// All of them.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$name,)*];

            /// The newest name.
            pub fn name(self) -> &'static str {
                match self { $(ApiKey::$name => stringify!($name),)* }
            }

            /// Kafka's number; ZooKeeper's own protocol has none and is -1.
            pub fn key(self) -> i16 {
                match self { $(ApiKey::$name => $key,)* }
            }
        }

        impl Request {
            /// The API.
            pub fn api(&self) -> ApiKey {
                match self { $(Request::$name(_) => ApiKey::$name,)* }
            }

            /// About how many bytes this is on the wire: what bandwidth is charged for.
            pub fn wire_size(&self) -> u64 {
                match self { $(Request::$name(request) => request.wire_size(),)* }
            }
        }

        impl Response {
            /// The API, or `None` for no response.
            pub fn api(&self) -> Option<ApiKey> {
                match self {
                    Response::None => None,
                    $(Response::$name(_) => Some(ApiKey::$name),)*
                }
            }

            /// About how many bytes this is on the wire.
            pub fn wire_size(&self) -> u64 {
                match self {
                    Response::None => 0,
                    $(Response::$name(response) => response.wire_size(),)*
                }
            }
        }

        $(
            impl From<$request> for Request {
                fn from(request: $request) -> Request {
                    Request::$name(request)
                }
            }
            impl From<$response> for Response {
                fn from(response: $response) -> Response {
                    Response::$name(response)
                }
            }
        )*
    };
}

apis! {
    /// Append records.
    Produce(ProduceRequest, ProduceResponse) = 0;
    /// Read records: followers and consumers.
    Fetch(FetchRequest, FetchResponse) = 1;
    /// Where does a partition begin, end, or reach a timestamp?
    ListOffsets(ListOffsetsRequest, ListOffsetsResponse) = 2;
    /// Who leads what, and where are they?
    Metadata(MetadataRequest, MetadataResponse) = 3;
    /// The controller tells a broker which partitions it leads and follows.
    LeaderAndIsr(LeaderAndIsrRequest, LeaderAndIsrResponse) = 4;
    /// The controller tells a broker to stop, perhaps delete, a replica.
    StopReplica(StopReplicaRequest, StopReplicaResponse) = 5;
    /// The controller tells a broker what all partitions look like.
    UpdateMetadata(UpdateMetadataRequest, UpdateMetadataResponse) = 6;
    /// A broker asks the controller to move its leaders away.
    ControlledShutdown(ControlledShutdownRequest, ControlledShutdownResponse) = 7;
    /// Up to where a group has read.
    OffsetCommit(OffsetCommitRequest, OffsetCommitResponse) = 8;
    /// Up to where has a group committed?
    OffsetFetch(OffsetFetchRequest, OffsetFetchResponse) = 9;
    /// Which broker coordinates a group? First called GroupCoordinator.
    FindCoordinator(FindCoordinatorRequest, FindCoordinatorResponse) = 10;
    /// A member wants to be in the next generation of its group.
    JoinGroup(JoinGroupRequest, JoinGroupResponse) = 11;
    /// A member is alive, and asks whether its generation still stands.
    Heartbeat(HeartbeatRequest, HeartbeatResponse) = 12;
    /// A member goes.
    LeaveGroup(LeaveGroupRequest, LeaveGroupResponse) = 13;
    /// A member asks what it was assigned; the leader hands in what everybody gets.
    SyncGroup(SyncGroupRequest, SyncGroupResponse) = 14;
    /// Delete what is below an offset.
    DeleteRecords(DeleteRecordsRequest, DeleteRecordsResponse) = 21;
    /// Where did an epoch end, in your log?
    OffsetsForLeaderEpoch(OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse) = 23;
    /// A leader asks the controller to change its ISR; first called AlterIsr.
    AlterPartition(AlterPartitionRequest, AlterPartitionResponse) = 56;
    /// ZooKeeper's own protocol.
    ZooKeeper(ZooKeeperRequest, ZooKeeperResponse) = -1;
}

impl ApiKey {
    /// The names that Kafka has given it since a release.
    fn names(self) -> &'static [(Release, &'static str)] {
        // Renamed by KIP-704.
        const ALTER_PARTITION: &[(Release, &str)] =
            &[(Release::FIRST, "AlterIsr"), (Release::new(3, 2, 0), "AlterPartition")];
        // Asks for other coordinators too since KIP-98.
        const FIND_COORDINATOR: &[(Release, &str)] =
            &[(Release::FIRST, "GroupCoordinator"), (Release::new_0(11, 0, 0), "FindCoordinator")];
        match self {
            ApiKey::AlterPartition => ALTER_PARTITION,
            ApiKey::FindCoordinator => FIND_COORDINATOR,
            _ => &[],
        }
    }

    /// The name in `era`: AlterPartition was called AlterIsr up to 3.1, FindCoordinator GroupCoordinator up to 0.10.2.
    pub fn name_in(self, era: &Era) -> &'static str {
        era.release.look_up(self.names()).copied().unwrap_or(self.name())
    }

    /// The API that is, or once was, called so.
    pub fn called(name: &str) -> Option<ApiKey> {
        let is = |api: &ApiKey| api.name() == name || api.names().iter().any(|(_, old)| *old == name);
        ApiKey::ALL.iter().copied().find(is)
    }

    /// The newest version that a release speaks, or `None` if it does not know the API.
    pub fn newest_version(self, release: Release) -> Option<i16> {
        let rungs: &[(Release, i16)] = match self {
            ApiKey::Produce => produce::VERSIONS,
            ApiKey::Fetch => fetch::VERSIONS,
            ApiKey::ListOffsets => list_offsets::VERSIONS,
            ApiKey::Metadata => metadata::VERSIONS,
            ApiKey::LeaderAndIsr => leader_and_isr::VERSIONS,
            ApiKey::StopReplica => stop_replica::VERSIONS,
            ApiKey::UpdateMetadata => update_metadata::VERSIONS,
            ApiKey::ControlledShutdown => controlled_shutdown::VERSIONS,
            ApiKey::OffsetCommit => offset_commit::VERSIONS,
            ApiKey::OffsetFetch => offset_fetch::VERSIONS,
            ApiKey::FindCoordinator => find_coordinator::VERSIONS,
            ApiKey::JoinGroup => join_group::VERSIONS,
            ApiKey::Heartbeat => heartbeat::VERSIONS,
            ApiKey::LeaveGroup => leave_group::VERSIONS,
            ApiKey::SyncGroup => sync_group::VERSIONS,
            ApiKey::DeleteRecords => delete_records::VERSIONS,
            ApiKey::OffsetsForLeaderEpoch => offsets_for_leader_epoch::VERSIONS,
            ApiKey::AlterPartition => alter_partition::VERSIONS,
            ApiKey::ZooKeeper => return Some(0),
        };
        release.look_up(rungs).copied()
    }

    /// The version two releases use between them, or `None` if one of them does not know the API.
    pub fn version(self, own: &Era, peer: &Era) -> Option<i16> {
        Some(self.newest_version(own.release)?.min(self.newest_version(peer.release)?))
    }
}
