//! The museum's tables, from its book: flaws, rungs, planted mutations; for people, for a page in Markdown, for programs.

use super::book::{Book, Found, Rung};
use super::flaws::{FLAWS, Flaw, rung_of};
use super::planted::mutations;
use super::work::{BASES, PROFILES, ROUND};
use crate::trace::layout::{PAGE, table, wrapped};
use kafka::era::Release;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How long it takes to find a flaw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// The profile that finds it first.
    pub profile: usize,
    /// Trials of each base seed, ascending; those that have not found it come last.
    pub trials: [Option<u64>; BASES],
    /// Processor time of one trial, in microseconds.
    pub micros: u64,
}

impl Search {
    /// The trials after which half of the base seeds have found it.
    pub fn median(&self) -> Option<u64> {
        self.trials[BASES / 2]
    }

    /// The trials after which nine in ten have.
    pub fn most(&self) -> Option<u64> {
        self.trials[(BASES * 9).div_ceil(10) - 1]
    }
}

/// The search that finds what was found first: by its median, then by how many base seeds found it, then by the last of
/// them; of profiles that are alike the first. None if nothing was found.
pub fn search(rung: &Rung, found: &Found) -> Option<Search> {
    let of_profile = |profile: usize| {
        let mut trials = found.first[profile];
        trials.sort_by_key(|first| first.unwrap_or(u64::MAX));
        let profiles = PROFILES.len() as u64;
        let own = rung.trials / profiles + u64::from(rung.trials % profiles > profile as u64);
        Search { profile, trials, micros: rung.micros[profile] / own.max(1) }
    };
    let key = |search: &Search| {
        let last = |first: Option<u64>| first.unwrap_or(u64::MAX);
        let missing = search.trials.iter().filter(|first| first.is_none()).count();
        (last(search.median()), missing, last(search.most()), last(search.trials[0]))
    };
    let all = (0..PROFILES.len()).map(of_profile).filter(|search| search.trials[0].is_some());
    all.min_by_key(key)
}

/// The book and what of it is stale.
pub struct Museum<'a> {
    /// The book.
    pub book: &'a Book,
    /// Releases whose counts are stale.
    pub stale: BTreeSet<Release>,
}

/// A flaw and what is known of it.
struct Row<'a> {
    flaw: &'a Flaw,
    with: Release,
    without: Option<Release>,
    rung: Option<&'a Rung>,
    found: Option<&'a Found>,
    search: Option<Search>,
    /// Trials of the release that mends it; and of these unattributed.
    quiet: Option<(u64, u64)>,
}

