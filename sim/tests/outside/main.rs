//! A crate of somebody else depends on `trial` by path: it compiles without any flag, bare, and a run has the same
//! hash.
//!
//! Takes minutes, since everything is compiled once more; CI asks for it with `-- --ignored`.

use std::path::Path;
use std::process::Command;
use trial::scenario::parse::parse;
use trial::scenario::run::{first_era, run};
use trial::scenario::source::Source;
use trial::scenario::validate::validate;

const PROGRAM: &str = r#"//! Runs a scenario.
use trial::scenario::{parse, run};

fn main() {
    let file = std::env::args().nth(1).expect("a scenario");
    let ready = parse::read(std::path::Path::new(&file), None, &[]).unwrap_or_else(|problem| panic!("{problem}"));
    let result = run::run(&ready, run::first_era(&ready), 3, false).unwrap_or_else(|problem| panic!("{problem}"));
    println!("{:016x}", result.hash);
}
"#;

#[test]
#[ignore = "compiles everything once more"]
fn a_crate_outside_the_repository_runs_a_scenario_bare_with_the_same_hash() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scenario = package.join("../scenarios/truncation/high-watermark.json");
    let text = std::fs::read_to_string(&scenario).expect("the scenario can be read");
    let parsed = parse(Source::of("x.json", &text)).expect("the scenario is good");
    let ready = validate(parsed, None, &[]).expect("the scenario is good");
    let here = run(&ready, first_era(&ready), 3, false).expect("the scenario can be run").hash;

    let outside = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = outside.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("the directory is made");
        std::fs::write(path, text).expect("the file is written");
    };
    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ntrial = {{ path = {:?} }}\n\n[workspace]\n",
        package.display().to_string()
    );
    write("Cargo.toml", &manifest);
    write("src/main.rs", PROGRAM);
    let lock = std::fs::read_to_string(package.join("../Cargo.lock")).expect("the lock file");
    write("Cargo.lock", &lock);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--"])
        .arg(&scenario)
        .current_dir(outside.path())
        .env("CARGO_TARGET_DIR", outside.path().join("target"))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("{here:016x}"));
}
