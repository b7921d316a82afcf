//! A recording's file: what it says, read strictly.
//!
//! An operation is an object of one verb; what belongs to it stands under the verb or beside it. Settings of brokers,
//! topics and producers are checked as Kafka's own definitions have them, before anything is played.

use super::reader::At;
use super::then::{self, Seen};
use crate::scenario::eras;
use crate::scenario::parse::not_json;
use crate::scenario::problem::Problem;
use crate::scenario::source::{Found, Path, Positions, Source};
use kafka::config::{BrokerConfig, ConfigError, ConfigProblem, ProducerConfig};
use kafka::era::{Era, Release};
use kafka::ids::{BrokerId, Topic, TopicPartition};
use kafka::time::Micros;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

/// No recording is larger.
pub const LARGEST: u64 = 50_000_000;
/// The release of the recorder's clients, whatever the brokers were.
const CLIENTS: Release = Release::new(2, 8, 2);

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its text.
    pub source: Arc<Source>,
    /// Where everything stands in it.
    pub positions: Arc<Positions>,
    /// The release of the brokers.
    pub era: Era,
    /// The release of clients.
    pub client_era: Era,
    /// Broker ids.
    pub brokers: Vec<i32>,
    /// How far apart a broker's heartbeats to ZooKeeper are.
    pub heartbeat: Micros,
    /// Settings of all brokers that were not the default.
    pub settings: Vec<(String, String)>,
    /// What was done, and what was seen.
    pub steps: Vec<Step>,
    /// What was on the disks after all brokers had been stopped.
    pub last: Option<Seen>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was done, in words.
    pub words: String,
    /// What was done.
    pub operations: Vec<(Operation, Path)>,
    /// What the cluster showed once quiet; `None` if nobody looked.
    pub then: Option<Seen>,
    /// Its place.
    pub path: Path,
}

/// Something done to the cluster.
#[derive(Clone, PartialEq, Debug)]
pub enum Operation {
    /// A topic is created.
    CreateTopic {
        /// Its name.
        topic: Topic,
        /// Broker ids of each partition; if none, so many partitions and replicas as are to be placed.
        assignment: Result<Vec<Vec<i32>>, (i32, i16)>,
        /// Its settings.
        settings: Vec<(String, String)>,
    },
    /// Records are sent one after the other, each when the one before is decided.
    Produce {
        /// Where.
        to: TopicPartition,
        /// The producer's settings.
        settings: Vec<(String, String)>,
        /// The values.
        values: Vec<String>,
        /// What the caller was told of each: an offset or an exception's class.
        told: Option<Vec<String>>,
    },
    /// SIGKILL.
    Kill(Vec<i32>),
    /// SIGTERM.
    Shutdown(Vec<i32>),
    /// Started again.
    Restart {
        /// Who.
        brokers: Vec<i32>,
        /// Without waiting for the old session to end.
        at_once: bool,
    },
    /// SIGSTOP.
    Pause(Vec<i32>),
    /// SIGCONT.
    Resume(Vec<i32>),
    /// Settings of a topic; `None` removes one.
    Set(Topic, Vec<(String, Option<String>)>),
    /// The preferred leaders are to lead.
    ElectPreferred(Vec<TopicPartition>),
    /// A znode is deleted by hand.
    DeleteZnode(String),
    /// The leader is asked where epochs end; epoch asked, and the answer.
    EpochEnds(TopicPartition, Vec<(i32, String)>),
    /// Partitions move to other replicas.
    Reassign(BTreeMap<TopicPartition, Vec<i32>>),
    /// A new consumer reads from the beginning; what it got.
    ReadAll(TopicPartition, Option<Vec<String>>),
}

/// The operations there are, and what may stand beside each.
const VERBS: &[(&str, &[&str])] = &[
    ("create_topic", &[]),
    ("produce", &[]),
    ("kill", &[]),
    ("shutdown", &[]),
    ("restart", &["at_once"]),
    ("pause", &[]),
    ("resume", &[]),
    ("set", &[]),
    ("elect_preferred", &["told"]),
    ("delete_znode", &[]),
    ("offsets_for_leader_epoch", &["answers"]),
    ("reassign", &["to", "replicas", "told"]),
    ("read_all", &["values"]),
];

