//! The ghost of a partition, and what was seen of its replicas.
//!
//! The *ghost* is the sequence of batches that some leader's high watermark has passed: what the cluster has committed to,
//! whatever becomes of it. When committed batches are lost, by declaration or by
//! violation, the ghost follows the new leader and remembers them in [`Ghost::lost`].
//!
//! What an operator has ordered to be deleted ([`Ghost::ordered`]) every replica may lack once one of them has deleted it
//! ([`Ghost::deleted`]), even if a crash takes the start of its log back. A log that starts higher than anybody ordered has
//! lost its beginning.
//!
//! A batch is known by [`BatchInfo`]: offsets, epoch, CRC. Logs are compared batch by batch, never record by record. What
//! grows with a log is a [`SharedList`], so that a fork copies none of it.

use super::isr_shrinks::Behind;
use super::shared_list::SharedList;
use super::stopped_in_turn::{Untimely, is_untimely};
use kafka::broker::view::Role;
use kafka::command::SendId;
use kafka::ids::{BrokerId, ControllerEpoch, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::leader_epochs::EpochEntry;
use kafka::log::partition_log::BatchInfo;
use kafka::time::Time;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The batches of a log.
pub type Log = SharedList<BatchInfo>;

/// A replica as it was last seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Where.
    pub node: NodeId,
    /// Its broker.
    pub broker: BrokerId,
    /// Whether its process runs.
    pub alive: bool,
    /// Which life of the process it was seen in.
    pub life: u32,
    /// Its role.
    pub role: Role,
    /// The leader epoch it was in.
    pub leader_epoch: LeaderEpoch,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// Log start offset.
    pub start: Offset,
    /// Log end offset.
    pub end: Offset,
    /// The ISR it holds, if it leads.
    pub isr: Vec<BrokerId>,
    /// Its log.
    pub batches: Log,
    /// Its leader epoch cache.
    pub epochs: Vec<EpochEntry>,
    /// The ISR with what is proposed, if it leads.
    pub maximal_isr: Vec<BrokerId>,
    /// Up to where its log was flushed.
    pub flushed: Offset,
    /// Whether its machine has lost power since it was last seen.
    pub lost_power: bool,
    /// How many committed batches, from the first, it is known to hold.
    pub complete: usize,
}

/// A batch that a replica threw away.
#[derive(Clone, Debug)]
pub struct Drop {
    /// Which batch.
    pub batch: BatchInfo,
    /// Who.
    pub node: NodeId,
    /// When.
    pub at: Time,
    /// Why, in words: a rule's value, or a loss of power.
    pub why: Arc<str>,
    /// Whether its machine lost it: power, or its disk.
    pub by_loss: bool,
}

/// A committed batch.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The batch.
    pub batch: BatchInfo,
    /// When a leader's high watermark passed it.
    pub at: Time,
    /// Whose.
    pub by: NodeId,
    /// `min.insync.replicas` of that moment: so many machines were promised to hold it, whatever is set later.
    pub minimum: usize,
}

/// Why a loss is nobody's fault but the operator's.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Declared {
    /// A leader from outside the ISR was allowed.
    UncleanElection,
    /// At least as many machines as the record was promised to (`min.insync.replicas` when it was committed) lost their
    /// page cache or their disk.
    PowerLoss,
}

impl Declared {
    /// The name in scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Declared::UncleanElection => "unclean-election",
            Declared::PowerLoss => "power-loss",
        }
    }
}

/// How far a topic's deletion has come.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Deletion {
    /// Nobody has asked for it.
    NotOrdered,
    /// An operator has; nothing was deleted yet, and perhaps never will be (`delete.topic.enable`).
    Ordered,
    /// Replicas were deleted: what the partition held is gone, or will be.
    Begun,
}

