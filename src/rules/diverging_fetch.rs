//! What a leader learns from a fetch that it answers with a diverging epoch.

use crate::era::Release;

rule! {
    /// What a leader learns from a fetch that it answers with a diverging epoch.
    DivergingFetch("diverging-fetch") {
        /// That the follower has everything below its fetch offset, which is wrong.
        CountsOffset("counts-offset", "before KAFKA-13141", [(Release::new(2, 7, 0), Release::new(2, 7, 2)), (Release::new(2, 8, 0), Release::new(2, 8, 1))]),
        /// Nothing.
        Ignored("ignored", "KAFKA-13141", [(Release::FIRST, Release::new(2, 7, 0)), (Release::new(2, 7, 2), Release::new(2, 8, 0)), (Release::new(2, 8, 1), Release::NEXT)]),
    }
}
