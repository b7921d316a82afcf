//! What a log looks like after a life that did not end in order.

mod log_support;

use kafka::config::TopicConfig;
use kafka::disk::Disk;
use kafka::ids::{LeaderEpoch, Offset};
use kafka::log::inspect;
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::log::partition_log::{BatchInfo, LogError, PartitionLog};
use kafka::log::recovery::{Known, Recovery};
use kafka::time::{Time, Timestamp};
use log_support::{append, batch, config, disk, message_set, new_log, orders, rules, values, write};
use proptest::prelude::*;
use trial::disk::{Journal, SimDisk};
use trial::world::{DiskFault, Survives};

const UNCLEAN: Known = Known { clean: false, recovery_point: Offset(0), start_offset: Offset(0) };

fn open(
    known: Known,
    config: &TopicConfig,
    disk: &mut SimDisk,
) -> Result<(PartitionLog, Recovery), LogError> {
    PartitionLog::open(LOG_DIRECTORY, orders(), config, rules("2.8.2"), known, Time::ZERO, disk)
}

/// A log of `count` batches of two records in small segments with full indexes.
fn small(count: i64, disk: &mut SimDisk) -> (PartitionLog, TopicConfig) {
    let size = batch(2, "m0", 1000).size();
    let config = TopicConfig { segment_bytes: size * 3, index_interval_bytes: 0, ..config() };
    let mut log = new_log("2.8.2", &config, disk);
    for number in 0..count {
        append(&mut log, batch(2, &format!("m{number}"), 1000 + number * 10), number as i32 / 2, disk);
    }
    (log, config)
}

/// Everything in the partition's directory.
fn contents(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    disk.paths()
        .into_iter()
        .map(|path| (disk.read_path(&path).expect("listed").to_vec(), path))
        .map(|(bytes, path)| (path, bytes))
        .collect()
}

#[test]
fn after_a_kill_everything_is_there_and_the_indexes_are_the_same() {
    let mut disk = disk();
    let (log, config) = small(7, &mut disk);
    let before = contents(&disk);
    disk.end_of_life();
    let (again, report) = open(UNCLEAN, &config, &mut disk).expect("sound");
    assert_eq!(again.batches(), log.batches());
    assert_eq!(again.epochs(), log.epochs());
    assert_eq!((report.from, report.segments, report.cut_bytes), (Some(Offset(0)), 3, 0));
    let last_index = format!("{LOG_DIRECTORY}/orders-0/00000000000000000012.timeindex");
    for (before, after) in before.iter().zip(contents(&disk)) {
        // The active segment's time index has the entry that a close would have given it.
        if before.0 != last_index {
            assert_eq!(*before, after);
        }
    }
}

#[test]
fn only_what_was_not_flushed_is_scanned() {
    let mut disk = disk();
    let (mut log, config) = small(8, &mut disk);
    log.flush(Time::ZERO, &mut disk).expect("no fault");
    for (point, from, segments) in [(0, 0, 3), (6, 6, 2), (13, 12, 1), (16, 12, 1), (99, 12, 1)] {
        let mut disk = disk.clone();
        disk.end_of_life();
        let known = Known { recovery_point: Offset(point), ..UNCLEAN };
        let (log, report) = open(known, &config, &mut disk).expect("sound");
        assert_eq!((report.from, report.segments), (Some(Offset(from)), segments), "{point}");
        assert_eq!(log.recovery_point(), Offset(point.min(16)), "2.8 does not call it flushed");
    }
    disk.end_of_life();
    let known = Known { recovery_point: Offset(6), ..UNCLEAN };
    let old =
        PartitionLog::open(LOG_DIRECTORY, orders(), &config, rules("2.7.2"), known, Time::ZERO, &mut disk);
    assert_eq!(old.expect("sound").0.recovery_point(), Offset(16), "2.7 does");
}

