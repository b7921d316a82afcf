//! What a comparison came to, in words.

use super::compare::{Comparison, Shown};
use super::file::Recording;
use std::fmt::Write;

/// As much of a line is shown before the first difference of two texts.
const CONTEXT: usize = 40;
/// No side of a difference is longer than this.
const LONGEST: usize = 400;

/// A comparison as text.
pub fn told(recording: &Recording, comparison: &Comparison) -> String {
    let name = &recording.source.name;
    let steps = recording.steps.len();
    let mut text = String::new();
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes all");
    match &comparison.difference {
        None => line(format!("{name}: equal, {steps} steps, {} facts", comparison.equal)),
        Some(difference) => {
            let which = match difference.step > steps {
                true => "at the end".to_owned(),
                false => format!("in step {} of {steps}", difference.step),
            };
            line(format!("{name}: DIFFERS {which}, {}", difference.words));
            for (about, recorded, ours, place) in &difference.facts {
                let (recorded, ours) = shortened(recorded, ours);
                line(format!("  {about} ({place})"));
                line(format!("    recorded  {recorded}"));
                line(format!("    ours      {ours}"));
            }
        }
    }
    for (step, how) in &comparison.forced {
        let which = match *step > steps {
            true => "at the end".to_owned(),
            false => format!("in step {step}, {}", recording.steps[step - 1].words),
        };
        line(format!("  forced {which}: {how}"));
    }
    text
}

/// What ours shows, step by step: what has changed since the step before.
pub fn shown(recording: &Recording, all: &[Shown]) -> String {
    let mut text = format!("{}\n", recording.source.name);
    let mut before = None;
    for (index, shown) in all.iter().enumerate() {
        writeln!(text, "step {}: {}", index + 1, shown.words).expect("a string takes all");
        for (about, is) in &shown.facts {
            if before.is_none_or(|before: &Shown| before.facts.get(about) != Some(is)) {
                writeln!(text, "  {about}: {is}").expect("a string takes all");
            }
        }
        before = Some(shown);
    }
    text
}

/// Two texts from a little before where they part.
fn shortened(one: &str, other: &str) -> (String, String) {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let skip = same.saturating_sub(CONTEXT);
    let cut = |text: &str| {
        let shown: String = text.chars().skip(skip).take(LONGEST).collect();
        let before = if skip > 0 { "…" } else { "" };
        let after = if text.chars().count() > skip + LONGEST { "…" } else { "" };
        format!("{before}{shown}{after}")
    };
    (cut(one), cut(other))
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_texts_are_shown_from_where_they_part() {
        let (one, other) =
            super::shortened(&format!("{}a", "x".repeat(100)), &format!("{}b", "x".repeat(100)));
        assert_eq!(one, format!("…{}a", "x".repeat(40)));
        assert_eq!(other, format!("…{}b", "x".repeat(40)));
        assert_eq!(super::shortened("a", "b"), ("a".to_owned(), "b".to_owned()));
    }
}
