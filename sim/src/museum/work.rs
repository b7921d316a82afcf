//! The work: which trial comes next, and what is kept of it.
//!
//! Trial number `t` of a release is of profile `t % 4` and base seed `t / 4 % 9`, and there the `t / 36`-th, whose seed
//! follows the base's. So the count of a release says what has been done, whoever stopped it and went on.

use super::book::{Rung, Unattributed};
use super::flaws::key_of;
use crate::explore::profile::Profile;
use crate::explore::trial::{Outcome, Question};
use kafka::era::{Era, Release};

/// The profiles that are used: all shared ones.
pub const PROFILES: [Profile; 4] = Profile::ALL;
/// How many base seeds there are.
pub const BASES: usize = 9;
/// So far apart are they.
const APART: u64 = 1_000_000;
/// Trials that are taken in turn: one of each profile from each base.
pub const ROUND: u64 = (PROFILES.len() * BASES) as u64;
/// So many unattributed trials are kept by name.
const MOST_NAMED: usize = 20;

/// One trial: where it stands.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which profile.
    pub profile: usize,
    /// Which base seed.
    pub base: usize,
    /// The how manyth there, from 1.
    pub number: u64,
}

impl Place {
    /// Where the trial of this number stands, counted from 0.
    pub fn of(trial: u64) -> Place {
        let profiles = PROFILES.len() as u64;
        Place {
            profile: (trial % profiles) as usize,
            base: (trial / profiles % BASES as u64) as usize,
            number: trial / ROUND + 1,
        }
    }

    /// Its seed.
    pub fn seed(self) -> u64 {
        self.base as u64 * APART + self.number
    }
}

/// What is explored in a release.
pub fn question(release: Release, profile: Profile) -> Question {
    Question { era: Era::of(release), rules: Vec::new(), profile, properties: Vec::new() }
}

/// Runs a trial of a release.
pub fn trial(release: Release, trial: u64) -> Outcome {
    let place = Place::of(trial);
    question(release, PROFILES[place.profile]).attributed_trial(place.seed())
}

/// Takes in the next trial of a release, which took so long.
pub fn take(rung: &mut Rung, outcome: &Outcome, micros: u64) {
    let place = Place::of(rung.trials);
    assert_eq!(place.seed(), outcome.seed, "trials come in their order");
    rung.trials += 1;
    rung.micros[place.profile] += micros;
    let Some(failure) = &outcome.failure else { return };
    rung.failing += 1;
    let attribution = failure.attribution.as_ref().expect("trials are attributed");
    if !attribution.is_complete() {
        rung.unattributed += 1;
        if rung.named.len() < MOST_NAMED {
            let line = failure.line.to_string();
            rung.named.push(Unattributed { line, fails_by: attribution.to_string() });
        }
    }
    for cause in attribution.causes() {
        let explains = |names: &crate::why::causes::Explained| names.causes.contains(cause);
        let explained =
            attribution.0.iter().find(|explained| explains(explained)).expect("it is one of them");
        let found = rung.find_mut(&key_of(cause));
        found.trials += 1;
        let first = &mut found.first[place.profile][place.base];
        if first.is_none() {
            *first = Some(place.number);
            let property = explained.fails_by[0];
            if !found.properties.iter().any(|known| known == property) {
                found.properties.push(property.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_of_every_base_comes_once() {
        let places: Vec<Place> = (0..3 * ROUND).map(Place::of).collect();
        for profile in 0..PROFILES.len() {
            for base in 0..BASES {
                let own = places.iter().filter(|place| (place.profile, place.base) == (profile, base));
                let seeds: Vec<u64> = own.map(|place| place.seed()).collect();
                assert_eq!(seeds, (1..=3).map(|number| base as u64 * APART + number).collect::<Vec<_>>());
            }
        }
    }
}
