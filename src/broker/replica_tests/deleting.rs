//! What an operator sees who has records deleted (KIP-107).

use super::bench::{Bench, t};
use crate::config::CleanupPolicy;
use crate::error::KafkaError;
use crate::ids::{BrokerId, ControllerEpoch, NodeId, Offset};
use crate::messages::Response;
use crate::messages::delete_records::DeleteRecordsRequest;
use crate::messages::produce::Acks;
use crate::messages::update_metadata::UpdateMetadataRequest;
use crate::time::Micros;

/// Broker 1 leads `t-0`, which holds m0 to m3 in epoch 1; brokers 1 and those given are alive, broker 2 has everything.
fn leader(release: &str, live: &[i32]) -> Bench {
    let mut broker = Bench::new(release);
    broker.knows(&[t(0)], live);
    broker.lead(t(0), 1, &[1, 2]);
    for number in 0..4 {
        broker.produce(t(0), Acks::Leader, &format!("m{number}"));
    }
    broker.tells(2, 4, 0);
    broker
}

impl Bench {
    /// The controller tells of these partitions and of the brokers that are alive.
    fn knows(&mut self, partitions: &[crate::ids::TopicPartition], live: &[i32]) {
        self.manager.metadata.update(UpdateMetadataRequest {
            controller: BrokerId(1),
            controller_epoch: ControllerEpoch(1),
            broker_epoch: None,
            partitions: partitions.iter().map(|tp| self.state(*tp, 1, 1, &[1, 2])).collect(),
            live_brokers: live.iter().map(|id| (BrokerId(*id), NodeId(*id as u16))).collect(),
            racks: Vec::new(),
        });
    }

    /// A follower fetches, and with that tells where its log ends and starts.
    fn tells(&mut self, replica: i32, end: i64, start: i64) {
        let asked = Bench::asked(t(0), end);
        let asked = crate::messages::fetch::FetchPartition { log_start_offset: Some(Offset(start)), ..asked };
        self.send(Bench::fetch_request(replica, asked).into());
    }

    /// An operator asks for a deletion, and waits 10 s.
    fn delete(&mut self, before: i64) -> u32 {
        let timeout = Micros::from_millis(10_000);
        self.send(DeleteRecordsRequest { timeout, partitions: vec![(t(0), Offset(before))] }.into())
    }

    /// What he was answered.
    fn deleted(&mut self, number: u32) -> Option<Result<i64, KafkaError>> {
        match self.answer(number)? {
            Response::DeleteRecords(response) => Some(response.partitions[0].1.map(|offset| offset.0)),
            other => unreachable!("{other:?}"),
        }
    }

    fn log_start(&self) -> i64 {
        self.manager.partition(t(0)).unwrap().log.start_offset().0
    }
}

#[test]
fn a_deletion_waits_for_the_live_replicas() {
    for release in ["0.11.0.2", "1.1.1", "2.8.2", "3.9.1"] {
        let mut broker = leader(release, &[1, 2]);
        let delete = broker.delete(3);
        assert_eq!(
            (broker.log_start(), broker.deleted(delete)),
            (3, None),
            "{release}: at once, and it waits"
        );
        broker.tells(2, 4, 2);
        assert_eq!(broker.deleted(delete), None, "{release}: not far enough");
        broker.tells(2, 4, 3);
        assert_eq!(broker.deleted(delete), Some(Ok(3)), "{release}: broker 3 is not alive");
        let again = broker.delete(1);
        assert_eq!(broker.deleted(again), Some(Ok(3)), "{release}: it is deleted already");
        let all = broker.delete(-1);
        assert_eq!(
            (broker.log_start(), broker.deleted(all)),
            (4, None),
            "{release}: -1 is the high watermark"
        );
    }
}

#[test]
fn who_does_not_fetch_is_waited_for_until_time_is_up() {
    let mut broker = leader("2.8.2", &[1, 2, 3]);
    let delete = broker.delete(2);
    broker.tells(2, 4, 2);
    broker.pass(9_999);
    assert_eq!(broker.deleted(delete), None);
    // As in Kafka: nobody looks again when broker 3 dies.
    broker.knows(&[], &[1, 2]);
    broker.pass(1);
    assert_eq!(broker.deleted(delete), Some(Err(KafkaError::RequestTimedOut)));
    assert_eq!(broker.log_start(), 2, "the leader has deleted all the same");
}

#[test]
fn deletions_that_cannot_be_are_refused() {
    let mut broker = leader("2.8.2", &[1, 2]);
    for before in [5, -2] {
        let delete = broker.delete(before);
        assert_eq!(broker.deleted(delete), Some(Err(KafkaError::OffsetOutOfRange)), "{before}");
    }
    broker.follow(t(0), 2, 2);
    let delete = broker.delete(2);
    assert_eq!(broker.deleted(delete), Some(Err(KafkaError::NotLeaderOrFollower)));
    let mut broker = Bench::new("2.8.2");
    let delete = broker.delete(0);
    assert_eq!(broker.deleted(delete), Some(Err(KafkaError::UnknownTopicOrPartition)));
}

#[test]
fn a_compacted_topic_refuses_before_it_deletes_since_1_1() {
    for (release, start) in [("0.11.0.2", 2), ("1.0.2", 2), ("1.1.0", 0), ("3.9.1", 0)] {
        let mut broker = leader(release, &[1, 2]);
        broker.topic.cleanup = CleanupPolicy { delete: false, compact: true };
        broker.lead(t(0), 2, &[1, 2]);
        let delete = broker.delete(2);
        assert_eq!(broker.deleted(delete), Some(Err(KafkaError::PolicyViolation)), "{release}");
        assert_eq!(broker.log_start(), start, "{release}");
    }
}

#[test]
fn a_restart_forgets_what_no_checkpoint_has() {
    for (millis, start) in [(29_999, 0), (30_000, 3)] {
        let mut broker = leader("2.8.2", &[1, 2]);
        broker.delete(3);
        broker.pass(millis);
        let broker = broker.restart();
        assert_eq!(broker.log_start(), start, "after {millis} ms");
        let epochs = broker.manager.partition(t(0)).unwrap().log.epochs().to_vec();
        assert_eq!(epochs[0].start, Offset(3), "the epoch cache was cut at once");
    }
}
