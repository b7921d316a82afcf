//! What a controller does with its waiting events when its session has expired.

use crate::era::Release;

rule! {
    /// What a controller does with its waiting events when its session has expired.
    ControllerSession("controller-session") {
        /// Goes on with them, and resigns only when it comes to the expiry.
        DrainsEvents("drains-events", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Drops them: the expiry comes first.
        DropsEvents("drops-events", "KAFKA-5642", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}
