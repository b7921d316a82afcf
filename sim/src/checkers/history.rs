//! What was seen of every replica, and what became of it: the ground on which all checkers stand.
//!
//! After an event each marked replica is compared with what was last seen of it, which costs what is new and not what is
//! there. The outcome is a [`Change`], and the partition's ghost ([`super::ghost`]) has taken it in.

pub use super::ghost::{
    Committed, Declared, Deletion, Drop, Ghost, Link, Log, Read, Seen, StateChange, StateSeen, duplicate,
    find, first_disagreement, goes_on_alike,
};
use super::{LifeEvent, restart_keeps};
use crate::world::nodes::{Nodes, Status};
use kafka::broker::view::{ReplicaView, Role};
use kafka::ids::{BrokerId, NodeId, Offset, Topic, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::partition_map::PartitionMap;
use kafka::time::Time;
use kafka::zookeeper::znode::{ZnodeData, topic_config_path};
use std::sync::Arc;

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
    /// Whether it holds another ISR.
    pub isr_changed: bool,
    /// Whether its leader epoch cache is another.
    pub epochs_changed: bool,
    /// Whether its log starts higher than before.
    pub start_rose: bool,
    /// Who has come into its ISR, or is proposed to, while it leads in the same epoch.
    pub admitted: Vec<BrokerId>,
    /// What it held when it was last seen, in another life, and should have kept.
    pub lost_over_restart: Option<BatchInfo>,
    /// Its high watermark before, in the same life.
    pub high_watermark_before: Option<Offset>,
    /// How many batches were committed before: those from here on were by this replica's high watermark.
    pub committed_from: usize,
}

/// All partitions.
#[derive(Clone, Default, Debug)]
pub struct History {
    ghosts: PartitionMap<Arc<Ghost>>,
    /// The version of ZooKeeper's partition states that was read last.
    pub states_version: u64,
    /// The same of assignments.
    assignments_version: u64,
    /// Topics that are to be deleted.
    to_delete: Vec<Topic>,
}

impl History {
    /// Every partition known.
    pub fn partitions(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        self.ghosts.keys()
    }

    /// A partition's ghost, to read.
    pub fn get(&self, partition: TopicPartition) -> Option<&Ghost> {
        self.ghosts.get(partition).map(|ghost| &**ghost)
    }

    /// A partition's ghost, to change.
    pub fn ghost_mut(&mut self, partition: TopicPartition) -> &mut Ghost {
        Arc::make_mut(self.ghosts.get_or_insert_with(partition, || Arc::new(Ghost::new(partition))))
    }

    /// An operator has ordered a topic to be deleted.
    pub(super) fn order_deletion(&mut self, topic: Topic) {
        let of_topic = self.ghosts.iter_mut().filter(|(partition, _)| partition.topic == topic);
        for (_, ghost) in of_topic {
            let ghost = Arc::make_mut(ghost);
            if ghost.deletion == Deletion::NotOrdered {
                ghost.deletion = Deletion::Ordered;
            }
        }
        self.to_delete.push(topic);
    }

    /// Whether an operator has ordered a topic to be deleted, and its partitions are not gone yet.
    pub(super) fn is_to_be_deleted(&self, topic: Topic) -> bool {
        self.to_delete.contains(&topic)
    }

    /// Forgets the partitions whose topic was deleted by order and has left ZooKeeper: who bears the name from now on is
    /// another. Returns which.
    pub(super) fn end_deleted(&mut self, nodes: &Nodes) -> Vec<TopicPartition> {
        if self.to_delete.is_empty() {
            return Vec::new();
        }
        let is_gone = |partition: &TopicPartition, ghost: &Ghost| {
            ghost.deletion == Deletion::Begun && nodes.zookeeper().partition_state(*partition).is_none()
        };
        let ghosts = self.ghosts.iter_mut().filter(|(partition, ghost)| is_gone(partition, ghost));
        let mut gone = Vec::new();
        for (partition, ghost) in ghosts {
            *ghost = Arc::new(Ghost { is_made_anew: true, ..Ghost::new(partition) });
            gone.push(partition);
        }
        self.to_delete.retain(|topic| !gone.iter().any(|partition| partition.topic == *topic));
        gone
    }

