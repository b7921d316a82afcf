//! Worlds in which something was done for a checker to see, or for it to let pass.

use trial::scenario::eras;
use trial::scenario::parse::parse;
use trial::scenario::run::{Budget, run_prepared};
use trial::scenario::source::Source;
use trial::scenario::validate::validate;
use trial::world::World;

/// What broke in a run of these steps, in order, and what was lost, with the declaration that allowed it.
#[derive(PartialEq, Eq, Debug)]
pub struct Outcome {
    pub violates: Vec<String>,
    pub loses: Vec<(String, Option<&'static str>)>,
}

/// Runs a cluster of three brokers with the topic `orders` on brokers 0 and 1, in an era, beside a full look.
pub fn run(era: &str, topic: &str, in_force: &str, steps: &str) -> Outcome {
    let text = format!(
        r#"{{
  "title": "planted",
  "cluster": {{
    "controller_at": "broker-2",
    "brokers": 3,
    "settings": {{ "auto.leader.rebalance.enable": false }},
    "topics": {{ "orders": {{ "assignment": [[0, 1]]{topic} }} }},
    "clients": {{
      "producer-1": {{ "acks": "all", "retries": 100 }},
      "consumer-1": {{ "assign": "orders-0", "from": "earliest" }}
    }}
  }},
  "in_force": [{in_force}],
  "steps": [{steps}],
  "verdicts": {{ "{era}": "holds" }}
}}"#
    );
    let parsed = parse(Source::of("planted.json", &text));
    let ready = parsed.and_then(|parsed| validate(parsed, None, &[]));
    let ready = ready.unwrap_or_else(|problem| panic!("{}", problem.render(false)));
    let era = eras::read(era).expect("it is on the ladder");
    let prepare = |world: &mut World| world.checks.compare_with_full();
    let result = run_prepared(&ready, &era, 0, false, Budget::default(), &prepare);
    let result = result.unwrap_or_else(|problem| panic!("{}", problem.render(false)));
    assert!(result.unmet.is_none(), "era {era}: {:?}", result.unmet);
    let loses = result.audit.lost().map(|(record, declared)| (record.name.to_string(), declared)).collect();
    Outcome { violates: result.verdict.violates, loses }
}

/// `m1` is acknowledged with the ISR {0, 1}, `m2` with {0}; then `min.insync.replicas` becomes `then`, and broker-0 alone
/// loses its page cache.
pub fn one_page_cache_is_lost(minimum: u32, then: u32) -> Outcome {
    let second = match minimum {
        1 => r#"{ "produce": { "to": "orders-0", "value": "m2" } }, { "run_until": { "acked": "m2" } },"#,
        _ => "",
    };
    let steps = format!(
        r#"
    {{ "produce": {{ "to": "orders-0", "value": "m1" }} }},
    {{ "run_until": {{ "acked": "m1" }} }},
    {{ "kill": "broker-1" }},
    {{ "run_until": {{ "isr": {{ "of": "orders-0", "is": "broker-0" }} }} }},
    {second}
    {{ "set": {{ "topic": "orders", "settings": {{ "min.insync.replicas": {then} }} }} }},
    {{ "run_for": "1s" }},
    {{ "power_off": "broker-0" }},
    {{ "run_until": {{ "session_of": {{ "node": "broker-0", "is": "gone" }} }} }},
    {{ "restart": "broker-0" }},
    {{ "run_until": {{ "leader": {{ "of": "orders-0", "is": "broker-0" }} }} }},
    {{ "restart": "broker-1" }},
    {{ "run_until": {{ "isr": {{ "of": "orders-0", "is": ["broker-0", "broker-1"] }} }} }}"#
    );
    run("2.8.2", &format!(r#", "min.insync.replicas": {minimum}"#), "", &steps)
}

/// A follower is told late that it is let go, and fetches on meanwhile.
pub const A_LEAVING_BROKER_FETCHES_ON: &str = r#"
    { "hold": { "api": "StopReplica", "to": "broker-1" } },
    { "hold": { "api": "ControlledShutdown", "from": "broker-1", "response": true } },
    { "shutdown": "broker-1" },
    { "run_for": "2s" },
    { "release": "all" },
    { "run_for": "5s" }"#;

/// A consumer that has read `m3` sleeps while broker-1, which never had it, leads and writes `x3` in its place and `x4`.
pub const A_CONSUMER_SLEEPS_THROUGH_AN_UNCLEAN_ELECTION: &str = r#"
    { "produce": { "to": "orders-0", "values": ["m1", "m2"] } },
    { "run_until": { "read": ["m1", "m2"] } },
    { "run_for": "1s" },
    { "kill": "broker-1" },
    { "run_until": { "isr": { "of": "orders-0", "is": "broker-0" } } },
    { "produce": { "to": "orders-0", "value": "m3" } },
    { "run_until": { "read": "m3" } },
    { "pause": "consumer-1" },
    { "kill": "broker-0" },
    { "restart": "broker-1" },
    { "run_until": { "leader": { "of": "orders-0", "is": "broker-1" } } },
    { "produce": { "to": "orders-0", "value": "x3" } },
    { "run_until": { "acked": "x3" } },
    { "produce": { "to": "orders-0", "value": "x4" } },
    { "run_until": { "acked": "x4" } },
    { "resume": "consumer-1" },
    { "run_until": { "read": "x4" } },
    { "run_for": "2s" }"#;
