//! How messages, commands and events are written down for the hash: little-endian, every field that matters, in a fixed
//! order. A record batch counts by its header and CRC. One file, so that a new field is added in one place.
//!
//! Lists carry their length and options a mark, so that no two messages run into the same bytes. Small fields share a
//! word. The numbers of variants are given here and not by the compiler.

mod groups;
mod zookeeper;

use crate::kernel::hash::{RunningHash, two};
use kafka::command::{Command, Placement, StartAt};
use kafka::error::KafkaError;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Topic, TopicPartition};
use kafka::log::batch::{RecordBatch, RecordSet};
use kafka::messages::leader_and_isr::LeaderAndIsrPartition;
use kafka::messages::list_offsets::OffsetQuery;
use kafka::messages::produce::Acks;
use kafka::messages::zookeeper::{WatchEvent, WatchKind};
use kafka::messages::{Request, Response};
use kafka::node::Channel;
use kafka::time::Time;
use kafka::zookeeper::znode::ReplicaAssignment;

/// What kind of event: the first byte of each.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum EventKind {
    /// A process started.
    Start = 1,
    /// A wake that was due, with the number of turns it stands for.
    Wake = 2,
    /// A command.
    Command = 3,
    /// A request.
    Request = 4,
    /// A response.
    Response = 5,
    /// A call without an answer.
    NoAnswer = 6,
    /// A channel was connected.
    Connected = 7,
    /// A channel could not be connected.
    ConnectFailed = 8,
    /// A channel is gone.
    ChannelLost = 9,
    /// A watch event.
    Pushed = 10,
    /// A connection of a peer is gone.
    PeerGone = 11,
    /// A machine answered a SYN.
    Handshake = 12,
    /// A fault; which one follows.
    Fault = 13,
}

/// The head of an event: kind, node, time and a number that depends on the kind.
#[inline]
pub fn event(hash: &mut RunningHash, kind: EventKind, node: NodeId, at: Time, detail: u32) {
    if hash.is_mute() {
        return;
    }
    hash.put_all([at.0, kind as u64 | u64::from(node.0) << 8 | u64::from(detail) << 32]);
}

/// A channel between two nodes, seen from one.
#[inline]
pub fn channel(hash: &mut RunningHash, peer: NodeId, channel: Channel) {
    let (kind, number) = match channel {
        Channel::Data => (1, 0),
        Channel::Coordinator => (2, 0),
        Channel::Fetcher(number) => (3, number),
        Channel::Controller => (4, 0),
        Channel::ToController => (5, 0),
        Channel::ZooKeeper => (6, 0),
    };
    hash.put(kind | u64::from(number) << 8 | u64::from(peer.0) << 16);
}

