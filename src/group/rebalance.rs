//! From one generation of a group to the next (`prepareRebalance`, `onCompleteJoin`, `DelayedJoin`,
//! `InitialDelayedJoin`).
//!
//! 1. Something has changed: a member has come, gone, fallen silent, or subscribes otherwise. Who waits for an assignment
//!    is told to join anew.
//! 2. A group that was empty waits `group.initial.rebalance.delay.ms` (KIP-134), again and again while new members come,
//!    for as long as the rebalance time-out. Any other waits until all members have asked to join, at most the rebalance
//!    time-out.
//! 3. Members that have not asked are out, unless they are static. If only such are left, it waits again.
//! 4. The generation begins. Everybody is answered; the leader is told all subscriptions. With nobody left the group is
//!    empty, and written so.

use super::coordinator::{Asker, Then, Turn};
use super::metadata::{DelayedJoin, Group, GroupState, Member};
use super::{Name, join};
use crate::error::KafkaError;
use crate::messages::join_group::JoinGroupResponse;
use crate::messages::sync_group::SyncGroupResponse;
use crate::note::GroupNote;
use crate::time::Micros;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Why a rebalance begins.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A new member.
    Joined,
    /// A member joins anew, and subscribes otherwise.
    Subscribes,
    /// The leader joins anew: it may have seen topics change.
    LeaderRejoined,
    /// A static member is back under a new id.
    StaticRejoined,
    /// A member has left.
    Left,
    /// A member was silent for `session.timeout.ms`; a new one for five minutes.
    Silent,
    /// Members have joined and did not ask for their assignment.
    NeverSynced,
    /// The assignment could not be written.
    NotStored,
}

impl Group {
    /// Begins a rebalance, unless one has begun.
    pub(super) fn maybe_prepare_rebalance(&mut self, reason: Reason, turn: &mut Turn<'_, '_>) {
        if self.state != GroupState::PreparingRebalance {
            self.prepare_rebalance(reason, turn);
        }
    }

    /// Begins a rebalance.
    pub(super) fn prepare_rebalance(&mut self, reason: Reason, turn: &mut Turn<'_, '_>) {
        if self.state == GroupState::CompletingRebalance {
            self.refuse_assignments(KafkaError::RebalanceInProgress, turn);
        }
        self.clear_pending_sync();
        let timeout = self.rebalance_timeout();
        let now = turn.env.now;
        self.join = Some(match turn.config.group_initial_rebalance_delay {
            Some(delay) if self.state == GroupState::Empty => {
                let remaining = Micros(timeout.0.saturating_sub(delay.0));
                DelayedJoin::Initial { at: now + delay, delay, remaining }
            }
            _ => DelayedJoin::Rebalance { at: now + timeout },
        });
        self.transition(GroupState::PreparingRebalance, turn.env.wall);
        let generation = self.generation;
        turn.note(self, || GroupNote::RebalanceBegan { generation, reason });
        self.try_complete_join(turn);
    }

    /// Begins the generation if everybody has asked to join. The first wait of a group is not cut short.
    pub(super) fn try_complete_join(&mut self, turn: &mut Turn<'_, '_>) {
        let waits_for_members = matches!(self.join, Some(DelayedJoin::Rebalance { .. }));
        if self.state == GroupState::PreparingRebalance && waits_for_members && self.have_all_joined() {
            self.complete_join(turn);
        }
    }

    /// The time to join is over.
    pub(super) fn on_join_delay_over(&mut self, turn: &mut Turn<'_, '_>) {
        match self.join {
            Some(DelayedJoin::Initial { delay, remaining, .. })
                if self.new_member_added && remaining > Micros::ZERO =>
            {
                self.new_member_added = false;
                let configured = turn.config.group_initial_rebalance_delay.unwrap_or(Micros::ZERO);
                let next = configured.min(remaining);
                let remaining = Micros(remaining.0.saturating_sub(delay.0));
                self.join = Some(DelayedJoin::Initial { at: turn.env.now + next, delay: next, remaining });
            }
            _ => self.complete_join(turn),
        }
    }

