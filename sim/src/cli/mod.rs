//! The command line.
//!
//! Exit codes: 0 as expected, 1 a verdict differs or a property is violated, 2 bad input or output that cannot be
//! written, 130 ended by Ctrl-C with nothing to report. Everything for people goes
//! through `out`, which colours only for a terminal and does not mind a reader who leaves early. Runs themselves happen
//! in `jobs`: their own threads, each trial in its own host; clocks and progress bars stay out here.

mod args;
mod compare;
mod eras;
mod explore;
mod interrupt;
mod jobs;
mod museum;
mod new;
mod out;
mod replay;
mod run;
mod seeds;
mod shrink;
mod why;

use crate::scenario::problem::Problem;
use args::{Arguments, Command};
use clap::{CommandFactory, Parser};
use out::Out;
use std::process::ExitCode;

/// How a command ended.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    /// As expected.
    AsExpected,
    /// Ended by Ctrl-C before anything differed.
    Interrupted,
    /// A verdict differs, or a property is violated.
    Differs,
}

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = Out::new(arguments.color);
    if let Some(filter) = &arguments.log
        && let Err(what) = crate::tracing_log::set_up(filter)
    {
        return bad_input(&out, &Problem::new(format!("`--log {filter}`: {what}")));
    }
    let outcome = match &arguments.command {
        Command::Run(run) => run::run(run, &mut out),
        Command::Eras(eras) => eras::eras(eras, &mut out),
        Command::Compare(compare) => compare::compare(compare, &mut out),
        Command::Explore(explore) => explore::explore(explore, &mut out),
        Command::Museum(arguments) => museum::museum(arguments, &mut out),
        Command::Replay(replay) => replay::replay(replay, &mut out),
        Command::Shrink(shrink) => shrink::shrink(shrink, &mut out),
        Command::Why(why) => why::why(why, &mut out),
        Command::Schema => {
            out.text(&crate::scenario::file::schema());
            Ok(Outcome::AsExpected)
        }
        Command::New { name } => new::new(name, &mut out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "trial", &mut script);
            out.text(&String::from_utf8_lossy(&script));
            Ok(Outcome::AsExpected)
        }
    };
    let outcome = outcome.and_then(|outcome| out.lost().map_or(Ok(outcome), Err));
    match outcome {
        Ok(Outcome::AsExpected) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Ok(Outcome::Differs) => ExitCode::from(1),
        Err(problem) => bad_input(&out, &problem),
    }
}

fn bad_input(out: &Out, problem: &Problem) -> ExitCode {
    out.error(&problem.render(out.color_errors()));
    ExitCode::from(2)
}
