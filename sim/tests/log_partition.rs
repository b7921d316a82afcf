//! What one partition's log does in one life: append, read, roll, cut, flush.

mod log_support;

use kafka::disk::Disk;
use kafka::ids::{LeaderEpoch, Offset};
use kafka::log::leader_epochs::EpochEntry;
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::log::partition_log::{LogError, PartitionLog};
use kafka::log::records::LOG_APPEND_TIME;
use kafka::log::recovery::Known;
use kafka::time::{Micros, Time, Timestamp};
use log_support::{append, batch, config, disk, new_log, orders, rules, values};
use trial::disk::SimDisk;

const END: Offset = Offset(i64::MAX);

fn epochs(log: &PartitionLog) -> Vec<(i32, i64)> {
    log.epochs().iter().map(|EpochEntry { epoch, start }| (epoch.0, start.0)).collect()
}

fn file(disk: &SimDisk, name: &str) -> Option<String> {
    let bytes = disk.read_path(&format!("{LOG_DIRECTORY}/orders-0/{name}"))?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A log of ten batches with three records each; the epoch rises with every third batch.
fn ten(disk: &mut SimDisk, release: &str) -> PartitionLog {
    let mut log = new_log(release, &config(), disk);
    for number in 0..10 {
        append(&mut log, batch(3, &format!("m{number}"), 1000 + number * 10), number as i32 / 3, disk);
    }
    log
}

#[test]
fn the_leader_stamps_offset_and_epoch_and_the_crc_still_holds() {
    let mut disk = disk();
    let mut log = new_log("2.8.1", &config(), &mut disk);
    append(&mut log, batch(3, "a", 1000), 4, &mut disk);
    let second = append(&mut log, batch(2, "b", 2000), 5, &mut disk);
    assert_eq!(second.header.base_offset, Offset(3));
    assert_eq!(second.header.partition_leader_epoch, LeaderEpoch(5));
    assert!(second.is_valid());
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(0), Offset(5)));
    assert_eq!(log.read(Offset(4), END, 1000, true, &mut disk), Ok(vec![second]));
    assert_eq!(epochs(&log), [(4, 0), (5, 3)]);
    assert_eq!(file(&disk, "leader-epoch-checkpoint").as_deref(), Some("0\n2\n4 0\n5 3\n"));
}

#[test]
fn up_to_0_10_2_there_are_no_epochs() {
    let mut disk = disk();
    let mut log = new_log("0.10.2.1", &config(), &mut disk);
    let appended = append(&mut log, batch(1, "a", 1000), 4, &mut disk);
    log.assign_epoch(LeaderEpoch(9), &mut disk).expect("no fault");
    assert_eq!(appended.header.partition_leader_epoch, LeaderEpoch::NONE);
    assert_eq!(epochs(&log), []);
    assert_eq!(log.end_offset_for(LeaderEpoch(4)), None);
    assert_eq!(file(&disk, "leader-epoch-checkpoint"), None);
}

