//! How the leader epoch cache takes an entry that contradicts those it has, and what it says of an epoch before all.
//!
//! Both changed in one commit (KAFKA-7415): a leader's entry may stand at the log end without any record behind it, so
//! an entry that comes later must be able to replace it.

use crate::era::Release;
use crate::ids::{LeaderEpoch, Offset};
use crate::log::leader_epochs::EpochEntry;

rule! {
    /// What the leader epoch cache does with an entry that contradicts those it has.
    EpochEntries("epoch-entries") {
        /// Leaves it out unless its epoch is higher than all and its offset not lower than the last.
        KeepsFirst("keeps-first", "KIP-101", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// Takes it; entries of the same or a higher epoch, or of the same or a higher offset, go.
        ReplacesConflicting("replaces-conflicting", "KAFKA-7415", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}

impl EpochEntries {
    /// How many of `entries` stay when `new` is put after them; `None` if `new` is left out.
    pub fn admit(self, entries: &[EpochEntry], new: EpochEntry) -> Option<usize> {
        let Some(last) = entries.last() else { return Some(0) };
        match self {
            EpochEntries::KeepsFirst => {
                (new.epoch > last.epoch && new.start >= last.start).then_some(entries.len())
            }
            EpochEntries::ReplacesConflicting => {
                let changes = new.epoch != last.epoch || new.start < last.start;
                changes.then(|| {
                    entries
                        .iter()
                        .rposition(|entry| entry.epoch < new.epoch && entry.start < new.start)
                        .map_or(0, |kept| kept + 1)
                })
            }
        }
    }

    /// What is said of an epoch lower than `first`, the first entry: epoch and end offset, or nothing.
    pub fn below_first(self, asked: LeaderEpoch, first: EpochEntry) -> Option<(LeaderEpoch, Offset)> {
        match self {
            EpochEntries::KeepsFirst => None,
            EpochEntries::ReplacesConflicting => Some((asked, first.start)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::EpochEntries::{KeepsFirst, ReplacesConflicting};
    use crate::ids::{LeaderEpoch, Offset};
    use crate::log::leader_epochs::EpochEntry;

    fn entry((epoch, start): (i32, i64)) -> EpochEntry {
        EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) }
    }

    #[test]
    fn situations() {
        let cache: Vec<EpochEntry> = [(1, 0), (2, 4), (4, 9)].into_iter().map(entry).collect();
        // new entry: how many stay before it under keeps-first, replaces-conflicting; None leaves it out
        for (new, keeps_first, replaces) in [
            ((5, 12), Some(3), Some(3)), // the normal case
            ((4, 12), None, None),       // more records of the newest epoch
            ((5, 9), Some(3), Some(2)),  // the newest epoch wrote nothing
            ((3, 12), None, Some(2)),    // an older epoch at a later offset
            ((5, 2), None, Some(1)),     // a newer epoch at an earlier offset
            ((0, 0), None, Some(0)),     // before everything
            ((4, 3), None, Some(1)),     // the newest epoch began earlier
        ] {
            assert_eq!(KeepsFirst.admit(&cache, entry(new)), keeps_first, "{new:?}");
            assert_eq!(ReplacesConflicting.admit(&cache, entry(new)), replaces, "{new:?}");
        }
        assert_eq!(KeepsFirst.admit(&[], entry((3, 3))), Some(0));
        assert_eq!(KeepsFirst.below_first(LeaderEpoch(0), cache[0]), None);
        assert_eq!(
            ReplacesConflicting.below_first(LeaderEpoch(0), cache[0]),
            Some((LeaderEpoch(0), Offset(0)))
        );
    }
}
