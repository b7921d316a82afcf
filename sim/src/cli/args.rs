//! What can be asked.

use crate::explore::line;
use crate::explore::search::FIRST_SEED;
use crate::scenario::words::Span;
use crate::trace::Zoom;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use kafka::era::{Era, RELEASES, Release};
use kafka::rules::Rules;
use std::ffi::OsStr;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

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
  trial shrink found/plan.json -o small.json            the smallest scenario that fails so
  trial why small.json                                  what led to it, and what would have kept it away
  trial new my-scenario                                 a file to begin with
  trial explore --era 2.8.0 --profile elections         look for flaws of a release, unaided
  trial museum                                          all flaws that this finds, and how soon

Exit codes: 0 as expected, 1 a verdict differs or a property is violated, 2 bad input, or output that cannot be written, \
130 ended by Ctrl-C with nothing of this."
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
    /// Shrink a scenario that fails to the smallest one that fails so, for the same reason.
    Shrink(Shrink),
    /// What led to a failure, which rule or step would have kept it away, and when it was decided.
    Why(Why),
    /// Play recordings of real clusters, and compare all that they show.
    Compare(Compare),
    /// Look for flaws: random clusters, settings, workloads and faults, each run checked.
    Explore(Explore),
    /// Run a found trial again, by its line or its file, and tell of its last moments.
    Replay(Replay),
    /// The table of all flaws that exploring finds, and of trials that nothing explains.
    Museum(Museum),
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
    #[arg(long, hide_possible_values = true, value_parser = Completed { parse: any, known: releases })]
    pub era: Option<String>,
    /// The seed; that of the file, or 0, if left out. 0 is calm: no jitter.
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Seeds from A up to, but not including, B: no story, a table.
    #[arg(long, value_name = "A..B", allow_hyphen_values = true, value_parser = seeds, conflicts_with = "seed")]
    pub seeds: Option<Range<u64>>,
    /// Decide one rule otherwise than the era would. `trial eras --list` has them all.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        hide_possible_values = true,
        value_parser = Completed { parse: rule, known: rules }
    )]
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

/// Shrink a scenario.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial shrink found/plan.json -o scenarios/regressions/what-it-shows.json
  trial shrink found/plan.json --era 2.8.0 --property acked-durable --budget 10s
  trial shrink era=2.8.0 profile=elections seed=4711 -o small.json

The result breaks the same property and holds with the same rule of a later release; its verdicts are those of \
all eras. A --rule becomes one of its own. The same input gives the same output, unless the budget ends the search, which is then said. \
Exit codes: 0 it was shrunk, 2 bad input, such as a scenario that does not fail.")]
pub struct Shrink {
    /// What fails, and how.
    #[command(flatten)]
    pub failing: Failing,
    /// How long to search. What is found is then run from 100 seeds and in every era, which takes its own time.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = time)]
    pub budget: Duration,
    /// Candidates to try at most.
    #[arg(long, default_value_t = 100_000, value_name = "TRIES", value_parser = clap::value_parser!(u64).range(1..))]
    pub tries: u64,
    /// Where to write it; standard output if left out.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A scenario that fails.
#[derive(Args, Debug)]
pub struct Failing {
    /// A scenario that fails, or the words of a line that `trial explore` printed.
    #[arg(required = true, value_name = "FILE|WORDS")]
    pub what: Vec<String>,
    /// The release in which it fails; the first of its verdicts if left out.
    #[arg(long, hide_possible_values = true, value_parser = Completed { parse: any, known: releases })]
    pub era: Option<String>,
    /// The seed from which it fails; that of the file, or 0, if left out.
    #[arg(long, allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Decide one rule otherwise than the era would.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        hide_possible_values = true,
        value_parser = Completed { parse: rule, known: rules }
    )]
    pub rule: Vec<(String, String)>,
    /// Which failure: a property, or what allows a loss (`acks=0`, `acks=1`, `unclean-election`, `power-loss`). The
    /// strongest of its failures if left out.
    #[arg(long, value_name = "PROPERTY")]
    pub property: Option<String>,
}

/// Why a scenario fails.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial why scenarios/truncation/high-watermark.json --era 0.10.2
  trial why small.json --moments 200 --futures 50 --format json

