//! `trial compare`: recordings of real clusters, held against ours.

use super::args::Compare;
use super::out::Out;
use super::run::files_of;
use super::{Outcome, jobs};
use crate::recording::compare::{compare as play, show};
use crate::recording::file::Recording;
use crate::recording::report;
use crate::scenario::problem::Problem;

/// Runs `trial compare`.
pub fn compare(arguments: &Compare, out: &mut Out) -> Result<Outcome, Problem> {
    let files = files_of(&arguments.recordings, "recording")?;
    let all = files.iter().map(|file| Recording::read(file)).collect::<Result<Vec<Recording>, Problem>>()?;
    if arguments.show {
        for recording in &all {
            out.text(&report::shown(recording, &show(recording)));
        }
        return Ok(Outcome::AsExpected);
    }
    let mut told = 0;
    let mut differ = 0;
    jobs::in_order(
        all.len(),
        |index| play(&all[index]),
        |comparison| {
            out.text(&report::told(&all[told], &comparison));
            told += 1;
            differ += usize::from(comparison.difference.is_some());
            true
        },
    );
    if all.len() > 1 {
        out.line(&format!("{} recordings, {} equal, {differ} differ", all.len(), all.len() - differ));
    }
    Ok(if differ == 0 { Outcome::AsExpected } else { Outcome::Differs })
}
