//! What becomes of the requests that wait at a replica when the controller stops it.
//!
//! A producer with `acks=all` whose leader is moved away, and stopped, cannot be answered with success any more.

use crate::era::Release;

rule! {
    /// What becomes of the requests that wait at a replica when the controller stops it.
    StoppedReplica("stopped-replica") {
        /// They wait on, until they run out of time.
        KeepsWaiting("keeps-waiting", "before KAFKA-9198", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// They are looked at once more, and refused if it is gone.
        Answers("answers", "KAFKA-9198", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

impl StoppedReplica {
    /// Whether StopReplica looks at what waits.
    pub fn answers(self) -> bool {
        match self {
            StoppedReplica::KeepsWaiting => false,
            StoppedReplica::Answers => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn what_waits_is_answered_from_2_4_on() {
        for (release, answers) in [(Release::new(2, 3, 1), false), (Release::new(2, 4, 0), true)] {
            assert_eq!(StoppedReplica::of(release).answers(), answers, "{release}");
        }
    }
}
