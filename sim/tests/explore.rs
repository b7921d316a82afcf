//! Exploring: plans are drawn alike everywhere, are valid in every era, stay within their budget; what was carried out
//! runs again to the same hash; and a known flaw is found by the shared profile.

use kafka::era::Era;
use proptest::prelude::*;
use std::collections::BTreeSet;
use trial::explore::budget::damaged;
use trial::explore::bursts::ends;
use trial::explore::plan;
use trial::explore::profile::{Family, Profile};
use trial::explore::search::{Summary, twice};
use trial::explore::settle::LIVENESS;
use trial::explore::trial::Question;
use trial::scenario::parse::parse;
use trial::scenario::run::run;
use trial::scenario::source::Source;
use trial::scenario::step::{Fault, Step};
use trial::scenario::validate::{Ready, validate};
use trial::scenario::write::write;

/// A release of every rung that the ladder has, more or less.
const ERAS: [&str; 16] = [
    "0.10.2", "0.11.0", "1.0", "1.1", "2.0.0", "2.0.1", "2.1", "2.2", "2.4", "2.6.0", "2.7", "2.8.0",
    "2.8.1", "3.0.0", "3.5", "3.9",
];

fn question(era: &str, profile: Profile) -> Question {
    let era = Era::parse(era).expect("a release of Kafka");
    Question { era, rules: Vec::new(), profile, properties: Vec::new() }
}

