//! `partition.metadata` (KIP-516, from 2.8): the topic's id, so that a partition of a topic that was deleted and made
//! anew is not taken for the old one.
//!
//! ```text
//! version: 0
//! topic_id: w4Rv4KV2QqG2B7s7VHdLcQ
//! ```
//!
//! The id is sixteen bytes in the URL alphabet of base64 without padding; there is no line feed at the end.

use super::checkpoint::{self, CheckpointError};
use super::partition_log::{LogError, PartitionLog};
use crate::disk::Disk;

/// The file's name in a partition's directory.
pub const FILE_NAME: &str = "partition.metadata";

/// A topic's id (`Uuid`).
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicId(pub u128);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl TopicId {
    /// The id as text: 22 letters.
    pub fn text(self) -> String {
        // 128 bits are 21 letters of six bits and two bits more, which stand at the top of the last letter.
        let letter = |index: u32| {
            let bits = if index < 21 { self.0 >> (122 - 6 * index) } else { self.0 << 4 };
            char::from(ALPHABET[(bits & 63) as usize])
        };
        (0..22).map(letter).collect()
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Option<TopicId> {
        let mut id = 0u128;
        if text.len() != 22 {
            return None;
        }
        for (index, letter) in text.bytes().enumerate() {
            let bits = ALPHABET.iter().position(|known| *known == letter)? as u128;
            id = if index < 21 { id << 6 | bits } else { id << 2 | bits >> 4 };
        }
        Some(TopicId(id))
    }
}

/// Reads the id in a partition's directory; `None` if there is no such file.
///
/// # Errors
/// If it is not what Kafka writes, or the disk fails.
pub fn read(directory: &str, disk: &mut dyn Disk) -> Result<Option<TopicId>, CheckpointError> {
    let Some(text) = checkpoint::read_text(&format!("{directory}/{FILE_NAME}"), disk)? else {
        return Ok(None);
    };
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix("version: "));
    let id = lines.next().and_then(|line| line.strip_prefix("topic_id: ")).and_then(TopicId::parse);
    match (version, id) {
        (Some("0"), Some(id)) => Ok(Some(id)),
        _ => Err(CheckpointError::Malformed),
    }
}

impl PartitionLog {
    /// The topic's id, if the log knows one.
    pub fn topic_id(&self) -> Option<TopicId> {
        self.topic_id
    }

    /// Tells the log its topic's id, once and for all. Only for releases that have topic ids.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn assign_topic_id(&mut self, id: TopicId, disk: &mut dyn Disk) -> Result<(), LogError> {
        if self.topic_id == Some(id) {
            return Ok(());
        }
        assert!(self.topic_id.is_none(), "a log never changes its topic");
        let text = format!("version: 0\ntopic_id: {}", id.text());
        checkpoint::replace(&self.directory, FILE_NAME, text, self.rules.directory_flush, disk)?;
        self.topic_id = Some(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_text_as_kafka_writes_it() {
        for text in ["w4Rv4KV2QqG2B7s7VHdLcQ", "__u8NkVmTuu7_UQwRaJABA", "AAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(TopicId::parse(text).map(TopicId::text).as_deref(), Some(text));
        }
        assert_eq!(TopicId::parse("AAAAAAAAAAAAAAAAAAAAAQ"), Some(TopicId(1)));
        for bad in ["", "AAAA", "w4Rv4KV2QqG2B7s7VHdLc=", "w4Rv4KV2QqG2B7s7VHdLcQQ"] {
            assert_eq!(TopicId::parse(bad), None);
        }
    }
}
