//! Noise: a scenario that fails, with much around it that has nothing to do with it. More brokers, topics, partitions,
//! clients and records, faults elsewhere, settings, longer waits. Each piece is added only if the scenario still fails so.

use trial::scenario::file::Scenario;
use trial::scenario::step::Step;
use trial::scenario::words::Table;
use trial::why::case::Case;
use trial::why::failure::Failure;

/// The scenario with noise, as far as it still fails so.
pub fn noisy(case: &Case, failure: &Failure) -> Case {
    let mut case = case.clone();
    let still_fails = |case: &Case| {
        let gone = case.first(false);
        gone.is_ok_and(|gone| gone.unmet.is_empty() && failure.is_in(&gone.result))
    };
    assert!(still_fails(&case), "it fails to begin with");
    let keep = |case: &mut Case, change: &dyn Fn(&mut Scenario)| {
        let mut louder = case.clone();
        change(&mut louder.plan);
        if still_fails(&louder) {
            *case = louder;
        }
    };
    keep(&mut case, &|plan| {
        let free = (0..).filter(|id| plan.cluster.brokers.0.get(&format!("broker-{id}")).is_none());
        let more: Vec<i32> = free.take(2).collect();
        for id in &more {
            plan.cluster.brokers.0.0.push((format!("broker-{id}"), Table::default()));
        }
        let (a, b) = (more[0], more[1]);
        let topic = format!(r#"{{ "assignment": [[{a}, {b}], [{b}, {a}]], "min.insync.replicas": 1 }}"#);
        plan.cluster.topics.0.push(("noise".to_owned(), serde_json::from_str(&topic).expect("a topic")));
        for (name, settings) in [
            ("producer-8", r#"{ "acks": "all", "linger.ms": 5 }"#),
            ("producer-9", r#"{ "acks": 1, "retries": 3 }"#),
            ("consumer-9", r#"{ "assign": ["noise-0", "noise-1"], "from": "earliest" }"#),
        ] {
            let spec = serde_json::from_str(settings).expect("a client");
            plan.cluster.clients.0.push((name.to_owned(), spec));
        }
    });
    for (name, value) in [
        ("log.segment.bytes", "100000"),
        ("num.replica.fetchers", "2"),
        ("replica.fetch.wait.max.ms", "300"),
        ("log.flush.interval.messages", "50"),
    ] {
        keep(&mut case, &|plan| {
            if plan.cluster.settings.get(name).is_none() {
                let value = serde_json::from_str(value).expect("a setting");
                plan.cluster.settings.0.push((name.to_owned(), value));
            }
        });
    }
    keep(&mut case, &|plan| plan.cluster.network.latency = Some(span("2ms")));
    keep(&mut case, &|plan| plan.cluster.disks.flush = Some(span("2ms")));
    let others: Vec<String> = {
        let names: Vec<&str> = case.plan.cluster.brokers.0.names().collect();
        names.iter().rev().take(2).map(|name| (*name).to_owned()).collect()
    };
    let [last, before_last] = [&others[0], &others[1]];
    let pieces = [
        r#"{ "workload": { "by": "producer-8", "to": ["noise-0", "noise-1"], "every": "200ms", "count": 30 } }"#.to_owned(),
        r#"{ "produce": { "by": "producer-9", "to": "noise-0", "values": ["x1", "x2", "x3"] } }"#.to_owned(),
        format!(r#"{{ "kill": "{last}" }}"#),
        r#"{ "produce": { "by": "producer-9", "to": "noise-1", "count": 5 } }"#.to_owned(),
        format!(r#"{{ "slow_cpu": {{ "node": "{before_last}", "factor": 3 }} }}"#),
        r#"{ "pause": "consumer-9" }"#.to_owned(),
        r#"{ "run_for": "3ms" }"#.to_owned(),
        format!(r#"{{ "restart": "{last}" }}"#),
        r#"{ "resume": "consumer-9" }"#.to_owned(),
        format!(r#"{{ "slow_link": {{ "from": "{last}", "to": "{before_last}", "latency": "7ms" }} }}"#),
        format!(r#"{{ "step_clock": {{ "node": "{before_last}", "by": "40ms" }} }}"#),
        r#"{ "run_for": "1700ms" }"#.to_owned(),
        format!(r#"{{ "reset": {{ "between": ["{last}", "{before_last}"] }} }}"#),
        r#"{ "run_for": "230ms" }"#.to_owned(),
        r#"{ "set": { "topic": "noise", "settings": { "retention.ms": 100000 } } }"#.to_owned(),
        r#"{ "consume": { "by": "consumer-9", "from": "noise-0", "start": "earliest" } }"#.to_owned(),
    ];
    let mut place = 0;
    for piece in &pieces {
        let step: Step = serde_json::from_str(piece).expect("a step");
        // The next place at which it does no harm.
        while place <= steps(&case) {
            let mut louder = case.clone();
            louder.plan.steps.insert(place, step.clone());
            place += 1;
            if still_fails(&louder) {
                case = louder;
                place += 1;
                break;
            }
        }
        if place > steps(&case) {
            place = 0;
        }
    }
    case.plan.steps.push(Step::RunFor(span("5s")));
    assert!(still_fails(&case), "it still fails");
    case
}

fn steps(case: &Case) -> usize {
    case.plan.steps.len()
}

fn span(text: &str) -> trial::scenario::words::Span {
    trial::scenario::words::Span::parse(text).expect("a span")
}
