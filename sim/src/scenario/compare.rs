//! What came out, held against the verdict that the file demands: both directions, nothing more and nothing less.

use super::file::{Batches, DeclaredLoss, Verdict};
use super::run::RunResult;

/// What differs, a line each; empty if nothing does.
pub fn differences(expected: Option<&Verdict>, result: &RunResult) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(unmet) = &result.unmet {
        lines.extend(unmet.to_string().lines().map(str::to_owned));
    }
    if let Some(expected) = expected {
        verdicts(expected, result, &mut lines);
    }
    for fact in &result.unseen {
        lines.push(format!("`sees` asks for {fact}, which did not occur"));
    }
    lines
}

/// Whether a verdict is what was demanded: the order of losses says nothing, and `batches` is any number of them.
pub fn fits(expected: &Verdict, is: &Verdict) -> bool {
    is.violates == expected.violates && is.by == expected.by && same_losses(expected, is)
}

fn same_losses(expected: &Verdict, is: &Verdict) -> bool {
    expected.loses.len() == is.loses.len()
        && expected.loses.iter().all(|wanted| match Batches::parse(wanted) {
            Some(wanted) => lost_batches(is) > 0 && wanted.fits(lost_batches(is)),
            None => is.loses.contains(wanted),
        })
}

/// How many batches without a name a run has lost.
fn lost_batches(is: &Verdict) -> u64 {
    let counted = is.loses.iter().find_map(|entry| Batches::parse(entry));
    counted.map_or(0, |batches| match batches {
        Batches::Count(count) => count,
        Batches::Some => unreachable!("a run counts them"),
    })
}

fn verdicts(expected: &Verdict, result: &RunResult, lines: &mut Vec<String>) {
    let is = &result.verdict;
    if fits(expected, is) {
        return;
    }
    let unforeseen: Vec<&String> =
        is.violates.iter().filter(|property| !expected.violates.contains(property)).collect();
    if result.unmet.is_some() && unforeseen.is_empty() {
        // A run that ended early has not come to all that was demanded; that says nothing new.
        return;
    }
    lines.push(format!("demanded  {expected}"));
    lines.push(format!("came out  {is}"));
    for property in unforeseen {
        let first = result.violations.iter().find(|violation| violation.property == property);
        let first = first.expect("what a verdict names has been found");
        lines.push(format!("  {property} is violated at {} ms:", first.at.millis()));
        lines.extend(first.report.iter().map(|line| format!("    {line}")));
    }
    if result.unmet.is_some() {
        return;
    }
    for property in expected.violates.iter().filter(|property| !is.violates.contains(property)) {
        lines.push(format!("  {property} was to be violated, and holds"));
    }
    let mut sorted = (expected.violates.clone(), is.violates.clone());
    sorted.0.sort();
    sorted.1.sort();
    if sorted.0 == sorted.1 && expected.violates != is.violates {
        lines.push(
            "  the properties are the same, their order is not: it is that of the first violations"
                .to_owned(),
        );
    }
    losses(expected, result, lines);
    if expected.by != is.by && same_losses(expected, is) {
        let name = |by: Option<DeclaredLoss>| by.map_or("nothing", |by| by.name());
        lines.push(format!(
            "  the loss was to be allowed by {}, and {} allows it",
            name(expected.by),
            name(is.by)
        ));
    }
}

fn losses(expected: &Verdict, result: &RunResult, lines: &mut Vec<String>) {
    let is = &result.verdict;
    let named = |entry: &&String| Batches::parse(entry).is_none();
    for record in expected.loses.iter().filter(named).filter(|record| !is.loses.contains(record)) {
        lines.push(format!("  {record} was to be lost, and is not"));
    }
    // Those without a name are counted, by what allows them.
    let mut nameless: Vec<(Option<&str>, u64)> = Vec::new();
    for (record, declared) in result.audit.lost() {
        if record.name.ends_with(" bytes") {
            match nameless.iter_mut().find(|(by, _)| *by == declared) {
                Some((_, count)) => *count += 1,
                None => nameless.push((declared, 1)),
            }
        } else if !expected.loses.iter().any(|name| **name == *record.name) {
            let by = declared.map_or(String::new(), |declared| format!(", as {declared} allows"));
            lines.push(format!("  {} is lost{by}", record.name));
        }
    }
    let demanded = expected.loses.iter().find_map(|entry| Batches::parse(entry));
    if demanded.map_or(lost_batches(is) == 0, |demanded| demanded.fits(lost_batches(is))) {
        return;
    }
    for (declared, count) in &nameless {
        let by = declared.map_or(String::new(), |declared| format!(", as {declared} allows"));
        let lost = if *count == 1 { "is lost" } else { "are lost" };
        lines.push(format!("  {} without a name {lost}{by}", Batches::entry(*count)));
    }
    if nameless.is_empty() {
        lines.push("  batches without a name were to be lost, and none is".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loses(entries: &[&str]) -> Verdict {
        Verdict { loses: entries.iter().map(|entry| (*entry).to_owned()).collect(), ..Verdict::default() }
    }

    #[test]
    fn losses_fit_in_any_order_and_batches_by_number() {
        for (expected, is, wanted) in [
            (&["m1", "m2"][..], &["m2", "m1"][..], true),
            (&["m1"], &["m1", "m2"], false),
            (&["19 batches"], &["19 batches"], true),
            (&["19 batches"], &["20 batches"], false),
            (&["batches"], &["1 batch"], true),
            (&["batches", "m1"], &["m1", "7 batches"], true),
            (&["batches"], &["m1"], false),
            (&["batches"], &[], false),
        ] {
            assert_eq!(fits(&loses(expected), &loses(is)), wanted, "{expected:?} {is:?}");
        }
        for name in ["m1", "0 batches", "+1 batches", "x batches", "batch", "2 batches more"] {
            assert_eq!(Batches::parse(name), None, "{name}");
        }
    }
}
