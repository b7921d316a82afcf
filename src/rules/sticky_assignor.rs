//! How the sticky assignors deal partitions out: what a claim is worth, and how what is left is spread.
//!
//! Each release that changed them is a value of its own, since its assignments differ; what a value does is asked for
//! point by point.

use crate::era::Release;

rule! {
    /// How the sticky assignors deal partitions out.
    StickyAssignor("sticky-assignor") {
        /// Every claim is kept, also two to one partition; most loaded members first.
        AsClaimed("as-claimed", "KIP-54", [(Release::FIRST, Release::new(2, 3, 0))]),
        /// The claim of the newest generation is kept.
        NewestGeneration("newest-generation", "KIP-341", [(Release::new(2, 3, 0), Release::new(2, 4, 0))]),
        /// What nobody has is moved about before what somebody has.
        UnassignedFirst("unassigned-first", "KAFKA-8179", [(Release::new(2, 4, 0), Release::new(2, 5, 1))]),
        /// Members that all subscribe to the same are dealt with apart, by capacity; two claims to one partition are kept.
        EqualApart("equal-apart", "KAFKA-9987", [(Release::new(2, 5, 1), Release::new(2, 8, 1))]),
        /// Two claims of one generation to one partition void each other.
        DoubleVoid("double-void", "KAFKA-13081", [(Release::new(2, 8, 1), Release::new(3, 0, 0))]),
        /// Exact quotas, and partitions sorted by topic.
        Quotas("quotas", "KAFKA-12464", [(Release::new(3, 0, 0), Release::new(3, 4, 1))]),
        /// A claim of an older generation is kept where no newer one is in its way.
        OlderClaims("older-claims", "KAFKA-14639", [(Release::new(3, 4, 1), Release::new(3, 5, 0))]),
        /// Racks are looked at.
        Racks("racks", "KIP-881", [(Release::new(3, 5, 0), Release::new(3, 5, 2))]),
        /// A member with one partition more than another is balanced.
        OneMore("one-more", "KAFKA-15106", [(Release::new(3, 5, 2), Release::new(3, 7, 1))]),
        /// Members keep partitions by number across topics, and racks keep to the quotas.
        ByNumber("by-number", "KAFKA-16277, KAFKA-15170", [(Release::new(3, 7, 1), Release::NEXT)]),
    }
}

impl StickyAssignor {
    /// Whether a subscription to a topic that does not exist breaks the assignment (KAFKA-7962).
    pub fn needs_all_topics(self) -> bool {
        self == StickyAssignor::AsClaimed
    }

    /// Whether claims carry a generation, and an older one loses.
    pub fn compares_claims(self) -> bool {
        self >= StickyAssignor::NewestGeneration
    }

    /// Whether partitions are first looked at by how much their members have.
    pub fn sorts_by_load(self) -> bool {
        self <= StickyAssignor::UnassignedFirst
    }

    /// Whether those that were unassigned move first, unless somebody had to give something up.
    pub fn moves_unassigned_first(self) -> bool {
        self >= StickyAssignor::UnassignedFirst
    }

    /// Whether members that all subscribe to the same are dealt with apart.
    pub fn treats_equals_apart(self) -> bool {
        self >= StickyAssignor::EqualApart
    }

    /// Whether the claims of members that were looked at before the first one who subscribes to something else are lost:
    /// their bytes have been read, and are not read again (until KAFKA-12675).
    pub fn reads_claims_once(self) -> bool {
        matches!(self, StickyAssignor::EqualApart | StickyAssignor::DoubleVoid)
    }

    /// Whether two claims of one generation void each other, where all subscribe to the same.
    pub fn voids_double_claims(self) -> bool {
        self >= StickyAssignor::DoubleVoid
    }

    /// Whether equal members are dealt with by quota; before, by capacity.
    pub fn deals_by_quota(self) -> bool {
        self >= StickyAssignor::Quotas
    }

    /// Whether the newest generation seen is remembered from one assignment to the next.
    pub fn remembers_generation(self) -> bool {
        self >= StickyAssignor::Quotas
    }

    /// Whether maps go by partition; later they go by topic.
    pub fn maps_partitions(self) -> bool {
        self <= StickyAssignor::DoubleVoid
    }

    /// Whether an older claim is kept where no newer one is in its way.
    pub fn honours_older_claims(self) -> bool {
        self >= StickyAssignor::OlderClaims
    }

    /// Whether an older claim, though it loses, hides the newer owner from the next claim.
    pub fn forgets_the_newer_owner(self) -> bool {
        matches!(self, StickyAssignor::OlderClaims | StickyAssignor::Racks)
    }

    /// Whether racks are looked at.
    pub fn knows_racks(self) -> bool {
        self >= StickyAssignor::Racks
    }

    /// By how many partitions two members must differ for one to be worth moving.
    pub fn gap_to_move(self) -> usize {
        if self >= StickyAssignor::OneMore { 2 } else { 1 }
    }

    /// Whether members keep partitions by number, and dealing by racks keeps to the quotas.
    pub fn counts_by_rack(self) -> bool {
        self >= StickyAssignor::ByNumber
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    /// What a way to deal partitions out may have.
    type Point = (&'static str, fn(StickyAssignor) -> bool);

    #[test]
    fn situations() {
        // What each release has in addition to the one before: `+`; what it has no more: `-`.
        let points: [Point; 12] = [
            ("all-topics", StickyAssignor::needs_all_topics),
            ("generation", StickyAssignor::compares_claims),
            ("by-load", StickyAssignor::sorts_by_load),
            ("unassigned-first", StickyAssignor::moves_unassigned_first),
            ("equals-apart", StickyAssignor::treats_equals_apart),
            ("reads-once", StickyAssignor::reads_claims_once),
            ("voids", StickyAssignor::voids_double_claims),
            ("quota", StickyAssignor::deals_by_quota),
            ("older", StickyAssignor::honours_older_claims),
            ("forgets", StickyAssignor::forgets_the_newer_owner),
            ("racks", StickyAssignor::knows_racks),
            ("gap-2", |rule| rule.gap_to_move() == 2),
        ];
        let mut told = Vec::new();
        let mut before = Vec::new();
        for (rule, value) in StickyAssignor::VALUES {
            let now: Vec<&str> = points.iter().filter(|(_, has)| has(*rule)).map(|(name, _)| *name).collect();
            let new = now.iter().filter(|name| !before.contains(*name)).map(|name| format!("+{name}"));
            let gone = before.iter().filter(|name| !now.contains(*name)).map(|name| format!("-{name}"));
            told.push(format!("{}: {}", value.name, new.chain(gone).collect::<Vec<_>>().join(" ")));
            before = now;
        }
        assert_eq!(
            told,
            [
                "as-claimed: +all-topics +by-load",
                "newest-generation: +generation -all-topics",
                "unassigned-first: +unassigned-first",
                "equal-apart: +equals-apart +reads-once -by-load",
                "double-void: +voids",
                "quotas: +quota -reads-once",
                "older-claims: +older +forgets",
                "racks: +racks",
                "one-more: +gap-2 -forgets",
                "by-number: ",
            ]
        );
        assert!(StickyAssignor::ByNumber.counts_by_rack() && !StickyAssignor::OneMore.counts_by_rack());
    }
}
