//! `trial run`: one file as a story with every verdict checked; many files, a line each.

use super::args::{Format, Run};
use super::out::Out;
use super::{Outcome, jobs, seeds};
use crate::scenario::compare::differences;
use crate::scenario::eras;
use crate::scenario::file::Verdict;
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::report::{self, aligned};
use crate::scenario::run::{Aborted, RunResult, first_era, run as run_trial};
use crate::scenario::validate::Ready;
use kafka::era::Era;
use std::path::{Path, PathBuf};

/// Runs `trial run`.
pub fn run(arguments: &Run, out: &mut Out) -> Result<Outcome, Problem> {
    let asked = arguments.era.as_deref().map(eras::read).transpose()?;
    let all = read_all(&arguments.files, asked.as_ref(), &arguments.rule)?;
    for ready in &all {
        if arguments.format == Format::Text && !ready.unused.is_empty() {
            let names = ready.unused.join(", ");
            out.error(&format!("note: {}: nothing here depends on {names}\n", ready.parsed.source.name));
        }
    }
    if let Some(seeds) = &arguments.seeds {
        return seeds::run(arguments, &all, seeds.clone(), out);
    }
    match &all[..] {
        [one] if arguments.format == Format::Text => story(arguments, one, out),
        many => list(arguments, many, out),
    }
}

/// Reads and checks all files; directories are walked.
pub fn read_all(
    files: &[PathBuf],
    asked: Option<&Era>,
    overrides: &[eras::Override],
) -> Result<Vec<Ready>, Problem> {
    let mut paths = Vec::new();
    for file in files {
        if file.is_dir() {
            let before = paths.len();
            walk(file, &mut paths)?;
            if paths.len() == before {
                return Err(Problem::new(format!("{} is a directory without scenarios", file.display()))
                    .help("expected a scenario file, or a directory with .json files"));
            }
        } else {
            paths.push(file.clone());
        }
    }
    paths.iter().map(|path| parse::read(path, asked, overrides)).collect()
}

/// Every `.json` file below a directory, in order of names.
fn walk(directory: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let cannot =
        |error: std::io::Error| Problem::new(format!("{} cannot be read: {error}", directory.display()));
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(cannot)? {
        entries.push(entry.map_err(cannot)?.path());
    }
    entries.sort();
    for path in entries {
        // A link back up would never end.
        let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if path.is_dir() && !is_link {
            walk(&path, paths)?;
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    Ok(())
}

/// The eras that a call checks: the one asked for; with an overridden rule only the first; else all.
pub fn eras_of<'a>(arguments: &Run, ready: &'a Ready) -> Vec<&'a Era> {
    match &ready.asked {
        Some(era) => vec![era],
        None if !arguments.rule.is_empty() => vec![first_era(ready)],
        None => ready.eras.iter().collect(),
    }
}

/// The verdict that a run is held against; none if the asker has changed a rule.
pub fn demanded<'a>(arguments: &Run, ready: &'a Ready, era: &Era) -> Option<&'a Verdict> {
    if arguments.rule.is_empty() { ready.verdict(era) } else { None }
}

/// What a run came to, for the exit code.
pub fn outcome(demanded: Option<&Verdict>, result: &RunResult) -> Outcome {
    let differs = match demanded {
        Some(_) => !differences(demanded, result).is_empty(),
        None => report::is_broken(result),
    };
    if differs { Outcome::Differs } else { Outcome::AsExpected }
}

/// What identifies a run: its first and last line.
pub fn identity(ready: &Ready, era: &Era, seed: u64) -> String {
    let source = &ready.parsed.source;
    let version = env!("CARGO_PKG_VERSION");
    format!("trial {version}  {} {:016x}  era {era}  seed {seed}", source.name, source.hash())
}

