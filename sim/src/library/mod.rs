//! Trial from anybody's tests: `trial::explore("everything").era("2.8.1").trials(200).check()`,
//! `trial::scenario("scenarios/x.json").seeds(0..100).check()`.
//!
//! 1. A check is put together by methods ([`ExploreCheck`], [`ScenarioCheck`]); nothing is read before it runs.
//! 2. `check()` panics as an assertion does, at the caller's line; `try_check()` returns the same as an error
//!    ([`Failed`]); `run()` runs all of it, whatever comes out, and returns what came out.
//! 3. What fails is dealt with in [`aftermath`]: written beside the test, shrunk, told with the line by which it is run
//!    again.
//! 4. `TRIAL_SEED=7` in the environment runs that seed alone, `TRIAL_SEEDS=0..100` those ([`seeds`]).
//!
//! A check runs on the thread that asks for it, trial after trial, so that it always fails by the same trial; tests
//! stand side by side anyway. What may be spent on shrinking is counted in tries, not in seconds, for the same reason.
//!
//! With the feature `proptest` there are strategies, too: `strategies` draws plans as data, for a property of your own.

pub mod aftermath;
mod explore;
mod scenario;
pub mod seeds;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use aftermath::{Failed, Finding};
pub use explore::{ExploreCheck, Report};
pub use scenario::{ScenarioCheck, ScenarioRun};

use kafka::era::{Era, RELEASES};
use std::panic::Location;
use std::path::Path;

/// Random clusters, settings, workloads and faults of a profile (`elections`, `durability`, `network`, `everything`), each
/// run checked. Of the newest release, a hundred trials, unless asked otherwise.
///
/// ```
/// trial::explore("elections").era("3.9").trials(3).check();
/// ```
///
/// What is found is one line to copy, a story, and a scenario file; in a test `check()` panics with it.
///
/// ```
/// let failed = trial::explore("elections")
///     .era("0.10.2") // before KIP-101 followers cut what was acknowledged
///     .property("candidate-completeness")
///     .shrink(40)
///     .found(std::env::temp_dir().join(format!("trial-found-{}", std::process::id())))
///     .try_check()
///     .unwrap_err();
/// assert!(failed.to_string().contains("trial replay era=0.10.2"), "{failed}");
/// ```
#[track_caller]
pub fn explore(profile: &str) -> ExploreCheck {
    ExploreCheck::new(profile, Location::caller())
}

/// The newest release that can run.
fn newest_era() -> String {
    let newest = RELEASES.iter().rev().find(|release| Era::of(**release).has_zookeeper());
    newest.expect("there are releases").to_string()
}

/// A scenario file: in every era of its verdicts the run must come to what is written. From the file's seed, or 0, unless
/// asked otherwise. The path is as for [`std::fs`]: relative to the package, in a test.
///
/// ```
/// # std::env::set_current_dir("..").unwrap();
/// trial::scenario("scenarios/truncation/high-watermark.json").seeds(0..3).check();
///
/// // Before KIP-101 an acknowledged record is lost here, and the file says so. Nobody else need accept that:
/// let failed = trial::scenario("scenarios/truncation/high-watermark.json")
///     .era("0.10.2")
///     .holds()
///     .found(std::env::temp_dir().join(format!("trial-{}", std::process::id())))
///     .try_check()
///     .unwrap_err();
/// assert!(failed.to_string().contains("acked-durable"), "{failed}");
/// assert!(failed.to_string().contains("trial run"), "{failed}");
/// ```
#[track_caller]
pub fn scenario(file: impl AsRef<Path>) -> ScenarioCheck {
    ScenarioCheck::new(file.as_ref(), Location::caller())
}
