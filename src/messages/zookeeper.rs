//! ZooKeeper's protocol, as far as Kafka uses it: sessions, znodes with versions, one-shot watches, multi writes.
//!
//! Every request of a session travels on one connection and is answered in order. A watch event is pushed on the same
//! connection *before* the answer of any read that sees the change: ZooKeeper's own guarantee, on which the controller
//! relies. Requests may be pipelined.
//!
//! Every answer carries the zxid of the last transaction carried out before it. A client that has to reconnect names
//! the last one it saw with the watches it still wants ([`ZooKeeperRequest::SetWatches`]), so that none is missed.
//!
//! Left out: ACLs, authentication, quotas, observers and the ensemble itself (one linearizable node stands for it).

use crate::ids::ZkVersion;
use crate::time::Micros;
use crate::zookeeper::znode::ZnodeData;
use std::sync::Arc;

/// A session's id. Assigned in order, never reused.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub i64);

/// A path such as `/brokers/ids/1`.
pub type Path = Arc<str>;

/// What a client asks.
#[derive(Clone, PartialEq, Debug)]
pub enum ZooKeeperRequest {
    /// Begin a session (`session: None`), or move one that lives to this connection.
    Connect {
        /// The session to go on with.
        session: Option<SessionId>,
        /// How long the session outlives silence.
        timeout: Micros,
    },
    /// "I am alive."
    Ping,
    /// After a reconnect: watch these again. Those whose znode changed after `zxid` fire at once.
    SetWatches {
        /// The last transaction the client knows of.
        zxid: i64,
        /// What it watches.
        watches: Box<WatchedPaths>,
    },
    /// One operation.
    Op(Op),
    /// All or nothing.
    Multi(Vec<Op>),
    /// End the session now: its ephemeral nodes go.
    Close,
}

/// One operation on the tree.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// Create a znode. With `sequential` the server appends a ten-digit counter to the path.
    Create {
        /// Where.
        path: Path,
        /// With what.
        data: ZnodeData,
        /// Whether it goes with the session.
        ephemeral: bool,
        /// Whether the server numbers it.
        sequential: bool,
    },
    /// Delete a znode that has no children, if it has this version (`None`: any).
    Delete {
        /// Which.
        path: Path,
        /// Expected version.
        version: Option<ZkVersion>,
    },
    /// Replace the data, if it has this version (`None`: any).
    SetData {
        /// Which.
        path: Path,
        /// The new data.
        data: ZnodeData,
        /// Expected version.
        version: Option<ZkVersion>,
    },
    /// In a multi: fail unless the znode has this version.
    Check {
        /// Which.
        path: Path,
        /// Expected version.
        version: ZkVersion,
    },
    /// Read the data; with `watch`, hear of the next change or deletion.
    GetData {
        /// Which.
        path: Path,
        /// Whether to watch.
        watch: bool,
    },
    /// Does it exist? With `watch`, hear of the next creation, change or deletion.
    Exists {
        /// Which.
        path: Path,
        /// Whether to watch.
        watch: bool,
    },
    /// The names of the children, sorted; with `watch`, hear of the next change of the list or deletion.
    GetChildren {
        /// Which.
        path: Path,
        /// Whether to watch.
        watch: bool,
    },
}

/// The watches of a session, by kind, each list sorted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WatchedPaths {
    /// Existing znodes, for a change or their deletion.
    pub data: Vec<Path>,
    /// Znodes that did not exist, for their creation.
    pub exists: Vec<Path>,
    /// Parents, for a change of the list of their children or their deletion.
    pub children: Vec<Path>,
}

/// A response: the answer, and how far ZooKeeper was.
#[derive(Clone, PartialEq, Debug)]
pub struct ZooKeeperResponse {
    /// The last transaction carried out before this answer.
    pub zxid: i64,
    /// The answer.
    pub answer: ZooKeeperAnswer,
}

