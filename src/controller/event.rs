//! The controller's events (`ControllerEvent`; in 0.10.2 the listeners that ran under the controller's lock).

use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{BrokerId, Topic, TopicPartition};
use crate::messages::alter_partition::AlterPartitionRequest;
use crate::messages::controlled_shutdown::ControlledShutdownRequest;
use crate::messages::zookeeper::{WatchEvent, WatchKind};
use crate::node::ReplyTo;
use crate::zookeeper::znode;

/// Something for the controller to do. One at a time, in the order they came.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The broker has started.
    Startup,
    /// `/controller` is gone.
    Reelect,
    /// A new session stands after an expiry.
    NewSession,
    /// The session has expired.
    Expire,
    /// `/controller` was written.
    ControllerChange,
    /// `/brokers/ids` changed.
    BrokerChange,
    /// `/brokers/topics` changed.
    TopicChange,
    /// A topic's assignment changed.
    PartitionModifications(Topic),
    /// `/admin/delete_topics` changed.
    TopicDeletion,
    /// `/admin/reassign_partitions` was created.
    PartitionReassignment,
    /// The state of a partition that moves was changed by its leader.
    PartitionReassignmentIsrChange(TopicPartition),
    /// Leaders changed ISRs.
    IsrChangeNotification,
    /// A log directory failed somewhere.
    LogDirEventNotification,
    /// `/admin/preferred_replica_election` was created.
    PreferredReplicaElection,
    /// Time to look whether leadership is out of balance.
    AutoPreferredReplicaElection,
    /// A topic now allows unclean election.
    TopicUncleanElectionEnable(Topic),
    /// A broker wants to stop.
    ControlledShutdown {
        /// What it asks.
        request: ControlledShutdownRequest,
        /// Where the answer goes.
        reply_to: ReplyTo,
    },
    /// A leader wants another ISR.
    AlterPartition {
        /// What it asks.
        request: AlterPartitionRequest,
        /// Where the answer goes.
        reply_to: ReplyTo,
    },
    /// A broker answered a LeaderAndIsr with something to act on.
    LeaderAndIsrResponseReceived {
        /// Who.
        broker: BrokerId,
        /// Replicas whose log directory is offline.
        offline: Vec<TopicPartition>,
        /// Replicas that are well.
        online: Vec<TopicPartition>,
    },
    /// A broker answered a StopReplica that deletes replicas of topics to be deleted.
    TopicDeletionStopReplicaResponse {
        /// Who.
        broker: BrokerId,
        /// Each replica, and why it could not be deleted.
        replicas: Vec<(TopicPartition, Option<KafkaError>)>,
    },
}

impl Event {
    /// Kafka's name in this era: in 0.10.2 that of the listener.
    pub fn name(&self, era: &Era) -> &'static str {
        const V0_10: Release = Release::FIRST;
        const V0_11: Release = Release::new_0(11, 0, 0);
        const V1_1: Release = Release::new(1, 1, 0);
        const V2_4: Release = Release::new(2, 4, 0);
        const V3_2: Release = Release::new(3, 2, 0);
        let names: &[(Release, &'static str)] = match self {
            Event::Startup => &[(V0_10, "Startup")],
            Event::Reelect => &[(V0_10, "LeaderChangeListener"), (V0_11, "Reelect")],
            Event::NewSession => &[
                (V0_10, "SessionExpirationListener"),
                (V0_11, "Reelect"),
                (V1_1, "RegisterBrokerAndReelect"),
            ],
            Event::Expire => &[(V0_10, "Expire")],
            Event::ControllerChange => &[(V0_10, "LeaderChangeListener"), (V0_11, "ControllerChange")],
            Event::BrokerChange => &[(V0_10, "BrokerChangeListener"), (V0_11, "BrokerChange")],
            Event::TopicChange => &[(V0_10, "TopicChangeListener"), (V0_11, "TopicChange")],
            Event::PartitionModifications(_) => {
                &[(V0_10, "PartitionModificationsListener"), (V0_11, "PartitionModifications")]
            }
            Event::TopicDeletion => &[(V0_10, "DeleteTopicsListener"), (V0_11, "TopicDeletion")],
            Event::PartitionReassignment => &[
                (V0_10, "PartitionsReassignedListener"),
                (V0_11, "PartitionReassignment"),
                (V2_4, "ZkPartitionReassignment"),
            ],
            Event::PartitionReassignmentIsrChange(_) => {
                &[(V0_10, "ReassignedPartitionsIsrChangeListener"), (V0_11, "PartitionReassignmentIsrChange")]
            }
            Event::IsrChangeNotification => {
                &[(V0_10, "IsrChangeNotificationListener"), (V0_11, "IsrChangeNotification")]
            }
            Event::LogDirEventNotification => &[(V0_10, "LogDirEventNotification")],
            Event::PreferredReplicaElection => &[
                (V0_10, "PreferredReplicaElectionListener"),
                (V0_11, "PreferredReplicaLeaderElection"),
                (V2_4, "ReplicaLeaderElection"),
            ],
            Event::AutoPreferredReplicaElection => {
                &[(V0_10, "partition-rebalance-thread"), (V0_11, "AutoPreferredReplicaLeaderElection")]
            }
            Event::TopicUncleanElectionEnable(_) => &[(V0_10, "TopicUncleanLeaderElectionEnable")],
            Event::ControlledShutdown { .. } => &[(V0_10, "ControlledShutdown")],
            Event::AlterPartition { .. } => &[(V0_10, "AlterIsrReceived"), (V3_2, "AlterPartitionReceived")],
            Event::LeaderAndIsrResponseReceived { .. } => &[(V0_10, "LeaderAndIsrResponseReceived")],
            Event::TopicDeletionStopReplicaResponse { .. } => &[
                (V0_10, "delete-topics-thread"),
                (V0_11, "TopicDeletionStopReplicaResult"),
                (V1_1, "TopicDeletionStopReplicaResponseReceived"),
            ],
        };
        era.release.look_up(names).expect("every table begins with the first release")
    }

