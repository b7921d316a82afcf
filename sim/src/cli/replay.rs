//! `trial replay`: a found trial again, by its line or by its file: the same hash, the same violation, and the story of the
//! last moments before it.

use super::Outcome;
use super::args::Replay;
use super::out::Out;
use super::run::identity;
use crate::checkers::Violation;
use crate::explore::line::{self, Asked};
use crate::explore::plan;
use crate::explore::trial::{BUDGET, check_properties};
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::report;
use crate::scenario::run::{RunResult, first_era, realise, run_watched, seed_of};
use crate::scenario::validate::Ready;
use crate::trace::Zoom;
use crate::world::World;
use std::path::Path;

/// So many lines of the story are told, unless more are asked for.
const LAST: usize = 60;

/// Runs `trial replay`.
pub fn replay(arguments: &Replay, out: &mut Out) -> Result<Outcome, Problem> {
    check_properties(&arguments.property)?;
    let mut properties = arguments.property.clone();
    let (ready, expected) = if line::is_line(&arguments.what) {
        let mut asked = line::read(&arguments.what)?;
        properties.append(&mut asked.question.properties);
        from_line(&asked)?
    } else {
        (parse::read(Path::new(&arguments.what[0]), None, &[])?, None)
    };
    let (era, seed) = (first_era(&ready), seed_of(&ready, None));
    let run = |record: bool, until: Option<u64>| -> Result<RunResult, Problem> {
        // With that event and what is found wrong behind it.
        let mut onlooker = |world: &World| until.is_none_or(|event| world.events() <= event);
        Ok(run_watched(&ready, era, seed, record, &mut onlooker)?)
    };
    let result = run(false, None)?;
    if let Some(hash) = expected {
        assert_eq!(result.hash, hash, "a realised plan runs as the plan did");
    }
    if arguments.until.is_some_and(|event| event > result.events) {
        return Err(Problem::new(format!("the run ends with event {}", result.events)));
    }
    // Others may have come before what was asked for.
    let is_asked = |violation: &&Violation| {
        properties.is_empty() || properties.iter().any(|name| name == violation.property)
    };
    let first = result.violations.iter().find(is_asked);
    out.line(&identity(&ready, era, seed));
    let until = arguments.until.or_else(|| first.map(|violation| violation.event.0));
    let told = run(true, until)?;
    let color = out.color();
    let story = if until.is_some() { report::story_until } else { report::story };
    tell(&story(&ready, &told, arguments.zoom, color), arguments, out);
    out.line("");
    // Where the story ends by itself all is told that is wrong; where it is cut, nothing that comes later.
    let is_told = |violation: &&Violation| arguments.until.is_none_or(|event| violation.event.0 <= event);
    for violation in result.violations.iter().filter(is_told) {
        let is_first =
            result.violations.iter().find(|other| other.property == violation.property) == Some(violation);
        if is_first {
            out.line(&format!(
                "{} at {} ms, event {}:",
                violation.property,
                violation.at.millis(),
                violation.event.0
            ));
            violation.report.iter().for_each(|line| out.line(&format!("  {line}")));
        }
    }
    if let Some(unmet) = &result.unmet {
        out.line(&unmet.to_string());
    }
    out.line(&format!(
        "era {era}  seed {seed}  hash {:016x}  {} events  {} ms of virtual time  {}",
        result.hash,
        result.events,
        result.virtual_millis(),
        report::in_full(&result),
    ));
    Ok(if report::is_broken(&result) { Outcome::Differs } else { Outcome::AsExpected })
}

/// The realised plan of a line, and the hash that it must come to.
pub fn from_line(asked: &Asked) -> Result<(Ready, Option<u64>), Problem> {
    let (drawn, ready) = asked.question.plan(asked.seed);
    asked.check_plan(plan::hash(&drawn.scenario))?;
    let (result, realised) = realise(&ready, &ready.eras[0], asked.seed, false, BUDGET, None);
    // A run that spends its budget would go on without one.
    let expected = result.unmet.is_none().then_some(result.hash);
    let name = format!("{}-{}-{}", asked.question.era, asked.question.profile, asked.seed);
    Ok((Ready::of(realised, &name)?, expected))
}

/// The last lines of a story, or all of it.
fn tell(story: &str, arguments: &Replay, out: &mut Out) {
    let lines: Vec<&str> = story.lines().collect();
    let most = match arguments.zoom {
        Zoom::Story => LAST,
        _ => 3 * LAST,
    };
    let most = arguments.last.unwrap_or(most);
    if lines.len() > most {
        out.line(&format!("… {} lines before (`--last N` tells more)", lines.len() - most));
    }
    lines[lines.len().saturating_sub(most)..].iter().for_each(|line| out.line(line));
}
