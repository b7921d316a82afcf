//! A broker's log directory through its lives.

mod log_support;

use kafka::disk::{Disk, DiskError};
use kafka::ids::{BrokerId, Offset, TopicPartition};
use kafka::log::inspect;
use kafka::log::log_manager::{LOG_DIRECTORY, LogManager, OpenError, Opened};
use kafka::log::partition_log::{LogError, PartitionLog};
use kafka::log::partition_metadata::TopicId;
use kafka::time::Time;
use log_support::{append, batch, config, era, write};
use std::collections::BTreeMap;
use trial::disk::SimDisk;
use trial::world::{DiskFault, Survives};

fn open(release: &str, disk: &mut SimDisk) -> Result<Opened, OpenError> {
    LogManager::open(LOG_DIRECTORY, BrokerId(1), &era(release), &config(), disk, Time::ZERO)
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("orders", number)
}

fn text(disk: &SimDisk, name: &str) -> Option<String> {
    let bytes = disk.read_path(&format!("{LOG_DIRECTORY}/{name}"))?;
    Some(String::from_utf8(bytes.to_vec()).expect("text"))
}

/// A life that creates two logs, fills and flushes one and a half of them and checkpoints.
fn first_life(release: &str, disk: &mut SimDisk) -> (LogManager, Vec<PartitionLog>) {
    let mut manager = open(release, disk).expect("a new disk").manager;
    let mut logs = Vec::new();
    for number in 0..2 {
        let mut log = manager.create(partition(number), &config(), Time::ZERO, disk).expect("no fault");
        append(&mut log, batch(3, "flushed", 1000), 0, disk);
        log.flush(Time::ZERO, disk).expect("no fault");
        logs.push(log);
    }
    append(&mut logs[1], batch(3, "not flushed", 2000), 0, disk);
    manager.checkpoint_recovery_points(&logs, disk).expect("no fault");
    let high_watermarks = [(partition(0), Offset(3)), (partition(1), Offset(2))];
    manager.checkpoint_high_watermarks(high_watermarks, disk).expect("no fault");
    (manager, logs)
}

#[test]
fn a_new_disk_is_clean_and_gets_an_owner() {
    for (release, ours) in [("0.10.2.1", true), ("3.9.1", true)] {
        let mut disk = SimDisk::new();
        let opened = open(release, &mut disk).expect("a new disk");
        assert_eq!((opened.clean, opened.logs.len()), (ours, 0));
        let again = open(release, &mut disk).expect("its own");
        assert!(!again.clean, "the first life never ended in order");
        let other =
            LogManager::open(LOG_DIRECTORY, BrokerId(2), &era(release), &config(), &mut disk, Time::ZERO);
        assert!(matches!(other, Err(OpenError::InconsistentBrokerId { found: Some(BrokerId(1)) })));
        write(&mut disk, "/kafka-logs/meta.properties", b"\xff\xfe");
        assert!(matches!(open(release, &mut disk), Err(OpenError::InconsistentBrokerId { found: None })));
    }
}

#[test]
fn the_second_life_finds_what_the_first_left() {
    for release in ["0.10.2.1", "0.11.0.3", "2.7.2", "2.8.1", "3.9.1"] {
        let mut disk = SimDisk::new();
        let (manager, mut logs) = first_life(release, &mut disk);
        for log in &mut logs {
            log.close(Time::ZERO, &mut disk).expect("no fault");
        }
        manager.checkpoint_recovery_points(&logs, &mut disk).expect("no fault");
        manager.mark_clean_shutdown(&mut disk).expect("no fault");
        disk.end_of_life();
        let opened = open(release, &mut disk).expect("sound");
        assert!(opened.clean);
        assert_eq!(text(&disk, ".kafka_cleanshutdown"), None, "the mark is good for one start");
        let ends: Vec<_> =
            opened.logs.iter().map(|(partition, log, _)| (*partition, log.end_offset())).collect();
        assert_eq!(ends, [(partition(0), Offset(3)), (partition(1), Offset(6))]);
        assert!(opened.logs.iter().all(|(_, _, report)| report.from.is_none()));
        let expected = BTreeMap::from([(partition(0), Offset(3)), (partition(1), Offset(2))]);
        assert_eq!(opened.high_watermarks, expected);
        let epochs = text(&disk, "orders-0/leader-epoch-checkpoint");
        assert_eq!(epochs.as_deref(), (release != "0.10.2.1").then_some("0\n1\n0 0\n"), "{release}");
    }
}

#[test]
fn a_power_failure_takes_what_was_not_flushed() {
    for release in ["0.11.0.3", "3.9.1"] {
        let mut disk = SimDisk::new();
        first_life(release, &mut disk);
        disk.power_loss(Survives::Nothing, &mut || 0);
        let seen = inspect::log_directory(LOG_DIRECTORY, &mut disk.to_look_at()).expect("readable");
        assert_eq!(seen.values().map(|log| log.batches.len()).collect::<Vec<_>>(), [1, 1]);
        let opened = open(release, &mut disk).expect("sound");
        assert!(!opened.clean);
        assert!(
            opened.logs.iter().all(|(_, log, report)| log.end_offset() == Offset(3) && report.cut_bytes == 0)
        );
        // The rename of the last checkpoint is made durable only since 3.0.
        let known = opened.high_watermarks.len();
        assert_eq!(known, if release == "3.9.1" { 2 } else { 0 }, "{release}");
    }
}

