//! Trial: a deterministic Kafka. The simulated world that runs the cluster of [`kafka`], and all that looks at it.
//!
//! In reading order: [`world`] is the cluster under test, with every fault as a method; [`kernel`] its event queue, clock,
//! randomness and hash; [`net`] and [`disk`] what nodes are lent; [`checkers`] the properties; [`scenario`] files and how
//! they run; [`trace`] stories and tables; [`cli`] the command.

pub mod checkers;
pub mod cli;
pub mod disk;
pub mod kernel;
pub mod net;
pub mod scenario;
pub mod trace;
pub mod tracing_log;
pub mod world;