fn profiles() -> impl Strategy<Value = Profile> {
    prop::sample::select(Profile::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn plans_are_valid_in_every_era_and_read_as_they_are_written(
        seed in any::<u64>(), era in prop::sample::select(ERAS.to_vec()), profile in profiles(),
    ) {
        let drawn = question(era, profile).plan(seed).0.scenario;
        let text = write(&drawn);
        let parsed = parse(Source::of("plan.json", &text)).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        prop_assert_eq!(&*parsed.scenario, &drawn, "{}", text);
        let ready = validate(parsed, None, &[]);
        prop_assert!(ready.is_ok(), "{}\n{}", ready.unwrap_err(), text);
        prop_assert!(ready.unwrap().unused.is_empty(), "a setting without effect is drawn: {}", text);
    }

    #[test]
    fn no_plan_damages_more_machines_than_the_contract_survives(seed in any::<u64>(), profile in profiles()) {
        let drawn = question("3.9", profile).plan(seed).0.scenario;
        let minimum = |settings: &trial::scenario::words::Table<trial::scenario::words::Setting>| {
            settings.get("min.insync.replicas").map_or(1, |value| value.0.parse().expect("a number"))
        };
        let smallest: usize =
            drawn.cluster.topics.0.iter().map(|(_, spec)| minimum(&spec.settings)).min().expect("there is a topic");
        let may = profile.beyond_the_contract().is_some();
        prop_assert!(may || damaged(&drawn).len() < smallest, "{:?}", damaged(&drawn));
        prop_assert!(drawn.steps.iter().all(|step| !matches!(step, Step::PowerOff(off) if off.node.to_string().contains(" of "))));
    }
}

/// The moments at which steps are carried out, one for each, and the moment when they are over.
fn moments(steps: &[Step]) -> (Vec<u64>, u64) {
    let mut now = 0;
    let mut moments = Vec::new();
    for step in steps {
        moments.push(now);
        if let Step::RunFor(span) = step {
            now += span.0.0;
        }
    }
    (moments, now)
}

/// Whether there is such a step, also among those of triggers.
fn has_step(steps: &[Step], is: &dyn Fn(&Step) -> bool) -> bool {
    steps.iter().any(|step| is(step) || matches!(step, Step::When(when) if has_step(&when.steps, is)))
}

#[test]
fn faults_stop_before_the_end_begins() {
    let (mut triggers, mut late) = (0, 0);
    for seed in 0..300 {
        for profile in Profile::ALL {
            let drawn = question("2.8.1", profile).plan(seed).0;
            let (faults, end) = drawn.scenario.steps.split_at(drawn.settles_at);
            let calms = |step: &Step| match step {
                Step::SlowCpu(slow) => slow.factor == 1,
                Step::Disk(disk) => matches!(disk.fault, Fault::Mended | Fault::Slow(1)),
                Step::SlowLink(_) | Step::RunFor(_) => true,
                step => ends(step),
            };
            assert!(end.iter().all(calms), "{profile} {seed}: {end:?}");
            let is_held = |step: &Step| matches!(step, Step::Hold(_) | Step::Delay(_) | Step::Drop(_));
            if has_step(faults, &is_held) {
                assert!(end.contains(&Step::Release("all".to_owned())), "{profile} {seed}: {faults:?}");
            }
            if has_step(faults, &|step| matches!(step, Step::Cut(_))) {
                assert!(end.iter().any(|step| matches!(step, Step::Heal(_))), "{profile} {seed}: {faults:?}");
            }
            let (moments, over) = moments(faults);
            for (step, at) in faults.iter().zip(moments) {
                let Step::When(when) = step else { continue };
                triggers += 1;
                let within = when.within.expect("whoever waits for a condition does not wait for ever").0.0;
                let after = when.after.map_or(0, |after| after.0.0);
                late += u64::from(after > 0);
                if when.steps.iter().any(|step| !ends(step)) {
                    assert!(at + within + after <= over, "{profile} {seed}: {when:?}");
                }
                for step in when.steps.iter().filter(|step| !ends(step)) {
                    let Step::When(inner) = step else { continue };
                    let within = within + inner.within.expect("nor does what it sets off").0.0;
                    assert!(at + within + after <= over, "{profile} {seed}: {when:?}");
                }
            }
        }
    }
    assert!(triggers > 2_000 && late > 1_000, "{triggers} triggers, {late} of them late");
}

#[test]
fn most_runs_have_leaders_that_change_and_messages_that_are_late() {
    let has = |seed: u64, family: Family| {
        let drawn = question("2.8.1", Profile::Elections).plan(seed).0;
        drawn.kinds.iter().any(|kind| kind.family() == family)
    };
    let both = (0..300).filter(|seed| has(*seed, Family::Change) && has(*seed, Family::Late)).count();
    assert!((150..300).contains(&both), "{both} of 300");
}

#[test]
fn even_where_a_profile_goes_beyond_most_runs_do_not() {
    let of = |seed| damaged(&question("3.9", Profile::Durability).plan(seed).0.scenario).len();
    let counts: Vec<usize> = (0..300).map(of).collect();
    assert!(counts.iter().filter(|count| **count == 0).count() > 50, "{counts:?}");
    assert!(counts.iter().filter(|count| **count > 1).count() > 10, "{counts:?}");
}

#[test]
fn plans_are_drawn_alike_everywhere() {
    // Changes with how plans are drawn, and then every line that was printed before is void: a new version.
    let hash = |profile, seed| {
        let era = Era::parse("2.8.1").expect("a release");
        plan::hash(&plan::draw(&era, &[], profile, seed).scenario)
    };
    let hashes =
        Profile::ALL.map(|profile| (0..8).fold(0u64, |all, seed| all.rotate_left(7) ^ hash(profile, seed)));
    assert_eq!(hashes.map(|hash| format!("{hash:016x}")), KNOWN);
}

const KNOWN: [&str; 4] = ["707654d273cf7954", "ba61ba9094e89f67", "08c7f4faabbb1e84", "a1d94eb0d918fac1"];

#[test]
fn what_was_carried_out_runs_again_to_the_same_hash() {
    let mut failing = 0;
    for (era, profile) in [("2.8.0", Profile::Elections), ("0.10.2", Profile::Everything)] {
        let question = question(era, profile);
        for seed in 0..60 {
            let outcome = question.trial(seed);
            let Some(failure) = &outcome.failure else { continue };
            failing += 1;
            let text = write(&failure.scenario);
            let parsed = parse(Source::of("found.json", &text)).unwrap_or_else(|problem| panic!("{problem}"));
            let ready: Ready =
                validate(parsed, None, &[]).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            let again = run(&ready, &ready.eras[0], seed, false).expect("every step was carried out");
            assert_eq!((again.hash, again.events), (outcome.hash, outcome.events), "{text}");
            assert_eq!(again.violations, failure.violations);
            assert_eq!(ready.verdict(&ready.eras[0]), Some(&again.verdict));
        }
    }
    assert!(failing > 5, "{failing} trials failed");
}

#[test]
fn a_known_flaw_is_found_and_its_cure_holds() {
    // KAFKA-13141: 2.8.0 counts a fetch that was told that the logs differ.
    let find = |era: &str| {
        let question =
            Question { properties: vec!["weak-isr".to_owned()], ..question(era, Profile::Elections) };
        (0..300).filter(|seed| question.trial(*seed).fails()).count()
    };
    let (broken, mended) = (find("2.8.0"), find("2.8.1"));
    assert!(broken > 0 && mended == 0, "{broken} in 2.8.0, {mended} in 2.8.1");
}

#[test]
fn a_trial_comes_to_the_same_twice() {
    for seed in 0..40 {
        twice(&question("3.0.0", Profile::Everything), seed).unwrap_or_else(|mismatch| panic!("{mismatch}"));
    }
}

#[test]
fn a_search_sees_all_that_its_profile_has() {
    let mut summary = Summary::default();
    let question = question("2.8.1", Profile::Everything);
    for seed in 0..150 {
        summary.take(&question.trial(seed));
    }
    assert_eq!(summary.trials, 150);
    let seen: BTreeSet<&str> = summary.coverage.notes.keys().copied().collect();
    for note in ["Truncated", "IsrShrunk", "IsrExpanded", "Elected", "SessionExpired", "Recovered"] {
        assert!(seen.contains(note), "{note} was never noted");
    }
    assert!(!summary.coverage.decided.is_empty() && summary.coverage.moves.len() > 8);
}

#[test]
fn every_kind_of_fault_of_a_profile_is_drawn() {
    for profile in Profile::ALL {
        let question = question("2.8.1", profile);
        let drawn: BTreeSet<_> = (0..1_500).flat_map(|seed| question.plan(seed).0.kinds).collect();
        let wanted: BTreeSet<_> = profile.kinds().into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(drawn, wanted, "{profile}");
    }
}

#[test]
fn what_is_judged_at_the_end_is_known() {
    for name in LIVENESS {
        assert!(trial::checkers::PROPERTIES.iter().any(|info| info.name == name), "{name}");
    }
}

/// What each failing trial fails by, and because of what.
fn attributed(question: &Question, seeds: std::ops::Range<u64>) -> Vec<(u64, String)> {
    let outcomes = seeds.map(|seed| question.attributed_trial(seed));
    let failing = outcomes.filter_map(|outcome| Some((outcome.seed, outcome.failure?)));
    failing
        .map(|(seed, failure)| (seed, failure.attribution.expect("it was asked for").to_string()))
        .collect()
}

#[test]
fn a_failure_is_attributed_to_the_rule_that_mends_it() {
    // KAFKA-13141 again, by name.
    let question = question("2.8.0", Profile::Elections);
    let seeds = (0..600).filter(|seed| question.trial(*seed).fails_by.contains(&"weak-isr")).take(3);
    let all: Vec<(u64, String)> = seeds.flat_map(|seed| attributed(&question, seed..seed + 1)).collect();
    assert!(
        all.len() == 3 && all.iter().all(|(_, text)| text.contains("KAFKA-13141 (diverging-fetch)")),
        "{all:?}"
    );
    // Nothing is remembered from one trial to the next.
    for (seed, text) in all.iter().rev() {
        assert_eq!(attributed(&question, *seed..seed + 1), [(*seed, text.clone())]);
    }
}

#[test]
fn a_search_says_the_same_however_many_trials_are_side_by_side() {
    let found = tempfile::tempdir().expect("a directory");
    let search = |jobs: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_trial"))
            .args([
                "explore", "--era", "2.8.0", "--trials", "40", "--format", "json", "--jobs", jobs, "--found",
            ])
            .arg(found.path())
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout).expect("it is text");
        let (failing, summary) = text.trim_end().rsplit_once('\n').expect("some trials fail");
        let mut summary: serde_json::Value = serde_json::from_str(summary).expect("it is JSON");
        summary["millis"] = 0.into();
        (failing.to_owned(), summary)
    };
    let (one, three) = (search("1"), search("3"));
    assert_eq!(one, three);
    assert_eq!(one.1["unattributed"], 0);
    assert!(one.1["causes"].as_array().is_some_and(|causes| !causes.is_empty()), "{}", one.1);
}

