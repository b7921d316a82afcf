//! One trial: a scenario, in an era, from a seed.
//!
//! 1. The cluster comes up and topics are made (`boot`): not part of the story, which begins at a round time.
//! 2. Steps are carried out in order (`act`); time passes only in those that wait.
//! 3. After every event: applications' answers are noted, traffic is sent when it is due, triggers whose condition holds
//!    fire, violations go into the story where they happened.
//! 4. At the end the auditor accounts for every record, and the verdict is drawn.
//!
//! A run has a budget of events and of virtual time. It ends early when a condition is not met in time, an `expect` is
//! not so, or the budget is spent ([`Unmet`], exit code 1); and when the file asks for what cannot be at that moment, such
//! as a role that nobody holds ([`Aborted`], exit code 2). A plan that was drawn is run leniently ([`realise`]): such a
//! step is passed over, and what was carried out comes back as a scenario of its own.

mod fork;

pub use fork::{Fork, Going, Gone, Keep, go};

use super::condition::Condition;
use super::file::{Batches, DeclaredLoss, Scenario, Ties, Verdict};
use super::look::Look;
use super::plan::plan;
use super::problem::Problem;
use super::sends::{Sends, Told};
use super::source::{Found, Path};
use super::step::{Step, When};
use super::traffic::Traffic;
use super::validate::Ready;
use super::watch::{Watch, asks_for_quiet, asks_for_reads, fingerprint};
use crate::checkers::audit::Audit;
use crate::checkers::{Checks, Violation};
use crate::kernel::host::host;
use crate::trace::recorder::Voice;
use crate::world::{EventId, MessageRuleId, RunOptions, World};
use kafka::command::{Delivery, OperatorError};
use kafka::era::Era;
use kafka::ids::{NodeId, TopicPartition};
use kafka::time::{Micros, Time};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What a run may spend before it is stopped.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    /// So many events.
    pub events: u64,
    /// So much virtual time.
    pub time: Micros,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { events: 50_000_000, time: Micros(25 * 3600 * 1_000_000) }
    }
}

/// What a run came to.
pub struct RunResult {
    /// The era.
    pub era: Era,
    /// The seed.
    pub seed: u64,
    /// The hash over every event.
    pub hash: u64,
    /// How many events there were.
    pub events: u64,
    /// When it ended.
    pub ended: Time,
    /// What was violated and lost.
    pub verdict: Verdict,
    /// How many batches without a name are lost; in the verdict they are counted last.
    pub nameless_losses: u64,
    /// Every violation.
    pub violations: Vec<Violation>,
    /// What became of every record.
    pub audit: Audit,
    /// The longest that anybody waited for an acknowledgement, and of which partition.
    pub longest_wait: Option<(TopicPartition, Micros)>,
    /// Why the run ended early, if it did.
    pub unmet: Option<Unmet>,
    /// Facts that `sees` asks for and that did not occur; known only of a recorded run in the first era of the verdicts.
    pub unseen: Vec<String>,
    /// The world at the end, with its recorder.
    pub world: World,
}

impl RunResult {
    /// How much virtual time it took: what the clock of the story shows at the end, its making included, as in `events`.
    pub fn virtual_millis(&self) -> u64 {
        self.ended.millis()
    }
}

/// A condition that was not met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmet {
    /// What was awaited or expected.
    pub what: String,
    /// What is so instead.
    pub instead: Vec<String>,
    /// The step: `file:line:column`.
    pub place: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        self.instead.iter().try_for_each(|line| write!(f, "\n  it is so: {line}"))
    }
}

/// A run that was broken off: its file asked for what cannot be at that moment.
pub struct Aborted {
    /// What, and where in the file.
    pub problem: Problem,
    /// The era.
    pub era: Era,
    /// The seed.
    pub seed: u64,
    /// The world as it was then, with its recorder.
    pub world: World,
}

impl Aborted {
    /// As text for a terminal.
    pub fn render(&self, color: bool) -> String {
        self.in_full().render(color)
    }

    /// The problem, with the era and the moment.
    fn in_full(&self) -> Problem {
        let Aborted { problem, era, seed, world } = self;
        problem.clone().help(format!("at {} ms in era {era}, seed {seed}", world.now().millis()))
    }
}

impl fmt::Debug for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.in_full(), f)
    }
}

impl std::error::Error for Aborted {}

impl From<Box<Aborted>> for Problem {
    fn from(aborted: Box<Aborted>) -> Problem {
        aborted.in_full()
    }
}

