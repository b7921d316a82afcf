//! A broker's settings (`KafkaConfig`), as far as anything here depends on them.
//!
//! From 4.0 on ZooKeeper's settings and those of controlled shutdown are gone; they read as zero there, and no era that
//! runs looks at them.

use super::values::{Values, settings};
use super::{ConfigError, ConfigKind, TopicConfig};
use crate::era::Era;
use crate::ids::BrokerId;
use crate::time::Micros;
use std::sync::Arc;

/// A broker's settings, as far as anything here depends on them.
#[derive(Clone, PartialEq, Debug)]
pub struct BrokerConfig {
    /// `broker.id`.
    pub id: BrokerId,
    /// `broker.rack`.
    pub rack: Option<Arc<str>>,
    /// `zookeeper.session.timeout.ms`.
    pub zookeeper_session_timeout: Micros,
    /// `replica.lag.time.max.ms`.
    pub replica_lag_time_max: Micros,
    /// `replica.fetch.min.bytes`.
    pub replica_fetch_min_bytes: u32,
    /// `replica.fetch.wait.max.ms`.
    pub replica_fetch_wait_max: Micros,
    /// `replica.fetch.max.bytes`.
    pub replica_fetch_max_bytes: u32,
    /// `replica.fetch.response.max.bytes`.
    pub replica_fetch_response_max_bytes: u32,
    /// `replica.fetch.backoff.ms`.
    pub replica_fetch_backoff: Micros,
    /// `replica.socket.timeout.ms`.
    pub replica_socket_timeout: Micros,
    /// `num.replica.fetchers`.
    pub num_replica_fetchers: u8,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_checkpoint_interval: Micros,
    /// `log.flush.scheduler.interval.ms`.
    pub log_flush_scheduler_interval: Micros,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub log_flush_offset_checkpoint_interval: Micros,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub log_flush_start_offset_checkpoint_interval: Micros,
    /// `log.retention.check.interval.ms`.
    pub log_retention_check_interval: Micros,
    /// `auto.leader.rebalance.enable`.
    pub auto_leader_rebalance: bool,
    /// `leader.imbalance.check.interval.seconds`.
    pub leader_imbalance_check_interval: Micros,
    /// `leader.imbalance.per.broker.percentage`.
    pub leader_imbalance_percentage: u32,
    /// `delete.topic.enable`: off by default up to 0.11.
    pub delete_topic_enable: bool,
    /// `controlled.shutdown.enable`.
    pub controlled_shutdown: bool,
    /// `controlled.shutdown.max.retries`.
    pub controlled_shutdown_max_retries: u32,
    /// `controlled.shutdown.retry.backoff.ms`.
    pub controlled_shutdown_retry_backoff: Micros,
    /// `controller.socket.timeout.ms`.
    pub controller_socket_timeout: Micros,
    /// `request.timeout.ms` of the broker's own requests.
    pub request_timeout: Micros,
    /// `num.partitions`.
    pub num_partitions: i32,
    /// `default.replication.factor`.
    pub default_replication_factor: i16,
    /// `replica.selector.class` is RackAwareReplicaSelector (KIP-392).
    pub rack_aware_reads: bool,
    /// `group.initial.rebalance.delay.ms`; absent before 0.11 (KIP-134).
    pub group_initial_rebalance_delay: Option<Micros>,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout: Micros,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout: Micros,
    /// `offsets.topic.num.partitions`.
    pub offsets_topic_partitions: i32,
    /// `offsets.topic.replication.factor`.
    pub offsets_topic_replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub offsets_topic_segment_bytes: u32,
    /// `offsets.commit.timeout.ms`.
    pub offsets_commit_timeout: Micros,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_max_bytes: u32,
    /// `offsets.retention.minutes`.
    pub offsets_retention: Micros,
    /// What a topic without settings of its own gets.
    pub topic_defaults: TopicConfig,
}

