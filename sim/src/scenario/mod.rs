//! Scenario files: what they say, whether it can be, and how they run.
//!
//! 1. [`source`] reads a file within limits; [`parse`] makes a [`file::Scenario`] of it, made of [`cluster`], [`step`],
//!    [`condition`] and [`words`]; `tagged` reads their `{"verb": argument}`, `strict` keeps
//!    out what serde would also take.
//!    `serialize` and [`mod@write`] go the other way: what a random run did becomes a file.
//! 2. [`validate`] checks all of it before anything runs: names, settings, assignments, eras, rules. A [`problem`] says
//!    what is wrong and where.
//! 3. [`plan`] makes a world of it; `boot` brings the cluster up; [`run`] carries the steps out (`act`) and looks at
//!    conditions (`watch`).
//! 4. [`compare`] holds what came out against the verdict the file demands; [`report`] puts it into words;
//!    [`decisive`] finds the rule that makes the difference; [`course`] is the page and the matrix of all scenarios.

mod act;
mod boot;
mod check_steps;
pub mod cluster;
pub mod compare;
pub mod condition;
pub mod course;
pub mod decisive;
pub mod eras;
pub mod file;
mod forms;
pub mod given;
pub(crate) mod look;
pub mod names;
pub mod parse;
pub mod plan;
pub mod problem;
pub mod report;
pub mod run;
mod sends;
mod serialize;
pub mod settings;
pub mod source;
pub mod step;
mod strict;
mod tagged;
mod traffic;
pub mod validate;
mod watch;
pub mod words;
pub mod write;
