//! Facts about a consumer group, as its coordinator has them.

use super::notes;
use crate::group::rebalance::Reason;
use crate::ids::{Offset, TopicPartition};
use std::sync::Arc;

notes! {
    /// A fact about a group.
    GroupNote {
        /// A new member was added.
        MemberJoined {
            /// Its id.
            member: Arc<str>,
        },
        /// A member has left.
        MemberLeft {
            /// Its id.
            member: Arc<str>,
        },
        /// A member was put out.
        MemberRemoved {
            /// Its id.
            member: Arc<str>,
            /// It did not join, or did not sync, in time; else it was silent.
            late: bool,
        },
        /// The members are asked to join anew.
        RebalanceBegan {
            /// The generation that ends.
            generation: i32,
            /// Why.
            reason: Reason,
        },
        /// A generation has begun.
        GenerationBegan {
            /// Which.
            generation: i32,
            /// Its assignor.
            protocol: Option<Arc<str>>,
            /// Who leads.
            leader: Option<Arc<str>>,
            /// Who is in it.
            members: Vec<Arc<str>>,
        },
        /// Everybody has an assignment.
        Stable {
            /// The generation.
            generation: i32,
        },
        /// Offsets stand in the log.
        Committed {
            /// Which.
            offsets: Vec<(TopicPartition, Offset)>,
        },
        /// A new coordinator has read the group.
        Loaded {
            /// Its generation.
            generation: i32,
            /// How many members it has.
            members: usize,
            /// In how many partitions it has committed.
            offsets: usize,
        },
        /// The coordinator has forgotten the group.
        Unloaded,
    }
}
