//! Checkers of single steps: a restart, an order, a reset.

use super::*;
use crate::checkers::history::Deletion;
use kafka::broker::control::CarriedOut;
use kafka::ids::BrokerEpoch;

#[test]
fn a_restart_keeps_what_is_safe() {
    let dropped = &log("a0 b0 c0 d0")[1..];
    let first = |safe, start| {
        let lost = restart_keeps::first_lost(dropped, Offset(safe), Offset(start));
        lost.map_or(-1, |batch| batch.base_offset.0)
    };
    // Up to where it was safe, where the log starts now; what is missing first.
    for (safe, start, lost) in [(4, 0, 1), (2, 0, 1), (1, 0, -1), (4, 2, 2), (4, 4, -1)] {
        assert_eq!(first(safe, start), lost, "{safe} {start}");
    }
    let mut small = Small::new(["a0 b0 c0"; 3], 0, 3);
    let seen = &mut small.ghost().replicas[0];
    seen.flushed = Offset(2);
    assert_eq!(restart_keeps::safe_end(seen), Offset(3), "a process that ends loses nothing");
    seen.lost_power = true;
    assert_eq!(restart_keeps::safe_end(seen), Offset(2));
    let lost = Some(log("a0")[0]);
    assert_eq!(small.change(1, |change| change.lost_over_restart = lost), ["restart-keeps"]);
}

#[test]
fn an_order_is_for_the_life_that_it_names() {
    for (meant_for, broken) in [(None, false), (Some(6), true), (Some(7), false), (Some(8), false)] {
        let meant_for = meant_for.map(BrokerEpoch);
        let order = CarriedOut { count: 1, meant_for, in_life: Some(BrokerEpoch(7)) };
        assert_eq!(own_orders::problem(&order).is_some(), broken);
    }
}

#[test]
fn who_was_assigned_anew_is_not_deleted_by_an_older_order() {
    // The replica's epoch; the last in which it was not assigned.
    for (own, out, untimely) in
        [(3, Some(4), false), (4, Some(4), true), (5, Some(4), true), (0, None, true), (-1, None, false)]
    {
        let out = out.map(LeaderEpoch);
        assert_eq!(stopped_in_turn::is_untimely(LeaderEpoch(own), out), untimely, "{own} {out:?}");
    }
    for (ordered, untimely) in [(Deletion::NotOrdered, true), (Deletion::Ordered, false)] {
        let mut small = Small::new(["a0"; 3], 5, 1);
        let ghost = small.ghost();
        (ghost.deletion, ghost.out) = (ordered, vec![(BrokerId(2), LeaderEpoch(3))]);
        ghost.forget(NodeId(2), Time(5));
        assert_eq!(ghost.untimely.is_some(), untimely);
    }
}

#[test]
fn who_is_out_is_remembered_by_the_last_epoch() {
    let mut small = Small::new(["a0"; 3], 5, 1);
    let ghost = small.ghost();
    let all = || (1..=4).map(BrokerId);
    ghost.note_who_is_out(all());
    assert_eq!(ghost.out, [(BrokerId(4), LeaderEpoch(5))]);
    let state = ghost.state.as_mut().expect("a state");
    (state.leader_epoch, state.leaving) = (LeaderEpoch(6), vec![BrokerId(3)]);
    ghost.note_who_is_out(all());
    assert_eq!(ghost.out, [(BrokerId(4), LeaderEpoch(6)), (BrokerId(3), LeaderEpoch(6))]);
}

