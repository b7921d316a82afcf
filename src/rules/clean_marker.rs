//! When a starting broker takes away the mark that its last life ended in order.
//!
//! Before 2.8 it went once all logs were loaded: a start that failed in between left it, and the next one trusted logs that
//! nobody had loaded. (A log that cannot be read ends the start with a KafkaException. From 1.0 to 2.7 other errors of a
//! directory were caught, and took the mark away.) The ticket's own damage was to the time index, whose file is
//! preallocated while a broker runs; we do not preallocate it.

use crate::era::Release;

rule! {
    /// When a starting broker takes away the mark that its last life ended in order.
    CleanMarker("clean-marker") {
        /// After all logs are loaded: a broker that dies while loading leaves the mark, and the next life trusts it.
        GoesAfterLoading("goes-after-loading", "before KAFKA-10471", [(Release::FIRST, Release::new(2, 8, 0))]),
        /// Before the first log is loaded.
        GoesBeforeLoading("goes-before-loading", "KAFKA-10471", [(Release::new(2, 8, 0), Release::NEXT)]),
    }
}

impl CleanMarker {
    /// Whether the mark goes before the logs are loaded.
    pub fn goes_first(self) -> bool {
        match self {
            CleanMarker::GoesAfterLoading => false,
            CleanMarker::GoesBeforeLoading => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CleanMarker;

    #[test]
    fn situations() {
        assert!(!CleanMarker::GoesAfterLoading.goes_first());
        assert!(CleanMarker::GoesBeforeLoading.goes_first());
    }
}
