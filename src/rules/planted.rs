//! Mistakes that nobody has made: the rules of the newest release with one check left out or bent.
//!
//! No release decides any of them so. They are there to be found: a checker that does not notice when a check is missing is
//! a checker with a hole. `trial museum` plants each and looks for it; `--rule planted=acked-at-once` plants one by hand.
//!
//! Whoever makes a check asks here whether it is left out, one question a check; what is asked stands beside the value.
//!
//! Where two checks guard the same thing, they are left out together: alone, neither is missed, and nothing goes wrong.
//! Left out for that reason: metadata of an old epoch (brokers refuse who believes it), answers to a fetch from elsewhere
//! (nothing else moves a position while a fetch is under way). And what only damage within a record shows, such as a
//! recovery that is skipped: no plan draws that.

use crate::ids::Offset;

rule! {
    /// Which check is left out, so that somebody notices. None, in every release.
    Planted("planted") {
        /// None.
        None("none", "every release", [(crate::era::Release::FIRST, crate::era::Release::NEXT)]),
        /// A broker carries out what a deposed controller asks for.
        OldControllerAccepted("old-controller-accepted", "no release", []),
        /// A broker carries out what was meant for its former life.
        FormerLifeAccepted("former-life-accepted", "no release", []),
        /// A replica takes a LeaderAndIsr of an epoch that is over.
        OldLeaderEpochAccepted("old-leader-epoch-accepted", "no release", []),
        /// A replica is stopped by a StopReplica of an epoch that is over.
        LateStopAccepted("late-stop-accepted", "no release", []),
        /// A replica answers whoever asks, in whatever epoch, leader or not.
        ServesAnybody("serves-anybody", "no release", []),
        /// The high watermark follows the member that has most.
        HighWatermarkOfTheFastest("high-watermark-of-the-fastest", "no release", []),
        /// A new leader's high watermark does not wait for members that have not fetched from it.
        SilentFollowerIgnored("silent-follower-ignored", "no release", []),
        /// The high watermark waits for the ISR as committed, not for who is about to enter.
        CommittedIsrAlone("committed-isr-alone", "no release", []),
        /// A leader's high watermark goes back where its followers have less.
        HighWatermarkFalls("high-watermark-falls", "no release", []),
        /// A follower enters the ISR with its first fetch.
        AdmitsAnybody("admits-anybody", "no release", []),
        /// A follower enters the ISR below the start of its leader's epoch.
        EpochStartIgnored("epoch-start-ignored", "no release", []),
        /// A follower enters the ISR though the controller knows it to be gone.
        DeadFollowerAdmitted("dead-follower-admitted", "no release", []),
        /// Nobody leaves the ISR for lagging.
        LaggardStays("laggard-stays", "no release", []),
        /// The controller writes a leader's ISR over whatever stands there.
        IsrOverAnyVersion("isr-over-any-version", "no release", []),
        /// acks=all is answered when the leader has appended.
        AckedAtOnce("acked-at-once", "no release", []),
        /// acks=all waits for the high watermark to reach the batch, not to pass it.
        AckedOneShort("acked-one-short", "no release", []),
        /// What waits for the ISR is acknowledged when its leader is deposed.
        DeposedAcknowledges("deposed-acknowledges", "no release", []),
        /// acks=all does not ask for min.insync.replicas.
        MinimumIgnored("minimum-ignored", "no release", []),
        /// min.insync.replicas is counted over all replicas.
        MinimumOverReplicas("minimum-over-replicas", "no release", []),
        /// min.insync.replicas is asked for once the batch is in the log.
        MinimumAfterAppend("minimum-after-append", "no release", []),
        /// A consumer reads up to the log end.
        ConsumerReadsAhead("consumer-reads-ahead", "no release", []),
        /// A consumer that asks for the end is told the log end.
        ListsLogEnd("lists-log-end", "no release", []),
        /// A leader does not compare the epoch of a follower's last record with its own.
        DivergenceUnnoticed("divergence-unnoticed", "no release", []),
        /// Every epoch that is asked about ends at the log end.
        EpochEndsAtLogEnd("epoch-ends-at-log-end", "no release", []),
        /// A leader takes for replicated what it is sending.
        SentCountsAsFetched("sent-counts-as-fetched", "no release", []),
        /// A leader does not take in that a follower has less than before.
        PositionNeverFalls("position-never-falls", "no release", []),
        /// A follower does not cut its log.
        CutLeftOut("cut-left-out", "no release", []),
        /// A follower cuts its log at its high watermark.
        CutAtHighWatermark("cut-at-high-watermark", "no release", []),
        /// A follower keeps one record too many when it cuts.
        CutOneShort("cut-one-short", "no release", []),
        /// A cut leaves the leader epoch cache as it is.
        CutLeavesEpochs("cut-leaves-epochs", "no release", []),
        /// A leader does not enter its epoch into its cache when it is elected.
        LeaderNotesNoEpoch("leader-notes-no-epoch", "no release", []),
        /// A follower takes its leader's high watermark though its log is shorter.
        HighWatermarkUnbounded("high-watermark-unbounded", "no release", []),
        /// A follower does not take its leader's high watermark.
        HighWatermarkNotLearnt("high-watermark-not-learnt", "no release", []),
        /// A read from the start of the newest segment begins with its second batch.
        SegmentBeginsLate("segment-begins-late", "no release", []),
        /// A flush moves the recovery point and flushes nothing.
        RollsUnflushed("rolls-unflushed", "no release", []),
        /// The first live replica is elected, in the ISR or not.
        OutsiderElected("outsider-elected", "no release", []),
        /// A replica from outside the ISR is elected though the topic forbids it.
        UncleanAlthoughOff("unclean-although-off", "no release", []),
        /// An election keeps the leader epoch.
        EpochNotRaised("epoch-not-raised", "no release", []),
        /// A controller writes elections that nothing guards: no version, no controller epoch.
        DeposedWrites("deposed-writes", "no release", []),
        /// A reassignment is complete before the new replicas are in the ISR.
        ReassignedAtOnce("reassigned-at-once", "no release", []),
        /// A producer takes a lost connection for an acknowledgement.
        LostTakenForAcked("lost-taken-for-acked", "no release", []),
        /// A producer sends a batch again after those that came later.
        RetryGoesLast("retry-goes-last", "no release", []),
        /// A producer says of every refusal that nothing was written.
        OpenCalledDefinite("open-called-definite", "no release", []),
        /// A consumer moves its position past a record that it was not given.
        PositionAhead("position-ahead", "no release", []),
        /// A consumer that is refused begins at the start.
        ResetToStart("reset-to-start", "no release", []),
        /// A leader appends twice what it is sent once.
        AppendedTwice("appended-twice", "no release", []),
        /// Recovery drops the last good batch of a segment.
        RecoveryCutsOneMore("recovery-cuts-one-more", "no release", []),
        /// A follower does not take its leader's log start offset.
        LogStartNotLearnt("log-start-not-learnt", "no release", []),
        /// DeleteRecords deletes one record too many.
        DeletesOneMore("deletes-one-more", "no release", []),
        /// The oldest segment goes though the log begins in it.
        SegmentGoesEarly("segment-goes-early", "no release", []),
        /// Nobody looks at the produces that wait when the high watermark rises.
        ProducesNotLookedAt("produces-not-looked-at", "no release", []),
        /// A produce is answered with the offset behind its own.
        AnswersNextOffset("answers-next-offset", "no release", []),
        /// A cut leaves the epoch that began where the log now ends one further.
        EpochsTrimmedOneShort("epochs-trimmed-one-short", "no release", []),
        /// A leader tells its followers its log end for the high watermark.
        HighWatermarkToldEarly("high-watermark-told-early", "no release", []),
        /// A leader takes its ISR for changed before it is written.
        IsrBeforeWritten("isr-before-written", "no release", []),
        /// A member of the ISR is elected that is not online.
        DeadElected("dead-elected", "no release", []),
        /// The preferred replica is elected though it is not in the ISR.
        PreferredOutsider("preferred-outsider", "no release", []),
        /// A consumer reads the record at the high watermark.
        ReadsOneBeyond("reads-one-beyond", "no release", []),
        /// A consumer that asks for the start is told one more.
        ListsLateStart("lists-late-start", "no release", []),
        /// The checkpoint of high watermarks holds log ends.
        CheckpointAhead("checkpoint-ahead", "no release", []),
        /// A broker keeps the leader of a partition that it was told first.
        MetadataStandsStill("metadata-stands-still", "no release", []),
        /// A producer takes a batch whose time is over for acknowledged.
        ExpiredTakenForAcked("expired-taken-for-acked", "no release", []),
        /// A producer says of a batch that expires in flight that nothing was written.
        ExpiredCalledDefinite("expired-called-definite", "no release", []),
        /// A producer that keeps order sends on while a batch is in flight.
        MuteLeftOut("mute-left-out", "no release", []),
    }
}