#[test]
fn log_append_time_is_the_brokers() {
    let mut disk = disk();
    let mut log =
        new_log("2.8.1", &kafka::config::TopicConfig { log_append_time: true, ..config() }, &mut disk);
    let appended =
        log.append_as_leader(batch(2, "a", 1000), LeaderEpoch(0), Time::ZERO, Timestamp(7777), &mut disk);
    let appended = appended.expect("no fault");
    assert!(appended.is_valid());
    assert_eq!(appended.header.attributes, LOG_APPEND_TIME);
    assert_eq!(
        (appended.header.base_timestamp, appended.header.max_timestamp),
        (Timestamp(1000), Timestamp(7777))
    );
    assert!(appended.records().all(|record| record.expect("decodable").timestamp == Timestamp(7777)));
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut disk = disk();
    let config = kafka::config::TopicConfig { max_message_bytes: 300, segment_bytes: 200, ..config() };
    let mut log = new_log("2.8.1", &config, &mut disk);
    append(&mut log, batch(1, "a", 1000), 0, &mut disk);
    let before = (disk.paths(), file(&disk, "00000000000000000000.log"), log.end_offset());

    let mut damaged = batch(1, "b", 1000);
    damaged.header.crc ^= 1;
    let mut miscounted = batch(2, "b", 1000);
    miscounted.header.last_offset_delta = 5;
    miscounted.header.crc = miscounted.header.compute_crc(&miscounted.records);
    let mut old = batch(1, "b", 1000);
    old.header.magic = 1;
    let mut shorter = batch(1, "b", 1000);
    shorter.records = shorter.records.slice(1..);
    for (batch, error) in [
        (damaged.clone(), LogError::Corrupt),
        (miscounted, LogError::Corrupt),
        (old, LogError::Corrupt),
        (shorter, LogError::Corrupt),
        (batch(1, &"x".repeat(300), 1000), LogError::TooLarge),
        (batch(1, &"x".repeat(180), 1000), LogError::LargerThanSegment),
    ] {
        let refused = log.append_as_leader(batch, LeaderEpoch(3), Time::ZERO, Timestamp(1), &mut disk);
        assert_eq!(refused, Err(error));
    }
    let mut early = batch(1, "b", 1000);
    for (base, error) in [(0, LogError::NotNext), (i64::MAX, LogError::Corrupt)] {
        early.header.base_offset = Offset(base);
        assert_eq!(log.append_as_follower(&early, Time::ZERO, &mut disk), Err(error));
    }
    damaged.header.base_offset = Offset(1);
    assert_eq!(log.append_as_follower(&damaged, Time::ZERO, &mut disk), Err(LogError::Corrupt));
    assert_eq!(before, (disk.paths(), file(&disk, "00000000000000000000.log"), log.end_offset()));
    assert_eq!(epochs(&log), [(0, 0)]);
}

#[test]
fn a_follower_keeps_what_its_leader_stamped() {
    let (mut leaders, mut followers) = (disk(), disk());
    let leader = ten(&mut leaders, "2.8.1");
    let mut follower = new_log("2.8.1", &config(), &mut followers);
    while follower.end_offset() < leader.end_offset() {
        let batches = leader.read(follower.end_offset(), END, 300, true, &mut leaders).expect("in the log");
        for batch in &batches {
            follower.append_as_follower(batch, Time::ZERO, &mut followers).expect("no fault");
        }
    }
    assert_eq!(follower.batches(), leader.batches());
    assert_eq!(follower.epochs(), leader.epochs());
    for name in ["00000000000000000000.log", "00000000000000000000.index", "leader-epoch-checkpoint"] {
        assert_eq!(file(&leaders, name), file(&followers, name), "{name}");
    }
}

#[test]
fn a_read_gives_whole_batches_below_its_limit() {
    let mut disk = disk();
    let log = ten(&mut disk, "2.8.1");
    let size = log.batches()[0].size;
    let read = |from, limit, bytes, one, disk: &mut SimDisk| {
        let batches = log.read(Offset(from), Offset(limit), bytes, one, disk)?;
        Ok(batches.iter().map(|batch| batch.header.base_offset.0).collect::<Vec<_>>())
    };
    // from, limit, bytes, at least one: base offsets
    for (from, limit, bytes, one, expected) in [
        (0, 30, size * 2, false, vec![0, 3]),
        (0, 30, size * 2 - 1, false, vec![0]),
        (4, 30, size, false, vec![3]), // from within a batch
        (0, 30, size - 1, false, vec![]),
        (0, 30, 0, true, vec![0]),
        (0, 6, u32::MAX, true, vec![0, 3]),
        (0, 5, u32::MAX, true, vec![0]), // the second batch reaches to the limit
        (3, 5, u32::MAX, true, vec![]),
        (30, 30, u32::MAX, true, vec![]),
        (27, 99, u32::MAX, true, vec![27]),
    ] {
        assert_eq!(read(from, limit, bytes, one, &mut disk), Ok(expected), "{from} {limit} {bytes} {one}");
    }
    for outside in [-1, 31] {
        assert_eq!(read(outside, 30, 1, true, &mut disk), Err(LogError::OutOfRange));
    }
}

