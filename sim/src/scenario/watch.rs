//! Whether a condition holds, and if not, what is so instead.
//!
//! A role that nobody plays makes a condition false, not an error: `run_until` may be waiting for somebody to play it.

use super::condition::{Condition, IsrIs, LeaderIs, Presence, ReplicaIs, StateIs};
use super::look::Look;
use super::sends::{Sends, Told};
use super::words::Role;
use crate::world::World;
use kafka::broker::view::Role as ReplicaRole;
use kafka::era::Era;
use kafka::ids::{BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};
use kafka::time::Time;
use std::hash::Hasher;

/// All that conditions are decided by.
#[derive(Copy, Clone)]
pub struct Watch<'a> {
    /// The world.
    pub world: &'a World,
    /// What applications sent and were told.
    pub sends: &'a Sends,
    /// The era of the run.
    pub era: &'a Era,
    /// Since when nothing has changed.
    pub quiet_since: Time,
}

impl Watch<'_> {
    fn look(&self) -> Look<'_> {
        Look(self.world)
    }

    fn broker(&self, role: &Role) -> Option<BrokerId> {
        self.look().broker_id(self.look().find(role).ok()?)
    }

    /// Whether a condition holds now.
    pub fn holds(&self, condition: &Condition) -> bool {
        let look = self.look();
        match condition {
            Condition::Acked(values) => {
                values.0.iter().all(|value| matches!(self.sends.told(value), Some(Told::Acked(_))))
            }
            Condition::Failed(values) => {
                values.0.iter().all(|value| matches!(self.sends.told(value), Some(Told::Failed(..))))
            }
            Condition::Read(reading) => {
                let by = reading.by.as_ref().map(|name| self.world.nodes.find(name));
                reading.values.0.iter().all(|value| match by {
                    None => self.sends.is_read(value, None),
                    Some(None) => false,
                    Some(by) => self.sends.is_read(value, by),
                })
            }
            Condition::Replica(replica) => self.replica(replica),
            Condition::Leader(leader) => self.leader(leader),
            Condition::Isr(isr) => self.isr(isr),
            Condition::Controller(controller) => {
                let (broker, epoch) = look.controller();
                let Some(broker) = broker else { return false };
                let active =
                    self.world.nodes.broker_node(broker).and_then(|node| self.world.nodes.broker(node));
                active.is_some_and(|active| active.controller_epoch() == epoch && epoch.is_some())
                    && controller.is.as_ref().is_none_or(|role| self.broker(role) == Some(broker))
                    && controller.epoch.is_none_or(|wanted| epoch == Some(ControllerEpoch(wanted)))
            }
            Condition::State(state) => self.state(state),
            Condition::SessionOf(session) => self
                .broker(&session.node)
                .is_some_and(|broker| look.is_registered(broker) == (session.is == Presence::There)),
            Condition::Waited(waited) => {
                let longest = self.sends.longest_wait(waited.of.0, self.world.now());
                waited.at_least.is_none_or(|least| longest >= least.0)
                    && waited.at_most.is_none_or(|most| longest <= most.0)
            }
            Condition::Alive(role) => look.find(role).is_ok_and(|node| look.runs(node)),
            Condition::Quiet(span) => self.world.now() >= self.quiet_since + span.0,
            Condition::All(all) => all.iter().all(|one| self.holds(one)),
            Condition::Any(any) => any.iter().any(|one| self.holds(one)),
            Condition::Not(one) => !self.holds(one),
            Condition::InEra(_) => self.of_era(condition).iter().all(|one| self.holds(one)),
        }
    }

    /// What an era-dependent condition demands in this run.
    fn of_era<'b>(&self, condition: &'b Condition) -> &'b [Condition] {
        let Condition::InEra(table) = condition else { return &[] };
        super::eras::own(table, self.era).map_or(&[], |all| &all.0)
    }

    fn replica(&self, is: &ReplicaIs) -> bool {
        let look = self.look();
        let of = is.of.0;
        let Ok(node) = look.find(&is.at) else { return false };
        let in_isr = || {
            let broker = look.broker_id(node);
            look.state(of).is_some_and(|(state, _)| broker.is_some_and(|broker| state.isr.contains(&broker)))
        };
        if is.in_isr.is_some_and(|wanted| wanted != in_isr()) {
            return false;
        }
        let only_isr = *is == ReplicaIs { in_isr: is.in_isr, ..ReplicaIs::any(is.at.clone(), is.of) };
        let Some(view) = look.replica(node, of) else { return only_isr && is.in_isr.is_some() };
        let leads = view.role == ReplicaRole::Leader;
        let follows =
            |role: &Role| self.broker(role).is_some_and(|leader| view.role == ReplicaRole::Follower(leader));
        is.leads.is_none_or(|wanted| wanted == leads)
            && is.follows.as_ref().is_none_or(follows)
            && is.log_start_offset.is_none_or(|wanted| view.log.start_offset() == Offset(wanted))
            && is.log_end_offset.is_none_or(|wanted| view.log.end_offset() == Offset(wanted))
            && is.high_watermark.is_none_or(|wanted| view.high_watermark == Offset(wanted))
            && is.leader_epoch.is_none_or(|wanted| view.leader_epoch == LeaderEpoch(wanted))
            && is.remembers.as_ref().is_none_or(|wanted| {
                wanted.0.iter().all(|(name, at)| {
                    let broker = self.broker(&Role::Node(name.clone()));
                    view.followers
                        .iter()
                        .any(|known| Some(known.broker) == broker && known.log_end == Offset(*at))
                })
            })
            && is.log.as_ref().is_none_or(|wanted| {
                // The log's length is known without reading it, unless not all of it can be read.
                let length = view.log.end_offset() - view.log.start_offset();
                let ghost = look.0.checks.history.get(of);
                let damaged = ghost.is_some_and(|ghost| ghost.damaged.contains(&node));
                (damaged || length == wanted.len() as i64) && same_log(wanted, &look.log(node, of))
            })
            && is.epochs.as_ref().is_none_or(|wanted| {
                let has: Vec<String> = view
                    .log
                    .epochs()
                    .iter()
                    .map(|entry| format!("{} {}", entry.epoch, entry.start))
                    .collect();
                let without_epochs = view.log.batches().iter().all(|batch| batch.epoch == LeaderEpoch::NONE);
                has == *wanted || (has.is_empty() && without_epochs && !view.log.batches().is_empty())
            })
    }

    /// The longest wait for an acknowledgement from a partition, in words.
    pub fn longest_wait_in_words(&self, partition: TopicPartition) -> String {
        let longest = self.sends.longest_wait(partition, self.world.now());
        format!("{partition}: the longest wait for an acknowledgement is {} ms", longest.millis())
    }

    fn leader(&self, is: &LeaderIs) -> bool {
        let look = self.look();
        let Some((state, _)) = look.state(is.of.0) else { return false };
        let Some(node) = self.world.nodes.broker_node(state.leader) else { return false };
        look.replica(node, is.of.0)
            .is_some_and(|view| view.role == ReplicaRole::Leader && view.leader_epoch == state.leader_epoch)
            && is.is.as_ref().is_none_or(|role| self.broker(role) == Some(state.leader))
            && is.epoch.is_none_or(|wanted| state.leader_epoch == LeaderEpoch(wanted))
    }

    fn isr(&self, is: &IsrIs) -> bool {
        let Some((state, _)) = self.look().state(is.of.0) else { return false };
        let mut has = state.isr.clone();
        has.sort();
        let wanted: Option<Vec<BrokerId>> = is.is.0.iter().map(|role| self.broker(role)).collect();
        wanted.is_some_and(|mut wanted| {
            wanted.sort();
            wanted == has
        })
    }

    fn state(&self, is: &StateIs) -> bool {
        let Some((state, version)) = self.look().state(is.of.0) else { return false };
        is.leader.is_none_or(|wanted| state.leader == BrokerId(wanted))
            && is.leader_epoch.is_none_or(|wanted| state.leader_epoch == LeaderEpoch(wanted))
            && is.controller_epoch.is_none_or(|wanted| state.controller_epoch == ControllerEpoch(wanted))
            && is.version.is_none_or(|wanted| version.0 == wanted)
            && is
                .isr
                .as_ref()
                .is_none_or(|wanted| state.isr.iter().map(|broker| broker.0).eq(wanted.iter().copied()))
    }

    /// What is so, of all that a condition speaks of.
    pub fn what_is(&self, condition: &Condition) -> Vec<String> {
        let look = self.look();
        let nodes = &self.world.nodes;
        match condition {
            Condition::Acked(values) | Condition::Failed(values) => {
                values.0.iter().map(|value| self.sends.in_words(value, nodes, self.era)).collect()
            }
            Condition::Read(reading) => {
                reading.values.0.iter().map(|value| self.sends.in_words(value, nodes, self.era)).collect()
            }
            Condition::Replica(replica) => {
                let of = replica.of.0;
                let mut lines = vec![match look.find(&replica.at) {
                    Ok(node) => look.replica_in_words(node, of),
                    Err(problem) => problem.what,
                }];
                if let (Some(_), Ok(node)) = (&replica.remembers, look.find(&replica.at)) {
                    lines.push(look.remembered_in_words(node, of));
                }
                if replica.in_isr.is_some() {
                    lines.push(look.state_in_words(of));
                }
                lines
            }
            Condition::Leader(leader) => self.partition_in_words(leader.of.0),
            Condition::Isr(isr) => vec![look.state_in_words(isr.of.0)],
            Condition::State(state) => vec![look.state_in_words(state.of.0)],
            Condition::Controller(_) => {
                let (broker, epoch) = look.controller();
                let broker = broker.map_or("nobody holds /controller".to_owned(), |broker| {
                    format!("{} holds /controller", look.name(broker))
                });
                let epoch = epoch.map_or("none".to_owned(), |epoch| epoch.to_string());
                let knows = nodes.brokers().filter(|(_, broker)| broker.controller_epoch().is_some());
                let knows: Vec<&str> = knows.map(|(node, _)| nodes.name(node)).collect();
                vec![format!("{broker}, controller epoch {epoch}; active: [{}]", knows.join(", "))]
            }
            Condition::SessionOf(session) => match look.find(&session.node) {
                Ok(node) => {
                    let there = look.broker_id(node).is_some_and(|broker| look.is_registered(broker));
                    let is = if there { "stands" } else { "is gone" };
                    vec![format!("the session of {} {is}", nodes.name(node))]
                }
                Err(problem) => vec![problem.what],
            },
            Condition::Alive(role) => match look.find(role) {
                Ok(node) => {
                    vec![format!("{} is {}", nodes.name(node), if look.runs(node) { "up" } else { "down" })]
                }
                Err(problem) => vec![problem.what],
            },
            Condition::Waited(waited) => vec![self.longest_wait_in_words(waited.of.0)],
            Condition::Quiet(_) => vec![format!("the last change was at {} ms", self.quiet_since.millis())],
            Condition::All(all) => {
                all.iter().filter(|one| !self.holds(one)).flat_map(|one| self.what_is(one)).collect()
            }
            Condition::Any(any) => any.iter().flat_map(|one| self.what_is(one)).collect(),
            Condition::Not(one) => self.what_is(one),
            Condition::InEra(_) => {
                let wanted = self.of_era(condition).iter().filter(|one| !self.holds(one));
                wanted.flat_map(|one| self.what_is(one)).collect()
            }
        }
    }

    fn partition_in_words(&self, of: TopicPartition) -> Vec<String> {
        let look = self.look();
        let nodes = look.assigned(of).iter().filter_map(|broker| self.world.nodes.broker_node(*broker));
        let replicas = nodes.map(|node| look.replica_in_words(node, of));
        std::iter::once(look.state_in_words(of)).chain(replicas).collect()
    }
}