impl Planted {
    /// Whether a control request counts though a newer controller has been heard.
    pub fn accepts_old_controllers(self) -> bool {
        self == Planted::OldControllerAccepted
    }

    /// Whether a control request counts though it names an earlier life of this broker.
    pub fn accepts_for_a_former_life(self) -> bool {
        self == Planted::FormerLifeAccepted
    }

    /// Whether a LeaderAndIsr counts though the replica is in a newer epoch.
    pub fn accepts_old_leader_epochs(self) -> bool {
        self == Planted::OldLeaderEpochAccepted
    }

    /// Whether a StopReplica counts though the replica is in a newer epoch.
    pub fn accepts_late_stops(self) -> bool {
        self == Planted::LateStopAccepted
    }

    /// Whether neither the asker's leader epoch nor the own role is looked at.
    pub fn serves_anybody(self) -> bool {
        self == Planted::ServesAnybody
    }

    /// Whether one member of the ISR is enough for the high watermark.
    pub fn takes_the_highest_end(self) -> bool {
        self == Planted::HighWatermarkOfTheFastest
    }

    /// Whether a member that has not fetched yet does not hold the high watermark back.
    pub fn ignores_the_silent(self) -> bool {
        self == Planted::SilentFollowerIgnored
    }

    /// Whether a proposed member of the ISR does not hold the high watermark back.
    pub fn waits_for_the_committed_alone(self) -> bool {
        self == Planted::CommittedIsrAlone
    }

