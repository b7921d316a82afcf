//! What a follower does when its log is longer than its leader's (OFFSET_OUT_OF_RANGE).
//!
//! 1. The leader refuses a fetch: the offset is outside its log. The follower asks for the leader's log end (ListOffsets).
//! 2. If that is below the follower's own end, the leader lacks what the follower has: it truncates, or, up to 2.0.0 and
//!    with unclean election off, ends its process, so that an operator can save the data (KAFKA-7414 removed that).
//! 3. Otherwise the leader has grown meanwhile: rule `overtaken-follower`.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// What a follower does when its log is longer than its leader's (OFFSET_OUT_OF_RANGE).
    FollowerOutOfRange("follower-out-of-range") {
        /// Ends its process, unless unclean leader election is on: then it truncates.
        HaltsUnlessUnclean("halts-unless-unclean", "before KAFKA-7414", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Truncates to the leader's log end.
        Truncates("truncates", "KAFKA-7414", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}

/// What to do once the leader has told its log end.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum OutOfRange {
    /// End the process.
    Halt,
    /// Cut the log to end here.
    TruncateTo(Offset),
    /// The leader's log is not shorter: ask where it starts.
    AskLeaderStart,
}

/// The leader's log ends at `leader_end`, the follower's at `own_end`.
pub fn decide(
    rule: FollowerOutOfRange,
    leader_end: Offset,
    own_end: Offset,
    unclean_leader_election: bool,
) -> OutOfRange {
    if leader_end >= own_end {
        return OutOfRange::AskLeaderStart;
    }
    match rule {
        FollowerOutOfRange::HaltsUnlessUnclean if !unclean_leader_election => OutOfRange::Halt,
        FollowerOutOfRange::HaltsUnlessUnclean | FollowerOutOfRange::Truncates => {
            OutOfRange::TruncateTo(leader_end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_that_ends_at_10() {
        use FollowerOutOfRange::{HaltsUnlessUnclean, Truncates};
        let mut table = String::new();
        for (leader_end, unclean) in [(8, false), (8, true), (10, false), (12, false)] {
            table += &format!("leader ends at {leader_end}, unclean {unclean}:");
            for rule in [HaltsUnlessUnclean, Truncates] {
                table += &format!(" {:?}", decide(rule, Offset(leader_end), Offset(10), unclean));
            }
            table += "\n";
        }
        let expected = "\
leader ends at 8, unclean false: Halt TruncateTo(Offset(8))
leader ends at 8, unclean true: TruncateTo(Offset(8)) TruncateTo(Offset(8))
leader ends at 10, unclean false: AskLeaderStart AskLeaderStart
leader ends at 12, unclean false: AskLeaderStart AskLeaderStart
";
        assert_eq!(table, expected);
    }
}
