//! Strategies of proptest: plans as data, for a property of your own.
//!
//! 1. [`plans`] draws a plan as `trial explore` does: a cluster, settings, a workload, faults. What a test is given is the
//!    [`Plan`] itself, an ordinary scenario, and not the seed it was drawn from.
//! 2. A failing plan is made smaller as data: fewer steps, clients, topics, partitions, brokers, replicas, settings,
//!    records, shorter waits. These are the candidates of [`crate::shrink`]; here only the caller's property says which to
//!    keep. Every value on the way is a scenario that can be run.
//! 3. What proptest prints as the minimal input is the text of a scenario file.
//!
//! ```
//! use proptest::prelude::*;
//! use trial::strategies::plans;
//!
//! proptest!(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() }, |(
//!     plan in plans("elections").era("3.9")
//! )| {
//!     let run = plan.run();
//!     // Producers give up after `delivery.timeout.ms`, two minutes unless set otherwise.
//!     if let Some((partition, wait)) = run.longest_wait {
//!         prop_assert!(wait.millis() <= 120_000, "{partition}: {} ms", wait.millis());
//!     }
//! });
//! ```
//!
//! What is checked of every run in any case is in the [`RunResult`], too: its `violations`.

use crate::explore::trial::{BUDGET, Question};
use crate::scenario::eras::Override;
use crate::scenario::file::Scenario;
use crate::scenario::problem::Problem;
use crate::scenario::run::{RunResult, first_era, realise, seed_of};
use crate::scenario::validate::Ready;
use crate::scenario::write::write;
use crate::shrink::{cluster, records, steps, waits};
use crate::world::World;
use kafka::era::Era;
use proptest::arbitrary::any;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fmt;
use std::panic::Location;

/// Plans of a profile: `elections`, `durability`, `network`, `everything`. Of the newest release that can run, unless asked
/// otherwise. What is unknown aborts the test with one clear error.
#[track_caller]
pub fn plans(profile: &str) -> Plans {
    Plans {
        profile: profile.to_owned(),
        era: super::newest_era(),
        rules: Vec::new(),
        caller: Location::caller(),
    }
}

/// A strategy for [`Plan`]s.
#[derive(Clone, Debug)]
pub struct Plans {
    profile: String,
    era: String,
    rules: Vec<Override>,
    caller: &'static Location<'static>,
}

impl Plans {
    /// The release: `2.8.1`; `2.8` is its last.
    #[must_use]
    pub fn era(mut self, era: &str) -> Self {
        self.era = era.to_owned();
        self
    }

    /// One rule decided otherwise than the release does.
    #[must_use]
    pub fn rule(mut self, rule: &str, value: &str) -> Self {
        self.rules.push((rule.to_owned(), value.to_owned()));
        self
    }
}

impl Strategy for Plans {
    type Tree = PlanTree;
    type Value = Plan;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let question = Question::read(&self.era, &self.rules, &self.profile, &[])
            .map_err(|problem| problem.help(format!("asked for at {}", self.caller)).to_string())?;
        let (drawn, _) = question.plan(any::<u64>().new_tree(runner)?.current());
        Ok(PlanTree::of(drawn.scenario))
    }
}

/// A plan: a scenario that can be run.
#[derive(Clone, PartialEq)]
pub struct Plan {
    scenario: Scenario,
}

/// As the text of a scenario file.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", write(&self.scenario))
    }
}

impl Plan {
    /// A scenario as a plan.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn of(scenario: Scenario) -> Result<Plan, Problem> {
        Ready::of(scenario.clone(), "plan")?;
        Ok(Plan { scenario })
    }

    /// Cluster, settings and steps.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The release it is for, with the rules that are decided otherwise.
    pub fn era(&self) -> Era {
        first_era(&self.ready()).clone()
    }

    /// Runs it to its end: a step that cannot be carried out at its moment is passed over.
    pub fn run(&self) -> RunResult {
        self.run_watched(&mut |_| true)
    }

    /// The same, while somebody looks at the world after every event, and says whether to go on.
    pub fn run_watched(&self, onlooker: &mut dyn FnMut(&World) -> bool) -> RunResult {
        let ready = self.ready();
        let mut look = |world: &World| onlooker(world);
        realise(&ready, first_era(&ready), seed_of(&ready, None), false, BUDGET, Some(&mut look)).0
    }

    fn ready(&self) -> Ready {
        Ready::of(self.scenario.clone(), "plan").expect("it was checked when it was made")
    }
}

/// Smaller plans of one, the biggest pieces first: a pure function, so that the same plan always has the same.
type Candidates = fn(&Scenario) -> Vec<Scenario>;

/// The passes, in order.
const PASSES: [Candidates; 11] = [
    fewer_steps,
    cluster::fewer_clients,
    cluster::fewer_topics,
    cluster::fewer_partitions,
    cluster::fewer_brokers,
    cluster::fewer_replicas,
    cluster::fewer_settings,
    cluster::plainer,
    records::fewer,
    steps::plainer,
    waits::shorter,
];

/// Half of the steps gone, then a quarter, down to single ones.
fn fewer_steps(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    let mut size = plan.steps.len() / 2;
    while size > 0 {
        for from in (0..plan.steps.len()).step_by(size) {
            let mut steps = plan.steps.clone();
            steps.drain(from..(from + size).min(plan.steps.len()));
            candidates.push(Scenario { steps, ..plan.clone() });
        }
        size /= 2;
    }
    candidates
}

/// A plan and what it may become.
///
/// `held` fails, as far as is known; `tried` is what the test is given. A candidate that fails takes the place of what is
/// held, and the pass begins anew with it; one that does not is dropped, and the next is tried. When every pass has gone
/// round without a success, what is held is the smallest there is.
#[derive(Clone, Debug)]
pub struct PlanTree {
    held: Plan,
    tried: Option<Plan>,
    pass: usize,
    /// Candidates of this pass that are still to be tried, the next one last.
    left: Vec<Scenario>,
    /// Passes since the last success.
    in_vain: usize,
}

impl PlanTree {
    fn of(scenario: Scenario) -> PlanTree {
        // Nothing is made before it is asked for: most plans pass.
        let pass = PASSES.len() - 1;
        PlanTree { held: Plan { scenario }, tried: None, pass, left: Vec::new(), in_vain: 0 }
    }

    fn fill(&mut self) {
        self.left = PASSES[self.pass](&self.held.scenario);
        self.left.reverse();
    }

    /// Tries the next candidate that can be run. False if there is none.
    fn next(&mut self) -> bool {
        self.tried = None;
        loop {
            while let Some(scenario) = self.left.pop() {
                // Never more steps than before: that is how it ends.
                let is_smaller = scenario.steps.len() <= self.held.scenario.steps.len();
                if is_smaller
                    && scenario != self.held.scenario
                    && let Ok(plan) = Plan::of(scenario)
                {
                    self.tried = Some(plan);
                    return true;
                }
            }
            self.in_vain += 1;
            if self.in_vain > PASSES.len() {
                return false;
            }
            self.pass = (self.pass + 1) % PASSES.len();
            self.fill();
        }
    }
}

impl ValueTree for PlanTree {
    type Value = Plan;

    fn current(&self) -> Plan {
        self.tried.as_ref().unwrap_or(&self.held).clone()
    }

    fn simplify(&mut self) -> bool {
        if let Some(tried) = self.tried.take() {
            self.held = tried;
            self.in_vain = 0;
            self.fill();
        }
        self.next()
    }

    fn complicate(&mut self) -> bool {
        self.next()
    }
}
