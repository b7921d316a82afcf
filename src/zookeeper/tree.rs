//! The tree of znodes (`DataTree`), and what a transaction does to it (`PrepRequestProcessor`).
//!
//! Each write first looks for every reason to refuse, then changes the tree and says what changed; nobody but
//! [`Tree::put`] touches a znode, so that the index of partition states is never behind, and a multi can be taken back.
//!
//! Left out: ACLs, quotas, containers, time-to-live, and children of ephemeral znodes (Kafka has none).

use super::znode::{PartitionState, TOPICS, ZnodeData};
use crate::ids::{TopicPartition, ZkVersion};
use crate::messages::zookeeper::{Op, OpResult, Path, SessionId, Stat, ZkError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The root's path.
const ROOT: &str = "/";

/// One znode.
#[derive(Clone, Debug)]
pub(super) struct Znode {
    pub data: ZnodeData,
    pub stat: Stat,
    /// The transaction that changed its list of children last (`pzxid`).
    pub children_zxid: i64,
    /// The names of its children.
    pub children: BTreeSet<Path>,
    /// How many children were ever created: the next number of a sequential one (`cversion`).
    created_children: u32,
}

impl Znode {
    fn new(data: ZnodeData, zxid: i64, ephemeral_owner: Option<SessionId>) -> Znode {
        Znode {
            data,
            stat: Stat { czxid: zxid, mzxid: zxid, version: ZkVersion(0), ephemeral_owner },
            children_zxid: zxid,
            children: BTreeSet::new(),
            created_children: 0,
        }
    }
}

/// What a write changed.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Change {
    /// A new znode.
    Created(Path),
    /// New data.
    Changed(Path),
    /// A znode is gone.
    Deleted(Path),
}

/// All znodes, by path.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    znodes: BTreeMap<Path, Arc<Znode>>,
    /// The partition states among them.
    states: BTreeMap<TopicPartition, Arc<Znode>>,
    states_version: u64,
    assignments_version: u64,
    /// While a multi runs: what it replaced, in order.
    journal: Option<Vec<(Path, Option<Arc<Znode>>)>>,
}

/// The path of a znode's parent; the root has none.
pub(super) fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some(("", "")) | None => None,
        Some(("", _)) => Some(ROOT),
        Some((parent, _)) => Some(parent),
    }
}

/// The partition whose state stands at this path.
fn partition_of(path: &str) -> Option<TopicPartition> {
    let (topic, rest) = path.strip_prefix(TOPICS)?.strip_prefix('/')?.split_once("/partitions/")?;
    let number = rest.strip_suffix("/state")?.parse().ok()?;
    Some(TopicPartition::new(topic, number))
}

impl Tree {
    /// A tree that has its root and nothing else.
    pub fn new() -> Tree {
        let root = Arc::new(Znode::new(ZnodeData::Empty, 0, None));
        Tree {
            znodes: BTreeMap::from([(ROOT.into(), root)]),
            states: BTreeMap::new(),
            states_version: 0,
            assignments_version: 0,
            journal: None,
        }
    }

    /// The znode at a path.
    pub fn get(&self, path: &str) -> Option<&Znode> {
        self.znodes.get(path).map(Arc::as_ref)
    }

    /// A partition's state and its version.
    pub fn partition_state(&self, partition: TopicPartition) -> Option<(&PartitionState, ZkVersion)> {
        let znode = self.states.get(&partition)?;
        match &znode.data {
            ZnodeData::PartitionState(state) => Some((state, znode.stat.version)),
            _ => unreachable!("the index holds partition states only"),
        }
    }

    /// Counts the changes of partition states, and of assignments.
    pub fn states_version(&self) -> u64 {
        self.states_version
    }

    /// Counts the changes of assignments.
    pub fn assignments_version(&self) -> u64 {
        self.assignments_version
    }

    /// Every partition that has a state.
    pub fn partitions(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        self.states.keys().copied()
    }

    /// Carries out a write: one operation of its own, or one of a multi.
    pub fn write(
        &mut self,
        op: Op,
        zxid: i64,
        session: SessionId,
    ) -> Result<(OpResult, Option<Change>), ZkError> {
        match op {
            Op::Create { path, data, ephemeral, sequential } => {
                let owner = ephemeral.then_some(session);
                let path = self.create(path, data, owner, sequential, zxid)?;
                Ok((OpResult::Created { path: path.clone(), zxid }, Some(Change::Created(path))))
            }
            Op::Delete { path, version } => {
                self.delete(&path, version, zxid)?;
                Ok((OpResult::Deleted, Some(Change::Deleted(path))))
            }
            Op::SetData { path, data, version } => {
                let stat = self.set_data(&path, data, version, zxid)?;
                Ok((OpResult::Set(stat), Some(Change::Changed(path))))
            }
            Op::Check { path, version } => {
                let znode = self.get(&path).ok_or(ZkError::NoNode)?;
                expect_version(znode, Some(version))?;
                Ok((OpResult::Checked, None))
            }
            Op::GetData { .. } | Op::Exists { .. } | Op::GetChildren { .. } => {
                unreachable!("a read is no transaction")
            }
        }
    }

