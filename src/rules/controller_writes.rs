//! What guards a controller's writes to ZooKeeper (`KafkaZkClient.retryRequestsUntilConnected`).

use crate::era::Release;
use crate::ids::ZkVersion;
use crate::messages::zookeeper::Op;
use crate::zookeeper::znode::CONTROLLER_EPOCH;

rule! {
    /// What guards a controller's writes to ZooKeeper.
    ControllerWrites("controller-writes") {
        /// The version of the znode alone.
        Unfenced("unfenced", "before KAFKA-6082", [(Release::FIRST, Release::new(2, 1, 0))]),
        /// Also the version of `/controller_epoch`, in one multi.
        FencedByEpoch("fenced-by-epoch", "KAFKA-6082", [(Release::new(2, 1, 0), Release::NEXT)]),
    }
}

impl ControllerWrites {
    /// What every write of a controller is tied to in one multi, if to anything: that `/controller_epoch` has not
    /// changed since this controller set it.
    pub fn guard(self, epoch_version: ZkVersion) -> Option<Op> {
        match self {
            ControllerWrites::Unfenced => None,
            ControllerWrites::FencedByEpoch => {
                Some(Op::Check { path: CONTROLLER_EPOCH.into(), version: epoch_version })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn a_deposed_controller_can_write_until_2_0() {
        for (release, guarded) in [
            (Release::new_0(10, 2, 2), false),
            (Release::new(2, 0, 1), false),
            (Release::new(2, 1, 0), true),
            (Release::new(3, 0, 2), true),
        ] {
            let guard = ControllerWrites::of(release).guard(ZkVersion(4));
            assert_eq!(guard.is_some(), guarded, "{release}");
            if let Some(guard) = guard {
                assert_eq!(guard, Op::Check { path: "/controller_epoch".into(), version: ZkVersion(4) });
            }
        }
    }
}
