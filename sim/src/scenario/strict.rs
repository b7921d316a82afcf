//! What serde's derives accept beyond what is meant, and how it is refused.
//!
//! A derived struct also takes a list of its fields in order, and a derived enum of words also takes `{"word":
//! null}`. Nobody writes either on purpose, and the schema knows neither. The types of scenario files are therefore
//! read through these two narrow doors.

use serde::de::value::StringDeserializer;
use serde::de::{Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Gives types that derive `Serialize` with `remote = "Self"` the real one.
macro_rules! written {
    ($($type:ident),* $(,)?) => {$(
        impl serde::ser::Serialize for $type {
            fn serialize<S: serde::ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $type::serialize(self, serializer)
            }
        }
    )*};
}

/// Gives structs that derive both with `remote = "Self"` the real ones: an object and nothing else.
macro_rules! objects {
    ($($type:ident),* $(,)?) => {$(
        $crate::scenario::strict::written!($type);
        impl<'de> serde::de::Deserialize<'de> for $type {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $type::deserialize($crate::scenario::strict::Object(deserializer))
            }
        }
    )*};
}

/// Gives enums of words that derive both with `remote = "Self"` the real ones: a text and nothing else.
macro_rules! words {
    ($($type:ident),* $(,)?) => {$(
        $crate::scenario::strict::written!($type);
        impl<'de> serde::de::Deserialize<'de> for $type {
            fn deserialize<D: serde::de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $type::deserialize($crate::scenario::strict::Word(deserializer))
            }
        }
    )*};
}

pub(super) use {objects, words, written};

/// Whether a value is what is meant when it is left out.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a struct from an object only.
pub struct Object<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Object<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads an enum of words from a text only.
pub struct Word<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Word<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_str(Texts(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Texts<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Texts<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_enum(Variant(text.to_owned().into_deserializer()))
    }
}

struct Variant<E>(StringDeserializer<E>);

impl<'de, E: Error> EnumAccess<'de> for Variant<E> {
    type Error = E;
    type Variant = Unit<E>;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Unit<E>), E> {
        Ok((seed.deserialize(self.0)?, Unit(std::marker::PhantomData)))
    }
}

struct Unit<E>(std::marker::PhantomData<E>);

impl<'de, E: Error> VariantAccess<'de> for Unit<E> {
    type Error = E;

    fn unit_variant(self) -> Result<(), E> {
        Ok(())
    }

    fn newtype_variant_seed<T: serde::de::DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, E> {
        Err(E::custom("this word needs something: expected {\"word\": what it needs}"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, E> {
        Err(E::custom("this word needs something"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, E> {
        Err(E::custom("this word needs something"))
    }
}

/// Reads an enum that has words and objects of one entry: a word is a text, the others are objects.
pub struct WordOrEntry<D>(pub D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WordOrEntry<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(TextsOrEntries(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct TextsOrEntries<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for TextsOrEntries<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, or an object of one entry")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        Texts(self.0).visit_str(text)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let Some(key) = map.next_key::<String>()? else {
            return Err(A::Error::custom("there is nothing here: expected an object of one entry"));
        };
        let value = self.0.visit_enum(super::tagged::Entry { key, map: &mut map })?;
        match map.next_key::<String>()? {
            None => Ok(value),
            Some(key) => Err(A::Error::custom(format!("`{key}` does not belong here: one entry is enough"))),
        }
    }
}
