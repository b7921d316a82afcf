//! `trial eras`: the table of a scenario's eras, and the ladder of all releases.

use super::args::Eras;
use super::out::Out;
use super::run::{outcome, read_all};
use super::{Outcome, jobs};
use crate::scenario::problem::Problem;
use crate::scenario::report::era_table;
use crate::scenario::run::run as run_trial;
use crate::trace::layout::{PAGE, wrapped};
use kafka::era::RELEASES;
use kafka::rules::Rules;

/// Runs `trial eras`.
pub fn eras(arguments: &Eras, out: &mut Out) -> Result<Outcome, Problem> {
    if arguments.list {
        out.text(&ladder());
        return Ok(Outcome::AsExpected);
    }
    let all = read_all(&arguments.files, None, &[])?;
    let mut total = Outcome::AsExpected;
    for (number, ready) in all.iter().enumerate() {
        let mut results = Vec::new();
        let mut failed = None;
        jobs::in_order(
            ready.eras.len(),
            |index| run_trial(ready, &ready.eras[index], 0, true),
            |result| match result {
                Ok(result) => {
                    results.push(result);
                    true
                }
                Err(problem) => {
                    failed = Some(problem);
                    false
                }
            },
        );
        if let Some(problem) = failed {
            return Err(problem.into());
        }
        if all.len() > 1 {
            let space = if number > 0 { "\n" } else { "" };
            out.line(&format!("{space}{}: {}", ready.parsed.source.name, ready.scenario().title));
        }
        out.text(&era_table(&results));
        for result in &results {
            let is = outcome(ready.verdict(&result.era), result);
            total = total.max(is);
            if is == Outcome::Differs {
                out.line(&format!(
                    "era {} is not as written: see `trial run --era {}`",
                    result.era, result.era
                ));
            }
        }
    }
    Ok(total)
}

/// Every release that changed a rule: which, from what to what, and the KIP or KAFKA number.
fn ladder() -> String {
    let rules = Rules::list();
    let mut text = String::from(
        "The ladder: every release that changed a rule, from what to what, and what that means. The first release says of\n\
         each rule what it decides. One that is not listed decides as the one before it in its line.\n",
    );
    let mut before: Option<Vec<(&str, &str)>> = None;
    for release in RELEASES {
        let values = Rules::of(*release).values();
        let mut lines = Vec::new();
        for (index, (rule, value)) in values.iter().enumerate() {
            let old = before.as_ref().map(|before| before[index].1);
            if old == Some(*value) {
                continue;
            }
            let info = &rules[index];
            let known = info.values.iter().find(|known| known.name == *value);
            let known = known.expect("a rule has the values it lists");
            let about = known.about.trim();
            let about = match old {
                None => {
                    lines.push(format!("  {rule}: {value}"));
                    format!("{} {about}", info.about)
                }
                Some(old) => {
                    lines.push(format!("  {rule}: {old} → {value}  ({})", known.source));
                    about.to_owned()
                }
            };
            lines.extend(wrapped(&about, PAGE - 6).iter().map(|line| format!("      {line}")));
        }
        if !lines.is_empty() {
            text += &format!("\n{release}\n{}\n", lines.join("\n"));
        }
        before = Some(values);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ladder_names_every_rung_once() {
        let ladder = super::ladder();
        assert!(
            ladder.contains("\n0.11.0.0\n  truncation: to-high-watermark → to-epoch-end  (KIP-101)\n"),
            "{ladder}"
        );
        assert!(ladder.contains("\n2.8.0\n"));
        assert_eq!(ladder.matches("\n0.10.2.0\n").count(), 1);
        let wide = ladder.lines().find(|line| line.chars().count() > super::PAGE);
        assert_eq!(wide, None);
        for rule in super::Rules::list() {
            assert!(
                !rule.about.is_empty() && rule.about.ends_with('.'),
                "{} says what it decides",
                rule.name
            );
            let silent = rule.values.iter().find(|value| !value.about.trim().ends_with('.'));
            assert!(silent.is_none(), "{}: a value says in a sentence what it means: {silent:?}", rule.name);
        }
    }
}
