//! When a member's background thread sends heartbeats.

use crate::era::Release;

rule! {
    /// When a member's background thread sends heartbeats.
    MemberHeartbeat("member-heartbeat") {
        /// While it has an assignment and does not rejoin: who waits long for one is thrown out.
        WhenStable("when-stable", "before KAFKA-10134", [(Release::FIRST, Release::new(2, 6, 1))]),
        /// While it waits for its assignment too.
        WhenSyncing("when-syncing", "KAFKA-10134", [(Release::new(2, 6, 1), Release::NEXT)]),
    }
}

impl MemberHeartbeat {
    /// Whether they are sent by a member that waits for its assignment, or has one.
    pub fn is_sent(self, syncing: bool, stable: bool) -> bool {
        stable || (syncing && self == MemberHeartbeat::WhenSyncing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        for (syncing, stable, before, since) in
            [(false, false, false, false), (true, false, false, true), (false, true, true, true)]
        {
            assert_eq!(MemberHeartbeat::WhenStable.is_sent(syncing, stable), before);
            assert_eq!(MemberHeartbeat::WhenSyncing.is_sent(syncing, stable), since);
        }
    }
}