    /// Whether a leader takes a lower high watermark.
    pub fn lets_high_watermark_fall(self) -> bool {
        self == Planted::HighWatermarkFalls
    }

    /// Whether a follower enters the ISR whatever it has.
    pub fn admits_anybody(self) -> bool {
        self == Planted::AdmitsAnybody
    }

    /// Whether a follower need not have reached the start of the epoch.
    pub fn ignores_the_epoch_start(self) -> bool {
        self == Planted::EpochStartIgnored
    }

    /// Whether a follower enters the ISR without being live.
    pub fn admits_the_dead(self) -> bool {
        self == Planted::DeadFollowerAdmitted
    }

    /// Whether lagging members stay in the ISR.
    pub fn keeps_laggards(self) -> bool {
        self == Planted::LaggardStays
    }

    /// Whether a leader's ISR is judged and written without a look at versions and epochs.
    pub fn writes_isr_over_any_version(self) -> bool {
        self == Planted::IsrOverAnyVersion
    }

    /// Whether acks=all does not wait.
    pub fn acknowledges_at_once(self) -> bool {
        self == Planted::AckedAtOnce
    }

    /// Whether acks=all waits for the first offset of a batch only.
    pub fn acknowledges_one_short(self) -> bool {
        self == Planted::AckedOneShort
    }

    /// Whether the end of leadership is taken for success.
    pub fn acknowledges_when_deposed(self) -> bool {
        self == Planted::DeposedAcknowledges
    }

    /// Whether min.insync.replicas counts as 1.
    pub fn ignores_the_minimum(self) -> bool {
        self == Planted::MinimumIgnored
    }

    /// Whether every assigned replica counts as in sync where the minimum is asked for.
    pub fn counts_all_replicas(self) -> bool {
        self == Planted::MinimumOverReplicas
    }

    /// Whether a refusal for min.insync.replicas comes after the append.
    pub fn refuses_after_the_append(self) -> bool {
        self == Planted::MinimumAfterAppend
    }

    /// Whether consumers read beyond the high watermark.
    pub fn lets_consumers_read_ahead(self) -> bool {
        self == Planted::ConsumerReadsAhead
    }

    /// Whether ListOffsets answers clients as it does followers.
    pub fn lists_the_log_end(self) -> bool {
        self == Planted::ListsLogEnd
    }

    /// Whether a leader does not look where a follower's log leaves its own.
    pub fn misses_divergence(self) -> bool {
        self == Planted::DivergenceUnnoticed
    }

    /// Whether an epoch is said to end at the log end.
    pub fn ends_epochs_at_the_log_end(self) -> bool {
        self == Planted::EpochEndsAtLogEnd
    }

    /// Whether a follower is taken to have what this fetch brings it.
    pub fn counts_what_is_sent(self) -> bool {
        self == Planted::SentCountsAsFetched
    }

    /// Whether a follower's position only rises.
    pub fn keeps_the_highest_position(self) -> bool {
        self == Planted::PositionNeverFalls
    }

    /// Whether a follower keeps what its leader does not have.
    pub fn leaves_out_the_cut(self) -> bool {
        self == Planted::CutLeftOut
    }

