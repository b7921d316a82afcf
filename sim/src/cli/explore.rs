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
use std::sync::atomic::Ordering;

/// So many files are kept of trials that fail in the same way.
const FILES_OF_A_KIND: u64 = 10;

/// Runs `trial explore`.
pub fn explore(arguments: &Explore, out: &mut Out) -> Result<Outcome, Problem> {
    let Explore { era, rule, profile, property, .. } = arguments;
    let question = Question::read(era, rule, profile, property)?;
    let count = match (arguments.trials, arguments.during) {
        (Some(trials), _) => trials,
        (None, Some(_)) => usize::MAX,
        (None, None) => 1000,
    };
    let most = (u64::MAX - arguments.seed).saturating_add(1);
    if count as u64 > most && arguments.trials.is_some() {
        return Err(Problem::new(format!("there are no {count} seeds from {} on", arguments.seed)));
    }
    let mut files = (!arguments.twice)
        .then(|| Found::open(&arguments.found))
        .transpose()?
        .map(|found| Files { found, refused: Vec::new() });
    let stop = interrupt::flag()?;
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
        stop,
    };
    let mut summary = Summary::default();
    let mut differing: Option<Mismatch> = None;
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
                    differing = Some(mismatch);
                    return false;
                }
            };
            let alike = summary.take(&outcome);
            bar.set_message(format!("{} events, {} fail", summary.events, summary.failing));
            if let Some(files) = &mut files {
                // The line first: it is all that is needed, should the file not be written.
                if let Some(line) = failing(&outcome, text) {
                    bar.suspend(|| out.line(&line));
                }
                if alike < FILES_OF_A_KIND {
                    files.keep(&outcome);
                }
            }
            // What nobody can read any more need not be found.
            out.lost().is_none()
        },
    );
    let millis = elapsed.as_millis() as u64;
    let interrupted = stop.load(Ordering::Relaxed) && summary.trials < count as u64;
    match arguments.format {
        Format::Json => {
            let mut all = report::summary_json(&question, &summary, millis);
            all["interrupted"] = interrupted.into();
            out.line(&all.to_string());
        }
        Format::Text => {
            out.line("");
            out.text(&report::summary(&question, &summary, millis));
        }
    }
    if let Some(mismatch) = differing {
        out.line(&format!("\nNOT THE SAME TWICE  {mismatch}"));
        return Ok(Outcome::Differs);
    }
    if text && arguments.twice {
        out.line(&format!("\n{} trials twice: no mismatch", summary.trials));
    } else if text && summary.failing > 0 {
        out.line(&format!("\nscenario files are in {}", arguments.found.display()));
    }
    if text && interrupted {
        let wanted = (count < usize::MAX).then_some(count as u64);
        out.line(&format!("\n{}", interrupt::said(summary.trials, wanted)));
    }
    if let Some(problem) = files.and_then(Files::problem) {
        return Err(problem);
    }
    Ok(match interrupted {
        _ if summary.failing > 0 && !arguments.twice => Outcome::Differs,
        true => Outcome::Interrupted,
        false => Outcome::AsExpected,
    })
}

/// The line of a failing trial.
fn failing(outcome: &trial::Outcome, text: bool) -> Option<String> {
    match text {
        true => report::failing(outcome),
        false => report::failing_json(outcome).map(|json| json.to_string()),
    }
}

/// Where failing trials go, and which could not be written: a search goes on without them.
struct Files {
    found: Found,
    refused: Vec<Problem>,
}

impl Files {
    fn keep(&mut self, outcome: &trial::Outcome) {
        let kept = outcome.failure.as_ref().map(|failure| self.found.keep(outcome, failure));
        self.refused.extend(kept.and_then(Result::err));
    }

    /// The first that could not be written, and how many more.
    fn problem(self) -> Option<Problem> {
        let others = self.refused.len().saturating_sub(1);
        let first = self.refused.into_iter().next()?;
        let first =
            if others > 0 { first.help(format!("{others} more files could not be written")) } else { first };
        Some(first.help("no trial is lost: the lines above replay them"))
    }
}
