//! How a coordinator takes in a member that has no id yet. Its connection is muted while its JoinGroup waits, so nobody
//! notices if it goes away: whoever gives up and asks again leaves a ghost behind that the rebalance waits for.

use crate::era::Release;

rule! {
    /// How a coordinator takes in a member that has no id yet.
    NewMember("new-member") {
        /// At once, and for as long as its JoinGroup waits.
        AtOnce("at-once", "before KAFKA-7610", [(Release::FIRST, Release::new(2, 1, 1))]),
        /// At once, for five minutes while its JoinGroup waits.
        Expires("expires", "KAFKA-7610", [(Release::new(2, 1, 1), Release::new(2, 2, 0))]),
        /// It is told its id first, and joins with that; then as before.
        IdFirst("id-first", "KIP-394", [(Release::new(2, 2, 0), Release::NEXT)]),
    }
}

impl NewMember {
    /// Whether a new member is first told its id. A static one never is; nor one whose version does not know the answer.
    pub fn asks_for_id(self, understands: bool, is_static: bool) -> bool {
        self == NewMember::IdFirst && understands && !is_static
    }

    /// Whether a member that waits for its first generation is given up after five minutes.
    pub fn expires_while_joining(self) -> bool {
        self != NewMember::AtOnce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        use NewMember::{AtOnce, Expires, IdFirst};
        for (rule, understands, is_static, asks) in [
            (AtOnce, true, false, false),
            (Expires, true, false, false),
            (IdFirst, true, false, true),
            (IdFirst, false, false, false),
            (IdFirst, true, true, false),
        ] {
            assert_eq!(rule.asks_for_id(understands, is_static), asks, "{rule} {understands} {is_static}");
        }
        assert_eq!([AtOnce, Expires, IdFirst].map(NewMember::expires_while_joining), [false, true, true]);
    }
}
