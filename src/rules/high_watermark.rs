//! Whose log ends the high watermark waits for while an ISR change is in flight.
//!
//! In every release it also waits for a replica outside the ISR that was caught up within the lag time: such a one is
//! about to enter, and would never manage if the high watermark kept running ahead of it.

use crate::era::Release;
use crate::ids::BrokerId;

rule! {
    /// Whose log ends the high watermark waits for while an ISR change is in flight.
    HighWatermark("high-watermark") {
        /// Everyone in the current ISR or in the proposed one.
        MaximalIsr("maximal-isr", "KIP-497", [(Release::FIRST, Release::new(3, 7, 0))]),
        /// The same, and it stands still while the ISR is smaller than `min.insync.replicas`.
        MaximalIsrAboveMinimum("maximal-isr-above-minimum", "KAFKA-15583", [(Release::new(3, 7, 0), Release::NEXT)]),
        /// The current ISR alone. No release did this: it is here to show why.
        CommittedIsr("committed-isr", "KIP-497, rejected", []),
    }
}

impl HighWatermark {
    /// The members it waits for, of the committed ISR and the one that a pending change can at most make of it.
    pub fn members<'a>(self, committed: &'a [BrokerId], maximal: &'a [BrokerId]) -> &'a [BrokerId] {
        match self {
            HighWatermark::MaximalIsr | HighWatermark::MaximalIsrAboveMinimum => maximal,
            HighWatermark::CommittedIsr => committed,
        }
    }

    /// Whether it may rise with so many members in the committed ISR.
    pub fn may_rise(self, isr: usize, minimum: usize) -> bool {
        match self {
            HighWatermark::MaximalIsr | HighWatermark::CommittedIsr => true,
            HighWatermark::MaximalIsrAboveMinimum => isr >= minimum,
        }
    }

    /// `min.insync.replicas` as it applies: since it can stop the high watermark, never more than there are replicas.
    pub fn effective_minimum(self, configured: usize, replicas: usize) -> usize {
        match self {
            HighWatermark::MaximalIsr | HighWatermark::CommittedIsr => configured,
            HighWatermark::MaximalIsrAboveMinimum => configured.min(replicas),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_may_have_entered_counts() {
        let (committed, maximal) = ([BrokerId(1)], [BrokerId(1), BrokerId(2)]);
        assert_eq!(HighWatermark::MaximalIsr.members(&committed, &maximal), maximal);
        assert_eq!(HighWatermark::MaximalIsrAboveMinimum.members(&committed, &maximal), maximal);
        assert_eq!(HighWatermark::CommittedIsr.members(&committed, &maximal), committed);
    }

    #[test]
    fn below_the_minimum_it_stands_still_from_3_7_on() {
        for (situation, isr, configured, replicas, before, since) in [
            ("full", 3, 2, 3, true, true),
            ("one member too few", 1, 2, 3, true, false),
            ("more asked than there are replicas", 1, 2, 1, true, true),
        ] {
            let of = |rule: HighWatermark| rule.may_rise(isr, rule.effective_minimum(configured, replicas));
            assert_eq!(of(HighWatermark::MaximalIsr), before, "{situation}");
            assert_eq!(of(HighWatermark::MaximalIsrAboveMinimum), since, "{situation}");
        }
    }
}
