//! Up to where a log counts as flushed once it has been loaded.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// Up to where a log counts as flushed once it has been loaded.
    RecoveredPoint("recovered-point") {
        /// To its end: what was recovered, but never flushed, is skipped by the next recovery.
        LogEnd("log-end", "before KAFKA-10101", [(Release::FIRST, Release::new(2, 8, 0))]),
        /// To where it was flushed before; to its end only if the last life ended in order.
        Checkpointed("checkpointed", "KAFKA-10101", [(Release::new(2, 8, 0), Release::NEXT)]),
    }
}

impl RecoveredPoint {
    /// The recovery point of a log just loaded. `clean`: the last life ended in order; `checkpointed`: what
    /// `recovery-point-offset-checkpoint` said; `end`: the log end offset found.
    pub fn after_loading(self, clean: bool, checkpointed: Offset, end: Offset) -> Offset {
        match self {
            RecoveredPoint::LogEnd => end,
            RecoveredPoint::Checkpointed if clean => end,
            RecoveredPoint::Checkpointed => checkpointed.min(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RecoveredPoint::{Checkpointed, LogEnd};
    use crate::ids::Offset;

    #[test]
    fn situations() {
        // clean, checkpointed, log end: log-end, checkpointed
        for (clean, before, end, log_end, checkpointed) in [
            (true, 5, 9, 9, 9),
            (false, 5, 9, 9, 5),
            (false, 9, 5, 5, 5), // the log lost more than it should
            (false, 0, 0, 0, 0),
        ] {
            let (before, end) = (Offset(before), Offset(end));
            assert_eq!(LogEnd.after_loading(clean, before, end), Offset(log_end));
            assert_eq!(Checkpointed.after_loading(clean, before, end), Offset(checkpointed));
        }
    }
}
