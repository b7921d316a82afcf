//! A plan: a scenario that was drawn. From (era, profile, seed) it is always the same, as long as the version is.
//!
//! 1. The cluster and its settings ([`super::settings`]).
//! 2. A window of some seconds, with moments around which faults happen ([`super::faults`]), and with bursts of faults that
//!    belong together ([`super::bursts`]); fewer damaged machines than the contract survives ([`super::budget`]).
//! 3. What applications send meanwhile ([`super::workload`]).
//! 4. The end: faults stop, and the cluster must come to rest ([`super::settle`]).
//!
//! All in the order of their moments, with `run_for` between. Nobody has tried it: it is run leniently
//! ([`crate::scenario::run::realise`]).

use super::budget::Budget;
use super::bursts::Bursts;
use super::draw::{Draws, Purpose};
use super::faults::{About, Faults, PATIENCE};
use super::profile::{FaultKind, Profile};
use super::settings::cluster;
use super::workload::{Planned, workload};
use super::{faults, settle};
use crate::scenario::eras::Override;
use crate::scenario::file::{Scenario, Ties, Verdict};
use crate::scenario::step::Step;
use crate::scenario::words::{Span, Table};
use crate::scenario::write::write;
use kafka::era::Era;
use kafka::time::Micros;
use std::collections::BTreeSet;

/// A plan, and what it is made of.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The plan.
    pub scenario: Scenario,
    /// The kinds of fault that it has.
    pub kinds: BTreeSet<FaultKind>,
    /// The first of the steps by which faults stop.
    pub settles_at: usize,
}

/// Draws the plan of a seed, for an era with some of its rules decided otherwise.
pub fn draw(era: &Era, rules: &[Override], profile: Profile, seed: u64) -> Drawn {
    let draws = Draws::new(seed);
    let (cluster, shape) = cluster(&draws, era, profile);
    let window = Micros(draws.about(Purpose::Moments, 1).between(0, 5_000, 16_000) * 1000);
    let moments = faults::moments(&draws, window);
    let kinds = faults::kinds(&draws, profile);
    let amount = draws.about(Purpose::Kinds, 1);
    let beyond = profile.beyond_the_contract().is_some_and(|of| amount.one_in(1, of));
    let mut budget = Budget::new(&shape, beyond);
    let mut had = BTreeSet::new();
    let mut planned = workload(&draws, &shape, window, &moments);
    let about = draws.about(Purpose::Focus, 0);
    let focus = about.up_to(0, shape.partitions.len() as u64 - 1) as usize;
    let bursts = about.weighed(1, &[(0, 2), (1, 4), (2, 5)]);
    // Who leads in the beginning, or another one.
    let (_, replicas) = &shape.partitions[focus];
    let victim = if about.one_in(3, 2) { replicas[0] } else { about.of(4, replicas) };
    let (shape_of, kinds_of) = (&shape, kinds.as_slice());
    for number in 0..bursts {
        let bursts = Bursts { draws: &draws, shape: shape_of, kinds: kinds_of, focus, victim, window };
        planned.extend(bursts.draw(number, &mut budget, &mut had));
    }
    // Where there are bursts, there are fewer faults besides.
    let count = if bursts == 0 { amount.between(0, 2, 9) } else { amount.between(0, 0, 4) };
    let close = about.one_in(2, 2);
    let about = About { focus: close.then_some(focus), victim: close.then_some(victim) };
    let faults = Faults { draws: &draws, shape: shape_of, kinds: kinds_of, moments: &moments, window, about };
    for ordinal in 0..count as u32 {
        let (kind, steps) = faults.draw(ordinal, &mut budget);
        if !steps.is_empty() {
            had.insert(kind);
            planned.extend(steps);
        }
    }
    let mut steps = in_order(planned, window);
    let settles_at = steps.len();
    steps.extend(settle::settle(&draws, &shape, &steps));
    let scenario = Scenario {
        schema: None,
        title: format!("Drawn: {era}, {profile}, seed {seed}"),
        lesson: None,
        about: Vec::new(),
        read: Vec::new(),
        cluster,
        seed: Some(seed),
        ties: Ties::Drawn,
        rules: Table(rules.to_vec()),
        in_force: settle::LIVENESS.iter().map(|name| (*name).to_owned()).collect(),
        steps,
        sees: Vec::new(),
        trace: Some(Vec::new()),
        verdicts: Table(vec![(era.to_string(), Verdict::default())]),
    };
    Drawn { scenario, kinds: had, settles_at }
}

/// The steps in the order of their moments, with the time between them, up to the end of the window at least.
fn in_order(mut planned: Vec<Planned>, window: Micros) -> Vec<Step> {
    planned.sort_by_key(|(at, _)| *at);
    let mut steps = Vec::new();
    let mut now = Micros::ZERO;
    for (at, step) in planned {
        if at > now {
            steps.push(Step::RunFor(Span(Micros(at.0 - now.0))));
            now = at;
        }
        steps.push(step);
    }
    // Whatever an operator was about to do at the last moment is done or forgotten.
    let rest = window.max(now) + PATIENCE;
    steps.push(Step::RunFor(Span(Micros(rest.0 - now.0))));
    steps
}

/// The hash by which a plan is known: of its text.
pub fn hash(plan: &Scenario) -> u64 {
    xxhash_rust::xxh3::xxh3_64(write(plan).as_bytes())
}
