//! What is lost, and what is not: by order, by declaration, by power.

use super::*;

#[test]
fn what_an_operator_has_deleted_is_not_lost() {
    // The leader's log starts at 2, or 1; only what is below 1 was ordered to go.
    for (start, found) in [(1, vec![]), (2, vec!["candidate-completeness", "leader-completeness"])] {
        let mut small = Small::new(["a0 b0 c0", "a0 b0 c0", "a0 b0 c0"], 0, 3).commit("a0 b0 c0");
        small.send(1, "a");
        small.deliver(4, &acked(1, 0));
        small.ghost().ordered = Offset(1);
        small.ghost().deleted = Offset(1);
        let leader = &mut small.ghost().replicas[0];
        leader.start = Offset(start);
        leader.batches.drop_front(start as usize);
        assert_eq!(small.change(1, |change| change.cut = true), found, "starts at {start}");
        let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &|_, _| Vec::new());
        assert_eq!(audit.records[0].fate, Fate::Deleted(Offset(1)), "starts at {start}");
    }
    // A crash takes the leader's log start back, and a follower cuts what was deleted: nobody is owed that.
    let mut small = Small::new(["a0 b0"; 3], 0, 2).commit("a0 b0");
    small.ghost().replicas[1].batches.drop_front(1);
    small.ghost().ordered = Offset(1);
    small.ghost().deleted = Offset(1);
    assert_eq!(small.change(2, |change| change.cut = true), [""; 0]);
    // Nobody has ordered anything: a follower whose log starts at 1 has lost its beginning.
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
    let follower = &mut small.ghost().replicas[2];
    follower.start = Offset(1);
    follower.batches.drop_front(1);
    assert_eq!(small.change(3, |change| change.cut = true), ["weak-isr", "candidate-completeness"]);
    // And of a consumer: below the start it is not owed anything, above it is.
    for (ordered, found) in [(1, vec![]), (0, vec!["no-silent-gap"])] {
        let mut small = Small::new(["a0 b0 c0"; 3], 0, 3).commit("a0 b0 c0");
        small.deliver(5, &polled(0, "", 3));
        small.ghost().ordered = Offset(ordered);
        small.ghost().deleted = Offset(ordered);
        small.ghost().replicas[0].start = Offset(1);
        assert_eq!(small.deliver(5, &polled(1, "a0 b0 c0", 3)), found, "{ordered}");
    }
}

#[test]
fn a_topic_that_was_deleted_by_order_is_not_lost_and_its_name_is_free() {
    let how = "broker-3 dropped it at 9 ms by deletion of the replica".to_owned();
    for (ordered, fate) in [(true, Fate::TopicDeleted), (false, Fate::Lost { declared: None, how })] {
        let mut small = Small::new(["a0"; 3], 0, 1).commit("a0");
        small.send(1, "a");
        small.deliver(4, &acked(1, 0));
        if ordered {
            small.history.order_deletion(Topic::new("t"));
        }
        let of_a = |small: &Small| {
            let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &|_, _| Vec::new());
            audit.records[0].fate.clone()
        };
        assert_eq!(of_a(&small), Fate::Kept, "an order alone deletes nothing");
        (1..=3).for_each(|node| small.ghost().forget(NodeId(node), Time(9000)));
        assert_eq!(of_a(&small), fate);
        // This ZooKeeper knows no partition.
        let gone = small.history.end_deleted(&small.nodes);
        assert_eq!(gone, if ordered { vec![partition()] } else { vec![] });
        gone.into_iter().for_each(|partition| small.ledger.topic_is_deleted(partition));
        assert_eq!(of_a(&small), fate, "ordered {ordered}");
        assert_eq!(small.ghost().committed.len(), usize::from(!ordered), "another topic owes nothing");
    }
}

#[test]
fn a_declared_loss_is_no_violation() {
    let mut small = Small::new(["a0", "a0", "a0"], 1, 1).commit("a0 b0");
    small.ghost().lossy.insert(NodeId(1));
    assert_eq!(small.change(1, |change| change.role_changed = true), [""; 0]);
}

