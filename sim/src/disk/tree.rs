//! The names on a disk: directories, their entries, and which of them a power failure would leave.
//!
//! Each directory has its *live* entries, its *durable* ones, and the operations that lead from the one to the other,
//! in order. A rename within a directory is one operation: after a power failure it has happened or it has not.
//! (Between directories it is two, as nothing here ever does.) Flushing makes the live entries the durable ones.

use kafka::disk::DiskError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a name stands for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A file, by its slot.
    File(u32),
    /// A directory, by its number.
    Directory(u32),
}

#[derive(Clone, Debug)]
enum Operation {
    Link(Arc<str>, Entry),
    Unlink(Arc<str>),
    Rename(Arc<str>, Arc<str>),
}

type Entries = BTreeMap<Arc<str>, Entry>;

#[derive(Clone, Debug, Default)]
struct Directory {
    live: Arc<Entries>,
    durable: Arc<Entries>,
    /// Each with its number in the journal.
    pending: Vec<(u64, Operation)>,
}

/// All directories. Number 0 is `/`.
#[derive(Clone, Debug)]
pub struct Tree {
    directories: Vec<Arc<Directory>>,
    /// Directories with pending operations.
    changed: BTreeSet<u32>,
    /// Operations counted so far, truncations of files among them.
    operations: u64,
}

impl Default for Tree {
    fn default() -> Self {
        Tree { directories: vec![Arc::default()], changed: BTreeSet::new(), operations: 0 }
    }
}

impl Operation {
    fn apply(&self, entries: &mut Entries) {
        match self {
            Operation::Link(name, entry) => {
                entries.insert(name.clone(), *entry);
            }
            Operation::Unlink(name) => {
                entries.remove(name);
            }
            Operation::Rename(from, to) => {
                if let Some(entry) = entries.remove(from) {
                    entries.insert(to.clone(), entry);
                }
            }
        }
    }
}

/// A path without its last name, and that name.
fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.trim_end_matches('/').rsplit_once('/')?;
    (!name.is_empty()).then_some((parent, name))
}

