//! The causal slice: the few events without which the failure would not have happened, in the story's words.
//!
//! Backwards from what is claimed and not so:
//!
//! 1. the event after which it was seen, and the one that removed the last copy of what it is about: each with the rule that
//!    decided;
//! 2. what had been promised: the record's append and its acknowledgement;
//! 3. from each of these the chain of causes: every event knows the one that caused it, a message, a command or an alarm;
//!    of the chain what the story would tell;
//! 4. the steps of the plan without which it does not fail ([`super::otherwise`]): faults among them;
//! 5. of a failure to come to rest where its partition stood last, and what was sent.
//!
//! Everything else is left out, and if that is still too much, what is least telling.

use super::case::{Case, era_of};
use super::failure::Failure;
use crate::checkers::Violation;
use crate::checkers::audit::{Audited, Fate};
use crate::scenario::problem::Problem;
use crate::scenario::run::{Going, Gone, Keep, go};
use crate::scenario::step::Step;
use crate::trace::Zoom;
use crate::trace::recorder::{Entry, Line};
use crate::world::{EventId, World};
use kafka::note::Decided;
use kafka::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What is part of every such chain and says nothing of this one.
const DULL: &[&str] = &[
    "takes event",
    "watch on",
    "compares",
    "OnlineReplica",
    "OnlinePartition",
    "starts after",
    "registers as",
];

/// Words of lines that say where a partition stands.
const STANDS: &[&str] = &["ISR {", "leads ", ": leader ", "NO leader", "high watermark "];

/// So many such lines are told.
const LAST: usize = 4;

/// No slice is longer.
pub const LONGEST: usize = 15;

/// One event of the slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// When.
    pub at: Time,
    /// The event; `None` for a step of the plan.
    pub event: Option<EventId>,
    /// Who; empty for a step.
    pub who: String,
    /// What.
    pub text: String,
    /// The rule that decided.
    pub decided: Option<Decided>,
    /// Why it is told.
    pub part: Part,
    /// Its place among the entries of the story.
    pub entry: usize,
}

/// What an event is to the failure.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// The claim that is not so.
    Claim,
    /// What removed a copy.
    Removal,
    /// What was promised.
    Promise,
    /// A step of the plan.
    Step,
    /// Somebody leads from now on.
    Election,
    /// What led to it.
    Cause,
}

/// The slice, and where in the story the steps begin.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Its events, in order.
    pub told: Vec<Told>,
    /// How many entries the story had when each step of the plan began, and when the last had ended.
    pub entries: Vec<usize>,
    /// What the record is called that it is about.
    pub record: Option<String>,
    /// The report of the violation.
    pub report: Vec<String>,
}

/// Slices a case. `needed`: the steps of its plan without which it does not fail.
///
/// # Errors
/// If the case cannot be.
pub fn slice(case: &Case, failure: &Failure, needed: &BTreeSet<usize>) -> Result<Slice, Problem> {
    let ready = case.ready()?;
    let mut causes = BTreeMap::new();
    let mut note = |world: &World| {
        causes.insert(EventId(world.events() - 1), world.cause());
        true
    };
    let going = Going {
        record: true,
        forgiving: true,
        keep: Keep::Steps,
        onlooker: Some(&mut note),
        ..Going::default()
    };
    let gone = go(&ready, era_of(&ready), case.seed, going);
    let told = tell(&gone, failure, &causes, &case.plan.steps, needed);
    let is_it = |violation: &&Violation| *failure == Failure::Violates(violation.property);
    let report = match gone.result.violations.iter().find(is_it) {
        Some(violation) => violation.report.clone(),
        None => gone.result.audit.lost().take(1).filter_map(|(record, _)| how_lost(record)).collect(),
    };
    Ok(Slice {
        told,
        entries: gone.forks.iter().map(|fork| fork.world.recorder.entries().len()).collect(),
        record: record(&gone, failure),
        report,
    })
}

/// What became of a lost record, in a sentence.
fn how_lost(record: &Audited) -> Option<String> {
    let Fate::Lost { declared, how } = &record.fate else { return None };
    let by = declared.map_or(String::new(), |by| format!(", as {by} allows"));
    Some(format!("{} is lost{by}: {how}.", record.name))
}