/// A request.
pub fn request(hash: &mut RunningHash, request: &Request) {
    if hash.is_mute() {
        return;
    }
    match request {
        Request::Produce(produce) => {
            let acks = match produce.acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => 2,
            };
            head(hash, 0, acks, produce.partitions.len());
            hash.put(produce.timeout.0);
            for (partition, records) in &produce.partitions {
                topic_partition(hash, *partition);
                if let RecordSet::Messages(entries) = records {
                    hash.put(entries.len() as u64);
                }
                records.entries().iter().for_each(|batch| record_batch(hash, batch));
            }
        }
        Request::Fetch(fetch) => {
            head(hash, 1, u8::from(fetch.rack.is_some()), fetch.partitions.len());
            let bounds = u64::from(fetch.min_bytes) | u64::from(fetch.max_bytes) << 32;
            hash.put_all([fetch.max_wait.0, bounds, fetch.replica.0 as u64]);
            fetch.rack.iter().for_each(|rack| hash.put_bytes(rack.as_bytes()));
            for asked in &fetch.partitions {
                topic_partition(hash, asked.partition);
                hash.put_all([
                    asked.fetch_offset.0 as u64,
                    asked.log_start_offset.map_or(i64::MIN, |offset| offset.0) as u64,
                    two(epoch(asked.current_leader_epoch), epoch(asked.last_fetched_epoch)),
                    u64::from(asked.max_bytes),
                ]);
            }
        }
        Request::ListOffsets(list) => {
            head(hash, 2, 0, list.partitions.len());
            hash.put(list.replica.0 as u64);
            for (partition, query, current) in &list.partitions {
                topic_partition(hash, *partition);
                hash.put(match query {
                    OffsetQuery::Earliest => -2i64 as u64,
                    OffsetQuery::Latest => -1i64 as u64,
                    OffsetQuery::AtOrAfter(timestamp) => timestamp.0 as u64,
                });
                hash.put_two(epoch(*current), 0);
            }
        }
        Request::Metadata(metadata) => {
            let topics = metadata.topics.as_deref();
            head(hash, 3, u8::from(topics.is_some()), topics.map_or(0, <[_]>::len));
            topics.into_iter().flatten().for_each(|name| topic(hash, *name));
        }
        Request::LeaderAndIsr(control) => {
            head(hash, 4, 0, control.partitions.len());
            hash.put_two(control.controller.0, control.controller_epoch.0);
            option(hash, control.broker_epoch.map(|epoch| epoch.0));
            control.partitions.iter().for_each(|partition| leadership(hash, partition));
            addresses(hash, &control.live_leaders);
        }
        Request::StopReplica(control) => {
            head(hash, 5, 0, control.partitions.len());
            hash.put_two(control.controller.0, control.controller_epoch.0);
            option(hash, control.broker_epoch.map(|epoch| epoch.0));
            for partition in &control.partitions {
                topic_partition(hash, partition.partition);
                hash.put_two(epoch(partition.leader_epoch), i32::from(partition.delete));
            }
        }
        Request::UpdateMetadata(control) => {
            head(hash, 6, 0, control.partitions.len());
            hash.put_two(control.controller.0, control.controller_epoch.0);
            option(hash, control.broker_epoch.map(|epoch| epoch.0));
            control.partitions.iter().for_each(|partition| leadership(hash, partition));
            addresses(hash, &control.live_brokers);
            hash.put(control.racks.len() as u64);
            for (broker, rack) in &control.racks {
                hash.put_named(rack.as_bytes(), broker.0);
            }
        }
        Request::ControlledShutdown(shutdown) => {
            head(hash, 7, 0, 0);
            hash.put(shutdown.broker.0 as u64);
            option(hash, shutdown.broker_epoch.map(|epoch| epoch.0));
        }
        Request::OffsetCommit(request) => groups::offset_commit(hash, request),
        Request::OffsetFetch(request) => groups::offset_fetch(hash, request),
        Request::FindCoordinator(request) => groups::find_coordinator(hash, request),
        Request::JoinGroup(request) => groups::join_group(hash, request),
        Request::Heartbeat(request) => groups::heartbeat(hash, request),
        Request::LeaveGroup(request) => groups::leave_group(hash, request),
        Request::SyncGroup(request) => groups::sync_group(hash, request),
        Request::OffsetsForLeaderEpoch(asked) => {
            head(hash, 23, 0, asked.partitions.len());
            hash.put(asked.replica.0 as u64);
            for question in &asked.partitions {
                topic_partition(hash, question.partition);
                hash.put_two(question.leader_epoch.0, epoch(question.current_leader_epoch));
            }
        }
        Request::DeleteRecords(delete) => {
            head(hash, 21, 0, delete.partitions.len());
            hash.put(delete.timeout.0);
            for (partition, before) in &delete.partitions {
                topic_partition(hash, *partition);
                hash.put(before.0 as u64);
            }
        }
        Request::AlterPartition(alter) => {
            head(hash, 56, 0, alter.partitions.len());
            hash.put(alter.broker.0 as u64);
            hash.put(alter.broker_epoch.0 as u64);
            for change in &alter.partitions {
                topic_partition(hash, change.partition);
                hash.put_two(change.leader_epoch.0, change.zk_version.0);
                brokers(hash, &change.new_isr);
            }
        }
        Request::ZooKeeper(request) => zookeeper::request(hash, request),
    }
}