/// Why a run ends early.
pub(super) enum Stop {
    /// The file asks for what cannot be: exit code 2.
    Bad(Found),
    /// A condition was not met: exit code 1.
    Unmet(Unmet),
    /// Whoever looks on has seen enough.
    Enough,
}

/// Somebody who looks at the world after every event, and says whether to go on.
pub type Onlooker<'a> = &'a mut dyn FnMut(&World) -> bool;

/// Runs a scenario. `record`: whether a story will be told; it changes nothing else.
///
/// # Errors
/// If the scenario asks for what cannot be at that moment.
pub fn run(ready: &Ready, era: &Era, seed: u64, record: bool) -> Result<RunResult, Box<Aborted>> {
    run_within(ready, era, seed, record, Budget::default())
}

/// Runs a scenario on a budget.
///
/// # Errors
/// If the scenario asks for what cannot be at that moment.
pub fn run_within(
    ready: &Ready,
    era: &Era,
    seed: u64,
    record: bool,
    budget: Budget,
) -> Result<RunResult, Box<Aborted>> {
    run_prepared(ready, era, seed, record, budget, &|_| ())
}

/// Runs a scenario in a world that `prepare` has had its hands on before anything happens: for tests of checkers.
///
/// # Errors
/// If the scenario asks for what cannot be at that moment.
pub fn run_prepared(
    ready: &Ready,
    era: &Era,
    seed: u64,
    record: bool,
    budget: Budget,
    prepare: &dyn Fn(&mut World),
) -> Result<RunResult, Box<Aborted>> {
    strictly(ready, era, seed, record, |runner| {
        runner.budget = budget;
        prepare(&mut runner.world);
    })
}

/// Runs a scenario while somebody looks on, who may end it: then nothing is said of what only the end decides.
///
/// # Errors
/// If the scenario asks for what cannot be at that moment.
pub fn run_watched<'a>(
    ready: &'a Ready,
    era: &'a Era,
    seed: u64,
    record: bool,
    onlooker: Onlooker<'a>,
) -> Result<RunResult, Box<Aborted>> {
    strictly(ready, era, seed, record, |runner| runner.onlooker = Some(onlooker))
}

/// What a run comes to that is not held to what the file expects on its way: where an `expect` is not so, or a `run_until`
/// in vain, it goes on. None if it asks for what cannot be.
pub fn run_regardless(ready: &Ready, era: &Era, seed: u64) -> Option<Verdict> {
    let run = strictly(ready, era, seed, false, |runner| runner.regardless = true);
    run.ok().map(|result| result.verdict)
}

/// Runs a scenario from its beginning, once `set` has had its hands on the runner. What cannot be breaks it off.
fn strictly<'a>(
    ready: &'a Ready,
    era: &'a Era,
    seed: u64,
    record: bool,
    set: impl FnOnce(&mut Runner<'a>),
) -> Result<RunResult, Box<Aborted>> {
    host(seed, || {
        let mut runner = Runner::new(ready, era, seed, record);
        set(&mut runner);
        match runner.whole() {
            Some(Stop::Bad(found)) => Err(runner.abort(found, seed)),
            stopped => Ok(runner.finish(seed, stopped)),
        }
    })
}

/// Runs a plan that nobody has tried yet: a step that cannot be carried out at its moment (a restart of what is up, a
/// role that nobody holds) is passed over. Beside the result comes the realised plan: the steps that were carried out,
/// which run as a scenario to the same hash.
pub fn realise<'a>(
    ready: &'a Ready,
    era: &'a Era,
    seed: u64,
    record: bool,
    budget: Budget,
    onlooker: Option<Onlooker<'a>>,
) -> (RunResult, Scenario) {
    let going = Going { record, count_notes: true, budget, onlooker, ..Going::default() };
    let Gone { result, realised, .. } = go(ready, era, seed, going);
    (result, realised)
}

/// A run in progress.
pub(super) struct Runner<'a> {
    pub ready: &'a Ready,
    pub era: &'a Era,
    pub world: World,
    pub operator: NodeId,
    pub sends: Sends,
    pub traffic: Traffic,
    pub message_rules: Vec<(Option<String>, MessageRuleId)>,
    /// What the operator's last command came to.
    pub operator_said: Option<Result<(), OperatorError>>,
    triggers: Vec<Trigger>,
    quiet: Option<u64>,
    quiet_since: Time,
    reads_wanted: bool,
    violations_told: usize,
    budget: Budget,
    onlooker: Option<Onlooker<'a>>,
    /// Paths of the steps that were passed over, if such steps are.
    passed_over: Option<BTreeSet<String>>,
    /// Whether it goes on where the file expected something else.
    regardless: bool,
    /// Whether a condition that is not met is passed over, too; paths of those that were.
    forgiving: bool,
    unmet: BTreeSet<String>,
    /// The step of the scenario that is carried out, and until when it waits.
    at_step: usize,
    waits_until: Option<Time>,
    /// Which forks are kept.
    keep: Keep,
    forks: Vec<Fork>,
}

