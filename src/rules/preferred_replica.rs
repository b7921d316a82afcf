//! Which nearer replica a leader names to a consumer, and when (KIP-392).
//!
//! Only with `replica.selector.class` set on the broker and `client.rack` on the consumer. With 2.4's
//! `RackAwareReplicaSelector` the leader is named if it stands in the consumer's rack, or if nobody does; else the replica
//! there that has most.

use crate::era::Release;
use crate::ids::{BrokerId, Offset};
use crate::time::Timestamp;

rule! {
    /// Which nearer replica a leader names to a consumer, and when.
    PreferredReplica("preferred-replica") {
        /// None.
        Nobody("nobody", "before KIP-392", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// One that has the offset asked for; the fetch waits until it would have been answered without records.
        AnyThatHasTheOffset("any-that-has-the-offset", "KIP-392", [(Release::new(2, 4, 0), Release::new(3, 2, 0))]),
        /// The same, at once.
        AtOnce("at-once", "KAFKA-13767", [(Release::new(3, 2, 0), Release::new(3, 3, 2))]),
        /// At once, and it must be in the ISR: one that lags for ever would be named for ever.
        InSyncAtOnce("in-sync-at-once", "KAFKA-14372", [(Release::new(3, 3, 2), Release::NEXT)]),
    }
}

/// A follower, as its leader knows it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Who.
    pub broker: BrokerId,
    /// Whether it stands in the consumer's rack.
    pub is_near: bool,
    /// Whether it is in the ISR.
    pub in_isr: bool,
    /// Where its log starts and ends.
    pub log: (Offset, Offset),
    /// When it last had everything, if ever.
    pub caught_up: Option<Timestamp>,
}

impl PreferredReplica {
    /// Who is named for this offset, `None` for the leader itself (`RackAwareReplicaSelector`).
    pub fn named(
        self,
        offset: Offset,
        leader_is_near: bool,
        candidates: impl Iterator<Item = Candidate>,
    ) -> Option<BrokerId> {
        let must_be_in_sync = match self {
            PreferredReplica::Nobody => return None,
            PreferredReplica::AnyThatHasTheOffset | PreferredReplica::AtOnce => false,
            PreferredReplica::InSyncAtOnce => true,
        };
        if leader_is_near {
            return None;
        }
        candidates
            .filter(|candidate| candidate.is_near && (candidate.in_isr || !must_be_in_sync))
            .filter(|candidate| candidate.log.0 <= offset && offset <= candidate.log.1)
            .max_by_key(|candidate| (candidate.log.1, candidate.caught_up, candidate.broker))
            .map(|candidate| candidate.broker)
    }

    /// Whether a fetch that is answered with a name is answered at once.
    pub fn answers_at_once(self) -> bool {
        match self {
            PreferredReplica::Nobody | PreferredReplica::AnyThatHasTheOffset => false,
            PreferredReplica::AtOnce | PreferredReplica::InSyncAtOnce => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    fn candidate(id: i32, is_near: bool, in_isr: bool, end: i64, caught_up: i64) -> Candidate {
        let log = (Offset(0), Offset(end));
        Candidate { broker: BrokerId(id), is_near, in_isr, log, caught_up: Some(Timestamp(caught_up)) }
    }

    #[test]
    fn who_is_near_and_has_most() {
        use PreferredReplica::{AnyThatHasTheOffset, AtOnce, InSyncAtOnce, Nobody};
        let name = |rule: PreferredReplica, leader_is_near, offset, all: &[Candidate]| {
            rule.named(Offset(offset), leader_is_near, all.iter().copied()).map(|broker| broker.0)
        };
        let (near, far) = (candidate(2, true, true, 5, 900), candidate(3, false, true, 9, 900));
        let lagging = candidate(4, true, false, 6, 0);
        for rule in [AnyThatHasTheOffset, AtOnce] {
            assert_eq!(name(rule, false, 5, &[near, far]), Some(2), "the far one is no candidate");
            assert_eq!(name(rule, true, 5, &[near, far]), None, "the leader is near itself");
            assert_eq!(name(rule, false, 6, &[near, far]), None, "nobody near has that offset");
            assert_eq!(name(rule, false, 5, &[near, lagging]), Some(4), "it has most, though it lags");
        }
        assert_eq!(name(InSyncAtOnce, false, 5, &[near, lagging]), Some(2));
        assert_eq!(name(InSyncAtOnce, false, 6, &[near, lagging]), None);
        assert_eq!(name(Nobody, false, 5, &[near]), None);
        let late = candidate(5, true, true, 5, 600);
        assert_eq!(
            name(AtOnce, false, 5, &[late, near]),
            Some(2),
            "of two that have as much the one caught up later"
        );
    }

    #[test]
    fn up_to_3_1_the_name_comes_when_the_fetch_has_waited() {
        for (release, at_once) in
            [((2, 4, 0), false), ((3, 1, 2), false), ((3, 2, 0), true), ((3, 3, 2), true)]
        {
            let rule = PreferredReplica::of(Release::new(release.0, release.1, release.2));
            assert_eq!(rule.answers_at_once(), at_once, "{release:?}");
        }
    }
}