/// A response.
pub fn response(hash: &mut RunningHash, response: &Response) {
    if hash.is_mute() {
        return;
    }
    match response {
        Response::None => head(hash, 255, 0, 0),
        Response::Produce(produce) => {
            head(hash, 0, 0, produce.partitions.len());
            for outcome in &produce.partitions {
                topic_partition(hash, outcome.partition);
                result(hash, &outcome.result, |hash, offset| hash.put(offset.0 as u64));
                option(hash, outcome.log_append_time.map(|time| time.0));
                option(hash, outcome.log_start_offset.map(|offset| offset.0));
            }
        }
        Response::Fetch(fetch) => {
            head(hash, 1, 0, fetch.partitions.len());
            for fetched in &fetch.partitions {
                topic_partition(hash, fetched.partition);
                let diverges = fetched.diverging_epoch.is_some();
                hash.put_all([
                    two(error(fetched.error), fetched.records.len() as i32),
                    fetched.high_watermark.0 as u64,
                    fetched.log_start_offset.map_or(i64::MIN, |offset| offset.0) as u64,
                    two(fetched.preferred_replica.map_or(NONE, |broker| broker.0), i32::from(diverges)),
                ]);
                if let Some(diverging) = fetched.diverging_epoch {
                    hash.put_all([diverging.epoch.0 as u64, diverging.end_offset.0 as u64]);
                }
                fetched.records.iter().for_each(|batch| record_batch(hash, batch));
            }
        }
        Response::ListOffsets(list) => {
            head(hash, 2, 0, list.partitions.len());
            for (partition, listed) in &list.partitions {
                topic_partition(hash, *partition);
                result(hash, listed, |hash, listed| {
                    hash.put(listed.offset.0 as u64);
                    hash.put(listed.timestamp.0 as u64);
                    hash.put_two(epoch(listed.leader_epoch), 0);
                });
            }
        }
        Response::Metadata(metadata) => {
            head(hash, 3, 0, metadata.topics.len());
            addresses(hash, &metadata.brokers);
            hash.put(metadata.controller.map_or(NONE, |broker| broker.0) as u64);
            for described in &metadata.topics {
                topic(hash, described.topic);
                result(hash, &described.partitions, |hash, partitions| {
                    hash.put(partitions.len() as u64);
                    for partition in partitions {
                        hash.put_two(partition.partition, error(partition.error));
                        hash.put_two(
                            partition.leader.map_or(NONE, |broker| broker.0),
                            epoch(partition.leader_epoch),
                        );
                        brokers(hash, &partition.replicas);
                        brokers(hash, &partition.isr);
                    }
                });
            }
        }
        Response::LeaderAndIsr(answer) => partition_errors(hash, 4, answer.error, &answer.partitions),
        Response::StopReplica(answer) => partition_errors(hash, 5, answer.error, &answer.partitions),
        Response::UpdateMetadata(answer) => {
            head(hash, 6, 0, 0);
            hash.put_two(error(answer.error), 0);
        }
        Response::ControlledShutdown(answer) => {
            head(hash, 7, 0, answer.remaining.len());
            hash.put_two(error(answer.error), 0);
            answer.remaining.iter().for_each(|partition| topic_partition(hash, *partition));
        }
        Response::OffsetCommit(answer) => groups::offset_commit_answer(hash, answer),
        Response::OffsetFetch(answer) => groups::offset_fetch_answer(hash, answer),
        Response::FindCoordinator(answer) => groups::find_coordinator_answer(hash, answer),
        Response::JoinGroup(answer) => groups::join_group_answer(hash, answer),
        Response::Heartbeat(answer) => groups::heartbeat_answer(hash, answer),
        Response::LeaveGroup(answer) => groups::leave_group_answer(hash, answer),
        Response::SyncGroup(answer) => groups::sync_group_answer(hash, answer),
        Response::OffsetsForLeaderEpoch(answer) => {
            head(hash, 23, 0, answer.partitions.len());
            for (partition, end) in &answer.partitions {
                topic_partition(hash, *partition);
                result(hash, end, |hash, end| {
                    hash.put_two(epoch(end.leader_epoch), 0);
                    hash.put(end.end_offset.0 as u64);
                });
            }
        }
        Response::DeleteRecords(answer) => {
            head(hash, 21, 0, answer.partitions.len());
            for (partition, low_watermark) in &answer.partitions {
                topic_partition(hash, *partition);
                result(hash, low_watermark, |hash, offset| hash.put(offset.0 as u64));
            }
        }
        Response::AlterPartition(answer) => {
            head(hash, 56, 0, answer.partitions.len());
            hash.put_two(error(answer.error), 0);
            for (partition, altered) in &answer.partitions {
                topic_partition(hash, *partition);
                result(hash, altered, |hash, altered| {
                    hash.put_two(altered.leader.0, altered.leader_epoch.0);
                    hash.put_two(altered.zk_version.0, 0);
                    brokers(hash, &altered.isr);
                });
            }
        }
        Response::ZooKeeper(response) => zookeeper::response(hash, response),
    }
}