settings! {
    OF_ITS_OWN, fn read(values, id: &BrokerId) -> BrokerConfig {
        rack: text("broker.rack") else None,
        zookeeper_session_timeout: span("zookeeper.session.timeout.ms") else Micros::ZERO,
        replica_lag_time_max: span("replica.lag.time.max.ms") else Micros::ZERO,
        replica_fetch_min_bytes: number("replica.fetch.min.bytes") else 0,
        replica_fetch_wait_max: span("replica.fetch.wait.max.ms") else Micros::ZERO,
        replica_fetch_max_bytes: number("replica.fetch.max.bytes") else 0,
        replica_fetch_response_max_bytes: number("replica.fetch.response.max.bytes") else 0,
        replica_fetch_backoff: span("replica.fetch.backoff.ms") else Micros::ZERO,
        replica_socket_timeout: span("replica.socket.timeout.ms") else Micros::ZERO,
        num_replica_fetchers: number("num.replica.fetchers") else 0,
        high_watermark_checkpoint_interval: span("replica.high.watermark.checkpoint.interval.ms") else Micros::ZERO,
        log_flush_scheduler_interval: span("log.flush.scheduler.interval.ms") else Micros::ZERO,
        log_flush_offset_checkpoint_interval: span("log.flush.offset.checkpoint.interval.ms") else Micros::ZERO,
        // 0.10.2 has neither the setting nor the file (KIP-107).
        log_flush_start_offset_checkpoint_interval: span("log.flush.start.offset.checkpoint.interval.ms")
            else Micros::ZERO,
        log_retention_check_interval: span("log.retention.check.interval.ms") else Micros::ZERO,
        auto_leader_rebalance: boolean("auto.leader.rebalance.enable") else false,
        leader_imbalance_check_interval: span("leader.imbalance.check.interval.seconds") else Micros::ZERO,
        leader_imbalance_percentage: number("leader.imbalance.per.broker.percentage") else 0,
        delete_topic_enable: boolean("delete.topic.enable") else false,
        controlled_shutdown: boolean("controlled.shutdown.enable") else false,
        controlled_shutdown_max_retries: number("controlled.shutdown.max.retries") else 0,
        controlled_shutdown_retry_backoff: span("controlled.shutdown.retry.backoff.ms") else Micros::ZERO,
        controller_socket_timeout: span("controller.socket.timeout.ms") else Micros::ZERO,
        request_timeout: span("request.timeout.ms") else Micros::ZERO,
        num_partitions: number("num.partitions") else 1,
        default_replication_factor: number("default.replication.factor") else 1,
        rack_aware_reads: by_rack("replica.selector.class") else false,
        group_initial_rebalance_delay: span_if_known("group.initial.rebalance.delay.ms") else None,
        group_min_session_timeout: span("group.min.session.timeout.ms") else Micros::ZERO,
        group_max_session_timeout: span("group.max.session.timeout.ms") else Micros::ZERO,
        offsets_topic_partitions: number("offsets.topic.num.partitions") else 1,
        offsets_topic_replication_factor: number("offsets.topic.replication.factor") else 1,
        offsets_topic_segment_bytes: number("offsets.topic.segment.bytes") else 0,
        offsets_commit_timeout: span("offsets.commit.timeout.ms") else Micros::ZERO,
        offset_metadata_max_bytes: number("offset.metadata.max.bytes") else 0,
        offsets_retention: span("offsets.retention.minutes") else Micros::ZERO,
        ..
        id: *id,
        topic_defaults: TopicConfig::of_broker(values)?,
    }
}

/// The settings of a broker that have an effect.
pub(super) fn effective() -> impl Iterator<Item = &'static str> {
    ["broker.id"].iter().chain(OF_ITS_OWN).chain(super::topic::OF_A_BROKER).copied()
}

impl BrokerConfig {
    /// The settings of a broker of `era`: its defaults, changed by `settings` (Kafka's name, value as text).
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn new(era: &Era, id: BrokerId, settings: &[(String, String)]) -> Result<BrokerConfig, ConfigError> {
        let values = Values::over_defaults(ConfigKind::Broker, era, settings)?;
        let config = read(&values, &id)?;
        config.validate(&values)?;
        Ok(config)
    }

    /// What Kafka demands of several settings together (`KafkaConfig.validateValues`).
    fn validate(&self, values: &Values<'_>) -> Result<(), ConfigError> {
        let own_id = values.number::<i32>(&["broker.id"])?.map(BrokerId);
        if values.is_given("broker.id") && own_id != Some(self.id) {
            return Err(values.refuse("broker.id", format!("{}, the id this broker has already", self.id)));
        }
        if self.num_replica_fetchers == 0 {
            return Err(values.refuse("num.replica.fetchers", "at least 1"));
        }
        let wait = self.replica_fetch_wait_max;
        for (name, span) in [
            ("replica.lag.time.max.ms", self.replica_lag_time_max),
            ("replica.socket.timeout.ms", self.replica_socket_timeout),
        ] {
            if span < wait {
                let (blamed, relation, other, bound) = if values.is_given(name) {
                    (name, "at least", "replica.fetch.wait.max.ms", wait)
                } else {
                    ("replica.fetch.wait.max.ms", "at most", name, span)
                };
                let expected = format!("{relation} `{other}`, which is {}", bound.millis());
                return Err(values.refuse(blamed, expected));
            }
        }
        Ok(())
    }
}
