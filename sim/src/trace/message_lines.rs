//! Messages in words, one line each: API, then only the fields that matter.

use super::group_lines;
use super::lines::isr;
use super::names::Names;
use crate::world::nodes::Nodes;
use kafka::era::Era;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId};
use kafka::messages::leader_and_isr::LeaderAndIsrPartition;
use kafka::messages::list_offsets::OffsetQuery;
use kafka::messages::zookeeper::{Op, OpResult, ZooKeeperAnswer, ZooKeeperRequest, ZooKeeperResponse};
use kafka::messages::{Request, Response};

fn epoch(epoch: Option<LeaderEpoch>) -> String {
    epoch.map_or(String::new(), |epoch| format!(" in epoch {epoch}"))
}

fn leadership(partition: &LeaderAndIsrPartition) -> String {
    let leader =
        if partition.leader == BrokerId::NONE { "none".to_owned() } else { partition.leader.to_string() };
    format!(
        "{} leader {leader} epoch {} isr {}",
        partition.partition,
        partition.leader_epoch,
        isr(&partition.isr)
    )
}

pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.len() {
        0..=4 => parts.join("; "),
        many => format!("{}; … ({many} partitions)", parts[..2].join("; ")),
    }
}

/// A request.
pub fn request(request: &Request, era: &Era) -> String {
    let body = match request {
        Request::Produce(produce) => {
            let acks = crate::checkers::ledger::acks_name(produce.acks);
            let batches = produce
                .partitions
                .iter()
                .map(|(partition, records)| format!("{partition} {} records", records.count()));
            format!("acks={acks} {}", joined(batches))
        }
        Request::Fetch(fetch) => joined(fetch.partitions.iter().map(|part| {
            format!("{} from {}{}", part.partition, part.fetch_offset, epoch(part.current_leader_epoch))
        })),
        Request::ListOffsets(list) => joined(list.partitions.iter().map(|(partition, query, current)| {
            let query = match query {
                OffsetQuery::Earliest => "earliest".to_owned(),
                OffsetQuery::Latest => "latest".to_owned(),
                OffsetQuery::AtOrAfter(timestamp) => format!("at or after {}", timestamp.0),
            };
            format!("{partition} {query}{}", epoch(*current))
        })),
        Request::Metadata(metadata) => match &metadata.topics {
            Some(topics) => topics.iter().map(|topic| topic.name()).collect::<Vec<_>>().join(" "),
            None => "all topics".to_owned(),
        },
        Request::LeaderAndIsr(control) => {
            format!(
                "controller epoch {}; {}",
                control.controller_epoch,
                joined(control.partitions.iter().map(leadership))
            )
        }
        Request::UpdateMetadata(control) => {
            let live: Vec<BrokerId> = control.live_brokers.iter().map(|(broker, _)| *broker).collect();
            let partitions = joined(control.partitions.iter().map(leadership));
            format!("controller epoch {}; live {}; {partitions}", control.controller_epoch, isr(&live))
        }
        Request::StopReplica(control) => {
            let partitions = control
                .partitions
                .iter()
                .map(|part| format!("{}{}", part.partition, if part.delete { " delete" } else { "" }));
            format!("controller epoch {}; {}", control.controller_epoch, joined(partitions))
        }
        Request::ControlledShutdown(shutdown) => format!("broker {}", shutdown.broker),
        Request::OffsetCommit(request) => group_lines::offset_commit(request),
        Request::OffsetFetch(request) => group_lines::offset_fetch(request),
        Request::FindCoordinator(request) => group_lines::find_coordinator(request),
        Request::JoinGroup(request) => group_lines::join_group(request),
        Request::Heartbeat(request) => group_lines::heartbeat(request),
        Request::LeaveGroup(request) => group_lines::leave_group(request),
        Request::SyncGroup(request) => group_lines::sync_group(request),
        Request::OffsetsForLeaderEpoch(ask) => joined(ask.partitions.iter().map(|question| {
            format!(
                "{} epoch {}{}",
                question.partition,
                question.leader_epoch,
                epoch(question.current_leader_epoch)
            )
        })),
        Request::DeleteRecords(delete) => {
            joined(delete.partitions.iter().map(|(partition, before)| match before.0 {
                -1 => format!("{partition} below the high watermark"),
                before => format!("{partition} below {before}"),
            }))
        }
        Request::AlterPartition(alter) => joined(alter.partitions.iter().map(|change| {
            format!("{} isr {} version {}", change.partition, isr(&change.new_isr), change.zk_version)
        })),
        Request::ZooKeeper(zookeeper) => self::zookeeper(zookeeper, era),
    };
    format!("{} {body}", request.api().name_in(era))
}

