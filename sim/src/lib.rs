//! Trial: a deterministic Kafka. The simulated world that runs the cluster of [`kafka`], and all that looks at it.
//!
//! In reading order:
//!
//! 1. [`world`] is the cluster under test, with every fault as a method; [`kernel`] its event queue, clock, randomness
//!    and hash; [`net`] and [`disk`] what nodes are lent.
//! 2. [`checkers`]: the properties, and the auditor. [`trace`]: stories and tables.
//! 3. [`mod@scenario`]: files, whether they can be, how they run, what they come to. [`recording`]: what real clusters did,
//!    held against ours. [`cli`]: the command.
//! 4. [`mod@explore`]: random trials. [`why`] a plan fails, and what would have mended it; [`shrink`]: the smallest
//!    scenario that fails so; [`museum`]: all flaws of the ladder, found by exploring.
//! 5. [`library`]: all of it from anybody's tests, by two functions.
//!
//! ```no_run
//! // In a test:
//! trial::explore("everything").era("3.9").trials(200).check();
//! trial::scenario("scenarios/my-story.json").seeds(0..100).check();
//! ```
//!
//! ([`fn@explore`], [`fn@scenario`].) What they stand on can be called, too. The same scenario, era and seed give the same
//! run, told by its hash:
//!
//! ```
//! use trial::scenario::{parse::parse, run::run, source::Source, validate::validate};
//!
//! let text = r#"{
//!   "title": "An acknowledged record outlives its leader",
//!   "cluster": { "brokers": 3, "topics": { "orders": { "assignment": [[0, 1, 2]] } } },
//!   "steps": [
//!     { "produce": { "to": "orders-0", "value": "m1", "acks": "all" } },
//!     { "run_until": { "acked": "m1" } },
//!     { "kill": "leader of orders-0" },
//!     { "run_until": { "leader": { "of": "orders-0", "is": "broker-1" } } }
//!   ],
//!   "verdicts": { "2.8": "holds" }
//! }"#;
//! let ready = validate(parse(Source::of("example.json", text)).unwrap(), None, &[]).unwrap();
//! let once = run(&ready, &ready.eras[0], 7, false).unwrap();
//! let again = run(&ready, &ready.eras[0], 7, false).unwrap();
//! assert!(once.unmet.is_none() && once.verdict.holds());
//! assert_eq!(once.hash, again.hash);
//! ```

pub mod checkers;
pub mod cli;
pub mod disk;
pub mod explore;
pub mod kernel;
pub mod library;
pub mod museum;
pub mod net;
pub mod recording;
pub mod scenario;
pub mod shrink;
pub mod trace;
pub mod tracing_log;
pub mod why;
pub mod world;

/// The cluster that all this is about.
pub use kafka;
#[cfg(feature = "proptest")]
pub use library::strategies;
pub use library::{explore, scenario};
