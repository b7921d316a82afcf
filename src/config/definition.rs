//! What Kafka knows of a setting (`ConfigDef.ConfigKey`): type, default and validator, release by release.
//!
//! The facts stand in `broker.tsv`, `topic.tsv`, `producer.tsv` and `consumer.tsv` beside this file, taken from
//! Kafka's own `ConfigDef`s, and are read once. A column that changed is a list of *runs* of release lines (`2.1-2.5:
//! 'x'; 2.6-: 'y'`); the releases of one line share its value, since the facts were taken from the last patch release
//! of each line.
//!
//! Left out: importance, documentation, validators that exist only as code or that list protocol versions.

use super::ConfigKind;
use crate::era::{Release, ReleaseRange};
use std::sync::OnceLock;

/// One setting, as every release since 0.10.2 knows it.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    types: Runs<ValueType>,
    defaults: Runs<DefaultValue>,
    validators: Runs<Validator>,
}

/// `ConfigDef.Type`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ValueType {
    /// `true` or `false`.
    Boolean,
    /// 16 bits.
    Short,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    /// A decimal number. None is used by the simulation; they are read only to be refused if they are none.
    Double,
    /// Text: also class names and passwords.
    Text,
    /// Texts separated by commas.
    List,
}

/// A setting's value where nobody gives one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DefaultValue {
    /// This, as a user would write it.
    Value(&'static str),
    /// Java's `null`: nothing, or what another setting says.
    Null,
    /// Kafka refuses to start without it.
    Required,
}

/// What a value must be beyond its type.
#[derive(Clone, PartialEq, Debug)]
enum Validator {
    /// Between these, both allowed; the texts as Kafka prints them.
    Range { least: Option<&'static str>, most: Option<&'static str> },
    /// As `Range`, or this value besides.
    RangeOr(&'static str, &'static str, &'static str),
    /// One of these (each element, for a list).
    OneOf { values: Vec<&'static str>, any_case: bool },
    /// Not empty.
    NotEmpty,
}

/// Values by release.
#[derive(Clone, Debug)]
struct Runs<T> {
    runs: Vec<Run<T>>,
}

#[derive(Clone, Debug)]
struct Run<T> {
    range: ReleaseRange,
    /// First and last line, as written; no last one if the newest release still has it.
    lines: (&'static str, Option<&'static str>),
    value: T,
}

impl<T> Runs<T> {
    fn at(&self, release: Release) -> Option<&T> {
        self.runs.iter().find(|run| release.is_in(&[run.range])).map(|run| &run.value)
    }

    /// Reads a column; one without runs holds for every release.
    fn parse(column: &'static str, value: impl Fn(&'static str) -> T) -> Runs<T> {
        if column.is_empty() {
            return Runs { runs: Vec::new() };
        }
        let in_runs = |text: &'static str| -> Option<Vec<Run<T>>> {
            text.split("; ").map(|run| Run::parse(run, &value)).collect()
        };
        let always =
            || vec![Run { range: (Release::FIRST, Release::NEXT), lines: ("", None), value: value(column) }];
        Runs { runs: in_runs(column).unwrap_or_else(always) }
    }
}

impl<T> Run<T> {
    fn parse(text: &'static str, value: impl Fn(&'static str) -> T) -> Option<Run<T>> {
        let (lines, text) = text.split_once(": ")?;
        let (first, last) = match lines.split_once('-') {
            None => (lines, Some(lines)),
            Some((first, "")) => (first, None),
            Some((first, last)) => (first, Some(last)),
        };
        let from = Release::line_range(first)?.0;
        let until = match last {
            Some(last) => Release::line_range(last)?.1,
            None => Release::NEXT,
        };
        Some(Run { range: (from, until), lines: (first, last), value: value(text) })
    }
}

impl ValueType {
    fn parse(text: &str) -> ValueType {
        match text {
            "BOOLEAN" => ValueType::Boolean,
            "SHORT" => ValueType::Short,
            "INT" => ValueType::Int,
            "LONG" => ValueType::Long,
            "DOUBLE" => ValueType::Double,
            "LIST" => ValueType::List,
            "STRING" | "CLASS" | "PASSWORD" => ValueType::Text,
            other => panic!("no type of Kafka's: {other}"),
        }
    }

    /// The smallest and largest number, if it is a whole one.
    fn bounds(self) -> Option<(i64, i64)> {
        match self {
            ValueType::Short => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
            ValueType::Int => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
            ValueType::Long => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }
}

impl DefaultValue {
    /// `'all'` is the text `all`, `['a','b']` the list `a,b`.
    fn parse(text: &'static str) -> DefaultValue {
        match text {
            "null" => DefaultValue::Null,
            "(required)" => DefaultValue::Required,
            _ => match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
                Some(inner) => DefaultValue::Value(inner),
                None => DefaultValue::Value(text),
            },
        }
    }
}

