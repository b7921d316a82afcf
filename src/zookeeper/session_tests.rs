//! The client's side, against the server.

use super::bench::Bench;
use super::session::{Outcome, Session, SessionEvent, SessionUser, Ticket};
use crate::messages::zookeeper::{
    Op, OpResult, SessionId, WatchEvent, WatchKind, ZkError, ZooKeeperAnswer, ZooKeeperRequest,
};
use crate::node::{Channel, Env, Input, Node};
use crate::time::{Micros, Time};
use crate::zookeeper::znode::ZnodeData;

/// A node that is nothing but a session.
struct Holder {
    session: Session,
    events: Vec<SessionEvent>,
}

impl Holder {
    fn new(timeout: i64) -> Holder {
        Holder { session: Session::new(Micros::from_millis(timeout), 3), events: Vec::new() }
    }

    fn told(&mut self) -> Vec<SessionEvent> {
        std::mem::take(&mut self.events)
    }
}

impl Node for Holder {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        let told = match input {
            Input::Start => {
                self.session.start(env);
                Vec::new()
            }
            Input::Channel { channel: Channel::ZooKeeper, event, .. } => self.session.on_channel(event, env),
            Input::Answer { call, answer } => {
                assert_eq!(call.part(), 3);
                self.session.on_answer(call, answer, env)
            }
            Input::Pushed { event, .. } => self.session.on_pushed(event),
            Input::Wake => self.session.on_wake(env),
            other => panic!("{other:?}"),
        };
        self.events.extend(told);
    }

    fn deadline(&self) -> Option<Time> {
        self.session.deadline()
    }
}

const MS: fn(i64) -> Micros = Micros::from_millis;

fn bench(timeouts: &[i64]) -> Bench<Holder> {
    Bench::new(timeouts.iter().map(|timeout| Holder::new(*timeout)).collect())
}

fn ephemeral(path: &str) -> Op {
    Op::Create { path: path.into(), data: ZnodeData::Empty, ephemeral: true, sequential: false }
}

fn exists(path: &str) -> Op {
    Op::Exists { path: path.into(), watch: false }
}

fn watch(path: &str) -> Op {
    Op::GetChildren { path: path.into(), watch: true }
}

fn submit(bench: &mut Bench<Holder>, client: usize, ops: Vec<Op>) -> Ticket {
    bench.with(client, |holder, env| holder.session.submit(SessionUser::Broker, ops, &mut env.env()))
}

fn answers(events: &[SessionEvent]) -> Vec<(u64, &Outcome)> {
    let answers = events.iter().filter_map(|event| match event {
        SessionEvent::Answer { ticket, outcome, .. } => Some((ticket.0, outcome)),
        _ => None,
    });
    answers.collect()
}

fn connected(session: i64, fresh: bool) -> SessionEvent {
    SessionEvent::Connected { session: SessionId(session), fresh }
}

fn fired(path: &str, kind: WatchKind) -> SessionEvent {
    SessionEvent::Watch(WatchEvent { path: path.into(), kind })
}

/// A session of somebody else, through which a test changes the tree.
fn change(bench: &mut Bench<Holder>, op: Op) {
    let connect = ZooKeeperRequest::Connect { session: None, timeout: MS(40_000) };
    assert!(matches!(bench.ask(1, connect), ZooKeeperAnswer::Connected { .. }));
    let answer = bench.ask(1, ZooKeeperRequest::Op(op));
    assert!(matches!(answer, ZooKeeperAnswer::Op(Ok(_))), "{answer:?}");
}

#[test]
fn pings_keep_a_session_alive_for_ever() {
    let mut bench = bench(&[4000, 30_000]);
    submit(&mut bench, 0, vec![ephemeral("/controller")]);
    bench.advance(MS(300_000));
    assert!(bench.zookeeper.get("/controller").is_some());
    assert_eq!(bench.nodes[1].told(), [connected(2, true)]);
    assert_eq!(bench.nodes[1].session.id(), Some(SessionId(2)));
}

#[test]
fn submissions_are_answered_in_order_each_once() {
    let mut bench = bench(&[4000]);
    submit(&mut bench, 0, vec![ephemeral("/a"), ephemeral("/a"), exists("/b")]);
    submit(&mut bench, 0, Vec::new());
    submit(&mut bench, 0, vec![watch("/a")]);
    bench.advance(Micros::ZERO);
    let told = bench.nodes[0].told();
    assert_eq!(told[0], connected(1, true));
    let answers = answers(&told);
    assert_eq!(answers.iter().map(|(ticket, _)| *ticket).collect::<Vec<u64>>(), [0, 1, 2]);
    assert!(matches!(
        answers[0].1[..],
        [Ok(OpResult::Created { .. }), Err(ZkError::NodeExists), Ok(OpResult::Exists(None))]
    ));
    assert!(answers[1].1.is_empty());
    assert_eq!(answers[2].1[..], [Ok(OpResult::Children(Vec::new()))]);
    assert_eq!(bench.nodes[0].session.deadline(), Some(Time(1_333_333)), "nothing but the next ping");
}

