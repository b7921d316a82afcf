//! What a leader does when the controller failed at its ISR change, and does not say why it had to.
//!
//! It wants to send the change again. But as it does so, from within the answer, the old one still stands in the queue,
//! and a partition has only one there: the new one is not taken. Up to 3.0 nobody tells the leader: the change stays
//! pending, and with it the ISR, until the controller elects anew. From 3.1 (KAFKA-13254) the leader hears of it and goes
//! back to the ISR it had; from 3.2.1 (KAFKA-14010) the old one is taken out first.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a leader does when the controller failed at its ISR change, and does not say why it had to.
    IsrAnswerError("isr-answer-error") {
        /// Nothing: the change stays pending.
        StaysPending("stays-pending", "KIP-497", [(Release::FIRST, Release::new(3, 1, 0))]),
        /// Goes back to the ISR it had; the next fetch or check may propose anew.
        Withdraws("withdraws", "KAFKA-13254", [(Release::new(3, 1, 0), Release::new(3, 2, 1))]),
        /// Sends the change again at once.
        SendsAgain("sends-again", "KAFKA-14010", [(Release::new(3, 2, 1), Release::NEXT)]),
    }
}

/// What becomes of a refused change.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It stays pending until the controller speaks.
    Pending,
    /// It never was.
    Withdrawn,
    /// It goes out again.
    Again,
}

impl IsrAnswerError {
    /// What to do after this error.
    pub fn decide(self, error: KafkaError) -> Refused {
        match (self, error) {
            // Stale: the controller is about to tell the state as it is.
            (
                _,
                KafkaError::UnknownTopicOrPartition
                | KafkaError::FencedLeaderEpoch
                | KafkaError::InvalidUpdateVersion,
            )
            | (IsrAnswerError::StaysPending, _) => Refused::Pending,
            (IsrAnswerError::Withdraws, _) | (IsrAnswerError::SendsAgain, KafkaError::IneligibleReplica) => {
                Refused::Withdrawn
            }
            (IsrAnswerError::SendsAgain, _) => Refused::Again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn errors_and_what_follows() {
        use KafkaError::{FencedLeaderEpoch, IneligibleReplica, InvalidUpdateVersion, UnknownServerError};
        for (release, error, expected) in [
            (Release::new(2, 7, 0), UnknownServerError, Refused::Pending),
            (Release::new(3, 0, 2), UnknownServerError, Refused::Pending),
            (Release::new(3, 1, 0), UnknownServerError, Refused::Withdrawn),
            (Release::new(3, 2, 0), UnknownServerError, Refused::Withdrawn),
            (Release::new(3, 2, 1), UnknownServerError, Refused::Again),
            (Release::new(3, 3, 0), IneligibleReplica, Refused::Withdrawn),
            (Release::new(3, 1, 0), FencedLeaderEpoch, Refused::Pending),
            (Release::new(3, 3, 0), InvalidUpdateVersion, Refused::Pending),
        ] {
            assert_eq!(IsrAnswerError::of(release).decide(error), expected, "{release} {error:?}");
        }
    }
}
