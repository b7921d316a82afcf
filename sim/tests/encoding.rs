//! The encoding behind the hash: two messages that differ in any field that matters have different hashes.

use bytes::Bytes;
use kafka::command::{Command, Placement, ProducerRecord, SendId, StartAt};
use kafka::error::KafkaError;
use kafka::ids::*;
use kafka::log::batch::{BatchHeader, RecordBatch};
use kafka::messages::alter_partition::*;
use kafka::messages::controlled_shutdown::*;
use kafka::messages::delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
use kafka::messages::fetch::*;
use kafka::messages::leader_and_isr::*;
use kafka::messages::list_offsets::*;
use kafka::messages::metadata::*;
use kafka::messages::offsets_for_leader_epoch::*;
use kafka::messages::produce::*;
use kafka::messages::stop_replica::*;
use kafka::messages::update_metadata::*;
use kafka::messages::zookeeper::*;
use kafka::messages::{Request, Response};
use kafka::time::{Micros, Timestamp};
use kafka::zookeeper::znode::{PartitionState, ReplicaAssignment, ZnodeData};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use trial::kernel::encoding;
use trial::kernel::hash::RunningHash;

/// Asserts that no two of these are encoded alike.
fn all_differ<T: Debug>(messages: &[T], encode: impl Fn(&mut RunningHash, &T)) {
    let hashes: Vec<u64> = messages
        .iter()
        .map(|message| {
            let mut hash = RunningHash::default();
            encode(&mut hash, message);
            hash.value()
        })
        .collect();
    for (index, hash) in hashes.iter().enumerate() {
        if let Some(twin) = hashes[..index].iter().position(|other| other == hash) {
            panic!("encoded alike:\n{:?}\n{:?}", messages[twin], messages[index]);
        }
    }
}

/// The message, and one for each change of it.
macro_rules! variations {
    ($message:expr, $($field:ident $([$index:literal])? $(. $rest:tt)* = $value:expr),* $(,)?) => {{
        let message = $message;
        let mut all = vec![message.clone()];
        $(
            let mut changed = message.clone();
            changed.$field $([$index])? $(. $rest)* = $value;
            all.push(changed);
        )*
        all
    }};
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("orders", number)
}

fn batch() -> RecordBatch {
    let header = BatchHeader {
        base_offset: Offset(3),
        batch_length: 60,
        partition_leader_epoch: LeaderEpoch(1),
        magic: 2,
        crc: 77,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: Timestamp(1),
        max_timestamp: Timestamp(1),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: 1,
    };
    RecordBatch::new(header, Bytes::from_static(b"recordsrecs"))
}

fn batches() -> Vec<RecordBatch> {
    variations!(
        batch(),
        header.base_offset = Offset(4),
        header.batch_length = 61,
        header.partition_leader_epoch = LeaderEpoch::NONE,
        header.crc = 78,
    )
}

fn leadership() -> LeaderAndIsrPartition {
    LeaderAndIsrPartition {
        partition: partition(0),
        controller_epoch: ControllerEpoch(1),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(2),
        isr: vec![BrokerId(1), BrokerId(2)],
        zk_version: ZkVersion(3),
        replicas: vec![BrokerId(1), BrokerId(2), BrokerId(3)],
        adding: Vec::new(),
        removing: Vec::new(),
        is_new: false,
    }
}

fn leaderships() -> Vec<LeaderAndIsrPartition> {
    variations!(
        leadership(),
        partition = partition(1),
        controller_epoch = ControllerEpoch(2),
        leader = BrokerId::NONE,
        leader_epoch = LeaderEpoch(3),
        isr = vec![BrokerId(1)],
        isr = vec![BrokerId(2), BrokerId(1)],
        zk_version = ZkVersion(4),
        replicas = vec![BrokerId(1), BrokerId(2)],
        adding = vec![BrokerId(4)],
        removing = vec![BrokerId(4)],
        is_new = true,
    )
}

