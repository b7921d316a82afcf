//! The network: order, connections and their ends, cuts, message rules, bandwidth.

mod probe;

use kafka::ids::NodeId;
use kafka::messages::ApiKey;
use kafka::time::Micros;
use probe::*;
use trial::world::spec::NetworkSpec;
use trial::world::{MessageFate, MessageMatch, Side, Survives, World};

/// Nodes 1 and 2, with channel `data` from 1 to 2 open.
fn connected(seed: u64) -> World {
    let mut world = world(3, seed);
    tell(&mut world, 1, "connect 2 data");
    pass(&mut world, 10_000);
    assert_eq!(log(&world, 1), ["connected 2 data"]);
    world
}

fn of(api: Option<ApiKey>, side: Side) -> MessageMatch {
    MessageMatch { api, side, from: None, to: None, count: None }
}

#[test]
fn a_round_trip_takes_two_latencies_and_the_steps_between() {
    let mut world = connected(0);
    assert_eq!(when(&world, 1, "connected 2 data"), 10 + 10 + 2000, "start, command, SYN and back");
    let sent = world.now().0;
    tell(&mut world, 1, "send 2 data a");
    pass(&mut world, 5000);
    assert_eq!(when(&world, 2, "request a from 1"), sent + 10 + 1000);
    assert_eq!(when(&world, 1, "answer 1 a"), sent + 10 + 1000 + 10 + 1000);
}

#[test]
fn requests_of_one_channel_are_handed_over_one_at_a_time_and_answered_in_order() {
    let mut world = connected(5);
    order(&mut world, 2, "park");
    for name in ["a", "b", "c"] {
        tell(&mut world, 1, &format!("send 2 data {name}"));
    }
    tell(&mut world, 1, "connect 2 7");
    pass(&mut world, 10_000);
    assert_eq!(log(&world, 2), ["request a from 1"], "b and c wait for the answer to a");
    order(&mut world, 1, "send 2 7 other");
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "request other from 1"], "other channels do not");
    for _ in 0..4 {
        order(&mut world, 2, "reply");
    }
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2)[2..], ["request b from 1", "request c from 1"]);
    let answers: Vec<&str> = log(&world, 1)[2..].to_vec();
    let on_data: Vec<&&str> = answers.iter().filter(|line| !line.contains("other")).collect();
    assert_eq!(on_data, [&"answer 1 a", &"answer 2 b", &"answer 3 c"]);
    assert!(answers.contains(&"answer 4 other"));
}

#[test]
fn a_request_without_an_answer_frees_its_channel() {
    let mut world = connected(0);
    order(&mut world, 1, "send0 2 data a");
    order(&mut world, 1, "send 2 data b");
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "request b from 1"]);
    assert_eq!(log(&world, 1), ["connected 2 data", "answer 2 b"]);
}

#[test]
fn jitter_never_reorders_a_channel_but_reorders_across() {
    let mut overtaken = false;
    for seed in 1..20 {
        let mut world = connected(seed);
        tell(&mut world, 1, "connect 2 1");
        pass(&mut world, 10_000);
        for name in 0..20 {
            tell(&mut world, 1, &format!("send 2 data d{name}"));
            tell(&mut world, 1, &format!("send 2 1 o{name}"));
            pass(&mut world, 200);
        }
        pass(&mut world, 50_000);
        let seen = log(&world, 2);
        for first in ["d", "o"] {
            let one: Vec<String> = seen
                .iter()
                .filter_map(|line| line.strip_prefix(&format!("request {first}")))
                .map(|line| line.replace(" from 1", ""))
                .collect();
            assert_eq!(one, (0..20).map(|name| name.to_string()).collect::<Vec<_>>());
        }
        let place = |name: String| seen.iter().position(|line| *line == format!("request {name} from 1"));
        overtaken |= (0..20).any(|name| place(format!("o{name}")) < place(format!("d{name}")));
    }
    assert!(overtaken, "across channels there is no order");
}

