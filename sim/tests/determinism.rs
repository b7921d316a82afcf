//! One seed, one history: the same hash twice, in a fork, with or without a host, whoever looks on.

mod probe;

use kafka::command::Command;
use kafka::ids::NodeId;
use kafka::time::{Micros, Time};
use probe::*;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;
use trial::kernel::entropy::mix;
use trial::kernel::host::host;
use trial::world::{MessageFate, MessageMatch, Side, Survives, World};

const NODES: u64 = 4;

/// A busy world: every node talks to every other on two channels; commands of all kinds, given ahead.
fn workload(seed: u64) -> World {
    let mut world = world(NODES as usize, seed);
    let mut at = 0;
    let mut order = |node: u64, words: String| {
        at += 137;
        world.command_at(Time(at), NodeId(node as u16), Command::DeleteZnode(words));
    };
    for node in 0..NODES {
        for other in (0..NODES).filter(|other| *other != node) {
            order(node, format!("connect {other} data"));
            order(node, format!("connect {other} 1"));
        }
    }
    for round in 0..400u64 {
        let (node, other) = (round % NODES, (round + 1 + round / NODES % (NODES - 1)) % NODES);
        let channel = if round % 3 == 0 { "data" } else { "1" };
        order(node, format!("send {other} {channel} m{round}"));
        if round % 7 == 0 {
            order(other, format!("alarm {}", 20_000 + 300 * round));
        }
    }
    world
}

/// Faults drawn from a number of their own, not from the world's.
fn interfere(world: &mut World, draw: u64) {
    let node = |shift: u32| NodeId((draw >> shift) as u16 % NODES as u16);
    match draw % 14 {
        0 => world.kill(node(8)),
        1 | 2 => (0..NODES as u16).for_each(|node| world.restart(NodeId(node))),
        3 => world.power_off(node(8), Survives::AnySubset),
        4 => world.pause(node(8)),
        5 => (0..NODES as u16).for_each(|node| world.resume(NodeId(node))),
        6 => world.cut(node(8), node(16), draw & 1 << 30 != 0),
        7 => world.heal(node(8), node(16)),
        8 => world.reset_connections(node(8), node(16)),
        9 => world.slow_cpu(node(8), 1 + (draw >> 24) as u32 % 50),
        10 => {
            world.shape_link(node(8), node(16), Some(Micros(draw >> 24 & 4095)), None, Some(1 + (draw >> 40)))
        }
        11 => {
            let side = if draw & 1 << 30 == 0 { Side::Request } else { Side::Response };
            let matches = MessageMatch { api: None, side, from: Some(node(8)), to: None, count: Some(2) };
            let fate = [MessageFate::Hold, MessageFate::Delay(Micros(7_000)), MessageFate::Drop]
                [(draw >> 32) as usize % 3];
            world.add_message_rule(matches, fate);
        }
        12 => world.remove_message_rule(trial::world::MessageRuleId((draw >> 8) as u32 % 8)),
        _ => world.step_clock(node(8), (draw >> 16) as i64 % 1000),
    }
}

/// Runs `world` to its end with a fault every few milliseconds, and shows each fault's number first.
fn run(world: &mut World, faults: u64, mut each: impl FnMut(u64, &World)) -> (u64, u64) {
    let done = world.now().0 / 3_000;
    for number in done..60 {
        each(number, world);
        interfere(world, mix(faults << 32 | number));
        let until = Time((number + 1) * 3_000);
        while world.step(until).is_some() {}
    }
    (world.events(), world.hash())
}

#[test]
fn one_seed_has_one_history() {
    let mut hashes = Vec::new();
    for seed in 0..20 {
        let first = run(&mut workload(seed), 1, |_, _| ());
        assert_eq!(first, run(&mut workload(seed), 1, |_, _| ()), "seed {seed}");
        assert!(first.0 > 500, "something happens: {} events", first.0);
        hashes.push(first.1);
    }
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 20, "each seed has its own");
    assert_ne!(run(&mut workload(3), 1, |_, _| ()), run(&mut workload(3), 2, |_, _| ()));
}

#[test]
fn a_fork_goes_on_as_the_original_does_wherever_it_is_made() {
    for seed in 0..6 {
        let mut forks = Vec::new();
        let original = run(&mut workload(seed), seed, |_, world| forks.push(world.clone()));
        for mut fork in forks {
            assert_eq!(run(&mut fork, seed, |_, _| ()), original, "seed {seed}");
        }
    }
}

