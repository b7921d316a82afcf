//! Flaws that no release with ZooKeeper mends: each is known by a counterfactual of its own.
//!
//! A failure is attributed to a rule of a later release if that mends it ([`super::attribute`]). What was never mended
//! before KRaft, or cannot be, has an entry here instead: the same case, with one thing about it otherwise, in which the
//! flaw cannot show: a step of its plan, or a rule decided as no release decides it. The thing must be as small as possible,
//! for whatever else it keeps away is hidden with the flaw; each entry says what that is.
//!
//! **To add one**: a line in [`KNOWN`], and the function that changes a case; `None` if there is nothing in it to change.

use super::case::Case;
use crate::scenario::file::Scenario;
use crate::scenario::step::{DiskStep, Fault, Step, When};
use kafka::rules::Rules;
use std::fmt;

/// A flaw that no release of the ladder mends.
#[derive(Copy, Clone)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// The KIP or KAFKA number that describes or mends it.
    pub source: &'static str,
    /// What it is, in a sentence.
    pub about: &'static str,
    /// The same case without what the flaw needs.
    without: fn(&Case) -> Option<Case>,
}

/// Every one, in the order in which they are tried.
pub const KNOWN: &[Known] = &[
    Known {
        name: "page-cache",
        source: "KIP-966",
        about: "A record is acknowledged when it is in the page caches of the ISR. A replica that loses its page cache \
                stays in the ISR, and may be elected without the record (mended in 4.0, with KRaft).",
        without: written_back,
    },
    Known {
        name: "own-isr-write",
        source: "KIP-497",
        about: "A controller whose write of an ISR is answered too late writes again, meets its own write, and refuses: \
                the leader waits for an answer that no one sends (gone with ZooKeeper).",
        without: own_write_recognised,
    },
];

impl Known {
    /// The entry of this name.
    pub fn named(name: &str) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.name == name)
    }

    /// The same case without what the flaw needs; `None` if it has nothing of that.
    pub fn without(&self, case: &Case) -> Option<Case> {
        (self.without)(case)
    }
}

/// Every machine that loses power has written back its page cache just before. The moment of every event up to there stays
/// as it was, and no process behaves otherwise.
///
/// *What this hides*: a bug that shows only where a log lost its unflushed tail, such as a recovery that takes half a
/// record for a whole one. One that cuts a log which has lost nothing stays in sight.
fn written_back(case: &Case) -> Option<Case> {
    let mut count = 0;
    let steps = each(&case.plan.steps, &mut |step| match step {
        Step::PowerOff(off) => {
            count += 1;
            let written = Step::Disk(DiskStep { at: off.node.clone(), fault: Fault::WrittenBack });
            vec![written, step.clone()]
        }
        step => vec![step.clone()],
    });
    (count > 0).then(|| Case { plan: Scenario { steps, ..case.plan.clone() }, ..case.clone() })
}

/// The controller looks whether what it meets is its own write.
///
/// *What this hides*: nothing else; the rule is asked at this one place.
fn own_write_recognised(case: &Case) -> Option<Case> {
    with_rule(case, "own-isr-write", "recognised")
}

/// The case with one rule decided so; `None` if it is, or cannot be.
fn with_rule(case: &Case, rule: &str, value: &str) -> Option<Case> {
    let (rule, value) = (rule.to_owned(), value.to_owned());
    let mut rules = Rules::of(case.release);
    for (rule, value) in case.plan.rules.0.iter().chain(&case.rules) {
        rules.set(rule, value).ok()?;
    }
    let before = rules;
    rules.set(&rule, &value).ok()?;
    (rules != before).then(|| case.with(&[(rule, value)]))
}

/// Puts others in the place of each step, those of triggers too.
fn each(steps: &[Step], with: &mut dyn FnMut(&Step) -> Vec<Step>) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            Step::When(when) => {
                let steps = each(&when.steps, with);
                all.push(Step::When(When { condition: when.condition.clone(), steps }));
            }
            step => all.extend(with(step)),
        }
    }
    all
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_number_of_its_own() {
        for (index, known) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..index].iter().all(|other| other.name != known.name), "{}", known.name);
            assert!(known.source.starts_with("KIP-") || known.source.starts_with("KAFKA-"), "{}", known.name);
            assert!(Known::named(known.name).is_some() && known.about.ends_with('.'));
        }
    }
}
