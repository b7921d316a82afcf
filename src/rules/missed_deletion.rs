//! What a broker does that is told that `/controller` has appeared, looks, and finds it gone.
//!
//! A watch fires once. Between the news that a controller was elected and the next look there is none: if the controller
//! goes in that time, nobody is told. Up to 1.0 `ZkClient` (I0Itec) reads the znode for its listeners, and calls
//! `handleDataDeleted` if it is not there: the broker runs. From 1.1 on the controller looks itself, and only resigns
//! (`processControllerChange`, `maybeResign`): "this will result in another round of election", says the log, but the
//! deletion that would begin it has been. If all brokers are told so, none runs, until one starts or loses its session. No
//! release with ZooKeeper mends that, and it has no number.

use crate::era::Release;

rule! {
    /// What a broker does that is told that `/controller` has appeared, looks, and finds it gone.
    MissedDeletion("missed-deletion") {
        /// Runs for controller.
        Runs("runs", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Waits for the next news.
        Waits("waits", "KAFKA-5642", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

impl MissedDeletion {
    /// Whether it runs.
    pub fn runs(self) -> bool {
        match self {
            MissedDeletion::Runs => true,
            MissedDeletion::Waits => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn zk_client_told_of_what_it_did_not_find() {
        for (release, runs) in [(Release::new(1, 0, 2), true), (Release::new(1, 1, 0), false)] {
            assert_eq!(MissedDeletion::of(release).runs(), runs, "{release}");
        }
    }
}
