//! Every value of every rule decides something in some scenario: a rule that no story needs is a rule that nobody has
//! seen at work.
//!
//! A value is seen to decide in a scenario and an era if another value of the rule, and nothing else changed, makes
//! another run of it: another hash. So it is not enough that the code asks for the value.

mod json_files;

use kafka::era::Era;
use kafka::rules::{RuleInfo, Rules};
use std::collections::BTreeMap;
use trial::scenario::parse;
use trial::scenario::run::run;
use trial::scenario::validate::Ready;

const NO_GROUP: &str =
    "no scenario has a group yet; `assignors` compares all values with Kafka's own assignments";

const NO_MEMBER: &str =
    "no scenario has a group yet; the tests of coordinator and members have a table of each";

/// Values that no scenario shows: (rule, values, why).
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "fencing",
        &["none"],
        "requests of those releases name no epoch, so another value finds nothing to compare",
    ),
    (
        "isr-answer-version",
        &["newer", "same-or-newer"],
        "while a leader epoch lasts only its leader changes the ISR, so an answer of that epoch is newer than what the leader had when it asked; only KRaft can tell it of its change before the answer",
    ),
    (
        "fenced-follower",
        &["stops"],
        "up to 2.4 a follower in a new epoch truncates first, and an answer to the fetch or the question of the old epoch is dropped before anybody looks at its error",
    ),
    (
        "follower-out-of-range",
        &["truncates"],
        "from 2.0.1 on a follower asks for the end of its epoch first and is never out of range in a story",
    ),
    (
        "overtaken-follower",
        &["goes-on"],
        "where the leader's log begins behind the follower's end both begin anew; the other case is told with the rule swapped",
    ),
    ("follower-reads", &["leader-only"], "consumers of those releases are never sent to a follower"),
    (
        "broker-epoch",
        &["none"],
        "control requests of those releases name no life of the broker, so another value finds nothing to compare",
    ),
    (
        "stop-replica",
        &["controller-epoch"],
        "StopReplica of those releases names no leader epoch, so another value finds nothing to compare",
    ),
    (
        "stop-replica-requests",
        &["grouped-unless-deleted"],
        "up to 1.0 a broker that shuts down is told of each partition in a batch of its own; several replicas of a broker stop together only when their topic is deleted",
    ),
    (
        "epoch-entries",
        &["keeps-first"],
        "a leader that contradicts its own cache is caught by the truncation of those releases first",
    ),
    (
        "index-entry",
        &["first-offset", "last-offset"],
        "decides bytes of .index files alone, which a test compares with real ones; batches are found in memory",
    ),
    (
        "high-watermark-before-cut",
        &["taken", "left"],
        "the cut follows in the same step, so that nobody reads or is told anything in between",
    ),
    (
        "unassigned-replica",
        &["refuses"],
        "with ZooKeeper an assignment raises the leader epoch: a leader that has not heard of the one refuses the other with the same error",
    ),
    (
        "preferred-replica",
        &["nobody"],
        "releases of that value know no replica.selector.class, so that nothing asks for it",
    ),
    (
        "own-isr-write",
        &["recognised"],
        "no release has it: isr/own-write-refused tells it with the rule swapped",
    ),
    (
        "reelected-leader",
        &["forgets"],
        "no release has it: isr/fall-unnoticed tells it with the rule swapped",
    ),
    (
        "position-validation",
        &["same-epoch"],
        "no release has it: truncation/epoch-that-is-gone tells it with the rule swapped",
    ),
    (
        "missed-deletion",
        &["runs"],
        "up to 1.0 the moments are others, since who holds the znode raises the epoch afterwards; failover/controller-gone-unseen tells it with the rule swapped",
    ),
    (
        "sticky-assignor",
        &[
            "as-claimed",
            "newest-generation",
            "unassigned-first",
            "equal-apart",
            "double-void",
            "quotas",
            "older-claims",
            "racks",
            "one-more",
            "by-number",
        ],
        NO_GROUP,
    ),
    ("range-assignor", &["plain", "racks"], NO_GROUP),
    ("member-order", &["member-id", "instance-first"], NO_GROUP),
    ("subscription-generation", &["nowhere", "user-data", "field"], NO_GROUP),
    ("new-member", &["at-once", "expires", "id-first"], NO_MEMBER),
    ("sync-timeout", &["never", "rebalance-timeout"], NO_MEMBER),
    ("heartbeat-while-syncing", &["refused", "counts"], NO_MEMBER),
    ("commit-while-syncing", &["state-first", "member-first"], NO_MEMBER),
    ("static-rejoin", &["answers", "rebalances-while-syncing", "persists", "skips-assignment"], NO_MEMBER),
    ("loading-group", &["not-coordinator", "in-progress"], NO_MEMBER),
    ("loaded-offsets", &["to-high-watermark", "to-log-end"], NO_MEMBER),
    ("offsets-topic", &["as-many-as-alive", "enforced"], NO_MEMBER),
    ("member-heartbeat", &["when-stable", "when-syncing"], NO_MEMBER),
    ("lost-partitions", &["revoked", "lost"], NO_MEMBER),
];

