//! What a leader does with an ISR change whose write the end of its session cut short.

use crate::era::Release;

rule! {
    /// What a leader does with an ISR change whose write the end of its session cut short.
    ExpiredIsrWrite("expired-isr-write") {
        /// Writes it again in the next session, holding the partition's lock until then (I0Itec's `retryUntilConnected`).
        TriesAgain("tries-again", "before KAFKA-6074", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Gives it up: `KafkaZkClient` repeats only what a lost connection cut short, and throws.
        GivesUp("gives-up", "KAFKA-6074", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

impl ExpiredIsrWrite {
    /// Whether the next session does once more what this one was asked for.
    pub fn tries_again(self) -> bool {
        match self {
            ExpiredIsrWrite::TriesAgain => true,
            ExpiredIsrWrite::GivesUp => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn up_to_1_0_the_next_session_writes_it() {
        for (release, again) in [(Release::new(1, 0, 2), true), (Release::new(1, 1, 0), false)] {
            assert_eq!(ExpiredIsrWrite::of(release).tries_again(), again, "{release}");
        }
    }
}
