//! Whether a control request names the life of the broker it is meant for.

use crate::era::Release;

rule! {
    /// Whether a control request names the life of the broker it is meant for.
    BrokerEpochCheck("broker-epoch") {
        /// No: a message for an earlier life is carried out.
        None("none", "before KIP-380", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// Yes: STALE_BROKER_EPOCH.
        Fenced("fenced", "KIP-380", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}
