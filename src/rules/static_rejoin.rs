//! What a coordinator does when a static member is back under a new member id (KIP-345): its place, its subscription and
//! its assignment are those of the old id.

use crate::era::Release;

rule! {
    /// What a coordinator does when a static member is back under a new id.
    StaticRejoin("static-rejoin") {
        /// Answers at once with the generation that is. While members sync, the leader deals out to the old id, and the new
        /// one gets nothing; and a new coordinator knows only the old id.
        Answers("answers", "KIP-345", [(Release::FIRST, Release::new(2, 5, 0))]),
        /// Begins a rebalance if members are syncing.
        RebalancesWhileSyncing("rebalances-while-syncing", "KAFKA-9801", [(Release::new(2, 5, 0), Release::new(2, 6, 1))]),
        /// And in a stable group writes the new id into its log before it answers; a rebalance if another assignor would be
        /// chosen now.
        Persists("persists", "KAFKA-10284", [(Release::new(2, 6, 1), Release::new(3, 2, 0))]),
        /// And a leader that is back is told that it leads, and to keep the assignment.
        SkipsAssignment("skips-assignment", "KIP-814", [(Release::new(3, 2, 0), Release::NEXT)]),
    }
}

/// What is done.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Rejoin {
    /// Answer with the generation that is.
    Answer,
    /// Write the group, then answer.
    Store,
    /// Begin a rebalance.
    Rebalance,
    /// It waits with all others.
    Wait,
}

/// In which state the group is.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// PreparingRebalance.
    Joining,
    /// CompletingRebalance.
    Syncing,
    /// Stable; `same_protocol`: the same assignor would be chosen now.
    Stable {
        /// Whether.
        same_protocol: bool,
    },
}

impl StaticRejoin {
    /// What to do.
    pub fn decide(self, phase: Phase) -> Rejoin {
        let persists = self >= StaticRejoin::Persists;
        match phase {
            Phase::Joining => Rejoin::Wait,
            Phase::Syncing if self == StaticRejoin::Answers => Rejoin::Answer,
            Phase::Syncing => Rejoin::Rebalance,
            Phase::Stable { same_protocol: true } if persists => Rejoin::Store,
            Phase::Stable { same_protocol: false } if persists => Rejoin::Rebalance,
            Phase::Stable { .. } => Rejoin::Answer,
        }
    }

    /// Whether a leader that is back is told that it leads; `understands`: its version has the field for it. Before, it
    /// was told its own old id, so that it would not deal out what nobody would hear of.
    pub fn tells_leader(self, understands: bool) -> bool {
        self == StaticRejoin::SkipsAssignment && understands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use Rejoin::{Answer, Rebalance, Store, Wait};
        let phases = [
            Phase::Joining,
            Phase::Syncing,
            Phase::Stable { same_protocol: true },
            Phase::Stable { same_protocol: false },
        ];
        for (rule, done) in [
            (StaticRejoin::Answers, [Wait, Answer, Answer, Answer]),
            (StaticRejoin::RebalancesWhileSyncing, [Wait, Rebalance, Answer, Answer]),
            (StaticRejoin::Persists, [Wait, Rebalance, Store, Rebalance]),
            (StaticRejoin::SkipsAssignment, [Wait, Rebalance, Store, Rebalance]),
        ] {
            assert_eq!(phases.map(|phase| rule.decide(phase)), done, "{rule}");
        }
        assert!(StaticRejoin::SkipsAssignment.tells_leader(true));
        assert!(!StaticRejoin::SkipsAssignment.tells_leader(false));
        assert!(!StaticRejoin::Persists.tells_leader(true));
    }
}
