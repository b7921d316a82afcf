//! When a leader looks whether records of a topic may be deleted at all (`cleanup.policy` without `delete`).
//!
//! 1. DeleteRecords asks for the records below an offset to go. A compacted topic keeps its records by key, and refuses:
//!    POLICY_VIOLATION.
//! 2. Up to 1.0 the leader raises its log start offset first and looks at the policy afterwards: the operator is refused,
//!    and the records are gone all the same.
//! 3. From 1.1 on it looks first.

use crate::era::Release;

rule! {
    /// When a leader looks whether records of a topic may be deleted at all.
    DeletionPolicy("deletion-policy") {
        /// After it has deleted them: the operator is refused, and they are gone.
        Afterwards("afterwards", "before KAFKA-5163", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// Before.
        First("first", "KAFKA-5163", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

/// What to do with a request to delete records.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Deletion {
    /// Do it.
    Done,
    /// Do it, and say that it is against the policy.
    DoneAndRefused,
    /// It is against the policy.
    Refused,
}

/// `deletes`: whether the topic's policy deletes old records.
pub fn decide(rule: DeletionPolicy, deletes: bool) -> Deletion {
    match rule {
        _ if deletes => Deletion::Done,
        DeletionPolicy::Afterwards => Deletion::DoneAndRefused,
        DeletionPolicy::First => Deletion::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_a_compacted_topic() {
        use DeletionPolicy::{Afterwards, First};
        assert_eq!([Afterwards, First].map(|rule| decide(rule, true)), [Deletion::Done; 2]);
        assert_eq!(
            [Afterwards, First].map(|rule| decide(rule, false)),
            [Deletion::DoneAndRefused, Deletion::Refused]
        );
    }
}
