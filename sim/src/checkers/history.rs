//! What was seen of every replica, and the ghost of every partition: the ground on which all checkers stand.
//!
//! The *ghost* of a partition is the sequence of batches that some leader's high watermark has passed: what the cluster
//! has committed to, whatever becomes of it (`committed(p)` of the catalogue). When committed batches are lost, by
//! declaration or by violation, the ghost follows the new leader and remembers them in [`Ghost::lost`].
//!
//! A batch is known by [`BatchInfo`]: offsets, epoch, CRC. Logs are compared batch by batch, never record by record.

use super::LifeEvent;
use crate::world::nodes::{Nodes, Status};
use kafka::broker::view::{ReplicaView, Role};
use kafka::command::SendId;
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub batches: Vec<BatchInfo>,
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
    pub why: String,
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
}

/// Why a loss is nobody's fault but the operator's.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Declared {
    /// A leader from outside the ISR was allowed.
    UncleanElection,
    /// At least `min.insync.replicas` machines lost their page cache or their disk.
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

/// A partition's state in ZooKeeper, as last read.
#[derive(Clone, Debug)]
pub struct StateSeen {
    /// The leader, or none.
    pub leader: BrokerId,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
    /// The ISR.
    pub isr: Vec<BrokerId>,
}

/// One partition's ghost and replicas.
#[derive(Clone, Debug)]
pub struct Ghost {
    /// Which partition.
    pub partition: TopicPartition,
    /// What was committed, oldest first.
    pub committed: Vec<Committed>,
    /// What was committed and lost, with the declaration that allowed it, if one did.
    pub lost: Vec<(Committed, Option<Declared>)>,
    /// Its replicas, by node.
    pub replicas: Vec<Seen>,
    /// What replicas threw away, oldest first.
    pub drops: Vec<Drop>,
    /// Its state.
    pub state: Option<StateSeen>,
    /// The epoch of the last unclean election, if one happened.
    pub unclean: Option<LeaderEpoch>,
    /// Whether the ghost must follow the unclean leader as soon as it leads.
    pub unclean_pending: bool,
    /// Machines that lost something and have not been in the ISR complete since.
    pub lossy: BTreeSet<NodeId>,
    /// `min.insync.replicas` as the last leader held it.
    pub min_insync_replicas: usize,
    /// Every batch that was ever in a log, with the one before it: by offset, then epoch.
    pub links: Vec<Link>,
    /// Who appended as leader, by epoch.
    pub appenders: Vec<(LeaderEpoch, NodeId)>,
    /// What was read: base offset and CRC of each batch, by offset.
    pub reads: Vec<(Offset, u32)>,
    /// The newest send of each producer that was acknowledged, and its offset.
    pub sent: Vec<(NodeId, SendId, Offset)>,
    /// Up to which offset two replicas are known to agree.
    pub matched: Vec<(NodeId, NodeId, Offset)>,
    /// Up to which offset a member of a leader's ISR is known to agree with it.
    pub weakly_matched: Vec<(NodeId, NodeId, Offset)>,
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

/// What became of one replica in one event.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where.
    pub node: NodeId,
    /// Index of the replica in [`Ghost::replicas`].
    pub index: usize,
    /// How many batches it held in common with what was seen before: those from here on are new.
    pub kept: usize,
    /// Whether batches were dropped, or the process is in another life.
    pub cut: bool,
    /// Whether role or leader epoch changed.
    pub role_changed: bool,
    /// Its high watermark before, in the same life.
    pub high_watermark_before: Option<Offset>,
    /// Whether committed batches were added to the ghost by this replica's high watermark.
    pub committed_from: usize,
}

/// All partitions.
#[derive(Clone, Default, Debug)]
pub struct History {
    ghosts: BTreeMap<TopicPartition, Arc<Ghost>>,
    /// The version of ZooKeeper's partition states that was read last.
    pub states_version: u64,
}