    /// Whether a follower cuts at its high watermark, wherever the leader's answer says.
    pub fn cuts_at_the_high_watermark(self) -> bool {
        self == Planted::CutAtHighWatermark
    }

    /// Whether a cut leaves one offset more.
    pub fn cuts_one_short(self) -> bool {
        self == Planted::CutOneShort
    }

    /// Whether a cut leaves the epochs of what went.
    pub fn leaves_epochs(self) -> bool {
        self == Planted::CutLeavesEpochs
    }

    /// Whether a new leader leaves its epoch cache as it is.
    pub fn enters_no_epoch(self) -> bool {
        self == Planted::LeaderNotesNoEpoch
    }

    /// Whether a follower's high watermark may lie beyond its log.
    pub fn takes_any_high_watermark(self) -> bool {
        self == Planted::HighWatermarkUnbounded
    }

    /// Whether a follower's high watermark stays.
    pub fn learns_no_high_watermark(self) -> bool {
        self == Planted::HighWatermarkNotLearnt
    }

    /// Whether the first batch of a segment is passed over.
    pub fn skips_the_first_of_a_segment(self) -> bool {
        self == Planted::SegmentBeginsLate
    }

    /// Whether a flush leaves the files alone.
    pub fn flushes_nothing(self) -> bool {
        self == Planted::RollsUnflushed
    }

    /// Whether a clean election looks at who is live only.
    pub fn elects_outsiders(self) -> bool {
        self == Planted::OutsiderElected
    }

    /// Whether an unclean election is always allowed.
    pub fn elects_uncleanly(self) -> bool {
        self == Planted::UncleanAlthoughOff
    }

    /// Whether the new leader leads in the epoch of the old one.
    pub fn keeps_the_epoch(self) -> bool {
        self == Planted::EpochNotRaised
    }

    /// Whether a controller writes whatever stands there, deposed or not.
    pub fn writes_unguarded(self) -> bool {
        self == Planted::DeposedWrites
    }

    /// Whether a reassignment does not wait for its target.
    pub fn completes_reassignments_at_once(self) -> bool {
        self == Planted::ReassignedAtOnce
    }

    /// Whether a produce without an answer counts as acknowledged.
    pub fn takes_silence_for_success(self) -> bool {
        self == Planted::LostTakenForAcked
    }

    /// Whether a batch that is to be sent again goes to the back of its queue.
    pub fn queues_retries_last(self) -> bool {
        self == Planted::RetryGoesLast
    }

    /// Whether no refusal leaves the outcome open.
    pub fn calls_every_refusal_definite(self) -> bool {
        self == Planted::OpenCalledDefinite
    }

    /// Whether the position behind this batch is one too far.
    pub fn skips_a_record(self, next: Offset) -> bool {
        self == Planted::PositionAhead && next.0 % 10 == 7
    }

    /// Whether any refusal of a fetch is taken for an offset out of range.
    pub fn resets_on_any_refusal(self) -> bool {
        self == Planted::ResetToStart
    }

    /// Whether one request is appended twice.
    pub fn appends_twice(self) -> bool {
        self == Planted::AppendedTwice
    }

    /// Whether the last good batch counts as damaged.
    pub fn recovers_one_short(self) -> bool {
        self == Planted::RecoveryCutsOneMore
    }

    /// Whether a follower's log start offset stays.
    pub fn learns_no_log_start(self) -> bool {
        self == Planted::LogStartNotLearnt
    }

    /// Whether a deletion goes one offset too far.
    pub fn deletes_one_more(self) -> bool {
        self == Planted::DeletesOneMore
    }

    /// Whether one more segment counts as old.
    pub fn deletes_early(self) -> bool {
        self == Planted::SegmentGoesEarly
    }

    /// Whether a produce waits until its time is over.
    pub fn leaves_produces_waiting(self) -> bool {
        self == Planted::ProducesNotLookedAt
    }

    /// Whether a producer is told one offset too many.
    pub fn answers_the_next_offset(self) -> bool {
        self == Planted::AnswersNextOffset
    }

    /// Whether the epoch cache is cut one offset too far up.
    pub fn trims_epochs_one_short(self) -> bool {
        self == Planted::EpochsTrimmedOneShort
    }

    /// Whether followers are told the log end.
    pub fn tells_the_log_end(self) -> bool {
        self == Planted::HighWatermarkToldEarly
    }

    /// Whether a proposed ISR counts at once.
    pub fn takes_proposals_for_written(self) -> bool {
        self == Planted::IsrBeforeWritten
    }

