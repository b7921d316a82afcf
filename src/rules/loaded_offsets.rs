//! Up to where a new coordinator reads its partition of `__consumer_offsets`.

use crate::era::Release;
use crate::ids::Offset;

rule! {
    /// Up to where a new coordinator reads its partition of `__consumer_offsets`.
    LoadedOffsets("loaded-offsets") {
        /// Up to its high watermark, which may lag behind what was committed: the newest commits are missing.
        ToHighWatermark("to-high-watermark", "before KAFKA-5059", [(Release::FIRST, Release::new_0(11, 0, 0))]),
        /// Up to the end of its log.
        ToLogEnd("to-log-end", "KAFKA-5059", [(Release::new_0(11, 0, 0), Release::NEXT)]),
    }
}

impl LoadedOffsets {
    /// The first offset that is not read.
    pub fn end(self, high_watermark: Offset, log_end: Offset) -> Offset {
        match self {
            LoadedOffsets::ToHighWatermark => high_watermark,
            LoadedOffsets::ToLogEnd => log_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        assert_eq!(LoadedOffsets::ToHighWatermark.end(Offset(3), Offset(5)), Offset(3));
        assert_eq!(LoadedOffsets::ToLogEnd.end(Offset(3), Offset(5)), Offset(5));
    }
}
