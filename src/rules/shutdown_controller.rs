//! Where a broker that shuts down looks for the controller.
//!
//! A broker that is cut off from ZooKeeper and asks there waits until it is connected again: it cannot be stopped in
//! order. What UpdateMetadata told it is at hand.

use crate::era::Release;

rule! {
    /// Where a broker that shuts down looks for the controller.
    ShutdownController("shutdown-controller") {
        /// In ZooKeeper.
        InZooKeeper("in-zookeeper", "before KAFKA-9189", [(Release::FIRST, Release::new(3, 0, 0))]),
        /// In its metadata cache.
        InMetadata("in-metadata", "KAFKA-9189", [(Release::new(3, 0, 0), Release::NEXT)]),
    }
}

impl ShutdownController {
    /// Whether ZooKeeper is asked.
    pub fn asks_zookeeper(self) -> bool {
        match self {
            ShutdownController::InZooKeeper => true,
            ShutdownController::InMetadata => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn zookeeper_is_asked_up_to_2_8() {
        for (release, asks) in [(Release::new(2, 8, 2), true), (Release::new(3, 0, 0), false)] {
            assert_eq!(ShutdownController::of(release).asks_zookeeper(), asks, "{release}");
        }
    }
}
