//! The words of scenario files: spans of time, roles, partitions, settings, and containers that take one or many.
//!
//! Each is a type of its own with one way to read it, so that a bad one is refused where it stands, and with a schema
//! that accepts the same texts. Nothing here knows the cluster; whether a broker or topic exists is checked by
//! [`super::validate`].

use kafka::ids::TopicPartition;
use kafka::time::Micros;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Gives a type that is read from one text its `Deserialize` and its schema.
macro_rules! from_text {
    ($type:ident, $expected:literal, $schema:tt) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        $type::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

/// A span of virtual time: `"10s"`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span(pub Micros);

/// No span in a file may be longer: a day of virtual time.
pub const LONGEST_SPAN: Micros = Micros(24 * 3600 * 1_000_000);

from_text!(Span, "a span of time such as \"500ms\", \"10s\" or \"2m\"", {
    "type": "string",
    "description": "A span of virtual time, at most 24 hours: 250us, 500ms, 10s, 2m, 1h.",
    "pattern": "^[0-9]{1,11}(us|ms|s|m|h)$"
});

impl Span {
    /// Reads `250us`, `500ms`, `10s`, `2m` or `1h`.
    pub fn parse(text: &str) -> Result<Span, String> {
        let expected = "expected a whole number and one of us, ms, s, m, h: \"500ms\", \"10s\", \"2m\"";
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            _ => return Err(format!("`{text}` is no span of time; {expected}")),
        };
        if number.is_empty() || number.len() > 11 {
            return Err(format!("`{text}` is no span of time; {expected}"));
        }
        let number: u64 = number.parse().map_err(|_| format!("`{text}` is no span of time; {expected}"))?;
        match number.checked_mul(unit).map(Micros) {
            Some(span) if span <= LONGEST_SPAN => Ok(Span(span)),
            _ => Err(format!("`{text}` is too long; a span of time is at most 24h")),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.0;
        for (unit, name) in [(3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms")] {
            if micros > 0 && micros.is_multiple_of(unit) {
                return f.pad(&format!("{}{name}", micros / unit));
            }
        }
        f.pad(&format!("{micros}us"))
    }
}

/// A span that may be negative: how far a wall clock jumps.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Jump {
    /// Whole milliseconds.
    pub millis: i64,
}

from_text!(Jump, "a span of time, perhaps negative, such as \"-500ms\" or \"2m\"", {
    "type": "string",
    "description": "How far a wall clock jumps, in whole milliseconds: -500ms, 2m.",
    "pattern": "^-?[0-9]{1,11}(ms|s|m|h)$"
});

impl Jump {
    /// Reads `-500ms` or `2m`.
    pub fn parse(text: &str) -> Result<Jump, String> {
        let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let span = Span::parse(rest)?;
        if rest.ends_with("us") {
            return Err(format!("`{text}`: a wall clock jumps by whole milliseconds"));
        }
        Ok(Jump { millis: sign * span.0.millis() as i64 })
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.millis < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Span(Micros::from_millis(self.millis.abs())))
    }
}

/// A partition by name: `"orders-0"`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Partition(pub TopicPartition);

from_text!(Partition, "a partition such as \"orders-0\"", {
    "type": "string",
    "description": "A partition: topic, dash, number.",
    "pattern": "^.+-[0-9]+$"
});

impl Partition {
    /// Reads `orders-0`.
    pub fn parse(text: &str) -> Result<Partition, String> {
        let digits = text.rsplit('-').next().unwrap_or_default();
        TopicPartition::parse(text)
            .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .map(Partition)
            .ok_or_else(|| format!("`{text}` is no partition; expected a topic and a number: \"orders-0\""))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Whoever plays a part at the moment it is asked for, or a node by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// A node by name: `broker-1`, `zookeeper`, `producer-1`.
    Node(String),
    /// The broker that ZooKeeper names as the leader.
    Leader(TopicPartition),
    /// The running followers in assignment order; this is the one of that index.
    Follower(TopicPartition, usize),
    /// The active controller.
    Controller,
}

from_text!(Role, "a node such as \"broker-1\" or a role such as \"leader of orders-0\"", {
    "type": "string",
    "description": "A node (broker-1, zookeeper, producer-1) or a role: leader of orders-0, follower of orders-0, \
                    other follower of orders-0, controller.",
    "pattern": "^([a-z]+-[0-9]+|zookeeper|operator|controller|(leader|follower|other follower) of .+-[0-9]+)$"
});

impl Role {
    /// Reads a role or a node's name.
    pub fn parse(text: &str) -> Result<Role, String> {
        if let Some((part, of)) = text.split_once(" of ") {
            let of = Partition::parse(of)?.0;
            return match part {
                "leader" => Ok(Role::Leader(of)),
                "follower" => Ok(Role::Follower(of, 0)),
                "other follower" => Ok(Role::Follower(of, 1)),
                _ => {
                    let near = super::problem::near(part, ["leader", "follower", "other follower"]);
                    let near = near.map_or(String::new(), |near| format!("did you mean `{near} of {of}`? "));
                    Err(format!(
                        "`{text}` is no role; {near}expected `leader of`, `follower of` or `other follower of`"
                    ))
                }
            };
        }
        if text == "controller" {
            return Ok(Role::Controller);
        }
        let is_node = matches!(text, "zookeeper" | "operator")
            || text.split_once('-').is_some_and(|(kind, number)| {
                !kind.is_empty()
                    && kind.bytes().all(|byte| byte.is_ascii_lowercase())
                    && !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            });
        if is_node {
            return Ok(Role::Node(text.to_owned()));
        }
        let lower = text.to_ascii_lowercase();
        if lower != text && Role::parse(&lower).is_ok() {
            return Err(format!("`{text}` is no node and no role; did you mean `{lower}`?"));
        }
        Err(format!(
            "`{text}` is no node and no role; expected one such as `broker-1`, `controller` or `leader of orders-0`"
        ))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::Node(name) => f.pad(name),
            Role::Leader(of) => write!(f, "leader of {of}"),
            Role::Follower(of, 0) => write!(f, "follower of {of}"),
            Role::Follower(of, _) => write!(f, "other follower of {of}"),
            Role::Controller => f.pad("controller"),
        }
    }
}

