//! Every value of every rule decides something in some scenario: a rule that no story needs is a rule that nobody has
//! seen at work.
//!
//! A value is seen to decide in a scenario and an era if another value of the rule, and nothing else changed, makes
//! another run of it: another hash. So it is not enough that the code asks for the value.

use kafka::era::Era;
use kafka::rules::{RuleInfo, Rules};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trial::scenario::parse;
use trial::scenario::run::run;
use trial::scenario::validate::Ready;

/// Values that no scenario shows: (rule, values, why).
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "fencing",
        &["none"],
        "requests of those releases name no epoch, so another value finds nothing to compare",
    ),
    (
        "isr-admission",
        &["live-at-epoch-start"],
        "needs a follower that fetches while its session is gone; no story is told of that yet",
    ),
    (
        "isr-shrink",
        &["not-caught-up-lately"],
        "differs only for a follower that has every record and stops fetching; no story is told of that yet",
    ),
    (
        "isr-answer-version",
        &["newer", "same-or-newer"],
        "differs only when an answer repeats the leader's own version; no story is told of that yet",
    ),
    (
        "high-watermark",
        &["maximal-isr", "maximal-isr-above-minimum"],
        "which of the two holds matters below min.insync.replicas alone; the story of the maximal ISR compares with a third",
    ),
    (
        "earliest-epoch",
        &["unknown"],
        "the epoch cache of those releases loses its first entries only with a log that is cut from the front",
    ),
    (
        "stale-epoch-answer",
        &["used", "dropped"],
        "needs an answer that crosses a change of leader; no story is told of that yet",
    ),
    (
        "fenced-follower",
        &["stops"],
        "needs a follower whose epoch changes while it asks; no story is told of that yet",
    ),
    (
        "follower-out-of-range",
        &["truncates"],
        "from 2.0.1 on a follower asks for the end of its epoch first and is never out of range in a story",
    ),
    (
        "overtaken-follower",
        &["goes-on"],
        "needs a leader whose log begins behind the follower's end; records are not deleted here yet",
    ),
    (
        "follower-reads",
        &["leader-only", "any-replica", "any-replica-wakes"],
        "needs consumers with racks; the chapter on replication tells of it",
    ),
    (
        "not-hosted",
        &["unknown", "not-leader"],
        "only which error a client is told on its way to the right broker; it refreshes its metadata after both",
    ),
    (
        "log-directory-failure",
        &["halts-at-once", "answers-first"],
        "needs a request that waits while the only disk fails; no story is told of that yet",
    ),
    (
        "metadata-epochs",
        &["last-told", "newer-epoch", "newer-reliable-epoch"],
        "needs a broker with old metadata beside one with new; no story is told of that yet",
    ),
    (
        "broker-epoch",
        &["none", "exact", "fenced"],
        "needs a control request to a former life; the chapter on failover tells of it",
    ),
    (
        "stop-replica",
        &["controller-epoch"],
        "needs a StopReplica that is late; the chapter on failover tells of it",
    ),
    (
        "controller-session",
        &["drains-events", "drops-events"],
        "needs a controller that sleeps; the chapter on failover tells of it",
    ),
    (
        "unclean-setting",
        &["at-next-election", "at-once"],
        "needs a setting that changes while a partition has no leader; the chapter on elections tells of it",
    ),
    (
        "broker-bounce",
        &["unseen", "detected"],
        "needs a broker that is back before anybody looked; the chapter on failover tells of it",
    ),
    (
        "leaderless-partitions",
        &["led-by-the-failed", "leader-not-online"],
        "needs a partition that has been without a leader before; the chapter on failover tells of it",
    ),
    (
        "leaderless-metadata",
        &["nothing", "isr", "isr-and-epoch"],
        "only what clients are told of a partition that nobody leads; they wait whatever it is",
    ),
    (
        "preferred-election",
        &["not-needed", "elects-again"],
        "needs an operator's election; the chapter on failover tells of it",
    ),
    (
        "leaving-leader",
        &["told", "not-told"],
        "needs a controlled shutdown; the chapter on failover tells of it",
    ),
    (
        "election-retry",
        &["refused", "all"],
        "needs a leader that writes its ISR while the controller elects; no story is told of that yet",
    ),
    (
        "leader-rebalance",
        &["one-at-a-time", "together"],
        "needs several leaders that move home at once; the chapter on failover tells of it",
    ),
    (
        "stop-replica-requests",
        &["grouped-unless-deleted", "one-each", "by-deletion", "together"],
        "how many requests say the same; it shows where many replicas leave a broker at once",
    ),
    (
        "alter-partition-checks",
        &["leader-epoch", "eligible-replicas"],
        "needs a proposal with a member that is gone; no story is told of that yet",
    ),
    (
        "epoch-entries",
        &["keeps-first"],
        "a leader that contradicts its own cache is caught by the truncation of those releases first",
    ),
    (
        "expired-isr-write",
        &["tries-again", "gives-up"],
        "needs a session that ends while a leader writes its ISR; no story is told of that yet",
    ),
];

/// All scenarios; the long one is no story.
fn scenarios() -> Vec<Ready> {
    fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("the directory can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), &mut files);
    files.retain(|file| !file.ends_with("reference.json"));
    files.sort();
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
    for rule in Rules::list() {
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
    for rule in Rules::list() {
        for value in rule.values.iter().filter(|value| is_exception(rule.name, value.name)) {
            let found = seen.decides(&rule, value.name, None);
            let found =
                found.map(|(scenario, era)| (seen.all[scenario].parsed.source.name.clone(), era.to_string()));
            assert_eq!(found, None, "{}: {} is seen to decide", rule.name, value.name);
        }
    }
}
