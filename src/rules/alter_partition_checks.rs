//! Which proposals of a leader the controller takes (`KafkaController.processAlterPartition`).

use crate::era::Release;
use crate::error::KafkaError;
use crate::ids::{BrokerId, ZkVersion};
use crate::messages::alter_partition::IsrChange;
use crate::zookeeper::znode::PartitionState;

rule! {
    /// Which proposals of a leader the controller takes.
    AlterPartitionChecks("alter-partition-checks") {
        /// Those of no older leader epoch; the version is left to ZooKeeper.
        LeaderEpoch("leader-epoch", "KIP-497", [(Release::FIRST, Release::new(3, 3, 0))]),
        /// Those of its own leader epoch and version, with every member alive and not shutting down.
        EligibleReplicas("eligible-replicas", "KAFKA-14140, KAFKA-14154", [(Release::new(3, 3, 0), Release::NEXT)]),
    }
}

/// What becomes of a proposal.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Refused.
    Refuse(KafkaError),
    /// The state is so already: answer with it.
    AlreadySo,
    /// Try to write it.
    Write,
}

impl AlterPartitionChecks {
    /// Judges what `leader` proposes, against the state and version that the controller holds. `live` are the brokers
    /// that are alive and not shutting down.
    pub fn judge(
        self,
        leader: BrokerId,
        change: &IsrChange,
        held: Option<(&PartitionState, ZkVersion)>,
        live: &[BrokerId],
    ) -> Verdict {
        let Some((state, version)) = held else {
            return Verdict::Refuse(KafkaError::UnknownTopicOrPartition);
        };
        let same =
            (leader, change.leader_epoch, &change.new_isr) == (state.leader, state.leader_epoch, &state.isr);
        let checks_more = match self {
            AlterPartitionChecks::LeaderEpoch => false,
            AlterPartitionChecks::EligibleReplicas => true,
        };
        if checks_more && (change.zk_version > version || change.leader_epoch > state.leader_epoch) {
            // The leader knows more than this controller, which then cannot be the active one.
            Verdict::Refuse(KafkaError::NotController)
        } else if change.leader_epoch < state.leader_epoch {
            Verdict::Refuse(KafkaError::FencedLeaderEpoch)
        } else if same {
            Verdict::AlreadySo
        } else if checks_more && change.zk_version < version {
            Verdict::Refuse(KafkaError::InvalidUpdateVersion)
        } else if checks_more && !change.new_isr.iter().all(|member| live.contains(member)) {
            Verdict::Refuse(KafkaError::IneligibleReplica)
        } else {
            Verdict::Write
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ControllerEpoch, LeaderEpoch, TopicPartition};

    #[test]
    fn situations() {
        use AlterPartitionChecks::{EligibleReplicas, LeaderEpoch as EpochOnly};
        use Verdict::{AlreadySo, Refuse, Write};
        let ids = |ids: &[i32]| -> Vec<BrokerId> { ids.iter().map(|id| BrokerId(*id)).collect() };
        let state = PartitionState {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(5),
            isr: ids(&[1, 2]),
            controller_epoch: ControllerEpoch(1),
        };
        // (leader epoch, version, proposed ISR, verdict up to 3.2, verdict from 3.3 on); held: epoch 5, version 7,
        // [1, 2]
        for (epoch, version, isr, older, newer) in [
            (5, 7, vec![1], Write, Write),
            (5, 7, vec![1, 2, 3], Write, Write),
            (5, 7, vec![1, 2, 4], Write, Refuse(KafkaError::IneligibleReplica)),
            (5, 7, vec![1, 2], AlreadySo, AlreadySo),
            (5, 6, vec![1, 2], AlreadySo, AlreadySo),
            (5, 6, vec![1], Write, Refuse(KafkaError::InvalidUpdateVersion)),
            (4, 7, vec![1], Refuse(KafkaError::FencedLeaderEpoch), Refuse(KafkaError::FencedLeaderEpoch)),
            (6, 7, vec![1], Write, Refuse(KafkaError::NotController)),
            (5, 8, vec![1], Write, Refuse(KafkaError::NotController)),
        ] {
            let change = IsrChange {
                partition: TopicPartition::new("t", 0),
                leader_epoch: LeaderEpoch(epoch),
                new_isr: ids(&isr),
                zk_version: ZkVersion(version),
            };
            let held = Some((&state, ZkVersion(7)));
            let live = ids(&[1, 2, 3]);
            assert_eq!(EpochOnly.judge(BrokerId(1), &change, held, &live), older, "{change:?}");
            assert_eq!(EligibleReplicas.judge(BrokerId(1), &change, held, &live), newer, "{change:?}");
            let unknown = EpochOnly.judge(BrokerId(1), &change, None, &live);
            assert_eq!(unknown, Refuse(KafkaError::UnknownTopicOrPartition));
        }
    }
}
