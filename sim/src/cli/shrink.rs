//! `trial shrink`: the smallest scenario that fails in the same way, for the same reason.

use super::Outcome;
use super::args::{Failing, Shrink};
use super::jobs::{Meter, Processors};
use super::out::Out;
use super::replay::from_line;
use crate::explore::line;
use crate::scenario::eras;
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::run::{first_era, seed_of};
use crate::scenario::write::write;
use crate::shrink::{Order, shrink as search};
use crate::trace::layout::{PAGE, wrapped};
use crate::why::case::Case;
use crate::why::failure::Failure;
use std::fs::OpenOptions;
use std::path::Path;

/// Runs `trial shrink`.
pub fn shrink(arguments: &Shrink, out: &mut Out) -> Result<Outcome, Problem> {
    let (case, failure, steps) = subject(&arguments.failing)?;
    let place = arguments.output.as_deref().map(reserve).transpose()?;
    let mut meter = Meter::new(arguments.budget);
    let mut go_on = |progress: &crate::shrink::Progress| meter.tell(progress);
    let order = Order { case, failure, most_tries: arguments.tries, go_on: &mut go_on };
    let found = search(order, &Processors);
    meter.finish();
    let shrunk = match found {
        Ok(shrunk) => shrunk,
        Err(problem) => {
            // What was made only to see whether it can be.
            place.inspect(|place| drop(std::fs::remove_file(place)));
            return Err(problem.help(arguments.failing.place()));
        }
    };
    let text = write(&shrunk.scenario);
    let mut lines = shrunk.in_words(steps);
    let spent = if meter.is_over() { "; the budget is spent: it may go on" } else { "" };
    let spent =
        if shrunk.cut_short && spent.is_empty() { "; no tries are left: it may go on" } else { spent };
    let (saved, run) = shrunk.saved;
    lines.push(format!(
        "{} tries in {:.1} s, forks saved {} % of the events{spent}",
        shrunk.tries,
        meter.elapsed().as_secs_f64(),
        saved * 100 / (saved + run).max(1)
    ));
    let lines: Vec<String> = lines.iter().flat_map(|line| wrapped(line, PAGE)).collect();
    match place {
        Some(place) => {
            std::fs::write(place, &text)
                .map_err(|error| Problem::new(format!("{} cannot be written: {error}", place.display())))?;
            lines.iter().for_each(|line| out.line(line));
            out.line(&format!("written to {}", place.display()));
        }
        None => {
            lines.iter().for_each(|line| out.error(&format!("{line}\n")));
            out.text(&text);
        }
    }
    Ok(Outcome::AsExpected)
}

impl Failing {
    /// Where it stands, for whoever reads an error.
    pub fn place(&self) -> String {
        format!("in {}", self.what.join(" "))
    }
}

/// The case that is asked about: of a file, or of a line that `trial explore` printed; how it must fail, if that was
/// said; and how many steps it has.
pub fn subject(failing: &Failing) -> Result<(Case, Option<Failure>, usize), Problem> {
    let Failing { what, era, seed, rule, property } = failing;
    let failure = property.as_deref().map(Failure::named).transpose()?;
    let ready = if line::is_line(what) {
        if era.is_some() || seed.is_some() || !rule.is_empty() {
            return Err(Problem::new("a replay line says its era, seed and rules itself")
                .help("write them into the line: era=2.8.0 seed=7 rule=NAME=VALUE"));
        }
        from_line(&line::read(what)?)?.0
    } else {
        let asked = era.as_deref().map(eras::read).transpose()?;
        parse::read(Path::new(&what[0]), asked.as_ref(), rule)?
    };
    let mut case = Case::of(ready.scenario(), first_era(&ready), seed_of(&ready, *seed));
    case.rules = rule.clone();
    Ok((case, failure, ready.scenario().steps.len()))
}

/// Makes the file that will be written, so that one that cannot be is known before the work.
fn reserve(path: &Path) -> Result<&Path, Problem> {
    if path.exists() {
        return Err(Problem::new(format!("{} is there already", path.display()))
            .help("nothing is overwritten; choose another name"));
    }
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.map(|_| path).map_err(|error| Problem::new(format!("{} cannot be written: {error}", path.display())))
}
