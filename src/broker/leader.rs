//! What a leader knows of its followers and its ISR (the leader's half of `kafka.cluster.Partition`; `Replica`).
//!
//! 1. On becoming leader, every follower's log end is unknown: it counts as below everything until it fetches.
//!    Members of the ISR are taken to have been caught up just now; others, never.
//! 2. A fetch at offset `n` says that the follower has everything below `n`. It was caught up *at the time of this
//!    fetch* if that is the leader's log end, and *at the time of its last fetch* if it is what the log end was then:
//!    a follower that is always one small batch behind is in sync.
//! 3. The high watermark is the smallest log end over the ISR and those caught up within `replica.lag.time.max.ms`.
//! 4. A change of the ISR is pending from the proposal until it is committed; what may be the ISR by then is the
//!    *maximal* ISR: an entering member counts already, a leaving one still does.
//!
//! Times here are of the *wall* clock, as in Kafka (`time.milliseconds`): a clock that jumps ahead makes followers lag.
//!
//! Left out: throttling of followers.

use crate::ids::{BrokerId, Offset};
use crate::rules::high_watermark::HighWatermark;
use crate::rules::isr_shrink::IsrShrink;
use crate::rules::planted::Planted;
use crate::time::{Micros, Timestamp};

/// A leader's state.
#[derive(Clone, Debug)]
pub struct LeaderState {
    /// Where its own epoch began in its log.
    pub epoch_start: Offset,
    /// The ISR as committed, in Kafka's order: members that return come last.
    pub isr: Vec<BrokerId>,
    /// A change of the ISR that is not decided yet.
    pub pending: Option<IsrProposal>,
    /// The other assigned replicas, in the order of the assignment.
    pub followers: Vec<RemoteReplica>,
}

/// A proposed ISR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IsrProposal {
    /// The ISR it starts from.
    pub from: Vec<BrokerId>,
    /// The ISR it wants.
    pub to: Vec<BrokerId>,
    /// Everybody in one of the two.
    pub maximal: Vec<BrokerId>,
}

impl IsrProposal {
    /// `follower` enters.
    pub fn expand(isr: &[BrokerId], follower: BrokerId) -> IsrProposal {
        let mut to = isr.to_vec();
        to.push(follower);
        IsrProposal { from: isr.to_vec(), maximal: to.clone(), to }
    }

    /// These leave.
    pub fn shrink(isr: &[BrokerId], leaving: &[BrokerId]) -> IsrProposal {
        let to = isr.iter().copied().filter(|member| !leaving.contains(member)).collect();
        IsrProposal { from: isr.to_vec(), maximal: isr.to_vec(), to }
    }

    /// Whether members enter.
    pub fn is_expansion(&self) -> bool {
        self.to.len() > self.from.len()
    }
}

/// A follower, as its leader knows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RemoteReplica {
    /// Who.
    pub broker: BrokerId,
    /// Everything below is in its log, as its last fetch said; [`Offset::NONE`] before its first.
    pub log_end: Offset,
    /// Where its log starts, as its last fetch said.
    pub log_start: Offset,
    /// The latest time at which it is known to have had everything; `None` is never.
    pub last_caught_up: Option<Timestamp>,
    /// When it last fetched.
    pub last_fetch: Option<Timestamp>,
    /// The leader's log end at that time.
    pub leader_end_at_last_fetch: Offset,
    /// The high watermark it was last told (KIP-392).
    pub told_high_watermark: Offset,
}

impl RemoteReplica {
    fn new(broker: BrokerId) -> RemoteReplica {
        RemoteReplica {
            broker,
            log_end: Offset::NONE,
            log_start: Offset::NONE,
            last_caught_up: None,
            last_fetch: None,
            leader_end_at_last_fetch: Offset::NONE,
            told_high_watermark: Offset::ZERO,
        }
    }

    /// Takes in a fetch (`Replica.updateFetchState`).
    pub fn fetched(&mut self, at: Offset, log_start: Offset, leader_end: Offset, now: Timestamp) {
        if at >= leader_end {
            self.last_caught_up = self.last_caught_up.max(Some(now));
        } else if at >= self.leader_end_at_last_fetch {
            self.last_caught_up = self.last_caught_up.max(self.last_fetch);
        }
        self.log_start = log_start;
        self.log_end = at;
        self.leader_end_at_last_fetch = leader_end;
        self.last_fetch = Some(now);
    }

