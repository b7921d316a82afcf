//! What a leader learns from a fetch that it answers with a diverging epoch.

use crate::era::Release;

rule! {
    /// What a leader learns from a fetch that it answers with a diverging epoch.
    DivergingFetch("diverging-fetch") {
        /// That the follower has everything below its fetch offset, which is wrong.
        CountsOffset("counts-offset", "before KAFKA-13141", [
            (Release::new(2, 7, 0), Release::new(2, 7, 2)),
            (Release::new(2, 8, 0), Release::new(2, 8, 1)),
        ]),
        /// Nothing.
        Ignored("ignored", "KAFKA-13141", [
            (Release::FIRST, Release::new(2, 7, 0)),
            (Release::new(2, 7, 2), Release::new(2, 8, 0)),
            (Release::new(2, 8, 1), Release::NEXT),
        ]),
    }
}

impl DivergingFetch {
    /// Whether the follower's position is taken from its fetch offset, which lies beyond where the logs part.
    pub fn counts_offset(self) -> bool {
        match self {
            DivergingFetch::CountsOffset => true,
            DivergingFetch::Ignored => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_flaw_was_mended_line_by_line() {
        for (release, counts) in [
            (Release::new(2, 7, 1), true),
            (Release::new(2, 7, 2), false),
            (Release::new(2, 8, 0), true),
            (Release::new(2, 8, 1), false),
            (Release::new(3, 0, 0), false),
        ] {
            assert_eq!(DivergingFetch::of(release).counts_offset(), counts, "{release}");
        }
    }
}
