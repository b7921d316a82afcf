//! The cluster of a scenario: brokers, topics, clients, network, disks, and who runs which release.
//!
//! Settings stand by Kafka's own names, beside the few words of ours (`assignment`, `assign`, `from`); those have no
//! dots, and where Kafka has a setting of the same kind they are its names (`partitions`, `replication-factor`).

use super::step::StartWord;
use super::strict::{is_default, objects, words};
use super::tagged;
use super::words::{Many, Partition, Setting, Span, Table};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// Most brokers a scenario may have.
pub const MOST_BROKERS: u64 = 32;
/// The largest broker id: `reserved.broker.max.id`.
pub const LARGEST_BROKER_ID: i32 = 1000;
/// Most partitions of a topic.
pub const MOST_PARTITIONS: i32 = 1000;

/// The cluster.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Cluster {
    /// What kind of controller it has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub controller: ControllerKind,
    /// The broker that is the controller when the story begins. It starts first, and so wins `/controller`. The first
    /// broker if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller_at: Option<String>,
    /// A number (`3`: `broker-0` to `broker-2`), a list of names, or an object of names and their settings.
    pub brokers: Brokers,
    /// Settings of every broker.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub settings: Table<Setting>,
    /// Topics that exist when the story begins.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub topics: Table<TopicSpec>,
    /// The network.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: Network,
    /// The disks of all nodes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disks: Disks,
    /// Producers (`producer-1`) and consumers (`consumer-1`).
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub clients: Table<ClientSpec>,
    /// Releases of single nodes, or of all `brokers` or `clients`, that differ from the era of the run.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub eras: Table<String>,
}

/// What keeps the cluster's metadata.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", remote = "Self")]
pub enum ControllerKind {
    /// ZooKeeper, and a controller elected through it.
    #[default]
    ZooKeeper,
}

/// The brokers, by name, with settings of their own.
#[derive(Clone, PartialEq, Debug)]
pub struct Brokers(pub Table<Table<Setting>>);

/// The id of a broker of this name: `broker-2` is 2.
pub fn broker_id(name: &str) -> Option<i32> {
    let digits = name.strip_prefix("broker-")?;
    let id: i32 = digits.parse().ok()?;
    (id.to_string() == digits && id <= LARGEST_BROKER_ID).then_some(id)
}

fn check_broker(name: &str) -> Result<(), String> {
    match broker_id(name) {
        Some(_) => Ok(()),
        None => Err(format!(
            "`{name}` is no name of a broker; expected `broker-` and an id from 0 to {LARGEST_BROKER_ID}: `broker-1`"
        )),
    }
}

impl<'de> de::Deserialize<'de> for Brokers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        fn checked<E: Error>(table: Table<Table<Setting>>) -> Result<Brokers, E> {
            if table.0.is_empty() {
                return Err(E::custom("a cluster has at least one broker"));
            }
            if table.0.len() as u64 > MOST_BROKERS {
                return Err(E::custom(format!("a cluster has at most {MOST_BROKERS} brokers")));
            }
            table.names().try_for_each(check_broker).map_err(E::custom)?;
            Ok(Brokers(table))
        }
        impl<'de> Visitor<'de> for Forms {
            type Value = Brokers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of brokers, a list of names, or an object of names and settings")
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Brokers, E> {
                if count > MOST_BROKERS {
                    return Err(E::custom(format!("a cluster has at most {MOST_BROKERS} brokers")));
                }
                checked(Table((0..count).map(|id| (format!("broker-{id}"), Table::default())).collect()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Brokers, A::Error> {
                let mut table = Table::default();
                while let Some(name) = list.next_element::<String>()? {
                    table.add(name, Table::default()).map_err(A::Error::custom)?;
                }
                checked(table)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Brokers, A::Error> {
                checked(Table::deserialize(de::value::MapAccessDeserializer::new(map))?)
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for Brokers {
    fn schema_name() -> Cow<'static, str> {
        "Brokers".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = "^broker-(0|[1-9][0-9]{0,2}|1000)$";
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": MOST_BROKERS },
                {
                    "type": "array", "uniqueItems": true, "minItems": 1, "maxItems": MOST_BROKERS,
                    "items": { "type": "string", "pattern": name }
                },
                {
                    "type": "object", "minProperties": 1, "maxProperties": MOST_BROKERS,
                    "propertyNames": { "pattern": name },
                    "additionalProperties": generator.subschema_for::<Table<Setting>>()
                }
            ]
        })
    }
}

/// A topic: where its replicas are, and its settings.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TopicSpec {
    /// Broker ids of each partition's replicas, preferred leader first.
    pub assignment: Option<Vec<Vec<i32>>>,
    /// How many partitions, to be placed as Kafka places them; 1 if left out.
    pub partitions: Option<i32>,
    /// How many replicas of each; 1 if left out.
    pub replication_factor: Option<i16>,
    /// Its settings, by Kafka's names.
    pub settings: Table<Setting>,
}

impl TopicSpec {
    /// Reads the entries of an object. `other` reads the value of a key that it knows.
    pub fn read<'de, A: MapAccess<'de>>(
        map: &mut A,
        mut other: impl FnMut(&str, &mut A) -> Result<bool, A::Error>,
    ) -> Result<TopicSpec, A::Error> {
        let mut spec = TopicSpec::default();
        while let Some(key) = map.next_key::<String>()? {
            let known = match key.as_str() {
                "assignment" => tagged::once(&mut spec.assignment, &key, map)?,
                "partitions" => tagged::once(&mut spec.partitions, &key, map)?,
                "replication-factor" => tagged::once(&mut spec.replication_factor, &key, map)?,
                _ => other(&key, map)?,
            };
            if !known {
                let value = map.next_value()?;
                spec.settings.add(key, value).map_err(A::Error::custom)?;
            }
        }
        Ok(spec)
    }

    /// How many partitions it has.
    pub fn partition_count(&self) -> i32 {
        match &self.assignment {
            Some(assignment) => assignment.len() as i32,
            None => self.partitions.unwrap_or(1),
        }
    }
}

impl<'de> de::Deserialize<'de> for TopicSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spec;
        impl<'de> Visitor<'de> for Spec {
            type Value = TopicSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a topic: `assignment`, or `partitions` and `replication-factor`, and settings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopicSpec, A::Error> {
                TopicSpec::read(&mut map, |_, _| Ok(false))
            }
        }
        deserializer.deserialize_map(Spec)
    }
}

