//! What happens once a check has failed.
//!
//! 1. The scenario is written as a file: into `found/` beside the file of the calling test; where that file is not there
//!    (the test runs elsewhere than it was built), below the package, or where the process stands.
//! 2. It is shrunk, as far as the tries go, and what comes of it is written, too.
//! 3. The last moments are told, of the smaller one if there is one.
//!
//! None of it can hide the failure: what cannot be written or shrunk is said in a line.

use crate::explore::found::Found;
use crate::scenario::file::Scenario;
use crate::scenario::problem::Problem;
use crate::scenario::report;
use crate::scenario::run::{run_watched, seed_of};
use crate::scenario::validate::Ready;
use crate::shrink::{Alone, Order, Shrunk, shrink};
use crate::trace::Zoom;
use crate::trace::layout::{PAGE, wrapped};
use crate::why::case::Case;
use crate::why::failure::Failure;
use crate::world::World;
use kafka::era::Era;
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// So many candidates the shrinker tries, unless a check says otherwise: some seconds.
pub const TRIES: u64 = 400;

/// So many lines of the story are told.
const LAST: usize = 30;

/// What every check can be told about its failures, and `check()` itself.
macro_rules! failing {
    () => {
        /// How many candidates the shrinker may try, [`super::aftermath::TRIES`] if not said; 0 leaves it as it was found.
        pub fn shrink(mut self, tries: u64) -> Self {
            self.aftermath.tries = tries;
            self
        }

        /// Where the files of a failure go: `found/` beside the test, if not said. Made when there is one.
        pub fn found(mut self, directory: impl AsRef<std::path::Path>) -> Self {
            self.aftermath.found = Some(directory.as_ref().to_owned());
            self
        }

        /// Runs until something fails, and panics with it, as an assertion does.
        ///
        /// # Panics
        /// If something fails, or if what was asked for cannot be.
        #[track_caller]
        pub fn check(&self) {
            if let Err(failed) = self.try_check() {
                panic!("{failed}");
            }
        }
    };
}
pub(super) use failing;

/// Why a check did not pass.
pub enum Failed {
    /// What was asked for cannot be: an unknown profile, era or property, a file that is no scenario.
    BadInput(Box<Problem>),
    /// A run failed.
    Run(Box<Finding>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::BadInput(problem) => problem.fmt(f),
            Failed::Run(finding) => finding.fmt(f),
        }
    }
}

/// The same as for readers, so that `unwrap()` says what is to be said.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failed {}

/// A run that failed, and what was made of it. Displayed it is what `check()` panics with.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it fails by: properties, mostly.
    pub fails_by: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// The hash over every event.
    pub hash: u64,
    /// The command that runs it again.
    pub line: String,
    /// What was run, as a scenario with the verdict that came out.
    pub scenario: Scenario,
    /// The smallest that fails so, as far as the tries went.
    pub shrunk: Option<Box<Shrunk>>,
    /// The files that were written.
    pub files: Vec<PathBuf>,
    told: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

/// What fails, before anything was made of it.
pub(super) struct Broken {
    /// What was checked, and how it fails, in a line or more.
    pub heading: String,
    pub fails_by: Vec<String>,
    pub seed: u64,
    pub hash: u64,
    pub line: String,
    /// The name of its file, without an ending.
    pub name: String,
    pub scenario: Scenario,
    pub era: Era,
    /// Which of its failures is kept when it is shrunk; the strongest if none is named.
    pub failure: Option<Failure>,
    /// Whether anything is violated or lost: only then there is something to shrink.
    pub can_shrink: bool,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) struct Aftermath {
    pub caller: &'static Location<'static>,
    pub found: Option<PathBuf>,
    pub tries: u64,
}

impl Aftermath {
    pub fn new(caller: &'static Location<'static>) -> Aftermath {
        Aftermath { caller, found: None, tries: TRIES }
    }

    /// A problem of what the test asks for, with the place where it does.
    pub fn bad_input(&self, problem: Problem) -> Problem {
        problem.help(format!("asked for at {}", self.caller))
    }

