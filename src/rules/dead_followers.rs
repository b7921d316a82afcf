//! What a new controller does with dead followers it finds in an ISR.

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
