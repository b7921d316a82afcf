//! A scenario as it stands in its file.
//!
//! One JSON object: what it is called and about, the cluster, the steps, and for each era the verdict that must come
//! out. Strict everywhere: an unknown key is an error, so is a key that stands twice. `trial schema` prints the same
//! grammar as JSON Schema, made from these types.
//!
//! What is left out: KRaft clusters, consumer groups, transactions.

use super::cluster::Cluster;
use super::step::Step;
use super::strict::{is_default, objects, words};
use super::words::Table;
use crate::checkers::PROPERTIES;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A scenario.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Scenario {
    /// For editors: where the schema is. Ignored.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What it shows, in a sentence.
    pub title: String,
    /// What it teaches, in one sentence: for the page of the course.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lesson: Option<String>,
    /// What it is about, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<String>,
    /// What to read beside it: KIPs, source files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// The cluster.
    pub cluster: Cluster,
    /// The seed when none is asked for; 0, which is calm, if left out. For what was found and depends on moments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// In which order simultaneous events come.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ties: Ties,
    /// Rules that decide otherwise than the era would: rule to value.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub rules: Table<String>,
    /// Mechanisms that are checked although the era does not promise them yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_force: Vec<String>,
    /// What happens.
    pub steps: Vec<Step>,
    /// Facts that must occur in the first era of the verdicts, by the names of notes (`Truncated`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sees: Vec<String>,
    /// The eras whose whole story is kept as a snapshot; the first of the verdicts if left out, none if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Vec<String>>,
    /// What comes out, era by era. A line such as `2.8` means its last patch release.
    pub verdicts: Table<Verdict>,
}

/// In which order simultaneous events come.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase", remote = "Self")]
pub enum Ties {
    /// In the order in which they were caused.
    #[default]
    Caused,
    /// In an order drawn from the seed, so that over many seeds both get their turn; no channel is ever reordered.
    Drawn,
}

/// What a run must come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// The properties that are violated: all of them, in the order of their first violation.
    pub violates: Vec<String>,
    /// The records that are lost though they were acknowledged: all of them; those of a workload by number
    /// ([`Batches`]).
    pub loses: Vec<String>,
    /// What the operator had declared that allows the loss; a loss without it is a broken promise.
    pub by: Option<DeclaredLoss>,
}

/// What an operator declares when he accepts a loss.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(remote = "Self")]
pub enum DeclaredLoss {
    /// `unclean.leader.election.enable`: a leader from outside the ISR.
    #[serde(rename = "unclean-election")]
    UncleanElection,
    /// A producer that does not wait for anybody.
    #[serde(rename = "acks=0")]
    AcksNone,
    /// A producer that waits for the leader alone.
    #[serde(rename = "acks=1")]
    AcksLeader,
    /// At least `min.insync.replicas` machines lost their page cache, or their disk.
    #[serde(rename = "power-loss")]
    PowerLoss,
}

impl DeclaredLoss {
    /// Every one.
    pub const ALL: [DeclaredLoss; 4] = [
        DeclaredLoss::UncleanElection,
        DeclaredLoss::AcksNone,
        DeclaredLoss::AcksLeader,
        DeclaredLoss::PowerLoss,
    ];

    /// As scenario files write it.
    pub fn name(self) -> &'static str {
        match self {
            DeclaredLoss::UncleanElection => "unclean-election",
            DeclaredLoss::AcksNone => "acks=0",
            DeclaredLoss::AcksLeader => "acks=1",
            DeclaredLoss::PowerLoss => "power-loss",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<DeclaredLoss> {
        DeclaredLoss::ALL.into_iter().find(|loss| loss.name() == name)
    }
}

/// How a verdict speaks of a workload's batches, which have no names: `"19 batches"`, or `"batches"` for any number.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Batches {
    /// So many, and at least one.
    Count(u64),
    /// One or more.
    Some,
}

impl Batches {
    /// Reads an entry of `loses`; none if it is the name of a record.
    pub fn parse(text: &str) -> Option<Batches> {
        match text.split_once(' ') {
            None => (text == "batches").then_some(Batches::Some),
            Some((count, "batch" | "batches")) => {
                let is_plain = count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0');
                is_plain.then(|| count.parse().ok())?.map(Batches::Count)
            }
            Some(_) => None,
        }
    }

    /// As an entry of `loses`.
    pub fn entry(count: u64) -> String {
        if count == 1 { "1 batch".to_owned() } else { format!("{count} batches") }
    }

    /// Whether this is fulfilled by so many.
    pub fn fits(self, count: u64) -> bool {
        match self {
            Batches::Count(wanted) => wanted == count,
            Batches::Some => count > 0,
        }
    }
}

impl Verdict {
    /// Nothing is violated and nothing lost.
    pub fn holds(&self) -> bool {
        *self == Verdict::default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds() {
            return f.pad("holds");
        }
        let mut parts = Vec::new();
        if !self.violates.is_empty() {
            parts.push(format!("VIOLATES {}", self.violates.join(", ")));
        }
        if !self.loses.is_empty() {
            let by = self.by.map_or(String::new(), |by| format!(" by {}", by.name()));
            parts.push(format!("loses {}{by}", self.loses.join(", ")));
        }
        f.pad(&parts.join("; "))
    }
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "Broken")]
pub(super) struct Broken {
    /// The properties that are violated: all of them, in the order of their first violation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "property_names")]
    pub(super) violates: Vec<String>,
    /// The acknowledged records that are lost: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) loses: Vec<String>,
    /// What allows the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<DeclaredLoss>,
}

fn property_names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
    json_schema!({ "type": "array", "uniqueItems": true, "items": { "enum": names } })
}

impl<'de> de::Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Forms;
        impl<'de> Visitor<'de> for Forms {
            type Value = Verdict;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"holds\", or {\"violates\": [properties], \"loses\": [records]}")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Verdict, E> {
                match text {
                    "holds" => Ok(Verdict::default()),
                    _ => Err(E::custom(format!(
                        "`{text}` is no verdict; expected \"holds\" or {{\"violates\": [...]}}"
                    ))),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Verdict, A::Error> {
                let broken = Broken::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let Broken { violates, loses, by } = broken;
                if violates.is_empty() && loses.is_empty() {
                    return Err(A::Error::custom("a verdict that violates and loses nothing is \"holds\""));
                }
                if by.is_some() && loses.is_empty() {
                    return Err(A::Error::custom("`by` says what allows a loss, and nothing is lost"));
                }
                Ok(Verdict { violates, loses, by })
            }
        }
        deserializer.deserialize_any(Forms)
    }
}

impl JsonSchema for Verdict {
    fn schema_name() -> Cow<'static, str> {
        "Verdict".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let broken = Broken::json_schema(generator);
        json_schema!({
            "anyOf": [
                { "const": "holds" },
                {
                    "allOf": [
                        broken,
                        { "anyOf": [
                            { "required": ["violates"], "properties": { "violates": { "minItems": 1 } } },
                            { "required": ["loses"], "properties": { "loses": { "minItems": 1 } } }
                        ] },
                        { "anyOf": [
                            { "not": { "required": ["by"], "properties": { "by": { "type": "string" } } } },
                            { "required": ["loses"], "properties": { "loses": { "minItems": 1 } } }
                        ] }
                    ]
                }
            ]
        })
    }
}

objects!(Scenario, Broken);
words!(DeclaredLoss, Ties);

/// The JSON Schema of scenario files.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Scenario);
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}
