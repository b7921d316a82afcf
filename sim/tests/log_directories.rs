//! Whole log directories as Kafka wrote them: ours reads them, and writes the same bytes.

mod log_support;

use bytes::Bytes;
use kafka::command::ProducerRecord;
use kafka::config::TopicConfig;
use kafka::disk::Disk;
use kafka::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use kafka::log::batch::RecordBatch;
use kafka::log::log_manager::{LOG_DIRECTORY, LogManager, OpenError};
use kafka::log::partition_log::{BatchInfo, LogError, PartitionLog};
use kafka::log::partition_metadata::{self, TopicId};
use kafka::log::recovery::{Known, Recovery};
use kafka::log::{checkpoint, inspect, message_set, records};
use kafka::time::{Micros, Time, Timestamp};
use log_support::{cases, config, disk, era, facts, hex, number, recorded, rules, vector, write};
use serde_json::Value;
use trial::disk::SimDisk;

fn partition(case: &str) -> TopicPartition {
    TopicPartition::new(case, 0)
}

/// A disk that holds one recorded directory.
fn with_recorded(set: &str, case: &str) -> SimDisk {
    let mut disk = disk();
    disk.create_directory(&format!("{LOG_DIRECTORY}/{case}-0")).expect("no fault");
    for (name, bytes) in recorded(set, case) {
        write(&mut disk, &format!("{LOG_DIRECTORY}/{case}-0/{name}"), &bytes);
    }
    disk
}

fn expected_batches(facts: &Value) -> Vec<BatchInfo> {
    let mut expected = Vec::new();
    for (name, file) in facts["files"].as_object().expect("files") {
        if name.ends_with(".log") {
            expected.extend(file["batches"].as_array().expect("batches").iter().map(|batch| BatchInfo {
                base_offset: Offset(number(&batch["baseOffset"])),
                last_offset: Offset(number(&batch["lastOffset"])),
                epoch: LeaderEpoch(number(&batch["partitionLeaderEpoch"]) as i32),
                crc: number(&batch["crc"]) as u32,
                size: number(&batch["size"]) as u32,
                max_timestamp: Timestamp(number(&batch["maxTimestamp"])),
            }));
        }
    }
    expected.sort();
    expected
}

fn open(
    case: &str,
    config: &TopicConfig,
    known: Known,
    disk: &mut SimDisk,
) -> Result<(PartitionLog, Recovery), LogError> {
    PartitionLog::open(LOG_DIRECTORY, partition(case), config, rules("3.9.1"), known, Time::ZERO, disk)
}

const CLEAN: Known = Known { clean: true, recovery_point: Offset::ZERO, start_offset: Offset::ZERO };
const UNCLEAN: Known = Known { clean: false, ..CLEAN };

#[test]
fn every_directory_reads_as_its_facts_say() {
    let all = cases("log-dir");
    assert_eq!(all.len(), 22);
    for case in &all {
        let facts = facts("log-dir", case);
        let expected = expected_batches(&facts);
        let mut disk = with_recorded("log-dir", case);
        let before: Vec<_> = disk.paths().into_iter().map(|path| (disk.read_path(&path), path)).collect();

        let seen = inspect::partition(&format!("{LOG_DIRECTORY}/{case}-0"), &mut disk).expect("readable");
        assert_eq!(seen.batches, expected, "{case}");
        assert_eq!(seen.damaged, [], "{case}");

        let (log, report) = open(case, &config(), CLEAN, &mut disk).expect("sound");
        assert_eq!(log.batches(), expected, "{case}");
        assert_eq!(report.cut_bytes, 0, "{case}");
        let end = expected.last().map_or(log.start_offset(), |last| last.last_offset + 1);
        assert_eq!(log.end_offset(), end, "{case}");
        let after: Vec<_> = disk.paths().into_iter().map(|path| (disk.read_path(&path), path)).collect();
        let epoch_file = |path: &str| path.ends_with("leader-epoch-checkpoint");
        for (before, after) in before.iter().zip(&after).filter(|(before, _)| !epoch_file(&before.1)) {
            assert_eq!(before, after, "{case}: opening after an orderly end changes nothing");
        }
        let text = facts["files"]["partition.metadata"]["text"].as_str();
        let id = text.and_then(|text| text.rsplit_once(' ')).and_then(|(_, id)| TopicId::parse(id));
        assert_eq!(log.topic_id(), id, "{case}");
        assert_eq!(partition_metadata::read(log.directory(), &mut disk), Ok(id), "{case}");

        let (log, report) = open(case, &config(), UNCLEAN, &mut disk).expect("sound");
        assert_eq!(log.batches(), expected, "{case}: every batch passes its CRC");
        assert_eq!((report.cut_bytes, report.deleted_segments), (0, 0), "{case}");
    }
}

