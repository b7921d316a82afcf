//! The log: segments, indexes, checkpoints, recovery.

pub mod batch;
pub mod leader_epochs;
pub mod log_manager;
pub mod partition_log;
