//! What a new controller does with dead followers it finds in an ISR (`ReplicaStateMachine.startup`).

use crate::era::Release;

rule! {
    /// What a new controller does with dead followers it finds in an ISR.
    DeadFollowers("dead-followers") {
        /// Nothing: they stay until the leader or a broker failure removes them.
        StayInIsr("stay-in-isr", "before KAFKA-3143", [(Release::FIRST, Release::new(2, 3, 0))]),
        /// Takes them out, with a new leader epoch.
        LeaveIsr("leave-isr", "KAFKA-3143", [(Release::new(2, 3, 0), Release::NEXT)]),
    }
}

impl DeadFollowers {
    /// Whether a new controller moves the replicas on dead brokers to `OfflineReplica`, which takes them out of the
    /// ISR.
    ///
    /// A leader among them is replaced by -1 in that write, and the election that follows is a second write.
    pub fn go_offline_at_startup(self) -> bool {
        match self {
            DeadFollowers::StayInIsr => false,
            DeadFollowers::LeaveIsr => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn dead_followers_leave_from_2_3_on() {
        for (release, goes) in [(Release::new(2, 2, 2), false), (Release::new(2, 3, 0), true)] {
            assert_eq!(DeadFollowers::of(release).go_offline_at_startup(), goes, "{release}");
        }
    }
}
