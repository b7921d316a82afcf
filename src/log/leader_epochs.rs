//! The leader epoch cache (KIP-101): where each leader epoch begins (`LeaderEpochFileCache`).
//!
//! It answers one question, on which truncation hangs: where did epoch *e* end? (1) The newest epoch ends at the log
//! end.
//! (2) An older one ends where the next one that the cache knows begins; the answer carries the epoch it is about,
//! the largest not above *e* (KIP-279; up to 1.1 only the offset was sent). (3) Of an epoch above all, or in an empty
//! cache, nothing is known. (4) Of one below all, rule `epoch-entries` decides.
//!
//! Entries follow the batches appended, or are entered by a new leader (rule `epoch-cache`); truncation trims them at
//! either end. Every change is written to `leader-epoch-checkpoint` at once, by [`super::partition_log::PartitionLog`].

use crate::ids::{LeaderEpoch, Offset};
use crate::rules::epoch_entries::EpochEntries;
use std::sync::Arc;

/// The checkpoint's name in a partition's directory.
pub const FILE_NAME: &str = "leader-epoch-checkpoint";

/// One line of `leader-epoch-checkpoint`.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EpochEntry {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The offset of its first record, or the log end when it was entered.
    pub start: Offset,
}

/// The cache. Epochs and offsets both rise from entry to entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderEpochs {
    entries: Arc<Vec<EpochEntry>>,
    rule: EpochEntries,
}

impl LeaderEpochs {
    /// An empty cache.
    pub fn new(rule: EpochEntries) -> LeaderEpochs {
        LeaderEpochs { entries: Arc::default(), rule }
    }

    /// What a checkpoint says. Lines that contradict each other are taken in their order, as if they came one by one.
    pub fn read(rule: EpochEntries, lines: &[EpochEntry]) -> LeaderEpochs {
        let mut cache = LeaderEpochs::new(rule);
        for line in lines {
            cache.assign(line.epoch, line.start);
        }
        cache
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// Enters that `epoch` begins at `start`. Returns whether anything changed. An unknown epoch changes nothing.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        // Asked with every batch: the epoch is nearly always the newest one.
        if self.entries.last().is_some_and(|last| last.epoch == epoch && last.start <= start) {
            return false;
        }
        if epoch < LeaderEpoch(0) || start < Offset::ZERO {
            return false;
        }
        let entry = EpochEntry { epoch, start };
        let Some(kept) = self.rule.admit(&self.entries, entry) else { return false };
        let entries = Arc::make_mut(&mut self.entries);
        entries.truncate(kept);
        entries.push(entry);
        true
    }

    /// Drops the epochs that begin at or after `end`. Returns whether anything changed.
    pub fn truncate_from_end(&mut self, end: Offset) -> bool {
        let kept = self.entries.partition_point(|entry| entry.start < end);
        let changes = kept < self.entries.len();
        if changes {
            Arc::make_mut(&mut self.entries).truncate(kept);
        }
        changes
    }

    /// Drops the epochs that end at or before `start`; the one it falls into begins there now. Returns whether anything
    /// changed.
    pub fn truncate_from_start(&mut self, start: Offset) -> bool {
        let below = self.entries.partition_point(|entry| entry.start <= start);
        let Some(holds) = below.checked_sub(1) else { return false };
        if holds == 0 && self.entries[0].start == start {
            return false;
        }
        let entries = Arc::make_mut(&mut self.entries);
        entries.drain(..holds);
        entries[0].start = start;
        true
    }

    /// Drops every entry. Returns whether there was one.
    pub fn clear(&mut self) -> bool {
        self.truncate_from_end(Offset(i64::MIN))
    }

    /// The largest epoch known that is not above `asked`, and where it ends; `log_end` ends the newest. `None` where
    /// Kafka answers (-1, -1).
    pub fn end_offset_for(&self, asked: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        if asked == LeaderEpoch::NONE {
            return None;
        }
        if self.latest() == Some(asked) {
            return Some((asked, log_end));
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= asked);
        let next = *self.entries.get(above)?;
        match above.checked_sub(1) {
            Some(index) => Some((self.entries[index].epoch, next.start)),
            None => self.rule.below_first(asked, next),
        }
    }

