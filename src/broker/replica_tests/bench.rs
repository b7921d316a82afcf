//! Broker 1 with its replicas of `t-0` and `t-1`, asked by hand.

use crate::broker::replica_manager::ReplicaManager;
use crate::config::{BrokerConfig, TopicConfig};
use crate::era::Era;
use crate::error::KafkaError;
use crate::ids::{
    BrokerEpoch, BrokerId, CallId, ConnectionId, ControllerEpoch, LeaderEpoch, NodeId, Offset,
    TopicPartition, ZkVersion,
};
use crate::log::batch::{BatchHeader, RecordBatch};
use crate::messages::alter_partition::{AlterPartitionResponse, AlteredPartition};
use crate::messages::fetch::{FetchPartition, FetchRequest, FetchedPartition};
use crate::messages::leader_and_isr::LeaderAndIsrPartition;
use crate::messages::produce::{Acks, ProduceRequest};
use crate::messages::zookeeper::{
    Op, OpResult, SessionId, Stat, ZkError, ZooKeeperAnswer, ZooKeeperRequest, ZooKeeperResponse,
};
use crate::messages::{Request, Response};
use crate::node::{ChannelEvent, Effect, ReplyTo};
use crate::note::Note;
use crate::testing::TestEnv;
use crate::time::{Micros, Timestamp};
use crate::zookeeper::session::{Session, SessionEvent, SessionUser};
use crate::zookeeper::znode::ZnodeData;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

pub struct Bench {
    pub era: Arc<Era>,
    pub test: TestEnv,
    pub manager: ReplicaManager,
    pub session: Session,
    pub topic: TopicConfig,
    requests: u32,
    /// Operations seen by [`Bench::written`] that have no answer yet.
    unanswered: VecDeque<CallId>,
}

pub fn t(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

pub fn ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().map(|id| BrokerId(*id)).collect()
}

/// A batch of one record as a producer sends it.
pub fn batch(value: &str) -> RecordBatch {
    let records = Bytes::copy_from_slice(value.as_bytes());
    let mut header = BatchHeader {
        base_offset: Offset(0),
        batch_length: 49 + records.len() as i32,
        partition_leader_epoch: LeaderEpoch::NONE,
        magic: 2,
        crc: 0,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: Timestamp(5),
        max_timestamp: Timestamp(5),
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        records_count: 1,
    };
    header.crc = header.compute_crc(&records);
    RecordBatch::new(header, records)
}

pub fn stat(version: i32) -> Stat {
    Stat { czxid: 1, mzxid: 1, version: ZkVersion(version), ephemeral_owner: None }
}

fn live_session(era: &Era, test: &mut TestEnv) -> Session {
    let mut session = Session::new(Micros::from_millis(6000), 1);
    let mut env = test.env();
    session.start(&mut env);
    session.on_channel(ChannelEvent::Connected { peer: era.clone() }, &mut env);
    let connected = ZooKeeperAnswer::Connected { session: SessionId(1), timeout: Micros::from_millis(6000) };
    let answer = ZooKeeperResponse { zxid: 1, answer: connected };
    session.on_answer(CallId::new(1, 0), Ok(answer.into()), &mut env);
    test.effects.clear();
    session
}

impl Bench {
    /// A broker of this release with an empty disk, `replica.lag.time.max.ms` 10 s.
    pub fn new(release: &str) -> Bench {
        Bench::on(release, TestEnv::new())
    }

    /// The same on a disk that may hold something.
    pub fn on(release: &str, mut test: TestEnv) -> Bench {
        let era = Arc::new(Era::parse(release).unwrap());
        let lag = [("replica.lag.time.max.ms".to_owned(), "10000".to_owned())];
        let config = Arc::new(BrokerConfig::new(&era, BrokerId(1), &lag).unwrap());
        let mut manager = ReplicaManager::new(&config, &era);
        manager.load(&mut test.env()).unwrap();
        let session = live_session(&era, &mut test);
        let topic = config.topic_defaults.clone();
        Bench { era, test, manager, session, topic, requests: 0, unanswered: VecDeque::new() }
    }

    /// The process ends and starts again on the same disk.
    pub fn restart(self) -> Bench {
        let release = self.era.release.to_string();
        Bench::on(&release, TestEnv { disk: self.test.disk, now: self.test.now, ..TestEnv::new() })
    }

    pub fn state(&self, tp: TopicPartition, leader: i32, epoch: i32, isr: &[i32]) -> LeaderAndIsrPartition {
        LeaderAndIsrPartition {
            partition: tp,
            controller_epoch: ControllerEpoch(1),
            leader: BrokerId(leader),
            leader_epoch: LeaderEpoch(epoch),
            isr: ids(isr),
            zk_version: ZkVersion(epoch * 10),
            replicas: ids(&[1, 2, 3]),
            adding: Vec::new(),
            removing: Vec::new(),
            is_new: false,
        }
    }