fn fetches() -> Vec<FetchRequest> {
    let asked = FetchPartition {
        partition: partition(0),
        fetch_offset: Offset(5),
        log_start_offset: Some(Offset(0)),
        max_bytes: 100,
        current_leader_epoch: Some(LeaderEpoch(1)),
        last_fetched_epoch: None,
    };
    let request = FetchRequest {
        replica: BrokerId(1),
        max_wait: Micros(5),
        min_bytes: 1,
        max_bytes: 9,
        rack: None,
        partitions: vec![asked],
    };
    variations!(
        request,
        replica = BrokerId::NONE,
        max_wait = Micros(6),
        min_bytes = 2,
        max_bytes = 10,
        partitions = Vec::new(),
        partitions[0].partition = partition(1),
        partitions[0].partition = TopicPartition::new("other", 0),
        partitions[0].fetch_offset = Offset(6),
        partitions[0].log_start_offset = None,
        partitions[0].max_bytes = 101,
        partitions[0].current_leader_epoch = None,
        partitions[0].last_fetched_epoch = Some(LeaderEpoch(-1)),
    )
}

fn requests() -> Vec<Request> {
    let mut all: Vec<Request> = Vec::new();
    for batch in batches() {
        let partitions = vec![(partition(0), batch.into())];
        all.push(ProduceRequest { acks: Acks::All, timeout: Micros(1), partitions }.into());
    }
    let produce = ProduceRequest {
        acks: Acks::Leader,
        timeout: Micros(1),
        partitions: vec![(partition(0), batch().into())],
    };
    all.extend(
        variations!(produce, timeout = Micros(2), partitions[0].0 = partition(1)).into_iter().map(Into::into),
    );
    all.extend(fetches().into_iter().map(Into::into));
    let list = ListOffsetsRequest {
        replica: BrokerId(1),
        partitions: vec![(partition(0), OffsetQuery::Latest, None)],
    };
    let lists = variations!(
        list,
        replica = BrokerId::NONE,
        partitions[0].1 = OffsetQuery::Earliest,
        partitions[0].1 = OffsetQuery::AtOrAfter(Timestamp(4)),
        partitions[0].2 = Some(LeaderEpoch(0)),
    );
    all.extend(lists.into_iter().map(Into::into));
    for topics in
        [None, Some(vec![]), Some(vec![Topic::new("a")]), Some(vec![Topic::new("a"), Topic::new("b")])]
    {
        all.push(MetadataRequest { topics }.into());
    }
    let control = LeaderAndIsrRequest {
        controller: BrokerId(1),
        controller_epoch: ControllerEpoch(1),
        broker_epoch: None,
        partitions: vec![leadership()],
        live_leaders: vec![(BrokerId(1), NodeId(1))],
    };
    let controls = variations!(
        control,
        controller = BrokerId(2),
        controller_epoch = ControllerEpoch(2),
        broker_epoch = Some(BrokerEpoch(0)),
        live_leaders[0].1 = NodeId(2),
    );
    all.extend(controls.into_iter().map(Into::into));
    for changed in leaderships() {
        let request = UpdateMetadataRequest {
            controller: BrokerId(1),
            controller_epoch: ControllerEpoch(1),
            broker_epoch: Some(BrokerEpoch(4)),
            partitions: vec![changed],
            live_brokers: vec![(BrokerId(1), NodeId(1))],
            racks: vec![(BrokerId(1), "a".into())],
        };
        all.push(request.into());
    }
    let stopped = StopReplicaPartition { partition: partition(0), delete: false, leader_epoch: None };
    let stop = StopReplicaRequest {
        controller: BrokerId(1),
        controller_epoch: ControllerEpoch(1),
        broker_epoch: None,
        partitions: vec![stopped],
    };
    let stops =
        variations!(stop, partitions[0].delete = true, partitions[0].leader_epoch = Some(LeaderEpoch(-2)));
    all.extend(stops.into_iter().map(Into::into));
    let delete = DeleteRecordsRequest { timeout: Micros(1), partitions: vec![(partition(0), Offset(1))] };
    let deletes = variations!(
        delete,
        timeout = Micros(2),
        partitions[0].0 = partition(1),
        partitions[0].1 = Offset(-1),
        partitions = Vec::new(),
    );
    all.extend(deletes.into_iter().map(Into::into));
    for (broker, broker_epoch) in [(1, None), (2, None), (1, Some(BrokerEpoch(-1)))] {
        all.push(ControlledShutdownRequest { broker: BrokerId(broker), broker_epoch }.into());
    }
    let question =
        EpochQuestion { partition: partition(0), current_leader_epoch: None, leader_epoch: LeaderEpoch(3) };
    let asked = OffsetsForLeaderEpochRequest { replica: BrokerId(1), partitions: vec![question] };
    let questions = variations!(
        asked,
        replica = BrokerId(2),
        partitions[0].current_leader_epoch = Some(LeaderEpoch(-1)),
        partitions[0].leader_epoch = LeaderEpoch(4),
    );
    all.extend(questions.into_iter().map(Into::into));
    let change = IsrChange {
        partition: partition(0),
        leader_epoch: LeaderEpoch(1),
        new_isr: vec![BrokerId(1)],
        zk_version: ZkVersion(1),
    };
    let alter =
        AlterPartitionRequest { broker: BrokerId(1), broker_epoch: BrokerEpoch(9), partitions: vec![change] };
    let alters = variations!(
        alter,
        broker = BrokerId(2),
        broker_epoch = BrokerEpoch(8),
        partitions[0].leader_epoch = LeaderEpoch(2),
        partitions[0].new_isr = vec![BrokerId(1), BrokerId(2)],
        partitions[0].zk_version = ZkVersion(2),
    );
    all.extend(alters.into_iter().map(Into::into));
    all.extend(zookeeper_requests().into_iter().map(Into::into));
    all
}

