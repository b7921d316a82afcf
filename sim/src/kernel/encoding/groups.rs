//! Messages between a member of a group and its coordinator.

use super::{epoch, error, head, option_bytes, result, topic_partition};
use crate::kernel::hash::{RunningHash, two};
use bytes::Bytes;
use kafka::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafka::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};
use kafka::messages::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafka::messages::leave_group::{LeaveGroupRequest, LeaveGroupResponse};
use kafka::messages::offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
use kafka::messages::offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
use kafka::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};
use std::sync::Arc;

fn text(hash: &mut RunningHash, text: &str) {
    hash.put_bytes(text.as_bytes());
}

fn optional(hash: &mut RunningHash, text: &Option<Arc<str>>) {
    option_bytes(hash, text.as_deref().map(str::as_bytes));
}

fn named(hash: &mut RunningHash, list: &[(Arc<str>, Bytes)]) {
    for (name, bytes) in list {
        text(hash, name);
        hash.put_bytes(bytes);
    }
}

pub(super) fn offset_commit(hash: &mut RunningHash, commit: &OffsetCommitRequest) {
    head(hash, 8, 0, commit.partitions.len());
    text(hash, &commit.group);
    text(hash, &commit.member);
    optional(hash, &commit.instance);
    hash.put_all([commit.generation as u64, commit.retention.map_or(u64::MAX, |retention| retention.0)]);
    for partition in &commit.partitions {
        topic_partition(hash, partition.partition);
        hash.put_all([partition.offset.0 as u64, two(epoch(partition.leader_epoch), 0)]);
        text(hash, &partition.metadata);
    }
}

pub(super) fn offset_commit_answer(hash: &mut RunningHash, answer: &OffsetCommitResponse) {
    super::partition_errors(hash, 8, None, &answer.partitions);
}

pub(super) fn offset_fetch(hash: &mut RunningHash, fetch: &OffsetFetchRequest) {
    let flags = u8::from(fetch.partitions.is_some()) | u8::from(fetch.require_stable) << 1;
    head(hash, 9, flags, fetch.partitions.as_ref().map_or(0, Vec::len));
    text(hash, &fetch.group);
    fetch.partitions.iter().flatten().for_each(|partition| topic_partition(hash, *partition));
}

pub(super) fn offset_fetch_answer(hash: &mut RunningHash, answer: &OffsetFetchResponse) {
    head(hash, 9, 0, answer.partitions.len());
    hash.put_two(error(answer.error), 0);
    for (partition, committed) in &answer.partitions {
        topic_partition(hash, *partition);
        result(hash, committed, |hash, committed| {
            hash.put_all([committed.offset.0 as u64, two(epoch(committed.leader_epoch), 0)]);
            text(hash, &committed.metadata);
        });
    }
}

pub(super) fn find_coordinator(hash: &mut RunningHash, find: &FindCoordinatorRequest) {
    head(hash, 10, 0, 0);
    text(hash, &find.group);
}

pub(super) fn find_coordinator_answer(hash: &mut RunningHash, answer: &FindCoordinatorResponse) {
    head(hash, 10, 0, 0);
    result(hash, &answer.coordinator, |hash, (broker, node)| hash.put_two(broker.0, i32::from(node.0)));
}

pub(super) fn join_group(hash: &mut RunningHash, join: &JoinGroupRequest) {
    head(hash, 11, 0, join.protocols.len());
    [&join.group, &join.client, &join.member, &join.protocol_type].iter().for_each(|name| text(hash, name));
    optional(hash, &join.instance);
    optional(hash, &join.reason);
    hash.put_all([join.session_timeout.0, join.rebalance_timeout.0]);
    named(hash, &join.protocols);
}

pub(super) fn join_group_answer(hash: &mut RunningHash, answer: &JoinGroupResponse) {
    head(hash, 11, u8::from(answer.skip_assignment), answer.members.len());
    hash.put_two(error(answer.error), answer.generation);
    optional(hash, &answer.protocol_type);
    optional(hash, &answer.protocol);
    text(hash, &answer.leader);
    text(hash, &answer.member);
    for member in &answer.members {
        text(hash, &member.member);
        optional(hash, &member.instance);
        hash.put_bytes(&member.subscription);
    }
}

pub(super) fn heartbeat(hash: &mut RunningHash, heartbeat: &HeartbeatRequest) {
    head(hash, 12, 0, 0);
    hash.put(heartbeat.generation as u64);
    text(hash, &heartbeat.group);
    text(hash, &heartbeat.member);
    optional(hash, &heartbeat.instance);
}

pub(super) fn heartbeat_answer(hash: &mut RunningHash, answer: &HeartbeatResponse) {
    head(hash, 12, 0, 0);
    hash.put_two(error(answer.error), 0);
}

