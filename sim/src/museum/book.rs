//! The museum's book: what was counted, as a file that a later run goes on with.
//!
//! Written beside its place and then renamed, so that it is whole or as it was. A file of another grammar is refused, for
//! its counts could not be read; what was counted by another machine is kept, and stale.

use super::work::{BASES, PROFILES};
use crate::explore::found::write_whole;
use crate::scenario::problem::Problem;
use kafka::era::{RELEASES, Release};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;

/// Changes with what a file says and how.
pub const GRAMMAR: u32 = 1;

/// The book.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// What it may say.
    pub grammar: u32,
    /// The version that wrote it last.
    pub version: String,
    /// Releases, in their order.
    pub rungs: Vec<Rung>,
    /// Planted mutations.
    pub planted: Vec<Mutation>,
}

/// What was counted in one release.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// The release.
    pub era: String,
    /// What the counts hang on.
    pub fingerprint: String,
    /// How many trials.
    pub trials: u64,
    /// How many fail.
    pub failing: u64,
    /// How many of these are unattributed.
    pub unattributed: u64,
    /// The first of those, by name.
    pub named: Vec<Unattributed>,
    /// Processor time by profile, in microseconds.
    pub micros: [u64; PROFILES.len()],
    /// What makes trials fail.
    pub found: Vec<Found>,
}

/// A trial that nothing explains.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unattributed {
    /// Its line.
    pub line: String,
    /// What it fails by.
    pub fails_by: String,
}

/// What makes trials of a release fail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The rule and the value that mends it, or a known flaw.
    pub cause: String,
    /// How many trials fail because of it.
    pub trials: u64,
    /// The strongest property that shows it, of each trial that was the first of its base.
    pub properties: Vec<String>,
    /// By profile and base seed: the number of the first trial.
    pub first: [[Option<u64>; BASES]; PROFILES.len()],
    /// What shrinking made of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
}

/// What shrinking made of a trial.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shrunk {
    /// Which trial.
    pub line: String,
    /// How many steps it had.
    pub before: u64,
    /// How many are left.
    pub steps: u64,
}

/// A mutation of our own rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The value of the rule `planted`.
    pub mutation: String,
    /// The release that it was planted in.
    pub era: String,
    /// What the counts hang on.
    pub fingerprint: String,
    /// How many trials.
    pub trials: u64,
    /// The trial that found it.
    pub found: Option<Catch>,
}

/// A trial that found a mutation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catch {
    /// Its line.
    pub line: String,
    /// What it fails by, and does not without the mutation.
    pub fails_by: Vec<String>,
}

impl Default for Book {
    fn default() -> Book {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Book { grammar: GRAMMAR, version, rungs: Vec::new(), planted: Vec::new() }
    }
}

impl Rung {
    /// Nothing counted yet.
    pub fn new(release: Release, fingerprint: &str) -> Rung {
        Rung {
            era: release.to_string(),
            fingerprint: fingerprint.to_owned(),
            trials: 0,
            failing: 0,
            unattributed: 0,
            named: Vec::new(),
            micros: [0; PROFILES.len()],
            found: Vec::new(),
        }
    }

    /// What was found of a cause.
    pub fn find(&self, cause: &str) -> Option<&Found> {
        self.found.iter().find(|found| found.cause == cause)
    }

    /// The same, to be changed; made if there is none yet.
    pub fn find_mut(&mut self, cause: &str) -> &mut Found {
        let place = self.found.iter().position(|found| found.cause.as_str() >= cause);
        let place = place.unwrap_or(self.found.len());
        if self.found.get(place).is_none_or(|found| found.cause != cause) {
            let first = [[None; BASES]; PROFILES.len()];
            let (cause, properties) = (cause.to_owned(), Vec::new());
            self.found.insert(place, Found { cause, trials: 0, properties, first, shrunk: None });
        }
        &mut self.found[place]
    }
}

impl Book {
    /// What was counted in a release.
    pub fn rung(&self, release: Release) -> Option<&Rung> {
        let name = release.to_string();
        self.rungs.iter().find(|rung| rung.era == name)
    }

