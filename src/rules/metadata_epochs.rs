//! Which metadata a client believes when it is told something older than what it knows.
//!
//! Brokers learn of a new leader at different times, so a client that asks two of them can be sent back to a former
//! leader.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// Which metadata a client believes when it is told something older than what it knows.
    MetadataEpochs("metadata-epochs") {
        /// Whatever it was told last.
        LastTold("last-told", "before KAFKA-7738", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// The newer leader epoch.
        NewerEpoch("newer-epoch", "KAFKA-7738", [(Release::new(2, 2, 0), Release::new(2, 4, 0))]),
        /// The newer leader epoch, but only from brokers of 2.4 on: up to 2.3 a broker could send a wrong one.
        NewerReliableEpoch("newer-reliable-epoch", "KAFKA-9212", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

/// What to make of what was told about one partition.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Believe it, with this epoch.
    Believe(Option<LeaderEpoch>),
    /// Keep what is known.
    Ignore,
}

impl MetadataEpochs {
    /// The first version of Metadata whose epochs can be relied on (KAFKA-9212).
    const RELIABLE: i16 = 9;

    /// Whether a client remembers the newest leader epoch it has seen, in whatever answer.
    pub fn remembers_epochs(self) -> bool {
        self != MetadataEpochs::LastTold
    }

    /// Decides about one partition: the newest epoch `seen` so far, the epoch `told` now in an answer of `version`.
    pub fn decide(self, seen: Option<LeaderEpoch>, told: Option<LeaderEpoch>, version: i16) -> Told {
        match self {
            MetadataEpochs::LastTold => Told::Believe(told),
            MetadataEpochs::NewerReliableEpoch if version < MetadataEpochs::RELIABLE => Told::Believe(None),
            MetadataEpochs::NewerEpoch | MetadataEpochs::NewerReliableEpoch => match (seen, told) {
                (Some(seen), Some(told)) if told < seen => Told::Ignore,
                _ => Told::Believe(told),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use MetadataEpochs::{LastTold, NewerEpoch, NewerReliableEpoch};
        let epoch = |number: i32| Some(LeaderEpoch(number));
        let believe = |number: i32| Told::Believe(epoch(number));
        for (seen, told, version, last_told, newer, newer_reliable) in [
            (None, epoch(3), 9, believe(3), believe(3), believe(3)),
            (epoch(2), epoch(3), 9, believe(3), believe(3), believe(3)),
            (epoch(3), epoch(3), 9, believe(3), believe(3), believe(3)),
            (epoch(4), epoch(3), 9, believe(3), Told::Ignore, Told::Ignore),
            (epoch(4), epoch(3), 8, believe(3), Told::Ignore, Told::Believe(None)),
            (epoch(4), None, 6, Told::Believe(None), Told::Believe(None), Told::Believe(None)),
        ] {
            let told_by = |rule: MetadataEpochs| rule.decide(seen, told, version);
            assert_eq!(told_by(LastTold), last_told, "{seen:?} {told:?} {version}");
            assert_eq!(told_by(NewerEpoch), newer, "{seen:?} {told:?} {version}");
            assert_eq!(told_by(NewerReliableEpoch), newer_reliable, "{seen:?} {told:?} {version}");
        }
    }
}
