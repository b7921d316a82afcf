//! Where did an epoch end, in this log? (`ReplicaManager.lastOffsetForLeaderEpoch`)
//!
//! A follower asks before it cuts its log (KIP-101), a consumer after a change of leader (KIP-320). Only the leader
//! answers, from its leader epoch cache ([`crate::rules::earliest_epoch`]): the largest epoch not above the one asked
//! about, and where that ended. If it cannot say, both are -1, and the asker falls back to its high watermark.

use crate::broker::replica_manager::{Blocked, ReplicaManager};
use crate::error::KafkaError;
use crate::ids::{LeaderEpoch, NodeId, Offset};
use crate::messages::offsets_for_leader_epoch::{
    EpochEndOffset, EpochQuestion, OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse,
};
use crate::node::{Env, ReplyTo};
use crate::note::{Note, ReplicaNote};
use crate::rules::earliest_epoch;

impl ReplicaManager {
    /// Where did an epoch end? Replies itself.
    pub fn on_offsets_for_leader_epoch(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: OffsetsForLeaderEpochRequest,
        env: &mut Env<'_>,
    ) {
        if !self.is_halted() {
            self.epoch_ends(reply_to, from, version, request, env);
        }
    }

    pub(super) fn epoch_ends(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: OffsetsForLeaderEpochRequest,
        env: &mut Env<'_>,
    ) {
        let mut asked = request.partitions.iter().map(|question| question.partition);
        if let Some(locked) = asked.find(|tp| self.is_locked(*tp)) {
            return self.block(locked, Blocked::EpochEnds { reply_to, from, version, request });
        }
        let mut partitions = Vec::with_capacity(request.partitions.len());
        for question in &request.partitions {
            let end = self.epoch_end(question);
            if let Err(error) = end {
                let (replica, offset) = (request.replica, Offset::NONE);
                let note = ReplicaNote::ReadRefused { from, replica, offset, error };
                env.note(|| Note::Replica(question.partition, note));
            }
            partitions.push((question.partition, end));
        }
        let response = OffsetsForLeaderEpochResponse { partitions }.for_version(version);
        self.reply(reply_to, response, env);
    }

    /// Where did one epoch end?
    ///
    /// # Errors
    /// The error of the answer.
    pub fn epoch_end(&self, question: &EpochQuestion) -> Result<EpochEndOffset, KafkaError> {
        let partition = self.hosted(question.partition)?;
        partition.serves(&self.era.rules, question.current_leader_epoch, true)?;
        let (rule, log) = (self.era.rules.earliest_epoch, &partition.log);
        let end = earliest_epoch::end_offset_for(rule, log.epochs(), log.end_offset(), question.leader_epoch);
        let (epoch, end_offset) = match self.era.rules.planted.ends_epochs_at_the_log_end() {
            true => (question.leader_epoch, log.end_offset()),
            false => end.unwrap_or((LeaderEpoch::NONE, Offset::NONE)),
        };
        Ok(EpochEndOffset { leader_epoch: Some(epoch), end_offset })
    }
}
