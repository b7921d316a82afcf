//! The checkers of single steps (a restart, an order, an ISR, an append) once more, from a copy of every replica as it was
//! when it last changed: for tests.

use super::{
    Checks, Context, Finding, LifeEvent, Observed, appended_once, isr_entry, isr_shrinks, own_orders,
    restart_keeps, ripe_produce, start_as_ordered, stopped_in_turn,
};
use crate::world::nodes::Nodes;
use kafka::broker::view::{ReplicaView, Role};
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use kafka::log::partition_log::BatchInfo;
use kafka::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered from event to event.
#[derive(Clone, Default)]
pub(super) struct Mechanisms {
    held: BTreeMap<(TopicPartition, NodeId), Held>,
    /// Life and number of the last order of each broker.
    orders: BTreeMap<NodeId, (u32, u64)>,
    /// The last epoch in which a broker was not assigned, or on the way out.
    out: BTreeMap<(TopicPartition, BrokerId), LeaderEpoch>,
}

/// A replica as it was.
#[derive(Clone)]
struct Held {
    life: u32,
    role: Role,
    epoch: LeaderEpoch,
    end: Offset,
    flushed: Offset,
    batches: Vec<BatchInfo>,
    maximal_isr: Vec<BrokerId>,
    lost_power: bool,
    /// When its log reached which end, as leader of this epoch.
    grown: Vec<(Time, Offset)>,
}

