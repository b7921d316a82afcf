//! Exploring as a whole: drawing, running, checking, hashing, coverage.
//!
//! `cargo bench --bench explore` prints, for each profile: trials and events a second on one core, and what drawing the plans
//! takes of it; trials an hour on one core and on two; and how much memory the process has needed at most, after a batch
//! and after ten. Criterion then times a batch of trials.
//!
//! A trial is bounded by [`trial::explore::trial::BUDGET`], and its memory with it: the peak does not grow with the number of
//! trials. It is what the operating system says (`VmHWM`), so it counts the program and what the allocator keeps, too.

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
        let both = || {
            std::thread::scope(|scope| {
                for half in [0..TRIALS / 2, TRIALS / 2..TRIALS] {
                    let question = &question;
                    scope.spawn(move || half.for_each(|seed| drop(black_box(question.trial(seed)))));
                }
            });
        };
        let two = shortest(ROUNDS, both);
        let after_one = peak();
        for seed in TRIALS..10 * TRIALS {
            black_box(question.trial(seed));
        }
        println!(
            "explore/{profile}: {:.0} trials an hour on two cores, {:.2} times as many; peak memory {} after {} trials, {} after {}",
            3600.0 * TRIALS as f64 / two,
            whole / two,
            after_one,
            TRIALS,
            peak(),
            10 * TRIALS,
        );
        group.throughput(Throughput::Elements(TRIALS));
        group.bench_function(profile.name(), |bencher| bencher.iter(batch));
    }
    group.finish();
}

/// The most memory that this process has had, as Linux tells; elsewhere nobody does.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |line| line.trim().to_owned())
}

fn main() {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    explore(&mut criterion);
    criterion.final_summary();
}
