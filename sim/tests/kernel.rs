//! The kernel: wakes, inboxes, CPU time, busy loops, commands, clocks, lives.

mod probe;

use kafka::command::Command;
use kafka::ids::NodeId;
use kafka::time::{Micros, Time, Timestamp};
use probe::*;
use trial::world::nodes::Status;
use trial::world::{DiskFault, Survives, World};

const ONE: NodeId = NodeId(1);

fn told_at(world: &mut World, at: u64, node: u16, words: &str) {
    world.command_at(Time(at), NodeId(node), Command::DeleteZnode(words.to_owned()));
}

#[test]
fn a_wake_comes_at_its_deadline_and_once() {
    let mut world = world(2, 0);
    order(&mut world, 1, "alarm 5000");
    pass(&mut world, 4_800);
    assert_eq!(probe(&world, 1).wakes, 0, "at {:?}", world.now());
    pass(&mut world, 100_000);
    assert_eq!((probe(&world, 1).wakes, when(&world, 1, "wake")), (1, 5000));
}

#[test]
fn a_deadline_that_moves_leaves_nothing_behind() {
    let mut world = world(2, 0);
    let before = world.events();
    for at in [90_000, 50_000, 70_000, 60_000] {
        order(&mut world, 1, &format!("alarm {at}"));
    }
    order(&mut world, 0, "alarm 5000");
    order(&mut world, 0, "clear");
    assert_eq!(world.pending(), 0, "deadlines do not stand in the queue");
    pass(&mut world, 200_000);
    assert_eq!((probe(&world, 1).wakes, when(&world, 1, "wake")), (1, 60_000));
    assert_eq!(probe(&world, 0).wakes, 0, "a deadline that was withdrawn wakes nobody");
    assert_eq!(world.events() - before, 2 + 6 + 1, "two starts, six commands, one wake");
}

#[test]
fn a_deadline_that_is_past_is_due_at_once_after_the_step() {
    let mut world = world(2, 0);
    pass(&mut world, 1000);
    order(&mut world, 1, "alarm 3");
    assert_eq!(when(&world, 1, "wake"), 1000 + 10);
}

#[test]
fn a_busy_node_takes_arrivals_in_order_when_it_is_free_and_each_is_one_event() {
    let mut world = world(3, 0);
    tell(&mut world, 1, "connect 2 data");
    tell(&mut world, 0, "connect 2 data");
    pass(&mut world, 10_000);
    world.slow_cpu(NodeId(2), 500);
    let before = world.events();
    let sent = world.now().0;
    tell(&mut world, 1, "send0 2 data a");
    tell(&mut world, 0, "send0 2 data b");
    tell(&mut world, 1, "send0 2 data c");
    pass(&mut world, 50_000);
    let arrival = sent + 10 + 1000;
    let times: Vec<u64> = ["request a from 1", "request b from 0", "request c from 1"]
        .map(|line| when(&world, 2, line))
        .to_vec();
    assert_eq!(times, [arrival, arrival + 5000, arrival + 10_000], "500 times 10 µs each");
    assert_eq!(world.events() - before, 3 + 3, "three commands, three requests");
    assert_eq!(world.cpu_time(NodeId(2)), Micros(10 + 15_000));
}

#[test]
fn a_paused_node_does_nothing_and_works_off_its_inbox_when_it_goes_on() {
    let mut world = world(3, 0);
    tell(&mut world, 1, "connect 2 data");
    pass(&mut world, 10_000);
    order(&mut world, 2, "alarm 50000");
    world.pause(NodeId(2));
    for name in ["a", "b"] {
        order(&mut world, 1, &format!("send0 2 data {name}"));
    }
    order(&mut world, 1, "connect 2 1");
    pass(&mut world, 100_000);
    assert!(log(&world, 2).is_empty());
    assert_eq!(log(&world, 1).last(), Some(&"connected 2 1"), "its machine still accepts connections");
    world.resume(NodeId(2));
    let resumed = world.now().0;
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "wake", "request b from 1"]);
    assert_eq!(when(&world, 2, "request a from 1"), resumed);
    assert_eq!(when(&world, 2, "wake"), resumed + 10, "b had to wait for the answer to a");
    world.pause(NodeId(2));
    world.kill(NodeId(2));
    assert_eq!(world.nodes.slot(NodeId(2)).status, Status::Down, "a paused process can be killed");
}

