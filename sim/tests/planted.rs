//! Planted mistakes are noticed: one check of the newest release is left out, and a property breaks within few trials, that
//! holds in the same trial with the check.
//!
//! Here are those that are found at once. `trial museum --planted --trials N` looks for every one.

use kafka::era::Era;
use kafka::rules::Rules;
use trial::museum::planted::found_by;

/// So many trials, in turn of every profile.
const TRIALS: u64 = 400;

/// What is found at once, by what it leaves out: on brokers, in logs and elections, by clients.
const ON_BROKERS: &[&str] = &[
    "high-watermark-of-the-fastest",
    "admits-anybody",
    "acked-at-once",
    "acked-one-short",
    "deposed-acknowledges",
    "minimum-ignored",
    "minimum-over-replicas",
    "minimum-after-append",
    "consumer-reads-ahead",
    "sent-counts-as-fetched",
    "high-watermark-unbounded",
    "high-watermark-not-learnt",
    "epoch-start-ignored",
    "laggard-stays",
    "former-life-accepted",
    "appended-twice",
    "answers-next-offset",
    "reads-one-beyond",
    "isr-before-written",
];
const IN_LOGS_AND_ELECTIONS: &[&str] = &[
    "divergence-unnoticed",
    "epoch-ends-at-log-end",
    "cut-left-out",
    "cut-one-short",
    "leader-notes-no-epoch",
    "segment-begins-late",
    "isr-over-any-version",
    "epoch-not-raised",
    "recovery-cuts-one-more",
    "dead-elected",
];
const BY_CLIENTS: &[&str] = &[
    "lost-taken-for-acked",
    "retry-goes-last",
    "position-ahead",
    "reset-to-start",
    "expired-taken-for-acked",
    "expired-called-definite",
];

fn all_are_found(mistakes: &[&str]) {
    let newest = Era::parse("3.9").expect("a release").release;
    let rules = Rules::list();
    let known = rules.iter().find(|rule| rule.name == "planted").expect("there is the rule");
    for mistake in mistakes {
        assert!(known.values.iter().any(|value| value.name == *mistake), "there is no {mistake}");
        let found = (0..TRIALS).find_map(|trial| found_by(newest, mistake, trial));
        assert!(found.is_some(), "nobody notices {mistake} in {TRIALS} trials");
    }
}

#[test]
fn checks_of_brokers_are_missed() {
    all_are_found(ON_BROKERS);
}

#[test]
fn checks_of_logs_and_elections_are_missed() {
    all_are_found(IN_LOGS_AND_ELECTIONS);
}

#[test]
fn checks_of_clients_are_missed() {
    all_are_found(BY_CLIENTS);
}
