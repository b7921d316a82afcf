//! What an answer to a leader's ISR change clears.

use crate::era::Release;

rule! {
    /// What an answer to a leader's ISR change clears.
    IsrAnswer("isr-answer") {
        /// Whatever change is pending by then.
        ClearsWhateverIsPending("clears-whatever-is-pending", "KIP-497", [(Release::new(2, 7, 0), Release::new(3, 0, 0))]),
        /// Only the change it answers.
        ClearsItsOwnRequest("clears-its-own-request", "KAFKA-12686", [(Release::FIRST, Release::new(2, 7, 0)), (Release::new(3, 0, 0), Release::NEXT)]),
    }
}