#[test]
fn a_wake_that_is_always_due_and_an_inbox_that_is_never_empty_share_the_cpu() {
    let mut world = world(2, 0);
    order(&mut world, 1, "spin 1000000");
    for at in 0..100 {
        told_at(&mut world, 10_000, 1, &format!("alarm {}", 500 + at));
    }
    let before = probe(&world, 1).wakes;
    while world.now() < Time(12_500) && world.step(Time(12_500)).is_some() {}
    let wakes = probe(&world, 1).wakes - before;
    assert!(wakes > 10, "{wakes}");
    let later = world.events();
    pass(&mut world, 5_000);
    assert!(world.events() > later);
}

#[test]
fn turns_of_a_busy_loop_that_change_nothing_are_taken_together_up_to_the_next_event() {
    let mut world = world(2, 0);
    order(&mut world, 1, "spin 10000000");
    let (events, cpu, at) = (world.events(), world.cpu_time(ONE), world.now().0);
    pass(&mut world, 5_000_000);
    let taken = world.cpu_time(ONE).0 - cpu.0;
    assert!((4_990_000..=5_010_000).contains(&taken), "it used all of its CPU: {taken}");
    let counted = world.events() - events;
    assert!((4_000..6_000).contains(&counted), "about one event per millisecond: {counted}");
    // From outside: the turn that runs ends first, and it is 10 µs long.
    let asked = world.now().0 + 123;
    told_at(&mut world, asked, 1, "draw");
    pass(&mut world, 10_000);
    assert_eq!(probe(&world, 1).drawn.len(), 1);
    // The loop ends by itself at the time it waits for, at most a millisecond late.
    pass(&mut world, 10_000_000 - at);
    let (wakes, events) = (probe(&world, 1).wakes, world.events());
    pass(&mut world, 5_000_000);
    assert_eq!((probe(&world, 1).wakes, world.events()), (wakes, events));
    assert_eq!(world.step(Time::NEVER), None, "nothing will ever happen again");
    assert_eq!(world.next_at(), None);
}

#[test]
fn a_busy_loop_is_interrupted_at_the_end_of_its_turn() {
    let mut world = world(2, 0);
    order(&mut world, 1, "spin 10000000");
    // Given by hand, so that the loop could not know when it would come.
    let mut late = Vec::new();
    for wait in [137, 1, 999, 500] {
        pass(&mut world, wait);
        let asked = world.now().0;
        tell(&mut world, 1, "draw");
        while probe(&world, 1).drawn.len() == late.len() {
            world.step(Time::NEVER).expect("the command is still to come");
        }
        late.push(world.now().0 - asked);
    }
    assert!(late.iter().all(|late| *late <= 20), "{late:?}");
}

#[test]
fn commands_given_ahead_come_at_their_time_in_order() {
    let mut world = world(2, 0);
    for (at, words) in [(9_000, "alarm 9500"), (3_000, "alarm 3500"), (3_000, "alarm 3700")] {
        told_at(&mut world, at, 1, words);
    }
    pass(&mut world, 20_000);
    let wakes: Vec<u64> = probe(&world, 1).log.iter().skip(1).map(|(at, _)| at.0).collect();
    assert_eq!(wakes, [3_700, 9_500], "the second command at 3 ms replaced the first one's alarm");
    told_at(&mut world, 5, 1, "draw");
    pass(&mut world, 10);
    assert_eq!(probe(&world, 1).drawn.len(), 1, "a time that is past means now");
}

