//! A group and its members as data (`GroupMetadata`, `MemberMetadata`): what is true of them, and how that changes. When
//! it changes is decided in [`super::rebalance`] and its neighbours.

use super::Name;
use super::coordinator::Asker;
use super::records::{GroupMetadataValue, MemberMetadataValue, OffsetAndMetadata};
use crate::era::{Era, Release};
use crate::ids::{Offset, TopicPartition};
use crate::messages::join_group::JoinedMember;
use crate::time::{Micros, Time, Timestamp};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// Where a group stands.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GroupState {
    /// Nobody is in it; it may have offsets.
    Empty,
    /// Members are asked to join anew.
    PreparingRebalance,
    /// The generation has begun; the leader's assignment is awaited.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
}

impl GroupState {
    /// Kafka's name of it in `era`.
    pub fn name(self, era: &Era) -> &'static str {
        const COMPLETING: &[(Release, &str)] =
            &[(Release::FIRST, "AwaitingSync"), (Release::new(1, 1, 0), "CompletingRebalance")];
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => {
                era.release.look_up(COMPLETING).expect("the table begins before every release")
            }
            GroupState::Stable => "Stable",
        }
    }
}

/// A member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its id.
    pub id: Name,
    /// `group.instance.id`.
    pub instance: Option<Name>,
    /// `client.id`.
    pub client: Name,
    /// `session.timeout.ms`.
    pub session_timeout: Micros,
    /// `max.poll.interval.ms`.
    pub rebalance_timeout: Micros,
    /// The assignors it knows, the one it likes best first, each with its subscription.
    pub protocols: Vec<(Name, Bytes)>,
    /// What it was assigned.
    pub assignment: Bytes,
    /// Its JoinGroup that waits.
    pub joins: Option<Asker>,
    /// Its SyncGroup that waits.
    pub syncs: Option<Asker>,
    /// It waits for its first generation.
    pub is_new: bool,
    /// When it is out unless it is heard of before. Who waits for a rebalance stays in all the same.
    pub expires_at: Option<Time>,
}

impl Member {
    /// Its subscription for an assignor; nothing if it does not know that.
    pub fn subscription(&self, protocol: &str) -> Bytes {
        let known = self.protocols.iter().find(|(name, _)| **name == *protocol);
        known.map(|(_, subscription)| subscription.clone()).unwrap_or_default()
    }

    /// Whether its time may run out without consequence: it waits for the coordinator, not the other way round.
    pub fn is_waiting(&self) -> bool {
        !self.is_new && (self.joins.is_some() || self.syncs.is_some())
    }
}

/// The wait for members to join.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum DelayedJoin {
    /// Until all have asked, or the rebalance time-out (`DelayedJoin`).
    Rebalance {
        /// When it ends at the latest.
        at: Time,
    },
    /// A group that was empty waits in any case, so that those who start together find each other
    /// (`InitialDelayedJoin`, KIP-134), and again if somebody new has come meanwhile.
    Initial {
        /// When it ends.
        at: Time,
        /// How long this wait is.
        delay: Micros,
        /// How much may be added to it.
        remaining: Micros,
    },
}

impl DelayedJoin {
    /// When it ends.
    pub fn at(self) -> Time {
        match self {
            DelayedJoin::Rebalance { at } | DelayedJoin::Initial { at, .. } => at,
        }
    }
}

/// A committed offset, and where in the log it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedRecord {
    /// The batch it was written in.
    pub appended_at: Offset,
    /// What was committed.
    pub committed: OffsetAndMetadata,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// `group.id`.
    pub name: Name,
    /// Where it stands.
    pub state: GroupState,
    /// Since when.
    pub state_since: Timestamp,
    /// Its generation.
    pub generation: i32,
    /// `consumer`; none for a group that never had a member.
    pub protocol_type: Option<Name>,
    /// The assignor of this generation.
    pub protocol: Option<Name>,
    /// Who leads.
    pub leader: Option<Name>,
    /// In the order they came; Kafka's stand as a hash map has them.
    pub members: Vec<Member>,
    /// Ids that were handed out and not used yet, and when they lapse (KIP-394).
    pub pending: BTreeMap<Name, Time>,
    /// Members of this generation that have not asked for their assignment yet.
    pub pending_sync: BTreeSet<Name>,
    /// When those are out (rule `sync-timeout`).
    pub sync_expires_at: Option<Time>,
    /// The wait for members to join.
    pub join: Option<DelayedJoin>,
    /// Somebody new has come during the first wait.
    pub new_member_added: bool,
    /// What it has committed.
    pub offsets: BTreeMap<TopicPartition, CommittedRecord>,
}

