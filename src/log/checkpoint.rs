//! Kafka's checkpoint files, format version 0 (`CheckpointFile`, `OffsetCheckpointFile`, `LeaderEpochCheckpointFile`).
//!
//! ```text
//! 0                  the version
//! 2                  how many lines follow
//! orders 0 17        topic, partition, offset; in leader-epoch-checkpoint: epoch, start offset
//! orders 1 20
//! ```
//!
//! A write never leaves half a file: (1) all lines go to `<name>.tmp`, (2) which is flushed, (3) and renamed over the
//! old file, (4) and, where the release flushes directories (rule `directory-flush`), the rename is made durable. A
//! file that is not there, or is empty, or ends after its version, has no entries; any other deviation is malformed.
//!
//! Left out: Kafka writes offsets in the order of a hash map, we write them sorted.

use crate::disk::{Disk, DiskError};
use crate::ids::{LeaderEpoch, Offset, Topic, TopicPartition};
use crate::log::leader_epochs::EpochEntry;
use crate::rules::directory_flush::DirectoryFlush;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Why a checkpoint could not be read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum CheckpointError {
    /// It is not what Kafka writes.
    Malformed,
    /// The disk failed.
    Disk(DiskError),
}

impl From<DiskError> for CheckpointError {
    fn from(error: DiskError) -> Self {
        CheckpointError::Disk(error)
    }
}

/// Reads offsets by partition.
///
/// # Errors
/// If the file is malformed or the disk fails; never because there is no such file.
pub fn read_offsets(
    path: &str,
    disk: &mut dyn Disk,
) -> Result<BTreeMap<TopicPartition, Offset>, CheckpointError> {
    let Some(text) = read_text(path, disk)? else { return Ok(BTreeMap::new()) };
    let entries = parse(&text, |fields| match fields {
        [topic, partition, offset] => {
            let partition = partition.parse().ok()?;
            Some((TopicPartition { topic: Topic::new(topic), partition }, Offset(offset.parse().ok()?)))
        }
        _ => None,
    });
    Ok(entries.ok_or(CheckpointError::Malformed)?.into_iter().collect())
}

/// Reads a `leader-epoch-checkpoint`, in the order of its lines.
///
/// # Errors
/// As [`read_offsets`].
pub fn read_epochs(path: &str, disk: &mut dyn Disk) -> Result<Vec<EpochEntry>, CheckpointError> {
    let Some(text) = read_text(path, disk)? else { return Ok(Vec::new()) };
    let entries = parse(&text, |fields| match fields {
        [epoch, start] => {
            Some(EpochEntry { epoch: LeaderEpoch(epoch.parse().ok()?), start: Offset(start.parse().ok()?) })
        }
        _ => None,
    });
    entries.ok_or(CheckpointError::Malformed)
}

/// Writes offsets by partition.
///
/// # Errors
/// If the disk fails; the old file then stands.
pub fn write_offsets(
    directory: &str,
    name: &str,
    offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
    flush: DirectoryFlush,
    disk: &mut dyn Disk,
) -> Result<(), DiskError> {
    let offsets: BTreeMap<TopicPartition, Offset> = offsets.into_iter().collect();
    let mut text = format!("0\n{}\n", offsets.len());
    for (partition, offset) in &offsets {
        let _ = writeln!(text, "{} {} {}", partition.topic, partition.partition, offset);
    }
    replace(directory, name, text, flush, disk)
}

/// Writes a `leader-epoch-checkpoint`.
///
/// # Errors
/// If the disk fails; the old file then stands.
pub fn write_epochs(
    directory: &str,
    entries: &[EpochEntry],
    flush: DirectoryFlush,
    disk: &mut dyn Disk,
) -> Result<(), DiskError> {
    let mut text = format!("0\n{}\n", entries.len());
    for entry in entries {
        let _ = writeln!(text, "{} {}", entry.epoch, entry.start);
    }
    replace(directory, super::leader_epochs::FILE_NAME, text, flush, disk)
}

/// Puts a new content in the place of a file's, whole or not at all.
pub(crate) fn replace(
    directory: &str,
    name: &str,
    text: String,
    flush: DirectoryFlush,
    disk: &mut dyn Disk,
) -> Result<(), DiskError> {
    let path = format!("{directory}/{name}");
    let temporary = format!("{path}.tmp");
    let file = disk.open(&temporary, true)?;
    disk.truncate(file, 0)?;
    disk.append(file, crate::disk::Extent::plain(Bytes::from(text)))?;
    disk.flush(file)?;
    disk.close(file);
    disk.rename(&temporary, &path)?;
    if flush.after_rename() {
        disk.flush_directory(directory)?;
    }
    Ok(())
}

/// A whole file as text; `None` if there is none, the empty text if its bytes are none.
pub(crate) fn read_text(path: &str, disk: &mut dyn Disk) -> Result<Option<String>, CheckpointError> {
    let file = match disk.open(path, false) {
        Ok(file) => file,
        Err(DiskError::NotFound) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let length = disk.length(file) as usize;
    let bytes = disk.read(file, 0, length);
    disk.close(file);
    String::from_utf8(bytes?.to_vec()).map(Some).map_err(|_| CheckpointError::Malformed)
}

fn parse<T>(text: &str, mut entry: impl FnMut(&[&str]) -> Option<T>) -> Option<Vec<T>> {
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Some(Vec::new()) };
    if version.parse::<i32>().ok()? != 0 {
        return None;
    }
    let Some(count) = lines.next() else { return Some(Vec::new()) };
    let expected: i32 = count.parse().ok()?;
    let mut entries = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split_whitespace().collect();
        entries.push(entry(&fields)?);
    }
    (i64::from(expected) == entries.len() as i64).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_kafka_writes_is_read() {
        let pairs = |text: &str| parse(text, |fields| Some(fields.join("/")).filter(|_| fields.len() == 2));
        assert_eq!(pairs("0\n2\n1 0\n3 7\n"), Some(vec!["1/0".to_owned(), "3/7".to_owned()]));
        for empty in ["", "0", "0\n", "0\n0\n"] {
            assert_eq!(pairs(empty), Some(Vec::new()), "{empty:?}");
        }
        for bad in
            ["1\n0\n", "x", "0\nx\n", "0\n1\n", "0\n1\n1 0\n2 0\n", "0\n1\n1 0 9\n", "0\n1\n\n", "\n0\n"]
        {
            assert_eq!(pairs(bad), None, "{bad:?}");
        }
    }
}
