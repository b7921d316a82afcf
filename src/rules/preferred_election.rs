//! What a preferred election does when the preferred replica leads already.

use crate::era::Release;

rule! {
    /// What a preferred election does when the preferred replica leads already.
    PreferredElection("preferred-election") {
        /// Nothing.
        NotNeeded("not-needed", "before KAFKA-5642; again from KAFKA-5692", [
            (Release::FIRST, Release::new(1, 1, 0)),
            (Release::new(2, 2, 0), Release::NEXT),
        ]),
        /// Elects it again, with a new leader epoch.
        ElectsAgain("elects-again", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 2, 0))]),
    }
}

impl PreferredElection {
    /// Whether an election is held although the preferred replica leads already.
    pub fn elects_the_leader_again(self) -> bool {
        match self {
            PreferredElection::NotNeeded => false,
            PreferredElection::ElectsAgain => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn a_leader_that_is_preferred_is_elected_again_from_1_1_to_2_1() {
        for (release, again) in
            [(Release::new_0(10, 2, 2), false), (Release::new(1, 1, 1), true), (Release::new(2, 2, 0), false)]
        {
            assert_eq!(PreferredElection::of(release).elects_the_leader_again(), again, "{release}");
        }
    }
}