#[test]
fn a_multi_that_fails_says_which_operation_and_does_nothing() {
    let mut bench = bench(&[4000]);
    let multi = |bench: &mut Bench<Holder>, ops| {
        bench
            .with(0, |holder, env| holder.session.submit_multi(SessionUser::Controller, ops, &mut env.env()));
        let told = bench.nodes[0].told();
        answers(&told)[0].1.clone()
    };
    let rest = Err(ZkError::RuntimeInconsistency);
    assert_eq!(
        multi(&mut bench, vec![ephemeral("/a"), ephemeral("/brokers"), ephemeral("/b")]),
        [rest.clone(), Err(ZkError::NodeExists), rest]
    );
    assert!(bench.zookeeper.get("/a").is_none());
    let outcome = multi(&mut bench, vec![ephemeral("/a"), ephemeral("/b")]);
    assert!(matches!(outcome[..], [Ok(OpResult::Created { .. }), Ok(OpResult::Created { .. })]));
}

#[test]
fn a_lost_connection_keeps_the_session_and_what_was_not_answered_is_sent_again() {
    let mut bench = bench(&[6000]);
    submit(&mut bench, 0, vec![ephemeral("/controller")]);
    bench.nodes[0].told();

    // Carried out, but the answers are lost with the connection.
    bench.deaf.insert(0);
    submit(&mut bench, 0, vec![ephemeral("/brokers/ids/1"), exists("/controller")]);
    bench.reset(0);
    bench.deaf.clear();
    assert_eq!(bench.nodes[0].told(), [SessionEvent::ConnectionLost]);
    assert!(bench.zookeeper.get("/brokers/ids/1").is_some());
    submit(&mut bench, 0, vec![exists("/later")]);
    bench.advance(MS(999));
    assert_eq!(bench.nodes[0].told(), [], "it waits a second");

    bench.advance(MS(1001));
    let told = bench.nodes[0].told();
    assert_eq!(told[0], connected(1, false));
    let answers = answers(&told);
    assert_eq!(answers.len(), 2);
    assert!(
        matches!(answers[0].1[..], [Err(ZkError::NodeExists), Ok(OpResult::Exists(Some(_)))]),
        "it finds its own znode: {answers:?}"
    );
    assert_eq!(answers[1].1[..], [Ok(OpResult::Exists(None))]);
    assert!(bench.zookeeper.get("/controller").is_some(), "ephemeral znodes stay");
}

#[test]
fn only_operations_without_an_answer_are_sent_again() {
    let mut bench = bench(&[6000]);
    let (first, second) = (ephemeral("/a"), ephemeral("/b"));
    bench.answers_left = Some((0, 1));
    submit(&mut bench, 0, vec![first, second]);
    bench.answers_left = None;
    bench.reset(0);
    bench.advance(MS(2000));
    let told = bench.nodes[0].told();
    let answers = answers(&told);
    assert!(
        matches!(answers[0].1[..], [Ok(OpResult::Created { .. }), Err(ZkError::NodeExists)]),
        "the first keeps its answer: {answers:?}"
    );
}

#[test]
fn silence_for_two_thirds_of_the_time_out_ends_the_connection() {
    let mut bench = bench(&[6000]);
    bench.nodes[0].told();
    bench.cut.insert(0);
    bench.advance(MS(3999));
    assert_eq!(bench.nodes[0].told(), []);
    bench.advance(MS(1));
    assert_eq!(bench.nodes[0].told(), [SessionEvent::ConnectionLost]);
    bench.cut.clear();
    bench.advance(MS(2000));
    assert_eq!(
        bench.nodes[0].told(),
        [connected(1, false)],
        "in time: it was heard last at 0, and 8 s is the bucket"
    );
}