impl Validator {
    fn parse(text: &'static str) -> Option<Validator> {
        if text.starts_with("non-empty") {
            return Some(Validator::NotEmpty);
        }
        if let Some((range, besides)) = text.split_once(" or ") {
            let (least, most) = between(range)?;
            return Some(Validator::RangeOr(least?, most?, besides));
        }
        if let Some((least, most)) = between(text) {
            return Some(Validator::Range { least, most });
        }
        let (any_case, list) = match text.strip_prefix("(case insensitive) ") {
            Some(list) => (true, list),
            None => (false, text),
        };
        // `by_duration:PnDTnHnMn.nS` stands for a pattern that nothing here understands.
        let values =
            list.strip_prefix('[')?.strip_suffix(']')?.split(", ").filter(|value| !value.contains(':'));
        Some(Validator::OneOf { values: values.collect(), any_case })
    }
}

/// Reads `[0,...,7]` or `[0,...]`.
fn between(text: &'static str) -> Option<(Option<&'static str>, Option<&'static str>)> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let (least, rest) = inner.split_once(",...")?;
    Some((Some(least), rest.strip_prefix(',')))
}

impl Definition {
    /// Every setting of a kind, by name.
    pub fn all(kind: ConfigKind) -> &'static [Definition] {
        static READ: [OnceLock<Vec<Definition>>; 4] = [const { OnceLock::new() }; 4];
        let (slot, text) = match kind {
            ConfigKind::Broker => (0, include_str!("broker.tsv")),
            ConfigKind::Topic => (1, include_str!("topic.tsv")),
            ConfigKind::Producer => (2, include_str!("producer.tsv")),
            ConfigKind::Consumer => (3, include_str!("consumer.tsv")),
        };
        READ[slot]
            .get_or_init(|| text.lines().filter(|line| !line.starts_with('#')).map(Self::parse).collect())
    }

    /// The setting of this name, in whatever release.
    pub fn find(kind: ConfigKind, name: &str) -> Option<&'static Definition> {
        let all = Self::all(kind);
        all.binary_search_by(|definition| definition.name.cmp(name)).ok().map(|index| &all[index])
    }

    fn parse(line: &'static str) -> Definition {
        let mut columns = line.split('\t');
        let mut column = || columns.next().unwrap_or_default();
        let name = column();
        let types = Runs::parse(column(), ValueType::parse);
        let defaults = Runs::parse(column(), DefaultValue::parse);
        let validators = column();
        // A validator is worth keeping only if it can be read.
        let mut read = Runs::parse(validators, Validator::parse);
        read.runs.retain(|run| run.value.is_some());
        let validators = Runs {
            runs: read
                .runs
                .into_iter()
                .filter_map(|run| Some(Run { range: run.range, lines: run.lines, value: run.value? }))
                .collect(),
        };
        Definition { name, types, defaults, validators }
    }

    /// Its default in a release, or `None` if that release does not have it.
    pub fn default_in(&self, release: Release) -> Option<DefaultValue> {
        self.defaults.at(release).copied()
    }

    /// Its type in a release that has it.
    pub fn type_in(&self, release: Release) -> ValueType {
        self.types.at(release).copied().unwrap_or(ValueType::Text)
    }

    /// The releases that have it, in words.
    pub fn known_in_words(&self) -> String {
        // Kafka has never brought a setting back, so the runs of the default follow each other.
        let first = self.defaults.runs.first().map_or("", |run| run.lines.0);
        let last = self.defaults.runs.last().and_then(|run| run.lines.1);
        match last {
            None => format!("{first} and later"),
            Some(last) if last == first => first.to_owned(),
            Some(last) if first == "0.10.2" => format!("up to {last}"),
            Some(last) => format!("{first} to {last}"),
        }
    }

    /// Whether a text can be its value in a release that has it.
    pub fn accepts(&self, release: Release, text: &str) -> bool {
        let kind = self.type_in(release);
        let text = text.trim();
        let fits = match kind {
            ValueType::Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
            ValueType::Double => text.parse::<f64>().is_ok(),
            ValueType::Text | ValueType::List => true,
            ValueType::Short | ValueType::Int | ValueType::Long => {
                let (least, most) = kind.bounds().unwrap_or((i64::MIN, i64::MAX));
                text.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number))
            }
        };
        fits && self.validators.at(release).is_none_or(|validator| validator.accepts(kind, text))
    }

    /// What its value can be in a release that has it: `a whole number of at least 0`.
    pub fn expected(&self, release: Release) -> String {
        let kind = self.type_in(release);
        let validator = self.validators.at(release);
        let number = if kind == ValueType::Double { "a number" } else { "a whole number" };
        match (kind, validator) {
            (_, Some(Validator::OneOf { values, .. })) => {
                let named: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
                let one = if kind == ValueType::List { "a list of" } else { "one of" };
                format!("{one} {}", named.join(", "))
            }
            (_, Some(Validator::NotEmpty)) => "not empty".to_owned(),
            (_, Some(Validator::RangeOr(least, most, besides))) => {
                format!("{number} from {least} to {most}, or {besides}")
            }
            (ValueType::Boolean, _) => "`true` or `false`".to_owned(),
            (ValueType::Text, _) => "a text".to_owned(),
            (ValueType::List, _) => "texts separated by commas".to_owned(),
            (_, validator) => {
                let (least, most) = match validator {
                    Some(Validator::Range { least, most }) => (*least, most.map(str::to_owned)),
                    _ => (None, None),
                };
                // The end of a 64-bit number is nobody's mistake and not worth a word.
                let bound = kind.bounds().filter(|_| kind != ValueType::Long);
                let most = most.or_else(|| bound.map(|(_, most)| most.to_string()));
                match (least, most) {
                    (Some(least), Some(most)) => format!("{number} from {least} to {most}"),
                    (Some(least), None) => format!("{number} of at least {least}"),
                    (None, Some(most)) => format!("{number} of at most {most}"),
                    (None, None) => number.to_owned(),
                }
            }
        }
    }
}

