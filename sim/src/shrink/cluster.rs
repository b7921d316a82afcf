//! A smaller, plainer cluster: fewer clients, topics, partitions, brokers and replicas; settings, network and disks as they
//! are by default. Whoever goes takes the steps that mention him along, and those who stay are numbered anew.

use super::edit::{mentions, renamed, without};
use crate::scenario::cluster::{Cluster, Disks, Network, broker_id};
use crate::scenario::file::{Scenario, Ties};
use crate::scenario::step::Step;
use crate::scenario::words::{Partition, Table};
use kafka::ids::TopicPartition;

/// Without a client: one that nobody mentions, or one with all that it does.
pub fn fewer_clients(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, (name, _)) in plan.cluster.clients.0.iter().enumerate() {
        let mut fewer = plan.clone();
        fewer.cluster.clients.0.remove(index);
        fewer.cluster.eras.0.retain(|(node, _)| node != name);
        fewer.steps = without(&plan.steps, &|mentioned| mentioned == name);
        candidates.push(fewer);
    }
    // Two clients with the same settings may be one.
    for (index, (name, spec)) in plan.cluster.clients.0.iter().enumerate() {
        let same = plan.cluster.clients.0[..index].iter().find(|(_, other)| other == spec);
        if let Some((other, _)) = same {
            let mut merged = plan.clone();
            merged.cluster.clients.0.remove(index);
            merged.cluster.eras.0.retain(|(node, _)| node != name);
            let as_other = |mentioned: &str| (mentioned == name).then(|| other.clone());
            candidates.extend(renamed(&merged, &as_other, &|id| id));
        }
    }
    candidates
}

fn of_topic(name: &str, topic: &str) -> bool {
    name == topic || Partition::parse(name).is_ok_and(|partition| partition.0.topic.name() == topic)
}

/// Without a topic.
pub fn fewer_topics(plan: &Scenario) -> Vec<Scenario> {
    let topics = &plan.cluster.topics.0;
    let without_topic = |index: usize| {
        let topic = &topics[index].0;
        let mut fewer = plan.clone();
        fewer.cluster.topics.0.remove(index);
        unassign(&mut fewer.cluster, &|partition| partition.topic.name() == *topic);
        fewer.steps = without(&plan.steps, &|name| of_topic(name, topic));
        fewer
    };
    (0..topics.len()).filter(|_| topics.len() > 1).map(without_topic).collect()
}

/// Takes partitions from consumers.
fn unassign(cluster: &mut Cluster, is: &dyn Fn(&TopicPartition) -> bool) {
    for (_, client) in &mut cluster.clients.0 {
        if let Some(assign) = &mut client.assign {
            assign.0.retain(|partition| !is(&partition.0));
            if assign.0.is_empty() {
                (client.assign, client.from) = (None, None);
            }
        }
    }
}

/// Without a partition; those behind it move up.
pub fn fewer_partitions(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, (topic, spec)) in plan.cluster.topics.0.iter().enumerate() {
        let count = spec.partition_count();
        if count < 2 {
            continue;
        }
        for gone in (0..count).rev() {
            let mut fewer = plan.clone();
            let own = &mut fewer.cluster.topics.0[index].1;
            match &mut own.assignment {
                Some(assignment) => drop(assignment.remove(gone as usize)),
                None => own.partitions = Some(count - 1),
            }
            let name = format!("{topic}-{gone}");
            unassign(&mut fewer.cluster, &|partition| partition.to_string() == name);
            fewer.steps = without(&plan.steps, &|mentioned| mentioned == name);
            let moved = |mentioned: &str| {
                let TopicPartition { topic: own, partition } = Partition::parse(mentioned).ok()?.0;
                (own.name() == *topic && partition > gone).then(|| format!("{topic}-{}", partition - 1))
            };
            candidates.extend(renamed(&fewer, &moved, &|id| id));
        }
    }
    candidates
}

/// Without a broker. Where it held a replica another takes its place, or nobody. In the end the brokers are numbered from 0.
pub fn fewer_brokers(plan: &Scenario) -> Vec<Scenario> {
    let brokers: Vec<&str> = plan.cluster.brokers.0.names().collect();
    let mut candidates = Vec::new();
    for (index, gone) in brokers.iter().enumerate().filter(|_| brokers.len() > 1) {
        let Some(id) = broker_id(gone) else { continue };
        let mut fewer = plan.clone();
        fewer.cluster.brokers.0.0.remove(index);
        fewer.cluster.eras.0.retain(|(node, _)| node != gone);
        if fewer.cluster.controller_at.as_deref() == Some(gone) {
            fewer.cluster.controller_at = None;
        }
        fewer.steps = without(&plan.steps, &|name| name == *gone);
        let left: Vec<i32> =
            brokers.iter().filter_map(|name| broker_id(name)).filter(|own| *own != id).collect();
        let mut replaced = fewer.clone();
        let mut possible = true;
        for (_, topic) in &mut replaced.cluster.topics.0 {
            if topic.replication_factor.is_some_and(|factor| factor as usize > left.len()) {
                topic.replication_factor = Some(left.len() as i16);
            }
            for replicas in topic.assignment.iter_mut().flatten() {
                let free = left.iter().find(|own| !replicas.contains(own)).copied();
                if let Some(place) = replicas.iter().position(|own| *own == id) {
                    match free {
                        Some(free) => replicas[place] = free,
                        None => possible = false,
                    }
                }
            }
        }
        if possible {
            candidates.push(replaced);
        }
        for (_, topic) in &mut fewer.cluster.topics.0 {
            let Some(assignment) = &mut topic.assignment else { continue };
            assignment.iter_mut().for_each(|replicas| replicas.retain(|own| *own != id));
            let shortest = assignment.iter().map(Vec::len).min().unwrap_or(0);
            assignment.iter_mut().for_each(|replicas| replicas.truncate(shortest));
        }
        candidates.push(fewer);
    }
    candidates.extend(numbered(plan));
    candidates
}