/// One file: the story of one era, and a line for each verdict.
fn story(arguments: &Run, ready: &Ready, out: &mut Out) -> Result<Outcome, Problem> {
    let (era, seed) = (first_era(ready), arguments.seed);
    let result = match run_trial(ready, era, seed, true) {
        Ok(result) => result,
        Err(aborted) => return Err(broken_off(arguments, ready, *aborted, out)),
    };
    let wanted = demanded(arguments, ready, era);
    let mut outcome = self::outcome(wanted, &result);
    out.line(&identity(ready, era, seed));
    out.text(&report::story(ready, &result, arguments.zoom, out.color()));
    let mut rows = vec![verdict_row(wanted, &result)];
    // What was not reached has been said, as the verdict of the story.
    let lines = if result.unmet.is_some() { Vec::new() } else { said(wanted, &result) };
    let mut differing = vec![(era.clone(), lines)];
    for era in eras_of(arguments, ready).into_iter().filter(|other| other.release != era.release) {
        let result = match run_trial(ready, era, seed, !ready.scenario().sees.is_empty()) {
            Ok(result) => result,
            Err(_) => {
                out.line("");
                out.text(&aligned(&rows));
                let Err(aborted) = run_trial(ready, era, seed, true) else {
                    unreachable!("a run is the same whether it is recorded or not")
                };
                out.line("");
                return Err(broken_off(arguments, ready, *aborted, out));
            }
        };
        let wanted = demanded(arguments, ready, era);
        outcome = outcome.max(self::outcome(wanted, &result));
        rows.push(verdict_row(wanted, &result));
        differing.push((era.clone(), said(wanted, &result)));
    }
    out.line("");
    out.text(&aligned(&rows));
    for (era, lines) in differing.iter().filter(|(_, lines)| !lines.is_empty()) {
        out.line(&format!("\nera {era}, seed {seed}, is not as written:"));
        lines.iter().for_each(|line| out.line(&format!("  {line}")));
    }
    out.line(&format!(
        "\ntrial {}  {:016x}  era {era}  seed {seed}  hash {:016x}  {} events  {} ms of virtual time",
        env!("CARGO_PKG_VERSION"),
        ready.parsed.source.hash(),
        result.hash,
        result.events,
        result.virtual_millis(),
    ));
    Ok(outcome)
}

/// A run that was broken off: its story up to there, and what was wrong.
fn broken_off(arguments: &Run, ready: &Ready, aborted: Aborted, out: &mut Out) -> Problem {
    out.line(&identity(ready, &aborted.era, aborted.seed));
    out.text(&report::story_so_far(ready, &aborted, arguments.zoom, out.color()));
    Problem::from(Box::new(aborted))
}

/// What differs from a verdict, or stood in the way of one.
pub fn said(demanded: Option<&Verdict>, result: &RunResult) -> Vec<String> {
    if demanded.is_some() || result.unmet.is_some() { differences(demanded, result) } else { Vec::new() }
}

fn verdict_row(demanded: Option<&Verdict>, result: &RunResult) -> Vec<String> {
    let as_written = match (demanded, outcome(demanded, result)) {
        (Some(_), Outcome::AsExpected) => "as written",
        (Some(_), Outcome::Differs) => "NOT AS WRITTEN",
        (None, _) => "no verdict to compare with",
    };
    vec![result.era.to_string(), report::in_full(result), as_written.to_owned()]
}

/// Many files, or objects for programs: every verdict, a line each.
fn list(arguments: &Run, all: &[Ready], out: &mut Out) -> Result<Outcome, Problem> {
    let jobs: Vec<(&Ready, &Era)> = all
        .iter()
        .flat_map(|ready| eras_of(arguments, ready).into_iter().map(move |era| (ready, era)))
        .collect();
    let seed = arguments.seed;
    let mut outcome = Outcome::AsExpected;
    let mut failed = None;
    let (mut runs, mut differing) = (0u64, 0u64);
    jobs::in_order(
        jobs.len(),
        |index| {
            let (ready, era) = jobs[index];
            let record = !ready.scenario().sees.is_empty();
            let result = run_trial(ready, era, seed, record)?;
            let wanted = demanded(arguments, ready, era);
            let line = match arguments.format {
                Format::Json => report::json(ready, &result, wanted).to_string(),
                Format::Text => {
                    let row = verdict_row(wanted, &result);
                    let mut text = format!(
                        "{}  hash {:016x}  {}",
                        identity(ready, era, seed),
                        result.hash,
                        row[1..].join("  ")
                    );
                    for line in said(wanted, &result) {
                        text += &format!("\n  {line}");
                    }
                    text
                }
            };
            Ok((self::outcome(wanted, &result), line))
        },
        |result: Result<(Outcome, String), Problem>| match result {
            Ok((is, line)) => {
                runs += 1;
                differing += u64::from(is == Outcome::Differs);
                outcome = outcome.max(is);
                out.line(&line);
                true
            }
            Err(problem) => {
                failed = Some(problem);
                false
            }
        },
    );
    if let Some(problem) = failed {
        return Err(problem);
    }
    if arguments.format == Format::Text {
        out.line(&format!("{} scenarios, {runs} runs, {differing} not as expected", all.len()));
    }
    Ok(outcome)
}
