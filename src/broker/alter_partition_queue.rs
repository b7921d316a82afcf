//! ISR changes on their way to the controller (`AlterIsrManager`, KIP-497).
//!
//! 1. A leader queues a change; a partition has at most one here, counted until it is answered.
//! 2. All changes go out in one request; there is one request in flight at a time.
//! 3. A lost connection, or NOT_CONTROLLER: the *same* request goes out again, to whoever is controller then. Whether
//!    it was carried out the first time is unknown.
//! 4. Another error for the whole request: what is queued then goes out after 50 ms.
//! 5. An answer takes the partition's change out: its own, or (rule `isr-answer`) whatever is there by then.
//!
//! Left out: 2.7 looks for changes to send every 50 ms; here it sends at once, as 2.8 does.

use crate::broker::leader::IsrProposal;
use crate::error::KafkaError;
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, TopicPartition, ZkVersion};
use crate::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, AlteredPartition, IsrChange,
};
use crate::node::Disconnected;
use crate::rules::isr_answer::IsrAnswer;
use crate::time::Micros;
use std::collections::BTreeMap;

/// How long the queue waits after an error for the whole request.
pub const RETRY_BACKOFF: Micros = Micros::from_millis(50);

/// The queue of one broker.
#[derive(Clone, Debug, Default)]
pub struct AlterPartitionQueue {
    queued: BTreeMap<TopicPartition, QueuedChange>,
    in_flight: Option<InFlight>,
    backing_off: bool,
    count: u64,
}

/// A change that is not answered yet.
#[derive(Clone, Debug)]
pub struct QueuedChange {
    /// What is wanted.
    pub proposal: IsrProposal,
    leader_epoch: LeaderEpoch,
    zk_version: ZkVersion,
    number: u64,
}

#[derive(Clone, Debug)]
struct InFlight {
    request: AlterPartitionRequest,
    changes: Vec<(TopicPartition, QueuedChange)>,
    /// False once the connection that carried it is lost, until it is handed out again.
    sent: bool,
}

/// An answered change.
pub type Answered = (TopicPartition, QueuedChange, Result<AlteredPartition, KafkaError>);

impl AlterPartitionQueue {
    /// Whether a change of this partition is not answered yet.
    pub fn has(&self, partition: TopicPartition) -> bool {
        self.queued.contains_key(&partition)
    }

    /// Queues a change. False if the partition has one here already.
    pub fn submit(
        &mut self,
        partition: TopicPartition,
        proposal: &IsrProposal,
        leader_epoch: LeaderEpoch,
        zk_version: ZkVersion,
    ) -> bool {
        if self.queued.contains_key(&partition) {
            return false;
        }
        self.count += 1;
        let change =
            QueuedChange { proposal: proposal.clone(), leader_epoch, zk_version, number: self.count };
        self.queued.insert(partition, change);
        true
    }

    /// The controller has told this broker a new state of the partition.
    pub fn on_leader_and_isr(&mut self, partition: TopicPartition, rule: IsrAnswer) {
        if rule.leader_and_isr_clears() {
            self.queued.remove(&partition);
        }
    }

    /// The request to send now, if there is one.
    pub fn take_request(&mut self, broker: BrokerId, epoch: BrokerEpoch) -> Option<AlterPartitionRequest> {
        if let Some(in_flight) = &mut self.in_flight {
            let again = !std::mem::replace(&mut in_flight.sent, true);
            return again.then(|| in_flight.request.clone());
        }
        if self.queued.is_empty() || self.backing_off {
            return None;
        }
        let changes: Vec<_> = self.queued.iter().map(|(tp, change)| (*tp, change.clone())).collect();
        let partitions = changes.iter().map(|(tp, change)| IsrChange {
            partition: *tp,
            leader_epoch: change.leader_epoch,
            new_isr: change.proposal.to.clone(),
            zk_version: change.zk_version,
        });
        let request = AlterPartitionRequest { broker, broker_epoch: epoch, partitions: partitions.collect() };
        self.in_flight = Some(InFlight { request: request.clone(), changes, sent: true });
        Some(request)
    }