fn znodes() -> Vec<ZnodeData> {
    let state = PartitionState {
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(1),
        isr: vec![BrokerId(1)],
        controller_epoch: ControllerEpoch(1),
    };
    let states = variations!(
        state,
        leader = BrokerId(2),
        leader_epoch = LeaderEpoch(2),
        isr = vec![BrokerId(2)],
        controller_epoch = ControllerEpoch(2),
    );
    let held = ReplicaAssignment { replicas: vec![BrokerId(1)], ..ReplicaAssignment::default() };
    let assignments =
        variations!(held, replicas = vec![], adding = vec![BrokerId(2)], removing = vec![BrokerId(2)]);
    let mut all = vec![
        ZnodeData::Empty,
        ZnodeData::Broker { node: NodeId(1), rack: None, timestamp: Timestamp(1) },
        ZnodeData::Broker { node: NodeId(2), rack: None, timestamp: Timestamp(1) },
        ZnodeData::Broker { node: NodeId(1), rack: Some("".into()), timestamp: Timestamp(1) },
        ZnodeData::Broker { node: NodeId(1), rack: None, timestamp: Timestamp(2) },
        ZnodeData::Controller { broker: BrokerId(1), timestamp: Timestamp(1) },
        ZnodeData::ControllerEpoch(ControllerEpoch(1)),
        ZnodeData::Config(Arc::new(BTreeMap::from([("a".to_owned(), "b".to_owned())]))),
        ZnodeData::ConfigChange("topics/a".into()),
        ZnodeData::IsrChange([partition(0)].into()),
        ZnodeData::LogDirEvent(BrokerId(1)),
        ZnodeData::PreferredReplicaElection([partition(0)].into()),
        ZnodeData::ReassignPartitions(Arc::new(BTreeMap::from([(partition(0), vec![BrokerId(1)])]))),
    ];
    all.extend(states.into_iter().map(ZnodeData::PartitionState));
    all.extend(assignments.into_iter().map(|held| ZnodeData::Topic(Arc::new(BTreeMap::from([(0, held)])))));
    all
}

fn zookeeper_requests() -> Vec<ZooKeeperRequest> {
    let path = || -> Path { "/a".into() };
    let create = |data, ephemeral, sequential| Op::Create { path: path(), data, ephemeral, sequential };
    let mut ops: Vec<Op> = znodes().into_iter().map(|data| create(data, false, false)).collect();
    ops.extend([
        create(ZnodeData::Empty, true, false),
        create(ZnodeData::Empty, false, true),
        Op::Delete { path: path(), version: None },
        Op::Delete { path: path(), version: Some(ZkVersion(0)) },
        Op::SetData { path: path(), data: ZnodeData::Empty, version: None },
        Op::SetData { path: path(), data: ZnodeData::Empty, version: Some(ZkVersion(0)) },
        Op::Check { path: path(), version: ZkVersion(0) },
        Op::GetData { path: path(), watch: false },
        Op::GetData { path: path(), watch: true },
        Op::GetData { path: "/b".into(), watch: true },
        Op::Exists { path: path(), watch: true },
        Op::GetChildren { path: path(), watch: true },
    ]);
    let connect = |session, timeout| ZooKeeperRequest::Connect { session, timeout: Micros(timeout) };
    let mut all = vec![
        connect(None, 1),
        connect(None, 2),
        connect(Some(SessionId(1)), 1),
        ZooKeeperRequest::Ping,
        ZooKeeperRequest::Close,
        ZooKeeperRequest::Multi(Vec::new()),
        ZooKeeperRequest::Multi(ops[..2].to_vec()),
    ];
    all.extend(ops.into_iter().map(ZooKeeperRequest::Op));
    all
}

