//! Shrinking: noise goes, the failure and its reason stay; the same input gives the same output, however many candidates
//! are run side by side; what comes out is a scenario like any other.

mod noise;

use noise::noisy;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use trial::museum::flaws::key_of;
use trial::scenario::compare::differences;
use trial::scenario::parse::{self, parse};
use trial::scenario::run::{Going, Keep, go, run};
use trial::scenario::source::Source;
use trial::scenario::validate::{Ready, validate};
use trial::scenario::write::write;
use trial::shrink::{Alone, Order, Shrunk, diagnose, shrink};
use trial::why::case::Case;
use trial::why::cure::{Cause, Cure};
use trial::why::failure::Failure;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name)
}

fn ready(name: &str, release: &str) -> Ready {
    let era = kafka::era::Era::parse(release).expect("a release");
    parse::read(&file(name), Some(&era), &[]).expect("the scenario can be")
}

fn case(name: &str, release: &str) -> Case {
    let ready = ready(name, release);
    Case::of(ready.scenario(), ready.asked.as_ref().expect("it is asked for"), 0)
}

fn order(case: &Case) -> Shrunk {
    let mut go_on = |_: &_| true;
    let order = Order { case: case.clone(), failure: None, most_tries: u64::MAX, go_on: &mut go_on };
    shrink(order, &Alone).expect("it fails")
}

/// Each flaw, the release that has it, and the rule and its value that mend it, or the name under which it is known.
const FLAWS: &[(&str, &str, &str)] = &[
    ("truncation/high-watermark.json", "0.10.2", "truncation=to-epoch-end"),
    ("truncation/two-quick-elections.json", "1.1", "truncation=to-common-epoch"),
    ("truncation/stale-epoch-fetch.json", "2.0.1", "fencing=leader-epoch"),
    ("isr/admitted-below-epoch-start.json", "2.0.0", "isr-admission=at-epoch-start"),
    ("isr/fall-unnoticed.json", "3.9", "reelected-leader"),
    ("truncation/diverging-fetch.json", "2.8.0", "diverging-fetch=ignored"),
    ("election/last-replica-standing.json", "2.8", "page-cache"),
];

#[test]
fn a_failure_is_attributed_to_the_rule_that_mends_it() {
    for (name, release, mender) in FLAWS {
        let (_, reason, _) = diagnose(&case(name, release), None).expect("it fails");
        let causes = reason.cure().map(Cure::causes).unwrap_or_default();
        assert_eq!(causes.iter().map(key_of).collect::<Vec<_>>(), [*mender], "{name}: {reason}");
    }
    // A default that changed is no rule.
    let unclean = case("election/unclean.json", "0.10.2");
    let (failure, reason, _) = diagnose(&unclean, None).expect("it fails");
    assert_eq!(failure.name(), "unclean-election");
    let causes = reason.cure().map(Cure::causes).unwrap_or_default();
    assert!(
        matches!(&causes[..], [Cause::Release(release)] if release.to_string() == "0.11.0.0"),
        "{reason}"
    );
}

#[test]
fn a_fork_goes_on_to_the_same_hash() {
    for (name, release, _) in FLAWS {
        let ready = ready(name, release);
        let era = ready.asked.as_ref().expect("it is asked for");
        for seed in [0, 7] {
            let kept =
                go(&ready, era, seed, Going { keep: Keep::Steps, forgiving: true, ..Going::default() });
            assert_eq!(kept.forks.len(), ready.scenario().steps.len() + 1, "{name}");
            let moments =
                go(&ready, era, seed, Going { keep: Keep::Events(17), forgiving: true, ..Going::default() });
            assert!(moments.forks.len() > 5);
            for fork in kept.forks.iter().chain(&moments.forks).step_by(3) {
                assert!(fork.fits(&ready, &ready));
                let again =
                    go(&ready, era, seed, Going { from: Some(fork), forgiving: true, ..Going::default() });
                let own = (again.result.hash, again.result.events, &again.result.verdict);
                assert_eq!(
                    own,
                    (kept.result.hash, kept.result.events, &kept.result.verdict),
                    "{name}, step {}",
                    fork.step
                );
            }
        }
    }
}

