//! Clients on the other side of 0.11 than their brokers: what they send and read is converted (KIP-98), and everybody who
//! watches knows the records all the same.

use trial::scenario::parse::parse;
use trial::scenario::report::story;
use trial::scenario::run::run;
use trial::scenario::source::Source;
use trial::scenario::validate::{Ready, validate};
use trial::trace::Zoom;

/// Sends of one record and of several, a reader that begins in the middle of what was sent together, a failover.
const STEPS: &str = r#"
    { "produce": { "to": "orders-0", "value": "m1" } },
    { "run_until": { "acked": "m1" } },
    { "produce": { "to": "orders-0", "values": ["m2", "m3", "m4"] } },
    { "run_until": { "read": { "value": ["m1", "m2", "m3", "m4"], "by": "consumer-1" } } },
    { "consume": { "from": "orders-0", "by": "consumer-2", "start": 2 } },
    { "run_until": { "read": { "value": ["m3", "m4"], "by": "consumer-2" } } },
    { "workload": { "to": ["orders-0"], "every": "10ms", "records": 5, "count": 20 } },
    { "run_for": "1s" },
    { "kill": "broker-0" },
    { "run_until": { "leader": { "of": "orders-0", "is": "broker-1" } } },
    { "restart": "broker-0" },
    { "run_until": { "isr": { "of": "orders-0", "is": ["broker-0", "broker-1"] } } },
    { "produce": { "to": "orders-0", "value": "m5" } },
    { "run_until": { "read": { "value": "m5", "by": "consumer-1" } } },
    { "run_until": { "read": { "value": "m5", "by": "consumer-2" } } }
"#;

fn ready(brokers: &str, clients: &str, topic: &str) -> Ready {
    let text = format!(
        r#"{{
  "title": "mixed releases",
  "cluster": {{
    "controller_at": "broker-2",
    "brokers": 3,
    "topics": {{ "orders": {{ "assignment": [[0, 1]]{topic} }} }},
    "clients": {{
      "producer-1": {{ "acks": "all", "retries": 5 }},
      "consumer-1": {{ "assign": "orders-0", "from": "earliest" }},
      "consumer-2": {{}}
    }},
    "eras": {{ "clients": "{clients}" }}
  }},
  "steps": [{STEPS}],
  "verdicts": {{ "{brokers}": "holds" }}
}}"#
    );
    let parsed = parse(Source::of("mixed", &text));
    parsed
        .and_then(|parsed| validate(parsed, None, &[]))
        .unwrap_or_else(|problem| panic!("{}", problem.render(false)))
}

/// The story of the run, in which nothing may be wrong.
fn told(brokers: &str, clients: &str, topic: &str) -> String {
    let ready = ready(brokers, clients, topic);
    let result =
        run(&ready, &ready.eras[0], 0, true).unwrap_or_else(|aborted| panic!("{}", aborted.render(false)));
    let story = story(&ready, &result, Zoom::Story, false);
    let unmet = result.unmet.as_ref().map(ToString::to_string);
    assert_eq!(unmet, None, "{brokers} with clients of {clients}\n{story}");
    assert!(result.violations.is_empty(), "{brokers} with clients of {clients}\n{story}");
    story
}

#[test]
fn clients_of_any_release_work_with_brokers_of_any() {
    for topic in ["", r#", "message.timestamp.type": "LogAppendTime""#] {
        for brokers in ["0.10.2.2", "0.11.0.3", "2.8.2", "3.9.2"] {
            for clients in ["0.10.2.2", "0.11.0.3", "2.8.2", "3.9.2"] {
                told(brokers, clients, topic);
            }
        }
    }
}

#[test]
fn the_story_knows_what_was_converted() {
    // A log in v2 has one batch of three records, whatever its readers are given.
    let story = told("2.8.2", "0.10.2.2", "");
    for line in ["reads m1@0 from broker-0", "reads m2..m4@0 from broker-0", "consumer-2    reads m2..m4@0"] {
        assert!(story.contains(line), "{line}\n{story}");
    }
    // A log in v1 has three entries.
    let story = told("0.10.2.2", "2.8.2", "");
    for line in
        ["appends m2 m3 m4 at offset 1", "reads m2 m3 m4 from broker-0", "consumer-2    reads m3 m4 from"]
    {
        assert!(story.contains(line), "{line}\n{story}");
    }
}
