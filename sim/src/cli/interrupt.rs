//! Ctrl-C: the first ends what is going on in order, with what is known so far; the second ends the process.

use crate::scenario::problem::Problem;
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// What is set by the first Ctrl-C from now on.
///
/// # Errors
/// If the system lets nobody listen.
pub fn flag() -> Result<&'static AtomicBool, Problem> {
    let listen = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    match ctrlc::try_set_handler(listen) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(&STOP),
        Err(error) => Err(Problem::new(format!("nobody can listen for Ctrl-C: {error}"))),
    }
}