/// A partition's state in ZooKeeper, as last read.
#[derive(Clone, Debug)]
pub struct StateSeen {
    /// The leader, or none.
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The ISR.
    pub isr: Vec<BrokerId>,
    /// Who is assigned to the partition, on both sides of a reassignment in progress.
    pub assigned: Vec<BrokerId>,
    /// Who is on the way out: the controller elects none of them any more, and the leader need not wait for them.
    pub leaving: Vec<BrokerId>,
}

/// What became of a partition's state in ZooKeeper in one event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateChange {
    /// Which partition.
    pub partition: TopicPartition,
    /// Whether a controller made it: the leader epoch is another.
    pub by_controller: bool,
    /// The epoch of the controller that made the last controller-made change.
    pub controller_epoch: ControllerEpoch,
    /// The epoch of the controller elected last.
    pub newest_controller: ControllerEpoch,
    /// Who has entered the ISR.
    pub entered: Vec<BrokerId>,
}

/// One partition's ghost and replicas.
#[derive(Clone, Debug)]
pub struct Ghost {
    /// Which partition.
    pub partition: TopicPartition,
    /// What was committed, oldest first.
    pub committed: SharedList<Committed>,
    /// What was committed and lost, with the declaration that allowed it, if one did.
    pub lost: SharedList<(Committed, Option<Declared>)>,
    /// How often committed batches were lost, and with them the history became another.
    pub rewrites: u32,
    /// Below this offset it never did.
    pub rewritten_from: Offset,
    /// Its replicas, by node.
    pub replicas: Vec<Seen>,
    /// What replicas threw away, oldest first.
    pub drops: SharedList<Drop>,
    /// Its state.
    pub state: Option<StateSeen>,
    /// The epoch of the last unclean election, if one happened.
    pub unclean: Option<LeaderEpoch>,
    /// Whether the ghost must follow the unclean leader as soon as it leads.
    pub unclean_pending: bool,
    /// Machines that lost something and have not been in the ISR complete since.
    pub lossy: BTreeSet<NodeId>,
    /// Machines whose disk was damaged: what their logs list need not be what can be read.
    pub damaged: BTreeSet<NodeId>,
    /// `min.insync.replicas` as the last leader held it.
    pub min_insync_replicas: usize,
    /// The lowest that any leader held: no record was promised to fewer machines.
    pub lowest_minimum: usize,
    /// Every batch that was ever in a log, with the one before it: by offset, then epoch.
    pub links: SharedList<Link>,
    /// Offsets of an epoch that were given away once more, after power took, by declaration, what stood there.
    pub given_anew: Vec<(Offset, LeaderEpoch)>,
    /// Who appended as leader, by epoch.
    pub appenders: Vec<(LeaderEpoch, NodeId)>,
    /// What was read, by offset: no two overlap, the latest reader's is kept.
    pub reads: SharedList<Read>,
    /// The sends that were acknowledged, by producer and handle, and their offsets; only of producers that keep order.
    pub sent: SharedList<(NodeId, SendId, Offset)>,
    /// Below this offset an operator has ordered the records to be deleted.
    pub ordered: Offset,
    /// Below this offset some replica has deleted them.
    pub deleted: Offset,
    /// Whether an operator has ordered the topic to be deleted, and whether a replica was deleted since.
    pub deletion: Deletion,
    /// Whether a topic of this name was deleted before: who was away then may bring some of it back.
    pub is_made_anew: bool,
    /// Up to which offset two replicas are known to agree.
    pub matched: Vec<(NodeId, NodeId, Offset)>,
    /// Up to which offset a member of a leader's ISR is known to agree with it.
    pub weakly_matched: Vec<(NodeId, NodeId, Offset)>,
    /// Who has left the partition, or its ISR, and was deleted, and the leader epoch of that time.
    pub has_left: Vec<(NodeId, LeaderEpoch)>,
    /// The last leader epoch in which a broker was not assigned, or on the way out.
    pub out: Vec<(BrokerId, LeaderEpoch)>,
    /// Who was just deleted by an order that is over.
    pub untimely: Option<Untimely>,
    /// Members of the ISR, and since when they lack what their leader had then.
    pub behind: Vec<Behind>,
}