pub(super) fn leave_group(hash: &mut RunningHash, leave: &LeaveGroupRequest) {
    head(hash, 13, 0, leave.members.len());
    text(hash, &leave.group);
    for member in &leave.members {
        text(hash, &member.member);
        optional(hash, &member.instance);
        optional(hash, &member.reason);
    }
}

pub(super) fn leave_group_answer(hash: &mut RunningHash, answer: &LeaveGroupResponse) {
    head(hash, 13, 0, answer.members.len());
    hash.put_two(error(answer.error), 0);
    for member in &answer.members {
        text(hash, &member.member);
        optional(hash, &member.instance);
        hash.put_two(error(member.error), 0);
    }
}

pub(super) fn sync_group(hash: &mut RunningHash, sync: &SyncGroupRequest) {
    head(hash, 14, 0, sync.assignments.len());
    hash.put(sync.generation as u64);
    text(hash, &sync.group);
    text(hash, &sync.member);
    [&sync.instance, &sync.protocol_type, &sync.protocol].iter().for_each(|name| optional(hash, name));
    named(hash, &sync.assignments);
}

pub(super) fn sync_group_answer(hash: &mut RunningHash, answer: &SyncGroupResponse) {
    head(hash, 14, 0, 0);
    hash.put_two(error(answer.error), 0);
    optional(hash, &answer.protocol_type);
    optional(hash, &answer.protocol);
    hash.put_bytes(&answer.assignment);
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka::error::KafkaError;
    use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
    use kafka::messages::join_group::JoinedMember;
    use kafka::messages::leave_group::{LeavingMember, LeftMember};
    use kafka::messages::offset_commit::OffsetCommitPartition;
    use kafka::messages::offset_fetch::CommittedOffset;
    use kafka::messages::{Request, Response};
    use kafka::time::Micros;

    /// Adds a message, and one for each change of it.
    macro_rules! vary {
        ($all:ident, $message:expr, $(|$it:ident| $change:expr),* $(,)?) => {
            let message = $message;
            $all.push(message.clone().into());
            $({
                let mut changed = message.clone();
                let $it = &mut changed;
                $change;
                $all.push(changed.into());
            })*
        };
    }

    fn all_differ<T: std::fmt::Debug>(messages: &[T], encode: impl Fn(&mut RunningHash, &T)) {
        let mut seen = std::collections::BTreeMap::new();
        for message in messages {
            let mut hash = RunningHash::default();
            encode(&mut hash, message);
            if let Some(twin) = seen.insert(hash.value(), message) {
                panic!("encoded alike:\n{twin:?}\n{message:?}");
            }
        }
    }

    fn x() -> Arc<str> {
        "x".into()
    }

    fn p(number: i32) -> TopicPartition {
        TopicPartition::new("t", number)
    }

    #[test]
    fn no_two_requests_are_alike() {
        let mut all: Vec<Request> = Vec::new();
        let committed = OffsetCommitPartition {
            partition: p(0),
            offset: Offset(1),
            leader_epoch: None,
            metadata: "".into(),
        };
        vary!(
            all,
            OffsetCommitRequest {
                group: "g".into(),
                generation: 1,
                member: "m".into(),
                instance: None,
                retention: None,
                partitions: vec![committed],
            },
            |it| it.group = x(),
            |it| it.generation = 2,
            |it| it.member = x(),
            |it| it.instance = Some("".into()),
            |it| it.retention = Some(Micros(1)),
            |it| it.partitions[0].partition = p(1),
            |it| it.partitions[0].offset = Offset(2),
            |it| it.partitions[0].leader_epoch = Some(LeaderEpoch(0)),
            |it| it.partitions[0].metadata = x(),
            |it| it.partitions.clear(),
        );
        vary!(
            all,
            OffsetFetchRequest { group: "g".into(), partitions: None, require_stable: false },
            |it| it.group = x(),
            |it| it.partitions = Some(Vec::new()),
            |it| it.partitions = Some(vec![p(0)]),
            |it| it.require_stable = true,
        );
        vary!(all, FindCoordinatorRequest { group: "g".into() }, |it| it.group = x());
        vary!(
            all,
            JoinGroupRequest {
                group: "g".into(),
                client: "c".into(),
                session_timeout: Micros(1),
                rebalance_timeout: Micros(1),
                member: "".into(),
                instance: None,
                protocol_type: "consumer".into(),
                protocols: vec![("range".into(), Bytes::from_static(b"1"))],
                reason: None,
            },
            |it| it.group = x(),
            |it| it.client = x(),
            |it| it.session_timeout = Micros(2),
            |it| it.rebalance_timeout = Micros(2),
            |it| it.member = x(),
            |it| it.instance = Some("".into()),
            |it| it.protocol_type = x(),
            |it| it.protocols[0].0 = x(),
            |it| it.protocols[0].1 = Bytes::from_static(b"2"),
            |it| it.protocols.clear(),
            |it| it.reason = Some("".into()),
        );
        vary!(
            all,
            HeartbeatRequest { group: "g".into(), generation: 1, member: "m".into(), instance: None },
            |it| it.group = x(),
            |it| it.generation = 2,
            |it| it.member = x(),
            |it| it.instance = Some("".into()),
        );
        let leaving = LeavingMember { member: "m".into(), instance: None, reason: None };
        vary!(
            all,
            LeaveGroupRequest { group: "g".into(), members: vec![leaving] },
            |it| it.group = x(),
            |it| it.members[0].member = x(),
            |it| it.members[0].instance = Some("".into()),
            |it| it.members[0].reason = Some("".into()),
            |it| it.members.clear(),
        );
        vary!(
            all,
            SyncGroupRequest {
                group: "g".into(),
                generation: 1,
                member: "m".into(),
                instance: None,
                protocol_type: None,
                protocol: None,
                assignments: vec![("m".into(), Bytes::from_static(b"1"))],
            },
            |it| it.group = x(),
            |it| it.generation = 2,
            |it| it.member = x(),
            |it| it.instance = Some("".into()),
            |it| it.protocol_type = Some("".into()),
            |it| it.protocol = Some("".into()),
            |it| it.assignments[0].0 = x(),
            |it| it.assignments[0].1 = Bytes::from_static(b"2"),
            |it| it.assignments.clear(),
        );
        all_differ(&all, crate::kernel::encoding::request);
    }

    #[test]
    fn no_two_responses_are_alike() {
        let refused = Some(KafkaError::NotCoordinator);
        let mut all: Vec<Response> = Vec::new();
        vary!(
            all,
            OffsetCommitResponse { partitions: vec![(p(0), None)] },
            |it| it.partitions[0].0 = p(1),
            |it| it.partitions[0].1 = refused,
        );
        let committed = CommittedOffset { offset: Offset(1), leader_epoch: None, metadata: "".into() };
        vary!(
            all,
            OffsetFetchResponse { error: None, partitions: vec![(p(0), Ok(committed.clone()))] },
            |it| it.error = refused,
            |it| it.partitions[0].0 = p(1),
            |it| it.partitions[0].1 = Err(KafkaError::NotCoordinator),
            |it| it.partitions[0].1 = Ok(CommittedOffset { offset: Offset(-1), ..committed.clone() }),
            |it| it.partitions[0].1 =
                Ok(CommittedOffset { leader_epoch: Some(LeaderEpoch(0)), ..committed.clone() }),
            |it| it.partitions[0].1 = Ok(CommittedOffset { metadata: x(), ..committed.clone() }),
        );
        vary!(
            all,
            FindCoordinatorResponse { coordinator: Ok((BrokerId(1), NodeId(1))) },
            |it| it.coordinator = Ok((BrokerId(2), NodeId(1))),
            |it| it.coordinator = Ok((BrokerId(1), NodeId(2))),
            |it| it.coordinator = Err(KafkaError::CoordinatorNotAvailable),
        );
        let member = JoinedMember { member: "m".into(), instance: None, subscription: Bytes::new() };
        vary!(
            all,
            JoinGroupResponse {
                error: None,
                generation: 1,
                protocol_type: None,
                protocol: None,
                leader: "m".into(),
                skip_assignment: false,
                member: "m".into(),
                members: vec![member],
            },
            |it| it.error = refused,
            |it| it.generation = 2,
            |it| it.protocol_type = Some("".into()),
            |it| it.protocol = Some("".into()),
            |it| it.leader = x(),
            |it| it.skip_assignment = true,
            |it| it.member = x(),
            |it| it.members[0].member = x(),
            |it| it.members[0].instance = Some("".into()),
            |it| it.members[0].subscription = Bytes::from_static(b"1"),
            |it| it.members.clear(),
        );
        vary!(all, HeartbeatResponse { error: None }, |it| it.error = refused);
        let left = LeftMember { member: "m".into(), instance: None, error: None };
        vary!(
            all,
            LeaveGroupResponse { error: None, members: vec![left] },
            |it| it.error = refused,
            |it| it.members[0].member = x(),
            |it| it.members[0].instance = Some("".into()),
            |it| it.members[0].error = refused,
            |it| it.members.clear(),
        );
        vary!(
            all,
            SyncGroupResponse { error: None, protocol_type: None, protocol: None, assignment: Bytes::new() },
            |it| it.error = refused,
            |it| it.protocol_type = Some("".into()),
            |it| it.protocol = Some("".into()),
            |it| it.assignment = Bytes::from_static(b"1"),
        );
        all_differ(&all, crate::kernel::encoding::response);
    }
}