#[test]
fn nobody_listens() {
    let mut world = world(3, 0);
    pass(&mut world, 1000);
    world.kill(NodeId(2));
    let asked = world.now().0;
    order(&mut world, 1, "connect 2 data");
    order(&mut world, 1, "send 2 data early");
    pass(&mut world, 20_000_000);
    assert_eq!(log(&world, 1), ["answer 1 lost", "failed 2 data"]);
    assert_eq!(when(&world, 1, "failed 2 data"), asked + 10 + 2000, "refused after one round trip");
    world.power_off(NodeId(2), Survives::Nothing);
    let asked = world.now().0;
    order(&mut world, 1, "connect 2 data");
    pass(&mut world, 9_000_000);
    assert_eq!(log(&world, 1).len(), 2, "a machine without power says nothing");
    pass(&mut world, 2_000_000);
    let failed = probe(&world, 1).log.last().unwrap();
    assert_eq!((failed.0.0, failed.1.as_str()), (asked + 10 + 10_000_000, "failed 2 data"));
    order(&mut world, 1, "connect 2 data");
    world.restart(NodeId(2));
    pass(&mut world, 5_000_000);
    assert_eq!(log(&world, 1).last(), Some(&"connected 2 data"), "the SYN is sent again");
}

#[test]
fn a_killed_process_breaks_its_connections_and_a_machine_without_power_does_not() {
    let mut world = connected(0);
    order(&mut world, 2, "park");
    order(&mut world, 1, "send 2 data a");
    pass(&mut world, 2_000);
    let killed = world.now().0;
    let mut other = world.clone();

    world.kill(NodeId(2));
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1)[1..], ["answer 1 lost", "disconnected 2 data"]);
    assert_eq!(when(&world, 1, "answer 1 lost"), killed + 1000);

    other.power_off(NodeId(2), Survives::Nothing);
    pass(&mut other, 60_000_000);
    assert_eq!(log(&other, 1).len(), 1, "half-open");
    other.restart(NodeId(2));
    pass(&mut other, 60_000_000);
    assert_eq!(log(&other, 1).len(), 1, "still half-open: nobody has said anything");
    order(&mut other, 1, "send 2 data b");
    pass(&mut other, 5_000);
    assert_eq!(log(&other, 1)[1..], ["answer 1 lost", "answer 2 lost", "disconnected 2 data"], "RST");
}

#[test]
fn what_was_sent_to_a_machine_without_power_is_sent_again_when_it_is_back() {
    let mut world = connected(0);
    world.power_off(NodeId(2), Survives::Nothing);
    order(&mut world, 1, "send 2 data a");
    pass(&mut world, 5_000_000);
    assert_eq!(log(&world, 1).len(), 1);
    world.restart(NodeId(2));
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1)[1..], ["answer 1 lost", "disconnected 2 data"]);
    assert!(log(&world, 2).is_empty(), "the new life never sees the old life's connection");
}

#[test]
fn the_acceptor_is_told_that_a_peer_is_gone_behind_what_the_peer_sent() {
    let mut world = connected(0);
    tell(&mut world, 1, "send 2 data a");
    tell(&mut world, 1, "send 2 data b");
    pass(&mut world, 100);
    world.kill(NodeId(1));
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "request b from 1", "peer gone"]);
    world.restart(NodeId(1));
    pass(&mut world, 5_000);
    assert!(log(&world, 1).is_empty(), "answers to an earlier life go nowhere");
}

#[test]
fn an_opener_that_lost_power_leaves_its_peer_half_open_until_it_is_back() {
    let mut world = connected(0);
    order(&mut world, 2, "park");
    order(&mut world, 1, "send 2 data a");
    pass(&mut world, 5_000);
    world.power_off(NodeId(1), Survives::Nothing);
    order(&mut world, 2, "reply");
    pass(&mut world, 1_000_000);
    assert_eq!(log(&world, 2), ["request a from 1"]);
    world.restart(NodeId(1));
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "peer gone"]);
    assert!(log(&world, 1).is_empty());
}