/// A batch that some reader was given.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Read {
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// Its CRC.
    pub crc: u32,
}

/// A batch in some log, and the batch before it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The batch.
    pub batch: BatchInfo,
    /// Epoch and CRC of the batch before it, if there was one.
    pub before: Option<(LeaderEpoch, u32)>,
    /// In whose log it was seen first.
    pub node: NodeId,
}

impl Ghost {
    pub(super) fn new(partition: TopicPartition) -> Ghost {
        Ghost {
            partition,
            committed: SharedList::default(),
            lost: SharedList::default(),
            rewrites: 0,
            rewritten_from: Offset(i64::MAX),
            replicas: Vec::new(),
            drops: SharedList::default(),
            state: None,
            unclean: None,
            unclean_pending: false,
            lossy: BTreeSet::new(),
            damaged: BTreeSet::new(),
            min_insync_replicas: 1,
            lowest_minimum: usize::MAX,
            links: SharedList::default(),
            given_anew: Vec::new(),
            appenders: Vec::new(),
            reads: SharedList::default(),
            sent: SharedList::default(),
            ordered: Offset::ZERO,
            deleted: Offset::ZERO,
            deletion: Deletion::NotOrdered,
            is_made_anew: false,
            matched: Vec::new(),
            weakly_matched: Vec::new(),
            has_left: Vec::new(),
            out: Vec::new(),
            untimely: None,
            behind: Vec::new(),
        }
    }

    /// The replica on a node.
    pub fn replica(&self, node: NodeId) -> Option<&Seen> {
        self.replicas.iter().find(|seen| seen.node == node)
    }

    /// The replica of a broker.
    pub fn replica_of(&self, broker: BrokerId) -> Option<&Seen> {
        self.replicas.iter().find(|seen| seen.broker == broker)
    }

    /// The index of the replica that leads in the epoch ZooKeeper says, if its process runs and knows it.
    pub fn current_leader(&self) -> Option<usize> {
        let state = self.state.as_ref()?;
        self.replicas.iter().position(|seen| {
            seen.alive
                && seen.broker == state.leader
                && seen.role == Role::Leader
                && seen.leader_epoch == state.leader_epoch
        })
    }

    /// Whether a replica is in the ISR that ZooKeeper holds.
    pub fn in_controller_isr(&self, seen: &Seen) -> bool {
        self.state.as_ref().is_some_and(|state| state.isr.contains(&seen.broker))
    }

    /// Whether a replica leaves the partition, its reassignment being complete but for the ISR; or has left it, though the
    /// leader may not have been told of the ISR without it.
    pub fn is_leaving(&self, seen: &Seen) -> bool {
        self.state.as_ref().is_some_and(|state| {
            let has_left = !state.assigned.is_empty() && !state.assigned.contains(&seen.broker);
            has_left || state.leaving.contains(&seen.broker)
        })
    }

    /// Whether a replica has left since `leader` was elected: if it is there again, it has begun anew.
    pub fn has_left_since(&self, seen: &Seen, leader: &Seen) -> bool {
        self.has_left.iter().any(|(node, epoch)| *node == seen.node && leader.leader_epoch <= *epoch)
    }

    /// Whether a batch was written by a leader that an unclean election had deposed, or soon would: it was never part of
    /// the history, whoever acknowledged it.
    pub fn is_of_a_deposed_leader(&self, batch: &BatchInfo) -> bool {
        self.unclean.is_some_and(|unclean| batch.epoch < unclean)
            && self.committed_at(batch.base_offset).is_none_or(|old| old.batch != *batch)
            && !self.lost.iter().any(|(old, _)| old.batch == *batch)
    }

