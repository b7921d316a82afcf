//! The server's side: the tree, watches, sessions.

use super::*;
use crate::ids::{BrokerId, ControllerEpoch, LeaderEpoch};
use crate::testing::TestEnv;

/// ZooKeeper and clients that speak to it in bare requests; a client's connection and node have its number.
struct Server {
    zookeeper: ZooKeeper,
    env: TestEnv,
}

impl Server {
    fn new() -> Server {
        Server { zookeeper: ZooKeeper::new(), env: TestEnv::new() }
    }

    fn at(&mut self, millis: i64) -> &mut Server {
        self.env.now = Time::ZERO + Micros::from_millis(millis);
        self
    }

    fn step(&mut self, input: Input) -> Vec<Effect> {
        self.env.step(&mut self.zookeeper, input)
    }

    /// A request: all that it brought about, notes apart, in order.
    fn effects(&mut self, client: u32, request: ZooKeeperRequest) -> Vec<Effect> {
        let request = Input::Request {
            reply_to: ReplyTo { connection: ConnectionId(client), ordinal: 0 },
            from: NodeId(client as u16 % 100),
            version: 0,
            request: request.into(),
        };
        self.step(request).into_iter().filter(|effect| !matches!(effect, Effect::Note(_))).collect()
    }

    fn ask(&mut self, client: u32, request: ZooKeeperRequest) -> ZooKeeperAnswer {
        answer(self.effects(client, request).pop())
    }

    fn op(&mut self, client: u32, op: Op) -> Result<OpResult, ZkError> {
        match self.ask(client, ZooKeeperRequest::Op(op)) {
            ZooKeeperAnswer::Op(result) => result,
            other => panic!("{other:?}"),
        }
    }

    fn open(&mut self, client: u32, timeout: i64) -> (SessionId, Micros) {
        self.connect(client, None, timeout).expect("a new session is never refused")
    }

    fn connect(
        &mut self,
        client: u32,
        session: Option<SessionId>,
        timeout: i64,
    ) -> Option<(SessionId, Micros)> {
        let timeout = Micros::from_millis(timeout);
        match self.ask(client, ZooKeeperRequest::Connect { session, timeout }) {
            ZooKeeperAnswer::Connected { session, timeout } => Some((session, timeout)),
            ZooKeeperAnswer::SessionExpired => None,
            other => panic!("{other:?}"),
        }
    }
}

fn answer(effect: Option<Effect>) -> ZooKeeperAnswer {
    match effect {
        Some(Effect::Reply { response: crate::messages::Response::ZooKeeper(response), .. }) => {
            response.answer
        }
        other => panic!("no answer: {other:?}"),
    }
}

fn create(path: &str) -> Op {
    Op::Create { path: path.into(), data: ZnodeData::Empty, ephemeral: false, sequential: false }
}

fn ephemeral(path: &str) -> Op {
    Op::Create { path: path.into(), data: ZnodeData::Empty, ephemeral: true, sequential: false }
}

fn set(path: &str, epoch: i32, version: Option<i32>) -> Op {
    let data = ZnodeData::ControllerEpoch(ControllerEpoch(epoch));
    Op::SetData { path: path.into(), data, version: version.map(ZkVersion) }
}

fn delete(path: &str, version: Option<i32>) -> Op {
    Op::Delete { path: path.into(), version: version.map(ZkVersion) }
}

fn state(leader: i32) -> ZnodeData {
    ZnodeData::PartitionState(PartitionState {
        leader: BrokerId(leader),
        leader_epoch: LeaderEpoch(0),
        isr: vec![BrokerId(leader)],
        controller_epoch: ControllerEpoch(1),
    })
}

/// Pushed events, as `(connection, path, kind)`.
fn pushed(effects: &[Effect]) -> Vec<(u32, &str, WatchKind)> {
    let pushed = effects.iter().filter_map(|effect| match effect {
        Effect::Push { connection, event } => Some((connection.0, &*event.path, event.kind)),
        _ => None,
    });
    pushed.collect()
}

