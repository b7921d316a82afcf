//! Whole log directories as Kafka wrote them: ours reads them, and writes the same bytes.

mod log_support;

use bytes::Bytes;
use kafka::command::ProducerRecord;
use kafka::config::TopicConfig;
use kafka::disk::Disk;
use kafka::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use kafka::log::batch::{MessageFormat, RecordBatch, RecordSet};
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
    if let Some(bytes) = set("internal.segment.bytes").or_else(|| set("segment.bytes")) {
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
/// started and stopped in order again; in `leader-epochs` batches fall between these. Records are deleted from the front
/// if they were. Then the files must be the same.
fn relive(case: &str, batches: Vec<RecordBatch>) -> PartitionLog {
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
    let deleted = facts["steps"].as_array().into_iter().flatten();
    for before in deleted.filter_map(|step| step["deleteRecords before"].as_i64()) {
        log.advance_start_offset(Offset(before), &mut disk).expect("in the log");
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
    log
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
    let known = Known { clean, recovery_point: log.recovery_point(), start_offset: log.start_offset() };
    drop(log);
    disk.end_of_life();
    let (mut log, report) = open(case, config, known, disk).expect("sound");
    assert_eq!(report.from.is_some(), !clean);
    log.assign_epoch(LeaderEpoch(epoch), disk).expect("no fault");
    log
}

/// Uncompressed and of a plain producer: built from the records alone.
const PLAIN: [&str; 8] = [
    "codec-none",
    "sparse-index",
    "roll-by-size",
    "roll-by-time",
    "leader-epochs",
    "log-append-time",
    "compact-before",
    "delete-records",
];

/// Compressed, by the client or by the broker, or of producers with idempotence and transactions: never opened.
const OPAQUE: [&str; 8] = [
    "codec-gzip",
    "codec-lz4",
    "codec-snappy",
    "codec-zstd",
    "log-append-time-lz4",
    "broker-recompress-gzip",
    "idempotent",
    "transactions",
];

/// What the log cleaner, coordinators and a KRaft controller wrote: read, but nothing here writes it.
const READ_ONLY: [&str; 6] = [
    "compacted",
    "compacted-idempotent-gzip",
    "compacted-tombstone-gone",
    "__consumer_offsets",
    "__transaction_state",
    "__cluster_metadata",
];

#[test]
fn the_same_appends_give_the_same_files() {
    let mut all: Vec<&str> = [&PLAIN[..], &OPAQUE, &READ_ONLY].concat();
    all.sort_unstable();
    assert_eq!(all, cases("log-dir"), "every recorded directory is in one of the lists");
    let plain = PLAIN.map(|case| relive(case, produced(&facts("log-dir", case))));
    // They are appended as they came.
    let opaque = OPAQUE.map(|case| relive(case, arrived(case)));

    let logs = [plain, opaque].concat();
    let mut disk = disk();
    let opened =
        LogManager::open(LOG_DIRECTORY, BrokerId(1), &era("3.9.1"), &config(), &mut disk, Time::ZERO);
    let manager = opened.expect("an empty directory").manager;
    manager.checkpoint_recovery_points(&logs, &mut disk).expect("no fault");
    let ends = logs.iter().map(|log| (log.partition(), log.end_offset()));
    manager.checkpoint_high_watermarks(ends, &mut disk).expect("no fault");
    manager.checkpoint_log_start_offsets(&logs, &mut disk).expect("no fault");
    for (name, entries) in [
        ("recovery-point-offset-checkpoint", 16),
        ("replication-offset-checkpoint", 16),
        ("log-start-offset-checkpoint", 1),
    ] {
        let theirs = std::fs::read(vector(&format!("log-dir/log-dir-root/{name}"))).expect("committed");
        let theirs = sorted_lines(&theirs);
        let ours = sorted_lines(&disk.read_path(&format!("{LOG_DIRECTORY}/{name}")).expect("written"));
        assert_eq!((&ours[0], &ours[1]), (&theirs[0], &entries.to_string()), "{name}");
        assert!(ours[2..].iter().all(|line| theirs[2..].contains(line)), "{name}: {ours:?}");
        assert_eq!(ours.len(), 2 + entries, "{name}");
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
    for (set, broker) in [("log-dir", None), (OLD, Some(BrokerId(1)))] {
        let mut disk = disk();
        for name in [
            "recovery-point-offset-checkpoint",
            "replication-offset-checkpoint",
            "log-start-offset-checkpoint",
        ] {
            let Ok(bytes) = std::fs::read(vector(&format!("{set}/log-dir-root/{name}"))) else {
                assert_eq!((set, name), (OLD, "log-start-offset-checkpoint"));
                continue;
            };
            let path = format!("{LOG_DIRECTORY}/{name}");
            write(&mut disk, &path, &bytes);
            let offsets = checkpoint::read_offsets(&path, &mut disk).expect("Kafka wrote it");
            let flush = rules("3.9.1").directory_flush;
            checkpoint::write_offsets(LOG_DIRECTORY, name, offsets, flush, &mut disk).expect("no fault");
            let ours = disk.read_path(&path).expect("written");
            assert_eq!(sorted_lines(&ours), sorted_lines(&bytes), "{set}/{name}");
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

const OLD: &str = "log-dir-0.10.2.2";

#[test]
fn directories_of_0_10_2_read_as_their_facts_say() {
    let all = cases(OLD);
    assert_eq!(all.len(), 8);
    for case in &all {
        let facts = facts(OLD, case);
        let mut expected = Vec::new();
        for (name, bytes) in recorded(OLD, case) {
            let Some(batches) = facts["files"][&name]["batches"].as_array() else { continue };
            let bytes = Bytes::from(bytes);
            let read = message_set::read_all(&bytes);
            assert_eq!(read.len(), batches.len(), "{case}/{name}");
            let mut position = 0;
            for (message, facts) in read.iter().zip(batches) {
                assert_eq!(position as i64, number(&facts["position"]), "{case}");
                position += message.size();
                assert_eq!(i64::from(message.header.magic), number(&facts["magic"]), "{case}");
                assert_eq!(i64::from(message.header.attributes), number(&facts["attributes"]), "{case}");
                if let Some([record]) = facts["records"].as_array().map(Vec::as_slice) {
                    let read = message.records().next().expect("one record").expect("decodable");
                    assert!(same(&record["key"], read.key.as_deref()), "{case}");
                    assert!(same(&record["value"], read.value.as_deref()), "{case}");
                }
                expected.push(BatchInfo {
                    base_offset: Offset(number(&facts["baseOffset"])),
                    last_offset: Offset(number(&facts["lastOffset"])),
                    epoch: LeaderEpoch::NONE,
                    crc: number(&facts["crc"]) as u32,
                    size: number(&facts["size"]) as u32,
                    max_timestamp: Timestamp(number(&facts["timestamp"])),
                });
            }
            assert_eq!(position, bytes.len() as u64);
        }
        // By the release that wrote it, and by a newer one after an upgrade.
        for (release, known) in [("0.10.2.2", CLEAN), ("0.10.2.2", UNCLEAN), ("2.8.1", UNCLEAN)] {
            let mut disk = with_recorded(OLD, case);
            let (rules, settings) = (rules(release), settings(&facts));
            let opened = PartitionLog::open(
                LOG_DIRECTORY,
                partition(case),
                &settings,
                rules,
                known,
                Time::ZERO,
                &mut disk,
            );
            let (log, report) = opened.expect("sound");
            assert_eq!(log.batches(), expected, "{case}: every entry passes its CRC");
            assert_eq!((report.cut_bytes, report.deleted_segments), (0, 0), "{case}");
            assert_eq!(log.epochs(), [], "{case}");
            for (name, bytes) in recorded(OLD, case) {
                let now = disk.read_path(&format!("{LOG_DIRECTORY}/{case}-0/{name}"));
                if known.clean || name.ends_with(".log") {
                    assert_eq!(now.as_deref(), Some(&bytes[..]), "{case}/{name}");
                }
            }
            let read = log.read(Offset(1), log.end_offset(), u32::MAX, true, &mut disk).expect("in the log");
            assert_eq!(
                read.iter().map(info).collect::<Vec<_>>(),
                in_first_segment(&log, Offset(1)),
                "{case}"
            );
        }
    }
}

/// What a reader from `from` on finds in the log's first segment.
fn in_first_segment(log: &PartitionLog, from: Offset) -> Vec<BatchInfo> {
    let next = log.segments().nth(1).map_or(log.end_offset(), |segment| segment.base);
    let in_it = |info: &&BatchInfo| info.last_offset >= from && info.last_offset < next;
    log.batches().iter().filter(in_it).copied().collect()
}

fn info(batch: &RecordBatch) -> BatchInfo {
    BatchInfo::of(&batch.header)
}

/// What a producer of 0.10.2 sent in each step, built from the records alone; a compressed entry, which nothing here
/// makes, is taken from the recorded log, without what the broker has stamped on it.
fn sent_in_v1(case: &str, facts: &Value) -> Vec<RecordSet> {
    let steps = facts["steps"].as_array().expect("steps");
    let records = steps.iter().map(|step| {
        let records = step["produce"].as_array().expect("records").iter().map(|facts| {
            let (key, value) = (given(&facts["k"]), given(&facts["v"]));
            (Timestamp(number(&facts["ts"])), ProducerRecord { key, value, headers: Vec::new() })
        });
        records.collect::<Vec<_>>()
    });
    if facts["steps"][0]["producerConfig"]["compression.type"].as_str().is_none_or(|kind| kind == "none") {
        return records.map(|records| RecordSet::build(MessageFormat::V1, &records)).collect();
    }
    let files: Vec<_> = recorded(OLD, case).into_iter().filter(|(name, _)| name.ends_with(".log")).collect();
    assert_eq!(files.len(), 1, "{case}");
    let entries = message_set::read_all(&Bytes::from(files[0].1.clone()));
    assert_eq!(entries.len(), steps.len(), "{case}");
    let as_sent = |(entry, records): (RecordBatch, Vec<(Timestamp, ProducerRecord)>)| {
        let mut header = entry.header;
        header.base_offset = Offset::ZERO;
        header.last_offset_delta = records.len() as i32 - 1;
        header.attributes &= !records::LOG_APPEND_TIME;
        header.max_timestamp = records.iter().map(|(timestamp, _)| *timestamp).max().expect("some");
        RecordSet::Messages(vec![records::seal(header, entry.records)])
    };
    entries.into_iter().zip(records).map(as_sent).collect()
}

/// One life of a broker of 0.10.2.2: every topic is filled, then the broker stops in order. All files must be the same.
#[test]
fn the_same_appends_give_the_same_files_in_0_10_2() {
    let mut disk = SimDisk::new();
    let opened =
        LogManager::open(LOG_DIRECTORY, BrokerId(1), &era("0.10.2.2"), &config(), &mut disk, Time::ZERO);
    let mut manager = opened.expect("a new disk").manager;
    let mut logs = Vec::new();
    for case in cases(OLD) {
        let facts = facts(OLD, &case);
        let settings = settings(&facts);
        let mut log = manager.create(partition(&case), &settings, Time::ZERO, &mut disk).expect("no fault");
        for (step, set) in sent_in_v1(&case, &facts).into_iter().enumerate() {
            let results = facts["steps"][step]["results"].as_array().expect("results");
            let base_offset = log.end_offset();
            assert_eq!(base_offset.0, number(&results[0]["offset"]), "{case}: what the producer was told");
            let wall = Timestamp(number(&results[0]["timestamp"]));
            log.append_set_as_leader(set, LeaderEpoch(0), Time::ZERO, wall, &mut disk).expect("no fault");
            assert_eq!(log.end_offset() - base_offset, results.len() as i64, "{case}");
        }
        logs.push(log);
    }
    for log in &mut logs {
        log.close(Time::ZERO, &mut disk).expect("no fault");
    }
    manager.checkpoint_recovery_points(&logs, &mut disk).expect("no fault");
    let ends = logs.iter().map(|log| (log.partition(), log.end_offset()));
    manager.checkpoint_high_watermarks(ends, &mut disk).expect("no fault");
    manager.mark_clean_shutdown(&mut disk).expect("no fault");

    let mut compared = 0;
    for case in cases(OLD) {
        for (name, bytes) in recorded(OLD, &case) {
            let ours = disk.read_path(&format!("{LOG_DIRECTORY}/{case}-0/{name}"));
            assert_eq!(ours.as_deref(), Some(&bytes[..]), "{case}/{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 8 * 3 + 5 * 3, "five more segments where they roll");
    let ours = disk.paths().into_iter().filter(|path| path.contains("-0/"));
    assert_eq!(ours.count(), compared, "as many files");
    for name in ["recovery-point-offset-checkpoint", "replication-offset-checkpoint"] {
        let theirs = std::fs::read(vector(&format!("{OLD}/log-dir-root/{name}"))).expect("committed");
        let ours = disk.read_path(&format!("{LOG_DIRECTORY}/{name}")).expect("written");
        assert_eq!(sorted_lines(&ours), sorted_lines(&theirs), "{name}");
    }
    let unset = ["log-start-offset-checkpoint", ".kafka_cleanshutdown"].map(|name| {
        let theirs = std::fs::exists(vector(&format!("{OLD}/log-dir-root/{name}"))).expect("readable");
        (theirs, disk.read_path(&format!("{LOG_DIRECTORY}/{name}")).is_some())
    });
    assert_eq!(unset, [(false, false), (true, true)]);
}

/// A checkpoint's lines: version and count, then the entries, in any order.
fn sorted_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[2..].sort();
    lines
}