/// A `when` that waits.
#[derive(Clone)]
struct Trigger {
    when: Arc<When>,
    path: Path,
    /// When it is forgotten, if its condition has not held by then.
    until: Time,
    /// When its steps are due, once its condition has held.
    due: Option<Time>,
}

impl<'a> Runner<'a> {
    fn new(ready: &'a Ready, era: &'a Era, seed: u64, record: bool) -> Runner<'a> {
        let plan = plan(ready, era);
        let options = RunOptions { seed, record, check: true };
        let mut world = World::new(&plan.spec, &options);
        let in_force = &ready.scenario().in_force;
        if !in_force.is_empty() {
            world.checks = Checks::new(&plan.spec, in_force);
        }
        if ready.scenario().ties == Ties::Drawn {
            world.draw_ties();
        }
        Runner {
            ready,
            era,
            world,
            operator: plan.operator,
            sends: Sends::default(),
            traffic: Traffic::default(),
            message_rules: Vec::new(),
            operator_said: None,
            triggers: Vec::new(),
            quiet: any_condition(&ready.scenario().steps, &asks_for_quiet).then_some(0),
            quiet_since: Time::ZERO,
            reads_wanted: any_condition(&ready.scenario().steps, &asks_for_reads),
            violations_told: 0,
            budget: Budget::default(),
            onlooker: None,
            passed_over: None,
            regardless: !ready.set.is_empty(),
            forgiving: false,
            unmet: BTreeSet::new(),
            at_step: 0,
            waits_until: None,
            keep: Keep::Nothing,
            forks: Vec::new(),
        }
    }

    /// From the start of the first process to the last step. Says why it ended before.
    fn whole(&mut self) -> Option<Stop> {
        match self.boot() {
            Ok(()) => self.steps(0).err(),
            Err(stop) => Some(stop),
        }
    }

    fn steps(&mut self, from: usize) -> Result<(), Stop> {
        let ready = self.ready;
        let path = Path::default().key("steps");
        for (index, step) in ready.scenario().steps.iter().enumerate().skip(from) {
            self.at_step = index;
            self.keep_boundary();
            self.attempt(step, path.index(index), false)?;
        }
        self.at_step = ready.scenario().steps.len();
        self.keep_boundary();
        Ok(())
    }

    /// Carries out a step. In a lenient run it is passed over if it cannot be carried out now, in a forgiving one also if
    /// its condition is not met; one that goes on regardless says so.
    fn attempt(&mut self, step: &Step, path: Path, in_trigger: bool) -> Result<(), Stop> {
        let result = self.step(step, &path, in_trigger);
        self.waits_until = None;
        match (result, &mut self.passed_over) {
            (Err(Stop::Bad(_)), Some(passed_over)) => {
                passed_over.insert(path.to_string());
                Ok(())
            }
            (Err(Stop::Unmet(unmet)), _) => self.not_met(unmet, &path),
            (result, _) => result,
        }
    }

    /// A condition of a step is not met: that ends the run, unless it goes on all the same and has the means to.
    fn not_met(&mut self, unmet: Unmet, path: &Path) -> Result<(), Stop> {
        if !(self.regardless || self.forgiving) || self.check_budget(path).is_err() {
            return Err(Stop::Unmet(unmet));
        }
        if self.regardless {
            self.world.recorder.say(Voice::Says, &format!("Not as the file has it: {}.", unmet.what));
        }
        self.unmet.insert(path.to_string());
        Ok(())
    }

    /// The scenario without the steps that were passed over and the triggers that never fired.
    fn realised(&self) -> Scenario {
        let mut gone = self.passed_over.clone().unwrap_or_default();
        gone.extend(self.triggers.iter().map(|trigger| trigger.path.to_string()));
        let scenario = self.ready.scenario();
        Scenario { steps: without(&scenario.steps, &Path::default().key("steps"), &gone), ..scenario.clone() }
    }

    fn abort(mut self, found: Found, seed: u64) -> Box<Aborted> {
        self.world.recorder.finish();
        let problem = self.ready.place(found);
        Box::new(Aborted { problem, era: self.era.clone(), seed, world: self.world })
    }

    /// Whether what cannot be carried out is passed over.
    pub fn is_lenient(&self) -> bool {
        self.passed_over.is_some()
    }

    /// What conditions are decided by.
    pub fn watch(&self) -> Watch<'_> {
        Watch { world: &self.world, sends: &self.sends, era: self.era, quiet_since: self.quiet_since }
    }

    /// Lets time pass until `until`, or until `goal` holds. Says whether it does.
    pub fn advance(
        &mut self,
        until: Time,
        path: &Path,
        goal: &dyn Fn(&Runner<'_>) -> bool,
    ) -> Result<bool, Stop> {
        loop {
            if goal(self) {
                return Ok(true);
            }
            let traffic = self.traffic.next().unwrap_or(Time::NEVER);
            let due = self.triggers.iter().filter_map(|trigger| trigger.due).min().unwrap_or(Time::NEVER);
            if self.world.step(until.min(traffic).min(due)).is_some() {
                self.after_event()?;
                self.check_budget(path)?;
            } else if self.world.now() >= traffic {
                for (node, command) in self.traffic.due(self.world.now(), &mut self.sends) {
                    self.world.command(node, command);
                }
            } else if self.world.now() >= due {
                self.pull_triggers()?;
            } else {
                return Ok(goal(self));
            }
        }
    }

    fn after_event(&mut self) -> Result<(), Stop> {
        let now = self.world.now();
        for (node, delivery) in self.world.deliveries() {
            self.sends.on_delivery(*node, delivery, now, self.reads_wanted);
            if let Delivery::Done(outcome) = delivery {
                self.operator_said = Some(outcome.clone());
            }
        }
        if let Some(before) = &mut self.quiet {
            let is = fingerprint(&self.world);
            if std::mem::replace(before, is) != is {
                self.quiet_since = now;
            }
        }
        self.tell_violations();
        if let Some(onlooker) = &mut self.onlooker
            && !onlooker(&self.world)
        {
            return Err(Stop::Enough);
        }
        self.pull_triggers()?;
        self.keep_moment();
        Ok(())
    }

    /// Carries out what waits for a condition that holds now, or for a moment that has come.
    fn pull_triggers(&mut self) -> Result<(), Stop> {
        let now = self.world.now();
        let mut index = 0;
        while index < self.triggers.len() {
            let trigger = &self.triggers[index];
            let due = match trigger.due {
                Some(due) => Some(due),
                None if now > trigger.until || !self.watch().holds(&trigger.when.condition) => None,
                None => Some(now + trigger.when.after.map_or(Micros::ZERO, |span| span.0)),
            };
            if due.is_none_or(|due| due > now) {
                self.triggers[index].due = due;
                index += 1;
                continue;
            }
            let waits_until = self.waits_until;
            let Trigger { when, path, .. } = self.triggers.remove(index);
            let after = when.after.map_or(String::new(), |after| format!("{after} after "));
            self.world.recorder.step(now, &format!("{after}when {}", when.condition));
            for (number, step) in when.steps.iter().enumerate() {
                self.attempt(step, path.key("do").index(number), true)?;
            }
            self.waits_until = waits_until;
        }
        Ok(())
    }

    /// New violations go into the story.
    fn tell_violations(&mut self) {
        let World { checks, recorder, .. } = &mut self.world;
        for violation in &checks.violations()[self.violations_told..] {
            recorder.violated(violation.at, violation.property, &violation.report);
        }
        self.violations_told = checks.violations().len();
    }

    /// From now on the trigger waits.
    pub fn arm(&mut self, when: &When, path: Path) {
        let until = when.within.map_or(Time::NEVER, |span| self.world.now() + span.0);
        self.triggers.push(Trigger { when: Arc::new(when.clone()), path, until, due: None });
    }

    fn check_budget(&self, path: &Path) -> Result<(), Stop> {
        let Budget { events, time } = self.budget;
        let spent = if self.world.events() >= events {
            format!("the run has spent its budget of {events} events")
        } else if self.world.now() >= Time::ZERO + time {
            format!("the run has spent its budget of {} s of virtual time", time.0 / 1_000_000)
        } else {
            return Ok(());
        };
        let instead = vec![format!("{} events in {} ms", self.world.events(), self.world.now().millis())];
        Err(Stop::Unmet(Unmet { what: spent, instead, place: self.place(path) }))
    }

    /// Where a step stands in its file.
    pub fn place(&self, path: &Path) -> String {
        let parsed = &self.ready.parsed;
        let (line, column) = parsed.source.line_and_column(parsed.positions.find(path).start);
        format!("{}:{line}:{column}", parsed.source.name)
    }

    /// A condition that is not met ends the run.
    pub fn unmet(&self, what: String, conditions: &[Condition], path: &Path) -> Stop {
        let mut instead = Vec::new();
        for line in conditions.iter().flat_map(|condition| self.watch().what_is(condition)) {
            if !instead.contains(&line) {
                instead.push(line);
            }
        }
        // What is recorded says more: why a record is not acknowledged yet.
        let awaited = conditions.iter().flat_map(|condition| match condition {
            Condition::Acked(values) => values.0.as_slice(),
            _ => &[],
        });
        for value in awaited.filter(|value| matches!(self.sends.told(value), Some(Told::Open))) {
            if let Some(refused) = self.world.recorder.refused(value) {
                instead.push(format!("{value} was refused last: {refused}"));
            }
        }
        Stop::Unmet(Unmet { what, instead, place: self.place(path) })
    }

    fn finish(mut self, seed: u64, stopped: Option<Stop>) -> RunResult {
        let (unmet, is_cut) = match stopped {
            Some(Stop::Unmet(unmet)) => (Some(unmet), false),
            Some(Stop::Enough) => (None, true),
            Some(Stop::Bad(_)) => unreachable!("a run that is broken off has no result"),
            None => (None, false),
        };
        let audit = {
            let World { checks, nodes, .. } = &self.world;
            let on_disk = |node, partition| Look(&self.world).batches_on_disk(node, partition);
            Audit::new(&checks.history, &checks.ledger, nodes, &on_disk)
        };
        let (at, event) = (self.world.now(), EventId(self.world.events()));
        if !is_cut {
            self.world.checks.finish(at, event, &self.world.nodes, &audit);
        }
        self.tell_violations();
        self.world.recorder.finish();
        let violations = self.world.checks.violations().to_vec();
        let mut verdict = Verdict::default();
        for violation in &violations {
            if !verdict.violates.iter().any(|known| known == violation.property) {
                verdict.violates.push(violation.property.to_owned());
            }
        }
        let mut nameless_losses = 0;
        let mut allowed_by = Vec::new();
        for (record, declared) in audit.lost() {
            match self.sends.batch_of(&record.name) {
                Some(values) => verdict.loses.extend(values.iter().cloned()),
                None => nameless_losses += 1,
            }
            allowed_by.push(declared.and_then(DeclaredLoss::parse));
        }
        if nameless_losses > 0 {
            verdict.loses.push(Batches::entry(nameless_losses));
        }
        // One cause for all, or none that can be named.
        if let Some(first) = allowed_by.first()
            && allowed_by.iter().all(|other| other == first)
        {
            verdict.by = *first;
        }
        let noted = self.world.recorder.noted();
        let first = self.ready.eras[0].release == self.era.release;
        let unseen = match self.world.recorder.is_on() && first {
            true => self
                .ready
                .scenario()
                .sees
                .iter()
                .filter(|name| !noted.contains(name.as_str()))
                .cloned()
                .collect(),
            false => Vec::new(),
        };
        RunResult {
            era: self.era.clone(),
            seed,
            hash: self.world.hash(),
            events: self.world.events(),
            ended: at,
            verdict,
            nameless_losses,
            violations,
            audit,
            longest_wait: self.sends.longest_wait_of_all(at),
            unmet,
            unseen,
            world: self.world,
        }
    }
}