impl Validator {
    fn accepts(&self, kind: ValueType, text: &str) -> bool {
        match self {
            Validator::NotEmpty => !text.is_empty(),
            Validator::Range { least, most } => in_range(kind, text, *least, *most),
            Validator::RangeOr(least, most, besides) => {
                text == *besides || in_range(kind, text, Some(least), Some(most))
            }
            Validator::OneOf { values, any_case } => {
                let is_one = |text: &str| {
                    values
                        .iter()
                        .any(|value| *value == text || (*any_case && value.eq_ignore_ascii_case(text)))
                };
                if kind == ValueType::List {
                    text.split(',').all(|part| is_one(part.trim()))
                } else {
                    is_one(text)
                }
            }
        }
    }
}

/// Whether a number that has been read before lies between two that Kafka prints.
fn in_range(kind: ValueType, text: &str, least: Option<&str>, most: Option<&str>) -> bool {
    fn between<T: PartialOrd + std::str::FromStr>(
        text: &str,
        least: Option<&str>,
        most: Option<&str>,
    ) -> bool {
        let read = |text: &str| text.parse::<T>().ok();
        let Some(number) = read(text) else { return false };
        least.and_then(read).is_none_or(|least| least <= number)
            && most.and_then(read).is_none_or(|most| number <= most)
    }
    if kind == ValueType::Double {
        between::<f64>(text, least, most)
    } else {
        between::<i64>(text, least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(kind: ConfigKind, name: &str) -> &'static Definition {
        Definition::find(kind, name).expect("a setting of Kafka's")
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        for (kind, count) in [
            (ConfigKind::Broker, 415),
            (ConfigKind::Topic, 37),
            (ConfigKind::Producer, 118),
            (ConfigKind::Consumer, 118),
        ] {
            let all = Definition::all(kind);
            assert_eq!(all.len(), count, "{kind:?}");
            assert!(all.is_sorted_by(|one, other| one.name < other.name), "{kind:?} in order of name");
            assert!(all.iter().all(|definition| !definition.defaults.runs.is_empty()));
        }
    }

    #[test]
    fn types_and_validators_follow_the_release() {
        let reset = setting(ConfigKind::Topic, "segment.bytes");
        assert!(reset.accepts(Release::new(3, 9, 0), "14"));
        assert!(!reset.accepts(Release::new(4, 1, 0), "14"));
        assert!(!reset.accepts(Release::new(3, 9, 0), "2147483648"), "an INT");
        assert_eq!(reset.expected(Release::new(2, 0, 0)), "a whole number from 14 to 2147483647");
        let acks = setting(ConfigKind::Producer, "acks");
        assert!(acks.accepts(Release::new(2, 0, 0), " all ") && !acks.accepts(Release::new(2, 0, 0), "2"));
        assert_eq!(acks.expected(Release::new(2, 0, 0)), "one of `all`, `-1`, `0`, `1`");
        let level = setting(ConfigKind::Topic, "compression.gzip.level");
        let release = Release::new(3, 8, 0);
        assert!(level.accepts(release, "-1") && level.accepts(release, "9") && !level.accepts(release, "0"));
        let policy = setting(ConfigKind::Topic, "cleanup.policy");
        assert!(policy.accepts(release, "compact, delete") && !policy.accepts(release, "compact,drop"));
        let ratio = setting(ConfigKind::Topic, "min.cleanable.dirty.ratio");
        assert!(
            ratio.accepts(release, "0.25") && !ratio.accepts(release, "1.5") && !ratio.accepts(release, "x")
        );
    }

    #[test]
    fn where_a_setting_is_known_is_said_in_words() {
        let known = |kind, name| setting(kind, name).known_in_words();
        assert_eq!(known(ConfigKind::Producer, "delivery.timeout.ms"), "2.1 and later");
        assert_eq!(known(ConfigKind::Producer, "block.on.buffer.full"), "0.10.2");
        assert_eq!(known(ConfigKind::Broker, "advertised.port"), "up to 2.8");
        assert_eq!(known(ConfigKind::Broker, "control.plane.listener.name"), "2.2 to 3.9");
    }
}