#[test]
fn a_read_never_leaves_a_segment() {
    let mut disk = disk();
    let size = batch(3, "m0", 1000).size();
    let config = kafka::config::TopicConfig { segment_bytes: size * 2, ..config() };
    let mut log = new_log("2.8.1", &config, &mut disk);
    for number in 0..5 {
        append(&mut log, batch(3, &format!("m{number}"), 1000), 0, &mut disk);
    }
    let bases: Vec<i64> = log.segments().map(|segment| segment.base.0).collect();
    assert_eq!(bases, [0, 6, 12]);
    let mut seen = Vec::new();
    let mut from = Offset(0);
    while from < log.end_offset() {
        let batches = log.read(from, END, u32::MAX, true, &mut disk).expect("in the log");
        seen.push(batches.len());
        from = batches.last().expect("never nothing").header.next_offset();
    }
    assert_eq!(seen, [2, 2, 1]);
}

#[test]
fn segments_roll_by_time_of_records_and_by_clock() {
    let mut disk = disk();
    let config = kafka::config::TopicConfig { segment_ms: Micros::from_millis(1000), ..config() };
    let mut log = new_log("2.8.1", &config, &mut disk);
    for (timestamp, segments) in [(5000, 1), (6000, 1), (6001, 2), (3000, 2), (7001, 2), (7002, 3)] {
        append(&mut log, batch(1, "a", timestamp), 0, &mut disk);
        assert_eq!(log.segments().count(), segments, "{timestamp}");
    }
    // Without timestamps the clock counts.
    let mut log = PartitionLog::create_with(
        "/kafka-logs",
        kafka::ids::TopicPartition::new("plain", 0),
        &config,
        rules("2.8.1"),
        Time(0),
        &mut disk,
    )
    .expect("no fault");
    for (at, segments) in [(0, 1), (1_000_000, 1), (1_001_000, 2), (2_001_000, 2), (2_002_000, 3)] {
        let appended =
            log.append_as_leader(batch(1, "a", -1), LeaderEpoch(0), Time(at), Timestamp(1), &mut disk);
        appended.expect("no fault");
        assert_eq!(log.segments().count(), segments, "{at}");
    }
}

#[test]
fn a_segment_rolls_when_an_index_is_full() {
    let mut disk = disk();
    // Room for 3 time entries, of which one is kept for the roll: full with two.
    let config = kafka::config::TopicConfig { index_interval_bytes: 0, segment_index_bytes: 36, ..config() };
    let mut log = new_log("2.8.1", &config, &mut disk);
    for number in 0..7 {
        append(&mut log, batch(1, "a", 1000 + number), 0, &mut disk);
    }
    let bases: Vec<i64> = log.segments().map(|segment| segment.base.0).collect();
    assert_eq!(bases, [0, 3, 6]);
    assert_eq!(log.segments().map(|segment| segment.time_index.entries).collect::<Vec<_>>(), [2, 2, 0]);
}

#[test]
fn cutting_takes_whole_batches_with_indexes_and_epochs() {
    for at in 0..=31 {
        let mut disk = disk();
        let size = batch(3, "m0", 1000).size();
        let config =
            kafka::config::TopicConfig { segment_bytes: size * 4, index_interval_bytes: 0, ..config() };
        let mut log = new_log("2.8.1", &config, &mut disk);
        let mut appended = Vec::new();
        for number in 0..10 {
            let batch = batch(3, &format!("m{number}"), 1000 + number * 10);
            appended.push(append(&mut log, batch, number as i32 / 3, &mut disk));
        }
        let all_epochs = epochs(&log);
        log.flush(Time::ZERO, &mut disk).expect("no fault");
        let dropped = log.truncate_to(Offset(at), true, &mut disk).expect("no fault");

        let stays = appended.iter().filter(|batch| batch.header.last_offset() < Offset(at)).count();
        assert_eq!(dropped, appended[stays..], "cut at {at}");
        assert_eq!(log.batches().len(), stays);
        assert_eq!(log.end_offset(), Offset(at.min(30)));
        assert_eq!(log.recovery_point(), Offset(at.min(30)));
        let expected: Vec<(i32, i64)> = all_epochs.into_iter().filter(|(_, start)| *start < at).collect();
        assert_eq!(epochs(&log), expected, "cut at {at}");
        let bytes: usize = log.segments().map(|segment| segment.size as usize).sum();
        assert_eq!(bytes as u64, stays as u64 * size);
        for segment in log.segments() {
            let entries = segment.offset_index.entries;
            assert_eq!(disk.length(segment.log), segment.size);
            assert_eq!(disk.length(segment.offset_index.file), entries * 8);
            assert_eq!(disk.length(segment.time_index.file), segment.time_index.entries * 12);
            assert!(entries <= segment.size / size, "no entry beyond the cut at {at}");
        }
        if at % 3 == 0 && at < 30 {
            let again = appended[stays].clone();
            log.append_as_follower(&again, Time::ZERO, &mut disk).expect("it goes on where it was cut");
            assert_eq!(log.read(Offset(at), END, 1, true, &mut disk), Ok(vec![again]));
        }
    }
}

