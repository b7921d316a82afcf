//! Where a member of cooperative-sticky says in which generation it came to own what it owns. One that missed a
//! rebalance names partitions that are another member's by now.

use crate::era::Release;

rule! {
    /// Where a member of cooperative-sticky says in which generation it came to own what it owns.
    SubscriptionGeneration("subscription-generation") {
        /// Nowhere.
        Nowhere("nowhere", "before KAFKA-13081", [(Release::FIRST, Release::new(2, 8, 1))]),
        /// In the bytes of its assignor.
        UserData("user-data", "KAFKA-13081", [(Release::new(2, 8, 1), Release::new(3, 4, 0))]),
        /// In a field of the subscription too, whatever the assignor.
        Field("field", "KIP-792", [(Release::new(3, 4, 0), Release::NEXT)]),
    }
}

impl SubscriptionGeneration {
    /// Whether it stands in the bytes of the assignor.
    pub fn in_user_data(self) -> bool {
        self != SubscriptionGeneration::Nowhere
    }

    /// Whether it stands in the subscription (version 2 of it).
    pub fn in_field(self) -> bool {
        self == SubscriptionGeneration::Field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situations() {
        for (rule, in_user_data, in_field) in [
            (SubscriptionGeneration::Nowhere, false, false),
            (SubscriptionGeneration::UserData, true, false),
            (SubscriptionGeneration::Field, true, true),
        ] {
            assert_eq!((rule.in_user_data(), rule.in_field()), (in_user_data, in_field), "{rule}");
        }
    }
}