    /// Whether somebody has appended as leader in this epoch.
    pub fn has_led(&self, node: NodeId, epoch: LeaderEpoch) -> bool {
        self.appenders.iter().rev().any(|known| *known == (epoch, node))
    }

    /// What a replica had appended at `offset` as leader, and has cut since.
    pub fn cut_as_leader(&self, node: NodeId, offset: Offset, since: Time) -> Option<BatchInfo> {
        let mut since = self.cut_at(node, offset).filter(|drop| drop.at >= since);
        since.find(|drop| self.has_led(node, drop.batch.epoch)).map(|drop| drop.batch)
    }

    /// What a replica has lost or cut at `offset`, the latest first.
    pub fn cut_at(&self, node: NodeId, offset: Offset) -> impl Iterator<Item = &Drop> {
        let mine = self.drops.iter().rev().filter(move |drop| drop.node == node);
        mine.filter(move |drop| drop.batch.base_offset <= offset && offset <= drop.batch.last_offset)
    }

    /// Behind the last committed batch.
    pub fn committed_end(&self) -> Offset {
        self.committed.last().map_or(Offset::ZERO, |last| last.batch.last_offset + 1)
    }

    /// The committed batch that begins at `offset`.
    pub fn committed_at(&self, offset: Offset) -> Option<&Committed> {
        let index = self.committed.partition_point(|old| old.batch.base_offset < offset);
        self.committed.get(index).filter(|old| old.batch.base_offset == offset)
    }

    /// Whether somebody was given exactly this batch.
    pub fn was_read(&self, batch: &BatchInfo) -> bool {
        let index = self.reads.partition_point(|read| read.base_offset < batch.base_offset);
        self.reads.get(index).is_some_and(|read| {
            read.base_offset == batch.base_offset
                && read.crc == batch.crc
                && read.last_offset == batch.last_offset
        })
    }

    /// Who threw this batch away last, and why.
    pub fn last_drop(&self, batch: &BatchInfo) -> Option<&Drop> {
        self.drops.iter().rev().find(|drop| drop.batch == *batch)
    }

    /// The first committed batch that a replica lacks, from those not yet known to be there; remembers how far it got.
    pub fn first_missing(&mut self, index: usize) -> Option<usize> {
        let Ghost { committed, replicas, deleted, .. } = self;
        let seen = &mut replicas[index];
        while let Some(next) = committed.get(seen.complete) {
            if next.batch.last_offset >= *deleted
                && find(&seen.batches, next.batch.base_offset) != Some(&next.batch)
            {
                return Some(seen.complete);
            }
            seen.complete += 1;
        }
        None
    }

    /// The first committed batch, from the one of this number on, that a replica lacks and nothing excuses.
    pub fn first_unexcused(&self, index: usize, from: usize) -> Option<&Committed> {
        let seen = &self.replicas[index];
        self.committed.iter_from(from).find(|old| {
            old.batch.last_offset >= self.deleted
                && find(&seen.batches, old.batch.base_offset) != Some(&old.batch)
                && self.excuse_of(&old.batch, old.minimum).is_none()
        })
    }

    /// Committed batches that a replica lacks, from the first on: at most so many.
    pub fn missing(&mut self, index: usize, most: usize) -> Vec<Committed> {
        let Some(first) = self.first_missing(index) else { return Vec::new() };
        let seen = &self.replicas[index];
        let all = (first..self.committed.len()).filter_map(|place| self.committed.get(place));
        let lacks = |one: &&Committed| {
            one.batch.last_offset >= self.deleted
                && find(&seen.batches, one.batch.base_offset) != Some(&one.batch)
        };
        all.filter(lacks).take(most).cloned().collect()
    }

    /// Whether a replica lacks a committed batch, looked at from the first one on.
    pub fn lacks(mut self, index: usize) -> bool {
        self.replicas[index].complete = 0;
        self.first_missing(index).is_some()
    }

