//! Waits: fewer, shorter, round; and longer, where that makes a plan fail from more seeds.

use super::Crew;
use super::bench::Bench;
use super::reduce::{ROBUST, failing};
use crate::scenario::file::Scenario;
use crate::scenario::source::Path;
use crate::scenario::step::{Step, When};
use crate::scenario::words::Span;
use kafka::time::Micros;
use std::collections::BTreeSet;

/// Spans that read well, in milliseconds, ascending.
const ROUND: &[i64] =
    &[1, 5, 10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000];

fn round() -> impl DoubleEndedIterator<Item = Span> {
    ROUND.iter().map(|millis| Span(Micros::from_millis(*millis)))
}

/// So many candidates are run from all seeds before anybody is asked whether to go on.
const AT_ONCE: usize = 4;

/// What `run_until` waits at most unless it says otherwise.
const PATIENCE: Span = Span(Micros(60_000_000));

/// Conditions that are not met become waits for as long as they waited. `unmet`: their paths in `original`.
pub fn give_up_on(plan: &mut Scenario, original: &Scenario, unmet: &BTreeSet<String>) {
    let path = Path::default().key("steps");
    for (index, step) in original.steps.iter().enumerate() {
        if let (true, Step::RunUntil(until)) = (unmet.contains(&path.index(index).to_string()), step) {
            let waited = Step::RunFor(until.within.unwrap_or(PATIENCE));
            if let Some(place) = plan.steps.iter().position(|own| own == step) {
                plan.steps[place] = waited;
            }
        }
    }
}

/// Waits for a condition that is not met when the plan is mended: for as long as it took. A release that mends it could not
/// run them.
pub fn not_met<C: Crew>(bench: &mut Bench<'_, C>) {
    let path = Path::default().key("steps");
    let mut index = 0;
    while index < bench.plan().steps.len() && !bench.stopped {
        if bench.unmet_when_mended().contains(&path.index(index).to_string()) {
            let moment =
                |step| bench.forks().iter().find(|fork| fork.step == step).map(|fork| fork.world.now());
            let took = moment(index).zip(moment(index + 1)).map(|(from, until)| Span(until.since(from)));
            let spans: Vec<Span> =
                took.into_iter().flat_map(|took| round().filter(move |span| *span >= took).take(3)).collect();
            let with = |span: &Span| {
                let mut plan = bench.plan().clone();
                plan.steps[index] = Step::RunFor(*span);
                plan
            };
            let candidates: Vec<Scenario> = spans.iter().map(with).collect();
            bench.first("waits", &candidates);
        }
        index += 1;
    }
}

/// Two waits as one, a wait that is shorter, a wait that is round.
pub fn shorter(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, pair) in plan.steps.windows(2).enumerate() {
        if let [Step::RunFor(one), Step::RunFor(other)] = pair {
            let mut merged = plan.clone();
            merged.steps[index] = Step::RunFor(Span(one.0 + other.0));
            merged.steps.remove(index + 1);
            candidates.push(merged);
        }
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let mut with = |span: Span| {
            let mut plan = plan.clone();
            plan.steps[index] = match step {
                Step::When(when) => Step::When(When { after: Some(span), ..when.clone() }),
                _ => Step::RunFor(span),
            };
            candidates.push(plan);
        };
        let (Step::RunFor(own) | Step::When(When { after: Some(own), .. })) = step else { continue };
        round().filter(|span| span < own).for_each(&mut with);
        if !round().any(|span| span == *own)
            && let Some(more) = round().find(|span| span > own)
        {
            with(more);
        }
    }
    candidates
}

/// Longer waits, where a plan then fails from more seeds.
pub fn longer<C: Crew>(bench: &mut Bench<'_, C>) {
    let mut index = 0;
    while index < bench.plan().steps.len() && !bench.stopped && (bench.seeds.len() as u64) < ROBUST {
        if let Step::RunFor(own) = bench.plan().steps[index] {
            let plan = bench.plan();
            let with = |span: Span| {
                let mut plan = plan.clone();
                plan.steps[index] = Step::RunFor(span);
                plan
            };
            let candidates: Vec<Scenario> = round()
                .filter(|span| *span > own && span.0.0 <= own.0.0.saturating_mul(20))
                .map(with)
                .collect();
            best(bench, "waits", &candidates, true);
        }
        index += 1;
    }
}

/// Goes on with the candidate that fails from most seeds, if those are no fewer than now, or more if `only_more`.
pub fn best<C: Crew>(
    bench: &mut Bench<'_, C>,
    pass: &'static str,
    candidates: &[Scenario],
    only_more: bool,
) -> bool {
    if candidates.is_empty() || bench.stopped {
        return false;
    }
    let mut scores = Vec::new();
    for some in candidates.chunks(AT_ONCE) {
        let held = &*bench;
        let score = |index: usize| held.try_one(&some[index]).map(|tried| held.score(&tried, ROBUST));
        scores.extend(bench.crew.all(some.len(), &score));
        bench.count(pass, some.len() as u64);
        if bench.stopped {
            return false;
        }
    }
    let now = bench.seeds.len() as u64;
    let enough = |score: u64| score > now || (score == now && !only_more);
    let scored = scores.into_iter().enumerate().filter_map(|(index, score)| Some((score?, index)));
    let best =
        scored.filter(|(score, _)| enough(*score)).min_by_key(|(score, index)| (ROBUST - score, *index));
    let Some((_, index)) = best else { return false };
    let Some(tried) = bench.try_one(&candidates[index]) else { return false };
    if !bench.hold(tried.realised) {
        return false;
    }
    bench.seeds = failing(bench);
    true
}
