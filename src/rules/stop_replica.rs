//! When a StopReplica is too old to be carried out.

use crate::era::Release;

rule! {
    /// When a StopReplica is too old to be carried out.
    StopReplicaCheck("stop-replica") {
        /// If its controller has been deposed.
        ControllerEpoch("controller-epoch", "before KIP-570", [(Release::FIRST, Release::new(2, 6, 0))]),
        /// Also if the replica has seen a newer leader epoch.
        LeaderEpoch("leader-epoch", "KIP-570", [(Release::new(2, 6, 0), Release::NEXT)]),
    }
}
