//! Asks a new leader whether the position still is one, by OffsetsForLeaderEpoch (KIP-320;
//! `Fetcher.validateOffsetsIfNeeded`).
//!
//! 1. When metadata names another leader or epoch, and the last record read had an epoch, reading stops.
//! 2. The new leader is asked where that epoch ended in its log.
//! 3. Rule `position-validation` reads the answer. If the log was cut below the position: with a reset policy the
//!    consumer goes back to where the logs part (or, if nobody knows, where the policy says); without one the
//!    application is told, and decides.
//! 4. A leader before 2.3 cannot be asked by a client: its word is taken.
//! 5. Any refusal, and a lost connection, asks again after `retry.backoff.ms`, and asks for metadata.

use super::subscription_state::{FetchState, Position};
use super::{Consumer, PendingCall, Purpose};
use crate::client::{Leader, NetworkClient, Readiness};
use crate::command::Delivery;
use crate::config::OffsetReset;
use crate::ids::{BrokerId, CallId, NodeId, Offset, TopicPartition};
use crate::messages::ApiKey;
use crate::messages::offsets_for_leader_epoch::{
    EpochEndOffset, EpochQuestion, OffsetsForLeaderEpochRequest, OffsetsForLeaderEpochResponse,
};
use crate::node::{Effect, Env};
use crate::note::{ClientNote, Note};
use crate::rules::position_validation::PositionCheck;
use crate::time::Time;

/// The first version that a broker lets clients use (KIP-320, permissions).
const USABLE: i16 = 3;

/// Whether a broker is not known to be too old to be asked.
fn can_validate(client: &NetworkClient, node: NodeId) -> bool {
    !client.is_connected(node)
        || client.version(node, ApiKey::OffsetsForLeaderEpoch).is_some_and(|version| version >= USABLE)
}

impl Consumer {
    /// Looks at every position if metadata is new.
    pub(super) fn check_leaders(&mut self) {
        let version = self.client.metadata.version();
        if !self.rule.tracks_epochs() || self.metadata_seen == version {
            return;
        }
        self.metadata_seen = version;
        for assigned in &mut self.subscriptions.partitions {
            if let Some(leader) = self.client.metadata.leader(assigned.partition) {
                assigned.leader_is(leader, can_validate(&self.client, leader.node));
            }
        }
    }

    /// Asks about the positions in doubt. Returns when to look again without an event.
    pub(super) fn send_validations(&mut self, env: &mut Env<'_>) -> Time {
        if !self.rule.tracks_epochs() {
            return Time::NEVER;
        }
        let waits = |state: &FetchState| matches!(state, FetchState::AwaitValidation(_));
        let (mut targets, mut retry_at) = self.find_targets(waits, env);
        for leader in targets.drain(..) {
            match self.client.ready(leader.node, env) {
                Readiness::Ready if can_validate(&self.client, leader.node) => {
                    self.send_validation(leader, env)
                }
                Readiness::Ready => self.believe_all(leader.node),
                Readiness::Waiting => {}
                Readiness::NotBefore(at) => retry_at = retry_at.min(at),
            }
        }
        self.targets = targets;
        retry_at
    }

    /// The leader is too old to be asked.
    fn believe_all(&mut self, node: NodeId) {
        for assigned in &mut self.subscriptions.partitions {
            if let FetchState::AwaitValidation(position) = assigned.state
                && position.leader.is_some_and(|leader| leader.node == node)
            {
                assigned.transition(FetchState::Fetching(position));
            }
        }
    }

    fn send_validation(&mut self, leader: Leader, env: &mut Env<'_>) {
        let version = self.client.version(leader.node, ApiKey::OffsetsForLeaderEpoch).expect("asked before");
        let call = self.client.next_call();
        let mut partitions = Vec::new();
        for assigned in &mut self.subscriptions.partitions {
            let FetchState::AwaitValidation(position) = assigned.state else { continue };
            let led_here = position.leader.filter(|led| led.node == leader.node);
            if let (Some(led), Some(leader_epoch)) = (led_here, position.offset_epoch)
                && assigned.asked.is_none()
                && assigned.not_before <= env.now
            {
                let partition = assigned.partition;
                partitions.push(EpochQuestion { partition, current_leader_epoch: led.epoch, leader_epoch });
                assigned.asked = Some(call);
            }
        }
        let request =
            OffsetsForLeaderEpochRequest { replica: BrokerId::NONE, partitions }.for_version(version);
        let sent = self.client.send(leader.node, version, request.into(), true, env);
        assert_eq!(sent, call, "the call was announced");
        let (node, broker) = (leader.node, leader.broker);
        self.calls.push(PendingCall { call, node, broker, purpose: Purpose::Validation });
    }

    /// The leader answered.
    pub(super) fn on_validation_response(
        &mut self,
        call: CallId,
        response: OffsetsForLeaderEpochResponse,
        env: &mut Env<'_>,
    ) {
        for (partition, answer) in response.partitions {
            match answer {
                Ok(end) => self.on_epoch_end(call, partition, end, env),
                Err(_) => {
                    self.ask_again(call, partition, env);
                    self.client.metadata.request_update();
                }
            }
        }
    }

    /// `maybeCompleteValidation`.
    fn on_epoch_end(
        &mut self,
        call: CallId,
        partition: TopicPartition,
        end: EpochEndOffset,
        env: &mut Env<'_>,
    ) {
        let policy = self.config.auto_offset_reset;
        let rule = self.rule;
        let Some(assigned) =
            self.subscriptions.find(partition).filter(|assigned| assigned.asked == Some(call))
        else {
            return;
        };
        let FetchState::AwaitValidation(position) = assigned.state else { return };
        if let Some(epoch) = position.offset_epoch {
            let (end_offset, position) = (end.end_offset, position.offset);
            env.note(|| Note::Client(ClientNote::PositionChecked { partition, epoch, end_offset, position }));
        }
        let diverges_at = match rule.decide(position.offset, position.offset_epoch, end) {
            PositionCheck::Valid => {
                assigned.transition(FetchState::Fetching(position));
                return;
            }
            PositionCheck::TruncatedAt(offset, offset_epoch) if policy != OffsetReset::None => {
                assigned.transition(FetchState::Fetching(Position { offset, offset_epoch, ..position }));
                let from = Some(position.offset);
                env.push(Effect::Deliver(Delivery::PositionReset { partition, from, to: offset }));
                env.note(|| Note::Client(ClientNote::PositionReset { partition, offset }));
                return;
            }
            PositionCheck::TruncatedAt(offset, _) => Some(offset).filter(|offset| *offset != Offset::NONE),
            PositionCheck::Truncated => None,
        };
        if !assigned.reset_by_policy(policy) {
            let position = position.offset;
            env.push(Effect::Deliver(Delivery::LogTruncated { partition, position, diverges_at }));
        }
    }
}