#[test]
fn a_cut_at_the_end_may_trim_the_epochs() {
    for (trims, left) in [(true, vec![(0, 0)]), (false, vec![(0, 0), (3, 2)])] {
        let mut disk = disk();
        let mut log = new_log("2.6.0", &config(), &mut disk);
        append(&mut log, batch(2, "a", 1000), 0, &mut disk);
        log.assign_epoch(LeaderEpoch(3), &mut disk).expect("no fault");
        assert_eq!(log.truncate_to(Offset(2), trims, &mut disk), Ok(Vec::new()));
        assert_eq!(epochs(&log), left);
    }
}

#[test]
fn emptied_and_started_elsewhere() {
    let mut disk = disk();
    let mut log = ten(&mut disk, "2.8.1");
    log.flush(Time::ZERO, &mut disk).expect("no fault");
    log.truncate_fully_and_start_at(Offset(100), &mut disk).expect("no fault");
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(100), Offset(100)));
    assert_eq!((log.recovery_point(), log.batches().len(), epochs(&log).len()), (Offset(30), 0, 0));
    let appended = append(&mut log, batch(1, "z", 1), 7, &mut disk);
    assert_eq!(appended.header.base_offset, Offset(100));
    assert_eq!(values(&log, &mut disk), ["z.0"]);
    assert!(disk.paths().contains(&"/kafka-logs/orders-0/00000000000000000100.log".to_owned()));
    assert!(!disk.paths().contains(&"/kafka-logs/orders-0/00000000000000000000.log".to_owned()));
    // A cut below the first segment empties it as well.
    assert_eq!(log.truncate_to(Offset(40), true, &mut disk).expect("no fault").len(), 1);
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(40), Offset(40)));
}

#[test]
fn timestamps_are_found() {
    let mut disk = disk();
    let mut log = new_log("2.8.1", &config(), &mut disk);
    for timestamp in [1000, 3000, 2000] {
        append(&mut log, batch(3, "a", timestamp), 0, &mut disk);
    }
    let mut find = |log: &PartitionLog, timestamp| {
        let found = log.offset_for_timestamp(Timestamp(timestamp), &mut disk).expect("decodable");
        found.map(|(offset, timestamp)| (offset.0, timestamp.0))
    };
    assert_eq!(find(&log, 0), Some((0, 1000)));
    assert_eq!(find(&log, 1001), Some((1, 1001)));
    assert_eq!(find(&log, 1500), Some((3, 3000)));
    assert_eq!(find(&log, 3002), Some((5, 3002)));
    assert_eq!(find(&log, 3003), None);
    let mut writes = disk.clone();
    log.advance_start_offset(Offset(4), &mut writes).expect("in the log");
    assert_eq!(log.offset_for_timestamp(Timestamp(0), &mut writes), Ok(Some((Offset(4), Timestamp(3001)))));
}

#[test]
fn flush_policies() {
    let mut disk = disk();
    let config = kafka::config::TopicConfig {
        flush_messages: 5,
        flush_ms: Some(Micros::from_millis(1000)),
        ..config()
    };
    let mut log = new_log("2.8.1", &config, &mut disk);
    let points: Vec<i64> = (0..4)
        .map(|_| {
            append(&mut log, batch(2, "a", 1000), 0, &mut disk);
            log.recovery_point().0
        })
        .collect();
    assert_eq!(points, [0, 0, 6, 6]);
    assert!(!log.flush_is_due(Time(999_999)) && log.flush_is_due(Time(1_000_000)));
    log.flush(Time(1_000_000), &mut disk).expect("no fault");
    assert_eq!(log.recovery_point(), Offset(8));
    assert!(!log.flush_is_due(Time(1_999_999)));
}

