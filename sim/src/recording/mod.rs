//! Recordings of real clusters, played in the simulated one: `trial compare`.
//!
//! A recording says what was done to a cluster of a release, step by step, and what it showed each time it was quiet.
//!
//! 1. [`mod@file`] reads one, strictly; `then` its looks at the cluster, as [`facts`].
//! 2. `play` does the same to a simulated cluster of that release, and lets it settle as the recorder did; `look`
//!    says in the same facts what ours shows.
//! 3. [`compare`] holds them against each other. Where a real cluster leaves a race open (`race`: who sees a dead
//!    session first, whose fetch comes first, at which phase of a timer a fault falls, in which order brokers are
//!    stopped), it looks for the outcome that was recorded; what had to be forced is part of the result. Nothing else
//!    may differ.

pub mod compare;
pub mod facts;
pub mod file;
mod look;
mod play;
mod race;
mod reader;
pub mod report;
mod then;
