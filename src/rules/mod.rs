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
pub mod batch_below_start;
pub mod broker_bounce;
pub mod broker_epoch;
pub mod clean_marker;
pub mod commit_while_syncing;
pub mod controller_election;
pub mod controller_round_trips;
pub mod controller_session;
pub mod controller_writes;
pub mod dead_followers;
pub mod deletion_policy;
pub mod directory_flush;
pub mod diverging_fetch;
pub mod earliest_epoch;
pub mod election_retry;
pub mod empty_epoch_cache;
pub mod end_offset;
pub mod epoch_cache;
pub mod epoch_entries;
pub mod expired_isr_write;
pub mod failed_append;
pub mod fenced_follower;
pub mod fencing;
pub mod follower_out_of_range;
pub mod follower_reads;
pub mod full_metadata;
pub mod heartbeat_while_syncing;
pub mod high_watermark;
pub mod high_watermark_after_shrink;
pub mod high_watermark_before_cut;
pub mod index_entry;
pub mod isr_admission;
pub mod isr_answer;
pub mod isr_answer_error;
pub mod isr_answer_version;
pub mod isr_shrink;
pub mod isr_writer;
pub mod last_isr_member;
pub mod leader_rebalance;
pub mod leaderless_checkpoint;
pub mod leaderless_error;
pub mod leaderless_metadata;
pub mod leaderless_partitions;
pub mod leaving_leader;
pub mod loaded_offsets;
pub mod loading_group;
pub mod log_dir_events;
pub mod log_directory_failure;
pub mod lost_partitions;
pub mod member_heartbeat;
pub mod member_order;
pub mod metadata_after_failure;
pub mod metadata_epochs;
pub mod missed_deletion;
pub mod new_member;
pub mod not_hosted;
pub mod offsets_topic;
pub mod oversized_batch;
pub mod overtaken_follower;
pub mod own_isr_write;
pub mod planted;
pub mod position_validation;
pub mod preferred_election;
pub mod preferred_replica;
pub mod range_assignor;
pub mod reassignment;
pub mod rebalance_while_moving;
pub mod recovered_epochs;
pub mod recovered_point;
pub mod reelected_leader;
pub mod same_leader;
pub mod shutdown_controller;
pub mod stale_epoch_answer;
pub mod stale_high_watermark;
pub mod startup_order;
pub mod static_rejoin;
pub mod sticky_assignor;
pub mod stop_replica;
pub mod stop_replica_requests;
pub mod stopped_replica;
pub mod subscription_generation;
pub mod sync_timeout;
pub mod truncate_at_log_end;
pub mod truncation;
pub mod unassigned_replica;
pub mod unclean_setting;

/// One value of a rule, as data.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RuleValue {
    /// Its name in scenario files and stories.
    pub name: &'static str,
    /// The KIP or KAFKA number that brought it, or ended it ("before KIP-101").
    pub source: &'static str,
    /// What it decides, in a sentence.
    pub about: &'static str,
    /// The releases it is true for; none for a design that was never released.
    pub ranges: &'static [ReleaseRange],
}

/// What every rule can say of itself.
pub trait Rule: Copy + Eq + 'static {
    /// The rule's name in scenario files and stories.
    const NAME: &'static str;
    /// All values, oldest first.
    const VALUES: &'static [(Self, RuleValue)];

    /// The name of this value.
    fn name(self) -> &'static str {
        self.value().name
    }

    /// What is known of this value.
    fn value(self) -> &'static RuleValue {
        let found = Self::VALUES.iter().find(|(value, _)| *value == self);
        &found.expect("every value of a rule is listed").1
    }

    /// The value that is true for a release.
    fn of(release: Release) -> Self {
        let found = Self::VALUES.iter().find(|(_, value)| release.is_in(value.ranges));
        found.expect("the ranges of a rule cover every release").0
    }

    /// The value of this name.
    fn parse(name: &str) -> Option<Self> {
        Self::VALUES.iter().find(|(_, value)| value.name == name).map(|(rule, _)| *rule)
    }
}

/// A rule as data: for `trial eras --list`, for error messages and for the schema.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Its name.
    pub name: &'static str,
    /// What it decides.
    pub about: &'static str,
    /// Its values, oldest first.
    pub values: Vec<RuleValue>,
}

