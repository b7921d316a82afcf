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

/// Values that no scenario shows: (rule, values, why).
const EXCEPTIONS: &[(&str, &[&str], &str)] = &[
    (
        "fencing",
        &["none"],
        "requests of those releases name no epoch, so another value finds nothing to compare",
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
        "where the leader's log begins behind the follower's end both begin anew; the other case is told with the rule swapped",
    ),
    ("follower-reads", &["leader-only"], "consumers of those releases are never sent to a follower"),
    (
        "log-directory-failure",
        &["halts-at-once", "answers-first"],
        "needs a request that waits while the only disk fails; no story is told of that yet",
    ),
    (
        "metadata-epochs",
        &["last-told", "newer-reliable-epoch"],
        "needs a broker with old metadata beside one with new; no story is told of that yet",
    ),
    (
        "broker-epoch",
        &["none", "exact", "fenced"],
        "needs a request of the controller that reaches a later life of its broker after that life was registered; no story is told of that yet",
    ),
    (
        "stop-replica",
        &["controller-epoch"],
        "needs a StopReplica of an older leader epoch to come from the controller that is still active; no story is told of that yet",
    ),
    (
        "unclean-setting",
        &["at-next-election", "at-once"],
        "needs a topic setting that changes while a partition has no leader and no controller event follows; no story is told of that yet",
    ),
    (
        "leaderless-partitions",
        &["led-by-the-failed", "leader-not-online"],
        "needs a partition that has been without a leader since before the failure; no story is told of that yet",
    ),
    (
        "preferred-election",
        &["not-needed", "elects-again"],
        "needs an election for a partition whose preferred replica leads already; no story is told of that yet",
    ),
    (
        "election-retry",
        &["refused", "all"],
        "needs a leader that writes its ISR while the controller elects; no story is told of that yet",
    ),
    (
        "leader-rebalance",
        &["one-at-a-time", "together"],
        "needs several leaders that move home at once; no story is told of that yet",
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
        "index-entry",
        &["first-offset", "last-offset"],
        "decides bytes of .index files alone, which a test compares with real ones; batches are found in memory",
    ),
    (
        "isr-answer-error",
        &["stays-pending", "withdraws", "sends-again"],
        "needs a controller whose session expires in the middle of the write of an ISR; no story is told of that yet",
    ),
    (
        "high-watermark-before-cut",
        &["taken", "left"],
        "needs a follower whose end below the leader's high watermark diverges, in an era that cuts on fetch; no story is told of that yet",
    ),
    (
        "failed-append",
        &["ends-fetcher", "fails-partition"],
        "differs for the other partitions of the fetcher only; no story with two of them is told yet",
    ),
    (
        "oversized-batch",
        &["refused", "appended"],
        "needs a topic whose max.message.bytes is lowered while a follower is behind; no story is told of that yet",
    ),
    (
        "unassigned-replica",
        &["refuses"],
        "needs a follower that hears of its assignment before its leader does; no story of 3.3 or later is told of that yet",
    ),
    (
        "stopped-replica",
        &["keeps-waiting", "answers"],
        "needs a producer that waits at a leader while its partition moves away; no story is told of that yet",
    ),
    (
        "rebalance-while-moving",
        &["waits", "goes-on"],
        "needs a leader to send home while another partition moves; no story is told of that yet",
    ),
    (
        "recovered-epochs",
        &["newer", "newer-but-zero"],
        "needs a lost leader epoch checkpoint and an unclean stop while epoch 0 lasts; no story is told of that yet",
    ),
    (
        "preferred-replica",
        &["nobody"],
        "releases of that value know no replica.selector.class, so that nothing asks for it",
    ),
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
