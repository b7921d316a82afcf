//! Where a replica that follows a new leader cuts its log before it fetches.

use crate::era::Release;

rule! {
    /// Where a replica that follows a new leader cuts its log before it fetches.
    Truncation("truncation") {
        /// At its own high watermark, which it learned one fetch late.
        ToHighWatermark("to-high-watermark", "before KIP-101", [(Release::FIRST, Release::new_0(11, 0, 0))]),
        /// Where the leader says the follower's last epoch ended.
        ToEpochEnd("to-epoch-end", "KIP-101", [(Release::new_0(11, 0, 0), Release::new(2, 0, 0))]),
        /// As before, but the leader also says which epoch it speaks of, and the follower asks again until both know it.
        ToCommonEpoch("to-common-epoch", "KIP-279", [(Release::new(2, 0, 0), Release::new(2, 8, 0))]),
        /// Where a fetch response says that the logs part; there is no separate question any more.
        OnFetch("on-fetch", "KIP-595", [(Release::new(2, 8, 0), Release::NEXT)]),
    }
}
