//! Settings given on the command line: `--set min.insync.replicas=1`, `--set orders.min.insync.replicas=1`,
//! `--set broker-1.log.flush.interval.messages=1`.
//!
//! 1. What stands before the setting is a broker, a client or a topic of the scenario; with nothing before it the setting
//!    is everybody's who has it: brokers, topics, producers, consumers.
//! 2. It takes the place of what the file says. The changed file is then checked like any other.
//! 3. Such a run is not what the file's verdicts are about; nor is it held to what the file expects on its way.
//!
//! What is left out: settings that a `set` step changes later stay as that step says.

use super::file::Scenario;
use super::names::{ClientKind, Names};
use super::problem::Problem;
use super::source::Path;
use super::step::{Produce, Step};
use super::words::{Setting, Table};
use kafka::config::{self, BrokerConfig, ConfigError, ConfigKind, ConsumerConfig, ProducerConfig};
use kafka::era::Era;
use kafka::ids::BrokerId;

/// A setting and its value, as given: what stands before `=`, and after it.
pub type Given = (String, String);

/// Who is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Whose {
    /// Everybody who has such a setting.
    All,
    Broker(String),
    Client(String, ClientKind),
    Topic(String),
}

/// Puts settings in the place of those of the file. `eras`: where they must be known.
///
/// # Errors
/// The first that cannot be.
pub fn apply(
    scenario: &mut Scenario,
    names: &mut Names,
    given: &[Given],
    eras: &[&Era],
) -> Result<(), Problem> {
    for (name, value) in given {
        let (whose, setting) = whose(names, name);
        let kinds = kinds(&whose);
        let mut known = Vec::new();
        for era in eras {
            let here: Vec<ConfigKind> = kinds
                .iter()
                .copied()
                .filter(|kind| config::default_of(*kind, era, setting).is_some())
                .collect();
            let anywhere = kinds.iter().find(|kind| config::Definition::find(**kind, setting).is_some());
            let asked = anywhere.unwrap_or(&kinds[0]);
            for kind in here.iter().chain(here.is_empty().then_some(asked)) {
                check(*kind, era, setting, value)
                    .map_err(|error| problem(names, &whose, name, era, &error, kinds.len() > 1))?;
            }
            known.extend(here);
        }
        let has = |kind: ConfigKind| known.contains(&kind);
        match &whose {
            Whose::Broker(broker) => own_settings(scenario, broker, setting, value),
            Whose::Client(client, _) => of_clients(names, &|known, _| known == client, setting, value),
            Whose::Topic(topic) => of_topics(scenario, &|known| known == topic, setting, value),
            Whose::All => {
                if has(ConfigKind::Broker) {
                    put(&mut scenario.cluster.settings, setting, value);
                    for (_, own) in &mut scenario.cluster.brokers.0.0 {
                        own.0.retain(|(known, _)| known != setting);
                    }
                }
                if has(ConfigKind::Topic) {
                    of_topics(scenario, &|_| true, setting, value);
                }
                let of_kind = |kind: ClientKind| match kind {
                    ClientKind::Producer => has(ConfigKind::Producer),
                    ClientKind::Consumer => has(ConfigKind::Consumer),
                };
                of_clients(names, &|_, kind| of_kind(kind), setting, value);
            }
        }
        if setting == "acks" {
            let path = Path::default().key("steps");
            forget_acks(&mut scenario.steps, names, &path);
        }
    }
    Ok(())
}

/// Who a name speaks of, and the setting: the longest name of a node or topic that stands before a dot.
fn whose<'a>(names: &Names, name: &'a str) -> (Whose, &'a str) {
    let brokers =
        names.brokers.iter().map(|broker| (broker.name.clone(), Whose::Broker(broker.name.clone())));
    let clients = names
        .clients
        .iter()
        .map(|client| (client.name.clone(), Whose::Client(client.name.clone(), client.kind)));
    let topics = names.topics.keys().map(|topic| (topic.clone(), Whose::Topic(topic.clone())));
    let all = brokers.chain(clients).chain(topics);
    let rest = |known: &str| name.strip_prefix(known).and_then(|rest| rest.strip_prefix('.'));
    let named = all.filter_map(|(known, whose)| Some((known.len(), whose, rest(&known)?)));
    // A topic may be called like the beginning of a setting.
    let is_setting = ConfigKind::ALL.iter().any(|kind| config::Definition::find(*kind, name).is_some());
    match named.max_by_key(|(length, ..)| *length) {
        Some((_, whose, setting)) if !is_setting => (whose, setting),
        _ => (Whose::All, name),
    }
}

fn kinds(whose: &Whose) -> &'static [ConfigKind] {
    match whose {
        Whose::All => &ConfigKind::ALL,
        Whose::Broker(_) => &[ConfigKind::Broker],
        Whose::Topic(_) => &[ConfigKind::Topic],
        Whose::Client(_, ClientKind::Producer) => &[ConfigKind::Producer],
        Whose::Client(_, ClientKind::Consumer) => &[ConfigKind::Consumer],
    }
}

/// Whether a release knows this setting, and this value of it.
fn check(kind: ConfigKind, era: &Era, setting: &str, value: &str) -> Result<(), ConfigError> {
    let one = [(setting.to_owned(), value.to_owned())];
    match kind {
        ConfigKind::Broker => BrokerConfig::new(era, BrokerId(0), &one).map(drop),
        ConfigKind::Topic => {
            let defaults = BrokerConfig::new(era, BrokerId(0), &[])?.topic_defaults;
            defaults.with(era, &one).map(drop)
        }
        ConfigKind::Producer => ProducerConfig::new(era, &one).map(drop),
        ConfigKind::Consumer => ConsumerConfig::new(era, &one).map(drop),
    }
}

