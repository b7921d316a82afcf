//! Settings against Kafka's own: every name, every default, every field that a default makes, in 27 releases.

mod vectors;

use flate2::read::GzDecoder;
use kafka::config::{
    BrokerConfig, CleanupPolicy, ConfigKind, ConsumerConfig, DefaultValue, Definition, OffsetReset,
    ProducerConfig, TopicConfig, default_of, has_an_effect, names,
};
use kafka::era::{Era, RELEASES};
use kafka::ids::BrokerId;
use kafka::messages::produce::Acks;
use kafka::time::Micros;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use vectors::{VERSIONS, at, covers};

fn era(version: &str) -> Era {
    Era::parse(version).expect("a release of Kafka's")
}

/// Name and cell of every setting of a kind.
fn table(kind: ConfigKind) -> BTreeMap<String, String> {
    let text = vectors::read(&format!("config-defaults/{}.tsv", kind.name()));
    let rows = text.lines().skip(1).filter_map(|line| line.split_once('\t'));
    rows.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
}

/// The default of a setting that a version has, as a user would write it; an empty text for Java's null.
fn default_text(kind: ConfigKind, name: &str, version: &str) -> Option<String> {
    let cells = table(kind);
    let value = at(cells.get(name).unwrap_or_else(|| panic!("{name}")), version)?;
    Some(if value == "null" { String::new() } else { value.trim_matches('\'').to_owned() })
}

/// Without the quotes of a text.
fn as_kafka_prints(value: &str) -> &str {
    value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(value)
}

#[test]
fn every_name_and_default_is_kafkas() {
    for kind in ConfigKind::ALL {
        let table = table(kind);
        for version in VERSIONS {
            let era = era(version);
            let expected = table.iter().filter_map(|(name, cell)| Some((name.as_str(), at(cell, version)?)));
            let expected: Vec<_> = expected.map(|(name, value)| (name, as_kafka_prints(value))).collect();
            let ours = names(kind, &era).map(|name| {
                let text = match default_of(kind, &era, name).expect("a known name") {
                    DefaultValue::Value(text) => text,
                    DefaultValue::Null => "null",
                    DefaultValue::Required => "(required)",
                };
                (name, text)
            });
            let ours: Vec<_> = ours.collect();
            assert_eq!(ours, expected, "{kind:?} {version}");
        }
    }
}

/// A field as Kafka would write its setting.
trait Written {
    fn written(&self) -> String;
}

macro_rules! written {
    ($($type:ty: |$value:ident| $text:expr;)*) => {
        $(impl Written for $type {
            fn written(&self) -> String {
                let $value = self;
                $text
            }
        })*
    };
}

written! {
    bool: |value| value.to_string();
    u8: |value| value.to_string();
    i16: |value| value.to_string();
    u32: |value| value.to_string();
    i32: |value| value.to_string();
    u64: |value| value.to_string();
    usize: |value| value.to_string();
    // Long.MAX_VALUE milliseconds do not fit into microseconds.
    Micros: |value| if value.0 == u64::MAX { i64::MAX.to_string() } else { value.millis().to_string() };
    Option<Micros>: |value| value.map_or(String::new(), |span| span.written());
    Option<std::sync::Arc<str>>: |value| value.as_deref().unwrap_or_default().to_owned();
    Acks: |value| match value { Acks::All => "all", Acks::Leader => "1", Acks::None => "0" }.to_owned();
    OffsetReset: |value| match value {
        OffsetReset::Earliest => "earliest",
        OffsetReset::Latest => "latest",
        OffsetReset::None => "none",
    }.to_owned();
}

fn timestamp_type(append_time: bool) -> String {
    if append_time { "LogAppendTime" } else { "CreateTime" }.to_owned()
}

fn never(span: Option<Micros>) -> String {
    span.unwrap_or(Micros(u64::MAX)).written()
}

/// Asserts that each field is what Kafka's default of that setting says, in every version that has the setting.
macro_rules! fields {
    ($kind:expr, $version:expr; $($name:literal => $written:expr,)*) => {{
        let checked = [$($name,)*];
        $(if let Some(expected) = default_text($kind, $name, $version) {
            assert_eq!($written, expected, "{} in {}", $name, $version);
        })*
        checked
    }};
}