fn responses() -> Vec<Response> {
    let mut all = vec![Response::None];
    let outcome = ProduceOutcome {
        partition: partition(0),
        result: Ok(Offset(1)),
        log_append_time: None,
        log_start_offset: None,
    };
    let produce = ProduceResponse { partitions: vec![outcome] };
    let produced = variations!(
        produce,
        partitions[0].partition = partition(1),
        partitions[0].result = Ok(Offset(2)),
        partitions[0].result = Err(KafkaError::OffsetOutOfRange),
        partitions[0].result = Err(KafkaError::CorruptMessage),
        partitions[0].log_append_time = Some(Timestamp(1)),
        partitions[0].log_start_offset = Some(Offset(1)),
    );
    all.extend(produced.into_iter().map(Into::into));
    let fetched = FetchedPartition {
        partition: partition(0),
        error: None,
        high_watermark: Offset(1),
        log_start_offset: None,
        diverging_epoch: None,
        preferred_replica: None,
        records: Vec::new(),
    };
    let diverging = |epoch, end| Some(DivergingEpoch { epoch: LeaderEpoch(epoch), end_offset: Offset(end) });
    let fetch = FetchResponse { partitions: vec![fetched] };
    let fetches = variations!(
        fetch,
        partitions[0].partition = partition(1),
        partitions[0].error = Some(KafkaError::OffsetOutOfRange),
        partitions[0].high_watermark = Offset(2),
        partitions[0].log_start_offset = Some(Offset(-1)),
        partitions[0].diverging_epoch = diverging(1, 1),
        partitions[0].diverging_epoch = diverging(2, 1),
        partitions[0].diverging_epoch = diverging(1, 2),
        partitions[0].preferred_replica = Some(BrokerId(0)),
        partitions[0].records = vec![batch()],
        partitions[0].records = vec![batch(), batch()],
    );
    all.extend(fetches.into_iter().map(Into::into));
    let listed = ListedOffset { offset: Offset(1), timestamp: Timestamp(1), leader_epoch: None };
    for result in
        variations!(listed, offset = Offset(2), timestamp = Timestamp(2), leader_epoch = Some(LeaderEpoch(0)))
    {
        all.push(ListOffsetsResponse { partitions: vec![(partition(0), Ok(result))] }.into());
    }
    let described = PartitionMetadata {
        partition: 0,
        error: None,
        leader: None,
        leader_epoch: None,
        replicas: vec![BrokerId(1)],
        isr: Vec::new(),
    };
    let partitions = variations!(
        described,
        partition = 1,
        error = Some(KafkaError::LeaderNotAvailable),
        leader = Some(BrokerId(0)),
        leader_epoch = Some(LeaderEpoch(0)),
        replicas = Vec::new(),
        isr = vec![BrokerId(1)],
    );
    let metadata = |partitions, controller, node| MetadataResponse {
        brokers: vec![(BrokerId(1), NodeId(node))],
        controller,
        topics: vec![TopicMetadata { topic: Topic::new("orders"), partitions }],
    };
    for described in partitions {
        all.push(metadata(Ok(vec![described]), None, 1).into());
    }
    all.push(metadata(Ok(Vec::new()), Some(BrokerId(1)), 1).into());
    all.push(metadata(Ok(Vec::new()), None, 2).into());
    all.push(metadata(Err(KafkaError::InvalidTopic), None, 1).into());
    for error in [None, Some(KafkaError::StaleControllerEpoch)] {
        all.push(LeaderAndIsrResponse { error, partitions: Vec::new() }.into());
        all.push(LeaderAndIsrResponse { error: None, partitions: vec![(partition(0), error)] }.into());
        all.push(StopReplicaResponse { error, partitions: Vec::new() }.into());
        all.push(StopReplicaResponse { error: None, partitions: vec![(partition(0), error)] }.into());
        all.push(UpdateMetadataResponse { error }.into());
        all.push(ControlledShutdownResponse { error, remaining: Vec::new() }.into());
        all.push(ControlledShutdownResponse { error, remaining: vec![partition(0)] }.into());
        all.push(AlterPartitionResponse { error, partitions: Vec::new() }.into());
    }
    let unknown = KafkaError::UnknownLeaderEpoch;
    for low_watermark in [Ok(Offset(1)), Ok(Offset(2)), Err(unknown)] {
        all.push(DeleteRecordsResponse { partitions: vec![(partition(0), low_watermark)] }.into());
    }
    for (epoch, end) in [(None, 1), (Some(LeaderEpoch(-1)), 1), (None, 2)] {
        let end = EpochEndOffset { leader_epoch: epoch, end_offset: Offset(end) };
        all.push(OffsetsForLeaderEpochResponse { partitions: vec![(partition(0), Ok(end))] }.into());
    }
    all.push(OffsetsForLeaderEpochResponse { partitions: vec![(partition(0), Err(unknown))] }.into());
    let altered = AlteredPartition {
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(1),
        isr: vec![BrokerId(1)],
        zk_version: ZkVersion(1),
    };
    let states = variations!(
        altered,
        leader = BrokerId(2),
        leader_epoch = LeaderEpoch(2),
        isr = vec![],
        zk_version = ZkVersion(2),
    );
    for altered in states {
        let partitions = vec![(partition(0), Ok(altered))];
        all.push(AlterPartitionResponse { error: None, partitions }.into());
    }
    all.extend(zookeeper_responses().into_iter().map(Into::into));
    // A response without errors was made twice for three of the APIs.
    let mut once: Vec<Response> = Vec::new();
    for response in all {
        if !once.contains(&response) {
            once.push(response);
        }
    }
    once
}

