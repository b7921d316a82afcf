//! `trial run`: one file as a story with every verdict checked; many files, a line each.

use super::args::{Format, Run};
use super::out::Out;
use super::{Outcome, jobs, seeds};
use crate::scenario::compare::{differences, fits};
use crate::scenario::eras;
use crate::scenario::file::Verdict;
use crate::scenario::given::Given;
use crate::scenario::parse;
use crate::scenario::problem::Problem;
use crate::scenario::report;
use crate::scenario::run::{Aborted, RunResult, first_era, run as run_trial, seed_of};
use crate::scenario::validate::Ready;
use crate::trace::layout::{PAGE, table, wrapped};
use kafka::era::Era;
use std::path::{Path, PathBuf};

/// Runs `trial run`.
pub fn run(arguments: &Run, out: &mut Out) -> Result<Outcome, Problem> {
    let asked = arguments.era.as_deref().map(eras::read).transpose()?;
    let all = read_all(&arguments.files, asked.as_ref(), &arguments.rule, &arguments.set)?;
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
    set: &[Given],
) -> Result<Vec<Ready>, Problem> {
    let paths = files_of(files, "scenario")?;
    paths.iter().map(|path| parse::read_with(path, asked, overrides, set)).collect()
}

/// Files given, and those in directories given; `kind` is what they should hold.
pub fn files_of(given: &[PathBuf], kind: &str) -> Result<Vec<PathBuf>, Problem> {
    let mut paths = Vec::new();
    for file in given {
        if file.is_dir() {
            let before = paths.len();
            walk(file, &mut paths)?;
            if paths.len() == before {
                return Err(Problem::new(format!("{} is a directory without {kind}s", file.display()))
                    .help(format!("expected a {kind} file, or a directory with .json files")));
            }
        } else {
            paths.push(file.clone());
        }
    }
    Ok(paths)
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

/// The verdict that a run is held against; none if the asker has changed a rule or a setting.
pub fn demanded<'a>(arguments: &Run, ready: &'a Ready, era: &Era) -> Option<&'a Verdict> {
    if arguments.rule.is_empty() && arguments.set.is_empty() { ready.verdict(era) } else { None }
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
    let (era, seed) = (first_era(ready), seed_of(ready, arguments.seed));
    let result = match run_trial(ready, era, seed, true) {
        Ok(result) => result,
        Err(aborted) => return Err(broken_off(arguments, ready, *aborted, out)),
    };
    let wanted = demanded(arguments, ready, era);
    let mut outcome = self::outcome(wanted, &result);
    out.line(&identity(ready, era, seed));
    out.text(&report::story(ready, &result, arguments.zoom, out.color()));
    let mut rows = vec![verdict_row(ready, wanted, &result)];
    // What was not reached has been said, as the verdict of the story.
    let lines = if result.unmet.is_some() { Vec::new() } else { said(wanted, &result) };
    let mut differing = vec![(era.clone(), lines)];
    for era in eras_of(arguments, ready).into_iter().filter(|other| other.release != era.release) {
        let result = match run_trial(ready, era, seed, !ready.scenario().sees.is_empty()) {
            Ok(result) => result,
            Err(_) => {
                out.line("");
                out.text(&table(&rows, &[1]));
                let Err(aborted) = run_trial(ready, era, seed, true) else {
                    unreachable!("a run is the same whether it is recorded or not")
                };
                out.line("");
                return Err(broken_off(arguments, ready, *aborted, out));
            }
        };
        let wanted = demanded(arguments, ready, era);
        outcome = outcome.max(self::outcome(wanted, &result));
        rows.push(verdict_row(ready, wanted, &result));
        differing.push((era.clone(), said(wanted, &result)));
    }
    out.line("");
    out.text(&table(&rows, &[1, 2]));
    for (other, lines) in differing.iter().filter(|(_, lines)| !lines.is_empty()) {
        out.line(&format!("\nera {other}, seed {seed}, is not as written:"));
        lines.iter().for_each(|line| out.line(&format!("  {line}")));
        if other.release != era.release {
            out.line(&format!("  see `{}`", again(arguments, ready, other, seed)));
        }
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

/// The call that tells one run.
pub fn again(arguments: &Run, ready: &Ready, era: &Era, seed: u64) -> String {
    let mut call = format!("trial run {} --era {era}", ready.parsed.source.name);
    if seed != seed_of(ready, None) {
        call += &format!(" --seed {seed}");
    }
    for (flag, given) in [("--rule", &arguments.rule), ("--set", &arguments.set)] {
        given.iter().for_each(|(name, value)| call += &format!(" {flag} {name}={value}"));
    }
    call
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

/// What is said of a verdict that came out as the file says.
const AS_WRITTEN: &str = "as written";

fn verdict_row(ready: &Ready, demanded: Option<&Verdict>, result: &RunResult) -> Vec<String> {
    let as_written = match (demanded, outcome(demanded, result), ready.verdict(&result.era)) {
        (Some(_), Outcome::AsExpected, _) => AS_WRITTEN.to_owned(),
        (Some(_), _, _) => "NOT AS WRITTEN".to_owned(),
        (None, _, None) => "no verdict to compare with".to_owned(),
        (None, _, Some(written)) if result.unmet.is_none() && fits(written, &result.verdict) => {
            "the same is written".to_owned()
        }
        (None, _, Some(written)) => format!("written: {written}"),
    };
    vec![result.era.to_string(), report::in_full(result), as_written]
}

/// Many files, or objects for programs: every verdict.
fn list(arguments: &Run, all: &[Ready], out: &mut Out) -> Result<Outcome, Problem> {
    let jobs: Vec<(&Ready, &Era)> = all
        .iter()
        .flat_map(|ready| eras_of(arguments, ready).into_iter().map(move |era| (ready, era)))
        .collect();
    let mut listing = Listing::default();
    let mut failed = None;
    let mut broken_off = 0;
    jobs::in_order(
        jobs.len(),
        |index| {
            let (ready, era) = jobs[index];
            let record = !ready.scenario().sees.is_empty();
            let result = match run_trial(ready, era, seed_of(ready, arguments.seed), record) {
                Ok(result) => result,
                Err(aborted) => return Err((aborted.to_string(), Problem::from(aborted))),
            };
            let wanted = demanded(arguments, ready, era);
            Ok(match arguments.format {
                Format::Json => Told {
                    outcome: self::outcome(wanted, &result),
                    row: Vec::new(),
                    text: report::json(ready, &result, wanted).to_string(),
                },
                Format::Text => Told {
                    outcome: self::outcome(wanted, &result),
                    row: verdict_row(ready, wanted, &result),
                    text: said(wanted, &result).iter().map(|line| format!("    {line}\n")).collect(),
                },
            })
        },
        |told: Result<Told, (String, Problem)>| {
            let (ready, era) = jobs[listing.runs];
            let is_last = jobs.get(listing.runs + 1).is_none_or(|(next, _)| !std::ptr::eq(*next, ready));
            let told = told.unwrap_or_else(|(said, problem)| {
                broken_off += 1;
                failed.get_or_insert(problem);
                Told::broken_off(arguments, ready, era, &said)
            });
            listing.take(arguments, ready, era, told, is_last, out);
            true
        },
    );
    if arguments.format == Format::Text {
        let Listing { runs, differing, .. } = listing;
        let mut end = match differing - broken_off {
            0 if broken_off == 0 => vec!["all as expected".to_owned()],
            0 => Vec::new(),
            many => vec![format!("{many} NOT AS EXPECTED")],
        };
        if broken_off > 0 {
            end.push(format!("{broken_off} BROKEN OFF, since they ask for what cannot be"));
        }
        out.line(&format!("\n{} scenarios, {runs} runs, {}", all.len(), end.join(", ")));
    }
    if let Some(problem) = failed {
        return Err(problem);
    }
    Ok(listing.outcome.unwrap_or(Outcome::AsExpected))
}

/// What is told of one run of many.
struct Told {
    outcome: Outcome,
    row: Vec<String>,
    text: String,
}

impl Told {
    /// A run that was broken off, by what was wrong.
    fn broken_off(arguments: &Run, ready: &Ready, era: &Era, said: &str) -> Told {
        let text = match arguments.format {
            Format::Json => serde_json::json!({
                "version": env!("CARGO_PKG_VERSION"),
                "scenario": ready.parsed.source.name,
                "era": era.to_string(),
                "seed": seed_of(ready, arguments.seed),
                "broken_off": said,
            })
            .to_string(),
            Format::Text => format!("    {said}\n"),
        };
        let row = vec![era.to_string(), "broken off".to_owned(), String::new()];
        Told { outcome: Outcome::Differs, row, text }
    }
}

/// Many runs, told scenario by scenario: eras that came to the same stand together.
#[derive(Default)]
struct Listing {
    runs: usize,
    differing: usize,
    outcome: Option<Outcome>,
    eras: Vec<(String, String, String)>,
    details: String,
}

impl Listing {
    fn take(&mut self, arguments: &Run, ready: &Ready, era: &Era, told: Told, is_last: bool, out: &mut Out) {
        self.runs += 1;
        self.outcome = self.outcome.max(Some(told.outcome));
        let differs = told.outcome == Outcome::Differs;
        self.differing += usize::from(differs);
        if arguments.format == Format::Json {
            out.line(&told.text);
            return;
        }
        let [era_name, verdict, as_written] =
            <[String; 3]>::try_from(told.row).expect("a row has three cells");
        let as_written = if as_written == AS_WRITTEN { String::new() } else { as_written };
        self.eras.push((era_name, verdict, as_written));
        if differs {
            self.details +=
                &format!("  {}\n{}", identity(ready, era, seed_of(ready, arguments.seed)), told.text);
        }
        if is_last {
            let title = format!("{}: {}", ready.parsed.source.name, ready.scenario().title);
            wrapped(&title, PAGE).iter().for_each(|line| out.line(line));
            out.text(&table(&report::by_verdict(&self.eras), &[0, 1]));
            out.text(&std::mem::take(&mut self.details));
            self.eras.clear();
        }
    }
}
