//! The coordinator of all groups whose partitions this broker leads (`GroupCoordinator`): who may ask, heartbeats,
//! leaving, and what happens when nobody asks.
//!
//! | asks                | group unknown      | member unknown    | old generation     | else, by state                        |
//! |---------------------|--------------------|-------------------|--------------------|---------------------------------------|
//! | Heartbeat           | UNKNOWN_MEMBER_ID  | UNKNOWN_MEMBER_ID | ILLEGAL_GENERATION | Preparing: REBALANCE_IN_PROGRESS      |
//! | LeaveGroup          | UNKNOWN_MEMBER_ID  | UNKNOWN_MEMBER_ID |                    | it is out; a rebalance                |
//!
//! A member that is fenced (KIP-345) is told so before anything else.

use super::join::NEW_MEMBER_JOIN_TIMEOUT;
use super::metadata::{Group, GroupState, Member};
use super::rebalance::Reason;
use super::records::{Key, OffsetAndMetadata};
use super::{Name, OFFSETS_TOPIC, partition_for};
use crate::config::BrokerConfig;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{Offset, Topic, TopicPartition};
use crate::messages::Response;
use crate::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use crate::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse, LeavingMember, LeftMember};
use crate::node::{Env, ReplyTo};
use crate::note::{GroupNote, Note};
use crate::rules::loading_group::Asks;
use crate::time::{Micros, Time};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request that is to be answered, in a version.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Asker {
    /// Where the answer goes.
    pub to: ReplyTo,
    /// The version it was asked in.
    pub version: i16,
}

/// Records that a coordinator wants in its log, replicated by all in sync (`appendForGroup`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// Say it to [`GroupCoordinator::on_stored`].
    pub ticket: u64,
    /// Where.
    pub partition: TopicPartition,
    /// Key and value of each; without a value it is a tombstone.
    pub records: Vec<(Bytes, Option<Bytes>)>,
    /// How long it may take (`offsets.commit.timeout.ms`).
    pub timeout: Micros,
}

/// What is to be done when records stand in the log.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// The leader's assignment of this generation.
    Assign { generation: i32, assignments: BTreeMap<Name, Bytes> },
    /// Nothing: a group that is empty.
    Nothing,
    /// A static member is back under a new id. If it could not be written, all is as before.
    Rejoined { old: Name, new: Name, former_leader: Name, former_protocols: Vec<(Name, Bytes)> },
    /// Offsets, and what the others of the request are told.
    Commit {
        asker: Asker,
        offsets: Vec<(TopicPartition, OffsetAndMetadata)>,
        refused: Vec<(TopicPartition, KafkaError)>,
    },
}

/// Whether this broker coordinates the groups of a partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Ownership {
    /// It leads the partition, and has not read it yet.
    Loading,
    /// It does.
    Owned,
}

/// The coordinator in one broker.
#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    pub(super) config: Arc<BrokerConfig>,
    pub(super) era: Arc<Era>,
    /// [`OFFSETS_TOPIC`].
    topic: Topic,
    /// How many partitions it has.
    pub(super) partitions: i32,
    /// When to read the partitions that wait for it.
    pub(super) load_at: Option<Time>,
    pub(super) owned: BTreeMap<i32, Ownership>,
    pub(super) groups: BTreeMap<Name, Group>,
    pub(super) stores: Stores,
}

/// What is to be written, and what was and is not committed yet.
#[derive(Clone, Default, Debug)]
pub(super) struct Stores {
    wanted: Vec<Store>,
    pending: BTreeMap<u64, (Name, Then)>,
    tickets: u64,
}

/// What a group needs in one step.
pub(super) struct Turn<'a, 'e> {
    pub config: &'a BrokerConfig,
    pub era: &'a Era,
    pub topic: Topic,
    pub partitions: i32,
    pub stores: &'a mut Stores,
    pub env: &'a mut Env<'e>,
}

impl Turn<'_, '_> {
    /// Wants records of a group in the log.
    pub fn store(&mut self, group: &Name, records: Vec<(Bytes, Option<Bytes>)>, then: Then) {
        let ticket = self.stores.tickets;
        self.stores.tickets += 1;
        let partition =
            TopicPartition { topic: self.topic, partition: partition_for(group, self.partitions) };
        let timeout = self.config.offsets_commit_timeout;
        self.stores.wanted.push(Store { ticket, partition, records, timeout });
        self.stores.pending.insert(ticket, (group.clone(), then));
    }

    /// Wants a group in the log, with these assignments (`storeGroup`).
    pub fn store_group(&mut self, group: &Group, assignments: &BTreeMap<Name, Bytes>, then: Then) {
        let key = Key::Group { group: group.name.clone() }.write();
        let value = group.to_record(assignments).write(self.era);
        self.store(&group.name, vec![(key, Some(value))], then);
    }

