//! What a new leader tells a client that asks for the end of the log.

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::Offset;

rule! {
    /// What a new leader tells a client that asks for the end of the log.
    EndOffset("end-offset") {
        /// Its high watermark, which may be below its predecessor's.
        HighWatermark("high-watermark", "before KIP-207", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// OFFSET_NOT_AVAILABLE until its high watermark has reached the start of its epoch.
        WaitsForEpochStart("waits-for-epoch-start", "KIP-207", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

/// The first version of ListOffsets that knows OFFSET_NOT_AVAILABLE; before it the same is said by
/// LEADER_NOT_AVAILABLE.
const KNOWS_OFFSET_NOT_AVAILABLE: i16 = 5;

impl EndOffset {
    /// Whether the high watermark may be told as the end, to a client that speaks `version` of ListOffsets.
    ///
    /// # Errors
    /// What it is told instead.
    pub fn known(self, high_watermark: Offset, epoch_start: Offset, version: i16) -> Result<(), KafkaError> {
        match self {
            EndOffset::HighWatermark => Ok(()),
            EndOffset::WaitsForEpochStart if high_watermark >= epoch_start => Ok(()),
            EndOffset::WaitsForEpochStart if version >= KNOWS_OFFSET_NOT_AVAILABLE => {
                Err(KafkaError::OffsetNotAvailable)
            }
            EndOffset::WaitsForEpochStart => Err(KafkaError::LeaderNotAvailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_watermark_below_the_epoch_start_is_not_the_end() {
        for (situation, high_watermark, version, told) in [
            ("caught up", 5, 5, Ok(())),
            ("behind", 3, 5, Err(KafkaError::OffsetNotAvailable)),
            ("behind, an old client asks", 3, 4, Err(KafkaError::LeaderNotAvailable)),
        ] {
            let of = |rule: EndOffset| rule.known(Offset(high_watermark), Offset(5), version);
            assert_eq!(of(EndOffset::HighWatermark), Ok(()), "{situation}");
            assert_eq!(of(EndOffset::WaitsForEpochStart), told, "{situation}");
        }
    }
}
