//! Every scenario in every era of its verdicts: a test each, picked by name like any other.
//!
//! `truncation/high-watermark::0.10.2.2` runs one era: seed 0, which is calm, makes the story that the snapshot
//! keeps; a few more seeds must come to the same verdict. `truncation/high-watermark::eras` is the table of all of
//! them.
//!
//! - `TRIAL_SEED=7`, `TRIAL_SEEDS=0..100`, or madsim's `MADSIM_TEST_SEED` and `MADSIM_TEST_NUM`: other seeds.
//! - `TRIAL_BLESS=1`: snapshots are written. Read their diff, commit only what can be explained.

mod json_files;

use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trial::scenario::compare::differences;
use trial::scenario::course;
use trial::scenario::decisive;
use trial::scenario::eras;
use trial::scenario::parse;
use trial::scenario::report::{era_table, story};
use trial::scenario::run::{run, seed_of};
use trial::scenario::validate::Ready;
use trial::trace::Zoom;

/// Seeds that are tried if nobody asks for others.
const SEEDS: RangeInclusive<u64> = 0..=3;

fn main() -> std::process::ExitCode {
    trial::tracing_log::set_up_from_environment();
    // Names of files in messages are those of the repository, wherever the test is started.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in its workspace");
    std::env::set_current_dir(root).expect("the repository is there");
    let seeds = seeds().expect("the seeds asked for");
    let files = json_files::below(Path::new("scenarios"));
    assert!(!files.is_empty(), "there are scenarios");
    let mut tests = Vec::new();
    for file in files {
        let name = file.strip_prefix("scenarios").expect("it was found there").with_extension("");
        let name = name.display().to_string();
        match parse::read(&file, None, &[]) {
            Err(problem) => {
                let said = problem.render(false);
                tests.push(Trial::test(name, move || Err(Failed::from(said))));
            }
            Ok(ready) => {
                let ready = Arc::new(ready);
                for index in 0..ready.eras.len() {
                    let (ready, seeds, name) = (ready.clone(), seeds.clone(), name.clone());
                    let test = format!("{name}::{}", ready.eras[index].release);
                    tests.push(Trial::test(test, move || one_era(&ready, index, &name, seeds)));
                }
                tests.push(Trial::test(format!("{name}::eras"), move || table(&ready, &name)));
            }
        }
    }
    tests.push(Trial::test("course", course));
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// The seeds asked for by the environment.
fn seeds() -> Result<RangeInclusive<u64>, String> {
    let number = |name: &str| match std::env::var(name) {
        Ok(text) => text.parse::<u64>().map(Some).map_err(|_| format!("{name}={text} is no number")),
        Err(_) => Ok(None),
    };
    if let Some(seeds) = trial::library::seeds::asked().map_err(|problem| problem.to_string())? {
        return Ok(seeds);
    }
    match (number("MADSIM_TEST_SEED")?, number("MADSIM_TEST_NUM")?) {
        (None, None) => Ok(SEEDS),
        (seed, count) => {
            let first = seed.unwrap_or(0);
            Ok(first..=first + count.unwrap_or(1).saturating_sub(1))
        }
    }
}

fn one_era(ready: &Ready, index: usize, name: &str, seeds: RangeInclusive<u64>) -> Result<(), Failed> {
    let era = &ready.eras[index];
    // What was found may hang on moments: its file names the one seed it is about.
    let own = ready.scenario().seed;
    for seed in own.map_or(seeds, |seed| seed..=seed) {
        let result =
            run(ready, era, seed, seed == own.unwrap_or(0)).map_err(|problem| problem.render(false))?;
        let lines = differences(ready.verdict(era), &result);
        if !lines.is_empty() {
            let file = &ready.parsed.source.name;
            let again = format!("trial run {file} --era {era} --seed {seed}");
            return Err(Failed::from(format!("not as written; again with: {again}\n{}", lines.join("\n"))));
        }
        if seed == own.unwrap_or(0)
            && let Some(snapshot) = story_snapshot(ready, index, name)
        {
            compare(ready, &snapshot, &story(ready, &result, Zoom::Story, false))?;
        }
    }
    Ok(())
}

/// Where the story of an era is kept: `x.snap` for the first that is traced, `x.2.8.2.snap` for others.
fn story_snapshot(ready: &Ready, index: usize, name: &str) -> Option<PathBuf> {
    let release = ready.eras[index].release;
    let traced: Vec<_> = match &ready.scenario().trace {
        Some(names) => names.iter().map(|name| eras::read(name).expect("it was checked").release).collect(),
        None => vec![ready.eras[0].release],
    };
    match traced.iter().position(|traced| *traced == release)? {
        0 => Some(PathBuf::from(format!("snapshots/{name}.snap"))),
        _ => Some(PathBuf::from(format!("snapshots/{name}.{release}.snap"))),
    }
}

/// Neighbouring eras whose verdicts differ though no rule makes the difference: scenario, the later of the two, and why.
const MORE_THAN_RULES: &[(&str, &str, &str)] = &[
    (
        "election/unclean",
        "0.11.0.3",
        "unclean.leader.election.enable is false by default from 0.11 on (KIP-106)",
    ),
    ("rules/stale-epoch-answer", "2.1.0", "weak-isr is in force from 2.1 on (KIP-320)"),
    (
        "truncation/same-leader-again",
        "0.11.0.3",
        "records of 0.10.2 carry no epoch, of which prefix-per-epoch speaks",
    ),
    ("truncation/stale-epoch-fetch", "2.1.0", "Fetch carries the leader epoch from version 9 on (KIP-320)"),
];

fn table(ready: &Ready, name: &str) -> Result<(), Failed> {
    let mut results = Vec::new();
    for era in &ready.eras {
        results.push(run(ready, era, seed_of(ready, None), true).map_err(|problem| problem.render(false))?);
    }
    // The same rules, the same verdict: where verdicts differ, a rule is named, or it is known why there is none.
    for (_, later, deciding) in decisive::differences(ready, &results) {
        let later = results[later].era.release.to_string();
        let is_known = MORE_THAN_RULES.iter().any(|(known, era, _)| *known == name && *era == later);
        if deciding.rules.is_empty() != is_known {
            let said = if is_known {
                "a rule makes the difference after all"
            } else {
                "no rule makes the difference"
            };
            return Err(Failed::from(format!("{later} and the era before it: {said}")));
        }
    }
    compare(ready, &PathBuf::from(format!("snapshots/{name}.eras.snap")), &era_table(ready, &results))
}

/// The page of the course, and the matrix in the front page, are what the files say.
fn course() -> Result<(), Failed> {
    let files = json_files::below(Path::new("scenarios"));
    let all: Result<Vec<Ready>, _> = files.iter().map(|file| parse::read(file, None, &[])).collect();
    let all = all.map_err(|problem| problem.render(false))?;
    made(Path::new("scenarios/README.md"), &course::page(&all, "scenarios"))?;
    let front = Path::new("README.md");
    let old = std::fs::read_to_string(front).map_err(|error| error.to_string())?;
    let (before, rest) = old.split_once("<!-- matrix: begin").ok_or("README.md has no matrix")?;
    let (mark, rest) = rest.split_once('\n').ok_or("the mark ends its line")?;
    let (_, after) = rest.split_once("<!-- matrix: end -->").ok_or("the matrix has no end")?;
    let matrix = course::matrix(&course::demanded(&all, "scenarios"));
    made(
        front,
        &format!("{before}<!-- matrix: begin{mark}\n\n```\n{matrix}```\n\n<!-- matrix: end -->{after}"),
    )
}

/// Holds a made page against what stands there, or writes it.
fn made(path: &Path, new: &str) -> Result<(), Failed> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    if old == new {
        return Ok(());
    }
    if is_blessed() {
        return std::fs::write(path, new).map_err(|error| error.to_string().into());
    }
    let diff = TextDiff::from_lines(old.as_str(), new);
    let diff = diff.unified_diff().context_radius(1).header("there", "now").to_string();
    Err(Failed::from(format!(
        "{} is made from the scenarios; TRIAL_BLESS=1 cargo test -p trial --test scenarios course\n{diff}",
        path.display()
    )))
}

fn is_blessed() -> bool {
    std::env::var_os("TRIAL_BLESS").is_some_and(|wanted| wanted == "1")
}

/// Holds a text against its snapshot, which has the form of insta's, so that its tools can be used.
fn compare(ready: &Ready, path: &Path, text: &str) -> Result<(), Failed> {
    let head =
        format!("---\nsource: sim/tests/scenarios.rs\ninput_file: {}\n---\n", ready.parsed.source.name);
    let new = format!("{head}{text}");
    let old = std::fs::read_to_string(path).ok();
    if old.as_deref() == Some(&new) {
        return Ok(());
    }
    if is_blessed() {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
        }
        std::fs::write(path, new).map_err(|error| error.to_string())?;
        return Ok(());
    }
    let Some(old) = old else {
        return Err(Failed::from(format!(
            "{} is not there; TRIAL_BLESS=1 writes it\n{text}",
            path.display()
        )));
    };
    let mut said = format!("{} differs; TRIAL_BLESS=1 accepts it\n", path.display());
    let diff = TextDiff::from_lines(&old, &new);
    write!(said, "{}", diff.unified_diff().context_radius(3).header("snapshot", "now"))
        .expect("a string takes all");
    Err(Failed::from(said))
}
