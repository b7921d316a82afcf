//! Attribution: which rule of a later release mends a failure.
//!
//! 1. Every value that a later release of the ladder has of a rule is tried alone, in the ladder's order: the case is run
//!    again with that one rule decided so. If the failure is gone, that rule *mended* it.
//! 2. A change of one rule also changes moments, and a failure that hangs on one may go by accident. So the rule must
//!    keep the failure away from [`NEIGHBOURS`] more seeds, too.
//! 3. If no single rule does, rung by rung: all rules of a later release together, and of those the ones that are needed;
//!    and the whole release, for a rule may need a field that only a newer version of a message has.
//! 4. If a whole release mends it, the rules that decide are those with whose old value it breaks there, too. There may be
//!    none: then it is something else that the release changed, such as the default of a setting.
//! 5. Else it is unattributed, and told by what removed the last copy.

use super::case::Case;
use super::failure::Failure;
use crate::scenario::decisive::needed;
use crate::scenario::eras::Override;
use crate::scenario::run::Budget;
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::{RuleValue, Rules};
use std::fmt;
use std::sync::Arc;

/// So many more seeds from which a rule must keep the failure away.
pub const NEIGHBOURS: u64 = 12;

/// A rule that a later release decides otherwise.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Change {
    /// The rule.
    pub rule: &'static str,
    /// What it is in the failing era.
    pub from: &'static str,
    /// What it is later.
    pub to: &'static str,
    /// The KIP or KAFKA number.
    pub source: &'static str,
    /// The first release of the ladder after the failing one that has it.
    pub since: Release,
}

impl Change {
    /// As an override.
    pub fn as_override(&self) -> Override {
        (self.rule.to_owned(), self.to.to_owned())
    }

    /// What is known of the later value.
    pub fn value(&self) -> RuleValue {
        value_of(self.rule, self.to)
    }

    /// What is known of the value of the failing era.
    pub fn value_before(&self) -> RuleValue {
        value_of(self.rule, self.from)
    }
}

fn value_of(rule: &str, name: &str) -> RuleValue {
    let rules = Rules::list();
    let info = rules.iter().find(|info| info.name == rule).expect("the rule exists");
    *info.values.iter().find(|value| value.name == name).expect("the value exists")
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}, {})", self.rule, self.to, self.source, self.since)
    }
}

/// Why something fails: what makes it hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// This rule, or these together.
    Rules(Vec<Change>),
    /// This release as a whole, by these of its rules; by none if it is something else that it changed.
    Release(Release, Vec<Change>),
    /// Nothing later mends it. What removed the last copy.
    Unattributed(Option<Arc<str>>),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Rules(changes) => write!(f, "{}", listed(changes)),
            Reason::Release(release, changes) if changes.is_empty() => {
                write!(f, "something that {release} changed beside the rules")
            }
            Reason::Release(_, changes) => {
                write!(f, "{}, with the messages of that release", listed(changes))
            }
            Reason::Unattributed(Some(why)) => write!(f, "no later release mends it; {why}"),
            Reason::Unattributed(None) => write!(f, "no later release mends it"),
        }
    }
}

impl Reason {
    /// The rules that decide, as they are later.
    pub fn changes(&self) -> &[Change] {
        match self {
            Reason::Rules(changes) | Reason::Release(_, changes) => changes,
            Reason::Unattributed(_) => &[],
        }
    }
}

fn listed(changes: &[Change]) -> String {
    let texts: Vec<String> = changes.iter().map(Change::to_string).collect();
    texts.join(" together with ")
}

/// Every value that a rule has in a later release and not in this case, in the ladder's order.
pub fn later(case: &Case) -> Vec<Change> {
    let own = rules_of(case);
    let mut changes: Vec<Change> = Vec::new();
    for release in rungs(case.release) {
        for ((rule, from), (_, to)) in own.iter().zip(Rules::of(release).values()) {
            if *from == to || changes.iter().any(|known| (known.rule, known.to) == (*rule, to)) {
                continue;
            }
            let mut change = Change { rule, from, to, source: "", since: release };
            change.source = change.value().source;
            changes.push(change);
        }
    }
    changes
}

/// The rules of a case: its release's, but for those that are decided otherwise.
fn rules_of(case: &Case) -> Vec<(&'static str, &'static str)> {
    let mut rules = Rules::of(case.release);
    for (rule, value) in case.plan.rules.0.iter().chain(&case.rules) {
        rules.set(rule, value).expect("rules are checked before");
    }
    rules.values()
}

/// The releases from this one on that can run, in the ladder's order.
pub fn rungs(from: Release) -> impl Iterator<Item = Release> + Clone {
    let on = RELEASES.iter().copied().skip_while(move |release| *release != from);
    on.filter(|release| Era::of(*release).has_zookeeper())
}

/// Whether a failure is gone, from the case's own seed and from its neighbours.
pub fn mends(case: &Case, failure: &Failure, budget: Budget) -> bool {
    case.fails(failure, budget) == Some(false)
        && (1..=NEIGHBOURS)
            .all(|more| case.from_seed(case.seed.wrapping_add(more)).fails(failure, budget) != Some(true))
}

/// Finds the first of so many for which something is so.
pub type First<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) -> bool + Sync)) -> Option<usize>;

/// Why a case fails. `first` finds the first of so many that is so: side by side, if there is anybody to do it.
pub fn attribute(
    case: &Case,
    failure: &Failure,
    last_copy: Option<Arc<str>>,
    budget: Budget,
    first: First<'_>,
) -> Reason {
    let changes = later(case);
    let alone = |index: usize| mends(&case.with(&[changes[index].as_override()]), failure, budget);
    if let Some(index) = first(changes.len(), &alone) {
        return Reason::Rules(vec![changes[index].clone()]);
    }
    // Rung by rung: its rules together, and then all of it.
    let releases: Vec<Release> = rungs(case.release).skip(1).collect();
    let rules_of_rung = |index: usize| rung(case, releases[index], &changes);
    let attempt = |index: usize| {
        let (rung, is_whole) = (index / 2, index % 2 == 1);
        if is_whole {
            return mends(&case.in_release(releases[rung]), failure, budget);
        }
        let together = rules_of_rung(rung);
        together.len() > 1 && mends(&case.with(&overrides(&together)), failure, budget)
    };
    match first(2 * releases.len(), &attempt) {
        Some(index) if index % 2 == 0 => {
            let mend = |changes: &[Change]| {
                !changes.is_empty() && mends(&case.with(&overrides(changes)), failure, budget)
            };
            Reason::Rules(needed(rules_of_rung(index / 2), mend))
        }
        Some(index) => {
            let release = releases[index / 2];
            let later = case.in_release(release);
            let decides = |change: &Change| {
                let old = (change.rule.to_owned(), change.from.to_owned());
                later.with(&[old]).fails(failure, budget) == Some(true)
            };
            Reason::Release(release, rules_of_rung(index / 2).into_iter().filter(decides).collect())
        }
        None => Reason::Unattributed(last_copy),
    }
}

/// The changes that a release has made altogether.
fn rung(case: &Case, release: Release, changes: &[Change]) -> Vec<Change> {
    let own = rules_of(case);
    let values = Rules::of(release).values();
    let differing = own.iter().zip(values).filter(|((_, from), (_, to))| from != to);
    differing
        .filter_map(|((rule, _), (_, to))| {
            changes.iter().find(|change| (change.rule, change.to) == (*rule, to)).cloned()
        })
        .collect()
}

/// Changes as overrides.
pub fn overrides(changes: &[Change]) -> Vec<Override> {
    changes.iter().map(Change::as_override).collect()
}