#[test]
fn after_a_close_what_was_sent_still_arrives_and_its_answer_goes_nowhere() {
    let mut world = connected(0);
    tell(&mut world, 1, "send 2 data a");
    tell(&mut world, 1, "send 2 data b");
    tell(&mut world, 1, "close 2 data");
    tell(&mut world, 1, "connect 2 data");
    tell(&mut world, 1, "send 2 data c");
    pass(&mut world, 20_000);
    assert_eq!(
        log(&world, 1)[1..],
        ["answer 1 lost", "answer 2 lost", "answer 3 lost", "connected 2 data"],
        "no word of the channel it closed itself, and the new one is its own"
    );
    assert_eq!(log(&world, 2), ["request a from 1", "request b from 1", "peer gone"]);
    order(&mut world, 1, "send 2 data d");
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1).last(), Some(&"answer 4 d"));
    assert_eq!(world.connections(), 1, "the old connection is forgotten");
}

#[test]
fn a_reset_is_seen_by_both_while_requests_on_their_way_still_arrive() {
    let mut world = connected(0);
    tell(&mut world, 1, "send 2 data a");
    pass(&mut world, 500);
    let reset = world.now().0;
    world.reset_connections(NodeId(2), NodeId(1));
    pass(&mut world, 100);
    assert_eq!(log(&world, 1)[1..], ["answer 1 lost", "disconnected 2 data"]);
    assert_eq!(when(&world, 1, "answer 1 lost"), reset);
    assert!(log(&world, 2).is_empty());
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 2), ["request a from 1", "peer gone"], "late arrival");
    assert_eq!(log(&world, 1).len(), 3, "and its answer goes nowhere");
    assert_eq!(world.connections(), 0);
}

#[test]
fn a_call_of_a_connection_that_is_already_lost_is_answered_before_the_channel_is_told() {
    let mut world = connected(0);
    order(&mut world, 1, "send 2 data a");
    world.pause(NodeId(1));
    order(&mut world, 1, "send 2 data b");
    world.reset_connections(NodeId(1), NodeId(2));
    order(&mut world, 1, "send 2 data c");
    world.resume(NodeId(1));
    pass(&mut world, 5_000);
    let told = &log(&world, 1)[1..];
    assert_eq!(told, ["answer 1 lost", "answer 2 lost", "disconnected 2 data", "answer 3 lost"]);
    assert_eq!(log(&world, 2), ["request a from 1", "peer gone"]);
}

#[test]
fn the_acceptor_may_hang_up() {
    let mut world = connected(0);
    order(&mut world, 1, "send 2 data a");
    pass(&mut world, 5_000);
    order(&mut world, 2, "park");
    tell(&mut world, 1, "send 2 data b");
    tell(&mut world, 1, "send 2 data c");
    pass(&mut world, 2_000);
    tell(&mut world, 2, "hangup");
    tell(&mut world, 2, "reply");
    pass(&mut world, 5_000);
    let told = &log(&world, 1)[2..];
    assert_eq!(told, ["answer 2 lost", "answer 3 lost", "disconnected 2 data"]);
    assert_eq!(log(&world, 2), ["request a from 1", "request b from 1"], "c was never handed over");
}

#[test]
fn a_process_that_ends_itself_breaks_its_connections() {
    let mut world = connected(0);
    order(&mut world, 2, "exit");
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1)[1..], ["disconnected 2 data"]);
    order(&mut world, 2, "park");
    world.restart(NodeId(2));
    pass(&mut world, 100);
    assert_eq!(probe(&world, 2).log.len(), 1, "its memory is new, and it heard nothing while it was down");
}

#[test]
fn what_is_sent_into_a_cut_arrives_after_it_heals_in_order() {
    let mut world = connected(3);
    world.cut(NodeId(1), NodeId(2), false);
    for name in ["a", "b", "c"] {
        order(&mut world, 1, &format!("send 2 data {name}"));
    }
    pass(&mut world, 1_000_000);
    assert!(log(&world, 2).is_empty());
    world.heal(NodeId(1), NodeId(2));
    order(&mut world, 1, "send 2 data d");
    pass(&mut world, 20_000);
    assert_eq!(
        log(&world, 2),
        ["request a from 1", "request b from 1", "request c from 1", "request d from 1"]
    );
}