/// What the record is called that a failure is about.
fn record(gone: &Gone, failure: &Failure) -> Option<String> {
    let (partition, batch) = failure.about(&gone.result)?;
    let of_batch = |record: &&Audited| record.partition == partition && record.batch == Some(batch);
    let found = gone.result.audit.records.iter().find(of_batch);
    found.map(|record| record.name.to_string())
}

fn tell(
    gone: &Gone,
    failure: &Failure,
    causes: &BTreeMap<EventId, EventId>,
    steps: &[Step],
    needed: &BTreeSet<usize>,
) -> Vec<Told> {
    let result = &gone.result;
    let entries = result.world.recorder.entries();
    let name = record(gone, failure);
    let violation =
        result.violations.iter().find(|violation| *failure == Failure::Violates(violation.property));
    let seen_at = violation.map_or(result.ended, |violation| violation.at);
    let about = failure.about(result);
    let drops: Vec<(Time, String)> = about
        .iter()
        .flat_map(|(partition, batch)| {
            let ghost = result.world.checks.history.get(*partition);
            let drops = ghost.into_iter().flat_map(|ghost| ghost.drops.iter());
            let own = drops.filter(|drop| drop.batch == *batch && drop.at <= seen_at);
            own.map(|drop| (drop.at, result.world.nodes.name(drop.node).to_owned())).collect::<Vec<_>>()
        })
        .collect();
    // One failure breaks several properties on its way: each says where it stood then.
    let on_the_way = |own: &&Violation| match (violation, &about) {
        (Some(violation), _) => {
            own.partition == violation.partition
                && own.offset == violation.offset
                && own.event <= violation.event
        }
        (None, Some((partition, batch))) => own.partition == *partition && own.offset == batch.base_offset,
        (None, None) => false,
    };
    let way: Vec<&Violation> = result.violations.iter().filter(on_the_way).collect();
    let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
    let mut give = |index: usize, part: Part| {
        let known = parts.entry(index).or_insert(part);
        *known = part.min(*known);
    };
    let mut roots: BTreeSet<EventId> = way.iter().map(|violation| violation.event).collect();
    // What is promised is told once: the first append and the first acknowledgement.
    let (mut appended, mut acked) = (false, false);
    for (index, entry) in entries.iter().enumerate() {
        match entry {
            Entry::Violated { at, property, .. }
                if way.iter().any(|own| own.at == *at && own.property == property) =>
            {
                give(index, Part::Claim);
            }
            Entry::Line(line) if line.at <= seen_at && line.zoom == Zoom::Story => {
                let text = line.text();
                let is_about = name.as_ref().is_some_and(|name| mentions(&text, name));
                let is_drop = drops.iter().any(|(at, node)| line.at == *at && line.who == *node);
                if is_drop && (is_removal(line) || is_about) {
                    give(index, Part::Removal);
                    roots.insert(line.event);
                } else if is_about && text.contains("appends") && !appended {
                    appended = true;
                    give(index, Part::Promise);
                } else if is_about && text.contains(" acked") && line.decided.is_none() && !acked {
                    acked = true;
                    give(index, Part::Promise);
                } else if text.starts_with("leads ") && way.iter().any(|own| own.event == line.event) {
                    give(index, Part::Election);
                }
            }
            _ => {}
        }
    }
    // What never comes to rest has lost no record: where its partition stood last.
    if failure.is_of_liveness()
        && let Some(violation) = violation
    {
        let own = violation.partition.to_string();
        let stands = |entry: &Entry| match entry {
            Entry::Line(line) => {
                let text = line.text();
                let of_another = text.split_once(": ").is_some_and(|(of, _)| is_partition(of) && of != own);
                line.zoom == Zoom::Story
                    && line.at <= seen_at
                    && !of_another
                    && STANDS.iter().any(|word| text.contains(word))
            }
            _ => false,
        };
        let last: Vec<usize> =
            entries.iter().enumerate().filter(|(_, entry)| stands(entry)).map(|(index, _)| index).collect();
        for index in last.iter().rev().take(LAST) {
            give(*index, Part::Election);
            if let Entry::Line(line) = &entries[*index] {
                roots.insert(line.event);
            }
        }
    }
    let chain = chain(&roots, causes);
    for (index, entry) in entries.iter().enumerate() {
        if let Entry::Line(line) = entry
            && line.zoom == Zoom::Story
            && line.at <= seen_at
            && chain.contains(&line.event)
            && !DULL.iter().any(|dull| line.text().contains(dull))
        {
            let leads = line.text().starts_with("leads ") || line.text().contains(": leader ");
            give(index, if leads { Part::Election } else { Part::Cause });
        }
    }
    let mut told: Vec<(usize, Told)> =
        parts.iter().map(|(index, part)| (*index, of_entry(*index, &entries[*index], *part))).collect();
    let tells = |step: &Step| is_fault(step) || failure.is_of_liveness() && matches!(step, Step::Produce(_));
    for (index, heading, at) in headings(gone) {
        if at <= seen_at && needed.contains(&index.1) && tells(&steps[index.1]) {
            let text = heading.to_owned();
            told.push((
                index.0,
                Told {
                    at,
                    event: None,
                    who: String::new(),
                    text,
                    decided: None,
                    part: Part::Step,
                    entry: index.0,
                },
            ));
        }
    }
    told.sort_by_key(|(index, told)| (told.at, *index));
    shorten(told.into_iter().map(|(_, told)| told).collect())
}