/// Whether a log is as claimed: `m1@0` fits `m1@0`, and `m1` where the format has no epochs; `m1` fits any epoch.
fn same_log(wanted: &[String], has: &[String]) -> bool {
    let split = |cell: &str| -> (String, Option<String>) {
        match cell.rsplit_once('@') {
            Some((name, epoch)) => (name.to_owned(), Some(epoch.to_owned())),
            None => (cell.to_owned(), None),
        }
    };
    wanted.len() == has.len()
        && wanted.iter().zip(has).all(|(wanted, has)| {
            let ((name, epoch), (has_name, has_epoch)) = (split(wanted), split(has));
            name == has_name && (epoch.is_none() || has_epoch.is_none() || epoch == has_epoch)
        })
}

/// Everything that `quiet` looks at, as one number: replicas, partitions' states, the controller.
pub fn fingerprint(world: &World) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.write_u64(world.nodes.zookeeper().partition_states_version());
    let (controller, epoch) = Look(world).controller();
    hash.write_i32(controller.map_or(-1, |broker| broker.0));
    hash.write_i32(epoch.map_or(-1, |epoch| epoch.0));
    for (node, broker) in world.nodes.brokers() {
        for partition in broker.partitions() {
            let Some(view) = broker.replica(partition) else { continue };
            let (role, leader) = match view.role {
                ReplicaRole::Leader => (0, -1),
                ReplicaRole::Follower(leader) => (1, leader.0),
                ReplicaRole::Idle => (2, -1),
            };
            for number in [i64::from(node.0), role, i64::from(leader), i64::from(view.leader_epoch.0)] {
                hash.write_i64(number);
            }
            for offset in [view.log.start_offset(), view.log.end_offset(), view.high_watermark] {
                hash.write_i64(offset.0);
            }
            view.isr.iter().for_each(|broker| hash.write_i32(broker.0));
        }
    }
    hash.finish()
}

