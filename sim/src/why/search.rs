//! The search for what mends a failing case.
//!
//! 1. Tried are, in this order: one rule of a later release; several of them; one known flaw ([`super::known`]) kept away;
//!    known flaws and rules together, if two flaws break one property in one run; a later release as a whole, whose
//!    messages have fields that a rule may need.
//! 2. Of several rules of one release that mend it, each alone, it is the one with which the run stays the same for longest:
//!    the others change more than what is wrong.
//! 3. A change of one rule also changes moments, and a failure that hangs on one may go by accident. So the case is run
//!    from other seeds, too, until some fail alike ([`ALIKE`]): what mends the case must mend them. Where none of so many
//!    ([`NEIGHBOURS`]) fails alike, the cure rests on the case alone.

use super::case::Case;
use super::change::{Change, later, rungs, up_to_date};
use super::cure::Cure;
use super::known::{KNOWN, Known};
use crate::explore::trial::NEVER_ENDS;
use crate::scenario::run::{Budget, RunResult};
use crate::world::World;
use kafka::rules::Rules;

/// So many other seeds that fail alike are enough.
pub const ALIKE: usize = 3;
/// So many other seeds are tried for it.
pub const NEIGHBOURS: u64 = 16;

/// What a run fails by.
pub type Judge<'a> = &'a dyn Fn(&RunResult) -> Vec<&'static str>;

/// The search for what mends the strongest failure of a case.
pub struct Search<'a> {
    base: &'a Case,
    left: &'a [&'static str],
    judge: Judge<'a>,
    budget: Budget,
    alike: Vec<u64>,
}

impl<'a> Search<'a> {
    /// For a case that fails by these, the strongest first; each run may spend so much.
    pub fn new(base: &'a Case, left: &'a [&'static str], judge: Judge<'a>, budget: Budget) -> Search<'a> {
        let mut search = Search { base, left, judge, budget, alike: Vec::new() };
        let seeds = (1..=NEIGHBOURS).map(|more| base.seed.wrapping_add(more));
        let alike = seeds.filter(|seed| {
            let came = search.run(&base.from_seed(*seed));
            came.is_some_and(|names| names.contains(&left[0]))
        });
        let alike = alike.take(ALIKE).collect();
        search.alike = alike;
        search
    }

    /// From how many other seeds it fails alike.
    pub fn alike(&self) -> usize {
        self.alike.len()
    }

