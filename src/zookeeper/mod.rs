//! ZooKeeper: the whole ensemble as one linearizable node.
//!
//! 1. A client connects, and begins a session or goes on with one that lives. A session moves with its client; the
//!    connection it was on before is closed.
//! 2. Every request is answered at once and in order. A write is a transaction with the next zxid, one that fails too.
//! 3. What a change fires goes out before the answer of the request that made it, and so before any answer that shows it.
//! 4. A session that is silent for too long, or closes, ends: its ephemeral znodes go in the same transaction, and if
//!    it expired its connection is closed. Who asks on a connection without a session is told `SessionExpired`.
//!
//! `tree` holds the znodes, `sessions` who is alive, `watches` who wants to know; [`session`] is the client's side.
//!
//! Left out: the ensemble (leader, quorum, loss of its disks), ACLs, and everything that Kafka does not use. A restart
//! of the process would begin with an empty tree: the ensemble as such does not die here. Cut it off or pause it.

pub mod znode;

#[cfg(test)]
pub(crate) mod bench;
mod sessions;
mod tree;
mod watches;

pub mod session;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;

use crate::ids::{BrokerId, ConnectionId, ControllerEpoch, NodeId, TopicPartition, ZkVersion};
use crate::messages::Request;
use crate::messages::zookeeper::{
    Op, OpResult, Path, SessionId, Stat, WatchEvent, WatchKind, WatchedPaths, ZkError, ZooKeeperAnswer,
    ZooKeeperRequest, ZooKeeperResponse,
};
use crate::node::{Command, Effect, Env, Input, Node, ReplyTo};
use crate::note::{Note, ZooKeeperNote};
use crate::time::{Micros, Time};
use sessions::Sessions;
use std::sync::Arc;
use tree::{Change, Tree};
use watches::Watches;
use znode::{PERSISTENT_PATHS, PartitionState, ZnodeData, topic_path};

/// The ZooKeeper ensemble as one linearizable node.
#[derive(Clone, Debug)]
pub struct ZooKeeper {
    tree: Arc<Tree>,
    /// The last transaction.
    zxid: i64,
    sessions: Sessions,
    watches: Watches,
}

impl Default for ZooKeeper {
    fn default() -> Self {
        ZooKeeper::new()
    }
}

impl ZooKeeper {
    /// A fresh tree with Kafka's persistent paths.
    pub fn new() -> ZooKeeper {
        let mut tree = Tree::new();
        let mut zxid = 0;
        for path in PERSISTENT_PATHS {
            zxid += 1;
            let op = Op::Create {
                path: (*path).into(),
                data: ZnodeData::Empty,
                ephemeral: false,
                sequential: false,
            };
            tree.write(op, zxid, SessionId(0)).expect("parents stand before their children");
        }
        ZooKeeper { tree: Arc::new(tree), zxid, sessions: Sessions::default(), watches: Watches::default() }
    }

    /// What a znode holds.
    pub fn get(&self, path: &str) -> Option<(&ZnodeData, Stat)> {
        self.tree.get(path).map(|znode| (&znode.data, znode.stat))
    }

    /// The children of a znode, by name, sorted.
    pub fn children(&self, path: &str) -> Vec<&str> {
        self.tree.get(path).map_or(Vec::new(), |znode| znode.children.iter().map(|name| &**name).collect())
    }

    /// A partition's state. Fast: checkers ask after many events.
    pub fn partition_state(&self, partition: TopicPartition) -> Option<(&PartitionState, ZkVersion)> {
        self.tree.partition_state(partition)
    }

    /// The replicas assigned to a partition, preferred leader first; none if there is no such partition.
    pub fn assignment(&self, partition: TopicPartition) -> &[BrokerId] {
        match self.get(&topic_path(partition.topic)) {
            Some((ZnodeData::Topic(partitions), _)) => {
                partitions.get(&partition.partition).map_or(&[], |held| &held.replicas)
            }
            _ => &[],
        }
    }

    /// Counts the changes of any partition's state or assignment, so that a checker sees cheaply that nothing changed.
    pub fn partition_states_version(&self) -> u64 {
        self.tree.states_version()
    }

    /// Counts the changes of assignments alone.
    pub fn assignments_version(&self) -> u64 {
        self.tree.assignments_version()
    }