First the events without which it would not have happened; then the same run with every rule of a later release, \
and without every step, one at a time; then how many of other futures fail, from moment to moment: where that \
jumps it was decided. Exit codes: 0 it is explained, 2 bad input, such as a scenario that does not fail.")]
pub struct Why {
    /// What fails, and how.
    #[command(flatten)]
    pub failing: Failing,
    /// Moments of the run from which futures are drawn.
    #[arg(long, default_value_t = 72, value_name = "N", allow_negative_numbers = true, value_parser = moments)]
    pub moments: u64,
    /// Futures from each moment; 0 for none at all.
    #[arg(long, default_value_t = 12, value_name = "N", allow_negative_numbers = true, value_parser = futures)]
    pub futures: u32,
    /// Text for people, or one object for programs.
    #[arg(long, default_value = "text")]
    pub format: Format,
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

/// Look for flaws.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial explore --era 2.8.0 --profile elections --trials 2000
  trial explore --era 3.9 --for 10m --jobs 2
  trial explore --era 2.8.1 --profile durability --property acked-durable --found /tmp/found
  trial explore --era 3.0.0 --trials 3000 --twice

A plan (cluster, settings, workload, faults) is drawn from each seed, run, and checked; then faults stop, and the \
cluster must come to rest. Of every trial that fails one line is printed, to be copied: `trial replay ...`; the first \
few that fail by the same properties are written as scenario files, of which none is overwritten. Ctrl-C ends the search \
in order, with its summary.
Each failure is attributed: to the rule of a later release with which the same run holds, or to a known flaw that no \
release with ZooKeeper mends. What is left is unattributed: a flaw that nobody knows, or one of ours.
Profiles: elections, durability, network, everything.
Exit codes: 0 no trial fails, 1 some do, 2 bad input, or a file that cannot be written, 130 ended by Ctrl-C before any \
failed. With --twice it is 0 if every trial came to the same twice, \
and 1 at the first that did not: what fails is counted, and neither printed nor written.")]
pub struct Explore {
    /// A release: `2.8.1`, or a line such as `2.8`, which means its last.
    #[arg(long, default_value = "3.9")]
    pub era: String,
    /// Which faults there are.
    #[arg(long, default_value = "everything")]
    pub profile: String,
    /// How many trials; 1000 if neither this nor --for is given.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = trials)]
    pub trials: Option<usize>,
    /// For how long: `90s`, `10m`, `2h`; or until there are --trials, whichever comes first.
    #[arg(long = "for", value_name = "TIME", allow_hyphen_values = true, value_parser = wall_time)]
    pub during: Option<Duration>,
    /// The seed of the first trial; the others follow.
    #[arg(long, default_value_t = FIRST_SEED, allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,
    /// How many trials side by side; one a processor if left out.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Decide one rule otherwise than the era would.
    #[arg(
        long,
        value_name = "NAME=VALUE",
        hide_possible_values = true,
        value_parser = Completed { parse: rule, known: rules }
    )]
    pub rule: Vec<(String, String)>,
    /// Only a violation of this property makes a trial fail. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub property: Vec<String>,
    /// Where scenario files of failing trials go.
    #[arg(long, value_name = "DIRECTORY", default_value = "found")]
    pub found: PathBuf,
    /// Run every trial twice and compare: about determinism alone, and nothing is written.
    #[arg(long, conflicts_with = "found")]
    pub twice: bool,
    /// Text for people, or an object per failing trial, and one for all, for programs.
    #[arg(long, default_value = "text")]
    pub format: Format,
}

/// Run a found trial again.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial replay era=2.8.0 profile=elections seed=4711
  trial replay found/2.8.0-elections-4711.json --zoom messages
  trial replay found/2.8.0-elections-4711.json --until 2000 --last 100
  trial replay found/2.8.0-elections-4711.json --property acked-durable

A line draws the plan again, which one version does alike on every machine; a file lists what happened and does not \
depend on how plans are drawn. Both come to the same hash. Exit codes: 0 it holds, 1 a property is violated, 2 bad \
input, such as a line whose plan this version draws otherwise.")]
pub struct Replay {
    /// The words of a line that `trial explore` printed, or a scenario file.
    #[arg(required = true, value_name = "WORDS|FILE")]
    pub what: Vec<String>,
    /// Tell the story up to this event; to the first violation if left out.
    #[arg(long, value_name = "EVENT", allow_negative_numbers = true, value_parser = event)]
    pub until: Option<u64>,
    /// How many lines of the story, counted from its end.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = lines)]
    pub last: Option<usize>,
    /// The violation that ends the story is one of this property. May be given several times; a line says it itself.
    #[arg(long, value_name = "NAME")]
    pub property: Vec<String>,
    /// How closely to look.
    #[arg(long, default_value = "story", value_enum)]
    pub zoom: Zoom,
}

/// The table of all flaws.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trial museum                                       the table, from museum.json
  trial museum --format markdown                     the same, for a page
  trial museum --trials 10000 --era 2.8.0 --era 2.8.1
  trial museum --trials 500 --shrink 60s             of every rung; and one trial of each flaw shrunk
  trial museum --planted --trials 2000               mutations of our own rules
  trial museum --trials 100 --anew                   in place of more that are stale