#[test]
fn torn_at_every_byte_the_log_ends_with_its_last_whole_batch() {
    let mut disk = disk();
    let (log, config) = small(6, &mut disk);
    assert_eq!(log.segments().count(), 2);
    let path = format!("{LOG_DIRECTORY}/orders-0/00000000000000000006.log");
    let whole = disk.read_path(&path).expect("the second segment");
    let size = log.batches()[0].size as usize;
    disk.end_of_life();
    for length in 0..=whole.len() {
        for garbage in [0, 7] {
            let mut disk = disk.clone();
            write(&mut disk, &path, &[&whole[..length], &vec![0xa5; garbage]].concat());
            let (log, report) = open(UNCLEAN, &config, &mut disk).expect("it is cut");
            let left = 3 + length / size;
            assert_eq!(log.batches().len(), left, "torn at {length}");
            assert_eq!(report.cut_bytes as usize, length % size + garbage);
            assert_eq!(log.end_offset(), Offset(2 * left as i64));
            assert_eq!(log.latest_epoch(), Some(LeaderEpoch((left as i32 - 1) / 2)));
            assert_eq!(values(&log, &mut disk).len(), 2 * left);
        }
    }
}

#[test]
fn after_a_cut_nothing_later_stays() {
    let mut disk = disk();
    let (_, config) = small(9, &mut disk);
    disk.end_of_life();
    let rot = DiskFault::Rot { file: "orders-0/00000000000000000006.log".into(), position: 150 };
    assert!(disk.fault(rot));
    let seen = inspect::partition("/kafka-logs/orders-0", &mut disk.to_look_at()).expect("readable");
    assert_eq!(seen.batches.len(), 9);
    assert_eq!(seen.damaged, [Offset(8)]);
    let (log, report) = open(UNCLEAN, &config, &mut disk).expect("it is cut");
    assert_eq!((log.end_offset(), report.deleted_segments), (Offset(8), 1));
    assert!(!disk.exists(&format!("{LOG_DIRECTORY}/orders-0/00000000000000000012.log")));
    assert_eq!(log.latest_epoch(), Some(LeaderEpoch(1)));
    // The same rot in a flushed segment is not looked for, and goes out with the next read.
    let mut disk = log_support::disk();
    let (mut log, config) = small(9, &mut disk);
    log.close(Time::ZERO, &mut disk).expect("no fault");
    disk.end_of_life();
    assert!(disk.fault(DiskFault::Rot { file: "orders-0/00000000000000000006.log".into(), position: 150 }));
    let (log, report) = open(Known { clean: true, ..UNCLEAN }, &config, &mut disk).expect("sound");
    assert_eq!((log.end_offset(), report.from), (Offset(18), None));
    let read = log.read(Offset(8), Offset(18), 1, true, &mut disk).expect("a broker does not check");
    assert!(!read[0].is_valid());
}

#[test]
fn a_lost_index_is_built_anew() {
    for name in ["00000000000000000000.index", "00000000000000000006.timeindex"] {
        let mut disk = disk();
        let (mut log, config) = small(8, &mut disk);
        log.close(Time::ZERO, &mut disk).expect("no fault");
        disk.end_of_life();
        let before = contents(&disk);
        assert!(disk.fault(DiskFault::Lose { file: format!("orders-0/{name}") }));
        let (_, report) = open(Known { clean: true, ..UNCLEAN }, &config, &mut disk).expect("sound");
        assert_eq!((report.segments, report.cut_bytes), (1, 0));
        assert_eq!(contents(&disk), before, "{name}");
    }
}