/// What is broken: which property, of which partition, at which offset if that says something.
type Broken = BTreeSet<(&'static str, Option<TopicPartition>, Option<Offset>)>;

impl Mechanisms {
    /// Panics if the checkers and this look disagree. `fresh`: what was found in this event.
    pub(super) fn compare(
        &mut self,
        checks: &Checks,
        nodes: &Nodes,
        observed: &Observed<'_>,
        fresh: &[Finding],
    ) {
        for (node, life) in observed.lives {
            let of_node = self.held.iter_mut().filter(|((_, on), _)| on == node);
            of_node.for_each(|(_, held)| held.lost_power |= *life == LifeEvent::LostPower);
        }
        let mut broken = Broken::new();
        self.orders(nodes, &mut broken);
        self.who_is_out(nodes);
        for &(node, partition) in observed.marks {
            let Some(broker) = nodes.broker(node) else { continue };
            match broker.replica(partition) {
                Some(view) => self.replica((partition, node), &view, checks, nodes, &mut broken),
                None => self.deletion((partition, node), broker.id(), checks, &mut broken),
            }
        }
        self.agree(&broken, checks, nodes, fresh);
    }

    fn orders(&mut self, nodes: &Nodes, broken: &mut Broken) {
        for (node, broker) in nodes.brokers() {
            let last = broker.carried_out();
            let now = (nodes.slot(node).life, last.count);
            let is_new = self.orders.insert(node, now) != Some(now) && last.count > 0;
            if is_new && last.meant_for.is_some() && last.meant_for < last.in_life {
                broken.insert((own_orders::INFO.name, None, None));
            }
        }
    }

    fn who_is_out(&mut self, nodes: &Nodes) {
        let zookeeper = nodes.zookeeper();
        for partition in zookeeper.partitions() {
            let (assigned, leaving) = (zookeeper.assigned(partition), zookeeper.leaving(partition));
            let Some((state, _)) = zookeeper.partition_state(partition).filter(|_| !assigned.is_empty())
            else {
                continue;
            };
            for (broker, _) in nodes.broker_nodes() {
                if !assigned.contains(&broker) || leaving.contains(&broker) {
                    let epoch = self.out.entry((partition, broker)).or_insert(state.leader_epoch);
                    *epoch = (*epoch).max(state.leader_epoch);
                }
            }
        }
    }

    fn replica(
        &mut self,
        key: (TopicPartition, NodeId),
        view: &ReplicaView<'_>,
        checks: &Checks,
        nodes: &Nodes,
        broken: &mut Broken,
    ) {
        let (partition, node) = key;
        let ghost = checks.history.get(partition).expect("a marked partition is known");
        let (start, end, batches) = (view.log.start_offset(), view.log.end_offset(), view.log.batches());
        let mut now = Held {
            life: nodes.slot(node).life,
            role: view.role,
            epoch: view.leader_epoch,
            end,
            flushed: view.log.recovery_point(),
            batches: batches.to_vec(),
            maximal_isr: view.maximal_isr.to_vec(),
            lost_power: false,
            grown: Vec::new(),
        };
        let is_whole = ghost.lossy.is_empty() && ghost.damaged.is_empty() && !ghost.is_made_anew;
        if start > ghost.ordered && is_whole {
            broken.insert((start_as_ordered::INFO.name, Some(partition), None));
        }
        let before = self.held.remove(&key);
        if let Some(before) = before.as_ref().filter(|before| before.life != now.life) {
            let safe = if before.lost_power { before.flushed } else { before.end };
            let kept = |batch: &&BatchInfo| batches.contains(batch);
            let mut needed =
                before.batches.iter().filter(|batch| batch.last_offset >= start && batch.last_offset < safe);
            let lost = needed.find(|batch| !kept(batch)).filter(|_| !ghost.damaged.contains(&node));
            broken
                .extend(lost.map(|lost| (restart_keeps::INFO.name, Some(partition), Some(lost.base_offset))));
        }
        let leads_on = before
            .filter(|old| (old.life, old.role, old.epoch) == (now.life, Role::Leader, now.epoch))
            .filter(|_| now.role == Role::Leader);
        if let Some(before) = leads_on {
            let came = view.followers.iter().filter(|remote| {
                view.maximal_isr.contains(&remote.broker) && !before.maximal_isr.contains(&remote.broker)
            });
            let bar = view.epoch_start.map_or(view.high_watermark, |start| start.max(view.high_watermark));
            let early = came.filter(|remote| remote.log_end < bar);
            broken.extend(early.map(|remote| (isr_entry::INFO.name, Some(partition), Some(remote.log_end))));
            now.grown = before.grown;
        }
        if now.role == Role::Leader {
            if now.grown.last().is_none_or(|(_, known)| *known < end) {
                now.grown.push((nodes.now, end));
            }
            self.twice(partition, batches, checks, nodes, broken);
            if nodes.broker(node).is_some_and(|broker| broker.has_ripe_produce(partition)) {
                broken.insert((ripe_produce::INFO.name, Some(partition), None));
            }
        }
        self.held.insert(key, now);
    }

    /// Batches that stand in the log more often than they were sent, wherever they stand.
    fn twice(
        &self,
        partition: TopicPartition,
        batches: &[BatchInfo],
        checks: &Checks,
        nodes: &Nodes,
        broken: &mut Broken,
    ) {
        let mut bytes = BTreeMap::new();
        for batch in batches {
            bytes.entry((batch.crc, batch.size, batch.max_timestamp)).or_insert_with(Vec::new).push(*batch);
        }
        let ghost = checks.history.get(partition).expect("a marked partition is known");
        let mut nothing = Vec::new();
        let context = Context {
            at: nodes.now,
            event: crate::world::EventId(0),
            nodes,
            ledger: &checks.ledger,
            force: &checks.force,
            findings: &mut nothing,
        };
        for copies in bytes.into_values().filter(|copies| copies.len() > 1) {
            let last = *copies.last().expect("there are some");
            let log = copies.into_iter().collect();
            if appended_once::problem(&last, &log, ghost, &context).is_some() {
                broken.insert((appended_once::INFO.name, Some(partition), None));
            }
        }
    }

    fn deletion(
        &mut self,
        key: (TopicPartition, NodeId),
        broker: BrokerId,
        checks: &Checks,
        broken: &mut Broken,
    ) {
        let ordered = checks.history.is_to_be_deleted(key.0.topic);
        let Some(held) = self.held.remove(&key).filter(|held| !ordered && held.epoch != LeaderEpoch::NONE)
        else {
            return;
        };
        if self.out.get(&(key.0, broker)).is_none_or(|out| *out <= held.epoch) {
            broken.insert((stopped_in_turn::INFO.name, Some(key.0), None));
        }
    }

    fn agree(&self, broken: &Broken, checks: &Checks, nodes: &Nodes, fresh: &[Finding]) {
        for (property, partition, offset) in broken.iter().filter(|(name, ..)| checks.in_force(name)) {
            let told = checks.found.iter().any(|(name, of, at)| {
                name == property
                    && partition.is_none_or(|partition| partition == *of)
                    && offset.is_none_or(|offset| offset == *at)
            });
            assert!(
                told,
                "{property} is broken for {partition:?} at {offset:?}, {:?}: nobody says so",
                nodes.now
            );
        }
        let looked_at = [
            restart_keeps::INFO.name,
            isr_entry::INFO.name,
            own_orders::INFO.name,
            stopped_in_turn::INFO.name,
            appended_once::INFO.name,
            ripe_produce::INFO.name,
            start_as_ordered::INFO.name,
        ];
        for finding in fresh {
            let shows = |(name, of, _): &(&str, Option<TopicPartition>, Option<Offset>)| {
                *name == finding.property && of.is_none_or(|of| of == finding.partition)
            };
            let is_shown = match finding.property {
                name if looked_at.contains(&name) => broken.iter().any(shows),
                name if name == isr_shrinks::INFO.name => self.somebody_lags(finding.partition, nodes),
                _ => true,
            };
            assert!(is_shown, "at {:?} a look at all replicas does not show it: {finding:?}", nodes.now);
        }
    }

    /// Whether some member of a leader's ISR has lacked for too long what its leader had.
    fn somebody_lags(&self, partition: TopicPartition, nodes: &Nodes) -> bool {
        nodes.brokers().any(|(node, broker)| {
            let (Some(view), Some((looked, most))) = (broker.replica(partition), broker.lag_check(partition))
            else {
                return false;
            };
            let Some(held) = self.held.get(&(partition, node)) else { return false };
            let members = view.followers.iter().filter(|remote| view.isr.contains(&remote.broker));
            members.map(|remote| remote.log_end).any(|end| {
                let passed = held.grown.iter().find(|(_, reached)| *reached > end);
                passed.is_some_and(|(since, _)| looked > *since + isr_shrinks::allowed(most))
            })
        })
    }
}
