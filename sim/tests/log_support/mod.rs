//! What the tests of log and disk share: vectors, settings, records.
#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Bytes;
use flate2::read::GzDecoder;
use kafka::command::ProducerRecord;
use kafka::config::TopicConfig;
use kafka::disk::{Disk, Extent};
use kafka::era::Era;
use kafka::ids::{LeaderEpoch, TopicPartition};
use kafka::log::batch::{MessageFormat, RecordBatch, RecordSet};
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::log::partition_log::{LogRules, PartitionLog};
use kafka::log::records;
use kafka::time::{Micros, Time, Timestamp};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use trial::disk::SimDisk;

/// The folder of a vector.
pub fn vector(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(path)
}

/// A vector's text, unpacked if its name ends in `.gz`.
pub fn text(path: &str) -> String {
    let bytes = std::fs::read(vector(path)).unwrap_or_else(|error| panic!("vector {path}: {error}"));
    let mut text = String::new();
    let read = match path.ends_with(".gz") {
        true => GzDecoder::new(&bytes[..]).read_to_string(&mut text),
        false => (&bytes[..]).read_to_string(&mut text),
    };
    read.unwrap_or_else(|error| panic!("vector {path}: {error}"));
    text
}

/// One JSON object a line.
pub fn lines(path: &str) -> Vec<Value> {
    text(path).lines().map(|line| serde_json::from_str(line).expect("a vector is JSON")).collect()
}

/// The facts of a recorded directory.
pub fn facts(set: &str, case: &str) -> Value {
    serde_json::from_str(&text(&format!("{set}/{case}/facts.json.gz"))).expect("facts are JSON")
}

/// The cases of a set of recorded directories, sorted.
pub fn cases(set: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(vector(set))
        .expect("the vector is committed")
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.path().join("facts.json.gz").exists())
        .map(|entry| entry.file_name().into_string().expect("plain names"))
        .collect();
    names.sort();
    names
}

/// The bytes of a recorded partition directory, by file name, sorted.
pub fn recorded(set: &str, case: &str) -> Vec<(String, Vec<u8>)> {
    let directory = vector(&format!("{set}/{case}/{case}-0"));
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("readable").path())
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("readable"))
        })
        .collect();
    files.sort();
    files
}

/// Bytes from hex.
pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// A whole number in a vector.
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("a number: {value}"))
}

/// Settings that never roll and never flush by themselves.
pub fn config() -> TopicConfig {
    TopicConfig {
        segment_bytes: 1 << 30,
        segment_ms: Micros::from_millis(7 * 24 * 3_600_000),
        segment_index_bytes: 10 << 20,
        index_interval_bytes: 4096,
        max_message_bytes: 1_048_588,
        flush_messages: i64::MAX as u64,
        flush_ms: None,
        min_insync_replicas: 1,
        unclean_leader_election: false,
        log_append_time: false,
        cleanup: kafka::config::CleanupPolicy { delete: true, compact: false },
    }
}

/// The rules of a release.
pub fn rules(release: &str) -> LogRules {
    LogRules::of(&era(release))
}

/// A release.
pub fn era(release: &str) -> Era {
    Era::parse(release).expect("a release")
}

/// The partition the tests use.
pub fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

/// A disk with an empty, durable log directory.
pub fn disk() -> SimDisk {
    let mut disk = SimDisk::new();
    disk.create_directory(LOG_DIRECTORY).expect("an empty disk");
    disk.flush_directory("/").expect("no fault");
    disk
}

/// A new log of the partition `orders-0` in a release.
pub fn new_log(release: &str, config: &TopicConfig, disk: &mut SimDisk) -> PartitionLog {
    PartitionLog::create_with(LOG_DIRECTORY, orders(), config, rules(release), Time::ZERO, disk)
        .expect("no fault")
}

/// A batch of `count` records, the first of which is stamped `timestamp`.
pub fn batch(count: usize, value: &str, timestamp: i64) -> RecordBatch {
    records::build(&some_records(count, value, timestamp))
}

/// The same as a message set of format v1.
pub fn message_set(count: usize, value: &str, timestamp: i64) -> RecordSet {
    RecordSet::build(MessageFormat::V1, &some_records(count, value, timestamp))
}

fn some_records(count: usize, value: &str, timestamp: i64) -> Vec<(Timestamp, ProducerRecord)> {
    let record = |index: usize| {
        let value = Bytes::from(format!("{value}.{index}"));
        let record = ProducerRecord { key: Some("k".into()), value: Some(value), headers: Vec::new() };
        (Timestamp(timestamp + index as i64), record)
    };
    (0..count).map(record).collect()
}

/// Appends a batch as the leader of `epoch`.
pub fn append(log: &mut PartitionLog, batch: RecordBatch, epoch: i32, disk: &mut SimDisk) -> RecordBatch {
    log.append_as_leader(batch, LeaderEpoch(epoch), Time::ZERO, Timestamp(1), disk).expect("no fault")
}

/// Writes a file, whole.
pub fn write(disk: &mut SimDisk, path: &str, bytes: &[u8]) {
    let file = disk.open(path, true).expect("no fault");
    disk.truncate(file, 0).expect("no fault");
    disk.append(file, Extent::plain(Bytes::copy_from_slice(bytes))).expect("no fault");
    disk.close(file);
}

/// The values of a log's records, in order.
pub fn values(log: &PartitionLog, disk: &mut SimDisk) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = log.start_offset();
    while from < log.end_offset() {
        let batches = log.read(from, log.end_offset(), u32::MAX, true, disk).expect("readable");
        let Some(last) = batches.last() else { break };
        from = last.header.next_offset();
        for record in batches.iter().flat_map(RecordBatch::records) {
            let value = record.expect("decodable").value.expect("a value");
            found.push(String::from_utf8(value.to_vec()).expect("text"));
        }
    }
    found
}
