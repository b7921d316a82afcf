//! Flaws that no release with ZooKeeper mends: each is known by a counterfactual of its own.
//!
//! A failure is attributed to a rule of a later release if that mends it ([`super::search`]). What was never mended
//! before KRaft, or cannot be, has an entry here instead: the same case, with one thing about it otherwise, in which the
//! flaw cannot show: a step of its plan, or a rule decided as no release decides it. The thing must be as small as possible,
//! for whatever else it keeps away is hidden with the flaw; each entry says what that is.
//!
//! **To add one**: a line in [`KNOWN`], and the function that changes a case; `None` if there is nothing in it to change.

use super::case::Case;
use super::change::rules_of;
use crate::scenario::file::Scenario;
use crate::scenario::step::{DiskStep, Fault, Step, When};
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
        about: "If the answer to the controller's write of an ISR is lost, it writes again, meets its own write, and \
                refuses: the leader waits with its change for ever, and its ISR stands still.",
        without: |case| decided(case, "own-isr-write", "recognised"),
    },
    Known {
        name: "missed-deletion",
        source: "KAFKA-5642",
        about: "If a controller goes before the others have set a watch on its znode again, nobody is told, and nobody \
                runs for controller.",
        without: |case| decided(case, "missed-deletion", "runs"),
    },
    Known {
        name: "reelected-leader",
        source: "KAFKA-2721",
        about: "A leader that did not hear that another led for a while, and is elected again, counts as copied what its \
                followers have cut meanwhile: its high watermark passes records that they do not have.",
        without: |case| decided(case, "reelected-leader", "forgets"),
    },
    Known {
        name: "position-validation",
        source: "KIP-320",
        about: "A consumer asks where the epoch of its position ended. A leader of an unclean election that has nothing \
                of that epoch answers with the end of an older one; if that is beyond the position, all seems well.",
        without: |case| decided(case, "position-validation", "same-epoch"),
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

/// One rule is decided as no release decides it, or as none does any more; `None` if it is already. *What this hides*: nothing
/// else than what hangs on the moments that the decision changes.
fn decided(case: &Case, rule: &str, value: &str) -> Option<Case> {
    let before = rules_of(case);
    let mut rules = before;
    rules.set(rule, value).expect("there is such a value");
    (rules != before).then(|| case.with(&[(rule.to_owned(), value.to_owned())]))
}

/// Puts others in the place of each step, those of triggers too.
fn each(steps: &[Step], with: &mut dyn FnMut(&Step) -> Vec<Step>) -> Vec<Step> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            Step::When(when) => {
                let steps = each(&when.steps, with);
                all.push(Step::When(When { steps, ..when.clone() }));
            }
            step => all.extend(with(step)),
        }
    }
    all
}

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.name == other.name
    }
}

impl Eq for Known {}

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
