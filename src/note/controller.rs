//! Facts about the controller.

use super::notes;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch, TopicPartition};
use crate::messages::ApiKey;

notes! {
    /// A fact about the controller.
    ControllerNote {
        /// It won `/controller`.
        Elected {
            /// Its epoch.
            epoch: ControllerEpoch,
        },
        /// It lost the race for `/controller`, or saw another win.
        Follows {
            /// The controller.
            controller: BrokerId,
        },
        /// It has registered its watches and read everything back.
        Initialized {
            /// Live brokers.
            brokers: Vec<BrokerId>,
            /// How many partitions.
            partitions: usize,
        },
        /// It is controller no more.
        Resigned {
            /// The epoch it had.
            epoch: ControllerEpoch,
        },
        /// It takes an event from its queue: `BrokerChange`, `TopicChange`, `IsrChangeNotification`, `Reelect`, ...
        Event {
            /// Kafka's name of the event in this era.
            name: &'static str,
            /// Whether it only keeps the books: an ISR that changed, an answer that came.
            routine: bool,
        },
        /// Brokers came or went.
        BrokersChanged {
            /// The event that made it look, by its name of the release.
            event: &'static str,
            /// New ones.
            started: Vec<BrokerId>,
            /// Lost ones.
            failed: Vec<BrokerId>,
            /// Ones that came back in another life before anybody looked (KIP-380).
            bounced: Vec<BrokerId>,
        },
        /// `onBrokerFailure` begins.
        BrokerFailure {
            /// Whose.
            brokers: Vec<BrokerId>,
        },
        /// `onBrokerStartup` begins.
        BrokerStartup {
            /// Whose.
            brokers: Vec<BrokerId>,
        },
        /// A partition changed state: `NewPartition`, `OnlinePartition`, `OfflinePartition`, `NonExistentPartition`.
        PartitionState {
            /// Which.
            partition: TopicPartition,
            /// Before.
            from: &'static str,
            /// After.
            to: &'static str,
        },
        /// A replica changed state: `NewReplica`, `OnlineReplica`, `OfflineReplica`, ...
        ReplicaState {
            /// Which partition.
            partition: TopicPartition,
            /// On which broker.
            broker: BrokerId,
            /// Before.
            from: &'static str,
            /// After.
            to: &'static str,
        },
        /// It wrote a partition's leader and ISR.
        LeaderAndIsrWritten {
            /// Which.
            partition: TopicPartition,
            /// The leader; [`BrokerId::NONE`] for none.
            leader: BrokerId,
            /// Its epoch.
            epoch: LeaderEpoch,
            /// The ISR.
            isr: Vec<BrokerId>,
            /// Why: `new partition`, `offline`, `preferred`, `reassignment`, `controlled shutdown`, `replica offline`, ...
            reason: &'static str,
            /// Whether the leader is outside the ISR: a declared loss.
            unclean: bool,
        },
        /// It looked at the balance of leaders: not all that prefer this broker are led by it.
        Imbalance {
            /// The preferred leader.
            broker: BrokerId,
            /// How many of the partitions that prefer it others lead.
            led_elsewhere: usize,
            /// How many prefer it.
            preferred_of: usize,
            /// `leader.imbalance.per.broker.percentage`: elections are held if it is more than that.
            allowed_percentage: u32,
        },
        /// Nobody could be elected.
        NotElected {
            /// Which partition.
            partition: TopicPartition,
            /// Kafka's reason, in words.
            reason: &'static str,
        },
        /// A write to ZooKeeper was refused: another version, or another controller epoch.
        WriteRefused {
            /// Which znode.
            path: String,
            /// Why.
            error: crate::messages::zookeeper::ZkError,
        },
        /// It refused a broker's ControlledShutdown.
        ShutdownRefused {
            /// Whose.
            broker: BrokerId,
            /// Why.
            error: crate::error::KafkaError,
        },
        /// It sent a control request.
        Sent {
            /// LeaderAndIsr, StopReplica or UpdateMetadata.
            api: ApiKey,
            /// To whom.
            to: BrokerId,
            /// About which partitions; the leader it names and its epoch, unless it stops replicas.
            partitions: Vec<(TopicPartition, Option<(BrokerId, LeaderEpoch)>)>,
        },
    }
}