    /// The epoch of the record at `offset`, or of the last record below it.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let at_or_below = self.entries.partition_point(|entry| entry.start <= offset);
        Some(self.entries[at_or_below.checked_sub(1)?].epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(rule: EpochEntries, entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut cache = LeaderEpochs::new(rule);
        for (epoch, start) in entries {
            cache.assign(LeaderEpoch(*epoch), Offset(*start));
        }
        cache
    }

    fn pairs(cache: &LeaderEpochs) -> Vec<(i32, i64)> {
        cache.entries().iter().map(|entry| (entry.epoch.0, entry.start.0)).collect()
    }

    #[test]
    fn where_epochs_end() {
        let new = cache(EpochEntries::ReplacesConflicting, &[(1, 3), (2, 5), (4, 9)]);
        let old = cache(EpochEntries::KeepsFirst, &[(1, 3), (2, 5), (4, 9)]);
        // asked: since KAFKA-7415, before
        for (asked, since, before) in [
            (-1, None, None),
            (0, Some((0, 3)), None), // older than everything known
            (1, Some((1, 5)), Some((1, 5))),
            (2, Some((2, 9)), Some((2, 9))),
            (3, Some((2, 9)), Some((2, 9))), // never wrote here
            (4, Some((4, 12)), Some((4, 12))),
            (5, None, None),
        ] {
            let answer = |cache: &LeaderEpochs| {
                cache.end_offset_for(LeaderEpoch(asked), Offset(12)).map(|(epoch, end)| (epoch.0, end.0))
            };
            assert_eq!(answer(&new), since, "epoch {asked}");
            assert_eq!(answer(&old), before, "epoch {asked}");
        }
        let empty = LeaderEpochs::new(EpochEntries::ReplacesConflicting);
        assert_eq!(empty.end_offset_for(LeaderEpoch(0), Offset(12)), None);
    }

    #[test]
    fn an_entry_at_the_log_end_is_replaced_since_7415_only() {
        let mut new = cache(EpochEntries::ReplacesConflicting, &[(0, 0), (2, 2)]);
        assert!(new.assign(LeaderEpoch(4), Offset(2)));
        assert_eq!(pairs(&new), [(0, 0), (4, 2)]);
        assert!(!new.assign(LeaderEpoch(4), Offset(7)));
        let mut old = cache(EpochEntries::KeepsFirst, &[(0, 0), (2, 2)]);
        assert!(old.assign(LeaderEpoch(4), Offset(2)));
        assert_eq!(pairs(&old), [(0, 0), (2, 2), (4, 2)]);
        assert!(!old.assign(LeaderEpoch(3), Offset(9)));
    }

    #[test]
    fn truncation_at_either_end() {
        let full = cache(EpochEntries::ReplacesConflicting, &[(1, 3), (2, 5), (4, 9)]);
        for (end, left) in [(10, 3), (9, 2), (6, 2), (5, 1), (3, 0), (0, 0)] {
            let mut cut = full.clone();
            assert_eq!(cut.truncate_from_end(Offset(end)), left < 3);
            assert_eq!(cut.entries().len(), left, "end {end}");
        }
        for (start, left) in [
            (0, vec![(1, 3), (2, 5), (4, 9)]),
            (3, vec![(1, 3), (2, 5), (4, 9)]),
            (4, vec![(1, 4), (2, 5), (4, 9)]),
            (5, vec![(2, 5), (4, 9)]),
            (20, vec![(4, 20)]),
        ] {
            let mut cut = full.clone();
            assert_eq!(cut.truncate_from_start(Offset(start)), left[..] != pairs(&full)[..]);
            assert_eq!(pairs(&cut), left, "start {start}");
        }
    }

    #[test]
    fn the_epoch_of_a_record() {
        let full = cache(EpochEntries::ReplacesConflicting, &[(1, 3), (2, 5)]);
        for (offset, epoch) in [(2, None), (3, Some(1)), (4, Some(1)), (5, Some(2)), (99, Some(2))] {
            assert_eq!(full.epoch_at(Offset(offset)).map(|epoch| epoch.0), epoch);
        }
    }
}
