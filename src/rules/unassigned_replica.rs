//! What a leader answers to the fetch of a replica that it does not know to be assigned.
//!
//! A replica may hear earlier than its leader that it is one. Up to 0.11 the leader throws while it takes in positions,
//! after those of the partitions before this one: the whole request fails. From 3.3 on the asker is told to try again.

use crate::era::Release;
use crate::error::KafkaError;

rule! {
    /// What a leader answers to the fetch of a replica that it does not know to be assigned.
    UnassignedReplica("unassigned-replica") {
        /// An error, for every partition of the request.
        RefusesAll("refuses-all", "before KAFKA-5758", [(Release::FIRST, Release::new(1, 0, 0))]),
        /// No records of that partition.
        SendsNothing("sends-nothing", "KAFKA-5758", [(Release::new(1, 0, 0), Release::new(3, 3, 0))]),
        /// An error for that partition.
        Refuses("refuses", "KAFKA-13837", [(Release::new(3, 3, 0), Release::NEXT)]),
    }
}

/// What to do with such a fetch.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Stranger {
    /// Answer every partition with this.
    RefuseAll(KafkaError),
    /// Answer this partition with nothing.
    SendNothing,
    /// Answer this partition with this.
    Refuse(KafkaError),
}

impl UnassignedReplica {
    /// What to do. `names_epoch`: the fetch named the leader epoch, which was found to be right.
    pub fn decide(self, names_epoch: bool) -> Stranger {
        match self {
            UnassignedReplica::RefusesAll => Stranger::RefuseAll(KafkaError::UnknownServerError),
            UnassignedReplica::SendsNothing => Stranger::SendNothing,
            UnassignedReplica::Refuses if names_epoch => Stranger::Refuse(KafkaError::UnknownLeaderEpoch),
            UnassignedReplica::Refuses => Stranger::Refuse(KafkaError::NotLeaderOrFollower),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn three_answers() {
        for (release, names_epoch, expected) in [
            (Release::new_0(11, 0, 3), false, Stranger::RefuseAll(KafkaError::UnknownServerError)),
            (Release::new(1, 0, 0), false, Stranger::SendNothing),
            (Release::new(3, 2, 3), true, Stranger::SendNothing),
            (Release::new(3, 3, 0), true, Stranger::Refuse(KafkaError::UnknownLeaderEpoch)),
            (Release::new(3, 3, 0), false, Stranger::Refuse(KafkaError::NotLeaderOrFollower)),
        ] {
            let rule = UnassignedReplica::of(release);
            assert_eq!(rule.decide(names_epoch), expected, "{release} {names_epoch}");
        }
    }
}
