//! Exploring as a whole: drawing, running, checking, hashing, coverage.
//!
//! `cargo bench --bench explore` prints trials and events a second on one core for each profile, and what drawing the plans
//! takes of it; criterion then times a batch of trials.

mod timing;

use criterion::{Criterion, Throughput};
use kafka::era::Era;
use std::hint::black_box;
use timing::shortest;
use trial::explore::plan;
use trial::explore::profile::Profile;
use trial::explore::trial::Question;

/// Trials of a batch: their seeds are the first ones.
const TRIALS: u64 = 40;
/// How often a batch is timed.
const ROUNDS: usize = 5;

fn explore(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("explore");
    for profile in Profile::ALL {
        let era = Era::parse("3.9").expect("a release");
        let question = Question { era, rules: Vec::new(), profile, properties: Vec::new() };
        let batch = || (0..TRIALS).map(|seed| question.trial(seed).events).sum::<u64>();
        let draw = || {
            for seed in 0..TRIALS {
                black_box(plan::draw(&question.era, &[], profile, seed));
            }
        };
        let events = batch();
        let run = || {
            black_box(batch());
        };
        let (whole, drawing) = (shortest(ROUNDS, run), shortest(ROUNDS, draw));
        println!(
            "explore/{profile}: {:.0} trials/s, {:.2} M events/s, {:.0} events and {:.2} ms a trial, {:.1} % of it drawing; {:.0} trials an hour on one core",
            TRIALS as f64 / whole,
            events as f64 / whole / 1e6,
            events as f64 / TRIALS as f64,
            whole * 1e3 / TRIALS as f64,
            100.0 * drawing / whole,
            3600.0 * TRIALS as f64 / whole,
        );
        group.throughput(Throughput::Elements(TRIALS));
        group.bench_function(profile.name(), |bencher| bencher.iter(batch));
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    explore(&mut criterion);
    criterion.final_summary();
}