impl Museum<'_> {
    fn rows(&self) -> Vec<Row<'_>> {
        let row = |flaw: &'static Flaw| {
            let (with, without) = flaw.releases();
            let without = without.map(rung_of);
            let rung = self.book.rung(with);
            let found = rung.and_then(|rung| rung.find(&flaw.key()));
            let search = rung.zip(found).and_then(|(rung, found)| search(rung, found));
            let quiet = without.and_then(|release| self.book.rung(release));
            let quiet = quiet.map(|rung| (rung.trials, rung.unattributed));
            Row { flaw, with, without, rung, found, search, quiet }
        };
        FLAWS.iter().map(row).collect()
    }

    /// Flaws that were found.
    fn flaws(&self, name: fn(&Flaw) -> String) -> Vec<Vec<String>> {
        let titles =
            ["flaw", "", "in", "not in", "profile", "property", "trials", "90 %", "s", "steps", "quiet"];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        for row in self.rows() {
            let Some(search) = &row.search else { continue };
            let within = row.rung.map_or(0, |rung| rung.trials / ROUND);
            // Of base seeds that found it later, or not, so much is known.
            let by = search.trials.iter().flatten().count();
            let trials = |first: Option<u64>| first.map_or(format!("> {within}"), |first| first.to_string());
            let half = match search.median() {
                Some(median) => median.to_string(),
                None => format!("> {within} ({by} of {BASES})"),
            };
            let micros = search.median().map(|trials| trials * search.micros);
            let seconds = micros
                .map_or(String::new(), |micros| format!("{}.{}", micros / 1_000_000, micros / 100_000 % 10));
            let steps = row.found.and_then(|found| found.shrunk.as_ref());
            let steps =
                steps.map_or(String::new(), |shrunk| format!("{} of {}", shrunk.steps, shrunk.before));
            let quiet = row.quiet.map_or("-".to_owned(), |(trials, unattributed)| match unattributed {
                0 => trials.to_string(),
                some => format!("{trials}, {some} not"),
            });
            let mark = if self.stale.contains(&row.with) { "*" } else { "" };
            rows.push(vec![
                name(row.flaw),
                row.flaw.source().to_owned(),
                format!("{}{mark}", row.with),
                row.without.map_or("never".to_owned(), |release| release.to_string()),
                PROFILES[search.profile].to_string(),
                row.found.and_then(|found| found.properties.first()).cloned().unwrap_or_default(),
                half,
                trials(search.most()),
                seconds,
                steps,
                quiet,
            ]);
        }
        rows
    }

    /// Flaws that were not, with the reason.
    fn unfound(&self) -> Vec<String> {
        let rows = self.rows();
        let unfound = rows.iter().filter(|row| row.search.is_none());
        let line = |row: &Row<'_>| {
            let trials = match row.rung {
                Some(rung) => format!("not found in {} trials of {}.", rung.trials, row.with),
                None => format!("{} is not explored yet.", row.with),
            };
            let line =
                format!("{} ({}): {trials} {}", row.flaw.source(), row.flaw.scenario, row.flaw.unfound);
            line.trim_end().to_owned()
        };
        unfound.map(line).collect()
    }

    fn rungs(&self) -> Vec<Vec<String>> {
        let titles = ["rung", "trials", "failing", "unattributed", "because of"];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        for rung in &self.book.rungs {
            let mut found: Vec<&Found> = rung.found.iter().collect();
            found.sort_by_key(|found| u64::MAX - found.trials);
            let named = |found: &&Found| format!("{} {}", rule_of(&found.cause), found.trials);
            let causes: Vec<String> = found.iter().map(named).collect();
            let is_stale = self.stale.iter().any(|release| release.to_string() == rung.era);
            rows.push(vec![
                format!("{}{}", rung.era, if is_stale { "*" } else { "" }),
                rung.trials.to_string(),
                rung.failing.to_string(),
                rung.unattributed.to_string(),
                causes.join(", "),
            ]);
        }
        rows
    }

    fn planted(&self) -> Vec<Vec<String>> {
        let titles = ["planted", "found by", "trials"];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        for value in mutations() {
            let known = self.book.planted.iter().find(|known| known.mutation == value.name);
            let (by, trials) = match known.map(|known| (known.trials, &known.found)) {
                Some((trials, Some(catch))) => (catch.fails_by.join(", "), trials.to_string()),
                Some((trials, None)) => ("NOTHING".to_owned(), format!("> {trials}")),
                None => ("not explored yet".to_owned(), String::new()),
            };
            rows.push(vec![format!("{}: {}", value.name, value.about.trim()), by, trials]);
        }
        rows
    }

    fn totals(&self) -> String {
        let sum = |of: fn(&Rung) -> u64| self.book.rungs.iter().map(of).sum::<u64>();
        let (trials, unattributed) = (sum(|rung| rung.trials), sum(|rung| rung.unattributed));
        let least = self.book.rungs.iter().map(|rung| rung.trials).min().unwrap_or(0);
        let on = match self.book.rungs.len() {
            1 => "on one rung".to_owned(),
            rungs => format!("on {rungs} rungs, at least {least} on each"),
        };
        match unattributed {
            0 => format!("{trials} trials {on}: 0 unattributed"),
            some => format!("{trials} trials {on}; unattributed: {some}"),
        }
    }

    fn stale(&self) -> Option<String> {
        let stale: Vec<String> = self.stale.iter().map(Release::to_string).collect();
        (!stale.is_empty()).then(|| {
            format!(
                "* stale: counted by another version of the machine, of the draws or of the ladder: {}. `trial museum \
                 --trials N --era RELEASE` counts anew.",
                stale.join(", ")
            )
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = table(&self.flaws(Flaw::sentence), &[0, 5]);
        let unfound = self.unfound();
        if !unfound.is_empty() {
            text += "\nnot found\n";
            for line in unfound {
                let lines = wrapped(&line, PAGE - 4);
                text += &format!("  {}\n", lines.join("\n    "));
            }
        }
        text += &format!("\n{}", table(&self.rungs(), &[4]));
        if !mutations().is_empty() {
            text += &format!("\n{}", table(&self.planted(), &[0]));
        }
        for rung in &self.book.rungs {
            for one in &rung.named {
                text += &format!("\n{}  # {}", one.line, one.fails_by);
            }
        }
        let stale = self.stale().map_or(String::new(), |line| wrapped(&line, PAGE).join("\n") + "\n");
        text + &format!("\n{}\n{stale}", self.totals())
    }

    /// For a page.
    pub fn markdown(&self) -> String {
        let mut text =
            markdown(&self.flaws(|flaw| format!("[{}](scenarios/{}.json)", flaw.sentence(), flaw.scenario)));
        let unfound = self.unfound();
        if !unfound.is_empty() {
            let lines: Vec<String> = unfound.iter().map(|line| format!("- {line}")).collect();
            text += &format!("\nNot found:\n\n{}\n", lines.join("\n"));
        }
        if !mutations().is_empty() {
            text += &format!("\n{}", markdown(&self.planted()));
        }
        let stale = self.stale().map_or(String::new(), |line| format!("\n{line}\n"));
        text + &format!("\n{}.\n{stale}", self.totals())
    }

    /// For programs: the rows, and the book as it is.
    pub fn json(&self) -> Value {
        let rows = self.rows().into_iter().map(|row| {
            json!({
                "flaw": row.flaw.key(),
                "source": row.flaw.source(),
                "scenario": row.flaw.scenario,
                "era": row.with.to_string(),
                "mended": row.without.map(|release| release.to_string()),
                "profile": row.search.as_ref().map(|search| PROFILES[search.profile].name()),
                "properties": row.found.map(|found| &found.properties),
                "trials": row.search.as_ref().map(|search| search.trials),
                "median": row.search.as_ref().and_then(Search::median),
                "most": row.search.as_ref().and_then(Search::most),
                "micros_of_a_trial": row.search.as_ref().map(|search| search.micros),
                "steps": row.found.and_then(|found| found.shrunk.as_ref()).map(|shrunk| shrunk.steps),
                "steps_written": row.flaw.steps(),
                "quiet": row.quiet.map(|(trials, _)| trials),
                "alarms": row.quiet.map(|(_, unattributed)| unattributed),
                "stale": self.stale.contains(&row.with),
            })
        });
        json!({ "flaws": rows.collect::<Vec<_>>(), "book": self.book })
    }
}

/// A cause without its value.
fn rule_of(cause: &str) -> &str {
    cause.split('=').next().unwrap_or(cause)
}

fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let mut text = line(&rows[0]);
    text += &format!("|{}\n", " --- |".repeat(rows[0].len()));
    rows[1..].iter().for_each(|row| text += &line(row));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::museum::book::Rung;

    #[test]
    fn the_profile_that_finds_it_first_is_that_with_the_lowest_median() {
        let mut rung = Rung::new(kafka::era::RELEASES[0], "f");
        rung.trials = 100 * ROUND;
        rung.micros = [90_000, 1, 1, 1];
        assert_eq!(search(&rung, rung.clone().find_mut("a")), None);
        let mut found = rung.find_mut("a").clone();
        for base in 0..BASES {
            found.first[0][base] = (base != 4).then_some(base as u64 + 10);
            found.first[1][base] = (base > 4).then_some(1);
        }
        found.first[2] = [Some(90); BASES];
        let search = search(&rung, &found).expect("it was found");
        assert_eq!((search.profile, search.median(), search.most()), (0, Some(15), None));
        assert_eq!(search.micros, 100);
    }
}
