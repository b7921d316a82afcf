//! Conversion between message formats v1 and v2 (KIP-98), for clients on the other side of 0.11 than their brokers.
//!
//! - Up: a leader that writes v2 is sent a message set (Produce up to version 2). All its records become one batch, which
//!   then gets offset and epoch like any other (`LogValidator.convertAndAssignOffsetsNonCompressed`).
//! - Down: a consumer asks with a version of Fetch that cannot carry v2 (up to 3). Every record from the fetch offset on
//!   becomes an entry; headers and leader epochs are lost (`RecordsUtil.downConvert`). A producer of 0.11 or later does
//!   the same to what it sends to a leader of 0.10.2 (`Sender.sendProduceRequest`).
//!
//! What is converted up has passed its CRC before. Nobody checks it on the way down, as in Kafka, and what comes out has
//! a CRC that fits: an old consumer does not notice a rotten bit.
//!
//! Left out: compressed records, which nothing here opens; `message.format.version` and
//! `message.downconversion.enable`; brokers that write different formats (their logs would differ byte for byte).

use super::batch::RecordBatch;
use super::message_set::entry;
use super::records::{LOG_APPEND_TIME, Record, RecordsError, build};
use crate::command::ProducerRecord;
use crate::ids::Offset;
use crate::time::Timestamp;

/// The batch of format v2 that a message set becomes.
///
/// # Errors
/// If its records cannot be decoded, or there is none.
pub fn up(entries: &[RecordBatch]) -> Result<RecordBatch, RecordsError> {
    let given = |record: Record| {
        let Record { timestamp, key, value, headers, .. } = record;
        (timestamp, ProducerRecord { key, value, headers })
    };
    let records: Result<Vec<(Timestamp, ProducerRecord)>, RecordsError> =
        entries.iter().flat_map(RecordBatch::records).map(|record| record.map(given)).collect();
    let records = records?;
    if records.is_empty() { Err(RecordsError::Corrupt) } else { Ok(build(&records)) }
}

/// The entries of format v1 that the records of a batch become, from an offset on.
///
/// # Errors
/// If its records cannot be decoded.
pub fn down(batch: &RecordBatch, from: Offset) -> Result<Vec<RecordBatch>, RecordsError> {
    let attributes = batch.header.attributes & LOG_APPEND_TIME;
    let mut entries = Vec::new();
    for record in batch.records() {
        let record = record?;
        if record.offset >= from {
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            entries.push(entry(record.offset, attributes, record.timestamp, key, value));
        }
    }
    Ok(entries)
}

/// What a reader at `from` that knows format v1 alone is given of these batches. Entries of that format stay as they are.
///
/// # Errors
/// If the records of a batch cannot be decoded.
pub fn down_for_reader(batches: Vec<RecordBatch>, from: Offset) -> Result<Vec<RecordBatch>, RecordsError> {
    let mut converted = Vec::with_capacity(batches.len());
    for batch in batches {
        if batch.header.magic < 2 {
            converted.push(batch);
            continue;
        }
        let entries = down(&batch, from)?;
        converted.extend(entries.into_iter().map(|entry| entry.instead_of(&batch)));
    }
    Ok(converted)
}

/// What a reader was given, as it stands in the log: for those who watch.
pub fn as_in_the_log(batches: &mut Vec<RecordBatch>) {
    if batches.iter().all(|batch| batch.stands_for().is_none()) {
        return;
    }
    let mut standing: Vec<RecordBatch> = Vec::new();
    for batch in batches.drain(..) {
        let batch = batch.stands_for().cloned().unwrap_or(batch);
        if standing.last().is_none_or(|last| last.header != batch.header) {
            standing.push(batch);
        }
    }
    *batches = standing;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LeaderEpoch;
    use crate::log::message_set;
    use crate::log::records::seal;
    use bytes::Bytes;

    fn given() -> Vec<(Timestamp, ProducerRecord)> {
        let record = |key: Option<&'static str>, value: Option<&'static str>| ProducerRecord {
            key: key.map(Bytes::from),
            value: value.map(Bytes::from),
            headers: Vec::new(),
        };
        vec![
            (Timestamp(1000), record(Some("a"), Some("one"))),
            (Timestamp(990), record(None, None)),
            (Timestamp(1010), record(Some(""), Some("three"))),
        ]
    }

    /// A batch as it stands in a log.
    fn in_log(log_append_time: Option<Timestamp>) -> RecordBatch {
        let RecordBatch { mut header, records, .. } = build(&given());
        header.base_offset = Offset(7);
        header.partition_leader_epoch = LeaderEpoch(3);
        if let Some(wall) = log_append_time {
            header.attributes |= LOG_APPEND_TIME;
            header.max_timestamp = wall;
        }
        seal(header, records)
    }

    #[test]
    fn up_and_down_again_is_the_same() {
        let set = message_set::build(&given());
        let batch = up(&set).expect("decodable");
        assert_eq!(batch, build(&given()));
        assert_eq!(down(&batch, Offset::ZERO), Ok(set));
        assert_eq!(up(&[]), Err(RecordsError::Corrupt));
    }

    #[test]
    fn entries_keep_offsets_and_times_of_the_batch() {
        for wall in [None, Some(Timestamp(5000))] {
            let batch = in_log(wall);
            let entries = down(&batch, Offset(8)).expect("decodable");
            let from_the_batch = batch.records().skip(1).map(Result::unwrap);
            let from_entries: Vec<Record> =
                entries.iter().flat_map(RecordBatch::records).map(Result::unwrap).collect();
            assert_eq!(from_entries, from_the_batch.collect::<Vec<_>>());
            assert_eq!(from_entries[0].offset, Offset(8), "what lies before is not sent");
            for entry in entries {
                assert!(entry.is_valid());
                assert_eq!(entry.header.partition_leader_epoch, LeaderEpoch::NONE);
                assert_eq!(entry.header.attributes & LOG_APPEND_TIME != 0, wall.is_some());
            }
        }
    }

    #[test]
    fn a_rotten_bit_gets_a_crc_that_fits() {
        let good = in_log(None);
        let mut bytes = good.records.to_vec();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        let rotten = RecordBatch::new(good.header, bytes.into());
        assert!(!rotten.is_valid());
        let entries = down(&rotten, Offset(9)).expect("decodable");
        assert!(entries[0].is_valid());
        assert_ne!(Ok(entries), down(&good, Offset(9)));
    }

    #[test]
    fn what_was_read_is_known_by_what_stands_in_the_log() {
        let batch = in_log(None);
        let mut read = down_for_reader(vec![batch.clone()], Offset(8)).expect("decodable");
        assert_eq!(read.len(), 2);
        as_in_the_log(&mut read);
        assert_eq!(read, [batch]);
        let set = message_set::build(&given());
        let mut read = down_for_reader(set.clone(), Offset(0)).expect("decodable");
        as_in_the_log(&mut read);
        assert_eq!(read, set);
    }

    #[test]
    fn what_is_compressed_is_not_converted() {
        let mut batch = in_log(None);
        batch.header.attributes |= 1;
        assert_eq!(down(&batch, Offset::ZERO), Err(RecordsError::Compressed));
        let mut set = message_set::build(&given());
        set[1].header.attributes |= 1;
        assert_eq!(up(&set), Err(RecordsError::Compressed));
    }
}