impl Group {
    /// An empty group.
    pub fn new(name: Name, now: Timestamp) -> Group {
        Group {
            name,
            state: GroupState::Empty,
            state_since: now,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: Vec::new(),
            pending: BTreeMap::new(),
            pending_sync: BTreeSet::new(),
            sync_expires_at: None,
            join: None,
            new_member_added: false,
            offsets: BTreeMap::new(),
        }
    }

    /// A member.
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| *member.id == *id)
    }

    /// A member, to be changed.
    pub fn member_mut(&mut self, id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| *member.id == *id)
    }

    /// Whether it is a member.
    pub fn has(&self, id: &str) -> bool {
        self.member(id).is_some()
    }

    /// Whether this member leads.
    pub fn is_leader(&self, id: &str) -> bool {
        self.leader.as_deref() == Some(id)
    }

    /// The member id under which a static member is known.
    pub fn static_member(&self, instance: Option<&Name>) -> Option<Name> {
        let instance = instance?;
        self.members
            .iter()
            .find(|member| member.instance.as_ref() == Some(instance))
            .map(|member| member.id.clone())
    }

    /// Whether another process has taken this `group.instance.id` (`isStaticMemberFenced`).
    pub fn is_fenced(&self, id: &str, instance: Option<&Name>) -> bool {
        self.static_member(instance).is_some_and(|current| *current != *id)
    }

    /// Adds a member. The first leads.
    pub fn add(&mut self, member: Member, protocol_type: &Name) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending.remove(&member.id);
        self.members.push(member);
    }

    /// Takes a member out. If it led, another does.
    pub fn remove(&mut self, id: &str) -> Option<Member> {
        let index = self.members.iter().position(|member| *member.id == *id)?;
        let removed = self.members.remove(index);
        if self.is_leader(id) {
            self.leader = self.members.first().map(|member| member.id.clone());
        }
        self.pending_sync.remove(id);
        Some(removed)
    }

    /// Makes sure that who leads has joined (`maybeElectNewJoinedLeader`). False if there is no leader, or nobody has
    /// joined.
    pub fn elect_joined_leader(&mut self) -> bool {
        let Some(leader) = self.leader.clone() else { return false };
        if self.member(&leader).is_some_and(|member| member.joins.is_some()) {
            return true;
        }
        let joined =
            self.members.iter().find(|member| member.joins.is_some()).map(|member| member.id.clone());
        let found = joined.is_some();
        self.leader = joined.or(Some(leader));
        found
    }

    /// Whether everybody has asked to join, also those who were only told their id.
    pub fn have_all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.iter().all(|member| member.joins.is_some())
    }

    /// The longest rebalance time-out of its members.
    pub fn rebalance_timeout(&self) -> Micros {
        self.members.iter().map(|member| member.rebalance_timeout).max().unwrap_or(Micros::ZERO)
    }

    /// Whether there is an assignor that a member and all others know.
    pub fn supports(&self, protocol_type: &str, protocols: &[(Name, Bytes)]) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let known_to_all = |name: &str| self.members.iter().all(|member| knows(member, name));
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|(name, _)| known_to_all(name))
    }

    /// The assignor of the next generation: of those that all know each member votes for the one it likes best. A tie
    /// goes to the name first in order; in Kafka to the one that its map has first.
    pub fn select_protocol(&self) -> Name {
        let known_to_all = |name: &str| self.members.iter().all(|member| knows(member, name));
        let mut votes: BTreeMap<&Name, usize> = BTreeMap::new();
        for member in &self.members {
            let vote = member.protocols.iter().map(|(name, _)| name).find(|name| known_to_all(name));
            *votes.entry(vote.expect("nobody is let in who has none in common")).or_default() += 1;
        }
        let most = votes.values().max().copied();
        let chosen = votes.into_iter().find(|(_, count)| Some(*count) == most);
        chosen.expect("a group without members has no protocol").0.clone()
    }

    /// A new generation begins, with members or without.
    pub fn next_generation(&mut self, now: Timestamp) {
        self.generation += 1;
        if self.members.is_empty() {
            self.protocol = None;
            self.transition(GroupState::Empty, now);
        } else {
            self.protocol = Some(self.select_protocol());
            self.transition(GroupState::CompletingRebalance, now);
        }
    }

    /// Goes to another state.
    pub fn transition(&mut self, to: GroupState, now: Timestamp) {
        use GroupState::{CompletingRebalance, Empty, PreparingRebalance, Stable};
        let valid = match to {
            Empty | CompletingRebalance => self.state == PreparingRebalance,
            PreparingRebalance => self.state != PreparingRebalance,
            Stable => self.state == CompletingRebalance,
        };
        assert!(valid, "group {} goes from {:?} to {to:?}", self.name, self.state);
        self.state = to;
        self.state_since = now;
    }

    /// Everybody, as the leader is told.
    pub fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let joined = |member: &Member| JoinedMember {
            member: member.id.clone(),
            instance: member.instance.clone(),
            subscription: member.subscription(protocol),
        };
        self.members.iter().map(joined).collect()
    }

    /// What each member has now.
    pub fn assignments(&self) -> BTreeMap<Name, Bytes> {
        self.members.iter().map(|member| (member.id.clone(), member.assignment.clone())).collect()
    }

    /// Remembers a commit that stands in the log at `appended_at`, unless a newer one is known.
    pub fn commit(&mut self, partition: TopicPartition, appended_at: Offset, committed: OffsetAndMetadata) {
        let known = self.offsets.get(&partition);
        if known.is_none_or(|known| known.appended_at < appended_at) {
            self.offsets.insert(partition, CommittedRecord { appended_at, committed });
        }
    }

    /// As its record has it, with these assignments.
    pub fn to_record(&self, assignments: &BTreeMap<Name, Bytes>) -> GroupMetadataValue {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |member: &Member| MemberMetadataValue {
            member: member.id.clone(),
            instance: member.instance.clone(),
            client: member.client.clone(),
            host: "/127.0.0.1".into(),
            rebalance_timeout: member.rebalance_timeout.millis() as i32,
            session_timeout: member.session_timeout.millis() as i32,
            subscription: member.subscription(protocol),
            assignment: assignments.get(&member.id).cloned().unwrap_or_default(),
        };
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_else(|| "".into()),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_timestamp: Some(self.state_since),
            members: self.members.iter().map(member).collect(),
        }
    }

    /// As it was written: stable, or empty.
    pub fn from_record(name: Name, value: GroupMetadataValue, now: Timestamp) -> Group {
        let mut group = Group::new(name, now);
        let protocol: Name = value.protocol.clone().unwrap_or_else(|| "".into());
        let member = |value: MemberMetadataValue| Member {
            id: value.member,
            instance: value.instance,
            client: value.client,
            session_timeout: Micros::from_millis(value.session_timeout.into()),
            rebalance_timeout: Micros::from_millis(value.rebalance_timeout.into()),
            protocols: vec![(protocol.clone(), value.subscription)],
            assignment: value.assignment,
            joins: None,
            syncs: None,
            is_new: false,
            expires_at: None,
        };
        group.members = value.members.into_iter().map(member).collect();
        group.state = if group.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        group.state_since = value.state_timestamp.unwrap_or(now);
        group.generation = value.generation;
        group.protocol_type = Some(value.protocol_type).filter(|protocol_type| !protocol_type.is_empty());
        (group.protocol, group.leader) = (value.protocol, value.leader);
        group
    }

    /// When it next has something to do without being asked.
    pub fn deadline(&self) -> Option<Time> {
        let members = self.members.iter().filter_map(|member| member.expires_at);
        let waits = self.join.map(DelayedJoin::at).into_iter().chain(self.sync_expires_at);
        members.chain(self.pending.values().copied()).chain(waits).min()
    }
}

fn knows(member: &Member, protocol: &str) -> bool {
    member.protocols.iter().any(|(name, _)| **name == *protocol)
}