#[test]
fn leftovers_go_and_an_empty_directory_gets_a_segment() {
    let mut disk = disk();
    disk.create_directory("/kafka-logs/orders-0").expect("no fault");
    for name in [
        "00000000000000000000.log.deleted",
        "00000000000000000003.index",
        "leader-epoch-checkpoint.tmp",
        "x.swap",
    ] {
        write(&mut disk, &format!("/kafka-logs/orders-0/{name}"), b"whatever");
    }
    let known = Known { start_offset: Offset(5), ..UNCLEAN };
    let (log, _) = open(known, &config(), &mut disk).expect("empty");
    assert_eq!((log.start_offset(), log.end_offset()), (Offset(5), Offset(5)));
    let names = disk.list("/kafka-logs/orders-0").expect("it exists");
    assert_eq!(
        names,
        ["00000000000000000005.index", "00000000000000000005.log", "00000000000000000005.timeindex"]
    );
}

#[test]
fn a_log_that_ends_below_its_start_is_emptied() {
    let mut disk = disk();
    let (_, config) = small(4, &mut disk);
    disk.end_of_life();
    let (log, report) =
        open(Known { start_offset: Offset(20), ..UNCLEAN }, &config, &mut disk).expect("emptied");
    assert_eq!((log.start_offset(), log.end_offset(), log.batches().len()), (Offset(20), Offset(20), 0));
    assert_eq!(log.epochs(), []);
    assert!(report.cut_bytes > 0);
}

#[test]
fn a_malformed_epoch_checkpoint_is_refused() {
    let mut disk = disk();
    let (_, config) = small(4, &mut disk);
    disk.end_of_life();
    write(&mut disk, "/kafka-logs/orders-0/leader-epoch-checkpoint", b"0\n2\n0 0\n");
    assert!(matches!(open(UNCLEAN, &config, &mut disk), Err(LogError::Corrupt)));
}

/// A cut is not flushed, and where flushing another file does not make it durable a power failure may undo it. What was
/// flushed behind it stays.
#[test]
fn a_cut_that_was_undone_does_not_take_with_it_what_came_after() {
    let mut disk = disk();
    let size = batch(3, "m0", 1000).size();
    let config = TopicConfig { segment_bytes: size * 3, ..config() };
    let mut log = new_log("3.0.0", &config, &mut disk);
    for number in 0..3 {
        append(&mut log, batch(3, &format!("m{number}"), 1000), 0, &mut disk);
    }
    log.flush(Time::ZERO, &mut disk).expect("no fault");
    let mut disk = disk.with_journal(Journal::Strict);
    log.truncate_to(Offset(6), true, &mut disk).expect("no fault");
    append(&mut log, batch(5, "m9", 1000), 1, &mut disk);
    log.flush(Time::ZERO, &mut disk).expect("no fault");
    assert_eq!(log.segments().count(), 2, "m9 did not fit");
    disk.power_loss(Survives::Nothing, &mut || 0);
    let known = Known { clean: false, recovery_point: Offset(6), start_offset: Offset(0) };
    let (again, report) = open(known, &config, &mut disk).expect("sound");
    assert_eq!(again.batches(), log.batches());
    assert_eq!((report.cut_bytes, report.deleted_segments), (size, 0));
}

/// What a life does to a log.
#[derive(Clone, Debug)]
enum Act {
    Append(u8),
    Flush,
    Cut(u8),
    Checkpoint,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (1u8..4).prop_map(Act::Append),
        1 => Just(Act::Flush),
        1 => any::<u8>().prop_map(Act::Cut),
        1 => Just(Act::Checkpoint),
    ];
    prop::collection::vec(act, 1..40)
}

