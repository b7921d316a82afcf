//! Mutations of our own current rules, each of which some checker must find: the values of the rule `planted` that no
//! release has. Each is explored in the newest release; it is found by the first trial that fails by something by which the
//! same trial does not fail without it.

use super::work::{PROFILES, Place, question};
use crate::explore::line::Line;
use crate::explore::trial::Question;
use kafka::era::Release;
use kafka::rules::{RuleValue, Rules};

/// The rule that has them.
const RULE: &str = "planted";

/// Every mutation; none if there is no such rule.
pub fn mutations() -> Vec<RuleValue> {
    let rules = Rules::list();
    let planted = rules.into_iter().filter(|info| info.name == RULE);
    planted.flat_map(|info| info.values).filter(|value| value.ranges.is_empty()).collect()
}

/// What a trial fails by with a mutation and not without it, in a release; with its line. Nothing if it is the same.
pub fn found_by(release: Release, mutation: &str, trial: u64) -> Option<(Line, Vec<&'static str>)> {
    let place = Place::of(trial);
    let sound = question(release, PROFILES[place.profile]);
    let mut era = sound.era.clone();
    era.rules.set(RULE, mutation).expect("it is a mutation");
    let mutated = Question { era, rules: vec![(RULE.to_owned(), mutation.to_owned())], ..sound.clone() };
    let outcome = mutated.trial(place.seed());
    let failure = outcome.failure?;
    let before = sound.trial(place.seed()).fails_by;
    let fresh: Vec<&'static str> =
        outcome.fails_by.into_iter().filter(|name| !before.contains(name)).collect();
    (!fresh.is_empty()).then_some((failure.line, fresh))
}
