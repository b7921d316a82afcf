//! Faults of the simulated disk, what its calls cost, and what its names do.

use kafka::disk::{Disk, DiskError, Extent, HEADER_LENGTH};
use kafka::time::Micros;
use trial::disk::{Journal, SimDisk};
use trial::world::{DiskFault, Survives};

fn disk() -> SimDisk {
    let mut disk = SimDisk::new();
    disk.create_directory("/kafka-logs").expect("no fault");
    disk
}

fn plain(bytes: &'static [u8]) -> Extent {
    Extent::plain(bytes.into())
}

#[test]
fn a_broken_disk_fails_every_call_until_it_is_mended() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    assert!(disk.fault(DiskFault::Broken(true)));
    assert_eq!(disk.append(file, plain(b"x")), Err(DiskError::Io));
    assert_eq!(disk.read(file, 0, 1), Err(DiskError::Io));
    assert_eq!(disk.extent(file, 0), Err(DiskError::Io));
    assert_eq!(disk.flush(file), Err(DiskError::Io));
    assert_eq!(disk.list("/kafka-logs"), Err(DiskError::Io));
    assert_eq!(disk.rename("/kafka-logs/a", "/kafka-logs/b"), Err(DiskError::Io));
    assert!(disk.fault(DiskFault::Broken(false)));
    assert_eq!(disk.append(file, plain(b"x")), Ok(()));
    assert_eq!(disk.length(file), 1);
}

#[test]
fn a_full_disk_can_be_read_and_tidied() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    disk.append(file, plain(b"xyz")).expect("no fault");
    disk.fault(DiskFault::Full(true));
    assert_eq!(disk.append(file, plain(b"x")), Err(DiskError::Full));
    assert_eq!(disk.open("/kafka-logs/b", true), Err(DiskError::Full));
    assert_eq!(disk.create_directory("/kafka-logs/c"), Err(DiskError::Full));
    assert_eq!(disk.read(file, 1, 9).as_deref(), Ok(&b"yz"[..]));
    assert_eq!(disk.flush(file), Ok(()));
    assert_eq!(disk.truncate(file, 1), Ok(()));
    assert_eq!(disk.delete("/kafka-logs/a"), Ok(()));
}

#[test]
fn rot_changes_one_bit_on_the_platter_and_in_no_copy() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    for _ in 0..100 {
        disk.append(file, Extent::batch([7; HEADER_LENGTH], vec![9; 39].into())).expect("no fault");
    }
    disk.flush(file).expect("no fault");
    let copy = disk.clone();
    let rot = |position| DiskFault::Rot { file: "a".into(), position };
    for (position, at) in [(150, 150), (161, 161), (-1, 9999), (9999, 9999)] {
        let mut disk = disk.clone();
        assert!(disk.fault(rot(position)));
        disk.power_loss(Survives::Nothing, &mut || 0);
        let (before, after) = (copy.read_path("/kafka-logs/a"), disk.read_path("/kafka-logs/a"));
        let (before, after) = (before.expect("it is there"), after.expect("it is there"));
        let changed: Vec<usize> = (0..before.len()).filter(|index| before[*index] != after[*index]).collect();
        assert_eq!(changed, [at], "{position}");
    }
    for outside in [10_000, -10_001] {
        assert!(!disk.fault(rot(outside)));
    }
    assert!(!disk.fault(DiskFault::Rot { file: "b".into(), position: 0 }));
}

#[test]
fn a_lost_file_is_gone_for_good() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    disk.append(file, plain(b"xyz")).expect("no fault");
    disk.flush(file).expect("no fault");
    assert!(disk.fault(DiskFault::Lose { file: "a".into() }));
    assert!(!disk.fault(DiskFault::Lose { file: "a".into() }));
    assert_eq!(disk.read(file, 0, 3).as_deref(), Ok(&b"xyz"[..]), "whoever has it open still reads it");
    disk.power_loss(Survives::Nothing, &mut || 0);
    assert!(!disk.exists("/kafka-logs/a"));
}

