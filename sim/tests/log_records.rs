//! Batches and records against what Kafka's own code made of them.

mod log_support;

use bytes::Bytes;
use kafka::disk::HEADER_LENGTH;
use kafka::ids::{LeaderEpoch, Offset};
use kafka::log::batch::{BatchHeader, RecordBatch};
use kafka::log::records::{self, COMPRESSION, ControlRecord, Record, RecordsError};
use kafka::log::{message_set, varint};
use kafka::time::Timestamp;
use log_support::{hex, lines, number};
use serde_json::Value;

fn header(facts: &Value) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(number(&facts["base_offset"])),
        batch_length: number(&facts["batch_length"]) as i32,
        partition_leader_epoch: LeaderEpoch(number(&facts["partition_leader_epoch"]) as i32),
        magic: number(&facts["magic"]) as i8,
        crc: number(&facts["crc"]) as u32,
        attributes: number(&facts["attributes"]) as i16,
        last_offset_delta: number(&facts["last_offset_delta"]) as i32,
        base_timestamp: Timestamp(number(&facts["base_timestamp"])),
        max_timestamp: Timestamp(number(&facts["max_timestamp"])),
        producer_id: number(&facts["producer_id"]),
        producer_epoch: number(&facts["producer_epoch"]) as i16,
        base_sequence: number(&facts["base_sequence"]) as i32,
        records_count: number(&facts["records_count"]) as i32,
    }
}

fn optional(value: &Value) -> Option<Bytes> {
    value.as_str().map(|text| hex(text).into())
}

fn record(facts: &Value) -> Record {
    let headers = facts["headers"].as_array().expect("a list");
    Record {
        offset: Offset(number(&facts["offset"])),
        timestamp: Timestamp(number(&facts["timestamp"])),
        sequence: number(&facts["sequence"]) as i32,
        key: optional(&facts["key"]),
        value: optional(&facts["value"]),
        headers: headers
            .iter()
            .map(|pair| (pair[0].as_str().expect("a name").to_owned(), optional(&pair[1])))
            .collect(),
    }
}

fn split(bytes: &[u8]) -> RecordBatch {
    let header = BatchHeader::decode(bytes).expect("61 bytes");
    RecordBatch::new(header, Bytes::copy_from_slice(&bytes[HEADER_LENGTH..]))
}

#[test]
fn every_uncompressed_batch_reads_and_encodes_to_the_same_bytes() {
    let vectors = lines("record-batch/v2-none.jsonl.gz");
    assert_eq!(vectors.len(), 500);
    for vector in &vectors {
        let id = &vector["id"];
        let facts = &vector["batches"][0];
        let bytes = hex(vector["bytes"].as_str().expect("hex"));
        let batch = split(&bytes);
        assert!(batch.is_valid(), "{id}");
        assert_eq!(batch.header, header(facts), "{id}");
        assert_eq!(batch.header.last_offset().0, number(&facts["last_offset"]), "{id}");

        let expected: Vec<Record> = facts["records"].as_array().expect("a list").iter().map(record).collect();
        let read: Result<Vec<Record>, RecordsError> = batch.records().collect();
        assert_eq!(read.as_ref(), Ok(&expected), "{id}");

        let mut body = Vec::new();
        for (index, record) in expected.iter().enumerate() {
            let own = vector["input_timestamps"].get(index).map_or(record.timestamp.0, number);
            let delta = own - batch.header.base_timestamp.0;
            let offset_delta = (record.offset - batch.header.base_offset) as i32;
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            records::encode(&mut body, delta, offset_delta, key, value, &record.headers);
        }
        let sealed = records::seal(BatchHeader { batch_length: 0, crc: 0, ..batch.header }, body.into());
        assert_eq!(sealed, batch, "{id}");
        assert_eq!([&sealed.header.encode()[..], &sealed.records].concat(), bytes, "{id}");
    }
}

#[test]
fn control_batches_say_what_they_are() {
    let mut markers = 0;
    for vector in lines("record-batch/v2-none.jsonl.gz") {
        let batch = split(&hex(vector["bytes"].as_str().expect("hex")));
        let control = ControlRecord::of(&batch);
        assert_eq!(control.is_some(), vector["kind"] == "control", "{}", vector["id"]);
        let Some(control) = control else { continue };
        let header = &batch.header;
        let built = control.build(header.producer_id, header.producer_epoch, header.base_timestamp);
        if let Some(mut built) = built {
            built.header.base_offset = header.base_offset;
            built.header.partition_leader_epoch = header.partition_leader_epoch;
            assert_eq!(built, batch, "{}", vector["id"]);
            markers += 1;
        }
    }
    assert_eq!(markers, 24);
}

