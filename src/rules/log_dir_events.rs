//! Whether the controller hears of a broker's failed log directory.

use crate::era::Release;

rule! {
    /// Whether the controller hears of a broker's failed log directory.
    LogDirEvents("log-dir-events") {
        /// No: the broker halts.
        Unknown("unknown", "before KIP-112", [(Release::FIRST, Release::new(1, 0, 0))]),
        /// Yes, by a znode; it then asks the broker, whose answer to LeaderAndIsr names the replicas that are offline.
        Watched("watched", "KIP-112", [(Release::new(1, 0, 0), Release::NEXT)]),
    }
}

impl LogDirEvents {
    /// Whether the controller watches `/log_dir_event_notification`.
    pub fn are_watched(self) -> bool {
        match self {
            LogDirEvents::Unknown => false,
            LogDirEvents::Watched => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn watched_from_1_0_on() {
        assert!(!LogDirEvents::of(Release::new_0(11, 0, 3)).are_watched());
        assert!(LogDirEvents::of(Release::new(1, 0, 0)).are_watched());
    }
}