fn problem(
    names: &Names,
    whose: &Whose,
    name: &str,
    era: &Era,
    error: &ConfigError,
    anybody: bool,
) -> Problem {
    use kafka::config::ConfigProblem::{BadValue, NotInThisRelease, Unknown};
    let what = match (&error.problem, anybody) {
        (Unknown { .. }, true) => format!("`--set {name}`: Kafka has no such setting"),
        (NotInThisRelease { .. }, true) => format!("`--set {name}`: Kafka {era} has no such setting"),
        (Unknown { .. }, false) => {
            format!("`--set {name}`: Kafka has no {} setting `{}`", kinds(whose)[0].name(), error.name)
        }
        (NotInThisRelease { .. }, false) => {
            format!("`--set {name}`: Kafka {era} has no {} setting `{}`", kinds(whose)[0].name(), error.name)
        }
        (BadValue { given, .. }, _) => format!("`--set {name}`: it cannot be `{given}`"),
    };
    let problem = Problem::new(what);
    match &error.problem {
        Unknown { near } => {
            let nodes = names.brokers.iter().map(|broker| broker.name.as_str());
            let nodes = nodes.chain(names.clients.iter().map(|client| client.name.as_str()));
            let owners: Vec<&str> = nodes.chain(names.topics.keys().map(String::as_str)).collect();
            // The setting may be right, and its owner not.
            let owner = name.split_once('.').filter(|(_, rest)| is_known(rest)).map(|(owner, _)| owner);
            let kinds = ConfigKind::ALL.into_iter();
            let of_others = kinds.filter(|kind| config::Definition::find(*kind, &error.name).is_some());
            let of_others: Vec<&str> = of_others.map(ConfigKind::name).collect();
            match (near, owner) {
                _ if !anybody && !of_others.is_empty() => {
                    problem.help(format!("it is a setting of a {}", of_others.join(", of a ")))
                }
                (_, Some(owner)) => problem
                    .help(format!("`{owner}` is no broker, client or topic of this scenario"))
                    .near_or_list(owner, owners),
                (Some(near), None) => problem.help(format!("did you mean `{near}`?")),
                (None, None) => {
                    let all = ConfigKind::ALL.iter().flat_map(|kind| config::names(*kind, era));
                    match super::problem::near(&error.name, all) {
                        Some(near) => problem.help(format!("did you mean `{near}`?")),
                        None => problem.help("expected a setting by Kafka's name, with a topic, broker or client before it if it is theirs alone: orders.min.insync.replicas=1"),
                    }
                }
            }
        }
        NotInThisRelease { known } => {
            problem.help(format!("it is known in {known}")).help("with `--era` only that era is run")
        }
        BadValue { expected, .. } => problem.help(format!("expected {expected}")),
    }
}

fn is_known(setting: &str) -> bool {
    ConfigKind::ALL.iter().any(|kind| config::Definition::find(*kind, setting).is_some())
}

fn put(settings: &mut Table<Setting>, setting: &str, value: &str) {
    settings.0.retain(|(known, _)| known != setting);
    settings.0.push((setting.to_owned(), Setting(value.to_owned())));
}

fn own_settings(scenario: &mut Scenario, broker: &str, setting: &str, value: &str) {
    let own = &mut scenario.cluster.brokers.0.0;
    if let Some((_, settings)) = own.iter_mut().find(|(name, _)| name == broker) {
        put(settings, setting, value);
    }
}

fn of_topics(scenario: &mut Scenario, of: &dyn Fn(&str) -> bool, setting: &str, value: &str) {
    for (topic, spec) in &mut scenario.cluster.topics.0 {
        if of(topic) {
            put(&mut spec.settings, setting, value);
        }
    }
    of_new_topics(&mut scenario.steps, of, setting, value);
}

fn of_new_topics(steps: &mut [Step], of: &dyn Fn(&str) -> bool, setting: &str, value: &str) {
    for step in steps {
        match step {
            Step::CreateTopic(create) if of(&create.topic) => put(&mut create.spec.settings, setting, value),
            Step::When(when) => of_new_topics(&mut when.steps, of, setting, value),
            _ => {}
        }
    }
}

fn of_clients(names: &mut Names, of: &dyn Fn(&str, ClientKind) -> bool, setting: &str, value: &str) {
    for client in &mut names.clients {
        if of(&client.name, client.kind) {
            put(&mut client.spec.settings, setting, value);
        }
    }
}

/// A `produce` names the `acks` of its producer again: where they are others now, it says nothing of them.
fn forget_acks(steps: &mut [Step], names: &Names, path: &Path) {
    for (index, step) in steps.iter_mut().enumerate() {
        let path = path.index(index);
        match step {
            Step::Produce(produce @ Produce { acks: Some(_), .. }) => {
                let doer = names.doers.of(&path.key("produce"));
                let client = names.clients.iter().find(|client| client.name == doer);
                let is = client.and_then(|client| client.spec.settings.get("acks"));
                if is.map(|Setting(acks)| acks.as_str()) != produce.acks.map(|acks| acks.text()) {
                    produce.acks = None;
                }
            }
            Step::When(when) => forget_acks(&mut when.steps, names, &path.key("when").key("do")),
            _ => {}
        }
    }
}