/// A watch event.
pub fn watch_event(hash: &mut RunningHash, event: &WatchEvent) {
    let kind = match event.kind {
        WatchKind::Created => 1,
        WatchKind::Deleted => 2,
        WatchKind::DataChanged => 3,
        WatchKind::ChildrenChanged => 4,
    };
    hash.put(kind);
    hash.put_bytes(event.path.as_bytes());
}

/// A command.
pub fn command(hash: &mut RunningHash, command: &Command) {
    if hash.is_mute() {
        return;
    }
    match command {
        Command::ShutDown => head(hash, 1, 0, 0),
        Command::ExpireSession(node) => head(hash, 2, 0, usize::from(node.0)),
        Command::Produce { send, partition, records } => {
            head(hash, 3, 0, records.len());
            hash.put(send.0);
            topic_partition(hash, *partition);
            for record in records {
                option_bytes(hash, record.key.as_deref());
                option_bytes(hash, record.value.as_deref());
                hash.put(record.headers.len() as u64);
                for (name, value) in &record.headers {
                    hash.put_bytes(name.as_bytes());
                    option_bytes(hash, value.as_deref());
                }
            }
        }
        Command::Assign(partitions) => {
            head(hash, 4, 0, partitions.len());
            for (partition, start) in partitions {
                topic_partition(hash, *partition);
                start_at(hash, *start);
            }
        }
        Command::Seek(partition, start) => {
            head(hash, 5, 0, 0);
            topic_partition(hash, *partition);
            start_at(hash, *start);
        }
        Command::CreateTopic { topic: name, placement, settings } => {
            head(hash, 6, 0, settings.len());
            topic(hash, *name);
            match placement {
                Placement::Assigned(partitions) => {
                    hash.put(partitions.len() as u64);
                    for (number, held) in partitions {
                        hash.put(*number as u64);
                        assignment(hash, held);
                    }
                }
                Placement::Counted { partitions, replication_factor } => {
                    hash.put(u64::MAX);
                    hash.put_two(*partitions, i32::from(*replication_factor));
                }
            }
            for (name, value) in settings {
                hash.put_bytes(name.as_bytes());
                hash.put_bytes(value.as_bytes());
            }
        }
        Command::AlterTopicConfig { topic: name, settings } => {
            head(hash, 7, 0, settings.len());
            topic(hash, *name);
            for (name, value) in settings {
                hash.put_bytes(name.as_bytes());
                option_bytes(hash, value.as_ref().map(|value| value.as_bytes()));
            }
        }
        Command::ElectPreferredLeaders(partitions) => {
            head(hash, 8, 0, partitions.len());
            partitions.iter().for_each(|partition| topic_partition(hash, *partition));
        }
        Command::ReassignPartitions(partitions) => {
            head(hash, 9, 0, partitions.len());
            for (partition, replicas) in partitions {
                topic_partition(hash, *partition);
                brokers(hash, replicas);
            }
        }
        Command::DeleteZnode(path) => {
            head(hash, 10, 0, 0);
            hash.put_bytes(path.as_bytes());
        }
        Command::DeleteTopic(name) => {
            head(hash, 13, 0, 0);
            topic(hash, *name);
        }
        Command::DeleteRecords { partition, before } => {
            head(hash, 12, 0, 0);
            topic_partition(hash, *partition);
            hash.put(before.0 as u64);
        }
        Command::AddPartitions { topic: name, partitions, assignment } => {
            head(hash, 11, u8::from(assignment.is_some()), assignment.as_ref().map_or(0, Vec::len));
            topic(hash, *name);
            hash.put(*partitions as u64);
            for replicas in assignment.iter().flatten() {
                hash.put(replicas.len() as u64);
                replicas.iter().for_each(|broker| hash.put(broker.0 as u64));
            }
        }
    }
}

