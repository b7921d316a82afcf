//! Which seeds a test runs: `TRIAL_SEED=7` or `TRIAL_SEEDS=0..100` in the environment stands above what it says itself.

use crate::explore::line;
use crate::scenario::problem::Problem;
use std::env::{VarError, var};
use std::ops::{Range, RangeInclusive};

/// The seeds that the environment asks for, if it does.
///
/// # Errors
/// If that is no number, or no range.
pub fn asked() -> Result<Option<RangeInclusive<u64>>, Problem> {
    if let Some(text) = variable("TRIAL_SEED")? {
        let seed = line::read_seed(&text)
            .map_err(|problem| Problem { what: format!("TRIAL_SEED={text} is no seed"), ..problem })?;
        return Ok(Some(seed..=seed));
    }
    let Some(text) = variable("TRIAL_SEEDS")? else { return Ok(None) };
    let range = text.split_once("..").and_then(|(from, until)| Some(from.parse().ok()?..until.parse().ok()?));
    let range = range.filter(|range: &Range<u64>| !range.is_empty());
    let problem = || Problem::new(format!("TRIAL_SEEDS={text} is no range")).help("as in TRIAL_SEEDS=0..100");
    range.map(|range| Some(range.start..=range.end - 1)).ok_or_else(problem)
}

fn variable(name: &str) -> Result<Option<String>, Problem> {
    match var(name) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Problem::new(format!("{name} is no text"))),
    }
}