#[test]
fn every_field_is_made_by_its_default() {
    for version in VERSIONS {
        let era = era(version);
        let broker = BrokerConfig::new(&era, BrokerId(1), &[]).expect("defaults");
        let checked = fields! { ConfigKind::Broker, version;
            "broker.rack" => broker.rack.written(),
            "zookeeper.session.timeout.ms" => broker.zookeeper_session_timeout.written(),
            "replica.lag.time.max.ms" => broker.replica_lag_time_max.written(),
            "replica.fetch.min.bytes" => broker.replica_fetch_min_bytes.written(),
            "replica.fetch.wait.max.ms" => broker.replica_fetch_wait_max.written(),
            "replica.fetch.max.bytes" => broker.replica_fetch_max_bytes.written(),
            "replica.fetch.response.max.bytes" => broker.replica_fetch_response_max_bytes.written(),
            "replica.fetch.backoff.ms" => broker.replica_fetch_backoff.written(),
            "replica.socket.timeout.ms" => broker.replica_socket_timeout.written(),
            "num.replica.fetchers" => broker.num_replica_fetchers.written(),
            "replica.high.watermark.checkpoint.interval.ms" => broker.high_watermark_checkpoint_interval.written(),
            "log.flush.scheduler.interval.ms" => broker.log_flush_scheduler_interval.written(),
            "log.flush.offset.checkpoint.interval.ms" => broker.log_flush_offset_checkpoint_interval.written(),
            "log.flush.start.offset.checkpoint.interval.ms"
                => broker.log_flush_start_offset_checkpoint_interval.written(),
            "log.retention.check.interval.ms" => broker.log_retention_check_interval.written(),
            "log.cleanup.policy" => policy(broker.topic_defaults.cleanup),
            "auto.leader.rebalance.enable" => broker.auto_leader_rebalance.written(),
            "leader.imbalance.check.interval.seconds"
                => Micros(broker.leader_imbalance_check_interval.0 / 1000).written(),
            "leader.imbalance.per.broker.percentage" => broker.leader_imbalance_percentage.written(),
            "delete.topic.enable" => broker.delete_topic_enable.written(),
            "controlled.shutdown.enable" => broker.controlled_shutdown.written(),
            "controlled.shutdown.max.retries" => broker.controlled_shutdown_max_retries.written(),
            "controlled.shutdown.retry.backoff.ms" => broker.controlled_shutdown_retry_backoff.written(),
            "controller.socket.timeout.ms" => broker.controller_socket_timeout.written(),
            "request.timeout.ms" => broker.request_timeout.written(),
            "num.partitions" => broker.num_partitions.written(),
            "default.replication.factor" => broker.default_replication_factor.written(),
            "group.initial.rebalance.delay.ms" => broker.group_initial_rebalance_delay.written(),
            "group.min.session.timeout.ms" => broker.group_min_session_timeout.written(),
            "group.max.session.timeout.ms" => broker.group_max_session_timeout.written(),
            "offsets.topic.num.partitions" => broker.offsets_topic_partitions.written(),
            "offsets.topic.replication.factor" => broker.offsets_topic_replication_factor.written(),
            "offsets.topic.segment.bytes" => broker.offsets_topic_segment_bytes.written(),
            "offsets.commit.timeout.ms" => broker.offsets_commit_timeout.written(),
            "offset.metadata.max.bytes" => broker.offset_metadata_max_bytes.written(),
            "offsets.retention.minutes" => Micros(broker.offsets_retention.0 / 60_000).written(),
            "replica.selector.class" => if broker.rack_aware_reads { "by rack".to_owned() } else { String::new() },
            "log.segment.bytes" => broker.topic_defaults.segment_bytes.written(),
            "log.roll.hours" => Micros(broker.topic_defaults.segment_ms.0 / 3_600_000).written(),
            "log.index.size.max.bytes" => broker.topic_defaults.segment_index_bytes.written(),
            "log.index.interval.bytes" => broker.topic_defaults.index_interval_bytes.written(),
            "message.max.bytes" => broker.topic_defaults.max_message_bytes.written(),
            "log.flush.interval.messages" => broker.topic_defaults.flush_messages.written(),
            "min.insync.replicas" => broker.topic_defaults.min_insync_replicas.written(),
            "unclean.leader.election.enable" => broker.topic_defaults.unclean_leader_election.written(),
            "log.message.timestamp.type" => timestamp_type(broker.topic_defaults.log_append_time),
        };
        // The first four say nothing by default but through another setting, or are the broker's own.
        let others = ["broker.id", "log.roll.ms", "log.flush.interval.ms"];
        complete(ConfigKind::Broker, &checked, &others);

        // LogConfig's own defaults are the broker's: nobody set anything.
        let topic: TopicConfig = broker.topic_defaults.with(&era, &[]).expect("no settings");
        let checked = fields! { ConfigKind::Topic, version;
            "segment.bytes" => topic.segment_bytes.written(),
            "segment.ms" => topic.segment_ms.written(),
            "segment.index.bytes" => topic.segment_index_bytes.written(),
            "index.interval.bytes" => topic.index_interval_bytes.written(),
            "max.message.bytes" => topic.max_message_bytes.written(),
            "flush.messages" => topic.flush_messages.written(),
            "flush.ms" => never(topic.flush_ms),
            "min.insync.replicas" => topic.min_insync_replicas.written(),
            "unclean.leader.election.enable" => topic.unclean_leader_election.written(),
            "message.timestamp.type" => timestamp_type(topic.log_append_time),
            "cleanup.policy" => policy(topic.cleanup),
        };
        complete(ConfigKind::Topic, &checked, &[]);

        let producer = ProducerConfig::new(&era, &[]).expect("defaults");
        let checked = fields! { ConfigKind::Producer, version;
            "acks" => producer.acks.written(),
            "retries" => producer.retries.written(),
            "retry.backoff.ms" => producer.retry_backoff.written(),
            "retry.backoff.max.ms" => producer.retry_backoff_max.written(),
            "delivery.timeout.ms" => producer.delivery_timeout.written(),
            "request.timeout.ms" => producer.request_timeout.written(),
            "max.in.flight.requests.per.connection" => producer.max_in_flight.written(),
            "max.block.ms" => producer.max_block.written(),
            "linger.ms" => producer.linger.written(),
            "batch.size" => producer.batch_size.written(),
            "max.request.size" => producer.max_request_size.written(),
            "metadata.max.age.ms" => producer.metadata_max_age.written(),
            "reconnect.backoff.ms" => producer.reconnect_backoff.written(),
            "reconnect.backoff.max.ms" => producer.reconnect_backoff_max.written(),
            "socket.connection.setup.timeout.ms" => producer.connection_setup_timeout.written(),
            "socket.connection.setup.timeout.max.ms" => producer.connection_setup_timeout_max.written(),
        };
        complete(ConfigKind::Producer, &checked, &[]);

        let consumer = ConsumerConfig::new(&era, &[]).expect("defaults");
        let checked = fields! { ConfigKind::Consumer, version;
            "fetch.min.bytes" => consumer.fetch_min_bytes.written(),
            "fetch.max.bytes" => consumer.fetch_max_bytes.written(),
            "max.partition.fetch.bytes" => consumer.max_partition_fetch_bytes.written(),
            "fetch.max.wait.ms" => consumer.fetch_max_wait.written(),
            "request.timeout.ms" => consumer.request_timeout.written(),
            "retry.backoff.ms" => consumer.retry_backoff.written(),
            "retry.backoff.max.ms" => consumer.retry_backoff_max.written(),
            "metadata.max.age.ms" => consumer.metadata_max_age.written(),
            "reconnect.backoff.ms" => consumer.reconnect_backoff.written(),
            "reconnect.backoff.max.ms" => consumer.reconnect_backoff_max.written(),
            "socket.connection.setup.timeout.ms" => consumer.connection_setup_timeout.written(),
            "socket.connection.setup.timeout.max.ms" => consumer.connection_setup_timeout_max.written(),
            "auto.offset.reset" => consumer.auto_offset_reset.written(),
            "client.rack" => consumer.client_rack.written(),
        };
        complete(ConfigKind::Consumer, &checked, &[]);
    }
}