#[test]
fn a_cut_may_have_one_direction() {
    let mut world = connected(0);
    world.cut(NodeId(2), NodeId(1), false);
    order(&mut world, 1, "send 2 data a");
    pass(&mut world, 100_000);
    assert_eq!((log(&world, 2), log(&world, 1).len()), (vec!["request a from 1"], 1));
    // The opener gives up: the answer that waits behind the cut finds nobody.
    order(&mut world, 1, "close 2 data");
    world.heal(NodeId(2), NodeId(1));
    pass(&mut world, 100_000);
    assert_eq!(log(&world, 1)[1..], ["answer 1 lost"]);
    assert_eq!(log(&world, 2), ["request a from 1", "peer gone"]);
}

#[test]
fn a_cut_hides_death_until_it_heals() {
    let mut world = connected(0);
    world.cut(NodeId(1), NodeId(2), true);
    world.kill(NodeId(2));
    pass(&mut world, 30_000_000);
    assert_eq!(log(&world, 1).len(), 1);
    world.heal(NodeId(1), NodeId(2));
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1)[1..], ["disconnected 2 data"]);
}

#[test]
fn a_connection_attempt_into_a_cut_fails_late_or_succeeds_when_it_heals() {
    let mut world = world(3, 0);
    world.cut(NodeId(2), NodeId(1), false);
    order(&mut world, 1, "connect 2 data");
    order(&mut world, 1, "connect 2 1");
    let mut healed = world.clone();
    pass(&mut world, 20_000_000);
    assert_eq!(log(&world, 1), ["failed 2 data", "failed 2 1"]);
    world.heal(NodeId(2), NodeId(1));
    pass(&mut world, 20_000_000);
    assert_eq!((log(&world, 1).len(), log(&world, 2)), (2, vec!["peer gone"; 2]), "nothing is left of it");
    assert_eq!(world.connections(), 0);
    pass(&mut healed, 3_000_000);
    healed.heal(NodeId(2), NodeId(1));
    pass(&mut healed, 20_000_000);
    assert_eq!(log(&healed, 1), ["connected 2 data", "connected 2 1"]);
}

#[test]
fn a_held_request_holds_what_follows_on_its_channel_and_nothing_else() {
    let mut world = connected(3);
    tell(&mut world, 1, "connect 2 1");
    pass(&mut world, 10_000);
    let first = MessageMatch { count: Some(1), ..of(Some(ApiKey::Metadata), Side::Request) };
    let rule = world.add_message_rule(first, MessageFate::Hold);
    for command in ["send 2 data a", "send 2 data b", "send 2 1 other"] {
        order(&mut world, 1, command);
    }
    pass(&mut world, 1_000_000);
    assert_eq!(log(&world, 2), ["request other from 1"]);
    // Rule 4: the sender gives up, and what it sent arrives all the same.
    order(&mut world, 1, "close 2 data");
    world.remove_message_rule(rule);
    pass(&mut world, 10_000);
    let seen = log(&world, 2);
    assert_eq!(seen, ["request other from 1", "request a from 1", "request b from 1", "peer gone"]);
    assert_eq!(log(&world, 1)[3..], ["answer 1 lost", "answer 2 lost"]);
}

#[test]
fn responses_can_be_held_delayed_and_dropped() {
    let mut world = connected(0);
    let hold = world.add_message_rule(of(None, Side::Response), MessageFate::Hold);
    order(&mut world, 1, "send 2 data a");
    order(&mut world, 1, "send 2 data b");
    pass(&mut world, 50_000);
    assert_eq!(log(&world, 2), ["request a from 1", "request b from 1"], "requests pass");
    assert_eq!(log(&world, 1).len(), 1);
    world.remove_message_rule(hold);
    pass(&mut world, 5_000);
    assert_eq!(log(&world, 1)[1..], ["answer 1 a", "answer 2 b"]);

    let late = MessageFate::Delay(Micros(30_000));
    let delay = world.add_message_rule(MessageMatch { count: Some(1), ..of(None, Side::Response) }, late);
    let sent = world.now().0;
    order(&mut world, 1, "send 2 data c");
    order(&mut world, 1, "send 2 data d");
    pass(&mut world, 50_000);
    assert_eq!(when(&world, 1, "answer 3 c"), sent + 10 + 1000 + 10 + 1000 + 30_000);
    assert!(when(&world, 1, "answer 4 d") >= when(&world, 1, "answer 3 c"), "what follows is late too");
    world.remove_message_rule(delay);

    let lost = world
        .add_message_rule(MessageMatch { count: Some(1), ..of(None, Side::Response) }, MessageFate::Drop);
    order(&mut world, 1, "send 2 data e");
    order(&mut world, 1, "send 2 data f");
    pass(&mut world, 50_000);
    assert_eq!(log(&world, 1).last(), Some(&"answer 4 d"), "what follows waits behind it");
    world.remove_message_rule(lost);
    pass(&mut world, 50_000);
    assert_eq!(log(&world, 1).last(), Some(&"answer 4 d"), "and nothing brings it back");
    order(&mut world, 1, "close 2 data");
    pass(&mut world, 5_000);
    let answers = log(&world, 1);
    assert_eq!(
        answers[answers.len() - 2..],
        ["answer 5 lost", "answer 6 lost"],
        "every call is answered in the end"
    );
}

