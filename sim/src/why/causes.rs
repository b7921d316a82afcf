//! The causes of a failing trial: for every way in which it fails, the rules of later releases that mend it, or the known
//! flaws ([`super::known`]) without which it holds; or nothing, and then it is *unattributed*.
//!
//! 1. The strongest failure first. Tried are, in this order: one rule of a later release; several of them; one known flaw;
//!    known flaws and rules together, if two flaws break one property in one trial; a later release as a whole, whose
//!    messages have fields that a rule may need.
//!    Of several rules of one release that mend it, each alone, it is the one with which the run stays the same for longest:
//!    the others change more than what is wrong.
//! 2. What mends it is kept. If others of the trial's failures are still there, they are attributed next, and so on.
//! 3. A change of one rule also changes moments, and a failure that hangs on one may go by accident. So the plan is run from
//!    other seeds, too, until some fail alike ([`ALIKE`]): what mends the trial must mend them. Where none of so many
//!    ([`NEIGHBOURS`]) fails alike, the cause rests on the trial alone, and that is said.
//!
//! A pure function of the trial: nothing is remembered from one to the next, so the answer depends on nothing else.

use super::attribute::{Change, later, overrides, rungs};
use super::case::Case;
use super::failure::strongest_first;
use super::known::{KNOWN, Known};
use crate::explore::trial::{BUDGET, NEVER_ENDS};
use crate::scenario::run::RunResult;
use crate::world::World;
use kafka::era::Release;
use kafka::rules::Rules;
use std::fmt;

/// So many other seeds that fail alike are enough.
pub const ALIKE: usize = 4;
/// So many other seeds are tried for it.
pub const NEIGHBOURS: u64 = 24;
/// So many flaws of one trial are told apart.
const ROUNDS: usize = 5;

/// What makes a trial fail.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Cause {
    /// A later release decides this otherwise.
    Rule(Change),
    /// Something else that this release changed.
    Release(Release),
    /// A flaw that no release with ZooKeeper mends, by its name.
    Known(&'static str),
}

impl Cause {
    /// The KIP or KAFKA number; of a release its version.
    pub fn source(&self) -> String {
        match self {
            Cause::Rule(change) => change.source.to_owned(),
            Cause::Release(release) => release.to_string(),
            Cause::Known(name) => known(name).source.to_owned(),
        }
    }

    /// The name of the rule or of the known flaw.
    pub fn name(&self) -> &'static str {
        match self {
            Cause::Rule(change) => change.rule,
            Cause::Release(_) => "the release",
            Cause::Known(name) => name,
        }
    }

    /// What it is, in a sentence.
    pub fn about(&self) -> &'static str {
        match self {
            Cause::Rule(change) => change.value_before().about,
            Cause::Release(_) => "Something that this release changed beside the rules.",
            Cause::Known(name) => known(name).about,
        }
    }
}

fn known(name: &str) -> &'static Known {
    Known::named(name).expect("a cause is a known flaw")
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.source(), self.name())
    }
}

/// Failures that go together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explained {
    /// Properties, and what else a trial fails by.
    pub fails_by: Vec<&'static str>,
    /// What makes it fail so; nothing if that is not known.
    pub causes: Vec<Cause>,
    /// How many other seeds fail alike, all of which this mends, too.
    pub alike: usize,
}

/// All failures of a trial, with their causes.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Attribution(pub Vec<Explained>);

impl Attribution {
    /// Whether every failure has a cause.
    pub fn is_complete(&self) -> bool {
        self.0.iter().all(|explained| !explained.causes.is_empty())
    }

    /// Every cause once, in order.
    pub fn causes(&self) -> Vec<&Cause> {
        let mut all: Vec<&Cause> = self.0.iter().flat_map(|explained| &explained.causes).collect();
        all.sort();
        all.dedup();
        all
    }
}

impl fmt::Display for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Explained { fails_by, causes, .. }) in self.0.iter().enumerate() {
            let apart = if index > 0 { "; " } else { "" };
            let causes: Vec<String> = causes.iter().map(Cause::to_string).collect();
            let by = if causes.is_empty() { "UNATTRIBUTED".to_owned() } else { causes.join(" and ") };
            write!(f, "{apart}{}: {by}", fails_by.join(", "))?;
        }
        Ok(())
    }
}

/// What a run fails by.
pub type Judge<'a> = &'a dyn Fn(&RunResult) -> Vec<&'static str>;

