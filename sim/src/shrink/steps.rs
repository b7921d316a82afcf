//! Fewer steps: what follows the failure, chunks of them (ddmin), single ones, also in triggers; and steps that say less.

use super::Crew;
use super::bench::Bench;
use crate::scenario::file::Scenario;
use crate::scenario::step::{Messages, RunUntil, Step, SurvivesWord, When};

/// Drops what follows the failure: the shortest beginning that still fails, by bisection. From a fork it costs no more
/// than what is left to run.
pub fn cut_the_end<C: Crew>(bench: &mut Bench<'_, C>) {
    let (mut fails, mut holds) = (bench.plan().steps.len(), 0);
    while holds + 1 < fails && !bench.stopped {
        let middle = holds + (fails - holds) / 2;
        let candidate = prefix(bench.plan(), middle);
        match bench.first("the end", &[candidate]) {
            Some(_) => fails = bench.plan().steps.len().min(middle),
            None => holds = middle,
        }
    }
}

fn prefix(plan: &Scenario, length: usize) -> Scenario {
    Scenario { steps: plan.steps[..length.min(plan.steps.len())].to_vec(), ..plan.clone() }
}

/// Drops chunks of steps, halves first.
pub fn drop_chunks<C: Crew>(bench: &mut Bench<'_, C>) {
    let mut size = bench.plan().steps.len() / 2;
    while size > 0 && !bench.stopped {
        let mut from = 0;
        while from < bench.plan().steps.len() {
            let plan = bench.plan();
            let starts: Vec<usize> = (from..plan.steps.len()).step_by(size).collect();
            let without = |start: &usize| {
                let mut steps = plan.steps.clone();
                steps.drain(*start..(*start + size).min(plan.steps.len()));
                Scenario { steps, ..plan.clone() }
            };
            let candidates: Vec<Scenario> = starts.iter().map(without).collect();
            match bench.first("steps", &candidates) {
                Some(index) => from = starts[index],
                None => break,
            }
        }
        size /= 2;
    }
}

/// Steps that say less, or do less; triggers with fewer steps, or none; two steps that only make sense together.
pub fn plainer(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    let mut replaced = |index: usize, steps: Vec<Step>| {
        let mut plan = plan.clone();
        plan.steps.splice(index..=index, steps);
        candidates.push(plan);
    };
    for (index, step) in plan.steps.iter().enumerate() {
        match step {
            Step::When(when) => {
                replaced(index, when.steps.clone());
                for inner in 0..when.steps.len() {
                    let mut fewer = when.clone();
                    fewer.steps.remove(inner);
                    if !fewer.steps.is_empty() {
                        replaced(index, vec![Step::When(fewer)]);
                    }
                }
                if when.within.is_some() {
                    replaced(index, vec![Step::When(When { within: None, ..when.clone() })]);
                }
                if when.after.is_some() {
                    replaced(index, vec![Step::When(When { after: None, ..when.clone() })]);
                }
            }
            Step::PowerOff(off) => {
                replaced(index, vec![Step::Kill(off.node.clone())]);
                if off.survives != SurvivesWord::Nothing {
                    let mut plain = off.clone();
                    plain.survives = SurvivesWord::Nothing;
                    replaced(index, vec![Step::PowerOff(plain)]);
                }
            }
            Step::Delay(delay) => {
                replaced(index, vec![Step::Hold(Messages { name: None, ..delay.messages() })]);
            }
            Step::Hold(messages) | Step::Drop(messages) => {
                let is_hold = matches!(step, Step::Hold(_));
                for plain in with_less(messages) {
                    replaced(index, vec![if is_hold { Step::Hold(plain) } else { Step::Drop(plain) }]);
                }
                if !is_hold {
                    replaced(index, vec![Step::Hold(messages.clone())]);
                }
            }
            Step::Release(name) if name != "all" => replaced(index, vec![Step::Release("all".to_owned())]),
            Step::Cut(cut) if cut.one_way => {
                let mut plain = cut.clone();
                plain.one_way = false;
                replaced(index, vec![Step::Cut(plain)]);
            }
            Step::Cut(cut) => {
                for (from, to) in fewer_pairs(&cut.from.0, &cut.to.0) {
                    let mut plain = cut.clone();
                    (plain.from.0, plain.to.0) = (from, to);
                    replaced(index, vec![Step::Cut(plain)]);
                }
            }
            Step::RunUntil(until) if until.within.is_some() => {
                let mut plain = until.clone();
                plain.within = None;
                replaced(index, vec![Step::RunUntil(plain)]);
            }
            _ => {}
        }
    }
    candidates.extend(awaited(plan));
    // What one does and another takes back.
    let undoes = |one: &Step, other: &Step| {
        matches!(
            (one, other),
            (Step::Kill(_) | Step::PowerOff(_) | Step::Shutdown(_), Step::Restart(_))
                | (Step::Pause(_), Step::Resume(_))
                | (Step::Cut(_), Step::Heal(_))
                | (Step::Hold(_) | Step::Drop(_) | Step::Delay(_), Step::Release(_))
        )
    };
    for (first, one) in plan.steps.iter().enumerate() {
        for (second, other) in plan.steps.iter().enumerate().skip(first + 1) {
            if undoes(one, other) {
                let mut plan = plan.clone();
                plan.steps.remove(second);
                plan.steps.remove(first);
                candidates.push(plan);
            }
        }
    }
    candidates
}

/// A trigger becomes a wait for its condition in one of the waits that follow it, and its steps come after that.
fn awaited(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let Step::When(when) = step else { continue };
        for (later, wait) in plan.steps.iter().enumerate().skip(index + 1) {
            let Step::RunFor(_) = wait else { continue };
            let mut steps =
                vec![Step::RunUntil(RunUntil { condition: when.condition.clone(), within: None })];
            steps.extend(when.after.map(Step::RunFor));
            steps.extend(when.steps.iter().cloned());
            steps.push(wait.clone());
            let mut plan = plan.clone();
            plan.steps.splice(later..=later, steps);
            plan.steps.remove(index);
            candidates.push(plan);
        }
    }
    candidates
}

/// A link between fewer nodes.
fn fewer_pairs<T: Clone>(from: &[T], to: &[T]) -> Vec<(Vec<T>, Vec<T>)> {
    let mut pairs = Vec::new();
    let less = |all: &[T], index: usize| {
        let mut left = all.to_vec();
        left.remove(index);
        left
    };
    if from.len() > 1 {
        pairs.extend((0..from.len()).map(|index| (less(from, index), to.to_vec())));
    }
    if to.len() > 1 {
        pairs.extend((0..to.len()).map(|index| (from.to_vec(), less(to, index))));
    }
    pairs
}

/// A choice of messages in fewer words.
fn with_less(messages: &Messages) -> Vec<Messages> {
    let mut all = Vec::new();
    if messages.count.is_some() {
        all.push(Messages { count: None, ..messages.clone() });
    }
    if messages.name.is_some() {
        all.push(Messages { name: None, ..messages.clone() });
    }
    all
}
