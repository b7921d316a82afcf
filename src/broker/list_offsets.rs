//! Where does a partition begin, end, or reach a timestamp? (`Partition.fetchOffsetForTimestamp`)
//!
//! Only the leader answers. A follower is told its log end, a client the high watermark; whether a new leader may
//! tell a client its high watermark is decided by the rule `end-offset`.
//!
//! Left out: versions 0 (several offsets) and 7 (the largest timestamp, KIP-734), isolation levels.

use crate::broker::replica_manager::{Blocked, ReplicaManager};
use crate::error::KafkaError;
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::messages::list_offsets::{ListOffsetsRequest, ListOffsetsResponse, ListedOffset, OffsetQuery};
use crate::node::{Env, ReplyTo};
use crate::note::{Note, ReplicaNote};
use crate::time::Timestamp;

/// The first version whose answer carries the offset's leader epoch (KIP-320).
const CARRIES_EPOCH: i16 = 4;

impl ReplicaManager {
    /// Where does a partition begin or end? Replies itself.
    pub fn on_list_offsets(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ListOffsetsRequest,
        env: &mut Env<'_>,
    ) {
        if !self.is_halted() {
            self.list_offsets(reply_to, from, version, request, env);
            self.settle(env);
        }
    }

    pub(super) fn list_offsets(
        &mut self,
        reply_to: ReplyTo,
        from: NodeId,
        version: i16,
        request: ListOffsetsRequest,
        env: &mut Env<'_>,
    ) {
        if let Some((locked, ..)) = request.partitions.iter().find(|(tp, ..)| self.is_locked(*tp)) {
            let locked = *locked;
            return self.block(locked, Blocked::ListOffsets { reply_to, from, version, request });
        }
        let replica = request.replica;
        let mut partitions = Vec::with_capacity(request.partitions.len());
        for (tp, query, epoch) in request.partitions {
            let listed = self.list_offset(tp, query, epoch, replica, version, env);
            if let Err(error) = listed {
                let note = ReplicaNote::ReadRefused { from, replica, offset: Offset::NONE, error };
                env.note(|| Note::Replica(tp, note));
            }
            partitions.push((tp, listed));
        }
        self.reply(reply_to, ListOffsetsResponse { partitions }, env);
    }

    fn list_offset(
        &mut self,
        tp: TopicPartition,
        query: OffsetQuery,
        asker: Option<LeaderEpoch>,
        replica: BrokerId,
        version: i16,
        env: &mut Env<'_>,
    ) -> Result<ListedOffset, KafkaError> {
        let rules = &self.era.rules;
        let partition = self.hosted(tp)?;
        partition.serves(rules, asker, true)?;
        let is_client = replica == BrokerId::NONE;
        let (high_watermark, log) = (partition.high_watermark, &partition.log);
        let to_the_end = !is_client || rules.planted.lists_the_log_end();
        let limit = if to_the_end { log.end_offset() } else { high_watermark };
        let known = match partition.leader() {
            Some(leader) if is_client => rules.end_offset.known(high_watermark, leader.epoch_start, version),
            _ => Ok(()),
        };
        let listed = |offset, timestamp, epoch: Option<LeaderEpoch>| ListedOffset {
            offset,
            timestamp,
            leader_epoch: epoch.filter(|_| version >= CARRIES_EPOCH),
        };
        match query {
            OffsetQuery::Latest => {
                known?;
                Ok(listed(limit, Timestamp::NONE, Some(partition.leader_epoch)))
            }
            OffsetQuery::Earliest => {
                let late =
                    is_client && rules.planted.lists_a_late_start() && log.start_offset() < high_watermark;
                let start = log.start_offset() + i64::from(late);
                let epoch = log.epochs().first().filter(|entry| entry.start <= start);
                Ok(listed(start, Timestamp::NONE, epoch.map(|entry| entry.epoch)))
            }
            OffsetQuery::AtOrAfter(timestamp) => {
                let found = match log.offset_for_timestamp(timestamp, &mut *env.disk) {
                    Ok(found) => found.filter(|(offset, _)| *offset < limit),
                    Err(error) => return Err(self.log_error(error)),
                };
                match found {
                    Some((offset, at)) => Ok(listed(offset, at, log.epoch_at(offset))),
                    // Perhaps only the high watermark is too low yet.
                    None => known.map(|()| listed(Offset::NONE, Timestamp::NONE, None)),
                }
            }
        }
    }
}