/// These steps without those whose path is in `gone`, and without triggers that have nothing left to do.
fn without(steps: &[Step], path: &Path, gone: &BTreeSet<String>) -> Vec<Step> {
    let mut left = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let path = path.index(index);
        match step {
            Step::When(when) => {
                let path = path.key("when");
                let steps = without(&when.steps, &path.key("do"), gone);
                if !gone.contains(&path.to_string()) && !steps.is_empty() {
                    left.push(Step::When(When { steps, ..when.clone() }));
                }
            }
            step if !gone.contains(&path.to_string()) => left.push(step.clone()),
            _ => {}
        }
    }
    left
}

/// Whether any condition of these steps is one that `is` looks for.
fn any_condition(steps: &[Step], is: &dyn Fn(&Condition) -> bool) -> bool {
    steps.iter().any(|step| match step {
        Step::RunUntil(until) => is(&until.condition),
        Step::Expect(all) => all.0.iter().any(is),
        Step::When(when) => is(&when.condition) || any_condition(&when.steps, is),
        _ => false,
    })
}

/// The seed of a run: the one asked for, that of the scenario, or 0.
pub fn seed_of(ready: &Ready, asked: Option<u64>) -> u64 {
    asked.or(ready.scenario().seed).unwrap_or(0)
}

/// The era to run first: the one asked for, or the first of the verdicts.
pub fn first_era(ready: &Ready) -> &Era {
    ready.asked.as_ref().unwrap_or(&ready.eras[0])
}
