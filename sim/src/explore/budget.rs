//! The fault budget: what the era's contract survives.
//!
//! Kafka promises that a record acknowledged by the whole ISR outlives the failure of fewer than
//! `min.insync.replicas` machines. Processes may die and come back as often as they like; but a machine that loses its
//! page cache, or whose disk is damaged, counts for the whole run: nobody can know beforehand when it has everything
//! again. So a run damages fewer machines than the smallest `min.insync.replicas`, unless its profile says that it may go
//! beyond: then the auditor calls the loss declared, by power loss.

use super::settings::Shape;
use crate::scenario::file::Scenario;
use crate::scenario::step::{Fault, Step};
use crate::scenario::words::Role;
use std::collections::BTreeSet;

/// What a run may do to machines.
#[derive(Clone, Debug)]
pub struct Budget {
    most: usize,
    spent: BTreeSet<u32>,
}

impl Budget {
    /// That of a cluster; `beyond`: as much as one likes.
    pub fn new(shape: &Shape, beyond: bool) -> Budget {
        let most = if beyond { shape.brokers } else { shape.min_isr - 1 };
        Budget { most: most as usize, spent: BTreeSet::new() }
    }

    /// Whether this machine may lose its page cache. If so, it counts from now on.
    pub fn may_damage(&mut self, broker: u32) -> bool {
        if self.spent.contains(&broker) {
            return true;
        }
        let may = self.spent.len() < self.most;
        if may {
            self.spent.insert(broker);
        }
        may
    }
}

/// The machines that a plan damages, by name.
pub fn damaged(scenario: &Scenario) -> BTreeSet<String> {
    let mut damaged = BTreeSet::new();
    look(&scenario.steps, &mut damaged);
    damaged
}

fn look(steps: &[Step], damaged: &mut BTreeSet<String>) {
    for step in steps {
        let role = match step {
            Step::PowerOff(off) => &off.node,
            Step::Disk(disk) => match disk.fault {
                Fault::Rot(_) | Fault::Lose(_) | Fault::Wipe => &disk.at,
                _ => continue,
            },
            Step::When(when) => {
                look(&when.steps, damaged);
                continue;
            }
            _ => continue,
        };
        match role {
            Role::Node(name) => damaged.insert(name.clone()),
            role => damaged.insert(format!("whoever is {role}")),
        };
    }
}
