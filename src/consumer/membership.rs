//! A consumer's membership in a group (`AbstractCoordinator`, `ConsumerCoordinator`): which request is due, and what an
//! answer means. It sends nothing itself: whoever owns it asks it at every turn of `poll`, and in the background, and hands
//! it the answers. No consumer does so yet.
//!
//! ```text
//!   Unjoined ---> Rejoining ---> Syncing ---> Stable
//!      ^   JoinGroup      answer     assignment  |
//!      +--------- heartbeat or commit refused ---+
//! ```
//!
//! 1. A coordinator is found first; it is forgotten when it denies the group, when its connection is lost, and when it
//!    has not answered a heartbeat for a session time-out.
//! 2. Before it joins, a member gives up what it has to: all it owns if it is *eager*; only what it no longer subscribes to
//!    if it is *cooperative* (KIP-429). If it has been put out meanwhile, all is lost (rule `lost-partitions`).
//! 3. The leader deals out what everybody reads. A cooperative leader must not give one member what another still owns.
//! 4. With its assignment a cooperative member gives up what is not in it, and then joins once more, so that others get
//!    that.
//! 5. In the background, heartbeats go out every `heartbeat.interval.ms`: while the group is stable, and from 2.6.1 on
//!    while it waits for its assignment too (rule `member-heartbeat`). A member that was not polled for
//!    `max.poll.interval.ms` leaves, unless it is static.
//!
//! Left out: subscription by pattern, what the application's listener throws, which of two answers is of an older
//! generation (KAFKA-8104, 9140, 9815, 9823), keeping the member id after ILLEGAL_GENERATION (KAFKA-13419).

use super::assignor::{
    Assignor, AssignorState, NO_GENERATION, PartitionRacks, RebalanceProtocol, Subscription,
};
use super::protocol;
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{BrokerId, NodeId, Topic, TopicPartition};
use crate::messages::find_coordinator::FindCoordinatorRequest;
use crate::messages::heartbeat::HeartbeatRequest;
use crate::messages::join_group::{JoinGroupRequest, JoinGroupResponse, JoinedMember};
use crate::messages::leave_group::{LeaveGroupRequest, LeavingMember};
use crate::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use crate::messages::{ApiKey, Request};
use crate::time::{Micros, Time};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Name = Arc<str>;

/// `ConsumerProtocol.PROTOCOL_TYPE`.
const PROTOCOL_TYPE: &str = "consumer";

/// How a member behaves.
#[derive(Clone, PartialEq, Debug)]
pub struct MemberSettings {
    /// `group.id`.
    pub group: Name,
    /// `client.id`.
    pub client: Name,
    /// `group.instance.id`.
    pub instance: Option<Name>,
    /// `client.rack`.
    pub rack: Option<Name>,
    /// `partition.assignment.strategy`, the one it likes best first.
    pub assignors: Vec<Assignor>,
    /// `session.timeout.ms`.
    pub session_timeout: Micros,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Micros,
    /// `max.poll.interval.ms`.
    pub max_poll_interval: Micros,
    /// `retry.backoff.ms`.
    pub retry_backoff: Micros,
}

/// Where a member stands (`MemberState`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// In no generation.
    Unjoined,
    /// It has asked to join.
    Rejoining,
    /// It has asked for its assignment.
    Syncing,
    /// It has one.
    Stable,
}

/// What is told to the application (`ConsumerRebalanceListener`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RebalanceEvent {
    /// These are given up.
    Revoked(Vec<TopicPartition>),
    /// These belong to somebody else already.
    Lost(Vec<TopicPartition>),
    /// These are new; with those it kept they are all it has now.
    Assigned(Vec<TopicPartition>),
    /// `poll` throws this.
    Threw(String),
    /// `poll` throws this error of the coordinator.
    Refused(KafkaError),
}