impl JsonSchema for TopicSpec {
    fn schema_name() -> Cow<'static, str> {
        "Topic".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A topic: `assignment`, or `partitions` and `replication-factor`; its settings by Kafka's names.",
            "properties": {
                "assignment": {
                    "type": "array", "minItems": 1, "maxItems": MOST_PARTITIONS,
                    "items": {
                        "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "integer" }
                    },
                    "description": "Broker ids of each partition's replicas, preferred leader first."
                },
                "partitions": { "type": "integer", "minimum": 1, "maximum": MOST_PARTITIONS },
                "replication-factor": { "type": "integer", "minimum": 1, "maximum": MOST_BROKERS }
            },
            "additionalProperties": generator.subschema_for::<Setting>(),
            "not": {
                "required": ["assignment"],
                "anyOf": [{ "required": ["partitions"] }, { "required": ["replication-factor"] }]
            }
        })
    }
}

/// A producer or a consumer; its name says which.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ClientSpec {
    /// A consumer's partitions from the beginning of the story.
    pub assign: Option<Many<Partition>>,
    /// Where it starts on them.
    pub from: Option<StartWord>,
    /// Its settings, by Kafka's names.
    pub settings: Table<Setting>,
}

impl<'de> de::Deserialize<'de> for ClientSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Spec;
        impl<'de> Visitor<'de> for Spec {
            type Value = ClientSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the settings of a client; of a consumer also `assign` and `from`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClientSpec, A::Error> {
                let mut spec = ClientSpec::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "assign" => drop(tagged::once(&mut spec.assign, &key, &mut map)?),
                        "from" => drop(tagged::once(&mut spec.from, &key, &mut map)?),
                        _ => {
                            let value = map.next_value()?;
                            spec.settings.add(key, value).map_err(A::Error::custom)?;
                        }
                    }
                }
                Ok(spec)
            }
        }
        deserializer.deserialize_map(Spec)
    }
}

impl JsonSchema for ClientSpec {
    fn schema_name() -> Cow<'static, str> {
        "Client".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Settings of a producer or consumer by Kafka's names; a consumer may have `assign` and `from`.",
            "properties": {
                "assign": generator.subschema_for::<Many<Partition>>(),
                "from": generator.subschema_for::<StartWord>()
            },
            "additionalProperties": generator.subschema_for::<Setting>()
        })
    }
}

/// The network between all nodes.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Network {
    /// One way; 1 ms if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Span>,
    /// Added to it, drawn between nothing and this by every seed but 0; 1 ms if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
    /// Bytes a second in each direction of a connection; unbounded if left out.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
}

/// The disks of all nodes.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Disks {
    /// What a flush does for the names of files.
    #[serde(default, skip_serializing_if = "is_default")]
    pub journal: JournalWord,
    /// What a flush of a file or of a directory takes; 500 us if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flush: Option<Span>,
}

/// Which operations on names, and which truncations, a flush makes durable.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum JournalWord {
    /// Every earlier one, whatever was flushed: one journal in order (ext4, XFS).
    #[default]
    InOrder,
    /// Only those of a directory, or of a file, that was flushed itself: all that POSIX promises.
    Strict,
}

objects!(Cluster, Network, Disks);
words!(ControllerKind, JournalWord);
