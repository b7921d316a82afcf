//! Conditions: what `run_until` waits for, `expect` demands and `when` reacts to. Externally tagged.
//!
//! Conditions look at the cluster from outside, as the checkers do: at ZooKeeper's znodes, at the brokers' replicas, at
//! what applications were told. How each is decided stands in `watch`.

use super::strict::{objects, words, written};
use super::tagged::{self, Tagged};
use super::words::{Many, Partition, Role, Span, Table};
use kafka::era::Era;
use schemars::JsonSchema;
use serde::de::{self, Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may be so or not.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Condition {
    /// A producer was told that these records are written.
    Acked(Many<String>),
    /// A producer gave up on these records.
    Failed(Many<String>),
    /// A consumer has read these records.
    Read(Reading),
    /// A replica is so.
    Replica(ReplicaIs),
    /// A partition has this leader: ZooKeeper says so and the broker knows it.
    Leader(LeaderIs),
    /// A partition's ISR in ZooKeeper, in any order.
    Isr(IsrIs),
    /// A broker is the active controller and knows it.
    Controller(ControllerIs),
    /// A partition's state znode, to the letter.
    State(StateIs),
    /// Whether a node has a session with ZooKeeper.
    SessionOf(SessionIs),
    /// A node's process runs.
    Alive(Role),
    /// The longest that anybody has waited for an acknowledgement from a partition.
    Waited(WaitIs),
    /// Nothing has changed for so long: no replica, no partition's state, no controller.
    Quiet(Span),
    /// Each of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// What must be so depends on the era of the run: era, or `else`, to a condition or a list. An era that is not
    /// listed demands nothing.
    InEra(Table<Many<Condition>>),
}

impl Condition {
    /// What it demands in this era: nothing of other eras is left in it.
    pub fn in_era(&self, era: &Era) -> Vec<Condition> {
        let every = |all: &[Condition]| all.iter().flat_map(|one| one.in_era(era)).collect::<Vec<_>>();
        // Where one stands for itself, all that an era demands are one.
        let one = |one: &Condition| match <[Condition; 1]>::try_from(one.in_era(era)) {
            Ok([own]) => own,
            Err(all) => Condition::All(all),
        };
        match self {
            Condition::InEra(table) => super::eras::own(table, era).map_or(Vec::new(), |all| every(&all.0)),
            Condition::All(all) => vec![Condition::All(every(all))],
            Condition::Any(any) => vec![Condition::Any(any.iter().map(one).collect())],
            Condition::Not(not) => vec![Condition::Not(Box::new(one(not)))],
            other => vec![other.clone()],
        }
    }
}

impl Tagged for Condition {
    const WHAT: &'static str = "a condition is one claim, as in {\"acked\": \"m1\"}";

    fn from_entry<'de, D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error> {
        Condition::deserialize(entry)
    }
}

impl<'de> de::Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}

/// Which records were read, and by whom.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    /// The records.
    pub values: Many<String>,
    /// The consumer; `None` is any.
    pub by: Option<String>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "Reading")]
pub(super) struct ReadingInFull {
    /// The records.
    pub(super) value: Many<String>,
    /// The consumer; any if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
}

impl<'de> de::Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShortOrFull;
        impl<'de> Visitor<'de> for ShortOrFull {
            type Value = Reading;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a record's value, a list of them, or {\"value\": ..., \"by\": a consumer}")
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Reading, E> {
                Ok(Reading { values: Many(vec![value.to_owned()]), by: None })
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Reading, A::Error> {
                let values = Many::deserialize(de::value::SeqAccessDeserializer::new(list))?;
                Ok(Reading { values, by: None })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Reading, A::Error> {
                let full = ReadingInFull::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Reading { values: full.value, by: full.by })
            }
        }
        deserializer.deserialize_any(ShortOrFull)
    }
}

impl JsonSchema for Reading {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ShortOrFullReading".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                generator.subschema_for::<Many<String>>(),
                generator.subschema_for::<ReadingInFull>(),
            ]
        })
    }
}

