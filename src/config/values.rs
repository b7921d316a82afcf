//! Settings as they were given, over the defaults of the release: names checked, values checked, then read by type.
//!
//! A struct of settings is read field by field with the [`settings`] macro, which also lists the names that have an
//! effect. A field may name several settings: the first of them that has a value decides, as `log.roll.ms` goes before
//! `log.roll.hours`.

use super::definition::{DefaultValue, Definition};
use super::near::nearest;
use super::topic::CleanupPolicy;
use super::{ConfigError, ConfigKind, ConfigProblem, OffsetReset};
use crate::era::{Era, Release};
use crate::messages::produce::Acks;
use crate::time::Micros;
use std::sync::Arc;

/// Given settings over defaults.
pub(super) struct Values<'a> {
    kind: ConfigKind,
    release: Release,
    given: &'a [(String, String)],
    with_defaults: bool,
}

/// Reads a struct of settings, and lists the names it depends on.
macro_rules! settings {
    ($names:ident, fn $read:ident($values:ident $(, $base:ident: &$base_type:ty)?) -> $config:ident {
        $($field:ident: $reader:ident($($name:literal),+) else $fallback:expr,)*
        ..
        $($other:ident: $value:expr,)*
    }) => {
        /// The settings that have an effect.
        pub(super) const $names: &[&str] = &[$($($name,)+)*];

        fn $read($values: &Values<'_> $(, $base: &$base_type)?) -> Result<$config, ConfigError> {
            Ok($config {
                $($field: $values.$reader(&[$($name),+])?.unwrap_or($fallback),)*
                $($other: $value,)*
            })
        }
    };
}
pub(super) use settings;

