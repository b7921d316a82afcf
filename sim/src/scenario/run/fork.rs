//! Forks: a run at one of its moments, to be gone on with as often as one likes, also by another scenario that begins the
//! same.
//!
//! A fork is taken before a step, or in the middle of one that waits. It goes on to the same hash as the run that it was
//! taken from. Candidates of the shrinker share most of their steps with what they were made of, and start where they
//! begin to differ; the futures of `trial why` start where others are drawn.
//!
//! Where a fork would be wrong: another cluster, seed, era or client makes another world from the first event on
//! ([`Fork::fits`]).

use super::{Budget, Onlooker, RunResult, Runner, Stop, Trigger, any_condition};
use crate::kernel::host::host;
use crate::scenario::file::Scenario;
use crate::scenario::sends::Sends;
use crate::scenario::source::Path;
use crate::scenario::step::Step;
use crate::scenario::traffic::Traffic;
use crate::scenario::validate::Ready;
use crate::scenario::watch::{Watch, asks_for_quiet, asks_for_reads};
use crate::world::{MessageRuleId, World};
use kafka::command::OperatorError;
use kafka::era::Era;
use kafka::time::{Micros, Time};
use std::collections::BTreeSet;

/// Which forks a run keeps.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Keep {
    /// None.
    Nothing,
    /// One before each step, and one after the last.
    Steps,
    /// One at every so many events of steps that wait.
    Events(u64),
}

/// A run at one of its moments.
#[derive(Clone)]
pub struct Fork {
    /// The step that comes next, or waits.
    pub step: usize,
    /// The world.
    pub world: World,
    waits_until: Option<Time>,
    sends: Sends,
    traffic: Traffic,
    message_rules: Vec<(Option<String>, MessageRuleId)>,
    operator_said: Option<Result<(), OperatorError>>,
    triggers: Vec<Trigger>,
    quiet: Option<u64>,
    quiet_since: Time,
    violations_told: usize,
    passed_over: Option<BTreeSet<String>>,
    unmet: BTreeSet<String>,
}

/// How to go through a plan.
pub struct Going<'a> {
    /// Whether a story will be told.
    pub record: bool,
    /// Whether notes are counted although nothing is told.
    pub count_notes: bool,
    /// What may be spent.
    pub budget: Budget,
    /// Whether conditions that are not met are passed over, as are steps that cannot be carried out.
    pub forgiving: bool,
    /// Where to begin; at the beginning if nowhere else.
    pub from: Option<&'a Fork>,
    /// Another seed from there on.
    pub reseed: Option<u64>,
    /// Which forks to keep.
    pub keep: Keep,
    /// Who looks on.
    pub onlooker: Option<Onlooker<'a>>,
}

impl Default for Going<'_> {
    fn default() -> Self {
        Going {
            record: false,
            count_notes: false,
            budget: Budget::default(),
            forgiving: false,
            from: None,
            reseed: None,
            keep: Keep::Nothing,
            onlooker: None,
        }
    }
}

/// What going through a plan came to.
pub struct Gone {
    /// As of any run.
    pub result: RunResult,
    /// The steps that were carried out.
    pub realised: Scenario,
    /// Paths of the steps whose condition was not met, and which were passed over.
    pub unmet: BTreeSet<String>,
    /// The forks that were asked for.
    pub forks: Vec<Fork>,
}

/// Runs a plan leniently, from the beginning or from a fork that fits.
///
/// # Panics
/// If the fork does not fit.
pub fn go<'a>(ready: &'a Ready, era: &'a Era, seed: u64, going: Going<'a>) -> Gone {
    host(seed, || {
        let mut runner = match going.from {
            Some(fork) => fork.runner(ready, era),
            None => Runner::new(ready, era, seed, going.record),
        };
        runner.budget = going.budget;
        runner.onlooker = going.onlooker;
        runner.forgiving = going.forgiving;
        runner.keep = going.keep;
        if going.count_notes {
            runner.world.recorder.count_notes();
        }
        runner.passed_over.get_or_insert_default();
        if let Some(seed) = going.reseed {
            runner.world.reseed(seed);
            runner.world.draw_ties();
        }
        let stopped = match going.from {
            Some(fork) => runner.rest(fork.step).err(),
            None => runner.whole(),
        };
        assert!(!matches!(stopped, Some(Stop::Bad(_))), "a lenient run passes over what cannot be");
        let realised = runner.realised();
        let unmet = std::mem::take(&mut runner.unmet);
        let forks = std::mem::take(&mut runner.forks);
        Gone { result: runner.finish(seed, stopped), realised, unmet, forks }
    })
}

