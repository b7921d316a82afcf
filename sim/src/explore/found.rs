//! What was found becomes a file: the realised plan, in the style of any scenario, with the verdict that came out.
//!
//! Written beside its place and then renamed, so that a file is whole or not there. A file that is there and says something
//! else, of another search or somebody's own, is left as it is. Whether the directory can be written is asked before the
//! search begins.

use super::line::Line;
use super::trial::{Failure, Outcome};
use crate::scenario::file::Scenario;
use crate::scenario::problem::Problem;
use crate::scenario::write::write;
use std::io::Error;
use std::path::{Path, PathBuf};

/// A directory for what is found.
#[derive(Clone, Debug)]
pub struct Found {
    directory: PathBuf,
}

impl Found {
    /// Makes the directory if it is not there, and tries it.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn open(directory: &Path) -> Result<Found, Problem> {
        let found = Found { directory: directory.to_owned() };
        let place = directory.display();
        let refused = |what: String| {
            Problem::new(what).help("what is found goes there; `--found DIRECTORY` names another one")
        };
        if directory.is_file() {
            return Err(refused(format!("{place} is a file; expected a directory")));
        }
        std::fs::create_dir_all(directory)
            .map_err(|error| refused(format!("the directory {place} cannot be made: {error}")))?;
        let probe = directory.join(".trial-probe");
        let probed = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
        let cannot = |error: Error| refused(format!("nothing can be written to {place}: {error}"));
        probed.map(|()| found).map_err(cannot)
    }

    /// Writes a failing trial. Returns the file's name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, outcome: &Outcome, failure: &Failure) -> Result<PathBuf, Problem> {
        self.write(&name(failure), &titled(outcome, failure))
    }

    /// Writes a scenario as `NAME.json`; as `NAME-2.json` and so on, if there is one that says something else. Returns the
    /// file's name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, scenario: &Scenario) -> Result<PathBuf, Problem> {
        let text = write(scenario);
        let mut path = self.directory.join(format!("{name}.json"));
        let mut number = 1;
        // What is there and cannot be read is what `write_whole` complains of.
        while let Ok(known) = std::fs::read(&path) {
            if known == text.as_bytes() {
                return Ok(path);
            }
            number += 1;
            path = self.directory.join(format!("{name}-{number}.json"));
        }
        write_whole(&path, &text)?;
        Ok(path)
    }
}

/// Writes a file, whole or not at all: beside its place, and then renamed.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> Result<(), Problem> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let part = path.with_file_name(format!(".{name}.part"));
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        Problem::new(format!("{} cannot be written: {error}", path.display()))
    })
}

/// What the file of a failing trial is called, without its ending.
pub fn name(failure: &Failure) -> String {
    let Line { era, profile, seed, .. } = &failure.line;
    format!("{era}-{profile}-{seed}")
}

/// The realised plan of a failing trial, which says where it is from and how it fails.
pub fn titled(outcome: &Outcome, failure: &Failure) -> Scenario {
    let mut scenario = failure.scenario.clone();
    let line = &failure.line;
    scenario.title = format!("Found: {} in {}", outcome.fails_by.join(", "), line.era);
    scenario.about = vec![format!("{line}")];
    // The first of what was asked for: others may have come before.
    let mut violations = failure.violations.iter();
    if let Some(first) = violations.find(|violation| outcome.fails_by.contains(&violation.property)) {
        let moment = format!("At {} ms, event {}: {}.", first.at.millis(), first.event.0, first.property);
        scenario.about.extend([moment].into_iter().chain(first.report.iter().cloned()));
    }
    scenario
}
