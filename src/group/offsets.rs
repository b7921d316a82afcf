//! OffsetCommit and OffsetFetch (`handleCommitOffsets`, `storeOffsets`, `getOffsets`).
//!
//! | group   | generation in the request | member    | what happens to a commit                                       |
//! |---------|---------------------------|-----------|-----------------------------------------------------------------|
//! | unknown | -1                        |           | taken: who is no member only keeps its offsets here             |
//! | unknown | any other                 |           | ILLEGAL_GENERATION                                              |
//! | empty   | -1                        |           | taken                                                           |
//! | any     | any                       | unknown   | UNKNOWN_MEMBER_ID                                               |
//! | any     | not the group's           | known     | ILLEGAL_GENERATION                                              |
//! | any     | the group's               | known     | Completing: REBALANCE_IN_PROGRESS (rule `commit-while-syncing`); else taken, and the member is alive |
//!
//! A commit is seen, and answered, when it stands in the log. Reading is allowed in any state, to anybody.
//!
//! Left out: transactional commits.

use super::Name;
use super::coordinator::{Asker, GroupCoordinator, Then};
use super::metadata::{Group, GroupState};
use super::records::{Key, OffsetAndMetadata};
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{Offset, TopicPartition};
use crate::messages::offset_commit::{OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse};
use crate::messages::offset_fetch::{CommittedOffset, OffsetFetchRequest, OffsetFetchResponse};
use crate::node::Env;
use crate::note::{GroupNote, Note};
use crate::rules::loading_group::Asks;
use crate::time::{Micros, Timestamp};

/// Whether each commit says itself when it expires (ended by KIP-211).
const EXPIRE_BY_THEMSELVES: &[(Release, bool)] = &[(Release::FIRST, true), (Release::new(2, 1, 0), false)];

impl GroupCoordinator {
    /// Somebody commits. Partitions that do not exist are in `unknown` and no longer in the request. Replies itself, now
    /// or later.
    pub fn on_offset_commit(
        &mut self,
        asker: Asker,
        request: OffsetCommitRequest,
        unknown: Vec<(TopicPartition, KafkaError)>,
        env: &mut Env<'_>,
    ) {
        let mut refused = unknown;
        let accepted = self.accept_commit(&request, env);
        let limit = self.config.offset_metadata_max_bytes as usize;
        let mut offsets = Vec::with_capacity(request.partitions.len());
        for committed in request.partitions {
            let partition = committed.partition;
            match accepted {
                Err(error) => refused.push((partition, error)),
                Ok(()) if committed.metadata.len() > limit => {
                    refused.push((partition, KafkaError::OffsetMetadataTooLarge));
                }
                Ok(()) => offsets.push((partition, self.committed(committed, request.retention, env.wall))),
            }
        }
        if offsets.is_empty() {
            return answer_commit(asker, &[], None, refused, env);
        }
        let key = |partition| Key::Offset { group: request.group.clone(), partition }.write();
        let value = |committed: &OffsetAndMetadata| Some(committed.write(&self.era));
        let records =
            offsets.iter().map(|(partition, committed)| (key(*partition), value(committed))).collect();
        let (group, mut turn) = self.turn(&request.group, env).expect("a commit is taken by a group that is");
        turn.store(&group.name, records, Then::Commit { asker, offsets, refused });
    }

    fn committed(
        &self,
        partition: OffsetCommitPartition,
        retention: Option<Micros>,
        now: Timestamp,
    ) -> OffsetAndMetadata {
        let expires =
            retention.or_else(|| expire_by_themselves(&self.era).then_some(self.config.offsets_retention));
        OffsetAndMetadata {
            offset: partition.offset,
            leader_epoch: partition.leader_epoch,
            metadata: partition.metadata,
            commit_timestamp: now,
            expire_timestamp: expires.map(|retention| Timestamp(now.0 + retention.millis() as i64)),
        }
    }