    /// Carries out all of these or none; says which failed and why.
    pub fn write_all(
        &mut self,
        ops: Vec<Op>,
        zxid: i64,
        session: SessionId,
    ) -> Result<(Vec<OpResult>, Vec<Change>), (usize, ZkError)> {
        let versions = (self.states_version, self.assignments_version);
        self.journal = Some(Vec::new());
        let (mut results, mut changes) = (Vec::with_capacity(ops.len()), Vec::new());
        for (index, op) in ops.into_iter().enumerate() {
            match self.write(op, zxid, session) {
                Ok((result, change)) => {
                    results.push(result);
                    changes.extend(change);
                }
                Err(error) => {
                    let journal = self.journal.take().expect("this multi keeps one");
                    for (path, former) in journal.into_iter().rev() {
                        self.put(path, former);
                    }
                    (self.states_version, self.assignments_version) = versions;
                    return Err((index, error));
                }
            }
        }
        self.journal = None;
        Ok((results, changes))
    }

    fn create(
        &mut self,
        path: Path,
        data: ZnodeData,
        owner: Option<SessionId>,
        sequential: bool,
        zxid: i64,
    ) -> Result<Path, ZkError> {
        let parent: Path = parent(&path).ok_or(ZkError::NodeExists)?.into();
        let above = self.znodes.get(&parent).ok_or(ZkError::NoNode)?;
        let path = if sequential { format!("{path}{:010}", above.created_children).into() } else { path };
        if self.znodes.contains_key(&path) {
            return Err(ZkError::NodeExists);
        }
        assert!(above.stat.ephemeral_owner.is_none(), "{parent} is ephemeral and can have no children");

        let mut above = above.clone();
        let changed = Arc::make_mut(&mut above);
        changed.children.insert(super::znode::name(&path).into());
        changed.created_children += 1;
        changed.children_zxid = zxid;
        self.put(parent, Some(above));
        self.put(path.clone(), Some(Arc::new(Znode::new(data, zxid, owner))));
        Ok(path)
    }

    /// Deletes a znode that has no children.
    pub fn delete(&mut self, path: &Path, version: Option<ZkVersion>, zxid: i64) -> Result<(), ZkError> {
        let znode = self.get(path).ok_or(ZkError::NoNode)?;
        expect_version(znode, version)?;
        let parent: Path = match parent(path) {
            Some(parent) if znode.children.is_empty() => parent.into(),
            _ => return Err(ZkError::NotEmpty),
        };

        let mut above = self.znodes[&parent].clone();
        let changed = Arc::make_mut(&mut above);
        changed.children.remove(super::znode::name(path));
        changed.children_zxid = zxid;
        self.put(parent, Some(above));
        self.put(path.clone(), None);
        Ok(())
    }

    fn set_data(
        &mut self,
        path: &Path,
        data: ZnodeData,
        version: Option<ZkVersion>,
        zxid: i64,
    ) -> Result<Stat, ZkError> {
        let former = self.get(path).ok_or(ZkError::NoNode)?;
        expect_version(former, version)?;

        let mut znode = former.clone();
        znode.data = data;
        znode.stat.version.0 += 1;
        znode.stat.mzxid = zxid;
        let stat = znode.stat;
        self.put(path.clone(), Some(Arc::new(znode)));
        Ok(stat)
    }

    /// Puts a znode in its place, or takes it away.
    fn put(&mut self, path: Path, znode: Option<Arc<Znode>>) {
        let is_state = znode.as_ref().is_some_and(|znode| matches!(znode.data, ZnodeData::PartitionState(_)));
        let former = match &znode {
            Some(znode) => self.znodes.insert(path.clone(), Arc::clone(znode)),
            None => self.znodes.remove(&path),
        };
        let assigned = |znode: Option<&Arc<Znode>>| match znode.map(|znode| &znode.data) {
            Some(ZnodeData::Topic(assigned)) => Some(Arc::clone(assigned)),
            _ => None,
        };
        if assigned(former.as_ref()) != assigned(znode.as_ref()) {
            self.states_version += 1;
            self.assignments_version += 1;
        }
        let was_state =
            former.as_ref().is_some_and(|znode| matches!(znode.data, ZnodeData::PartitionState(_)));
        if let (true, Some(partition)) = (is_state || was_state, partition_of(&path)) {
            self.states_version += 1;
            match znode {
                Some(znode) if is_state => self.states.insert(partition, znode),
                _ => self.states.remove(&partition),
            };
        }
        if let Some(journal) = &mut self.journal {
            journal.push((path, former));
        }
    }
}

fn expect_version(znode: &Znode, expected: Option<ZkVersion>) -> Result<(), ZkError> {
    match expected {
        Some(version) if version != znode.stat.version => Err(ZkError::BadVersion),
        _ => Ok(()),
    }
}