#[test]
fn compressed_batches_are_carried_but_not_opened() {
    for vector in lines("record-batch/v2-compressed.jsonl.gz") {
        let batch = split(&hex(vector["bytes"].as_str().expect("hex")));
        assert!(batch.is_valid(), "{}", vector["id"]);
        assert_eq!(batch.header, header(&vector["batches"][0]), "{}", vector["id"]);
        assert_eq!(batch.records().next(), Some(Err(RecordsError::Compressed)));
    }
}

#[test]
fn message_sets_before_v2_can_be_read() {
    let mut messages = 0;
    for vector in lines("record-batch/v0-v1.jsonl.gz") {
        let id = &vector["id"];
        let bytes = Bytes::from(hex(vector["bytes"].as_str().expect("hex")));
        let read = message_set::read_all(&bytes);
        let expected = vector["batches"].as_array().expect("a list");
        let mut left = bytes.clone();
        assert_eq!(read.len(), expected.len(), "{id}");
        assert_eq!(read.iter().map(RecordBatch::size).sum::<u64>(), bytes.len() as u64, "{id}");
        for (message, facts) in read.iter().zip(expected) {
            assert_eq!(i64::from(message.header.magic), number(&vector["magic"]), "{id}");
            assert_eq!(message.header.last_offset().0, number(&facts["last_offset"]), "{id}");
            assert_eq!(i64::from(message.header.crc), number(&facts["crc32"]), "{id}");
            assert_eq!(message.size() as i64, number(&facts["size"]), "{id}");
            let compressed = message.header.attributes & COMPRESSION != 0;
            assert_eq!(compressed, vector["compression"] != "none", "{id}");
            if compressed {
                assert_eq!(message.records().next(), Some(Err(RecordsError::Compressed)), "{id}");
            } else {
                let expected = &facts["records"][0];
                let record = message.records().next().expect("one record").expect("decodable");
                assert_eq!(record.timestamp.0, number(&expected["timestamp"]), "{id}");
                assert_eq!(record.key, optional(&expected["key"]), "{id}");
                assert_eq!(record.value, optional(&expected["value"]), "{id}");
                assert_eq!(message.records().count(), 1, "{id}");
            }
            let position = bytes.len() - left.len();
            let header = &message.header.encode()[..message.header.length()];
            assert_eq!(
                [header, &message.records].concat(),
                left[..message.size() as usize],
                "{id} {position}"
            );
            left = left.slice(message.size() as usize..);
            messages += 1;
        }
    }
    assert!(messages > 400, "{messages}");
}

#[test]
fn the_checksum_is_kafkas() {
    let vectors = lines("crc32c/crc32c.jsonl");
    assert!(vectors.len() > 20);
    for vector in vectors {
        let bytes = hex(vector["bytes"].as_str().expect("hex"));
        assert_eq!(
            i64::from(kafka::log::batch::crc32c(&bytes)),
            number(&vector["crc32c"]),
            "{} bytes",
            bytes.len()
        );
    }
}

#[test]
fn numbers_are_kafkas() {
    let vectors = lines("varint/varint.jsonl");
    assert!(vectors.len() > 100);
    for vector in vectors {
        let value = number(&vector["value"]);
        let long = hex(vector["varlong"].as_str().expect("hex"));
        let mut written = Vec::new();
        varint::write(&mut written, value);
        assert_eq!(written, long, "{value}");
        assert_eq!(varint::size(value), long.len(), "{value}");
        assert_eq!(varint::read_long(&mut &long[..]), Some(value));
        if let Some(short) = vector["varint"].as_str() {
            assert_eq!(hex(short), long, "{value}");
            assert_eq!(varint::read(&mut &long[..]), Some(value as i32));
            let unsigned = hex(vector["unsigned_varint"].as_str().expect("hex"));
            let mut written = Vec::new();
            varint::write_unsigned(&mut written, u64::from(value as i32 as u32));
            assert_eq!(written, unsigned, "{value}");
            assert_eq!(varint::read_unsigned(&mut &unsigned[..]), Some(value as i32 as u32));
        }
    }
}
