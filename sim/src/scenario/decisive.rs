//! Which rule makes the difference between two eras: found by running one of them with a rule of the other.
//!
//! 1. Candidates are the rules in which the two differ.
//! 2. The earlier era is run with one candidate decided as the later decides it. Each candidate with which it comes to
//!    what the later came to decides, and it alone. If there is none, the later era is run with one of the earlier's.
//! 3. If no rule alone decides, several together may: of all candidates those are left out, one after the other, that
//!    are not needed for the same end.
//!
//! A verdict is the same if the same is violated and lost; only if no candidate comes to that, it is enough if the same
//! is violated. Such a run is not held to what the file expects on its way, since that speaks of the release.
//!
//! What a rule *did* in a run is told by its notes ([`kafka::note::Decided`]); it need not be what makes the difference.

use super::eras;
use super::file::Verdict;
use super::run::{RunResult, run_regardless};
use super::validate::Ready;
use kafka::era::Era;
use kafka::rules::Rules;

/// An era and what came out there.
pub type Came<'a> = (&'a Era, &'a Verdict);

/// What makes the difference between two eras.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Deciding {
    /// The rules, in their order; none if the difference is in no rule.
    pub rules: Vec<&'static str>,
    /// Whether it takes all of them; else each is enough.
    pub together: bool,
}

impl Deciding {
    /// `truncation`, `one or other`, `one and other together`.
    pub fn in_words(&self, of: impl Fn(&'static str) -> String) -> String {
        let words: Vec<String> = self.rules.iter().map(|rule| of(rule)).collect();
        match self.together {
            true => format!("{} together", words.join(" and ")),
            false => words.join(" or "),
        }
    }
}

/// What makes the difference between two eras that came to different verdicts, the earlier first.
pub fn between(ready: &Ready, seed: u64, earlier: Came<'_>, later: Came<'_>) -> Deciding {
    let (old, new) = (earlier.0.rules.values(), later.0.rules.values());
    let candidates: Vec<usize> = (0..old.len()).filter(|index| old[*index] != new[*index]).collect();
    // What an era comes to with some of the other's rules.
    let with = |era: &Era, rules: &[(&'static str, &'static str)], taken: &[usize]| {
        let mut era = era.clone();
        for index in taken {
            let (rule, value) = rules[*index];
            era.rules.set(rule, value).expect("eras have values that there are");
        }
        run_regardless(ready, &era, seed)
    };
    for (from, rules, to) in [(earlier, &new, later), (later, &old, earlier)] {
        let came = candidates.iter().map(|index| (*index, with(from.0, rules, &[*index])));
        let came: Vec<(usize, Option<Verdict>)> = came.collect();
        for same in measures(from.1, to.1) {
            let decides = |(_, is): &&(usize, Option<Verdict>)| is.as_ref().is_some_and(|is| same(is, to.1));
            let rules: Vec<_> = came.iter().filter(decides).map(|(index, _)| old[*index].0).collect();
            if !rules.is_empty() {
                return Deciding { rules, together: false };
            }
        }
    }
    for same in measures(earlier.1, later.1) {
        let is_later = |taken: &[usize]| with(earlier.0, &new, taken).is_some_and(|is| same(&is, later.1));
        if !is_later(&candidates) {
            continue;
        }
        let needed = needed(candidates.clone(), is_later);
        let rules: Vec<_> = needed.iter().map(|index| old[*index].0).collect();
        return Deciding { together: rules.len() > 1, rules };
    }
    Deciding::default()
}

/// Of several that do something together those that are needed for it: the others are left out, the last first.
pub fn needed<T: Clone>(mut all: Vec<T>, do_it: impl Fn(&[T]) -> bool) -> Vec<T> {
    for index in (0..all.len()).rev() {
        let mut fewer = all.clone();
        fewer.remove(index);
        if do_it(&fewer) {
            all = fewer;
        }
    }
    all
}

type Same = fn(&Verdict, &Verdict) -> bool;

/// Ways to tell that two verdicts are the same, the strictest first; each can tell these two apart.
fn measures(one: &Verdict, other: &Verdict) -> impl Iterator<Item = Same> {
    fn all(one: &Verdict, other: &Verdict) -> bool {
        violations(one, other) && sorted(&one.loses) == sorted(&other.loses) && one.by == other.by
    }
    fn violations(one: &Verdict, other: &Verdict) -> bool {
        sorted(&one.violates) == sorted(&other.violates)
    }
    fn sorted(names: &[String]) -> Vec<&String> {
        let mut names: Vec<&String> = names.iter().collect();
        names.sort();
        names
    }
    let differ: Vec<Same> =
        [all as Same, violations as Same].into_iter().filter(|same| !same(one, other)).collect();
    differ.into_iter()
}

/// Of neighbours among these eras, in order of releases, that came to different verdicts: which two, by their places, and
/// what makes the difference. A run that was not reached is no neighbour of anybody.
pub fn differences(ready: &Ready, results: &[RunResult]) -> Vec<(usize, usize, Deciding)> {
    let mut order: Vec<usize> = (0..results.len()).filter(|index| results[*index].unmet.is_none()).collect();
    order.sort_by_key(|index| results[*index].era.release);
    let mut found = Vec::new();
    for pair in order.windows(2) {
        let [earlier, later] = [&results[pair[0]], &results[pair[1]]];
        if earlier.verdict != later.verdict {
            let came = |result: &'_ RunResult| (result.era.clone(), result.verdict.clone());
            let ((one, first), (other, second)) = (came(earlier), came(later));
            found.push((pair[0], pair[1], between(ready, earlier.seed, (&one, &first), (&other, &second))));
        }
    }
    found
}

/// An era beside another, as the file has their verdicts: its neighbour, and what makes the difference.
pub fn neighbours(ready: &Ready, result: &RunResult) -> Vec<(Era, Deciding)> {
    let mut own = Era { release: result.era.release, rules: Rules::of(result.era.release) };
    let as_written = eras::apply(&mut own, &ready.scenario().rules).is_ok() && own == result.era;
    if !as_written || !ready.set.is_empty() || result.unmet.is_some() {
        return Vec::new();
    }
    let is: Came<'_> = (&result.era, &result.verdict);
    let others = ready.eras.iter().filter(|era| era.release != result.era.release);
    let mut all: Vec<Came<'_>> =
        others.filter_map(|era| Some((era, ready.verdict(era)?))).chain([is]).collect();
    all.sort_by_key(|(era, _)| era.release);
    let place = all.iter().position(|(era, _)| era.release == result.era.release).expect("it is among them");
    let before = place.checked_sub(1).map(|place| all[place]);
    let after = all.get(place + 1).copied();
    let differs = |came: &Came<'_>| *came.1 != result.verdict;
    let earlier = before.filter(differs).map(|came| (came.0.clone(), between(ready, result.seed, came, is)));
    let later = after.filter(differs).map(|came| (came.0.clone(), between(ready, result.seed, is, came)));
    earlier.into_iter().chain(later).filter(|(_, deciding)| !deciding.rules.is_empty()).collect()
}
