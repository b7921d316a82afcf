//! [`crate::explore()`]: how it is asked, and what it returns.

use super::aftermath::{Aftermath, Broken, Failed, Finding, InCase, failing};
use super::seeds;
use crate::explore::found::{name, titled};
use crate::explore::search::{FIRST_SEED, Summary};
use crate::explore::trial::{Outcome, Question};
use crate::scenario::eras::Override;
use crate::scenario::problem::Problem;
use crate::why::failure::Failure;
use std::ops::RangeInclusive;
use std::panic::Location;

/// Trials, unless a check asks for another number.
const TRIALS: u64 = 100;

/// Random trials to be checked: see [`crate::explore()`].
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `check`, `try_check` or `run`"]
pub struct ExploreCheck {
    profile: String,
    era: Option<String>,
    rules: Vec<Override>,
    properties: Vec<String>,
    trials: u64,
    from_seed: u64,
    aftermath: Aftermath,
}

/// What all trials came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Counts, by property; declared losses; what was seen.
    pub summary: Summary,
    /// The trials that fail, with the realised plan of each.
    pub failing: Vec<Outcome>,
}

impl ExploreCheck {
    pub(super) fn new(profile: &str, caller: &'static Location<'static>) -> ExploreCheck {
        ExploreCheck {
            profile: profile.to_owned(),
            era: None,
            rules: Vec::new(),
            properties: Vec::new(),
            trials: TRIALS,
            from_seed: FIRST_SEED,
            aftermath: Aftermath::new(caller),
        }
    }

    /// The release: `2.8.1`; `2.8` is its last. The newest that can run, if not asked for.
    pub fn era(mut self, era: &str) -> Self {
        self.era = Some(era.to_owned());
        self
    }

    /// One rule decided otherwise than the release does: `trial eras --list` has them all.
    pub fn rule(mut self, rule: &str, value: &str) -> Self {
        self.rules.push((rule.to_owned(), value.to_owned()));
        self
    }

    /// Only a violation of this property makes a trial fail. May be said several times.
    pub fn property(mut self, property: &str) -> Self {
        self.properties.push(property.to_owned());
        self
    }

    /// How many trials; 100 if not said.
    pub fn trials(mut self, trials: u64) -> Self {
        self.trials = trials;
        self
    }

    /// The seed of the first trial, 1 if not said, as in `trial explore`; the others follow it.
    pub fn from_seed(mut self, seed: u64) -> Self {
        self.from_seed = seed;
        self
    }

    failing!();

    /// Runs trials until one fails. What has been seen, if none does.
    ///
    /// # Errors
    /// The first trial that fails, written, shrunk and told; or what cannot be asked for.
    pub fn try_check(&self) -> Result<Summary, Failed> {
        let (question, seeds) = self.asked().map_err(|problem| Failed::BadInput(Box::new(problem)))?;
        let mut summary = Summary::default();
        for seed in seeds {
            let outcome = self.trial(&question, seed);
            summary.take(&outcome);
            if let Some(finding) = self.finding(&question, &summary, &outcome) {
                return Err(Failed::Run(Box::new(finding)));
            }
        }
        Ok(summary)
    }

    /// Runs every trial, whatever it comes to. Nothing is shrunk or written.
    ///
    /// # Errors
    /// If what was asked for cannot be.
    pub fn run(&self) -> Result<Report, Problem> {
        let (question, seeds) = self.asked()?;
        let mut report = Report { summary: Summary::default(), failing: Vec::new() };
        for seed in seeds {
            let outcome = self.trial(&question, seed);
            report.summary.take(&outcome);
            if outcome.fails() {
                report.failing.push(outcome);
            }
        }
        Ok(report)
    }

    /// What is asked for, checked.
    fn asked(&self) -> Result<(Question, RangeInclusive<u64>), Problem> {
        let era = self.era.clone().unwrap_or_else(super::newest_era);
        let question = Question::read(&era, &self.rules, &self.profile, &self.properties)
            .map_err(|problem| self.aftermath.bad_input(problem))?;
        if let Some(seeds) = seeds::asked()? {
            return Ok((question, seeds));
        }
        let last = self.trials.checked_sub(1).and_then(|others| self.from_seed.checked_add(others));
        let problem =
            || Problem::new(format!("there are no {} trials from {} on", self.trials, self.from_seed));
        let last = last.ok_or_else(|| self.aftermath.bad_input(problem()))?;
        Ok((question, self.from_seed..=last))
    }

    fn trial(&self, question: &Question, seed: u64) -> Outcome {
        let Question { era, profile, .. } = question;
        let mut line = format!("trial replay era={} profile={profile} seed={seed}", era.release);
        question.rules.iter().for_each(|(rule, value)| line += &format!(" rule={rule}={value}"));
        let _in_case = InCase(line);
        question.trial(seed)
    }

    fn finding(&self, question: &Question, summary: &Summary, outcome: &Outcome) -> Option<Finding> {
        let failure = outcome.failure.as_ref()?;
        let fails_by: Vec<String> = outcome.fails_by.iter().map(|name| (*name).to_owned()).collect();
        let named: Vec<Failure> = fails_by.iter().filter_map(|name| Failure::named(name).ok()).collect();
        // Of all that is wrong the strongest is kept; if only some of it was asked for, the first of that.
        let asked = named.first().filter(|_| !question.properties.is_empty()).cloned();
        let Question { era, profile, .. } = question;
        let mut heading =
            format!("trial {} of {profile} in {era} fails by {}", summary.trials, fails_by.join(", "));
        if let Some(first) = failure.violations.first() {
            first.report.iter().for_each(|line| heading += &format!("\n  {line}"));
        }
        Some(self.aftermath.of(Broken {
            heading,
            fails_by,
            seed: outcome.seed,
            hash: outcome.hash,
            line: failure.line.to_string(),
            name: name(failure),
            scenario: titled(outcome, failure),
            era: era.clone(),
            failure: asked,
            can_shrink: !named.is_empty(),
        }))
    }
}