/// "None" where a number of four bytes stands for an option; no id or epoch is that small.
const NONE: i32 = i32::MIN;

#[inline]
fn head(hash: &mut RunningHash, variant: u8, flag: u8, length: usize) {
    hash.put(u64::from(variant) | u64::from(flag) << 8 | (length as u64) << 16);
}

#[inline]
fn epoch(epoch: Option<LeaderEpoch>) -> i32 {
    epoch.map_or(NONE, |epoch| epoch.0)
}

#[inline]
fn error(error: Option<KafkaError>) -> i32 {
    error.map_or(0, |error| i32::from(error.code()))
}

fn option(hash: &mut RunningHash, value: Option<i64>) {
    hash.put(u64::from(value.is_some()));
    if let Some(value) = value {
        hash.put(value as u64);
    }
}

fn option_bytes(hash: &mut RunningHash, bytes: Option<&[u8]>) {
    match bytes {
        None => hash.put(u64::MAX),
        Some(bytes) => hash.put_bytes(bytes),
    }
}

fn result<T>(
    hash: &mut RunningHash,
    result: &Result<T, KafkaError>,
    value: impl FnOnce(&mut RunningHash, &T),
) {
    match result {
        Ok(found) => {
            hash.put(0);
            value(hash, found);
        }
        Err(error) => hash.put(1 | u64::from(error.code() as u16) << 16),
    }
}

fn topic(hash: &mut RunningHash, topic: Topic) {
    hash.put_bytes(topic.name().as_bytes());
}

#[inline]
fn topic_partition(hash: &mut RunningHash, partition: TopicPartition) {
    hash.put_named(partition.topic.name().as_bytes(), partition.partition);
}

fn record_batch(hash: &mut RunningHash, batch: &RecordBatch) {
    let header = &batch.header;
    hash.put_all([
        header.base_offset.0 as u64,
        two(header.batch_length, header.partition_leader_epoch.0),
        u64::from(header.crc) | u64::from(header.magic as u8) << 32,
    ]);
}

fn brokers(hash: &mut RunningHash, brokers: &[BrokerId]) {
    hash.put(brokers.len() as u64);
    for pair in brokers.chunks(2) {
        hash.put_two(pair[0].0, pair.get(1).map_or(NONE, |broker| broker.0));
    }
}

fn addresses(hash: &mut RunningHash, addresses: &[(BrokerId, NodeId)]) {
    hash.put(addresses.len() as u64);
    for (broker, node) in addresses {
        hash.put_two(broker.0, i32::from(node.0));
    }
}

fn leadership(hash: &mut RunningHash, partition: &LeaderAndIsrPartition) {
    topic_partition(hash, partition.partition);
    hash.put_two(partition.controller_epoch.0, partition.leader.0);
    hash.put_two(partition.leader_epoch.0, partition.zk_version.0);
    hash.put(u64::from(partition.is_new));
    for list in [&partition.isr, &partition.replicas, &partition.adding, &partition.removing] {
        brokers(hash, list);
    }
}

fn partition_errors(
    hash: &mut RunningHash,
    variant: u8,
    whole: Option<KafkaError>,
    partitions: &[(TopicPartition, Option<KafkaError>)],
) {
    head(hash, variant, 0, partitions.len());
    hash.put_two(error(whole), 0);
    for (partition, each) in partitions {
        topic_partition(hash, *partition);
        hash.put_two(error(*each), 0);
    }
}

fn start_at(hash: &mut RunningHash, start: StartAt) {
    match start {
        StartAt::Reset => head(hash, 1, 0, 0),
        StartAt::Earliest => head(hash, 2, 0, 0),
        StartAt::Latest => head(hash, 3, 0, 0),
        StartAt::Offset(offset) => {
            head(hash, 4, 0, 0);
            hash.put(offset.0 as u64);
        }
    }
}

fn assignment(hash: &mut RunningHash, assignment: &ReplicaAssignment) {
    brokers(hash, &assignment.replicas);
    brokers(hash, &assignment.adding);
    brokers(hash, &assignment.removing);
}
