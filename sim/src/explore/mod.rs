//! Exploring: random clusters, settings, workloads and faults, each run checked; a failure is a line to replay and a
//! scenario file.
//!
//! A [`plan`] is an ordinary scenario, drawn and not written: its cluster and settings, its workload ([`workload`]), its
//! faults ([`faults`] and [`bursts`] of them, within a [`budget`]) and its end ([`settle`]), by a [`profile`]. [`draw`] is where every random number
//! comes from. [`trial`] runs one, [`search`] many; [`coverage`] is what they have seen between them. A failing one has
//! a [`mod@line`] by which anybody draws it again, and the steps that were carried out become a file ([`found`]).
//!
//! Built on it, and on the scenario alone: whatever makes a found file smaller or explains it.

pub mod budget;
pub mod bursts;
pub mod coverage;
pub mod draw;
pub mod faults;
pub mod found;
pub mod line;
pub mod plan;
pub mod profile;
pub mod report;
pub mod search;
pub mod settings;
pub mod settle;
pub mod trial;
pub mod workload;