#[test]
fn records_read_as_the_facts_say() {
    let mut compared = 0;
    for case in cases("log-dir") {
        let facts = facts("log-dir", &case);
        let mut disk = with_recorded("log-dir", &case);
        let (log, _) = open(&case, &config(), CLEAN, &mut disk).expect("sound");
        for (name, file) in facts["files"].as_object().expect("files") {
            for expected in file["batches"].as_array().into_iter().flatten() {
                assert!(name.ends_with(".log"));
                if expected["compression"] != "none" {
                    continue;
                }
                let offset = Offset(number(&expected["baseOffset"]));
                let read = log.read(offset, Offset(i64::MAX), 0, true, &mut disk).expect("in the log");
                assert_eq!(read.len(), 1, "{case} {offset}");
                let append_time = expected["timestampType"] == "LogAppendTime";
                let records = expected["records"].as_array().expect("records");
                assert_eq!(read[0].records().count(), records.len(), "{case} {offset}");
                for (record, expected) in read[0].records().zip(records) {
                    let record = record.expect("decodable");
                    assert_eq!(record.offset.0, number(&expected["offset"]), "{case}");
                    if !append_time {
                        assert_eq!(record.timestamp.0, number(&expected["timestamp"]), "{case}");
                    }
                    assert!(same(&expected["key"], record.key.as_deref()), "{case} {offset}");
                    assert!(same(&expected["value"], record.value.as_deref()), "{case} {offset}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

/// Whether these are the bytes in the facts: null, `{"utf8": text}`, `{"hex": digits}`, or plain text. Instead of long
/// text or digits the facts have how many they are, hash and head.
fn same(value: &Value, bytes: Option<&[u8]>) -> bool {
    let (text, is_hex) = match (value.get("utf8"), value.get("hex")) {
        (Some(text), _) => (text, false),
        (None, Some(digits)) => (digits, true),
        (None, None) => (value, false),
    };
    let decode = |text: &str| if is_hex { hex(text) } else { text.as_bytes().to_vec() };
    match (text, bytes) {
        (Value::Null, bytes) => bytes.is_none(),
        (Value::String(text), bytes) => bytes == Some(&decode(text)),
        (long, bytes) => bytes.is_some_and(|bytes| {
            (bytes.len() << u8::from(is_hex)) as i64 == number(&long["length"])
                && bytes.starts_with(&decode(long["head"].as_str().expect("a head")))
        }),
    }
}

/// The bytes that were produced. A long text is 800 numbered lines, as its head begins.
fn given(value: &Value) -> Option<Bytes> {
    let text = match (value, value["hex"].as_str(), value["head"].as_str()) {
        (Value::Null, ..) => return None,
        (Value::String(text), ..) => text.clone(),
        (_, Some(digits), _) => return Some(hex(digits).into()),
        (_, None, Some(head)) => {
            let first = head.trim_start_matches("line-").split(';').next().expect("a line");
            let first: u32 = first.parse().expect("a number");
            (first..first + 800).map(|number| format!("line-{number};")).collect()
        }
        _ => panic!("bytes: {value}"),
    };
    let bytes = Bytes::from(text.into_bytes());
    assert!(same(value, Some(&bytes)), "{value}");
    Some(bytes)
}

/// The batches that were produced, built from the records alone.
fn produced(facts: &Value) -> Vec<RecordBatch> {
    let steps = facts["steps"].as_array().expect("steps");
    let produced = steps.iter().filter_map(|step| step["produce"].as_array());
    produced
        .map(|batch| {
            let record = |facts: &Value| {
                let headers = facts["h"].as_array().into_iter().flatten();
                let record = ProducerRecord {
                    key: given(&facts["k"]),
                    value: given(&facts["v"]),
                    headers: headers
                        .map(|pair| (pair[0].as_str().expect("a name").to_owned(), given(&pair[1])))
                        .collect(),
                };
                (Timestamp(number(&facts["ts"])), record)
            };
            records::build(&batch.iter().map(record).collect::<Vec<_>>())
        })
        .collect()
}

/// A producer with idempotence would have put these into the header; nothing else of it shows.
fn with_producer(batch: RecordBatch, recorded: &Value) -> RecordBatch {
    let mut header = batch.header;
    header.producer_id = number(&recorded["producerId"]);
    header.producer_epoch = number(&recorded["producerEpoch"]) as i16;
    header.base_sequence = number(&recorded["baseSequence"]) as i32;
    records::seal(header, batch.records)
}

/// The recorded cluster's settings for a topic.
fn settings(facts: &Value) -> TopicConfig {
    let mut config = config();
    let set = |name: &str| {
        facts["topicConfigs"][name].as_str().map(|value| value.parse::<u64>().expect("a number"))
    };
    if let Some(bytes) = set("internal.segment.bytes") {
        config.segment_bytes = bytes;
    }
    if let Some(millis) = set("segment.ms") {
        config.segment_ms = Micros::from_millis(millis as i64);
    }
    if let Some(bytes) = set("index.interval.bytes") {
        config.index_interval_bytes = bytes;
    }
    config.log_append_time = facts["topicConfigs"]["message.timestamp.type"] == "LogAppendTime";
    config
}

/// Relives what the recorded cluster did: every batch is appended, then the broker is stopped in order, started, killed,
/// started and stopped in order again; in `leader-epochs` batches fall between these. Then the files must be the same.
fn relive(case: &str, batches: Vec<RecordBatch>) {
    let facts = facts("log-dir", case);
    let config = settings(&facts);
    let mut disk = disk();
    let recorded_batches: Vec<&Value> = facts["files"]
        .as_object()
        .expect("files")
        .iter()
        .filter(|(name, _)| name.ends_with(".log"))
        .flat_map(|(_, file)| file["batches"].as_array().expect("batches"))
        .collect();
    assert_eq!(batches.len(), recorded_batches.len(), "{case}");
    let rules = rules("3.9.1");
    let create =
        PartitionLog::create_with(LOG_DIRECTORY, partition(case), &config, rules, Time::ZERO, &mut disk);
    let mut log = create.expect("no fault");
    let mut lives = [0, 2, 4].into_iter().peekable();
    log.assign_epoch(LeaderEpoch(lives.next().expect("the first life")), &mut disk).expect("no fault");
    for (batch, recorded) in batches.into_iter().zip(recorded_batches) {
        let epoch = number(&recorded["partitionLeaderEpoch"]) as i32;
        while log.latest_epoch() != Some(LeaderEpoch(epoch)) {
            log = next_life(case, log, lives.next().expect("a life for every epoch"), &config, &mut disk);
        }
        let batch = with_producer(batch, recorded);
        let wall = Timestamp(number(&recorded["maxTimestamp"]));
        log.append_as_leader(batch, LeaderEpoch(epoch), Time::ZERO, wall, &mut disk).expect("no fault");
    }
    for epoch in lives {
        log = next_life(case, log, epoch, &config, &mut disk);
    }
    log.close(Time::ZERO, &mut disk).expect("no fault");

    let mut compared = 0;
    for (name, bytes) in recorded("log-dir", case) {
        if [".log", ".index", ".timeindex", "-checkpoint"].iter().any(|suffix| name.ends_with(suffix)) {
            let ours = disk.read_path(&format!("{LOG_DIRECTORY}/{case}-0/{name}"));
            assert_eq!(ours.as_deref(), Some(&bytes[..]), "{case}/{name}");
            compared += 1;
        }
    }
    let ours = disk.paths().into_iter().filter(|path| path.contains(&format!("/{case}-0/")));
    assert_eq!(ours.count(), compared, "{case}: as many files");
}

/// Epoch 2 follows an orderly end, epoch 4 a kill.
fn next_life(
    case: &str,
    mut log: PartitionLog,
    epoch: i32,
    config: &TopicConfig,
    disk: &mut SimDisk,
) -> PartitionLog {
    let clean = epoch == 2;
    if clean {
        log.close(Time::ZERO, disk).expect("no fault");
    }
    let known = Known { clean, recovery_point: log.recovery_point(), start_offset: Offset::ZERO };
    drop(log);
    disk.end_of_life();
    let (mut log, report) = open(case, config, known, disk).expect("sound");
    assert_eq!(report.from.is_some(), !clean);
    log.assign_epoch(LeaderEpoch(epoch), disk).expect("no fault");
    log
}

#[test]
fn the_same_appends_give_the_same_files() {
    for case in [
        "codec-none",
        "sparse-index",
        "roll-by-size",
        "roll-by-time",
        "leader-epochs",
        "log-append-time",
        "compact-before",
    ] {
        relive(case, produced(&facts("log-dir", case)));
    }
}

/// The batches of a directory as they came to the broker: before it stamped offset, epoch and time of append.
fn arrived(case: &str) -> Vec<RecordBatch> {
    const LOG_APPEND_TIME: i16 = 1 << 3;
    let mut disk = with_recorded("log-dir", case);
    let (log, _) = open(case, &config(), CLEAN, &mut disk).expect("sound");
    let stamped: Vec<Offset> = log.batches().iter().map(|batch| batch.base_offset).collect();
    let mut batches = Vec::new();
    for offset in stamped {
        let read = log.read(offset, Offset(i64::MAX), 0, true, &mut disk).expect("in the log");
        let RecordBatch { mut header, records, .. } = read[0].clone();
        header.base_offset = Offset::ZERO;
        header.partition_leader_epoch = LeaderEpoch::NONE;
        header.attributes &= !LOG_APPEND_TIME;
        batches.push(records::seal(header, records));
    }
    batches
}

/// Batches that are compressed, or of producers with idempotence and transactions, are never opened: they are appended
/// as they came.
#[test]
fn batches_that_are_not_opened_give_the_same_files() {
    for case in [
        "codec-gzip",
        "codec-lz4",
        "codec-snappy",
        "codec-zstd",
        "log-append-time-lz4",
        "idempotent",
        "transactions",
    ] {
        relive(case, arrived(case));
    }
}

#[test]
fn the_start_offset_trims_the_epoch_file() {
    let mut disk = with_recorded("log-dir", "delete-records");
    let path = format!("{LOG_DIRECTORY}/delete-records-0/leader-epoch-checkpoint");
    let recorded = disk.read_path(&path);
    let untrimmed = "0\n2\n0 0\n4 29\n";
    write(&mut disk, &path, untrimmed.as_bytes());
    let known = Known { start_offset: Offset(5), ..CLEAN };
    let (mut log, _) = open("delete-records", &config(), known, &mut disk).expect("sound");
    assert_eq!(log.start_offset(), Offset(5));
    log.assign_epoch(LeaderEpoch(4), &mut disk).expect("no fault");
    log.advance_start_offset(Offset(7), &mut disk).expect("in the log");
    assert_eq!(disk.read_path(&path), recorded);
    assert_eq!(log.read(Offset(6), Offset(29), 1, true, &mut disk), Err(LogError::OutOfRange));
    assert_eq!(log.advance_start_offset(Offset(30), &mut disk), Err(LogError::OutOfRange));
}

#[test]
fn checkpoints_of_a_log_directory_have_the_same_lines() {
    for (set, broker) in [("log-dir", None), ("log-dir-0.10.2.2", Some(BrokerId(1)))] {
        let mut disk = disk();
        for name in [
            "recovery-point-offset-checkpoint",
            "replication-offset-checkpoint",
            "log-start-offset-checkpoint",
        ] {
            let Ok(bytes) = std::fs::read(vector(&format!("{set}/log-dir-root/{name}"))) else {
                assert_eq!((set, name), ("log-dir-0.10.2.2", "log-start-offset-checkpoint"));
                continue;
            };
            let path = format!("{LOG_DIRECTORY}/{name}");
            write(&mut disk, &path, &bytes);
            let offsets = checkpoint::read_offsets(&path, &mut disk).expect("Kafka wrote it");
            let flush = rules("3.9.1").directory_flush;
            checkpoint::write_offsets(LOG_DIRECTORY, name, offsets, flush, &mut disk).expect("no fault");
            let sorted = |bytes: &[u8]| {
                let text = String::from_utf8(bytes.to_vec()).expect("text");
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                lines[2..].sort();
                lines
            };
            let ours = disk.read_path(&path).expect("written");
            assert_eq!(sorted(&ours), sorted(&bytes), "{set}/{name}");
        }
        let properties =
            std::fs::read(vector(&format!("{set}/log-dir-root/meta.properties"))).expect("committed");
        write(&mut disk, &format!("{LOG_DIRECTORY}/meta.properties"), &properties);
        let opened =
            LogManager::open(LOG_DIRECTORY, BrokerId(1), &era("2.0"), &config(), &mut disk, Time::ZERO);
        match broker {
            Some(_) => assert!(opened.is_ok_and(|opened| !opened.clean)),
            // A KRaft broker's directory: version 1, `node.id`.
            None => assert!(matches!(opened, Err(OpenError::InconsistentBrokerId { found: None }))),
        }
    }
}

#[test]
fn directories_of_0_10_2_are_read_and_never_cut() {
    let all = cases("log-dir-0.10.2.2");
    assert_eq!(all.len(), 8);
    for case in &all {
        let facts = facts("log-dir-0.10.2.2", case);
        for (name, bytes) in recorded("log-dir-0.10.2.2", case) {
            let Some(expected) = facts["files"][&name]["batches"].as_array() else { continue };
            let bytes = Bytes::from(bytes);
            let read = message_set::read_all(&bytes);
            assert_eq!(read.len(), expected.len(), "{case}/{name}");
            assert_eq!(read.iter().map(|message| message.size).sum::<usize>(), bytes.len());
            for (message, expected) in read.iter().zip(expected) {
                assert_eq!(message.position as i64, number(&expected["position"]), "{case}");
                assert_eq!(message.offset.0, number(&expected["baseOffset"]), "{case}");
                assert_eq!(message.offset.0, number(&expected["lastOffset"]), "{case}");
                assert_eq!(message.size as i64, number(&expected["size"]), "{case}");
                assert_eq!(i64::from(message.crc), number(&expected["crc"]), "{case}");
                assert_eq!(i64::from(message.attributes), number(&expected["attributes"]), "{case}");
                assert_eq!(message.timestamp.0, number(&expected["timestamp"]), "{case}");
                assert_eq!(message.is_compressed(), expected["compression"] != "none", "{case}");
                if let Some([record]) = expected["records"].as_array().map(Vec::as_slice) {
                    assert!(same(&record["key"], message.key.as_deref()), "{case}");
                    assert!(same(&record["value"], message.value.as_deref()), "{case}");
                }
            }
        }
        for known in [CLEAN, UNCLEAN] {
            let mut disk = with_recorded("log-dir-0.10.2.2", case);
            let before: Vec<_> = disk.paths().iter().map(|path| disk.read_path(path)).collect();
            assert!(matches!(open(case, &config(), known, &mut disk), Err(LogError::Corrupt)), "{case}");
            let after: Vec<_> = disk.paths().iter().map(|path| disk.read_path(path)).collect();
            assert_eq!(before, after, "{case}");
        }
    }
}