fn zookeeper_responses() -> Vec<ZooKeeperResponse> {
    let stat = Stat { czxid: 1, mzxid: 1, version: ZkVersion(1), ephemeral_owner: None };
    let stats = variations!(
        stat,
        czxid = 2,
        mzxid = 2,
        version = ZkVersion(2),
        ephemeral_owner = Some(SessionId(1)),
    );
    let mut results = vec![
        OpResult::Created { path: "/a".into(), zxid: 1 },
        OpResult::Created { path: "/b".into(), zxid: 1 },
        OpResult::Created { path: "/a".into(), zxid: 2 },
        OpResult::Deleted,
        OpResult::Checked,
        OpResult::Data(ZnodeData::Empty, stat),
        OpResult::Data(ZnodeData::ControllerEpoch(ControllerEpoch(1)), stat),
        OpResult::Exists(None),
        OpResult::Exists(Some(stat)),
        OpResult::Children(vec![]),
        OpResult::Children(vec!["a".to_owned(), "b".to_owned()]),
        OpResult::Children(vec!["ab".to_owned(), String::new()]),
    ];
    results.extend(stats.into_iter().map(OpResult::Set));
    let connected = |session, timeout| ZooKeeperAnswer::Connected {
        session: SessionId(session),
        timeout: Micros(timeout),
    };
    let errors = [
        ZkError::NoNode,
        ZkError::NodeExists,
        ZkError::BadVersion,
        ZkError::NotEmpty,
        ZkError::SessionExpired,
        ZkError::RuntimeInconsistency,
    ];
    let mut all = vec![
        connected(1, 1),
        connected(2, 1),
        connected(1, 2),
        ZooKeeperAnswer::SessionExpired,
        ZooKeeperAnswer::Pong,
        ZooKeeperAnswer::WatchesSet,
        ZooKeeperAnswer::Closed,
        ZooKeeperAnswer::Multi(Ok(results[..2].to_vec())),
        ZooKeeperAnswer::Multi(Ok(Vec::new())),
        ZooKeeperAnswer::Multi(Err((0, ZkError::NoNode))),
        ZooKeeperAnswer::Multi(Err((1, ZkError::NoNode))),
        ZooKeeperAnswer::Multi(Err((0, ZkError::BadVersion))),
    ];
    all.extend(errors.into_iter().map(|error| ZooKeeperAnswer::Op(Err(error))));
    all.extend(results.into_iter().map(|result| ZooKeeperAnswer::Op(Ok(result))));
    let later = ZooKeeperResponse { zxid: 2, answer: ZooKeeperAnswer::Pong };
    all.into_iter().map(|answer| ZooKeeperResponse { zxid: 1, answer }).chain([later]).collect()
}