#[test]
fn when_loading_fails_the_mark_stays_only_before_2_8() {
    for (release, stays) in [("2.7.2", true), ("2.8.0", false)] {
        let mut disk = SimDisk::new();
        let (manager, _) = first_life(release, &mut disk);
        manager.mark_clean_shutdown(&mut disk).expect("no fault");
        disk.end_of_life();
        write(&mut disk, "/kafka-logs/orders-1/leader-epoch-checkpoint", b"nonsense");
        let failed = open(release, &mut disk);
        assert!(
            matches!(failed, Err(OpenError::Malformed { partition: Some(failed) }) if failed == partition(1))
        );
        assert_eq!(text(&disk, ".kafka_cleanshutdown").is_some(), stays, "{release}");
    }
}

#[test]
fn checkpoints_that_can_be_done_without_may_be_malformed() {
    let mut disk = SimDisk::new();
    first_life("2.8.1", &mut disk);
    disk.end_of_life();
    write(&mut disk, "/kafka-logs/recovery-point-offset-checkpoint", b"0\nx");
    write(&mut disk, "/kafka-logs/log-start-offset-checkpoint", b"9\n");
    let opened = open("2.8.1", &mut disk).expect("from the start, then");
    assert!(opened.logs.iter().all(|(_, _, report)| report.from == Some(Offset(0))));
    disk.end_of_life();
    write(&mut disk, "/kafka-logs/replication-offset-checkpoint", b"0\n1\n");
    assert!(matches!(open("2.8.1", &mut disk), Err(OpenError::Malformed { partition: None })));
}

#[test]
fn start_offsets_are_checkpointed_from_0_11_on() {
    for (release, start) in [("0.10.2.2", 0), ("0.11.0.0", 2)] {
        let mut disk = SimDisk::new();
        let (manager, mut logs) = first_life(release, &mut disk);
        logs[1].advance_start_offset(Offset(2), &mut disk).expect("in the log");
        manager.checkpoint_log_start_offsets(&logs, &mut disk).expect("no fault");
        let expected = (start > 0).then_some("0\n1\norders 1 2\n");
        assert_eq!(text(&disk, "log-start-offset-checkpoint").as_deref(), expected);
        disk.end_of_life();
        let opened = open(release, &mut disk).expect("sound");
        assert_eq!(opened.logs[1].1.start_offset(), Offset(start));
    }
}

#[test]
fn a_deleted_partition_goes_after_a_minute() {
    let mut disk = SimDisk::new();
    let (mut manager, _) = first_life("2.8.1", &mut disk);
    manager.delete(partition(0), Time(5), &mut disk).expect("no fault");
    manager.create(partition(0), &config(), Time(6), &mut disk).expect("a new one may come at once");
    manager.delete(partition(0), Time(7), &mut disk).expect("no fault");
    let names = |disk: &mut SimDisk| {
        let names = disk.list(LOG_DIRECTORY).expect("it exists");
        names.into_iter().filter(|name| name.starts_with("orders")).collect::<Vec<_>>()
    };
    let deleted = |number: u32| format!("orders-0.{number:032}-delete");
    assert_eq!(names(&mut disk), [deleted(0), deleted(1), "orders-1".to_owned()]);
    assert_eq!(manager.next_deletion(), Some(Time(60_000_005)));
    manager.delete_due(Time(60_000_006), &mut disk).expect("no fault");
    assert_eq!(names(&mut disk), [deleted(1), "orders-1".to_owned()]);
    // What a life did not get to, the next one does.
    disk.end_of_life();
    let mut opened = open("2.8.1", &mut disk).expect("sound");
    assert_eq!(opened.logs.len(), 1);
    assert_eq!(opened.manager.next_deletion(), Some(Time(60_000_000)));
    opened.manager.delete_due(Time(60_000_000), &mut disk).expect("no fault");
    assert_eq!(names(&mut disk), ["orders-1"]);
}

#[test]
fn topic_ids_are_kept_from_2_8_on() {
    let mut disk = SimDisk::new();
    let (manager, mut logs) = first_life("2.8.1", &mut disk);
    assert!(manager.has_topic_ids());
    let id = TopicId::parse("w4Rv4KV2QqG2B7s7VHdLcQ").expect("an id");
    logs[0].assign_topic_id(id, &mut disk).expect("no fault");
    let written = text(&disk, "orders-0/partition.metadata");
    assert_eq!(written.as_deref(), Some("version: 0\ntopic_id: w4Rv4KV2QqG2B7s7VHdLcQ"));
    disk.end_of_life();
    let opened = open("2.8.1", &mut disk).expect("sound");
    assert_eq!((opened.logs[0].1.topic_id(), opened.logs[1].1.topic_id()), (Some(id), None));
    assert!(!open("2.7.2", &mut SimDisk::new()).expect("a new disk").manager.has_topic_ids());
}

#[test]
fn a_failing_disk_is_told() {
    let mut disk = SimDisk::new();
    let (manager, mut logs) = first_life("2.8.1", &mut disk);
    disk.fault(DiskFault::Full(true));
    let append = logs[0].append_as_leader(
        batch(1, "x", 1),
        kafka::ids::LeaderEpoch(0),
        Time::ZERO,
        kafka::time::Timestamp(1),
        &mut disk,
    );
    assert_eq!(append, Err(LogError::Disk(DiskError::Full)));
    let old = text(&disk, "replication-offset-checkpoint");
    let failed = manager.checkpoint_high_watermarks([(partition(0), Offset(9))], &mut disk);
    assert_eq!(failed, Err(LogError::Disk(DiskError::Full)));
    assert_eq!(text(&disk, "replication-offset-checkpoint"), old, "the old file stands");
    disk.fault(DiskFault::Broken(true));
    disk.end_of_life();
    assert!(matches!(open("2.8.1", &mut disk), Err(OpenError::Disk(DiskError::Io))));
}
