//! The server's watches (`WatchManager`): who is told, once, when a znode changes.
//!
//! A watch stands on a connection: with the connection it is gone, and a client that reconnects sets it again. Reading
//! data or existence sets a *data* watch, listing children a *child* watch. Several watches of one connection on one
//! znode are one, and fire as one.

use super::tree::{Change, parent};
use crate::ids::ConnectionId;
use crate::messages::zookeeper::{Path, WatchEvent, WatchKind};
use std::collections::{BTreeMap, BTreeSet};

type Table = BTreeMap<Path, BTreeSet<ConnectionId>>;

/// All watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    data: Table,
    children: Table,
}

impl Watches {
    /// Watches a znode, or for one to appear.
    pub fn watch_data(&mut self, path: Path, connection: ConnectionId) {
        self.data.entry(path).or_default().insert(connection);
    }

    /// Watches the list of a znode's children.
    pub fn watch_children(&mut self, path: Path, connection: ConnectionId) {
        self.children.entry(path).or_default().insert(connection);
    }

    /// Takes the watches that a change fires, in the order in which their events go out.
    pub fn fire(&mut self, change: &Change) -> Vec<(ConnectionId, WatchEvent)> {
        let mut fired = Vec::new();
        let mut tell = |watchers: Option<BTreeSet<ConnectionId>>, path: &Path, kind| {
            for connection in watchers.into_iter().flatten() {
                fired.push((connection, WatchEvent { path: path.clone(), kind }));
            }
        };
        let path = match change {
            Change::Changed(path) => {
                tell(self.data.remove(path), path, WatchKind::DataChanged);
                return fired;
            }
            Change::Created(path) => {
                tell(self.data.remove(path), path, WatchKind::Created);
                path
            }
            Change::Deleted(path) => {
                let mut watchers = self.data.remove(path).unwrap_or_default();
                // Who watches both data and children hears of the deletion once.
                watchers.extend(self.children.remove(path).unwrap_or_default());
                tell(Some(watchers), path, WatchKind::Deleted);
                path
            }
        };
        if let Some((parent, watchers)) = parent(path).and_then(|parent| self.children.remove_entry(parent)) {
            tell(Some(watchers), &parent, WatchKind::ChildrenChanged);
        }
        fired
    }

    /// A connection is gone, and its watches with it.
    pub fn forget(&mut self, connection: ConnectionId) {
        for table in [&mut self.data, &mut self.children] {
            table.retain(|_, watchers| {
                watchers.remove(&connection);
                !watchers.is_empty()
            });
        }
    }
}
