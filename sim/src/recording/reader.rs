//! Reading JSON of which each value knows where it stands, so that every problem has its place.

use crate::scenario::problem::Problem;
use crate::scenario::source::{Found, Path};
use kafka::ids::TopicPartition;
use serde_json::{Map, Value};

/// A value and the way to it.
#[derive(Clone)]
pub(super) struct At<'a> {
    pub value: &'a Value,
    pub path: Path,
}

impl<'a> At<'a> {
    /// The whole file.
    pub fn whole(value: &'a Value) -> At<'a> {
        At { value, path: Path::default() }
    }

    /// A problem with this value.
    pub fn bad(&self, what: impl Into<String>) -> Found {
        (self.path.clone(), Problem::new(what))
    }

    fn expected<T>(&self, what: &str) -> Result<T, Found> {
        let is = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Err(self.bad(format!("this is {is}; expected {what}")))
    }

    fn map(&self) -> Result<&'a Map<String, Value>, Found> {
        match self.value {
            Value::Object(map) => Ok(map),
            _ => self.expected("an object"),
        }
    }

    /// The entries of an object.
    pub fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>, Found> {
        let entry =
            |(key, value): (&'a String, &'a Value)| (key.as_str(), At { value, path: self.path.key(key) });
        Ok(self.map()?.iter().map(entry).collect())
    }

    /// Refuses keys that are not among these.
    pub fn only(&self, known: &[&str]) -> Result<(), Found> {
        match self.map()?.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let problem = Problem::new(format!("there is no key `{key}` in a recording here"));
                Err((self.path.name(key), problem.label("unknown").near_or_list(key, known.iter().copied())))
            }
        }
    }

    /// The value of a key; `None` if it is left out or null.
    pub fn get(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.as_object()?.get(key).filter(|value| !value.is_null())?;
        Some(At { value, path: self.path.key(key) })
    }

    /// The value of a key that must be there.
    pub fn need(&self, key: &str) -> Result<At<'a>, Found> {
        self.map()?;
        self.get(key).ok_or_else(|| self.bad(format!("`{key}` is missing")))
    }

    /// The elements of a list.
    pub fn list(&self) -> Result<Vec<At<'a>>, Found> {
        let Value::Array(list) = self.value else { return self.expected("a list") };
        Ok(list.iter().enumerate().map(|(index, value)| At { value, path: self.path.index(index) }).collect())
    }

    /// One, or a list of them.
    pub fn one_or_many(&self) -> Result<Vec<At<'a>>, Found> {
        if self.value.is_array() { self.list() } else { Ok(vec![self.clone()]) }
    }

    pub fn text(&self) -> Result<&'a str, Found> {
        self.value.as_str().map_or_else(|| self.expected("a string"), Ok)
    }

    pub fn integer(&self) -> Result<i64, Found> {
        self.value.as_i64().map_or_else(|| self.expected("a whole number"), Ok)
    }

    pub fn id(&self) -> Result<i32, Found> {
        let problem = || self.bad("this number is too large");
        i32::try_from(self.integer()?).map_err(|_| problem())
    }

    pub fn ids(&self) -> Result<Vec<i32>, Found> {
        self.list()?.iter().map(At::id).collect()
    }

    pub fn yes_or_no(&self) -> Result<bool, Found> {
        self.value.as_bool().map_or_else(|| self.expected("true or false"), Ok)
    }

    /// The value of a setting: text, or what can be put as text.
    pub fn setting(&self) -> Result<String, Found> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(self.value.to_string()),
            _ => self.expected("the value of a setting"),
        }
    }

    /// Settings by name.
    pub fn settings(&self) -> Result<Vec<(String, String)>, Found> {
        let pair = |(name, at): (&str, At<'a>)| Ok((name.to_owned(), at.setting()?));
        self.entries()?.into_iter().map(pair).collect()
    }

    /// A partition by name: `orders-0`.
    pub fn partition(&self) -> Result<TopicPartition, Found> {
        let text = self.text()?;
        let found = TopicPartition::parse(text);
        found.ok_or_else(|| self.bad(format!("`{text}` is no partition; expected one as in `orders-0`")))
    }

    /// A broker by name: `broker-1`.
    pub fn broker(&self) -> Result<i32, Found> {
        if self.value.is_number() {
            return self.id();
        }
        let text = self.text()?;
        let found = crate::scenario::cluster::broker_id(text);
        found.ok_or_else(|| self.bad(format!("`{text}` is no broker; expected one as in `broker-1`")))
    }

    /// One broker, or many.
    pub fn brokers(&self) -> Result<Vec<i32>, Found> {
        self.one_or_many()?.iter().map(At::broker).collect()
    }
}
