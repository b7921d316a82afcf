//! The museum: every flaw of the list is one that its scenario shows and its rule mends, no scenario of a flaw is forgotten;
//! the book goes on where it ended; and what is no book gets one clear error.

use kafka::era::{Era, Release};
use std::path::Path;
use std::process::{Command, Output};
use trial::museum::book::{Book, Mutation};
use trial::museum::fingerprint::fingerprint;
use trial::museum::flaws::{FLAWS, Mender, rule_value, rungs};
use trial::museum::planted::{found_by, mutations};
use trial::museum::table::Museum;
use trial::scenario::decisive::differences;
use trial::scenario::parse;
use trial::scenario::run::run;
use trial::scenario::validate::Ready;

fn scenarios() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// The scenarios of a directory, by their paths below it without `.json`.
fn all(directory: &Path, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).expect("it is there") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.strip_suffix(".json") {
            Some(name) => names.push(format!("{prefix}{name}")),
            None if entry.path().is_dir() => names.extend(all(&entry.path(), &format!("{prefix}{name}/"))),
            None => {}
        }
    }
    names.sort();
    names
}

fn ready(scenario: &str) -> Ready {
    let path = scenarios().join(format!("{scenario}.json"));
    parse::read(&path, None, &[]).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn every_flaw_is_what_its_scenario_shows() {
    for flaw in FLAWS {
        let (with, without) = flaw.releases();
        let ready = ready(flaw.scenario);
        let breaks = |release| {
            let era = Era::of(release);
            let result = run(&ready, &era, ready.scenario().seed.unwrap_or(0), false);
            result.is_ok_and(|result| !result.verdict.violates.is_empty())
        };
        assert!(breaks(with), "{} holds in {with}", flaw.scenario);
        assert!(without.is_none_or(|without| !breaks(without)), "{} breaks in {without:?}", flaw.scenario);
        let Mender::Rule(rule, value) = flaw.mended_by else { continue };
        assert!(!rule_value(rule, value).ranges.is_empty(), "{rule}={value} was never released");
    }
}

#[test]
fn no_scenario_of_a_flaw_is_forgotten() {
    // A rule that makes the difference between an era that breaks a property and a later one that does not mends a flaw.
    let mut missing = Vec::new();
    for scenario in all(&scenarios(), "") {
        let ready = ready(&scenario);
        if !ready.scenario().rules.0.is_empty() {
            continue;
        }
        let seed = ready.scenario().seed.unwrap_or(0);
        let results = ready.eras.iter().map(|era| run(&ready, era, seed, false).expect("it runs"));
        let results: Vec<_> = results.collect();
        for (earlier, later, deciding) in differences(&ready, &results) {
            let (earlier, later) = (&results[earlier], &results[later]);
            if earlier.verdict.violates.is_empty() || !later.verdict.violates.is_empty() {
                continue;
            }
            let values = later.era.rules.values();
            let is_listed = |rule: &&str| {
                values.iter().any(|(name, value)| {
                    name == rule && FLAWS.iter().any(|flaw| flaw.mended_by == Mender::Rule(name, value))
                })
            };
            if !deciding.rules.is_empty() && !deciding.rules.iter().any(is_listed) {
                missing.push(format!("{scenario}: {} by {:?}", later.era, deciding.rules));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_planted_mistake_is_found_by_a_trial_that_is_well_without_it() {
    let newest = *rungs().last().expect("there are releases");
    assert!(mutations().len() > 10);
    let catches = (0..150).filter_map(|trial| found_by(newest, "acked-at-once", trial));
    let (line, fails_by) =
        catches.into_iter().next().expect("records that are acknowledged too early are lost");
    assert!(line.to_string().contains("rule=planted=acked-at-once") && !fails_by.is_empty());
    // Where nothing is left out nothing is found.
    assert!((0..40).all(|trial| found_by(newest, "none", trial).is_none()));
}

#[test]
fn the_front_page_shows_the_book() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let book = Book::read(&root.join("museum.json")).unwrap_or_else(|problem| panic!("{problem}"));
    let is_stale =
        |release: &Release| book.rung(*release).is_some_and(|rung| rung.fingerprint != fingerprint(*release));
    let table = Museum { book: &book, stale: rungs().into_iter().filter(is_stale).collect() }.markdown();
    let page = std::fs::read_to_string(root.join("README.md")).expect("it is there");
    let (before, rest) = page.split_once("<!-- museum: begin").expect("it has a place for it");
    let (mark, rest) = rest.split_once("-->").expect("a comment ends");
    let (_, after) = rest.split_once("<!-- museum: end -->").expect("it ends");
    let made = format!("{before}<!-- museum: begin{mark}-->\n\n{table}\n<!-- museum: end -->{after}");
    if std::env::var_os("TRIAL_BLESS").is_some() {
        std::fs::write(root.join("README.md"), &made).expect("it can be written");
    } else {
        assert!(
            page == made,
            "README.md is not as museum.json has it: TRIAL_BLESS=1 cargo test -p trial --test museum"
        );
    }
}

fn museum(arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
    command.args(["museum", "--file"]).arg(file).args(arguments).env("NO_COLOR", "1");
    command.output().expect("it runs")
}

/// The book without the time that trials took.
fn timeless(file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("it was written");
    let mut book = Book::parse(&text).unwrap_or_else(|what| panic!("{what}\n{text}"));
    book.rungs.iter_mut().for_each(|rung| rung.micros = Default::default());
    book.text()
}

#[test]
fn a_run_that_goes_on_comes_to_what_one_run_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let (once, twice) = (directory.path().join("once.json"), directory.path().join("twice.json"));
    let run = |trials: &str, jobs: &str, file: &Path| {
        let output = museum(&["--trials", trials, "--era", "2.8.0", "--jobs", jobs], file);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    run("150", "2", &once);
    run("70", "3", &twice);
    let text = run("80", "1", &twice);
    assert_eq!(timeless(&once), timeless(&twice));
    for part in
        ["KAFKA-13141", "diverging-fetch", "150 trials on one rung: 0 unattributed", "is not explored yet"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The table alone changes nothing.
    let before = std::fs::read_to_string(&once).expect("it is there");
    let output = museum(&["--format", "markdown"], &once);
    assert!(output.status.success() && output.stdout.starts_with(b"| flaw |"));
    assert_eq!(std::fs::read_to_string(&once).expect("it is there"), before);
    // Another machine makes it stale, and a run counts anew.
    let book = Book::parse(&before).expect("it is a book");
    let stale = before.replace(&book.rungs[0].fingerprint, "0123456789abcdef");
    std::fs::write(&once, stale).expect("it can be written");
    let output = museum(&[], &once);
    assert!(String::from_utf8_lossy(&output.stdout).contains("* stale"));
    // Not by fewer trials, unless that is said.
    let before = std::fs::read_to_string(&once).expect("it is there");
    let output = museum(&["--trials", "10", "--era", "2.8.0"], &once);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in ["the 150 trials of 2.8.0 are stale, and 10 would", "`--trials 150`", "`--anew`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(std::fs::read_to_string(&once).expect("it is there"), before);
    let output = museum(&["--trials", "10", "--era", "2.8.0", "--anew"], &once);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("counted anew") && text.contains("10 trials on one rung: 0 unattributed"),
        "{text}"
    );
    // A mutation that nothing finds is no news to whoever does not ask for mutations.
    let mut book = Book::parse(&timeless(&once)).expect("it is a book");
    book.planted.push(Mutation {
        mutation: "found-by-nothing".to_owned(),
        era: "3.9.2".to_owned(),
        fingerprint: "0123456789abcdef".to_owned(),
        trials: 100,
        found: None,
    });
    std::fs::write(&once, book.text()).expect("it can be written");
    assert_eq!(museum(&[], &once).status.code(), Some(0));
    let output = museum(&["--planted", "--trials", "1"], &once);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the 100 trials of found-by-nothing are stale"), "{said}");
}

#[test]
fn what_is_no_book_gets_one_error_and_is_left_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("museum.json");
    let refused = |arguments: &[&str], file: &Path, said: &str| {
        let output = museum(arguments, file);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said) && !error.contains("panicked"), "{error}");
    };
    refused(&[], &file, "cannot be read");
    for (text, said) in
        [("", "is no book"), ("{\"grammar\": 7}", "its grammar is 7"), ("{\"grammar\": 1, ", "is no book")]
    {
        std::fs::write(&file, text).expect("it can be written");
        refused(&[], &file, said);
        refused(&["--trials", "10"], &file, said);
        assert_eq!(std::fs::read_to_string(&file).expect("it is there"), text);
    }
    refused(&["--trials", "10"], &directory.path().join("nowhere/museum.json"), "cannot be written");
    refused(&["--trials", "10", "--era", "2.8.9"], &file, "2.8.9");
    refused(&["--planted"], &file, "--trials N");
}
