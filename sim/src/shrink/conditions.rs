//! Times become conditions: what a wait of so long is waiting for.
//!
//! Candidates are conditions that hold when the wait is over and not when it begins: a record is acknowledged, somebody
//! leads, the ISR is another, a session is gone, a log has grown. Of those with which the plan still fails so, and from no
//! fewer seeds, the one that fails from most is taken; of equals the one that reads best.

use super::Crew;
use super::bench::Bench;
use super::waits::best;
use crate::scenario::condition::{
    Condition, ControllerIs, IsrIs, LeaderIs, Presence, ReplicaIs, SessionIs, StateIs,
};
use crate::scenario::file::Scenario;
use crate::scenario::look::Look;
use crate::scenario::run::Fork;
use crate::scenario::step::{RunUntil, Step, When};
use crate::scenario::words::{Many, Partition, Role};
use crate::why::case::era_of;
use kafka::broker::view::Role as ReplicaRole;
use kafka::ids::TopicPartition;

/// All waits of the plan.
pub fn all<C: Crew>(bench: &mut Bench<'_, C>) {
    let mut index = 0;
    while index < bench.plan().steps.len() && !bench.stopped {
        match &bench.plan().steps[index] {
            Step::RunFor(_) => wait(bench, index),
            Step::RunUntil(until) if counts(&until.condition) => acknowledged(bench, index),
            _ => {}
        }
        index += 1;
    }
}

/// Conditions that claim less: fewer of several, less of a replica or of a partition's state.
pub fn plainer(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let mut with = |step: Step| {
            let mut plan = plan.clone();
            plan.steps[index] = step;
            candidates.push(plan);
        };
        match step {
            Step::RunUntil(until) => {
                for condition in less(&until.condition) {
                    with(Step::RunUntil(RunUntil { condition, within: until.within }));
                }
            }
            Step::When(when) => {
                for condition in less(&when.condition) {
                    with(Step::When(When { condition, ..when.clone() }));
                }
            }
            _ => {}
        }
    }
    candidates
}

fn less(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::All(all) => {
            let mut fewer: Vec<Condition> = all.clone();
            for index in (0..all.len()).filter(|_| all.len() > 2) {
                let mut left = all.clone();
                left.remove(index);
                fewer.push(Condition::All(left));
            }
            for (index, one) in all.iter().enumerate() {
                for one in less(one) {
                    let mut plain = all.clone();
                    plain[index] = one;
                    fewer.push(Condition::All(plain));
                }
            }
            fewer
        }
        Condition::Any(any) => any.clone(),
        Condition::InEra(table) => table.0.iter().flat_map(|(_, own)| own.0.clone()).collect(),
        // What may be left out is left out key by key; what must not be read then is no condition.
        Condition::Replica(_) | Condition::State(_) | Condition::Leader(_) | Condition::Controller(_) => {
            let value = serde_json::to_value(condition).expect("a condition is JSON");
            let (claim, keys) = value.as_object().and_then(|entry| entry.iter().next()).expect("one claim");
            let keys: Vec<&String> = keys.as_object().into_iter().flat_map(|keys| keys.keys()).collect();
            let without = |key: &&String| {
                let mut value = value.clone();
                value[claim].as_object_mut()?.remove(key.as_str());
                serde_json::from_value(value).ok()
            };
            let claims = keys.iter().filter(|key| !matches!(key.as_str(), "at" | "of")).count();
            keys.iter().filter(|_| claims > 1).filter_map(without).collect()
        }
        Condition::Acked(values) if values.0.len() > 1 => {
            values.0.iter().map(|value| Condition::Acked(Many(vec![value.clone()]))).collect()
        }
        _ => Vec::new(),
    }
}

fn wait<C: Crew>(bench: &mut Bench<'_, C>, index: usize) {
    let [before, after] = [index, index + 1].map(|step| bench.forks().iter().find(|fork| fork.step == step));
    let (Some(before), Some(after)) = (before, after) else { return };
    let era = era_of(bench.ready());
    let mut conditions = conditions(&bench.ready().names.values, after);
    conditions.retain(|condition| after.holds(era, condition) && !before.holds(era, condition));
    let single = plans(bench.plan(), index, conditions.iter().cloned());
    if best(bench, "conditions", &single, false) {
        return;
    }
    // Two things that have to be so.
    conditions.truncate(6);
    let pairs = conditions.iter().enumerate().flat_map(|(place, one)| {
        conditions[place + 1..].iter().map(move |other| Condition::All(vec![one.clone(), other.clone()]))
    });
    let pairs = plans(bench.plan(), index, pairs);
    best(bench, "conditions", &pairs, false);
}

/// Whether a condition counts records: fewer of them would never meet it.
fn counts(condition: &Condition) -> bool {
    match condition {
        Condition::Replica(is) => {
            is.log_end_offset.is_some()
                || is.high_watermark.is_some()
                || is.log.is_some()
                || is.epochs.is_some()
        }
        Condition::All(all) => all.iter().any(counts),
        _ => false,
    }
}

