//! `trial shrink`: the smallest scenario that fails in the same way, for the same reason.

use super::Outcome;
use super::args::Shrink;
use super::jobs::{Meter, Processors};
use super::out::Out;
use crate::scenario::eras;
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::run::{first_era, seed_of};
use crate::scenario::write::write;
use crate::shrink::{Order, SEEDS, Shrunk, shrink as search};
use crate::trace::layout::{PAGE, wrapped};
use crate::why::case::Case;
use crate::why::failure::Failure;
use std::fs::OpenOptions;
use std::path::Path;

/// Runs `trial shrink`.
pub fn shrink(arguments: &Shrink, out: &mut Out) -> Result<Outcome, Problem> {
    let asked = arguments.era.as_deref().map(eras::read).transpose()?;
    let failure = arguments.property.as_deref().map(Failure::named).transpose()?;
    let ready = parse::read(&arguments.file, asked.as_ref(), &arguments.rule)?;
    let seed = seed_of(&ready, arguments.seed);
    let mut case = Case::of(ready.scenario(), first_era(&ready), seed);
    case.rules = arguments.rule.clone();
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
            return Err(problem.help(format!("in {}", arguments.file.display())));
        }
    };
    let text = write(&shrunk.scenario);
    let steps = ready.scenario().steps.len();
    let mut lines = summary(&shrunk, steps);
    let spent = if meter.is_over() { "; the budget is spent: it may go on" } else { "" };
    let spent =
        if shrunk.cut_short && spent.is_empty() { "; no tries are left: it may go on" } else { spent };
    lines.push(format!("{} tries in {:.1} s{spent}", shrunk.tries, meter.elapsed().as_secs_f64()));
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

fn summary(shrunk: &Shrunk, before: usize) -> Vec<String> {
    let Shrunk { scenario, case, failure, reason, seeds, .. } = shrunk;
    let steady = match *seeds {
        SEEDS => format!("from every seed, 0 to {}", SEEDS - 1),
        seeds => format!("it hangs on its seed: {seeds} of {SEEDS} come to this"),
    };
    vec![
        format!("{failure} in {}: {} steps, {before} before; {steady}", case.release, scenario.steps.len()),
        format!("mended by {reason}").replace("mended by no later", "no later"),
    ]
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
