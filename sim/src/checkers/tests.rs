//! Each checker: something it must catch, and something like it that it must not.
//!
//! Worlds small enough to read: replicas are written down as logs (`"a0 b0 c1"`: values at leader epochs, offsets by
//! position), and one change at a time is shown to one checker. Checkers against running clusters, with planted faults
//! and with their full recomputation, are in `sim/tests/checkers.rs`.

mod clients;
mod losses;
mod mechanisms;
mod states;

use super::audit::{Audit, Fate};
use super::history::{
    Change, Committed, Declared, Drop, Ghost, History, Log, Seen, StateSeen, first_disagreement,
};
use super::*;
use crate::kernel::entropy::mix;
use crate::world::nodes::{NodeSlot, Process, Status};
use bytes::Bytes;
use kafka::broker::view::Role;
use kafka::command::{ProducerRecord, SendId};
use kafka::ids::{BrokerId, LeaderEpoch};
use kafka::log::batch::{BatchHeader, RecordBatch};
use kafka::log::partition_log::BatchInfo;
use kafka::log::records;
use kafka::time::Timestamp;
use kafka::zookeeper::ZooKeeper;

/// A log in words: `"a0 b0"` is two batches of one record each, `a` and `b`, both of epoch 0.
fn log(text: &str) -> Vec<BatchInfo> {
    let batch = |(offset, cell): (usize, &str)| {
        let (value, epoch) = cell.split_at(1);
        let offset = Offset(offset as i64);
        BatchInfo {
            base_offset: offset,
            last_offset: offset,
            epoch: LeaderEpoch(epoch.parse().expect("an epoch")),
            crc: u32::from(value.as_bytes()[0]),
            size: 70,
            max_timestamp: Timestamp(0),
        }
    };
    text.split_whitespace().enumerate().map(batch).collect()
}

/// A small world: brokers 1, 2, 3 on nodes 1, 2, 3; a producer on node 4, a consumer on node 5.
struct Small {
    nodes: Nodes,
    history: History,
    ledger: Ledger,
    force: Vec<bool>,
    findings: Vec<Finding>,
    ends: end_offset_monotone::EndOffsetMonotone,
    refused: definite_error::DefiniteError,
    gaps: no_silent_gap::NoSilentGap,
    resets: reset_for_cause::ResetForCause,
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

impl Small {
    /// Brokers with these logs; the first leads epoch `epoch` with all of them in the ISR; all high watermarks at `at`.
    fn new(logs: [&str; 3], epoch: i32, at: i64) -> Small {
        let slot = |name: &str| NodeSlot {
            name: name.into(),
            era: Era::parse("2.8.2").expect("a release"),
            status: Status::Up,
            life: 1,
            process: Arc::new(Process::ZooKeeper(ZooKeeper::default())),
        };
        let names = ["zookeeper", "broker-1", "broker-2", "broker-3", "producer-1", "consumer-1"];
        let nodes = Nodes { slots: names.map(slot).into(), now: Time::ZERO };
        let mut history = History::default();
        let ghost = history.ghost_mut(partition());
        let isr: Vec<BrokerId> = (1..=3).map(BrokerId).collect();
        ghost.replicas = (1..=3)
            .map(|id| {
                let batches = log(logs[id as usize - 1]);
                Seen {
                    node: NodeId(id as u16),
                    broker: BrokerId(id),
                    alive: true,
                    life: 1,
                    role: if id == 1 { Role::Leader } else { Role::Follower(BrokerId(1)) },
                    leader_epoch: LeaderEpoch(epoch),
                    high_watermark: Offset(at),
                    start: Offset::ZERO,
                    end: Offset(batches.len() as i64),
                    isr: if id == 1 { isr.clone() } else { Vec::new() },
                    batches: batches.into_iter().collect(),
                    complete: 0,
                    epochs: Vec::new(),
                    maximal_isr: if id == 1 { isr.clone() } else { Vec::new() },
                    flushed: Offset::ZERO,
                    lost_power: false,
                }
            })
            .collect();
        let assigned = isr.clone();
        ghost.state = Some(StateSeen {
            leader: BrokerId(1),
            leader_epoch: LeaderEpoch(epoch),
            isr,
            assigned,
            leaving: Vec::new(),
        });
        Small {
            nodes,
            history,
            ledger: Ledger::default(),
            force: vec![true; PROPERTIES.len()],
            findings: Vec::new(),
            ends: Default::default(),
            refused: Default::default(),
            gaps: Default::default(),
            resets: Default::default(),
        }
    }

