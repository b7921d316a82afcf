//! What can be asked.

use crate::trace::Zoom;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::ops::Range;
use std::path::PathBuf;

/// A deterministic Kafka: a whole cluster in one process, from one seed, in any era.
#[derive(Parser, Debug)]
#[command(
    name = "trial",
    version = VERSION,
    propagate_version = true,
    max_term_width = 110,
    after_help = "Examples:
  trial run scenarios/truncation/high-watermark.json    a story, and every verdict checked
  trial run scenarios                                   every scenario, every verdict
  trial eras scenarios/truncation/high-watermark.json   a line for each era
  trial eras scenarios                                  scenarios by eras: what breaks where
  trial eras --list                                     what changed from release to release
  trial new my-scenario                                 a file to begin with

Exit codes: 0 as expected, 1 a verdict differs or a property is violated, 2 bad input."
)]
pub struct Arguments {
    /// Print what the machine does to standard error: `debug`, `trial::kernel=trace`. For debugging Trial itself.
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// When to colour. `auto`: on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The version, and what hosts a trial in this build.
const VERSION: &str = if cfg!(madsim) {
    concat!(env!("CARGO_PKG_VERSION"), " (host: madsim)")
} else {
    concat!(env!("CARGO_PKG_VERSION"), " (host: bare)")
};

/// When to colour.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run scenarios: tell the story of one era, check every verdict.
    Run(Run),
    /// The table of eras of scenarios, or the ladder of all releases.
    Eras(Eras),
    /// Play recordings of real clusters, and compare all that they show.
    Compare(Compare),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Write a scenario to begin with; it runs and holds.
    #[command(
        after_help = "Example:\n  trial new scenarios/failover/my-failover && trial run scenarios/failover/my-failover.json"
    )]
    New {
        /// The file, with or without `.json`.
        name: PathBuf,
    },
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  trial completions bash > ~/.local/share/bash-completion/completions/trial"
    )]
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Run scenarios.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial run scenarios/truncation/high-watermark.json
  trial run scenarios/truncation/high-watermark.json --era 0.11.0 --zoom messages
  trial run scenarios/truncation/high-watermark.json --era 0.10.2 --rule truncation=to-epoch-end
  trial run scenarios/replication/min-isr.json --set min.insync.replicas=1
  trial run scenarios/truncation/high-watermark.json --set broker-1.log.flush.interval.messages=1
  trial run scenarios/truncation/high-watermark.json --seeds 0..1000 --format json
  trial run scenarios

One file: the story of the era asked for, or of the first of its verdicts, and then every verdict checked. \
An era with a verdict is held against it; of another era, and with --rule or --set, the verdict is only reported, and \
the exit code is 1 if a property is violated.")]
pub struct Run {
    /// Scenario files, or directories of them.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A release: `2.8.1`, or a line such as `2.8`, which means its last.
    #[arg(long)]
    pub era: Option<String>,
    /// The seed; that of the file, or 0, if left out. 0 is calm: no jitter.
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Seeds from A up to, but not including, B: no story, a table.
    #[arg(long, value_name = "A..B", value_parser = seeds, conflicts_with = "seed")]
    pub seeds: Option<Range<u64>>,
    /// Decide one rule otherwise than the era would. `trial eras --list` has them all.
    #[arg(long, value_name = "NAME=VALUE", value_parser = rule)]
    pub rule: Vec<(String, String)>,
    /// Set a setting otherwise than the file does, by Kafka's name: of everybody who has it, or of one topic, broker or
    /// client named before it. The file's verdicts are then not judged, only printed beside.
    #[arg(long, value_name = "[WHOSE.]SETTING=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
    /// How closely to look.
    #[arg(long, default_value = "story", value_enum)]
    pub zoom: Zoom,
    /// Text for people, or an object per run and line for programs.
    #[arg(long, default_value = "text")]
    pub format: Format,
}

/// Text or JSON.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object per run, a line each.
    Json,
}

/// The eras of scenarios.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial eras scenarios/truncation/high-watermark.json   one scenario: a line for each era
  trial eras scenarios                                  scenarios by eras: what breaks where
  trial eras --list                                     the ladder: what changed, release by release
  trial eras --list broker-epoch                        what changed of one rule")]
pub struct Eras {
    /// Scenario files, or directories of them.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Every release that changed a rule, and how; with a word, only rules whose names have it.
    #[arg(long, conflicts_with = "files", value_name = "RULE", num_args = 0..=1, default_missing_value = "")]
    pub list: Option<String>,
    /// Set a setting otherwise than the file does, as in `trial run`.
    #[arg(long, value_name = "[WHOSE.]SETTING=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,
}

/// Recordings of real clusters.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial compare sim/vectors/clusters
  trial compare sim/vectors/clusters/2.8.2/leader-killed.json

Each recording is played in a simulated cluster of its release; whatever it shows must be equal, step by step.
Where a real cluster leaves a race open, the recorded winner is found, and the output says what was forced.
Exit codes: 0 all equal, 1 a difference, 2 bad input.")]
pub struct Compare {
    /// Recordings, or directories of them.
    #[arg(required = true, value_name = "RECORDING")]
    pub recordings: Vec<PathBuf>,
    /// Print what ours shows after each step instead, with no race forced.
    #[arg(long)]
    pub show: bool,
}

/// Most seeds of one call.
const MOST_SEEDS: u64 = 100_000_000;

/// Reads `A..B`.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    const EXPECTED: &str = "expected A..B with A below B, as in 0..1000";
    let (from, until) = text.split_once("..").ok_or(EXPECTED)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| EXPECTED.to_owned());
    let range = number(from)?..number(until)?;
    if range.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    if range.end - range.start > MOST_SEEDS {
        return Err(format!("at most {MOST_SEEDS} seeds at a time"));
    }
    Ok(range)
}

fn rule(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, as in truncation=to-epoch-end")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected SETTING=VALUE, as in min.insync.replicas=1")?;
    if name.trim().is_empty() {
        return Err("expected SETTING=VALUE, as in min.insync.replicas=1".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a whole number from 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        assert_eq!(seeds("3..5"), Ok(3..5));
        for bad in ["", "3", "5..5", "5..3", "a..b", "0..999999999999"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
        assert!(seed("-1").is_err() && seed("7") == Ok(7));
        assert!(setting("min.insync.replicas").is_err() && setting("=1").is_err());
        assert_eq!(setting("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(rule("truncation=on-fetch"), Ok(("truncation".to_owned(), "on-fetch".to_owned())));
        assert!(rule("truncation").is_err());
    }
}
