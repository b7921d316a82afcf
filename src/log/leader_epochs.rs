//! The leader epoch cache (KIP-101): epoch to start offset.

use crate::ids::{LeaderEpoch, Offset};

/// One line of `leader-epoch-checkpoint`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The offset of its first record, or the log end when it was entered.
    pub start: Offset,
}