    /// Who is assigned to a partition, on both sides of a reassignment in progress: what `/brokers/topics` says, and up
    /// to 2.3 the targets in `/admin/reassign_partitions`. Nobody if the topic is gone.
    pub fn assigned(&self, partition: TopicPartition) -> Vec<BrokerId> {
        let Some((ZnodeData::Topic(topic), _)) = self.get(&znode::topic_path(partition.topic)) else {
            return Vec::new();
        };
        let Some(held) = topic.get(&partition.partition) else { return Vec::new() };
        let mut assigned = held.replicas.clone();
        assigned.extend(held.adding.iter().chain(&held.removing));
        if let Some((ZnodeData::ReassignPartitions(moving), _)) = self.get(znode::REASSIGN_PARTITIONS) {
            assigned.extend(moving.get(&partition).into_iter().flatten());
        }
        assigned
    }

    /// Who leaves a partition, its reassignment being complete: every target is in the ISR. From here on the controller
    /// goes by the targets alone, and tells the leader so before it shrinks the ISR (KIP-455, step B3; before it the same).
    pub fn leaving(&self, partition: TopicPartition) -> Vec<BrokerId> {
        let Some((ZnodeData::Topic(topic), _)) = self.get(&znode::topic_path(partition.topic)) else {
            return Vec::new();
        };
        let (Some(held), Some((state, _))) =
            (topic.get(&partition.partition), self.partition_state(partition))
        else {
            return Vec::new();
        };
        let moving = match self.get(znode::REASSIGN_PARTITIONS) {
            Some((ZnodeData::ReassignPartitions(moving), _)) => moving.get(&partition),
            _ => None,
        };
        let stays = |broker: &&BrokerId| match moving {
            Some(targets) => targets.contains(broker),
            None => !held.removing.contains(broker),
        };
        let all = held.replicas.iter().chain(moving.into_iter().flatten());
        match all.filter(stays).all(|broker| state.isr.contains(broker)) {
            true => held.replicas.iter().filter(|broker| !stays(broker)).copied().collect(),
            false => Vec::new(),
        }
    }

    /// The epoch of the controller elected last; 0 before the first.
    pub fn controller_epoch(&self) -> ControllerEpoch {
        match self.get(znode::CONTROLLER_EPOCH) {
            Some((ZnodeData::ControllerEpoch(epoch), _)) => *epoch,
            _ => ControllerEpoch(0),
        }
    }

    /// Every partition that has a state.
    pub fn partitions(&self) -> Vec<TopicPartition> {
        self.tree.partitions().collect()
    }

    fn on_request(&mut self, request: ZooKeeperRequest, to: ReplyTo, from: NodeId, env: &mut Env<'_>) {
        let answer = match (request, self.sessions.on(to.connection)) {
            (ZooKeeperRequest::Connect { session, timeout }, _) => {
                self.connect(session, timeout, to.connection, from, env)
            }
            (_, None) => ZooKeeperAnswer::SessionExpired,
            (request, Some(session)) => {
                self.sessions.touch(session, env.now);
                self.perform(request, session, to.connection, env)
            }
        };
        env.reply(to, ZooKeeperResponse { zxid: self.zxid, answer }.into());
    }

    fn connect(
        &mut self,
        session: Option<SessionId>,
        timeout: Micros,
        connection: ConnectionId,
        node: NodeId,
        env: &mut Env<'_>,
    ) -> ZooKeeperAnswer {
        let Some(session) = session else {
            self.zxid += 1;
            let (session, timeout) = self.sessions.open(node, connection, timeout, env.now);
            note(env, || ZooKeeperNote::SessionOpened { session, node });
            return ZooKeeperAnswer::Connected { session, timeout };
        };
        match self.sessions.reopen(session, connection, env.now) {
            None => ZooKeeperAnswer::SessionExpired,
            Some((timeout, left)) => {
                if let Some(left) = left {
                    self.watches.forget(left);
                    env.push(Effect::HangUp { connection: left });
                }
                ZooKeeperAnswer::Connected { session, timeout }
            }
        }
    }

