//! What later releases decide otherwise: the rules with which a case is run again.

use super::case::Case;
use crate::scenario::eras::Override;
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::{RuleValue, Rules};
use std::fmt;

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

/// Every value that a rule has in a later release and not in this case, in the ladder's order.
pub fn later(case: &Case) -> Vec<Change> {
    let own = rules_of(case).values();
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
pub fn rules_of(case: &Case) -> Rules {
    let mut rules = Rules::of(case.release);
    for (rule, value) in case.plan.rules.0.iter().chain(&case.rules) {
        rules.set(rule, value).expect("rules are checked before");
    }
    rules
}

/// The releases from this one on that can run, in the ladder's order.
pub fn rungs(from: Release) -> impl Iterator<Item = Release> + Clone {
    let on = RELEASES.iter().copied().skip_while(move |release| *release != from);
    on.filter(|release| Era::of(*release).has_zookeeper())
}

/// Changes as overrides.
pub fn overrides(changes: &[Change]) -> Vec<Override> {
    changes.iter().map(Change::as_override).collect()
}

/// Of these, what the newest release has.
pub fn up_to_date(case: &Case, changes: &[Change]) -> Vec<Change> {
    let newest = rungs(case.release).last().expect("a case can run");
    let values = Rules::of(newest).values();
    changes.iter().filter(|change| values.contains(&(change.rule, change.to))).cloned().collect()
}
