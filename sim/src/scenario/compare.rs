//! What came out, held against the verdict that the file demands: both directions, nothing more and nothing less.

use super::file::Verdict;
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

fn verdicts(expected: &Verdict, result: &RunResult, lines: &mut Vec<String>) {
    let is = &result.verdict;
    // An unmet condition ends a run early: then a verdict that differs says nothing new.
    if result.unmet.is_some() || (is == expected && result.nameless_losses == 0) {
        return;
    }
    lines.push(format!("demanded  {expected}"));
    lines.push(format!("came out  {is}"));
    for property in expected.violates.iter().filter(|property| !is.violates.contains(property)) {
        lines.push(format!("  {property} was to be violated, and holds"));
    }
    for violation in &result.violations {
        let property = violation.property;
        let is_first = result.violations.iter().find(|other| other.property == property) == Some(violation);
        if is_first && !expected.violates.iter().any(|known| known == property) {
            lines.push(format!("  {property} is violated at {} ms:", violation.at.millis()));
            lines.extend(violation.report.iter().map(|line| format!("    {line}")));
        }
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
    for record in expected.loses.iter().filter(|record| !is.loses.contains(record)) {
        lines.push(format!("  {record} was to be lost, and is not"));
    }
    for (record, declared) in result.audit.lost() {
        if !expected.loses.iter().any(|name| **name == *record.name) {
            let by = declared.map_or(String::new(), |declared| format!(", as {declared} allows"));
            lines.push(format!("  {} is lost{by}", record.name));
        }
    }
    if expected.by != is.by && expected.loses == is.loses {
        let name = |by: Option<super::file::DeclaredLoss>| by.map_or("nothing", |by| by.name());
        lines.push(format!(
            "  the loss was to be allowed by {}, and {} allows it",
            name(expected.by),
            name(is.by)
        ));
    }
}
