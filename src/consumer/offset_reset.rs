//! Finds a position for partitions that have none, by ListOffsets (`Fetcher.resetOffsetsIfNeeded`).
//!
//! 1. The leader is asked for the start or the end of its log; one request a leader, for all such partitions.
//! 2. The answer becomes the position, unless the application has gone elsewhere meanwhile. It carries no epoch, so it
//!    is not validated.
//! 3. Any refusal, and a lost connection, asks again after `retry.backoff.ms`, and asks for metadata.

use super::subscription_state::{End, FetchState, Position};
use super::{Consumer, PendingCall, Purpose};
use crate::client::{Leader, Readiness};
use crate::command::Delivery;
use crate::ids::{BrokerId, CallId, TopicPartition};
use crate::messages::ApiKey;
use crate::messages::list_offsets::{ListOffsetsRequest, ListOffsetsResponse, ListedOffset, OffsetQuery};
use crate::node::{Effect, Env};
use crate::note::{ClientNote, Note};
use crate::time::Time;

impl Consumer {
    /// Asks for the positions that are missing. Returns when to look again without an event.
    pub(super) fn send_list_offsets(&mut self, env: &mut Env<'_>) -> Time {
        let waits = |state: &FetchState| matches!(state, FetchState::AwaitReset { .. });
        let (mut targets, mut retry_at) = self.find_targets(waits, env);
        for leader in targets.drain(..) {
            match self.client.ready(leader.node, env) {
                Readiness::Ready => self.send_list_offsets_to(leader, env),
                Readiness::Waiting => {}
                Readiness::NotBefore(at) => retry_at = retry_at.min(at),
            }
        }
        self.targets = targets;
        retry_at
    }

    fn send_list_offsets_to(&mut self, leader: Leader, env: &mut Env<'_>) {
        let version =
            self.client.version(leader.node, ApiKey::ListOffsets).expect("every release knows ListOffsets");
        let call = self.client.next_call();
        let mut partitions = Vec::new();
        for assigned in &mut self.subscriptions.partitions {
            let FetchState::AwaitReset { to, .. } = assigned.state else { continue };
            let led_here =
                self.client.metadata.leader(assigned.partition).filter(|led| led.node == leader.node);
            if let Some(led) = led_here.filter(|_| assigned.asked.is_none() && assigned.not_before <= env.now)
            {
                let query = match to {
                    End::Earliest => OffsetQuery::Earliest,
                    End::Latest => OffsetQuery::Latest,
                };
                let epoch = led.epoch.filter(|_| self.rule.tracks_epochs());
                partitions.push((assigned.partition, query, epoch));
                assigned.asked = Some(call);
            }
        }
        let request = ListOffsetsRequest { replica: BrokerId::NONE, partitions }.for_version(version);
        let sent = self.client.send(leader.node, version, request.into(), true, env);
        assert_eq!(sent, call, "the call was announced");
        let (node, broker) = (leader.node, leader.broker);
        self.calls.push(PendingCall { call, node, broker, purpose: Purpose::ListOffsets });
    }

    /// ListOffsets was answered.
    pub(super) fn on_list_offsets_response(
        &mut self,
        call: CallId,
        broker: BrokerId,
        response: ListOffsetsResponse,
        env: &mut Env<'_>,
    ) {
        for (partition, answer) in response.partitions {
            match answer {
                Ok(listed) => self.on_listed(call, partition, listed, broker, env),
                Err(_) => {
                    self.ask_again(call, partition, env);
                    self.client.metadata.request_update();
                }
            }
        }
    }

    fn on_listed(
        &mut self,
        call: CallId,
        partition: TopicPartition,
        listed: ListedOffset,
        broker: BrokerId,
        env: &mut Env<'_>,
    ) {
        if self.rule.tracks_epochs()
            && let Some(epoch) = listed.leader_epoch
        {
            self.client.metadata.saw_epoch(partition, epoch);
        }
        let leader = self.client.metadata.leader(partition).filter(|_| self.rule.tracks_epochs());
        let offset = listed.offset;
        let Some(assigned) =
            self.subscriptions.find(partition).filter(|assigned| assigned.asked == Some(call))
        else {
            return;
        };
        let FetchState::AwaitReset { to, from, by_policy } = assigned.state else { return };
        assigned.transition(FetchState::Fetching(Position { offset, offset_epoch: None, leader }));
        if to == End::Latest {
            env.push(Effect::Deliver(Delivery::EndOffset { partition, offset, broker }));
        }
        if by_policy {
            env.push(Effect::Deliver(Delivery::PositionReset { partition, from, to: offset }));
        }
        env.note(|| Note::Client(ClientNote::PositionReset { partition, offset }));
    }
}
