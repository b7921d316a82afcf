//! What a controller makes of "bad version" when it writes the ISR that a leader has asked for.
//!
//! The write names the version that it replaces. If its answer is lost with the connection, `KafkaZkClient` asks the same
//! once more (`retryRequestsUntilConnected`) and meets its own write: "bad version". Up to 2.6, where the leader wrote, it
//! looked what stood there (`ReplicationUtils.checkLeaderAndIsrZkData`). The controller does not
//! (`KafkaZkClient.updateLeaderAndIsr`): it forgets the write, answers INVALID_UPDATE_VERSION, and the leader waits with its
//! change for a LeaderAndIsr that no one sends: its ISR stands still until the next election. No release with ZooKeeper
//! mends that, and it has no number.

use crate::era::Release;

rule! {
    /// What a controller makes of "bad version" when it writes the ISR that a leader has asked for.
    OwnIsrWrite("own-isr-write") {
        /// Somebody else has changed it: refused.
        Refused("refused", "KIP-497", [(Release::FIRST, Release::NEXT)]),
        /// Looks what stands there, as leaders did up to 2.6: if it is what was asked for, all is well. No release did this.
        Recognised("recognised", "no release", []),
    }
}

impl OwnIsrWrite {
    /// Whether to look what stands there.
    pub fn looks(self) -> bool {
        match self {
            OwnIsrWrite::Refused => false,
            OwnIsrWrite::Recognised => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn no_release_looks() {
        for release in [Release::new(2, 7, 0), Release::new(3, 0, 0), Release::new(3, 9, 0)] {
            assert!(!OwnIsrWrite::of(release).looks(), "{release}");
        }
        assert!(OwnIsrWrite::Recognised.looks());
    }
}
