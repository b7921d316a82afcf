//! The eras of a scenario: those of its verdicts, each read once, with the rules it overrides.

use super::file::Scenario;
use super::problem::Problem;
use super::source::{Found, Path};
use super::words::Table;
use kafka::era::{Era, RELEASES, WhyUnknown};
use kafka::rules::{Rules, UnknownRule};

/// One rule decided otherwise: its name and its value.
pub type Override = (String, String);

/// Reads an era that can run here.
///
/// # Errors
/// If Kafka never made it, with the ladder; if it has no ZooKeeper.
pub fn read(text: &str) -> Result<Era, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::new("the era is empty").help(
            "expected a release, such as `2.8.1`, or a line, such as `2.8`, which means its last release",
        ));
    }
    let era = Era::parse(text).map_err(|unknown| {
        let problem = Problem::new(unknown.to_string());
        match unknown.why {
            WhyUnknown::NoVersion => problem.help(ladder()),
            WhyUnknown::BeforeTheFirst | WhyUnknown::NotOfItsLine(..) => problem,
        }
    })?;
    if !era.has_zookeeper() {
        return Err(Problem::new(format!("{era} has no ZooKeeper; only eras up to 3.9 can run")));
    }
    Ok(era)
}

/// All releases that can run, a line each branch.
pub fn ladder() -> String {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for release in RELEASES.iter().filter(|release| Era::of(**release).has_zookeeper()) {
        let line = release.line();
        match lines.last_mut() {
            Some((last, releases)) if *last == line => releases.push(release.to_string()),
            _ => lines.push((line, vec![release.to_string()])),
        }
    }
    let mut text = String::from("the ladder (a line alone means its last release):");
    for (line, releases) in lines {
        text += &format!("\n  {line:<7} {}", releases.join(" "));
    }
    text
}

/// Overrides rules of an era.
///
/// # Errors
/// The first that is unknown, or of a rule that an earlier one decides: its index and what is wrong.
pub fn override_rules(era: &mut Era, overrides: &[Override]) -> Result<(), (usize, Problem)> {
    for (index, (rule, value)) in overrides.iter().enumerate() {
        era.rules.set(rule, value).map_err(|unknown| (index, unknown_rule(&unknown)))?;
        if let Some((_, before)) = overrides[..index].iter().find(|(known, _)| known == rule) {
            let problem = Problem::new(format!("rule `{rule}` is decided twice: `{before}` and `{value}`"));
            return Err((index, problem.help("say it once")));
        }
    }
    Ok(())
}

fn unknown_rule(unknown: &UnknownRule) -> Problem {
    let rules = Rules::list();
    match unknown {
        UnknownRule::Rule(given) => Problem::new(format!("there is no rule `{given}`"))
            .near_or_list(given, rules.iter().map(|info| info.name)),
        UnknownRule::Value { rule, given } => {
            let values =
                rules.iter().find(|info| info.name == *rule).map_or(&[][..], |info| &info.values[..]);
            let names: Vec<&str> = values.iter().map(|value| value.name).collect();
            let problem = Problem::new(format!("`{given}` is no value of rule `{rule}`"));
            let problem = match super::problem::near(given, names.iter().copied()) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem,
            };
            problem.help(format!("expected one of {}", super::problem::list(&names)))
        }
    }
}

/// The eras of a scenario's verdicts, in order.
///
/// # Errors
/// An era that is unknown or stands there twice.
pub fn of(scenario: &Scenario) -> Result<Vec<Era>, Found> {
    let path = Path::default().key("verdicts");
    let mut eras: Vec<Era> = Vec::new();
    for name in scenario.verdicts.names() {
        let era = read(name).map_err(|problem| (path.name(name), problem))?;
        if eras.iter().any(|known| known.release == era.release) {
            let problem = Problem::new(format!("there are two verdicts for {era}"));
            return Err((path.name(name), problem));
        }
        eras.push(era);
    }
    if eras.is_empty() {
        let problem = Problem::new("there is no verdict").help("say what comes out: {\"2.8\": \"holds\"}");
        return Err((path, problem));
    }
    Ok(eras)
}

/// An era with the scenario's overrides.
///
/// # Errors
/// An override that cannot be.
pub fn apply(era: &mut Era, rules: &Table<String>) -> Result<(), Found> {
    override_rules(era, &rules.0).map_err(|(index, problem)| {
        let (rule, path) = (&rules.0[index].0, Path::default().key("rules"));
        let known = Rules::list().iter().any(|info| info.name == rule);
        (if known { path.key(rule) } else { path.name(rule) }, problem)
    })
}

/// What stands under an era in a table of eras, or under `else`.
pub fn own<'a, T>(table: &'a Table<T>, era: &Era) -> Option<&'a T> {
    let release = |name: &str| Era::parse(name).ok().map(|era| era.release);
    let own = table.0.iter().find(|(name, _)| release(name) == Some(era.release));
    own.map(|(_, value)| value).or_else(|| table.get("else"))
}

/// The era that a node runs in a run of `base`: its own, that of its kind, or the run's.
///
/// # Panics
/// If the releases of `cluster.eras` have not been checked.
pub fn of_node(scenario: &Scenario, base: &Era, node: &str) -> Era {
    let kind = match node.split_once('-') {
        Some(("broker", _)) => "brokers",
        Some(("producer" | "consumer", _)) => "clients",
        _ => return base.clone(),
    };
    let eras = &scenario.cluster.eras;
    let Some(own) = eras.get(node).or_else(|| eras.get(kind)) else { return base.clone() };
    let mut era = read(own).expect("releases of single nodes are checked before");
    apply(&mut era, &scenario.rules).expect("rules are checked before");
    era
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rule_is_decided_twice() {
        let rules = |values: &[&str]| -> Vec<Override> {
            values.iter().map(|value| ("truncation".to_owned(), (*value).to_owned())).collect()
        };
        let mut era = read("2.8").unwrap();
        assert!(override_rules(&mut era, &rules(&["to-epoch-end"])).is_ok());
        for second in ["to-high-watermark", "to-epoch-end"] {
            let (index, problem) =
                override_rules(&mut era, &rules(&["to-epoch-end", second])).expect_err("it is decided twice");
            assert_eq!(index, 1);
            let said = format!("rule `truncation` is decided twice: `to-epoch-end` and `{second}`");
            assert_eq!(problem.what, said);
        }
    }

    #[test]
    fn an_unknown_era_brings_the_ladder() {
        let problem = read("7.7").unwrap_err();
        assert!(problem.help.last().unwrap().contains("\n  2.8     2.8.0 2.8.1 2.8.2"));
        assert!(!problem.help.last().unwrap().contains("\n  4.0"));
        assert!(read("2.8.7").unwrap_err().help.is_empty());
        assert!(read("4.1").unwrap_err().what.contains("has no ZooKeeper"));
        assert_eq!(read("2.0").unwrap().to_string(), "2.0.1");
    }
}
