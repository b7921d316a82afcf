//! A run in words: its story, its line in the table of eras, its object for programs.

use super::compare::{differences, fits};
use super::decisive::{differences as differences_of_eras, neighbours};
use super::file::Verdict;
use super::run::{Aborted, RunResult};
use super::validate::Ready;
use crate::trace::Zoom;
use crate::trace::layout::{PAGE, table, wrapped};
use crate::trace::story::{Ending, Telling, tell};
use crate::world::World;
use kafka::era::Era;
use kafka::rules::Rules;
use serde_json::{Value, json};

/// As wide are the columns of rules in a table of eras, at most: the rest of the page is for what came out.
const ROOM_FOR_RULES: usize = 72;

/// The story of a recorded run, with its verdict.
pub fn story(ready: &Ready, result: &RunResult, zoom: Zoom, color: bool) -> String {
    let mut verdict = vec![format!("verdict: {}", in_full(result))];
    if let Some(unmet) = &result.unmet {
        let mut lines = unmet.to_string().lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
        verdict[0] += &format!(": {}", lines.next().unwrap_or_default());
        verdict.extend(lines);
    }
    let ending = Some(Ending { audit: &result.audit, longest_wait: result.longest_wait, verdict: &verdict });
    let otherwise = neighbours(ready, result).into_iter().map(|(era, deciding)| {
        let of = |rule: &'static str| {
            let values = era.rules.values();
            let value = values.iter().find(|(name, _)| *name == rule).map_or("", |(_, value)| *value);
            format!("{rule}: {value}")
        };
        format!("{era} comes out otherwise by {}", deciding.in_words(of))
    });
    telling(ready, &result.era, &result.world, ending, otherwise.collect(), zoom, color)
}

/// The story of a recorded run that was broken off, up to there.
pub fn story_so_far(ready: &Ready, aborted: &Aborted, zoom: Zoom, color: bool) -> String {
    telling(ready, &aborted.era, &aborted.world, None, Vec::new(), zoom, color)
}

/// The story of a recorded run that somebody has ended, up to there: it has no verdict.
pub fn story_until(ready: &Ready, result: &RunResult, zoom: Zoom, color: bool) -> String {
    telling(ready, &result.era, &result.world, None, Vec::new(), zoom, color)
}

fn telling(
    ready: &Ready,
    era: &Era,
    world: &World,
    ending: Option<Ending<'_>>,
    otherwise: Vec<String>,
    zoom: Zoom,
    color: bool,
) -> String {
    let scenario = ready.scenario();
    let own = Rules::of(era.release).values();
    // Only what is decided otherwise than the release would is part of the scenario's heading.
    let rules = era.rules.values().into_iter().filter(|value| !own.contains(value));
    tell(&Telling {
        title: &scenario.title,
        about: &scenario.about,
        era: era.to_string(),
        set: &ready.set,
        otherwise,
        rules: rules.map(|(name, value)| (name.to_owned(), format!("{value} (override)"))).collect(),
        recorder: &world.recorder,
        nodes: &world.nodes,
        ending,
        zoom,
        color,
    })
}

/// The verdict of a run, and whether it was reached.
pub fn in_full(result: &RunResult) -> String {
    let verdict = &result.verdict;
    match (&result.unmet, verdict.holds()) {
        (Some(_), true) => "not reached".to_owned(),
        (Some(_), false) => format!("{verdict}; not reached"),
        (None, _) => verdict.to_string(),
    }
}

/// Whether a promise is broken: a violation, or a loss that nobody declared.
pub fn is_broken(result: &RunResult) -> bool {
    let undeclared = result.audit.lost().any(|(_, declared)| declared.is_none());
    !result.verdict.violates.is_empty() || undeclared || result.unmet.is_some()
}

/// Names of the records that are kept, in the order in which they were sent.
fn kept(result: &RunResult) -> String {
    let named = |name: &str| !name.ends_with(" bytes");
    let mut kept = Vec::new();
    let mut others = 0;
    for record in result.audit.records.iter().filter(|record| record.fate.is_kept()) {
        match named(&record.name) {
            true => kept.push(record.name.to_string()),
            false => others += 1,
        }
    }
    if others > 0 {
        kept.push(format!("{others} batches"));
    }
    kept.join(" ")
}