/// Whether a condition asks for quiet somewhere.
pub fn asks_for_quiet(condition: &Condition) -> bool {
    match condition {
        Condition::Quiet(_) => true,
        Condition::All(all) | Condition::Any(all) => all.iter().any(asks_for_quiet),
        Condition::Not(one) => asks_for_quiet(one),
        Condition::InEra(table) => table.0.iter().any(|(_, all)| all.0.iter().any(asks_for_quiet)),
        _ => false,
    }
}

/// Whether a condition asks what was read.
pub fn asks_for_reads(condition: &Condition) -> bool {
    match condition {
        Condition::Read(_) => true,
        Condition::All(all) | Condition::Any(all) => all.iter().any(asks_for_reads),
        Condition::Not(one) => asks_for_reads(one),
        Condition::InEra(table) => table.0.iter().any(|(_, all)| all.0.iter().any(asks_for_reads)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::same_log;

    #[test]
    fn a_log_is_compared_record_by_record() {
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert!(same_log(&cells(&["m1@0", "m2"]), &cells(&["m1@0", "m2@3"])));
        assert!(same_log(&cells(&["m1@0"]), &cells(&["m1"])));
        assert!(!same_log(&cells(&["m1@0"]), &cells(&["m1@1"])));
        assert!(!same_log(&cells(&["m1@0"]), &cells(&["m2@0"])));
        assert!(!same_log(&cells(&["m1@0"]), &cells(&[])));
    }
}
