//! Small clusters in which anything may fail: three brokers, two partitions with three replicas, a producer and two
//! consumers.
//!
//! A world is data: settings, and faults one after the other with the time between them. The end is always the same:
//! everything is mended and the cluster is given time.

use kafka::command::{Command, ProducerRecord, SendId, StartAt};
use kafka::era::Era;
use kafka::ids::{NodeId, TopicPartition};
use kafka::time::{Micros, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use trial::checkers::audit::Audit;
use trial::scenario::eras;
use trial::scenario::parse::parse;
use trial::scenario::run::{Budget, run_prepared};
use trial::scenario::source::Source;
use trial::scenario::validate::validate;
use trial::trace::Zoom;
use trial::trace::story::{Telling, tell};
use trial::world::nodes::Status;
use trial::world::{EventId, Survives, World};

/// Which faults a world may have.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Faults {
    /// All of them; a broken release may break what it breaks.
    Any,
    /// What Kafka promises to survive: of all machines one may lose power, once, while every replica is in the ISR.
    Harmless,
}

/// A world.
#[derive(Clone, Debug)]
struct Plan {
    seed: u64,
    settings: Settings,
    /// Milliseconds to wait, and what happens then.
    faults: Vec<(u64, Fault)>,
}

#[derive(Clone, Debug)]
struct Settings {
    lag_ms: u64,
    session_ms: u64,
    rebalance_seconds: u64,
    checkpoint_ms: u64,
    in_flight: u64,
    acks: &'static str,
    minimum: u64,
    unclean: bool,
    send_every_ms: u64,
    /// Whether machines may lose power at any time, and more than one of them.
    power_losses: bool,
}

/// A broker, by its place among three.
type Place = u16;

#[derive(Clone, Debug)]
enum Fault {
    Kill(Place),
    Restart,
    PowerOff(Place, Survives),
    Pause(Place),
    Resume,
    Cut { from: Place, to: Other, one_way: bool },
    Heal,
    Reset(Place, Other),
    Expire(Place),
    ElectPreferred,
}

/// Somebody that a broker talks to.
#[derive(Copy, Clone, Debug)]
enum Other {
    ZooKeeper,
    Next,
    Producer,
    Consumer,
}

fn plans(kind: Faults) -> impl Strategy<Value = Plan> {
    let all = kind == Faults::Any;
    let settings = (
        (prop::sample::select(vec![2000, 6000, 10_000]), prop::sample::select(vec![3000, 6000])),
        (prop::sample::select(vec![7, 300]), prop::sample::select(vec![500, 5000])),
        (prop::sample::select(vec![1, 5]), prop::sample::select(vec!["all", "all", "1"])),
        (prop::sample::select(vec![2, 1]), prop::bool::weighted(0.2)),
        prop::sample::select(vec![90, 250, 600]),
    );
    let settings = settings.prop_map(
        move |(
            (lag_ms, session_ms),
            (rebalance_seconds, checkpoint_ms),
            (in_flight, acks),
            (minimum, unclean),
            send_every_ms,
        )| Settings {
            lag_ms,
            session_ms,
            rebalance_seconds,
            checkpoint_ms,
            in_flight,
            acks: if all { acks } else { "all" },
            minimum: if all { minimum } else { 2 },
            unclean: unclean && all,
            send_every_ms,
            power_losses: all,
        },
    );
    let survives = prop::sample::select(vec![
        Survives::Nothing,
        Survives::SomePrefix,
        Survives::AnySubset,
        Survives::TornTail,
    ]);
    let other = prop::sample::select(vec![
        Other::ZooKeeper,
        Other::Next,
        Other::Next,
        Other::Producer,
        Other::Consumer,
    ]);
    let place = 0..3_u16;
    let fault = prop_oneof![
        3 => place.clone().prop_map(Fault::Kill),
        3 => Just(Fault::Restart),
        1 => (place.clone(), survives).prop_map(|(place, survives)| Fault::PowerOff(place, survives)),
        1 => place.clone().prop_map(Fault::Pause),
        1 => Just(Fault::Resume),
        2 => (place.clone(), other.clone(), prop::bool::weighted(0.3))
            .prop_map(|(from, to, one_way)| Fault::Cut { from, to, one_way }),
        2 => Just(Fault::Heal),
        1 => (place.clone(), other).prop_map(|(place, other)| Fault::Reset(place, other)),
        2 => place.prop_map(Fault::Expire),
        1 => Just(Fault::ElectPreferred),
    ];
    let wait = prop_oneof![1_u64..60, 60_u64..1500, 1500_u64..8000];
    (any::<u64>(), settings, prop::collection::vec((wait, fault), 3..16))
        .prop_map(|(seed, settings, faults)| Plan { seed, settings, faults })
}

