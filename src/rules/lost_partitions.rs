//! What a member tells its application of partitions that it owned when it was put out of its group: another may own them
//! by now, so that it is too late to commit.

use crate::era::Release;

rule! {
    /// What a member tells its application of partitions that it owned when it was put out of its group.
    LostPartitions("lost-partitions") {
        /// That they are revoked, as ever.
        Revoked("revoked", "before KIP-429", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// That they are lost (`onPartitionsLost`).
        Lost("lost", "KIP-429", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

impl LostPartitions {
    /// Whether they are told apart from those that are given up.
    pub fn are_told_apart(self) -> bool {
        self == LostPartitions::Lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        assert!(!LostPartitions::Revoked.are_told_apart());
        assert!(LostPartitions::Lost.are_told_apart());
    }
}