impl<'a> Values<'a> {
    /// What was given, over the defaults of the release.
    pub(super) fn over_defaults(
        kind: ConfigKind,
        era: &Era,
        given: &'a [(String, String)],
    ) -> Result<Values<'a>, ConfigError> {
        Values::check(kind, era, given, true)
    }

    /// Only what was given.
    pub(super) fn given(
        kind: ConfigKind,
        era: &Era,
        given: &'a [(String, String)],
    ) -> Result<Values<'a>, ConfigError> {
        Values::check(kind, era, given, false)
    }

    fn check(
        kind: ConfigKind,
        era: &Era,
        given: &'a [(String, String)],
        with_defaults: bool,
    ) -> Result<Values<'a>, ConfigError> {
        let release = era.release;
        for (name, value) in given {
            let problem = match Definition::find(kind, name) {
                None => ConfigProblem::Unknown { near: nearest(kind, name) },
                Some(definition) if definition.default_in(release).is_none() => {
                    ConfigProblem::NotInThisRelease { known: definition.known_in_words() }
                }
                Some(definition) if !definition.accepts(release, value) => {
                    ConfigProblem::BadValue { given: value.clone(), expected: definition.expected(release) }
                }
                Some(_) => continue,
            };
            return Err(ConfigError { name: name.clone(), problem });
        }
        Ok(Values { kind, release, given, with_defaults })
    }

    /// Whether somebody gave this setting a value.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// The error that refuses this setting's value.
    pub(super) fn refuse(&self, name: &str, expected: impl Into<String>) -> ConfigError {
        let given = self.text_of(name).unwrap_or_default().to_owned();
        ConfigError {
            name: name.to_owned(),
            problem: ConfigProblem::BadValue { given, expected: expected.into() },
        }
    }

    /// Given, or else the default; the last of several.
    fn text_of(&self, name: &str) -> Option<&str> {
        let given = self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.trim());
        given.or_else(|| {
            let definition = Definition::find(self.kind, name).filter(|_| self.with_defaults)?;
            match definition.default_in(self.release)? {
                DefaultValue::Value(text) => Some(text),
                DefaultValue::Null | DefaultValue::Required => None,
            }
        })
    }

    /// The first of these that has a value.
    fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        names.iter().find_map(|name| Some((*name, self.text_of(name)?)))
    }

    /// The first of these, read as `read` reads it; what it cannot read is refused in these words.
    fn read<T>(
        &self,
        names: &[&str],
        expected: &str,
        read: impl Fn(&str, &str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some((name, text)) = self.first(names) else { return Ok(None) };
        read(name, text).map(Some).ok_or_else(|| self.refuse(name, expected))
    }

    pub(super) fn boolean(&self, names: &[&str]) -> Result<Option<bool>, ConfigError> {
        self.read(names, "`true` or `false`", |_, text| Some(text.eq_ignore_ascii_case("true")))
    }

    /// A whole number; where the field is narrower than Kafka's, a larger one is refused. Below zero is zero.
    pub(super) fn number<T: TryFrom<i64>>(&self, names: &[&str]) -> Result<Option<T>, ConfigError> {
        self.read(names, "a smaller number", |_, text| T::try_from(text.parse::<i64>().ok()?.max(0)).ok())
    }

    /// A span of time, in the unit that the setting's name ends in.
    pub(super) fn span(&self, names: &[&str]) -> Result<Option<Micros>, ConfigError> {
        self.read(names, "a span of time", |name, text| {
            let millis: i64 = match name.rsplit('.').next() {
                Some("hours") => 60 * 60 * 1000,
                Some("minutes") => 60 * 1000,
                Some("seconds") => 1000,
                _ => 1,
            };
            Some(Micros::from_millis(text.parse::<i64>().ok()?.saturating_mul(millis)))
        })
    }

    /// A span of time, of which the largest number means "never".
    pub(super) fn span_or_never(&self, names: &[&str]) -> Result<Option<Option<Micros>>, ConfigError> {
        let never = self.first(names).is_some_and(|(_, text)| text.parse() == Ok(i64::MAX));
        Ok(self.span(names)?.map(|span| Some(span).filter(|_| !never)))
    }

    /// A span of time that some releases do not know at all.
    pub(super) fn span_if_known(&self, names: &[&str]) -> Result<Option<Option<Micros>>, ConfigError> {
        Ok(Some(self.span(names)?))
    }

    /// A text; an empty one counts as none.
    pub(super) fn text(&self, names: &[&str]) -> Result<Option<Option<Arc<str>>>, ConfigError> {
        Ok(Some(self.first(names).map(|(_, text)| text).filter(|text| !text.is_empty()).map(Arc::from)))
    }

    pub(super) fn acks(&self, names: &[&str]) -> Result<Option<Acks>, ConfigError> {
        self.read(names, "one of `all`, `-1`, `0`, `1`", |_, text| match text {
            "all" | "-1" => Some(Acks::All),
            "1" => Some(Acks::Leader),
            "0" => Some(Acks::None),
            _ => None,
        })
    }

    pub(super) fn offset_reset(&self, names: &[&str]) -> Result<Option<OffsetReset>, ConfigError> {
        self.read(names, "one of `latest`, `earliest`, `none`", |_, text| match text {
            "earliest" => Some(OffsetReset::Earliest),
            "latest" => Some(OffsetReset::Latest),
            "none" => Some(OffsetReset::None),
            _ => None,
        })
    }

    /// `message.timestamp.type`: whether it is `LogAppendTime`.
    pub(super) fn log_append_time(&self, names: &[&str]) -> Result<Option<bool>, ConfigError> {
        self.read(names, "one of `CreateTime`, `LogAppendTime`", |_, text| match text {
            "CreateTime" => Some(false),
            "LogAppendTime" => Some(true),
            _ => None,
        })
    }

    /// `cleanup.policy`: a list, whose default is written `['delete']`.
    pub(super) fn cleanup_policy(&self, names: &[&str]) -> Result<Option<CleanupPolicy>, ConfigError> {
        self.read(names, "`delete`, `compact`, or both", |_, text| {
            let mut words = text.split(',').map(|word| word.trim_matches(['[', ']', '\'', ' ']));
            let known = |word: &str| word == "delete" || word == "compact";
            words.clone().all(known).then(|| CleanupPolicy {
                delete: words.clone().any(|word| word == "delete"),
                compact: words.any(|word| word == "compact"),
            })
        })
    }

    /// `replica.selector.class`: whether it is the one by rack.
    pub(super) fn by_rack(&self, names: &[&str]) -> Result<Option<bool>, ConfigError> {
        const BY_RACK: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
        const BY_LEADER: &str = "org.apache.kafka.common.replica.LeaderSelector";
        self.read(names, &format!("`{BY_RACK}` or `{BY_LEADER}`"), |_, text| match text {
            BY_RACK => Some(true),
            BY_LEADER => Some(false),
            _ => None,
        })
    }
}