    fn ghost(&mut self) -> &mut Ghost {
        self.history.ghost_mut(partition())
    }

    fn commit(mut self, text: &str) -> Small {
        let committed =
            log(text).into_iter().map(|batch| Committed { batch, at: Time(1), by: NodeId(1), minimum: 1 });
        self.ghost().committed = committed.collect();
        self
    }

    /// Shows a change of broker `id` to every checker of replicas.
    fn change(&mut self, id: u16, tweak: impl FnOnce(&mut Change)) -> Vec<&'static str> {
        let index = usize::from(id) - 1;
        let kept = self.ghost().replicas[index].batches.len();
        let mut change = Change {
            node: NodeId(id),
            index,
            kept,
            cut: false,
            role_changed: false,
            isr_changed: false,
            epochs_changed: false,
            start_rose: false,
            admitted: Vec::new(),
            lost_over_restart: None,
            high_watermark_before: None,
            committed_from: self.ghost().committed.len(),
        };
        tweak(&mut change);
        let Small { nodes, history, ledger, force, findings, resets, .. } = self;
        findings.clear();
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        let ghost = history.ghost_mut(partition());
        restart_keeps::on_change(&change, ghost, &mut context);
        start_as_ordered::on_change(&change, ghost, &mut context);
        resets.on_change(&change, ghost);
        high_watermark_monotone::on_change(&change, ghost, &mut context);
        min_isr_high_watermark::on_change(&change, ghost, &mut context);
        one_leader_per_epoch::on_change(&change, ghost, &mut context);
        prefix_per_epoch::on_change(&change, ghost, &mut context);
        log_matching::on_change(&change, ghost, &mut context);
        weak_isr::on_change(&change, ghost, &mut context);
        candidate_completeness::on_change(&change, ghost, &mut context);
        let missing = leader_completeness::on_change(&change, ghost, &mut context);
        consistent_read::on_leader_without(&missing, ghost, &mut context);
        acked_durable::on_change(&change, ghost, &mut context);
        exactly_once_append::on_change(&change, ghost, &mut context);
        self.found()
    }

    /// Tells the checkers of clients something.
    fn deliver(&mut self, node: u16, delivery: &Delivery) -> Vec<&'static str> {
        let Small { nodes, history, ledger, force, findings, ends, refused, gaps, resets } = self;
        let node = NodeId(node);
        findings.clear();
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        read_below_high_watermark::on_delivery(node, delivery, history, &mut context);
        offset_unique::on_delivery(node, delivery, history, &mut context);
        consistent_read::on_delivery(delivery, history, &mut context);
        ends.on_delivery(node, delivery, history, &mut context);
        start_is_told::on_delivery(node, delivery, ends, history, &mut context);
        refused.on_delivery(node, delivery, history, &mut context);
        gaps.on_delivery(node, delivery, history, &mut context);
        resets.on_delivery(node, delivery, history, &mut context);
        ledger.on_delivery(delivery, Time(5), history);
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        acked_durable::on_delivery(delivery, history, &mut context);
        producer_order::on_delivery(node, delivery, history, &mut context);
        self.found()
    }

    /// Ends the run.
    fn end(&mut self) -> Vec<&'static str> {
        let Small { nodes, history, ledger, force, findings, .. } = self;
        findings.clear();
        let mut context = Context { at: Time(5), event: EventId(1), nodes, ledger, force, findings };
        isr_refills::finish(history, &mut context);
        high_watermark_arrives::finish(history, &mut context);
        log_start_arrives::finish(history, &mut context);
        self.found()
    }

    fn found(&self) -> Vec<&'static str> {
        let mut found: Vec<&'static str> = Vec::new();
        for finding in &self.findings {
            assert!(!finding.report.is_empty(), "a finding says what was promised");
            if !found.contains(&finding.property) {
                found.push(finding.property);
            }
        }
        found
    }

    fn send(&mut self, id: u64, name: &'static str) {
        let (send, value) = (SendId(id), FirstValue::of(Some(&Bytes::from(name))));
        let handed = Handed::Records { send, partition: partition(), value, count: 1 };
        self.ledger.on_handed(NodeId(4), &handed, Time(0));
    }
}