fn policy(cleanup: CleanupPolicy) -> String {
    assert_eq!((cleanup.delete, cleanup.compact), (true, false), "the only default there ever was");
    "['delete']".to_owned()
}

/// Nothing that has an effect was forgotten above.
fn complete(kind: ConfigKind, checked: &[&str], others: &[&str]) {
    for definition in Definition::all(kind).iter().filter(|known| has_an_effect(kind, known.name)) {
        let name = definition.name;
        assert!(checked.contains(&name) || others.contains(&name), "{kind:?} {name}");
    }
}

#[test]
fn a_release_between_two_tables_has_the_settings_of_its_line() {
    for release in RELEASES {
        let line = era(&release.line());
        for kind in ConfigKind::ALL {
            assert!(names(kind, &Era::of(*release)).eq(names(kind, &line)), "{kind:?} {release}");
        }
    }
}

#[test]
fn a_producer_makes_of_its_settings_what_kafkas_does() {
    let path = format!("{}/vectors/producer-config/effective.jsonl.gz", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("the vector");
    GzDecoder::new(file).read_to_string(&mut text).expect("the vector is whole");
    let mut compared = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("one object a line");
        let given: Vec<(String, String)> = case["config"]
            .as_object()
            .expect("settings")
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned()))
            .collect();
        // Idempotence and transactions come later.
        if given.iter().any(|(name, _)| name == "enable.idempotence" || name == "transactional.id") {
            continue;
        }
        for version in VERSIONS {
            let effects = case["effect"].as_array().expect("effects");
            let effect = effects
                .iter()
                .find(|effect| covers(effect["versions"].as_str().expect("versions"), version) == Some(true))
                .expect("an effect for every version");
            let era = era(version);
            // Old clients ignore what they do not know; here it is a mistake of the scenario.
            let given: Vec<_> = given
                .iter()
                .filter(|(name, _)| default_of(ConfigKind::Producer, &era, name).is_some())
                .cloned()
                .collect();
            let ours = ProducerConfig::new(&era, &given);
            compared += 1;
            if effect.get("error").is_some() {
                // From 4.0 a limit of more than five in flight is refused because idempotence is on.
                let of_idempotence = effect["message"].as_str().expect("a message").contains("idempoten");
                assert!(ours.is_err() || of_idempotence, "{version} {given:?}: {effect}");
                continue;
            }
            let ours = ours.unwrap_or_else(|error| panic!("{version} {given:?}: {error}"));
            let number = |name: &str| effect[name].as_i64();
            let millis = |span: Micros| Some(span.millis() as i64);
            let acks = match ours.acks {
                Acks::All => -1,
                Acks::Leader => 1,
                Acks::None => 0,
            };
            assert_eq!(Some(acks), number("acks"), "{version} {given:?}");
            assert_eq!(Some(i64::from(ours.retries)), number("retries"), "{version} {given:?}");
            assert_eq!(Some(i64::from(ours.max_in_flight)), number("inflight"), "{version} {given:?}");
            assert_eq!(millis(ours.linger), number("linger"), "{version} {given:?}");
            assert_eq!(millis(ours.request_timeout), number("request.timeout"), "{version} {given:?}");
            let delivery = ours.delivery_timeout.map(|span| span.millis() as i64);
            assert_eq!(delivery, number("delivery.timeout"), "{version} {given:?}");
        }
    }
    assert!(compared > 2000, "only {compared} cases");
}

