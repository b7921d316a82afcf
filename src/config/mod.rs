//! Settings of brokers, topics, producers and consumers, by Kafka's own names, with the defaults of the release.
//!
//! Three kinds of names: those that set a field of a struct here ([`BrokerConfig`], [`TopicConfig`],
//! [`ProducerConfig`], [`ConsumerConfig`]); those that Kafka of the era knows but nothing in the simulation depends
//! on, which are accepted ([`has_no_effect`]); and errors ([`ConfigError`]): unknown to Kafka, unknown to this
//! release, or a value that the setting cannot have.
//!
//! 1. Names, types, defaults and validators are data, release by release ([`Definition`]).
//! 2. Given settings are checked against it, and laid over the defaults (`values.rs`).
//! 3. Each struct says which setting makes which field, in one table beside it.
//! 4. What Kafka demands of several settings together is checked last.
//!
//! Real clients ignore a name they do not know, with a warning; here it is an error, since a scenario that sets a name
//! in vain is a scenario with a mistake.

mod broker;
mod consumer;
mod definition;
mod near;
mod producer;
mod topic;
mod values;

pub use broker::BrokerConfig;
pub use consumer::{ConsumerConfig, OffsetReset};
pub use definition::{DefaultValue, Definition, ValueType};
pub use producer::ProducerConfig;
pub use topic::{CleanupPolicy, TopicConfig};

use crate::era::Era;
use std::fmt;

/// Whose settings.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ConfigKind {
    /// `server.properties`.
    Broker,
    /// Topic settings.
    Topic,
    /// `ProducerConfig`.
    Producer,
    /// `ConsumerConfig`.
    Consumer,
}

/// Why a setting cannot be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The setting as it was given.
    pub name: String,
    /// What is wrong.
    pub problem: ConfigProblem,
}

/// What can be wrong with a setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigProblem {
    /// Kafka has no such setting; the nearest name it has.
    Unknown {
        /// "did you mean".
        near: Option<&'static str>,
    },
    /// Not in this release.
    NotInThisRelease {
        /// The releases that have it, in words: `2.1 and later`.
        known: String,
    },
    /// Not a value it can have.
    BadValue {
        /// What was given.
        given: String,
        /// What would be right: `a whole number of at least 0`.
        expected: String,
    },
}

impl ConfigKind {
    /// All of them.
    pub const ALL: [ConfigKind; 4] =
        [ConfigKind::Broker, ConfigKind::Topic, ConfigKind::Producer, ConfigKind::Consumer];

