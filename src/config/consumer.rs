//! A consumer's settings (`ConsumerConfig`), as far as anything here depends on them.
//!
//! Left out: groups (`group.id` and its kin are accepted and have no effect), isolation level, `max.poll.records`.

use super::values::{Values, settings};
use super::{ConfigError, ConfigKind};
use crate::era::Era;
use crate::time::Micros;
use std::sync::Arc;

/// A consumer's settings.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsumerConfig {
    /// `fetch.min.bytes`.
    pub fetch_min_bytes: u32,
    /// `fetch.max.bytes`.
    pub fetch_max_bytes: u32,
    /// `max.partition.fetch.bytes`.
    pub max_partition_fetch_bytes: u32,
    /// `fetch.max.wait.ms`.
    pub fetch_max_wait: Micros,
    /// `request.timeout.ms`.
    pub request_timeout: Micros,
    /// `retry.backoff.ms`.
    pub retry_backoff: Micros,
    /// `retry.backoff.max.ms`; the same as `retry.backoff.ms` before 3.7 (KIP-580).
    pub retry_backoff_max: Micros,
    /// `metadata.max.age.ms`.
    pub metadata_max_age: Micros,
    /// `reconnect.backoff.ms`.
    pub reconnect_backoff: Micros,
    /// `reconnect.backoff.max.ms`; the same as `reconnect.backoff.ms` before 0.11 (KIP-144).
    pub reconnect_backoff_max: Micros,
    /// `socket.connection.setup.timeout.ms`; absent before 2.7 (KIP-601).
    pub connection_setup_timeout: Option<Micros>,
    /// `socket.connection.setup.timeout.max.ms`.
    pub connection_setup_timeout_max: Option<Micros>,
    /// `auto.offset.reset`.
    pub auto_offset_reset: OffsetReset,
    /// `client.rack` (KIP-392).
    pub client_rack: Option<Arc<str>>,
}

/// `auto.offset.reset`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OffsetReset {
    /// `earliest`.
    Earliest,
    /// `latest`.
    Latest,
    /// `none`: tell the application.
    None,
}

settings! {
    EFFECTIVE, fn read(values) -> ConsumerConfig {
        fetch_min_bytes: number("fetch.min.bytes") else 0,
        fetch_max_bytes: number("fetch.max.bytes") else 0,
        max_partition_fetch_bytes: number("max.partition.fetch.bytes") else 0,
        fetch_max_wait: span("fetch.max.wait.ms") else Micros::ZERO,
        request_timeout: span("request.timeout.ms") else Micros::ZERO,
        retry_backoff: span("retry.backoff.ms") else Micros::ZERO,
        retry_backoff_max: span("retry.backoff.max.ms", "retry.backoff.ms") else Micros::ZERO,
        metadata_max_age: span("metadata.max.age.ms") else Micros::ZERO,
        reconnect_backoff: span("reconnect.backoff.ms") else Micros::ZERO,
        reconnect_backoff_max: span("reconnect.backoff.max.ms", "reconnect.backoff.ms") else Micros::ZERO,
        connection_setup_timeout: span_if_known("socket.connection.setup.timeout.ms") else None,
        connection_setup_timeout_max: span_if_known("socket.connection.setup.timeout.max.ms") else None,
        auto_offset_reset: offset_reset("auto.offset.reset") else OffsetReset::Latest,
        client_rack: text("client.rack") else None,
        ..
    }
}

impl ConsumerConfig {
    /// The settings of a consumer of `era`.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn new(era: &Era, settings: &[(String, String)]) -> Result<ConsumerConfig, ConfigError> {
        read(&Values::over_defaults(ConfigKind::Consumer, era, settings)?)
    }
}
