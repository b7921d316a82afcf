//! Every checker once more, from scratch: for tests.
//!
//! 1. After each change what [`super::history`] remembers of the replicas is compared with the replicas: a change that
//!    nobody marked, or a log taken over wrongly, shows here.
//! 2. Every claim about states is decided again, from the whole logs of all running replicas, by other code than the
//!    checkers' where they are incremental. What is broken now must have been found; what was found in this event must
//!    be broken now.
//! 3. Claims about steps (a high watermark that goes back, two leaders in one epoch) are decided from a copy of what each
//!    replica was before.
//!    Restarts, orders, ISRs and appends stand in `full_mechanisms`.
//! 4. At the end claims about what clients were told are decided from all that they were told (`full_clients`).
//!
//! Shared with the checkers: what excuses a loss, and which batches were committed before a violation; that all which a
//! leader's high watermark has passed is among them is checked. `prefix-per-epoch` remembers batches that are in no log
//! any more, so that it may find more than a look at the logs.

use super::full_clients::Told;
use super::full_mechanisms::Mechanisms;
use super::full_states::States;
use super::history::{Deletion, Ghost, Log, Seen};
use super::{
    Checks, Context, Finding, Observed, bounds, candidate_completeness, epoch_monotone,
    high_watermark_monotone, leader_completeness, log_matching, min_isr_high_watermark, one_leader_per_epoch,
    prefix_per_epoch, quorum_superset, weak_isr,
};
use crate::world::nodes::{Nodes, Status};
use kafka::broker::view::Role;
use kafka::ids::{LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use std::collections::{BTreeMap, BTreeSet};

/// Between two looks at all partitions, the unmarked ones too, there are so many events.
const ALL_EVERY: u64 = 32;

/// What is broken: which property, at which offset.
type Broken = BTreeSet<(&'static str, Offset)>;

/// What is remembered for the next comparison.
#[derive(Clone, Default)]
pub struct Full {
    looks: u64,
    before: BTreeMap<(TopicPartition, NodeId), Before>,
    appenders: BTreeMap<(TopicPartition, LeaderEpoch), NodeId>,
    /// Partitions whose topic is being deleted.
    ending: BTreeSet<TopicPartition>,
    /// Partitions in which losses were excused when the last event was over.
    excused: BTreeSet<TopicPartition>,
    /// Partitions in which losses were ever excused.
    ever_excused: BTreeSet<TopicPartition>,
    told: Told,
    states: States,
    mechanisms: Mechanisms,
}

/// A replica as it was after the last event that changed it.
#[derive(Copy, Clone)]
struct Before {
    life: u32,
    role: Role,
    leader_epoch: LeaderEpoch,
    high_watermark: Offset,
    end: Offset,
    batches: usize,
}

impl Full {
    /// Panics if the checkers and a full look at the marked partitions disagree. `fresh`: what was found in this event.
    pub(super) fn compare(
        &mut self,
        checks: &Checks,
        nodes: &Nodes,
        observed: &Observed<'_>,
        fresh: &[Finding],
    ) {
        self.looks += 1;
        let mut partitions: BTreeSet<TopicPartition> =
            observed.marks.iter().map(|(_, partition)| *partition).collect();
        partitions.extend(fresh.iter().map(|finding| finding.partition));
        if self.looks.is_multiple_of(ALL_EVERY) || !observed.lives.is_empty() {
            partitions.extend(checks.history.partitions());
        }
        self.told.listen(observed, checks);
        self.states.compare(checks, nodes, fresh);
        self.mechanisms.compare(checks, nodes, observed, fresh);
        self.told.look_at_leaders(checks, nodes);
        for partition in partitions {
            let Some(ghost) = checks.history.get(partition) else { continue };
            if ghost.deletion == Deletion::Begun {
                self.ending.insert(partition);
            } else if self.ending.remove(&partition) {
                // The next topic of this name is another.
                self.before.retain(|(of, _), _| *of != partition);
                self.appenders.retain(|(of, _), _| *of != partition);
            }
            mirror(ghost, nodes);
            let mut broken = Broken::new();
            self.steps(ghost, nodes, &mut broken);
            broken_now(ghost, checks, nodes, &mut broken);
            let excused = ghost.declared().is_some() || self.excused.contains(&partition);
            self.agree(partition, &broken, excused, checks, fresh, nodes);
            if ghost.declared().is_some() {
                self.excused.insert(partition);
                self.ever_excused.insert(partition);
            } else {
                self.excused.remove(&partition);
            }
        }
    }

    /// Panics if the checkers of clients and a look at all that clients were told disagree.
    pub(super) fn finish(&self, checks: &Checks) {
        self.told.compare(checks, &self.ever_excused);
    }

    fn agree(
        &self,
        partition: TopicPartition,
        broken: &Broken,
        excused: bool,
        checks: &Checks,
        fresh: &[Finding],
        nodes: &Nodes,
    ) {
        let ghost = checks.history.get(partition).expect("it was looked at");
        let of_losses = [candidate_completeness::INFO.name, weak_isr::INFO.name];
        for (property, offset) in broken {
            assert!(
                !checks.in_force(property)
                    || excused && of_losses.contains(property)
                    || checks.found.contains(&(*property, partition, *offset)),
                "{property} is broken for {partition} at offset {offset}, {:?}, and no checker has said so{}",
                nodes.now,
                describe(ghost)
            );
        }
        // These remember: what they find may be in no log any more, or have been told in full by another offset.
        let looser = [epoch_monotone::INFO.name, log_matching::INFO.name, weak_isr::INFO.name];
        let lost = |offset| leader_lost(ghost, offset);
        for finding in fresh.iter().filter(|finding| finding.partition == partition) {
            let is_shown = match finding.property {
                name if looser.contains(&name) => broken.iter().any(|(property, _)| *property == name),
                name if STATES.contains(&name) => broken.contains(&(name, finding.offset)),
                // What the current leader lacks is no longer committed once it has been told.
                name if name == candidate_completeness::INFO.name => {
                    broken.contains(&(name, finding.offset)) || lost(finding.offset)
                }
                name if name == leader_completeness::INFO.name => lost(finding.offset),
                _ => true,
            };
            let (now, ghost) = (nodes.now, describe(ghost));
            assert!(is_shown, "at {now:?} a look at all logs does not show it: {finding:?}{ghost}");
        }
    }

    /// What a replica did, from what it was before.
    fn steps(&mut self, ghost: &Ghost, nodes: &Nodes, broken: &mut Broken) {
        for (node, broker) in nodes.brokers() {
            let Some(view) = broker.replica(ghost.partition) else { continue };
            let batches = view.log.batches();
            let now = Before {
                life: nodes.slot(node).life,
                role: view.role,
                leader_epoch: view.leader_epoch,
                high_watermark: view.high_watermark,
                end: view.log.end_offset(),
                batches: batches.len(),
            };
            let Some(before) = self.before.insert((ghost.partition, node), now) else { continue };
            let same =
                (before.life, before.role, before.leader_epoch) == (now.life, now.role, now.leader_epoch);
            let shorter = before.life == now.life && now.batches < before.batches && now.end < before.end;
            if shorter && let (Role::Follower(_), Some((offset, _))) = (now.role, epoch_monotone::left(&view))
            {
                broken.insert((epoch_monotone::INFO.name, offset));
            }
            if !same || now.role != Role::Leader {
                continue;
            }
            if now.high_watermark < before.high_watermark {
                broken.insert((high_watermark_monotone::INFO.name, now.high_watermark));
            }
            if now.high_watermark > before.high_watermark && view.isr.len() < view.min_insync_replicas {
                broken.insert((min_isr_high_watermark::INFO.name, before.high_watermark));
            }
            if let Some(first) = batches.get(before.batches) {
                let key = (ghost.partition, now.leader_epoch);
                if *self.appenders.entry(key).or_insert(node) != node {
                    broken.insert((one_leader_per_epoch::INFO.name, first.base_offset));
                }
            }
        }
    }
}

/// Properties of which exactly what is found is broken, at that offset.
const STATES: [&str; 5] = [
    bounds::INFO.name,
    quorum_superset::INFO.name,
    high_watermark_monotone::INFO.name,
    min_isr_high_watermark::INFO.name,
    one_leader_per_epoch::INFO.name,
];

/// A partition, for messages.
fn describe(ghost: &Ghost) -> String {
    let mut text = format!(
        "\n  {} committed, {} lost, lossy {:?}, excused by {:?}, state {:?}",
        ghost.committed.len(),
        ghost.lost.len(),
        ghost.lossy,
        ghost.declared(),
        ghost.state
    );
    for seen in &ghost.replicas {
        let Seen { node, alive, life, role, leader_epoch, high_watermark, end, isr, complete, .. } = seen;
        text += &format!(
            "\n  {node} alive {alive} life {life} {role:?} epoch {leader_epoch} high watermark {high_watermark} end {end} ISR {isr:?} complete {complete}"
        );
    }
    text
}

/// Panics unless what is remembered is what is.
fn mirror(ghost: &Ghost, nodes: &Nodes) {
    let partition = ghost.partition;
    let state = nodes.zookeeper().partition_state(partition).map(|(state, _)| state);
    if let (Some(state), Some(seen)) = (state, &ghost.state) {
        assert_eq!(
            (state.leader, state.leader_epoch, &state.isr),
            (seen.leader, seen.leader_epoch, &seen.isr),
            "state of {partition}"
        );
    }
    for (_, node) in nodes.broker_nodes() {
        let (seen, broker) = (ghost.replica(node), nodes.broker(node));
        let name = nodes.name(node);
        if let Some(seen) = seen {
            assert_eq!(seen.alive, nodes.slot(node).status != Status::Down, "{partition} on {name} lives");
        }
        let Some(view) = broker.and_then(|broker| broker.replica(partition)) else { continue };
        let seen = seen.unwrap_or_else(|| panic!("nobody has marked {partition} on {name}"));
        let is = (
            view.role,
            view.leader_epoch,
            view.high_watermark,
            view.log.start_offset(),
            view.log.end_offset(),
        );
        let was = (seen.role, seen.leader_epoch, seen.high_watermark, seen.start, seen.end);
        assert_eq!(is, was, "{partition} on {name} has changed and nobody has marked it");
        assert_eq!(view.isr, seen.isr, "ISR of {partition} on {name}");
        assert!(view.log.batches().iter().eq(seen.batches.iter()), "the log of {partition} on {name}");
    }
}

/// What a look at all logs of one partition finds broken at this moment. Nothing is excused.
fn broken_now(ghost: &Ghost, checks: &Checks, nodes: &Nodes, broken: &mut Broken) {
    let mut findings = Vec::new();
    let context = Context {
        at: nodes.now,
        event: crate::world::EventId(0),
        nodes,
        ledger: &checks.ledger,
        force: &checks.force,
        findings: &mut findings,
    };
    let alive: Vec<usize> = (0..ghost.replicas.len()).filter(|index| ghost.replicas[*index].alive).collect();
    for &index in &alive {
        let seen = &ghost.replicas[index];
        let view = nodes.broker(seen.node).and_then(|broker| broker.replica(ghost.partition));
        if view.is_some_and(|view| bounds::problem(&view).is_some()) {
            broken.insert((bounds::INFO.name, seen.high_watermark));
        }
        if let Some((offset, _)) = view.and_then(|view| epoch_monotone::problem(&view, 0, ghost.deleted)) {
            broken.insert((epoch_monotone::INFO.name, offset));
        }
        if candidate_completeness::is_candidate(ghost, index)
            && let Some(missing) = lacks(ghost, seen).find(|missing| ghost.excuse(missing).is_none())
        {
            broken.insert((candidate_completeness::INFO.name, missing.base_offset));
        }
        if ghost.current_leader() == Some(index) {
            // Whatever it lacked has left the ghost by now, and was told unless it was declared.
            let missing = lacks(ghost, seen).next();
            assert_eq!(missing, None, "{}: the leader lacks what the ghost has", ghost.partition);
            passed_is_committed(ghost, seen);
        }
        for &other in alive.iter().filter(|other| **other != index) {
            pair(ghost, index, other, broken);
        }
    }
    if let Some((leader, _)) = quorum_superset::problem(ghost, &context) {
        broken.insert((quorum_superset::INFO.name, ghost.replicas[leader].high_watermark));
    }
}

/// The committed batches that a replica lacks.
fn lacks<'a>(ghost: &'a Ghost, seen: &'a Seen) -> impl Iterator<Item = BatchInfo> + 'a {
    let mut log = seen.batches.iter().peekable();
    let lacked = move |old: &&BatchInfo| {
        while log.next_if(|batch| batch.base_offset < old.base_offset).is_some() {}
        old.last_offset >= ghost.deleted && log.peek() != Some(old)
    };
    ghost.committed.iter().map(|old| &old.batch).filter(lacked).copied()
}

/// Panics if a leader's high watermark has passed what the ghost does not have.
fn passed_is_committed(ghost: &Ghost, leader: &Seen) {
    let mut committed = ghost.committed.iter().map(|old| old.batch).peekable();
    for batch in leader.batches.iter().take_while(|batch| batch.last_offset < leader.high_watermark) {
        while committed.next_if(|old| old.base_offset < batch.base_offset).is_some() {}
        assert_eq!(committed.peek(), Some(batch), "{}: passed and not committed", ghost.partition);
    }
}

/// Whether the current leader has lost a committed batch at this offset.
fn leader_lost(ghost: &Ghost, offset: Offset) -> bool {
    let leader = ghost.current_leader().map(|index| &ghost.replicas[index]);
    let lost = ghost.lost.iter().rev().find(|(old, _)| old.batch.base_offset == offset);
    let (Some(leader), Some((lost, None))) = (leader, lost) else { return false };
    !leader.batches.iter().any(|batch| *batch == lost.batch)
}

fn pair(ghost: &Ghost, one: usize, two: usize, broken: &mut Broken) {
    let (left, right) = (&ghost.replicas[one], &ghost.replicas[two]);
    let limit = left.high_watermark.min(right.high_watermark).min(left.end).min(right.end);
    if one < two && log_matching::comparable(ghost, one) && log_matching::comparable(ghost, two) {
        let found = overlapping(&left.batches, &right.batches, limit).find(|(here, there)| here != there);
        broken.extend(found.map(|(here, _)| (log_matching::INFO.name, here.base_offset)));
    }
    if weak_isr::applies(ghost, one, two) {
        let found =
            weak_isr::first_missing(&left.batches, &right.batches, ghost.deleted, left.high_watermark);
        let found = found.filter(|offset| !weak_isr::is_declared(ghost, left, *offset));
        broken.extend(found.map(|offset| (weak_isr::INFO.name, offset)));
    }
    if one < two {
        broken.extend(
            first_other_prefix(left, right, ghost).map(|offset| (prefix_per_epoch::INFO.name, offset)),
        );
    }
}

/// Pairs of batches of two logs that share an offset below `limit`.
fn overlapping<'a>(
    one: &'a Log,
    two: &'a Log,
    limit: Offset,
) -> impl Iterator<Item = (&'a BatchInfo, &'a BatchInfo)> {
    let mut there = two.iter().peekable();
    one.iter().take_while(move |batch| batch.base_offset < limit).filter_map(move |batch| {
        while there.next_if(|other| other.last_offset < batch.base_offset).is_some() {}
        there.peek().filter(|other| other.base_offset <= batch.last_offset).map(|other| (batch, *other))
    })
}

/// The first offset at which two logs have a batch of the same epoch and are not the same up to there; but for those given
/// anew, and what was deleted before.
fn first_other_prefix(left: &Seen, right: &Seen, ghost: &Ghost) -> Option<Offset> {
    let mut there = 0;
    for here in 0..left.batches.len() {
        let one = prefix_per_epoch::link(&left.batches, here, left.node);
        let other = loop {
            match right.batches.get(there) {
                Some(other) if other.base_offset < one.batch.base_offset => there += 1,
                other => break other,
            }
        };
        if other.is_some_and(|other| prefix_per_epoch::key(other) == prefix_per_epoch::key(&one.batch))
            && !prefix_per_epoch::agree(&one, &prefix_per_epoch::link(&right.batches, there, right.node))
            && !ghost.given_anew.contains(&prefix_per_epoch::key(&one.batch))
            && (other != Some(&one.batch) || one.batch.base_offset > ghost.deleted)
        {
            return Some(one.batch.base_offset);
        }
    }
    None
}