#[test]
fn a_roll_flushes_what_it_rolled_away() {
    let mut disk = disk();
    let size = batch(3, "m0", 1000).size();
    let mut log =
        new_log("3.0.2", &kafka::config::TopicConfig { segment_bytes: size * 2, ..config() }, &mut disk);
    for number in 0..3 {
        append(&mut log, batch(3, &format!("m{number}"), 1000), 0, &mut disk);
    }
    assert_eq!(log.recovery_point(), Offset(6));
    disk.power_loss(trial::world::Survives::Nothing, &mut || 0);
    let known = Known { clean: false, recovery_point: Offset(6), start_offset: Offset(0) };
    let opened =
        PartitionLog::open(LOG_DIRECTORY, orders(), &config(), rules("3.0.2"), known, Time::ZERO, &mut disk);
    let (log, _) = opened.expect("sound");
    assert_eq!(values(&log, &mut disk), ["m0.0", "m0.1", "m0.2", "m1.0", "m1.1", "m1.2"]);
}

#[test]
fn a_clone_is_a_log_of_its_own() {
    let mut disk = disk();
    let mut log = ten(&mut disk, "2.8.1");
    let (mut other, mut other_disk) = (log.clone(), disk.clone());
    append(&mut other, batch(1, "other", 1), 8, &mut other_disk);
    log.truncate_to(Offset(6), true, &mut disk).expect("no fault");
    assert_eq!((log.end_offset(), other.end_offset()), (Offset(6), Offset(31)));
    assert_eq!(values(&other, &mut other_disk).len(), 31);
    assert_eq!(values(&log, &mut disk).len(), 6);
}

#[test]
fn segments_below_the_start_go_and_the_last_one_stays() {
    let mut disk = disk();
    let small = kafka::config::TopicConfig { segment_bytes: 300, ..config() };
    let mut log = new_log("2.8.1", &small, &mut disk);
    for number in 0..10 {
        append(&mut log, batch(3, &format!("m{number}"), 1000 + number * 10), number as i32 / 3, &mut disk);
    }
    let bases = |log: &PartitionLog| log.segments().map(|segment| segment.base.0).collect::<Vec<i64>>();
    let all = bases(&log);
    assert!(all.len() >= 4, "{all:?}");
    let name = |base: i64| format!("{base:020}.log");
    assert!(!log.has_old_segments());

    // In the middle of the second segment: the first one goes.
    log.advance_start_offset(Offset(all[1] + 1), &mut disk).expect("in the log");
    assert!(log.has_old_segments());
    assert_eq!(file(&disk, &name(all[0])).map(|_| ()), Some(()), "it stays until somebody looks");
    assert_eq!(log.delete_old_segments(&mut disk), Ok(1));
    assert_eq!(bases(&log), all[1..]);
    assert_eq!(file(&disk, &name(all[0])), None);
    assert_eq!(log.batches()[0].base_offset, Offset(all[1]));
    assert_eq!(log.read(Offset(all[1]), END, 1000, true, &mut disk), Err(LogError::OutOfRange));
    let read = log.read(Offset(all[1] + 1), END, 1, true, &mut disk).expect("there");
    assert_eq!(read[0].header.base_offset, Offset(all[1]), "the batch comes whole");

    // All of it: the last segment stays, and the log goes on.
    log.advance_start_offset(log.end_offset(), &mut disk).expect("in the log");
    assert_eq!(log.delete_old_segments(&mut disk), Ok(all.len() - 2));
    assert_eq!(bases(&log), all[all.len() - 1..]);
    assert_eq!(epochs(&log), [(3, 30)]);
    let next = append(&mut log, batch(1, "n", 5000), 4, &mut disk);
    assert_eq!(log.read(Offset(30), END, 1, true, &mut disk), Ok(vec![next]));

    // The next life begins at the checkpoint, or where the first segment does.
    for (checkpointed, start) in [(30, 30), (0, *all.last().expect("there is one"))] {
        let known = Known { clean: false, recovery_point: Offset::ZERO, start_offset: Offset(checkpointed) };
        let opened =
            PartitionLog::open(LOG_DIRECTORY, orders(), &small, rules("2.8.1"), known, Time::ZERO, &mut disk);
        let (log, _) = opened.expect("sound");
        assert_eq!((log.start_offset(), log.end_offset()), (Offset(start), Offset(31)));
    }
}