    /// A leader holds this `min.insync.replicas`.
    pub(super) fn set_minimum(&mut self, minimum: usize) {
        self.min_insync_replicas = minimum;
        self.lowest_minimum = self.lowest_minimum.min(minimum);
    }

    /// The declaration that would excuse some loss now: of the record that was promised to the fewest machines.
    pub fn declared(&self) -> Option<Declared> {
        self.declared_of(self.lowest_minimum.min(self.min_insync_replicas))
    }

    /// The declaration that would excuse the loss of what stands, or stood, at this offset now.
    pub fn declared_at(&self, offset: Offset) -> Option<Declared> {
        let covers = |old: &Committed| old.batch.base_offset <= offset && offset <= old.batch.last_offset;
        let index = self.committed.partition_point(|old| old.batch.last_offset < offset);
        let committed = self.committed.get(index).filter(|old| covers(old));
        let known = committed.or_else(|| self.lost.iter().rev().map(|(old, _)| old).find(|old| covers(old)));
        self.declared_of(known.map_or(self.min_insync_replicas, |old| old.minimum))
    }

    /// The declaration that would excuse the loss of a record that was promised to so many machines.
    fn declared_of(&self, minimum: usize) -> Option<Declared> {
        if self.unclean_pending {
            Some(Declared::UncleanElection)
        } else if self.lossy.len() >= minimum.max(1) {
            Some(Declared::PowerLoss)
        } else {
            None
        }
    }

    /// Whether something committed was lost by declaration: an unclean election was held, or power took it.
    pub fn has_declared_loss(&self) -> bool {
        self.unclean.is_some()
            || !self.lost.is_empty() && self.lost.iter().any(|(_, declared)| declared.is_some())
    }

    /// The declaration that would excuse the loss of this batch now: also if so many machines as count have lost it, and
    /// have recovered from it otherwise, or if only a leader that an unclean election deposed ever counted it.
    pub fn excuse(&self, batch: &BatchInfo) -> Option<Declared> {
        self.excuse_of(batch, self.minimum_of(batch))
    }

    /// Whether the loss of this batch by power is declared: that of now, or that of the time when it was lost. Machines
    /// that are whole again do not take it back.
    pub fn is_lost_to_power(&self, batch: &BatchInfo) -> bool {
        self.excuse(batch) == Some(Declared::PowerLoss)
            || self
                .lost
                .iter()
                .any(|(old, declared)| old.batch == *batch && *declared == Some(Declared::PowerLoss))
    }

    fn excuse_of(&self, batch: &BatchInfo, minimum: usize) -> Option<Declared> {
        let by_power = || {
            let lost = self.drops.iter().filter(|drop| drop.by_loss && drop.batch == *batch);
            let machines: BTreeSet<NodeId> = lost.map(|drop| drop.node).collect();
            (machines.len() >= minimum.max(1)).then_some(Declared::PowerLoss)
        };
        let by_deposition = || self.is_of_a_deposed_leader(batch).then_some(Declared::UncleanElection);
        self.declared_of(minimum).or_else(by_power).or_else(by_deposition)
    }

    /// To how many machines a batch was promised: the setting of now if it was never committed.
    fn minimum_of(&self, batch: &BatchInfo) -> usize {
        let committed = self.committed_at(batch.base_offset).filter(|old| old.batch == *batch);
        let lost = || self.lost.iter().rev().map(|(old, _)| old).find(|old| old.batch == *batch);
        committed.or_else(lost).map_or(self.min_insync_replicas, |old| old.minimum)
    }

