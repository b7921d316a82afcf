//! [`crate::scenario()`]: how it is asked, and what it returns.

use super::aftermath::{Aftermath, Broken, Failed, Finding, InCase, failing};
use super::seeds;
use crate::scenario::compare::differences;
use crate::scenario::eras::{self, Override};
use crate::scenario::file::{Scenario, Verdict};
use crate::scenario::given::Given;
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::report;
use crate::scenario::run::{RunResult, run, seed_of};
use crate::scenario::validate::Ready;
use crate::scenario::words::Table;
use crate::why::failure::Failure;
use kafka::era::Era;
use std::ops::Range;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// A scenario file to be checked: see [`crate::scenario()`].
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `check`, `try_check` or `run`"]
pub struct ScenarioCheck {
    file: PathBuf,
    era: Option<String>,
    rules: Vec<Override>,
    settings: Vec<Given>,
    seeds: Option<Range<u64>>,
    holds: bool,
    aftermath: Aftermath,
}

/// What one run came to.
pub struct ScenarioRun {
    /// What differs from what was demanded, a line each; empty if nothing does.
    pub differences: Vec<String>,
    /// All there is to know.
    pub result: RunResult,
}

impl ScenarioCheck {
    pub(super) fn new(file: &Path, caller: &'static Location<'static>) -> ScenarioCheck {
        ScenarioCheck {
            file: file.to_owned(),
            era: None,
            rules: Vec::new(),
            settings: Vec::new(),
            seeds: None,
            holds: false,
            aftermath: Aftermath::new(caller),
        }
    }

    /// Only this release: the file's verdict of it, or that it holds, if the file has none.
    pub fn era(mut self, era: &str) -> Self {
        self.era = Some(era.to_owned());
        self
    }

    /// One rule decided otherwise than the release does. The verdicts of the file say nothing of that: it must hold.
    pub fn rule(mut self, rule: &str, value: &str) -> Self {
        self.rules.push((rule.to_owned(), value.to_owned()));
        self
    }

    /// A setting in the place of the file's: `min.insync.replicas`, `orders.retention.ms`, `broker-1.log.flush.interval.messages`.
    /// The verdicts of the file say nothing of that: it must hold.
    pub fn set(mut self, setting: &str, value: &str) -> Self {
        self.settings.push((setting.to_owned(), value.to_owned()));
        self
    }

    /// It must hold, whatever the verdicts of the file say.
    pub fn holds(mut self) -> Self {
        self.holds = true;
        self
    }

    /// From which seeds each era is run.
    pub fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = Some(seeds);
        self
    }

    failing!();

    /// Runs it until a run comes to something else than was demanded. How many runs there were, if none does.
    ///
    /// # Errors
    /// The first run that differs, written, shrunk and told; or what cannot be asked for.
    pub fn try_check(&self) -> Result<u64, Failed> {
        let mut finding = None;
        let runs = self.each(&mut |ready, one| {
            finding = (!one.differences.is_empty()).then(|| self.finding(ready, &one));
            finding.is_none()
        });
        let runs = runs.map_err(|problem| Failed::BadInput(Box::new(problem)))?;
        finding.map_or(Ok(runs), |finding| Err(Failed::Run(Box::new(finding))))
    }

    /// Runs it in every era from every seed, whatever comes out. Nothing is shrunk or written.
    ///
    /// # Errors
    /// If what was asked for cannot be.
    pub fn run(&self) -> Result<Vec<ScenarioRun>, Problem> {
        let mut runs = Vec::new();
        self.each(&mut |_, one| {
            runs.push(one);
            true
        })?;
        Ok(runs)
    }

    fn each(&self, take: &mut dyn FnMut(&Ready, ScenarioRun) -> bool) -> Result<u64, Problem> {
        let asked = self.era.as_deref().map(eras::read).transpose();
        let asked = asked.map_err(|problem| self.aftermath.bad_input(problem))?;
        let ready = parse::read_with(&self.file, asked.as_ref(), &self.rules, &self.settings)
            .map_err(|problem| self.aftermath.bad_input(problem))?;
        let own = seed_of(&ready, None);
        let seeds = match (seeds::asked()?, &self.seeds) {
            (Some(seeds), _) => seeds,
            (None, Some(seeds)) if seeds.is_empty() => {
                let problem = Problem::new(format!("there are no seeds in {}..{}", seeds.start, seeds.end));
                return Err(self.aftermath.bad_input(problem));
            }
            (None, Some(seeds)) => seeds.start..=seeds.end - 1,
            (None, None) => own..=own,
        };
        let mut runs = 0;
        for era in ready.asked.as_ref().map_or(&ready.eras[..], std::slice::from_ref) {
            for seed in seeds.clone() {
                let _in_case = InCase(self.line(era, seed));
                let result = run(&ready, era, seed, false)?;
                runs += 1;
                if !take(&ready, ScenarioRun { differences: self.differences(&ready, era, &result), result })
                {
                    return Ok(runs);
                }
            }
        }
        Ok(runs)
    }

    fn differences(&self, ready: &Ready, era: &Era, result: &RunResult) -> Vec<String> {
        let is_own = !self.holds && self.rules.is_empty() && self.settings.is_empty();
        match ready.verdict(era).filter(|_| is_own) {
            Some(verdict) => differences(Some(verdict), result),
            None if report::is_broken(result) => differences(Some(&Verdict::default()), result),
            None => Vec::new(),
        }
    }

    fn line(&self, era: &Era, seed: u64) -> String {
        let mut line = format!("trial run {} --era {} --seed {seed}", self.file.display(), era.release);
        self.rules.iter().for_each(|(rule, value)| line += &format!(" --rule {rule}={value}"));
        self.settings.iter().for_each(|(setting, value)| line += &format!(" --set {setting}={value}"));
        line
    }

    fn finding(&self, ready: &Ready, one: &ScenarioRun) -> Finding {
        let ScenarioRun { differences, result } = one;
        let (era, seed) = (&result.era, result.seed);
        let demanded = ready.verdict(era).filter(|_| !self.holds);
        let is_new = |failure: &&Failure| {
            demanded.is_none_or(|verdict| !verdict.violates.iter().any(|known| known == failure.name()))
        };
        let all = Failure::all(result);
        let failure = all.iter().find(is_new).cloned();
        let mut heading = format!("{} in {era} from seed {seed}:", self.file.display());
        differences.iter().for_each(|line| heading += &format!("\n  {line}"));
        let mut rules = ready.scenario().rules.clone();
        for (rule, value) in &self.rules {
            rules.0.retain(|(known, _)| known != rule);
            rules.0.push((rule.clone(), value.clone()));
        }
        let scenario = Scenario {
            seed: Some(seed),
            rules,
            trace: None,
            verdicts: Table(vec![(era.release.to_string(), result.verdict.clone())]),
            ..ready.scenario().clone()
        };
        let stem = self.file.file_stem().unwrap_or_default().to_string_lossy();
        self.aftermath.of(Broken {
            heading,
            fails_by: all.iter().map(|failure| failure.name().to_owned()).collect(),
            seed,
            hash: result.hash,
            line: self.line(era, seed),
            name: format!("{stem}-{}-{seed}", era.release),
            scenario,
            era: era.clone(),
            can_shrink: failure.is_some(),
            failure,
        })
    }
}