/// The value of a setting: a text, or a bare number or truth value for convenience.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting(pub String);

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Setting;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value of a setting: a text, a whole number, true or false")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting(text.to_owned()))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Setting, E> {
                Ok(Setting(value.to_string()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Setting, E> {
                Ok(Setting(value.to_string()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Setting, E> {
                Ok(Setting(value.to_string()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

impl JsonSchema for Setting {
    fn schema_name() -> Cow<'static, str> {
        "Setting".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer", "boolean"],
            "description": "The value of a Kafka setting; a number or truth value may stand without quotes."
        })
    }
}

/// One thing, or a list of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Many<T>(pub Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Many(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Many<T>, E> {
                Ok(Many(vec![T::deserialize(value::StrDeserializer::new(text))?]))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                Ok(Many(vec![T::deserialize(value::MapAccessDeserializer::new(map))?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
                let mut all = Vec::new();
                while let Some(one) = list.next_element()? {
                    all.push(one);
                }
                if all.is_empty() {
                    return Err(A::Error::custom("the list is empty; expected at least one"));
                }
                Ok(Many(all))
            }
        }
        deserializer.deserialize_any(OneOrMany(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// Names and what they stand for, in the order of the file. A name that stands there twice is an error, which serde's
/// own maps would swallow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table<T>(pub Vec<(String, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(Vec::new())
    }
}

impl<T> Table<T> {
    /// What stands under a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether nothing stands there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// If the name stands there already.
    pub fn add(&mut self, name: String, value: T) -> Result<(), String> {
        if self.get(&name).is_some() {
            return Err(format!("`{name}` stands here twice"));
        }
        self.0.push((name, value));
        Ok(())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Table<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: names and what they stand for")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut table = Table::default();
                while let Some(name) = map.next_key::<String>()? {
                    if table.get(&name).is_some() {
                        return Err(A::Error::custom(format!("`{name}` stands here twice")));
                    }
                    let value = map.next_value()?;
                    table.0.push((name, value));
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("TableOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print() {
        for (text, micros) in [("250us", 250), ("500ms", 500_000), ("10s", 10_000_000), ("2m", 120_000_000)] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.0, Micros(micros));
            assert_eq!(span.to_string(), text);
        }
        for bad in
            ["", "10", "s", "10 s", "1.5s", "-1s", "10S", "99999999999h", "123456789012us", "25h", "１s"]
        {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Jump::parse("-2m").unwrap().millis, -120_000);
        assert_eq!(Jump::parse("-2m").unwrap().to_string(), "-2m");
        assert!(Jump::parse("5us").is_err());
    }

    #[test]
    fn roles_read_as_they_print() {
        for text in ["broker-1", "zookeeper", "controller", "leader of a-b-0", "other follower of a-b-0"] {
            assert_eq!(Role::parse(text).unwrap().to_string(), text);
        }
        let near = Role::parse("leadr of orders-0").unwrap_err();
        assert!(near.contains("did you mean `leader of orders-0`?"), "{near}");
        for bad in ["", "Broker-1", "broker", "broker-", "leader of orders", "leader", "-1", "a b-1"] {
            assert!(Role::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_stands_in_a_table_once() {
        let table: Table<i32> = serde_json::from_str(r#"{"b": 1, "a": 2}"#).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["b", "a"]);
        let twice = serde_json::from_str::<Table<i32>>(r#"{"b": 1, "b": 2}"#).unwrap_err();
        assert!(twice.to_string().starts_with("`b` stands here twice"));
    }
}
