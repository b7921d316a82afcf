//! Where output goes: colour only for a terminal. A reader who leaves early is no error; output that is lost is one.

use super::args::When;
use crate::scenario::problem::Problem;
use std::io::{Error, ErrorKind, IsTerminal, Write, stderr, stdout};

/// Standard output and error.
pub struct Out {
    color: When,
    /// Nothing more is written: the reader left, or it cannot be written.
    gone: bool,
    lost: Option<Error>,
}

impl Out {
    /// Output that colours as asked.
    pub fn new(color: When) -> Out {
        Out { color, gone: false, lost: None }
    }

    /// Whether to colour standard output.
    pub fn color(&self) -> bool {
        self.decide(stdout().is_terminal())
    }

    /// Whether to colour standard error.
    pub fn color_errors(&self) -> bool {
        self.decide(stderr().is_terminal())
    }

    fn decide(&self, is_terminal: bool) -> bool {
        // https://no-color.org: set to anything but nothing.
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match self.color {
            When::Always => true,
            When::Never => false,
            When::Auto => is_terminal && !unwanted,
        }
    }

    /// Writes a text as it is.
    pub fn text(&mut self, text: &str) {
        if self.gone {
            return;
        }
        let mut stdout = stdout().lock();
        if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            self.gone = true;
            // Whoever reads a pipe may have seen enough (`| head`): the exit code stands.
            self.lost = (error.kind() != ErrorKind::BrokenPipe).then_some(error);
        }
    }

    /// What kept output from being written, if a reader would have wanted it.
    pub fn lost(&self) -> Option<Problem> {
        let error = self.lost.as_ref()?;
        Some(Problem::new(format!("standard output cannot be written: {error}")))
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Writes to standard error.
    pub fn error(&self, text: &str) {
        let mut stderr = stderr().lock();
        // There is nobody left to tell.
        let _ = stderr.write_all(text.as_bytes());
    }
}