/// What the foreground waits for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Waiting {
    Coordinator,
    Join,
    Sync,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Membership {
    settings: MemberSettings,
    era: Era,
    protocol: RebalanceProtocol,
    topics: Vec<Topic>,
    phase: Phase,
    member: Name,
    generation: i32,
    /// The assignor of the generation.
    chosen: Option<Name>,
    coordinator: Option<(BrokerId, NodeId)>,
    waiting: Option<Waiting>,
    rejoin_needed: bool,
    needs_join_prepare: bool,
    /// No request of the foreground before this time.
    not_before: Time,
    heartbeat_at: Time,
    session_ends_at: Time,
    poll_ends_at: Time,
    assigned: Vec<TopicPartition>,
    assignor_states: BTreeMap<Name, AssignorState>,
    /// As a leader: the partitions that were dealt out.
    dealt_out: Option<BTreeMap<Topic, usize>>,
    events: Vec<RebalanceEvent>,
}

impl Membership {
    /// Not in the group yet.
    pub fn new(settings: MemberSettings, topics: Vec<Topic>, era: Era) -> Membership {
        Membership {
            protocol: protocol_of(&settings.assignors),
            settings,
            era,
            topics,
            phase: Phase::Unjoined,
            member: "".into(),
            generation: NO_GENERATION,
            chosen: None,
            coordinator: None,
            waiting: None,
            rejoin_needed: true,
            needs_join_prepare: true,
            not_before: Time::ZERO,
            heartbeat_at: Time::NEVER,
            session_ends_at: Time::NEVER,
            poll_ends_at: Time::NEVER,
            assigned: Vec::new(),
            assignor_states: BTreeMap::new(),
            dealt_out: None,
            events: Vec::new(),
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its id, and the generation it is in.
    pub fn generation(&self) -> (&Name, i32) {
        (&self.member, self.generation)
    }

    /// What it owns.
    pub fn assigned(&self) -> &[TopicPartition] {
        &self.assigned
    }

    /// Its coordinator, if it knows one.
    pub fn coordinator(&self) -> Option<(BrokerId, NodeId)> {
        self.coordinator
    }

    /// What the application is told since this was asked last.
    pub fn take_events(&mut self) -> Vec<RebalanceEvent> {
        std::mem::take(&mut self.events)
    }

    /// The application polls: the request that is due in the foreground.
    pub fn poll(&mut self, now: Time) -> Option<Request> {
        self.poll_ends_at = now + self.settings.max_poll_interval;
        if self.waiting.is_some() || now < self.not_before {
            return None;
        }
        if self.coordinator.is_none() {
            return Some(self.find_coordinator());
        }
        if !self.rejoin_needed {
            return None;
        }
        if std::mem::replace(&mut self.needs_join_prepare, false) {
            self.prepare_to_join();
        }
        self.phase = Phase::Rejoining;
        self.waiting = Some(Waiting::Join);
        Some(self.join_request().into())
    }

    /// The heartbeat thread has a look: the request that is due in the background.
    pub fn background(&mut self, now: Time) -> Option<Request> {
        if !self.era.rules.member_heartbeat.is_sent(self.phase == Phase::Syncing, self.phase == Phase::Stable)
        {
            return None;
        }
        if self.coordinator.is_none() {
            let may_ask = self.waiting.is_none() && now >= self.not_before;
            return may_ask.then(|| self.find_coordinator());
        }
        if now >= self.session_ends_at {
            self.coordinator = None;
            return None;
        }
        if now >= self.poll_ends_at {
            return self.leave("consumer poll timeout has expired.");
        }
        if now < self.heartbeat_at {
            return None;
        }
        self.heartbeat_at = now + self.settings.heartbeat_interval;
        let request = HeartbeatRequest {
            group: self.settings.group.clone(),
            generation: self.generation,
            member: self.member.clone(),
            instance: self.settings.instance.clone(),
        };
        Some(request.into())
    }

    /// When [`Self::background`] may have something to do.
    pub fn deadline(&self) -> Time {
        let beats = self
            .era
            .rules
            .member_heartbeat
            .is_sent(self.phase == Phase::Syncing, self.phase == Phase::Stable);
        match self.coordinator {
            _ if !beats => Time::NEVER,
            Some(_) => self.heartbeat_at.min(self.session_ends_at).min(self.poll_ends_at),
            None if self.waiting.is_none() => self.not_before,
            None => Time::NEVER,
        }
    }

    /// It goes (`maybeLeaveGroup`): what it owned is lost to it. A static member does not say so.
    pub fn leave(&mut self, reason: &str) -> Option<Request> {
        let is_in = self.phase != Phase::Unjoined && !self.member.is_empty() && self.coordinator.is_some();
        let leaving =
            LeavingMember { member: self.member.clone(), instance: None, reason: Some(reason.into()) };
        let members = vec![leaving];
        let request = LeaveGroupRequest { group: self.settings.group.clone(), members };
        self.reset_generation();
        (is_in && self.settings.instance.is_none()).then(|| request.into())
    }

    /// The application wants no more of it: first what it owns is given up (`onLeavePrepare`).
    pub fn unsubscribe(&mut self) -> Option<Request> {
        self.give_up_all();
        let request = self.leave("the consumer unsubscribed from all topics");
        (self.rejoin_needed, self.topics) = (false, Vec::new());
        request
    }

    /// Topics have these partitions now. The leader joins anew if that is not what it dealt out.
    pub fn on_metadata(&mut self, topics: &PartitionRacks) {
        let changed =
            |dealt_out: &BTreeMap<Topic, usize>| *dealt_out != counts(dealt_out.keys().copied(), topics);
        if self.dealt_out.as_ref().is_some_and(changed) {
            self.rejoin_needed = true;
        }
    }

    /// A request was answered. The next one, if it follows at once.
    pub fn on_find_coordinator(&mut self, found: Result<(BrokerId, NodeId), KafkaError>, now: Time) {
        self.waiting = None;
        match found {
            Ok(coordinator) => {
                self.coordinator = Some(coordinator);
                self.session_ends_at = now + self.settings.session_timeout;
            }
            Err(_) => self.not_before = now + self.settings.retry_backoff,
        }
    }

    /// The answer to JoinGroup; `topics` as this member's metadata has them.
    pub fn on_join(
        &mut self,
        response: JoinGroupResponse,
        topics: &PartitionRacks,
        now: Time,
    ) -> Option<Request> {
        self.waiting = None;
        if self.phase != Phase::Rejoining {
            return None;
        }
        if let Some(error) = response.error {
            self.phase = Phase::Unjoined;
            match error {
                KafkaError::MemberIdRequired => self.member = response.member,
                KafkaError::UnknownMemberId => self.reset_generation(),
                KafkaError::CoordinatorLoadInProgress => self.not_before = now + self.settings.retry_backoff,
                KafkaError::NotCoordinator | KafkaError::CoordinatorNotAvailable => {
                    self.lose_coordinator(now)
                }
                error => self.events.push(RebalanceEvent::Refused(error)),
            }
            return None;
        }
        (self.generation, self.member) = (response.generation, response.member.clone());
        self.chosen = response.protocol.clone();
        let assignments = if response.leader == response.member && !response.skip_assignment {
            match self.deal_out(&response.members, topics) {
                Ok(assignments) => assignments,
                Err(thrown) => {
                    self.phase = Phase::Unjoined;
                    self.events.push(RebalanceEvent::Threw(thrown));
                    return None;
                }
            }
        } else {
            Vec::new()
        };
        self.phase = Phase::Syncing;
        self.waiting = Some(Waiting::Sync);
        self.reset_timers(now);
        let request = SyncGroupRequest {
            group: self.settings.group.clone(),
            generation: self.generation,
            member: self.member.clone(),
            instance: self.settings.instance.clone(),
            protocol_type: Some(PROTOCOL_TYPE.into()),
            protocol: self.chosen.clone(),
            assignments,
        };
        Some(request.into())
    }

    /// The answer to SyncGroup.
    pub fn on_sync(&mut self, response: &SyncGroupResponse, now: Time) {
        self.waiting = None;
        if self.phase != Phase::Syncing {
            return;
        }
        if let Some(error) = response.error {
            self.phase = Phase::Unjoined;
            self.rejoin_needed = true;
            match error {
                KafkaError::RebalanceInProgress => {}
                KafkaError::UnknownMemberId | KafkaError::IllegalGeneration => self.reset_generation(),
                KafkaError::NotCoordinator | KafkaError::CoordinatorNotAvailable => {
                    self.lose_coordinator(now)
                }
                error => self.events.push(RebalanceEvent::Refused(error)),
            }
            return;
        }
        self.phase = Phase::Stable;
        self.rejoin_needed = false;
        self.reset_timers(now);
        self.complete_join(&response.assignment);
        self.needs_join_prepare = true;
    }

    /// The answer to Heartbeat.
    pub fn on_heartbeat(&mut self, error: Option<KafkaError>, now: Time) {
        match error {
            None => self.session_ends_at = now + self.settings.session_timeout,
            Some(KafkaError::RebalanceInProgress) => {
                self.session_ends_at = now + self.settings.session_timeout;
                self.rejoin_needed = true;
            }
            Some(KafkaError::NotCoordinator | KafkaError::CoordinatorNotAvailable) => {
                self.lose_coordinator(now)
            }
            Some(KafkaError::UnknownMemberId | KafkaError::IllegalGeneration) => self.reset_generation(),
            Some(error) => self.events.push(RebalanceEvent::Refused(error)),
        }
    }

    /// A request to the coordinator came to nothing: its connection is lost, or its time was over.
    pub fn on_lost(&mut self, api: ApiKey, now: Time) {
        match api {
            ApiKey::FindCoordinator => self.waiting = None,
            ApiKey::JoinGroup | ApiKey::SyncGroup => {
                self.waiting = None;
                self.phase = Phase::Unjoined;
                self.rejoin_needed = true;
            }
            _ => {}
        }
        self.lose_coordinator(now);
    }

    fn find_coordinator(&mut self) -> Request {
        self.waiting = Some(Waiting::Coordinator);
        FindCoordinatorRequest { group: self.settings.group.clone() }.into()
    }

    fn lose_coordinator(&mut self, now: Time) {
        self.coordinator = None;
        self.not_before = now + self.settings.retry_backoff;
    }

    fn reset_timers(&mut self, now: Time) {
        self.session_ends_at = now + self.settings.session_timeout;
        self.poll_ends_at = now + self.settings.max_poll_interval;
        self.heartbeat_at = now + self.settings.heartbeat_interval;
    }

    fn reset_generation(&mut self) {
        (self.member, self.generation) = ("".into(), NO_GENERATION);
        self.phase = Phase::Unjoined;
        self.rejoin_needed = true;
    }

    fn join_request(&self) -> JoinGroupRequest {
        let protocols = self.settings.assignors.iter().map(|assignor| {
            let name: Name = assignor.name().into();
            let state = self.assignor_states.get(&name).cloned().unwrap_or_default();
            let subscription = Subscription {
                topics: self.topics.clone(),
                user_data: assignor.user_data(&state, &self.era),
                owned: self.assigned.clone(),
                generation: Some(self.generation).filter(|generation| *generation >= 0),
                instance: None,
                rack: self.settings.rack.clone(),
            };
            (name, protocol::write_subscription(&subscription, &self.era))
        });
        JoinGroupRequest {
            group: self.settings.group.clone(),
            client: self.settings.client.clone(),
            session_timeout: self.settings.session_timeout,
            rebalance_timeout: self.settings.max_poll_interval,
            member: self.member.clone(),
            instance: self.settings.instance.clone(),
            protocol_type: PROTOCOL_TYPE.into(),
            protocols: protocols.collect(),
            reason: None,
        }
    }

    /// Before it joins (`onJoinPrepare`).
    fn prepare_to_join(&mut self) {
        self.dealt_out = None;
        let put_out = self.generation == NO_GENERATION && self.member.is_empty();
        if put_out || self.protocol == RebalanceProtocol::Eager {
            return self.give_up_all();
        }
        let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut self.assigned)
            .into_iter()
            .partition(|partition| self.topics.contains(&partition.topic));
        self.assigned = kept;
        if !dropped.is_empty() {
            self.events.push(RebalanceEvent::Revoked(dropped));
        }
    }

    /// It owns nothing any more.
    fn give_up_all(&mut self) {
        let owned = std::mem::take(&mut self.assigned);
        if owned.is_empty() {
            return;
        }
        let put_out = self.generation == NO_GENERATION;
        let lost = put_out && self.era.rules.lost_partitions.are_told_apart();
        self.events.push(if lost { RebalanceEvent::Lost(owned) } else { RebalanceEvent::Revoked(owned) });
    }

    /// The leader decides who reads what (`performAssignment`).
    fn deal_out(
        &mut self,
        members: &[JoinedMember],
        topics: &PartitionRacks,
    ) -> Result<Vec<(Name, Bytes)>, String> {
        let chosen = self.chosen.clone().unwrap_or_else(|| "".into());
        let assignor = self.settings.assignors.iter().find(|assignor| assignor.name() == &*chosen);
        let assignor = assignor.ok_or("Coordinator selected invalid assignment protocol")?;
        let mut subscriptions = Vec::with_capacity(members.len());
        for member in members {
            let read = protocol::read_subscription(&member.subscription, &self.era);
            let read = read.map_err(|_| "SchemaException".to_owned())?;
            subscriptions
                .push((member.member.clone(), Subscription { instance: member.instance.clone(), ..read }));
        }
        let state = self.assignor_states.entry(chosen).or_default();
        let assigned = assignor.assign(topics, &subscriptions, state, &self.era);
        let assigned = assigned.map_err(|thrown| thrown.to_string())?;
        if self.protocol == RebalanceProtocol::Cooperative {
            validate_cooperative(&subscriptions, &assigned)?;
        }
        let subscribed =
            subscriptions.iter().flat_map(|(_, subscription)| subscription.topics.iter().copied());
        self.dealt_out = Some(counts(subscribed, topics));
        let version = protocol::newest_version(&self.era);
        let bytes =
            |partitions: &Vec<TopicPartition>| protocol::write_assignment(partitions, version, &self.era);
        Ok(assigned.iter().map(|(member, partitions)| (member.clone(), bytes(partitions))).collect())
    }

    /// It has its assignment (`onJoinComplete`).
    fn complete_join(&mut self, assignment: &Bytes) {
        let assigned = match assignment.is_empty() {
            true => Vec::new(),
            false => match protocol::read_assignment(assignment) {
                Ok(assigned) => assigned,
                Err(_) => return self.events.push(RebalanceEvent::Threw("SchemaException".to_owned())),
            },
        };
        let owned = std::mem::take(&mut self.assigned);
        let without = |all: &[TopicPartition], others: &[TopicPartition]| -> Vec<TopicPartition> {
            all.iter().copied().filter(|partition| !others.contains(partition)).collect()
        };
        let (added, revoked) = (without(&assigned, &owned), without(&owned, &assigned));
        if self.protocol == RebalanceProtocol::Cooperative && !revoked.is_empty() {
            self.events.push(RebalanceEvent::Revoked(revoked));
            self.rejoin_needed = true;
        }
        if let Some(chosen) = self.chosen.clone() {
            self.assignor_states.entry(chosen).or_default().on_assignment(&assigned, self.generation);
        }
        self.assigned = assigned;
        self.events.push(RebalanceEvent::Assigned(added));
    }
}

/// How a member with these assignors rebalances: the best way that all of them support.
fn protocol_of(assignors: &[Assignor]) -> RebalanceProtocol {
    let all_know = |protocol| assignors.iter().all(|assignor| assignor.protocols().contains(&protocol));
    match !assignors.is_empty() && all_know(RebalanceProtocol::Cooperative) {
        true => RebalanceProtocol::Cooperative,
        false => RebalanceProtocol::Eager,
    }
}

fn counts(of: impl Iterator<Item = Topic>, topics: &PartitionRacks) -> BTreeMap<Topic, usize> {
    of.map(|topic| (topic, topics.get(&topic).map_or(0, Vec::len))).collect()
}

/// Nobody may be given what another still owns (`validateCooperativeAssignment`).
fn validate_cooperative(
    subscriptions: &[(Name, Subscription)],
    assigned: &BTreeMap<Name, Vec<TopicPartition>>,
) -> Result<(), String> {
    let (mut revoked, mut added) = (BTreeSet::new(), BTreeSet::new());
    for (member, subscription) in subscriptions {
        let owned: BTreeSet<_> = subscription.owned.iter().copied().collect();
        let now: BTreeSet<_> = assigned.get(member).into_iter().flatten().copied().collect();
        revoked.extend(owned.difference(&now).copied());
        added.extend(now.difference(&owned).copied());
    }
    match revoked.is_disjoint(&added) {
        true => Ok(()),
        false => Err("Assignor supporting the COOPERATIVE protocol violates its requirements".to_owned()),
    }
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