/// The table of eras: a line each, the rules that differ between them and decide, the verdict, what is kept. First stand
/// the rules that make a difference of verdicts, then those that decided something. Rules for which there is no room are
/// named below, and which rule makes which difference.
pub fn era_table(ready: &Ready, results: &[RunResult]) -> String {
    let deciding = if ready.set.is_empty() { differences_of_eras(ready, results) } else { Vec::new() };
    let decided = |rule: &str| {
        results
            .iter()
            .any(|result| result.world.recorder.decided().iter().any(|decided| decided.rule == rule))
    };
    let value = |result: &RunResult, index: usize| result.era.rules.values()[index].1;
    let differs = |index: usize| {
        let mut values = results.iter().map(|result| value(result, index));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let rules = Rules::list();
    let is_decisive =
        |index: &usize| deciding.iter().any(|(_, _, deciding)| deciding.rules.contains(&rules[*index].name));
    let mut columns: Vec<usize> = (0..rules.len()).filter(is_decisive).collect();
    let mut noted: Vec<usize> =
        (0..rules.len()).filter(|index| !is_decisive(index) && decided(rules[*index].name)).collect();
    if !columns.is_empty() || noted.iter().any(|index| differs(*index)) {
        noted.retain(|index| differs(*index));
    }
    columns.extend(noted);
    let width = |index: &usize| {
        let values = results.iter().map(|result| value(result, *index).len());
        values.chain([rules[*index].name.len()]).max().unwrap_or(0) + 2
    };
    let mut more = Vec::new();
    while columns.iter().map(width).sum::<usize>() > ROOM_FOR_RULES {
        more.extend(columns.pop().map(|index| rules[index].name));
    }
    let head = ["era".to_owned()].into_iter();
    let head = head.chain(columns.iter().map(|index| rules[*index].name.to_owned()));
    let mut rows = vec![head.chain(["keeps".to_owned(), "verdict".to_owned()]).collect::<Vec<_>>()];
    let written = |result: &RunResult| match ready.verdict(&result.era) {
        Some(written) if !fits(written, &result.verdict) => written.to_string(),
        Some(_) => "the same".to_owned(),
        None => String::new(),
    };
    if !ready.set.is_empty() {
        rows[0].push("written".to_owned());
    }
    for result in results {
        let mut row = vec![result.era.to_string()];
        row.extend(columns.iter().map(|index| value(result, *index).to_owned()));
        row.extend([kept(result), in_full(result)]);
        if !ready.set.is_empty() {
            row.push(written(result));
        }
        rows.push(row);
    }
    let (keeps, verdict) = (columns.len() + 1, columns.len() + 2);
    let mut text = table(&rows, &[verdict, keeps, verdict + 1]);
    let mut below = Vec::new();
    if !more.is_empty() {
        more.reverse();
        below.push(format!("These rules decided and differ, too: {}.", more.join(", ")));
    }
    below.extend(deciding.iter().map(|(earlier, later, deciding)| {
        let (earlier, later) = (&results[*earlier].era, &results[*later].era);
        match deciding.rules.is_empty() {
            true => {
                format!("{earlier} → {later}: it takes more than rules; messages or settings changed, too.")
            }
            false => {
                format!("{earlier} → {later}: {} makes the difference.", deciding.in_words(str::to_owned))
            }
        }
    }));
    for line in below {
        text += &wrapped(&line, PAGE).iter().map(|line| format!("{line}\n")).collect::<String>();
    }
    text
}

/// The eras that came to the same, a row each: eras, verdict, and a last cell (whether it is as written).
pub fn by_verdict(runs: &[(String, String, String)]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (era, verdict, last) in runs {
        match rows.iter_mut().find(|row| row[1] == *verdict && row[2] == *last) {
            Some(row) => row[0] += &format!(" {era}"),
            None => rows.push(vec![format!("  {era}"), verdict.clone(), last.clone()]),
        }
    }
    rows
}

/// A run for programs.
pub fn json(ready: &Ready, result: &RunResult, expected: Option<&Verdict>) -> Value {
    let source = &ready.parsed.source;
    let verdict = |verdict: &Verdict| {
        json!({
            "holds": verdict.holds(),
            "violates": verdict.violates,
            "loses": verdict.loses,
            "by": verdict.by.map(|by| by.name()),
        })
    };
    let violations: Vec<Value> = result
        .violations
        .iter()
        .map(|violation| {
            json!({
                "property": violation.property,
                "partition": violation.partition.to_string(),
                "offset": violation.offset.0,
                "at_ms": violation.at.millis(),
                "report": violation.report,
            })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": source.name,
        "scenario_hash": format!("{:016x}", source.hash()),
        "era": result.era.to_string(),
        "seed": result.seed,
        "hash": format!("{:016x}", result.hash),
        "events": result.events,
        "virtual_ms": result.virtual_millis(),
        "verdict": verdict(&result.verdict),
        "nameless_losses": result.nameless_losses,
        "expected": expected.map(verdict),
        "differences": differences(expected, result),
        "violations": violations,
        "unmet": result.unmet.as_ref().map(|unmet| json!({
            "what": unmet.what, "instead": unmet.instead, "place": unmet.place
        })),
    })
}
