//! Deleting records (`kafka-delete-records.sh`, since 0.11, KIP-107: `DeleteRecordsCommand`, `AdminClient.deleteRecords`).
//!
//! 1. Ask any broker who leads the partition. What it does not know is refused here; so is a partition without a leader.
//! 2. Ask the leader to delete what is below the offset, and wait for its answer as long as the tool's time-out allows.
//!
//! A request whose connection is lost is sent again; the leader has perhaps carried it out, which does no harm.
//! Left out: several partitions at once.

use super::tool::refused;
use crate::client::{NetworkClient, Readiness};
use crate::command::OperatorError;
use crate::era::{Era, Release};
use crate::error::KafkaError;
use crate::ids::{CallId, NodeId, Offset, TopicPartition};
use crate::messages::delete_records::DeleteRecordsRequest;
use crate::messages::metadata::{MetadataRequest, MetadataResponse};
use crate::messages::{ApiKey, Response};
use crate::node::Env;
use crate::time::{Micros, Time};

/// For how long the tool tries, and how long one request may take: `request.timeout.ms` of the Scala client, then of the
/// Java client (2.0), then with `default.api.timeout.ms` beside it (2.5, KIP-533).
const TIMEOUTS: &[(Release, (Micros, Micros))] = &[
    (Release::FIRST, (Micros::from_millis(5_000), Micros::from_millis(5_000))),
    (Release::new(2, 0, 0), (Micros::from_millis(120_000), Micros::from_millis(120_000))),
    (Release::new(2, 5, 0), (Micros::from_millis(60_000), Micros::from_millis(30_000))),
];

/// For how long the tools of an era try, and how long one of their requests may take.
pub(super) fn timeouts(era: &Era) -> (Micros, Micros) {
    *era.release.look_up(TIMEOUTS).expect("the first entry is for all")
}

/// A deletion to be asked for.
#[derive(Clone, Debug)]
pub(super) struct DeleteRecords {
    partition: TopicPartition,
    before: Offset,
    /// When the tool gives up; known once it has begun.
    gives_up_at: Option<Time>,
    stage: Stage,
}

#[derive(Copy, Clone, Debug)]
enum Stage {
    FindBroker,
    Metadata(CallId),
    FindLeader(NodeId),
    Deletion(CallId, NodeId),
}

/// How it stands with the tool.
pub(super) enum Progress {
    /// It waits for an event, or until this time.
    Waits(Time),
    /// It is done, or refused.
    Done(Result<(), OperatorError>),
}

impl DeleteRecords {
    pub fn new(partition: TopicPartition, before: Offset) -> DeleteRecords {
        DeleteRecords { partition, before, gives_up_at: None, stage: Stage::FindBroker }
    }

    /// Does what can be done now.
    pub fn proceed(
        &mut self,
        client: &mut NetworkClient,
        brokers: &[NodeId],
        era: &Era,
        env: &mut Env<'_>,
    ) -> Progress {
        if ApiKey::DeleteRecords.newest_version(era.release).is_none() {
            let message = "kafka-delete-records.sh comes with 0.11 (KIP-107)";
            return Progress::Done(Err(refused(KafkaError::UnsupportedVersion, message)));
        }
        let (in_all, each) = timeouts(era);
        let gives_up_at = *self.gives_up_at.get_or_insert(env.now + in_all);
        if gives_up_at <= env.now {
            return self.fail(KafkaError::RequestTimedOut);
        }
        let retry_at = match self.stage {
            Stage::FindBroker => match least_loaded(client, brokers, env) {
                Ok(node) => {
                    let version = client.version(node, ApiKey::Metadata).expect("every release knows it");
                    let request = MetadataRequest { topics: Some(vec![self.partition.topic]) };
                    let call = client.send(node, version, request.into(), true, env);
                    self.stage = Stage::Metadata(call);
                    Time::NEVER
                }
                Err(retry_at) => retry_at,
            },
            Stage::FindLeader(leader) => match client.ready(leader, env) {
                Readiness::Ready => {
                    let Some(version) = client.version(leader, ApiKey::DeleteRecords) else {
                        return self.fail(KafkaError::UnsupportedVersion);
                    };
                    let timeout = gives_up_at.since(env.now).min(each);
                    let partitions = vec![(self.partition, self.before)];
                    let request = DeleteRecordsRequest { timeout, partitions };
                    let call = client.send(leader, version, request.into(), true, env);
                    self.stage = Stage::Deletion(call, leader);
                    Time::NEVER
                }
                Readiness::NotBefore(at) => at,
                Readiness::Waiting => Time::NEVER,
            },
            Stage::Metadata(_) | Stage::Deletion(..) => Time::NEVER,
        };
        Progress::Waits(retry_at.min(gives_up_at))
    }

