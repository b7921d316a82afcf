//! Whether the range assignor looks at racks.

use crate::era::Release;

rule! {
    /// Whether the range assignor looks at racks.
    RangeAssignor("range-assignor") {
        /// A member's place in the order decides alone.
        Plain("plain", "before KIP-881", [(Release::FIRST, Release::new(3, 5, 0))]),
        /// A member prefers partitions with a replica in its rack, topics dealt alike together.
        Racks("racks", "KIP-881", [(Release::new(3, 5, 0), Release::NEXT)]),
    }
}

impl RangeAssignor {
    /// Whether racks are looked at; lists then go by known topics and no longer by subscribers.
    pub fn knows_racks(self) -> bool {
        self == RangeAssignor::Racks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        assert!(!RangeAssignor::Plain.knows_racks());
        assert!(RangeAssignor::Racks.knows_racks());
    }
}
