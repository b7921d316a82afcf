//! The arguments of verbs that have more than one form, or keys of two kinds: read by hand, with their schemas.

use super::cluster::TopicSpec;
use super::condition::Condition;
use super::step::{Step, SurvivesWord};
use super::strict::objects;
use super::tagged;
use super::words::{Role, Setting, Span, Table};
use kafka::era::Era;
use kafka::messages::produce::Acks;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A new topic: its name, and what a topic of the cluster has.
#[derive(Clone, PartialEq, Debug)]
pub struct CreateTopic {
    /// Its name.
    pub topic: String,
    /// Its replicas and settings.
    pub spec: TopicSpec,
    /// Kafka's error, by its name, with which the tool must refuse.
    pub refused: Option<String>,
}

impl<'de> de::Deserialize<'de> for CreateTopic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;
        impl<'de> Visitor<'de> for Named {
            type Value = CreateTopic;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a topic's name (`topic`), replicas and settings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CreateTopic, A::Error> {
                let (mut topic, mut refused) = (None, None);
                let spec = TopicSpec::read(&mut map, |key, map| match key {
                    "topic" => tagged::once(&mut topic, key, map),
                    "refused" => tagged::once(&mut refused, key, map),
                    _ => Ok(false),
                })?;
                let topic = topic.ok_or_else(|| A::Error::missing_field("topic"))?;
                Ok(CreateTopic { topic, spec, refused })
            }
        }
        deserializer.deserialize_map(Named)
    }
}

impl JsonSchema for CreateTopic {
    fn schema_name() -> Cow<'static, str> {
        "CreateTopic".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = TopicSpec::json_schema(generator);
        let name = json_schema!({ "type": "string", "description": "The topic's name." });
        schema.ensure_object()["properties"]["topic"] = name.to_value();
        let about = "Kafka's error, by its name, with which the tool must refuse.";
        let refused = json_schema!({ "type": "string", "description": about });
        schema.ensure_object()["properties"]["refused"] = refused.to_value();
        schema.insert("required".to_owned(), serde_json::json!(["topic"]));
        schema
    }
}

/// A loss of power.
#[derive(Clone, PartialEq, Debug)]
pub struct PowerOff {
    /// Whose machine.
    pub node: Role,
    /// What of the unflushed page cache survives.
    pub survives: SurvivesWord,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
#[schemars(rename = "PowerOff")]
pub(super) struct PowerOffInFull {
    /// Whose machine.
    pub(super) node: Role,
    /// What of the unflushed page cache survives.
    pub(super) survives: SurvivesWord,
}

impl<'de> de::Deserialize<'de> for PowerOff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShortOrFull;
        impl<'de> Visitor<'de> for ShortOrFull {
            type Value = PowerOff;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node, or {\"node\": ..., \"survives\": \"nothing\"}")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<PowerOff, E> {
                let node = Role::parse(text).map_err(E::custom)?;
                Ok(PowerOff { node, survives: SurvivesWord::Nothing })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PowerOff, A::Error> {
                let full = PowerOffInFull::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(PowerOff { node: full.node, survives: full.survives })
            }
        }
        deserializer.deserialize_any(ShortOrFull)
    }
}

impl JsonSchema for PowerOff {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ShortOrFullPowerOff".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<Role>(), generator.subschema_for::<PowerOffInFull>()]
        })
    }
}

/// What the author says: in every era the same, or by era.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sentence {
    /// In every era.
    Always(String),
    /// Era, or `else`, to a text. In an era that is not listed nothing is said.
    InEra(Table<String>),
}

impl Sentence {
    /// What is said in an era.
    pub fn text(&self, era: &Era) -> Option<&str> {
        match self {
            Sentence::Always(text) => Some(text),
            Sentence::InEra(table) => super::eras::own(table, era).map(String::as_str),
        }
    }

    /// All that is said in some era.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let (always, in_era) = match self {
            Sentence::Always(text) => (Some(text), None),
            Sentence::InEra(table) => (None, Some(table.0.iter().map(|(_, text)| text))),
        };
        always.into_iter().chain(in_era.into_iter().flatten()).map(String::as_str)
    }
}

impl<'de> de::Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTable;
        impl<'de> Visitor<'de> for TextOrTable {
            type Value = Sentence;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or eras and texts: {\"0.10.2\": \"No.\", \"else\": \"Yes.\"}")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Sentence, E> {
                Ok(Sentence::Always(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sentence, A::Error> {
                Ok(Sentence::InEra(Table::deserialize(de::value::MapAccessDeserializer::new(map))?))
            }
        }
        deserializer.deserialize_any(TextOrTable)
    }
}

impl JsonSchema for Sentence {
    fn schema_name() -> Cow<'static, str> {
        "Sentence".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text, or eras (or `else`) and texts.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" } }
            ]
        })
    }
}

/// A wait for a condition.
#[derive(Clone, PartialEq, Debug)]
pub struct RunUntil {
    /// What is awaited.
    pub condition: Condition,
    /// How long at most.
    pub within: Option<Span>,
}

