//! The shrinker: from a plan that fails to the smallest scenario that fails *so*, for the same reason.
//!
//! 1. [`crate::why::search`] finds the reason: the rule that mends it, or the known flaw. It is kept throughout: a candidate
//!    must break the same property, hold when it is mended, and break with every earlier rule ([`mod@bench`]). What nothing
//!    mends must lose its last copy by the same kind of event.
//! 2. Big pieces first, to a fixpoint ([`reduce`]): what follows the failure, chunks of steps ([`steps`]), brokers, topics,
//!    partitions, replicas, clients, settings, the shape of network and disks ([`cluster`]), records ([`records`]), waits
//!    ([`waits`]). Every candidate runs leniently, and what is kept is what was carried out.
//! 3. Times become conditions ([`conditions`]) and names roles ([`roles`]), where it still fails so, and from no fewer seeds.
//! 4. [`tell`] makes a scenario of it: labels in the story's words, a title, the verdicts of all eras.
//!
//! Candidates are pure functions of the plan, and of several that fail the first is taken, however many are run side by
//! side: the same input gives the same output. What may be spent is counted in tries; only a wall clock that runs out
//! first would cut it short elsewhere.

pub mod bench;
pub mod cluster;
pub mod conditions;
pub mod defaults;
pub mod edit;
pub mod records;
pub mod reduce;
pub mod roles;
pub mod steps;
pub mod tell;
pub mod waits;

use crate::explore::trial::NEVER_ENDS;
use crate::scenario::file::Scenario;
use crate::scenario::problem::Problem;
use crate::scenario::run::RunResult;
use crate::why::case::Case;
use crate::why::cure::Reason;
use crate::why::failure::Failure;
use crate::why::search::Search;
use bench::Bench;

/// Whoever runs candidates, one after the other or side by side. The answer is the same.
pub trait Crew: Sync {
    /// The first of `count` jobs that gives something, and what.
    fn first<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> Option<T> + Sync)) -> Option<(usize, T)>;
    /// What every job gives, in order.
    fn all<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> T + Sync)) -> Vec<T>;
}

/// One after the other.
pub struct Alone;

impl Crew for Alone {
    fn first<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> Option<T> + Sync)) -> Option<(usize, T)> {
        (0..count).find_map(|index| Some((index, job(index)?)))
    }

    fn all<T: Send>(&self, count: usize, job: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
        (0..count).map(job).collect()
    }
}

/// How far the shrinker has come.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What it tries.
    pub pass: &'static str,
    /// How many candidates it has tried.
    pub tries: u64,
    /// Steps of the plan as it is now.
    pub steps: usize,
}

/// What is to be shrunk, and how.
pub struct Order<'a> {
    /// A scenario that fails.
    pub case: Case,
    /// How it must fail; the strongest of its failures if left out.
    pub failure: Option<Failure>,
    /// So many candidates at most.
    pub most_tries: u64,
    /// Told now and then; says whether to go on.
    pub go_on: &'a mut (dyn FnMut(&Progress) -> bool + Send + Sync),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// The case that it tells of.
    pub case: Case,
    /// How it fails.
    pub failure: Failure,
    /// Why.
    pub reason: Reason,
    /// Candidates tried.
    pub tries: u64,
    /// Events of runs that forks have saved, and events of runs.
    pub saved: (u64, u64),
    /// Of the seeds 0 to 99, from how many it comes to its verdicts.
    pub seeds: u64,
    /// Whether it was ended before there was nothing more to try.
    pub cut_short: bool,
}

impl Shrunk {
    /// What it is, in two lines. `before`: how many steps there were.
    pub fn in_words(&self, before: usize) -> Vec<String> {
        let Shrunk { scenario, case, failure, reason, .. } = self;
        let steady = match self.seeds {
            SEEDS => format!("from every seed, 0 to {}", SEEDS - 1),
            seeds => format!("it hangs on its seed: {seeds} of {SEEDS} come to this"),
        };
        vec![
            format!(
                "{failure} in {}: {} steps, {before} before; {steady}",
                case.release,
                scenario.steps.len()
            ),
            reason.to_string(),
        ]
    }
}

/// Seeds from which the result is run.
pub const SEEDS: u64 = 100;

/// Why a case fails, and how it went.
///
/// # Errors
/// If it does not fail, or not so.
pub fn diagnose(case: &Case, asked: Option<&Failure>) -> Result<(Failure, Reason, u64), Problem> {
    let gone = case.first(false)?;
    let all = Failure::all(&gone.result);
    let failure = match asked {
        Some(asked) if asked.is_in(&gone.result) => asked.clone(),
        Some(asked) => {
            let problem = Problem::new(format!("it does not fail so: {asked}"));
            let names: Vec<&str> = all.iter().map(Failure::name).collect();
            return Err(match names.is_empty() {
                true => problem.help("nothing is violated and nothing lost"),
                false => problem.help(format!("it fails so: {}", names.join(", "))),
            });
        }
        None => all.first().cloned().ok_or_else(|| {
            let problem = Problem::new("it does not fail: nothing is violated and nothing lost");
            match &gone.result.unmet {
                Some(unmet) => problem.help(format!("it did not reach its end: {}", unmet.what)),
                None => problem.help("another era or seed may: `--era`, `--seed`"),
            }
        })?,
    };
    let budget = Case::budget(gone.result.events);
    let last_copy = failure.last_copy(&gone.result);
    let cure = Search::new(case, &[failure.name()], &names, budget).cure();
    let reason = cure.map_or(Reason::Unattributed(last_copy), Reason::MendedBy);
    Ok((failure, reason, gone.result.events))
}

/// What a run fails by.
fn names(result: &RunResult) -> Vec<&'static str> {
    let ends = result.unmet.is_none();
    Failure::all(result).iter().map(Failure::name).chain((!ends).then_some(NEVER_ENDS)).collect()
}

/// Shrinks.
///
/// # Errors
/// If there is nothing to shrink: it does not fail, or not so.
pub fn shrink<C: Crew>(order: Order<'_>, crew: &C) -> Result<Shrunk, Problem> {
    let Order { case, failure, most_tries, go_on } = order;
    let (failure, reason, events) = diagnose(&case, failure.as_ref())?;
    let mut bench = Bench::new(case, failure, reason, events, crew, most_tries, go_on)?;
    reduce::all(&mut bench);
    Ok(tell::tell(bench))
}
