//! Ctrl-C: the first ends what is going on in order, with what is known so far; the second ends the process. Two that come
//! together are one: some tools signal a process and its group.

use super::jobs::Watch;
use crate::scenario::problem::Problem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What comes within this time after the first is the same one.
const TOGETHER: Duration = Duration::from_secs(1);

static STOP: AtomicBool = AtomicBool::new(false);

/// Says that a run was ended before it was done.
pub fn said(done: u64, wanted: Option<u64>) -> String {
    match wanted {
        Some(wanted) => format!("stopped by Ctrl-C after {done} of {wanted} trials"),
        None => format!("stopped by Ctrl-C after {done} trials"),
    }
}

/// What is set by the first Ctrl-C from now on.
///
/// # Errors
/// If the system lets nobody listen.
pub fn flag() -> Result<&'static AtomicBool, Problem> {
    let mut first: Option<Watch> = None;
    let listen = move || match &first {
        None => {
            STOP.store(true, Ordering::Relaxed);
            first = Some(Watch::start());
        }
        Some(first) if first.elapsed() < TOGETHER => {}
        Some(_) => std::process::exit(130),
    };
    // Also where the signal is ignored, as it is for what a shell has in the background.
    match ctrlc::set_handler(listen) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(&STOP),
        Err(error) => Err(Problem::new(format!("nobody can listen for Ctrl-C: {error}"))),
    }
}
