//! What is wrong with an input: one problem, where it stands, what was expected, the near miss.
//!
//! Bad input ends with exit code 2 and exactly one of these; it is never a panic. Printed with the line it stands on,
//! marked, unless that line is too long to help anybody.

use super::source::Source;
use crate::trace::layout::wrapped;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One problem of an input.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Short text for the marked place.
    pub label: Option<&'static str>,
    /// What was expected, a near miss, what to do.
    pub help: Vec<String>,
    /// Where it stands.
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Byte positions; empty at the end of a file.
    pub bytes: Range<usize>,
}

/// Lines longer than this are not shown.
const LONGEST_LINE: usize = 200;
/// As many characters a line of a message has.
const WIDTH: usize = 110;

impl Problem {
    /// A problem that stands nowhere in particular.
    pub fn new(what: impl Into<String>) -> Problem {
        Problem { what: what.into(), label: None, help: Vec::new(), place: None }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, bytes: Range<usize>) -> Problem {
        self.place = Some(Place { source: source.clone(), bytes });
        self
    }

    /// With a word on the place.
    #[must_use]
    pub fn label(mut self, label: &'static str) -> Problem {
        self.label = Some(label);
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help.push(help.into());
        self
    }

    /// With the nearest of the names there are, if one is near, and else with all of them.
    #[must_use]
    pub fn near_or_list<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
        let known: Vec<&str> = known.into_iter().collect();
        match near(given, known.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.help(format!("expected one of {}", list(&known))),
        }
    }

    /// As text for a terminal, with a new line at its end.
    pub fn render(&self, color: bool) -> String {
        let mut diagnostic = MietteDiagnostic::new(self.what.clone());
        let mut position = String::new();
        let mut shown = None;
        if let Some(place) = &self.place {
            let (line, column) = place.source.line_and_column(place.bytes.start);
            position = format!("{}:{line}:{column}", place.source.name);
            if place.source.line(line).len() <= LONGEST_LINE && place.bytes.end <= place.source.text.len() {
                let label = self.label.unwrap_or("here").to_owned();
                let span = place.bytes.start..place.bytes.end;
                diagnostic = diagnostic.with_label(LabeledSpan::at(span, label));
                shown = Some(NamedSource::new(place.source.name.clone(), place.source.text.clone()));
            }
        }
        if shown.is_none() && !position.is_empty() {
            diagnostic.message = format!("{position}: {}", self.what);
        }
        if !self.help.is_empty() {
            // Wrapped here, at spaces alone: names with hyphens stay whole, to be copied.
            let lines = self.help.iter().flat_map(|help| help.split('\n'));
            let lines: Vec<String> = lines.flat_map(|line| wrapped(line, WIDTH - 12)).collect();
            diagnostic = diagnostic.with_help(lines.join("\n"));
        }
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
        let report = match shown {
            Some(source) => Report::from(diagnostic).with_source_code(source),
            None => Report::from(diagnostic),
        };
        let mut text = String::new();
        let rendered = handler.render_report(&mut text, report.as_ref());
        rendered.expect("writing to a string does not fail");
        // One word that programs and people look for, in place of the sign.
        let text = text.replacen('×', "error:", 1);
        let text = text.trim_start();
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        lines.join("\n") + "\n"
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let (line, column) = place.source.line_and_column(place.bytes.start);
            write!(f, "{}:{line}:{column}: ", place.source.name)?;
        }
        f.write_str(&self.what)?;
        for help in &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// The name that was probably meant: within a third of its length in typing errors.
pub fn near<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Names as a list for reading: `a`, `b`, `c`.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_near() {
        assert_eq!(near("kil", ["kill", "pause", "say"]), Some("kill"));
        assert_eq!(
            near("min.insync.replica", ["min.insync.replicas", "segment.bytes"]),
            Some("min.insync.replicas")
        );
        assert_eq!(near("Fetch", ["fetch"]), Some("fetch"));
        assert_eq!(near("broker-17", ["zookeeper", "producer-1"]), None);
    }
}