#[test]
fn what_no_release_mends_is_known_by_its_own_counterfactual() {
    let question = question("3.9", Profile::Durability);
    let seeds = (0..300).filter(|seed| question.trial(*seed).fails_by.contains(&"acked-durable")).take(2);
    let all: Vec<(u64, String)> = seeds.flat_map(|seed| attributed(&question, seed..seed + 1)).collect();
    assert!(all.len() == 2 && all.iter().all(|(_, text)| text.ends_with("KIP-966 (page-cache)")), "{all:?}");
}

#[test]
fn a_rule_that_is_decided_otherwise_is_found_as_the_cause() {
    let mut question = question("3.9", Profile::Elections);
    question.rules = vec![("diverging-fetch".to_owned(), "counts-offset".to_owned())];
    trial::scenario::eras::override_rules(&mut question.era, &question.rules).expect("there is such a rule");
    let found = |seed: u64| attributed(&question, seed..seed + 1);
    assert!((0..400).flat_map(found).any(|(_, text)| text.contains("diverging-fetch")));
}

fn explore(arguments: &[&str], found: &std::path::Path) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trial"));
    command.arg("explore").args(arguments).arg("--found").arg(found).env("NO_COLOR", "1");
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it is text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The first seed from which a trial of 2.8.0 violates one property, and another one later.
fn two_in_turn() -> (u64, [&'static str; 2]) {
    let question = question("2.8.0", Profile::Elections);
    let in_turn = |seed: u64| {
        let violations = question.trial(seed).failure?.violations;
        let first = violations.first()?;
        let is_later = |property: &str| {
            let own = violations.iter().find(|violation| violation.property == property);
            own.is_some_and(|own| own.event.0 > first.event.0)
        };
        let other = violations.iter().find(|violation| is_later(violation.property))?;
        Some((seed, [first.property, other.property]))
    };
    (1..2_000).find_map(in_turn).expect("KAFKA-13141 has more than one effect")
}

#[test]
fn nothing_that_was_found_is_lost_or_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let (seed, [first, asked]) = two_in_turn();
    let seed_text = seed.to_string();
    let one = ["--era", "2.8.0", "--profile", "elections", "--seed", &seed_text, "--trials", "1"];
    let there = |found: &str| {
        let mut names: Vec<String> = std::fs::read_dir(directory.path().join(found))
            .expect("it is there")
            .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    // What there is already stays, and the same is written once.
    let found = directory.path().join("found");
    let (code, said, errors) = explore(&one, &found);
    assert_eq!(code, Some(1), "{said}{errors}");
    assert!(said.contains(&format!("seed {seed}\n")) && !said.contains("trial 1\n"), "{said}");
    let name = format!("2.8.0-elections-{seed}.json");
    assert_eq!(there("found"), std::slice::from_ref(&name));
    assert_eq!(explore(&one, &found).0, Some(1));
    assert_eq!(there("found"), std::slice::from_ref(&name));
    std::fs::write(found.join(&name), "mine").expect("it is written");
    assert_eq!(explore(&one, &found).0, Some(1));
    assert_eq!(std::fs::read_to_string(found.join(&name)).expect("it is there"), "mine");
    let second = format!("2.8.0-elections-{seed}-2.json");
    assert_eq!(there("found"), [second.clone(), name.clone()]);

    // A file that cannot be written ends no search, and its line has been printed.
    let clash = directory.path().join("clash");
    std::fs::create_dir_all(clash.join(&name)).expect("a directory in the way");
    let (code, said, errors) = explore(&[&one[..6], &["--trials", "3"]].concat(), &clash);
    assert_eq!(code, Some(2), "{said}{errors}");
    assert!(said.contains(&format!("trial replay era=2.8.0 profile=elections seed={seed} ")), "{said}");
    assert!(said.contains("\n3 trials, "), "{said}");
    assert!(errors.contains("cannot be written") && errors.contains("no trial is lost"), "{errors}");
    let (code, said, errors) = explore(&[&one[..], &["--format", "json"]].concat(), &clash);
    assert!(code == Some(2) && errors.contains("cannot be written"), "{errors}");
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!(lines[0]["seed"], seed);
    assert_eq!(lines[1]["kinds"][0]["first_seed"], seed);

    // What was asked for is what is told of, though something else came before it.
    let (_, said, _) = explore(&[&one[..], &["--property", asked]].concat(), &found);
    let line = said.lines().find(|line| line.starts_with("trial replay")).expect("a line");
    assert!(line.contains(&format!(" property={asked} ")), "{line}");
    let file = there("found").into_iter().find(|name| name.ends_with("-3.json")).expect("a third file");
    let file = found.join(file);
    let text = std::fs::read_to_string(&file).expect("it is there");
    let about = &text[..text.find("\"cluster\"").expect("a cluster")];
    assert!(
        about.contains(&format!("Found: {asked} in 2.8.0")) && about.contains(&format!(": {asked}.")),
        "{about}"
    );
    let replay = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trial"));
        let output = command.arg("replay").args(arguments).env("NO_COLOR", "1").output().expect("it runs");
        String::from_utf8(output.stdout).expect("it is text")
    };
    // The story ends with what it is about; only then all that is wrong is listed.
    let tells = |said: &str, property: &str| {
        let lists = [first, asked].map(|property| said.find(&format!("\n{property} at ")));
        let story = &said[..lists.into_iter().flatten().min().unwrap_or(said.len())];
        story.contains(&format!("VIOLATED {property}"))
    };
    let of_line = replay(&[line, "--last", "100000"]);
    assert!(tells(&of_line, asked), "{of_line}");
    let file = file.display().to_string();
    let of_file = replay(&[&file, "--property", asked, "--last", "100000"]);
    assert!(tells(&of_file, asked), "{of_file}");
    let unasked = replay(&[&file, "--last", "100000"]);
    assert!(tells(&unasked, first) && !tells(&unasked, asked), "{unasked}");
    assert!(unasked.contains(&format!("\n{asked} at ")), "{unasked}");
    let cut = replay(&[&file, "--until", "10"]);
    assert!(!cut.contains(&format!("\n{asked} at ")), "{cut}");
}