    /// The same, to be gone on with: begun if it is not there, and begun anew if it is stale. Says whether it was.
    pub fn continued(&mut self, release: Release, fingerprint: &str) -> (&mut Rung, bool) {
        let name = release.to_string();
        let place = match self.rungs.iter().position(|rung| rung.era == name) {
            Some(place) => place,
            None => {
                let after = |name: &str| RELEASES.iter().position(|release| release.to_string() == name);
                let is_later = |rung: &Rung| after(&rung.era) > after(&name);
                let place = self.rungs.iter().position(is_later).unwrap_or(self.rungs.len());
                self.rungs.insert(place, Rung::new(release, fingerprint));
                place
            }
        };
        let rung = &mut self.rungs[place];
        let was_stale = rung.fingerprint != fingerprint;
        if was_stale {
            *rung = Rung::new(release, fingerprint);
        }
        (rung, was_stale)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no book of this grammar.
    pub fn read(path: &Path) -> Result<Book, Problem> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Problem::new(format!("{place} cannot be read: there is no such file"))
                .help("`trial museum --trials N` begins one; `--file FILE` names another"),
            ErrorKind::IsADirectory => {
                Problem::new(format!("{place} is a directory; expected the museum's book, a file"))
                    .help("`--file FILE` names it")
            }
            ErrorKind::InvalidData => {
                Problem::new(format!("{place} is no book of the museum: it is no text"))
                    .help("`--file FILE` names another")
            }
            _ => Problem::new(format!("{place} cannot be read: {error}")).help("`--file FILE` names another"),
        })?;
        Book::parse(&text).map_err(|what| {
            Problem::new(format!("{place} is no book of the museum: {what}"))
                .help("move it away, and `trial museum --trials N` begins another")
        })
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Book, String> {
        #[derive(Deserialize)]
        struct Head {
            grammar: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(|error| not_read(&error))?;
        if head.grammar != GRAMMAR {
            return Err(format!("its grammar is {}, and this version reads {GRAMMAR}", head.grammar));
        }
        let book: Book = serde_json::from_str(text).map_err(|error| not_read(&error))?;
        for rung in &book.rungs {
            kafka::era::Era::parse(&rung.era).map_err(|unknown| unknown.to_string())?;
        }
        Ok(book)
    }

    /// As text: a line for each thing that was found.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{{\n  \"grammar\": {},\n  \"version\": {:?},\n  \"rungs\": [",
            self.grammar, self.version
        );
        for (index, rung) in self.rungs.iter().enumerate() {
            let Rung { era, fingerprint, trials, failing, unattributed, named, micros, found } = rung;
            let apart = if index > 0 { "," } else { "" };
            text += &format!(
                "{apart}\n    {{\n      \"era\": {era:?}, \"fingerprint\": {fingerprint:?},\n      \"trials\": {trials}, \
                 \"failing\": {failing}, \"unattributed\": {unattributed}, \"micros\": {},\n      \"named\": {},\n      \"found\": {}\n    }}",
                json(micros),
                lines(named, 8),
                lines(found, 8),
            );
        }
        text + &format!("\n  ],\n  \"planted\": {}\n}}\n", lines(&self.planted, 4))
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Problem> {
        write_whole(path, &self.text()).map_err(|problem| problem.help("`--file FILE` names another place"))
    }
}

/// What keeps a text from being a book.
fn not_read(error: &serde_json::Error) -> String {
    match (error.is_eof(), error.line()) {
        (true, 0 | 1) => "it ends too early".to_owned(),
        (true, line) => format!("it ends too early, in line {line}: is it truncated?"),
        (false, _) => error.to_string(),
    }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("it is data")
}

/// A list with a line for each.
fn lines<T: Serialize>(all: &[T], indent: usize) -> String {
    if all.is_empty() {
        return "[]".to_owned();
    }
    let all: Vec<String> = all.iter().map(|one| format!("{:indent$}{}", "", json(one))).collect();
    format!("[\n{}\n{:2$}]", all.join(",\n"), "", indent - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_reads_as_it_is_written() {
        let mut book = Book::default();
        for release in [RELEASES[9], RELEASES[3]] {
            let (rung, was_stale) = book.continued(release, "0123");
            assert!(!was_stale);
            rung.trials = 7;
            rung.find_mut("truncation=to-epoch-end").first[1][3] = Some(12);
            rung.find_mut("a=b").shrunk = Some(Shrunk { line: "l".to_owned(), before: 9, steps: 3 });
            rung.named.push(Unattributed { line: "l".to_owned(), fails_by: "\"quoted\"".to_owned() });
        }
        book.planted.push(Mutation {
            mutation: "m".to_owned(),
            era: "3.9.2".to_owned(),
            fingerprint: "f".to_owned(),
            trials: 3,
            found: Some(Catch { line: "l".to_owned(), fails_by: vec!["p".to_owned()] }),
        });
        assert_eq!(Book::parse(&book.text()), Ok(book.clone()), "{}", book.text());
        assert!(book.rungs[0].era < book.rungs[1].era);
        assert_eq!(book.rungs[0].found[0].cause, "a=b");
        let (rung, was_stale) = book.continued(RELEASES[3], "4567");
        assert!(was_stale && rung.trials == 0);
    }

    #[test]
    fn what_is_no_book_is_refused() {
        let good = Book::default().text();
        for (bad, said) in [
            (String::new(), "it ends too early"),
            (good[..good.len() / 2].to_owned(), "it ends too early, in line "),
            (good.replace("\"grammar\": 1", "\"grammar\": 2"), "its grammar is 2"),
            (good.replace("planted", "plated"), "unknown field `plated`"),
        ] {
            let problem = Book::parse(&bad).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
    }
}