/// The brokers numbered from 0, if they are not.
fn numbered(plan: &Scenario) -> Option<Scenario> {
    let mut ids: Vec<i32> = plan.cluster.brokers.0.names().filter_map(broker_id).collect();
    ids.sort_unstable();
    let new = |id: i64| ids.iter().position(|own| i64::from(*own) == id).map_or(id, |place| place as i64);
    if ids.iter().all(|id| new(i64::from(*id)) == i64::from(*id)) {
        return None;
    }
    let name = |name: &str| Some(format!("broker-{}", new(i64::from(broker_id(name)?))));
    renamed(plan, &name, &new)
}

/// Without a replica of a topic's partitions.
pub fn fewer_replicas(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (index, (_, topic)) in plan.cluster.topics.0.iter().enumerate() {
        let factor = topic.assignment.as_ref().map_or(0, |assignment| assignment[0].len());
        for place in (0..factor).rev().filter(|_| factor > 1) {
            let mut fewer = plan.clone();
            for replicas in fewer.cluster.topics.0[index].1.assignment.iter_mut().flatten() {
                replicas.remove(place);
            }
            candidates.push(fewer);
        }
        if let Some(factor) = topic.replication_factor.filter(|factor| *factor > 1) {
            let mut fewer = plan.clone();
            fewer.cluster.topics.0[index].1.replication_factor = Some(factor - 1);
            candidates.push(fewer);
        }
    }
    candidates
}

/// Without settings: all of a place, or one.
pub fn fewer_settings(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    let places = places(&plan.cluster);
    let mut all = plan.clone();
    for place in 0..places.len() {
        places_mut(&mut all.cluster)[place].0.clear();
    }
    candidates.push(all);
    for (place, settings) in places.iter().enumerate() {
        let count = settings.0.len();
        if count > 1 {
            for half in [0..count / 2, count / 2..count, 0..count] {
                let mut fewer = plan.clone();
                places_mut(&mut fewer.cluster)[place].0.drain(half);
                candidates.push(fewer);
            }
        }
        for index in 0..count {
            let mut fewer = plan.clone();
            places_mut(&mut fewer.cluster)[place].0.remove(index);
            candidates.push(fewer);
        }
    }
    candidates
}

type Settings = Table<crate::scenario::words::Setting>;

fn places(cluster: &Cluster) -> Vec<Settings> {
    places_mut(&mut cluster.clone()).into_iter().map(|settings| settings.clone()).collect()
}

/// Everywhere that settings stand.
fn places_mut(cluster: &mut Cluster) -> Vec<&mut Settings> {
    let Cluster { settings, brokers, topics, clients, .. } = cluster;
    let mut places = vec![settings];
    places.extend(brokers.0.0.iter_mut().map(|(_, own)| own));
    places.extend(topics.0.iter_mut().map(|(_, topic)| &mut topic.settings));
    places.extend(clients.0.iter_mut().map(|(_, client)| &mut client.settings));
    places
}

/// Network and disks as they are by default, no other releases, no rules decided otherwise, nothing in force early; without
/// a word on the controller.
pub fn plainer(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    let mut with = |change: &dyn Fn(&mut Scenario)| {
        let mut plain = plan.clone();
        change(&mut plain);
        candidates.push(plain);
    };
    with(&|plan| plan.cluster.network = Network::default());
    with(&|plan| plan.cluster.network.bandwidth = None);
    with(&|plan| plan.cluster.network.jitter = None);
    with(&|plan| plan.cluster.network.latency = None);
    with(&|plan| plan.cluster.disks = Disks::default());
    with(&|plan| plan.cluster.disks.flush = None);
    with(&|plan| plan.cluster.controller_at = None);
    with(&|plan| plan.cluster.eras.0.clear());
    with(&|plan| plan.rules.0.clear());
    with(&|plan| plan.in_force.clear());
    for index in 0..plan.rules.0.len() {
        with(&|plan| drop(plan.rules.0.remove(index)));
    }
    for index in 0..plan.in_force.len() {
        with(&|plan| drop(plan.in_force.remove(index)));
    }
    for index in 0..plan.cluster.clients.0.len() {
        let (name, client) = &plan.cluster.clients.0[index];
        let consumes = |step: &Step| matches!(step, Step::Consume(_)) && mentions(step, &|by| by == name);
        if client.assign.is_some() && plan.steps.iter().any(consumes) {
            with(&|plan| {
                let own = &mut plan.cluster.clients.0[index].1;
                (own.assign, own.from) = (None, None);
            });
        }
    }
    candidates
}

/// From a calm seed, without drawn ties.
pub fn calmer(plan: &Scenario) -> Vec<Scenario> {
    let mut candidates = Vec::new();
    for (seed, ties) in [(None, Ties::Caused), (None, plan.ties), (plan.seed, Ties::Caused)] {
        if (seed, ties) != (plan.seed, plan.ties) {
            candidates.push(Scenario { seed, ties, ..plan.clone() });
        }
    }
    candidates
}