/// Lives through `acts`; returns the log, the batches that were there at the last flush and since in every moment, and
/// the recovery point that a checkpoint would hold.
fn live(
    acts: &[Act],
    config: &TopicConfig,
    release: &str,
    disk: &mut SimDisk,
) -> (PartitionLog, Vec<BatchInfo>, Offset) {
    let mut log = new_log(release, config, disk);
    disk.flush_directory(LOG_DIRECTORY).expect("no fault");
    let mut flushed = Vec::new();
    let mut checkpointed = Offset(0);
    for (number, act) in acts.iter().enumerate() {
        match act {
            Act::Append(count) => {
                let batch = batch(usize::from(*count), &format!("m{number}"), 1000 + number as i64);
                append(&mut log, batch, number as i32 / 4, disk);
                let point = log.recovery_point();
                if flushed.last().is_none_or(|last: &BatchInfo| last.last_offset < point) {
                    flushed = log.batches().iter().filter(|info| info.last_offset < point).copied().collect();
                }
            }
            Act::Flush => {
                log.flush(Time::ZERO, disk).expect("no fault");
                flushed = log.batches().to_vec();
            }
            Act::Cut(at) => {
                let offset = Offset(i64::from(*at) % (log.end_offset().0 + 1));
                let whole = log.batches().iter().rfind(|info| info.last_offset < offset);
                let offset = whole.map_or(Offset(0), |info| info.last_offset + 1);
                log.truncate_to(offset, true, disk).expect("no fault");
                flushed.retain(|info| info.last_offset < offset);
                // Kafka checkpoints the recovery points after every truncation.
                checkpointed = checkpointed.min(log.recovery_point());
            }
            Act::Checkpoint => checkpointed = log.recovery_point(),
        }
    }
    (log, flushed, checkpointed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_flushed_survives_a_power_failure(
        acts in acts(),
        draws in prop::collection::vec(any::<u64>(), 1..64),
        survives in prop_oneof![
            Just(Survives::Nothing),
            Just(Survives::SomePrefix),
            Just(Survives::AnySubset),
            Just(Survives::TornTail)
        ],
        strict in any::<bool>(),
    ) {
        let (journal, release) = match strict {
            true => (Journal::Strict, "3.0.2"),
            false => (Journal::InOrder, "2.8.2"),
        };
        let mut disk = disk().with_journal(journal);
        let size = batch(3, "m0", 1000).size();
        let config = TopicConfig { segment_bytes: size * 3, index_interval_bytes: 100, ..config() };
        let (log, flushed, checkpointed) = live(&acts, &config, release, &mut disk);
        let mut draws = draws.into_iter().cycle();
        disk.power_loss(survives, &mut || draws.next().expect("a cycle"));

        let known = Known { clean: false, recovery_point: checkpointed, start_offset: Offset(0) };
        let opened = PartitionLog::open(
            LOG_DIRECTORY, orders(), &config, rules(release), known, Time::ZERO, &mut disk,
        );
        let (again, _) = opened.expect("it is mended");
        let before = log.batches();
        prop_assert!(again.batches().starts_with(&flushed), "{:?}\n{:?}", again.batches(), flushed);
        // Beyond what was flushed, either the log as it was or, where a cut was lost, what it had been before.
        let uncut = acts.iter().all(|act| !matches!(act, Act::Cut(_)));
        if uncut {
            prop_assert!(before.starts_with(again.batches()));
        }
        let mut next = Offset(0);
        while next < again.end_offset() {
            let batches = again.read(next, again.end_offset(), u32::MAX, true, &mut disk).expect("readable");
            if batches.is_empty() {
                prop_assert!(!uncut, "only a last segment without a batch may end beyond the last batch");
                break;
            }
            for batch in &batches {
                prop_assert!(batch.is_valid());
                // Of a cut one file may know and another not: then offsets are missing, as in Kafka.
                prop_assert!(batch.header.base_offset == next || (batch.header.base_offset > next && !uncut));
                next = batch.header.next_offset();
            }
        }
        let ends = again.epochs().iter().all(|entry| entry.start < again.end_offset());
        prop_assert!(ends, "{:?}", again.epochs());
    }

    #[test]
    fn a_kill_loses_nothing(acts in acts()) {
        let mut disk = disk();
        let size = batch(3, "m0", 1000).size();
        let config = TopicConfig { segment_bytes: size * 3, index_interval_bytes: 100, ..config() };
        let (log, _, checkpointed) = live(&acts, &config, "2.8.2", &mut disk);
        disk.end_of_life();
        let known = Known { clean: false, recovery_point: checkpointed, start_offset: Offset(0) };
        let (again, report) = open(known, &config, &mut disk).expect("sound");
        prop_assert_eq!(again.batches(), log.batches());
        prop_assert_eq!(again.epochs(), log.epochs());
        prop_assert_eq!(again.end_offset(), log.end_offset());
        prop_assert_eq!(report.cut_bytes, 0);
    }

    #[test]
    fn no_directory_makes_a_panic(
        damage in prop::collection::vec((any::<u16>(), any::<u16>(), any::<u8>(), 0u8..4), 1..6),
        clean in any::<bool>(),
        point in 0i64..40,
        start in 0i64..40,
    ) {
        let mut disk = disk();
        let (mut log, config) = small(8, &mut disk);
        log.close(Time::ZERO, &mut disk).expect("no fault");
        disk.end_of_life();
        for (which, at, byte, kind) in damage {
            let paths = disk.paths();
            let path = &paths[usize::from(which) % paths.len()];
            let mut bytes = disk.read_path(path).expect("listed").to_vec();
            let at = usize::from(at) % (bytes.len() + 1);
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.splice(at..at, [byte; 5]).for_each(drop),
                _ => bytes.iter_mut().skip(at).take(9).for_each(|hit| *hit = byte),
            }
            write(&mut disk, path, &bytes);
        }
        let known = Known { clean, recovery_point: Offset(point), start_offset: Offset(start) };
        let seen = inspect::partition("/kafka-logs/orders-0", &mut disk.to_look_at());
        prop_assert!(seen.is_ok());
        if let Ok((mut log, _)) = open(known, &config, &mut disk) {
            prop_assert!(log.start_offset() <= log.end_offset());
            let _ = log.read(log.start_offset(), log.end_offset(), u32::MAX, true, &mut disk);
            append(&mut log, batch(1, "after", 9999), 99, &mut disk);
            log.truncate_to(log.start_offset(), true, &mut disk).expect("no fault");
        }
    }
}

