//! How the replicas that a broker has to stop are spread over StopReplica requests.

use crate::era::Release;
use crate::messages::stop_replica::StopReplicaPartition;

rule! {
    /// How the replicas that a broker has to stop are spread over StopReplica requests.
    StopReplicaRequests("stop-replica-requests") {
        /// One request for those that keep their files, one each for the others.
        GroupedUnlessDeleted("grouped-unless-deleted", "KAFKA-4420", [(Release::FIRST, Release::new(1, 1, 0))]),
        /// One request each.
        OneEach("one-each", "KAFKA-5642", [(Release::new(1, 1, 0), Release::new(2, 3, 0))]),
        /// One for those that lose their files, one for the others.
        ByDeletion("by-deletion", "KAFKA-8294", [(Release::new(2, 3, 0), Release::new(2, 6, 0))]),
        /// One for all.
        Together("together", "KIP-570", [(Release::new(2, 6, 0), Release::NEXT)]),
    }
}

impl StopReplicaRequests {
    /// The replicas of each request, in the order they are sent.
    pub fn requests(self, replicas: Vec<StopReplicaPartition>) -> Vec<Vec<StopReplicaPartition>> {
        let one_each = |replicas: Vec<StopReplicaPartition>| {
            replicas.into_iter().map(|one| vec![one]).collect::<Vec<_>>()
        };
        let mut requests = match self {
            StopReplicaRequests::GroupedUnlessDeleted => {
                let (deleted, kept) = replicas.into_iter().partition(|replica| replica.delete);
                let mut requests = vec![kept];
                requests.extend(one_each(deleted));
                requests
            }
            StopReplicaRequests::OneEach => one_each(replicas),
            StopReplicaRequests::ByDeletion => {
                let (deleted, kept) = replicas.into_iter().partition(|replica| replica.delete);
                vec![deleted, kept]
            }
            StopReplicaRequests::Together => vec![replicas],
        };
        requests.retain(|request| !request.is_empty());
        requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TopicPartition;

    #[test]
    fn situations() {
        let stop = |number: i32, delete: bool| StopReplicaPartition {
            partition: TopicPartition::new("t", number),
            delete,
            leader_epoch: None,
        };
        let replicas = || vec![stop(0, true), stop(1, false), stop(2, true), stop(3, false)];
        let numbers = |rule: StopReplicaRequests| -> Vec<Vec<i32>> {
            let requests = rule.requests(replicas());
            requests.iter().map(|one| one.iter().map(|stop| stop.partition.partition).collect()).collect()
        };
        assert_eq!(numbers(StopReplicaRequests::GroupedUnlessDeleted), [vec![1, 3], vec![0], vec![2]]);
        assert_eq!(numbers(StopReplicaRequests::OneEach), [vec![0], vec![1], vec![2], vec![3]]);
        assert_eq!(numbers(StopReplicaRequests::ByDeletion), [vec![0, 2], vec![1, 3]]);
        assert_eq!(numbers(StopReplicaRequests::Together), [vec![0, 1, 2, 3]]);
    }
}
