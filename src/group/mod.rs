//! Consumer groups on the side of brokers (`GroupCoordinator`, `GroupMetadataManager`).
//!
//! A group belongs to one partition of `__consumer_offsets`, by the hash of its name; the leader of that partition
//! coordinates it.
//!
//! 1. Members ask to join. The first request begins a *rebalance*: the coordinator waits until every member has asked, or
//!    their time is up ([`rebalance`]). Then a new generation begins: each is answered, one of them as the leader.
//! 2. Each asks for its assignment; the leader's request brings it for all. It is written into the log, and when it is
//!    committed there all are answered: the group is stable.
//! 3. Members send heartbeats; who is silent for `session.timeout.ms` is out, and a rebalance begins.
//! 4. Members commit offsets, which are written into the same log, and answered when they are committed there
//!    ([`offsets`]).
//! 5. When the leadership of the partition moves, the new leader reads all that from its log ([`loading`]); the old one
//!    forgets it.
//!
//! ```text
//!            first member               all have asked, or time is up           leader's assignment is committed
//!   Empty ----------------> Preparing ---------------------------> Completing ---------------------> Stable
//!     ^                     Rebalance <--------------------------- Rebalance                           |
//!     |                      |    ^       a member joins or goes                                       |
//!     +----------------------+    +--------------------------------------------------------------------+
//!        nobody is left                        a member joins, goes, or subscribes otherwise
//! ```
//!
//! | file            | what                                                                             |
//! |-----------------|----------------------------------------------------------------------------------|
//! | [`metadata`]    | a group and its members as data (`GroupMetadata`, `MemberMetadata`)              |
//! | [`coordinator`] | the coordinator; heartbeats, leaving, time                                       |
//! | [`join`]        | JoinGroup                                                                        |
//! | [`sync`]        | SyncGroup, and what happens when the assignment is committed                     |
//! | [`rebalance`]   | from one generation to the next                                                  |
//! | [`offsets`]     | OffsetCommit, OffsetFetch                                                        |
//! | [`loading`]     | groups read from the log                                                         |
//! | [`records`]     | what stands in `__consumer_offsets`, in bytes                                    |
//!
//! The coordinator writes and reads no log itself: it says what is to be written ([`coordinator::Store`]) and is told what
//! became of it. In Kafka each group has a lock and its callbacks run on many threads; here a step is atomic.
//!
//! Left out: transactions, `group.max.size` (KIP-389), deletion of groups and of offsets by an operator, the expiry of
//! offsets (KIP-211), authorization, quotas, the newer protocol (KIP-848).

pub mod coordinator;
pub mod join;
pub mod loading;
pub mod metadata;
pub mod offsets;
pub mod rebalance;
pub mod records;
pub mod sync;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

/// The topic that groups live in.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The partition of [`OFFSETS_TOPIC`] that a group belongs to (`partitionFor`: `Utils.abs(groupId.hashCode) % count`).
pub fn partition_for(group: &str, partitions: i32) -> i32 {
    let hash =
        group.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    let positive = if hash == i32::MIN { 0 } else { hash.abs() };
    positive % partitions.max(1)
}

/// A text that no copy is made of.
type Name = Arc<str>;