#[test]
fn expiry_answers_everything_says_so_and_begins_anew() {
    let mut bench = bench(&[4000]);
    submit(&mut bench, 0, vec![ephemeral("/controller"), watch("/brokers/ids")]);
    bench.nodes[0].told();
    bench.cut.insert(0);
    submit(&mut bench, 0, vec![exists("/a"), exists("/b")]);
    bench.advance(MS(6000));
    submit(&mut bench, 0, vec![exists("/c")]);
    assert_eq!(bench.nodes[0].told(), [SessionEvent::ConnectionLost], "who is cut off knows nothing");
    assert!(bench.zookeeper.get("/controller").is_none());

    bench.cut.clear();
    bench.advance(MS(4000));
    let told = bench.nodes[0].told();
    let gone = Err(ZkError::SessionExpired);
    assert_eq!(answers(&told), [(1, &vec![gone.clone(); 2]), (2, &vec![gone; 1])]);
    assert_eq!(told[2..], [SessionEvent::Expired, connected(2, true)]);

    // Its watches went with the session.
    change(&mut bench, ephemeral("/brokers/ids/9"));
    bench.reset(0);
    bench.advance(MS(3000));
    let told = bench.nodes[0].told();
    assert_eq!(told, [SessionEvent::ConnectionLost, connected(2, false)]);
}

#[test]
fn an_expired_session_is_hung_up_and_learns_why_when_it_comes_back() {
    let mut bench = bench(&[30_000, 30_000]);
    submit(&mut bench, 0, vec![ephemeral("/brokers/ids/1")]);
    submit(&mut bench, 1, vec![watch("/brokers/ids")]);
    bench.nodes.iter_mut().for_each(|node| drop(node.told()));
    bench.expire(0);
    assert_eq!(bench.nodes[0].told(), [SessionEvent::ConnectionLost]);
    assert_eq!(bench.nodes[1].told(), [fired("/brokers/ids", WatchKind::ChildrenChanged)]);
    bench.advance(MS(2000));
    assert_eq!(bench.nodes[0].told(), [SessionEvent::Expired, connected(3, true)]);
}

#[test]
fn watches_survive_a_lost_connection_and_fire_for_what_was_missed() {
    let mut bench = bench(&[30_000]);
    let data = |path: &str| Op::GetData { path: path.into(), watch: true };
    let appear = |path: &str| Op::Exists { path: path.into(), watch: true };
    submit(
        &mut bench,
        0,
        vec![data("/admin"), watch("/brokers/ids"), appear("/controller"), appear("/never")],
    );
    bench.nodes[0].told();
    bench.cut.insert(0);
    bench.reset(0);
    change(&mut bench, ephemeral("/controller"));
    change(&mut bench, ephemeral("/brokers/ids/7"));
    bench.advance(MS(20_000));
    bench.cut.clear();
    bench.advance(MS(3_000));
    let told = bench.nodes[0].told();
    assert_eq!(
        told,
        [
            SessionEvent::ConnectionLost,
            connected(1, false),
            fired("/controller", WatchKind::Created),
            fired("/brokers/ids", WatchKind::ChildrenChanged),
        ]
    );
    // Fired once; the others stand again.
    change(&mut bench, ephemeral("/brokers/ids/8"));
    change(&mut bench, ephemeral("/never"));
    change(&mut bench, Op::SetData { path: "/admin".into(), data: ZnodeData::Empty, version: None });
    let told = bench.nodes[0].told();
    assert_eq!(told, [fired("/never", WatchKind::Created), fired("/admin", WatchKind::DataChanged)]);
}

#[test]
fn a_closed_session_is_over_at_once() {
    let mut bench = bench(&[30_000]);
    submit(&mut bench, 0, vec![ephemeral("/brokers/ids/1")]);
    bench.with(0, |holder, env| {
        holder.session.submit(SessionUser::Broker, vec![exists("/brokers/ids/1")], &mut env.env());
        holder.session.close(&mut env.env());
    });
    let told = bench.nodes[0].told();
    assert!(
        matches!(answers(&told)[1].1[..], [Ok(OpResult::Exists(Some(_)))]),
        "what went before is answered"
    );
    assert!(bench.zookeeper.children("/brokers/ids").is_empty());
    assert_eq!((bench.nodes[0].session.id(), bench.nodes[0].deadline()), (None, None));
    assert_eq!(bench.zookeeper.deadline(), None);
}

#[test]
fn who_cannot_connect_tries_again_every_second() {
    let mut late = Bench::new(vec![Holder::new(4000)]);
    late.expire(0);
    late.cut.insert(0);
    late.advance(MS(60_000));
    assert_eq!(late.nodes[0].told(), [connected(1, true), SessionEvent::ConnectionLost]);
    late.cut.clear();
    late.advance(MS(2_000));
    assert_eq!(late.nodes[0].told(), [SessionEvent::Expired, connected(2, true)]);
    assert_eq!(late.notes.iter().filter(|note| note.name() == "SessionOpened").count(), 2);
}
