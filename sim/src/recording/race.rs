//! What a real cluster leaves open, and a recording therefore decides.
//!
//! A race is forced by what decides it in reality: messages of one node take longer, a step begins at another phase of
//! timers that run by themselves (session expiry, the leader's check for laggards), somebody looks sooner. No process is
//! told how to decide.

use super::facts::About;
use super::file::{Operation, Recording, Step};
use kafka::time::Micros;
use std::fmt;

/// How one step's races are decided.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Race {
    /// The step begins so much later.
    pub later: Micros,
    /// Messages of this broker take longer while the step lasts.
    pub slow: Option<Slow>,
    /// When the recorder looked.
    pub looked: Looked,
    /// The client of an earlier step went on, with the metadata it had.
    pub same_client: bool,
    /// Operations of a step follow each other at once, or wait for each other, against what is usual.
    pub other_pace: bool,
    /// The order in which brokers are stopped in the end; all at once if empty.
    pub stop_order: Vec<i32>,
}

/// When the recorder looked at the cluster after a step.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Looked {
    /// When whatever can happen by itself had had time to happen.
    #[default]
    Settled,
    /// As soon as nothing had changed for a second.
    Soon,
    /// At once: nothing that the recorder watches had changed for a second already.
    AtOnce,
}

/// Whose messages take longer.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Slow {
    /// Between ZooKeeper and all brokers but this one.
    ZooKeeperBut(i32),
    /// Between ZooKeeper and this broker.
    ZooKeeper(i32),
    /// Between this broker and the others.
    Peers(i32),
    /// None, but every step of this broker takes longer.
    Cpu(i32),
    /// The answers to this broker's ControlledShutdown: a process that has been told to end lives on for a while.
    Leave(i32),
}

/// As much longer they take.
pub(super) const SLOWER: Micros = Micros::from_millis(150);
/// So many times as much a step of a busy broker takes.
pub(super) const BUSIER: u32 = 2000;
/// Phases of timers that are tried.
const PHASES: u64 = 8;
/// How far they are apart.
const PHASE: Micros = Micros::from_millis(270);

impl Race {
    fn is_free(&self) -> bool {
        *self == Race::default()
    }
}

/// What was forced, in words; `None` if nothing.
impl Race {
    pub fn in_words(&self) -> Option<String> {
        (!self.is_free()).then(|| self.to_string())
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.later > Micros::ZERO {
            parts.push(format!("begun {} ms later", self.later.0 / 1000));
        }
        match self.slow {
            Some(Slow::ZooKeeperBut(broker)) => {
                parts.push(format!("ZooKeeper is far from all but broker-{broker}"));
            }
            Some(Slow::ZooKeeper(broker)) => parts.push(format!("ZooKeeper is far from broker-{broker}")),
            Some(Slow::Leave(broker)) => parts.push(format!("broker-{broker} takes its time to end")),
            Some(Slow::Cpu(broker)) => parts.push(format!("broker-{broker} is busy")),
            Some(Slow::Peers(broker)) => parts.push(format!("broker-{broker} is far from the others")),
            None => {}
        }
        match self.looked {
            Looked::Settled => {}
            Looked::Soon => parts.push("looked at as soon as it was quiet for a second".to_owned()),
            Looked::AtOnce => parts.push("looked at at once".to_owned()),
        }
        if self.same_client {
            parts.push("by the client of an earlier step".to_owned());
        }
        if self.other_pace {
            parts.push("another pace of operations".to_owned());
        }
        if !self.stop_order.is_empty() {
            let order: Vec<String> = self.stop_order.iter().map(|id| format!("broker-{id}")).collect();
            parts.push(format!("stopped in the order {}", order.join(", ")));
        }
        f.write_str(&parts.join("; "))
    }
}