    fn perform(
        &mut self,
        request: ZooKeeperRequest,
        session: SessionId,
        connection: ConnectionId,
        env: &mut Env<'_>,
    ) -> ZooKeeperAnswer {
        match request {
            ZooKeeperRequest::Connect { .. } => unreachable!("begun without a session"),
            ZooKeeperRequest::Ping => ZooKeeperAnswer::Pong,
            ZooKeeperRequest::Op(op) => ZooKeeperAnswer::Op(match op {
                Op::GetData { .. } | Op::Exists { .. } | Op::GetChildren { .. } => self.read(op, connection),
                write => self.write(write, session, env),
            }),
            ZooKeeperRequest::Multi(ops) => ZooKeeperAnswer::Multi(self.write_all(ops, session, env)),
            ZooKeeperRequest::SetWatches { zxid, watches } => {
                self.set_watches(zxid, *watches, connection, env);
                ZooKeeperAnswer::WatchesSet
            }
            ZooKeeperRequest::Close => {
                self.end_session(session, false, env);
                ZooKeeperAnswer::Closed
            }
        }
    }

    fn read(&mut self, op: Op, connection: ConnectionId) -> Result<OpResult, ZkError> {
        let znode = self.tree.get(op.path());
        match op {
            Op::GetData { path, watch } => {
                let znode = znode.ok_or(ZkError::NoNode)?;
                let result = OpResult::Data(znode.data.clone(), znode.stat);
                if watch {
                    self.watches.watch_data(path, connection);
                }
                Ok(result)
            }
            Op::Exists { path, watch } => {
                // The only watch that can be set on a znode that is not there.
                if watch {
                    self.watches.watch_data(path, connection);
                }
                Ok(OpResult::Exists(znode.map(|znode| znode.stat)))
            }
            Op::GetChildren { path, watch } => {
                let znode = znode.ok_or(ZkError::NoNode)?;
                let result = OpResult::Children(znode.children.iter().map(|name| name.to_string()).collect());
                if watch {
                    self.watches.watch_children(path, connection);
                }
                Ok(result)
            }
            _ => unreachable!("a write is no read"),
        }
    }

    fn write(&mut self, op: Op, session: SessionId, env: &mut Env<'_>) -> Result<OpResult, ZkError> {
        self.zxid += 1;
        let path = op.path().clone();
        match Arc::make_mut(&mut self.tree).write(op, self.zxid, session) {
            Ok((result, change)) => {
                if let Some(change) = change {
                    self.changed(&change, session, env);
                }
                Ok(result)
            }
            Err(error) => {
                self.refused(path, error, session, env);
                Err(error)
            }
        }
    }

    fn write_all(
        &mut self,
        ops: Vec<Op>,
        session: SessionId,
        env: &mut Env<'_>,
    ) -> Result<Vec<OpResult>, (usize, ZkError)> {
        self.zxid += 1;
        let paths: Vec<Path> = ops.iter().map(|op| op.path().clone()).collect();
        match Arc::make_mut(&mut self.tree).write_all(ops, self.zxid, session) {
            Ok((results, changes)) => {
                for change in &changes {
                    self.changed(change, session, env);
                }
                Ok(results)
            }
            Err((index, error)) => {
                self.refused(paths[index].clone(), error, session, env);
                Err((index, error))
            }
        }
    }

    /// A write was carried out: keeps the books of ephemeral znodes, says so and fires.
    fn changed(&mut self, change: &Change, session: SessionId, env: &mut Env<'_>) {
        let by = self.sessions.get(session).node;
        match change {
            Change::Created(path) => {
                // A later operation of the same multi may have changed or deleted it again.
                if let Some(znode) = self.tree.get(path) {
                    let ephemeral = znode.stat.ephemeral_owner == Some(session);
                    if ephemeral {
                        self.sessions.get_mut(session).ephemerals.insert(path.clone());
                    }
                    let data = &znode.data;
                    note(env, || ZooKeeperNote::Created {
                        path: path.clone(),
                        data: data.clone(),
                        ephemeral,
                    });
                }
            }
            Change::Changed(path) => {
                if let Some(znode) = self.tree.get(path) {
                    note(env, || ZooKeeperNote::Changed {
                        path: path.clone(),
                        data: znode.data.clone(),
                        version: znode.stat.version,
                        by,
                    });
                }
            }
            Change::Deleted(path) => {
                self.sessions.forget_ephemeral(path);
                note(env, || ZooKeeperNote::Deleted { path: path.clone(), with_session: false });
            }
        }
        self.fire(change, env);
    }

