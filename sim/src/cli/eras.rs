//! `trial eras`: the table of a scenario's eras, the matrix of many scenarios, and the ladder of all releases.

use super::args::Eras;
use super::out::Out;
use super::run::{outcome, read_all};
use super::{Outcome, jobs};
use crate::scenario::course::{self, Cell};
use crate::scenario::problem::Problem;
use crate::scenario::report::era_table;
use crate::scenario::run::{run as run_trial, seed_of};
use crate::scenario::validate::Ready;
use crate::trace::layout::{PAGE, wrapped};
use kafka::era::{RELEASES, Release};
use kafka::rules::Rules;

/// Runs `trial eras`.
pub fn eras(arguments: &Eras, out: &mut Out) -> Result<Outcome, Problem> {
    if let Some(rule) = &arguments.list {
        let rules = Rules::list();
        if !rules.iter().any(|info| info.name.contains(rule)) {
            let problem = Problem::new(format!("there is no rule with `{rule}` in its name"));
            return Err(problem.near_or_list(rule, rules.iter().map(|info| info.name)));
        }
        out.text(&ladder(rule));
        return Ok(Outcome::AsExpected);
    }
    if arguments.files.is_empty() {
        return Err(Problem::new("`trial eras` needs a scenario file, or a directory of them")
            .help("`trial eras --list` prints what changed from release to release"));
    }
    match &read_all(&arguments.files, None, &[], &arguments.set)?[..] {
        [one] => single(one, out),
        many => matrix(arguments, many, out),
    }
}

/// One scenario: a line for each era.
fn single(ready: &Ready, out: &mut Out) -> Result<Outcome, Problem> {
    let mut results = Vec::new();
    let mut failed = None;
    jobs::in_order(
        ready.eras.len(),
        |index| run_trial(ready, &ready.eras[index], seed_of(ready, None), true),
        |result| match result {
            Ok(result) => {
                results.push(result);
                true
            }
            Err(aborted) => {
                failed = Some(aborted);
                false
            }
        },
    );
    if let Some(aborted) = failed {
        return Err(aborted.into());
    }
    out.text(&era_table(ready, &results));
    let mut total = Outcome::AsExpected;
    for result in &results {
        // Of a run with other settings the file says nothing.
        let demanded = ready.verdict(&result.era).filter(|_| ready.set.is_empty());
        let is = outcome(demanded, result);
        total = total.max(is);
        if demanded.is_some() && is == Outcome::Differs {
            let (file, era) = (&ready.parsed.source.name, &result.era);
            out.line(&format!("era {era} is not as written: see `trial run {file} --era {era}`"));
        }
    }
    Ok(total)
}

/// Many scenarios: a row each, a column for each release.
fn matrix(arguments: &Eras, all: &[Ready], out: &mut Out) -> Result<Outcome, Problem> {
    let directory = match &arguments.files[..] {
        [one] if one.is_dir() => one.display().to_string(),
        _ => String::new(),
    };
    let jobs: Vec<(usize, usize)> = all
        .iter()
        .enumerate()
        .flat_map(|(scenario, ready)| (0..ready.eras.len()).map(move |era| (scenario, era)))
        .collect();
    let mut came: Vec<Vec<(Release, Cell)>> = vec![Vec::new(); all.len()];
    let mut differing = Vec::new();
    let mut failed = None;
    let mut done = 0;
    jobs::in_order(
        jobs.len(),
        |index| {
            let (scenario, era) = jobs[index];
            let ready = &all[scenario];
            let record = !ready.scenario().sees.is_empty();
            let result = run_trial(ready, &ready.eras[era], seed_of(ready, None), record)?;
            let cell = match result.unmet {
                Some(_) => Cell::NotReached,
                None => Cell::Came(result.verdict.clone()),
            };
            let demanded = ready.verdict(&result.era);
            // Of a run with other settings the file says nothing.
            let is = if ready.set.is_empty() { outcome(demanded, &result) } else { Outcome::AsExpected };
            Ok((cell, is))
        },
        |result: Result<(Cell, Outcome), Problem>| match result {
            Ok((cell, is)) => {
                let (scenario, era) = jobs[done];
                done += 1;
                let era = &all[scenario].eras[era];
                came[scenario].push((era.release, cell));
                if is == Outcome::Differs {
                    let file = &all[scenario].parsed.source.name;
                    differing.push(format!("not as written: see `trial run {file} --era {era}`"));
                }
                true
            }
            Err(problem) => {
                failed = Some(problem);
                false
            }
        },
    );
    if let Some(problem) = failed {
        return Err(problem);
    }
    out.text(&course::matrix(&course::rows(all, &directory, came)));
    differing.iter().for_each(|line| out.line(line));
    Ok(if differing.is_empty() { Outcome::AsExpected } else { Outcome::Differs })
}

/// Every release that changed a rule whose name contains `wanted`: which, from what to what, and the KIP or KAFKA number.
fn ladder(wanted: &str) -> String {
    let rules = Rules::list();
    let mut text = String::from(
        "The ladder: every release that changed a rule, from what to what, and what that means. The first release\n\
         says of each rule what it decides. One that is not listed decides as the one before it in its line.\n",
    );
    let mut before: Option<Vec<(&str, &str)>> = None;
    for release in RELEASES {
        let values = Rules::of(*release).values();
        let mut lines = Vec::new();
        for (index, (rule, value)) in values.iter().enumerate() {
            let old = before.as_ref().map(|before| before[index].1);
            if old == Some(*value) || !rule.contains(wanted) {
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
        let ladder = super::ladder("");
        assert!(
            ladder.contains("\n0.11.0.0\n  truncation: to-high-watermark → to-epoch-end  (KIP-101)\n"),
            "{ladder}"
        );
        assert!(ladder.contains("\n2.8.0\n"));
        assert_eq!(ladder.matches("\n0.10.2.0\n").count(), 1);
        let one = super::ladder("broker-epoch");
        assert!(one.matches("\n  broker-epoch: ").count() > 1 && !one.contains("  truncation"), "{one}");
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
