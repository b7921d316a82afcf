//! Trial from somebody's tests: what a check says, writes and refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use trial::library::{ExploreCheck, Failed};
use trial::scenario::parse;
use trial::scenario::run::{first_era, run, seed_of};

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name)
}

/// A release in which some trials fail, and shrinking that is soon over.
fn old() -> ExploreCheck {
    trial::explore("elections").era("0.10.2").property("candidate-completeness").shrink(30)
}

#[test]
fn a_failing_check_says_all_there_is_to_know() {
    let found = tempfile::tempdir().expect("a directory");
    let failed = old().found(found.path()).try_check().expect_err("a hundred trials find it");
    let message = failed.to_string();
    let Failed::Run(finding) = failed else { panic!("{message}") };
    assert!(finding.line.starts_with("trial replay era=0.10.2.2 profile=elections seed="), "{message}");
    let seed = format!("TRIAL_SEED={}", finding.seed);
    for part in [&finding.line, "the last moments, shrunk:", &seed, "written to", "VIOLATED"] {
        assert!(message.contains(part), "{part} is missing in:\n{message}");
    }
    assert!(message.lines().count() < 70, "short enough to be read:\n{message}");
    assert_eq!(finding.files.len(), 2, "as it was found, and shrunk: {:?}", finding.files);
    let ready = parse::read(&finding.files[0], None, &[]).expect("a scenario");
    let again = run(&ready, first_era(&ready), seed_of(&ready, None), false).expect("it runs");
    assert_eq!(again.hash, finding.hash, "the file is the trial");
    let shrunk = finding.shrunk.expect("it was shrunk");
    assert!(shrunk.scenario.steps.len() < finding.scenario.steps.len());
    parse::read(&finding.files[1], None, &[]).expect("a scenario, too");
}

#[test]
fn run_counts_what_fails_and_writes_nothing() {
    let report = old().trials(40).run().expect("all of it is known");
    assert_eq!(report.summary.trials, 40);
    assert!(!report.failing.is_empty() && report.failing.len() as u64 == report.summary.failing);
    let first = report.failing[0].seed;
    let from_there = old().from_seed(first).trials(1).run().expect("all of it is known");
    assert_eq!(from_there.failing[0].hash, report.failing[0].hash);
    // The same trials as those of the command.
    let from_one = old().from_seed(1).trials(40).run().expect("all of it is known");
    assert_eq!(from_one.summary.hash, report.summary.hash);
}

#[test]
fn a_scenario_is_held_to_its_verdicts_or_to_what_the_caller_demands() {
    let file = scenario("truncation/high-watermark.json");
    let found = tempfile::tempdir().expect("a directory");
    trial::scenario(&file).seeds(0..2).check();
    trial::scenario(&file).era("2.8").check();
    let broken = trial::scenario(&file).era("0.10.2").seeds(3..9).holds().shrink(10).found(found.path());
    let failed = broken.try_check().expect_err("KIP-101 is missing");
    let message = failed.to_string();
    assert!(message.contains("--era 0.10.2.2 --seed 3") && message.contains("acked-durable"), "{message}");
    trial::scenario(&file).era("0.10.2").holds().rule("truncation", "to-epoch-end").check();
}

#[test]
fn bad_input_is_one_error_that_names_the_place() {
    let check = |asked: ExploreCheck, expected: &str| {
        let failed = asked.trials(1).try_check().expect_err("it cannot be asked");
        assert!(matches!(failed, Failed::BadInput(_)));
        let said = failed.to_string();
        assert!(said.contains(expected) && said.contains("tests/library.rs:"), "{said}");
    };
    check(trial::explore("everythin"), "did you mean `everything`?");
    check(trial::explore("network").era("7.7"), "7.7");
    check(trial::explore("network").rule("truncatoin", "on-fetch"), "there is no rule `truncatoin`");
    check(trial::explore("network").property("acked-durably"), "did you mean `acked-durable`?");
    let twice = trial::explore("network").rule("truncation", "on-fetch").rule("truncation", "to-epoch-end");
    check(twice, "rule `truncation` is decided twice: `on-fetch` and `to-epoch-end`");
    let none = trial::explore("network").trials(0).try_check().expect_err("nothing would be checked");
    assert!(none.to_string().contains("no 0 trials"), "{none}");
    for (asked, expected) in [
        (trial::scenario("no/such.json"), "no/such.json"),
        (trial::scenario(scenario("truncation/high-watermark.json")).era("9.9"), "9.9"),
        (trial::scenario(scenario("truncation/high-watermark.json")).set("acsk", "1"), "acsk"),
    ] {
        let said = asked.try_check().expect_err("it cannot be asked").to_string();
        assert!(said.contains(expected) && said.contains("tests/library.rs:"), "{said}");
    }
}

/// Run by another test, in a process of its own, with the environment set.
#[test]
#[ignore = "is run by another test"]
fn in_an_environment() {
    let report = old().trials(7).run();
    match report {
        Ok(report) => println!("trials: {}", report.summary.trials),
        Err(problem) => println!("refused: {problem}"),
    }
}

#[test]
fn the_environment_says_which_seeds() {
    let said = |variable: &str, value: &str| {
        let itself = std::env::current_exe().expect("this test");
        let mut child = Command::new(itself);
        child.args(["--exact", "in_an_environment", "--ignored", "--nocapture"]);
        let output = child.env_remove("TRIAL_SEED").env_remove("TRIAL_SEEDS").env(variable, value).output();
        String::from_utf8(output.expect("it runs").stdout).expect("text")
    };
    assert!(said("NOTHING", "").contains("trials: 7"));
    assert!(said("TRIAL_SEED", "3").contains("trials: 1"));
    assert!(said("TRIAL_SEED", "18446744073709551615").contains("trials: 1"));
    assert!(said("TRIAL_SEEDS", "3..5").contains("trials: 2"));
    assert!(said("TRIAL_SEED", "three").contains("refused: TRIAL_SEED=three is no seed"));
    assert!(said("TRIAL_SEEDS", "5..3").contains("refused: TRIAL_SEEDS=5..3 is no range"));
}
