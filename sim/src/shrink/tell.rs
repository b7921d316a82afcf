//! From a small plan to a scenario that can be read and committed.
//!
//! 1. Records are called `m1`, `m2`, in the order in which they are sent.
//! 2. Two labels in the story's words, for the failing era: at the moment that decided, and at the end what came of it.
//! 3. A title, what it teaches and what to read, from the property and the rule.
//! 4. The verdicts of all eras, by running them: both sides of every boundary, the failing era first. Defaults on which they
//!    hang are written down ([`super::defaults`]).
//! 5. From how many seeds it comes to these verdicts. An era in which that hangs on the seed is left out; if the failing
//!    one does, the scenario says so.

use super::bench::Bench;
use super::defaults::written_down;
use super::edit::renamed;
use super::{Crew, SEEDS, Shrunk};
use crate::checkers::PROPERTIES;
use crate::scenario::compare::differences;
use crate::scenario::file::{Scenario, Verdict};
use crate::scenario::parse::parse;
use crate::scenario::run::run;
use crate::scenario::source::Source;
use crate::scenario::step::{Sentence, Step};
use crate::scenario::validate::{Ready, validate};
use crate::scenario::words::Table;
use crate::scenario::write::write;
use crate::why::case::Case;
use crate::why::change::Change;
use crate::why::cure::Reason;
use crate::why::failure::Failure;
use crate::why::slice::{Part, Slice, slice};
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::Rules;

/// Tells it.
pub fn tell<C: Crew>(bench: Bench<'_, C>) -> Shrunk {
    let case = bench.case();
    let release = case.release;
    let mut scenario = called(&case.plan);
    let case = Case { plan: scenario.clone(), ..case };
    let all = (0..case.plan.steps.len()).collect();
    if let Ok(slice) = slice(&case, &bench.failure, &all) {
        label(&mut scenario, &slice, release);
    }
    words(&mut scenario, &bench.failure, &bench.reason, release);
    let mut scenario = written_down(&scenario, release, bench.crew);
    let verdicts = verdicts(&scenario, release, bench.crew);
    scenario.verdicts = Table(verdicts);
    let seeds = steady(&mut scenario, release, bench.crew);
    if seeds < SEEDS {
        let seed = scenario.seed.unwrap_or(0);
        scenario.about.push(format!(
            "It hangs on its seed: {seeds} of the seeds 0 to 99 come to this, seed {seed} does."
        ));
    }
    Shrunk {
        scenario,
        case,
        failure: bench.failure.clone(),
        reason: bench.reason.clone(),
        tries: bench.tries,
        saved: bench.saved(),
        seeds,
        cut_short: bench.stopped,
    }
}

/// Records by short names, in order.
fn called(plan: &Scenario) -> Scenario {
    fn collect(steps: &[Step], names: &mut Vec<String>) {
        for step in steps {
            match step {
                Step::Produce(produce) => {
                    names.extend(produce.value.iter().cloned());
                    names.extend(produce.values.iter().flatten().cloned());
                }
                Step::When(when) => collect(&when.steps, names),
                _ => {}
            }
        }
    }
    let mut names = Vec::new();
    collect(&plan.steps, &mut names);
    // In a log it stands with its epoch: `m1@0`.
    let new = |text: &str| {
        let (name, epoch) = text.split_once('@').map_or((text, None), |(name, epoch)| (name, Some(epoch)));
        let place = names.iter().position(|known| known == name)? + 1;
        Some(epoch.map_or(format!("m{place}"), |epoch| format!("m{place}@{epoch}")))
    };
    renamed(plan, &new, &|id| id).unwrap_or_else(|| plan.clone())
}

