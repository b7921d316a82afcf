//! How a partition moves to other replicas, and where its progress is kept.

use crate::era::Release;
use crate::ids::BrokerId;
use crate::rules::isr_writer::IsrWriter;
use crate::zookeeper::znode::ReplicaAssignment;

rule! {
    /// How a partition moves to other replicas, and where its progress is kept.
    Reassignment("reassignment") {
        /// Old and new replicas stand together in the topic's znode; the target only in `/admin/reassign_partitions`.
        InPhases("in-phases", "before KIP-455", [(Release::FIRST, Release::new(2, 4, 0))]),
        /// The topic's znode also says which replicas are being added and which removed.
        AddingAndRemoving("adding-and-removing", "KIP-455", [(Release::new(2, 4, 0), Release::NEXT)]),
    }
}

/// Who is told of a partition's state in a reassignment, and whether the replica is new there.
pub type Told = Vec<(Vec<BrokerId>, bool)>;

fn minus(these: &[BrokerId], those: &[BrokerId]) -> Vec<BrokerId> {
    these.iter().copied().filter(|id| !those.contains(id)).collect()
}

impl Reassignment {
    /// The assignment to write while the partition moves from `current` to `target`: target replicas first.
    pub fn moving(self, current: &ReplicaAssignment, target: &[BrokerId]) -> ReplicaAssignment {
        let origin = match self {
            Reassignment::InPhases => current.replicas.clone(),
            Reassignment::AddingAndRemoving => minus(&current.replicas, &current.adding),
        };
        let replicas = [target, &minus(&origin, target)].concat();
        match self {
            Reassignment::InPhases => {
                ReplicaAssignment { replicas, adding: Vec::new(), removing: Vec::new() }
            }
            Reassignment::AddingAndRemoving => ReplicaAssignment {
                adding: minus(&replicas, &origin),
                removing: minus(&replicas, target),
                replicas,
            },
        }
    }

    /// The target of a reassignment that an assignment itself tells of, as a new controller finds it.
    pub fn target_in(self, assignment: &ReplicaAssignment) -> Option<Vec<BrokerId>> {
        let moves = !assignment.adding.is_empty() || !assignment.removing.is_empty();
        match self {
            Reassignment::InPhases => None,
            Reassignment::AddingAndRemoving => {
                moves.then(|| minus(&assignment.replicas, &assignment.removing))
            }
        }
    }

    /// Whether the move is written down even if the target replicas are all in the ISR already.
    pub fn always_recorded(self) -> bool {
        match self {
            Reassignment::InPhases => false,
            Reassignment::AddingAndRemoving => true,
        }
    }

    /// The replicas to start, when `before` has become `moving`.
    pub fn to_start(
        self,
        before: &ReplicaAssignment,
        moving: &ReplicaAssignment,
        target: &[BrokerId],
    ) -> Vec<BrokerId> {
        match self {
            Reassignment::InPhases => minus(target, &before.replicas),
            Reassignment::AddingAndRemoving => moving.adding.clone(),
        }
    }

    /// The replicas to bring to `OnlineReplica` once the target is in sync, in the groups that are handled together.
    pub fn to_bring_online(self, moving: &ReplicaAssignment, target: &[BrokerId]) -> Vec<Vec<BrokerId>> {
        match self {
            Reassignment::InPhases => target.iter().map(|replica| vec![*replica]).collect(),
            Reassignment::AddingAndRemoving => vec![moving.adding.clone()],
        }
    }

    /// The replicas to stop and delete in the end.
    pub fn to_remove(self, moving: &ReplicaAssignment, target: &[BrokerId]) -> Vec<BrokerId> {
        match self {
            Reassignment::InPhases => minus(&moving.replicas, target),
            Reassignment::AddingAndRemoving => moving.removing.clone(),
        }
    }

    /// Who is told of the new leader epoch while the partition moves.
    pub fn told_at_start(self, moving: &ReplicaAssignment) -> Told {
        match self {
            Reassignment::InPhases => vec![(moving.replicas.clone(), false)],
            Reassignment::AddingAndRemoving => {
                vec![(minus(&moving.replicas, &moving.adding), false), (moving.adding.clone(), true)]
            }
        }
    }

    /// Who is told of the new leader epoch when the move completes under the same leader.
    pub fn told_at_end(self, moving: &ReplicaAssignment, target: &[BrokerId]) -> Told {
        match self {
            Reassignment::InPhases => vec![(moving.replicas.clone(), false)],
            Reassignment::AddingAndRemoving => vec![(target.to_vec(), false)],
        }
    }

    /// Whether the controller watches the state of a partition that moves: as long as leaders write it themselves.
    pub fn watches_states(isr_writer: IsrWriter) -> bool {
        match isr_writer {
            IsrWriter::LeaderWritesZooKeeper => true,
            IsrWriter::AlterPartition => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[i32]) -> Vec<BrokerId> {
        ids.iter().map(|id| BrokerId(*id)).collect()
    }

    fn plain(replicas: &[i32]) -> ReplicaAssignment {
        ReplicaAssignment { replicas: ids(replicas), adding: vec![], removing: vec![] }
    }

    #[test]
    fn moving_from_1_2_to_2_3_as_real_clusters_wrote_it() {
        let rule = Reassignment::AddingAndRemoving;
        let moving = rule.moving(&plain(&[1, 2]), &ids(&[2, 3]));
        let expected =
            ReplicaAssignment { replicas: ids(&[2, 3, 1]), adding: ids(&[3]), removing: ids(&[1]) };
        assert_eq!(moving, expected);
        assert_eq!(rule.target_in(&moving), Some(ids(&[2, 3])));
        assert_eq!(rule.to_start(&plain(&[1, 2]), &moving, &ids(&[2, 3])), ids(&[3]));
        assert_eq!(rule.to_remove(&moving, &ids(&[2, 3])), ids(&[1]));
        assert_eq!(rule.told_at_start(&moving), [(ids(&[2, 1]), false), (ids(&[3]), true)]);
        // A change of mind: the replicas being added do not count as where it came from.
        let again = rule.moving(&moving, &ids(&[4, 2]));
        assert_eq!((again.replicas, again.adding, again.removing), (ids(&[4, 2, 1]), ids(&[4]), ids(&[1])));
    }

    #[test]
    fn before_kip_455_the_target_is_known_from_its_own_znode_alone() {
        let rule = Reassignment::InPhases;
        let moving = rule.moving(&plain(&[1, 2]), &ids(&[2, 3]));
        assert_eq!(moving, plain(&[2, 3, 1]));
        assert_eq!(rule.target_in(&moving), None);
        assert_eq!(rule.to_start(&plain(&[1, 2]), &moving, &ids(&[2, 3])), ids(&[3]));
        // A controller that takes over finds the new replica assigned already.
        assert_eq!(rule.to_start(&moving, &moving, &ids(&[2, 3])), ids(&[]));
        assert_eq!(rule.to_remove(&moving, &ids(&[2, 3])), ids(&[1]));
        assert_eq!(rule.to_bring_online(&moving, &ids(&[2, 3])), [ids(&[2]), ids(&[3])]);
    }
}
