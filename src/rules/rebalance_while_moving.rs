//! Whether the automatic leader rebalance elects while a partition moves to other replicas.

use crate::era::Release;

rule! {
    /// Whether the automatic leader rebalance elects while a partition moves to other replicas.
    RebalanceWhileMoving("rebalance-while-moving") {
        /// Not while any partition of the cluster moves.
        Waits("waits", "before KAFKA-10149", [(Release::FIRST, Release::new(3, 4, 0))]),
        /// Yes.
        GoesOn("goes-on", "KAFKA-10149", [(Release::new(3, 4, 0), Release::NEXT)]),
    }
}

impl RebalanceWhileMoving {
    /// Whether leaders are sent home, with so many partitions on the move.
    pub fn elects(self, moving: usize) -> bool {
        match self {
            RebalanceWhileMoving::Waits => moving == 0,
            RebalanceWhileMoving::GoesOn => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn one_move_stops_it_up_to_3_3() {
        for (release, while_moving) in [(Release::new(3, 3, 2), false), (Release::new(3, 4, 0), true)] {
            let rule = RebalanceWhileMoving::of(release);
            assert_eq!((rule.elects(0), rule.elects(1)), (true, while_moving), "{release}");
        }
    }
}
