//! Objects of one entry, `{"verb": argument}`: steps and conditions, read so that every error says what is wrong.
//!
//! serde's externally tagged enums read this shape, but say "expected value" when an object holds a second entry or
//! none, and cannot stand beside another key (`run_until` takes a condition and `within`). So the entries are read here
//! and the enum is given its one entry.

use serde::de::value::EnumAccessDeserializer;
use serde::de::{Deserialize, Visitor};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, VariantAccess,
};
use std::fmt;
use std::marker::PhantomData;

/// An enum whose values are written as objects of one entry.
pub trait Tagged: Sized {
    /// What it is and how it is written, for errors.
    const WHAT: &'static str;

    /// Reads it from an entry.
    fn from_entry<'de, D: Deserializer<'de>>(entry: D) -> Result<Self, D::Error>;
}

/// Reads the one entry of an object that is no `other` key. `other` reads the value of a key that it knows.
pub fn read<'de, T: Tagged, A: MapAccess<'de>>(
    map: &mut A,
    mut other: impl FnMut(&str, &mut A) -> Result<bool, A::Error>,
) -> Result<T, A::Error> {
    let mut found = None;
    while let Some(key) = map.next_key::<String>()? {
        if other(&key, map)? {
            continue;
        }
        if found.is_some() {
            return Err(A::Error::custom(format!(
                "`{key}` does not belong here: {}",
                nesting(&key, T::WHAT)
            )));
        }
        found = Some(T::from_entry(EnumAccessDeserializer::new(Entry { key, map: &mut *map }))?);
    }
    found.ok_or_else(|| A::Error::custom(format!("there is nothing here: {}", T::WHAT)))
}

/// Where an argument belongs that stands beside its verb instead of in it; else what is expected.
fn nesting<'a>(key: &str, expected: &'a str) -> &'a str {
    match key {
        "survives" => r#"it stands inside, as in {"power_off": {"node": "broker-0", "survives": "nothing"}}"#,
        "within" => r#"it stands inside, as in {"run_until": {"acked": "m1", "within": "5s"}}"#,
        _ => expected,
    }
}

/// Reads an object of exactly one entry.
pub fn deserialize<'de, T: Tagged, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct One<T>(PhantomData<T>);
    impl<'de, T: Tagged> Visitor<'de> for One<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&T::WHAT.replacen(" is ", ": ", 1))
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            read(&mut map, |_, _| Ok(false))
        }
    }
    deserializer.deserialize_map(One(PhantomData))
}

/// Reads the value of a key that may stand once.
pub fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    key: &str,
    map: &mut A,
) -> Result<bool, A::Error> {
    if slot.is_some() {
        return Err(A::Error::custom(format!("`{key}` stands here twice")));
    }
    *slot = Some(map.next_value()?);
    Ok(true)
}

/// One entry of an object that is being read, whose key says which variant it is.
pub struct Entry<'a, A> {
    /// The key.
    pub key: String,
    /// The object, at its value.
    pub map: &'a mut A,
}

/// The value of such an entry.
pub struct Argument<'a, A>(&'a mut A);

impl<'a, 'de, A: MapAccess<'de>> EnumAccess<'de> for Entry<'a, A> {
    type Error = A::Error;
    type Variant = Argument<'a, A>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), A::Error> {
        let name: serde::de::value::StringDeserializer<A::Error> = self.key.into_deserializer();
        Ok((seed.deserialize(name)?, Argument(self.map)))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Argument<'_, A> {
    type Error = A::Error;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(seed)
    }

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(A::Error::custom("this is a word and needs nothing: expected it as a text"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, A::Error> {
        unreachable!("an argument is one value")
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, A::Error> {
        unreachable!("an argument is a type of its own")
    }
}