fn record(value: &'static str) -> ProducerRecord {
    ProducerRecord { key: None, value: Some(Bytes::from(value)), headers: Vec::new() }
}

fn acked(id: u64, offset: i64) -> Delivery {
    let (send, base_offset) = (SendId(id), Some(Offset(offset)));
    Delivery::Acked { send, partition: partition(), base_offset, broker: BrokerId(1) }
}

fn polled(from: i64, text: &str, high_watermark: i64) -> Delivery {
    let batches = log(text).into_iter().skip(from as usize).map(|info| {
        let header = BatchHeader {
            base_offset: info.base_offset,
            batch_length: 58,
            partition_leader_epoch: info.epoch,
            magic: 2,
            crc: info.crc,
            attributes: 0,
            last_offset_delta: 0,
            base_timestamp: Timestamp(0),
            max_timestamp: Timestamp(0),
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            records_count: 1,
        };
        RecordBatch::new(header, Bytes::new())
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let position = Offset(from + batches.len() as i64);
    let high_watermark = Offset(high_watermark);
    Delivery::Polled {
        partition: partition(),
        from: Offset(from),
        position,
        batches,
        broker: BrokerId(1),
        high_watermark,
    }
}

#[test]
fn a_healthy_partition_breaks_nothing() {
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
    for id in 1..=3 {
        assert_eq!(
            small.change(id, |change| (change.cut, change.role_changed, change.kept) = (true, true, 0)),
            [""; 0]
        );
    }
}

#[test]
fn leader_and_candidate_completeness() {
    // A member of the ISR lacks b, which was committed.
    let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 1, 1).commit("a0 b0");
    assert_eq!(small.change(3, |change| change.cut = true), ["candidate-completeness"]);
    // So does the leader.
    let mut small = Small::new(["a0", "a0 b0", "a0 b0"], 1, 1).commit("a0 b0");
    assert_eq!(
        small.change(1, |change| change.role_changed = true),
        ["candidate-completeness", "leader-completeness"]
    );
    // Told once: the ghost follows the leader.
    assert_eq!(small.change(1, |change| change.role_changed = true), [""; 0]);

    // Outside the ISR, or not running: no candidate. In an older epoch: not the current leader.
    let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 1, 2).commit("a0 b0");
    small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(2)];
    small.ghost().replicas[0].isr = vec![BrokerId(1), BrokerId(2)];
    assert_eq!(small.change(3, |change| change.cut = true), [""; 0]);
    let mut small = Small::new(["a0", "a0 b0", "a0 b0"], 1, 1).commit("a0 b0");
    let state = small.ghost().state.as_mut().expect("a state");
    (state.leader, state.leader_epoch, state.isr) = (BrokerId(2), LeaderEpoch(2), vec![BrokerId(2)]);
    assert_eq!(small.change(1, |change| change.role_changed = true), [""; 0]);
}

