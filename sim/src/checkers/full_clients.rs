//! The checkers of clients once more, from all that clients were ever told: for tests.
//!
//! What a checker found while it happened must be what a look at everything finds at the end. Where a loss was declared
//! the checkers were free not to count it, at the time and with what was known: there they may have found less, not more.

use super::history::{Ghost, Seen};
use super::ledger::{Outcome, Send};
use super::{
    Checks, Handed, LifeEvent, Observed, acked_durable, consistent_read, definite_error, end_offset_monotone,
    no_silent_gap, offset_unique, producer_order, read_below_high_watermark, reset_for_cause, start_is_told,
};
use crate::world::nodes::Nodes;
use kafka::broker::view::Role;
use kafka::command::Delivery;
use kafka::ids::{NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::messages::produce::Acks;
use std::collections::{BTreeMap, BTreeSet};

/// Where a consumer stands, the base offset and CRC of what it was given last, and whether a leader has not had that since.
type Stand = (Offset, (Offset, u32), bool);

/// All that clients were told.
#[derive(Clone, Default)]
pub(super) struct Told {
    deliveries: Vec<(NodeId, Delivery)>,
    /// What each consumer was given since it was last told where it is, and where it began and stands.
    given: BTreeMap<(NodeId, TopicPartition), Given>,
    /// Where a committed record was skipped.
    gaps: BTreeSet<(TopicPartition, Offset)>,
    /// Where a record was given that had certainly not been written.
    refused: BTreeSet<(TopicPartition, Offset)>,
    /// Where a consumer stands that was given something, what it was given last, and whether a leader has not had that
    /// since.
    stands: BTreeMap<(NodeId, TopicPartition), Stand>,
    /// Who began beyond every start.
    begun_late: BTreeSet<(TopicPartition, Offset)>,
    /// Who was sent away from where, and not because of a leader.
    sent_away: BTreeSet<(TopicPartition, Offset)>,
}

#[derive(Clone, Default)]
struct Given {
    start: Offset,
    position: Offset,
    batches: Vec<(Offset, Offset, u32)>,
}

/// What was given to readers, batch by batch: who, where, first and last offset, CRC.
type Reads = Vec<(TopicPartition, Offset, Offset, u32)>;

impl Told {
    pub(super) fn listen(&mut self, observed: &Observed<'_>, checks: &Checks) {
        for (node, handed) in observed.handed {
            match handed {
                Handed::Assignment => self.forget(*node),
                Handed::Position(partition) => {
                    self.given.remove(&(*node, *partition));
                    self.stands.remove(&(*node, *partition));
                }
                Handed::Records { .. } | Handed::Deletion(..) | Handed::TopicDeletion(_) => {}
            }
        }
        let lives = observed.lives.iter().filter(|(_, life)| *life != LifeEvent::DiskDamaged);
        for (node, _) in lives {
            self.forget(*node);
        }
        for (node, delivery) in observed.deliveries {
            match delivery {
                Delivery::Polled { .. } => {
                    if let Delivery::Polled { partition, position, batches, .. } = delivery
                        && let Some(last) = batches.last()
                    {
                        let last = (last.header.base_offset, last.header.crc);
                        self.stands.insert((*node, *partition), (*position, last, false));
                    }
                    self.look_for_gaps(*node, delivery, checks);
                    self.look_for_refused(delivery, checks);
                }
                Delivery::PositionReset { partition, .. }
                | Delivery::LogTruncated { partition, .. }
                | Delivery::OffsetOutOfRange { partition, .. } => {
                    self.given.remove(&(*node, *partition));
                    self.is_sent_away(*node, delivery, *partition);
                    self.begins(*node, delivery, checks);
                }
                _ => {}
            }
            self.deliveries.push((*node, delivery.clone()));
        }
    }

    fn forget(&mut self, node: NodeId) {
        self.given.retain(|(by, _), _| *by != node);
        self.stands.retain(|(by, _), _| *by != node);
    }

    /// Whether a consumer begins beyond the start of every log, and not at the end that it was told last.
    fn begins(&mut self, node: NodeId, delivery: &Delivery, checks: &Checks) {
        let Delivery::PositionReset { partition, from: None, to } = delivery else { return };
        let told = self.deliveries.iter().rev().find_map(|(to, delivery)| match delivery {
            Delivery::EndOffset { partition: of, offset, .. } if (*to, of) == (node, partition) => {
                Some(*offset)
            }
            _ => None,
        });
        let Some(ghost) = checks.history.get(*partition).filter(|ghost| !ghost.is_made_anew) else { return };
        let starts = ghost.replicas.iter().map(|seen| seen.start).chain([ghost.deleted]);
        if told != Some(*to) && starts.into_iter().all(|start| start < *to) {
            self.begun_late.insert((*partition, *to));
        }
    }

    fn is_sent_away(&mut self, node: NodeId, delivery: &Delivery, partition: TopicPartition) {
        let from = match delivery {
            Delivery::PositionReset { from, .. } => *from,
            Delivery::OffsetOutOfRange { position, .. } => Some(*position),
            _ => None,
        };
        let stood = match delivery {
            Delivery::PositionReset { from: None, .. } => return,
            _ => self.stands.remove(&(node, partition)),
        };
        if let (Some(from), Some((position, _, false))) = (from, stood)
            && from == position
        {
            self.sent_away.insert((partition, from));
        }
    }

    /// Whether each leader, or who has led, holds what each consumer was given last: after every event.
    pub(super) fn look_at_leaders(&mut self, checks: &Checks, nodes: &Nodes) {
        for ((_, partition), (position, last, left)) in self.stands.iter_mut().filter(|(_, of)| !of.2) {
            let Some(ghost) = checks.history.get(*partition) else { continue };
            let replicas = nodes.brokers().filter_map(|(node, of)| Some((node, of.replica(*partition)?)));
            *left = replicas.into_iter().any(|(node, view)| {
                let leads = view.role == Role::Leader || ghost.appenders.iter().any(|(_, by)| *by == node);
                let holds = |batch: &BatchInfo| (batch.base_offset, batch.crc) == *last;
                let goes_on = view.log.start_offset() <= last.0
                    && view.log.end_offset() >= *position
                    && view.log.batches().iter().any(holds);
                leads && !goes_on
            });
        }
    }

    /// Which committed records a consumer has now passed without having been given them.
    fn look_for_gaps(&mut self, node: NodeId, delivery: &Delivery, checks: &Checks) {
        let Delivery::Polled { partition, from, position, batches, .. } = delivery else { return };
        let Some(ghost) = checks.history.get(*partition) else { return };
        let begin = || Given { start: *from, position: *from, batches: Vec::new() };
        let given = self.given.entry((node, *partition)).or_insert_with(begin);
        if *from < given.position {
            given.batches.retain(|(_, last, _)| last < from);
            given.start = given.start.min(*from);
        }
        let first_gap = given.position;
        let covered = |offset: Offset| {
            batches
                .iter()
                .any(|batch| batch.header.base_offset <= offset && offset <= batch.header.last_offset())
        };
        let holes = (from.0..position.0).map(Offset).find(|offset| !covered(*offset));
        let gap = if *from > first_gap { Some(first_gap) } else { holes };
        let gap = gap.filter(|gap| *gap >= ghost.deleted);
        self.gaps.extend(gap.map(|gap| (*partition, gap)));
        for header in batches.iter().map(|batch| &batch.header) {
            if header.last_offset() >= *from
                && given.batches.last().is_none_or(|last| last.1 < header.base_offset)
            {
                given.batches.push((header.base_offset, header.last_offset(), header.crc));
            }
        }
        given.position = *position;
        if gap.is_some() || !batches.iter().any(|batch| no_silent_gap::is_committed(batch, ghost)) {
            return;
        }
        let least = given.start.max(ghost.deleted);
        let passed = ghost.committed.iter().map(|old| &old.batch);
        let mut passed = passed.filter(|batch| batch.base_offset >= least && batch.last_offset < *from);
        let skipped =
            passed.find(|batch| !given.batches.contains(&(batch.base_offset, batch.last_offset, batch.crc)));
        self.gaps.extend(skipped.map(|batch| (*partition, batch.base_offset)));
    }

    /// Whether a consumer is given what a producer was told, for certain, is not written.
    fn look_for_refused(&mut self, delivery: &Delivery, checks: &Checks) {
        let Delivery::Polled { partition, from, batches, .. } = delivery else { return };
        let failed = self.deliveries.iter().filter_map(|(_, delivery)| match delivery {
            Delivery::Failed { send, partition: of, may_have_been_appended: false, .. }
                if of == partition =>
            {
                let entry = checks.ledger.get(*send).filter(|entry| entry.is_named())?;
                Some((entry.name(), *send))
            }
            _ => None,
        });
        let failed: BTreeMap<_, _> = failed.collect();
        for batch in batches.iter().filter(|batch| batch.header.last_offset() >= *from) {
            if definite_error::is_refused(batch, *partition, &failed, &checks.ledger).is_some() {
                self.refused.insert((*partition, batch.header.base_offset));
            }
        }
    }

    /// Panics if the checkers and this look disagree. `excused`: where a loss was excused at some time.
    pub(super) fn compare(&self, checks: &Checks, excused: &BTreeSet<TopicPartition>) {
        let reads = self.reads();
        for partition in checks.history.partitions() {
            let ghost = checks.history.get(partition).expect("it is listed");
            let lossless = ghost.unclean.is_none() && ghost.lost.is_empty() && !excused.contains(&partition);
            let agree = |property: &'static str, again: BTreeSet<Offset>, exactly: bool| {
                let found: BTreeSet<Offset> = checks
                    .found
                    .iter()
                    .filter(|(name, of, _)| *name == property && *of == partition)
                    .map(|(_, _, offset)| *offset)
                    .collect();
                let as_it_should = if exactly { found == again } else { found.is_subset(&again) };
                let as_it_should = as_it_should || !checks.in_force(property);
                assert!(as_it_should, "{property} of {partition}: found {found:?}, looked again {again:?}");
                found.is_empty()
            };
            agree(read_below_high_watermark::INFO.name, self.above_high_watermark(partition), true);
            agree(offset_unique::INFO.name, differing(&reads, partition), lossless);
            agree(consistent_read::INFO.name, read_and_lost(&reads, ghost), true);
            agree(end_offset_monotone::INFO.name, self.ends_that_went_back(partition), lossless);
            let of_this = |all: &BTreeSet<(TopicPartition, Offset)>| -> BTreeSet<Offset> {
                all.iter().filter(|(of, _)| *of == partition).map(|(_, offset)| *offset).collect()
            };
            agree(no_silent_gap::INFO.name, of_this(&self.gaps), true);
            agree(start_is_told::INFO.name, of_this(&self.begun_late), true);
            agree(reset_for_cause::INFO.name, of_this(&self.sent_away), true);
            // The end of the run may have shown more: in the logs, not read.
            let told =
                |offset: &Offset| checks.found.contains(&(definite_error::INFO.name, partition, *offset));
            assert!(of_this(&self.refused).iter().all(told), "{} of {partition}", definite_error::INFO.name);
            // With acks=1 more is lost than what was committed: order is judged where all stand in one log.
            let holds_all = |seen: &Seen| {
                let holds = |batch: BatchInfo| seen.batches.iter().any(|other| *other == batch);
                acked(ghost, checks).all(|(_, batch)| batch.is_some_and(holds))
            };
            let all_stand = lossless && ghost.replicas.iter().any(holds_all);
            let again = self.out_of_order(partition, checks);
            let found = agree(producer_order::INFO.name, again.clone(), false);
            // A neighbour is enough for the checker: it need not name everybody who stands on the wrong side of another.
            assert!(!all_stand || found == again.is_empty(), "producer-order of {partition}: {again:?}");
            acked_and_gone(ghost, checks);
        }
    }

    fn reads(&self) -> Reads {
        let mut reads = Vec::new();
        for (_, delivery) in &self.deliveries {
            let Delivery::Polled { partition, from, batches, .. } = delivery else { continue };
            let headers = batches.iter().map(|batch| &batch.header);
            let returned = headers.filter(|header| header.last_offset() >= *from);
            reads.extend(
                returned.map(|header| (*partition, header.base_offset, header.last_offset(), header.crc)),
            );
        }
        reads
    }

    fn above_high_watermark(&self, of: TopicPartition) -> BTreeSet<Offset> {
        let mut broken = BTreeSet::new();
        for (_, delivery) in &self.deliveries {
            if let Delivery::Polled { partition, batches, high_watermark, .. } = delivery
                && *partition == of
                && batches.iter().any(|batch| batch.header.last_offset() >= *high_watermark)
            {
                broken.extend(batches.last().map(|batch| batch.header.base_offset));
            }
        }
        broken
    }

    fn ends_that_went_back(&self, of: TopicPartition) -> BTreeSet<Offset> {
        let mut last: BTreeMap<NodeId, Offset> = BTreeMap::new();
        let mut broken = BTreeSet::new();
        for (node, delivery) in &self.deliveries {
            if let Delivery::EndOffset { partition, offset, .. } = delivery
                && *partition == of
                && last.insert(*node, *offset).is_some_and(|told| told > *offset)
            {
                broken.insert(*offset);
            }
        }
        broken
    }

    /// Every send that, when it was acknowledged, stood on the wrong side of one acknowledged before.
    fn out_of_order(&self, of: TopicPartition, checks: &Checks) -> BTreeSet<Offset> {
        let mut acked = Vec::new();
        let mut broken = BTreeSet::new();
        for (node, delivery) in &self.deliveries {
            let Delivery::Acked { send, partition, base_offset: Some(offset), .. } = delivery else {
                continue;
            };
            if *partition != of || !checks.ledger.keeps_order(*node) {
                continue;
            }
            let wrong = |(producer, other, at): &(NodeId, _, Offset)| {
                producer == node && ((other < send) != (at < offset))
            };
            if acked.iter().any(wrong) {
                broken.insert(*offset);
            }
            acked.push((*node, *send, *offset));
        }
        broken
    }
}