    /// Whether it only keeps the books: told by a leader or a broker of what it did.
    pub fn is_routine(&self) -> bool {
        matches!(
            self,
            Event::IsrChangeNotification
                | Event::PartitionReassignmentIsrChange(_)
                | Event::AlterPartition { .. }
                | Event::LeaderAndIsrResponseReceived { .. }
                | Event::TopicDeletionStopReplicaResponse { .. }
        )
    }

    /// The event that a watch means, if it is the controller's.
    pub fn of_watch(event: &WatchEvent) -> Option<Event> {
        match (&*event.path, event.kind) {
            (znode::CONTROLLER, WatchKind::Deleted) => Some(Event::Reelect),
            (znode::CONTROLLER, _) => Some(Event::ControllerChange),
            (znode::BROKER_IDS, WatchKind::ChildrenChanged) => Some(Event::BrokerChange),
            (znode::TOPICS, WatchKind::ChildrenChanged) => Some(Event::TopicChange),
            (znode::DELETE_TOPICS, WatchKind::ChildrenChanged) => Some(Event::TopicDeletion),
            (znode::ISR_CHANGES, WatchKind::ChildrenChanged) => Some(Event::IsrChangeNotification),
            (znode::LOG_DIR_EVENTS, WatchKind::ChildrenChanged) => Some(Event::LogDirEventNotification),
            (znode::REASSIGN_PARTITIONS, WatchKind::Created) => Some(Event::PartitionReassignment),
            (znode::PREFERRED_REPLICA_ELECTION, WatchKind::Created) => Some(Event::PreferredReplicaElection),
            (path, WatchKind::DataChanged) => Event::of_topic_watch(path),
            _ => None,
        }
    }

    /// `/brokers/topics/<topic>`, or `/brokers/topics/<topic>/partitions/<n>/state`.
    fn of_topic_watch(path: &str) -> Option<Event> {
        let below = path.strip_prefix(znode::TOPICS)?.strip_prefix('/')?;
        let mut parts = below.split('/');
        let topic = Topic::new(parts.next()?);
        match (parts.next(), parts.next(), parts.next()) {
            (None, _, _) => Some(Event::PartitionModifications(topic)),
            (Some("partitions"), Some(number), Some("state")) => {
                let partition = number.parse().ok()?;
                Some(Event::PartitionReassignmentIsrChange(TopicPartition { topic, partition }))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_era() {
        let name = |event: Event, era: &str| event.name(&Era::parse(era).expect("a release"));
        assert_eq!(name(Event::BrokerChange, "0.10.2"), "BrokerChangeListener");
        assert_eq!(name(Event::BrokerChange, "0.11.0"), "BrokerChange");
        assert_eq!(name(Event::NewSession, "1.0"), "Reelect");
        assert_eq!(name(Event::NewSession, "1.1"), "RegisterBrokerAndReelect");
    }

    #[test]
    fn watches_become_events_by_path_and_kind() {
        let event = |path: &str, kind: WatchKind| {
            let watch = WatchEvent { path: path.into(), kind };
            Event::of_watch(&watch).map(|event| format!("{event:?}"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(event("/controller", WatchKind::Deleted), some("Reelect"));
        assert_eq!(event("/controller", WatchKind::Created), some("ControllerChange"));
        assert_eq!(event("/brokers/topics/a", WatchKind::DataChanged), some("PartitionModifications(a)"));
        assert_eq!(
            event("/brokers/topics/a/partitions/3/state", WatchKind::DataChanged),
            some("PartitionReassignmentIsrChange(a-3)")
        );
        assert_eq!(event("/brokers/ids/1", WatchKind::DataChanged), None);
        assert_eq!(event("/config/changes", WatchKind::ChildrenChanged), None);
        assert_eq!(event("/admin/reassign_partitions", WatchKind::Deleted), None);
    }
}
