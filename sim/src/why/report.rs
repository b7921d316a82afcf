//! What `trial why` says: the slice, the counterfactual and the chances, in words and as data.

use super::case::Case;
use super::chances::{Chance, jump};
use super::change::Change;
use super::cure::{Cure, Reason};
use super::failure::Failure;
use super::otherwise::{Ruled, Spared};
use super::slice::{Slice, Told};
use crate::scenario::step::Step;
use crate::trace::layout::{PAGE, wrapped};
use serde_json::{Value, json};

/// All that was found.
pub struct Why {
    /// The case.
    pub case: Case,
    /// How it fails.
    pub failure: Failure,
    /// Why.
    pub reason: Reason,
    /// The slice.
    pub slice: Slice,
    /// What comes out with each later rule.
    pub rules: Vec<Ruled>,
    /// What comes out without each step.
    pub steps: Vec<Spared>,
    /// How likely it was.
    pub chances: Vec<Chance>,
}

/// Columns of the plot, at most.
const COLUMNS: usize = 72;
/// Heights of a block.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Lines of the plot.
const ROWS: usize = 4;
/// So many steps without which it still breaks are named.
const NEEDLESS: usize = 6;

/// In words.
pub fn text(why: &Why) -> String {
    let mut lines = vec![
        format!("{} in {}, seed {}", why.failure, why.case.release, why.case.seed),
        String::new(),
        "What led to it".to_owned(),
    ];
    let width = why.slice.told.iter().map(|told| told.who.chars().count()).max().unwrap_or(0);
    lines.extend(why.slice.told.iter().map(|told| line(told, width)));
    lines.push(String::new());
    lines.push("What if".to_owned());
    otherwise(why, &mut lines);
    if !why.chances.is_empty() {
        lines.push(String::new());
        lines.extend(plot(why));
    }
    lines.join("\n") + "\n"
}

/// One line of the slice.
fn line(told: &Told, width: usize) -> String {
    let rule = told.decided.map_or(String::new(), |rule| format!("   rule {}: {}", rule.rule, rule.value));
    let text = match told.who.is_empty() {
        true => format!(
            "{:>6}  {}{}{rule}",
            told.at.millis(),
            if told.event.is_none() && !told.text.starts_with("VIOLATED") { "── " } else { "" },
            told.text
        ),
        false => format!("{:>6}  {:<width$}  {}{rule}", told.at.millis(), told.who, told.text),
    };
    match text.chars().count() > 2 * PAGE {
        true => text.chars().take(2 * PAGE).chain(['…']).collect(),
        false => text,
    }
}

fn otherwise(why: &Why, lines: &mut Vec<String>) {
    let mended: Vec<&Ruled> = why.rules.iter().filter(|ruled| ruled.breaks == Some(false)).collect();
    for ruled in &mended {
        let change = &ruled.change;
        let (to, source, since) = (change.to, change.source, change.since);
        lines.push(format!("  with {}: {to} ({source}, {since}) it holds", change.rule));
    }
    let breaks: Vec<&str> = why
        .rules
        .iter()
        .filter(|ruled| ruled.breaks == Some(true))
        .map(|ruled| ruled.change.source)
        .collect();
    let mut unique: Vec<&str> = Vec::new();
    for source in breaks {
        if source.starts_with('K')
            && !unique.contains(&source)
            && !mended.iter().any(|ruled| ruled.change.source == source)
        {
            unique.push(source);
        }
    }
    if !unique.is_empty() {
        let text =
            format!("  with any other rule of a later release alone it still breaks: {}", unique.join(", "));
        lines.extend(indented(&text));
    }
    if mended.is_empty() {
        let mends = match &why.reason {
            Reason::MendedBy(cure) => format!("with {cure} it holds"),
            unattributed => unattributed.to_string(),
        };
        lines.extend(indented(&mends));
    }
    let all = |breaks: Option<bool>| {
        let mut words: Vec<String> = Vec::new();
        for spared in why.steps.iter().filter(|spared| spared.breaks == breaks) {
            let step = in_words(&spared.step);
            if !words.contains(&step) {
                words.push(step);
            }
        }
        words
    };
    for step in all(Some(false)) {
        lines.extend(indented(&format!("without {step} it holds")));
    }
    for step in all(None) {
        lines.extend(indented(&format!("without {step} it cannot be run")));
    }
    let needless = all(Some(true));
    match &needless[..] {
        [] => {}
        [step] => lines.extend(indented(&format!("without {step} it still breaks"))),
        [.., last] if needless.len() <= NEEDLESS => {
            let others = needless[..needless.len() - 1].join(", ");
            lines.extend(indented(&format!("without {others} or {last} it still breaks")));
        }
        _ => {
            let count = needless.len();
            lines.extend(indented(&format!("without any one of {count} other steps it still breaks")));
        }
    }
}

fn indented(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let lines = wrapped(text, PAGE - 6).into_iter().enumerate();
    lines.map(|(index, line)| format!("{}{line}", if index == 0 { "  " } else { "      " })).collect()
}