/// All scenarios; the long one is no story.
fn scenarios() -> Vec<Ready> {
    let mut files = json_files::scenarios();
    files.retain(|file| !file.ends_with("reference.json"));
    files.iter().map(|file| parse::read(file, None, &[]).expect("scenarios are right")).collect()
}

/// A run's hash; none if it was broken off.
fn hash(ready: &Ready, era: &Era) -> Option<u64> {
    run(ready, era, 0, false).ok().map(|result| result.hash)
}

/// The scenarios, and what each came to in each of its eras.
struct Seen {
    all: Vec<Ready>,
    hashes: BTreeMap<(usize, usize), Option<u64>>,
}

impl Seen {
    fn new() -> Seen {
        Seen { all: scenarios(), hashes: BTreeMap::new() }
    }

    fn hash(&mut self, scenario: usize, era: usize) -> Option<u64> {
        let ready = &self.all[scenario];
        *self.hashes.entry((scenario, era)).or_insert_with(|| hash(ready, &ready.eras[era]))
    }

    /// Where a value decides: scenario and era. Looks at `likely` first.
    fn decides(&mut self, rule: &RuleInfo, value: &str, likely: Option<usize>) -> Option<(usize, Era)> {
        let order = likely.into_iter().chain((0..self.all.len()).filter(|index| Some(*index) != likely));
        for scenario in order {
            for number in 0..self.all[scenario].eras.len() {
                let era = self.all[scenario].eras[number].clone();
                if !era.rules.values().contains(&(rule.name, value)) {
                    continue;
                }
                let base = self.hash(scenario, number);
                for other in rule.values.iter().filter(|other| other.name != value) {
                    let mut swapped = era.clone();
                    swapped.rules.set(rule.name, other.name).expect("a value of the rule");
                    if hash(&self.all[scenario], &swapped) != base {
                        return Some((scenario, era));
                    }
                }
            }
        }
        None
    }
}

fn is_exception(rule: &str, value: &str) -> bool {
    EXCEPTIONS.iter().any(|(known, values, _)| *known == rule && values.contains(&value))
}

#[test]
fn every_value_of_a_rule_is_seen_to_decide() {
    let mut seen = Seen::new();
    let mut never = Vec::new();
    // What is planted is no release's: `planted.rs` shows each at work.
    for rule in Rules::list().into_iter().filter(|rule| rule.name != "planted") {
        let mut likely = None;
        for value in rule.values.iter().filter(|value| !is_exception(rule.name, value.name)) {
            match seen.decides(&rule, value.name, likely) {
                Some((scenario, _)) => likely = Some(scenario),
                None => never.push(format!("{}: {}", rule.name, value.name)),
            }
        }
    }
    assert!(
        never.is_empty(),
        "no scenario shows what these decide; write one, or say why not:\n  {}",
        never.join("\n  ")
    );
}

#[test]
fn exceptions_name_values_that_there_are_and_say_why() {
    let rules = Rules::list();
    for (rule, values, why) in EXCEPTIONS {
        let known = rules.iter().find(|known| known.name == *rule);
        let known = known.unwrap_or_else(|| panic!("there is no rule {rule}"));
        for value in *values {
            assert!(known.values.iter().any(|known| known.name == *value), "there is no {rule}: {value}");
        }
        assert!(why.len() > 20, "{rule} has no reason");
    }
}

#[test]
#[ignore = "looks at every scenario for each exception: slow"]
fn exceptions_are_still_needed() {
    let mut seen = Seen::new();
    let mut needless = Vec::new();
    for rule in Rules::list() {
        for value in rule.values.iter().filter(|value| is_exception(rule.name, value.name)) {
            if let Some((scenario, era)) = seen.decides(&rule, value.name, None) {
                let title = &seen.all[scenario].scenario().title;
                needless.push(format!("{}: {} in \"{title}\", {era}", rule.name, value.name));
            }
        }
    }
    assert!(needless.is_empty(), "these are seen to decide:\n  {}", needless.join("\n  "));
}