/// The ways in which a step can go, the plain one first.
pub(super) fn of_step(step: &Step, recording: &Recording) -> Vec<Race> {
    let plain = Race::default();
    let mut all = vec![plain.clone()];
    let operations = || step.operations.iter().map(|(operation, _)| operation);
    let is_fault = operations().any(leaves_aftermath);
    if operations().any(|operation| matches!(operation, Operation::Produce { .. })) {
        all.push(Race { same_client: true, ..plain.clone() });
    }
    if step.operations.len() > 1 {
        all.push(Race { other_pace: true, ..plain.clone() });
    }
    if !is_fault {
        all.push(Race { looked: Looked::AtOnce, ..plain });
        return all;
    }
    let brokers = &recording.brokers;
    let leaving = operations().flat_map(|operation| match operation {
        Operation::Shutdown(brokers) => brokers.clone(),
        _ => Vec::new(),
    });
    all.extend(leaving.map(|broker| Race { slow: Some(Slow::Leave(broker)), ..plain.clone() }));
    let slow = || {
        let but = recorded_controller(step, brokers).into_iter().map(Slow::ZooKeeperBut);
        let zookeeper = brokers.iter().map(|broker| Slow::ZooKeeper(*broker));
        let peers = brokers.iter().map(|broker| Slow::Peers(*broker));
        but.chain(zookeeper).chain(peers).chain(brokers.iter().map(|broker| Slow::Cpu(*broker)))
    };
    all.extend(slow().map(|slow| Race { slow: Some(slow), ..plain.clone() }));
    all.push(Race { looked: Looked::Soon, ..plain.clone() });
    let phases = || (1..PHASES).map(|phase| Micros(phase * PHASE.0));
    all.extend(phases().map(|later| Race { later, ..plain.clone() }));
    if step.operations.len() > 1 {
        all.extend(phases().map(|later| Race { later, other_pace: true, ..plain.clone() }));
    }
    if operations().any(|operation| matches!(operation, Operation::Pause(_))) {
        // A paused broker lives on in ZooKeeper for as long as its last heartbeat says.
        let heartbeats = PHASES..recording.heartbeat.0 / PHASE.0;
        all.extend(heartbeats.map(|phase| Race { later: Micros(phase * PHASE.0), ..plain.clone() }));
    }
    all.extend(phases().map(|later| Race { later, looked: Looked::Soon, ..plain.clone() }));
    let both = slow().flat_map(|slow| phases().map(move |later| (slow, later)));
    all.extend(both.map(|(slow, later)| Race { slow: Some(slow), later, ..plain.clone() }));
    all
}

/// The controller that the recording shows after a step.
fn recorded_controller(step: &Step, brokers: &[i32]) -> Option<i32> {
    let shown = step.then.as_ref()?.facts.get(&About::Controller)?;
    shown.parse().ok().filter(|id| brokers.contains(id))
}

/// Whether more comes of an operation by itself.
pub(super) fn leaves_aftermath(operation: &Operation) -> bool {
    !matches!(
        operation,
        Operation::Produce { .. }
            | Operation::EpochEnds(..)
            | Operation::ReadAll(..)
            | Operation::CreateTopic { .. }
    )
}

/// The ways in which brokers can be stopped: one after another, in each order; all at once.
pub(super) fn of_the_end(running: &[i32]) -> Vec<Race> {
    let orders = match running.len() {
        0..=4 => permutations(running),
        _ => vec![running.to_vec(), running.iter().rev().copied().collect()],
    };
    let mut all: Vec<Race> =
        orders.into_iter().map(|stop_order| Race { stop_order, ..Race::default() }).collect();
    all.push(Race::default());
    let slow = running.iter().flat_map(|broker| [Slow::ZooKeeper(*broker), Slow::Peers(*broker)]);
    all.extend(slow.map(|slow| Race { slow: Some(slow), ..Race::default() }));
    all
}

fn permutations(of: &[i32]) -> Vec<Vec<i32>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in of.iter().enumerate() {
        let rest: Vec<i32> =
            of.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, id)| *id).collect();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![*first], tail].concat()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_brokers_can_be_stopped_in_six_orders() {
        let all = of_the_end(&[1, 2, 3]);
        assert_eq!(all.iter().filter(|race| race.stop_order.len() == 3).count(), 6);
        assert_eq!(all[0].in_words().as_deref(), Some("stopped in the order broker-1, broker-2, broker-3"));
        assert_eq!(Race::default().in_words(), None);
    }
}
