//! The list of flaws, and the rungs of the ladder.
//!
//! A line here has a scenario and the rule that mends it; the rest follows: the numbers from the rule, the sentence and the
//! steps from the scenario, the releases from the rule's ranges. A test sees that the rule is what makes the difference
//! in the scenario, and that no scenario is forgotten.

use crate::scenario::file::Scenario;
use crate::scenario::parse::parse;
use crate::scenario::source::Source;
use crate::scenario::step::Step;
use crate::why::cure::Cause;
use crate::why::known::Known;
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::{RuleValue, Rules};

/// A flaw.
#[derive(Copy, Clone, Debug)]
pub struct Flaw {
    /// The scenario that tells of it: its path below `scenarios/`, without `.json`.
    pub scenario: &'static str,
    text: &'static str,
    /// What mends it.
    pub mended_by: Mender,
    /// Why exploring does not find it, if it does not, and what would have to change.
    pub unfound: &'static str,
}

/// What mends a flaw.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Mender {
    /// A rule, with this value.
    Rule(&'static str, &'static str),
    /// Nothing before KRaft: it is a known flaw.
    Never(&'static str),
}

macro_rules! flaw {
    ($scenario:literal, $mender:expr) => {
        flaw!($scenario, $mender, "")
    };
    ($scenario:literal, $mender:expr, $unfound:literal) => {
        Flaw {
            scenario: $scenario,
            text: include_str!(concat!("../../../scenarios/", $scenario, ".json")),
            mended_by: $mender,
            unfound: $unfound,
        }
    };
}

use Mender::{Never, Rule};

/// Every flaw, in the order of the course.
pub const FLAWS: &[Flaw] = &[
    flaw!("truncation/high-watermark", Rule("truncation", "to-epoch-end")),
    flaw!("truncation/two-quick-elections", Rule("truncation", "to-common-epoch")),
    flaw!("truncation/leader-that-wrote-nothing", Rule("epoch-cache", "on-election")),
    flaw!("truncation/stale-epoch-fetch", Rule("fencing", "leader-epoch")),
    flaw!("truncation/same-leader-again", Rule("same-leader", "skips-adjacent-epochs")),
    flaw!("truncation/truncation-never-ends", Rule("truncate-at-log-end", "trims-epochs")),
    flaw!("truncation/diverging-fetch", Rule("diverging-fetch", "ignored")),
    flaw!("truncation/end-offset-goes-back", Rule("end-offset", "waits-for-epoch-start")),
    flaw!(
        "truncation/consumer-skips",
        Rule("position-validation", "end-offset"),
        "Unclean election is on in one plan of five, and then it must fall between two fetches of a consumer, whose \
         position the new leader must outgrow before the next: more plans would have to allow it."
    ),
    flaw!("truncation/epoch-that-is-gone", Never("position-validation")),
    flaw!(
        "rules/stale-epoch-answer",
        Rule("stale-epoch-answer", "dropped"),
        "An answer about epochs must be on its way while the leader changes there and back, on a connection \
         that another partition keeps open, and come before the follower asks again: more plans would need \
         two partitions on the same brokers."
    ),
    flaw!("rules/epoch-zero", Rule("recovered-epochs", "newer")),
    flaw!("isr/admitted-below-epoch-start", Rule("isr-admission", "at-epoch-start")),
    flaw!("isr/stale-isr-reply", Rule("isr-answer", "clears-its-own-request")),
    flaw!("isr/high-watermark-forgotten", Rule("high-watermark-after-shrink", "rechecked")),
    flaw!("isr/own-write-refused", Never("own-isr-write")),
    flaw!(
        "isr/fall-unnoticed",
        Never("reelected-leader"),
        "A leader must miss another's whole reign: cut off from a controller that is elected leader itself and dies before the \
         first has heard of it. One plan in 20,000 of earlier draws came to it. Plans would have to cut a leader off from the \
         controller alone, and to make the controller's broker the next leader."
    ),
    flaw!("election/last-replica-standing", Never("page-cache")),
    flaw!("failover/zombie-controller", Rule("controller-session", "drops-events")),
    flaw!("failover/zombie-controller-in-session", Rule("controller-writes", "fenced-by-epoch")),
    flaw!(
        "failover/controller-gone-unseen",
        Never("missed-deletion"),
        "Somebody must delete the controller's znode in the milliseconds between the news that there is a new \
         controller and the watch that every other broker sets again, and a leader must go afterwards: \
         ZooKeeper would have to be slow for all brokers in more plans."
    ),
    flaw!("failover/late-shutdown", Rule("broker-epoch", "exact")),
    flaw!("failover/broker-bounce", Rule("broker-bounce", "detected")),
    flaw!("failover/stop-replica-late", Rule("stop-replica", "leader-epoch")),
    flaw!("replication/deleted-records", Rule("batch-below-start", "starts-at-batch")),
    flaw!("durability/recovered-not-flushed", Rule("recovered-point", "checkpointed")),
    flaw!(
        "durability/marker-lies",
        Rule("clean-marker", "goes-before-loading"),
        "A broker must stop in order, fail while it loads its logs at the next start, and have damage in a \
         log that nobody checks then: plans would need a disk that cannot read one file for a while and gives \
         it back with other bits."
    ),
];