#[test]
fn log_matching_and_prefix_per_epoch() {
    // Both high watermarks are above offset 1, where b and c stand.
    let mut small = Small::new(["a0 b0", "a0 c1", "a0"], 1, 2);
    assert!(small.change(1, |change| change.cut = true).contains(&"log-matching"));
    // The same below one high watermark only: nobody can be told both.
    let mut small = Small::new(["a0 b0", "a0 c1", "a0"], 1, 2);
    small.ghost().replicas[1].high_watermark = Offset(1);
    small.ghost().replicas[0].isr.clear();
    assert_eq!(small.change(1, |change| change.cut = true), [""; 0]);
    // After an unclean election a replica outside the ISR may still have to be cut.
    let mut small = Small::new(["a0 b1", "a0 c0", "a0 b1"], 1, 2);
    small.ghost().unclean = Some(LeaderEpoch(1));
    small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(3)];
    small.ghost().replicas[0].isr = vec![BrokerId(1), BrokerId(3)];
    assert_eq!(small.change(1, |change| change.cut = true), [""; 0]);

    // Nor is one to blame that comes back with what power has taken from the others.
    let mut small = Small::new(["a0 b1", "a0 c0", "a0 b1"], 1, 2).commit("a0");
    let lost = small.ghost().committed.iter().last().expect("a committed batch").clone();
    small.ghost().lost.push((lost, Some(Declared::PowerLoss)));
    small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(3)];
    small.ghost().replicas[0].isr = vec![BrokerId(1), BrokerId(3)];
    assert_eq!(small.change(1, |change| change.cut = true), [""; 0]);

    // The same offset and epoch after different predecessors.
    let mut small = Small::new(["a0 b0 d2", "a0 c1 d2", "a0"], 2, 0);
    assert_eq!(small.change(1, |change| change.kept = 0), [""; 0]);
    assert_eq!(small.change(2, |change| change.kept = 0), ["prefix-per-epoch"]);
    // What power has taken is given away anew, if that was declared; the machine may be whole again.
    for (minimum, machines, expected) in [(1, 1, vec![]), (2, 1, vec!["prefix-per-epoch"]), (2, 2, vec![])] {
        let mut small = Small::new(["a0 b0", "a0 c0", "a0"], 0, 0);
        small.ghost().min_insync_replicas = minimum;
        let batch = log("a0 b0")[1];
        small.ghost().drops.extend((1..=machines).map(|node| Drop {
            batch,
            node: NodeId(node),
            at: Time::ZERO,
            why: "a loss of power".into(),
            by_loss: true,
        }));
        assert_eq!(small.change(1, |change| change.kept = 0), [""; 0]);
        assert_eq!(small.change(2, |change| change.kept = 0), expected, "{minimum} {machines}");
    }
    // Different epochs may differ.
    let mut small = Small::new(["a0 b0", "a0 c1", "a0"], 2, 0);
    small.change(1, |change| change.kept = 0);
    assert_eq!(small.change(2, |change| change.kept = 0), [""; 0]);
}

#[test]
fn weak_isr() {
    let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 0, 2);
    small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(2)];
    assert_eq!(small.change(1, |change| change.high_watermark_before = Some(Offset(1))), ["weak-isr"]);
    let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 0, 2);
    small.ghost().replicas[0].isr = vec![BrokerId(1), BrokerId(2)];
    assert_eq!(small.change(1, |change| change.high_watermark_before = Some(Offset(1))), [""; 0]);
    // Who leaves is not waited for, nor who has left, though the leader does not know yet; whoever stays is.
    for (leaving, assigned, expected) in [
        (vec![3], vec![1, 2, 3], vec![]),
        (vec![], vec![1, 2], vec![]),
        (vec![], vec![1, 2, 3], vec!["weak-isr"]),
    ] {
        let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 0, 2);
        let state = small.ghost().state.as_mut().expect("a state");
        state.isr = vec![BrokerId(1), BrokerId(2)];
        state.leaving = leaving.into_iter().map(BrokerId).collect();
        state.assigned = assigned.into_iter().map(BrokerId).collect();
        let found = small.change(1, |change| change.high_watermark_before = Some(Offset(1)));
        assert_eq!(found, expected);
    }
    // Nor who was deleted when it had left, and is there again: a leader of that time does not know. Later ones do.
    for (epoch, expected) in [(0, vec![]), (-1, vec!["weak-isr"])] {
        let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 0, 2);
        small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(2)];
        let node = small.ghost().replicas[2].node;
        small.ghost().has_left.push((node, LeaderEpoch(epoch)));
        let found = small.change(1, |change| change.high_watermark_before = Some(Offset(1)));
        assert_eq!(found, expected, "{epoch}");
    }
    // A mechanism that is not in force is not looked at.
    let mut small = Small::new(["a0 b0", "a0 b0", "a0"], 0, 2);
    small.force = PROPERTIES.iter().map(|info| info.name != "weak-isr").collect();
    assert_eq!(small.change(1, |change| change.high_watermark_before = Some(Offset(1))), [""; 0]);
}