    /// Whether it had everything at some time within `lag` before `now`.
    pub fn caught_up_lately(&self, now: Timestamp, lag: Micros) -> bool {
        self.last_caught_up.is_some_and(|at| now.0.saturating_sub(at.0) <= lag.millis() as i64)
    }
}

impl LeaderState {
    /// The state of a replica that has just become leader with its log ending at `epoch_start`.
    /// `before`: its state so far, if it led already; then what it knows of log ends stays.
    pub fn new(
        own: BrokerId,
        replicas: &[BrokerId],
        isr: &[BrokerId],
        epoch_start: Offset,
        now: Timestamp,
        before: Option<&LeaderState>,
    ) -> LeaderState {
        let followers = replicas.iter().filter(|replica| **replica != own).map(|broker| {
            let known = before.and_then(|before| before.follower(*broker));
            let mut follower = known.copied().unwrap_or_else(|| RemoteReplica::new(*broker));
            follower.last_caught_up = isr.contains(broker).then_some(now);
            if before.is_some() {
                follower.leader_end_at_last_fetch = epoch_start;
                follower.last_fetch = Some(now);
            }
            follower
        });
        LeaderState { epoch_start, isr: isr.to_vec(), pending: None, followers: followers.collect() }
    }

    /// A follower, if it is assigned.
    pub fn follower(&self, broker: BrokerId) -> Option<&RemoteReplica> {
        self.followers.iter().find(|follower| follower.broker == broker)
    }

    /// A follower, if it is assigned.
    pub fn follower_mut(&mut self, broker: BrokerId) -> Option<&mut RemoteReplica> {
        self.followers.iter_mut().find(|follower| follower.broker == broker)
    }

    /// The ISR with what is proposed; the committed ISR while nothing is.
    pub fn maximal_isr(&self) -> &[BrokerId] {
        self.pending.as_ref().map_or(&self.isr, |proposal| &proposal.maximal)
    }

    /// Where the high watermark could be, given the leader's own log end. It never goes back: the caller takes the
    /// larger. `may_enter`: whether a replica outside the ISR can enter it.
    pub fn high_watermark(
        &self,
        (rule, planted): (HighWatermark, Planted),
        own_end: Offset,
        now: Timestamp,
        lag: Micros,
        may_enter: impl Fn(BrokerId) -> bool,
    ) -> Offset {
        let committed_alone = planted.waits_for_the_committed_alone();
        let members = if committed_alone { &self.isr } else { rule.members(&self.isr, self.maximal_isr()) };
        let mut lowest = own_end;
        for follower in &self.followers {
            let is_silent = planted.ignores_the_silent() && follower.log_end == Offset::NONE;
            if follower.log_end >= lowest || is_silent {
                continue;
            }
            let is_entering =
                |follower: &RemoteReplica| follower.caught_up_lately(now, lag) && may_enter(follower.broker);
            if members.contains(&follower.broker) || !committed_alone && is_entering(follower) {
                lowest = follower.log_end;
            }
        }
        if planted.takes_the_highest_end() {
            let ends = self.followers.iter().filter(|follower| members.contains(&follower.broker));
            return ends.map(|follower| follower.log_end).max().unwrap_or(lowest).max(lowest).min(own_end);
        }
        lowest
    }

    /// The smallest log start offset of the live replicas, of which the leader's own is one. One that has not fetched yet,
    /// or does not tell (up to 0.10.2), counts as below everything.
    pub fn low_watermark(&self, own_start: Offset, is_live: impl Fn(BrokerId) -> bool) -> Offset {
        let live = self.followers.iter().filter(|follower| is_live(follower.broker));
        live.map(|follower| follower.log_start).fold(own_start, Offset::min)
    }

