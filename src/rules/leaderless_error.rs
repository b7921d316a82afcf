//! By which error Metadata says that a partition has no live leader.
//!
//! From 2.0 on a client that is new enough is told if the leader lives but lacks the listener it was asked through
//! (KIP-103). To know the one from the other a broker looks whether *it itself* is alive, not the leader: so it nearly
//! always says LISTENER_NOT_FOUND, until KAFKA-10312. Clients do the same for both.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// By which error Metadata says that a partition has no live leader.
    LeaderlessError("leaderless-error") {
        /// LEADER_NOT_AVAILABLE.
        LeaderNotAvailable("leader-not-available", "KAFKA-10312", [
            (Release::FIRST, Release::new(2, 0, 0)),
            (Release::new(2, 7, 0), Release::NEXT),
        ]),
        /// LISTENER_NOT_FOUND, to whoever asks in version 6 or later.
        ListenerNotFound("listener-not-found", "KAFKA-6546", [(Release::new(2, 0, 0), Release::new(2, 7, 0))]),
    }
}

/// The first version of Metadata whose senders know LISTENER_NOT_FOUND.
const KNOWS_LISTENERS: i16 = 6;

impl LeaderlessError {
    /// The error for a client that asked in this version. `knows_itself`: the broker is among those it takes for alive.
    pub fn error(self, version: i16, knows_itself: bool) -> KafkaError {
        match self {
            LeaderlessError::ListenerNotFound if knows_itself && version >= KNOWS_LISTENERS => {
                KafkaError::ListenerNotFound
            }
            LeaderlessError::LeaderNotAvailable | LeaderlessError::ListenerNotFound => {
                KafkaError::LeaderNotAvailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn only_2_0_to_2_6_name_the_listener_and_only_to_new_clients() {
        use KafkaError::{LeaderNotAvailable, ListenerNotFound};
        for (release, version, knows_itself, error) in [
            (Release::new(1, 1, 1), 6, true, LeaderNotAvailable),
            (Release::new(2, 0, 0), 5, true, LeaderNotAvailable),
            (Release::new(2, 0, 0), 6, true, ListenerNotFound),
            (Release::new(2, 6, 3), 9, true, ListenerNotFound),
            (Release::new(2, 6, 3), 9, false, LeaderNotAvailable),
            (Release::new(2, 7, 0), 9, true, LeaderNotAvailable),
        ] {
            let rule = LeaderlessError::of(release);
            assert_eq!(rule.error(version, knows_itself), error, "{release} v{version} {knows_itself}");
        }
    }
}
