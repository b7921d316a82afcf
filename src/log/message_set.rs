//! The message formats before v2, to be read only: magic 0 (no timestamp) and magic 1 (KIP-32).
//!
//! | bytes | field      | notes                                                                        |
//! |-------|------------|------------------------------------------------------------------------------|
//! | 0-7   | offset     | of a compressed wrapper: that of its last inner message                      |
//! | 8-11  | size       | of everything after this field                                               |
//! | 12-15 | CRC32      | (not CRC32C) of everything after this field                                  |
//! | 16    | magic      | 0 or 1                                                                       |
//! | 17    | attributes | compression 0-2, timestamp type 3                                            |
//! | 18-25 | timestamp  | magic 1 only                                                                 |
//! | then  | key, value | each with a length of four bytes, -1 for none                                |
//!
//! Releases before 0.11 wrote these. A simulated 0.10.2 broker writes v2 batches instead (see `partition_log`), so this
//! serves directories that a real broker left. Kafka's class: `LegacyRecord`.
//!
//! Left out: what is inside a compressed wrapper; writing.

use crate::ids::Offset;
use crate::time::Timestamp;
use bytes::Bytes;

/// One entry of an old message set: a message, or a compressed wrapper around several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Where it begins in the bytes given.
    pub position: usize,
    /// Its length with its overhead, in bytes.
    pub size: usize,
    /// Its offset; of a wrapper, that of its last inner message.
    pub offset: Offset,
    /// 0 or 1.
    pub magic: u8,
    /// Compression and timestamp type.
    pub attributes: u8,
    /// The CRC32 it carries.
    pub crc: u32,
    /// Its timestamp; [`Timestamp::NONE`] for magic 0.
    pub timestamp: Timestamp,
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value, if any; of a wrapper, the compressed inner set.
    pub value: Option<Bytes>,
}

/// Offset and size, which the size does not count.
const OVERHEAD: usize = 12;

impl Message {
    /// Whether its value is a compressed message set.
    pub fn is_compressed(&self) -> bool {
        self.attributes & 0x07 != 0
    }

    /// Reads the message that begins at `position`. `None` if there is no whole and valid one of these formats.
    pub fn read(bytes: &Bytes, position: usize) -> Option<Message> {
        let rest = bytes.get(position..)?;
        let size = usize::try_from(int(rest, 8)?).ok()?.checked_add(OVERHEAD)?;
        let message = rest.get(..size)?;
        let crc = int(message, 12)? as u32;
        let (magic, attributes) = (*message.get(16)?, *message.get(17)?);
        if magic > 1 || crc != crc32(&message[16..]) {
            return None;
        }
        let (timestamp, mut at) = match magic {
            0 => (Timestamp::NONE, 18),
            _ => (Timestamp(long(message, 18)?), 26),
        };
        let mut field = || {
            let length = int(message, at)?;
            at += 4;
            if length == -1 {
                return Some(None);
            }
            let end = at.checked_add(usize::try_from(length).ok()?).filter(|end| *end <= size)?;
            let field = bytes.slice(position + at..position + end);
            at = end;
            Some(Some(field))
        };
        let (key, value) = (field()?, field()?);
        let offset = Offset(long(message, 0)?);
        (at == size).then_some(Message {
            position,
            size,
            offset,
            magic,
            attributes,
            crc,
            timestamp,
            key,
            value,
        })
    }
}

/// Reads a whole message set: every valid entry from the front, up to the first that is not whole or not valid.
pub fn read_all(bytes: &Bytes) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut position = 0;
    while let Some(message) = Message::read(bytes, position) {
        position += message.size;
        messages.push(message);
    }
    messages
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The CRC of zip and Ethernet, byte by byte with a table made at compile time.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc: u32, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_is_the_one_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn nonsense_is_no_message() {
        assert_eq!(Message::read(&Bytes::from_static(&[0; 40]), 0), None);
        assert_eq!(Message::read(&Bytes::from_static(&[0xff; 40]), 0), None);
        assert_eq!(Message::read(&Bytes::new(), 7), None);
    }
}
