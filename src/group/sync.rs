//! SyncGroup (`handleSyncGroup`): the leader brings the assignment, everybody is given a part of it.
//!
//! | state               | what happens                                                                      |
//! |---------------------|-----------------------------------------------------------------------------------|
//! | PreparingRebalance  | REBALANCE_IN_PROGRESS                                                             |
//! | CompletingRebalance | waits; the leader's assignment goes into the log, and then all are answered       |
//! | Stable              | its assignment, at once                                                           |
//!
//! What the log's refusal becomes for members: too few replicas, COORDINATOR_NOT_AVAILABLE; no longer leader,
//! NOT_COORDINATOR; out of time, REBALANCE_IN_PROGRESS.

use super::Name;
use super::coordinator::{Asker, GroupCoordinator, Then, Turn};
use super::metadata::{Group, GroupState};
use super::rebalance::Reason;
use crate::error::KafkaError;
use crate::ids::Offset;
use crate::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::node::Env;
use crate::note::GroupNote;
use crate::rules::loading_group::Asks;
use bytes::Bytes;
use std::collections::BTreeMap;

impl GroupCoordinator {
    /// A member asks for its assignment. Replies itself, now or later.
    pub fn on_sync(&mut self, asker: Asker, request: SyncGroupRequest, env: &mut Env<'_>) {
        let refused = if request.group.is_empty() {
            Err(Some(KafkaError::InvalidGroupId))
        } else {
            self.refuse(&request.group, Asks::Sync)
        };
        let synced = match refused {
            Err(error) => Err(error.unwrap_or(KafkaError::RebalanceInProgress)),
            Ok(()) => match self.turn(&request.group, env) {
                Some((group, mut turn)) => group.sync(asker, request, &mut turn),
                None => Err(KafkaError::UnknownMemberId),
            },
        };
        if let Err(error) = synced {
            env.reply(asker.to, SyncGroupResponse::refused(error).into());
        }
    }
}

/// What members are told when the log refuses their group.
fn of_group(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::UnknownTopicOrPartition
        | KafkaError::NotEnoughReplicas
        | KafkaError::NotEnoughReplicasAfterAppend => KafkaError::CoordinatorNotAvailable,
        KafkaError::NotLeaderOrFollower | KafkaError::KafkaStorageError => KafkaError::NotCoordinator,
        KafkaError::RequestTimedOut => KafkaError::RebalanceInProgress,
        KafkaError::MessageTooLarge | KafkaError::RecordListTooLarge => KafkaError::UnknownServerError,
        other => other,
    }
}

impl Group {
    fn sync(
        &mut self,
        asker: Asker,
        request: SyncGroupRequest,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), KafkaError> {
        let id = request.member;
        let other = |named: &Option<Name>, own: &Option<Name>| named.is_some() && named != own;
        if self.is_fenced(&id, request.instance.as_ref()) {
            return Err(KafkaError::FencedInstanceId);
        } else if !self.has(&id) || self.state == GroupState::Empty {
            return Err(KafkaError::UnknownMemberId);
        } else if request.generation != self.generation {
            return Err(KafkaError::IllegalGeneration);
        } else if other(&request.protocol_type, &self.protocol_type)
            || other(&request.protocol, &self.protocol)
        {
            return Err(KafkaError::InconsistentGroupProtocol);
        } else if self.state == GroupState::PreparingRebalance {
            return Err(KafkaError::RebalanceInProgress);
        }
        self.pending_sync.remove(&id);
        if self.pending_sync.is_empty() {
            self.sync_expires_at = None;
        }
        if self.state == GroupState::Stable {
            self.tell_assignment(asker, &id, turn);
            self.heard_of(&id, turn);
            return Ok(());
        }
        self.member_mut(&id).expect("it is a member").syncs = Some(asker);
        if self.is_leader(&id) {
            let mut assignments: BTreeMap<Name, Bytes> = request.assignments.into_iter().collect();
            for member in &self.members {
                assignments.entry(member.id.clone()).or_default();
            }
            let then = Then::Assign { generation: self.generation, assignments: assignments.clone() };
            turn.store_group(self, &assignments, then);
        }
        Ok(())
    }

    fn tell_assignment(&self, asker: Asker, id: &Name, turn: &mut Turn<'_, '_>) {
        let response = SyncGroupResponse {
            error: None,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self.member(id).map(|member| member.assignment.clone()).unwrap_or_default(),
        };
        Group::answer(turn, asker, response.for_version(asker.version));
    }

    /// The assignment of a generation stands in the log, or does not. Of a generation that is over it means nothing.
    pub(super) fn assigned(
        &mut self,
        generation: i32,
        mut assignments: BTreeMap<Name, Bytes>,
        stored: Result<Offset, KafkaError>,
        turn: &mut Turn<'_, '_>,
    ) {
        if self.state != GroupState::CompletingRebalance || self.generation != generation {
            return;
        }
        if let Err(error) = stored {
            self.refuse_assignments(of_group(error), turn);
            return self.prepare_rebalance(Reason::NotStored, turn);
        }
        for member in &mut self.members {
            member.assignment = assignments.remove(&member.id).unwrap_or_default();
        }
        for index in 0..self.members.len() {
            let id = self.members[index].id.clone();
            if let Some(asker) = self.members[index].syncs.take() {
                self.tell_assignment(asker, &id, turn);
                self.heard_of(&id, turn);
            }
        }
        self.transition(GroupState::Stable, turn.env.wall);
        turn.note(self, || GroupNote::Stable { generation });
    }
}