#[test]
fn the_high_watermark_of_one_leadership() {
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 1);
    assert_eq!(
        small.change(1, |change| change.high_watermark_before = Some(Offset(2))),
        ["high-watermark-monotone"]
    );
    assert_eq!(
        small.change(2, |change| change.high_watermark_before = Some(Offset(2))),
        [""; 0],
        "a follower may"
    );
    let back =
        |change: &mut Change| (change.high_watermark_before, change.role_changed) = (Some(Offset(2)), true);
    assert_eq!(small.change(1, back), [""; 0], "a new leader may");

    small.ghost().min_insync_replicas = 2;
    small.ghost().replicas[0].isr = vec![BrokerId(1)];
    assert_eq!(
        small.change(1, |change| change.high_watermark_before = Some(Offset(0))),
        ["min-isr-high-watermark"]
    );
    small.ghost().replicas[0].isr = vec![BrokerId(1), BrokerId(2)];
    assert_eq!(small.change(1, |change| change.high_watermark_before = Some(Offset(0))), [""; 0]);
}

#[test]
fn one_leader_per_epoch() {
    let mut small = Small::new(["a0 b0", "a0", "a0"], 0, 1);
    assert_eq!(small.change(1, |change| change.kept = 1), [""; 0]);
    small.ghost().replicas[1].role = Role::Leader;
    small.ghost().replicas[1].batches = log("a0 c0").into_iter().collect();
    small.force = PROPERTIES.iter().map(|info| info.name == "one-leader-per-epoch").collect();
    assert_eq!(small.change(2, |change| change.kept = 1), ["one-leader-per-epoch"]);
    small.ghost().replicas[1].leader_epoch = LeaderEpoch(1);
    assert_eq!(small.change(2, |change| change.kept = 1), [""; 0]);
}

#[test]
fn acked_durable() {
    // Told of a record that no high watermark has passed.
    let mut small = Small::new(["a0 b0", "a0", "a0"], 0, 1).commit("a0");
    small.send(0, "a");
    small.send(1, "b");
    assert_eq!(small.deliver(4, &acked(0, 0)), [""; 0]);
    assert_eq!(small.deliver(4, &acked(1, 1)), ["acked-durable"]);

    // Told late, by a leader that an unclean election had deposed, and which has cut it since; without that election not.
    for (unclean, expected) in [(Some(LeaderEpoch(1)), vec![]), (None, vec!["acked-durable"])] {
        let mut small = Small::new(["a0", "a0", "a0"], 1, 1).commit("a0");
        small.send(1, "b");
        let (batch, why) = (log("a0 b0")[1], "rule truncation on-fetch".into());
        small.ghost().drops.push(Drop { batch, node: NodeId(1), at: Time(3), why, by_loss: false });
        small.ghost().unclean = unclean;
        assert_eq!(small.deliver(4, &acked(1, 1)), expected, "{unclean:?}");
    }

    // The last copy goes; and one copy of three.
    let batch = log("a0 b0")[1];
    let drop = Drop {
        batch,
        node: NodeId(1),
        at: Time(5),
        why: "rule truncation to-high-watermark".into(),
        by_loss: false,
    };
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
    small.send(1, "b");
    small.deliver(4, &acked(1, 1));
    small.force = PROPERTIES.iter().map(|info| info.name == "acked-durable").collect();
    small.ghost().replicas[0].batches.truncate(1);
    small.ghost().drops.push(drop);
    assert_eq!(small.change(1, |change| change.cut = true), [""; 0]);
    small.ghost().replicas[1].batches.truncate(1);
    small.ghost().replicas[2].batches.truncate(1);
    assert_eq!(small.change(1, |change| change.cut = true), ["acked-durable"]);
}

