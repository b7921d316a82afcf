//! Recordings of real clusters: ours shows the same, step by step.
//!
//! A test each, named by release and story: `2.8.2/leader-killed`. `TRIAL_CLUSTERS=DIRECTORY`: others than those in
//! `sim/vectors/clusters`. What had to be forced stands in a snapshot, so that a race that was none before is seen
//! (`TRIAL_BLESS=1` writes it). A recording with one fact changed must differ in that step.

mod json_files;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trial::recording::compare::{compare, compare_within};
use trial::recording::file::Recording;
use trial::recording::report;
use trial::scenario::source::Source;

/// Where what was forced is kept.
const FORCED: &str = "sim/tests/snapshots/recordings";

fn main() -> std::process::ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in its workspace");
    std::env::set_current_dir(root).expect("the repository is there");
    let given = std::env::var_os("TRIAL_CLUSTERS").map(PathBuf::from);
    let directory = given.clone().unwrap_or_else(|| PathBuf::from("sim/vectors/clusters"));
    let files = json_files::below(&directory);
    assert!(!files.is_empty(), "there are recordings in {}", directory.display());
    let is_ours = given.is_none();
    let mut tests = Vec::new();
    for file in files {
        let name = file.strip_prefix(&directory).expect("it was found there").with_extension("");
        let name = name.display().to_string();
        let (again, shown) = (file.clone(), name.clone());
        tests.push(Trial::test(name.clone(), move || equal(&file, is_ours.then_some(&shown))));
        if is_ours {
            tests.push(Trial::test(format!("{name}::changed"), move || changed(&again)));
        }
    }
    if is_ours {
        tests.push(Trial::test("bad input", bad_input));
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Ours shows what was recorded; what was forced is what was forced before.
fn equal(file: &Path, name: Option<&String>) -> Result<(), Failed> {
    let recording = Recording::read(file).map_err(|problem| problem.render(false))?;
    let comparison = compare(&recording);
    let told = report::told(&recording, &comparison);
    if comparison.difference.is_some() {
        return Err(Failed::from(told));
    }
    let Some(name) = name else { return Ok(()) };
    let path = format!("{FORCED}/{name}.snap");
    if std::fs::read_to_string(&path).is_ok_and(|kept| kept == told) {
        return Ok(());
    }
    if std::env::var_os("TRIAL_BLESS").is_some_and(|wanted| wanted == "1") {
        let directory = Path::new(&path).parent().expect("it lies in a directory");
        std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
        std::fs::write(&path, told).map_err(|error| error.to_string())?;
        return Ok(());
    }
    Err(Failed::from(format!("{path} differs; TRIAL_BLESS=1 accepts it\n{told}")))
}

/// One fact after the other is changed: each is a difference, in its step.
fn changed(file: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let whole: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let looked = |step: &Value| step["then"].is_object();
    let steps = whole["steps"].as_array().expect("it has steps");
    let first = steps.iter().position(looked).expect("somebody looked");
    // The first step that has something in the logs, and is played before anything is forced.
    let written =
        steps.iter().position(|step| looked(step) && step.pointer("/then/replicas/0/1/batches/0").is_some());
    let written = written.ok_or("nothing is written")?;
    let produced = steps.iter().position(|step| step.pointer("/do/0/produce/told").is_some());
    let produced = produced.ok_or("nothing is produced")?;
    for (what, step, path, value) in [
        ("the alive", first, "/then/alive".to_owned(), json!([1])),
        ("the controller epoch", first, "/then/zookeeper/controllerEpoch".to_owned(), json!(7)),
        ("the leader epoch", first, "/then/zookeeper/state/0/value/leader_epoch".to_owned(), json!(1)),
        ("the znode's version", first, "/then/zookeeper/state/0/version".to_owned(), json!(1)),
        ("the order of the ISR", first, "/then/zookeeper/state/0/value/isr".to_owned(), json!([2, 1])),
        ("the metadata", first, "/then/partitions/0/leader".to_owned(), json!(2)),
        ("an epoch in a log", written, "/then/replicas/0/1/batches/0/epoch".to_owned(), json!(4)),
        ("a value in a log", written, "/then/replicas/0/1/batches/0/values".to_owned(), json!(["x"])),
        ("a log end", written, "/then/replicas/0/1/logEndOffset".to_owned(), json!(77)),
        ("an answer", produced, "/do/0/produce/told/0".to_owned(), json!({"error": "TimeoutException"})),
        ("a checkpoint", written, "/then/replicas/0/1/leaderEpochCheckpoint".to_owned(), json!(["3 0"])),
        ("a replica more", written, "/then/replicas/0/1".to_owned(), Value::Null),
    ] {
        let mut other = whole.clone();
        let place = format!("/steps/{step}{path}");
        *other.pointer_mut(&place).ok_or(format!("{place} is there"))? = value;
        let source = Source::of("changed.json", &other.to_string());
        let recording = Recording::parse(source).map_err(|problem| problem.render(false))?;
        let comparison = compare_within(&recording, 12);
        let found = comparison.difference.map(|difference| difference.step);
        if found != Some(step + 1) {
            return Err(Failed::from(format!("{what} of step {} was changed; found {found:?}", step + 1)));
        }
    }
    Ok(())
}

/// Every bad recording has its own error.
fn bad_input() -> Result<(), Failed> {
    let good = r#"{"kafka": "2.8.2", "mode": "ZooKeeper", "brokers": [1, 2], "settings": {}, "steps": [
      {"words": "w", "do": [{"create_topic": {"name": "t", "assignment": [[1, 2]]}}],
       "then": {"alive": [1, 2], "replicas": {"0": {"1": {"batches": [], "logEndOffset": 0}}}}},
      {"words": "w", "do": [{"kill": "broker-1"}], "then": null}]}"#;
    let read = |text: &str| Recording::parse(Arc::clone(&Source::of("a.json", text)));
    read(good).map_err(|problem| problem.render(false))?;
    for (from, to, expected) in [
        (good, "", "is empty"),
        ("{\"kafka\"", "[\"kafka\"", "not JSON"),
        ("\"mode\": \"ZooKeeper\"", "\"mode\": \"KRaft\"", "ZooKeeper mode"),
        ("2.8.2", "2.8.77", "2.8.77"),
        ("\"kafka\": \"2.8.2\", ", "", "`kafka` is missing"),
        ("\"settings\": {}", "\"settings\": {\"no.such.setting\": 1}", "no.such.setting"),
        ("\"settings\": {}", "\"settings\": {\"replica.lag.time.max.ms\": \"soon\"}", "soon"),
        ("\"settings\"", "\"setings\"", "no key `setings`"),
        ("\"kill\"", "\"kil\"", "no operation `kil`"),
        ("broker-1", "broker-9", "no broker 9"),
        ("broker-1", "broker one", "`broker one` is no broker"),
        ("\"alive\"", "\"alife\"", "no key `alife`"),
        ("\"logEndOffset\": 0", "\"logEndOffset\": \"0\"", "expected a whole number"),
        ("[[1, 2]]", "[1, 2]", "expected a list"),
        ("\"brokers\": [1, 2]", "\"brokers\": [1, 1]", "each once"),
        ("\"name\": \"t\", ", "", "`name` is missing"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} is in it");
        let Err(problem) = read(&text) else { return Err(Failed::from(format!("{to} is taken"))) };
        let said = problem.render(false);
        if !said.contains(expected) {
            return Err(Failed::from(format!("{to}: {said}")));
        }
    }
    Ok(())
}
