//! `trial why`: what led to a failure, what would have kept it away, and when it was decided.

use super::Outcome;
use super::args::{Format, Why as Arguments};
use super::jobs::Processors;
use super::out::Out;
use super::shrink::subject;
use crate::scenario::problem::Problem;
use crate::shrink::diagnose;
use crate::why::case::Case;
use crate::why::chances::chances;
use crate::why::otherwise::{needed, rules, steps};
use crate::why::report::{Why, data, text};
use crate::why::slice::slice;

/// Runs `trial why`.
pub fn why(arguments: &Arguments, out: &mut Out) -> Result<Outcome, Problem> {
    let (case, failure, _) = subject(&arguments.failing)?;
    let diagnosed = diagnose(&case, failure.as_ref());
    let (failure, reason, events) = diagnosed.map_err(|problem| problem.help(arguments.failing.place()))?;
    let budget = Case::budget(events);
    let steps = steps(&case, &failure, budget, &Processors);
    let slice = slice(&case, &failure, &needed(&steps))?;
    let rules = rules(&case, &failure, budget, &Processors);
    let chances = match arguments.futures {
        0 => Vec::new(),
        futures => chances(&case, &failure, budget, (arguments.moments, futures), &Processors)?,
    };
    let why = Why { case, failure, reason, slice, rules, steps, chances };
    match arguments.format {
        Format::Text => out.text(&text(&why)),
        Format::Json => out.line(&data(&why).to_string()),
    }
    Ok(Outcome::AsExpected)
}
