//! The simulated disk against a model that keeps whole files and copies everything.

use bytes::Bytes;
use kafka::disk::{Disk, DiskError, Extent, FileId, HEADER_LENGTH};
use proptest::prelude::*;
use std::collections::BTreeMap;
use trial::disk::{Journal, SimDisk};
use trial::world::Survives;

#[derive(Clone, Debug)]
enum Act {
    Create(u8),
    Append(u8, u8, bool),
    WriteAt(u8, u16, u8),
    Truncate(u8, u16),
    Flush(u8),
    Rename(u8, u8),
    Delete(u8),
    FlushDirectory,
    Fork,
    Kill,
    PowerLoss,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = 0u8..4;
    let act = prop_oneof![
        3 => name.clone().prop_map(Act::Create),
        12 => (name.clone(), 1u8..200, any::<bool>()).prop_map(|(n, l, b)| Act::Append(n, l, b)),
        1 => (name.clone(), any::<u16>(), 1u8..50).prop_map(|(n, p, l)| Act::WriteAt(n, p, l)),
        2 => (name.clone(), any::<u16>()).prop_map(|(n, p)| Act::Truncate(n, p)),
        3 => name.clone().prop_map(Act::Flush),
        1 => (name.clone(), name.clone()).prop_map(|(a, b)| Act::Rename(a, b)),
        1 => name.clone().prop_map(Act::Delete),
        1 => Just(Act::FlushDirectory),
        1 => Just(Act::Fork),
        1 => Just(Act::Kill),
        1 => Just(Act::PowerLoss),
    ];
    prop::collection::vec(act, 1..250)
}

/// The live bytes, the durable ones, and the shortest that a truncation has made the live ones since a flush.
type ModelFile = (Vec<u8>, Vec<u8>, Option<usize>);

#[derive(Clone, Debug, Default)]
struct Model {
    files: Vec<ModelFile>,
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
}

impl Model {
    /// Names and truncations are durable.
    fn commit_journal(&mut self) {
        self.durable = self.live.clone();
        for (_, durable, cut) in &mut self.files {
            durable.truncate(cut.take().unwrap_or(usize::MAX));
        }
    }

    /// The power is gone, and what is not durable with it.
    fn lose_all(&mut self) {
        for (live, durable, cut) in &mut self.files {
            live.clone_from(durable);
            *cut = None;
        }
        self.live = self.durable.clone();
    }

    fn check(&self, disk: &SimDisk) {
        let names: Vec<String> = self.live.keys().cloned().collect();
        assert_eq!(disk.paths(), names);
        for (path, file) in &self.live {
            assert_eq!(disk.read_path(path).as_deref(), Some(&self.files[*file].0[..]), "{path}");
        }
    }
}

fn path(name: u8) -> String {
    format!("/d/{name}")
}

fn bytes(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|index| (seed * 31 + index * 7) as u8).collect()
}