Each flaw of the ladder that a scenario tells of is looked for in the newest release that has it, by the shared \
profiles, from nine base seeds; each failing trial is attributed, and counts for the flaws that make it fail. The counts \
stand in a file, and a later run goes on with it: twice 500 trials are once 1000. What was counted with other draws or \
another machine is stale, which is said, and counted anew: by as many trials at least, unless --anew is given. Ctrl-C \
ends in order: what there is is kept.
Exit codes: 0 every failing trial is attributed, 1 some is not, or with --planted a mutation is found by nothing, 2 bad \
input, 130 ended by Ctrl-C with nothing of this.")]
pub struct Museum {
    /// The file that holds what was counted.
    #[arg(long, value_name = "FILE", default_value = "museum.json")]
    pub file: PathBuf,
    /// Run so many more trials of each release, of all profiles and base seeds in turn.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = trials)]
    pub trials: Option<usize>,
    /// Count anew what is stale, also by fewer trials than it had.
    #[arg(long, requires = "trials")]
    pub anew: bool,
    /// Work only on this release: the rung of the ladder on which it stands. May be given several times.
    #[arg(long, value_name = "RELEASE", conflicts_with = "planted")]
    pub era: Vec<String>,
    /// Explore each planted mutation instead, in the newest release, until something finds it.
    #[arg(long)]
    pub planted: bool,
    /// Shrink a trial of each flaw that was found and has none shrunk yet, for so long at most.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = wall_time)]
    pub shrink: Option<Duration>,
    /// How many trials side by side; one a processor if left out.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Text for people, a table for a page, or an object for programs.
    #[arg(long, default_value = "text", value_enum)]
    pub format: MuseumFormat,
}

/// How the museum's tables are written.
#[derive(Copy, Clone, PartialEq, Eq, Debug, ValueEnum)]
pub enum MuseumFormat {
    /// For people.
    Text,
    /// For a page.
    Markdown,
    /// For programs.
    Json,
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

fn trials(text: &str) -> Result<usize, String> {
    at_least_one(text, MOST_SEEDS)
}

fn jobs(text: &str) -> Result<usize, String> {
    at_least_one(text, 1024)
}

fn at_least_one(text: &str, most: u64) -> Result<usize, String> {
    whole(text, 1..=most).map(|number| number as usize)
}

fn moments(text: &str) -> Result<u64, String> {
    whole(text, 1..=10_000)
}

fn futures(text: &str) -> Result<u32, String> {
    whole(text, 0..=10_000).map(|number| number as u32)
}

fn event(text: &str) -> Result<u64, String> {
    whole(text, 0..=u64::MAX)
}

fn lines(text: &str) -> Result<usize, String> {
    whole(text, 0..=u64::from(u32::MAX)).map(|number| number as usize)
}

fn whole(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
}

/// Reads a span of real time.
fn wall_time(text: &str) -> Result<Duration, String> {
    let span = Span::parse(text)?;
    match span.0.0 {
        0 => Err("expected some time, as in 10m".to_owned()),
        micros => Ok(Duration::from_micros(micros)),
    }
}

/// Reads a value as it will, and names those that a shell may complete.
#[derive(Clone)]
struct Completed<T> {
    parse: fn(&str) -> Result<T, String>,
    known: fn() -> &'static [String],
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Completed<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.known)().iter().map(|known| PossibleValue::new(known.as_str()))))
    }
}

#[allow(clippy::unnecessary_wraps, reason = "as every parser")]
fn any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// Releases that can run.
fn releases() -> &'static [String] {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    let can_run = RELEASES.iter().filter(|release| Era::of(**release).has_zookeeper());
    KNOWN.get_or_init(|| can_run.map(Release::to_string).collect())
}

/// Every value of every rule.
fn rules() -> &'static [String] {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    let all = || {
        Rules::list().into_iter().flat_map(|rule| {
            rule.values.into_iter().map(move |value| format!("{}={}", rule.name, value.name))
        })
    };
    KNOWN.get_or_init(|| all().collect())
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
    line::read_seed(text).map_err(|problem| problem.help.join(", "))
}

fn time(text: &str) -> Result<Duration, String> {
    Span::parse(text).map(|span| Duration::from_micros(span.0.0))
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
        assert!(rules().contains(&"truncation=to-epoch-end".to_owned()));
        assert!(releases().contains(&"2.8.1".to_owned()) && !releases().contains(&"4.0.0".to_owned()));
        assert!(seed("-1").is_err() && seed("7") == Ok(7));
        assert!(setting("min.insync.replicas").is_err() && setting("=1").is_err());
        assert_eq!(setting("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(rule("truncation=on-fetch"), Ok(("truncation".to_owned(), "on-fetch".to_owned())));
        assert!(rule("truncation").is_err());
    }
}
