//! The example of somebody else's crate, `examples/own-tests`, outside the repository: it depends on `trial` by path, compiles
//! without any flag, bare (no madsim host), its tests pass, and its program comes to the same hashes as we do here.
//!
//! Takes minutes the first time, since everything is compiled once more; CI asks for it with `-- --ignored`.

use std::path::Path;
use std::process::Command;

/// What the example says of where `trial` is.
const PATH: &str = "path = \"../..\"";

/// Trials of each profile and release that must come to the same hashes.
const TRIALS: u64 = 10;

/// What else is run there: the hash over so many trials.
const HASHES: &str = r#"//! The hash over trials: profile, release, how many.
fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let trials = given[2].parse().expect("a number");
    let report = trial::explore(&given[0]).era(&given[1]).trials(trials).run().expect("there is such a release");
    println!("{:016x}", report.summary.hash);
}
"#;

/// Copies a directory, but for what is built and found.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the directory is made");
    for entry in std::fs::read_dir(from).expect("the directory is there") {
        let entry = entry.expect("the entry can be read");
        let (name, path) = (entry.file_name(), entry.path());
        if path.is_dir() && name != "target" && name != "found" {
            copy(&path, &to.join(name));
        } else if path.is_file() {
            std::fs::copy(&path, to.join(name)).expect("the file is copied");
        }
    }
}

#[test]
#[ignore = "compiles everything once more"]
fn the_example_passes_outside_the_repository_and_has_the_same_hashes() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outside = tempfile::tempdir().expect("a directory");
    copy(&package.join("examples/own-tests"), outside.path());
    let manifest = outside.path().join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("the manifest");
    assert!(text.contains(PATH), "the example depends on trial by its path");
    let text = text.replace(PATH, &format!("path = {:?}", package.display().to_string()));
    std::fs::write(&manifest, text).expect("the manifest is written");

    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(outside.path());
        // Kept, so that the next time takes seconds.
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside"));
        let flags = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_MANIFEST_DIR"];
        for name in flags.iter().chain(&["TRIAL_SEED", "TRIAL_SEEDS"]) {
            cargo.env_remove(name);
        }
        let output = cargo.output().expect("cargo starts");
        let (said, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "cargo {arguments:?}\n{said}\n{errors}");
        said.trim().to_owned()
    };
    cargo(&["test", "--quiet"]);
    std::fs::write(outside.path().join("examples/hashes.rs"), HASHES).expect("the program is written");
    for era in ["0.10.2", "1.1", "2.4", "2.8.0", "3.9"] {
        for profile in ["elections", "durability", "network", "everything"] {
            let report =
                trial::explore(profile).era(era).trials(TRIALS).run().expect("there is such a release");
            let there =
                cargo(&["run", "--quiet", "--example", "hashes", "--", profile, era, &TRIALS.to_string()]);
            assert_eq!(there, format!("{:016x}", report.summary.hash), "{profile} in {era}");
        }
    }
    for scenario in [
        "examples/own-tests/scenarios/outlives-its-leader.json",
        "../scenarios/truncation/high-watermark.json",
    ] {
        let scenario = package.join(scenario);
        let runs = trial::scenario(&scenario).seeds(3..4).run().expect("the scenario is good");
        let here = runs.iter().map(|run| {
            let result = &run.result;
            format!("{} {:016x} {}", result.era, result.hash, result.verdict)
        });
        let there = cargo(&["run", "--quiet", "--example", "run", "--", &scenario.display().to_string()]);
        assert_eq!(there.lines().collect::<Vec<_>>(), here.collect::<Vec<_>>());
    }
}
