//! One seed, one history: the same hash twice, in a fork, with or without a host, whoever looks on.

mod probe;

use kafka::command::Command;
use kafka::ids::NodeId;
use kafka::time::{Micros, Time};
use probe::busy::{run, workload};
use probe::*;
use trial::kernel::host::host;
use trial::world::World;

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
fn a_world_may_be_sent_and_shared() {
    fn check<T: Send + Sync + Clone>() {}
    check::<World>();
}

#[test]
fn the_hash_of_a_known_run_is_known() {
    // Changes with the encoding of events, with latencies and with costs; never with the machine, the build or the
    // host.
    assert_eq!(run(&mut workload(11), 3, |_, _| ()), (643, 8842478917524565619));
}
