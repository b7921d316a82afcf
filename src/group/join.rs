//! JoinGroup (`handleJoinGroup`).
//!
//! | member            | state               | what happens                                                                |
//! |-------------------|---------------------|-----------------------------------------------------------------------------|
//! | new               | any                 | told its id first (rule `new-member`), else added: a rebalance               |
//! | static, back      | any                 | takes the place of its old id (rule `static-rejoin`)                        |
//! | told its id       | any                 | added: a rebalance                                                          |
//! | known             | PreparingRebalance  | waits with the others                                                       |
//! | known             | CompletingRebalance | same subscription: the answer again, which it may have missed; else a rebalance |
//! | known             | Stable              | leader, or another subscription: a rebalance; else the answer again         |
//! | known             | Empty               | UNKNOWN_MEMBER_ID                                                           |
//!
//! Left out: a new session or rebalance time-out of a member that joins anew; `group.max.size`.

use super::Name;
use super::coordinator::{Asker, GroupCoordinator, Then, Turn};
use super::metadata::{Group, GroupState, Member};
use super::rebalance::Reason;
use crate::error::KafkaError;
use crate::messages::join_group::{ID_FIRST, JoinGroupRequest, JoinGroupResponse, SKIPS_ASSIGNMENT};
use crate::messages::sync_group::SyncGroupResponse;
use crate::node::{Entropy, Env, Purpose};
use crate::note::GroupNote;
use crate::rules::loading_group::Asks;
use crate::rules::static_rejoin::{Phase, Rejoin};
use crate::time::Micros;
use bytes::Bytes;

/// `NewMemberJoinTimeoutMs`.
pub(super) const NEW_MEMBER_JOIN_TIMEOUT: Micros = Micros::from_millis(5 * 60 * 1000);

/// The id of a member that has none.
pub(super) fn no_member() -> Name {
    "".into()
}

impl GroupCoordinator {
    /// A member wants to be in the next generation. Replies itself, now or later.
    pub fn on_join(&mut self, asker: Asker, request: JoinGroupRequest, env: &mut Env<'_>) {
        let refused = |member: &Name, error| {
            JoinGroupResponse::refused(member.clone(), error).for_version(asker.version)
        };
        if let Err(error) = self.accept_join(&request) {
            return env.reply(asker.to, refused(&request.member, error).into());
        }
        let name = request.group.clone();
        let is_new = request.member.is_empty();
        if is_new && !self.groups.contains_key(&name) {
            self.groups.insert(name.clone(), Group::new(name.clone(), env.wall));
        }
        let Some((group, mut turn)) = self.turn(&name, env) else {
            return env.reply(asker.to, refused(&request.member, KafkaError::UnknownMemberId).into());
        };
        let joined = if is_new {
            group.join_new(asker, &request, &mut turn)
        } else {
            group.join_known(asker, &request, &mut turn)
        };
        if let Err(error) = joined {
            turn.env.reply(asker.to, refused(&request.member, error).into());
        }
        group.try_complete_join(&mut turn);
    }

    fn accept_join(&self, request: &JoinGroupRequest) -> Result<(), KafkaError> {
        if request.group.is_empty() {
            return Err(KafkaError::InvalidGroupId);
        }
        self.refuse(&request.group, Asks::Other)
            .map_err(|error| error.unwrap_or(KafkaError::NotCoordinator))?;
        let allowed = self.config.group_min_session_timeout..=self.config.group_max_session_timeout;
        if allowed.contains(&request.session_timeout) {
            Ok(())
        } else {
            Err(KafkaError::InvalidSessionTimeout)
        }
    }
}

/// `client.id` or `group.instance.id`, a dash, and a random UUID.
fn generate_member_id(request: &JoinGroupRequest, entropy: &mut dyn Entropy) -> Name {
    let prefix = request.instance.as_ref().unwrap_or(&request.client);
    let (high, low) = (entropy.draw(Purpose::Identifier), entropy.draw(Purpose::Identifier));
    // Version 4, variant 1.
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    let (fourth, fifth) = (low >> 48, low & 0xffff_ffff_ffff);
    format!("{prefix}-{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}").into()
}

impl Group {
    fn join_new(
        &mut self,
        asker: Asker,
        request: &JoinGroupRequest,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), KafkaError> {
        if !self.supports(&request.protocol_type, &request.protocols) {
            return Err(KafkaError::InconsistentGroupProtocol);
        }
        let id = generate_member_id(request, turn.env.entropy);
        if let Some(old) = self.static_member(request.instance.as_ref()) {
            self.rejoin_static(asker, &old, &id, request, turn);
            return Ok(());
        }
        let (understands, is_static) = (asker.version >= ID_FIRST, request.instance.is_some());
        if turn.era.rules.new_member.asks_for_id(understands, is_static) {
            self.pending.insert(id.clone(), turn.env.now + request.session_timeout);
            let refused = JoinGroupResponse::refused(id, KafkaError::MemberIdRequired);
            Group::answer(turn, asker, refused.for_version(asker.version));
        } else {
            self.add_member(asker, id, request, turn);
        }
        Ok(())
    }

