//! Facts about a broker as a process.

use super::notes;
use crate::ids::{BrokerEpoch, BrokerId, ControllerEpoch};
use crate::messages::ApiKey;

notes! {
    /// A fact about a broker.
    BrokerNote {
        /// It has started and read its log directory.
        Started {
            /// Whether its last life stopped in order.
            clean: bool,
            /// How many partitions it found.
            partitions: usize,
        },
        /// Its znode under `/brokers/ids` stands.
        Registered {
            /// The life it thereby has.
            epoch: BrokerEpoch,
        },
        /// Its session with ZooKeeper has expired.
        SessionExpired,
        /// Its connection to ZooKeeper is lost; its session may live.
        ZooKeeperLost,
        /// Its connection to ZooKeeper is back, in the same session.
        ZooKeeperBack,
        /// It began a controlled shutdown.
        ShutdownStarted,
        /// The controller has moved its leaders away, or refused.
        ShutdownAnswered {
            /// How many partitions it still leads.
            remaining: usize,
        },
        /// It refused a control request of a deposed controller or for an earlier life.
        ControlRequestRefused {
            /// Which API.
            api: ApiKey,
            /// The sender.
            controller: BrokerId,
            /// The sender's epoch.
            controller_epoch: ControllerEpoch,
            /// Why, by Kafka's name.
            error: crate::error::KafkaError,
        },
        /// Its log directory failed.
        LogDirectoryFailed,
    }
}