#[test]
fn writes_are_refused_for_the_reasons_zookeeper_has_and_change_nothing_then() {
    let mut server = Server::new();
    server.open(1, 6000);
    assert_eq!(server.op(1, create("/no/parent")), Err(ZkError::NoNode));
    assert_eq!(server.op(1, create("/brokers")), Err(ZkError::NodeExists));
    assert_eq!(server.op(1, create("/")), Err(ZkError::NodeExists));
    assert_eq!(server.op(1, delete("/nothing", None)), Err(ZkError::NoNode));
    assert_eq!(server.op(1, delete("/brokers", None)), Err(ZkError::NotEmpty));
    assert_eq!(server.op(1, delete("/", None)), Err(ZkError::NotEmpty));
    assert_eq!(server.op(1, set("/nothing", 1, None)), Err(ZkError::NoNode));
    assert_eq!(server.op(1, Op::GetData { path: "nonsense".into(), watch: true }), Err(ZkError::NoNode));

    server.op(1, create("/c")).expect("nothing is in the way");
    assert_eq!(server.op(1, set("/c", 1, Some(1))), Err(ZkError::BadVersion));
    let Ok(OpResult::Set(stat)) = server.op(1, set("/c", 1, Some(0))) else { panic!("version 0 is right") };
    assert_eq!(stat.version, ZkVersion(1));
    assert!(stat.mzxid > stat.czxid);
    assert_eq!(server.op(1, set("/c", 2, Some(0))), Err(ZkError::BadVersion));
    assert_eq!(server.op(1, delete("/c", Some(0))), Err(ZkError::BadVersion));
    assert_eq!(server.zookeeper.get("/c").map(|(data, _)| data.to_string()).as_deref(), Some("1"));
    assert_eq!(server.op(1, delete("/c", Some(1))), Ok(OpResult::Deleted));
    assert!(server.zookeeper.get("/c").is_none());
}

#[test]
fn sequential_names_count_every_child_ever_created() {
    let mut server = Server::new();
    server.open(1, 6000);
    let next = |path: &str| Op::Create {
        path: path.into(),
        data: ZnodeData::Empty,
        ephemeral: false,
        sequential: true,
    };
    let mut name = |op| match server.op(1, op) {
        Ok(OpResult::Created { path, .. }) => path.to_string(),
        other => panic!("{other:?}"),
    };
    let changes = "/isr_change_notification/isr_change_";
    assert_eq!(name(next(changes)), format!("{changes}0000000000"));
    assert_eq!(name(next(changes)), format!("{changes}0000000001"));
    assert_eq!(name(next("/config/changes/config_change_")), "/config/changes/config_change_0000000000");
    server.op(1, delete(&format!("{changes}0000000001"), None)).expect("it exists");
    server.op(1, create("/isr_change_notification/other")).expect("it does not exist");
    let Ok(OpResult::Created { path, .. }) = server.op(1, next(changes)) else { panic!("refused") };
    assert_eq!(&*path, "/isr_change_notification/isr_change_0000000003");
}

#[test]
fn a_multi_is_all_or_nothing() {
    let mut server = Server::new();
    server.open(1, 6000);
    server.open(2, 6000);
    server.op(1, create("/controller_epoch")).expect("new");
    let before = server.zookeeper.partition_states_version();
    server.op(2, Op::GetChildren { path: TOPICS.into(), watch: true }).expect("it exists");
    let topic = |check| {
        vec![
            Op::Check { path: "/controller_epoch".into(), version: ZkVersion(0) },
            create("/brokers/topics/t"),
            create("/brokers/topics/t/partitions"),
            create("/brokers/topics/t/partitions/0"),
            Op::Create {
                path: "/brokers/topics/t/partitions/0/state".into(),
                data: state(1),
                ephemeral: false,
                sequential: false,
            },
            Op::Check { path: "/controller_epoch".into(), version: ZkVersion(check) },
        ]
    };
    let effects = server.effects(1, ZooKeeperRequest::Multi(topic(7)));
    assert_eq!(pushed(&effects), []);
    assert_eq!(
        answer(effects.into_iter().next_back()),
        ZooKeeperAnswer::Multi(Err((5, ZkError::BadVersion)))
    );
    assert!(server.zookeeper.children(TOPICS).is_empty());
    assert!(server.zookeeper.partitions().is_empty());
    assert_eq!(server.zookeeper.partition_states_version(), before);

    let effects = server.effects(1, ZooKeeperRequest::Multi(topic(0)));
    assert_eq!(pushed(&effects), [(2, TOPICS, WatchKind::ChildrenChanged)]);
    assert!(
        matches!(answer(effects.into_iter().next_back()), ZooKeeperAnswer::Multi(Ok(results)) if results.len() == 6)
    );
    assert_eq!(server.zookeeper.children(TOPICS), ["t"]);
    let partition = TopicPartition::new("t", 0);
    assert_eq!(server.zookeeper.partitions(), [partition]);
    assert_ne!(server.zookeeper.partition_states_version(), before);
    let czxid = |path: &str| server.zookeeper.get(path).map(|(_, stat)| stat.czxid);
    assert_eq!(czxid("/brokers/topics/t"), czxid("/brokers/topics/t/partitions/0"), "one transaction");
}

