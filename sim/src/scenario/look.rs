//! Looking at a world from outside: who plays which role now, what a replica holds, what the controller wrote.
//!
//! Reads what checkers read: znodes, replicas' views, disks. Nothing here changes anything.

use super::problem::Problem;
use super::sends::values;
use super::words::Role;
use crate::world::World;
use crate::world::nodes::{Process, Status};
use kafka::broker::view::{ReplicaView, Role as ReplicaRole};
use kafka::disk::{Disk, HEADER_LENGTH};
use kafka::ids::{BrokerId, ControllerEpoch, NodeId, Offset, TopicPartition, ZkVersion};
use kafka::log::batch::{BatchHeader, RecordBatch};
use kafka::zookeeper::znode::{self, PartitionState, ZnodeData};

/// A view on a world.
#[derive(Copy, Clone)]
pub struct Look<'a>(pub &'a World);

impl<'a> Look<'a> {
    /// Whether a process runs, paused or not.
    pub fn runs(self, node: NodeId) -> bool {
        self.0.nodes.slot(node).status != Status::Down
    }

    /// A partition's state in ZooKeeper.
    pub fn state(self, partition: TopicPartition) -> Option<(&'a PartitionState, ZkVersion)> {
        self.0.nodes.zookeeper().partition_state(partition)
    }