/// A wait for so many records, as one for the acknowledgement of a record.
fn acknowledged<C: Crew>(bench: &mut Bench<'_, C>, index: usize) {
    let [before, after] = [index, index + 1].map(|step| bench.forks().iter().find(|fork| fork.step == step));
    let (Some(before), Some(after)) = (before, after) else { return };
    let era = era_of(bench.ready());
    let values = bench.ready().names.values.iter().rev();
    let acked = values.map(|value| Condition::Acked(Many(vec![value.clone()])));
    let news = acked.filter(|acked| after.holds(era, acked) && !before.holds(era, acked));
    let candidates = plans(bench.plan(), index, news);
    best(bench, "conditions", &candidates, false);
}

/// The plan with each of these conditions instead of a wait.
fn plans(plan: &Scenario, index: usize, conditions: impl Iterator<Item = Condition>) -> Vec<Scenario> {
    let with = |condition| {
        let mut plan = plan.clone();
        plan.steps[index] = Step::RunUntil(RunUntil { condition, within: None });
        plan
    };
    conditions.map(with).collect()
}

/// What can be said of this moment, what reads best first.
fn conditions<'a>(values: impl IntoIterator<Item = &'a String>, now: &Fork) -> Vec<Condition> {
    let look = Look(&now.world);
    let nodes = &now.world.nodes;
    let values: Vec<&String> = values.into_iter().collect();
    let mut all = Vec::new();
    all.extend(values.iter().map(|value| Condition::Acked(Many(vec![(*value).clone()]))));
    let partitions: Vec<TopicPartition> = nodes.zookeeper().partitions();
    let name = |node| Role::Node(nodes.name(node).to_owned());
    for partition in &partitions {
        let of = Partition(*partition);
        let Some((state, _)) = look.state(*partition) else { continue };
        let leader = nodes.broker_node(state.leader).map(name);
        if let Some(leader) = leader {
            all.push(Condition::Leader(LeaderIs { of, is: Some(leader), epoch: None }));
        }
        let isr: Option<Vec<Role>> =
            state.isr.iter().map(|broker| nodes.broker_node(*broker).map(name)).collect();
        all.extend(isr.map(|isr| Condition::Isr(IsrIs { of, is: Many(isr) })));
        let mut isr: Vec<i32> = state.isr.iter().map(|broker| broker.0).collect();
        let bare = StateIs {
            of,
            leader: Some(state.leader.0),
            leader_epoch: None,
            isr: None,
            controller_epoch: None,
            version: None,
        };
        all.push(Condition::State(bare.clone()));
        isr.sort_unstable();
        all.push(Condition::State(StateIs { leader_epoch: Some(state.leader_epoch.0), ..bare }));
    }
    for (broker, node) in nodes.broker_nodes() {
        let is = if look.is_registered(broker) { Presence::There } else { Presence::Gone };
        all.push(Condition::SessionOf(SessionIs { node: name(node), is }));
    }
    for partition in &partitions {
        let of = Partition(*partition);
        for broker in look.assigned(*partition) {
            let Some(node) = nodes.broker_node(*broker) else { continue };
            let Some(view) = look.replica(node, *partition) else { continue };
            let bare = ReplicaIs::any(name(node), of);
            let replica = |change: &dyn Fn(&mut ReplicaIs)| {
                let mut is = bare.clone();
                change(&mut is);
                Condition::Replica(is)
            };
            match view.role {
                ReplicaRole::Leader => all.push(replica(&|is| is.leads = Some(true))),
                ReplicaRole::Follower(leader) => {
                    if let Some(leader) = nodes.broker_node(leader) {
                        all.push(replica(&|is| is.follows = Some(name(leader))));
                    }
                }
                ReplicaRole::Idle => {}
            }
            all.push(replica(&|is| is.log_end_offset = Some(view.log.end_offset().0)));
            all.push(replica(&|is| is.high_watermark = Some(view.high_watermark.0)));
            all.push(replica(&|is| is.leader_epoch = Some(view.leader_epoch.0)));
        }
    }
    if let (Some(broker), Some(epoch)) = look.controller() {
        let is = nodes.broker_node(broker).map(name);
        all.push(Condition::Controller(ControllerIs { is, epoch: None }));
        all.push(Condition::Controller(ControllerIs { is: None, epoch: Some(epoch.0) }));
    }
    all.extend(nodes.broker_nodes().map(|(_, node)| Condition::Alive(name(node))));
    all.extend(nodes.broker_nodes().map(|(_, node)| Condition::Not(Box::new(Condition::Alive(name(node))))));
    all.extend(values.iter().map(|value| Condition::Failed(Many(vec![(*value).clone()]))));
    all
}