    fn refused(&self, path: Path, error: ZkError, session: SessionId, env: &mut Env<'_>) {
        let by = self.sessions.get(session).node;
        note(env, || ZooKeeperNote::Refused { path, by, error });
    }

    fn fire(&mut self, change: &Change, env: &mut Env<'_>) {
        for (connection, event) in self.watches.fire(change) {
            self.push(connection, event, env);
        }
    }

    fn push(&self, connection: ConnectionId, event: WatchEvent, env: &mut Env<'_>) {
        if let Some(session) = self.sessions.on(connection) {
            let to = self.sessions.get(session).node;
            note(env, || ZooKeeperNote::WatchFired { path: event.path.clone(), kind: event.kind, to });
        }
        env.push(Effect::Push { connection, event });
    }

    /// Sets the watches of a client that has reconnected, or fires those whose znode changed after `zxid`
    /// (`DataTree.setWatches`).
    fn set_watches(&mut self, zxid: i64, watched: WatchedPaths, connection: ConnectionId, env: &mut Env<'_>) {
        for path in watched.data {
            let fired = match self.tree.get(&path) {
                None => WatchKind::Deleted,
                Some(znode) if znode.stat.mzxid > zxid => WatchKind::DataChanged,
                Some(_) => {
                    self.watches.watch_data(path, connection);
                    continue;
                }
            };
            self.push(connection, WatchEvent { path, kind: fired }, env);
        }
        for path in watched.exists {
            if self.tree.get(&path).is_some() {
                self.push(connection, WatchEvent { path, kind: WatchKind::Created }, env);
            } else {
                self.watches.watch_data(path, connection);
            }
        }
        for path in watched.children {
            let fired = match self.tree.get(&path) {
                None => WatchKind::Deleted,
                Some(znode) if znode.children_zxid > zxid => WatchKind::ChildrenChanged,
                Some(_) => {
                    self.watches.watch_children(path, connection);
                    continue;
                }
            };
            self.push(connection, WatchEvent { path, kind: fired }, env);
        }
    }

    /// Ends a session: in one transaction its ephemeral znodes go.
    fn end_session(&mut self, id: SessionId, expired: bool, env: &mut Env<'_>) {
        self.zxid += 1;
        let node = self.sessions.get(id).node;
        let ephemerals = std::mem::take(&mut self.sessions.get_mut(id).ephemerals);
        note(env, || {
            let ephemerals = ephemerals.iter().cloned().collect();
            ZooKeeperNote::SessionEnded { session: id, node, expired, ephemerals }
        });
        for path in ephemerals {
            let deleted = Arc::make_mut(&mut self.tree).delete(&path, None, self.zxid);
            assert!(deleted.is_ok(), "{path} is an ephemeral znode of this session: {deleted:?}");
            note(env, || ZooKeeperNote::Deleted { path: path.clone(), with_session: true });
            // The session itself may watch what goes: ZooKeeper tells it before it closes the connection.
            self.fire(&Change::Deleted(path), env);
        }
        let ended = self.sessions.end(id);
        if let Some(connection) = ended.connection {
            self.watches.forget(connection);
            if expired {
                env.push(Effect::HangUp { connection });
            }
        }
    }

    fn expire(&mut self, env: &mut Env<'_>) {
        while let Some(session) = self.sessions.expired(env.now) {
            self.end_session(session, true, env);
        }
    }
}

impl Node for ZooKeeper {
    fn step(&mut self, input: Input, env: &mut Env<'_>) {
        // The clock that ends sessions is a thread of its own: it does not wait behind requests.
        self.expire(env);
        match input {
            Input::Request { reply_to, from, request: Request::ZooKeeper(request), .. } => {
                self.on_request(request, reply_to, from, env);
            }
            Input::PeerGone { connection } => {
                self.watches.forget(connection);
                self.sessions.disconnect(connection);
            }
            Input::Command(Command::ExpireSession(node)) => {
                for session in self.sessions.of(node) {
                    self.end_session(session, true, env);
                }
            }
            Input::Start | Input::Wake => {}
            other => unreachable!("not for ZooKeeper: {other:?}"),
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.sessions.next_expiry()
    }
}

fn note(env: &mut Env<'_>, note: impl FnOnce() -> ZooKeeperNote) {
    env.note(|| Note::ZooKeeper(note()));
}
