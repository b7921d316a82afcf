//! What guards a controller's writes to ZooKeeper.

use crate::era::Release;

rule! {
    /// What guards a controller's writes to ZooKeeper.
    ControllerWrites("controller-writes") {
        /// The version of the znode alone.
        Unfenced("unfenced", "before KAFKA-6082", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Also the version of `/controller_epoch`, in one multi.
        FencedByEpoch("fenced-by-epoch", "KAFKA-6082", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}