const TOPICS: &str = znode::TOPICS;

#[test]
fn partition_states_are_indexed_as_they_are_written_and_deleted() {
    let mut server = Server::new();
    server.open(1, 6000);
    for path in ["/brokers/topics/a-b", "/brokers/topics/a-b/partitions", "/brokers/topics/a-b/partitions/3"]
    {
        server.op(1, create(path)).expect("new");
    }
    let partition = TopicPartition::new("a-b", 3);
    let path = znode::state_path(partition);
    let mut version = server.zookeeper.partition_states_version();
    let mut changed = |server: &Server| {
        let now = server.zookeeper.partition_states_version();
        std::mem::replace(&mut version, now) != now
    };
    assert_eq!(server.zookeeper.partition_state(partition), None);
    let op = Op::Create { path: path.clone(), data: state(1), ephemeral: false, sequential: false };
    server.op(1, op).expect("new");
    assert!(changed(&server));
    server.op(1, Op::SetData { path: path.clone(), data: state(2), version: None }).expect("there");
    assert!(changed(&server));
    let (held, at) = server.zookeeper.partition_state(partition).expect("it was written");
    assert_eq!((held.leader, at), (BrokerId(2), ZkVersion(1)));
    server.op(1, create("/brokers/topics/other")).expect("new");
    assert!(!changed(&server), "another znode");
    server.op(1, delete(&path, Some(1))).expect("there");
    assert!(changed(&server));
    assert_eq!(server.zookeeper.partition_state(partition), None);
}

#[test]
fn a_watch_fires_once_and_before_the_answer_that_shows_the_change() {
    let mut server = Server::new();
    server.open(1, 6000);
    server.open(2, 6000);
    let watch = |server: &mut Server| {
        assert_eq!(
            server.op(1, Op::Exists { path: "/c".into(), watch: true }),
            Ok(OpResult::Exists(server.zookeeper.get("/c").map(|(_, stat)| stat)))
        );
    };
    watch(&mut server);
    let effects = server.effects(2, ZooKeeperRequest::Op(create("/c")));
    assert_eq!(pushed(&effects), [(1, "/c", WatchKind::Created)]);
    assert!(matches!(effects.last(), Some(Effect::Reply { .. })), "the answer comes last");
    assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(set("/c", 1, None)))), [], "one shot");

    // Its own change is told too, before its own answer.
    watch(&mut server);
    let effects = server.effects(1, ZooKeeperRequest::Op(set("/c", 2, None)));
    assert!(matches!(effects[..], [Effect::Push { .. }, Effect::Reply { .. }]));
    assert_eq!(pushed(&effects), [(1, "/c", WatchKind::DataChanged)]);

    // A refused write fires nothing, and a read of a znode that is not there sets no watch.
    watch(&mut server);
    assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(set("/c", 3, Some(9))))), []);
    assert_eq!(server.op(1, Op::GetData { path: "/d".into(), watch: true }), Err(ZkError::NoNode));
    assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(create("/d")))), []);

    // Data and children watched by one connection: one deletion, one event. The parent's list is another matter.
    server.op(1, Op::GetChildren { path: "/c".into(), watch: true }).expect("there");
    server.op(2, Op::GetChildren { path: "/".into(), watch: true }).expect("there");
    let effects = server.effects(2, ZooKeeperRequest::Op(delete("/c", None)));
    assert_eq!(pushed(&effects), [(1, "/c", WatchKind::Deleted), (2, "/", WatchKind::ChildrenChanged)]);
}

