//! How the words and forms of scenario files that are read by hand are written: each in the shortest form that reads as
//! the same.
//!
//! Types with one form derive `Serialize`. These have several, or keys of two kinds; a setting that is a number or a truth
//! value stands without quotes, one thing stands without a list.

use super::cluster::{Brokers, ClientSpec, TopicSpec};
use super::condition::{Condition, Reading, ReadingInFull};
use super::file::{Broken, Verdict};
use super::forms::{AcksWord, CreateTopic, PowerOff, PowerOffInFull, RunUntil, Sentence, StartWord, When};
use super::step::{Step, SurvivesWord};
use super::words::{Jump, Many, Partition, Role, Setting, Span, Table};
use kafka::command::StartAt;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Types that are written as they print.
macro_rules! as_printed {
    ($($type:ident),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

as_printed!(Span, Jump, Partition, Role);

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Setting(text) = self;
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == *text => serializer.serialize_i64(number),
            _ => match text.as_str() {
                "true" => serializer.serialize_bool(true),
                "false" => serializer.serialize_bool(false),
                text => serializer.serialize_str(text),
            },
        }
    }
}

impl<T: Serialize> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            all => serializer.collect_seq(all),
        }
    }
}

impl<T: Serialize> Serialize for Table<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Serialize for Brokers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Brokers(table) = self;
        if table.0.iter().any(|(_, settings)| !settings.is_empty()) {
            return table.serialize(serializer);
        }
        match table.names().enumerate().all(|(index, name)| name == format!("broker-{index}")) {
            true => serializer.serialize_u64(table.0.len() as u64),
            false => serializer.collect_seq(table.names()),
        }
    }
}

/// An entry, unless there is nothing to say.
fn entry<M: SerializeMap>(map: &mut M, key: &str, value: Option<&impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

fn settings<M: SerializeMap>(map: &mut M, table: &Table<Setting>) -> Result<(), M::Error> {
    table.0.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))
}

impl TopicSpec {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        entry(map, "assignment", self.assignment.as_ref())?;
        entry(map, "partitions", self.partitions.as_ref())?;
        entry(map, "replication-factor", self.replication_factor.as_ref())?;
        settings(map, &self.settings)
    }
}

impl Serialize for TopicSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

impl Serialize for CreateTopic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("topic", &self.topic)?;
        self.spec.entries(&mut map)?;
        entry(&mut map, "refused", self.refused.as_ref())?;
        map.end()
    }
}

impl Serialize for ClientSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "assign", self.assign.as_ref())?;
        entry(&mut map, "from", self.from.as_ref())?;
        settings(&mut map, &self.settings)?;
        map.end()
    }
}

impl Serialize for PowerOff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.survives {
            SurvivesWord::Nothing => self.node.serialize(serializer),
            survives => {
                Serialize::serialize(&PowerOffInFull { node: self.node.clone(), survives }, serializer)
            }
        }
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Sentence::Always(text) => serializer.serialize_str(text),
            Sentence::InEra(table) => table.serialize(serializer),
        }
    }
}

impl Serialize for RunUntil {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Beside<'a> {
            #[serde(flatten)]
            condition: &'a Condition,
            #[serde(skip_serializing_if = "Option::is_none")]
            within: Option<Span>,
        }
        Beside { condition: &self.condition, within: self.within }.serialize(serializer)
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Beside<'a> {
            #[serde(flatten)]
            condition: &'a Condition,
            #[serde(skip_serializing_if = "Option::is_none")]
            within: Option<Span>,
            #[serde(skip_serializing_if = "Option::is_none")]
            after: Option<Span>,
            r#do: &'a [Step],
        }
        let When { condition, within, after, steps } = self;
        Beside { condition, within: *within, after: *after, r#do: steps }.serialize(serializer)
    }
}

impl Serialize for AcksWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Setting(self.text().to_owned()).serialize(serializer)
    }
}

impl Serialize for StartWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            StartAt::Earliest => serializer.serialize_str("earliest"),
            StartAt::Latest => serializer.serialize_str("latest"),
            StartAt::Reset => serializer.serialize_str("reset"),
            StartAt::Offset(offset) => serializer.serialize_i64(offset.0),
        }
    }
}

impl Serialize for Reading {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.by {
            None => self.values.serialize(serializer),
            by => {
                let full = ReadingInFull { value: self.values.clone(), by: by.clone() };
                Serialize::serialize(&full, serializer)
            }
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.holds() {
            return serializer.serialize_str("holds");
        }
        let Verdict { violates, loses, by } = self.clone();
        Serialize::serialize(&Broken { violates, loses, by }, serializer)
    }
}