/// A replica, as its broker holds it. What is left out may be anything.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ReplicaIs {
    /// On which broker.
    pub at: Role,
    /// Of which partition.
    pub of: Partition,
    /// Whether it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads: Option<bool>,
    /// Whom it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<Role>,
    /// The offset of its first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_start_offset: Option<i64>,
    /// The offset after its last record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_end_offset: Option<i64>,
    /// Its high watermark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_watermark: Option<i64>,
    /// The leader epoch it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_epoch: Option<i32>,
    /// Its whole log: `["m1@0", "m2@1"]`, value and leader epoch. A scenario's records are known by their values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Vec<String>>,
    /// Its leader epoch cache: `["0 0", "2 5"]`, epoch and start offset, as in `leader-epoch-checkpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<Vec<String>>,
    /// Whether ZooKeeper lists it in the ISR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_isr: Option<bool>,
    /// Up to where it knows other replicas to be, as their last fetches said: broker to offset, -1 before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remembers: Option<Table<i64>>,
}

impl ReplicaIs {
    /// A replica about which nothing is claimed.
    pub fn any(at: Role, of: Partition) -> ReplicaIs {
        ReplicaIs {
            at,
            of,
            leads: None,
            follows: None,
            log_start_offset: None,
            log_end_offset: None,
            high_watermark: None,
            leader_epoch: None,
            log: None,
            epochs: None,
            in_isr: None,
            remembers: None,
        }
    }
}

/// A partition's leader.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct LeaderIs {
    /// Of which partition.
    pub of: Partition,
    /// Who leads; `null` or left out: anybody who does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Role>,
    /// In which leader epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i32>,
}

/// A partition's ISR.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct IsrIs {
    /// Of which partition.
    pub of: Partition,
    /// Exactly these brokers, in any order.
    pub is: Many<Role>,
}

/// The controller.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ControllerIs {
    /// Which broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Role>,
    /// In which controller epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<i32>,
}

/// A partition's state as ZooKeeper keeps it. What is left out may be anything.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct StateIs {
    /// Of which partition.
    pub of: Partition,
    /// The leader's broker id; -1 is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<i32>,
    /// The leader epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_epoch: Option<i32>,
    /// The ISR, in Kafka's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isr: Option<Vec<i32>>,
    /// The epoch of the controller that wrote it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller_epoch: Option<i32>,
    /// The znode's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
}

/// A session with ZooKeeper.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SessionIs {
    /// Whose: a broker.
    pub node: Role,
    /// There or gone.
    pub is: Presence,
}

/// The longest that a producer has waited for an acknowledgement of a send to a partition, or has been waiting until now:
/// how long the partition was unavailable to those who write.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct WaitIs {
    /// Of which partition.
    pub of: Partition,
    /// So long or longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Span>,
    /// So long or shorter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Span>,
}

/// There or not.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Presence {
    /// It stands.
    There,
    /// It does not.
    Gone,
}