/// Why an override cannot be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UnknownRule {
    /// No rule of this name.
    Rule(String),
    /// The rule exists, this value of it does not.
    Value {
        /// The rule.
        rule: &'static str,
        /// What was given.
        given: String,
    },
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $field:ident: $rule:path,)*) => {
        /// All rules of an era.
        #[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
        pub struct Rules { $($(#[doc = $doc])* pub $field: $rule,)* }

        impl Rules {
            /// The rules of a release.
            pub fn of(release: Release) -> Rules {
                Rules { $($field: Rule::of(release),)* }
            }

            /// Overrides one rule by name.
            ///
            /// # Errors
            /// If there is no such rule, or no such value of it.
            pub fn set(&mut self, rule: &str, value: &str) -> Result<(), UnknownRule> {
                $(if rule == <$rule as Rule>::NAME {
                    self.$field = <$rule as Rule>::parse(value).ok_or_else(|| UnknownRule::Value {
                        rule: <$rule as Rule>::NAME,
                        given: value.to_owned(),
                    })?;
                    return Ok(());
                })*
                Err(UnknownRule::Rule(rule.to_owned()))
            }

            /// The value of each rule, by name, in reading order.
            pub fn values(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((<$rule as Rule>::NAME, self.$field.name()),)*]
            }

            /// Every rule with all its values.
            pub fn list() -> Vec<RuleInfo> {
                vec![$(RuleInfo {
                    name: <$rule as Rule>::NAME,
                    about: concat!($($doc),*).trim_start(),
                    values: <$rule as Rule>::VALUES.iter().map(|(_, value)| *value).collect(),
                },)*]
            }
        }
    };
}

rules! {
    /// Where a replica that follows a new leader cuts its log before it fetches.
    truncation: truncation::Truncation,
    /// When a leader writes its epoch into its leader epoch cache.
    epoch_cache: epoch_cache::EpochCache,
    /// Which leader epochs a leader accepts in Fetch, ListOffsets and OffsetsForLeaderEpoch.
    fencing: fencing::Fencing,
    /// What a follower must have reached to enter the ISR.
    isr_admission: isr_admission::IsrAdmission,
    /// Which followers leave the ISR for lagging.
    isr_shrink: isr_shrink::IsrShrink,
    /// Who writes a change of the ISR.
    isr_writer: isr_writer::IsrWriter,
    /// What an answer to a leader's ISR change clears.
    isr_answer: isr_answer::IsrAnswer,
    /// What a leader does when the controller failed at its ISR change, and does not say why it had to.
    isr_answer_error: isr_answer_error::IsrAnswerError,
    /// Which versions a leader accepts in the answer to its ISR change.
    isr_answer_version: isr_answer_version::IsrAnswerVersion,
    /// Whose log ends the high watermark waits for while an ISR change is in flight.
    high_watermark: high_watermark::HighWatermark,
    /// Whether the high watermark is computed anew when the ISR has shrunk.
    high_watermark_after_shrink: high_watermark_after_shrink::HighWatermarkAfterShrink,
    /// What a leader that is elected again still believes of its followers' logs.
    reelected_leader: reelected_leader::ReelectedLeader,
    /// When a follower told to follow the leader it follows already does nothing.
    same_leader: same_leader::SameLeader,
    /// What truncation to the log end, or beyond, does to the leader epoch cache.
    truncate_at_log_end: truncate_at_log_end::TruncateAtLogEnd,
    /// What a leader learns from a fetch that it answers with a diverging epoch.
    diverging_fetch: diverging_fetch::DivergingFetch,
    /// Whether a follower takes its leader's high watermark from a fetch that shows that it diverges.
    high_watermark_before_cut: high_watermark_before_cut::HighWatermarkBeforeCut,
    /// What a replica answers about an epoch older than all it knows.
    earliest_epoch: earliest_epoch::EarliestEpoch,
    /// What a follower without a single leader epoch does before it fetches.
    empty_epoch_cache: empty_epoch_cache::EmptyEpochCache,
    /// What a follower does with the end of an epoch that it asked for in an earlier leader epoch.
    stale_epoch_answer: stale_epoch_answer::StaleEpochAnswer,
    /// What a follower does when its leader says that its epoch is old (FENCED_LEADER_EPOCH).
    fenced_follower: fenced_follower::FencedFollower,
    /// What a follower does when its log is longer than its leader's (OFFSET_OUT_OF_RANGE).
    follower_out_of_range: follower_out_of_range::FollowerOutOfRange,
    /// What a follower does when the leader that had refused it has meanwhile grown past its log.
    overtaken_follower: overtaken_follower::OvertakenFollower,
    /// What a follower with an empty log does with a batch that begins below its log start offset.
    batch_below_start: batch_below_start::BatchBelowStart,
    /// What a follower does when it cannot append what its leader sent.
    failed_append: failed_append::FailedAppend,
    /// Whether a follower takes a batch that is larger than its topic allows by now.
    oversized_batch: oversized_batch::OversizedBatch,
    /// When a leader looks whether records of a topic may be deleted at all.
    deletion_policy: deletion_policy::DeletionPolicy,
    /// What a new leader tells a client that asks for the end of the log.
    end_offset: end_offset::EndOffset,
    /// Which nearer replica a leader names to a consumer, and when.
    preferred_replica: preferred_replica::PreferredReplica,
    /// Whether a consumer may read from a follower.
    follower_reads: follower_reads::FollowerReads,
    /// What a broker answers for a partition of which it holds no replica.
    not_hosted: not_hosted::NotHosted,
    /// What a leader answers to the fetch of a replica that it does not know to be assigned.
    unassigned_replica: unassigned_replica::UnassignedReplica,
    /// Whether the checkpoint of high watermarks keeps the replicas whose leader is down.
    leaderless_checkpoint: leaderless_checkpoint::LeaderlessCheckpoint,
    /// What a broker still says when its only log directory fails.
    log_directory_failure: log_directory_failure::LogDirectoryFailure,
    /// Whether a follower whose high watermark is behind waits with its fetch.
    stale_high_watermark: stale_high_watermark::StaleHighWatermark,
    /// Which metadata a client believes when it is told something older than what it knows.
    metadata_epochs: metadata_epochs::MetadataEpochs,
    /// What a consumer checks after a change of leader.
    position_validation: position_validation::PositionValidation,
    /// Whether a control request names the life of the broker it is meant for.
    broker_epoch: broker_epoch::BrokerEpochCheck,
    /// Whether a starting broker registers before it runs for controller.
    startup_order: startup_order::StartupOrder,
    /// Where a broker that shuts down looks for the controller.
    shutdown_controller: shutdown_controller::ShutdownController,
    /// When a StopReplica is too old to be carried out.
    stop_replica: stop_replica::StopReplicaCheck,
    /// What becomes of the requests that wait at a replica when the controller stops it.
    stopped_replica: stopped_replica::StoppedReplica,
    /// What a new controller does with dead followers it finds in an ISR.
    dead_followers: dead_followers::DeadFollowers,
    /// What guards a controller's writes to ZooKeeper.
    controller_writes: controller_writes::ControllerWrites,
    /// What a controller does with its waiting events when its session has expired.
    controller_session: controller_session::ControllerSession,
    /// When a topic's `unclean.leader.election.enable`, set at run time, takes effect.
    unclean_setting: unclean_setting::UncleanSetting,
    /// What is left of the ISR when its last member dies and nobody may be elected.
    last_isr_member: last_isr_member::LastIsrMember,
    /// How a broker that takes `/controller` raises the controller epoch.
    controller_election: controller_election::ControllerElection,
    /// What a broker does that is told that `/controller` has appeared, looks, and finds it gone.
    missed_deletion: missed_deletion::MissedDeletion,
    /// How many partitions a controller handles in one round trip to ZooKeeper.
    controller_round_trips: controller_round_trips::ControllerRoundTrips,
    /// Whether the controller sees that a broker came back in another life before anybody looked.
    broker_bounce: broker_bounce::BrokerBounce,
    /// Which partitions a broker's failure leaves without a leader, in the controller's eyes.
    leaderless_partitions: leaderless_partitions::LeaderlessPartitions,
    /// What Metadata tells of a partition that has no live leader.
    leaderless_metadata: leaderless_metadata::LeaderlessMetadata,
    /// By which error Metadata says that a partition has no live leader.
    leaderless_error: leaderless_error::LeaderlessError,
    /// What a preferred election does when the preferred replica leads already.
    preferred_election: preferred_election::PreferredElection,
    /// Whether a broker that shuts down is told of the leader that takes over from it.
    leaving_leader: leaving_leader::LeavingLeader,
    /// Which partitions are elected again when some of the writes met another version.
    election_retry: election_retry::ElectionRetry,
    /// How the automatic leader rebalance elects.
    leader_rebalance: leader_rebalance::LeaderRebalance,
    /// Whether the automatic leader rebalance elects while a partition moves to other replicas.
    rebalance_while_moving: rebalance_while_moving::RebalanceWhileMoving,
    /// Who is told of every partition when only the list of brokers has changed.
    full_metadata: full_metadata::FullMetadata,
    /// When a controller tells all brokers of a failure by an UpdateMetadata of its own.
    metadata_after_failure: metadata_after_failure::MetadataAfterFailure,
    /// How the replicas that a broker has to stop are spread over StopReplica requests.
    stop_replica_requests: stop_replica_requests::StopReplicaRequests,
    /// How a partition moves to other replicas, and where its progress is kept.
    reassignment: reassignment::Reassignment,
    /// Which proposals of a leader the controller takes.
    alter_partition_checks: alter_partition_checks::AlterPartitionChecks,
    /// What a controller makes of "bad version" when it writes the ISR that a leader has asked for.
    own_isr_write: own_isr_write::OwnIsrWrite,
    /// Whether the controller hears of a broker's failed log directory.
    log_dir_events: log_dir_events::LogDirEvents,
    /// How the leader epoch cache takes an entry that contradicts those it has.
    epoch_entries: epoch_entries::EpochEntries,
    /// What a leader does with an ISR change whose write the end of its session cut short.
    expired_isr_write: expired_isr_write::ExpiredIsrWrite,
    /// Whether a directory is flushed after files in it were created or renamed.
    directory_flush: directory_flush::DirectoryFlush,
    /// When a starting broker takes away the mark that its last life ended in order.
    clean_marker: clean_marker::CleanMarker,
    /// Which offset an entry of the offset index names.
    index_entry: index_entry::IndexEntry,
    /// Up to where a log counts as flushed once it has been loaded.
    recovered_point: recovered_point::RecoveredPoint,
    /// Which leader epochs the recovery of a segment enters into the leader epoch cache.
    recovered_epochs: recovered_epochs::RecoveredEpochs,
    /// Which check is left out, so that somebody notices. None, in every release.
    planted: planted::Planted,
    /// How the sticky assignors deal partitions out.
    sticky_assignor: sticky_assignor::StickyAssignor,
    /// Whether the range assignor looks at racks.
    range_assignor: range_assignor::RangeAssignor,
    /// In which order the range and round robin assignors go through members.
    member_order: member_order::MemberOrder,
    /// Where a member of cooperative-sticky says in which generation it came to own what it owns.
    subscription_generation: subscription_generation::SubscriptionGeneration,
    /// How a coordinator takes in a member that has no id yet.
    new_member: new_member::NewMember,
    /// Whether a coordinator gives up on members that have joined and never ask for their assignment.
    sync_timeout: sync_timeout::SyncTimeout,
    /// What a coordinator answers to a heartbeat while members wait for the leader's assignment.
    heartbeat_while_syncing: heartbeat_while_syncing::HeartbeatWhileSyncing,
    /// What a coordinator answers to a commit while members wait for the leader's assignment.
    commit_while_syncing: commit_while_syncing::CommitWhileSyncing,
    /// What a coordinator does when a static member is back under a new id.
    static_rejoin: static_rejoin::StaticRejoin,
    /// What a new coordinator answers while it still loads its groups from the log.
    loading_group: loading_group::LoadingGroup,
    /// Up to where a new coordinator reads its partition of `__consumer_offsets`.
    loaded_offsets: loaded_offsets::LoadedOffsets,
    /// How many replicas `__consumer_offsets` gets when fewer brokers are alive than it should have replicas.
    offsets_topic: offsets_topic::OffsetsTopic,
    /// When a member's background thread sends heartbeats.
    member_heartbeat: member_heartbeat::MemberHeartbeat,
    /// What a member tells its application of partitions that it owned when it was put out of its group.
    lost_partitions: lost_partitions::LostPartitions,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::era::RELEASES;

    #[test]
    fn every_release_has_exactly_one_value_of_every_rule() {
        for release in RELEASES {
            let rules = Rules::of(*release);
            for info in Rules::list() {
                let true_ones = info.values.iter().filter(|value| release.is_in(value.ranges)).count();
                assert_eq!(true_ones, 1, "{} in {release}", info.name);
            }
            assert_eq!(rules.values().len(), Rules::list().len());
        }
    }

    #[test]
    fn a_rule_can_be_swapped_by_name_and_by_nothing_else() {
        let mut rules = Rules::of(RELEASES[0]);
        assert_eq!(rules.set("truncation", "to-epoch-end"), Ok(()));
        assert_eq!(rules.truncation, truncation::Truncation::ToEpochEnd);
        assert!(matches!(rules.set("truncation", "whatever"), Err(UnknownRule::Value { .. })));
        assert!(matches!(rules.set("truncatio", "on-fetch"), Err(UnknownRule::Rule(_))));
    }
}
