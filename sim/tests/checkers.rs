//! Every checker in running clusters: against its own recomputation from scratch, in worlds in which nothing may break,
//! and in worlds into which a fault was planted.
//!
//! Random worlds are drawn as data by proptest from fixed seeds, so that one that fails becomes as small as it can
//! before it is shown. `TRIAL_WORLDS=200` draws more of them.

mod checker_worlds;

use checker_worlds::random::{Faults, check_worlds};
use std::path::{Path, PathBuf};
use trial::scenario::parse;
use trial::scenario::run::{Budget, run_prepared};

/// Seeds of every scenario in every era.
const SEEDS: [u64; 3] = [0, 1, 2];

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(directory).expect("the directory can be read");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

#[test]
fn checkers_agree_with_a_full_look_in_every_scenario() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in its workspace");
    let mut files = Vec::new();
    walk(&root.join("scenarios"), &mut files);
    assert!(files.len() >= 4, "there are scenarios");
    for file in files {
        let ready = parse::read(&file, None, &[]).expect("scenarios are right");
        // The reference run is long, and the same in every era and from every seed but for the faults' timing.
        let is_long = file.ends_with("reference.json");
        for era in ready.eras.iter().take(if is_long { 1 } else { usize::MAX }) {
            for seed in SEEDS.into_iter().take(if is_long { 1 } else { SEEDS.len() }) {
                let prepare = |world: &mut trial::world::World| world.checks.compare_with_full();
                let result = run_prepared(&ready, era, seed, false, Budget::default(), &prepare);
                let result = result.expect("what it asks for can be");
                assert!(result.unmet.is_none(), "{} {era} {seed}", file.display());
            }
        }
    }
}

#[test]
fn checkers_agree_with_a_full_look_in_random_worlds_before_2_8() {
    for era in ["0.10.2", "1.1", "2.0.0", "2.0.1"] {
        check_worlds(era, Faults::Any, 5);
    }
}

#[test]
fn checkers_agree_with_a_full_look_in_random_worlds_from_2_8_on() {
    for era in ["2.8.0", "2.8.1", "3.0"] {
        check_worlds(era, Faults::Any, 5);
    }
}

#[test]
fn nothing_breaks_in_random_worlds_of_2_8_and_3_0() {
    for era in ["2.8.2", "3.0"] {
        check_worlds(era, Faults::Harmless, 8);
    }
}

#[test]
fn nothing_breaks_in_random_worlds_of_3_4_and_3_9() {
    for era in ["3.4", "3.9"] {
        check_worlds(era, Faults::Harmless, 8);
    }
}