    /// From committed batch `from` on the ghost follows this replica: what it lacks is lost, what it has there instead was
    /// committed by it. Returns what is lost, unless that is declared.
    pub fn follow(
        &mut self,
        index: usize,
        from: usize,
        declared: Option<Declared>,
        at: Time,
    ) -> Vec<Committed> {
        let gone = self.committed.split_off(from);
        let seen = &self.replicas[index];
        let (kept, missing): (Vec<Committed>, Vec<Committed>) = gone.into_iter().partition(|old| {
            old.batch.last_offset < self.deleted
                || find(&seen.batches, old.batch.base_offset) == Some(&old.batch)
        });
        let begin = self.committed_end();
        let kept_to = kept.last().map_or(Offset::ZERO, |last| last.batch.last_offset + 1);
        let limit = kept_to.max(seen.high_watermark);
        let first = seen.batches.partition_point(|batch| batch.base_offset < begin);
        let held = seen.batches.iter_from(first).take_while(|batch| batch.last_offset < limit);
        let minimum = self.min_insync_replicas;
        self.committed.extend(held.map(|batch| {
            let old = kept.iter().find(|old| old.batch == *batch).cloned();
            old.unwrap_or(Committed { batch: *batch, at, by: seen.node, minimum })
        }));
        if let Some(first) = missing.first() {
            self.rewrites += 1;
            self.rewritten_from = self.rewritten_from.min(first.batch.base_offset);
        }
        let mut undeclared = Vec::new();
        for lost in missing {
            let excuse = declared.or_else(|| self.excuse_of(&lost.batch, lost.minimum));
            if excuse.is_none() {
                undeclared.push(lost.clone());
            }
            self.lost.push((lost, excuse));
        }
        for seen in &mut self.replicas {
            seen.complete = seen.complete.min(from);
        }
        undeclared
    }

    /// Enters what a leader's high watermark, which was at `before`, has passed. Returns how many were committed before.
    ///
    /// What an unclean election has deposed commits nothing any more; what it had committed before is not committed again.
    pub(super) fn commit(&mut self, index: usize, passed_before: Offset, at: Time) -> usize {
        let before = self.committed.len();
        let seen = &self.replicas[index];
        let end = self.committed_end();
        let from = end.max(passed_before);
        let deposed = self.unclean.is_some_and(|epoch| seen.leader_epoch < epoch);
        if seen.role != Role::Leader || seen.high_watermark <= from || deposed {
            return before;
        }
        let first = seen.batches.partition_point(|batch| batch.base_offset < from);
        let passed =
            seen.batches.iter_from(first).take_while(|batch| batch.last_offset < seen.high_watermark);
        let minimum = self.min_insync_replicas;
        self.committed.extend(passed.map(|batch| Committed { batch: *batch, at, by: seen.node, minimum }));
        before
    }
}

/// The batch that begins at `offset`.
pub fn find(batches: &Log, offset: Offset) -> Option<&BatchInfo> {
    // Look-ups are nearly always at the end.
    match batches.last() {
        Some(last) if last.base_offset == offset => return Some(last),
        Some(last) if last.base_offset < offset => return None,
        _ => {}
    }
    let index = batches.partition_point(|batch| batch.base_offset < offset);
    batches.get(index).filter(|batch| batch.base_offset == offset)
}

/// Another batch with the same bytes but for offset and leader epoch: another attempt of the same producer to write it.
pub fn duplicate<'a>(batches: &'a Log, batch: &BatchInfo) -> Option<&'a BatchInfo> {
    let same = |other: &&BatchInfo| other.crc == batch.crc && other.size == batch.size && *other != batch;
    batches.iter().rev().find(same)
}

/// Whether `other` has, from `from` on, the very batches that `one` has below `limit`, one for one. Nearly always it does,
/// and this is quickly seen; if not, the question is what is different.
pub fn goes_on_alike(one: &Log, other: &Log, from: Offset, limit: Offset) -> bool {
    let after = |log: &Log| log.partition_point(|batch| batch.last_offset < from);
    let (mut mine, mut theirs) = (after(one), after(other));
    while let Some(batch) = one.get(mine).filter(|batch| batch.base_offset < limit) {
        if other.get(theirs) != Some(batch) {
            return false;
        }
        (mine, theirs) = (mine + 1, theirs + 1);
    }
    true
}