impl Tree {
    /// What a path stands for.
    pub fn resolve(&self, path: &str) -> Option<Entry> {
        let mut entry = Entry::Directory(0);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Entry::Directory(number) = entry else { return None };
            entry = *self.directories[number as usize].live.get(name)?;
        }
        Some(entry)
    }

    fn directory(&self, path: &str) -> Result<u32, DiskError> {
        match self.resolve(path) {
            Some(Entry::Directory(number)) => Ok(number),
            _ => Err(DiskError::NotFound),
        }
    }

    /// Numbers an operation that the journal holds.
    pub fn count_operation(&mut self) -> u64 {
        self.operations += 1;
        self.operations
    }

    fn change(&mut self, directory: u32, operation: Operation) {
        let number = self.count_operation();
        let changed = Arc::make_mut(&mut self.directories[directory as usize]);
        operation.apply(Arc::make_mut(&mut changed.live));
        changed.pending.push((number, operation));
        self.changed.insert(directory);
    }

    /// Gives an entry a name that is free. The parent must exist.
    pub fn link(&mut self, path: &str, entry: Entry) -> Result<(), DiskError> {
        let (parent, name) = split(path).ok_or(DiskError::NotFound)?;
        let parent = self.directory(parent)?;
        self.change(parent, Operation::Link(name.into(), entry));
        Ok(())
    }

    /// Creates a directory under a name that is free.
    pub fn create_directory(&mut self, path: &str) -> Result<(), DiskError> {
        let number = self.directories.len() as u32;
        self.link(path, Entry::Directory(number))?;
        self.directories.push(Arc::default());
        Ok(())
    }

    /// Takes a name away; returns what it stood for.
    pub fn unlink(&mut self, path: &str) -> Result<Entry, DiskError> {
        let entry = self.resolve(path).ok_or(DiskError::NotFound)?;
        let (parent, name) = split(path).ok_or(DiskError::NotFound)?;
        let parent = self.directory(parent)?;
        self.change(parent, Operation::Unlink(name.into()));
        Ok(entry)
    }

    /// Gives an entry another name, in place of a file of that name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let entry = self.resolve(from).ok_or(DiskError::NotFound)?;
        let (old_parent, old_name) = split(from).ok_or(DiskError::NotFound)?;
        let (new_parent, new_name) = split(to).ok_or(DiskError::NotFound)?;
        let (old_parent, new_parent) = (self.directory(old_parent)?, self.directory(new_parent)?);
        if old_parent == new_parent {
            self.change(old_parent, Operation::Rename(old_name.into(), new_name.into()));
        } else {
            self.change(new_parent, Operation::Link(new_name.into(), entry));
            self.change(old_parent, Operation::Unlink(old_name.into()));
        }
        Ok(())
    }

    /// The names in a directory, sorted.
    pub fn list(&self, path: &str) -> Result<Vec<String>, DiskError> {
        let number = self.directory(path)?;
        Ok(self.directories[number as usize].live.keys().map(|name| name.to_string()).collect())
    }

    /// Makes a directory's entries durable.
    pub fn flush(&mut self, path: &str) -> Result<(), DiskError> {
        let number = self.directory(path)?;
        self.commit(number);
        Ok(())
    }

    /// Whether any operation is pending.
    pub fn has_pending(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Makes every entry durable.
    pub fn flush_all(&mut self) {
        while let Some(number) = self.changed.first().copied() {
            self.commit(number);
        }
    }

    fn commit(&mut self, number: u32) {
        if self.changed.remove(&number) {
            let directory = Arc::make_mut(&mut self.directories[number as usize]);
            directory.durable = directory.live.clone();
            directory.pending.clear();
        }
    }

    /// A name vanishes for good, from the live and from the durable entries. False if there was none.
    pub fn lose(&mut self, path: &str) -> bool {
        let Some(Entry::File(_)) = self.resolve(path) else { return false };
        let Some((parent, name)) = split(path) else { return false };
        let Ok(parent) = self.directory(parent) else { return false };
        let directory = Arc::make_mut(&mut self.directories[parent as usize]);
        Arc::make_mut(&mut directory.live).remove(name);
        Arc::make_mut(&mut directory.durable).remove(name);
        directory.pending.retain(|(_, operation)| match operation {
            Operation::Link(linked, _) => &**linked != name,
            Operation::Unlink(_) => true,
            Operation::Rename(_, to) => &**to != name,
        });
        true
    }

    /// The numbers of all pending operations.
    pub fn pending(&self) -> impl Iterator<Item = u64> {
        let directories = self.changed.iter().map(|number| &self.directories[*number as usize]);
        directories.flat_map(|directory| directory.pending.iter().map(|(number, _)| *number))
    }

    /// The power is gone: in every directory with pending operations, `survives` says of each, given its place among
    /// them, how many there are, and its number in the journal, whether it reached the disk.
    pub fn lose_power(&mut self, mut survives: impl FnMut(usize, usize, u64) -> bool) {
        while let Some(number) = self.changed.pop_first() {
            let directory = Arc::make_mut(&mut self.directories[number as usize]);
            let pending = std::mem::take(&mut directory.pending);
            let durable = Arc::make_mut(&mut directory.durable);
            for (index, (number, operation)) in pending.iter().enumerate() {
                if survives(index, pending.len(), *number) {
                    operation.apply(durable);
                }
            }
            directory.live = directory.durable.clone();
        }
    }

    /// Every file with a name, live or durable or on the way, by slot.
    pub fn named_files(&self) -> BTreeSet<u32> {
        let mut files = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut to_see = vec![0];
        while let Some(number) = to_see.pop() {
            if !seen.insert(number) {
                continue;
            }
            let directory = &self.directories[number as usize];
            let linked = directory.pending.iter().filter_map(|(_, operation)| match operation {
                Operation::Link(_, entry) => Some(*entry),
                Operation::Unlink(_) | Operation::Rename(..) => None,
            });
            let named = directory.live.values().chain(directory.durable.values()).copied();
            for entry in named.chain(linked) {
                match entry {
                    Entry::File(slot) => {
                        files.insert(slot);
                    }
                    Entry::Directory(number) => to_see.push(number),
                }
            }
        }
        files
    }

    /// The live files below a directory, with their paths, sorted by path.
    pub fn files(&self) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        self.collect("", 0, &mut found);
        found.sort();
        found
    }

    /// The slots of the live files below a directory.
    pub fn files_below(&self, path: &str) -> Vec<u32> {
        let mut found = Vec::new();
        if let Ok(number) = self.directory(path) {
            self.collect("", number, &mut found);
        }
        found.into_iter().map(|(_, slot)| slot).collect()
    }

    fn collect(&self, path: &str, number: u32, found: &mut Vec<(String, u32)>) {
        for (name, entry) in self.directories[number as usize].live.iter() {
            let path = format!("{path}/{name}");
            match entry {
                Entry::File(slot) => found.push((path, *slot)),
                Entry::Directory(number) => self.collect(&path, *number, found),
            }
        }
    }
}
