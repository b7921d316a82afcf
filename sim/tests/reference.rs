//! `scenarios/REFERENCE.md` says that its examples run as they stand: here they do, and whole ones come to their
//! verdicts.

use std::path::Path;
use trial::scenario::parse::parse;
use trial::scenario::run::run;
use trial::scenario::source::Source;
use trial::scenario::validate::{Ready, validate};

/// The blocks of JSON, each with the line it begins on.
fn examples() -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/REFERENCE.md");
    let text = std::fs::read_to_string(path).expect("the reference is there");
    let mut found = Vec::new();
    let mut block: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match &mut block {
            None if line == "```json" => block = Some((number + 2, String::new())),
            None => {}
            Some(_) if line == "```" => found.extend(block.take()),
            Some((_, text)) => *text += &format!("{line}\n"),
        }
    }
    found
}

/// The cluster that the text describes, with these steps.
fn scenario(steps: &str) -> String {
    format!(
        r#"{{
  "title": "an example",
  "cluster": {{
    "controller_at": "broker-2",
    "brokers": 3,
    "topics": {{ "orders": {{ "assignment": [[0, 1, 2], [1, 2, 0]], "min.insync.replicas": 2 }} }},
    "clients": {{ "producer-1": {{ "acks": "all" }}, "consumer-1": {{}} }}
  }},
  "steps": [
{steps}  ],
  "verdicts": {{ "2.8": "holds", "3.9": "holds" }}
}}"#
    )
}

fn check(line: usize, text: &str) -> Ready {
    let parsed = parse(Source::of(&format!("the example at line {line}"), text));
    parsed
        .and_then(|parsed| validate(parsed, None, &[]))
        .unwrap_or_else(|problem| panic!("{}", problem.render(false)))
}

#[test]
fn every_example_of_the_reference_runs_as_it_stands() {
    let all = examples();
    assert!(all.len() > 8, "the examples are where they are looked for");
    for (line, text) in all {
        let is_whole = text.starts_with("{\n");
        let ready = if is_whole { check(line, &text) } else { check(line, &scenario(&text)) };
        for era in &ready.eras {
            let result = run(&ready, era, 0, false);
            let result = result.unwrap_or_else(|aborted| panic!("{}", aborted.render(false)));
            assert_eq!(result.unmet, None, "line {line} in {era}");
            if is_whole {
                assert_eq!(Some(&result.verdict), ready.verdict(era), "line {line} in {era}");
            }
        }
    }
}