fn zookeeper(request: &ZooKeeperRequest, era: &Era) -> String {
    match request {
        ZooKeeperRequest::Connect { session: Some(session), .. } => format!("connect, session {}", session.0),
        ZooKeeperRequest::Connect { session: None, .. } => "connect".to_owned(),
        ZooKeeperRequest::Ping => "ping".to_owned(),
        ZooKeeperRequest::Op(op) => self::op(op, era),
        ZooKeeperRequest::Multi(ops) => {
            format!("multi [{}]", ops.iter().map(|one| op(one, era)).collect::<Vec<_>>().join(", "))
        }
        ZooKeeperRequest::Close => "close".to_owned(),
        ZooKeeperRequest::SetWatches { .. } => "set watches".to_owned(),
    }
}

fn op(op: &Op, era: &Era) -> String {
    match op {
        Op::Create { path, ephemeral, .. } => {
            format!("create {path}{}", if *ephemeral { " (ephemeral)" } else { "" })
        }
        Op::Delete { path, .. } => format!("delete {path}"),
        Op::SetData { path, data, .. } => format!("set {path} {}", data.text_in(era.release)),
        Op::Check { path, version } => format!("check {path} version {version}"),
        Op::GetData { path, .. } => format!("get {path}"),
        Op::Exists { path, .. } => format!("exists {path}"),
        Op::GetChildren { path, .. } => format!("children {path}"),
    }
}

/// A response.
pub fn response(response: &Response, names: &Names, era: &Era) -> String {
    let body = match response {
        Response::None => return "no answer".to_owned(),
        Response::Produce(produce) => joined(produce.partitions.iter().map(|outcome| match outcome.result {
            Ok(offset) => format!("{} at offset {offset}", outcome.partition),
            Err(error) => format!("{} {}", outcome.partition, error.name(era)),
        })),
        Response::Fetch(fetch) => {
            joined(fetch.partitions.iter().map(|part| match (part.error, part.diverging_epoch) {
                (Some(error), _) => format!("{} {}", part.partition, error.name(era)),
                (None, Some(diverging)) => {
                    format!(
                        "{} logs part: epoch {} ended at {}",
                        part.partition, diverging.epoch, diverging.end_offset
                    )
                }
                (None, None) => {
                    let records = names.cells(part.partition, &part.records);
                    let records = if records.is_empty() { "nothing".to_owned() } else { records };
                    format!("{} {records}, high watermark {}", part.partition, part.high_watermark)
                }
            }))
        }
        Response::ListOffsets(list) => {
            joined(list.partitions.iter().map(|(partition, result)| match result {
                Ok(found) => format!("{partition} {}", found.offset),
                Err(error) => format!("{partition} {}", error.name(era)),
            }))
        }
        Response::Metadata(metadata) => {
            let brokers: Vec<BrokerId> = metadata.brokers.iter().map(|(broker, _)| *broker).collect();
            let leaders = metadata.topics.iter().flat_map(|topic| {
                let partitions = topic.partitions.as_deref().unwrap_or_default();
                partitions.iter().map(|part| {
                    let leader = part.leader.map_or("none".to_owned(), |leader| leader.to_string());
                    format!("{}-{} leader {leader}", topic.topic, part.partition)
                })
            });
            format!("live {}; {}", isr(&brokers), joined(leaders))
        }
        Response::LeaderAndIsr(control) => outcome(control.error, &control.partitions, era),
        Response::StopReplica(control) => outcome(control.error, &control.partitions, era),
        Response::UpdateMetadata(control) => control.error.map_or("ok", |error| error.name(era)).to_owned(),
        Response::ControlledShutdown(shutdown) => match shutdown.error {
            Some(error) => error.name(era).to_owned(),
            None => format!("{} partitions remain", shutdown.remaining.len()),
        },
        Response::OffsetCommit(answer) => group_lines::offset_commit_answer(answer, era),
        Response::OffsetFetch(answer) => group_lines::offset_fetch_answer(answer, era),
        Response::FindCoordinator(answer) => group_lines::find_coordinator_answer(answer, era),
        Response::JoinGroup(answer) => group_lines::join_group_answer(answer, era),
        Response::Heartbeat(answer) => group_lines::heartbeat_answer(answer, era),
        Response::LeaveGroup(answer) => group_lines::leave_group_answer(answer, era),
        Response::SyncGroup(answer) => group_lines::sync_group_answer(answer, era),
        Response::OffsetsForLeaderEpoch(answer) => {
            joined(answer.partitions.iter().map(|(partition, result)| match result {
                Ok(end) => {
                    let epoch = end.leader_epoch.map_or(String::new(), |epoch| format!("epoch {epoch} "));
                    format!("{partition} {epoch}ended at {}", end.end_offset)
                }
                Err(error) => format!("{partition} {}", error.name(era)),
            }))
        }
        Response::DeleteRecords(answer) => {
            joined(answer.partitions.iter().map(|(partition, result)| match result {
                Ok(low_watermark) => format!("{partition} low watermark {low_watermark}"),
                Err(error) => format!("{partition} {}", error.name(era)),
            }))
        }
        Response::AlterPartition(alter) => match alter.error {
            Some(error) => error.name(era).to_owned(),
            None => joined(alter.partitions.iter().map(|(partition, result)| match result {
                Ok(state) => format!("{partition} isr {} version {}", isr(&state.isr), state.zk_version),
                Err(error) => format!("{partition} {}", error.name(era)),
            })),
        },
        Response::ZooKeeper(answer) => zookeeper_answer(answer, era),
    };
    format!("{} answer: {body}", response.api().map_or("no", |api| api.name_in(era)))
}

