//! Whether a coordinator gives up on members that have joined and never ask for their assignment. One that goes on with
//! heartbeats is otherwise waited for, since those count (rule `heartbeat-while-syncing`): if it is the leader, for ever.

use crate::era::Release;

rule! {
    /// Whether a coordinator gives up on members that have joined and never ask for their assignment.
    SyncTimeout("sync-timeout") {
        /// Never.
        Never("never", "before KAFKA-12890", [(Release::FIRST, Release::new(2, 8, 1))]),
        /// After the rebalance time-out.
        Rebalance("rebalance-timeout", "KAFKA-12890", [(Release::new(2, 8, 1), Release::NEXT)]),
    }
}

impl SyncTimeout {
    /// Whether their time is measured.
    pub fn is_measured(self) -> bool {
        self == SyncTimeout::Rebalance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        assert!(!SyncTimeout::Never.is_measured());
        assert!(SyncTimeout::Rebalance.is_measured());
    }
}
