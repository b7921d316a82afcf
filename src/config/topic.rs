//! A topic's settings (`LogConfig`), and the broker's defaults for them, whose names differ (`log.segment.bytes`).
//!
//! Left out: retention by age and size, compaction, compression (a batch is opaque), limits on timestamps.

use super::values::{Values, settings};
use super::{ConfigError, ConfigKind};
use crate::era::Era;
use crate::time::Micros;

/// `cleanup.policy`: `delete`, `compact`, or both.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct CleanupPolicy {
    /// Records may be deleted from the front.
    pub delete: bool,
    /// Records are kept by key: whole segments are not looked after by the broker's retention.
    pub compact: bool,
}

/// A topic's settings (`LogConfig`).
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`.
    pub segment_ms: Micros,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u64,
    /// `max.message.bytes`.
    pub max_message_bytes: u64,
    /// `flush.messages`.
    pub flush_messages: u64,
    /// `flush.ms`; `None` is never.
    pub flush_ms: Option<Micros>,
    /// `min.insync.replicas`.
    pub min_insync_replicas: usize,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
    /// `message.timestamp.type` is LogAppendTime.
    pub log_append_time: bool,
    /// What `cleanup.policy` says.
    pub cleanup: CleanupPolicy,
}

settings! {
    OF_A_TOPIC, fn overlay(values, base: &TopicConfig) -> TopicConfig {
        segment_bytes: number("segment.bytes") else base.segment_bytes,
        segment_ms: span("segment.ms") else base.segment_ms,
        segment_index_bytes: number("segment.index.bytes") else base.segment_index_bytes,
        index_interval_bytes: number("index.interval.bytes") else base.index_interval_bytes,
        max_message_bytes: number("max.message.bytes") else base.max_message_bytes,
        flush_messages: number("flush.messages") else base.flush_messages,
        flush_ms: span_or_never("flush.ms") else base.flush_ms,
        min_insync_replicas: number("min.insync.replicas") else base.min_insync_replicas,
        unclean_leader_election: boolean("unclean.leader.election.enable") else base.unclean_leader_election,
        log_append_time: log_append_time("message.timestamp.type") else base.log_append_time,
        cleanup: cleanup_policy("cleanup.policy") else base.cleanup,
        ..
    }
}

settings! {
    OF_A_BROKER, fn defaults(values) -> TopicConfig {
        segment_bytes: number("log.segment.bytes") else 0,
        segment_ms: span("log.roll.ms", "log.roll.hours") else Micros::ZERO,
        segment_index_bytes: number("log.index.size.max.bytes") else 0,
        index_interval_bytes: number("log.index.interval.bytes") else 0,
        max_message_bytes: number("message.max.bytes") else 0,
        flush_messages: number("log.flush.interval.messages") else 0,
        flush_ms: span_or_never("log.flush.interval.ms", "log.flush.scheduler.interval.ms") else None,
        min_insync_replicas: number("min.insync.replicas") else 1,
        unclean_leader_election: boolean("unclean.leader.election.enable") else false,
        log_append_time: log_append_time("log.message.timestamp.type") else false,
        cleanup: cleanup_policy("log.cleanup.policy") else CleanupPolicy { delete: true, compact: false },
        ..
    }
}

impl TopicConfig {
    /// These settings, changed by a topic's own.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn with(&self, era: &Era, settings: &[(String, String)]) -> Result<TopicConfig, ConfigError> {
        overlay(&Values::given(ConfigKind::Topic, era, settings)?, self)
    }

    /// What a broker's settings say of topics that have none of their own.
    pub(super) fn of_broker(values: &Values<'_>) -> Result<TopicConfig, ConfigError> {
        defaults(values)
    }
}
