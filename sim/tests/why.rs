//! Why: the slice is short and names what decided, the counterfactual names the rule, the chances say when.

use std::path::Path;
use std::process::{Command, Output};

fn trial(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trial"));
    command.env("NO_COLOR", "1").args(arguments).output().expect("the command runs")
}

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name).display().to_string()
}

#[test]
fn the_slice_is_short_and_the_counterfactual_names_the_rule() {
    let path = file("truncation/high-watermark.json");
    let output = trial(&["why", &path, "--era", "0.10.2", "--moments", "20", "--futures", "4"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let slice =
        said.split("What led to it\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a slice");
    assert!(slice.lines().count() <= 15, "{slice}");
    for part in [
        "broker-1",
        "TRUNCATES 2 → 1: drops m2",
        "rule truncation: to-high-watermark",
        "m2 acked",
        "VIOLATED acked-durable",
        "kill broker-2",
    ] {
        assert!(slice.contains(part), "{part} is missing:\n{said}");
    }
    assert!(said.contains("with truncation: to-epoch-end (KIP-101, 0.11.0.0) it holds"), "{said}");
    assert!(said.contains("without `kill broker-2` it holds"), "{said}");
    assert!(said.contains("How likely it was") && said.contains("│"), "{said}");
}

#[test]
fn the_data_says_the_same_twice() {
    let path = file("truncation/diverging-fetch.json");
    let arguments = ["why", &path, "--era", "2.8.0", "--moments", "12", "--futures", "3", "--format", "json"];
    let [one, other] = [trial(&arguments), trial(&arguments)];
    assert_eq!(one.stdout, other.stdout);
    let data: serde_json::Value = serde_json::from_slice(&one.stdout).expect("it is JSON");
    assert_eq!(data["failure"], "acked-durable");
    assert_eq!(data["reason"]["rules"][0]["source"], "KAFKA-13141");
    let chances = data["chances"].as_array().expect("a list");
    assert!(chances.len() >= 6, "{}", chances.len());
    assert!(chances.iter().all(|chance| chance["futures"] == 3));
    let last = chances.last().expect("there is one");
    assert_eq!(last["failed"], 3, "at the end it is certain");
    let none = trial(&["why", &path, "--era", "2.8.0", "--futures", "0", "--format", "json"]);
    let data: serde_json::Value = serde_json::from_slice(&none.stdout).expect("it is JSON");
    assert_eq!(data["chances"], serde_json::json!([]));
}