    /// The brokers that a partition is assigned to, preferred leader first.
    pub fn assigned(self, partition: TopicPartition) -> &'a [BrokerId] {
        self.0.nodes.zookeeper().assignment(partition)
    }

    /// The partition's leader as ZooKeeper names it.
    pub fn leader(self, partition: TopicPartition) -> Option<BrokerId> {
        self.state(partition).map(|(state, _)| state.leader).filter(|leader| *leader != BrokerId::NONE)
    }

    /// The controller as ZooKeeper names it, and the epoch of the last one elected.
    pub fn controller(self) -> (Option<BrokerId>, Option<ControllerEpoch>) {
        let zookeeper = self.0.nodes.zookeeper();
        let broker = match zookeeper.get(znode::CONTROLLER) {
            Some((ZnodeData::Controller { broker, .. }, _)) => Some(*broker),
            _ => None,
        };
        let epoch = match zookeeper.get(znode::CONTROLLER_EPOCH) {
            Some((ZnodeData::ControllerEpoch(epoch), _)) => Some(*epoch),
            _ => None,
        };
        (broker, epoch)
    }

    /// Whether a broker's ephemeral node stands.
    pub fn is_registered(self, broker: BrokerId) -> bool {
        self.0.nodes.zookeeper().get(&znode::broker_path(broker)).is_some()
    }

    /// The broker id of a node, if it is a broker's.
    pub fn broker_id(self, node: NodeId) -> Option<BrokerId> {
        match &*self.0.nodes.slot(node).process {
            Process::Broker(broker) => Some(broker.id()),
            _ => None,
        }
    }

    /// The replica of a partition on a node, if its broker runs and hosts one.
    pub fn replica(self, node: NodeId, partition: TopicPartition) -> Option<ReplicaView<'a>> {
        self.0.nodes.broker(node)?.replica(partition)
    }

    /// Who plays a role now.
    ///
    /// # Errors
    /// If nobody does.
    pub fn find(self, role: &Role) -> Result<NodeId, Problem> {
        let nodes = &self.0.nodes;
        let place = |broker: BrokerId| {
            let problem = || Problem::new(format!("there is no broker {broker}"));
            nodes.broker_node(broker).ok_or_else(problem)
        };
        match role {
            Role::Node(name) => {
                nodes.find(name).ok_or_else(|| Problem::new(format!("there is no node `{name}`")))
            }
            Role::Controller => match self.controller().0 {
                Some(broker) => place(broker),
                None => Err(Problem::new("nobody is the controller at this moment")),
            },
            Role::Leader(of) => {
                match self.leader(*of) {
                    Some(broker) => place(broker),
                    None => Err(Problem::new(format!("nobody leads {of} at this moment"))
                        .help(self.state_in_words(*of))),
                }
            }
            Role::Follower(of, index) => {
                let leader = self.leader(*of);
                let running = self.assigned(*of).iter().filter(|broker| Some(**broker) != leader);
                let mut running =
                    running.filter_map(|broker| nodes.broker_node(*broker)).filter(|node| self.runs(*node));
                running.nth(*index).ok_or_else(|| {
                    let which = if *index == 0 { "no follower" } else { "no other follower" };
                    Problem::new(format!("{which} of {of} runs at this moment")).help(self.who_is_down(*of))
                })
            }
        }
    }

    /// Which replicas of a partition are down, in words.
    fn who_is_down(self, of: TopicPartition) -> String {
        let nodes = &self.0.nodes;
        let down = self.assigned(of).iter().filter_map(|broker| nodes.broker_node(*broker));
        let down: Vec<&str> = down.filter(|node| !self.runs(*node)).map(|node| nodes.name(node)).collect();
        let leader = self
            .leader(of)
            .map_or("nobody leads it".to_owned(), |leader| format!("{} is its leader", self.name(leader)));
        match &down[..] {
            [] => format!("it has no more replicas; {leader}"),
            [one] => format!("of its replicas {one} is down; {leader}"),
            many => format!("of its replicas {} are down; {leader}", many.join(", ")),
        }
    }

    /// The name of a broker's node.
    pub fn name(self, broker: BrokerId) -> String {
        match self.0.nodes.broker_node(broker) {
            Some(node) => self.0.nodes.name(node).to_owned(),
            None => format!("broker {broker}"),
        }
    }

    /// A partition's state in ZooKeeper, in words.
    pub fn state_in_words(self, partition: TopicPartition) -> String {
        let Some((state, version)) = self.state(partition) else {
            return format!("{partition} has no state in ZooKeeper");
        };
        let isr: Vec<String> = state.isr.iter().map(BrokerId::to_string).collect();
        format!(
            "{partition} in ZooKeeper: leader {}, leader epoch {}, ISR [{}], controller epoch {}, version {}",
            state.leader,
            state.leader_epoch,
            isr.join(","),
            state.controller_epoch,
            version
        )
    }

    /// A replica, in words, with the names of its records.
    pub fn replica_in_words(self, node: NodeId, partition: TopicPartition) -> String {
        let name = self.0.nodes.name(node);
        let Some(view) = self.replica(node, partition) else {
            return match self.runs(node) {
                true => format!("{name} has no replica of {partition}"),
                false => format!("{name} is down"),
            };
        };
        let role = match view.role {
            ReplicaRole::Leader => "leads".to_owned(),
            ReplicaRole::Follower(BrokerId::NONE) => "follows nobody".to_owned(),
            ReplicaRole::Follower(leader) => format!("follows {}", self.name(leader)),
            ReplicaRole::Idle => "is idle".to_owned(),
        };
        let epochs: Vec<String> =
            view.log.epochs().iter().map(|entry| format!("{} {}", entry.epoch, entry.start)).collect();
        format!(
            "{partition} at {name}: {role}, leader epoch {}, log end offset {}, high watermark {}, log [{}], epochs [{}]",
            view.leader_epoch,
            view.log.end_offset(),
            view.high_watermark,
            self.log(node, partition).join(" "),
            epochs.join(", ")
        )
    }

    /// Up to where a leader knows the other replicas to be, in words.
    pub fn remembered_in_words(self, node: NodeId, partition: TopicPartition) -> String {
        let followers = self.replica(node, partition).map_or(&[][..], |view| view.followers);
        let known: Vec<String> = followers
            .iter()
            .map(|follower| format!("{} at {}", self.name(follower.broker), follower.log_end))
            .collect();
        let known = if known.is_empty() { "nobody".to_owned() } else { known.join(", ") };
        format!("{} remembers of {partition}: {known}", self.0.nodes.name(node))
    }

    /// The records of a replica, as cells: `m1@0`; without an epoch where the format has none.
    pub fn log(self, node: NodeId, partition: TopicPartition) -> Vec<String> {
        let mut cells = Vec::new();
        for batch in self.batches_on_disk(node, partition) {
            let named = values(&batch);
            let epoch = match batch.header.partition_leader_epoch.0 {
                -1 => String::new(),
                epoch => format!("@{epoch}"),
            };
            let (first, last) = (batch.header.base_offset, batch.header.last_offset());
            for offset in first.0..=last.0 {
                let name = named.iter().find(|(at, _)| *at == Offset(offset));
                let name = name.map_or(format!("#{offset}"), |(_, value)| value.clone());
                cells.push(format!("{name}{epoch}"));
            }
        }
        cells
    }

    /// What a node's disk holds of a partition, running or not: batch after batch, up to the first that is torn.
    pub fn batches_on_disk(self, node: NodeId, partition: TopicPartition) -> Vec<RecordBatch> {
        let mut disk = self.0.disk(node).clone();
        let mut found = Vec::new();
        for root in disk.list("/").unwrap_or_default() {
            let directory = format!("/{root}/{partition}");
            let names = disk.list(&directory).unwrap_or_default();
            for name in names.iter().filter(|name| name.ends_with(".log")) {
                read_segment(&mut disk, &format!("{directory}/{name}"), &mut found);
            }
        }
        found
    }
}

fn read_segment(disk: &mut dyn Disk, path: &str, found: &mut Vec<RecordBatch>) {
    let Ok(file) = disk.open(path, false) else { return };
    let mut position = 0;
    while let Ok(head) = disk.read(file, position, HEADER_LENGTH) {
        let Some(header) = BatchHeader::decode(&head) else { return };
        let length = header.size().saturating_sub(header.length() as u64) as usize;
        let Ok(records) = disk.read(file, position + header.length() as u64, length) else { return };
        let batch = RecordBatch::new(header, records);
        if batch.records.len() < length || !batch.is_valid() {
            return;
        }
        position += batch.size();
        found.push(batch);
    }
}