#[test]
fn the_last_seed_is_a_seed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (code, said, errors) =
        explore(&["--seed", "18446744073709551615", "--trials", "1"], directory.path());
    assert!(matches!(code, Some(0 | 1)) && said.contains("1 trials"), "{said}{errors}");
}

#[cfg(unix)]
#[test]
fn a_search_that_is_stopped_says_so() {
    use std::io::{BufRead, Read};
    use std::process::{Command, Stdio};
    // Twice, so that nothing fails.
    let mut search = Command::new(env!("CARGO_BIN_EXE_trial"))
        .args(["explore", "--twice", "--trials", "1000000", "--for", "100s", "--jobs", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = std::io::BufReader::new(search.stdout.take().expect("it is piped"));
    let mut said = String::new();
    stdout.read_line(&mut said).expect("it begins");
    // To it and to its group, as some tools do: it is one.
    for _ in 0..2 {
        let kill =
            Command::new("kill").args(["-INT", &search.id().to_string()]).status().expect("it is sent");
        assert!(kill.success());
    }
    stdout.read_to_string(&mut said).expect("it ends in order");
    let code = search.wait().expect("it ends").code();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped by Ctrl-C after ") && said.contains(" of 1000000 trials"), "{said}");
    assert!(said.contains("no mismatch"), "{said}");
}
