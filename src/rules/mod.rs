//! Rules: the decision points at which Kafka's releases differ, one file each.
//!
//! A rule is a closed enum with one value per way Kafka has decided it; each value names the release ranges it is true
//! for and the KIP or KAFKA number that brought it. Beside the enum stands the decision itself: a pure function that
//! returns *what to do* and never does it. Only these files match on a rule, and only `era.rs` compares releases.
//!
//! A scenario may override a single rule (`"rules": {"truncation": "to-epoch-end"}`).

use crate::era::{Release, ReleaseRange};

/// Declares a rule: its values, their names, where they come from and which releases they are true for.
macro_rules! rule {
    ($(#[$doc:meta])* $rule:ident($rule_name:literal) {
        $($(#[doc = $value_doc:literal])* $value:ident($name:literal, $source:literal, [$($range:expr),* $(,)?])),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $rule { $($(#[doc = $value_doc])* $value,)* }

        impl $crate::rules::Rule for $rule {
            const NAME: &'static str = $rule_name;
            const VALUES: &'static [(Self, $crate::rules::RuleValue)] = &[$((
                $rule::$value,
                $crate::rules::RuleValue {
                    name: $name,
                    source: $source,
                    about: concat!($($value_doc),*),
                    ranges: &[$($range),*],
                },
            ),)*];
        }

        impl std::fmt::Display for $rule {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::rules::Rule::name(*self))
            }
        }
    };
}

pub mod alter_partition_checks;
pub mod broker_bounce;
pub mod broker_epoch;
    /// How a broker that takes `/controller` raises the controller epoch.
    controller_election: controller_election::ControllerElection,
    /// How many partitions a controller handles in one round trip to ZooKeeper.
    controller_round_trips: controller_round_trips::ControllerRoundTrips,
    /// Whether the controller sees that a broker came back in another life before anybody looked.
    broker_bounce: broker_bounce::BrokerBounce,
    /// Which partitions a broker's failure leaves without a leader, in the controller's eyes.
    leaderless_partitions: leaderless_partitions::LeaderlessPartitions,
    /// What a preferred election does when the preferred replica leads already.
    preferred_election: preferred_election::PreferredElection,
    /// Whether a broker that shuts down is told of the leader that takes over from it.
    leaving_leader: leaving_leader::LeavingLeader,
    /// Which partitions are elected again when some of the writes met another version.
    election_retry: election_retry::ElectionRetry,
    /// How the automatic leader rebalance elects.
    leader_rebalance: leader_rebalance::LeaderRebalance,
    /// Who is told of every partition when only the list of brokers has changed.
    full_metadata: full_metadata::FullMetadata,
    /// How the replicas that a broker has to stop are spread over StopReplica requests.
    stop_replica_requests: stop_replica_requests::StopReplicaRequests,
    /// How a partition moves to other replicas, and where its progress is kept.
    reassignment: reassignment::Reassignment,
    /// Which proposals of a leader the controller takes.
    alter_partition_checks: alter_partition_checks::AlterPartitionChecks,
    /// Whether the controller hears of a broker's failed log directory.
    log_dir_events: log_dir_events::LogDirEvents,