fn commands() -> Vec<Command> {
    let bytes = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let record = ProducerRecord { key: None, value: bytes("v"), headers: Vec::new() };
    let records = variations!(
        record,
        key = bytes(""),
        value = None,
        value = bytes("w"),
        headers = vec![("h".to_owned(), None)],
        headers = vec![("h".to_owned(), bytes(""))],
    );
    let produce = |send, number, records| Command::Produce {
        send: SendId(send),
        partition: partition(number),
        records,
    };
    let mut all: Vec<Command> = records.into_iter().map(|record| produce(1, 0, vec![record])).collect();
    let settings = |value: &str| BTreeMap::from([("a".to_owned(), value.to_owned())]);
    let counted = |partitions, replication_factor| Placement::Counted { partitions, replication_factor };
    let create = |placement, settings| Command::CreateTopic { topic: Topic::new("t"), placement, settings };
    let held = ReplicaAssignment { replicas: vec![BrokerId(1)], ..ReplicaAssignment::default() };
    all.extend([
        produce(2, 0, Vec::new()),
        produce(1, 1, Vec::new()),
        Command::ShutDown,
        Command::ExpireSession(NodeId(1)),
        Command::ExpireSession(NodeId(2)),
        Command::Assign(Vec::new()),
        Command::Assign(vec![(partition(0), StartAt::Reset)]),
        Command::Assign(vec![(partition(0), StartAt::Earliest)]),
        Command::Seek(partition(0), StartAt::Latest),
        Command::Seek(partition(0), StartAt::Offset(Offset(1))),
        Command::Seek(partition(0), StartAt::Offset(Offset(2))),
        create(counted(1, 2), BTreeMap::new()),
        create(counted(2, 1), BTreeMap::new()),
        create(counted(1, 2), settings("b")),
        create(counted(1, 2), settings("c")),
        create(Placement::Assigned(BTreeMap::from([(0, held.clone())])), BTreeMap::new()),
        create(Placement::Assigned(BTreeMap::from([(1, held)])), BTreeMap::new()),
        Command::AlterTopicConfig {
            topic: Topic::new("t"),
            settings: BTreeMap::from([("a".to_owned(), None)]),
        },
        Command::AlterTopicConfig {
            topic: Topic::new("t"),
            settings: BTreeMap::from([("a".to_owned(), Some(String::new()))]),
        },
        Command::ElectPreferredLeaders(Vec::new()),
        Command::ElectPreferredLeaders(vec![partition(0)]),
        Command::ReassignPartitions(BTreeMap::from([(partition(0), vec![BrokerId(1)])])),
        Command::DeleteZnode("/a".to_owned()),
        Command::DeleteTopic(Topic::new("a")),
        Command::DeleteTopic(Topic::new("b")),
        Command::DeleteRecords { partition: partition(0), before: Offset(1) },
        Command::DeleteRecords { partition: partition(0), before: Offset(-1) },
        Command::DeleteRecords { partition: partition(1), before: Offset(1) },
    ]);
    all
}

#[test]
fn requests_that_differ_are_written_down_differently() {
    let all = requests();
    assert!(all.len() > 80, "{}", all.len());
    all_differ(&all, encoding::request);
}

#[test]
fn responses_that_differ_are_written_down_differently() {
    let all = responses();
    assert!(all.len() > 80, "{}", all.len());
    all_differ(&all, encoding::response);
}

#[test]
fn commands_and_watches_that_differ_are_written_down_differently() {
    all_differ(&commands(), encoding::command);
    let kinds = [WatchKind::Created, WatchKind::Deleted, WatchKind::DataChanged, WatchKind::ChildrenChanged];
    let mut events: Vec<WatchEvent> = kinds.map(|kind| WatchEvent { path: "/a".into(), kind }).to_vec();
    events.push(WatchEvent { path: "/b".into(), kind: WatchKind::Created });
    all_differ(&events, encoding::watch_event);
}