impl Ghost {
    fn new(partition: TopicPartition) -> Ghost {
        Ghost {
            partition,
            committed: Vec::new(),
            lost: Vec::new(),
            replicas: Vec::new(),
            drops: Vec::new(),
            state: None,
            unclean: None,
            unclean_pending: false,
            lossy: BTreeSet::new(),
            min_insync_replicas: 1,
            links: Vec::new(),
            appenders: Vec::new(),
            reads: Vec::new(),
            sent: Vec::new(),
            matched: Vec::new(),
            weakly_matched: Vec::new(),
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

    /// Who threw this batch away last, and why.
    pub fn last_drop(&self, batch: &BatchInfo) -> Option<&Drop> {
        self.drops.iter().rev().find(|drop| drop.batch == *batch)
    }

    /// The first committed batch that a replica lacks, from those not yet known to be there; remembers how far it got.
    pub fn first_missing(&mut self, index: usize) -> Option<usize> {
        let Ghost { committed, replicas, .. } = self;
        let seen = &mut replicas[index];
        while let Some(next) = committed.get(seen.complete) {
            if next.batch.last_offset >= seen.start
                && find(&seen.batches, next.batch.base_offset) != Some(&next.batch)
            {
                return Some(seen.complete);
            }
            seen.complete += 1;
        }
        None
    }

    /// Whether a replica lacks a committed batch, looked at from the first one on.
    pub fn lacks(mut self, index: usize) -> bool {
        self.replicas[index].complete = 0;
        self.first_missing(index).is_some()
    }

    /// The declaration that would excuse a loss now.
    pub fn declared(&self) -> Option<Declared> {
        if self.unclean_pending {
            Some(Declared::UncleanElection)
        } else if self.lossy.len() >= self.min_insync_replicas.max(1) {
            Some(Declared::PowerLoss)
        } else {
            None
        }
    }

    /// Committed batches from `from` on that the replica lacks leave the ghost, which follows that replica from there.
    pub fn follow(&mut self, index: usize, from: usize, declared: Option<Declared>) -> Vec<Committed> {
        let gone = self.committed.split_off(from);
        let seen = &self.replicas[index];
        let (kept, missing): (Vec<Committed>, Vec<Committed>) =
            gone.into_iter().partition(|old| find(&seen.batches, old.batch.base_offset) == Some(&old.batch));
        self.committed.extend(kept);
        self.lost.extend(missing.iter().map(|lost| (lost.clone(), declared)));
        for seen in &mut self.replicas {
            seen.complete = seen.complete.min(from);
        }
        missing
    }

    /// Enters what a leader's high watermark has passed. Returns how many were committed before.
    fn commit(&mut self, index: usize, at: Time) -> usize {
        let before = self.committed.len();
        let seen = &self.replicas[index];
        let from = self.committed.last().map_or(Offset::ZERO, |last| last.batch.last_offset + 1);
        if seen.role != Role::Leader || seen.high_watermark <= from {
            return before;
        }
        let first = seen.batches.partition_point(|batch| batch.base_offset < from);
        for batch in seen.batches[first..].iter().take_while(|batch| batch.last_offset < seen.high_watermark)
        {
            self.committed.push(Committed { batch: *batch, at, by: seen.node });
        }
        before
    }
}

/// The batch that begins at `offset`.
pub fn find(batches: &[BatchInfo], offset: Offset) -> Option<&BatchInfo> {
    // Look-ups are nearly always at the end.
    let index = match batches.last() {
        Some(last) if last.base_offset == offset => batches.len() - 1,
        _ => batches.partition_point(|batch| batch.base_offset < offset),
    };
    batches.get(index).filter(|batch| batch.base_offset == offset)
}

/// The first offset in `[from, limit)` at which two logs disagree, looking only where both have batches.
pub fn first_disagreement(
    one: &[BatchInfo],
    other: &[BatchInfo],
    from: Offset,
    limit: Offset,
) -> Option<Offset> {
    let mut right = other.partition_point(|batch| batch.last_offset < from);
    let left = one.partition_point(|batch| batch.last_offset < from);
    for batch in one[left..].iter().take_while(|batch| batch.base_offset < limit) {
        while other.get(right).is_some_and(|there| there.last_offset < batch.base_offset) {
            right += 1;
        }
        match other.get(right) {
            Some(there) if there == batch => right += 1,
            Some(there) if there.base_offset <= batch.last_offset => {
                return Some(batch.base_offset.max(from));
            }
            _ => {}
        }
    }
    None
}

impl History {
    /// Every partition known.
    pub fn partitions(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        self.ghosts.keys().copied()
    }

    /// A partition's ghost, to read.
    pub fn get(&self, partition: TopicPartition) -> Option<&Ghost> {
        self.ghosts.get(&partition).map(|ghost| &**ghost)
    }

    /// A partition's ghost, to change.
    pub fn ghost_mut(&mut self, partition: TopicPartition) -> &mut Ghost {
        Arc::make_mut(self.ghosts.entry(partition).or_insert_with(|| Arc::new(Ghost::new(partition))))
    }

    pub(super) fn ghost(&mut self, partition: TopicPartition) -> &mut Ghost {
        self.ghost_mut(partition)
    }

    /// Reads ZooKeeper's partition states again; returns those that changed.
    pub(super) fn read_states(&mut self, nodes: &Nodes) -> Vec<TopicPartition> {
        let zookeeper = nodes.zookeeper();
        self.states_version = zookeeper.partition_states_version();
        let mut changed = Vec::new();
        for partition in zookeeper.partitions() {
            let Some((state, _)) = zookeeper.partition_state(partition) else { continue };
            let ghost = self.ghost_mut(partition);
            let same = ghost.state.as_ref().is_some_and(|old| {
                old.leader == state.leader && old.leader_epoch == state.leader_epoch && old.isr == state.isr
            });
            if same {
                continue;
            }
            if let Some(old) = &ghost.state {
                let clean = state.leader == BrokerId::NONE || old.isr.contains(&state.leader);
                if state.leader != old.leader && !clean {
                    ghost.unclean = Some(state.leader_epoch);
                    ghost.unclean_pending = true;
                }
            }
            ghost.state = Some(StateSeen {
                leader: state.leader,
                leader_epoch: state.leader_epoch,
                isr: state.isr.clone(),
            });
            changed.push(partition);
        }
        changed
    }

    /// A process started or ended.
    pub(super) fn on_life(&mut self, node: NodeId, life: LifeEvent, nodes: &Nodes) {
        let alive = nodes.slot(node).status != Status::Down;
        for ghost in self.ghosts.values_mut() {
            if !ghost.replicas.iter().any(|seen| seen.node == node) {
                continue;
            }
            let ghost = Arc::make_mut(ghost);
            if matches!(life, LifeEvent::LostPower | LifeEvent::DiskDamaged) {
                ghost.lossy.insert(node);
            }
            let seen = ghost.replicas.iter_mut().find(|seen| seen.node == node).expect("just found");
            seen.alive = alive;
            if life != LifeEvent::DiskDamaged {
                seen.role = Role::Idle;
                seen.isr.clear();
            }
        }
    }

    /// A replica changed: what became of it. `None` if it does not exist any more.
    pub(super) fn on_mark(
        &mut self,
        node: NodeId,
        partition: TopicPartition,
        nodes: &Nodes,
        at: Time,
    ) -> Option<Change> {
        let slot = nodes.slot(node);
        let broker = nodes.broker(node)?;
        let ghost = self.ghost_mut(partition);
        let Some(view) = broker.replica(partition) else {
            ghost.forget(node, at);
            return None;
        };
        let index = match ghost.replicas.iter().position(|seen| seen.node == node) {
            Some(index) => index,
            None => {
                ghost.replicas.push(Seen::nothing(node, broker.id()));
                ghost.replicas.sort_by_key(|seen| seen.node);
                ghost.replicas.iter().position(|seen| seen.node == node).expect("just pushed")
            }
        };
        let seen = &mut ghost.replicas[index];
        let restarted = seen.life != slot.life;
        let role_changed = restarted || seen.role != view.role || seen.leader_epoch != view.leader_epoch;
        let before = (!restarted).then_some(seen.high_watermark);
        let (kept, dropped) = seen.take_log(view.log.batches());
        seen.look(&view, slot.life);
        let (end, complete) = (seen.end, &mut seen.complete);
        let cut = restarted || !dropped.is_empty();
        if cut {
            let kept_to = dropped.first().map_or(end, |first| first.base_offset);
            *complete =
                (*complete).min(ghost.committed.partition_point(|old| old.batch.last_offset < kept_to));
            for (one, other, upto) in ghost.matched.iter_mut().chain(&mut ghost.weakly_matched) {
                if *one == node || *other == node {
                    *upto = (*upto).min(kept_to);
                }
            }
        }
        if !dropped.is_empty() {
            let why = cut_by(ghost, node, &view);
            ghost.drops.extend(dropped.into_iter().map(|batch| Drop { batch, node, at, why: why.clone() }));
        }
        if view.role == Role::Leader {
            ghost.min_insync_replicas = view.min_insync_replicas;
        }
        if ghost.unclean_pending && ghost.current_leader() == Some(index) {
            let from = ghost.common_prefix(index);
            ghost.follow(index, from, Some(Declared::UncleanElection));
            ghost.unclean_pending = false;
        }
        let committed_from = ghost.commit(index, at);
        Some(Change { node, index, kept, cut, role_changed, high_watermark_before: before, committed_from })
    }
}

/// Why a replica's log became shorter.
fn cut_by(ghost: &Ghost, node: NodeId, view: &ReplicaView<'_>) -> String {
    match view.last_cut {
        Some(decided) if view.role != Role::Idle => format!("rule {} {}", decided.rule, decided.value),
        _ if ghost.lossy.contains(&node) => "a loss of power".to_owned(),
        _ => "the recovery of its log".to_owned(),
    }
}

impl Ghost {
    /// How many committed batches, from the first, a replica holds.
    fn common_prefix(&self, index: usize) -> usize {
        let seen = &self.replicas[index];
        let held = |old: &&Committed| {
            old.batch.last_offset < seen.start
                || find(&seen.batches, old.batch.base_offset) == Some(&old.batch)
        };
        self.committed.iter().take_while(held).count()
    }

    /// A replica that lost something is whole again once it is in the ISR and lacks nothing.
    pub fn heal_lossy(&mut self, index: usize) {
        let node = self.replicas[index].node;
        if self.lossy.contains(&node)
            && self.replicas[index].alive
            && self.replicas[index].role != Role::Idle
            && self.in_controller_isr(&self.replicas[index])
            && self.first_missing(index).is_none()
        {
            self.lossy.remove(&node);
        }
    }

    /// A replica was deleted: all its batches are dropped.
    fn forget(&mut self, node: NodeId, at: Time) {
        if let Some(index) = self.replicas.iter().position(|seen| seen.node == node) {
            let seen = self.replicas.remove(index);
            let why = "deletion of the replica".to_owned();
            self.drops.extend(seen.batches.into_iter().map(|batch| Drop {
                batch,
                node,
                at,
                why: why.clone(),
            }));
            self.matched.retain(|(one, other, _)| *one != node && *other != node);
            self.weakly_matched.retain(|(one, other, _)| *one != node && *other != node);
        }
    }
}

impl Seen {
    fn nothing(node: NodeId, broker: BrokerId) -> Seen {
        Seen {
            node,
            broker,
            alive: true,
            life: 0,
            role: Role::Idle,
            leader_epoch: LeaderEpoch::NONE,
            high_watermark: Offset::ZERO,
            start: Offset::ZERO,
            end: Offset::ZERO,
            isr: Vec::new(),
            batches: Vec::new(),
            complete: 0,
        }
    }

    fn look(&mut self, view: &ReplicaView<'_>, life: u32) {
        self.alive = true;
        self.life = life;
        self.role = view.role;
        self.leader_epoch = view.leader_epoch;
        self.high_watermark = view.high_watermark;
        self.start = view.log.start_offset();
        self.end = view.log.end_offset();
        if self.isr != view.isr {
            self.isr = view.isr.to_vec();
        }
    }

    /// Takes over a log as it is now. Returns how many batches were kept, and what went from the tail.
    fn take_log(&mut self, now: &[BatchInfo]) -> (usize, Vec<BatchInfo>) {
        // Deletion from the front (log start offset) is no cut.
        let front = match (self.batches.first(), now.first()) {
            (Some(old), Some(new)) if old.base_offset < new.base_offset => {
                self.batches.partition_point(|batch| batch.base_offset < new.base_offset)
            }
            _ => 0,
        };
        if front > 0 {
            self.batches.drain(..front);
        }
        let mut kept = self.batches.len().min(now.len());
        while kept > 0 && self.batches[kept - 1] != now[kept - 1] {
            kept -= 1;
        }
        let dropped = self.batches.split_off(kept);
        self.batches.extend_from_slice(&now[kept..]);
        (kept, dropped)
    }
}
