//! Assignments equal to Kafka's own, in every release, list by list.

mod vectors;

use flate2::read::GzDecoder;
use kafka::consumer::assignor::java_map::Grouping;
use kafka::consumer::assignor::{Assignor, AssignorState, PartitionRacks, Subscription, Thrown};
use kafka::era::Era;
use kafka::ids::{Topic, TopicPartition};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use vectors::VERSIONS;

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/vectors/assignors/{file}.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("gzip");
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON value a line")).collect()
}

/// The versions of a run, `2.1.1..2.8.2` or `2.1.1`, that we have.
fn versions(run: &str) -> Vec<&'static str> {
    let (first, last) = run.split_once("..").unwrap_or((run, run));
    let index = |version: &str| VERSIONS.iter().position(|known| *known == version).expect("a known version");
    let ours = |version: &&str| !version.starts_with('4');
    VERSIONS[index(first)..=index(last)].iter().copied().filter(ours).collect()
}

fn text(value: &Value) -> Option<Arc<str>> {
    value.as_str().map(Into::into)
}

fn number(value: &Value) -> i32 {
    i32::try_from(value.as_i64().expect("a number")).expect("a small one")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn partition(value: &Value) -> TopicPartition {
    TopicPartition::new(value[0].as_str().expect("a topic"), number(&value[1]))
}

fn topics(case: &Value) -> PartitionRacks {
    let of = |(topic, partitions): (&String, &Value)| {
        let racks = match partitions {
            Value::Array(partitions) => {
                partitions.iter().map(|racks| list(racks).iter().map(text).collect()).collect()
            }
            count => vec![Vec::new(); number(count) as usize],
        };
        (Topic::new(topic), racks)
    };
    case["topics"].as_object().expect("topics").iter().map(of).collect()
}

/// What the member of a case sends in an era.
fn subscription(member: &Value, assignor: &Assignor, era: &Era) -> Subscription {
    let owned: Vec<TopicPartition> = list(&member["owned"]).iter().map(partition).collect();
    let generation = number(&member["generation"]);
    let mut state = AssignorState::default();
    if generation >= 0 {
        state.on_assignment(&owned, generation);
    }
    let is_cooperative = *assignor == Assignor::CooperativeSticky;
    Subscription {
        topics: list(&member["topics"]).iter().filter_map(Value::as_str).map(Topic::new).collect(),
        user_data: assignor.user_data(&state, era),
        owned: if is_cooperative { owned } else { Vec::new() },
        generation: era.rules.subscription_generation.in_field().then_some(generation),
        instance: text(&member["instance"]),
        rack: text(&member["rack"]),
    }
}

fn assign(case: &Value, assignor: &Assignor, era: &Era) -> Value {
    let topics = topics(case);
    let members: Vec<(Arc<str>, Subscription)> = list(&case["members"])
        .iter()
        .map(|member| (text(&member["id"]).expect("an id"), subscription(member, assignor, era)))
        .collect();
    match assignor.assign(&topics, &members, &mut AssignorState::default(), era) {
        Ok(assigned) => {
            let one = |partition: &TopicPartition| json!([partition.topic.name(), partition.partition]);
            let of = |partitions: &Vec<TopicPartition>| partitions.iter().map(one).collect::<Vec<_>>();
            assigned.iter().map(|(member, partitions)| (member.to_string(), json!(of(partitions)))).collect()
        }
        Err(Thrown::NullPointer) => json!("NullPointerException"),
        Err(Thrown::IllegalState(message)) => json!(format!("ERR IllegalStateException {message}")),
    }
}

/// All that makes one release deal otherwise than another.
fn deals(era: &Era) -> impl PartialEq {
    let rules = &era.rules;
    let of_sticky = (rules.sticky_assignor, rules.subscription_generation);
    (of_sticky, rules.range_assignor, rules.member_order, Grouping::of(era))
}

/// Compares a file: how many assignments were equal.
fn compare(file: &str, name: &str) -> usize {
    let assignor = Assignor::parse(name).expect("one of Kafka's own");
    let mut equal = 0;
    let mut differing: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for case in cases(file) {
        for out in list(&case["out"]) {
            let runs = list(&out["versions"]).iter().filter_map(Value::as_str);
            // Releases that deal alike are asked once.
            let mut eras: Vec<Era> = Vec::new();
            for version in runs.flat_map(versions) {
                let era = Era::parse(version).expect("a release");
                if eras.iter().all(|known| deals(known) != deals(&era)) {
                    eras.push(era);
                }
            }
            for era in eras {
                let version = era.release;
                let ours = assign(&case, &assignor, &era);
                let theirs = match out["assignment"].as_str() {
                    Some(thrown) if thrown.contains("NullPointerException") => json!("NullPointerException"),
                    _ => out["assignment"].clone(),
                };
                if ours == theirs {
                    equal += 1;
                    continue;
                }
                let what = format!("{version} {}", out["order"]);
                let told = || format!("{}: ours {ours}, Kafka's {theirs}", case["id"]);
                differing.entry(what).or_insert_with(|| (0, told())).0 += 1;
            }
        }
    }
    let told: Vec<String> =
        differing.iter().map(|(what, (count, first))| format!("{what}: {count}, first {first}")).collect();
    assert!(told.is_empty(), "{name}, {equal} equal:\n{}", told.join("\n"));
    equal
}

#[test]
fn range_deals_as_kafka_does() {
    assert!(compare("range", "range") + compare("range-rack", "range") > 1000);
}

#[test]
fn round_robin_deals_as_kafka_does() {
    assert!(compare("roundrobin", "roundrobin") + compare("roundrobin-rack", "roundrobin") > 1000);
}

#[test]
fn sticky_deals_as_kafka_does() {
    assert!(compare("sticky", "sticky") + compare("sticky-rack", "sticky") > 5000);
}

#[test]
fn cooperative_sticky_deals_as_kafka_does() {
    let name = "cooperative-sticky";
    assert!(compare(name, name) + compare("cooperative-sticky-rack", name) > 5000);
}
