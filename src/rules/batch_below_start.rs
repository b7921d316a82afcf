//! What a follower with an empty log does with a batch that begins below its log start offset.
//!
//! 1. Records are deleted up to an offset in the middle of a batch (KIP-107). The leader's log starts there, and the
//!    batch stays whole on its disk.
//! 2. A follower that has nothing left empties its log, starts it at the leader's log start offset and fetches from
//!    there. What comes is the whole batch: its first offset is below the end of the follower's log.
//! 3. Up to 1.0.1, and in 1.1.0, that is "out of order offsets": the fetcher thread ends, and with it the replication of
//!    every partition it fetches, until the broker is restarted; and then again (KAFKA-6975).
//! 4. Since then the follower starts its log at the batch's first offset instead, and raises its log start after that.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// What a follower with an empty log does with a batch that begins below its log start offset.
    BatchBelowStart("batch-below-start") {
        /// It cannot be appended: the fetcher thread ends, and nothing that it fetches is replicated any more.
        FetcherEnds("fetcher-ends", "before KAFKA-6975", [
            (Release::FIRST, Release::new(1, 0, 2)),
            (Release::new(1, 1, 0), Release::new(1, 1, 1)),
        ]),
        /// It starts its log at the batch's first offset.
        StartsAtBatch("starts-at-batch", "KAFKA-6975", [
            (Release::new(1, 0, 2), Release::new(1, 1, 0)),
            (Release::new(1, 1, 1), Release::NEXT),
        ]),
    }
}

/// What to do with such a batch.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// Start the log here, and append it.
    StartAt(Offset),
    /// Nothing helps: it cannot be appended (rule `failed-append`).
    End,
}

/// A batch from `first` to `last` is to be appended to a log that ends at `end`, above its first offset. `is_empty`:
/// whether that log starts where it ends.
pub fn decide(rule: BatchBelowStart, first: Offset, last: Offset, end: Offset, is_empty: bool) -> Misfit {
    match rule {
        BatchBelowStart::StartsAtBatch if is_empty && first < end && last >= end => Misfit::StartAt(first),
        BatchBelowStart::StartsAtBatch | BatchBelowStart::FetcherEnds => Misfit::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_from_2_to_4() {
        use BatchBelowStart::{FetcherEnds, StartsAtBatch};
        let mut table = String::new();
        for (end, is_empty) in [(3, true), (3, false), (4, true), (5, true)] {
            table += &format!("ends at {end}, empty {is_empty}:");
            for rule in [FetcherEnds, StartsAtBatch] {
                table += &format!(" {:?}", decide(rule, Offset(2), Offset(4), Offset(end), is_empty));
            }
            table += "\n";
        }
        let expected = "\
ends at 3, empty true: End StartAt(Offset(2))
ends at 3, empty false: End End
ends at 4, empty true: End StartAt(Offset(2))
ends at 5, empty true: End End
";
        assert_eq!(table, expected);
    }
}
