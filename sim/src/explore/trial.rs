//! One trial: a plan is drawn, run, and judged.
//!
//! It fails if a property is violated, if an acknowledged record is lost and nothing that the operator declared allows
//! it, or if it never ends. A loss that was declared (`acks=1`, an unclean election, page caches lost beyond the contract) is
//! counted, and so is every excuse for a partition that has not come to rest.

use super::coverage::{Coverage, Moves};
use super::line::{Line, read_profile};
use super::plan::{self, Drawn};
use super::profile::Profile;
use crate::checkers::excuse::{Excuse, excuses};
use crate::checkers::{PROPERTIES, Violation};
use crate::scenario::eras::{self, Override};
use crate::scenario::file::{Scenario, Verdict};
use crate::scenario::problem::Problem;
use crate::scenario::run::{Budget, Onlooker, RunResult, realise};
use crate::scenario::validate::Ready;
use crate::why::case::Case;
use crate::why::causes::{Attribution, causes};
use crate::world::World;
use kafka::era::Era;
use kafka::time::Micros;
use std::collections::BTreeMap;

/// What no trial exceeds: a cluster that is still busy then never comes to rest.
pub const BUDGET: Budget = Budget { events: 400_000, time: Micros(900_000_000) };

/// The name under which a trial fails that spends its budget.
pub const NEVER_ENDS: &str = "never-ends";
/// The name under which a trial fails that loses what it must not, with no property to say so.
pub const UNDECLARED_LOSS: &str = "undeclared-loss";

/// What is explored.
#[derive(Clone, Debug)]
pub struct Question {
    /// The release, with the rules that are decided otherwise.
    pub era: Era,
    /// Those rules.
    pub rules: Vec<Override>,
    /// Which faults there are.
    pub profile: Profile,
    /// Only these properties count; all, if empty.
    pub properties: Vec<String>,
}

/// What one trial came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The hash over every event.
    pub hash: u64,
    /// How many events.
    pub events: u64,
    /// What it fails by, in the order of the first violations; empty if it does not.
    pub fails_by: Vec<&'static str>,
    /// Declared losses: by what, how many records.
    pub declared: BTreeMap<&'static str, u64>,
    /// Partitions that have not come to rest, with good reason.
    pub excuses: Vec<Excuse>,
    /// What it has seen.
    pub coverage: Coverage,
    /// Of a failing trial: all there is to know.
    pub failure: Option<Box<Failure>>,
}

/// A failing trial.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The line by which it is drawn again.
    pub line: Line,
    /// The realised plan, with its verdict: a scenario that runs to the same hash.
    pub scenario: Scenario,
    /// Every violation.
    pub violations: Vec<Violation>,
    /// What makes it fail, once somebody has asked.
    pub attribution: Option<Attribution>,
}

/// Checks the names of what trials are asked to fail by.
///
/// # Errors
/// The first that is unknown.
pub fn check_properties(names: &[String]) -> Result<(), Problem> {
    let known = || PROPERTIES.iter().map(|info| info.name).chain([NEVER_ENDS, UNDECLARED_LOSS]);
    match names.iter().find(|name| !known().any(|known| known == name.as_str())) {
        Some(name) => Err(Problem::new(format!("there is no property `{name}`")).near_or_list(name, known())),
        None => Ok(()),
    }
}

impl Outcome {
    /// Whether it fails.
    pub fn fails(&self) -> bool {
        !self.fails_by.is_empty()
    }
}

impl Question {
    /// Reads what is asked for.
    ///
    /// # Errors
    /// The first name that is unknown.
    pub fn read(
        era: &str,
        rules: &[Override],
        profile: &str,
        properties: &[String],
    ) -> Result<Question, Problem> {
        let mut era = eras::read(era)?;
        eras::override_rules(&mut era, rules).map_err(|(_, problem)| problem)?;
        check_properties(properties)?;
        let profile = read_profile(profile)?;
        Ok(Question { era, rules: rules.to_vec(), profile, properties: properties.to_vec() })
    }

    /// Draws the plan of a seed, ready to run.
    pub fn plan(&self, seed: u64) -> (Drawn, Ready) {
        let drawn = plan::draw(&self.era, &self.rules, self.profile, seed);
        let name = format!("{} {} {seed}", self.era, self.profile);
        let ready = Ready::of(drawn.scenario.clone(), &name);
        (drawn, ready.unwrap_or_else(|problem| panic!("a plan is a valid scenario: {problem}")))
    }

    /// The line of a seed.
    pub fn line(&self, seed: u64, drawn: &Drawn) -> Line {
        Line {
            era: self.era.release,
            profile: self.profile,
            seed,
            rules: self.rules.clone(),
            properties: self.properties.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            plan: plan::hash(&drawn.scenario),
        }
    }

    /// Runs the trial of a seed.
    pub fn trial(&self, seed: u64) -> Outcome {
        self.trial_watched(seed, None)
    }

    /// Runs the trial of a seed, and if it fails finds out what makes it fail.
    pub fn attributed_trial(&self, seed: u64) -> Outcome {
        let mut outcome = self.trial(seed);
        if let Some(failure) = &mut outcome.failure {
            // The plan as it was drawn: otherwise decided it may need the steps that were passed over here.
            let case = Case::of(&self.plan(seed).0.scenario, &self.era, seed);
            failure.attribution = Some(causes(&case, &outcome.fails_by, &|result| self.fails_by(result)));
        }
        outcome
    }

    /// Runs the trial of a seed while somebody looks on, who must not end it.
    pub fn trial_watched(&self, seed: u64, mut other: Option<Onlooker<'_>>) -> Outcome {
        let (drawn, ready) = self.plan(seed);
        let mut moves = Moves::default();
        let mut onlooker = |world: &World| {
            moves.look(world);
            other.as_mut().is_none_or(|other| other(world))
        };
        let (result, realised) = realise(&ready, &ready.eras[0], seed, false, BUDGET, Some(&mut onlooker));
        let coverage = Coverage::of(&result.world, &moves, &drawn.kinds);
        let (checks, nodes) = (&result.world.checks, &result.world.nodes);
        let excuses = excuses(&checks.history, nodes);
        let mut declared = BTreeMap::new();
        for by in result.audit.lost().filter_map(|(_, declared)| declared) {
            *declared.entry(by).or_default() += 1;
        }
        let fails_by = self.fails_by(&result);
        let failure = (!fails_by.is_empty()).then(|| {
            let verdict = |verdict: &Verdict| vec![(self.era.to_string(), verdict.clone())];
            let mut scenario = realised;
            scenario.verdicts.0 = verdict(&result.verdict);
            Box::new(Failure {
                line: self.line(seed, &drawn),
                scenario,
                violations: result.violations.clone(),
                attribution: None,
            })
        });
        let (hash, events) = (result.hash, result.events);
        Outcome { seed, hash, events, fails_by, declared, excuses, coverage, failure }
    }

    /// What a run fails by, as far as anybody asks.
    pub fn fails_by(&self, result: &RunResult) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for violation in &result.violations {
            if !names.contains(&violation.property) {
                names.push(violation.property);
            }
        }
        if names.is_empty() && result.audit.lost().any(|(_, declared)| declared.is_none()) {
            names.push(UNDECLARED_LOSS);
        }
        if result.unmet.is_some() {
            names.push(NEVER_ENDS);
        }
        names.retain(|name| self.properties.is_empty() || self.properties.iter().any(|asked| asked == name));
        names
    }
}