#[test]
fn sessions_expire_at_the_tick_after_their_time_out() {
    let mut server = Server::new();
    assert_eq!(server.open(1, 1).1, Micros::from_millis(4000), "at least two ticks");
    assert_eq!(server.open(2, 3_600_000).1, Micros::from_millis(40_000), "at most twenty");
    server.at(100).step(Input::PeerGone { connection: ConnectionId(2) });
    // 100 + 4000 ms: the bucket that ends at 6 s.
    server.ask(1, ZooKeeperRequest::Ping);
    server.op(1, ephemeral("/controller")).expect("new");
    assert_eq!(server.zookeeper.deadline(), Some(Time(6_000_000)));
    // A ping on the very boundary belongs to the next bucket.
    server.at(2000).ask(1, ZooKeeperRequest::Ping);
    assert_eq!(server.zookeeper.deadline(), Some(Time(8_000_000)));
    server.at(7999).step(Input::Wake);
    assert!(server.zookeeper.get("/controller").is_some());

    let effects = server.at(8000).step(Input::Wake);
    assert!(server.zookeeper.get("/controller").is_none());
    assert!(effects.iter().any(|effect| matches!(effect, Effect::HangUp { connection: ConnectionId(1) })));
    assert_eq!(server.zookeeper.deadline(), Some(Time(42_000_000)), "the other one lives");
    assert_eq!(server.ask(1, ZooKeeperRequest::Op(create("/c"))), ZooKeeperAnswer::SessionExpired);
    assert_eq!(server.connect(3, Some(SessionId(1)), 4000), None);
    assert_eq!(server.open(3, 4000).0, SessionId(3), "ids are not used again");
}

#[test]
fn a_request_does_not_save_a_session_whose_time_has_come() {
    let mut server = Server::new();
    server.open(1, 4000);
    server.op(1, ephemeral("/controller")).expect("new");
    let answer = server.at(6000).ask(1, ZooKeeperRequest::Ping);
    assert_eq!(answer, ZooKeeperAnswer::SessionExpired);
    assert!(server.zookeeper.get("/controller").is_none());
}

#[test]
fn ephemeral_znodes_go_with_their_session_and_watchers_hear_of_it() {
    for by in ["expiry", "close", "command"] {
        let mut server = Server::new();
        let (session, _) = server.open(1, 4000);
        server.open(2, 40_000);
        server.op(1, ephemeral("/brokers/ids/1")).expect("new");
        server.op(1, ephemeral("/controller")).expect("new");
        server.op(1, create("/kept")).expect("new");
        server.op(2, ephemeral("/brokers/ids/2")).expect("new");
        let (_, stat) = server.zookeeper.get("/controller").expect("just created");
        assert_eq!(stat.ephemeral_owner, Some(session));
        server.op(2, Op::GetChildren { path: "/brokers/ids".into(), watch: true }).expect("there");
        server.op(2, Op::GetData { path: "/controller".into(), watch: true }).expect("there");
        // The controller watches its own znode: told before its connection is closed.
        server.op(1, Op::GetData { path: "/controller".into(), watch: true }).expect("there");
        let effects = match by {
            "expiry" => server.at(6000).step(Input::Wake),
            "close" => server.effects(1, ZooKeeperRequest::Close),
            _ => server.step(Input::Command(Command::ExpireSession(NodeId(1)))),
        };
        assert_eq!(
            pushed(&effects),
            [
                (2, "/brokers/ids", WatchKind::ChildrenChanged),
                (1, "/controller", WatchKind::Deleted),
                (2, "/controller", WatchKind::Deleted),
            ],
            "{by}"
        );
        assert_eq!(server.zookeeper.children("/brokers/ids"), ["2"], "{by}");
        assert!(server.zookeeper.get("/kept").is_some(), "{by}");
        let expired = effects.iter().any(|effect| matches!(effect, Effect::HangUp { .. }));
        assert_eq!(expired, by != "close", "{by}");
    }
}

#[test]
fn somebody_else_may_delete_an_ephemeral_znode() {
    let mut server = Server::new();
    server.open(1, 4000);
    server.open(2, 40_000);
    server.op(1, ephemeral("/controller")).expect("new");
    server.op(2, delete("/controller", None)).expect("there");
    server.op(2, ephemeral("/controller")).expect("free again");
    server.at(6000).step(Input::Wake);
    assert!(server.zookeeper.get("/controller").is_some(), "the new one is not the old one's");
}

#[test]
fn a_session_moves_to_another_connection_and_its_watches_do_not() {
    let mut server = Server::new();
    let (session, _) = server.open(1, 4000);
    server.open(2, 4000);
    server.op(1, ephemeral("/controller")).expect("new");
    server.op(1, Op::GetData { path: "/controller".into(), watch: true }).expect("there");
    let timeout = Micros::from_millis(4000);
    let effects = server.effects(101, ZooKeeperRequest::Connect { session: Some(session), timeout });
    assert!(matches!(effects[0], Effect::HangUp { connection: ConnectionId(1) }));
    assert_eq!(answer(effects.into_iter().next_back()), ZooKeeperAnswer::Connected { session, timeout });
    assert!(server.zookeeper.get("/controller").is_some());
    assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(set("/controller", 1, None)))), []);
    // What was still under way on the old connection finds nobody.
    assert_eq!(server.ask(1, ZooKeeperRequest::Ping), ZooKeeperAnswer::SessionExpired);
    server.step(Input::PeerGone { connection: ConnectionId(1) });
    assert_eq!(server.ask(101, ZooKeeperRequest::Ping), ZooKeeperAnswer::Pong);
}

