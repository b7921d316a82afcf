//! The bench that candidates are put on: whether one still fails, and for the same reason.
//!
//! What is held is a plan that fails, with a fork before each of its steps, once as it is and once mended: a candidate
//! that begins like it starts where it differs.
//!
//! A candidate is taken if
//!
//! 1. it can be, and its run reaches its end: every condition that it waits for is met;
//! 2. it fails in the same way;
//! 3. it does not fail when it is mended, by a rule or by keeping a known flaw away, where it waits for no more in vain than
//!    before, and it fails with every rule that earlier releases brought; where nothing mends it, no rule may, and what
//!    removes the last copy must be the same;
//! 4. if it fails by never coming to rest, it has the time of the first plan for that, with no fault in force;
//! 5. it still fails from every seed in [`Bench::seeds`], in the end with the same verdict: what a plan has won of
//!    robustness is not given away.

use super::{Crew, Progress};
use crate::scenario::file::{Scenario, Verdict};
use crate::scenario::problem::Problem;
use crate::scenario::run::{Budget, Fork, Going, Gone, Keep, go};
use crate::scenario::step::Step;
use crate::scenario::validate::Ready;
use crate::why::case::{Case, era_of};
use crate::why::change::{Change, later};
use crate::why::cure::Reason;
use crate::why::failure::Failure;
use kafka::era::Release;
use kafka::time::Micros;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A candidate that is as it must be.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The steps that were carried out.
    pub realised: Scenario,
    /// What came out.
    pub verdict: Verdict,
}

/// The bench.
pub struct Bench<'a, C> {
    /// How it fails.
    pub failure: Failure,
    /// Why.
    pub reason: Reason,
    /// Seeds from which it must go on failing.
    pub seeds: Vec<u64>,
    /// Whether from those it must also come to the same verdict.
    pub same_verdict: bool,
    /// Who runs candidates.
    pub crew: &'a C,
    /// Candidates tried.
    pub tries: u64,
    /// Whether to stop: tries or time have run out.
    pub stopped: bool,
    release: Release,
    held: Held,
    budget: Budget,
    last_copy: Option<Arc<str>>,
    /// How long the cluster has in the end to come to rest, without faults; zero where nobody asks for that.
    rest: Micros,
    /// Rules that come before the one that mends it, and must not.
    before: Vec<Change>,
    most_tries: u64,
    go_on: &'a mut (dyn FnMut(&Progress) -> bool + Send + Sync),
    skipped: AtomicU64,
    run: AtomicU64,
}

/// The plan that is held.
struct Held {
    plan: Scenario,
    itself: Past,
    mended: Option<Past>,
    /// What comes out.
    verdict: Verdict,
    /// Paths of the waits whose condition is not met when it is mended: eras that mend it cannot run them.
    unmet: BTreeSet<String>,
}

/// A run of it, and forks of that.
struct Past {
    ready: Ready,
    forks: Vec<Fork>,
}

/// So many candidates are tried before anybody is asked whether to go on.
const AT_ONCE: usize = 16;

/// Most forks that are kept of a run.
const MOST_FORKS: usize = 64;