    /// Deals with a failure.
    pub fn of(&self, broken: Broken) -> Finding {
        let Broken { heading, fails_by, seed, hash, line, name, scenario, era, failure, can_shrink } = broken;
        let directory = self.found.clone().unwrap_or_else(|| beside(self.caller.file()));
        let found = Found::open(&directory);
        let (mut files, mut notes) = (Vec::new(), Vec::new());
        let mut keep = |name: &str, scenario: &Scenario, notes: &mut Vec<String>| {
            let written = found.as_ref().map_err(|problem| problem.what.clone());
            let written =
                written.and_then(|found| found.write(name, scenario).map_err(|problem| problem.to_string()));
            match written {
                Ok(file) => files.push(file),
                Err(problem) if notes.contains(&problem) => {}
                Err(problem) => notes.push(problem),
            }
        };
        keep(&name, &scenario, &mut notes);
        let shrunk = if self.tries == 0 || !can_shrink {
            None
        } else {
            let case = Case::of(&scenario, &era, seed);
            let order = Order { case, failure, most_tries: self.tries, go_on: &mut |_| true };
            match shrink(order, &Alone) {
                Ok(shrunk) => {
                    keep(&format!("{name}-shrunk"), &shrunk.scenario, &mut notes);
                    notes.extend(shrunk.in_words(scenario.steps.len()));
                    let more = if shrunk.cut_short { "; it may go on: `trial shrink`" } else { "" };
                    notes.push(format!("shrunk in {} tries{more}", shrunk.tries));
                    Some(Box::new(shrunk))
                }
                Err(problem) => {
                    notes.push(format!("not shrunk: {problem}"));
                    None
                }
            }
        };
        let moments = match &shrunk {
            Some(shrunk) => last_moments(&shrunk.scenario, &Era::of(shrunk.case.release)),
            None => last_moments(&scenario, &era),
        };
        let mut told = format!("{heading}\n\n  {line}\n  from this test: TRIAL_SEED={seed}\n");
        if !moments.is_empty() {
            let of = if shrunk.is_some() { ", shrunk" } else { "" };
            told += &format!("\nthe last moments{of}:\n{moments}");
        }
        told.push('\n');
        notes.extend(files.iter().map(|file| format!("written to {}", file.display())));
        for note in notes.iter().flat_map(|note| wrapped(note, PAGE)) {
            told += &format!("{note}\n");
        }
        Finding { fails_by, seed, hash, line, scenario, shrunk, files, told }
    }
}

/// The last lines of the story up to the first violation. Empty if the scenario cannot be run again as it stands.
fn last_moments(scenario: &Scenario, era: &Era) -> String {
    let Ok(ready) = Ready::of(scenario.clone(), "found") else { return String::new() };
    let Some(era) = ready.eras.iter().find(|known| known.release == era.release) else {
        return String::new();
    };
    let seed = seed_of(&ready, None);
    let mut first = None;
    let mut look = |world: &World| {
        first = world.checks.violations().first().map(|violation| violation.event.0);
        first.is_none()
    };
    if run_watched(&ready, era, seed, false, &mut look).is_err() {
        return String::new();
    }
    let mut until = |world: &World| first.is_none_or(|event| world.events() <= event);
    let Ok(told) = run_watched(&ready, era, seed, true, &mut until) else { return String::new() };
    let story = report::story(&ready, &told, Zoom::Story, false);
    // What became of every record is no moment.
    let lines: Vec<&str> = story.lines().take_while(|line| !line.starts_with("── audit")).collect();
    let left_out = lines.len().saturating_sub(LAST);
    let mut text = String::new();
    if left_out > 0 {
        text += &format!("  … {left_out} lines before\n");
    }
    for line in &lines[left_out..] {
        text += format!("  {line}").trim_end();
        text.push('\n');
    }
    text
}

/// Where found files go: `found/` beside the calling file. Compilers name it from the root of its workspace, tests run
/// in their package.
fn beside(file: &str) -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = package.or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    let place = package.ancestors().map(|above| above.join(file)).find(|place| place.is_file());
    let directory = place.as_deref().and_then(Path::parent).unwrap_or(&package);
    directory.join("found")
}

/// Says which run it was that ended in a panic: then one of our own assertions does not hold.
pub(super) struct InCase(pub String);

impl Drop for InCase {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "trial: a bug of trial itself, or of its cluster; please report it with this line:\n  {}",
                self.0
            );
        }
    }
}
