//! `trial new`: a scenario to begin with. It runs and holds; a test keeps it so.

use super::Outcome;
use super::out::Out;
use crate::scenario::problem::Problem;
use std::io::Write;
use std::path::Path;

/// The scenario: one acknowledged record, and the leader dies.
pub const SKELETON: &str = r#"{
  "title": "An acknowledged record outlives its leader",
  "lesson": "What it teaches, in one sentence.",
  "about": [
    "What the story shows, in a few lines."
  ],
  "read": ["KIP-101"],
  "cluster": {
    "controller": "zookeeper",
    "controller_at": "broker-2",
    "brokers": 3,
    "settings": { "auto.leader.rebalance.enable": false },
    "topics": { "orders": { "assignment": [[0, 1, 2]], "min.insync.replicas": 2 } }
  },
  "steps": [
    { "produce": { "to": "orders-0", "value": "m1", "acks": "all" } },
    { "run_until": { "acked": "m1" } },
    { "say": "m1 is on all three brokers. Now the leader dies." },
    { "ask": "What should the reader think about before he reads on? Is m1 lost?" },
    { "kill": "leader of orders-0" },
    { "run_until": { "leader": { "of": "orders-0", "is": "broker-1" } } },
    { "expect": { "replica": { "at": "broker-1", "of": "orders-0", "log": ["m1@0"] } } },
    { "answer": "No: the new leader was in the ISR, and so has all that was acknowledged." },
    { "restart": "broker-0" },
    { "run_until": { "isr": { "of": "orders-0", "is": ["broker-0", "broker-1", "broker-2"] } } }
  ],
  "sees": ["BecameLeader"],
  "verdicts": {
    "2.8": "holds",
    "0.11.0": "holds",
    "3.9": "holds"
  }
}
"#;

/// Writes the skeleton.
pub fn new(name: &Path, out: &mut Out) -> Result<Outcome, Problem> {
    let mut path = name.to_owned();
    if path.extension().is_none_or(|extension| extension != "json") {
        path.as_mut_os_string().push(".json");
    }
    let shown = path.display();
    let created = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
    let written = created.and_then(|mut file| file.write_all(SKELETON.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Problem::new(format!("{shown} exists already")),
        _ => Problem::new(format!("{shown} cannot be written: {error}")),
    })?;
    out.line(&format!("{shown} is written. Run it with `trial run {shown}`; `trial schema` has every verb."));
    Ok(Outcome::AsExpected)
}
