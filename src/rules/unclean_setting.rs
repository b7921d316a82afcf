//! When a topic's `unclean.leader.election.enable`, set at run time, takes effect.

use crate::era::Release;

rule! {
    /// When a topic's `unclean.leader.election.enable`, set at run time, takes effect.
    UncleanSetting("unclean-setting") {
        /// At the next election that something else causes.
        AtNextElection("at-next-election", "before KAFKA-6835", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// At once: the controller elects.
        AtOnce("at-once", "KAFKA-6835", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

impl UncleanSetting {
    /// Whether the change is an event for the controller (`TopicUncleanLeaderElectionEnable`).
    pub fn elects_at_once(self) -> bool {
        match self {
            UncleanSetting::AtNextElection => false,
            UncleanSetting::AtOnce => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_controller_hears_of_it_from_2_1_on() {
        for (release, at_once) in [(Release::new(2, 0, 1), false), (Release::new(2, 1, 0), true)] {
            assert_eq!(UncleanSetting::of(release).elects_at_once(), at_once, "{release}");
        }
    }
}
