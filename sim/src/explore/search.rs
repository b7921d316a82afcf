//! Many trials: what they came to between them. Who runs them side by side, and how long, is the command's business.

use super::coverage::Coverage;
use super::trial::{Outcome, Question};
use crate::why::cure::Cause;
use crate::world::World;
use std::collections::BTreeMap;
use std::fmt;

/// What is known of one way to fail.
#[derive(Clone, Debug)]
pub struct Kind {
    /// How many trials failed so.
    pub trials: u64,
    /// Which trial was the first, counted from 1.
    pub first: u64,
}

/// What trials came to, so far.
#[derive(Clone, Default, Debug)]
pub struct Summary {
    /// How many trials.
    pub trials: u64,
    /// How many of them fail.
    pub failing: u64,
    /// How many events.
    pub events: u64,
    /// Over the hashes of all trials, in their order: the same on any machine.
    pub hash: u64,
    /// By property: a trial that violates several counts for each.
    pub properties: BTreeMap<&'static str, Kind>,
    /// By all properties that one trial fails by, in order.
    pub kinds: BTreeMap<Vec<&'static str>, Kind>,
    /// Declared losses: by what, how many records, in how many trials.
    pub declared: BTreeMap<&'static str, (u64, u64)>,
    /// Trials in which some partition had an excuse for not having come to rest.
    pub excused: u64,
    /// What makes trials fail: a trial that has several causes counts for each.
    pub causes: BTreeMap<Cause, Kind>,
    /// Failing trials of which somebody has asked for the cause.
    pub attributed: u64,
    /// Failing trials whose cause is not known.
    pub unattributed: u64,
    /// Failing trials of which no other seed fails alike: their cause rests on one run.
    pub alone: u64,
    /// What was seen.
    pub coverage: Coverage,
}

impl Summary {
    /// Takes in a trial. Says how many failed in the same way before.
    pub fn take(&mut self, outcome: &Outcome) -> u64 {
        self.trials += 1;
        self.events += outcome.events;
        let both = [self.hash.to_le_bytes(), outcome.hash.to_le_bytes()].concat();
        self.hash = xxhash_rust::xxh3::xxh3_64(&both);
        self.coverage.add(&outcome.coverage);
        for (by, records) in &outcome.declared {
            let known = self.declared.entry(by).or_default();
            *known = (known.0 + records, known.1 + 1);
        }
        self.excused += u64::from(!outcome.excuses.is_empty());
        if !outcome.fails() {
            return 0;
        }
        self.failing += 1;
        let fresh = Kind { trials: 0, first: self.trials };
        for property in &outcome.fails_by {
            self.properties.entry(property).or_insert_with(|| fresh.clone()).trials += 1;
        }
        if let Some(attribution) = outcome.failure.as_ref().and_then(|failure| failure.attribution.as_ref()) {
            for cause in attribution.causes() {
                self.causes.entry(cause.clone()).or_insert_with(|| fresh.clone()).trials += 1;
            }
            self.attributed += 1;
            self.unattributed += u64::from(!attribution.is_complete());
            self.alone += u64::from(attribution.0.iter().any(|explained| explained.alike == 0));
        }
        let kind = self.kinds.entry(outcome.fails_by.clone()).or_insert(fresh);
        kind.trials += 1;
        kind.trials - 1
    }
}

/// Two runs of one trial that are not the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// The seed.
    pub seed: u64,
    /// What differs first.
    pub what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

/// Runs a trial twice. Only if the two come to different ends are they run again, with the hash of every event kept, to
/// find the first that differs.
///
/// # Errors
/// If they are not the same.
pub fn twice(question: &Question, seed: u64) -> Result<Outcome, Mismatch> {
    let (one, other) = (question.trial(seed), question.trial(seed));
    let same = (one.hash, one.events, &one.fails_by, &one.declared, &one.excuses)
        == (other.hash, other.events, &other.fails_by, &other.declared, &other.excuses)
        && one.failure.as_ref().map(|failure| (&failure.scenario, &failure.violations))
            == other.failure.as_ref().map(|failure| (&failure.scenario, &failure.violations));
    if same {
        return Ok(one);
    }
    let (first, second) = (trail(question, seed), trail(question, seed));
    let what = match (0..first.len().max(second.len())).find(|index| first.get(*index) != second.get(*index))
    {
        Some(index) => {
            let of = |trail: &[(u64, u64)]| {
                trail
                    .get(index)
                    .map_or("no such event".to_owned(), |(at, hash)| format!("{hash:016x} at {at} us"))
            };
            format!("event {} differs: {} and {}", index + 1, of(&first), of(&second))
        }
        None => format!(
            "hashes {:016x} and {:016x}, {} and {} events; two more runs were alike",
            one.hash, other.hash, one.events, other.events
        ),
    };
    Err(Mismatch { seed, what })
}

/// The moment and the hash after every event that the story is told of.
fn trail(question: &Question, seed: u64) -> Vec<(u64, u64)> {
    let mut trail = Vec::new();
    question.trial_watched(
        seed,
        Some(&mut |world: &World| {
            trail.push((world.now().0, world.hash()));
            true
        }),
    );
    trail
}
