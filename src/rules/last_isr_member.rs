//! What is left of the ISR when its last member dies and nobody may be elected.

use crate::era::Release;
use crate::ids::BrokerId;

rule! {
    /// What is left of the ISR when its last member dies and nobody may be elected.
    LastIsrMember("last-isr-member") {
        /// Nothing if unclean election is on, else that member.
        DroppedIfUnclean("dropped-if-unclean", "before KAFKA-5642", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// That member, so that it alone can be elected cleanly.
        Kept("kept", "KAFKA-5642", [(Release::new(1, 1, 0), Release::NEXT)]),
    }
}

impl LastIsrMember {
    /// Whether the topic's `unclean.leader.election.enable` must be known before `gone` can be taken out of `isr`.
    pub fn asks_for_unclean_setting(self, isr: &[BrokerId], gone: BrokerId) -> bool {
        match self {
            LastIsrMember::DroppedIfUnclean => isr.iter().all(|member| *member == gone),
            LastIsrMember::Kept => false,
        }
    }

    /// The ISR without `gone`.
    pub fn without(self, isr: &[BrokerId], gone: BrokerId, unclean_enabled: bool) -> Vec<BrokerId> {
        let rest: Vec<BrokerId> = isr.iter().copied().filter(|member| *member != gone).collect();
        let keeps_last = match self {
            LastIsrMember::DroppedIfUnclean => !unclean_enabled,
            LastIsrMember::Kept => true,
        };
        if rest.is_empty() && keeps_last { isr.to_vec() } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn situations() {
        let ids = |ids: &[i32]| -> Vec<BrokerId> { ids.iter().map(|id| BrokerId(*id)).collect() };
        let kept = LastIsrMember::Kept;
        let dropped = LastIsrMember::DroppedIfUnclean;
        // (rule, ISR, who dies, unclean election on, ISR afterwards)
        for (rule, isr, gone, unclean, left) in [
            (dropped, vec![1, 2], 1, true, vec![2]),
            (dropped, vec![1, 2], 2, false, vec![1]),
            (dropped, vec![1], 1, true, vec![]),
            (dropped, vec![1], 1, false, vec![1]),
            (kept, vec![1, 2], 1, true, vec![2]),
            (kept, vec![1], 1, true, vec![1]),
            (kept, vec![1], 1, false, vec![1]),
        ] {
            let isr = ids(&isr);
            assert_eq!(rule.without(&isr, BrokerId(gone), unclean), ids(&left), "{rule} {isr:?} {gone}");
        }
        assert!(dropped.asks_for_unclean_setting(&ids(&[1]), BrokerId(1)));
        assert!(!dropped.asks_for_unclean_setting(&ids(&[1, 2]), BrokerId(1)));
        assert!(!kept.asks_for_unclean_setting(&ids(&[1]), BrokerId(1)));
    }

    #[test]
    fn the_setting_counts_through_1_0() {
        assert_eq!(LastIsrMember::of(Release::new(1, 0, 2)), LastIsrMember::DroppedIfUnclean);
        assert_eq!(LastIsrMember::of(Release::new(1, 1, 1)), LastIsrMember::Kept);
    }
}
