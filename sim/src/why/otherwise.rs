//! The counterfactual: the same case with one thing otherwise, and whether it still breaks.
//!
//! Every rule that a later release decides otherwise, one at a time, in the ladder's order; and every step of the plan left
//! out, one at a time. A step that lets time pass is not left out: what follows would come too soon for another reason.

use super::case::Case;
use super::change::{Change, later};
use super::failure::Failure;
use crate::scenario::run::Budget;
use crate::scenario::step::Step;
use crate::shrink::edit::without;
use std::collections::BTreeSet;

/// The same case, but for one rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruled {
    /// The rule.
    pub change: Change,
    /// Whether it still breaks; `None` if it cannot be run so.
    pub breaks: Option<bool>,
}

/// The same case, but for one step.
#[derive(Clone, PartialEq, Debug)]
pub struct Spared {
    /// Which.
    pub index: usize,
    /// The step.
    pub step: Step,
    /// Whether it still breaks; `None` if it cannot be run so.
    pub breaks: Option<bool>,
}

/// What comes out with each later rule.
pub fn rules<C: crate::shrink::Crew>(case: &Case, failure: &Failure, budget: Budget, crew: &C) -> Vec<Ruled> {
    let changes = later(case);
    let breaks =
        crew.all(changes.len(), &|index| case.with(&[changes[index].as_override()]).fails(failure, budget));
    changes.into_iter().zip(breaks).map(|(change, breaks)| Ruled { change, breaks }).collect()
}

/// What comes out without each step.
pub fn steps<C: crate::shrink::Crew>(
    case: &Case,
    failure: &Failure,
    budget: Budget,
    crew: &C,
) -> Vec<Spared> {
    let all: Vec<(usize, &Step)> = case.plan.steps.iter().enumerate().collect();
    let left_out: Vec<&(usize, &Step)> =
        all.iter().filter(|(_, step)| !matches!(step, Step::RunFor(_) | Step::RunUntil(_))).collect();
    let breaks = crew.all(left_out.len(), &|place| {
        let (index, step) = left_out[place];
        let mut case = case.clone();
        case.plan.steps.remove(*index);
        if case.ready().is_err() {
            // Others speak of what it sent or named.
            let named = named(step);
            case.plan.steps = without(&case.plan.steps, &|name| named.contains(&name));
        }
        case.fails(failure, budget)
    });
    let spared = left_out.into_iter().zip(breaks);
    spared.map(|((index, step), breaks)| Spared { index: *index, step: (*step).clone(), breaks }).collect()
}

/// What other steps may call by the name that this one gives it.
fn named(step: &Step) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    match step {
        Step::Produce(produce) => {
            names.extend(produce.value.as_deref());
            names.extend(produce.values.iter().flatten().map(String::as_str));
        }
        Step::Hold(messages) | Step::Drop(messages) => names.extend(messages.name.as_deref()),
        Step::Delay(delay) => names.extend(delay.name.as_deref()),
        Step::CreateTopic(create) => names.push(&create.topic),
        _ => {}
    }
    names
}

/// The steps without which it does not break.
pub fn needed(spared: &[Spared]) -> BTreeSet<usize> {
    spared.iter().filter(|spared| spared.breaks != Some(true)).map(|spared| spared.index).collect()
}