/// The first offset in `[from, limit)` at which two logs disagree, looking only where both have batches.
pub fn first_disagreement(one: &Log, other: &Log, from: Offset, limit: Offset) -> Option<Offset> {
    if goes_on_alike(one, other, from, limit) {
        return None;
    }
    let after = |log: &Log| log.partition_point(|batch| batch.last_offset < from);
    let mut theirs = other.iter_from(after(other)).peekable();
    for batch in one.iter_from(after(one)).take_while(|batch| batch.base_offset < limit) {
        while theirs.next_if(|there| there.last_offset < batch.base_offset).is_some() {}
        match theirs.peek() {
            Some(there) if *there == batch => drop(theirs.next()),
            Some(there) if there.base_offset <= batch.last_offset => {
                return Some(batch.base_offset.max(from));
            }
            _ => {}
        }
    }
    None
}

impl Ghost {
    /// How many committed batches, from the first, a replica holds.
    pub(super) fn common_prefix(&self, index: usize) -> usize {
        let seen = &self.replicas[index];
        let held = |old: &&Committed| {
            old.batch.last_offset < self.deleted
                || find(&seen.batches, old.batch.base_offset) == Some(&old.batch)
        };
        self.committed.iter().take_while(held).count()
    }

    /// A replica that lost something is whole again once it is in the ISR and lacks nothing. Says whether that is so now.
    pub fn heal_lossy(&mut self, index: usize) -> bool {
        let node = self.replicas[index].node;
        let healed = !self.lossy.is_empty()
            && self.lossy.contains(&node)
            && self.replicas[index].alive
            && self.replicas[index].role != Role::Idle
            && self.in_controller_isr(&self.replicas[index])
            && self.first_missing(index).is_none();
        healed && self.lossy.remove(&node)
    }

    /// Remembers who is not assigned, or on the way out, in the epoch of the state as it is now.
    pub(super) fn note_who_is_out(&mut self, brokers: impl Iterator<Item = BrokerId>) {
        let Some(state) = self.state.as_ref().filter(|state| !state.assigned.is_empty()) else { return };
        let is_in = |broker: &BrokerId| state.assigned.contains(broker) && !state.leaving.contains(broker);
        for broker in brokers.filter(|broker| !is_in(broker)) {
            match self.out.iter_mut().find(|(known, _)| *known == broker) {
                Some((_, epoch)) => *epoch = (*epoch).max(state.leader_epoch),
                None => self.out.push((broker, state.leader_epoch)),
            }
        }
    }

    /// A replica was deleted: all its batches are dropped.
    pub(super) fn forget(&mut self, node: NodeId, at: Time) {
        if self.deletion == Deletion::Ordered {
            self.deletion = Deletion::Begun;
        }
        if let Some(index) = self.replicas.iter().position(|seen| seen.node == node) {
            let seen = self.replicas.remove(index);
            let out = self.out.iter().find(|(broker, _)| *broker == seen.broker).map(|(_, epoch)| *epoch);
            if self.deletion == Deletion::NotOrdered && is_untimely(seen.leader_epoch, out) {
                self.untimely = Some(Untimely { node, epoch: seen.leader_epoch });
            }
            if self.is_leaving(&seen) || !self.in_controller_isr(&seen) {
                let epoch = self.state.as_ref().map_or(LeaderEpoch::NONE, |state| state.leader_epoch);
                self.has_left.push((node, epoch));
            }
            let why: Arc<str> = "deletion of the replica".into();
            self.drops.extend(seen.batches.iter().map(|batch| Drop {
                batch: *batch,
                node,
                at,
                why: why.clone(),
                by_loss: false,
            }));
            self.matched.retain(|(one, other, _)| *one != node && *other != node);
            self.weakly_matched.retain(|(one, other, _)| *one != node && *other != node);
        }
    }
}
