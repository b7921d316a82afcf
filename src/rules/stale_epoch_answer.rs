//! What a follower does with the end of an epoch that it asked for in an earlier leader epoch.
//!
//! While the question is under way the controller may depose the leader and elect it again. Up to 2.1.0 the
//! follower looks only whether it still follows this broker; from 2.1.1 (KAFKA-7786) also whether it still is in the
//! epoch in which it asked. In between, 2.1.0 already knows FENCED_LEADER_EPOCH (KIP-320), and stops for a stale one.

use crate::era::Release;
use crate::ids::LeaderEpoch;

rule! {
    /// What a follower does with the end of an epoch that it asked for in an earlier leader epoch.
    StaleEpochAnswer("stale-epoch-answer") {
        /// Truncates by it.
        Used("used", "before KAFKA-7786", [(Release::FIRST, Release::new(2, 1, 1))]),
        /// Ignores it, and asks again.
        Dropped("dropped", "KAFKA-7786", [(Release::new(2, 1, 1), Release::NEXT)]),
    }
}

/// Whether an answer to a question asked in `asked_in` counts for a follower that is in `current`.
pub fn counts(rule: StaleEpochAnswer, asked_in: LeaderEpoch, current: LeaderEpoch) -> bool {
    match rule {
        StaleEpochAnswer::Used => true,
        StaleEpochAnswer::Dropped => asked_in == current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn an_answer_asked_for_in_epoch_3() {
        for (rule, current, expected) in [
            (StaleEpochAnswer::Used, 3, true),
            (StaleEpochAnswer::Used, 5, true),
            (StaleEpochAnswer::Dropped, 3, true),
            (StaleEpochAnswer::Dropped, 5, false),
        ] {
            assert_eq!(counts(rule, LeaderEpoch(3), LeaderEpoch(current)), expected, "{rule} in {current}");
        }
        assert_eq!(StaleEpochAnswer::of(Release::new(2, 1, 0)), StaleEpochAnswer::Used);
        assert_eq!(StaleEpochAnswer::of(Release::new(2, 1, 1)), StaleEpochAnswer::Dropped);
    }
}