/// Steps that wait for a condition while the scenario goes on.
#[derive(Clone, PartialEq, Debug)]
pub struct When {
    /// What is awaited.
    pub condition: Condition,
    /// How long at most; then it is forgotten. For ever if left out.
    pub within: Option<Span>,
    /// How long after it is so; at once if left out.
    pub after: Option<Span>,
    /// What is done then.
    pub steps: Vec<Step>,
}

impl When {
    /// At the first event after which this is so, at once.
    pub fn at_once(condition: Condition, steps: Vec<Step>) -> When {
        When { condition, within: None, after: None, steps }
    }
}

impl<'de> de::Deserialize<'de> for RunUntil {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Awaited;
        impl<'de> Visitor<'de> for Awaited {
            type Value = RunUntil;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a condition, perhaps with `within`, as in {\"acked\": \"m1\", \"within\": \"10s\"}",
                )
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RunUntil, A::Error> {
                let mut within = None;
                let condition = tagged::read(&mut map, |key, map| {
                    if key == "within" { tagged::once(&mut within, key, map) } else { Ok(false) }
                })?;
                Ok(RunUntil { condition, within })
            }
        }
        deserializer.deserialize_map(Awaited)
    }
}

impl<'de> de::Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Trigger;
        impl<'de> Visitor<'de> for Trigger {
            type Value = When;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a condition and `do`, as in {\"acked\": \"m1\", \"do\": [{\"kill\": \"broker-1\"}]}",
                )
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<When, A::Error> {
                let (mut steps, mut within, mut after) = (None, None, None);
                let condition = tagged::read(&mut map, |key, map| match key {
                    "do" => tagged::once(&mut steps, key, map),
                    "within" => tagged::once(&mut within, key, map),
                    "after" => tagged::once(&mut after, key, map),
                    _ => Ok(false),
                })?;
                let steps = steps.ok_or_else(|| A::Error::missing_field("do"))?;
                Ok(When { condition, within, after, steps })
            }
        }
        deserializer.deserialize_map(Trigger)
    }
}

/// The schema of a condition that has other keys beside it, some of them required.
fn with_keys(generator: &mut SchemaGenerator, keys: Vec<(&str, Schema, bool)>) -> Schema {
    let mut condition = Condition::json_schema(generator);
    let forms = condition.get_mut("oneOf").and_then(|forms| forms.as_array_mut());
    for form in forms.expect("conditions are one of several objects") {
        for (key, schema, required) in &keys {
            form["properties"][*key] = schema.clone().to_value();
            if *required {
                form["required"].as_array_mut().expect("a condition requires its claim").push((*key).into());
            }
        }
    }
    condition
}

impl JsonSchema for RunUntil {
    fn schema_name() -> Cow<'static, str> {
        "RunUntil".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        with_keys(generator, vec![("within", span, false)])
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        let steps = generator.subschema_for::<Vec<Step>>();
        with_keys(
            generator,
            vec![("do", steps, true), ("within", span.clone(), false), ("after", span, false)],
        )
    }
}

/// `acks`, as a number or a text.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct AcksWord(pub Acks);

impl AcksWord {
    /// As Kafka's setting is written.
    pub fn text(self) -> &'static str {
        match self.0 {
            Acks::All => "all",
            Acks::Leader => "1",
            Acks::None => "0",
        }
    }
}

impl<'de> de::Deserialize<'de> for AcksWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Setting(text) = Setting::deserialize(deserializer)?;
        match text.as_str() {
            "all" | "-1" => Ok(AcksWord(Acks::All)),
            "1" => Ok(AcksWord(Acks::Leader)),
            "0" => Ok(AcksWord(Acks::None)),
            _ => Err(D::Error::custom(format!("`{text}` is no value of acks; expected \"all\", 1 or 0"))),
        }
    }
}

impl JsonSchema for AcksWord {
    fn schema_name() -> Cow<'static, str> {
        "Acks".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": ["all", "-1", "1", "0", -1, 0, 1] })
    }
}

/// Where a consumer starts.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct StartWord(pub kafka::command::StartAt);

impl<'de> de::Deserialize<'de> for StartWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use kafka::command::StartAt;
        struct Word;
        const EXPECTED: &str = "\"earliest\", \"latest\", \"reset\", or an offset";
        impl Visitor<'_> for Word {
            type Value = StartWord;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<StartWord, E> {
                match text {
                    "earliest" => Ok(StartWord(StartAt::Earliest)),
                    "latest" => Ok(StartWord(StartAt::Latest)),
                    "reset" => Ok(StartWord(StartAt::Reset)),
                    _ => Err(E::custom(format!("`{text}` is nowhere to start; expected {EXPECTED}"))),
                }
            }
            fn visit_u64<E: Error>(self, offset: u64) -> Result<StartWord, E> {
                let offset = i64::try_from(offset).map_err(|_| E::custom("the offset is too large"))?;
                Ok(StartWord(StartAt::Offset(kafka::ids::Offset(offset))))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

impl JsonSchema for StartWord {
    fn schema_name() -> Cow<'static, str> {
        "Start".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "enum": ["earliest", "latest", "reset"] },
                { "type": "integer", "minimum": 0, "maximum": i64::MAX }
            ]
        })
    }
}

objects!(PowerOffInFull);
