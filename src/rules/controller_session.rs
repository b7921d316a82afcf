//! What a controller does with its waiting events when its session has expired.
//!
//! A broker that asked to be let go (ControlledShutdown) waits behind one of them. Where the event is dropped without a
//! word the broker waits until its request times out.

use crate::era::Release;

rule! {
    /// What a controller does with its waiting events when its session has expired.
    ControllerSession("controller-session") {
        /// Goes on with them, and resigns only when it comes to the expiry.
        DrainsEvents("drains-events", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Drops them: the expiry comes first. Who waits for an answer gets none.
        DropsEvents("drops-events", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 2, 0))]),
        /// Drops them, and refuses requests among them.
        RefusesEvents("refuses-events", "KAFKA-5692", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

impl ControllerSession {
    /// Whether the expiry clears the queue. If not, what was under way is repeated in the new session (`ZkClient`
    /// retries whatever an expiry interrupts) and the events behind it are still handled by a controller that has been
    /// deposed.
    pub fn drops_events(self) -> bool {
        match self {
            ControllerSession::DrainsEvents => false,
            ControllerSession::DropsEvents | ControllerSession::RefusesEvents => true,
        }
    }

    /// Whether a request whose event is dropped is answered.
    pub fn answers_dropped(self) -> bool {
        match self {
            ControllerSession::DrainsEvents | ControllerSession::DropsEvents => false,
            ControllerSession::RefusesEvents => true,
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
        for (release, answers) in [(Release::new(2, 1, 1), false), (Release::new(2, 2, 0), true)] {
            assert_eq!(ControllerSession::of(release).answers_dropped(), answers, "{release}");
        }
    }
}