/// Without moments, which differ from seed to seed: ` at 5514 ms`, ` at 5018 and 12064 ms`.
fn timeless(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let is_number = |word: &str| {
        let digits = word.trim_end_matches(',');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut left = String::new();
    let mut index = 0;
    while index < words.len() {
        let rest = &words[index..];
        let moments = rest[1..].iter().take_while(|word| is_number(word) || **word == "and").count();
        let unit = rest.get(1 + moments).copied().unwrap_or_default();
        if rest[0] == "at" && moments > 0 && unit.trim_end_matches([',', '.', ';']) == "ms" {
            left += &unit[2..];
            index += moments + 2;
            continue;
        }
        if index > 0 {
            left.push(' ');
        }
        left += rest[0];
        index += 1;
    }
    left
}

/// Labels in the story's words.
fn label(scenario: &mut Scenario, slice: &Slice, release: Release) {
    let only_here = |text: String| Sentence::InEra(Table(vec![(name_of(release), text)]));
    let decided = slice.told.iter().find(|told| told.part == Part::Removal && told.decided.is_some());
    let decided = decided.or_else(|| slice.told.iter().find(|told| told.part == Part::Removal));
    let end = slice.report.last().map(|line| timeless(line));
    if let Some(end) = end {
        scenario.steps.push(Step::Say(only_here(end)));
    }
    if let Some(told) = decided {
        // Before the first step that begins when it has happened.
        let after = slice.entries.iter().position(|entries| *entries > told.entry);
        let place = after.unwrap_or(slice.entries.len() - 1).min(scenario.steps.len());
        let text = timeless(&format!("{} {}.", told.who, told.text.trim_end_matches('.')));
        let rule = told.decided.map_or(String::new(), |rule| format!(" Rule {}: {}.", rule.rule, rule.value));
        scenario.steps.insert(place, Step::Say(only_here(format!("{text}{rule}"))));
    }
}

/// Title, lesson, what it is about and what to read.
fn words(scenario: &mut Scenario, failure: &Failure, reason: &Reason, release: Release) {
    let here = name_of(release);
    scenario.title = match failure {
        Failure::Violates(name) => {
            let info = PROPERTIES.iter().find(|property| property.name == *name);
            format!("In {here} {}", info.expect("properties are listed").broken)
        }
        Failure::Loses(loss) => format!("In {here} records are lost, as {} allows", loss.name()),
    };
    scenario.about = Vec::new();
    scenario.read = Vec::new();
    let changes = reason.changes();
    for change in changes {
        let (question, before, after) = (asks(change), change.value_before(), change.value());
        scenario.about.push(format!("Rule {}: {question}.", change.rule));
        scenario.about.push(format!("In {here}: {} ({}).", answer(before.about), before.name));
        let Change { source, since, .. } = change;
        scenario.about.push(format!(
            "What mends it, since {since} ({source}): {} ({}).",
            answer(after.about),
            after.name
        ));
        scenario.read.extend(after.source.split(", ").filter(|source| is_number(source)).map(str::to_owned));
        scenario.read.push(format!("src/rules/{}.rs", change.rule.replace('-', "_")));
    }
    scenario.lesson =
        changes.first().map(|change| format!("{}: {}.", asks(change), answer(change.value().about)));
    match reason {
        Reason::MendedBy(cure) => {
            for known in &cure.known {
                scenario.about.push(known.about.to_owned());
                scenario.about.push(format!("No release with ZooKeeper mends that ({}).", known.source));
                scenario.read.push(known.source.to_owned());
            }
            if let (Some(mended), true) = (cure.release, cure.rules.is_empty()) {
                let text = format!("What mends it is no rule but something else that {mended} changed.");
                scenario.about.push(text);
            }
        }
        Reason::Unattributed(why) => {
            let why = why.as_ref().map_or(String::new(), |why| format!(" The last copy went by {why}."));
            scenario.about.push(format!("No rule of a later release mends it.{why}"));
        }
    }
    let mut read: Vec<String> = Vec::new();
    for one in std::mem::take(&mut scenario.read) {
        if !read.contains(&one) {
            read.push(one);
        }
    }
    scenario.read = read;
}

/// What a rule decides, without its full stop.
fn asks(change: &Change) -> String {
    let rules = Rules::list();
    let info = rules.iter().find(|info| info.name == change.rule).expect("the rule exists");
    info.about.trim().trim_end_matches('.').to_owned()
}

/// What a rule's value says, to go on with after a colon: `Nothing.` as `nothing`, but `LeaderAndIsr ...` as it is.
fn answer(about: &str) -> String {
    let about = about.trim().trim_end_matches('.');
    let first = about.split(' ').next().unwrap_or_default();
    let is_name = first.chars().skip(1).any(|letter| letter.is_uppercase() || letter.is_ascii_digit());
    let mut letters = about.chars();
    match letters.next() {
        Some(letter) if !is_name => letter.to_lowercase().chain(letters).collect(),
        _ => about.to_owned(),
    }
}

fn is_number(source: &str) -> bool {
    let digits = source.strip_prefix("KIP-").or_else(|| source.strip_prefix("KAFKA-"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A release as files name it: by its line, if it is the last of that.
fn name_of(release: Release) -> String {
    match Era::parse(&release.line()) {
        Ok(era) if era.release == release => release.line(),
        _ => release.to_string(),
    }
}

/// The scenario as a file says it, checked for one release.
fn ready(scenario: &Scenario, release: Release) -> Option<Ready> {
    let mut scenario = scenario.clone();
    if scenario.verdicts.0.is_empty() || scenario.verdicts.0.len() == 1 {
        scenario.verdicts = Table(vec![(name_of(release), Verdict::default())]);
    }
    let parsed = parse(Source::of("shrunk.json", &write(&scenario))).ok()?;
    validate(parsed, Some(&Era::of(release)), &[]).ok()
}

/// What comes out in a release, if it is anything that a file can demand.
fn verdict(scenario: &Scenario, release: Release, seed: u64) -> Option<Verdict> {
    let ready = ready(scenario, release)?;
    let era = ready.asked.as_ref().expect("it is asked for");
    let result = run(&ready, era, seed, false).ok()?;
    (result.unmet.is_none() && result.nameless_losses == 0).then_some(result.verdict)
}

/// The releases that can run.
pub(super) fn releases() -> impl Iterator<Item = Release> {
    RELEASES.iter().copied().filter(|release| Era::of(*release).has_zookeeper())
}

/// What comes out in each of these releases.
pub(super) fn came<C: Crew>(scenario: &Scenario, releases: &[Release], crew: &C) -> Vec<Option<Verdict>> {
    let seed = scenario.seed.unwrap_or(0);
    crew.all(releases.len(), &|index| verdict(scenario, releases[index], seed))
}

/// The verdicts of all releases, both sides of every boundary.
fn verdicts<C: Crew>(scenario: &Scenario, failing: Release, crew: &C) -> Vec<(String, Verdict)> {
    let all: Vec<Release> = releases().collect();
    let came = came(scenario, &all, crew);
    let known: Vec<(Release, Verdict)> =
        all.into_iter().zip(came).filter_map(|(release, came)| Some((release, came?))).collect();
    let mut told = Vec::new();
    for (index, (release, own)) in known.iter().enumerate() {
        let differs = |other: Option<&(Release, Verdict)>| other.is_some_and(|(_, other)| other != own);
        let before = index.checked_sub(1).and_then(|before| known.get(before));
        let boundary = differs(before) || differs(known.get(index + 1));
        if boundary || index + 1 == known.len() || *release == failing {
            told.push((name_of(*release), own.clone()));
        }
    }
    told.sort_by_key(|(name, _)| *name != name_of(failing));
    told
}

/// From how many seeds the failing era comes to its verdict. Other eras that do not from all are left out.
fn steady<C: Crew>(scenario: &mut Scenario, failing: Release, crew: &C) -> u64 {
    let eras: Vec<Release> =
        scenario.verdicts.names().filter_map(|name| Era::parse(name).ok().map(|era| era.release)).collect();
    let held = &*scenario;
    let count = |release: Release, verdict: &Verdict| {
        let ready = ready(held, release);
        let as_demanded = crew.all(SEEDS as usize, &|seed| {
            let Some(ready) = &ready else { return false };
            let era = ready.asked.as_ref().expect("it is asked for");
            run(ready, era, seed as u64, false)
                .is_ok_and(|result| result.unmet.is_none() && differences(Some(verdict), &result).is_empty())
        });
        as_demanded.into_iter().filter(|is| *is).count() as u64
    };
    let counts: Vec<u64> =
        eras.iter().zip(&held.verdicts.0).map(|(release, (_, verdict))| count(*release, verdict)).collect();
    let own = eras.iter().position(|release| *release == failing).map_or(0, |index| counts[index]);
    let mut kept = counts.iter().zip(&eras).map(|(count, release)| *release == failing || *count >= own);
    scenario.verdicts.0.retain(|_| kept.next().unwrap_or(true));
    own
}

#[cfg(test)]
mod tests {
    #[test]
    fn answers_go_on_after_a_colon() {
        assert_eq!(super::answer(" Nothing."), "nothing");
        assert_eq!(super::answer("LeaderAndIsr says it."), "LeaderAndIsr says it");
        assert_eq!(super::answer("A part. Then all."), "a part. Then all");
        assert_eq!(super::answer(""), "");
    }

    #[test]
    fn moments_are_taken_out_of_sentences() {
        let said = super::timeless(
            "m2 was acked to producer-1 at 5514 ms with acks=all, read at 7 ms, gone at 12 ms.",
        );
        assert_eq!(said, "m2 was acked to producer-1 with acks=all, read, gone.");
        assert_eq!(super::timeless("appends m1 at offset 0"), "appends m1 at offset 0");
        assert_eq!(super::timeless("drops m1 m2, acked at 18 and 64 ms. So"), "drops m1 m2, acked. So");
    }
}