/// Plays `acts` on disk and model at once.
fn play(acts: &[Act], strict: bool) {
    let mut disk = SimDisk::new().with_journal(if strict { Journal::Strict } else { Journal::InOrder });
    disk.create_directory("/d").expect("no fault");
    disk.flush_directory("/").expect("no fault");
    let mut model = Model::default();
    let mut forks: Vec<(SimDisk, Model)> = Vec::new();
    let open = |disk: &mut SimDisk, name: u8| -> Option<FileId> {
        match disk.open(&path(name), false) {
            Err(DiskError::NotFound) => None,
            file => Some(file.expect("no fault")),
        }
    };
    for (number, act) in acts.iter().enumerate() {
        match act {
            Act::Create(name) => {
                disk.open(&path(*name), true).expect("no fault");
                if !model.live.contains_key(&path(*name)) {
                    model.files.push(Default::default());
                    model.live.insert(path(*name), model.files.len() - 1);
                }
            }
            Act::Append(name, length, batch) => {
                let Some(file) = open(&mut disk, *name) else { continue };
                let appended = bytes(number, usize::from(*length));
                let mut header = [0; HEADER_LENGTH];
                let extent = if *batch && appended.len() >= HEADER_LENGTH {
                    header.copy_from_slice(&appended[..HEADER_LENGTH]);
                    Extent::batch(header, Bytes::copy_from_slice(&appended[HEADER_LENGTH..]))
                } else {
                    Extent::plain(Bytes::copy_from_slice(&appended))
                };
                let position = disk.length(file);
                disk.append(file, extent.clone()).expect("no fault");
                assert_eq!(disk.extent(file, position), Ok(Some(extent)));
                model.files[model.live[&path(*name)]].0.extend(appended);
            }
            Act::WriteAt(name, position, length) => {
                let Some(file) = open(&mut disk, *name) else { continue };
                let live = &mut model.files[model.live[&path(*name)]].0;
                let position = usize::from(*position) % (live.len() + 10);
                let written = bytes(number, usize::from(*length));
                disk.write_at(file, position as u64, &written).expect("no fault");
                live.resize(live.len().max(position + written.len()), 0);
                live[position..position + written.len()].copy_from_slice(&written);
            }
            Act::Truncate(name, length) => {
                let Some(file) = open(&mut disk, *name) else { continue };
                let (live, _, cut) = &mut model.files[model.live[&path(*name)]];
                let length = usize::from(*length) % (live.len() + 1);
                disk.truncate(file, length as u64).expect("no fault");
                live.truncate(length);
                *cut = Some(cut.map_or(length, |cut| cut.min(length)));
                assert_eq!(disk.length(file), length as u64);
                let from = length.saturating_sub(100);
                assert_eq!(disk.read(file, from as u64, 1000).as_deref(), Ok(&live[from..]));
            }
            Act::Flush(name) => {
                let Some(file) = open(&mut disk, *name) else { continue };
                disk.flush(file).expect("no fault");
                let (live, durable, cut) = &mut model.files[model.live[&path(*name)]];
                durable.clone_from(live);
                *cut = None;
                if !strict {
                    model.commit_journal();
                }
            }
            Act::Rename(from, to) => {
                let renamed = disk.rename(&path(*from), &path(*to));
                match model.live.remove(&path(*from)) {
                    None => assert_eq!(renamed, Err(DiskError::NotFound)),
                    Some(file) => {
                        assert_eq!(renamed, Ok(()));
                        model.live.insert(path(*to), file);
                    }
                }
            }
            Act::Delete(name) => {
                let deleted = disk.delete(&path(*name));
                let expected = model.live.remove(&path(*name)).map(|_| ()).ok_or(DiskError::NotFound);
                assert_eq!(deleted, expected);
            }
            Act::FlushDirectory => {
                disk.flush_directory("/d").expect("no fault");
                model.durable = model.live.clone();
                if !strict {
                    model.commit_journal();
                }
            }
            Act::Fork => forks.push((disk.clone(), model.clone())),
            Act::Kill => disk.end_of_life(),
            Act::PowerLoss => {
                disk.power_loss(Survives::Nothing, &mut || unreachable!("nothing is drawn"));
                model.lose_all();
            }
        }
        model.check(&disk);
    }
    for (mut disk, mut model) in forks {
        model.check(&disk);
        disk.power_loss(Survives::Nothing, &mut || 0);
        model.lose_all();
        model.check(&disk);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_model_agree(acts in acts(), strict in any::<bool>()) {
        play(&acts, strict);
    }

    #[test]
    fn what_survives_is_a_prefix_with_a_torn_end(
        flushed in 0usize..150,
        unflushed in 0usize..150,
        draws in prop::collection::vec(any::<u64>(), 1..20),
        cut in any::<bool>(),
        strict in any::<bool>(),
    ) {
        let mut disk = SimDisk::new().with_journal(if strict { Journal::Strict } else { Journal::InOrder });
        let file = disk.open("/f", true).expect("no fault");
        let mut whole = Vec::new();
        for number in 0..flushed + unflushed {
            if number == flushed {
                disk.flush(file).expect("no fault");
            }
            let piece = bytes(number, 10);
            disk.append(file, Extent::plain(piece.clone().into())).expect("no fault");
            whole.extend(piece);
        }
        if unflushed == 0 {
            disk.flush(file).expect("no fault");
        }
        let least = if cut { flushed * 5 } else { flushed * 10 };
        if cut {
            disk.truncate(file, least as u64).expect("no fault");
        }
        let mut draws = draws.into_iter().cycle();
        disk.flush_directory("/").expect("no fault");
        disk.power_loss(Survives::SomePrefix, &mut || draws.next().expect("a cycle"));
        let left = disk.read_path("/f").expect("its name was flushed");
        prop_assert!(whole.starts_with(&left));
        prop_assert!(left.len() >= least);
        if cut {
            // What was cut off comes back only where the flush of a directory does not commit the truncation.
            prop_assert!(left.len() == least || strict && left.len() == flushed * 10);
        }
    }

    #[test]
    fn a_name_given_after_a_truncation_is_not_there_without_it(
        draws in prop::collection::vec(any::<u64>(), 1..20),
        any_subset in any::<bool>(),
    ) {
        let mut disk = SimDisk::new();
        let file = disk.open("/f", true).expect("no fault");
        disk.append(file, Extent::plain(vec![1; 10].into())).expect("no fault");
        disk.flush(file).expect("no fault");
        disk.truncate(file, 4).expect("no fault");
        disk.open("/later", true).expect("no fault");
        disk.append(file, Extent::plain(vec![2; 10].into())).expect("no fault");
        let mut draws = draws.into_iter().cycle();
        let survives = if any_subset { Survives::AnySubset } else { Survives::SomePrefix };
        disk.power_loss(survives, &mut || draws.next().expect("a cycle"));
        let left = disk.read_path("/f").expect("its name was flushed");
        prop_assert_eq!(&left[..4], &[1; 4]);
        let is_cut = left.len() == 4 || left[4] != 1;
        prop_assert!(is_cut || left.len() == 10, "it is cut or it is not");
        prop_assert!(is_cut || disk.read_path("/later").is_none(), "the journal is in order");
    }

    #[test]
    fn any_subset_leaves_zeros_where_a_write_was_lost(
        unflushed in 1usize..150,
        draws in prop::collection::vec(any::<u64>(), 1..20),
    ) {
        let mut disk = SimDisk::new();
        let file = disk.open("/f", true).expect("no fault");
        disk.append(file, Extent::plain(vec![255; 10].into())).expect("no fault");
        disk.flush(file).expect("no fault");
        for _ in 0..unflushed {
            disk.append(file, Extent::plain(vec![255; 10].into())).expect("no fault");
        }
        let mut draws = draws.into_iter().cycle();
        disk.power_loss(Survives::AnySubset, &mut || draws.next().expect("a cycle"));
        let left = disk.read_path("/f").expect("its name was flushed");
        prop_assert!(left.len() >= 10 && left.len() <= 10 + 10 * unflushed);
        prop_assert!(left[..10].iter().all(|byte| *byte == 255));
        prop_assert!(left.chunks(10).all(|piece| piece.iter().all(|byte| *byte == piece[0])));
        prop_assert!(left.last() == Some(&255), "a file does not end with what was lost");
    }
}
