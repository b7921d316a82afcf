//! `trial explore`: trials side by side, one line for each that fails, and a summary.

use super::args::{Explore, Format};
use super::jobs::{Jobs, side_by_side};
use super::out::Out;
use super::{Outcome, interrupt};
use crate::explore::found::Found;
use crate::explore::report;
use crate::explore::search::{Mismatch, Summary, twice};
use crate::explore::trial::{self, Question};
use crate::scenario::problem::Problem;

/// So many files are kept of trials that fail in the same way.
const FILES_OF_A_KIND: u64 = 10;

/// Runs `trial explore`.
pub fn explore(arguments: &Explore, out: &mut Out) -> Result<Outcome, Problem> {
    let Explore { era, rule, profile, property, .. } = arguments;
    let question = Question::read(era, rule, profile, property)?;
    let found = (!arguments.twice).then(|| Found::open(&arguments.found)).transpose()?;
    let count = match (arguments.trials, arguments.during) {
        (Some(trials), _) => trials,
        (None, Some(_)) => usize::MAX,
        (None, None) => 1000,
    };
    let most = u64::MAX - arguments.seed;
    if count as u64 > most && arguments.trials.is_some() {
        return Err(Problem::new(format!("there are no {count} seeds from {} on", arguments.seed)));
    }
    let text = arguments.format == Format::Text;
    if text {
        let version = env!("CARGO_PKG_VERSION");
        let Question { era, profile, .. } = &question;
        let again = if arguments.twice { ", each trial twice" } else { "" };
        out.line(&format!(
            "trial {version}  era {era}  profile {profile}  seeds from {}{again}",
            arguments.seed
        ));
    }
    let jobs = Jobs {
        count: count.min(usize::try_from(most).unwrap_or(usize::MAX)),
        threads: arguments.jobs,
        at_most: arguments.during,
        stop: interrupt::flag()?,
    };
    let mut summary = Summary::default();
    let mut stopped: Option<Result<Mismatch, Problem>> = None;
    let elapsed = side_by_side(
        &jobs,
        |index| {
            let seed = arguments.seed + index as u64;
            if arguments.twice { twice(&question, seed) } else { Ok(question.attributed_trial(seed)) }
        },
        |result, bar| {
            let outcome = match result {
                Ok(outcome) => outcome,
                Err(mismatch) => {
                    stopped = Some(Ok(mismatch));
                    return false;
                }
            };
            let alike = summary.take(&outcome);
            bar.set_message(format!("{} events, {} fail", summary.events, summary.failing));
            match &found {
                Some(found) => match failing(&outcome, alike, found, text) {
                    Ok(line) => {
                        if let Some(line) = line {
                            bar.suspend(|| out.line(&line));
                        }
                        true
                    }
                    Err(problem) => {
                        stopped = Some(Err(problem));
                        false
                    }
                },
                None => true,
            }
        },
    );
    let millis = elapsed.as_millis() as u64;
    match arguments.format {
        Format::Json => out.line(&report::summary_json(&question, &summary, millis).to_string()),
        Format::Text => {
            out.line("");
            out.text(&report::summary(&question, &summary, millis));
        }
    }
    match stopped {
        Some(Err(problem)) => return Err(problem),
        Some(Ok(mismatch)) => {
            out.line(&format!("\nNOT THE SAME TWICE  {mismatch}"));
            return Ok(Outcome::Differs);
        }
        None => {}
    }
    if arguments.twice {
        if text {
            out.line(&format!("\n{} trials twice: no mismatch", summary.trials));
        }
        return Ok(Outcome::AsExpected);
    }
    if text && summary.failing > 0 {
        out.line(&format!("\nscenario files are in {}", arguments.found.display()));
    }
    Ok(if summary.failing > 0 { Outcome::Differs } else { Outcome::AsExpected })
}

/// The line of a failing trial, whose file is kept unless there are enough like it.
fn failing(
    outcome: &trial::Outcome,
    alike: u64,
    found: &Found,
    text: bool,
) -> Result<Option<String>, Problem> {
    let Some(failure) = &outcome.failure else { return Ok(None) };
    if alike < FILES_OF_A_KIND {
        found.keep(outcome, failure)?;
    }
    Ok(match text {
        true => report::failing(outcome),
        false => report::failing_json(outcome).map(|json| json.to_string()),
    })
}
