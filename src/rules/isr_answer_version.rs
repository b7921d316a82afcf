//! Which versions a leader accepts in the answer to its ISR change.
//!
//! A controller that finds the proposed ISR in force already answers with the state as it is, version unchanged. A
//! leader that accepts only newer versions then stays with a change in flight that nobody will answer again.

use crate::era::Release;
use crate::ids::ZkVersion;

rule! {
    /// Which versions a leader accepts in the answer to its ISR change.
    IsrAnswerVersion("isr-answer-version") {
        /// Newer ones than its own.
        Newer("newer", "before KAFKA-12751", [
            (Release::new(2, 7, 0), Release::new(2, 7, 2)),
            (Release::new(2, 8, 0), Release::new(2, 8, 1)),
        ]),
        /// Its own, too.
        SameOrNewer("same-or-newer", "KAFKA-12751", [
            (Release::FIRST, Release::new(2, 7, 0)),
            (Release::new(2, 7, 2), Release::new(2, 8, 0)),
            (Release::new(2, 8, 1), Release::NEXT),
        ]),
    }
}

impl IsrAnswerVersion {
    /// Whether a leader that holds `own` accepts a state of version `answered`.
    pub fn accepts(self, answered: ZkVersion, own: ZkVersion) -> bool {
        match self {
            IsrAnswerVersion::Newer => answered > own,
            IsrAnswerVersion::SameOrNewer => answered >= own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unchanged_version_was_ignored_at_first() {
        for (situation, answered, newer, same_or_newer) in
            [("changed", 8, true, true), ("as proposed already", 7, false, true), ("late", 6, false, false)]
        {
            let of = |rule: IsrAnswerVersion| rule.accepts(ZkVersion(answered), ZkVersion(7));
            assert_eq!(of(IsrAnswerVersion::Newer), newer, "{situation}");
            assert_eq!(of(IsrAnswerVersion::SameOrNewer), same_or_newer, "{situation}");
        }
    }
}
