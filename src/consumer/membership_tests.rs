//! Members and a real coordinator, with nothing between them: no time passes on the way, and nothing is lost.

use super::*;
use crate::group::metadata::GroupState;
use crate::group::tests::{Bench, GROUP};
use crate::messages::Response;

/// How often everybody polls.
const TURN: i64 = 100;

struct World {
    bench: Bench,
    members: Vec<Membership>,
    /// Who polls; the others work.
    polls: Vec<bool>,
    sent: BTreeMap<u32, (usize, ApiKey)>,
    topics: PartitionRacks,
    events: Vec<(usize, RebalanceEvent)>,
}

fn p(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn settings(client: &str, assignor: &str) -> MemberSettings {
    MemberSettings {
        group: GROUP.into(),
        client: client.into(),
        instance: None,
        rack: None,
        assignors: vec![Assignor::parse(assignor).expect("one of Kafka's")],
        session_timeout: Micros::from_millis(10_000),
        heartbeat_interval: Micros::from_millis(3_000),
        max_poll_interval: Micros::from_millis(20_000),
        retry_backoff: Micros::from_millis(100),
    }
}

impl World {
    fn new(release: &str, partitions: usize) -> World {
        World {
            bench: Bench::of(release),
            members: Vec::new(),
            polls: Vec::new(),
            sent: BTreeMap::new(),
            topics: BTreeMap::from([(Topic::new("t"), vec![vec![None]; partitions])]),
            events: Vec::new(),
        }
    }

    fn add(&mut self, settings: MemberSettings) {
        self.members.push(Membership::new(settings, vec![Topic::new("t")], self.bench.era.clone()));
        self.polls.push(true);
    }

    fn send(&mut self, member: usize, request: Request) {
        let api = request.api();
        if let Request::FindCoordinator(_) = request {
            let found = Ok((BrokerId(1), NodeId(1)));
            return self.members[member].on_find_coordinator(found, self.bench.env.now);
        }
        let ordinal = self.bench.ask(request);
        self.sent.insert(ordinal, (member, api));
    }

    fn deliver(&mut self, ordinal: u32, response: Response) {
        let (member, _) = self.sent.remove(&ordinal).expect("asked once");
        let now = self.bench.env.now;
        let it = &mut self.members[member];
        let next = match response {
            Response::JoinGroup(answer) => it.on_join(answer, &self.topics, now),
            Response::SyncGroup(answer) => {
                it.on_sync(&answer, now);
                None
            }
            Response::Heartbeat(answer) => {
                it.on_heartbeat(answer.error, now);
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            self.send(member, next);
        }
    }

    /// Everybody has a turn, until there is nothing more to say.
    fn turn(&mut self) {
        let now = self.bench.env.now;
        for round in 0.. {
            assert!(round < 100, "they talk for ever");
            let mut quiet = true;
            for member in 0..self.members.len() {
                let asked = match self.polls[member] {
                    true => self.members[member].poll(now),
                    false => None,
                };
                for request in
                    asked.into_iter().chain(self.members[member].background(now)).collect::<Vec<_>>()
                {
                    quiet = false;
                    self.send(member, request);
                }
            }
            self.bench.complete_stores(None);
            for (ordinal, response) in self.bench.answers() {
                quiet = false;
                self.deliver(ordinal, response);
            }
            for member in 0..self.members.len() {
                let told = self.members[member].take_events();
                self.events.extend(told.into_iter().map(|event| (member, event)));
            }
            self.check_owners();
            if quiet {
                return;
            }
        }
    }

    /// Among those that poll no partition has two owners.
    fn check_owners(&self) {
        let polling = self.members.iter().zip(&self.polls).filter(|(_, polls)| **polls);
        let mut owned: Vec<TopicPartition> =
            polling.flat_map(|(member, _)| member.assigned.clone()).collect();
        let count = owned.len();
        owned.sort_unstable();
        owned.dedup();
        assert_eq!(owned.len(), count, "two own one partition");
    }

    fn run(&mut self, millis: i64) {
        for _ in 0..millis / TURN {
            self.turn();
            self.bench.wait(TURN);
        }
        self.turn();
    }

    fn owned(&self) -> Vec<Vec<i32>> {
        let sorted = |member: &Membership| {
            let mut owned: Vec<i32> = member.assigned.iter().map(|partition| partition.partition).collect();
            owned.sort_unstable();
            owned
        };
        self.members.iter().map(sorted).collect()
    }
}

/// C1 with p0 and p1, C2 with p2.
fn two(release: &str, assignor: &str) -> World {
    let mut world = World::new(release, 3);
    world.add(settings("c1", assignor));
    world.run(4_000);
    world.add(settings("c2", assignor));
    world.run(10_000);
    assert!(world.members.iter().all(|member| member.phase == Phase::Stable), "{release} {assignor}");
    assert_eq!(world.owned().concat().len(), 3, "{release} {assignor}");
    world
}

#[test]
fn members_settle_with_every_assignor_in_every_release() {
    for release in ["0.11.0", "1.1", "2.1", "2.2", "2.3", "2.4", "2.6.1", "2.8", "3.2", "3.9"] {
        for assignor in ["range", "roundrobin", "sticky", "cooperative-sticky"] {
            if assignor == "cooperative-sticky" && ["0.11.0", "1.1", "2.1", "2.2", "2.3"].contains(&release) {
                continue;
            }
            let mut world = two(release, assignor);
            world.add(settings("c3", assignor));
            world.run(15_000);
            assert_eq!(
                world.owned().iter().map(Vec::len).collect::<Vec<_>>(),
                [1, 1, 1],
                "{release} {assignor}"
            );
            assert_eq!(world.bench.state(), GroupState::Stable);
        }
    }
}

#[test]
fn an_eager_group_stops_and_a_cooperative_one_moves_one_partition() {
    for (assignor, rounds, revoked) in [("sticky", 1, 3), ("cooperative-sticky", 2, 1)] {
        let mut world = two("2.4", assignor);
        let (before, generation) = (world.owned(), world.bench.generation());
        world.events.clear();
        world.add(settings("c3", assignor));
        world.run(15_000);
        assert_eq!(world.bench.generation() - generation, rounds, "{assignor}: generations");
        let given_up = world.events.iter().map(|(_, event)| match event {
            RebalanceEvent::Revoked(partitions) => partitions.len(),
            RebalanceEvent::Assigned(_) => 0,
            other => panic!("{assignor}: {other:?}"),
        });
        assert_eq!(given_up.sum::<usize>(), revoked, "{assignor}");
        let after = world.owned();
        let moved =
            |member: usize| before[member].iter().filter(|part| !after[member].contains(part)).count();
        assert_eq!(moved(0) + moved(1), 1, "{assignor}: in the end one has moved");
    }
}

#[test]
fn who_works_too_long_leaves_and_learns_it_when_it_polls_again() {
    for (release, lost) in [("2.3", false), ("2.4", true), ("2.8", true)] {
        let mut world = two(release, "range");
        let owned = world.members[1].assigned.clone();
        world.polls[1] = false;
        world.events.clear();
        world.run(19_000);
        assert_eq!(world.bench.state(), GroupState::Stable, "{release}: its heartbeats keep it in");
        world.run(6_000);
        assert_eq!(world.owned()[0], [0, 1, 2], "{release}: the other has it all");
        assert_eq!(world.members[1].assigned, owned, "{release}: it still believes so");
        world.polls[1] = true;
        // What it owned is not its own from the first poll on.
        world.members[0].assigned.clear();
        world.turn();
        let told = world.events.iter().find(|(member, _)| *member == 1).map(|(_, event)| event.clone());
        let expected = if lost { RebalanceEvent::Lost(owned) } else { RebalanceEvent::Revoked(owned) };
        assert_eq!(told, Some(expected), "{release}");
    }
}

#[test]
fn a_rebalance_waits_for_who_works_until_it_leaves() {
    let mut world = two("2.4", "range");
    world.polls[1] = false;
    world.run(4_000);
    world.add(settings("c3", "range"));
    world.run(10_000);
    assert_eq!(world.bench.state(), GroupState::PreparingRebalance, "c2 has not asked to join");
    assert!(world.owned()[0].is_empty(), "eager: c1 has given up everything meanwhile");
    world.run(10_000);
    assert_eq!(world.bench.state(), GroupState::Stable);
    let owned = world.owned();
    assert_eq!(owned[0].len() + owned[2].len(), 3, "{owned:?}");
}

#[test]
fn a_new_coordinator_is_found_and_nothing_else_changes() {
    let mut world = two("2.8", "range");
    let (before, generation) = (world.owned(), world.bench.generation());
    let now = world.bench.env.now;
    for member in &mut world.members {
        member.on_heartbeat(Some(KafkaError::NotCoordinator), now);
        assert_eq!(member.coordinator(), None);
        assert_eq!(member.poll(now), None, "not before the back-off");
    }
    world.run(5_000);
    assert!(world.members.iter().all(|member| member.coordinator().is_some()));
    assert_eq!((world.owned(), world.bench.generation()), (before, generation));
}

#[test]
fn a_coordinator_that_does_not_answer_is_forgotten() {
    let mut world = two("2.8", "range");
    let now = world.bench.env.now;
    let member = &mut world.members[0];
    assert!(member.background(now + Micros::from_millis(3_000)).is_some(), "a heartbeat, never answered");
    assert_eq!(member.background(now + Micros::from_millis(10_001)), None);
    assert_eq!(member.coordinator(), None);
    member.on_lost(ApiKey::Heartbeat, now);
    assert_eq!(member.phase(), Phase::Stable, "it is still in its generation, for all it knows");
}

#[test]
fn the_leader_joins_again_when_topics_grow() {
    let mut world = two("2.8", "range");
    let generation = world.bench.generation();
    world.topics.insert(Topic::new("t"), vec![vec![None]; 4]);
    let topics = world.topics.clone();
    world.members.iter_mut().for_each(|member| member.on_metadata(&topics));
    world.run(10_000);
    assert_eq!(world.bench.generation(), generation + 1);
    assert_eq!(world.owned(), [vec![0, 1], vec![2, 3]]);
}

#[test]
fn who_goes_says_so_unless_it_is_static() {
    let mut world = two("2.8", "range");
    let request = world.members[1].unsubscribe().expect("it says so");
    world.send(1, request);
    world.polls[1] = false;
    world.run(5_000);
    assert_eq!(world.owned(), [vec![0, 1, 2], vec![]]);

    let mut world = World::new("2.8", 3);
    world.add(MemberSettings { instance: Some("i".into()), ..settings("c1", "range") });
    world.run(4_000);
    assert_eq!(world.owned(), [[0, 1, 2]]);
    assert_eq!(world.members[0].unsubscribe(), None);
    assert_eq!(world.members[0].take_events(), [RebalanceEvent::Revoked(vec![p(0), p(1), p(2)])]);
}

#[test]
fn a_cooperative_leader_may_not_move_what_is_owned() {
    let subscription = |owned: &[i32]| Subscription {
        topics: vec![Topic::new("t")],
        owned: owned.iter().map(|partition| p(*partition)).collect(),
        ..Subscription::default()
    };
    let (a, b): (Name, Name) = ("a".into(), "b".into());
    let subscriptions = [(a.clone(), subscription(&[0, 1])), (b.clone(), subscription(&[2]))];
    for (of_a, of_b, valid) in [
        (vec![0, 1], vec![2], true),
        (vec![0], vec![2], true),
        (vec![0], vec![1, 2], false),
        (vec![0, 1], vec![2, 3], true),
    ] {
        let parts = |parts: &[i32]| parts.iter().map(|partition| p(*partition)).collect::<Vec<_>>();
        let assigned = BTreeMap::from([(a.clone(), parts(&of_a)), (b.clone(), parts(&of_b))]);
        assert_eq!(validate_cooperative(&subscriptions, &assigned).is_ok(), valid, "{of_a:?} {of_b:?}");
    }
    let names = |names: &[&str]| names.iter().filter_map(|name| Assignor::parse(name)).collect::<Vec<_>>();
    assert_eq!(protocol_of(&names(&["cooperative-sticky"])), RebalanceProtocol::Cooperative);
    assert_eq!(
        protocol_of(&names(&["range", "cooperative-sticky"])),
        RebalanceProtocol::Eager,
        "KIP-429's first step"
    );
}
