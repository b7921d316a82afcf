//! `trial run --seeds A..B`: every era from every seed. A line for each run that differs, and a table of all verdicts.

use super::args::{Format, Run};
use super::out::Out;
use super::run::{demanded, eras_of, identity, outcome, said};
use super::{Outcome, jobs};
use crate::scenario::problem::Problem;
use crate::scenario::report;
use crate::scenario::run::run as run_trial;
use crate::scenario::validate::Ready;
use crate::trace::layout::{PAGE, table, wrapped};
use kafka::era::Era;
use std::collections::BTreeSet;
use std::ops::Range;

/// One run, as far as the table is concerned.
struct Summary {
    outcome: Outcome,
    verdict: String,
    hash: u64,
    events: u64,
    text: Option<String>,
}

/// What is known of one era of one scenario.
#[derive(Default)]
struct Count {
    verdicts: Vec<(String, u64, u64)>,
    hashes: BTreeSet<u64>,
    events: u64,
    differing: u64,
}

/// Runs every era of every scenario from every seed.
pub fn run(arguments: &Run, all: &[Ready], seeds: Range<u64>, out: &mut Out) -> Result<Outcome, Problem> {
    let mut total = Outcome::AsExpected;
    let mut rows =
        vec![["  era", "verdict", "runs", "first seed", "hashes", "events"].map(str::to_owned).to_vec()];
    if arguments.format == Format::Text {
        out.line(&format!("seeds {}..{}", seeds.start, seeds.end));
    }
    for ready in all {
        rows.truncate(1);
        for era in eras_of(arguments, ready) {
            let count = one_era(arguments, ready, era, seeds.clone(), out)?;
            if count.differing > 0 {
                total = Outcome::Differs;
            }
            for (index, (verdict, runs, first)) in count.verdicts.iter().enumerate() {
                let (hashes, events) = (count.hashes.len().to_string(), count.events.to_string());
                let only_first = |text: String| if index == 0 { text } else { String::new() };
                rows.push(vec![
                    only_first(format!("  {era}")),
                    verdict.clone(),
                    runs.to_string(),
                    first.to_string(),
                    only_first(hashes),
                    only_first(events),
                ]);
            }
        }
        if arguments.format == Format::Text {
            let title = format!("{}: {}", ready.parsed.source.name, ready.scenario().title);
            out.line("");
            wrapped(&title, PAGE).iter().for_each(|line| out.line(line));
            out.text(&table(&rows, &[1]));
        }
    }
    Ok(total)
}

fn one_era(
    arguments: &Run,
    ready: &Ready,
    era: &Era,
    seeds: Range<u64>,
    out: &mut Out,
) -> Result<Count, Problem> {
    let wanted = demanded(arguments, ready, era);
    let mut count = Count::default();
    let mut failed = None;
    let mut seed = seeds.start;
    jobs::in_order(
        (seeds.end - seeds.start) as usize,
        |index| {
            let seed = seeds.start + index as u64;
            let result = run_trial(ready, era, seed, false).map_err(Problem::from)?;
            let outcome = outcome(wanted, &result);
            let text = match arguments.format {
                Format::Json => Some(report::json(ready, &result, wanted).to_string()),
                Format::Text if outcome == Outcome::Differs => {
                    let lines: Vec<String> =
                        said(wanted, &result).iter().map(|line| format!("\n  {line}")).collect();
                    let verdict = report::in_full(&result);
                    Some(format!(
                        "{}  hash {:016x}  {verdict}{}",
                        identity(ready, era, seed),
                        result.hash,
                        lines.concat()
                    ))
                }
                Format::Text => None,
            };
            let verdict = report::in_full(&result);
            Ok(Summary { outcome, verdict, hash: result.hash, events: result.events, text })
        },
        |summary: Result<Summary, Problem>| match summary {
            Ok(summary) => {
                count.add(&summary, seed);
                seed += 1;
                if let Some(text) = &summary.text {
                    out.line(text);
                }
                true
            }
            Err(problem) => {
                failed = Some(problem);
                false
            }
        },
    );
    failed.map_or(Ok(count), Err)
}

impl Count {
    fn add(&mut self, summary: &Summary, seed: u64) {
        self.hashes.insert(summary.hash);
        self.events += summary.events;
        self.differing += u64::from(summary.outcome == Outcome::Differs);
        match self.verdicts.iter_mut().find(|(verdict, ..)| *verdict == summary.verdict) {
            Some((_, runs, _)) => *runs += 1,
            None => self.verdicts.push((summary.verdict.clone(), 1, seed)),
        }
    }
}