/// A step, as its file says it.
fn in_words(step: &Step) -> String {
    let value = serde_json::to_value(step).expect("a step is JSON");
    let entry = value.as_object().and_then(|entries| entries.iter().next());
    match entry {
        Some((verb, Value::String(of))) => format!("`{verb} {of}`"),
        Some((verb, argument)) => format!(
            "`{verb} {}`",
            argument.to_string().replace('"', "").replace(',', ", ").replace(':', ": ")
        ),
        None => "a step".to_owned(),
    }
}

/// The chances as blocks, a column for each moment.
fn plot(why: &Why) -> Vec<String> {
    let chances = &why.chances;
    let futures = chances[0].futures;
    let mut lines =
        vec![format!("How likely it was: of {futures} futures from each of {} moments", chances.len())];
    let every = chances.len().div_ceil(COLUMNS).max(1);
    // The highest of those that share a column.
    let columns: Vec<u32> =
        chances.chunks(every).map(|chunk| chunk.iter().map(Chance::percent).max().unwrap_or(0)).collect();
    // What is certain all the time needs one line.
    let is_flat = columns.iter().all(|percent| *percent == 100);
    let rows = if is_flat { 1 } else { ROWS };
    for row in (0..rows).rev() {
        let label = match row {
            row if row == rows - 1 => "100 %".to_owned(),
            0 => "  0 %".to_owned(),
            _ => "     ".to_owned(),
        };
        let block = |percent: &u32| {
            let eighths = (percent * (rows * 8) as u32).div_ceil(100) as usize;
            BLOCKS[eighths.saturating_sub(row * 8).min(8)]
        };
        let blocks: String = columns.iter().map(block).collect();
        lines.push(format!("  {label} │{}", blocks.trim_end()));
    }
    let (first, last) = (chances[0].at.millis(), chances[chances.len() - 1].at.millis());
    lines.push(format!("        └{}", "─".repeat(columns.len())));
    let (first, last) = (format!("{first} ms"), format!("{last} ms"));
    let gap = columns.len().saturating_sub(first.len() + last.len()).max(1);
    lines.push(format!("         {first}{}{last}", " ".repeat(gap)));
    lines.push(match jump(chances) {
        Some((place, from, to)) => {
            let (before, chance) = (&chances[place - 1], &chances[place]);
            let step = why.case.plan.steps.get(chance.step).map_or(String::new(), in_words);
            format!(
                "  It was decided between {} and {} ms, in step {} {step}: {from} % before, {to} % after.",
                before.at.millis(),
                chance.at.millis(),
                chance.step + 1
            )
        }
        None if chances.iter().all(|chance| chance.failed == chance.futures) => {
            "  It was decided by the steps: every future of every moment breaks.".to_owned()
        }
        None => "  There is no moment that decided it: the chance nowhere rises by a quarter.".to_owned(),
    });
    lines
        .into_iter()
        .flat_map(|line| if line.chars().count() > PAGE { wrapped(&line, PAGE) } else { vec![line] })
        .collect()
}

/// As data.
pub fn data(why: &Why) -> Value {
    let told = |told: &Told| {
        json!({
            "ms": told.at.millis(), "event": told.event.map(|event| event.0), "who": told.who, "text": told.text,
            "rule": told.decided.map(|rule| json!({ "name": rule.rule, "value": rule.value })),
        })
    };
    let ruled = |ruled: &Ruled| {
        let change = &ruled.change;
        json!({
            "rule": change.rule, "value": change.to, "instead_of": change.from, "source": change.source,
            "since": change.since.to_string(), "breaks": ruled.breaks,
        })
    };
    let spared =
        |spared: &Spared| json!({ "index": spared.index, "step": spared.step, "breaks": spared.breaks });
    let chance = |chance: &Chance| {
        json!({
            "ms": chance.at.millis(), "events": chance.events, "step": chance.step, "failed": chance.failed,
            "futures": chance.futures,
        })
    };
    let rules = |changes: &[Change]| {
        let rules = changes.iter().map(|change| {
            let (rule, to, since) = (change.rule, change.to, change.since.to_string());
            json!({ "rule": rule, "value": to, "source": change.source, "since": since })
        });
        rules.collect::<Vec<_>>()
    };
    let reason = match &why.reason {
        Reason::MendedBy(Cure { rules: changes, known, release }) => {
            let known: Vec<&str> = known.iter().map(|known| known.name).collect();
            let mut reason = json!({ "rules": rules(changes) });
            if !known.is_empty() {
                reason["known"] = json!(known);
            }
            if let Some(release) = release {
                reason["release"] = json!(release.to_string());
            }
            reason
        }
        Reason::Unattributed(why) => json!({ "unattributed": why.as_deref() }),
    };
    json!({
        "failure": why.failure.name(), "era": why.case.release.to_string(), "seed": why.case.seed, "reason": reason,
        "record": why.slice.record,
        "slice": why.slice.told.iter().map(told).collect::<Vec<_>>(),
        "rules": why.rules.iter().map(ruled).collect::<Vec<_>>(),
        "steps": why.steps.iter().map(spared).collect::<Vec<_>>(),
        "chances": why.chances.iter().map(chance).collect::<Vec<_>>(),
    })
}
