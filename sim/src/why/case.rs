//! A plan, an era and a seed: a case that can be run again and again, and otherwise.
//!
//! Runs are lenient: a step that cannot be carried out is passed over, and where it is said so also a condition that is
//! not met, as it may well be when a rule has decided otherwise. What is said to the reader and what is only expected
//! changes nothing and is left out.

use super::failure::Failure;
use crate::scenario::condition::Condition;
use crate::scenario::eras::Override;
use crate::scenario::file::{Scenario, Verdict};
use crate::scenario::parse::Parsed;
use crate::scenario::problem::Problem;
use crate::scenario::run::{Budget, Going, Gone, Keep, Onlooker, go};
use crate::scenario::source::{Positions, Source};
use crate::scenario::step::Step;
use crate::scenario::validate::{Ready, validate};
use crate::scenario::words::Table;
use kafka::era::{Era, Release};
use std::sync::Arc;

/// A plan, an era and a seed.
#[derive(Clone, PartialEq, Debug)]
pub struct Case {
    /// The plan.
    pub plan: Scenario,
    /// The release.
    pub release: Release,
    /// Rules that decide otherwise, beside those of the plan.
    pub rules: Vec<Override>,
    /// The seed.
    pub seed: u64,
}

/// A run may take so many times the events that the first one took, and so many more.
const PATIENCE: (u64, u64) = (4, 200_000);

impl Case {
    /// The case of a file: without what is only said or expected, and without its verdicts.
    pub fn of(scenario: &Scenario, era: &Era, seed: u64) -> Case {
        let mut plan = silent(scenario);
        plan.seed = None;
        plan.verdicts = Table(vec![(era.release.to_string(), Verdict::default())]);
        Case { plan, release: era.release, rules: Vec::new(), seed }
    }

    /// The same case with rules decided otherwise.
    #[must_use]
    pub fn with(&self, rules: &[Override]) -> Case {
        let mut case = self.clone();
        case.rules.extend_from_slice(rules);
        case
    }

    /// The same case in another release.
    #[must_use]
    pub fn in_release(&self, release: Release) -> Case {
        let mut case = self.clone();
        case.release = release;
        case.plan.verdicts = Table(vec![(release.to_string(), Verdict::default())]);
        case
    }

    /// The same case from another seed.
    #[must_use]
    pub fn from_seed(&self, seed: u64) -> Case {
        Case { seed, ..self.clone() }
    }

    /// The case, checked.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn ready(&self) -> Result<Ready, Problem> {
        let source = Source::of("plan", "");
        let positions = Arc::new(Positions::of(""));
        let parsed = Parsed { scenario: Arc::new(self.plan.clone()), source, positions };
        validate(parsed, Some(&Era::of(self.release)), &self.rules)
    }

    /// Runs the case from its beginning. `None` if it cannot be.
    pub fn run(&self, going: Going<'_>) -> Option<Gone> {
        let ready = self.ready().ok()?;
        let Going { record, budget, forgiving, keep, .. } = going;
        Some(go(
            &ready,
            era_of(&ready),
            self.seed,
            Going { record, budget, forgiving, keep, ..Going::default() },
        ))
    }

    /// Runs the case from its beginning on a budget, while somebody looks on, who may end it. `None` if it cannot be.
    pub fn watched(&self, budget: Budget, onlooker: Onlooker<'_>) -> Option<Gone> {
        let ready = self.ready().ok()?;
        let going = Going { budget, forgiving: true, onlooker: Some(onlooker), ..Going::default() };
        Some(go(&ready, era_of(&ready), self.seed, going))
    }

    /// Whether it fails so. A case that cannot be, or cannot end, does not say.
    pub fn fails(&self, failure: &Failure, budget: Budget) -> Option<bool> {
        let gone = self.run(Going { budget, forgiving: true, ..Going::default() })?;
        (gone.result.unmet.is_none()).then(|| failure.is_in(&gone.result))
    }

    /// What runs like this one may spend, if this one took so many events.
    pub fn budget(events: u64) -> Budget {
        Budget { events: events * PATIENCE.0 + PATIENCE.1, ..Budget::default() }
    }

    /// Runs it once, for what its own budget allows, with a fork before each step.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn first(&self, record: bool) -> Result<Gone, Problem> {
        let ready = self.ready()?;
        let going = Going { record, forgiving: true, keep: Keep::Nothing, ..Going::default() };
        Ok(go(&ready, era_of(&ready), self.seed, going))
    }
}

/// The era of a checked case.
pub fn era_of(ready: &Ready) -> &Era {
    ready.asked.as_ref().expect("a case is checked for its era")
}

/// A scenario without what changes nothing: words, expectations, snapshots.
fn silent(scenario: &Scenario) -> Scenario {
    Scenario {
        schema: None,
        sees: Vec::new(),
        trace: None,
        steps: silent_steps(&scenario.steps),
        ..scenario.clone()
    }
}

fn silent_steps(steps: &[Step]) -> Vec<Step> {
    let mut left = Vec::new();
    for step in steps {
        match step {
            Step::Say(_) | Step::Ask(_) | Step::Answer(_) | Step::Expect(_) => {}
            // Without demands it is met at once.
            Step::RunUntil(until) if until.condition == Condition::All(Vec::new()) => {}
            Step::When(when) => {
                let steps = silent_steps(&when.steps);
                if !steps.is_empty() {
                    let mut when = when.clone();
                    when.steps = steps;
                    left.push(Step::When(when));
                }
            }
            step => left.push(step.clone()),
        }
    }
    left
}
