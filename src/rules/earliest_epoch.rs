//! What a replica answers about an epoch older than all it knows.
//!
//! A follower asks its leader, and then its own cache, where an epoch ended. If the records of that epoch are gone
//! from the log, the cache begins with a later one. Up to 2.0.0 the answer is "unknown"; from 2.0.1 (KAFKA-7415) it
//! is the start of the first epoch known, since everything before it has been removed.

use crate::era::Release;
use crate::ids::{LeaderEpoch, Offset};
use crate::log::leader_epochs::EpochEntry;

rule! {
    /// What a replica answers about an epoch older than all it knows.
    EarliestEpoch("earliest-epoch") {
        /// "Unknown".
        Unknown("unknown", "KIP-101", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Where the first epoch it knows starts.
        StartOfFirst("start-of-first", "KAFKA-7415", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}

/// `LeaderEpochFileCache.endOffsetFor`: the largest epoch not above `asked` in this cache, and where it ended. The
/// newest epoch ends at the log end. `None` if the cache cannot say.
pub fn end_offset_for(
    rule: EarliestEpoch,
    epochs: &[EpochEntry],
    log_end: Offset,
    asked: LeaderEpoch,
) -> Option<(LeaderEpoch, Offset)> {
    let newest = epochs.last()?;
    if asked == LeaderEpoch::NONE || asked > newest.epoch {
        return None;
    }
    if asked == newest.epoch {
        return Some((asked, log_end));
    }
    let above = epochs.partition_point(|entry| entry.epoch <= asked);
    let end = epochs[above].start;
    match (rule, above.checked_sub(1)) {
        (_, Some(last)) => Some((epochs[last].epoch, end)),
        (EarliestEpoch::StartOfFirst, None) => Some((asked, end)),
        (EarliestEpoch::Unknown, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_of_2_from_10_and_4_from_20_in_a_log_that_ends_at_30() {
        let epochs = [(2, 10), (4, 20)]
            .map(|(epoch, start)| EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) });
        let mut table = String::new();
        for asked in [-1, 1, 2, 3, 4, 5] {
            table += &format!("{asked}:");
            for rule in [EarliestEpoch::Unknown, EarliestEpoch::StartOfFirst] {
                table += &match end_offset_for(rule, &epochs, Offset(30), LeaderEpoch(asked)) {
                    Some((epoch, end)) => format!(" {rule} {epoch} ends at {end}"),
                    None => format!(" {rule} ?"),
                };
            }
            table += "\n";
        }
        let expected = "\
-1: unknown ? start-of-first ?
1: unknown ? start-of-first 1 ends at 10
2: unknown 2 ends at 20 start-of-first 2 ends at 20
3: unknown 2 ends at 20 start-of-first 2 ends at 20
4: unknown 4 ends at 30 start-of-first 4 ends at 30
5: unknown ? start-of-first ?
";
        assert_eq!(table, expected);
        assert_eq!(end_offset_for(EarliestEpoch::Unknown, &[], Offset(3), LeaderEpoch(0)), None);
    }
}
