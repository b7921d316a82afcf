//! What counts hang on: how plans are drawn, how the machine runs, what the ladder knows. If any of it changes, another
//! fingerprint comes out, and what was counted before is stale.

use super::work::{PROFILES, question};
use crate::why::known::KNOWN;
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::{RuleInfo, Rules};
use xxhash_rust::xxh3::Xxh3;

/// So many trials of each profile.
const TRIALS: u64 = 4;

/// That of a release: of some trials of each profile, of what decides in all releases, and of the known flaws.
pub fn fingerprint(release: Release) -> String {
    let mut hash = Xxh3::new();
    for profile in PROFILES {
        let question = question(release, profile);
        for seed in 1..=TRIALS {
            let (drawn, _) = question.plan(seed);
            let outcome = question.trial(seed);
            hash.update(&crate::explore::plan::hash(&drawn.scenario).to_le_bytes());
            hash.update(&outcome.hash.to_le_bytes());
            outcome.fails_by.iter().for_each(|name| hash.update(name.as_bytes()));
        }
    }
    // Rules that all releases decide alike change no attribution.
    let differs = |rule: &RuleInfo| rule.values.iter().filter(|value| !value.ranges.is_empty()).count() > 1;
    let rules: Vec<&str> = Rules::list().iter().filter(|rule| differs(rule)).map(|rule| rule.name).collect();
    for release in RELEASES.iter().filter(|release| Era::of(**release).has_zookeeper()) {
        for (rule, value) in Rules::of(*release).values().into_iter().filter(|(rule, _)| rules.contains(rule))
        {
            hash.update(rule.as_bytes());
            hash.update(value.as_bytes());
        }
    }
    KNOWN.iter().for_each(|known| hash.update(known.name.as_bytes()));
    format!("{:016x}", hash.digest())
}
