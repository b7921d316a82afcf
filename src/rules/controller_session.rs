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

impl ControllerSession {
    /// Whether the expiry clears the queue. If not, what was under way is repeated in the new session (`ZkClient`
    /// retries whatever an expiry interrupts) and the events behind it are still handled by a controller that has been
    /// deposed.
    pub fn drops_events(self) -> bool {
        match self {
            ControllerSession::DrainsEvents => false,
            ControllerSession::DropsEvents => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_queue_is_dropped_from_1_1_on() {
        for (release, drops) in [(Release::new(1, 0, 2), false), (Release::new(1, 1, 0), true)] {
            assert_eq!(ControllerSession::of(release).drops_events(), drops, "{release}");
        }
    }
}
