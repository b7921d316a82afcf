//! The names of a scenario: which nodes, topics and values there are, so that every mention can be checked.
//!
//! Producers and consumers need not be declared. A `produce` without `by` goes to the first producer with its `acks`, and
//! makes one if there is none: `producer-1`, `producer-2` in order of appearance. A `consume` without `by` is
//! `consumer-1`'s, a `workload` without `by` `producer-1`'s.

use super::cluster::{ClientSpec, broker_id};
use super::file::{Batches, Scenario};
use super::problem::Problem;
use super::source::{Found, Path};
use super::step::{AcksWord, Step};
use super::words::{Setting, Table};
use std::collections::{BTreeMap, BTreeSet};

/// A broker of the scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrokerName {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: i32,
}

/// Producer or consumer.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ClientKind {
    /// It writes.
    Producer,
    /// It reads.
    Consumer,
}

impl ClientKind {
    /// What a name says: `producer-1`, `consumer-2`.
    pub fn of(name: &str) -> Option<ClientKind> {
        let number = |prefix: &str| {
            name.strip_prefix(prefix).is_some_and(|number| {
                (1..=4).contains(&number.len())
                    && number.bytes().all(|byte| byte.is_ascii_digit())
                    && !number.starts_with('0')
            })
        };
        match (number("producer-"), number("consumer-")) {
            (true, _) => Some(ClientKind::Producer),
            (_, true) => Some(ClientKind::Consumer),
            _ => None,
        }
    }
}

/// A client, declared or implied.
#[derive(Clone, PartialEq, Debug)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ClientKind,
    /// What the file says of it.
    pub spec: ClientSpec,
}

/// A verb that somebody has to do.
#[derive(Clone, Debug, Default)]
pub struct Doers(BTreeMap<String, String>);

impl Doers {
    /// Who does the step at `path`.
    pub fn of(&self, path: &Path) -> &str {
        &self.0[&path.to_string()]
    }
}

/// All names of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Brokers, in order.
    pub brokers: Vec<BrokerName>,
    /// Clients, in order.
    pub clients: Vec<Client>,
    /// Topics, with how many partitions; of the cluster and of `create_topic`.
    pub topics: BTreeMap<String, i32>,
    /// Those of them that are deleted: their names can be used again.
    pub deleted: BTreeSet<String>,
    /// Values that are produced.
    pub values: BTreeSet<String>,
    /// Names of holds, delays and drops.
    pub message_rules: BTreeSet<String>,
    /// Who does each `produce`, `consume` and `workload`.
    pub doers: Doers,
}

impl Names {
    /// Collects all names.
    ///
    /// # Errors
    /// The first thing that is named twice, or a client that cannot be.
    pub fn of(scenario: &Scenario) -> Result<Names, Found> {
        let mut names = Names::default();
        for name in scenario.cluster.brokers.0.names() {
            let id = broker_id(name).expect("names of brokers are checked when read");
            names.brokers.push(BrokerName { name: name.to_owned(), id });
        }
        let cluster = Path::default().key("cluster");
        for (name, spec) in &scenario.cluster.clients.0 {
            let path = cluster.key("clients").name(name);
            let Some(kind) = ClientKind::of(name) else {
                let problem = Problem::new(format!("`{name}` is no name of a client"))
                    .help("expected `producer-` or `consumer-` and a number from 1: `producer-1`");
                return Err((path, problem));
            };
            names.clients.push(Client { name: name.clone(), kind, spec: spec.clone() });
        }
        for (topic, spec) in &scenario.cluster.topics.0 {
            names.topics.insert(topic.clone(), spec.partition_count());
        }
        names.steps(&scenario.steps, &Path::default().key("steps"))?;
        Ok(names)
    }