/// A log of message sets of two records each, as 0.10.2 writes them.
fn small_in_v1(count: i64, disk: &mut SimDisk) -> PartitionLog {
    let mut log = new_log("0.10.2.2", &config(), disk);
    for number in 0..count {
        let set = message_set(2, &format!("m{number}"), 1000 + number * 10);
        log.append_set_as_leader(set, LeaderEpoch(0), Time::ZERO, Timestamp(1), disk).expect("no fault");
    }
    log
}

fn open_in_v1(disk: &mut SimDisk) -> (PartitionLog, Recovery) {
    let rules = rules("0.10.2.2");
    PartitionLog::open(LOG_DIRECTORY, orders(), &config(), rules, UNCLEAN, Time::ZERO, disk)
        .expect("it is cut")
}

#[test]
fn before_v2_a_torn_append_leaves_its_first_records() {
    let mut disk = disk();
    let log = small_in_v1(3, &mut disk);
    assert_eq!(log.batches().len(), 6, "every record is an entry of its own");
    let path = format!("{LOG_DIRECTORY}/orders-0/00000000000000000000.log");
    let whole = disk.read_path(&path).expect("the segment");
    let size = log.batches()[0].size as usize;
    disk.end_of_life();
    for length in 0..=whole.len() {
        for garbage in [0, 7, 70] {
            let mut disk = disk.clone();
            write(&mut disk, &path, &[&whole[..length], &vec![0xa5; garbage]].concat());
            let (log, report) = open_in_v1(&mut disk);
            let left = length / size;
            assert_eq!(log.batches().len(), left, "torn at {length}");
            assert_eq!(report.cut_bytes as usize, length % size + garbage);
            assert_eq!(log.end_offset(), Offset(left as i64));
            assert_eq!(values(&log, &mut disk).len(), left);
            let seen = inspect::partition("/kafka-logs/orders-0", &mut disk.to_look_at()).expect("readable");
            assert_eq!((&seen.batches[..], &seen.damaged[..]), (log.batches(), &[][..]));
        }
    }
}