/// The answer to a question where an epoch ended. Version 0 (up to 1.1) tells no epoch; a client then has -1.
pub fn epoch_end(error: i64, epoch: Option<i64>, end_offset: i64) -> String {
    let epoch = match epoch {
        _ if end_offset < 0 => "-1".to_owned(),
        Some(epoch) if epoch >= 0 => epoch.to_string(),
        _ => "-".to_owned(),
    };
    match error {
        0 => format!("epoch {epoch}, end offset {end_offset}"),
        code => format!("error {code}"),
    }
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// The first problem there is.
    pub fn read(path: &FilePath) -> Result<Recording, Problem> {
        Recording::parse(Source::read_as(path, "recording", LARGEST)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// The first problem there is.
    pub fn parse(source: Arc<Source>) -> Result<Recording, Problem> {
        if source.text.trim().is_empty() {
            return Err(Problem::new(format!("{} is empty; expected a recording", source.name)));
        }
        let value: Value = serde_json::from_str(&source.text).map_err(|error| not_json(&source, &error))?;
        let positions = Arc::new(Positions::of(&source.text));
        let read = recording(&At::whole(&value), &source, &positions);
        read.map_err(|(path, problem)| problem.at(&source, positions.find(&path)))
    }

    /// Where something stands: `file:line`.
    pub fn place(&self, path: &Path) -> String {
        let (line, _) = self.source.line_and_column(self.positions.find(path).start);
        format!("{}:{line}", self.source.name)
    }
}

fn recording(at: &At<'_>, source: &Arc<Source>, positions: &Arc<Positions>) -> Result<Recording, Found> {
    at.only(&[
        "story",
        "kafka",
        "mode",
        "brokers",
        "settings",
        "steps",
        "final",
        "ends_before",
        "note",
        "notes",
    ])?;
    let mode = at.need("mode")?;
    if !mode.text()?.eq_ignore_ascii_case("zookeeper") {
        return Err(mode.bad("only recordings of clusters in ZooKeeper mode can be played"));
    }
    let kafka = at.need("kafka")?;
    let era = eras::read(kafka.text()?).map_err(|problem| (kafka.path.clone(), problem))?;
    let ids = at.need("brokers")?;
    let brokers = ids.ids()?;
    if brokers.is_empty() || (1..brokers.len()).any(|index| brokers[..index].contains(&brokers[index])) {
        return Err(ids.bad("expected the ids of the brokers, each once"));
    }
    let settings = at.get("settings").map_or(Ok(Vec::new()), |settings| settings.settings())?;
    let mut heartbeat = Micros::ZERO;
    for broker in &brokers {
        let config = BrokerConfig::new(&era, BrokerId(*broker), &settings)
            .map_err(|error| setting(&error, &at.path.key("settings")))?;
        heartbeat = Micros(config.zookeeper_session_timeout.0 / 3);
    }
    let client_era = Era::of(CLIENTS);
    let reader = Reader { era: &era, client_era: &client_era, brokers: &brokers };
    let steps = at.need("steps")?;
    let mut topic = None;
    let mut read = Vec::new();
    for one in steps.list()? {
        one.only(&["words", "do", "then", "note"])?;
        let words = one.get("words").map_or(Ok(""), |words| words.text())?.to_owned();
        let mut operations = Vec::new();
        for operation in one.need("do")?.list()? {
            let done = reader.operation(&operation)?;
            if let Operation::CreateTopic { topic: created, .. } = &done {
                topic.get_or_insert(*created);
            }
            operations.push((done, operation.path.clone()));
        }
        let then = one.get("then").map(|then| then::then(&then, topic)).transpose()?;
        read.push(Step { words, operations, then, path: one.path.clone() });
    }
    if read.is_empty() {
        return Err(steps.bad("a recording has at least one step"));
    }
    let last = at.get("final").map(|last| then::last(&last)).transpose()?;
    Ok(Recording {
        source: source.clone(),
        positions: positions.clone(),
        client_era: client_era.clone(),
        era: era.clone(),
        brokers: brokers.clone(),
        heartbeat,
        settings,
        steps: read,
        last,
    })
}

/// What is wrong with a setting.
fn setting(error: &ConfigError, path: &Path) -> Found {
    let name = &error.name;
    let what = match &error.problem {
        ConfigProblem::BadValue { given, expected } => format!("{name}={given}: expected {expected}"),
        _ => format!("there is no setting `{name}` in this release"),
    };
    (path.key(name), Problem::new(what))
}

struct Reader<'a> {
    era: &'a Era,
    client_era: &'a Era,
    brokers: &'a [i32],
}

impl Reader<'_> {
    fn operation(&self, at: &At<'_>) -> Result<Operation, Found> {
        let entries = at.entries()?;
        let verb = entries.iter().find_map(|(key, _)| VERBS.iter().find(|(verb, _)| verb == key));
        let Some((verb, beside)) = verb else {
            let names: Vec<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
            let Some((key, _)) = entries.first() else { return Err(at.bad("an operation has a verb")) };
            let problem = Problem::new(format!("there is no operation `{key}`")).label("unknown");
            return Err((at.path.name(key), problem.near_or_list(key, names)));
        };
        let known: Vec<&str> = std::iter::once(*verb).chain(beside.iter().copied()).collect();
        at.only(&known)?;
        let of = at.need(verb)?;
        Ok(match *verb {
            "create_topic" => self.create_topic(&of)?,
            "produce" => self.produce(&of)?,
            "kill" => Operation::Kill(self.known(&of)?),
            "shutdown" => Operation::Shutdown(self.known(&of)?),
            "pause" => Operation::Pause(self.known(&of)?),
            "resume" => Operation::Resume(self.known(&of)?),
            "restart" => self.restart(&of, at)?,
            "set" => self.set(&of)?,
            "elect_preferred" => Operation::ElectPreferred(
                of.one_or_many()?.iter().map(At::partition).collect::<Result<_, Found>>()?,
            ),
            "delete_znode" => Operation::DeleteZnode(of.text()?.to_owned()),
            "offsets_for_leader_epoch" => epoch_ends(&of, at)?,
            "reassign" => self.reassign(&of, at)?,
            "read_all" => {
                Operation::ReadAll(of.partition()?, at.get("values").map(|list| values(&list)).transpose()?)
            }
            other => unreachable!("{other} is listed and not read"),
        })
    }

    /// Brokers of this cluster.
    fn known(&self, at: &At<'_>) -> Result<Vec<i32>, Found> {
        let brokers = at.brokers()?;
        self.all_known(&brokers, at)?;
        Ok(brokers)
    }

    fn all_known(&self, brokers: &[i32], at: &At<'_>) -> Result<(), Found> {
        match brokers.iter().find(|id| !self.brokers.contains(id)) {
            Some(id) => Err(at.bad(format!("there is no broker {id} in this recording"))),
            None => Ok(()),
        }
    }

    fn create_topic(&self, at: &At<'_>) -> Result<Operation, Found> {
        at.only(&["name", "assignment", "partitions", "replication_factor", "settings"])?;
        let topic = Topic::new(at.need("name")?.text()?);
        let assignment = match at.get("assignment") {
            Some(assignment) => {
                let mut lists = Vec::new();
                for one in assignment.list()? {
                    lists.push(one.ids()?);
                    self.all_known(lists.last().expect("it was pushed"), &one)?;
                }
                Ok(lists)
            }
            None => {
                let number = |key| at.get(key).map_or(Ok(1), |number| number.id());
                let factor = i16::try_from(number("replication_factor")?);
                Err((number("partitions")?, factor.map_err(|_| at.bad("this number is too large"))?))
            }
        };
        let settings = at.get("settings").map_or(Ok(Vec::new()), |settings| settings.settings())?;
        self.topic_settings(&settings, &at.path.key("settings"))?;
        Ok(Operation::CreateTopic { topic, assignment, settings })
    }

    fn topic_settings(&self, settings: &[(String, String)], path: &Path) -> Result<(), Found> {
        let defaults = BrokerConfig::new(self.era, BrokerId(0), &[]).map(|broker| broker.topic_defaults);
        let checked = defaults.and_then(|defaults| defaults.with(self.era, settings));
        checked.map(drop).map_err(|error| setting(&error, path))
    }

    fn produce(&self, at: &At<'_>) -> Result<Operation, Found> {
        let to = at.need("to")?.partition()?;
        let values = values(&at.need("values")?)?;
        let told = at.get("told").map(|told| self::told(&told)).transpose()?;
        let mut settings = Vec::new();
        for (name, value) in at.entries()? {
            if !["to", "values", "told", "note"].contains(&name) && !value.value.is_null() {
                settings.push((name.to_owned(), value.setting()?));
            }
        }
        // A producer refuses to deliver in less than a request may take (30 s): then that was shorter, too.
        let of =
            |name: &str| settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let delivery =
            of("delivery.timeout.ms").filter(|text| text.parse().is_ok_and(|millis: u64| millis < 30_000));
        if let (Some(delivery), None) = (delivery, of("request.timeout.ms")) {
            settings.push(("request.timeout.ms".to_owned(), delivery));
        }
        ProducerConfig::new(self.client_era, &settings).map_err(|error| setting(&error, &at.path))?;
        Ok(Operation::Produce { to, settings, values, told })
    }

    fn restart(&self, of: &At<'_>, beside: &At<'_>) -> Result<Operation, Found> {
        let (who, at_once) = match of.value {
            Value::Object(_) => {
                of.only(&["broker", "node", "at_once"])?;
                (of.get("broker").map_or_else(|| of.need("node"), Ok)?, of.get("at_once"))
            }
            _ => (of.clone(), beside.get("at_once")),
        };
        let at_once = at_once.map_or(Ok(false), |yes| yes.yes_or_no())?;
        Ok(Operation::Restart { brokers: self.known(&who)?, at_once })
    }

    fn set(&self, at: &At<'_>) -> Result<Operation, Found> {
        let topic = Topic::new(at.need("topic")?.text()?);
        let mut settings = Vec::new();
        for (name, value) in at.entries()? {
            match name {
                "topic" => {}
                "settings" => settings.extend(value.entries()?),
                _ => settings.push((name, value)),
            }
        }
        let pair = |(name, at): (&str, At<'_>)| {
            let value = (!at.value.is_null()).then(|| at.setting()).transpose()?;
            Ok((name.to_owned(), value))
        };
        let settings = settings.into_iter().map(pair).collect::<Result<Vec<_>, Found>>()?;
        let given = settings.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        self.topic_settings(&given.collect::<Vec<_>>(), &at.path)?;
        Ok(Operation::Set(topic, settings))
    }

    /// `{"t-0": [2, 3]}`, or a partition with `to` or `replicas` in or beside it.
    fn reassign(&self, of: &At<'_>, beside: &At<'_>) -> Result<Operation, Found> {
        let mut targets = BTreeMap::new();
        let mut add = |partition: TopicPartition, to: &At<'_>| {
            let replicas = to.ids()?;
            self.all_known(&replicas, to)?;
            targets.insert(partition, replicas);
            Ok(())
        };
        if of.value.is_string() {
            add(of.partition()?, &target(beside)?)?;
        } else if let Some(partition) = of.get("partition").or_else(|| of.get("of")) {
            of.only(&["partition", "of", "to", "replicas"])?;
            add(partition.partition()?, &target(of)?)?;
        } else {
            for (name, to) in of.entries()? {
                let partition = TopicPartition::parse(name);
                add(partition.ok_or_else(|| to.bad(format!("`{name}` is no partition")))?, &to)?;
            }
        }
        Ok(Operation::Reassign(targets))
    }
}