    fn steps(&mut self, steps: &[Step], path: &Path) -> Result<(), Found> {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &path.index(index))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, path: &Path) -> Result<(), Found> {
        match step {
            Step::Produce(produce) => {
                let path = path.key("produce");
                let doer = match &produce.by {
                    Some(by) => self.declared(by, ClientKind::Producer, &path.key("by"))?,
                    None => self.producer_with(produce.acks),
                };
                self.agree_on_acks(&doer, produce.acks, &path)?;
                self.doers.0.insert(path.to_string(), doer);
                if let Some(value) = &produce.value {
                    self.value(value, &path.key("value"))?;
                }
                for (index, value) in produce.values.iter().flatten().enumerate() {
                    self.value(value, &path.key("values").index(index))?;
                }
            }
            Step::Workload(workload) => {
                let path = path.key("workload");
                let doer = match &workload.by {
                    Some(by) => self.declared(by, ClientKind::Producer, &path.key("by"))?,
                    None => self.first_or_new(ClientKind::Producer),
                };
                self.doers.0.insert(path.to_string(), doer);
            }
            Step::Consume(consume) => {
                let path = path.key("consume");
                let doer = match &consume.by {
                    Some(by) => self.declared(by, ClientKind::Consumer, &path.key("by"))?,
                    None => self.first_or_new(ClientKind::Consumer),
                };
                self.doers.0.insert(path.to_string(), doer);
            }
            Step::CreateTopic(create) if create.refused.is_none() => {
                let count = create.spec.partition_count();
                let known = self.topics.insert(create.topic.clone(), count);
                if known.is_some() && !self.deleted.remove(&create.topic) {
                    let problem = Problem::new(format!("two topics are called `{}`", create.topic));
                    return Err((path.key("create_topic").key("topic"), problem));
                }
            }
            Step::DeleteTopic(delete) if delete.refused.is_none() => {
                self.deleted.insert(delete.topic.clone());
            }
            Step::AddPartitions(add) if add.refused.is_none() => {
                if let Some(count) = self.topics.get_mut(&add.topic) {
                    *count = add.partitions.max(*count);
                }
            }
            Step::Hold(messages) => self.message_rule(messages.name.as_ref(), &path.key("hold"))?,
            Step::Drop(messages) => self.message_rule(messages.name.as_ref(), &path.key("drop"))?,
            Step::Delay(delay) => self.message_rule(delay.name.as_ref(), &path.key("delay"))?,
            Step::When(when) => self.steps(&when.steps, &path.key("when").key("do"))?,
            _ => {}
        }
        Ok(())
    }

    fn value(&mut self, value: &str, path: &Path) -> Result<(), Found> {
        if value.is_empty() || value.chars().count() > 24 || value.chars().any(|c| c.is_control() || c == '@')
        {
            let problem =
                Problem::new("a value is the name of its record: 1 to 24 printable characters, no @");
            return Err((path.clone(), problem));
        }
        if Batches::parse(value).is_some() {
            let problem = Problem::new(format!("`{value}` is how a verdict speaks of a workload's batches"));
            return Err((path.clone(), problem.help("give the record another name")));
        }
        if !self.values.insert(value.to_owned()) {
            let problem = Problem::new(format!("`{value}` is produced twice"))
                .help("a value is the name of its record in the story; every record needs its own");
            return Err((path.clone(), problem));
        }
        Ok(())
    }

    fn message_rule(&mut self, name: Option<&String>, path: &Path) -> Result<(), Found> {
        let Some(name) = name else { return Ok(()) };
        let path = path.key("as");
        if name == "all" {
            return Err((path, Problem::new("`all` releases everything and is no name of its own")));
        }
        if !self.message_rules.insert(name.clone()) {
            return Err((path, Problem::new(format!("`{name}` names two of them"))));
        }
        Ok(())
    }

    fn declared(&self, name: &str, kind: ClientKind, path: &Path) -> Result<String, Found> {
        let known = self.clients.iter().filter(|client| client.kind == kind);
        if known.clone().any(|client| client.name == name) {
            return Ok(name.to_owned());
        }
        let what = if kind == ClientKind::Producer { "producer" } else { "consumer" };
        let problem = Problem::new(format!("there is no {what} `{name}`"))
            .near_or_list(name, known.map(|client| client.name.as_str()))
            .help("clients are declared in `cluster.clients`, those that need no settings with {}");
        Err((path.clone(), problem))
    }

    fn new_client(&mut self, kind: ClientKind, settings: Table<Setting>) -> String {
        let prefix = if kind == ClientKind::Producer { "producer" } else { "consumer" };
        let name = (1..).map(|number| format!("{prefix}-{number}"));
        let name = name.into_iter().find(|name| self.clients.iter().all(|client| client.name != *name));
        let name = name.expect("there is always another number");
        let spec = ClientSpec { settings, ..ClientSpec::default() };
        self.clients.push(Client { name: name.clone(), kind, spec });
        name
    }

    fn first_or_new(&mut self, kind: ClientKind) -> String {
        match self.clients.iter().find(|client| client.kind == kind) {
            Some(client) => client.name.clone(),
            None => self.new_client(kind, Table::default()),
        }
    }

    fn producer_with(&mut self, acks: Option<AcksWord>) -> String {
        let Some(acks) = acks else { return self.first_or_new(ClientKind::Producer) };
        let mut producers = self.clients.iter().filter(|client| client.kind == ClientKind::Producer);
        match producers.find(|client| acks_of(client) == Some(acks.text())) {
            Some(client) => client.name.clone(),
            None => {
                let settings = Table(vec![("acks".to_owned(), Setting(acks.text().to_owned()))]);
                self.new_client(ClientKind::Producer, settings)
            }
        }
    }

    fn agree_on_acks(&self, name: &str, acks: Option<AcksWord>, path: &Path) -> Result<(), Found> {
        let Some(acks) = acks else { return Ok(()) };
        let client = self.clients.iter().find(|client| client.name == name).expect("it was just found");
        if acks_of(client) == Some(acks.text()) {
            return Ok(());
        }
        let has = client.spec.settings.get("acks").map_or("the release's default", |Setting(acks)| acks);
        let problem = Problem::new(format!("{name} has acks={has}, not {}", acks.text()))
            .help("`acks` is a setting of a producer; use another one, or set it in `cluster.clients`");
        Err((path.key("acks"), problem))
    }
}

/// A producer's `acks` as the file sets it, in the newer of its spellings.
fn acks_of(client: &Client) -> Option<&str> {
    client.spec.settings.get("acks").map(|Setting(acks)| if acks == "-1" { "all" } else { acks.as_str() })
}