#[test]
fn what_readers_are_given() {
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
    assert_eq!(small.deliver(5, &polled(0, "a0 b0", 2)), [""; 0]);
    assert_eq!(small.deliver(5, &polled(0, "a0 b0", 1)), ["read-below-high-watermark"]);
    assert_eq!(small.deliver(5, &polled(1, "a0 c1", 2)), ["offset-unique"]);

    // b was read; now the current leader lacks it.
    let mut small = Small::new(["a0", "a0 b0", "a0 b0"], 1, 1).commit("a0 b0");
    small.deliver(5, &polled(0, "a0 b0", 2));
    assert!(small.change(1, |change| change.role_changed = true).contains(&"consistent-read"));
    let mut small = Small::new(["a0", "a0 b0", "a0 b0"], 1, 1).commit("a0 b0");
    small.deliver(5, &polled(0, "a0", 1));
    assert!(!small.change(1, |change| change.role_changed = true).contains(&"consistent-read"));
}

#[test]
fn end_offsets_and_order() {
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
    let end =
        |offset| Delivery::EndOffset { partition: partition(), offset: Offset(offset), broker: BrokerId(1) };
    assert_eq!(small.deliver(5, &end(2)), [""; 0]);
    assert_eq!(small.deliver(4, &end(1)), [""; 0], "another client");
    assert_eq!(small.deliver(5, &end(1)), ["end-offset-monotone"]);

    for (in_force, expected) in
        [(vec![], vec![]), (vec!["producer-order".to_owned()], vec!["producer-order"])]
    {
        let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2).commit("a0 b0");
        small.ledger = Ledger::new(&spec_with_producer(), &in_force);
        small.send(0, "b");
        small.send(1, "a");
        assert_eq!(small.deliver(4, &acked(1, 0)), [""; 0]);
        assert_eq!(small.deliver(4, &acked(0, 1)), expected);
    }
}

fn spec_with_producer() -> WorldSpec {
    use crate::world::spec::{DiskSpec, NetworkSpec, NodeSpec};
    use kafka::config::ProducerConfig;
    let era = Era::parse("2.8.2").expect("a release");
    let config = ProducerConfig::new(&era, &[]).expect("defaults");
    assert!(config.max_in_flight > 1 && config.retries > 0);
    let node =
        |name: &str, kind| NodeSpec { name: name.into(), era: era.clone(), kind, starts_at: Time::ZERO };
    let filler = (0..4).map(|_| node("zookeeper", NodeKind::ZooKeeper));
    WorldSpec {
        nodes: filler.chain([node("producer-1", NodeKind::Producer(config))]).collect(),
        network: NetworkSpec::default(),
        disks: DiskSpec::default(),
        step_cost: kafka::time::Micros(10),
        epoch_millis: 0,
    }
}

#[test]
fn at_the_end_the_isr_is_full_and_the_high_watermark_has_arrived() {
    // Both high watermarks stand at 2, where every log ends.
    let mut small = Small::new(["a0 b0", "a0 b0", "a0 b0"], 0, 2);
    assert_eq!(small.end(), [""; 0]);
    // One that runs is outside; one that does not run cannot be inside.
    small.ghost().state.as_mut().expect("a state").isr = vec![BrokerId(1), BrokerId(2)];
    assert_eq!(small.end(), ["isr-refills"]);
    small.ghost().replicas[2].alive = false;
    assert_eq!(small.end(), [""; 0]);
    // The whole ISR has more than the leader says is committed, until one of them lacks it, or is not there to ask.
    small.ghost().replicas[0].high_watermark = Offset(1);
    assert_eq!(small.end(), ["high-watermark-arrives"]);
    small.ghost().replicas[1].end = Offset(1);
    assert_eq!(small.end(), [""; 0]);
    small.ghost().replicas[1].end = Offset(2);
    small.ghost().replicas[1].alive = false;
    assert_eq!(small.end(), [""; 0]);
}