/// What a partition moves to.
fn target<'a>(at: &At<'a>) -> Result<At<'a>, Found> {
    at.get("to").map_or_else(|| at.need("replicas"), Ok)
}

fn values(at: &At<'_>) -> Result<Vec<String>, Found> {
    at.list()?.iter().map(|value| Ok(value.text()?.to_owned())).collect()
}

fn told(at: &At<'_>) -> Result<Vec<String>, Found> {
    let one = |told: &At<'_>| {
        told.only(&["offset", "error", "message"])?;
        match (told.get("offset"), told.get("error")) {
            (Some(offset), None) => Ok(format!("offset {}", offset.integer()?)),
            (None, Some(error)) => Ok(error.text()?.to_owned()),
            _ => Err(told.bad("expected an offset or an error")),
        }
    };
    at.list()?.iter().map(one).collect()
}

fn epoch_ends(of: &At<'_>, beside: &At<'_>) -> Result<Operation, Found> {
    let mut answers = Vec::new();
    for one in beside.need("answers")?.list()? {
        one.only(&["error", "askedEpoch", "epoch", "endOffset"])?;
        let error = one.get("error").map_or(Ok(0), |error| error.integer())?;
        let epoch = one.get("epoch").map(|epoch| epoch.integer()).transpose()?;
        let end = one.get("endOffset").map_or(Ok(-1), |end| end.integer())?;
        answers.push((one.need("askedEpoch")?.id()?, epoch_end(error, epoch, end)));
    }
    Ok(Operation::EpochEnds(of.partition()?, answers))
}
