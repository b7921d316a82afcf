//! Who writes a change of the ISR.

use crate::era::Release;

rule! {
    /// Who writes a change of the ISR.
    IsrWriter("isr-writer") {
        /// The leader itself, by compare-and-set of the state znode; the controller hears of it later.
        LeaderWritesZooKeeper("leader-writes-zookeeper", "before KIP-497", [(Release::FIRST, Release::new(2, 7, 0))]),
        /// The controller, at the leader's request.
        AlterPartition("alter-partition", "KIP-497", [(Release::new(2, 7, 0), Release::NEXT)]),
    }
}