    /// What became of the request. Returns the changes that are answered, and whether to back off.
    pub fn on_answer(
        &mut self,
        answer: Result<AlterPartitionResponse, Disconnected>,
        rule: IsrAnswer,
    ) -> (Vec<Answered>, bool) {
        let Some(mut in_flight) = self.in_flight.take() else { return (Vec::new(), false) };
        match answer {
            Err(Disconnected) | Ok(AlterPartitionResponse { error: Some(KafkaError::NotController), .. }) => {
                in_flight.sent = false;
                self.in_flight = Some(in_flight);
                (Vec::new(), false)
            }
            Ok(AlterPartitionResponse { error: Some(_), .. }) => {
                self.backing_off = true;
                (Vec::new(), true)
            }
            Ok(AlterPartitionResponse { error: None, partitions }) => {
                let mut answered = Vec::new();
                for (tp, change) in in_flight.changes {
                    // One that the answer leaves out stays queued and goes out again.
                    let Some((_, result)) = partitions.iter().find(|(answered, _)| *answered == tp) else {
                        continue;
                    };
                    let is_own = self.queued.get(&tp).is_some_and(|queued| queued.number == change.number);
                    if rule.answer_clears(is_own) {
                        self.queued.remove(&tp);
                    }
                    answered.push((tp, change, result.clone()));
                }
                (answered, false)
            }
        }
    }

    /// The back-off is over.
    pub fn on_retry(&mut self) {
        self.backing_off = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: IsrAnswer = IsrAnswer::ClearsItsOwnRequest;

    fn t0() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    fn take(queue: &mut AlterPartitionQueue) -> Option<Vec<BrokerId>> {
        let request = queue.take_request(BrokerId(1), BrokerEpoch(7))?;
        Some(request.partitions[0].new_isr.clone())
    }

    fn submit(queue: &mut AlterPartitionQueue, epoch: i32, follower: i32) -> bool {
        let proposal = IsrProposal::expand(&[BrokerId(1)], BrokerId(follower));
        queue.submit(t0(), &proposal, LeaderEpoch(epoch), ZkVersion(3))
    }

    fn answer(error: Option<KafkaError>) -> Result<AlterPartitionResponse, Disconnected> {
        Ok(AlterPartitionResponse { error, partitions: vec![(t0(), Err(KafkaError::FencedLeaderEpoch))] })
    }

    #[test]
    fn the_same_request_goes_out_again_after_a_lost_connection() {
        let mut queue = AlterPartitionQueue::default();
        assert!(submit(&mut queue, 1, 2));
        assert!(!submit(&mut queue, 1, 3), "one change a partition");
        assert_eq!(take(&mut queue), Some(vec![BrokerId(1), BrokerId(2)]));
        assert_eq!(take(&mut queue), None, "one request at a time");
        for lost in [Err(Disconnected), answer(Some(KafkaError::NotController))] {
            assert!(queue.on_answer(lost, RULE).0.is_empty());
            assert_eq!(take(&mut queue), Some(vec![BrokerId(1), BrokerId(2)]));
        }
        let (answered, _) = queue.on_answer(answer(None), RULE);
        assert_eq!((answered.len(), take(&mut queue)), (1, None));
    }

    #[test]
    fn an_error_for_all_is_waited_out() {
        let mut queue = AlterPartitionQueue::default();
        submit(&mut queue, 1, 2);
        take(&mut queue);
        let (answered, back_off) = queue.on_answer(answer(Some(KafkaError::StaleBrokerEpoch)), RULE);
        assert!(answered.is_empty() && back_off && take(&mut queue).is_none());
        queue.on_retry();
        assert!(take(&mut queue).is_some());
    }

    #[test]
    fn an_answer_that_comes_after_a_leader_and_isr() {
        for (rule, accepted_meanwhile, sent_afterwards) in [
            (IsrAnswer::ClearsWhateverIsPending, true, false),
            (IsrAnswer::ClearsItsOwnRequest, false, false),
        ] {
            let mut queue = AlterPartitionQueue::default();
            submit(&mut queue, 1, 2);
            take(&mut queue);
            queue.on_leader_and_isr(t0(), rule);
            assert_eq!(submit(&mut queue, 2, 3), accepted_meanwhile, "{rule}");
            queue.on_answer(answer(None), rule);
            assert_eq!(
                take(&mut queue).is_some(),
                sent_afterwards,
                "{rule}: KAFKA-12686 forgets the new one"
            );
            assert!(submit(&mut queue, 2, 3), "{rule}");
        }
    }
}