/// What ZooKeeper answers.
#[derive(Clone, PartialEq, Debug)]
pub enum ZooKeeperAnswer {
    /// The session lives.
    Connected {
        /// Its id: a new one if none was named.
        session: SessionId,
        /// The time-out granted.
        timeout: Micros,
    },
    /// The session named is gone: begin anew.
    SessionExpired,
    /// Answer to a ping.
    Pong,
    /// The watches stand again, or have fired.
    WatchesSet,
    /// Answer to one operation.
    Op(Result<OpResult, ZkError>),
    /// Answer to a multi: all results, or the index of the operation that failed and why.
    Multi(Result<Vec<OpResult>, (usize, ZkError)>),
    /// The session has ended.
    Closed,
}

/// The result of an operation.
#[derive(Clone, PartialEq, Debug)]
pub enum OpResult {
    /// The path created (with its number, if sequential) and the zxid of the creation.
    Created {
        /// Where.
        path: Path,
        /// The transaction that created it: a broker's epoch (KIP-380).
        zxid: i64,
    },
    /// Deleted.
    Deleted,
    /// Written; the new stat.
    Set(Stat),
    /// A check that held.
    Checked,
    /// Data read.
    Data(ZnodeData, Stat),
    /// Whether it exists, and its stat.
    Exists(Option<Stat>),
    /// Names of the children, sorted.
    Children(Vec<String>),
}

/// What ZooKeeper knows of a znode.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Stat {
    /// The transaction that created it.
    pub czxid: i64,
    /// The transaction that changed it last.
    pub mzxid: i64,
    /// How often its data was replaced.
    pub version: ZkVersion,
    /// The session it goes with, if it is ephemeral.
    pub ephemeral_owner: Option<SessionId>,
}

impl Op {
    /// The znode it is about.
    pub fn path(&self) -> &Path {
        match self {
            Op::Create { path, .. }
            | Op::Delete { path, .. }
            | Op::SetData { path, .. }
            | Op::Check { path, .. }
            | Op::GetData { path, .. }
            | Op::Exists { path, .. }
            | Op::GetChildren { path, .. } => path,
        }
    }
}

/// Why an operation failed.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ZkError {
    /// The znode, or its parent, does not exist.
    NoNode,
    /// The znode exists already.
    NodeExists,
    /// Another version than expected.
    BadVersion,
    /// It has children.
    NotEmpty,
    /// The session is gone.
    SessionExpired,
    /// In a multi: another operation of it failed.
    RuntimeInconsistency,
}

impl ZkError {
    /// What ZooKeeper calls it (`KeeperException.Code`).
    pub fn name(self) -> &'static str {
        match self {
            ZkError::NoNode => "NoNode",
            ZkError::NodeExists => "NodeExists",
            ZkError::BadVersion => "BadVersion",
            ZkError::NotEmpty => "Directory not empty",
            ZkError::SessionExpired => "Session expired",
            ZkError::RuntimeInconsistency => "RuntimeInconsistency",
        }
    }
}

/// A watch that fired, once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchEvent {
    /// Which znode.
    pub path: Path,
    /// What happened to it.
    pub kind: WatchKind,
}

/// What a watch reports.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WatchKind {
    /// `NodeCreated`.
    Created,
    /// `NodeDeleted`.
    Deleted,
    /// `NodeDataChanged`.
    DataChanged,
    /// `NodeChildrenChanged`.
    ChildrenChanged,
}

impl ZooKeeperRequest {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        match self {
            ZooKeeperRequest::Multi(ops) => 32 + 128 * ops.len() as u64,
            ZooKeeperRequest::SetWatches { watches, .. } => {
                32 + 64 * (watches.data.len() + watches.exists.len() + watches.children.len()) as u64
            }
            _ => 128,
        }
    }
}

impl ZooKeeperResponse {
    /// About how many bytes.
    pub fn wire_size(&self) -> u64 {
        match &self.answer {
            ZooKeeperAnswer::Multi(Ok(results)) => 32 + 64 * results.len() as u64,
            _ => 128,
        }
    }
}