/// Whether a text speaks of a record: `m1`, and not only of `m12`.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).any(|word| word == name)
}

/// Whether a word is the name of a partition: `t-0`.
fn is_partition(word: &str) -> bool {
    let number = word.rsplit_once('-').map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_removal(line: &Line) -> bool {
    let text = line.text();
    ["TRUNCATES", "drops", "LOSES POWER", "DAMAGED"].iter().any(|word| text.contains(word))
}

/// All events that led to these.
fn chain(roots: &BTreeSet<EventId>, causes: &BTreeMap<EventId, EventId>) -> BTreeSet<EventId> {
    let mut chain = BTreeSet::new();
    for root in roots {
        let mut event = *root;
        // An event is caused by an earlier one: this ends.
        while chain.insert(event) {
            match causes.get(&event) {
                Some(cause) if *cause < event => event = *cause,
                _ => break,
            }
        }
    }
    chain
}

fn of_entry(index: usize, story: &Entry, part: Part) -> Told {
    let entry = index;
    match story {
        Entry::Line(line) => {
            let Line { at, event, who, decided, .. } = line;
            let text = line.text();
            Told { at: *at, event: Some(*event), who: who.clone(), text, decided: *decided, part, entry }
        }
        Entry::Violated { at, property, report } => {
            let text = report.last().map_or(String::new(), |last| format!(": {last}"));
            let text = format!("VIOLATED {property}{text}");
            Told { at: *at, event: None, who: String::new(), text, decided: None, part, entry }
        }
        _ => unreachable!("only facts and violations are told"),
    }
}

/// The heading of each step: (place among the entries, step), its words, its moment.
fn headings(gone: &Gone) -> Vec<((usize, usize), &str, Time)> {
    let entries = gone.result.world.recorder.entries();
    let before = gone.forks.iter().map(|fork| (fork.step, fork.world.recorder.entries().len()));
    let places: Vec<(usize, usize)> = before.collect();
    let heading = |pair: &[(usize, usize)]| {
        let ((step, from), (_, until)) = (pair[0], pair[1]);
        entries[from..until].iter().enumerate().find_map(|(place, entry)| match entry {
            Entry::Step { at, heading } => Some(((from + place, step), heading.as_str(), *at)),
            _ => None,
        })
    };
    places.windows(2).filter_map(heading).collect()
}

/// Whether a step does something to the cluster, rather than let time pass or records be sent.
pub fn is_fault(step: &Step) -> bool {
    !matches!(
        step,
        Step::RunFor(_)
            | Step::RunUntil(_)
            | Step::Expect(_)
            | Step::Say(_)
            | Step::Ask(_)
            | Step::Answer(_)
            | Step::Produce(_)
            | Step::Workload(_)
            | Step::Resend(_)
            | Step::Consume(_)
            | Step::When(_)
    )
}

/// Leaves out what is least telling: causes, the earliest of them first.
fn shorten(mut told: Vec<Told>) -> Vec<Told> {
    told.dedup_by(|one, other| (&one.who, &one.text, one.at) == (&other.who, &other.text, other.at));
    while told.len() > LONGEST {
        let least = told.iter().map(|told| told.part).max().expect("there are some");
        let place = told.iter().position(|told| told.part == least).expect("it is one of them");
        told.remove(place);
    }
    told
}