/// Offsets at which a batch was read that overlaps another one read before.
fn differing(reads: &Reads, of: TopicPartition) -> BTreeSet<Offset> {
    let mut seen: BTreeMap<Offset, (Offset, u32)> = BTreeMap::new();
    let mut broken = BTreeSet::new();
    for (_, base, last, crc) in reads.iter().filter(|(partition, ..)| *partition == of) {
        if seen.get(base) == Some(&(*last, *crc)) {
            continue;
        }
        let overlaps: Vec<Offset> =
            seen.range(..=*last).filter(|(_, (end, _))| end >= base).map(|(start, _)| *start).collect();
        if !overlaps.is_empty() {
            broken.insert(*base);
        }
        for start in overlaps {
            seen.remove(&start);
        }
        seen.insert(*base, (*last, *crc));
    }
    broken
}

/// Offsets at which a batch was read that was committed and lost, and nobody had declared it.
fn read_and_lost(reads: &Reads, ghost: &Ghost) -> BTreeSet<Offset> {
    let was_read = |batch: &BatchInfo| {
        reads.iter().any(|(partition, base, _, crc)| {
            (*partition, *base, *crc) == (ghost.partition, batch.base_offset, batch.crc)
        })
    };
    let undeclared = ghost.lost.iter().filter(|(_, declared)| declared.is_none());
    undeclared.filter(|(old, _)| was_read(&old.batch)).map(|(old, _)| old.batch.base_offset).collect()
}