#[test]
fn a_lost_page_cache_is_judged_by_the_promise_of_its_time() {
    // Committed under one setting of min.insync.replicas and lost under another, with one page cache.
    for (then, now, broken) in [(1, 1, false), (2, 2, true), (1, 2, false), (2, 1, true)] {
        let small = || {
            let mut small = Small::new(["a0", "a0", "a0"], 1, 1).commit("a0 b0");
            let ghost = small.ghost();
            ghost.committed =
                ghost.committed.iter().map(|old| Committed { minimum: then, ..old.clone() }).collect();
            ghost.lossy.insert(NodeId(1));
            ghost.set_minimum(then);
            ghost.set_minimum(now);
            small
        };
        let found = small().change(1, |change| change.role_changed = true);
        assert_eq!(found.contains(&"leader-completeness"), broken, "{then}, then {now}: {found:?}");
        let found = small().change(3, |change| change.cut = true);
        assert_eq!(found.contains(&"candidate-completeness"), broken, "{then}, then {now}: {found:?}");
        // What was read at that offset is another record now.
        let mut small = small();
        small.deliver(5, &polled(0, "a0 b0", 2));
        let found = small.deliver(5, &polled(1, "a0 c1", 2));
        assert_eq!(found, if broken { vec!["offset-unique"] } else { vec![] }, "{then}, then {now}");
    }
}

#[test]
fn what_power_took_is_declared_though_nobody_has_led_since() {
    // `b` was on one machine, which lost it: promised to one, that is declared; promised to two, it is not.
    for (minimum, expected) in [(1, Some("power-loss")), (2, None)] {
        let mut small = Small::new(["a0 b0", "a0", "a0"], 0, 2);
        small.ghost().min_insync_replicas = minimum;
        small.send(1, "b");
        small.deliver(4, &acked(1, 1));
        let batch = log("a0 b0")[1];
        let why = "a loss of power".into();
        small.ghost().drops.push(Drop { batch, node: NodeId(1), at: Time(5), why, by_loss: true });
        small.ghost().replicas[0].batches = log("a0").into_iter().collect();
        small.ghost().replicas.iter_mut().for_each(|seen| seen.role = Role::Idle);
        let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &|_, _| Vec::new());
        let Fate::Lost { declared, .. } = &audit.records[0].fate else { panic!("{:?}", audit.records[0]) };
        assert_eq!(*declared, expected, "{minimum}");
    }
}

fn lost() -> Fate {
    Fate::Lost {
        declared: None,
        how: "broker-3 dropped it at 0 ms by rule truncation to-high-watermark".into(),
    }
}

#[test]
fn what_nobody_was_told_of_is_looked_for() {
    // `m` got no answer, `n` failed; the leader's log holds `m` only.
    let mut small = Small::new(["a0 b0", "a0", "a0"], 0, 1);
    small.send(1, "m");
    small.send(2, "n");
    let written = records::build(&[(Timestamp(7), record("m"))]);
    let info = crate::trace::names::info(&written);
    small.ghost().replicas[0].batches = [info].into_iter().collect();
    let on_disk = |node, _| if node == NodeId(1) { vec![written.clone()] } else { Vec::new() };
    let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &on_disk);
    let found: Vec<_> = audit.records.iter().map(|record| (record.batch, &record.copies[..])).collect();
    assert_eq!(found, [(Some(info), &["broker-1".into()][..]), (None, &[][..])]);
    assert!(audit.records.iter().all(|record| record.fate == Fate::NotPromised));
}

#[test]
fn a_duplicate_is_the_same_record_at_another_offset() {
    // `b` was written twice; told of offset 1, which is gone on all; the other attempt stands at offset 2, or nowhere.
    for (log_now, fate) in [("a0 c1 b1", Fate::Duplicate(Offset(2))), ("a0 c1", lost())] {
        let mut small = Small::new(["a0 b0"; 3], 0, 2).commit("a0 b0");
        small.send(1, "b");
        small.deliver(4, &acked(1, 1));
        small.force = PROPERTIES.iter().map(|info| info.name == "acked-durable").collect();
        let batch = log("a0 b0")[1];
        for (index, node) in [NodeId(1), NodeId(2), NodeId(3)].into_iter().enumerate() {
            small.ghost().replicas[index].batches = log(log_now).into_iter().collect();
            let why = "rule truncation to-high-watermark".into();
            small.ghost().drops.push(Drop { batch, node, at: Time(5), why, by_loss: false });
        }
        let is_lost = fate == lost();
        let found = small.change(3, |change| change.cut = true);
        assert_eq!(found.contains(&"acked-durable"), is_lost, "{log_now}: {found:?}");
        let audit = Audit::new(&small.history, &small.ledger, &small.nodes, &|_, _| Vec::new());
        assert_eq!(audit.records[0].fate, fate, "{log_now}");
        assert_eq!(audit.lost().count(), usize::from(is_lost));
    }
}
