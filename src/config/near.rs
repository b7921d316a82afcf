//! The nearest name that Kafka knows, for somebody who misspelt one.

use super::ConfigKind;
use super::definition::Definition;

/// The setting whose name is nearest to `name`, if one is near enough to be meant.
pub(super) fn nearest(kind: ConfigKind, name: &str) -> Option<&'static str> {
    let known = Definition::all(kind).iter().map(|definition| definition.name);
    // The tables hold only short names; a very long one is nobody's slip of the pen.
    let near = known.filter(|known| known.len().abs_diff(name.len()) <= 3);
    near.map(|known| (edits(known, name), known)).min().filter(|(edits, _)| *edits <= 3).map(|(_, name)| name)
}

/// How many bytes must be put in, taken out or replaced to make one text the other (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, byte) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other_byte) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(byte != other_byte);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_nonsense_is_not() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", "abc"), 0);
        for (kind, given, near) in [
            (ConfigKind::Topic, "min.insync.replica", Some("min.insync.replicas")),
            (ConfigKind::Broker, "replica.lag.time.max.msec", Some("replica.lag.time.max.ms")),
            (ConfigKind::Producer, "akcs", Some("acks")),
            (ConfigKind::Producer, "the weather", None),
            (ConfigKind::Consumer, "", None),
        ] {
            assert_eq!(nearest(kind, given), near, "{given}");
        }
    }
}