/// Draws worlds of an era and runs them, each compared with full looks; of [`Faults::Harmless`] nothing may break.
pub fn check_worlds(era: &str, kind: Faults, worlds: u32) {
    let era = eras::read(era).expect("it is on the ladder");
    let worlds =
        std::env::var("TRIAL_WORLDS").map_or(worlds, |text| text.parse().expect("a number of worlds"));
    let config =
        Config { cases: worlds, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    // Each era has worlds of its own.
    let mut seed = [kind as u8; 32];
    seed.iter_mut().zip(era.release.to_string().bytes()).for_each(|(byte, of_era)| *byte = of_era);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let outcome = TestRunner::new_with_rng(config, rng).run(&plans(kind), |plan| {
        let world = run_world(&era, &plan, false);
        match kind {
            Faults::Any => Ok(()),
            Faults::Harmless => unbroken(&world),
        }
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("era {era}: {reason}"),
        Err(TestError::Fail(reason, plan)) => {
            let told = match std::panic::catch_unwind(|| story(&era, &run_world(&era, &plan, true))) {
                Ok(story) => {
                    let file = format!("{}/checkers-{era}.story", env!("CARGO_TARGET_TMPDIR"));
                    std::fs::write(&file, story).expect("the story can be written");
                    format!("its story is in {file}")
                }
                Err(_) => "it panics".to_owned(),
            };
            panic!("era {era}: {reason}\nthe smallest such world ({told}): {plan:#?}");
        }
    }
}

fn story(era: &Era, world: &World) -> String {
    tell(&Telling {
        set: &[],
        otherwise: Vec::new(),
        title: "a random world",
        about: &[],
        era: era.to_string(),
        rules: Vec::new(),
        recorder: &world.recorder,
        nodes: &world.nodes,
        ending: None,
        zoom: Zoom::Story,
        color: false,
    })
}

fn unbroken(world: &World) -> Result<(), TestCaseError> {
    let said = world.checks.violations().iter().map(|violation| {
        format!("{} at {} ms: {}", violation.property, violation.at.millis(), violation.report.join(" "))
    });
    let said: Vec<String> = said.take(8).collect();
    prop_assert!(said.is_empty(), "{}", said.join("\n"));
    prop_assert!(is_whole(world), "the cluster has not recovered, not even by a rolling restart");
    Ok(())
}

const BROKERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

fn partitions() -> [TopicPartition; 2] {
    [TopicPartition::new("t", 0), TopicPartition::new("t", 1)]
}

/// A cluster that has just come up.
fn cluster(era: &Era, plan: &Plan, record: bool) -> World {
    let Settings {
        lag_ms,
        session_ms,
        rebalance_seconds,
        checkpoint_ms,
        in_flight,
        acks,
        minimum,
        unclean,
        ..
    } = plan.settings;
    let text = format!(
        r#"{{
  "title": "a small cluster",
  "cluster": {{
    "brokers": 3,
    "settings": {{
      "replica.lag.time.max.ms": {lag_ms},
      "zookeeper.session.timeout.ms": {session_ms},
      "leader.imbalance.check.interval.seconds": {rebalance_seconds},
      "replica.high.watermark.checkpoint.interval.ms": {checkpoint_ms},
      "unclean.leader.election.enable": {unclean}
    }},
    "topics": {{ "t": {{ "assignment": [[0, 1, 2], [1, 2, 0]], "min.insync.replicas": {minimum} }} }},
    "clients": {{
      "producer-1": {{
        "acks": "{acks}", "retries": 1000, "retry.backoff.ms": 100,
        "max.in.flight.requests.per.connection": {in_flight}
      }},
      "consumer-1": {{ "assign": ["t-0", "t-1"], "from": "earliest" }},
      "consumer-2": {{}}
    }}
  }},
  "steps": [],
  "verdicts": {{ "{era}": "holds" }}
}}"#
    );
    let parsed =
        parse(Source::of("small.json", &text)).unwrap_or_else(|problem| panic!("{}", problem.render(false)));
    let ready = validate(parsed, None, &[]).unwrap_or_else(|problem| panic!("{}", problem.render(false)));
    let prepare = |world: &mut World| world.checks.compare_with_full();
    let result = run_prepared(&ready, era, plan.seed, record, Budget::default(), &prepare);
    let result = result.unwrap_or_else(|problem| panic!("{}", problem.render(false)));
    assert!(result.unmet.is_none(), "the cluster did not come up: {:?}", result.unmet);
    result.world
}

fn pass(world: &mut World, millis: u64) {
    let until = world.now() + Micros(millis * 1000);
    while world.step(until).is_some() {}
}

