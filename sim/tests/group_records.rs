//! What groups write in bytes, against Kafka's own: records of `__consumer_offsets`, and what members say to each other.

mod vectors;

use bytes::Bytes;
use kafka::consumer::protocol;
use kafka::era::Era;
use kafka::group::records::{GroupMetadataValue, Key, OffsetAndMetadata};
use kafka::ids::{Topic, TopicPartition};
use kafka::log::batch::{BatchHeader, RecordBatch};
use serde_json::{Value, json};

fn hex(text: &str) -> Bytes {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Key and value of every record in the log of a real coordinator, of one classic group and one of KIP-848.
fn recorded() -> Vec<(Bytes, Option<Bytes>)> {
    let path = "vectors/log-dir/__consumer_offsets/__consumer_offsets-0/00000000000000000000.log";
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let mut rest = Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
    let mut found = Vec::new();
    while !rest.is_empty() {
        let header = BatchHeader::decode(&rest).expect("a header");
        let mut batch = rest.split_to(header.size() as usize);
        let batch = RecordBatch::new(header, batch.split_off(header.length()));
        assert!(batch.is_valid());
        for record in batch.records() {
            let record = record.expect("decodable");
            found.push((record.key.expect("every record has a key"), record.value));
        }
    }
    found
}

#[test]
fn a_real_coordinators_records_read_and_write_the_same() {
    let (mut groups, mut offsets, mut unknown) = (Vec::new(), Vec::new(), 0);
    for (bytes, value) in recorded() {
        let key = Key::read(&bytes).expect("a key");
        match (&key, value) {
            (Key::Group { group }, Some(value)) => {
                let read = GroupMetadataValue::read(&value).expect("a group");
                assert_eq!(read.write_version(3), value, "the same bytes");
                assert_eq!(read.write(&Era::parse("3.9.0").expect("a release")), value);
                let member = read.members.first().map(|member| (&*member.client, member.session_timeout));
                groups.push(json!([**group, read.generation, read.protocol.as_deref(), member]));
            }
            (Key::Offset { group, partition }, Some(value)) => {
                let read = OffsetAndMetadata::read(&value).expect("what was committed");
                offsets.push(json!([
                    **group,
                    partition.to_string(),
                    read.offset.0,
                    read.leader_epoch.map(|e| e.0)
                ]));
                // Version 4 is newer than this ladder writes; the other fields are those of 3.
                let older = OffsetAndMetadata::read(&read.write_version(3)).expect("what was committed");
                assert_eq!(older, read);
            }
            (Key::Unknown { .. }, _) => {
                unknown += 1;
                continue;
            }
            (_, None) => {}
        }
        assert_eq!(key.write(), bytes, "the same bytes");
    }
    assert_eq!(
        json!(groups),
        json!([
            ["classic-group", 0, null, null],
            ["classic-group", 1, "range", ["m1", 45000]],
            ["classic-group", 2, null, null]
        ])
    );
    assert_eq!(
        json!(offsets),
        json!([["classic-group", "sparse-index-0", 90, 0], ["consumer-group", "sparse-index-0", 90, 0]])
    );
    assert!(unknown > 5, "records of KIP-848, which this ladder does not know: {unknown}");
}

fn samples(api: &str) -> Vec<Value> {
    let text = vectors::read("consumer-protocol/embedded.jsonl");
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let found: Vec<Value> = all.filter(|sample| sample["api"] == api).collect();
    assert_eq!(found.len(), 8, "two of each version");
    found
}

/// Releases that write version 0, 1 and 3.
fn era_of(version: i64) -> Option<Era> {
    let release = match version {
        0 => "2.3.1",
        1 => "3.3.2",
        3 => "3.9.0",
        _ => return None,
    };
    Some(Era::parse(release).expect("a release"))
}

fn partitions(value: &Value) -> Vec<TopicPartition> {
    let of = |topic: &Value| {
        let name = topic["topic"].as_str().expect("a topic").to_owned();
        let numbers = topic["partitions"].as_array().expect("partitions").clone();
        numbers.into_iter().map(move |number| TopicPartition {
            topic: Topic::new(&name),
            partition: number.as_i64().expect("a number") as i32,
        })
    };
    value.as_array().into_iter().flatten().flat_map(of).collect()
}

#[test]
fn subscriptions_are_kafkas_bytes() {
    let newest = Era::parse("3.9.0").expect("a release");
    for sample in samples("ConsumerProtocolSubscription") {
        let (bytes, told) = (hex(sample["body"].as_str().expect("hex")), &sample["body_json"]);
        let read = protocol::read_subscription(&bytes, &newest).expect("a subscription");
        let topics: Vec<&str> = read.topics.iter().map(|topic| topic.name()).collect();
        assert_eq!(json!(topics), told["topics"]);
        assert_eq!(read.user_data.is_some(), told["userData"].is_string(), "{sample}");
        assert_eq!(read.owned, partitions(&told["ownedPartitions"]));
        // A negative generation is none.
        let generation = told["generationId"].as_i64().filter(|generation| *generation >= 0);
        assert_eq!(read.generation.map(i64::from), generation);
        assert_eq!(read.rack.as_deref(), told["rackId"].as_str());
        // Written again it is the same, where names and numbers stand in the order in which a member sorts them.
        let mut sorted = (read.topics.clone(), read.owned.clone());
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
        let is_sorted = sorted == (read.topics.clone(), read.owned.clone()) && sample["variant"] == "full";
        if let Some(era) = era_of(sample["version"].as_i64().expect("a version")).filter(|_| is_sorted) {
            assert_eq!(protocol::write_subscription(&read, &era), bytes, "{sample}");
        }
    }
}

#[test]
fn assignments_are_kafkas_bytes() {
    for sample in samples("ConsumerProtocolAssignment") {
        let (bytes, told) = (hex(sample["body"].as_str().expect("hex")), &sample["body_json"]);
        let read = protocol::read_assignment(&bytes).expect("an assignment");
        assert_eq!(read, partitions(&told["assignedPartitions"]));
        // Ours has no bytes of the assignor's own: up to there they are the same.
        let version = sample["version"].as_i64().expect("a version") as i16;
        let written = protocol::write_assignment(&read, version, &Era::parse("3.9.0").expect("a release"));
        if !read.is_empty() {
            let head = written.len() - 4;
            assert_eq!(written[..head], bytes[..head], "{sample}");
        }
    }
}