    /// An answer; perhaps to what was given up before.
    pub fn on_response(&mut self, call: CallId, response: Response) -> Option<Result<(), OperatorError>> {
        match (self.stage, response) {
            (Stage::Metadata(asked), Response::Metadata(answer)) if asked == call => {
                match self.leader(&answer) {
                    Ok(leader) => {
                        self.stage = Stage::FindLeader(leader);
                        None
                    }
                    Err(error) => Some(Err(self.refusal(error))),
                }
            }
            (Stage::Deletion(asked, _), Response::DeleteRecords(answer)) if asked == call => {
                let told = answer.partitions.iter().find(|(partition, _)| *partition == self.partition);
                match told.map_or(Err(KafkaError::UnknownServerError), |(_, told)| *told) {
                    Ok(_) => Some(Ok(())),
                    Err(error) => Some(Err(self.refusal(error))),
                }
            }
            _ => None,
        }
    }

    /// A request was lost with its connection.
    pub fn on_lost(&mut self, call: CallId) {
        match self.stage {
            Stage::Metadata(asked) if asked == call => self.stage = Stage::FindBroker,
            Stage::Deletion(asked, leader) if asked == call => self.stage = Stage::FindLeader(leader),
            _ => {}
        }
    }

    fn leader(&self, answer: &MetadataResponse) -> Result<NodeId, KafkaError> {
        let topic = answer.topics.iter().find(|told| told.topic == self.partition.topic);
        let partitions = match topic.map(|told| &told.partitions) {
            None => return Err(KafkaError::UnknownTopicOrPartition),
            Some(Err(error)) => return Err(*error),
            Some(Ok(partitions)) => partitions,
        };
        let told = partitions.iter().find(|told| told.partition == self.partition.partition);
        let leader = told.and_then(|told| told.leader).ok_or(KafkaError::LeaderNotAvailable)?;
        let node = answer.brokers.iter().find(|(broker, _)| *broker == leader);
        node.map(|(_, node)| *node).ok_or(KafkaError::LeaderNotAvailable)
    }

    fn fail(&self, error: KafkaError) -> Progress {
        Progress::Done(Err(self.refusal(error)))
    }

    fn refusal(&self, error: KafkaError) -> OperatorError {
        refused(error, format!("partition: {} error: {}", self.partition, default_message(error)))
    }
}

/// A broker that can be asked now, or when to look again.
fn least_loaded(client: &mut NetworkClient, brokers: &[NodeId], env: &mut Env<'_>) -> Result<NodeId, Time> {
    let connected = brokers.iter().copied().filter(|node| client.is_connected(*node)).collect::<Vec<_>>();
    let mut retry_at = Time::NEVER;
    for node in connected.into_iter().chain(brokers.iter().copied()) {
        match client.ready(node, env) {
            Readiness::Ready => return Ok(node),
            Readiness::Waiting => return Err(Time::NEVER),
            Readiness::NotBefore(at) => retry_at = retry_at.min(at),
        }
    }
    Err(retry_at)
}

/// What the exception of an error says by itself (`Errors`): a broker's own words are not sent.
fn default_message(error: KafkaError) -> &'static str {
    match error {
        KafkaError::OffsetOutOfRange => {
            "The requested offset is not within the range of offsets maintained by the server."
        }
        KafkaError::UnknownTopicOrPartition => "This server does not host this topic-partition.",
        KafkaError::LeaderNotAvailable => {
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        }
        KafkaError::NotLeaderOrFollower => "This server is not the leader for that topic-partition.",
        KafkaError::RequestTimedOut => "The request timed out.",
        KafkaError::UnsupportedVersion => "The version of API is not supported.",
        KafkaError::PolicyViolation => "Request parameters do not satisfy the configured policy.",
        other => other.newest_name(),
    }
}
