//! What a consumer checks after a change of leader.
//!
//! A consumer that has read up to an offset may find that the new leader's log was cut below it. Without a check it
//! goes on at its offset, in other records than it would have read (or past what it never read).

use crate::era::Release;
use crate::ids::{LeaderEpoch, Offset};
use crate::messages::offsets_for_leader_epoch::EpochEndOffset;

rule! {
    /// What a consumer checks after a change of leader.
    PositionValidation("position-validation") {
        /// Nothing: it goes on at its offset.
        None("none", "before KIP-320", [(Release::FIRST, Release::new(2, 3, 0))]),
        /// It asks the new leader where the epoch of its last record ended, and takes "unknown" (-1) for an offset.
        EndOffset("end-offset", "KIP-320", [(Release::new(2, 3, 0), Release::new(2, 6, 0))]),
        /// It asks the new leader where the epoch of its last record ended; "unknown" is a truncation at an unknown
        /// place.
        LeaderEpoch("leader-epoch", "KAFKA-9840", [(Release::new(2, 6, 0), Release::NEXT)]),
        /// The same, and an answer about an older epoch than it asked for is such a truncation, too: the leader has
        /// nothing of the epoch. No release did this: an unclean leader whose own log is longer goes unnoticed.
        SameEpoch("same-epoch", "no release", []),
    }
}

/// What the answer says of the consumer's position.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum PositionCheck {
    /// The log still holds everything below it.
    Valid,
    /// The log was cut: here it parts from what the consumer has read.
    TruncatedAt(Offset, Option<LeaderEpoch>),
    /// The log was cut, nobody knows where.
    Truncated,
}

impl PositionValidation {
    /// Whether a consumer tracks leader epochs at all: sends the one it knows with each question, and checks.
    pub fn tracks_epochs(self) -> bool {
        self != PositionValidation::None
    }

    /// Reads the new leader's answer for a consumer at `position`, which has asked about the epoch `asked`.
    pub fn decide(
        self,
        position: Offset,
        asked: Option<LeaderEpoch>,
        answer: EpochEndOffset,
    ) -> PositionCheck {
        let unknown = answer.end_offset == Offset::NONE || answer.leader_epoch == Some(LeaderEpoch::NONE);
        let older = answer.leader_epoch.is_some() && answer.leader_epoch < asked;
        match self {
            PositionValidation::None => PositionCheck::Valid,
            PositionValidation::LeaderEpoch | PositionValidation::SameEpoch if unknown => {
                PositionCheck::Truncated
            }
            _ if answer.end_offset < position => {
                let epoch = answer.leader_epoch.filter(|epoch| *epoch != LeaderEpoch::NONE);
                PositionCheck::TruncatedAt(answer.end_offset, epoch)
            }
            PositionValidation::SameEpoch if older => PositionCheck::Truncated,
            PositionValidation::EndOffset
            | PositionValidation::LeaderEpoch
            | PositionValidation::SameEpoch => PositionCheck::Valid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use PositionCheck::{Truncated, TruncatedAt, Valid};
        let cut = |offset, epoch| TruncatedAt(Offset(offset), Some(LeaderEpoch(epoch)));
        for (position, epoch, end_offset, end_offset_rule, leader_epoch_rule) in [
            (5, 1, 5, Valid, Valid),
            (5, 1, 9, Valid, Valid),
            (5, 1, 4, cut(4, 1), cut(4, 1)),
            (5, 0, 2, cut(2, 0), cut(2, 0)),
            (5, -1, -1, TruncatedAt(Offset::NONE, None), Truncated),
            (0, -1, -1, TruncatedAt(Offset::NONE, None), Truncated),
        ] {
            let answer =
                EpochEndOffset { leader_epoch: Some(LeaderEpoch(epoch)), end_offset: Offset(end_offset) };
            let decided =
                |rule: PositionValidation| rule.decide(Offset(position), Some(LeaderEpoch(1)), answer);
            assert_eq!(decided(PositionValidation::None), Valid);
            assert_eq!(decided(PositionValidation::EndOffset), end_offset_rule, "{position} {answer:?}");
            assert_eq!(decided(PositionValidation::LeaderEpoch), leader_epoch_rule, "{position} {answer:?}");
            assert_eq!(decided(PositionValidation::SameEpoch), leader_epoch_rule, "{position} {answer:?}");
        }
        // Asked about epoch 1: the leader has epoch 0 up to 9, and nothing of 1.
        let answer = EpochEndOffset { leader_epoch: Some(LeaderEpoch(0)), end_offset: Offset(9) };
        let decided = |rule: PositionValidation| rule.decide(Offset(5), Some(LeaderEpoch(1)), answer);
        assert_eq!(decided(PositionValidation::LeaderEpoch), Valid);
        assert_eq!(decided(PositionValidation::SameEpoch), Truncated);
    }
}