impl<'a, C: Crew> Bench<'a, C> {
    /// Puts a failing case on the bench.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn new(
        case: Case,
        failure: Failure,
        reason: Reason,
        events: u64,
        crew: &'a C,
        most_tries: u64,
        go_on: &'a mut (dyn FnMut(&Progress) -> bool + Send + Sync),
    ) -> Result<Bench<'a, C>, Problem> {
        let mut before = later(&case);
        // Where several are needed, or a whole release, none of them does it alone. Another rule of the release that mends it
        // may mend it, too.
        if let Some(mender) = reason.one_rule() {
            let first = before.iter().position(|change| change.since == mender.since);
            before.truncate(first.unwrap_or(0));
        }
        let mut plan = case.plan.clone();
        // Rules of the asker become the plan's own.
        for (rule, value) in &case.rules {
            plan.rules.0.retain(|(known, _)| known != rule);
            plan.rules.0.push((rule.clone(), value.clone()));
        }
        plan.seed = (case.seed != 0).then_some(case.seed);
        let bare = Case { plan: plan.clone(), rules: Vec::new(), ..case.clone() };
        let ready = bare.ready()?;
        let mut bench = Bench {
            failure,
            reason,
            seeds: Vec::new(),
            same_verdict: false,
            crew,
            tries: 0,
            stopped: false,
            release: case.release,
            held: Held {
                plan,
                itself: Past { ready, forks: Vec::new() },
                mended: None,
                verdict: Verdict::default(),
                unmet: BTreeSet::new(),
            },
            budget: Case::budget(events),
            last_copy: None,
            rest: Micros::ZERO,
            before,
            most_tries,
            go_on,
            skipped: AtomicU64::new(0),
            run: AtomicU64::new(0),
        };
        let gone = bench.go(&bare, None, Keep::Nothing).expect("it has just been checked");
        bench.last_copy = bench.failure.last_copy(&gone.result);
        if bench.failure.is_of_liveness() && gone.result.world.is_undisturbed() {
            bench.rest = rest_of(&bench.held.plan);
        }
        // Conditions that are not met are waits for so long.
        let mut plan = gone.realised.clone();
        super::waits::give_up_on(&mut plan, &bench.held.plan, &gone.unmet);
        bench.hold(plan);
        Ok(bench)
    }

    /// The plan as it is now.
    pub fn plan(&self) -> &Scenario {
        &self.held.plan
    }

    /// The case as it is now.
    pub fn case(&self) -> Case {
        self.case_of(self.held.plan.clone())
    }

    /// The world before each step of the plan as it is now, and after the last.
    pub fn forks(&self) -> &[Fork] {
        &self.held.itself.forks
    }

    /// What comes out of the plan as it is now.
    pub fn verdict(&self) -> &Verdict {
        &self.held.verdict
    }

    /// Paths of the waits whose condition is not met when the plan is mended.
    pub fn unmet_when_mended(&self) -> &BTreeSet<String> {
        &self.held.unmet
    }

    /// The names of the plan as it is now.
    pub fn ready(&self) -> &Ready {
        &self.held.itself.ready
    }

    /// Events that forks have saved, and events of runs.
    pub fn saved(&self) -> (u64, u64) {
        (self.skipped.load(Ordering::Relaxed), self.run.load(Ordering::Relaxed))
    }

    fn case_of(&self, plan: Scenario) -> Case {
        let seed = plan.seed.unwrap_or(0);
        Case { plan, release: self.release, rules: Vec::new(), seed }
    }

    fn mended(&self, case: &Case) -> Option<Case> {
        self.reason.cure()?.given_to(case)
    }

    /// Runs a case from the latest fork of `past` that fits.
    fn go(&self, case: &Case, past: Option<&Past>, keep: Keep) -> Option<Gone> {
        let ready = case.ready().ok()?;
        let fork = past
            .filter(|past| same_world(past.ready.scenario(), &case.plan))
            .and_then(|past| past.forks.iter().rev().find(|fork| fork.fits(&past.ready, &ready)));
        let going = Going { budget: self.budget, forgiving: true, from: fork, keep, ..Going::default() };
        let gone = go(&ready, era_of(&ready), case.seed, going);
        let skipped = fork.map_or(0, |fork| fork.world.events());
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
        self.run.fetch_add(gone.result.events - skipped, Ordering::Relaxed);
        Some(gone)
    }

    /// Tries one candidate.
    pub fn try_one(&self, plan: &Scenario) -> Option<Tried> {
        if *plan == self.held.plan {
            return None;
        }
        let case = self.case_of(plan.clone());
        let gone = self.go(&case, Some(&self.held.itself), Keep::Nothing)?;
        if gone.result.unmet.is_some() || !gone.unmet.is_empty() || !self.failure.is_in(&gone.result) {
            return None;
        }
        if self.rest > Micros::ZERO && !(rest_of(plan) >= self.rest && gone.result.world.is_undisturbed()) {
            return None;
        }
        match &self.reason {
            Reason::Unattributed(_) if self.failure.last_copy(&gone.result) != self.last_copy => return None,
            Reason::Unattributed(_) => {}
            _ => {
                let mended = self.mended(&case)?;
                let mended = self.go(&mended, self.held.mended.as_ref(), Keep::Nothing)?;
                if mended.result.unmet.is_some()
                    || mended.unmet.len() > self.held.unmet.len()
                    || self.failure.is_in(&mended.result)
                {
                    return None;
                }
            }
        }
        let fails = |case: &Case| case.fails(&self.failure, self.budget);
        let early = |change: &Change| fails(&case.with(&[change.as_override()])) == Some(false);
        if self.before.iter().any(early) {
            return None;
        }
        let realised = self.case_of(gone.realised.clone());
        let verdict = gone.result.verdict;
        if self.seeds.iter().any(|seed| !self.fails_from(&realised, *seed, &verdict)) {
            return None;
        }
        Some(Tried { realised: gone.realised, verdict })
    }

    /// Whether a case whose own seed comes to this verdict fails from another seed, every condition met, and does not when
    /// it is mended.
    pub fn fails_from(&self, case: &Case, seed: u64, verdict: &Verdict) -> bool {
        let case = case.from_seed(seed);
        let Some(gone) = self.go(&case, None, Keep::Nothing) else { return false };
        gone.result.unmet.is_none()
            && gone.unmet.is_empty()
            && self.failure.is_in(&gone.result)
            && (!self.same_verdict || gone.result.verdict == *verdict)
            && self.mended(&case).is_none_or(|mended| mended.fails(&self.failure, self.budget) == Some(false))
    }

    /// From how many of the seeds up to `seeds` a candidate fails.
    pub fn score(&self, tried: &Tried, seeds: u64) -> u64 {
        let case = self.case_of(tried.realised.clone());
        (0..seeds).filter(|seed| self.fails_from(&case, *seed, &tried.verdict)).count() as u64
    }

    /// Tries candidates in order and goes on with the first that is as it must be. Returns which.
    pub fn first(&mut self, pass: &'static str, candidates: &[Scenario]) -> Option<usize> {
        for (number, some) in candidates.chunks(AT_ONCE).enumerate() {
            if self.stopped {
                return None;
            }
            let left = usize::try_from(self.most_tries - self.tries).unwrap_or(usize::MAX);
            let some = &some[..some.len().min(left)];
            let found = self.crew.first(some.len(), &|index| self.try_one(&some[index]));
            let tried = found.as_ref().map_or(some.len(), |(index, _)| index + 1);
            self.count(pass, tried as u64);
            if let Some((index, tried)) = found {
                return self.hold(tried.realised).then_some(number * AT_ONCE + index);
            }
        }
        None
    }

    /// Notes that so much was tried.
    pub fn count(&mut self, pass: &'static str, tries: u64) {
        self.tries = self.most_tries.min(self.tries + tries);
        let progress = Progress { pass, tries: self.tries, steps: self.held.plan.steps.len() };
        self.stopped |= self.tries >= self.most_tries || !(self.go_on)(&progress);
    }

    /// Goes on with a plan. Says whether it is one that fails: what was carried out of a plan may name fewer clients.
    pub fn hold(&mut self, plan: Scenario) -> bool {
        let case = self.case_of(plan.clone());
        let Some(gone) = self.go(&case, None, Keep::Steps) else { return false };
        if !self.failure.is_in(&gone.result) {
            return false;
        }
        let Ok(ready) = case.ready() else { return false };
        let (itself, verdict) = (Past { ready, forks: gone.forks }, gone.result.verdict);
        let mut unmet = BTreeSet::new();
        let mended = self.mended(&case).and_then(|mended| {
            let gone = self.go(&mended, None, Keep::Steps)?;
            unmet = gone.unmet;
            Some(Past { ready: mended.ready().ok()?, forks: spread(gone.forks) })
        });
        self.held = Held { plan, itself, mended, verdict, unmet };
        true
    }
}

/// How long nothing happens at the end of a plan.
fn rest_of(plan: &Scenario) -> Micros {
    match plan.steps.last() {
        Some(Step::RunFor(span)) => span.0,
        _ => Micros::ZERO,
    }
}

/// Whether a fork of the one could fit the other at all: the same world.
fn same_world(one: &Scenario, other: &Scenario) -> bool {
    one.seed == other.seed && one.cluster == other.cluster && one.ties == other.ties
}

/// Some of many, evenly spread.
fn spread(forks: Vec<Fork>) -> Vec<Fork> {
    let every = forks.len().div_ceil(MOST_FORKS).max(1);
    forks.into_iter().step_by(every).collect()
}