    /// Says what happened to a group.
    pub fn note(&mut self, group: &Group, note: impl FnOnce() -> GroupNote) {
        self.env.note(|| Note::Group(group.name.clone(), note()));
    }
}

impl GroupCoordinator {
    /// It coordinates nothing yet.
    pub fn new(config: &Arc<BrokerConfig>, era: &Arc<Era>) -> GroupCoordinator {
        GroupCoordinator {
            topic: Topic::new(OFFSETS_TOPIC),
            partitions: config.offsets_topic_partitions,
            load_at: None,
            config: Arc::clone(config),
            era: Arc::clone(era),
            owned: BTreeMap::new(),
            groups: BTreeMap::new(),
            stores: Stores::default(),
        }
    }

    /// A group that it coordinates.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The groups that it coordinates, by name.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The partition of [`OFFSETS_TOPIC`] that a group belongs to.
    pub fn partition_of(&self, group: &str) -> i32 {
        partition_for(group, self.partitions)
    }

    /// What is to be written since this was asked last.
    pub fn take_stores(&mut self) -> Vec<Store> {
        std::mem::take(&mut self.stores.wanted)
    }

    /// Whether anything is to be written.
    pub fn wants_to_store(&self) -> bool {
        !self.stores.wanted.is_empty()
    }

    /// The topic that groups live in.
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Every reason to refuse a request before its group is looked at (`validateGroupStatus`); `None` in the error
    /// passes it blindly.
    pub(super) fn refuse(&self, group: &str, asks: Asks) -> Result<(), Option<KafkaError>> {
        match self.owned.get(&self.partition_of(group)) {
            Some(Ownership::Owned) => Ok(()),
            Some(Ownership::Loading) => Err(self.era.rules.loading_group.error(asks)),
            None => Err(Some(KafkaError::NotCoordinator)),
        }
    }

    /// A group, and what it needs to act.
    pub(super) fn turn<'a, 'e>(
        &'a mut self,
        group: &str,
        env: &'a mut Env<'e>,
    ) -> Option<(&'a mut Group, Turn<'a, 'e>)> {
        let group = self.groups.get_mut(group)?;
        let (config, era) = (&*self.config, &*self.era);
        let (topic, partitions) = (self.topic, self.partitions);
        Some((group, Turn { config, era, topic, partitions, stores: &mut self.stores, env }))
    }

    /// A member says that it is alive.
    pub fn on_heartbeat(&mut self, asker: Asker, request: &HeartbeatRequest, env: &mut Env<'_>) {
        let refused = if request.group.is_empty() {
            Err(Some(KafkaError::InvalidGroupId))
        } else {
            self.refuse(&request.group, Asks::Heartbeat)
        };
        let error = match refused {
            Err(error) => error,
            Ok(()) => match self.turn(&request.group, env) {
                Some((group, mut turn)) => group.heartbeat(request, &mut turn).err(),
                None => Some(KafkaError::UnknownMemberId),
            },
        };
        env.reply(asker.to, HeartbeatResponse { error }.into());
    }

    /// Members go.
    pub fn on_leave(&mut self, asker: Asker, request: LeaveGroupRequest, env: &mut Env<'_>) {
        let refused = if request.group.is_empty() {
            Err(Some(KafkaError::InvalidGroupId))
        } else {
            self.refuse(&request.group, Asks::Other)
        };
        if let Err(error) = refused {
            let response = LeaveGroupResponse { error, members: Vec::new() };
            return env.reply(asker.to, response.for_version(asker.version).into());
        }
        let mut members = Vec::with_capacity(request.members.len());
        for leaving in request.members {
            let error = match self.turn(&request.group, env) {
                Some((group, mut turn)) => group.leave(&leaving, &mut turn).err(),
                None => Some(KafkaError::UnknownMemberId),
            };
            members.push(LeftMember { member: leaving.member, instance: leaving.instance, error });
        }
        let response = LeaveGroupResponse { error: None, members };
        env.reply(asker.to, response.for_version(asker.version).into());
    }

    /// Records that were to be written stand in the log, from this offset on, or do not.
    pub fn on_stored(&mut self, ticket: u64, stored: Result<Offset, KafkaError>, env: &mut Env<'_>) {
        let Some((name, then)) = self.stores.pending.remove(&ticket) else { return };
        if let Then::Commit { asker, offsets, refused } = then {
            return self.on_offsets_stored(&name, asker, offsets, refused, stored, env);
        }
        // The group may have moved to another broker meanwhile.
        let Some((group, mut turn)) = self.turn(&name, env) else { return };
        match then {
            Then::Assign { generation, assignments } => {
                group.assigned(generation, assignments, stored, &mut turn)
            }
            Then::Rejoined { old, new, former_leader, former_protocols } => {
                let stored = stored.map(|_| ());
                group.rejoined(&old, &new, former_leader, former_protocols, stored, &mut turn);
            }
            Then::Nothing | Then::Commit { .. } => {}
        }
    }

