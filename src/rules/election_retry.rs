//! Which partitions are elected again when some of the writes met another version.

use crate::era::Release;

rule! {
    /// Which partitions are elected again when some of the writes met another version.
    ElectionRetry("election-retry") {
        /// Those that were refused.
        Refused("refused", "KIP-460", [
            (Release::FIRST, Release::new(1, 1, 0)),
            (Release::new(2, 4, 0), Release::NEXT),
        ]),
        /// All of them, also those that succeeded: another epoch for nothing.
        All("all", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 4, 0))]),
    }
}

impl ElectionRetry {
    /// What is elected next, out of what was just elected and what of it was refused.
    pub fn again<T>(self, all: Vec<T>, refused: Vec<T>) -> Vec<T> {
        match self {
            ElectionRetry::All if !refused.is_empty() => all,
            ElectionRetry::All | ElectionRetry::Refused => refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn a_refused_write_repeats_all_elections_from_1_1_to_2_3() {
        for (release, again) in [
            (Release::new(1, 0, 2), vec![2]),
            (Release::new(1, 1, 1), vec![1, 2, 3]),
            (Release::new(2, 3, 1), vec![1, 2, 3]),
            (Release::new(2, 4, 0), vec![2]),
        ] {
            assert_eq!(ElectionRetry::of(release).again(vec![1, 2, 3], vec![2]), again, "{release}");
            assert!(ElectionRetry::of(release).again(vec![1, 2, 3], vec![]).is_empty(), "{release}");
        }
    }
}
