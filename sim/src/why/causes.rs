//! The causes of a failing trial: for every way in which it fails, what mends it ([`super::search`]), or nothing, and then it
//! is *unattributed*.
//!
//! The strongest failure first. What mends it is kept, and if others of the trial's failures are still there, they are
//! attributed next, and so on.
//!
//! A pure function of the trial: nothing is remembered from one to the next, so the answer depends on nothing else.

use super::case::Case;
use super::cure::Cause;
use super::failure::strongest_first;
use super::search::{Judge, Search};
use crate::explore::trial::BUDGET;
use std::fmt;

/// So many flaws of one trial are told apart.
const ROUNDS: usize = 5;

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

/// The causes of a trial that fails by `fails_by`.
pub fn causes(case: &Case, fails_by: &[&'static str], judge: Judge<'_>) -> Attribution {
    let mut left = strongest_first(fails_by);
    let mut all = Attribution::default();
    let mut base = case.clone();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            return all;
        }
        let search = Search::new(&base, &left, judge, BUDGET);
        let Some(cure) = search.cure() else { break };
        let mended = cure.given_to(&base).expect("it was tried");
        let names = search.run(&mended).expect("it was tried");
        let (still, gone): (Vec<_>, Vec<_>) = left.iter().copied().partition(|name| names.contains(name));
        all.0.push(Explained { fails_by: gone, causes: cure.causes(), alike: search.alike() });
        (left, base) = (still, mended);
    }
    if !left.is_empty() {
        all.0.push(Explained { fails_by: left, causes: Vec::new(), alike: 0 });
    }
    all
}