objects!(ReadingInFull, ReplicaIs, LeaderIs, IsrIs, ControllerIs, StateIs, SessionIs, WaitIs);
words!(Presence);
written!(Condition);

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Acked(values) => write!(f, "{} acked", values.0.join(", ")),
            Condition::Failed(values) => write!(f, "{} failed", values.0.join(", ")),
            Condition::Read(reading) => {
                write!(f, "{} read", reading.values.0.join(", "))?;
                reading.by.as_ref().map_or(Ok(()), |by| write!(f, " by {by}"))
            }
            Condition::Replica(replica) => fmt::Display::fmt(replica, f),
            Condition::Leader(leader) => {
                match &leader.is {
                    Some(role) => write!(f, "{role} leads {}", leader.of)?,
                    None => write!(f, "{} has a leader", leader.of)?,
                }
                leader.epoch.map_or(Ok(()), |epoch| write!(f, " in epoch {epoch}"))
            }
            Condition::Isr(isr) => {
                let members: Vec<String> = isr.is.0.iter().map(Role::to_string).collect();
                write!(f, "ISR of {} is {{{}}}", isr.of, members.join(", "))
            }
            Condition::Controller(controller) => {
                match &controller.is {
                    Some(role) => write!(f, "{role} is the controller")?,
                    None => f.write_str("there is a controller")?,
                }
                controller.epoch.map_or(Ok(()), |epoch| write!(f, " in controller epoch {epoch}"))
            }
            Condition::State(state) => fmt::Display::fmt(state, f),
            Condition::SessionOf(session) => {
                let is = if session.is == Presence::There { "stands" } else { "is gone" };
                write!(f, "session of {} {is}", session.node)
            }
            Condition::Waited(waited) => {
                write!(f, "longest wait for an acknowledgement from {}:", waited.of)?;
                waited.at_least.map_or(Ok(()), |span| write!(f, " at least {span}"))?;
                waited.at_most.map_or(Ok(()), |span| write!(f, " at most {span}"))
            }
            Condition::Alive(role) => write!(f, "{role} is up"),
            Condition::Quiet(span) => write!(f, "nothing changes for {span}"),
            Condition::All(all) => joined(f, all, " and "),
            Condition::Any(any) => joined(f, any, " or "),
            Condition::Not(one) => match &**one {
                Condition::Alive(role) => write!(f, "{role} is down"),
                one => write!(f, "not ({one})"),
            },
            Condition::InEra(table) => {
                let texts =
                    table.0.iter().map(|(era, all)| format!("in {era} {}", Condition::All(all.0.clone())));
                f.write_str(&texts.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, conditions: &[Condition], with: &str) -> fmt::Result {
    let texts: Vec<String> = conditions.iter().map(Condition::to_string).collect();
    f.write_str(&texts.join(with))
}

impl fmt::Display for ReplicaIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        match self.leads {
            Some(true) => parts.push("leads".to_owned()),
            Some(false) => parts.push("does not lead".to_owned()),
            None => {}
        }
        if let Some(leader) = &self.follows {
            parts.push(format!("follows {leader}"));
        }
        let mut number = |name: &str, value: Option<i64>| {
            if let Some(value) = value {
                parts.push(format!("{name} {value}"));
            }
        };
        number("log start offset", self.log_start_offset);
        number("log end offset", self.log_end_offset);
        number("high watermark", self.high_watermark);
        number("leader epoch", self.leader_epoch.map(i64::from));
        if let Some(log) = &self.log {
            parts.push(format!("log [{}]", log.join(" ")));
        }
        if let Some(epochs) = &self.epochs {
            parts.push(format!("epochs [{}]", epochs.join(", ")));
        }
        match self.in_isr {
            Some(true) => parts.push("in the ISR".to_owned()),
            Some(false) => parts.push("not in the ISR".to_owned()),
            None => {}
        }
        if let Some(remembers) = &self.remembers {
            let known: Vec<String> = remembers.0.iter().map(|(who, at)| format!("{who} at {at}")).collect();
            parts.push(format!("remembers {}", known.join(", ")));
        }
        write!(f, "{} at {}: {}", self.of, self.at, parts.join(", "))
    }
}

impl fmt::Display for StateIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut number = |name: &str, value: Option<i32>| {
            if let Some(value) = value {
                parts.push(format!("{name} {value}"));
            }
        };
        number("leader", self.leader);
        number("leader epoch", self.leader_epoch);
        number("controller epoch", self.controller_epoch);
        number("version", self.version);
        if let Some(isr) = &self.isr {
            let isr: Vec<String> = isr.iter().map(i32::to_string).collect();
            parts.push(format!("ISR [{}]", isr.join(",")));
        }
        write!(f, "state of {}: {}", self.of, parts.join(", "))
    }
}
