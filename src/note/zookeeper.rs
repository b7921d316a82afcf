//! Facts about ZooKeeper.

use super::notes;
use crate::ids::{NodeId, ZkVersion};
use crate::messages::zookeeper::{Path, SessionId, WatchKind, ZkError};
use crate::zookeeper::znode::ZnodeData;

notes! {
    /// A fact about ZooKeeper.
    ZooKeeperNote {
        /// A session began.
        SessionOpened {
            /// Which.
            session: SessionId,
            /// Whose.
            node: NodeId,
        },
        /// A session expired, or was closed; its ephemeral nodes go.
        SessionEnded {
            /// Which.
            session: SessionId,
            /// Whose.
            node: NodeId,
            /// Whether it expired.
            expired: bool,
            /// What goes with it.
            ephemerals: Vec<Path>,
        },
        /// A znode was created.
        Created {
            /// Where.
            path: Path,
            /// With what.
            data: ZnodeData,
            /// Whether it goes with its session.
            ephemeral: bool,
        },
        /// A znode was changed.
        Changed {
            /// Where.
            path: Path,
            /// To what.
            data: ZnodeData,
            /// Its new version.
            version: ZkVersion,
            /// By whom.
            by: NodeId,
        },
        /// A znode is gone.
        Deleted {
            /// Where.
            path: Path,
            /// Whether it was ephemeral and went with its session.
            with_session: bool,
        },
        /// A watch fired.
        WatchFired {
            /// On what.
            path: Path,
            /// What happened to it.
            kind: WatchKind,
            /// Who is told.
            to: NodeId,
        },
        /// A write was refused.
        Refused {
            /// Where.
            path: Path,
            /// Whose.
            by: NodeId,
            /// Why.
            error: ZkError,
        },
    }
}
