//! When a topic's `unclean.leader.election.enable`, set at run time, takes effect.

use crate::era::Release;

rule! {
    /// When a topic's `unclean.leader.election.enable`, set at run time, takes effect.
    UncleanSetting("unclean-setting") {
        /// At the next election that something else causes.
        AtNextElection("at-next-election", "before KAFKA-6863", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// At once: the controller elects.
        AtOnce("at-once", "KIP-225", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}
