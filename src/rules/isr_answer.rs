//! What an answer to a leader's ISR change clears.
//!
//! Changes wait in a queue, one a partition, from the proposal until the controller has answered. Up to 2.8 a
//! LeaderAndIsr takes a partition's change out of the queue even if it is in flight, so that a new one can be queued;
//! the answer to the old one then takes the *new* one out, which is never sent and stays pending for ever.

use crate::era::Release;

rule! {
    /// What an answer to a leader's ISR change clears.
    IsrAnswer("isr-answer") {
        /// Whatever change is pending by then.
        ClearsWhateverIsPending("clears-whatever-is-pending", "KIP-497", [
            (Release::new(2, 7, 0), Release::new(3, 0, 0)),
        ]),
        /// Only the change it answers.
        ClearsItsOwnRequest("clears-its-own-request", "KAFKA-12686", [
            (Release::FIRST, Release::new(2, 7, 0)),
            (Release::new(3, 0, 0), Release::NEXT),
        ]),
    }
}

impl IsrAnswer {
    /// Whether a LeaderAndIsr takes the partition's change out of the queue.
    pub fn leader_and_isr_clears(self) -> bool {
        match self {
            IsrAnswer::ClearsWhateverIsPending => true,
            IsrAnswer::ClearsItsOwnRequest => false,
        }
    }

    /// Whether an answer takes out the change that is queued by then; `is_own`: it is the one that was answered.
    pub fn answer_clears(self, is_own: bool) -> bool {
        match self {
            IsrAnswer::ClearsWhateverIsPending => true,
            IsrAnswer::ClearsItsOwnRequest => is_own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_3_0_an_answer_takes_out_a_change_that_was_never_sent() {
        for (situation, is_own, whatever, own) in
            [("its own change is queued", true, true, true), ("another one is queued", false, true, false)]
        {
            assert_eq!(IsrAnswer::ClearsWhateverIsPending.answer_clears(is_own), whatever, "{situation}");
            assert_eq!(IsrAnswer::ClearsItsOwnRequest.answer_clears(is_own), own, "{situation}");
        }
        assert!(IsrAnswer::ClearsWhateverIsPending.leader_and_isr_clears());
        assert!(!IsrAnswer::ClearsItsOwnRequest.leader_and_isr_clears());
    }
}
