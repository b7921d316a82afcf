//! What is left of the ISR when its last member dies and nobody may be elected.

use crate::era::Release;

rule! {
    /// What is left of the ISR when its last member dies and nobody may be elected.
    LastIsrMember("last-isr-member") {
        /// Nothing if unclean election is on, else that member.
        DroppedIfUnclean("dropped-if-unclean", "before KAFKA-5490", [(Release::FIRST, Release::new_0(11, 0, 0))]),
        /// That member, so that it alone can be elected cleanly.
        Kept("kept", "KIP-106", [(Release::new_0(11, 0, 0), Release::NEXT)]),
    }
}