impl Flaw {
    /// Its scenario.
    ///
    /// # Panics
    /// If it is none: a test reads all of them.
    pub fn read(&self) -> std::sync::Arc<Scenario> {
        let parsed = parse(Source::of(self.scenario, self.text));
        parsed.unwrap_or_else(|problem| panic!("{problem}")).scenario
    }

    /// How many steps its scenario has, words and expectations left out.
    pub fn steps(&self) -> usize {
        let told =
            |step: &&Step| !matches!(step, Step::Say(_) | Step::Ask(_) | Step::Answer(_) | Step::Expect(_));
        self.read().steps.iter().filter(told).count()
    }

    /// The number by which Kafka knows what mends it.
    pub fn source(&self) -> &'static str {
        match self.mended_by {
            Rule(rule, value) => rule_value(rule, value).source,
            Never(name) => Known::named(name).expect("it is listed").source,
        }
    }

    /// What it is, in a sentence.
    pub fn sentence(&self) -> String {
        self.read().title.clone()
    }

    /// Whether this is what makes a trial fail.
    pub fn is(&self, cause: &Cause) -> bool {
        key_of(cause) == self.key()
    }

    /// Its name in the book.
    pub fn key(&self) -> String {
        match self.mended_by {
            Rule(rule, value) => format!("{rule}={value}"),
            Never(name) => name.to_owned(),
        }
    }

    /// The newest release that has it, and the first after that without; none if no release mends it.
    pub fn releases(&self) -> (Release, Option<Release>) {
        let can_run: Vec<Release> = can_run().collect();
        let Rule(rule, value) = self.mended_by else {
            return (can_run[can_run.len() - 1], None);
        };
        let has = |release: &Release| release.is_in(rule_value(rule, value).ranges);
        let pair = can_run.windows(2).rev().find(|pair| !has(&pair[0]) && has(&pair[1]));
        let pair = pair.expect("a release brought it");
        (pair[0], Some(pair[1]))
    }
}

/// The name of a cause in the book.
pub fn key_of(cause: &Cause) -> String {
    match cause {
        Cause::Rule(change) => format!("{}={}", change.rule, change.to),
        Cause::Release(release) => release.to_string(),
        Cause::Known(name) => (*name).to_owned(),
    }
}

/// A value of a rule.
pub fn rule_value(rule: &str, value: &str) -> RuleValue {
    let rules = Rules::list();
    let info = rules.iter().find(|info| info.name == rule).expect("the rule exists");
    *info.values.iter().find(|known| known.name == value).expect("the value exists")
}

fn can_run() -> impl Iterator<Item = Release> {
    RELEASES.iter().copied().filter(|release| Era::of(*release).has_zookeeper())
}

/// Releases that follow each other and have the same rules.
fn alike() -> Vec<Vec<Release>> {
    let mut alike: Vec<Vec<Release>> = Vec::new();
    for release in can_run() {
        match alike.last_mut() {
            Some(last) if Rules::of(last[0]) == Rules::of(release) => last.push(release),
            _ => alike.push(vec![release]),
        }
    }
    alike
}

/// The rungs of the ladder: of releases that follow each other and have the same rules, the last.
pub fn rungs() -> Vec<Release> {
    alike().into_iter().filter_map(|releases| releases.last().copied()).collect()
}

/// The rung on which a release stands.
pub fn rung_of(release: Release) -> Release {
    let alike = alike();
    let own = alike.iter().find(|releases| releases.contains(&release)).expect("it can run");
    own[own.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaw_has_a_release_with_it_and_one_without() {
        for flaw in FLAWS {
            let (with, without) = flaw.releases();
            assert_eq!(rung_of(with), with, "{}: the last of its rung", flaw.scenario);
            assert!(without.is_none_or(|without| rung_of(without) != with), "{}", flaw.scenario);
            assert!(flaw.steps() > 2 && !flaw.sentence().is_empty());
            assert!(FLAWS.iter().filter(|other| other.key() == flaw.key()).count() == 1, "{}", flaw.key());
        }
        let releases = |scenario: &str| {
            let flaw = FLAWS.iter().find(|flaw| flaw.scenario == scenario).expect("it is listed");
            let (with, without) = flaw.releases();
            (with.to_string(), without.map(|release| release.to_string()).unwrap_or_default())
        };
        let as_text = |(with, without): (&str, &str)| (with.to_owned(), without.to_owned());
        assert_eq!(releases("truncation/diverging-fetch"), as_text(("2.8.0", "2.8.1")));
        assert_eq!(releases("truncation/high-watermark"), as_text(("0.10.2.2", "0.11.0.0")));
        assert_eq!(releases("election/last-replica-standing"), as_text(("3.9.2", "")));
    }
}
