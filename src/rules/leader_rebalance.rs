//! How the automatic leader rebalance elects.

use crate::era::Release;

rule! {
    /// How the automatic leader rebalance elects.
    LeaderRebalance("leader-rebalance") {
        /// One partition after the other.
        OneAtATime("one-at-a-time", "before KAFKA-7299", [(Release::FIRST, Release::new(2, 0, 1))]),
        /// All partitions of a broker at once.
        Together("together", "KAFKA-7299", [(Release::new(2, 0, 1), Release::NEXT)]),
    }
}

impl LeaderRebalance {
    /// The partitions of one broker, in the groups that are elected together.
    pub fn groups<T>(self, partitions: Vec<T>) -> Vec<Vec<T>> {
        match self {
            LeaderRebalance::OneAtATime => partitions.into_iter().map(|one| vec![one]).collect(),
            LeaderRebalance::Together if partitions.is_empty() => Vec::new(),
            LeaderRebalance::Together => vec![partitions],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn together_from_2_0_1_on() {
        for (release, groups) in
            [(Release::new(2, 0, 0), vec![vec![2], vec![1]]), (Release::new(2, 0, 1), vec![vec![2, 1]])]
        {
            assert_eq!(LeaderRebalance::of(release).groups(vec![2, 1]), groups, "{release}");
            assert!(LeaderRebalance::of(release).groups(Vec::<i32>::new()).is_empty());
        }
    }
}
