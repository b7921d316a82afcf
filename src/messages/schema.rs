//! Kafka's primitive types in bytes, for the few messages that really stand somewhere in bytes: subscriptions and
//! assignments inside a JoinGroup, and what a coordinator writes into its log.
//!
//! Numbers are big-endian. A string has its length in two bytes before it, bytes in four, a list how many it has in
//! four; -1 is null. In *flexible* versions (KIP-482) lengths are unsigned varints, one too high, 0 is null, and tagged
//! fields end each struct.

use crate::log::varint;
use bytes::{Buf, BufMut, Bytes};
use std::sync::Arc;

/// Writes fields one by one.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins with the version, as what stands in records and in embedded messages does.
    pub fn versioned(version: i16) -> Writer {
        let mut writer = Writer::default();
        writer.int16(version);
        writer
    }

    /// INT16.
    pub fn int16(&mut self, value: i16) {
        self.bytes.put_i16(value);
    }

    /// INT32.
    pub fn int32(&mut self, value: i32) {
        self.bytes.put_i32(value);
    }

    /// INT64.
    pub fn int64(&mut self, value: i64) {
        self.bytes.put_i64(value);
    }

    /// STRING.
    pub fn string(&mut self, value: &str) {
        self.bytes.put_i16(i16::try_from(value.len()).expect("names are short"));
        self.bytes.put_slice(value.as_bytes());
    }

    /// NULLABLE_STRING.
    pub fn nullable_string(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.string(value),
            None => self.bytes.put_i16(-1),
        }
    }

    /// BYTES.
    pub fn bytes(&mut self, value: &[u8]) {
        self.length(value.len());
        self.bytes.put_slice(value);
    }

    /// NULLABLE_BYTES.
    pub fn nullable_bytes(&mut self, value: Option<&Bytes>) {
        match value {
            Some(value) => self.bytes(value),
            None => self.bytes.put_i32(-1),
        }
    }

    /// How many an ARRAY has, before them.
    pub fn length(&mut self, length: usize) {
        self.bytes.put_i32(i32::try_from(length).expect("lists are short"));
    }

    /// All that was written.
    pub fn finish(self) -> Bytes {
        self.bytes.into()
    }
}

/// What is read ended too early or contradicts itself (`SchemaException`, `BufferUnderflowException`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Malformed;

/// Reads fields one by one.
#[derive(Debug)]
pub struct Reader {
    rest: Bytes,
    /// Whether lengths are varints and structs end with tagged fields.
    pub flexible: bool,
}

impl Reader {
    /// Reads from the beginning of these bytes.
    pub fn new(bytes: &Bytes) -> Reader {
        Reader { rest: bytes.clone(), flexible: false }
    }

    /// INT16.
    pub fn int16(&mut self) -> Result<i16, Malformed> {
        self.rest.try_get_i16().map_err(|_| Malformed)
    }

    /// INT32.
    pub fn int32(&mut self) -> Result<i32, Malformed> {
        self.rest.try_get_i32().map_err(|_| Malformed)
    }

    /// INT64.
    pub fn int64(&mut self) -> Result<i64, Malformed> {
        self.rest.try_get_i64().map_err(|_| Malformed)
    }

    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut rest = &self.rest[..];
        let value = varint::read_unsigned(&mut rest).ok_or(Malformed)?;
        let read = self.rest.len() - rest.len();
        self.rest.advance(read);
        Ok(value)
    }

    fn take(&mut self, length: Option<usize>) -> Result<Option<Bytes>, Malformed> {
        match length {
            None => Ok(None),
            Some(length) if length <= self.rest.len() => Ok(Some(self.rest.split_to(length))),
            Some(_) => Err(Malformed),
        }
    }

    fn compact_length(&mut self) -> Result<Option<usize>, Malformed> {
        Ok(self.varint()?.checked_sub(1).map(|length| length as usize))
    }

    /// NULLABLE_STRING.
    pub fn nullable_string(&mut self) -> Result<Option<Arc<str>>, Malformed> {
        let length = if self.flexible { self.compact_length()? } else { usize::try_from(self.int16()?).ok() };
        let Some(bytes) = self.take(length)? else { return Ok(None) };
        std::str::from_utf8(&bytes).map(|text| Some(text.into())).map_err(|_| Malformed)
    }

    /// STRING.
    pub fn string(&mut self) -> Result<Arc<str>, Malformed> {
        self.nullable_string()?.ok_or(Malformed)
    }

    /// NULLABLE_BYTES.
    pub fn nullable_bytes(&mut self) -> Result<Option<Bytes>, Malformed> {
        let length = if self.flexible { self.compact_length()? } else { usize::try_from(self.int32()?).ok() };
        self.take(length)
    }

    /// BYTES.
    pub fn bytes(&mut self) -> Result<Bytes, Malformed> {
        self.nullable_bytes()?.ok_or(Malformed)
    }

    /// ARRAY: reads as many as there are.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Reader) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let length = if self.flexible { self.compact_length()? } else { usize::try_from(self.int32()?).ok() };
        // No element is empty, so a length beyond the bytes is none.
        let length = length.filter(|length| *length <= self.rest.len()).ok_or(Malformed)?;
        (0..length).map(|_| read(self)).collect()
    }

    /// The end of a struct: tagged fields are passed over.
    pub fn end_of_struct(&mut self) -> Result<(), Malformed> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.varint()? {
            self.varint()?;
            let size = self.varint()? as usize;
            self.take(Some(size))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut writer = Writer::versioned(3);
        writer.string("ü");
        writer.nullable_string(None);
        writer.nullable_bytes(None);
        writer.bytes(b"ab");
        writer.length(1);
        writer.int64(-5);
        let mut reader = Reader::new(&writer.finish());
        assert_eq!(reader.int16(), Ok(3));
        assert_eq!(reader.string().as_deref(), Ok("ü"));
        assert_eq!(reader.nullable_string(), Ok(None));
        assert_eq!(reader.nullable_bytes(), Ok(None));
        assert_eq!(reader.bytes().as_deref(), Ok(&b"ab"[..]));
        assert_eq!(reader.list(Reader::int64), Ok(vec![-5]));
        assert_eq!(reader.int16(), Err(Malformed));
    }

    #[test]
    fn flexible_versions_have_varints_and_tags() {
        let bytes = Bytes::from_static(&[3, b'a', b'b', 0, 1, 7, 2, 9, 9, 0x12, 0x34]);
        let mut reader = Reader { flexible: true, ..Reader::new(&bytes) };
        assert_eq!(reader.string().as_deref(), Ok("ab"));
        assert_eq!(reader.nullable_bytes(), Ok(None));
        assert_eq!(reader.end_of_struct(), Ok(()));
        assert_eq!(reader.int16(), Ok(0x1234));
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(Reader::new(&Bytes::from_static(&[0, 9, b'a'])).string(), Err(Malformed));
        assert_eq!(
            Reader::new(&Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff])).list(Reader::int16),
            Err(Malformed)
        );
        assert_eq!(Reader::new(&Bytes::from_static(&[0xff, 0xff])).string(), Err(Malformed));
    }
}