#[test]
fn before_v2_recovery_ends_at_the_first_damaged_entry() {
    let mut disk = disk();
    let log = small_in_v1(3, &mut disk);
    let size = i64::from(log.batches()[0].size);
    disk.end_of_life();
    for position in 2 * size..3 * size {
        let mut disk = disk.clone();
        let file = "orders-0/00000000000000000000.log".into();
        assert!(disk.fault(DiskFault::Rot { file, position }));
        // Until somebody checks it, it is handed out as it is.
        let known = Known { clean: true, ..UNCLEAN };
        let rules = rules("0.10.2.2");
        let unchecked = PartitionLog::open(
            LOG_DIRECTORY,
            orders(),
            &config(),
            rules,
            known,
            Time::ZERO,
            &mut disk.clone(),
        );
        assert!(unchecked.is_ok(), "byte {position}");
        let offset_rots = position < 2 * size + 8;
        let (log, _) = open_in_v1(&mut disk);
        // The CRC does not cover the offset: what a wrong one does not put before the entries it follows is taken.
        assert!(log.batches().len() == 2 || offset_rots, "byte {position}");
        assert_eq!(log.batches()[..2], small_in_v1(1, &mut log_support::disk()).batches()[..2]);
    }
}

#[test]
fn before_v2_a_damaged_entry_is_read_as_it_stands() {
    let mut disk = disk();
    let log = small_in_v1(3, &mut disk);
    let size = i64::from(log.batches()[0].size);
    for position in 2 * size + 8..3 * size {
        let mut disk = disk.clone();
        let file = "orders-0/00000000000000000000.log".into();
        assert!(disk.fault(DiskFault::Rot { file, position }));
        let read =
            log.read(Offset(1), Offset(6), u32::MAX, true, &mut disk).expect("a broker does not check");
        assert_eq!(read.len(), 5);
        assert!(read[0].is_valid() && !read[1].is_valid() && read[2].is_valid(), "byte {position}");
    }
}

#[test]
fn before_v2_the_index_is_built_anew_entry_by_entry() {
    let mut disk = disk();
    let config = TopicConfig { index_interval_bytes: 50, ..config() };
    let rules = rules("0.10.2.2");
    let mut log = new_log("0.10.2.2", &config, &mut disk);
    for number in 0..3 {
        let set = message_set(2, "m", 1000 + number * 10);
        log.append_set_as_leader(set, LeaderEpoch(0), Time::ZERO, Timestamp(1), &mut disk).expect("no fault");
    }
    let size = log.batches()[0].size as i32;
    assert_eq!(size, 38);
    let entries = |disk: &SimDisk| -> Vec<(i32, i32)> {
        let bytes = disk.read_path(&format!("{LOG_DIRECTORY}/orders-0/00000000000000000000.index"));
        let int = |bytes: &[u8]| i32::from_be_bytes(bytes.try_into().expect("four bytes"));
        bytes.expect("an index").chunks(8).map(|entry| (int(&entry[..4]), int(&entry[4..]))).collect()
    };
    assert_eq!(
        entries(&disk),
        [(2, 2 * size), (4, 4 * size)],
        "an append has one entry, of its first offset"
    );
    disk.end_of_life();
    PartitionLog::open(LOG_DIRECTORY, orders(), &config, rules, UNCLEAN, Time::ZERO, &mut disk)
        .expect("sound");
    assert_eq!(entries(&disk), [(2, 2 * size), (4, 4 * size)]);
    let tight = TopicConfig { index_interval_bytes: 0, ..config };
    disk.end_of_life();
    PartitionLog::open(LOG_DIRECTORY, orders(), &tight, rules, UNCLEAN, Time::ZERO, &mut disk)
        .expect("sound");
    assert_eq!(entries(&disk), [(1, size), (2, 2 * size), (3, 3 * size), (4, 4 * size), (5, 5 * size)]);
}