#[test]
fn a_consumer_is_reset_for_a_cause() {
    let away = |from| Delivery::PositionReset { partition: partition(), from: Some(from), to: Offset(0) };
    let small = || {
        let mut small = Small::new(["a0 b0 c0 d0"; 3], 0, 4).commit("a0 b0 c0 d0");
        assert_eq!(small.deliver(5, &polled(0, "a0 b0 c0", 4)), [""; 0]);
        small
    };
    assert_eq!(small().deliver(5, &away(Offset(3))), ["reset-for-cause"]);
    let out_of_range = Delivery::OffsetOutOfRange { partition: partition(), position: Offset(3) };
    assert_eq!(small().deliver(5, &out_of_range), ["reset-for-cause"]);
    assert_eq!(small().deliver(5, &away(Offset(1))), [""; 0], "it has gone elsewhere meanwhile");
    let first = Delivery::PositionReset { partition: partition(), from: None, to: Offset(0) };
    assert_eq!(small().deliver(5, &first), [""; 0], "it had no position");

    // A leader since then that has less, another history, or has deleted what was read.
    for (log_of_2, start) in [("a0 b0", 0), ("a0 b0 x1 y1", 0), ("a0 b0 c0 d0", 3)] {
        let mut small = small();
        let seen = &mut small.ghost().replicas[1];
        seen.batches = log(log_of_2).into_iter().collect();
        (seen.start, seen.end) = (Offset(start), Offset(seen.batches.len() as i64));
        assert_eq!(small.deliver(5, &polled(2, "a0 b0 c0", 4)), [""; 0]);
        small.ghost().replicas[1].role = Role::Leader;
        small.change(2, |change| change.role_changed = true);
        small.ghost().replicas[1].role = Role::Follower(BrokerId(1));
        assert_eq!(small.deliver(5, &away(Offset(3))), [""; 0], "{log_of_2} {start}");
    }
}

#[test]
fn a_log_starts_where_somebody_has_ordered() {
    let starts = |at: i64, ordered: i64| {
        let mut small = Small::new(["a0 b0 c0"; 3], 0, 3);
        let ghost = small.ghost();
        (ghost.replicas[1].start, ghost.ordered) = (Offset(at), Offset(ordered));
        small
    };
    assert_eq!(starts(2, 1).change(2, |change| change.start_rose = true), ["start-as-ordered"]);
    assert_eq!(starts(2, 2).change(2, |change| change.start_rose = true), [""; 0]);
    assert_eq!(starts(2, 1).change(2, |_| {}), [""; 0], "told when it rose");
    let mut lossy = starts(2, 1);
    lossy.ghost().lossy.insert(NodeId(3));
    assert_eq!(lossy.change(2, |change| change.start_rose = true), [""; 0]);
    let mut anew = starts(2, 1);
    anew.ghost().is_made_anew = true;
    assert_eq!(anew.change(2, |change| change.start_rose = true), [""; 0]);
}

#[test]
fn a_consumer_begins_at_a_start_or_at_the_end_that_it_was_told() {
    let begins = |to| Delivery::PositionReset { partition: partition(), from: None, to: Offset(to) };
    let small = || Small::new(["a0 b0 c0"; 3], 0, 3).commit("a0 b0 c0");
    assert_eq!(small().deliver(5, &begins(0)), [""; 0]);
    assert_eq!(small().deliver(5, &begins(1)), ["start-is-told"]);
    let mut deleted = small();
    deleted.ghost().replicas[2].start = Offset(1);
    assert_eq!(deleted.deliver(5, &begins(1)), [""; 0]);
    let mut at_end = small();
    let (partition, offset, broker) = (partition(), Offset(3), BrokerId(1));
    at_end.deliver(5, &Delivery::EndOffset { partition, offset, broker });
    assert_eq!(at_end.deliver(5, &begins(3)), [""; 0]);
    assert_eq!(at_end.deliver(4, &begins(3)), ["start-is-told"], "another was told");
}

#[test]
fn a_follower_learns_where_its_leaders_log_starts() {
    for (leader, follower, in_isr, broken) in
        [(2, 1, true, true), (2, 2, true, false), (1, 2, true, false), (2, 1, false, false)]
    {
        let mut small = Small::new(["a0 b0 c0"; 3], 0, 3).commit("a0 b0 c0");
        let ghost = small.ghost();
        ghost.ordered = Offset(2);
        for (index, start) in [leader, follower, leader].into_iter().enumerate() {
            ghost.replicas[index].start = Offset(start);
        }
        if !in_isr {
            ghost.state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(3)];
        }
        small.force = PROPERTIES.iter().map(|info| info.name == "log-start-arrives").collect();
        assert_eq!(!small.end().is_empty(), broken, "{leader} {follower} {in_isr}");
    }
}