#[test]
fn a_fork_may_be_made_at_any_event_and_leaves_the_original_alone() {
    let mut world = workload(5);
    let until = Time(80_000);
    let mut forks = Vec::new();
    while world.step(until).is_some() {
        if world.events().is_multiple_of(17) {
            forks.push(world.clone());
        }
    }
    assert!(forks.len() > 20, "{}", forks.len());
    for mut fork in forks {
        while fork.step(until).is_some() {}
        assert_eq!((fork.events(), fork.hash()), (world.events(), world.hash()));
    }
}

#[test]
fn how_a_stretch_of_time_is_cut_up_changes_nothing() {
    for seed in [0, 4] {
        let mut whole = workload(seed);
        whole.command_at(Time(5_000), NodeId(1), Command::DeleteZnode("spin 60000".to_owned()));
        let mut pieces = whole.clone();
        pass(&mut whole, 100_000);
        for _ in 0..1000 {
            pass(&mut pieces, 100);
        }
        assert_eq!((pieces.events(), pieces.hash()), (whole.events(), whole.hash()));
    }
}

#[test]
fn drawn_ties_change_the_order_and_are_drawn_from_the_seed() {
    let tied = |seed: u64| {
        let mut world = workload(seed);
        world.draw_ties();
        run(&mut world, 1, |_, _| ())
    };
    assert_eq!(tied(7), tied(7));
    assert_ne!(tied(7).1, run(&mut workload(7), 1, |_, _| ()).1);
}

#[test]
fn drawn_ties_let_both_orders_happen_and_never_reorder_a_channel() {
    let mut first = [0; 2];
    for seed in 1..30 {
        let network = trial::world::spec::NetworkSpec { jitter: Micros::ZERO, ..Default::default() };
        let mut world = world_with(3, seed, network);
        world.draw_ties();
        tell(&mut world, 0, "connect 2 data");
        tell(&mut world, 1, "connect 2 data");
        pass(&mut world, 10_000);
        for name in ["a", "b", "c"] {
            tell(&mut world, 0, &format!("send0 2 data {name}"));
            tell(&mut world, 1, &format!("send0 2 data {name}"));
        }
        pass(&mut world, 10_000);
        let seen = log(&world, 2);
        for node in 0..2 {
            let own: Vec<&&str> =
                seen.iter().filter(|line| line.ends_with(&format!("from {node}"))).collect();
            assert!(own.is_sorted() && own.len() == 3, "{own:?}");
        }
        first[usize::from(seen[0].ends_with('1'))] += 1;
    }
    assert!(first.iter().all(|count| *count > 3), "{first:?}");
}

#[test]
fn the_host_changes_nothing() {
    for seed in 0..5 {
        let bare = run(&mut workload(seed), seed, |_, _| ());
        assert_eq!(host(seed, || run(&mut workload(seed), seed, |_, _| ())), bare);
    }
}

#[test]
fn looking_on_changes_nothing_and_shows_virtual_time() {
    let unseen = run(&mut workload(2), 2, |_, _| ());
    let seen = Output::default();
    let subscriber = trial::tracing_log::subscriber("trace", seen.clone()).unwrap();
    let traced = tracing::subscriber::with_default(subscriber, || run(&mut workload(2), 2, |_, _| ()));
    assert_eq!(traced, unseen);
    let text = String::from_utf8(seen.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("Request") && line.contains("probe-2")).unwrap();
    assert!(
        line.trim_start().starts_with(|first: char| first.is_ascii_digit()) && line.contains("DEBUG"),
        "{line}"
    );
    assert!(text.contains("node{name=\"probe-1\" life=1}: trial::kernel: input="), "{}", &text[..2000]);
    assert!(text.contains("trial::net: sent"), "{}", &text[..2000]);
}

/// Where a test's traces go.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Output {
    type Writer = Output;

    fn make_writer(&self) -> Output {
        self.clone()
    }
}

#[test]
fn a_world_may_be_sent_and_shared() {
    fn check<T: Send + Sync + Clone>() {}
    check::<World>();
}

#[test]
fn the_hash_of_a_known_run_is_known() {
    // Changes with the encoding of events, with latencies and with costs; never with the machine, the build or the host.
    assert_eq!(run(&mut workload(11), 3, |_, _| ()), (643, 3302814253377649514));
}
