//! Fewer records, and such that have names: a record that is lost is to be called something.

use crate::scenario::file::Scenario;
use crate::scenario::step::{Produce, Step, Workload};
use crate::scenario::words::Many;
use std::collections::BTreeSet;

/// Each step that sends, made smaller.
pub fn fewer(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let smaller: Vec<Step> = match step {
            Step::Produce(produce) => smaller_produce(plan, produce).into_iter().map(Step::Produce).collect(),
            Step::Workload(workload) => smaller_workload(plan, workload),
            _ => continue,
        };
        for step in smaller {
            let mut plan = plan.clone();
            plan.steps[index] = step;
            candidates.push(plan);
        }
    }
    candidates
}

fn smaller_produce(plan: &Scenario, produce: &Produce) -> Vec<Produce> {
    let mut all = Vec::new();
    if let Some(values) = &produce.values {
        for value in values {
            let (value, values) = (Some(value.clone()), None);
            all.push(Produce { value, values, every: None, ..produce.clone() });
        }
        let half = values.len() / 2;
        if half > 1 {
            for values in [&values[..half], &values[half..]] {
                all.push(Produce { values: Some(values.to_vec()), ..produce.clone() });
            }
        }
        if values.len() > 2 {
            for index in 0..values.len() {
                let mut fewer = values.clone();
                fewer.remove(index);
                all.push(Produce { values: Some(fewer), ..produce.clone() });
            }
        }
    }
    if let Some(count) = produce.count {
        all.push(named(plan, produce));
        if count > 1 {
            all.push(Produce { count: Some(1), ..produce.clone() });
            all.push(Produce { count: Some(count / 2), ..produce.clone() });
        }
        if produce.size.is_some() {
            all.push(Produce { size: None, ..produce.clone() });
        }
    }
    if produce.every.is_some() {
        all.push(Produce { every: None, ..produce.clone() });
    }
    if produce.key.is_some() {
        all.push(Produce { key: None, ..produce.clone() });
    }
    all
}

/// One record with a name instead of nameless ones.
fn named(plan: &Scenario, produce: &Produce) -> Produce {
    let value = Some(free_name(plan));
    Produce { value, values: None, count: None, size: None, every: None, ..produce.clone() }
}

fn smaller_workload(plan: &Scenario, workload: &Workload) -> Vec<Step> {
    let mut all = Vec::new();
    for partition in &workload.to.0 {
        let produce = Produce {
            to: *partition,
            value: Some(free_name(plan)),
            values: None,
            count: None,
            size: None,
            acks: None,
            by: workload.by.clone(),
            key: None,
            every: None,
        };
        all.push(Step::Produce(produce));
    }
    let mut with = |change: &dyn Fn(&mut Workload)| {
        let mut smaller = workload.clone();
        change(&mut smaller);
        if smaller != *workload {
            all.push(Step::Workload(smaller));
        }
    };
    for partition in &workload.to.0 {
        with(&|smaller| smaller.to = Many(vec![*partition]));
    }
    let every = workload.every.0.0;
    let sends = workload.count.or(workload.during.map(|during| during.0.0.div_ceil(every))).unwrap_or(1);
    for fewer in [sends / 4, sends / 2, sends - 1] {
        if fewer > 0 {
            with(&|smaller| (smaller.count, smaller.during) = (Some(fewer), None));
        }
    }
    with(&|smaller| smaller.records = None);
    with(&|smaller| smaller.size = None);
    all
}

/// A name that no record has: `m1`, `m2`.
fn free_name(plan: &Scenario) -> String {
    let mut taken = BTreeSet::new();
    fn collect(steps: &[Step], taken: &mut BTreeSet<String>) {
        for step in steps {
            match step {
                Step::Produce(produce) => {
                    taken.extend(produce.value.iter().cloned());
                    taken.extend(produce.values.iter().flatten().cloned());
                }
                Step::When(when) => collect(&when.steps, taken),
                _ => {}
            }
        }
    }
    collect(&plan.steps, &mut taken);
    let free = (1..).map(|number| format!("m{number}")).find(|name| !taken.contains(name));
    free.expect("there is always another number")
}
