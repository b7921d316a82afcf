//! What a new leader tells a client that asks for the end of the log.

use crate::era::Release;

rule! {
    /// What a new leader tells a client that asks for the end of the log.
    EndOffset("end-offset") {
        /// Its high watermark, which may be below its predecessor's.
        HighWatermark("high-watermark", "before KIP-207", [(Release::FIRST, Release::new(2, 2, 0))]),
        /// OFFSET_NOT_AVAILABLE until its high watermark has reached the start of its epoch.
        WaitsForEpochStart("waits-for-epoch-start", "KIP-207", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}
