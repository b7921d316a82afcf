//! The log: segments, indexes, checkpoints, recovery.

pub mod batch;
pub mod leader_epochs;
pub mod partition_log;