    /// Members of the ISR that have to leave. None while a change is pending.
    pub fn lagging(&self, rule: IsrShrink, own_end: Offset, now: Timestamp, lag: Micros) -> Vec<BrokerId> {
        if self.pending.is_some() {
            return Vec::new();
        }
        let lags = |follower: &&RemoteReplica| {
            self.isr.contains(&follower.broker)
                && rule.lags(follower.log_end, own_end, follower.caught_up_lately(now, lag))
        };
        self.followers.iter().filter(lags).map(|follower| follower.broker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Micros = Micros::from_millis(10_000);

    fn ids<const N: usize>(ids: [i32; N]) -> Vec<BrokerId> {
        ids.map(BrokerId).to_vec()
    }

    fn leader(isr: &[BrokerId]) -> LeaderState {
        LeaderState::new(BrokerId(1), &ids([1, 2, 3]), isr, Offset(5), Timestamp(1_000_000), None)
    }

    fn high_watermark(leader: &LeaderState, now: i64) -> Offset {
        leader.high_watermark(
            (HighWatermark::MaximalIsr, Planted::None),
            Offset(5),
            Timestamp(now),
            LAG,
            |_| true,
        )
    }

    #[test]
    fn a_new_leader_knows_nothing_of_its_followers() {
        let leader = leader(&ids([1, 2]));
        assert_eq!(high_watermark(&leader, 1_000_000), Offset::NONE, "broker 2 has not fetched");
        assert_eq!(leader.lagging(IsrShrink::CaughtUpStays, Offset(5), Timestamp(1_010_000), LAG), ids([]));
        assert_eq!(
            leader.lagging(IsrShrink::CaughtUpStays, Offset(5), Timestamp(1_010_001), LAG),
            ids([2]),
            "nor within the lag time; broker 3 is not in the ISR"
        );
    }

    #[test]
    fn a_lone_member_waits_for_nobody() {
        assert_eq!(high_watermark(&leader(&ids([1])), 1_000_000), Offset(5));
    }

    #[test]
    fn one_that_is_about_to_return_counts_before_it_is_a_member() {
        let mut leader = leader(&ids([1]));
        leader.follower_mut(BrokerId(3)).unwrap().fetched(
            Offset(4),
            Offset(0),
            Offset(4),
            Timestamp(1_000_500),
        );
        assert_eq!(high_watermark(&leader, 1_001_000), Offset(4));
        let nobody = |_| false;
        let rule = (HighWatermark::MaximalIsr, Planted::None);
        let alone = leader.high_watermark(rule, Offset(5), Timestamp(1_001_000), LAG, nobody);
        assert_eq!(alone, Offset(5), "it could not enter anyway");
        assert_eq!(high_watermark(&leader, 1_010_501), Offset(5), "it has been silent for too long");
    }

    #[test]
    fn always_one_batch_behind_is_caught_up_as_of_the_fetch_before() {
        let mut leader = leader(&ids([1, 2]));
        let follower = leader.follower_mut(BrokerId(2)).unwrap();
        follower.fetched(Offset(3), Offset(0), Offset(5), Timestamp(1_000_100));
        assert_eq!(follower.last_caught_up, Some(Timestamp(1_000_000)), "since the election");
        follower.fetched(Offset(5), Offset(0), Offset(8), Timestamp(1_000_200));
        assert_eq!(follower.last_caught_up, Some(Timestamp(1_000_100)));
        follower.fetched(Offset(8), Offset(0), Offset(8), Timestamp(1_000_300));
        assert_eq!(follower.last_caught_up, Some(Timestamp(1_000_300)));
    }

    #[test]
    fn a_leader_that_leads_on_keeps_the_log_ends() {
        let mut before = leader(&ids([1, 2, 3]));
        for broker in [2, 3] {
            let follower = before.follower_mut(BrokerId(broker)).unwrap();
            follower.fetched(Offset(4), Offset(0), Offset(5), Timestamp(1_000_100));
        }
        let after = LeaderState::new(
            BrokerId(1),
            &ids([1, 2, 3]),
            &ids([1, 2]),
            Offset(5),
            Timestamp(1_002_000),
            Some(&before),
        );
        assert_eq!(high_watermark(&after, 1_002_000), Offset(4));
        assert_eq!(after.follower(BrokerId(3)).unwrap().last_caught_up, None, "no member any more");
    }

    #[test]
    fn a_pending_member_counts_on_both_sides_of_a_change() {
        let mut leader = leader(&ids([1]));
        leader.pending = Some(IsrProposal::expand(&leader.isr, BrokerId(2)));
        assert_eq!(leader.maximal_isr(), ids([1, 2]));
        let waits = |rule: HighWatermark| rule.members(&leader.isr, leader.maximal_isr()).len();
        assert_eq!((waits(HighWatermark::MaximalIsr), waits(HighWatermark::CommittedIsr)), (2, 1));
        let shrink = IsrProposal::shrink(&ids([1, 2, 3]), &ids([2]));
        assert_eq!((shrink.to.clone(), shrink.maximal.clone()), (ids([1, 3]), ids([1, 2, 3])));
        assert!(!shrink.is_expansion());
    }
}