#[test]
fn watches_set_again_fire_at_once_where_something_changed_meanwhile() {
    let mut server = Server::new();
    server.open(1, 4000);
    server.open(2, 4000);
    for path in ["/same", "/changed", "/gone", "/parent", "/still"] {
        server.op(1, create(path)).expect("new");
    }
    let zxid = server.zookeeper.zxid;
    server.op(2, set("/changed", 1, None)).expect("there");
    server.op(2, delete("/gone", None)).expect("there");
    server.op(2, create("/parent/child")).expect("new");
    server.op(2, create("/appeared")).expect("new");
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).into()).collect();
    let watches = WatchedPaths {
        data: paths(&["/changed", "/gone", "/parent", "/same"]),
        exists: paths(&["/appeared", "/never"]),
        children: paths(&["/parent", "/still"]),
    };
    let request = ZooKeeperRequest::SetWatches { zxid, watches: Box::new(watches) };
    let effects = server.effects(1, request);
    assert_eq!(
        pushed(&effects),
        [
            (1, "/changed", WatchKind::DataChanged),
            (1, "/gone", WatchKind::Deleted),
            (1, "/appeared", WatchKind::Created),
            (1, "/parent", WatchKind::ChildrenChanged),
        ]
    );
    assert_eq!(answer(effects.into_iter().next_back()), ZooKeeperAnswer::WatchesSet);
    for (op, path, kind) in [
        (set("/same", 1, None), "/same", WatchKind::DataChanged),
        (create("/never"), "/never", WatchKind::Created),
        (create("/still/child"), "/still", WatchKind::ChildrenChanged),
    ] {
        assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(op))), [(1, path, kind)]);
    }
    assert_eq!(pushed(&server.effects(2, ZooKeeperRequest::Op(set("/changed", 2, None)))), []);
}

#[test]
fn every_write_is_a_transaction_and_its_number_a_brokers_epoch() {
    let mut server = Server::new();
    server.open(1, 4000);
    let mut zxids = Vec::new();
    for _ in 0..2 {
        match server.op(1, ephemeral("/brokers/ids/1")) {
            Ok(OpResult::Created { zxid, .. }) => zxids.push(zxid),
            other => panic!("{other:?}"),
        }
        let (_, stat) = server.zookeeper.get("/brokers/ids/1").expect("just created");
        assert_eq!(stat.czxid, *zxids.last().expect("just pushed"));
        server.op(1, delete("/brokers/ids/1", None)).expect("there");
    }
    assert!(zxids[0] < zxids[1]);
}

#[test]
fn notes_tell_what_happened_in_order() {
    let mut server = Server::new();
    server.open(1, 4000);
    server.open(2, 40_000);
    let mut told = |client: u32, op: Op| -> Vec<&'static str> {
        let request = Input::Request {
            reply_to: ReplyTo { connection: ConnectionId(client), ordinal: 0 },
            from: NodeId(client as u16),
            version: 0,
            request: ZooKeeperRequest::Op(op).into(),
        };
        names(&server.step(request))
    };
    assert_eq!(told(1, ephemeral("/controller")), ["Created"]);
    assert_eq!(told(2, Op::GetData { path: "/controller".into(), watch: true }), [""; 0]);
    assert_eq!(told(1, set("/controller", 1, Some(5))), ["Refused"]);
    assert_eq!(told(1, set("/controller", 1, None)), ["Changed", "WatchFired"]);
    assert_eq!(told(2, Op::Exists { path: "/controller".into(), watch: true }), [""; 0]);
    let effects = server.at(6000).step(Input::Wake);
    assert_eq!(names(&effects), ["SessionEnded", "Deleted", "WatchFired"]);
    let fired = effects.iter().find_map(|effect| match effect {
        Effect::Note(note) => match &**note {
            Note::ZooKeeper(ZooKeeperNote::WatchFired { path, kind, to }) => Some((&**path, *kind, *to)),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(fired, Some(("/controller", WatchKind::Deleted, NodeId(2))));
}

/// The names of the notes, in order.
fn names(effects: &[Effect]) -> Vec<&'static str> {
    let notes = effects.iter().filter_map(|effect| match effect {
        Effect::Note(note) => Some(note.name()),
        _ => None,
    });
    notes.collect()
}