#[test]
fn a_wiped_disk_is_a_new_one_and_open_files_fail() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    disk.append(file, plain(b"xyz")).expect("no fault");
    disk.flush(file).expect("no fault");
    assert!(disk.fault(DiskFault::Wipe));
    assert_eq!(disk.append(file, plain(b"x")), Err(DiskError::Io));
    assert_eq!(disk.length(file), 0);
    assert_eq!(disk.open("/kafka-logs/a", true), Err(DiskError::NotFound));
    disk.end_of_life();
    assert_eq!(disk.paths(), Vec::<String>::new());
    assert_eq!(disk.create_directory("/kafka-logs"), Ok(()));
}

#[test]
#[should_panic(expected = "opened in an earlier life")]
fn a_file_does_not_stay_open_over_a_restart() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    disk.end_of_life();
    let _ = disk.append(file, plain(b"x"));
}

#[test]
fn calls_cost_time() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    disk.take_cost();
    disk.append(file, plain(b"x")).expect("no fault");
    assert_eq!(disk.take_cost(), Micros(1));
    disk.append(file, Extent::plain(vec![0; 1 << 20].into())).expect("no fault");
    assert_eq!(disk.take_cost(), Micros(17));
    disk.flush(file).expect("no fault");
    assert_eq!(disk.take_cost(), Micros(500));
    disk.set_flush_cost(Micros(2000));
    disk.fault(DiskFault::Slow(10));
    disk.flush(file).expect("no fault");
    assert_eq!(disk.extent(file, 0).map(|extent| extent.is_some()), Ok(true));
    assert_eq!(disk.take_cost(), Micros(20_010));
    assert_eq!(disk.take_cost(), Micros(0));
}

/// A directory with a flushed file and a renamed one; then something else is flushed, or nothing.
fn renamed(journal: Journal, flush_other: bool) -> SimDisk {
    let mut disk = disk().with_journal(journal);
    for name in ["old", "new"] {
        let file = disk.open(&format!("/kafka-logs/{name}"), true).expect("no fault");
        disk.append(file, Extent::plain(name.into())).expect("no fault");
        disk.flush(file).expect("no fault");
    }
    disk.flush_directory("/").expect("no fault");
    disk.flush_directory("/kafka-logs").expect("no fault");
    disk.rename("/kafka-logs/new", "/kafka-logs/old").expect("no fault");
    if flush_other {
        let other = disk.open("/other", true).expect("no fault");
        disk.flush(other).expect("no fault");
    }
    disk
}

#[test]
fn a_rename_has_happened_or_it_has_not() {
    let read = |disk: &SimDisk, name: &str| {
        disk.read_path(&format!("/kafka-logs/{name}")).map(|bytes| bytes.to_vec())
    };
    let back = (Some(b"old".to_vec()), Some(b"new".to_vec()));
    let done = (Some(b"new".to_vec()), None);
    for (journal, flush_other, expected) in [
        (Journal::InOrder, false, &back),
        (Journal::InOrder, true, &done),
        (Journal::Strict, false, &back),
        (Journal::Strict, true, &back),
    ] {
        let mut disk = renamed(journal, flush_other);
        disk.power_loss(Survives::Nothing, &mut || 0);
        assert_eq!((read(&disk, "old"), read(&disk, "new")), *expected, "{journal:?} {flush_other}");
    }
    for survives in [Survives::SomePrefix, Survives::AnySubset] {
        for (draw, expected) in [(0, &back), (1, &done)] {
            let mut disk = renamed(Journal::Strict, false);
            disk.power_loss(survives, &mut || draw);
            assert_eq!((read(&disk, "old"), read(&disk, "new")), *expected, "{survives:?} {draw}");
        }
    }
}