impl Fork {
    /// Whether `other` has the same past up to here as `scenario`, which this was taken from: the same world, the same
    /// steps, and the same ones asked for. Seed and era must be the same, too.
    pub fn fits(&self, of: &Ready, other: &Ready) -> bool {
        let (a, b) = (of.scenario(), other.scenario());
        let past = self.step + usize::from(self.waits_until.is_some());
        let watched = |scenario: &Scenario| {
            (any_condition(&scenario.steps, &asks_for_quiet), any_condition(&scenario.steps, &asks_for_reads))
        };
        b.steps.len() >= past
            && a.steps[..past] == b.steps[..past]
            && a.cluster == b.cluster
            && (&a.rules, &a.in_force, a.ties) == (&b.rules, &b.in_force, b.ties)
            && of.names.clients == other.names.clients
            && watched(a) == watched(b)
    }

    /// The conditions that hold at this moment, among these.
    pub fn holds(&self, era: &Era, condition: &super::Condition) -> bool {
        let Fork { world, sends, quiet_since, .. } = self;
        Watch { world, sends, era, quiet_since: *quiet_since }.holds(condition)
    }

    /// A runner that goes on from here.
    fn runner<'a>(&self, ready: &'a Ready, era: &'a Era) -> Runner<'a> {
        let operator = self.world.nodes.find("operator").expect("every world has an operator");
        let Fork { waits_until, quiet, quiet_since, violations_told, .. } = *self;
        let fork = self.clone();
        Runner {
            ready,
            era,
            world: fork.world,
            operator,
            sends: fork.sends,
            traffic: fork.traffic,
            message_rules: fork.message_rules,
            operator_said: fork.operator_said,
            triggers: fork.triggers,
            quiet,
            quiet_since,
            reads_wanted: any_condition(&ready.scenario().steps, &asks_for_reads),
            violations_told,
            budget: Budget::default(),
            onlooker: None,
            passed_over: fork.passed_over,
            forgiving: false,
            regardless: !ready.set.is_empty(),
            unmet: fork.unmet,
            at_step: fork.step,
            waits_until,
            keep: Keep::Nothing,
            forks: Vec::new(),
        }
    }
}

impl Runner<'_> {
    /// From a step on; the rest of a wait first, if it waits.
    fn rest(&mut self, from: usize) -> Result<(), Stop> {
        let Some(until) = self.waits_until else { return self.steps(from) };
        let ready = self.ready;
        let path = Path::default().key("steps").index(from);
        let waited = match &ready.scenario().steps[from] {
            Step::RunUntil(wanted) => {
                let condition = &wanted.condition;
                self.advance(until, &path, &|runner| runner.watch().holds(condition)).and_then(
                    |met| match met {
                        true => Ok(()),
                        false => {
                            Err(self.unmet("not in time".to_owned(), std::slice::from_ref(condition), &path))
                        }
                    },
                )
            }
            _ => self.advance(until, &path, &|_| false).map(|_| ()),
        };
        self.waits_until = None;
        match waited {
            Err(Stop::Unmet(unmet)) => self.not_met(unmet, &path)?,
            waited => waited?,
        }
        self.steps(from + 1)
    }

    /// A step begins to wait for so long. Returns until when.
    pub(in crate::scenario) fn wait(&mut self, span: Micros) -> Time {
        let until = self.world.now() + span;
        self.waits_until = Some(until);
        until
    }

    pub(super) fn keep_boundary(&mut self) {
        if self.keep == Keep::Steps {
            self.take();
        }
    }

    pub(super) fn keep_moment(&mut self) {
        if let Keep::Events(every) = self.keep
            && self.waits_until.is_some()
            && self.world.events().is_multiple_of(every)
        {
            self.take();
        }
    }

    fn take(&mut self) {
        self.forks.push(Fork {
            step: self.at_step,
            world: self.world.clone(),
            waits_until: self.waits_until,
            sends: self.sends.clone(),
            traffic: self.traffic.clone(),
            message_rules: self.message_rules.clone(),
            operator_said: self.operator_said.clone(),
            triggers: self.triggers.clone(),
            quiet: self.quiet,
            quiet_since: self.quiet_since,
            violations_told: self.violations_told,
            passed_over: self.passed_over.clone(),
            unmet: self.unmet.clone(),
        });
    }
}