#[test]
fn pushes_come_in_order_with_responses() {
    let mut world = world(3, 4);
    tell(&mut world, 1, "connect 0 zk");
    pass(&mut world, 10_000);
    order(&mut world, 1, "send 0 zk a");
    pass(&mut world, 10_000);
    for _ in 0..3 {
        tell(&mut world, 0, "push");
        tell(&mut world, 0, "park");
        tell(&mut world, 1, "send 0 zk b");
        pass(&mut world, 10_000);
        tell(&mut world, 0, "push");
        tell(&mut world, 0, "reply");
        tell(&mut world, 0, "push");
        pass(&mut world, 10_000);
    }
    let round = |call: u32| {
        vec![
            "pushed /a from 0".to_owned(),
            "pushed /a from 0".to_owned(),
            format!("answer {call} b"),
            "pushed /a from 0".to_owned(),
        ]
    };
    let expected: Vec<String> = [round(2), round(3), round(4)].concat();
    assert_eq!(log(&world, 1)[2..], expected);
}

#[test]
fn bytes_queue_at_a_narrow_link() {
    let network = NetworkSpec { jitter: Micros::ZERO, bytes_per_second: None, ..NetworkSpec::default() };
    let mut world = world_with(3, 0, network);
    tell(&mut world, 1, "connect 2 data");
    tell(&mut world, 1, "connect 2 1");
    pass(&mut world, 10_000);
    world.shape_link(NodeId(1), NodeId(2), None, None, Some(1_000_000));
    let size = 40 + request("a").wire_size();
    let sent = world.now().0;
    tell(&mut world, 1, "send 2 data a");
    tell(&mut world, 1, "send 2 1 b");
    pass(&mut world, 10_000);
    assert_eq!(when(&world, 2, "request a from 1"), sent + 10 + size + 1000);
    assert_eq!(
        when(&world, 2, "request b from 1"),
        sent + 10 + 2 * size + 1000,
        "behind a, though on another channel"
    );
    world.shape_link(NodeId(1), NodeId(2), Some(Micros(5_000)), None, Some(0));
    order(&mut world, 1, "send 2 data c");
    pass(&mut world, 100_000_000);
    assert_eq!(log(&world, 2).len(), 2, "a bandwidth of nothing lets nothing through");
}

#[test]
fn removing_one_message_moves_no_other_latency() {
    for seed in 1..6 {
        let arrivals = |with_other: bool| {
            let mut world = connected(seed);
            tell(&mut world, 1, "connect 2 1");
            tell(&mut world, 0, "connect 2 1");
            pass(&mut world, 10_000);
            for name in 0..10 {
                order(&mut world, 0, &format!("send 2 1 s{name}"));
                if with_other && name == 4 {
                    order(&mut world, 1, "send 2 1 extra");
                } else {
                    pass(&mut world, 100);
                }
                pass(&mut world, 5_000);
            }
            (0..10).map(|name| when(&world, 2, &format!("request s{name} from 0"))).collect::<Vec<_>>()
        };
        assert_eq!(arrivals(true), arrivals(false));
    }
}