    fn join_known(
        &mut self,
        asker: Asker,
        request: &JoinGroupRequest,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), KafkaError> {
        let id = &request.member;
        if !self.supports(&request.protocol_type, &request.protocols) {
            return Err(KafkaError::InconsistentGroupProtocol);
        }
        if self.pending.contains_key(id) {
            self.add_member(asker, id.clone(), request, turn);
            return Ok(());
        }
        if self.is_fenced(id, request.instance.as_ref()) {
            return Err(KafkaError::FencedInstanceId);
        }
        let unknown_instance =
            request.instance.is_some() && self.static_member(request.instance.as_ref()).is_none();
        let is_leader = self.is_leader(id);
        let Some(member) = self.member(id).filter(|_| !unknown_instance) else {
            return Err(KafkaError::UnknownMemberId);
        };
        let same = member.protocols == request.protocols;
        let reason = match self.state {
            GroupState::Empty => return Err(KafkaError::UnknownMemberId),
            GroupState::Stable if is_leader => Reason::LeaderRejoined,
            GroupState::Stable | GroupState::CompletingRebalance if same => {
                self.tell_generation(asker, id, turn);
                return Ok(());
            }
            _ => Reason::Subscribes,
        };
        self.update_member(id, asker, request);
        self.maybe_prepare_rebalance(reason, turn);
        Ok(())
    }

    fn update_member(&mut self, id: &str, asker: Asker, request: &JoinGroupRequest) {
        let member = self.member_mut(id).expect("looked up before");
        member.protocols.clone_from(&request.protocols);
        member.joins = Some(asker);
    }

    fn add_member(&mut self, asker: Asker, id: Name, request: &JoinGroupRequest, turn: &mut Turn<'_, '_>) {
        if self.state == GroupState::PreparingRebalance && self.generation == 0 {
            self.new_member_added = true;
        }
        let member = Member {
            id: id.clone(),
            instance: request.instance.clone(),
            client: request.client.clone(),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols.clone(),
            assignment: Bytes::new(),
            joins: Some(asker),
            syncs: None,
            is_new: turn.era.rules.new_member.expires_while_joining(),
            expires_at: None,
        };
        self.add(member, &request.protocol_type);
        self.expect_new(&id, turn);
        turn.note(self, || GroupNote::MemberJoined { member: id });
        self.maybe_prepare_rebalance(Reason::Joined, turn);
    }

    /// A static member is back (`updateStaticMemberAndRebalance`): who still waits under the old id is told that it is
    /// fenced.
    fn rejoin_static(
        &mut self,
        asker: Asker,
        old: &Name,
        new: &Name,
        request: &JoinGroupRequest,
        turn: &mut Turn<'_, '_>,
    ) {
        let former_leader = self.leader.clone().unwrap_or_else(no_member);
        self.replace_static(old, new, turn);
        self.heard_of(new, turn);
        let member = self.member_mut(new).expect("just renamed");
        let former_protocols = std::mem::replace(&mut member.protocols, request.protocols.clone());
        member.joins = Some(asker);
        let phase = match self.state {
            GroupState::PreparingRebalance => Phase::Joining,
            GroupState::CompletingRebalance => Phase::Syncing,
            GroupState::Stable => {
                Phase::Stable { same_protocol: self.protocol == Some(self.select_protocol()) }
            }
            GroupState::Empty => unreachable!("a group with a static member is not empty"),
        };
        match turn.era.rules.static_rejoin.decide(phase) {
            Rejoin::Wait => {}
            Rejoin::Answer => self.rejoined(old, new, former_leader, former_protocols, Ok(()), turn),
            Rejoin::Store => {
                let then =
                    Then::Rejoined { old: old.clone(), new: new.clone(), former_leader, former_protocols };
                turn.store_group(self, &self.assignments(), then);
            }
            Rejoin::Rebalance => self.maybe_prepare_rebalance(Reason::StaticRejoined, turn),
        }
    }

    fn replace_static(&mut self, old: &Name, new: &Name, turn: &mut Turn<'_, '_>) {
        let member = self.member_mut(old).expect("looked up before");
        let fenced = KafkaError::FencedInstanceId;
        member.id = new.clone();
        if let Some(asker) = member.joins.take() {
            let refused = JoinGroupResponse::refused(old.clone(), fenced);
            Group::answer(turn, asker, refused.for_version(asker.version));
        }
        let member = self.member_mut(new).expect("just renamed");
        if let Some(asker) = member.syncs.take() {
            Group::answer(turn, asker, SyncGroupResponse::refused(fenced));
        }
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
    }

    /// The place of a static member that is back is its own, or could not be written down.
    pub(super) fn rejoined(
        &mut self,
        old: &Name,
        new: &Name,
        former_leader: Name,
        former_protocols: Vec<(Name, Bytes)>,
        stored: Result<(), KafkaError>,
        turn: &mut Turn<'_, '_>,
    ) {
        let Some(asker) = self.member_mut(new).and_then(|member| member.joins.take()) else { return };
        if let Err(error) = stored {
            let member = self.member_mut(new).expect("it has just been looked at");
            member.protocols = former_protocols;
            self.replace_static(new, old, turn);
            self.heard_of(old, turn);
            let refused = JoinGroupResponse::refused(no_member(), error);
            return Group::answer(turn, asker, refused.for_version(asker.version));
        }
        if turn.era.rules.static_rejoin.tells_leader(asker.version >= SKIPS_ASSIGNMENT) {
            let leads = self.is_leader(new);
            let members = if leads { self.joined_members() } else { Vec::new() };
            let leader = self.leader.clone().unwrap_or_else(no_member);
            self.tell_generation_as(asker, new, leader, members, leads, turn);
        } else {
            self.tell_generation_as(asker, new, former_leader, Vec::new(), false, turn);
        }
    }
}