    /// Reads ZooKeeper's partition states again; returns what became of those that changed, or are assigned otherwise.
    pub(super) fn read_states(&mut self, nodes: &Nodes) -> Vec<StateChange> {
        let zookeeper = nodes.zookeeper();
        let reassigned = self.assignments_version != zookeeper.assignments_version();
        self.assignments_version = zookeeper.assignments_version();
        let newest_controller = zookeeper.controller_epoch();
        self.states_version = zookeeper.partition_states_version();
        let mut changed = Vec::new();
        for partition in zookeeper.partitions() {
            let Some((state, _)) = zookeeper.partition_state(partition) else { continue };
            let old = self.get(partition).and_then(|ghost| ghost.state.as_ref());
            let same = old.is_some_and(|old| {
                old.leader == state.leader && old.leader_epoch == state.leader_epoch && old.isr == state.isr
            });
            if same && !reassigned {
                continue;
            }
            let assigned = zookeeper.assigned(partition);
            let leaving = zookeeper.leaving(partition);
            if same && old.is_some_and(|old| old.assigned == assigned && old.leaving == leaving) {
                continue;
            }
            let change = StateChange {
                partition,
                by_controller: old.is_none_or(|old| old.leader_epoch != state.leader_epoch),
                controller_epoch: state.controller_epoch,
                newest_controller,
                entered: entered(old.map_or(&[], |old| &old.isr), &state.isr),
            };
            let clean = old.is_none_or(|old| {
                state.leader == BrokerId::NONE
                    || state.leader == old.leader
                    || old.isr.contains(&state.leader)
            });
            // An election that nobody allowed is no declaration of anything.
            let declared = !clean && may_be_unclean(partition.topic, nodes);
            let ghost = self.ghost_mut(partition);
            if declared {
                ghost.unclean = Some(state.leader_epoch);
                ghost.unclean_pending = true;
            }
            ghost.state = Some(StateSeen {
                leader: state.leader,
                leader_epoch: state.leader_epoch,
                isr: state.isr.clone(),
                assigned,
                leaving,
            });
            ghost.note_who_is_out(nodes.broker_nodes().map(|(broker, _)| broker));
            changed.push(change);
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
                if life == LifeEvent::DiskDamaged {
                    ghost.damaged.insert(node);
                }
            }
            let seen = ghost.replicas.iter_mut().find(|seen| seen.node == node).expect("just found");
            seen.alive = alive;
            seen.lost_power |= life == LifeEvent::LostPower;
            if life != LifeEvent::DiskDamaged {
                seen.role = Role::Idle;
                seen.isr.clear();
            }
        }
    }

    /// A replica changed: what became of it, how it is now, and its partition's ghost. `None` if it does not exist any more.
    pub(super) fn on_mark<'nodes>(
        &mut self,
        node: NodeId,
        partition: TopicPartition,
        nodes: &'nodes Nodes,
        at: Time,
    ) -> Option<(Change, ReplicaView<'nodes>, &mut Ghost)> {
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
                let place = ghost.replicas.partition_point(|seen| seen.node < node);
                ghost.replicas.insert(place, Seen::nothing(node, broker.id()));
                place
            }
        };
        let seen = &mut ghost.replicas[index];
        let restarted = seen.life != slot.life;
        let role_changed = restarted || seen.role != view.role || seen.leader_epoch != view.leader_epoch;
        let before = (!restarted).then_some(seen.high_watermark);
        let start = view.log.start_offset();
        let (kept, dropped) = seen.take_log(view.log.batches(), start);
        let start_rose = seen.start < start;
        let lost_over_restart = if restarted && seen.life > 0 && !ghost.damaged.contains(&node) {
            restart_keeps::first_lost(&dropped, restart_keeps::safe_end(seen), start)
        } else {
            None
        };
        let leads_on = !role_changed && view.role == Role::Leader;
        let came = view.maximal_isr.iter().copied().filter(|member| !seen.maximal_isr.contains(member));
        let admitted = came.filter(|_| leads_on).collect();
        let (isr_changed, epochs_changed) = seen.look(&view, slot.life);
        ghost.deleted = ghost.deleted.max(seen.start.min(ghost.ordered));
        let cut = restarted || !dropped.is_empty();
        if cut {
            let kept_to = dropped.first().map_or(seen.end, |first| first.base_offset);
            let complete = ghost.committed.partition_point(|old| old.batch.last_offset < kept_to);
            seen.complete = seen.complete.min(complete);
            for (one, other, upto) in ghost.matched.iter_mut().chain(&mut ghost.weakly_matched) {
                if *one == node || *other == node {
                    *upto = (*upto).min(kept_to);
                }
            }
        }
        if !dropped.is_empty() {
            let (why, by_loss) = cut_by(ghost, node, &view);
            let drop = |batch| Drop { batch, node, at, why: why.clone(), by_loss };
            ghost.drops.extend(dropped.into_iter().map(drop));
        }
        if view.role == Role::Leader {
            ghost.set_minimum(view.min_insync_replicas);
        }
        if ghost.unclean_pending && ghost.current_leader() == Some(index) {
            let from = ghost.common_prefix(index);
            ghost.follow(index, from, Some(Declared::UncleanElection), at);
            ghost.unclean_pending = false;
        }
        let passed_before = before.filter(|_| !role_changed).unwrap_or(Offset::ZERO);
        let committed_from = ghost.commit(index, passed_before, at);
        let change = Change {
            node,
            index,
            kept,
            cut,
            role_changed,
            isr_changed,
            epochs_changed,
            start_rose,
            admitted,
            lost_over_restart,
            high_watermark_before: before,
            committed_from,
        };
        Some((change, view, ghost))
    }
}

/// Whether `unclean.leader.election.enable` is on for a topic: by its own settings, or by a running broker's default.
fn may_be_unclean(topic: Topic, nodes: &Nodes) -> bool {
    let own = match nodes.zookeeper().get(&topic_config_path(topic)) {
        Some((ZnodeData::Config(settings), _)) => settings.get("unclean.leader.election.enable"),
        _ => None,
    };
    match own {
        Some(value) => value.trim().eq_ignore_ascii_case("true"),
        None => nodes.brokers().any(|(_, broker)| broker.allows_unclean_elections()),
    }
}

/// Who was not in the ISR before. Those it began with have not entered it.
fn entered(before: &[BrokerId], now: &[BrokerId]) -> Vec<BrokerId> {
    if before.is_empty() {
        return Vec::new();
    }
    now.iter().copied().filter(|member| !before.contains(member)).collect()
}

/// Why a replica's log became shorter, and whether its machine lost what is missing.
fn cut_by(ghost: &Ghost, node: NodeId, view: &ReplicaView<'_>) -> (Arc<str>, bool) {
    match view.last_cut {
        Some(decided) if view.role != Role::Idle => {
            (format!("rule {} {}", decided.rule, decided.value).into(), false)
        }
        _ if !ghost.lossy.contains(&node) => ("the recovery of its log".into(), false),
        _ if ghost.damaged.contains(&node) => ("the damage to its disk".into(), true),
        _ => ("a loss of power".into(), true),
    }
}
