//! Placements equal to those Kafka computed.

use kafka::admin::placement::{BrokerMetadata, Start, assign_replicas};
use kafka::era::Era;
use kafka::error::KafkaError;
use kafka::ids::BrokerId;
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn every_placement_is_the_one_kafka_made() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/replica-placement/admin-utils.jsonl");
    let text = std::fs::read_to_string(&path).expect("the vectors are part of the repository");
    let era = Era::parse("2.8").expect("a release");
    let mut cases = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("one JSON value a line");
        let number = |name: &str| case[name].as_i64().expect("a number") as i32;
        let brokers: Vec<BrokerMetadata> = case["brokers"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|broker| BrokerMetadata {
                id: BrokerId(broker[0].as_i64().expect("an id") as i32),
                rack: broker[1].as_str().map(Into::into),
            })
            .collect();
        let start = Start::Fixed(usize::try_from(number("fixed_start_index")).expect("a fixed start"));
        let placed = assign_replicas(
            &brokers,
            number("partitions"),
            number("replication_factor"),
            number("start_partition_id"),
            start,
            &era,
        );
        match placed {
            Ok(placed) => {
                let placed: serde_json::Map<String, Value> = placed
                    .iter()
                    .map(|(partition, replicas)| {
                        let ids: Vec<i32> = replicas.iter().map(|id| id.0).collect();
                        (partition.to_string(), json!(ids))
                    })
                    .collect();
                assert_eq!(Value::Object(placed), case["assignment"], "{}", case["id"]);
            }
            Err(refused) => {
                let error = match case["error"].as_str() {
                    Some("InvalidPartitionsException") => KafkaError::InvalidPartitions,
                    Some("InvalidReplicationFactorException") => KafkaError::InvalidReplicationFactor,
                    // Has no code of its own.
                    Some("AdminOperationException") => KafkaError::UnknownServerError,
                    other => panic!("{}: {other:?}, not {refused:?}", case["id"]),
                };
                assert_eq!(refused.error, error, "{}", case["id"]);
                assert_eq!(json!(refused.message), case["message"], "{}", case["id"]);
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 500);
}
