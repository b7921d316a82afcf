//! A producer's settings (`ProducerConfig`), as far as anything here depends on them.
//!
//! Left out: idempotence and transactions. `enable.idempotence` is accepted and has no effect, also from 3.0 on,
//! where Kafka turns it on by default: what it changes without saying so (acks, retries, the limit of requests in
//! flight) does not change here. `linger.ms` counts only for the delivery time-out: batches do not linger yet.

use super::values::{Values, settings};
use super::{ConfigError, ConfigKind};
use crate::era::Era;
use crate::messages::produce::Acks;
use crate::time::Micros;

/// A producer's settings.
#[derive(Clone, PartialEq, Debug)]
pub struct ProducerConfig {
    /// `acks`.
    pub acks: Acks,
    /// `retries`.
    pub retries: u32,
    /// `retry.backoff.ms`.
    pub retry_backoff: Micros,
    /// `retry.backoff.max.ms`; the same as `retry.backoff.ms` before 3.7 (KIP-580).
    pub retry_backoff_max: Micros,
    /// `delivery.timeout.ms`; absent before 2.1 (KIP-91).
    pub delivery_timeout: Option<Micros>,
    /// `request.timeout.ms`.
    pub request_timeout: Micros,
    /// `max.in.flight.requests.per.connection`.
    pub max_in_flight: u32,
    /// `max.block.ms`.
    pub max_block: Micros,
    /// `linger.ms`.
    pub linger: Micros,
    /// `batch.size`.
    pub batch_size: u32,
    /// `max.request.size`.
    pub max_request_size: u32,
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
}

settings! {
    EFFECTIVE, fn read(values) -> ProducerConfig {
        acks: acks("acks") else Acks::All,
        retries: number("retries") else 0,
        retry_backoff: span("retry.backoff.ms") else Micros::ZERO,
        retry_backoff_max: span("retry.backoff.max.ms", "retry.backoff.ms") else Micros::ZERO,
        delivery_timeout: span_if_known("delivery.timeout.ms") else None,
        request_timeout: span("request.timeout.ms") else Micros::ZERO,
        max_in_flight: number("max.in.flight.requests.per.connection") else 1,
        max_block: span("max.block.ms") else Micros::ZERO,
        linger: span("linger.ms") else Micros::ZERO,
        batch_size: number("batch.size") else 0,
        max_request_size: number("max.request.size") else 0,
        metadata_max_age: span("metadata.max.age.ms") else Micros::ZERO,
        reconnect_backoff: span("reconnect.backoff.ms") else Micros::ZERO,
        reconnect_backoff_max: span("reconnect.backoff.max.ms", "reconnect.backoff.ms") else Micros::ZERO,
        connection_setup_timeout: span_if_known("socket.connection.setup.timeout.ms") else None,
        connection_setup_timeout_max: span_if_known("socket.connection.setup.timeout.max.ms") else None,
        ..
    }
}

impl ProducerConfig {
    /// The settings of a producer of `era`.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn new(era: &Era, settings: &[(String, String)]) -> Result<ProducerConfig, ConfigError> {
        let values = Values::over_defaults(ConfigKind::Producer, era, settings)?;
        let mut config = read(&values)?;
        config.delivery_timeout = config.configure_delivery_timeout(&values)?;
        Ok(config)
    }

    /// `delivery.timeout.ms` must allow for one attempt: given smaller it is refused, the default is stretched
    /// (`KafkaProducer.configureDeliveryTimeout`).
    fn configure_delivery_timeout(&self, values: &Values<'_>) -> Result<Option<Micros>, ConfigError> {
        let Some(timeout) = self.delivery_timeout else { return Ok(None) };
        let longest = Micros::from_millis(i64::from(i32::MAX));
        let one_attempt = (self.linger + self.request_timeout).min(longest);
        if timeout >= one_attempt {
            return Ok(Some(timeout));
        }
        if values.is_given("delivery.timeout.ms") {
            let millis = one_attempt.millis();
            let expected = format!("at least `linger.ms` plus `request.timeout.ms`, which is {millis}");
            return Err(values.refuse("delivery.timeout.ms", expected));
        }
        Ok(Some(one_attempt))
    }
}
