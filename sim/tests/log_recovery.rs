//! What a log looks like after a life that did not end in order.

mod log_support;

use kafka::config::TopicConfig;
use kafka::disk::Disk;
use kafka::ids::{LeaderEpoch, Offset};
use kafka::log::inspect;
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::log::partition_log::{BatchInfo, LogError, PartitionLog};
use kafka::log::recovery::{Known, Recovery};
use kafka::time::Time;
use log_support::{append, batch, config, disk, new_log, orders, rules, values, write};
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
        if acts.iter().all(|act| !matches!(act, Act::Cut(_))) {
            prop_assert!(before.starts_with(again.batches()));
        }
        let mut next = Offset(0);
        while next < again.end_offset() {
            let batches = again.read(next, again.end_offset(), u32::MAX, true, &mut disk).expect("readable");
            prop_assert!(!batches.is_empty());
            for batch in &batches {
                prop_assert!(batch.is_valid());
                prop_assert_eq!(batch.header.base_offset, next);
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
