//! What a follower does when the leader that had refused it has meanwhile grown past its log.
//!
//! 1. A follower whose log is longer than its leader's is refused: OFFSET_OUT_OF_RANGE. It asks where the leader's log
//!    ends, and finds that this is no longer below its own end: the leader has been written to in between.
//! 2. Up to 0.9.0.0 it concludes that it is too far *behind*, empties its log, and copies the leader's from its start:
//!    hours of work, during which there is one replica less (KAFKA-2143).
//! 3. Since then it asks where the leader's log starts, and empties its own only if it ends before that; else it goes on
//!    where it was. Its log may then differ from the leader's below that offset and nobody notices.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// What a follower does when the leader that had refused it has meanwhile grown past its log.
    OvertakenFollower("overtaken-follower") {
        /// Goes on from its log end, unless the leader's log starts beyond that.
        GoesOn("goes-on", "KAFKA-2143", [(Release::FIRST, Release::NEXT)]),
        /// Empties its log and copies the leader's. So it was before the ladder begins.
        WipesItsLog("wipes-its-log", "before KAFKA-2143", []),
    }
}

/// What to do once the leader has told its log start.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Restart {
    /// Go on from the own log end.
    Continue,
    /// Empty the log and start it here.
    StartAt(Offset),
}

/// The leader's log starts at `leader_start` and ends no earlier than the follower's, which ends at `own_end`.
pub fn decide(rule: OvertakenFollower, leader_start: Offset, own_end: Offset) -> Restart {
    match rule {
        OvertakenFollower::GoesOn if leader_start <= own_end => Restart::Continue,
        OvertakenFollower::GoesOn | OvertakenFollower::WipesItsLog => Restart::StartAt(leader_start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_that_ends_at_10() {
        use OvertakenFollower::{GoesOn, WipesItsLog};
        let mut table = String::new();
        for leader_start in [0, 10, 11] {
            table += &format!("leader starts at {leader_start}:");
            for rule in [GoesOn, WipesItsLog] {
                table += &format!(" {:?}", decide(rule, Offset(leader_start), Offset(10)));
            }
            table += "\n";
        }
        let expected = "\
leader starts at 0: Continue StartAt(Offset(0))
leader starts at 10: Continue StartAt(Offset(10))
leader starts at 11: StartAt(Offset(11)) StartAt(Offset(11))
";
        assert_eq!(table, expected);
    }
}
