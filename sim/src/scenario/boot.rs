//! The prologue: the cluster comes up, topics are made, everybody knows who leads. Not part of the story.
//!
//! 1. Until every broker is registered and one of them is the active controller.
//! 2. An operator creates the topics, one after the other, as the tools of the era do.
//! 3. Until every partition has its preferred leader and its whole ISR, and every replica follows.
//! 4. A second more for what is still on its way, and on to the next round time: there the story begins.

use super::cluster::TopicSpec;
use super::look::Look;
use super::run::{Runner, Stop, Unmet};
use super::settings::pairs;
use super::source::Path;
use kafka::broker::view::Role;
use kafka::command::{Command, Placement, StartAt};
use kafka::ids::{BrokerId, Topic, TopicPartition};
use kafka::time::{Micros, Time};
use kafka::zookeeper::znode::ReplicaAssignment;

/// How long each part may take.
const PATIENCE: Micros = Micros(120_000_000);
/// What is waited after everything has settled.
const SETTLE: Micros = Micros(1_000_000);
/// The story begins at a multiple of this.
const ROUND: u64 = 5_000_000;

impl Runner<'_> {
    /// Brings the cluster up.
    pub fn boot(&mut self) -> Result<(), Stop> {
        let ready = self.ready;
        let cluster = Path::default().key("cluster");
        let brokers: Vec<BrokerId> = ready.names.brokers.iter().map(|broker| BrokerId(broker.id)).collect();
        self.boot_until("every broker is registered and one is the controller", &cluster, &|runner| {
            let look = Look(&runner.world);
            let active = runner.world.nodes.brokers().any(|(_, broker)| broker.controller_epoch().is_some());
            active && brokers.iter().all(|broker| look.is_registered(*broker))
        })?;
        let operator = self.operator;
        self.boot_until("the operator is up", &cluster, &|runner| Look(&runner.world).runs(operator))?;
        for (topic, spec) in &ready.scenario().cluster.topics.0 {
            let path = cluster.key("topics").key(topic);
            self.operate(create_topic(topic, spec), &path)?;
        }
        let mut partitions = Vec::new();
        for (topic, spec) in &ready.scenario().cluster.topics.0 {
            partitions.extend((0..spec.partition_count()).map(|number| TopicPartition::new(topic, number)));
        }
        self.boot_until("every partition has its leader and its whole ISR", &cluster, &|runner| {
            partitions.iter().all(|partition| is_complete(Look(&runner.world), *partition))
        })?;
        let settled = (self.world.now() + SETTLE).0.div_ceil(ROUND) * ROUND;
        self.advance(Time(settled), &cluster, &|_| false)?;
        let controller = Look(&self.world).controller().0;
        self.world.recorder.begin(controller);
        for client in &ready.names.clients {
            let Some(assign) = &client.spec.assign else { continue };
            let start = client.spec.from.map_or(StartAt::Reset, |word| word.0);
            let node = self.world.nodes.find(&client.name).expect("clients are nodes");
            let assigned = assign.0.iter().map(|partition| (partition.0, start)).collect();
            self.world.command(node, Command::Assign(assigned));
        }
        Ok(())
    }

    fn boot_until(
        &mut self,
        what: &str,
        path: &Path,
        goal: &dyn Fn(&Runner<'_>) -> bool,
    ) -> Result<(), Stop> {
        let until = self.world.now() + PATIENCE;
        if self.advance(until, path, goal)? {
            return Ok(());
        }
        let look = Look(&self.world);
        let instead =
            look.0.nodes.zookeeper().partitions().into_iter().map(|of| look.state_in_words(of)).collect();
        let what = format!("the cluster did not come up: not after {} s: {what}", PATIENCE.0 / 1_000_000);
        Err(Stop::Unmet(Unmet { what, instead, place: self.place(path) }))
    }
}

/// The operator's command for a topic of the file.
pub fn create_topic(name: &str, spec: &TopicSpec) -> Command {
    let placement = match &spec.assignment {
        Some(assignment) => Placement::Assigned(
            (0..)
                .zip(assignment)
                .map(|(number, replicas)| {
                    let replicas = replicas.iter().map(|id| BrokerId(*id)).collect();
                    (number, ReplicaAssignment { replicas, ..ReplicaAssignment::default() })
                })
                .collect(),
        ),
        None => Placement::Counted {
            partitions: spec.partitions.unwrap_or(1),
            replication_factor: spec.replication_factor.unwrap_or(1),
        },
    };
    let settings = pairs(&spec.settings).into_iter().collect();
    Command::CreateTopic { topic: Topic::new(name), placement, settings }
}

/// Whether a partition has its preferred leader, all replicas in the ISR, and everybody in their role.
fn is_complete(look: Look<'_>, partition: TopicPartition) -> bool {
    let assigned = look.assigned(partition);
    let Some((state, _)) = look.state(partition) else { return false };
    Some(&state.leader) == assigned.first()
        && state.isr.len() == assigned.len()
        && assigned.iter().all(|broker| {
            let node = look.0.nodes.broker_node(*broker);
            let view = node.and_then(|node| look.replica(node, partition));
            let role = if *broker == state.leader { Role::Leader } else { Role::Follower(state.leader) };
            view.is_some_and(|view| view.role == role && view.leader_epoch == state.leader_epoch)
        })
}
