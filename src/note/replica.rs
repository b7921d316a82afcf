//! Facts about one replica of one partition.

use super::{Decided, notes};
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Offset};
use crate::log::batch::{RecordBatch, RecordSet};
use crate::messages::offsets_for_leader_epoch::EpochEndOffset;

notes! {
    /// A fact about one replica.
    ReplicaNote {
        /// It leads now.
        BecameLeader {
            /// Its epoch.
            epoch: LeaderEpoch,
            /// The ISR it was given.
            isr: Vec<BrokerId>,
            /// Its log end offset: where its epoch starts.
            log_end_offset: Offset,
            /// Its high watermark.
            high_watermark: Offset,
        },
        /// It follows now.
        BecameFollower {
            /// The leader's epoch.
            epoch: LeaderEpoch,
            /// The leader; [`BrokerId::NONE`] if there is none.
            leader: BrokerId,
            /// Its log end offset.
            log_end_offset: Offset,
            /// Its high watermark.
            high_watermark: Offset,
        },
        /// It was told to follow the leader it follows already, and did nothing.
        KeptFollowing {
            /// The leader's new epoch.
            epoch: LeaderEpoch,
            /// The leader.
            leader: BrokerId,
            /// Rule `same-leader`.
            decided: Decided,
        },
        /// A control request for it was refused.
        ControlRefused {
            /// The epoch that came.
            epoch: LeaderEpoch,
            /// Why.
            error: KafkaError,
        },
        /// It was told to follow nobody, or a broker that is not known to be live: it only logs that.
        LeaderUnavailable {
            /// The epoch that came.
            epoch: LeaderEpoch,
            /// The leader; [`BrokerId::NONE`] for none.
            leader: BrokerId,
        },
        /// The leader appended what a producer sent.
        AppendedAsLeader {
            /// The records as they now stand in the log.
            records: RecordSet,
            /// Who sent it.
            from: NodeId,
        },
        /// The follower appended what it fetched.
        AppendedAsFollower {
            /// The batches.
            batches: Vec<RecordBatch>,
            /// From whom.
            leader: BrokerId,
        },
        /// The high watermark rose.
        HighWatermarkAdvanced {
            /// From.
            from: Offset,
            /// To.
            to: Offset,
            /// The ISR it waited for; empty on a follower.
            isr: Vec<BrokerId>,
        },
        /// Its log start offset rose: records below are deleted.
        LogStartRaised {
            /// From.
            from: Offset,
            /// To.
            to: Offset,
            /// The leader it was told by; [`BrokerId::NONE`] where an operator asked for it.
            leader: BrokerId,
            /// Rule `deletion-policy`, where it is against the policy.
            decided: Option<Decided>,
        },
        /// It leads, and refused to delete records.
        DeletionRefused {
            /// Up to where they were to go.
            before: Offset,
            /// Why.
            error: KafkaError,
        },
        /// Segments below its log start went.
        SegmentsDeleted {
            /// How many.
            count: usize,
            /// Where the first one that is left begins.
            first: Offset,
        },
        /// The fetcher that served it has ended, and does nothing any more.
        FetcherEnded {
            /// From whom it fetched.
            leader: BrokerId,
            /// Rule `batch-below-start`.
            decided: Decided,
        },
        /// It asked its leader where an epoch ended.
        AskedEpochEnd {
            /// The leader.
            leader: BrokerId,
            /// The epoch asked about.
            epoch: LeaderEpoch,
        },
        /// Its leader answered.
        ToldEpochEnd {
            /// The leader.
            leader: BrokerId,
            /// The epoch asked about.
            asked: LeaderEpoch,
            /// The answer.
            answer: Result<EpochEndOffset, KafkaError>,
        },
        /// It cut its log, or found that there was nothing to cut (`from` equals `to`).
        Truncated {
            /// The former log end offset.
            from: Offset,
            /// The new one.
            to: Offset,
            /// What went, oldest first.
            dropped: Vec<RecordBatch>,
            /// Rule `truncation`, or another that made it cut.
            decided: Decided,
        },
        /// It leads and changed its ISR, or asks for that.
        IsrProposed {
            /// The ISR so far.
            from: Vec<BrokerId>,
            /// The ISR wanted.
            to: Vec<BrokerId>,
            /// Rule `isr-writer`.
            decided: Decided,
        },
        /// The ISR lost members.
        IsrShrunk {
            /// Before.
            from: Vec<BrokerId>,
            /// After.
            to: Vec<BrokerId>,
        },
        /// The ISR gained members.
        IsrExpanded {
            /// Before.
            from: Vec<BrokerId>,
            /// After.
            to: Vec<BrokerId>,
            /// Rule `isr-admission`.
            decided: Decided,
        },
        /// Its ISR change was refused ("Cached zkVersion not equal", INVALID_UPDATE_VERSION, FENCED_LEADER_EPOCH).
        IsrChangeRefused {
            /// The ISR wanted.
            wanted: Vec<BrokerId>,
            /// Why.
            error: KafkaError,
        },
        /// It refused a produce.
        ProduceRefused {
            /// Who sent it.
            from: NodeId,
            /// Why.
            error: KafkaError,
        },
        /// It refused a fetch, a ListOffsets or an OffsetsForLeaderEpoch.
        ReadRefused {
            /// Who sent it.
            from: NodeId,
            /// The follower, or [`BrokerId::NONE`].
            replica: BrokerId,
            /// The offset asked for.
            offset: Offset,
            /// Why.
            error: KafkaError,
        },
        /// It answered a fetch with a diverging epoch.
        FoundDivergence {
            /// The follower.
            replica: BrokerId,
            /// Where its log parts from this one.
            end_offset: Offset,
            /// Rule `diverging-fetch`.
            decided: Decided,
        },
        /// Its fetch was refused.
        FetchRefused {
            /// The leader.
            leader: BrokerId,
            /// The offset asked for.
            offset: Offset,
            /// Why.
            error: KafkaError,
        },
        /// It was stopped, perhaps deleted, by the controller.
        Stopped {
            /// Whether its files went.
            deleted: bool,
        },
        /// Its log was recovered after an unclean stop.
        Recovered {
            /// From which offset on it was scanned.
            from: Offset,
            /// Where it ends now.
            log_end_offset: Offset,
            /// Bytes that were cut from its tail.
            cut_bytes: u64,
        },
    }
}

impl ReplicaNote {
    /// The rule that decided, if one did.
    pub fn decided(&self) -> Option<Decided> {
        match self {
            ReplicaNote::KeptFollowing { decided, .. }
            | ReplicaNote::Truncated { decided, .. }
            | ReplicaNote::IsrProposed { decided, .. }
            | ReplicaNote::IsrExpanded { decided, .. }
            | ReplicaNote::FoundDivergence { decided, .. } => Some(*decided),
            ReplicaNote::FetcherEnded { decided, .. } => Some(*decided),
            ReplicaNote::LogStartRaised { decided, .. } => *decided,
            _ => None,
        }
    }
}