/// Sends to this partition that were acknowledged, and what they became.
fn acked<'a>(ghost: &Ghost, checks: &'a Checks) -> impl Iterator<Item = (&'a Send, Option<BatchInfo>)> {
    let partition = ghost.partition;
    let acked = move |send: &&Send| send.partition == partition && matches!(send.outcome, Outcome::Acked(..));
    checks.ledger.sends().filter(acked).map(|send| (send, send.last_batch()))
}

/// Whether a batch, or another attempt to write it, is in any log.
fn stands(ghost: &Ghost, batch: BatchInfo) -> bool {
    let holds = |seen: &Seen| seen.batches.iter().any(|other| other.crc == batch.crc);
    ghost.replicas.iter().any(|seen| seen.start > batch.last_offset || holds(seen))
}

/// Panics if a batch that was acknowledged with `acks=all` is in no log, was not declared lost, and nobody has said so.
fn acked_and_gone(ghost: &Ghost, checks: &Checks) {
    for (send, batch) in acked(ghost, checks).filter(|(send, _)| send.acks == Acks::All && !send.is_deleted) {
        let Some(batch) = batch else { continue };
        let lost = ghost.lost.iter().rev().find(|(old, _)| old.batch == batch);
        let is_declared = lost.is_some_and(|(_, declared)| declared.is_some()) || !ghost.lossy.is_empty();
        let key = (acked_durable::INFO.name, ghost.partition, batch.base_offset);
        assert!(
            stands(ghost, batch) || is_declared || checks.found.contains(&key),
            "{} ({} offset {}) was acknowledged and is gone, and no checker has said so",
            send.name(),
            ghost.partition,
            batch.base_offset
        );
    }
}