#[test]
fn every_property_is_listed_once_and_says_what_it_claims() {
    let names: BTreeSet<&str> = PROPERTIES.iter().map(|info| info.name).collect();
    assert_eq!(names.len(), PROPERTIES.len());
    for (number, info) in PROPERTIES.iter().enumerate() {
        assert_eq!(info.number, number, "{}", info.name);
        assert!(info.claim.len() > 20 && !info.excused.is_empty(), "{}", info.name);
        assert!(info.broken.len() > 15 && !info.broken.ends_with('.'), "{}", info.name);
        assert_eq!(info.kind == PropertyKind::Promise, info.since == Release::FIRST, "{}", info.name);
        assert!(info.kind != PropertyKind::Liveness || info.since == Release::NEXT, "{}", info.name);
    }
}

#[test]
fn exactly_once_append() {
    // The same batch at two offsets; and two batches that only look alike in what an application wrote.
    let mut small = Small::new(["a0 b0 a0", "a0 b0 a0", "a0 b0 a0"], 0, 3).commit("a0 b0 a0");
    assert_eq!(small.change(1, |change| change.committed_from = 2), ["exactly-once-append"]);
    let mut small = Small::new(["a0 b0 c0", "a0 b0 c0", "a0 b0 c0"], 0, 3).commit("a0 b0 c0");
    assert_eq!(small.change(1, |change| change.committed_from = 2), [""; 0]);
}

#[test]
fn logs_are_compared_as_if_batch_by_batch() {
    // Against every batch with every other: logs with gaps, cut short, and with another batch somewhere.
    let batch = |number: i64, crc: u32| BatchInfo {
        base_offset: Offset(number * 2),
        last_offset: Offset(number * 2 + 1),
        epoch: LeaderEpoch(0),
        crc,
        size: 9,
        max_timestamp: Timestamp(0),
    };
    for draw in (0..4000_u64).map(mix) {
        let length = (draw & 7) as i64;
        let one: Vec<BatchInfo> = (0..length).map(|number| batch(number, 0)).collect();
        let mut two = one.clone();
        two.truncate((draw >> 3 & 7) as usize + 1);
        if let Some(changed) = two.get_mut((draw >> 6 & 15) as usize) {
            changed.crc = 1;
        }
        if draw >> 10 & 3 == 0 && !two.is_empty() {
            two.remove((draw >> 12 & 7) as usize % two.len());
        }
        let (one, two) = if draw >> 15 & 1 == 0 { (one, two) } else { (two, one) };
        let (from, limit) = (Offset((draw >> 16 & 15) as i64), Offset((draw >> 20 & 15) as i64));
        let mine = one.iter().filter(|batch| batch.last_offset >= from);
        let touches = |batch: &BatchInfo| {
            let theirs = two.iter().filter(|there| there.last_offset >= from);
            let overlap = |there: &&BatchInfo| {
                there.base_offset <= batch.last_offset && batch.base_offset <= there.last_offset
            };
            theirs.filter(overlap).any(|there| there != batch)
        };
        let differs = mine.clone().find(|batch| batch.base_offset < limit && touches(batch));
        let differs = differs.map(|batch| batch.base_offset.max(from));
        let lacks = |batch: &&BatchInfo| {
            batch.last_offset < limit && !two.iter().any(|there| there.base_offset == batch.base_offset)
        };
        let missing = mine.clone().find(lacks).map(|batch| batch.base_offset);
        let logs: [Log; 2] = [one.iter().copied().collect(), two.iter().copied().collect()];
        assert_eq!(
            first_disagreement(&logs[0], &logs[1], from, limit),
            differs,
            "{one:?} {two:?} {from} {limit}"
        );
        let expected = differs.or(missing);
        assert_eq!(weak_isr::first_missing(&logs[0], &logs[1], from, limit), expected, "{one:?} {two:?}");
    }
}