    /// The controller makes broker 1 leader of a partition on brokers 1, 2, 3.
    pub fn lead(&mut self, tp: TopicPartition, epoch: i32, isr: &[i32]) {
        let state = self.state(tp, 1, epoch, isr);
        let mut env = self.test.env();
        self.manager.make_leader(&state, &self.topic, &mut self.session, &mut env).unwrap();
    }

    /// The controller makes broker 1 a follower.
    pub fn follow(&mut self, tp: TopicPartition, leader: i32, epoch: i32) {
        let state = self.state(tp, leader, epoch, &[leader]);
        let mut env = self.test.env();
        self.manager.make_follower(&state, &self.topic, &mut self.session, &mut env).unwrap();
    }

    /// What happened since the last call, notes apart.
    pub fn effects(&mut self) -> Vec<Effect> {
        let effects = std::mem::take(&mut self.test.effects);
        effects.into_iter().filter(|effect| !matches!(effect, Effect::Note(_))).collect()
    }

    /// The notes among what happens in `act`, by name.
    pub fn notes(&mut self, act: impl FnOnce(&mut Bench)) -> Vec<&'static str> {
        self.test.effects.clear();
        act(self);
        let names = self.test.effects.iter().filter_map(|effect| match effect {
            Effect::Note(note) => Some(Note::name(note)),
            _ => None,
        });
        names.collect()
    }

    /// Sends a request, of the newest version of this release. Its number, to find the answer by.
    pub fn send(&mut self, request: Request) -> u32 {
        let api = request.api();
        let version = api.newest_version(self.era.release).unwrap();
        self.send_version(request, version)
    }

    pub fn send_version(&mut self, request: Request, version: i16) -> u32 {
        self.requests += 1;
        let reply_to = ReplyTo { connection: ConnectionId(self.requests), ordinal: 0 };
        let from = NodeId(9);
        let (manager, session, mut env) = (&mut self.manager, &mut self.session, self.test.env());
        match request {
            Request::Produce(request) => {
                manager.on_produce(reply_to, from, version, request, &mut env);
            }
            Request::Fetch(request) => {
                let request = request.for_version(version);
                manager.on_fetch(reply_to, from, version, request, session, &mut env);
            }
            Request::ListOffsets(request) => {
                let request = request.for_version(version);
                manager.on_list_offsets(reply_to, from, version, request, &mut env);
            }
            Request::OffsetsForLeaderEpoch(request) => {
                let request = request.for_version(version);
                manager.on_offsets_for_leader_epoch(reply_to, from, version, request, &mut env);
            }
            Request::DeleteRecords(request) => manager.on_delete_records(reply_to, request, &mut env),
            _ => unreachable!("no business of a replica manager"),
        }
        self.requests
    }

    /// Takes the answer of a request, if it has been answered.
    pub fn answer(&mut self, number: u32) -> Option<Response> {
        let is_answer =
            |effect: &Effect| matches!(effect, Effect::Reply { to, .. } if to.connection.0 == number);
        let index = self.test.effects.iter().position(is_answer)?;
        match self.test.effects.remove(index) {
            Effect::Reply { response, .. } => Some(response),
            _ => None,
        }
    }

    pub fn produce(&mut self, tp: TopicPartition, acks: Acks, value: &str) -> u32 {
        let timeout = Micros::from_millis(30_000);
        self.send(ProduceRequest { acks, timeout, partitions: vec![(tp, batch(value).into())] }.into())
    }

    /// What a produce of one batch was answered.
    pub fn produced(&mut self, number: u32) -> Option<Result<Offset, KafkaError>> {
        match self.answer(number)? {
            Response::Produce(response) => Some(response.partitions[0].result),
            other => unreachable!("{other:?}"),
        }
    }

    pub fn asked(tp: TopicPartition, offset: i64) -> FetchPartition {
        FetchPartition {
            partition: tp,
            fetch_offset: Offset(offset),
            log_start_offset: Some(Offset(0)),
            max_bytes: 1 << 20,
            current_leader_epoch: None,
            last_fetched_epoch: None,
        }
    }

    /// A fetch of one partition that waits up to 500 ms for anything.
    pub fn fetch_request(replica: i32, asked: FetchPartition) -> FetchRequest {
        FetchRequest {
            replica: BrokerId(replica),
            max_wait: Micros::from_millis(500),
            min_bytes: 1,
            max_bytes: 10 << 20,
            rack: None,
            partitions: vec![asked],
        }
    }

    /// A follower (or with -1 a consumer) fetches.
    pub fn fetch(&mut self, replica: i32, tp: TopicPartition, offset: i64) -> u32 {
        self.send(Bench::fetch_request(replica, Bench::asked(tp, offset)).into())
    }

    /// What a fetch of one partition was answered.
    pub fn fetched(&mut self, number: u32) -> Option<FetchedPartition> {
        match self.answer(number)? {
            Response::Fetch(mut response) => Some(response.partitions.remove(0)),
            other => unreachable!("{other:?}"),
        }
    }

    /// Fetches and is answered at once: error, high watermark, number of batches.
    pub fn read(
        &mut self,
        replica: i32,
        tp: TopicPartition,
        offset: i64,
    ) -> (Option<KafkaError>, i64, usize) {
        let number = self.fetch(replica, tp, offset);
        let fetched = self.fetched(number).expect("there is something to read");
        (fetched.error, fetched.high_watermark.0, fetched.records.len())
    }

    pub fn high_watermark(&self, tp: TopicPartition) -> i64 {
        self.manager.partition(tp).unwrap().high_watermark.0
    }

    pub fn isr(&self, tp: TopicPartition) -> Vec<BrokerId> {
        self.manager.partition(tp).unwrap().view(&self.era.rules).isr.to_vec()
    }

    pub fn maximal_isr(&self, tp: TopicPartition) -> Vec<BrokerId> {
        self.manager.partition(tp).unwrap().view(&self.era.rules).maximal_isr.to_vec()
    }

    /// Time passes; the broker wakes whenever it wants to.
    pub fn pass(&mut self, millis: i64) {
        let end = self.test.now + Micros::from_millis(millis);
        loop {
            let wake = self.manager.deadline().filter(|at| *at <= end);
            let at = wake.unwrap_or(end).max(self.test.now);
            self.test.wall.0 += (at.since(self.test.now).0 / 1000) as i64;
            self.test.now = at;
            if wake.is_none() {
                return;
            }
            self.manager.on_wake(&mut self.session, &mut self.test.env());
        }
    }

    /// The next operation that was sent to ZooKeeper, if there is one more.
    pub fn written(&mut self) -> Option<Op> {
        let is_op = |effect: &Effect| {
            let sent = |request: &Request| matches!(request, Request::ZooKeeper(ZooKeeperRequest::Op(_)));
            matches!(effect, Effect::Send { request, .. } if sent(request))
        };
        let index = self.test.effects.iter().position(is_op)?;
        match self.test.effects.remove(index) {
            Effect::Send { call, request: Request::ZooKeeper(ZooKeeperRequest::Op(op)), .. } => {
                self.unanswered.push_back(call);
                Some(op)
            }
            _ => None,
        }
    }

    /// The ISR that the leader writes next.
    pub fn written_isr(&mut self) -> Option<(Vec<BrokerId>, Option<ZkVersion>)> {
        match self.written()? {
            Op::SetData { data: ZnodeData::PartitionState(state), version, .. } => Some((state.isr, version)),
            other => unreachable!("{other:?}"),
        }
    }

    /// ZooKeeper answers the oldest operation that [`Bench::written`] has shown.
    pub fn zookeeper_answers(&mut self, result: Result<OpResult, ZkError>) {
        let call = self.unanswered.pop_front().expect("an operation was seen");
        let answer = ZooKeeperResponse { zxid: 2, answer: ZooKeeperAnswer::Op(result) };
        let mut env = self.test.env();
        for event in self.session.on_answer(call, Ok(answer.into()), &mut env) {
            if let SessionEvent::Answer { user: SessionUser::IsrWriter, ticket, outcome } = event {
                self.manager.on_isr_outcome(ticket, outcome, &mut self.session, &mut env);
            }
        }
    }

    /// The ISR that the leader asks the controller for.
    pub fn requested(&mut self) -> Option<Vec<BrokerId>> {
        let request = self.manager.take_alter_partition_request(BrokerEpoch(1))?;
        Some(request.partitions[0].new_isr.clone())
    }

    /// The controller answers for `t-0`.
    pub fn controller_answers(&mut self, result: Result<(&[i32], i32, i32), KafkaError>) {
        let result = result.map(|(isr, epoch, version)| AlteredPartition {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(epoch),
            isr: ids(isr),
            zk_version: ZkVersion(version),
        });
        let answer = AlterPartitionResponse { error: None, partitions: vec![(t(0), result)] };
        self.manager.on_alter_partition_answer(Ok(answer), &mut self.test.env());
    }
}