fn run_world(era: &Era, plan: &Plan, record: bool) -> World {
    let mut world = cluster(era, plan, record);
    let [zookeeper, producer, reader] =
        ["zookeeper", "producer-1", "consumer-2"].map(|name| world.nodes.find(name).expect("it is there"));
    let consumer = world.nodes.find("consumer-1").expect("it is there");
    let operator = world.nodes.find("operator").expect("it is there");
    let began = world.now();
    let lasts: u64 = plan.faults.iter().map(|(wait, _)| wait).sum::<u64>() + 10_000;
    for number in 0..lasts / plan.settings.send_every_ms {
        let value = format!("v{number}");
        let record = ProducerRecord { key: None, value: Some(value.into()), headers: Vec::new() };
        let command = Command::Produce {
            send: SendId(number),
            partition: partitions()[number as usize % 2],
            records: vec![record],
        };
        world.command_at(began + Micros(number * plan.settings.send_every_ms * 1000), producer, command);
    }
    // Somebody who asks for the end again and again.
    for number in 0..lasts / 3000 {
        let ends = partitions().map(|partition| (partition, StartAt::Latest)).to_vec();
        world.command_at(began + Micros(number * 3_000_000), reader, Command::Assign(ends));
    }
    let mut cuts = Vec::new();
    let mut power_lost = false;
    for (wait, fault) in &plan.faults {
        pass(&mut world, *wait);
        tell_step(&mut world, &format!("{fault:?}"));
        let broker = |place: &Place| BROKERS[usize::from(*place)];
        let whom = |place: &Place, other: &Other| match other {
            Other::ZooKeeper => zookeeper,
            Other::Next => BROKERS[(usize::from(*place) + 1) % 3],
            Other::Producer => producer,
            Other::Consumer => consumer,
        };
        match fault {
            Fault::Kill(place) => world.kill(broker(place)),
            Fault::Restart => BROKERS.into_iter().for_each(|broker| world.restart(broker)),
            Fault::PowerOff(place, survives) => {
                let calm = cuts.is_empty() && is_whole(&world);
                if plan.settings.power_losses {
                    world.power_off(broker(place), *survives);
                } else if calm && !power_lost {
                    power_lost = true;
                    world.power_off(broker(place), *survives);
                    // It comes back when its session is gone and others have taken over, and nothing else fails until
                    // what it lost is copied back. In ZooKeeper mode Kafka promises no more: nobody notices that a disk
                    // came back with less, so that a replica that is still in the ISR, or its last member, leads
                    // without what it had acknowledged (KIP-966).
                    pass(&mut world, plan.settings.session_ms * 2 + wait % 5000);
                    let give_up = world.now() + Micros(60_000_000);
                    while world.now() < give_up {
                        pass(&mut world, 20 + wait % 2000);
                        world.restart(broker(place));
                        if is_whole(&world) && has_healed(&world) {
                            break;
                        }
                    }
                }
            }
            Fault::Pause(place) => world.pause(broker(place)),
            Fault::Resume => BROKERS.into_iter().for_each(|broker| world.resume(broker)),
            Fault::Cut { from, to, one_way } => {
                cuts.push((broker(from), whom(from, to)));
                world.cut(broker(from), whom(from, to), !one_way);
            }
            Fault::Heal => cuts.drain(..).for_each(|(from, to)| world.heal(from, to)),
            Fault::Reset(place, other) => world.reset_connections(broker(place), whom(place, other)),
            Fault::Expire(place) => world.command(zookeeper, Command::ExpireSession(broker(place))),
            Fault::ElectPreferred => world.command(operator, Command::ElectPreferredLeaders(Vec::new())),
        }
    }
    tell_step(&mut world, "peace");
    cuts.drain(..).for_each(|(from, to)| world.heal(from, to));
    BROKERS.into_iter().for_each(|broker| world.resume(broker));
    for _ in 0..30 {
        BROKERS.into_iter().for_each(|broker| world.restart(broker));
        pass(&mut world, 2000);
    }
    // An ISR change may be pending for ever: up to 2.8 because another's answer discarded it (KAFKA-12686), later
    // still if the controller lost its connection while it wrote, and its second attempt met its own first
    // (KafkaZkClient does not look whose the newer version is). Only another leader epoch ends that.
    for broker in BROKERS {
        if !is_whole(&world) {
            tell_step(&mut world, "rolling restart");
            world.kill(broker);
            pass(&mut world, plan.settings.session_ms * 2);
            world.restart(broker);
            pass(&mut world, 20_000);
        }
    }
    let audit = Audit::new(&world.checks.history, &world.checks.ledger, &world.nodes, &|_, _| Vec::new());
    let (at, event): (Time, EventId) = (world.now(), EventId(world.events()));
    let World { checks, nodes, .. } = &mut world;
    checks.finish(at, event, nodes, &audit);
    world.recorder.finish();
    world
}

/// A heading of the story, if it is told.
fn tell_step(world: &mut World, text: &str) {
    let now = world.now();
    world.recorder.step(now, text);
}

/// Whether every machine that lost something has what is committed again, and is in the ISR.
fn has_healed(world: &World) -> bool {
    let history = &world.checks.history;
    partitions()
        .into_iter()
        .all(|partition| history.get(partition).is_none_or(|ghost| ghost.lossy.is_empty()))
}

/// Whether every broker runs and ZooKeeper has every replica in the ISR.
fn is_whole(world: &World) -> bool {
    BROKERS.iter().all(|broker| world.nodes.slot(*broker).status == Status::Up)
        && partitions().into_iter().all(|partition| {
            let state = world.nodes.zookeeper().partition_state(partition);
            state.is_some_and(|(state, _)| state.isr.len() == 3)
        })
}
