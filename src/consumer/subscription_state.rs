//! The partitions a consumer reads, and where it stands in each (`SubscriptionState`).
//!
//! ```text
//! AwaitReset -> Fetching <-> AwaitValidation
//!     ^____________|______________|
//! ```
//!
//! - *AwaitReset*: no position; ListOffsets will give one.
//! - *Fetching*: a position that is believed.
//! - *AwaitValidation*: the leader has changed since the last record was read; the new one is asked first (KIP-320).
//! - *Stopped*: the application was told something that it must decide, as by an exception out of `poll`; until it
//!   seeks, nothing is read. (A real application that goes on polling is told again and again.)
//!
//! Left out: pausing; positions committed by a group.

use crate::client::Leader;
use crate::command::StartAt;
use crate::config::OffsetReset;
use crate::error::KafkaError;
use crate::ids::{BrokerId, CallId, LeaderEpoch, Offset, TopicPartition};
use crate::time::Time;

/// Where a consumer stands (`FetchPosition`).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Position {
    /// The next record to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, if it has one.
    pub offset_epoch: Option<LeaderEpoch>,
    /// The leader the position was last believed by. Only with rule `position-validation`; else metadata alone counts.
    pub leader: Option<Leader>,
}

/// Which end of the log to go to.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The log start offset.
    Earliest,
    /// The end, as consumers see it.
    Latest,
}

/// What a consumer does about a partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum FetchState {
    /// Asks for an end of the log.
    AwaitReset {
        /// Which.
        to: End,
        /// Where it stood before.
        from: Option<Offset>,
        /// Whether `auto.offset.reset` decided, not the application.
        by_policy: bool,
    },
    /// Asks the new leader whether its position still is one.
    AwaitValidation(Position),
    /// Reads.
    Fetching(Position),
    /// Waits for the application.
    Stopped,
}

/// One partition that a consumer reads.
#[derive(Clone, Debug)]
pub struct AssignedPartition {
    /// Which.
    pub partition: TopicPartition,
    /// What is done about it.
    pub state: FetchState,
    /// The ListOffsets or OffsetsForLeaderEpoch in flight for this state; answers to others are out of date.
    pub asked: Option<CallId>,
    /// Fetches in flight, and from which offset: one a broker, so rarely more than one.
    pub fetches: Vec<(CallId, Offset)>,
    /// The next question not before this time.
    pub not_before: Time,
    /// Questions that failed since the last that did not.
    pub failures: u32,
    /// A nearer replica to read from, and until when (KIP-392).
    pub preferred_replica: Option<(BrokerId, Time)>,
    /// Why the last fetch was refused, if it was: a refusal that is only repeated is not news.
    pub refused: Option<KafkaError>,
}

impl AssignedPartition {
    /// A partition that has just been assigned.
    pub fn new(partition: TopicPartition) -> AssignedPartition {
        AssignedPartition {
            partition,
            state: FetchState::Stopped,
            asked: None,
            fetches: Vec::new(),
            not_before: Time::ZERO,
            failures: 0,
            preferred_replica: None,
            refused: None,
        }
    }

    /// Changes what is done about it. What was asked for the former state is out of date.
    pub fn transition(&mut self, state: FetchState) {
        self.state = state;
        self.asked = None;
        self.not_before = Time::ZERO;
        self.failures = 0;
    }

    /// Where it stands, believed or not.
    pub fn position(&self) -> Option<Position> {
        match self.state {
            FetchState::Fetching(position) | FetchState::AwaitValidation(position) => Some(position),
            FetchState::AwaitReset { .. } | FetchState::Stopped => None,
        }
    }

    /// Goes where the application says. False if that is for `auto.offset.reset` to say and it says `none`.
    pub fn seek(&mut self, start: StartAt, policy: OffsetReset, leader: Option<Leader>) -> bool {
        self.preferred_replica = None;
        let from = self.position().map(|position| position.offset);
        match start {
            StartAt::Reset => return self.reset_by_policy(policy),
            StartAt::Earliest => {
                self.transition(FetchState::AwaitReset { to: End::Earliest, from, by_policy: false });
            }
            StartAt::Latest => {
                self.transition(FetchState::AwaitReset { to: End::Latest, from, by_policy: false })
            }
            StartAt::Offset(offset) => {
                self.transition(FetchState::Fetching(Position { offset, offset_epoch: None, leader }));
            }
        }
        true
    }

    /// Goes where `auto.offset.reset` says. With `none` it stops, and the application must be told.
    pub fn reset_by_policy(&mut self, policy: OffsetReset) -> bool {
        let from = self.position().map(|position| position.offset);
        let to = match policy {
            OffsetReset::Earliest => End::Earliest,
            OffsetReset::Latest => End::Latest,
            OffsetReset::None => {
                self.transition(FetchState::Stopped);
                return false;
            }
        };
        self.transition(FetchState::AwaitReset { to, from, by_policy: true });
        true
    }

    /// Metadata names this leader now (`maybeValidatePosition`). `can_validate`: whether the leader is not known to be
    /// too old to be asked. Only with rule `position-validation`.
    pub fn leader_is(&mut self, leader: Leader, can_validate: bool) {
        let Some(position) = self.position().filter(|position| position.leader != Some(leader)) else {
            return;
        };
        let position = Position { leader: Some(leader), ..position };
        let must_ask = can_validate && position.offset_epoch.is_some() && leader.epoch.is_some();
        self.preferred_replica = None;
        self.transition(if must_ask {
            FetchState::AwaitValidation(position)
        } else {
            FetchState::Fetching(position)
        });
    }
}

/// The partitions a consumer reads, in the order in which it asks for them.
#[derive(Clone, Default, Debug)]
pub struct Subscriptions {
    /// Few, so they are searched one by one.
    pub partitions: Vec<AssignedPartition>,
}

impl Subscriptions {
    /// One partition, if it is assigned.
    pub fn find(&mut self, partition: TopicPartition) -> Option<&mut AssignedPartition> {
        self.partitions.iter_mut().find(|assigned| assigned.partition == partition)
    }

    /// A partition that gave something, or failed, comes last from now on, so that a full answer starves nobody
    /// (`movePartitionToEnd`).
    pub fn move_to_end(&mut self, partition: TopicPartition) {
        if let Some(index) = self.partitions.iter().position(|assigned| assigned.partition == partition) {
            self.partitions[index..].rotate_left(1);
        }
    }
}
