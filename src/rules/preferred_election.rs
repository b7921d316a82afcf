//! What a preferred election does when the preferred replica leads already.
//!
//! From 2.2 on (KAFKA-5692) the controller leaves such partitions out before it elects, going by what it remembers; the
//! election itself no longer looks. So one that is repeated, since ZooKeeper refused its neighbour's write, elects the
//! leader again (rule `election-retry`).

use crate::era::Release;

rule! {
    /// What a preferred election does when the preferred replica leads already.
    PreferredElection("preferred-election") {
        /// Nothing: the election finds it out.
        NotNeeded("not-needed", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Elects it again, with a new leader epoch.
        ElectsAgain("elects-again", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 2, 0))]),
        /// Leaves it out, if the controller believes so beforehand.
        LeftOut("left-out", "KAFKA-5692", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

impl PreferredElection {
    /// Whether a partition that the controller believes to be led so is left out of the election.
    pub fn leaves_out(self, leads_already: bool) -> bool {
        match self {
            PreferredElection::NotNeeded | PreferredElection::ElectsAgain => false,
            PreferredElection::LeftOut => leads_already,
        }
    }

    /// Whether an election that finds the preferred replica leading elects it nonetheless.
    pub fn elects_the_leader_again(self) -> bool {
        match self {
            PreferredElection::NotNeeded => false,
            PreferredElection::ElectsAgain | PreferredElection::LeftOut => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn a_leader_that_is_preferred_is_elected_again_from_1_1_to_2_1() {
        for (release, left_out, again) in [
            (Release::new_0(10, 2, 2), false, false),
            (Release::new(1, 0, 2), false, false),
            (Release::new(1, 1, 1), false, true),
            (Release::new(2, 1, 1), false, true),
            (Release::new(2, 2, 0), true, true),
        ] {
            let rule = PreferredElection::of(release);
            assert_eq!(rule.leaves_out(true), left_out, "{release}");
            assert!(!rule.leaves_out(false), "{release}");
            assert_eq!(rule.elects_the_leader_again(), again, "{release}");
        }
    }
}
