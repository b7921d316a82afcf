//! What Metadata tells of a partition that has no live leader.
//!
//! Which error it is says rule `leaderless-error`. Beside it brokers first told the replicas alone; from 2.4 the ISR
//! too, so that an operator sees who could lead; from 2.5 the epoch as well, by which a client tells old news from new.

use crate::era::Release;
use crate::ids::{BrokerId, LeaderEpoch};

rule! {
    /// What Metadata tells of a partition that has no live leader.
    LeaderlessMetadata("leaderless-metadata") {
        /// Neither ISR nor epoch.
        Nothing("nothing", "before KAFKA-8442", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// The ISR.
        Isr("isr", "KAFKA-8442", [(Release::new(2, 4, 0), Release::new(2, 5, 0))]),
        /// The ISR and the leader epoch.
        IsrAndEpoch("isr-and-epoch", "KAFKA-9261", [(Release::new(2, 5, 0), Release::NEXT)]),
    }
}

/// The ISR and the epoch to tell.
pub fn told(
    rule: LeaderlessMetadata,
    isr: &[BrokerId],
    epoch: LeaderEpoch,
) -> (Vec<BrokerId>, Option<LeaderEpoch>) {
    match rule {
        LeaderlessMetadata::Nothing => (Vec::new(), None),
        LeaderlessMetadata::Isr => (isr.to_vec(), None),
        LeaderlessMetadata::IsrAndEpoch => (isr.to_vec(), Some(epoch)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_partition_without_a_leader_in_epoch_3() {
        let isr = [BrokerId(1)];
        for (rule, expected) in [
            (LeaderlessMetadata::Nothing, (vec![], None)),
            (LeaderlessMetadata::Isr, (vec![BrokerId(1)], None)),
            (LeaderlessMetadata::IsrAndEpoch, (vec![BrokerId(1)], Some(LeaderEpoch(3)))),
        ] {
            assert_eq!(told(rule, &isr, LeaderEpoch(3)), expected, "{rule}");
        }
    }
}
