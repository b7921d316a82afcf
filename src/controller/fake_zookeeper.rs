//! For tests: a tree of znodes with watches that answers the controller's submissions.

use super::calls::Submit;
use crate::ids::ZkVersion;
use crate::messages::zookeeper::{Op, OpResult, SessionId, Stat, WatchEvent, WatchKind, ZkError};
use crate::node::Env;
use crate::zookeeper::session::{Outcome, Ticket};
use crate::zookeeper::znode::{self, PERSISTENT_PATHS, ZnodeData};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug)]
pub(super) enum Delivery {
    Answer(Ticket, Outcome),
    Watch(WatchEvent),
}

/// A tree of znodes with one session, the controller's.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeZooKeeper {
    nodes: BTreeMap<String, (ZnodeData, Stat)>,
    data_watches: BTreeSet<String>,
    child_watches: BTreeSet<String>,
    zxid: i64,
    tickets: u64,
    pub deliveries: VecDeque<Delivery>,
}

const SESSION: SessionId = SessionId(1);

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl FakeZooKeeper {
    pub fn new() -> FakeZooKeeper {
        let mut fake = FakeZooKeeper::default();
        for path in PERSISTENT_PATHS {
            fake.put(path, ZnodeData::Empty);
        }
        fake
    }

    /// Creates or replaces a znode, as anybody but the controller would.
    pub fn put(&mut self, path: &str, data: ZnodeData) {
        if self.nodes.contains_key(path) {
            self.set(path, data, None).expect("it is there");
        } else {
            self.create(path, data, None).expect("it is not there");
        }
    }

    pub fn get(&self, path: &str) -> Option<&ZnodeData> {
        self.nodes.get(path).map(|(data, _)| data)
    }

    pub fn remove(&mut self, path: &str) {
        self.delete(path, None).expect("it is there");
    }

    /// The session expires: its ephemeral nodes go, its watches too, and what is open is answered so.
    pub fn expire(&mut self) {
        self.data_watches.clear();
        self.child_watches.clear();
        for delivery in &mut self.deliveries {
            if let Delivery::Answer(_, outcome) = delivery {
                outcome.iter_mut().for_each(|result| *result = Err(ZkError::SessionExpired));
            }
        }
        self.deliveries.retain(|delivery| matches!(delivery, Delivery::Answer(..)));
        let ephemeral: Vec<String> = self
            .nodes
            .iter()
            .filter(|(_, (_, stat))| stat.ephemeral_owner.is_some())
            .map(|(path, _)| path.clone())
            .collect();
        ephemeral.iter().for_each(|path| self.remove(path));
    }

    fn fire(&mut self, path: &str, kind: WatchKind) {
        let watches = match kind {
            WatchKind::ChildrenChanged => &mut self.child_watches,
            _ => &mut self.data_watches,
        };
        if watches.remove(path) {
            self.deliveries.push_back(Delivery::Watch(WatchEvent { path: path.into(), kind }));
        }
    }

    fn create(&mut self, path: &str, data: ZnodeData, owner: Option<SessionId>) -> Result<OpResult, ZkError> {
        if self.nodes.contains_key(path) {
            return Err(ZkError::NodeExists);
        }
        if !parent(path).is_empty() && !self.nodes.contains_key(parent(path)) {
            return Err(ZkError::NoNode);
        }
        self.zxid += 1;
        let zxid = self.zxid;
        let stat = Stat { czxid: zxid, mzxid: zxid, version: ZkVersion(0), ephemeral_owner: owner };
        self.nodes.insert(path.to_owned(), (data, stat));
        self.fire(path, WatchKind::Created);
        self.fire(parent(path), WatchKind::ChildrenChanged);
        Ok(OpResult::Created { path: path.into(), zxid })
    }

    fn set(&mut self, path: &str, data: ZnodeData, version: Option<ZkVersion>) -> Result<OpResult, ZkError> {
        self.zxid += 1;
        let zxid = self.zxid;
        let (held, stat) = self.nodes.get_mut(path).ok_or(ZkError::NoNode)?;
        if version.is_some_and(|version| version != stat.version) {
            return Err(ZkError::BadVersion);
        }
        *held = data;
        stat.version.0 += 1;
        stat.mzxid = zxid;
        let stat = *stat;
        self.fire(path, WatchKind::DataChanged);
        Ok(OpResult::Set(stat))
    }

    fn delete(&mut self, path: &str, version: Option<ZkVersion>) -> Result<OpResult, ZkError> {
        let (_, stat) = self.nodes.get(path).ok_or(ZkError::NoNode)?;
        if version.is_some_and(|version| version != stat.version) {
            return Err(ZkError::BadVersion);
        }
        if !self.children(path).is_empty() {
            return Err(ZkError::NotEmpty);
        }
        self.nodes.remove(path);
        self.fire(path, WatchKind::Deleted);
        self.fire(parent(path), WatchKind::ChildrenChanged);
        Ok(OpResult::Deleted)
    }

    pub fn children(&self, path: &str) -> Vec<String> {
        self.nodes
            .keys()
            .filter(|node| parent(node) == path)
            .map(|node| znode::name(node).to_owned())
            .collect()
    }

    fn apply(&mut self, op: &Op) -> Result<OpResult, ZkError> {
        match op {
            Op::Create { path, data, ephemeral, sequential: false } => {
                self.create(path, data.clone(), ephemeral.then_some(SESSION))
            }
            Op::Create { .. } => unreachable!("the controller creates no sequential znodes"),
            Op::Delete { path, version } => self.delete(path, *version),
            Op::SetData { path, data, version } => self.set(path, data.clone(), *version),
            Op::Check { path, version } => match self.nodes.get(&**path) {
                None => Err(ZkError::NoNode),
                Some((_, stat)) if stat.version == *version => Ok(OpResult::Checked),
                Some(_) => Err(ZkError::BadVersion),
            },
            Op::GetData { path, watch } => {
                let (data, stat) = self.nodes.get(&**path).ok_or(ZkError::NoNode)?.clone();
                if *watch {
                    self.data_watches.insert(path.to_string());
                }
                Ok(OpResult::Data(data, stat))
            }
            Op::Exists { path, watch } => {
                if *watch {
                    self.data_watches.insert(path.to_string());
                }
                Ok(OpResult::Exists(self.nodes.get(&**path).map(|(_, stat)| *stat)))
            }
            Op::GetChildren { path, watch } => {
                if *watch {
                    self.child_watches.insert(path.to_string());
                }
                if self.nodes.contains_key(&**path) {
                    Ok(OpResult::Children(self.children(path)))
                } else {
                    Err(ZkError::NoNode)
                }
            }
        }
    }

    fn ticket(&mut self, outcome: Outcome) -> Ticket {
        self.tickets += 1;
        self.deliveries.push_back(Delivery::Answer(Ticket(self.tickets), outcome));
        Ticket(self.tickets)
    }
}

impl Submit for FakeZooKeeper {
    fn submit(&mut self, ops: Vec<Op>, _: &mut Env<'_>) -> Ticket {
        let outcome = ops.iter().map(|op| self.apply(op)).collect();
        self.ticket(outcome)
    }

    fn submit_multi(&mut self, ops: Vec<Op>, _: &mut Env<'_>) -> Ticket {
        let mut tried = self.clone();
        let results: Vec<_> = ops.iter().map(|op| tried.apply(op)).collect();
        let outcome = match results.iter().position(Result::is_err) {
            None => {
                *self = tried;
                results
            }
            Some(failed) => {
                let error = |(index, result): (usize, Result<_, _>)| {
                    if index == failed { result } else { Err(ZkError::RuntimeInconsistency) }
                };
                results.into_iter().enumerate().map(error).collect()
            }
        };
        self.ticket(outcome)
    }
}
