//! A busy world of probes, and faults drawn from a number of their own: what the tests of determinism run.

use super::world;
use kafka::command::Command;
use kafka::ids::NodeId;
use kafka::time::{Micros, Time};
use trial::kernel::entropy::mix;
use trial::world::{MessageFate, MessageMatch, Side, Survives, World};

pub const NODES: u64 = 4;

/// A busy world: every node talks to every other on two channels; commands of all kinds, given ahead.
pub fn workload(seed: u64) -> World {
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
pub fn interfere(world: &mut World, draw: u64) {
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
pub fn run(world: &mut World, faults: u64, mut each: impl FnMut(u64, &World)) -> (u64, u64) {
    let done = world.now().0 / 3_000;
    for number in done..60 {
        each(number, world);
        interfere(world, mix(faults << 32 | number));
        let until = Time((number + 1) * 3_000);
        while world.step(until).is_some() {}
    }
    (world.events(), world.hash())
}