#[test]
fn memory_ends_with_a_life_and_commands_to_the_dead_are_lost() {
    let mut world = world(2, 0);
    order(&mut world, 1, "alarm 50000");
    world.kill(ONE);
    order(&mut world, 1, "alarm 60000");
    pass(&mut world, 100_000);
    assert_eq!(world.nodes.slot(ONE).life, 1);
    assert!(probe(&world, 1).log.is_empty(), "of a process that is down nothing is left");
    world.restart(ONE);
    world.restart(ONE);
    pass(&mut world, 100_000);
    let slot = world.nodes.slot(ONE);
    assert_eq!((slot.life, slot.status), (2, Status::Up));
    assert_eq!(probe(&world, 1).log.len(), 1);
    assert_eq!(when(&world, 1, "start"), 100_200);
}

#[test]
fn disk_calls_take_cpu_time_and_a_killed_process_leaves_its_page_cache() {
    let mut world = world(2, 0);
    let before = world.cpu_time(ONE).0;
    tell(&mut world, 1, "write");
    tell(&mut world, 1, "flush");
    tell(&mut world, 1, "draw");
    while probe(&world, 1).drawn.is_empty() {
        world.step(Time::NEVER).expect("a command is still to come");
    }
    let cost = world.now().0 - before;
    assert!((520..600).contains(&cost), "two steps, names, and a flush of 500 µs: {cost}");
    order(&mut world, 1, "write");
    world.kill(ONE);
    assert_eq!(world.disk(ONE).read_path("/file").as_deref(), Some(&b"xx"[..]));
    world.power_off(ONE, Survives::Nothing);
    assert_eq!(world.disk(ONE).read_path("/file").as_deref(), Some(&b"x"[..]), "what was flushed");
    world.restart(ONE);
    order(&mut world, 1, "write");
    let mut histories = Vec::new();
    for seed in 0..20 {
        let mut fork = world.clone();
        assert!(fork.disk_fault(ONE, DiskFault::Slow(seed)));
        order(&mut fork, 1, "write");
        fork.power_off(ONE, Survives::SomePrefix);
        histories.push(fork.disk(ONE).read_path("/file"));
    }
    assert!(histories.iter().all(|history| *history == histories[0]), "drawn by seed, node and life alone");
    assert!(world.disk_fault(ONE, DiskFault::Wipe));
    assert_eq!(world.disk(ONE).read_path("/file"), None);
}

#[test]
fn a_nodes_draws_depend_on_its_life_and_on_how_many_it_made() {
    let draws = |world: &mut World, node: u16, count: usize| -> Vec<u64> {
        (0..count).for_each(|_| order(world, node, "draw"));
        probe(world, node).drawn.clone()
    };
    let mut world = world(3, 9);
    let mut other = world.clone();
    pass(&mut world, 1000);
    let first = draws(&mut world, 1, 3);
    draws(&mut other, 2, 5);
    pass(&mut other, 1000);
    assert_eq!(draws(&mut other, 1, 3), first, "not on the time, nor on what others draw");
    world.kill(ONE);
    world.restart(ONE);
    let second = draws(&mut world, 1, 3);
    assert!(second.iter().all(|draw| !first.contains(draw)));
}

#[test]
fn wall_clocks_step_and_drift_and_virtual_time_does_not() {
    let mut world = world(2, 0);
    pass(&mut world, 1_000_000);
    assert_eq!(world.wall_clock(ONE), Timestamp(1_600_000_001_000));
    world.step_clock(ONE, -3_000);
    world.skew_clock(ONE, 100_000);
    pass(&mut world, 1_000_000);
    assert_eq!(world.wall_clock(ONE), Timestamp(1_599_999_999_100));
    assert_eq!(world.wall_clock(NodeId(0)), Timestamp(1_600_000_002_000));
    assert_eq!(world.now(), Time(2_000_000));
}

#[test]
fn every_event_is_counted_once_and_numbered_in_order() {
    let mut world = world(3, 2);
    tell(&mut world, 1, "connect 2 data");
    told_at(&mut world, 9_000, 1, "send 2 data a");
    let mut numbers = Vec::new();
    while let Some(event) = world.step(Time(50_000)) {
        numbers.push(event.0);
    }
    // Three starts, the command, SYN, connected, the command, request, response.
    assert_eq!(numbers, (0..9).collect::<Vec<_>>());
    assert_eq!((world.events(), world.now()), (9, Time(50_000)));
}