/// A setting that some release knows, or nonsense.
fn setting(kind: ConfigKind) -> impl Strategy<Value = (String, String)> {
    let known: Vec<_> = Definition::all(kind).iter().map(|definition| definition.name.to_owned()).collect();
    let name = prop_oneof![9 => prop::sample::select(known), 1 => ".{0,30}"];
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        (-10..100i64).prop_map(|number| number.to_string()),
        prop::sample::select(vec![
            "",
            "all",
            "true",
            "FALSE",
            "none",
            "LogAppendTime",
            "9223372036854775808",
            "NaN"
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
    ];
    (name, value)
}

fn settings(kind: ConfigKind) -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(setting(kind), 0..5)
}

proptest! {
    #[test]
    fn no_value_panics_and_every_refusal_names_a_given_setting(
        release in prop::sample::select(RELEASES.to_vec()),
        broker in settings(ConfigKind::Broker),
        topic in settings(ConfigKind::Topic),
        producer in settings(ConfigKind::Producer),
        consumer in settings(ConfigKind::Consumer),
    ) {
        let era = Era::of(release);
        let defaults = BrokerConfig::new(&era, BrokerId(0), &[]).expect("defaults").topic_defaults;
        for (given, refused) in [
            (&broker, BrokerConfig::new(&era, BrokerId(0), &broker).err()),
            (&topic, defaults.with(&era, &topic).err()),
            (&producer, ProducerConfig::new(&era, &producer).err()),
            (&consumer, ConsumerConfig::new(&era, &consumer).err()),
        ] {
            if let Some(error) = refused {
                prop_assert!(given.iter().any(|(name, _)| *name == error.name)
                    || error.name == "replica.fetch.wait.max.ms", "{error}");
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
