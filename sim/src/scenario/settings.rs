//! Settings of brokers, topics and clients, checked in every era that will run.
//!
//! Kafka's own definitions ([`kafka::config`]) say what is wrong; here it gets its place in the file and its era. A
//! name that Kafka knows but nothing here depends on is allowed, and said aloud.

use super::eras::of_node;
use super::file::Scenario;
use super::names::{ClientKind, Names};
use super::problem::Problem;
use super::source::{Found, Path};
use super::step::Step;
use super::words::{Setting, Table};
use kafka::config::{self, BrokerConfig, ConfigError, ConfigKind, ConfigProblem};
use kafka::config::{ConsumerConfig, ProducerConfig, TopicConfig};
use kafka::era::Era;
use kafka::ids::BrokerId;
use std::collections::BTreeSet;

/// Settings as Kafka's configurations take them.
pub fn pairs(settings: &Table<Setting>) -> Vec<(String, String)> {
    settings.0.iter().map(|(name, Setting(value))| (name.clone(), value.clone())).collect()
}

/// A broker's settings: the cluster's, and then its own.
pub fn of_broker(scenario: &Scenario, broker: &str) -> Vec<(String, String)> {
    let mut settings = pairs(&scenario.cluster.settings);
    let own = scenario.cluster.brokers.0.get(broker).map_or(Vec::new(), pairs);
    settings.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
    settings.extend(own);
    settings
}

/// Checks all settings in one era of the run. `unused` collects names that have no effect.
///
/// # Errors
/// The first setting that cannot be.
pub fn check(
    scenario: &Scenario,
    names: &Names,
    base: &Era,
    unused: &mut BTreeSet<String>,
) -> Result<(), Found> {
    let mut check = Check { base, unused };
    let cluster = Path::default().key("cluster");
    let mut defaults = None;
    for broker in &names.brokers {
        let era = of_node(scenario, base, &broker.name);
        let of_all = cluster.key("settings");
        let own = cluster.key("brokers").key(&broker.name);
        let shared = &scenario.cluster.settings;
        check.note_unused(ConfigKind::Broker, &era, shared.names());
        check.note_unused(
            ConfigKind::Broker,
            &era,
            scenario.cluster.brokers.0.get(&broker.name).unwrap_or(shared).names(),
        );
        let config = BrokerConfig::new(&era, BrokerId(broker.id), &of_broker(scenario, &broker.name));
        let config = config.map_err(|error| {
            let is_own = scenario
                .cluster
                .brokers
                .0
                .get(&broker.name)
                .is_some_and(|own| own.get(&error.name).is_some());
            check.found(ConfigKind::Broker, &era, &error, if is_own { &own } else { &of_all })
        })?;
        defaults.get_or_insert((era, config.topic_defaults));
    }
    let (era, defaults) = defaults.expect("a cluster has brokers");
    for (topic, spec) in &scenario.cluster.topics.0 {
        check.topic(&era, &defaults, &pairs(&spec.settings), &cluster.key("topics").key(topic))?;
    }
    check.steps(&era, &defaults, &scenario.steps, &Path::default().key("steps"))?;
    for client in &names.clients {
        let era = of_node(scenario, base, &client.name);
        let settings = pairs(&client.spec.settings);
        let path = cluster.key("clients").key(&client.name);
        let (kind, result) = match client.kind {
            ClientKind::Producer => (ConfigKind::Producer, ProducerConfig::new(&era, &settings).map(drop)),
            ClientKind::Consumer => (ConfigKind::Consumer, ConsumerConfig::new(&era, &settings).map(drop)),
        };
        result.map_err(|error| check.found(kind, &era, &error, &path))?;
        check.note_unused(kind, &era, client.spec.settings.names());
    }
    Ok(())
}

struct Check<'a> {
    base: &'a Era,
    unused: &'a mut BTreeSet<String>,
}

impl Check<'_> {
    fn note_unused<'a>(&mut self, kind: ConfigKind, era: &Era, names: impl Iterator<Item = &'a str>) {
        for name in names.filter(|name| config::has_no_effect(kind, era, name)) {
            self.unused.insert(name.to_owned());
        }
    }

    fn topic(
        &mut self,
        era: &Era,
        defaults: &TopicConfig,
        settings: &[(String, String)],
        path: &Path,
    ) -> Result<(), Found> {
        let result = defaults.with(era, settings);
        result.map_err(|error| self.found(ConfigKind::Topic, era, &error, path))?;
        self.note_unused(ConfigKind::Topic, era, settings.iter().map(|(name, _)| name.as_str()));
        Ok(())
    }

    fn steps(&mut self, era: &Era, defaults: &TopicConfig, steps: &[Step], path: &Path) -> Result<(), Found> {
        for (index, step) in steps.iter().enumerate() {
            let path = path.index(index);
            match step {
                Step::CreateTopic(create) => {
                    let path = path.key("create_topic");
                    self.topic(era, defaults, &pairs(&create.spec.settings), &path)?;
                }
                Step::Set(set) => {
                    let path = path.key("set").key("settings");
                    for (name, value) in &set.settings.0 {
                        let value = match value {
                            Some(Setting(value)) => value.clone(),
                            // A setting that is removed has only to exist.
                            None if config::default_of(ConfigKind::Topic, era, name).is_some() => continue,
                            None => String::new(),
                        };
                        self.topic(era, defaults, &[(name.clone(), value)], &path)?;
                    }
                }
                Step::When(when) => {
                    self.steps(era, defaults, &when.steps, &path.key("when").key("do"))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn found(&self, kind: ConfigKind, era: &Era, error: &ConfigError, path: &Path) -> Found {
        let ConfigError { name, problem } = error;
        let kind = kind.name();
        let (path, problem) = match problem {
            ConfigProblem::Unknown { near } => {
                let problem = Problem::new(format!("Kafka has no {kind} setting `{name}`")).label("unknown");
                let problem = match near {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                };
                (path.name(name), problem)
            }
            ConfigProblem::NotInThisRelease { known } => {
                let problem = Problem::new(format!("Kafka {era} has no {kind} setting `{name}`"))
                    .label("not in this era")
                    .help(format!("it is known in {known}"));
                (path.name(name), problem)
            }
            ConfigProblem::BadValue { given, expected } => {
                let problem = Problem::new(format!("`{name}` cannot be `{given}`"))
                    .label("bad value")
                    .help(format!("expected {expected}"));
                (path.key(name), problem)
            }
        };
        let elsewhere = *era != *self.base;
        (path, if elsewhere { problem.help(format!("in a run of era {}", self.base)) } else { problem })
    }
}