#[test]
fn a_directory_comes_back_whole() {
    let mut disk = disk();
    disk.create_directory("/kafka-logs/orders-0").expect("no fault");
    let file = disk.open("/kafka-logs/orders-0/log", true).expect("no fault");
    disk.append(file, plain(b"xyz")).expect("no fault");
    disk.flush(file).expect("no fault");
    disk.rename("/kafka-logs/orders-0", "/kafka-logs/orders-0.0-delete").expect("no fault");
    disk.remove_directory("/kafka-logs/orders-0.0-delete").expect("no fault");
    assert_eq!(disk.paths(), Vec::<String>::new());
    disk.power_loss(Survives::Nothing, &mut || 0);
    assert_eq!(disk.read_path("/kafka-logs/orders-0/log").as_deref(), Some(&b"xyz"[..]));
}

#[test]
fn files_without_a_name_are_forgotten() {
    let mut disk = disk();
    for number in 0..2000u32 {
        let file = disk.open("/kafka-logs/c.tmp", true).expect("no fault");
        disk.append(file, Extent::plain(number.to_string().into_bytes().into())).expect("no fault");
        disk.flush(file).expect("no fault");
        disk.close(file);
        disk.rename("/kafka-logs/c.tmp", "/kafka-logs/c").expect("no fault");
    }
    assert_eq!(disk.read_path("/kafka-logs/c").as_deref(), Some(&b"1999"[..]));
    let newest = disk.open("/kafka-logs/d", true).expect("no fault");
    assert!(newest.0 & 0xff_ffff < 200, "slots are used again: {newest:?}");
}

#[test]
fn a_torn_tail_leaves_half_of_the_last_write_of_each_file() {
    let mut disk = disk();
    for (name, writes, flushed) in [("a", 3, 1), ("b", 1, 1), ("c", 0, 0)] {
        let file = disk.open(&format!("/kafka-logs/{name}"), true).expect("no fault");
        for write in 0..writes {
            disk.append(file, plain(b"wxyz")).expect("no fault");
            if write < flushed {
                disk.flush(file).expect("no fault");
            }
        }
    }
    disk.power_loss(Survives::TornTail, &mut || unreachable!("nothing is drawn"));
    let left = |name: &str| disk.read_path(&format!("/kafka-logs/{name}")).map(|bytes| bytes.to_vec());
    assert_eq!(left("a").as_deref(), Some(&b"wxyzwxyzwx"[..]));
    assert_eq!(left("b").as_deref(), Some(&b"wxyz"[..]), "all of it was flushed");
    assert_eq!(left("c").as_deref(), Some(&b""[..]), "a name survives");
}

#[test]
fn a_bad_sector_spoils_reading_and_nothing_else() {
    let mut disk = disk();
    let file = disk.open("/kafka-logs/a", true).expect("no fault");
    let other = disk.open("/kafka-logs/b", true).expect("no fault");
    disk.append(file, plain(b"xyz")).expect("no fault");
    let unreadable = |fails| DiskFault::Unreadable { file: "a".into(), fails };
    assert!(disk.fault(unreadable(true)));
    assert_eq!(disk.read(file, 0, 3), Err(DiskError::Io));
    assert_eq!(disk.extent(file, 0), Err(DiskError::Io));
    assert_eq!(disk.append(file, plain(b"x")), Ok(()));
    assert_eq!(disk.read(other, 0, 3).as_deref(), Ok(&b""[..]));
    assert!(disk.fault(unreadable(false)));
    assert_eq!(disk.read(file, 0, 9).as_deref(), Ok(&b"xyzx"[..]));
    assert!(!disk.fault(DiskFault::Unreadable { file: "c".into(), fails: true }), "there is no such file");
}

#[test]
fn what_is_written_back_survives_names_and_all() {
    for (written_back, left) in [(false, None), (true, Some(&b"xyz"[..]))] {
        let mut disk = disk().with_journal(Journal::Strict);
        let file = disk.open("/kafka-logs/a", true).expect("no fault");
        disk.append(file, plain(b"xyz")).expect("no fault");
        if written_back {
            assert!(disk.fault(DiskFault::WrittenBack));
        }
        disk.power_loss(Survives::Nothing, &mut || 0);
        assert_eq!(disk.read_path("/kafka-logs/a").as_deref(), left);
    }
}
