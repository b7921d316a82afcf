//! Messages between a member of a group and its coordinator, in words: what stands behind the name of the API.

use bytes::Bytes;
use kafka::consumer::protocol;
use kafka::era::Era;
use kafka::error::KafkaError;
use kafka::ids::TopicPartition;
use kafka::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use kafka::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafka::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use kafka::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use kafka::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
use kafka::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

fn refused(error: Option<KafkaError>, era: &Era, otherwise: impl FnOnce() -> String) -> String {
    error.map_or_else(otherwise, |error| error.name(era).to_owned())
}

/// `t-0 t-1`, or `nothing`.
fn partitions(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions.iter().map(TopicPartition::to_string).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
}

/// An assignment of Kafka's consumers, or how long it is.
fn assignment(bytes: &Bytes) -> String {
    match protocol::read_assignment(bytes) {
        Ok(assigned) => partitions(&assigned),
        Err(_) if bytes.is_empty() => "nothing".to_owned(),
        Err(_) => format!("{} bytes", bytes.len()),
    }
}

fn member(id: &str) -> &str {
    if id.is_empty() { "a new member" } else { id }
}

pub(super) fn offset_commit(commit: &OffsetCommitRequest) -> String {
    let partitions = commit.partitions.iter().map(|part| format!("{} at {}", part.partition, part.offset));
    let by = if commit.member.is_empty() {
        String::new()
    } else {
        format!(" by {} in generation {}", commit.member, commit.generation)
    };
    format!("group {}{by}; {}", commit.group, super::message_lines::joined(partitions))
}

pub(super) fn offset_commit_answer(answer: &OffsetCommitResponse, era: &Era) -> String {
    super::message_lines::outcome(None, &answer.partitions, era)
}

pub(super) fn offset_fetch(fetch: &OffsetFetchRequest) -> String {
    let asked = fetch.partitions.as_deref().map_or("everything".to_owned(), partitions);
    format!("group {}; {asked}", fetch.group)
}

pub(super) fn offset_fetch_answer(answer: &OffsetFetchResponse, era: &Era) -> String {
    refused(answer.error, era, || {
        super::message_lines::joined(answer.partitions.iter().map(|(partition, committed)| match committed {
            Ok(committed) if committed.offset.0 < 0 => format!("{partition} none"),
            Ok(committed) => format!("{partition} at {}", committed.offset),
            Err(error) => format!("{partition} {}", error.name(era)),
        }))
    })
}

pub(super) fn find_coordinator(find: &FindCoordinatorRequest) -> String {
    format!("group {}", find.group)
}

pub(super) fn find_coordinator_answer(answer: &FindCoordinatorResponse, era: &Era) -> String {
    match answer.coordinator {
        Ok((broker, _)) => format!("broker {broker}"),
        Err(error) => error.name(era).to_owned(),
    }
}

pub(super) fn join_group(join: &JoinGroupRequest) -> String {
    let protocols: Vec<&str> = join.protocols.iter().map(|(name, _)| &**name).collect();
    format!("group {}; {} knows {}", join.group, member(&join.member), protocols.join(", "))
}

pub(super) fn join_group_answer(answer: &JoinGroupResponse, era: &Era) -> String {
    match answer.error {
        Some(KafkaError::MemberIdRequired) => format!("MEMBER_ID_REQUIRED, it is {}", answer.member),
        Some(error) => error.name(era).to_owned(),
        None if answer.members.is_empty() => {
            format!("generation {}, {} leads", answer.generation, answer.leader)
        }
        None => format!("generation {}, you lead {} members", answer.generation, answer.members.len()),
    }
}

pub(super) fn heartbeat(heartbeat: &HeartbeatRequest) -> String {
    format!("group {}; {} in generation {}", heartbeat.group, heartbeat.member, heartbeat.generation)
}

pub(super) fn heartbeat_answer(answer: &HeartbeatResponse, era: &Era) -> String {
    refused(answer.error, era, || "ok".to_owned())
}

pub(super) fn leave_group(leave: &LeaveGroupRequest) -> String {
    let members = leave.members.iter().map(|leaving| match &leaving.instance {
        Some(instance) if leaving.member.is_empty() => instance.to_string(),
        _ => leaving.member.to_string(),
    });
    format!("group {}; {}", leave.group, super::message_lines::joined(members))
}

pub(super) fn leave_group_answer(answer: &LeaveGroupResponse, era: &Era) -> String {
    let first = answer.members.iter().find_map(|member| member.error);
    refused(answer.error.or(first), era, || "ok".to_owned())
}

pub(super) fn sync_group(sync: &SyncGroupRequest) -> String {
    let assignments =
        sync.assignments.iter().map(|(member, bytes)| format!("{member} {}", assignment(bytes)));
    let assignments = super::message_lines::joined(assignments);
    let head = format!("group {}; {} in generation {}", sync.group, sync.member, sync.generation);
    if assignments.is_empty() { head } else { format!("{head}: {assignments}") }
}

pub(super) fn sync_group_answer(answer: &SyncGroupResponse, era: &Era) -> String {
    refused(answer.error, era, || assignment(&answer.assignment))
}