    /// Whether an election does not look at who is online.
    pub fn elects_the_dead(self) -> bool {
        self == Planted::DeadElected
    }

    /// Whether a preferred election does not look at the ISR.
    pub fn prefers_outsiders(self) -> bool {
        self == Planted::PreferredOutsider
    }

    /// Whether a consumer's limit lies one offset too high.
    pub fn reads_one_beyond(self) -> bool {
        self == Planted::ReadsOneBeyond
    }

    /// Whether the start of a log is told one offset too high.
    pub fn lists_a_late_start(self) -> bool {
        self == Planted::ListsLateStart
    }

    /// Whether log ends are written down for high watermarks.
    pub fn checkpoints_the_log_end(self) -> bool {
        self == Planted::CheckpointAhead
    }

    /// Whether what is known of a partition stays.
    pub fn keeps_the_first_leader(self) -> bool {
        self == Planted::MetadataStandsStill
    }

    /// Whether a batch in flight that expires counts as acknowledged.
    pub fn takes_expiry_for_success(self) -> bool {
        self == Planted::ExpiredTakenForAcked
    }

    /// Whether what expires in flight leaves nothing open.
    pub fn calls_expiry_definite(self) -> bool {
        self == Planted::ExpiredCalledDefinite
    }

    /// Whether partitions are not muted.
    pub fn mutes_nothing(self) -> bool {
        self == Planted::MuteLeftOut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    /// Every question.
    const QUESTIONS: &[fn(Planted) -> bool] = &[
        Planted::accepts_old_controllers,
        Planted::accepts_for_a_former_life,
        Planted::accepts_old_leader_epochs,
        Planted::accepts_late_stops,
        Planted::serves_anybody,
        Planted::takes_the_highest_end,
        Planted::ignores_the_silent,
        Planted::waits_for_the_committed_alone,
        Planted::lets_high_watermark_fall,
        Planted::admits_anybody,
        Planted::ignores_the_epoch_start,
        Planted::admits_the_dead,
        Planted::keeps_laggards,
        Planted::writes_isr_over_any_version,
        Planted::acknowledges_at_once,
        Planted::acknowledges_one_short,
        Planted::acknowledges_when_deposed,
        Planted::ignores_the_minimum,
        Planted::counts_all_replicas,
        Planted::refuses_after_the_append,
        Planted::lets_consumers_read_ahead,
        Planted::lists_the_log_end,
        Planted::misses_divergence,
        Planted::ends_epochs_at_the_log_end,
        Planted::counts_what_is_sent,
        Planted::keeps_the_highest_position,
        Planted::leaves_out_the_cut,
        Planted::cuts_at_the_high_watermark,
        Planted::cuts_one_short,
        Planted::leaves_epochs,
        Planted::enters_no_epoch,
        Planted::takes_any_high_watermark,
        Planted::learns_no_high_watermark,
        Planted::skips_the_first_of_a_segment,
        Planted::flushes_nothing,
        Planted::elects_outsiders,
        Planted::elects_uncleanly,
        Planted::keeps_the_epoch,
        Planted::writes_unguarded,
        Planted::completes_reassignments_at_once,
        Planted::takes_silence_for_success,
        Planted::queues_retries_last,
        Planted::calls_every_refusal_definite,
        |planted| planted.skips_a_record(Offset(17)),
        Planted::resets_on_any_refusal,
        Planted::appends_twice,
        Planted::recovers_one_short,
        Planted::learns_no_log_start,
        Planted::deletes_one_more,
        Planted::deletes_early,
        Planted::leaves_produces_waiting,
        Planted::answers_the_next_offset,
        Planted::trims_epochs_one_short,
        Planted::tells_the_log_end,
        Planted::takes_proposals_for_written,
        Planted::elects_the_dead,
        Planted::prefers_outsiders,
        Planted::reads_one_beyond,
        Planted::lists_a_late_start,
        Planted::checkpoints_the_log_end,
        Planted::keeps_the_first_leader,
        Planted::takes_expiry_for_success,
        Planted::calls_expiry_definite,
        Planted::mutes_nothing,
    ];

    #[test]
    fn every_value_leaves_out_one_check_and_none_leaves_out_nothing() {
        for (value, _) in Planted::VALUES {
            let count = QUESTIONS.iter().filter(|asks| asks(*value)).count();
            assert_eq!(count, usize::from(*value != Planted::None), "{value}");
        }
        assert_eq!(QUESTIONS.len() + 1, Planted::VALUES.len());
        assert!(!Planted::PositionAhead.skips_a_record(Offset(16)));
    }
}