    /// When something happens without being asked.
    pub fn deadline(&self) -> Option<Time> {
        self.groups.values().filter_map(Group::deadline).chain(self.load_at).min()
    }

    /// Time has passed.
    pub fn on_wake(&mut self, env: &mut Env<'_>) {
        let due = |group: &&Group| group.deadline().is_some_and(|deadline| deadline <= env.now);
        let names: Vec<Name> = self.groups.values().filter(due).map(|group| group.name.clone()).collect();
        for name in names {
            if let Some((group, mut turn)) = self.turn(&name, env) {
                group.on_wake(&mut turn);
            }
        }
    }
}

impl Group {
    fn heartbeat(&mut self, request: &HeartbeatRequest, turn: &mut Turn<'_, '_>) -> Result<(), KafkaError> {
        if self.is_fenced(&request.member, request.instance.as_ref()) {
            return Err(KafkaError::FencedInstanceId);
        } else if !self.has(&request.member) || self.state == GroupState::Empty {
            return Err(KafkaError::UnknownMemberId);
        } else if request.generation != self.generation {
            return Err(KafkaError::IllegalGeneration);
        }
        match self.state {
            GroupState::CompletingRebalance => {
                turn.era.rules.heartbeat_while_syncing.error().map_or(Ok(()), Err)?;
                self.heard_of(&request.member, turn);
                Ok(())
            }
            GroupState::PreparingRebalance => {
                self.heard_of(&request.member, turn);
                Err(KafkaError::RebalanceInProgress)
            }
            GroupState::Stable | GroupState::Empty => {
                self.heard_of(&request.member, turn);
                Ok(())
            }
        }
    }

    fn leave(&mut self, leaving: &LeavingMember, turn: &mut Turn<'_, '_>) -> Result<(), KafkaError> {
        let LeavingMember { member, instance, .. } = leaving;
        if !member.is_empty() && self.is_fenced(member, instance.as_ref()) {
            return Err(KafkaError::FencedInstanceId);
        }
        if self.pending.remove(member).is_some() {
            self.try_complete_join(turn);
            return Ok(());
        }
        let id = self.static_member(instance.as_ref()).unwrap_or_else(|| member.clone());
        if !self.has(&id) {
            return Err(KafkaError::UnknownMemberId);
        }
        self.remove_member(&id, Reason::Left, turn);
        Ok(())
    }

    /// A member is alive: it is out only when its session time-out passes from now on.
    pub(super) fn heard_of(&mut self, id: &str, turn: &Turn<'_, '_>) {
        if let Some(member) = self.member_mut(id) {
            member.expires_at = Some(turn.env.now + member.session_timeout);
        }
    }

    /// A member that waits for its first generation: rule `new-member`.
    pub(super) fn expect_new(&mut self, id: &str, turn: &Turn<'_, '_>) {
        let expires = turn.era.rules.new_member.expires_while_joining();
        if let Some(member) = self.member_mut(id) {
            member.expires_at = expires.then_some(turn.env.now + NEW_MEMBER_JOIN_TIMEOUT);
        }
    }

    fn on_wake(&mut self, turn: &mut Turn<'_, '_>) {
        let now = turn.env.now;
        if self.join.is_some_and(|join| join.at() <= now) {
            self.on_join_delay_over(turn);
        }
        if self.sync_expires_at.is_some_and(|at| at <= now) {
            self.on_sync_expired(turn);
        }
        let lapsed: Vec<Name> =
            self.pending.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in lapsed {
            self.pending.remove(&id);
            self.try_complete_join(turn);
        }
        let is_due = |member: &&Member| member.expires_at.is_some_and(|at| at <= now);
        let due: Vec<Name> = self.members.iter().filter(is_due).map(|member| member.id.clone()).collect();
        for id in due {
            // An earlier one of these may have begun a generation.
            let Some(member) = self.member_mut(&id) else { continue };
            if member.expires_at.is_none_or(|at| at > now) {
                continue;
            }
            member.expires_at = None;
            if !member.is_waiting() {
                self.remove_member(&id, Reason::Silent, turn);
            }
        }
    }

    /// Answers somebody.
    pub(super) fn answer(turn: &mut Turn<'_, '_>, asker: Asker, response: impl Into<Response>) {
        turn.env.reply(asker.to, response.into());
    }
}
