//! Scenarios are read and written: what is written reads as the same, in the style of the files that are there; and what
//! a lenient run did is a scenario that runs to the same hash.

use std::path::{Path, PathBuf};
use trial::scenario::file::{Scenario, Ties};
use trial::scenario::parse::parse;
use trial::scenario::run::{Budget, first_era, realise, run};
use trial::scenario::source::Source;
use trial::scenario::validate::{Ready, validate};
use trial::scenario::write::write;

fn walk(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
}

fn scenario(name: &str, text: &str) -> Scenario {
    let parsed = parse(Source::of(name, text)).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    (*parsed.scenario).clone()
}

fn ready(text: &str) -> Ready {
    let parsed = parse(Source::of("x.json", text)).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    validate(parsed, None, &[]).unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn every_scenario_is_written_as_it_reads() {
    let mut paths = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), &mut paths);
    assert!(paths.len() > 30);
    for path in paths {
        let name = path.display().to_string();
        let first = scenario(&name, &std::fs::read_to_string(&path).expect("the file can be read"));
        let text = write(&first);
        assert_eq!(scenario(&name, &text), first, "{text}");
        for line in text.lines().filter(|line| line.chars().count() > 120) {
            assert!(!line.contains(", \""), "{name} could break this line: {line}");
        }
        for (index, step) in first.steps.iter().enumerate() {
            let alone = serde_json::to_value(step).expect("a step is JSON");
            assert_eq!(alone.as_object().map(|entries| entries.len()), Some(1), "step {index} of {name}");
        }
    }
}

/// Every key, word and form of the grammar that a committed scenario may happen not to use.
const FORMS: &str = r#"{
  "$schema": "x", "title": "\"quoted\" ö", "lesson": "l", "seed": 18446744073709551615, "ties": "drawn",
  "cluster": {
    "brokers": { "broker-0": { "broker.rack": "a" }, "broker-7": {} }, "network": { "latency": "2ms", "bandwidth": 5 },
    "disks": { "journal": "strict", "flush": "250us" },
    "topics": { "t": { "partitions": 2, "replication-factor": 2, "retention.ms": -1, "cleanup.policy": "delete" } },
    "clients": { "producer-1": { "acks": "-1" }, "consumer-1": { "assign": "t-0", "from": 7 } }
  },
  "rules": { "truncation": "to-epoch-end" }, "in_force": ["isr-refills"], "trace": [],
  "steps": [
    { "say": { "2.0": "a", "else": "b" } },
    { "set": { "topic": "t", "settings": { "min.insync.replicas": 2, "retention.ms": null } } },
    { "create_topic": { "topic": "u", "assignment": [[0], [7]], "min.insync.replicas": 1 } },
    { "add_partitions": { "topic": "u", "partitions": 9, "refused": "INVALID_PARTITIONS" } },
    { "produce": { "to": "t-0", "value": "true" } },
    { "produce": { "to": "t-1", "values": ["1", "2"], "every": "1500us", "key": "k" } },
    { "power_off": { "node": "follower of t-0", "survives": "any-subset" } },
    { "power_off": "other follower of t-0" },
    { "slow_cpu": { "node": "zookeeper", "factor": 3 } },
    { "step_clock": { "node": "broker-0", "by": "-90s" } },
    { "disk": { "at": "broker-0", "fault": "written_back" } },
    { "disk": { "at": "broker-0", "fault": { "rot": { "file": "t-0/x", "position": -1 } } } },
    { "cut": { "from": ["broker-0", "zookeeper"], "to": "broker-7", "one_way": true } },
    { "delay": { "api": "Fetch", "response": true, "by": "24h", "as": "late" } },
    { "run_until": { "read": { "value": ["1", "2"], "by": "consumer-1" }, "within": "1h" } },
    { "expect": { "replica": { "at": "broker-0", "of": "t-0", "leads": false, "remembers": { "broker-7": -1 } } } },
    { "expect": [{ "session_of": { "node": "broker-0", "is": "gone" } }, { "not": { "any": [] } }] },
    { "when": { "in_era": { "2.0": { "alive": "broker-0" } }, "do": [{ "release": "late" }, { "resend": "producer-1" }] } }
  ],
  "verdicts": { "2.0": { "violates": ["weak-isr"], "loses": ["1"], "by": "acks=1" }, "2.8": "holds" }
}"#;

#[test]
fn every_form_is_written_as_it_reads() {
    let first = scenario("forms.json", FORMS);
    assert_eq!((first.seed, first.ties), (Some(u64::MAX), Ties::Drawn));
    let text = write(&first);
    assert_eq!(scenario("forms.json", &text), first, "{text}");
    assert_eq!(write(&scenario("forms.json", &text)), text);
}

#[test]
fn the_style_is_that_of_the_files() {
    let text = r#"{
  "title": "t",
  "about": [
    "One line."
  ],
  "cluster": {
    "brokers": 3,
    "settings": { "auto.leader.rebalance.enable": false },
    "topics": { "t": { "assignment": [[0, 1]] } }
  },
  "steps": [
    { "produce": { "to": "t-0", "value": "m0" } },
    { "run_until": { "all": [
      { "state": { "of": "t-0", "leader": 0, "leader_epoch": 0, "isr": [0, 1] } },
      { "replica": { "at": "broker-0", "of": "t-0", "log": ["m0@0"], "epochs": ["0 0"] } }
    ] } }
  ],
  "verdicts": {
    "2.0": "holds"
  }
}
"#;
    assert_eq!(write(&scenario("x.json", text)), text);
}

/// A plan with steps that cannot be carried out, also in triggers, and a trigger that never fires.
const PLAN: &str = r#"{
  "title": "t", "seed": 5, "ties": "drawn",
  "cluster": { "brokers": 3, "topics": { "t": { "assignment": [[0, 1, 2]] } } },
  "steps": [
    { "restart": "broker-1" },
    { "produce": { "to": "t-0", "value": "m1" } },
    { "when": { "acked": "m1", "do": [{ "resume": "broker-0" }, { "kill": "broker-2" }, { "kill": "broker-2" }] } },
    { "when": { "acked": "m1", "do": [{ "resume": "broker-0" }] } },
    { "when": { "failed": "m1", "do": [{ "kill": "broker-0" }] } },
    { "run_for": "5s" },
    { "disk": { "at": "broker-0", "fault": { "lose": "nothing" } } },
    { "pause": "broker-2" },
    { "restart": "broker-2" },
    { "run_for": "20s" }
  ],
  "verdicts": { "2.0": "holds" }
}"#;

#[test]
fn a_lenient_run_passes_over_what_cannot_be_and_says_what_was() {
    let plan = ready(PLAN);
    let era = first_era(&plan);
    assert!(run(&plan, era, 5, false).is_err(), "strictly it cannot run");
    let (result, realised) = realise(&plan, era, 5, false, Budget::default(), None);
    let verbs: Vec<String> = realised.steps.iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(verbs.len(), 5, "{verbs:?}");
    assert!(verbs[1].matches("Kill").count() == 1 && verbs[3].starts_with("Restart"), "{verbs:?}");
    let again = ready(&write(&realised));
    let strictly = run(&again, first_era(&again), 5, false).expect("every step was carried out before");
    assert_eq!((strictly.hash, strictly.events), (result.hash, result.events));
    assert!(result.unmet.is_none() && result.violations.is_empty());
}