/// The causes of a trial that fails by `fails_by`.
pub fn causes(case: &Case, fails_by: &[&'static str], judge: Judge<'_>) -> Attribution {
    let mut left = strongest_first(fails_by);
    let mut all = Attribution::default();
    let mut base = case.clone();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return all;
        }
        let search = Search { base: &base, left: &left, judge, alike: search_alike(&base, left[0], judge) };
        let Some(cure) = search.cure() else { break };
        let mended = cure.given_to(&base).expect("it was tried");
        let names = run(&mended, left[0], judge).expect("it was tried");
        let (still, gone): (Vec<_>, Vec<_>) = left.iter().copied().partition(|name| names.contains(name));
        all.0.push(Explained { fails_by: gone, causes: cure.causes(), alike: search.alike.len() });
        (left, base) = (still, mended);
    }
    if !left.is_empty() {
        all.0.push(Explained { fails_by: left, causes: Vec::new(), alike: 0 });
    }
    all
}

/// Seeds from which a case fails alike: by its strongest failure.
fn search_alike(base: &Case, strongest: &'static str, judge: Judge<'_>) -> Vec<u64> {
    let seeds = (1..=NEIGHBOURS).map(|more| base.seed.wrapping_add(more));
    let alike = seeds.filter(|seed| {
        let came = run(&base.from_seed(*seed), strongest, judge);
        came.is_some_and(|names| names.contains(&strongest))
    });
    alike.take(ALIKE).collect()
}

/// What a case fails by. It ends as soon as it fails by `wanted`: then that is all that is said.
fn run(case: &Case, wanted: &'static str, judge: Judge<'_>) -> Option<Vec<&'static str>> {
    let (mut seen, mut fails) = (0, false);
    let mut onlooker = |world: &World| {
        let violations = world.checks.violations();
        fails = violations[seen..].iter().any(|violation| violation.property == wanted);
        seen = violations.len();
        !fails
    };
    let gone = case.watched(BUDGET, &mut onlooker)?;
    Some(if fails { vec![wanted] } else { judge(&gone.result) })
}

/// What may mend a case.
#[derive(Clone, Default)]
struct Cure {
    rules: Vec<Change>,
    known: Vec<&'static Known>,
    release: Option<Release>,
}

impl Cure {
    fn rules(rules: &[Change]) -> Cure {
        Cure { rules: rules.to_vec(), ..Cure::default() }
    }

    /// The case, mended; `None` if there is nothing in it that could be.
    fn given_to(&self, case: &Case) -> Option<Case> {
        let mut case = case.clone();
        for known in &self.known {
            case = known.without(&case)?;
        }
        match self.release {
            Some(release) => case = case.in_release(release),
            None => case.rules.extend(overrides(&self.rules)),
        }
        Some(case)
    }

    fn causes(&self) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.rules.iter().cloned().map(Cause::Rule).collect();
        if let (Some(release), true) = (self.release, self.rules.is_empty()) {
            causes.push(Cause::Release(release));
        }
        causes.extend(self.known.iter().map(|known| Cause::Known(known.name)));
        causes.sort();
        causes
    }
}

/// The search for what mends the strongest failure of a case.
struct Search<'a> {
    base: &'a Case,
    left: &'a [&'static str],
    judge: Judge<'a>,
    alike: Vec<u64>,
}

impl Search<'_> {
    /// Whether the failure is gone. A run that never ends does not say.
    fn is_gone(&self, case: &Case) -> bool {
        let names = run(case, self.left[0], self.judge);
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

    fn cure(&self) -> Option<Cure> {
        let changes = later(self.base);
        let newest = Cure::rules(&up_to_date(self.base, &changes));
        let known: Vec<&'static Known> =
            KNOWN.iter().filter(|known| known.without(self.base).is_some()).collect();
        let alone = || changes.iter().map(|change| Cure::rules(std::slice::from_ref(change)));
        let mends = |cure: &Cure| self.mends(cure);
        let are_rules = self.holds(&newest);
        if are_rules
            && let Some(first) = changes.iter().find(|change| mends(&Cure::rules(&[(*change).clone()])))
        {
            return Some(self.most_alike(first, &changes));
        }
        if are_rules && self.mends(&newest) {
            return Some(self.needed(newest));
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
        self.base.watched(BUDGET, &mut |world: &World| {
            trail.push(world.hash());
            true
        });
        let alike = |cure: &Cure| {
            let (mut events, mut same) = (0, 0);
            let case = cure.given_to(self.base).expect("it mends");
            case.watched(BUDGET, &mut |world: &World| {
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

/// Every rule as the newest release has it, as far as that is another value.
fn up_to_date(case: &Case, changes: &[Change]) -> Vec<Change> {
    let newest = rungs(case.release).last().expect("a case can run");
    let values = Rules::of(newest).values();
    changes.iter().filter(|change| values.contains(&(change.rule, change.to))).cloned().collect()
}