    /// What a case fails by. It ends as soon as it fails by the strongest: then that is all that is said.
    pub fn run(&self, case: &Case) -> Option<Vec<&'static str>> {
        let wanted = self.left[0];
        let (mut seen, mut fails) = (0, false);
        let mut onlooker = |world: &World| {
            let violations = world.checks.violations();
            fails = violations[seen..].iter().any(|violation| violation.property == wanted);
            seen = violations.len();
            !fails
        };
        let gone = case.watched(self.budget, &mut onlooker)?;
        Some(if fails { vec![wanted] } else { (self.judge)(&gone.result) })
    }

    /// Whether the failure is gone. A run that never ends does not say.
    fn is_gone(&self, case: &Case) -> bool {
        let names = self.run(case);
        names.is_some_and(|names| {
            let ends = !names.contains(&NEVER_ENDS) || self.left.contains(&NEVER_ENDS);
            ends && !names.contains(&self.left[0])
        })
    }

    fn holds(&self, cure: &Cure) -> bool {
        cure.given_to(self.base).is_some_and(|case| self.is_gone(&case))
    }

    /// Whether the failure is gone, here and where it fails alike: of those a quarter may have another cause.
    fn mends(&self, cure: &Cure) -> bool {
        let Some(case) = cure.given_to(self.base) else { return false };
        if !self.is_gone(&case) {
            return false;
        }
        let mut spare = self.alike.len() / 4;
        self.alike.iter().all(|seed| {
            let is_gone = self.is_gone(&case.from_seed(*seed));
            is_gone || spare.checked_sub(1).map(|left| spare = left).is_some()
        })
    }

    /// What mends it; `None` if nothing does that is known.
    pub fn cure(&self) -> Option<Cure> {
        let changes = later(self.base);
        let newest = Cure::rules(&up_to_date(self.base, &changes));
        let known: Vec<&'static Known> =
            KNOWN.iter().filter(|known| known.without(self.base).is_some()).collect();
        let alone = || changes.iter().map(|change| Cure::rules(std::slice::from_ref(change)));
        let mends = |cure: &Cure| self.mends(cure);
        let are_rules = self.holds(&newest);
        if are_rules {
            let alone = |change: &&Change| mends(&Cure::rules(std::slice::from_ref(*change)));
            let turned = self.turning_point(&changes).filter(alone);
            if let Some(first) = turned.or_else(|| changes.iter().find(alone)) {
                return Some(self.most_alike(first, &changes));
            }
        }
        if are_rules && self.mends(&newest) {
            let several = self.needed(newest);
            return Some(self.of_an_earlier_release(&several, &changes).unwrap_or(several));
        }
        let one_known = known.iter().map(|known| Cure { known: vec![*known], ..Cure::default() });
        if let Some(cure) = one_known.clone().find(mends) {
            return Some(cure);
        }
        // Two flaws at once.
        let with_known = |cure: Cure| Cure { known: known.clone(), ..cure };
        if !known.is_empty() && self.holds(&with_known(newest.clone())) {
            let cure = alone().map(with_known).find(mends).or_else(|| {
                let all = with_known(newest.clone());
                self.mends(&all).then_some(all)
            });
            if let Some(cure) = cure {
                return Some(self.needed(cure));
            }
        }
        if !are_rules && let Some(cure) = alone().find(mends) {
            return Some(cure);
        }
        // Messages of a later release may have what a rule needs.
        let releases = rungs(self.base.release)
            .skip(1)
            .map(|release| Cure { release: Some(release), ..Cure::default() });
        let cure = releases.clone().find(mends).or_else(|| {
            let mut with_known = releases.map(with_known);
            (!known.is_empty()).then(|| with_known.find(mends)).flatten()
        });
        match cure {
            Some(cure) => Some(self.decided(cure, &changes)),
            None => {
                let all = with_known(newest);
                self.of_several(&alone().chain(one_known).collect::<Vec<_>>(), &all)
            }
        }
    }

    /// Seeds that fail alike may do so for another reason. Then what mends the trial is enough, if what it leaves broken is
    /// mended by all that is known: of several, what mends most of them.
    fn of_several(&self, cures: &[Cure], all: &Cure) -> Option<Cure> {
        let from_seed = |cure: &Cure, seed: u64| {
            cure.given_to(self.base).is_some_and(|case| self.is_gone(&case.from_seed(seed)))
        };
        let left = |cure: &Cure| -> Vec<u64> {
            self.alike.iter().copied().filter(|seed| !from_seed(cure, *seed)).collect()
        };
        let own = cures.iter().filter(|cure| self.holds(cure)).map(|cure| (left(cure), cure));
        let (left, cure) = own.min_by_key(|(left, _)| left.len())?;
        left.iter().all(|seed| from_seed(all, *seed)).then(|| cure.clone())
    }

    /// The change, in the ladder's order, with which and all before it the case holds, and without which it does not: if one
    /// mends it alone, it is this one, unless a later one breaks it again. Found by bisection.
    fn turning_point<'c>(&self, changes: &'c [Change]) -> Option<&'c Change> {
        let upto = |count: usize| {
            let mut rules: Vec<Change> = Vec::new();
            for change in &changes[..count] {
                rules.retain(|known| known.rule != change.rule);
                rules.push(change.clone());
            }
            Cure::rules(&rules)
        };
        let (mut fails, mut holds) = (0, changes.len());
        while fails + 1 < holds {
            let middle = fails + (holds - fails) / 2;
            match self.holds(&upto(middle)) {
                true => holds = middle,
                false => fails = middle,
            }
        }
        changes.get(holds.checked_sub(1)?)
    }

    /// A release that mends it before the last of these rules has come: one of its rules needs the messages of that release.
    fn of_an_earlier_release(&self, several: &Cure, changes: &[Change]) -> Option<Cure> {
        let last = several.rules.iter().map(|change| change.since).max()?;
        let earlier = rungs(self.base.release).skip(1).take_while(|release| *release != last);
        let mut earlier = earlier.map(|release| Cure { release: Some(release), ..Cure::default() });
        let cure = self.decided(earlier.find(|cure| self.mends(cure))?, changes);
        (!cure.rules.is_empty() && cure.rules.len() < several.rules.len()).then_some(cure)
    }

    /// Of the rules of one release that mend it, each alone, the one with which the run stays the same for longest.
    fn most_alike(&self, first: &Change, changes: &[Change]) -> Cure {
        let others = changes.iter().skip_while(|change| *change != first).skip(1);
        let others = others
            .filter(|change| change.since == first.since)
            .map(|change| Cure::rules(std::slice::from_ref(change)));
        let others: Vec<Cure> = others.filter(|cure| self.mends(cure)).collect();
        let first = Cure::rules(std::slice::from_ref(first));
        if others.is_empty() {
            return first;
        }
        let mut trail = Vec::new();
        self.base.watched(self.budget, &mut |world: &World| {
            trail.push(world.hash());
            true
        });
        let alike = |cure: &Cure| {
            let (mut events, mut same) = (0, 0);
            let case = cure.given_to(self.base).expect("it mends");
            case.watched(self.budget, &mut |world: &World| {
                same += usize::from(same == events && trail.get(events) == Some(&world.hash()));
                events += 1;
                same == events
            });
            same
        };
        // Of those that are alike for as long the first.
        let all = std::iter::once(first).chain(others).enumerate();
        all.max_by_key(|(index, cure)| (alike(cure), usize::MAX - index)).expect("there is the first").1
    }

    /// What of a cure is needed: pieces are left out as long as the rest mends.
    fn needed(&self, mut cure: Cure) -> Cure {
        let mut size = cure.rules.len().div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < cure.rules.len() {
                let mut fewer = cure.clone();
                fewer.rules.drain(from..(from + size).min(cure.rules.len()));
                match self.mends(&fewer) {
                    true => cure = fewer,
                    false => from += size,
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        for index in (0..cure.known.len()).rev() {
            let mut fewer = cure.clone();
            fewer.known.remove(index);
            if self.mends(&fewer) {
                cure = fewer;
            }
        }
        cure
    }

    /// A release that mends, with the rules that decide: those with whose old value it fails there, too.
    fn decided(&self, mut cure: Cure, changes: &[Change]) -> Cure {
        let release = cure.release.expect("it is one");
        let values = Rules::of(release).values();
        let of_release = changes.iter().filter(|change| values.contains(&(change.rule, change.to)));
        let decides = |change: &&Change| {
            let case = cure.given_to(self.base).expect("it mends");
            !self.is_gone(&case.with(&[(change.rule.to_owned(), change.from.to_owned())]))
        };
        let rules = of_release.filter(decides).cloned().collect();
        cure.rules = rules;
        cure
    }
}
