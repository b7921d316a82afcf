//! What a search says: a line for each trial that fails, and a summary.

use super::coverage::{Coverage, Standing};
use super::search::Summary;
use super::trial::{Outcome, Question};
use crate::trace::layout::{PAGE, table, wrapped};
use crate::why::causes::Explained;
use crate::why::cure::Cause;
use kafka::rules::Rules;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The one line of a failing trial, to be copied.
pub fn failing(outcome: &Outcome) -> Option<String> {
    let failure = outcome.failure.as_ref()?;
    Some(match &failure.attribution {
        Some(attribution) => format!("{}  # {attribution}", failure.line),
        None => format!("{}  # {}", failure.line, outcome.fails_by.join(", ")),
    })
}

/// A failing trial for programs.
pub fn failing_json(outcome: &Outcome) -> Option<Value> {
    let failure = outcome.failure.as_ref()?;
    let explained = failure.attribution.iter().flat_map(|attribution| &attribution.0);
    let explained: Vec<Value> = explained
        .map(|Explained { fails_by, causes, alike }| {
            let causes: Vec<Value> = causes.iter().map(cause_json).collect();
            json!({ "fails_by": fails_by, "causes": causes, "alike": alike })
        })
        .collect();
    Some(json!({
        "seed": outcome.seed,
        "line": failure.line.to_string(),
        "hash": format!("{:016x}", outcome.hash),
        "events": outcome.events,
        "fails_by": outcome.fails_by,
        "attributed": explained,
    }))
}

/// A cause for programs.
fn cause_json(cause: &Cause) -> Value {
    match cause {
        Cause::Rule(change) => {
            json!({ "rule": change.rule, "value": change.to, "source": change.source, "since": change.since.to_string() })
        }
        Cause::Release(release) => json!({ "release": release.to_string() }),
        Cause::Known(name) => json!({ "known": name, "source": cause.source() }),
    }
}

/// A number with its thousands apart.
fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The summary of a search that took so many milliseconds.
pub fn summary(question: &Question, summary: &Summary, millis: u64) -> String {
    let per_second = |count: u64| number(count * 1000 / millis.max(1));
    let mut text = format!(
        "{} trials, {} events; {} trials/s, {} events/s\n",
        number(summary.trials),
        number(summary.events),
        per_second(summary.trials),
        per_second(summary.events),
    );
    let mut rows = vec![["fails by", "trials", "first"].map(str::to_owned).to_vec()];
    for (property, kind) in &summary.properties {
        rows.push(vec![(*property).to_owned(), number(kind.trials), format!("trial {}", number(kind.first))]);
    }
    match summary.failing {
        0 => text += "no trial fails\n",
        failing => {
            text += &format!("{} trials fail\n\n", number(failing));
            text += &table(&rows, &[]);
            if summary.attributed > 0 {
                text += &causes(summary);
            }
        }
    }
    let declared = summary.declared.iter();
    let declared: Vec<String> = declared
        .map(|(by, (records, trials))| {
            format!("{} records in {} trials by {by}", number(*records), number(*trials))
        })
        .collect();
    if !declared.is_empty() {
        text += &paragraph("declared losses", &declared);
    }
    if summary.excused > 0 {
        text += &format!("\nnot at rest, with an excuse: {} trials\n", number(summary.excused));
    }
    text + &coverage(question, &summary.coverage)
}

/// What makes trials fail, and for how many that is not known.
fn causes(summary: &Summary) -> String {
    let titles = ["because of", "", "mended", "trials", "first"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for (cause, kind) in &summary.causes {
        let mended = match cause {
            Cause::Rule(change) => change.since.to_string(),
            Cause::Release(release) => release.to_string(),
            Cause::Known(_) => "never".to_owned(),
        };
        let (trials, first) = (number(kind.trials), format!("trial {}", number(kind.first)));
        rows.push(vec![cause.name().to_owned(), cause.source(), mended, trials, first]);
    }
    let mut text = String::new();
    if rows.len() > 1 {
        text = format!("\n{}", table(&rows, &[]));
    }
    text += &match summary.unattributed {
        0 => "\n0 unattributed".to_owned(),
        some => format!("\nunattributed: {}", number(some)),
    };
    text + &match summary.alone {
        0 => "\n".to_owned(),
        some => {
            format!("\nfrom no other seed alike, so that their cause rests on one run: {}\n", number(some))
        }
    }
}

fn paragraph(title: &str, parts: &[String]) -> String {
    let lines = wrapped(&format!("{title}: {}", parts.join(", ")), PAGE);
    format!("\n{}\n", lines.join("\n"))
}

/// What was seen, and what never.
fn coverage(question: &Question, coverage: &Coverage) -> String {
    let decided: BTreeSet<&str> = coverage.decided.keys().map(|decided| decided.rule).collect();
    let rules = Rules::list().len();
    let silent = coverage.silent();
    let mut text = format!(
        "\nseen: {} notes of {}, {} kinds of fault of {}, {} moves of partitions; {} rules of {rules} decided aloud\n",
        coverage.notes.len(),
        coverage.notes.len() + silent.len(),
        coverage.faults.len(),
        question.profile.kinds().len(),
        coverage.moves.len(),
        decided.len(),
    );
    let moves = coverage.moves.iter().map(|((from, to, new_leader), trials)| {
        let leader = if *new_leader { " with another leader" } else { "" };
        format!("{} → {}{leader} ({})", from.name(), to.name(), number(*trials))
    });
    text += &paragraph("moves, and in how many trials", &moves.collect::<Vec<_>>());
    let mut never: Vec<String> = silent.iter().map(|name| (*name).to_owned()).collect();
    never.extend(coverage.spared(question.profile).iter().map(|name| (*name).to_owned()));
    for from in Standing::ALL {
        for to in Standing::ALL.into_iter().filter(|to| *to != from) {
            if !coverage.moves.keys().any(|seen| (seen.0, seen.1) == (from, to)) {
                never.push(format!("{} → {}", from.name(), to.name()));
            }
        }
    }
    if !never.is_empty() {
        text += &paragraph("never seen", &never);
    }
    text
}

/// The summary for programs.
pub fn summary_json(question: &Question, summary: &Summary, millis: u64) -> Value {
    let kinds: Vec<Value> = summary
        .kinds
        .iter()
        .map(|(fails_by, kind)| json!({ "fails_by": fails_by, "trials": kind.trials, "first": kind.first }))
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "era": question.era.to_string(),
        "profile": question.profile.name(),
        "trials": summary.trials,
        "failing": summary.failing,
        "events": summary.events,
        "hash": format!("{:016x}", summary.hash),
        "millis": millis,
        "kinds": kinds,
        "causes": summary.causes.iter().map(|(cause, kind)| {
            json!({ "cause": cause_json(cause), "trials": kind.trials, "first": kind.first })
        }).collect::<Vec<_>>(),
        "unattributed": summary.unattributed,
        "from_one_seed_alone": summary.alone,
        "excused": summary.excused,
        "declared": summary.declared.iter().map(|(by, (records, trials))| {
            json!({ "by": by, "records": records, "trials": trials })
        }).collect::<Vec<_>>(),
        "never_seen": summary.coverage.silent(),
    })
}