    /// What sets such settings, as an error message names it.
    pub fn name(self) -> &'static str {
        match self {
            ConfigKind::Broker => "broker",
            ConfigKind::Topic => "topic",
            ConfigKind::Producer => "producer",
            ConfigKind::Consumer => "consumer",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.problem {
            ConfigProblem::Unknown { near: None } => write!(f, "Kafka has no setting `{name}`"),
            ConfigProblem::Unknown { near: Some(near) } => {
                write!(f, "Kafka has no setting `{name}`; did you mean `{near}`?")
            }
            ConfigProblem::NotInThisRelease { known } => {
                write!(f, "this release has no setting `{name}`: {known}")
            }
            ConfigProblem::BadValue { given, expected } => {
                write!(f, "`{name}` cannot be `{given}`: expected {expected}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// Whether Kafka of `era` knows the setting but nothing in the simulation depends on it.
pub fn has_no_effect(kind: ConfigKind, era: &Era, name: &str) -> bool {
    default_of(kind, era, name).is_some() && !has_an_effect(kind, name)
}

/// The names that Kafka of `era` knows, in order.
pub fn names(kind: ConfigKind, era: &Era) -> impl Iterator<Item = &'static str> {
    let release = era.release;
    let known = move |definition: &&Definition| definition.default_in(release).is_some();
    Definition::all(kind).iter().filter(known).map(|definition| definition.name)
}

/// The default of a setting in `era`, or `None` if Kafka of `era` does not know it.
pub fn default_of(kind: ConfigKind, era: &Era, name: &str) -> Option<DefaultValue> {
    Definition::find(kind, name)?.default_in(era.release)
}

/// Whether any era's simulation depends on the setting.
pub fn has_an_effect(kind: ConfigKind, name: &str) -> bool {
    match kind {
        ConfigKind::Broker => broker::effective().any(|effective| effective == name),
        ConfigKind::Topic => topic::OF_A_TOPIC.contains(&name),
        ConfigKind::Producer => producer::EFFECTIVE.contains(&name),
        ConfigKind::Consumer => consumer::EFFECTIVE.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::BrokerId;
    use crate::messages::produce::Acks;
    use crate::time::Micros;

    fn era(release: &str) -> Era {
        Era::parse(release).expect("a release")
    }

    fn given(settings: &[(&str, &str)]) -> Vec<(String, String)> {
        settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn broker(release: &str, settings: &[(&str, &str)]) -> Result<BrokerConfig, ConfigError> {
        BrokerConfig::new(&era(release), BrokerId(1), &given(settings))
    }

    fn producer(release: &str, settings: &[(&str, &str)]) -> Result<ProducerConfig, ConfigError> {
        ProducerConfig::new(&era(release), &given(settings))
    }

    #[test]
    fn the_setting_of_higher_priority_decides() {
        let hour = Micros::from_millis(3_600_000);
        let segment_ms = |settings: &[(&str, &str)]| {
            broker("2.8", settings).map(|config| config.topic_defaults.segment_ms).expect("good settings")
        };
        assert_eq!(segment_ms(&[("log.roll.hours", "1")]), hour);
        assert_eq!(segment_ms(&[("log.roll.hours", "1"), ("log.roll.ms", "5")]), Micros(5000));
        let flush =
            |settings: &[(&str, &str)]| broker("2.8", settings).expect("good").topic_defaults.flush_ms;
        assert_eq!(flush(&[]), None);
        assert_eq!(flush(&[("log.flush.scheduler.interval.ms", "7")]), Some(Micros(7000)));
        assert_eq!(
            flush(&[("log.flush.interval.ms", "3"), ("log.flush.scheduler.interval.ms", "7")]),
            Some(Micros(3000))
        );
    }

    #[test]
    fn a_topic_falls_back_to_its_broker() {
        let defaults = broker("2.8", &[("min.insync.replicas", "2"), ("log.segment.bytes", "1000")])
            .expect("good settings")
            .topic_defaults;
        let topic = defaults.with(&era("2.8"), &given(&[("segment.bytes", "500")])).expect("good settings");
        assert_eq!((topic.segment_bytes, topic.min_insync_replicas), (500, 2));
        assert_eq!(defaults.with(&era("2.8"), &[]), Ok(defaults));
    }

    #[test]
    fn a_mistake_is_told_as_what_it_is() {
        let message = |error: Result<ProducerConfig, ConfigError>| error.expect_err("a mistake").to_string();
        assert_eq!(
            message(producer("2.8", &[("ack", "1")])),
            "Kafka has no setting `ack`; did you mean `acks`?"
        );
        assert_eq!(message(producer("2.8", &[("colour", "blue")])), "Kafka has no setting `colour`");
        assert_eq!(
            message(producer("2.0", &[("delivery.timeout.ms", "1")])),
            "this release has no setting `delivery.timeout.ms`: 2.1 and later"
        );
        assert_eq!(
            message(producer("2.8", &[("retries", "-1")])),
            "`retries` cannot be `-1`: expected a whole number from 0 to 2147483647"
        );
        assert_eq!(
            message(producer("2.8", &[("delivery.timeout.ms", "10")])),
            "`delivery.timeout.ms` cannot be `10`: expected at least `linger.ms` plus `request.timeout.ms`, \
             which is 30000"
        );
        let timestamps = given(&[("message.timestamp.type", "Whenever")]);
        let topic = broker("0.10.2", &[]).expect("defaults").topic_defaults;
        assert!(matches!(
            topic.with(&era("0.10.2"), &timestamps),
            Err(ConfigError { problem: ConfigProblem::BadValue { .. }, .. })
        ));
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused_as_kafka_does() {
        let blamed = |settings: &[(&str, &str)]| broker("2.0", settings).map_err(|error| error.name).err();
        assert_eq!(blamed(&[("replica.lag.time.max.ms", "300")]).as_deref(), Some("replica.lag.time.max.ms"));
        assert_eq!(
            blamed(&[("replica.fetch.wait.max.ms", "20000")]).as_deref(),
            Some("replica.fetch.wait.max.ms")
        );
        assert_eq!(blamed(&[("replica.lag.time.max.ms", "300"), ("replica.fetch.wait.max.ms", "100")]), None);
        assert_eq!(blamed(&[("broker.id", "2")]).as_deref(), Some("broker.id"));
        assert_eq!(blamed(&[("broker.id", "1")]), None);
    }

    #[test]
    fn what_has_no_effect_is_known_all_the_same() {
        let era = era("2.8");
        assert!(has_no_effect(ConfigKind::Producer, &era, "enable.idempotence"));
        assert!(!has_no_effect(ConfigKind::Producer, &era, "acks"));
        assert!(!has_no_effect(ConfigKind::Producer, &era, "block.on.buffer.full"), "0.10.2 only");
        assert!(!has_no_effect(ConfigKind::Producer, &era, "colour"));
        assert!(names(ConfigKind::Broker, &era).any(|name| name == "log.cleaner.threads"));
        assert_eq!(default_of(ConfigKind::Producer, &era, "acks"), Some(DefaultValue::Value("1")));
        for kind in ConfigKind::ALL {
            let effective =
                Definition::all(kind).iter().filter(|known| has_an_effect(kind, known.name)).count();
            let listed = match kind {
                ConfigKind::Broker => broker::effective().collect::<std::collections::BTreeSet<_>>().len(),
                ConfigKind::Topic => topic::OF_A_TOPIC.len(),
                // Two fields of a client may fall back to one setting.
                ConfigKind::Producer => producer::EFFECTIVE.len() - 2,
                ConfigKind::Consumer => consumer::EFFECTIVE.len() - 2,
            };
            assert_eq!(effective, listed, "{kind:?}: every effective name is one of Kafka's");
        }
    }

    #[test]
    fn clients_grow_up_release_by_release() {
        let old = producer("0.10.2", &[]).expect("defaults");
        assert_eq!((old.acks, old.retries, old.delivery_timeout), (Acks::Leader, 0, None));
        assert_eq!(old.reconnect_backoff_max, old.reconnect_backoff);
        let new = producer("3.9", &[("acks", "1")]).expect("good settings");
        assert_eq!((new.acks, new.delivery_timeout), (Acks::Leader, Some(Micros::from_millis(120_000))));
        assert_eq!(new.retry_backoff_max, Micros::from_millis(1000));
    }
}