    /// Every reason to refuse a commit. A group that nobody is in is made for it.
    fn accept_commit(&mut self, request: &OffsetCommitRequest, env: &mut Env<'_>) -> Result<(), KafkaError> {
        self.refuse(&request.group, Asks::Other)
            .map_err(|error| error.unwrap_or(KafkaError::NotCoordinator))?;
        if !self.groups.contains_key(&request.group) {
            if request.generation >= 0 {
                return Err(KafkaError::IllegalGeneration);
            }
            let group = Group::new(request.group.clone(), env.wall);
            self.groups.insert(request.group.clone(), group);
        }
        let Some((group, turn)) = self.turn(&request.group, env) else {
            return Err(KafkaError::UnknownServerError);
        };
        if group.is_fenced(&request.member, request.instance.as_ref()) {
            return Err(KafkaError::FencedInstanceId);
        } else if request.generation < 0 && group.state == GroupState::Empty {
            return Ok(());
        }
        let not_a_member = match group.has(&request.member) {
            false => Some(KafkaError::UnknownMemberId),
            true if request.generation != group.generation => Some(KafkaError::IllegalGeneration),
            true => None,
        };
        if group.state == GroupState::CompletingRebalance {
            return Err(turn.era.rules.commit_while_syncing.error(not_a_member));
        }
        not_a_member.map_or(Ok(()), Err)?;
        group.heard_of(&request.member, &turn);
        Ok(())
    }

    /// A commit stands in the log, or does not.
    pub(super) fn on_offsets_stored(
        &mut self,
        group: &Name,
        asker: Asker,
        offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
        refused: Vec<(TopicPartition, KafkaError)>,
        stored: Result<Offset, KafkaError>,
        env: &mut Env<'_>,
    ) {
        let error = stored.err().map(of_commit);
        if let (Ok(appended_at), Some(group)) = (stored, self.groups.get_mut(group)) {
            for (partition, committed) in &offsets {
                group.commit(*partition, appended_at, committed.clone());
            }
            let told =
                || offsets.iter().map(|(partition, committed)| (*partition, committed.offset)).collect();
            env.note(|| Note::Group(group.name.clone(), GroupNote::Committed { offsets: told() }));
        }
        let partitions: Vec<TopicPartition> = offsets.iter().map(|(partition, _)| *partition).collect();
        answer_commit(asker, &partitions, error, refused, env);
    }

    /// Somebody asks what a group has committed.
    pub fn on_offset_fetch(&self, asker: Asker, request: &OffsetFetchRequest, env: &mut Env<'_>) {
        let response = match self.refuse(&request.group, Asks::Other) {
            Err(error) => OffsetFetchResponse { error, partitions: Vec::new() },
            Ok(()) => {
                let group = self.groups.get(&request.group);
                let all = || group.into_iter().flat_map(|group| group.offsets.keys().copied()).collect();
                let asked = request.partitions.clone().unwrap_or_else(all);
                let committed = |partition| (partition, Ok(committed_offset(group, partition)));
                OffsetFetchResponse { error: None, partitions: asked.into_iter().map(committed).collect() }
            }
        };
        env.reply(asker.to, response.for_version(asker.version).into());
    }
}

fn committed_offset(group: Option<&Group>, partition: TopicPartition) -> CommittedOffset {
    match group.and_then(|group| group.offsets.get(&partition)) {
        None => CommittedOffset { offset: Offset::NONE, leader_epoch: None, metadata: "".into() },
        Some(known) => CommittedOffset {
            offset: known.committed.offset,
            leader_epoch: known.committed.leader_epoch,
            metadata: known.committed.metadata.clone(),
        },
    }
}

fn expire_by_themselves(era: &Era) -> bool {
    era.release.look_up(EXPIRE_BY_THEMSELVES) == Some(&true)
}

/// What who commits is told when the log refuses.
fn of_commit(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::UnknownTopicOrPartition
        | KafkaError::NotEnoughReplicas
        | KafkaError::NotEnoughReplicasAfterAppend => KafkaError::CoordinatorNotAvailable,
        KafkaError::NotLeaderOrFollower | KafkaError::KafkaStorageError => KafkaError::NotCoordinator,
        KafkaError::MessageTooLarge | KafkaError::RecordListTooLarge => KafkaError::InvalidCommitOffsetSize,
        other => other,
    }
}

fn answer_commit(
    asker: Asker,
    stored: &[TopicPartition],
    error: Option<KafkaError>,
    refused: Vec<(TopicPartition, KafkaError)>,
    env: &mut Env<'_>,
) {
    let refused = refused.into_iter().map(|(partition, error)| (partition, Some(error)));
    let partitions = stored.iter().map(|partition| (*partition, error)).chain(refused).collect();
    env.reply(asker.to, OffsetCommitResponse { partitions }.into());
}
