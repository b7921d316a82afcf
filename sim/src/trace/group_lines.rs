//! Groups in words: what their coordinator notes, and messages between it and members (what stands behind the name of
//! the API).

use super::Zoom;
use bytes::Bytes;
use kafka::consumer::protocol;
use kafka::era::Era;
use kafka::error::KafkaError;
use kafka::group::rebalance::Reason;
use kafka::ids::TopicPartition;
use kafka::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use kafka::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafka::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use kafka::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use kafka::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
use kafka::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use kafka::note::GroupNote;

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

/// A member by what its application called it: its id without the UUID behind.
fn member(id: &str) -> &str {
    const UUID: usize = 36;
    match id.len().checked_sub(UUID + 1).and_then(|end| Some((id.get(..end)?, id.get(end..end + 1)?))) {
        Some((name, "-")) if !name.is_empty() => name,
        _ if id.is_empty() => "a new member",
        _ => id,
    }
}

fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Joined => "a new member",
        Reason::Subscribes => "a member joins again",
        Reason::LeaderRejoined => "the leader joins again",
        Reason::StaticRejoined => "a static member is back",
        Reason::Left => "a member has left",
        Reason::Silent => "a member is silent",
        Reason::NeverSynced => "members never asked for their assignment",
        Reason::NotStored => "the assignment could not be written",
    }
}

/// What a coordinator says of a group.
pub(super) fn note(group: &str, note: &GroupNote) -> (Zoom, String) {
    match note {
        GroupNote::MemberJoined { member: id } => {
            (Zoom::Story, format!("group {group}: {} is added", member(id)))
        }
        GroupNote::MemberLeft { member: id } => {
            (Zoom::Story, format!("group {group}: {} leaves", member(id)))
        }
        GroupNote::MemberRemoved { member: id, late } => {
            let why = if *late { "too late" } else { "silent" };
            (Zoom::Story, format!("group {group}: {} is OUT: {why}", member(id)))
        }
        GroupNote::RebalanceBegan { generation, reason } => (
            Zoom::Story,
            format!("group {group}: rebalance, generation {generation} ends: {}", because(*reason)),
        ),
        GroupNote::GenerationBegan { generation, leader: Some(leader), members, .. } => {
            let members: Vec<&str> = members.iter().map(|id| member(id)).collect();
            let (leader, members) = (member(leader), members.join(", "));
            (Zoom::Story, format!("group {group}: generation {generation} begins: {members}; {leader} leads"))
        }
        GroupNote::GenerationBegan { generation, .. } => {
            (Zoom::Story, format!("group {group}: generation {generation}: nobody is left"))
        }
        GroupNote::Stable { generation } => {
            (Zoom::Story, format!("group {group}: generation {generation} is stable"))
        }
        GroupNote::Committed { offsets } => {
            let offsets = offsets.iter().map(|(partition, offset)| format!("{partition} at {offset}"));
            (Zoom::Story, format!("group {group}: committed {}", super::message_lines::joined(offsets)))
        }
        GroupNote::Loaded { generation, members, offsets } => {
            let what = format!("generation {generation}, {members} members, offsets of {offsets} partitions");
            (Zoom::Story, format!("group {group}: read from the log: {what}"))
        }
        GroupNote::Unloaded => (Zoom::Story, format!("group {group}: not coordinated here any more")),
    }
}

pub(super) fn offset_commit(commit: &OffsetCommitRequest) -> String {
    let partitions = commit.partitions.iter().map(|part| format!("{} at {}", part.partition, part.offset));
    let by = if commit.member.is_empty() {
        String::new()
    } else {
        format!(" by {} in generation {}", member(&commit.member), commit.generation)
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
            format!("generation {}, {} leads", answer.generation, member(&answer.leader))
        }
        None => format!("generation {}, you lead {} members", answer.generation, answer.members.len()),
    }
}

pub(super) fn heartbeat(heartbeat: &HeartbeatRequest) -> String {
    format!("group {}; {} in generation {}", heartbeat.group, member(&heartbeat.member), heartbeat.generation)
}

pub(super) fn heartbeat_answer(answer: &HeartbeatResponse, era: &Era) -> String {
    refused(answer.error, era, || "ok".to_owned())
}

pub(super) fn leave_group(leave: &LeaveGroupRequest) -> String {
    let members = leave.members.iter().map(|leaving| match &leaving.instance {
        Some(instance) if leaving.member.is_empty() => instance.to_string(),
        _ => member(&leaving.member).to_owned(),
    });
    format!("group {}; {}", leave.group, super::message_lines::joined(members))
}

pub(super) fn leave_group_answer(answer: &LeaveGroupResponse, era: &Era) -> String {
    let first = answer.members.iter().find_map(|member| member.error);
    refused(answer.error.or(first), era, || "ok".to_owned())
}

pub(super) fn sync_group(sync: &SyncGroupRequest) -> String {
    let assignments =
        sync.assignments.iter().map(|(id, bytes)| format!("{} {}", member(id), assignment(bytes)));
    let assignments = super::message_lines::joined(assignments);
    let head = format!("group {}; {} in generation {}", sync.group, member(&sync.member), sync.generation);
    if assignments.is_empty() { head } else { format!("{head}: {assignments}") }
}

pub(super) fn sync_group_answer(answer: &SyncGroupResponse, era: &Era) -> String {
    refused(answer.error, era, || assignment(&answer.assignment))
}
