//! ControlledShutdown (API key 7): a broker that is about to stop asks the controller to move its leaders away.
//!
//! | field                       | since         | why                                                         |
//! |-----------------------------|---------------|-------------------------------------------------------------|
//! | broker_epoch                | 2 (KIP-380)   | a retry from an earlier life of the broker is refused       |

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, TopicPartition};

/// First release and newest version, ascending.
pub const VERSIONS: &[(Release, i16)] =
    &[(Release::new_0(10, 2, 0), 1), (Release::new(2, 2, 0), 2), (Release::new(2, 4, 0), 3)];

/// A ControlledShutdown request.
#[derive(Clone, PartialEq, Debug)]
pub struct ControlledShutdownRequest {
    /// The broker that wants to stop.
    pub broker: BrokerId,
    /// Its life (version 2 on).
    pub broker_epoch: Option<BrokerEpoch>,
}

/// A ControlledShutdown response.
#[derive(Clone, PartialEq, Debug)]
pub struct ControlledShutdownResponse {
    /// Why nothing was done.
    pub error: Option<KafkaError>,
    /// Partitions that the broker still leads: it asks again until there are none.
    pub remaining: Vec<TopicPartition>,
}

impl ControlledShutdownRequest {
    /// Drops what `version` does not carry.
    pub fn for_version(mut self, version: i16) -> ControlledShutdownRequest {
        if version < 2 {
            self.broker_epoch = None;
        }
        self
    }

    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16
    }
}

impl ControlledShutdownResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        16 + 24 * self.remaining.len() as u64
    }
}
