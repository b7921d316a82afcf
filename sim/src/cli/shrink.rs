//! `trial shrink`: the smallest scenario that fails in the same way, for the same reason.

use super::args::{Failing, Shrink};
use super::jobs::{Meter, Processors};
use super::out::Out;
use super::replay::from_line;
use super::{Outcome, interrupt};
use crate::explore::found::write_whole;
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
use std::sync::atomic::Ordering;

/// Runs `trial shrink`.
pub fn shrink(arguments: &Shrink, out: &mut Out) -> Result<Outcome, Problem> {
    let (case, failure, steps) = subject(&arguments.failing)?;
    let place = arguments.output.as_deref().map(probe).transpose()?;
    let mut meter = Meter::new(arguments.budget);
    let stop = interrupt::flag()?;
    let mut go_on =
        |progress: &crate::shrink::Progress| meter.tell(progress) && !stop.load(Ordering::Relaxed);
    let order = Order { case, failure, most_tries: arguments.tries, go_on: &mut go_on };
    let found = search(order, &Processors);
    meter.finish();
    let shrunk = found.map_err(|problem| problem.help(arguments.failing.place()))?;
    let text = write(&shrunk.scenario);
    let mut lines = shrunk.in_words(steps);
    let spent = match shrunk.cut_short {
        true if stop.load(Ordering::Relaxed) => "; stopped by Ctrl-C: it may go on",
        true if meter.is_over() => "; the budget is spent: it may go on",
        true => "; no tries are left: it may go on",
        false => "",
    };
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
            write_whole(place, &text)?;
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
    let mut failure = property.as_deref().map(Failure::named).transpose()?;
    let ready = if line::is_line(what) {
        if era.is_some() || seed.is_some() || !rule.is_empty() {
            return Err(Problem::new("a replay line says its era, seed and rules itself")
                .help("write them into the line: era=2.8.0 seed=7 rule=NAME=VALUE"));
        }
        let asked = line::read(what)?;
        if let (None, [name, ..]) = (&failure, &asked.question.properties[..]) {
            failure = Some(Failure::named(name)?);
        }
        from_line(&asked)?.0
    } else {
        let asked = era.as_deref().map(eras::read).transpose()?;
        parse::read(Path::new(&what[0]), asked.as_ref(), rule)?
    };
    let mut case = Case::of(ready.scenario(), first_era(&ready), seed_of(&ready, *seed));
    case.rules = rule.clone();
    Ok((case, failure, ready.scenario().steps.len()))
}

/// Makes the file that will be written, and takes it away again: one that cannot be is known before the work.
fn probe(path: &Path) -> Result<&Path, Problem> {
    if path.exists() {
        return Err(Problem::new(format!("{} is there already", path.display()))
            .help("nothing is overwritten; choose another name"));
    }
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|_| std::fs::remove_file(path)).map(|()| path).map_err(|error| {
        Problem::new(format!("{} cannot be written: {error}", path.display()))
            .help("the directory must be there, and may be written to")
    })
}