    fn complete_join(&mut self, turn: &mut Turn<'_, '_>) {
        self.join = None;
        let is_late = |member: &&Member| member.joins.is_none() && member.instance.is_none();
        let late: Vec<Name> = self.members.iter().filter(is_late).map(|member| member.id.clone()).collect();
        for id in late {
            self.remove(&id);
            turn.note(self, || GroupNote::MemberRemoved { member: id, late: true });
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Static members that are away: until their sessions end.
            self.join = Some(DelayedJoin::Rebalance { at: turn.env.now + self.rebalance_timeout() });
            return;
        }
        self.next_generation(turn.env.wall);
        self.new_member_added = false;
        let generation = self.generation;
        let members: Vec<Name> = self.members.iter().map(|member| member.id.clone()).collect();
        let (leader, protocol) = (self.leader.clone(), self.protocol.clone());
        turn.note(self, || GroupNote::GenerationBegan { generation, protocol, leader, members });
        if self.members.is_empty() {
            return turn.store_group(self, &BTreeMap::new(), Then::Nothing);
        }
        for index in 0..self.members.len() {
            let id = self.members[index].id.clone();
            if let Some(asker) = self.members[index].joins.take() {
                self.tell_generation(asker, &id, turn);
            }
            self.heard_of(&id, turn);
            self.members[index].is_new = false;
            self.pending_sync.insert(id);
        }
        if turn.era.rules.sync_timeout.is_measured() {
            self.sync_expires_at = Some(turn.env.now + self.rebalance_timeout());
        }
    }

    /// Answers a JoinGroup with the generation that is; the leader is told all subscriptions while they are wanted.
    pub(super) fn tell_generation(&self, asker: Asker, id: &Name, turn: &mut Turn<'_, '_>) {
        let is_wanted = self.state == GroupState::CompletingRebalance && self.is_leader(id);
        let members = if is_wanted { self.joined_members() } else { Vec::new() };
        let leader = self.leader.clone().unwrap_or_else(|| "".into());
        self.tell_generation_as(asker, id, leader, members, false, turn);
    }

    pub(super) fn tell_generation_as(
        &self,
        asker: Asker,
        id: &Name,
        leader: Name,
        members: Vec<crate::messages::join_group::JoinedMember>,
        skip_assignment: bool,
        turn: &mut Turn<'_, '_>,
    ) {
        let response = JoinGroupResponse {
            error: None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader,
            skip_assignment,
            member: id.clone(),
            members,
        };
        Group::answer(turn, asker, response.for_version(asker.version));
    }

    /// Takes a member out, and looks at what that means for the others (`removeMemberAndUpdateGroup`).
    pub(super) fn remove_member(&mut self, id: &Name, reason: Reason, turn: &mut Turn<'_, '_>) {
        let Some(removed) = self.remove(id) else { return };
        if let Some(asker) = removed.joins {
            let refused = JoinGroupResponse::refused(join::no_member(), KafkaError::UnknownMemberId);
            Group::answer(turn, asker, refused.for_version(asker.version));
        }
        let left = reason == Reason::Left;
        turn.note(self, || match left {
            true => GroupNote::MemberLeft { member: id.clone() },
            false => GroupNote::MemberRemoved { member: id.clone(), late: false },
        });
        match self.state {
            GroupState::Empty => {}
            GroupState::PreparingRebalance => self.try_complete_join(turn),
            GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(reason, turn),
        }
    }

    /// Nobody gets anything: who waits for an assignment is told why (`resetAndPropagateAssignmentError`).
    pub(super) fn refuse_assignments(&mut self, error: KafkaError, turn: &mut Turn<'_, '_>) {
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            member.assignment = Bytes::new();
            if let Some(asker) = member.syncs.take() {
                let id = member.id.clone();
                Group::answer(turn, asker, SyncGroupResponse::refused(error));
                self.heard_of(&id, turn);
            }
        }
    }

    /// Nobody is waited for any more to ask for an assignment.
    pub(super) fn clear_pending_sync(&mut self) {
        self.pending_sync.clear();
        self.sync_expires_at = None;
    }

    /// Members have joined and did not ask for their assignment in time (KAFKA-12890).
    pub(super) fn on_sync_expired(&mut self, turn: &mut Turn<'_, '_>) {
        self.sync_expires_at = None;
        let never: Vec<Name> = std::mem::take(&mut self.pending_sync).into_iter().collect();
        if never.is_empty() {
            return;
        }
        for id in never {
            self.remove(&id);
            turn.note(self, || GroupNote::MemberRemoved { member: id, late: true });
        }
        self.prepare_rebalance(Reason::NeverSynced, turn);
    }
}