/// The hand-written scenarios' numbers of steps, and how the noisy ones shrink.
fn shrinks(name: &str, release: &str) {
    let quiet = case(name, release);
    let failure = Failure::all(&quiet.first(false).expect("it runs").result)[0].clone();
    let loud = noisy(&quiet, &failure);
    assert!(loud.plan.steps.len() > quiet.plan.steps.len() + 8, "{name}: there is noise");
    let shrunk = order(&loud);
    let text = write(&shrunk.scenario);
    let by_hand = ready(name, release).scenario().steps.len();
    assert!(2 * shrunk.scenario.steps.len() <= 3 * by_hand, "{name}: {by_hand} steps by hand\n{text}");
    assert!(!text.contains("noise") && !text.contains("-9"), "{text}");
    assert_eq!(shrunk.failure, failure);
    assert_eq!(shrunk.reason, diagnose(&loud, None).expect("it fails").1);
    // It is a scenario like any other, and its own verdicts come out.
    let parsed = parse(Source::of("shrunk.json", &text)).expect("it can be read");
    let ready = validate(parsed, None, &[]).expect("it can be");
    assert!(ready.eras.len() > 1, "{text}");
    for era in &ready.eras {
        let seed = ready.scenario().seed.unwrap_or(0);
        let result = run(&ready, era, seed, false).expect("its steps can be carried out");
        assert_eq!(differences(ready.verdict(era), &result), [""; 0], "{name} in {era}\n{text}");
    }
    // And nothing more can be taken from it.
    let again = order(&Case { plan: shrunk.case.plan.clone(), ..loud });
    assert!(again.scenario.steps.len() <= shrunk.scenario.steps.len());
}

#[test]
fn a_truncation_shrinks() {
    shrinks("truncation/high-watermark.json", "0.10.2");
}

#[test]
fn a_diverging_fetch_shrinks() {
    shrinks("truncation/diverging-fetch.json", "2.8.0");
}

fn trial(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
    command.env("NO_COLOR", "1").args(arguments).output().expect("the command runs")
}

#[test]
fn the_command_gives_what_the_library_gives() {
    let path = file("isr/admitted-below-epoch-start.json").display().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("small.json").display().to_string();
    let output = trial(&["shrink", &path, "--era", "2.0.0", "--budget", "10m", "-o", &place]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("isr-admission: at-epoch-start (KAFKA-7128, 2.0.1)"),
        "{said}"
    );
    let written = std::fs::read_to_string(&place).expect("it is written");
    let library = order(&case("isr/admitted-below-epoch-start.json", "2.0.0"));
    assert_eq!(written, write(&library.scenario));
    let run = trial(&["run", &place]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stdout));
}

#[test]
fn bad_input_is_one_error_and_nothing_is_lost() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).display().to_string();
    let whole = std::fs::read_to_string(file("truncation/high-watermark.json")).expect("it is there");
    std::fs::write(at("cut.json"), &whole[..whole.len() / 2]).expect("it can be written");
    std::fs::write(at("taken.json"), "mine").expect("it can be written");
    let path = file("truncation/high-watermark.json").display().to_string();
    let (cut, taken, nowhere, new) =
        (at("cut.json"), at("taken.json"), at("no/such/place.json"), at("new.json"));
    for command in ["shrink", "why"] {
        for (arguments, expected) in [
            (vec![cut.as_str()], "the file ends too early"),
            (vec![path.as_str(), "--era", "2.8"], "it does not fail"),
            (vec![path.as_str(), "--era", "7.7"], "Kafka never made a release"),
            (vec![path.as_str(), "--property", "acked-durabel"], "did you mean `acked-durable`?"),
            (vec![path.as_str(), "--property", "bounds"], "it does not fail so: bounds"),
        ] {
            let output = trial(&[&[command][..], &arguments].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{command} {arguments:?}: {said}");
            assert!(said.contains(expected) && output.stdout.is_empty(), "{command} {arguments:?}: {said}");
        }
    }
    for (place, expected) in [(&taken, "is there already"), (&nowhere, "cannot be written")] {
        let output = trial(&["shrink", &path, "-o", place]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&taken).expect("it is still there"), "mine");
    // A file that was made to see whether it can be does not stay behind.
    assert_eq!(trial(&["shrink", &path, "--era", "2.8", "-o", &new]).status.code(), Some(2));
    assert!(!Path::new(&new).exists());
}
