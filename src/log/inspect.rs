//! An offline look: what is in a log directory whose broker is down. Changes nothing.
//!
//! Batches are listed as long as their headers follow each other; those that fail their CRC are named beside. Recovery
//! would cut the log at the first of them that it scans.

use super::batch::{BatchHeader, RecordBatch};
use super::checkpoint;
use super::leader_epochs::{self, EpochEntry};
use super::partition_log::BatchInfo;
use super::segment;
use crate::disk::{Disk, DiskError, HEADER_LENGTH};
use crate::ids::{Offset, TopicPartition};
use std::collections::BTreeMap;

/// What stands in a partition's directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inspection {
    /// Its batches, oldest first.
    pub batches: Vec<BatchInfo>,
    /// Base offsets of the batches that fail their CRC.
    pub damaged: Vec<Offset>,
    /// The lines of `leader-epoch-checkpoint`; none if there is no such file or it is malformed.
    pub epochs: Vec<EpochEntry>,
}

/// Looks at one partition's directory, such as `/kafka-logs/orders-0`.
///
/// # Errors
/// If there is no such directory or the disk fails.
pub fn partition(directory: &str, disk: &mut dyn Disk) -> Result<Inspection, DiskError> {
    let mut found = Inspection::default();
    for name in disk.list(directory)? {
        if let Some(base) = segment::base_offset(&name, ".log") {
            segment(directory, base, &mut found, disk)?;
        }
    }
    let path = format!("{directory}/{}", leader_epochs::FILE_NAME);
    found.epochs = checkpoint::read_epochs(&path, disk).unwrap_or_default();
    Ok(found)
}

/// Looks at every partition in a log directory, such as `/kafka-logs`. Empty if there is no such directory.
///
/// # Errors
/// If the disk fails.
pub fn log_directory(
    directory: &str,
    disk: &mut dyn Disk,
) -> Result<BTreeMap<TopicPartition, Inspection>, DiskError> {
    let names = match disk.list(directory) {
        Err(DiskError::NotFound) => Vec::new(),
        names => names?,
    };
    let mut found = BTreeMap::new();
    for name in names {
        let path = format!("{directory}/{name}");
        let Some(topic_partition) = TopicPartition::parse(&name) else { continue };
        if disk.list(&path).is_ok() {
            found.insert(topic_partition, partition(&path, disk)?);
        }
    }
    Ok(found)
}

fn segment(
    directory: &str,
    base: Offset,
    found: &mut Inspection,
    disk: &mut dyn Disk,
) -> Result<(), DiskError> {
    let file = disk.open(&segment::path(directory, base, ".log"), false)?;
    let size = disk.length(file);
    let mut position = 0;
    while position < size {
        let bytes = disk.read(file, position, HEADER_LENGTH)?;
        let whole = |header: &BatchHeader| {
            matches!(header.magic, 0..=2)
                && (header.length() as u64..=size - position).contains(&header.size())
                && header.base_offset.0.checked_add(i64::from(header.last_offset_delta)).is_some()
        };
        let Some(header) = BatchHeader::decode(&bytes).filter(whole) else { break };
        let start = position + header.length() as u64;
        let records = disk.read(file, start, header.size() as usize - header.length())?;
        found.batches.push(BatchInfo::of(&header));
        position += header.size();
        if !RecordBatch::new(header, records).is_valid() {
            found.damaged.push(header.base_offset);
        }
    }
    disk.close(file);
    Ok(())
}