pub(super) fn outcome<T: std::fmt::Display>(
    error: Option<kafka::error::KafkaError>,
    partitions: &[(T, Option<kafka::error::KafkaError>)],
    era: &Era,
) -> String {
    if let Some(error) = error {
        return error.name(era).to_owned();
    }
    let refused = partitions
        .iter()
        .filter_map(|(partition, error)| error.map(|error| format!("{partition} {}", error.name(era))));
    let refused = joined(refused);
    if refused.is_empty() { "ok".to_owned() } else { refused }
}

fn zookeeper_answer(answer: &ZooKeeperResponse, era: &Era) -> String {
    match &answer.answer {
        ZooKeeperAnswer::Connected { session, .. } => format!("session {}", session.0),
        ZooKeeperAnswer::SessionExpired => "session expired".to_owned(),
        ZooKeeperAnswer::Pong => "pong".to_owned(),
        ZooKeeperAnswer::Op(Ok(result)) => match result {
            OpResult::Data(data, stat) => format!("{}, version {}", data.text_in(era.release), stat.version),
            OpResult::Children(names) => format!("[{}]", names.join(", ")),
            OpResult::Set(stat) => format!("version {}", stat.version),
            OpResult::Created { path, .. } => format!("created {path}"),
            OpResult::Exists(stat) => if stat.is_some() { "exists" } else { "does not exist" }.to_owned(),
            OpResult::Deleted | OpResult::Checked => "ok".to_owned(),
        },
        ZooKeeperAnswer::Op(Err(error)) => error.name().to_owned(),
        ZooKeeperAnswer::Multi(Ok(results)) => format!("all {} done", results.len()),
        ZooKeeperAnswer::Multi(Err((index, error))) => format!("operation {index}: {}", error.name()),
        ZooKeeperAnswer::Closed => "closed".to_owned(),
        ZooKeeperAnswer::WatchesSet => "watches set".to_owned(),
    }
}

/// `broker-1 → broker-2`.
pub fn route(from: NodeId, to: NodeId, nodes: &Nodes) -> String {
    format!("{} → {}", nodes.name(from), nodes.name(to))
}
