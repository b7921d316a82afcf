//! The disk of one simulated machine: real bytes, a page cache, and everything that can happen to both.
//!
//! [`file`] is a file's bytes with the marks of what is durable, `tree` the names with theirs; this is the disk as a
//! node is lent it, and as the kernel does things to it. A clone shares everything and costs two reference counts;
//! what is written afterwards is copied, the last few pieces of a file at a time.
//!
//! What a call costs in time adds up until the kernel takes it ([`SimDisk::take_cost`]): an append or a read 1 µs and
//! 1 µs for every 64 KiB, an operation on names 5 µs, a flush 500 µs or what was set; times the slow factor.
//!
//! **Names and lengths after a power failure.** A node may only count on a name once it has flushed the directory, and on
//! a truncation once it has flushed the file. What the file system does by itself is a choice, [`Journal`]: ext4 and XFS
//! write names and lengths to one journal, in order, and commit all that came before with any flush; a file system that
//! promises nothing commits what it was asked to. Kafka before 3.0 flushes no directory (KAFKA-3968), no release flushes
//! a log that it truncates: they live by the first kind.
//!
//! Left out: write-back by itself (a world may have it done: [`DiskFault::WrittenBack`]), reordering within a file but by [`Survives::AnySubset`]; a bad sector spoils a whole file.

mod file;
mod tree;

use crate::world::spec::DiskSpec;
use crate::world::{DiskFault, Survives};
use bytes::Bytes;
use file::File;
use kafka::disk::{Disk, DiskError, Extent, FileId};
use kafka::log::log_manager::LOG_DIRECTORY;
use kafka::time::Micros;
use std::sync::Arc;
use tree::{Entry, Tree};

/// Which operations on names, and which truncations, a flush makes durable.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub enum Journal {
    /// Every earlier one, whatever was flushed: one journal in order (ext4, XFS).
    #[default]
    InOrder,
    /// Only those of a directory, or of a file, that was flushed itself: all that POSIX promises.
    Strict,
}

/// How many closed files without a name are kept before they are cleared away.
const GARBAGE: u32 = 64;
/// Bytes that cost a microsecond more.
const BYTES_PER_MICRO: u64 = 64 * 1024;
const NAME_COST: u64 = 5;

#[derive(Clone, Debug, Default)]
struct Slot {
    file: File,
    /// The life in which it was opened and not closed since; 0 for none.
    opened_in: u32,
    /// Whether reading it fails.
    unreadable: bool,
}

/// One machine's disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    slots: Arc<Vec<Arc<Slot>>>,
    tree: Arc<Tree>,
    free: Vec<u32>,
    /// Files truncated below what was durable, since the journal was last committed.
    cut: Vec<u32>,
    /// Files closed without a name since the last clearing, at most.
    garbage: u32,
    /// Counted from 1; part of every [`FileId`], so that one kept over a restart is found out.
    life: u32,
    journal: Journal,
    broken: bool,
    full: bool,
    slow: u64,
    flush_cost: Micros,
    cost: u64,
}

impl Default for SimDisk {
    fn default() -> Self {
        SimDisk::new()
    }
}

impl SimDisk {
    /// An empty disk of a file system with a journal in order.
    pub fn new() -> SimDisk {
        SimDisk {
            slots: Arc::default(),
            tree: Arc::default(),
            free: Vec::new(),
            cut: Vec::new(),
            garbage: 0,
            life: 1,
            journal: Journal::default(),
            broken: false,
            full: false,
            slow: 1,
            flush_cost: DiskSpec::default().flush,
            cost: 0,
        }
    }

    /// The same disk with another kind of file system.
    pub fn with_journal(mut self, journal: Journal) -> SimDisk {
        self.journal = journal;
        self
    }

    /// An empty disk as a world has it.
    pub fn of(spec: DiskSpec) -> SimDisk {
        let mut disk = SimDisk::new().with_journal(spec.journal);
        disk.set_flush_cost(spec.flush);
        disk
    }

    /// What a flush costs from now on.
    pub fn set_flush_cost(&mut self, cost: Micros) {
        self.flush_cost = cost;
    }

    /// What the calls since the last time cost.
    pub fn take_cost(&mut self) -> Micros {
        Micros(std::mem::take(&mut self.cost))
    }

    /// The process is gone: its files are closed, the page cache stays. To be called at every end of a life.
    pub fn end_of_life(&mut self) {
        self.life += 1;
        self.garbage = 0;
        self.clear_garbage();
    }

    /// Whether it works, at its own speed.
    pub fn is_sound(&self) -> bool {
        !self.broken && !self.full && self.slow == 1
    }

    /// The machine has lost its power: the process is gone, and what was not flushed with it, but for what `survives`.
    /// Files are taken in a fixed order; `draw` is called a number of times that depends on what was unflushed.
    pub fn power_loss(&mut self, survives: Survives, draw: &mut dyn FnMut() -> u64) {
        let journal = (self.journal == Journal::InOrder).then(|| self.journal_left(survives, draw));
        let tree = Arc::make_mut(&mut self.tree);
        let mut kept = 0;
        tree.lose_power(|index, count, number| match survives {
            _ if journal.is_some() => journal.is_some_and(|left| number < left),
            Survives::Nothing => false,
            Survives::SomePrefix => {
                if index == 0 {
                    kept = draw() % (count as u64 + 1);
                }
                (index as u64) < kept
            }
            Survives::AnySubset => draw() & 1 == 1,
            Survives::TornTail => true,
        });
        let slots = Arc::make_mut(&mut self.slots);
        for slot in slots.iter_mut().filter(|slot| !slot.file.is_flushed()) {
            let file = &mut Arc::make_mut(slot).file;
            file.commit_cuts(journal.unwrap_or(0));
            match survives {
                // What was written after a truncation cannot be there without it.
                _ if journal.is_some() && file.cuts().next().is_some() => file.lose_all(),
                Survives::Nothing => file.lose_all(),
                Survives::SomePrefix => file.lose_suffix(draw),
                Survives::AnySubset => file.lose_some(draw),
                Survives::TornTail => file.tear(),
            }
        }
        self.cut.clear();
        self.end_of_life();
    }

    /// Up to which of the operations that are not committed the journal is there after a power failure: those before this
    /// number.
    fn journal_left(&self, survives: Survives, draw: &mut dyn FnMut() -> u64) -> u64 {
        let cuts = self.cut.iter().flat_map(|slot| self.slots[*slot as usize].file.cuts());
        let mut open: Vec<u64> = self.tree.pending().chain(cuts).collect();
        open.sort_unstable();
        match survives {
            Survives::Nothing => 0,
            Survives::TornTail => u64::MAX,
            Survives::SomePrefix | Survives::AnySubset if open.is_empty() => 0,
            Survives::SomePrefix | Survives::AnySubset => {
                let kept = draw() % (open.len() as u64 + 1);
                open.get(kept as usize).copied().unwrap_or(u64::MAX)
            }
        }
    }

    /// Does this to the disk. False if there is no such file, or it has no such byte.
    pub fn fault(&mut self, fault: DiskFault) -> bool {
        match fault {
            DiskFault::Broken(broken) => self.broken = broken,
            DiskFault::Full(full) => self.full = full,
            DiskFault::WrittenBack => {
                Arc::make_mut(&mut self.tree).flush_all();
                for slot in Arc::make_mut(&mut self.slots).iter_mut().filter(|slot| !slot.file.is_flushed()) {
                    Arc::make_mut(slot).file.flush();
                }
            }
            DiskFault::Slow(factor) => self.slow = u64::from(factor.max(1)),
            DiskFault::Rot { file, position } => {
                let Some(Entry::File(slot)) = self.tree.resolve(&in_log_directory(&file)) else {
                    return false;
                };
                return self.slot_mut(slot).file.rot(position);
            }
            DiskFault::Unreadable { file, fails } => {
                let Some(Entry::File(slot)) = self.tree.resolve(&in_log_directory(&file)) else {
                    return false;
                };
                self.slot_mut(slot).unreadable = fails;
            }
            DiskFault::Lose { file } => {
                return Arc::make_mut(&mut self.tree).lose(&in_log_directory(&file));
            }
            DiskFault::Wipe => {
                self.tree = Arc::default();
                // Not one file of a running process is left either: every handle fails from now on.
                for slot in Arc::make_mut(&mut self.slots) {
                    *slot = Arc::default();
                }
                self.garbage = 0;
                self.free.clear();
                self.cut.clear();
            }
        }
        true
    }

    /// The paths of all files, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.tree.files().into_iter().map(|(path, _)| path).collect()
    }

    /// A file's bytes as a process would read them, faults or not.
    pub fn read_path(&self, path: &str) -> Option<Bytes> {
        let Some(Entry::File(slot)) = self.tree.resolve(path) else { return None };
        let file = &self.slots[slot as usize].file;
        Some(file.read(0, file.length() as usize))
    }

    /// A copy to look at with `kafka::log::inspect`: without faults, in a life of its own.
    pub fn to_look_at(&self) -> SimDisk {
        let mut copy = self.clone();
        copy.broken = false;
        copy.life += 1;
        copy
    }

    fn charge(&mut self, cost: u64) {
        self.cost += cost * self.slow;
    }

    fn charge_bytes(&mut self, bytes: u64) {
        self.charge(1 + bytes / BYTES_PER_MICRO);
    }

    fn check(&self) -> Result<(), DiskError> {
        if self.broken { Err(DiskError::Io) } else { Ok(()) }
    }

    fn check_room(&self) -> Result<(), DiskError> {
        self.check()?;
        if self.full { Err(DiskError::Full) } else { Ok(()) }
    }

    fn id(&self, slot: u32) -> FileId {
        FileId(self.life << 24 | slot)
    }

    /// The slot of an open file; `None` if it went with the disk.
    ///
    /// # Panics
    /// If the id is of an earlier life: a bug of the node.
    fn slot(&self, file: FileId) -> Option<u32> {
        assert_eq!(file.0 >> 24, self.life & 0xff, "a file opened in an earlier life is used");
        let slot = file.0 & 0xff_ffff;
        (self.slots.get(slot as usize)?.opened_in == self.life).then_some(slot)
    }

    fn open_file(&self, file: FileId) -> Result<&File, DiskError> {
        let slot = self.slot(file).ok_or(DiskError::Io)?;
        Ok(&self.slots[slot as usize].file)
    }

    fn readable_file(&self, file: FileId) -> Result<&File, DiskError> {
        let slot = self.slot(file).ok_or(DiskError::Io)?;
        let Slot { file, unreadable, .. } = &*self.slots[slot as usize];
        if *unreadable { Err(DiskError::Io) } else { Ok(file) }
    }

    fn open_file_mut(&mut self, file: FileId) -> Result<&mut File, DiskError> {
        let slot = self.slot(file).ok_or(DiskError::Io)?;
        Ok(&mut self.slot_mut(slot).file)
    }

    fn slot_mut(&mut self, slot: u32) -> &mut Slot {
        Arc::make_mut(&mut Arc::make_mut(&mut self.slots)[slot as usize])
    }

    fn new_slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let slots = Arc::make_mut(&mut self.slots);
            slots.push(Arc::default());
            let slot = slots.len() as u32 - 1;
            assert!(slot < 1 << 24, "a disk has room for 16 million files");
            slot
        })
    }

    /// Notes that a file may have no use any more, and clears such files away once they are many.
    fn may_be_garbage(&mut self, files: u32) {
        self.garbage += files;
        if self.garbage > GARBAGE {
            self.garbage = 0;
            self.clear_garbage();
        }
    }

    fn clear_garbage(&mut self) {
        let named = self.tree.named_files();
        let mut free = Vec::new();
        for (number, slot) in self.slots.iter().enumerate() {
            if slot.opened_in != self.life && !named.contains(&(number as u32)) {
                free.push(number as u32);
            }
        }
        for number in &free {
            let file = &self.slots[*number as usize].file;
            if file.length() > 0 || !file.is_flushed() {
                *self.slot_mut(*number) = Slot::default();
            }
        }
        free.reverse();
        self.free = free;
    }

    fn close_slot(&mut self, slot: u32) {
        if self.slots[slot as usize].opened_in != 0 {
            self.slot_mut(slot).opened_in = 0;
        }
    }

    /// With a journal in order, a flush of anything commits every name and every truncation.
    fn commit_journal(&mut self) {
        if self.journal != Journal::InOrder {
            return;
        }
        if self.tree.has_pending() {
            Arc::make_mut(&mut self.tree).flush_all();
        }
        for slot in std::mem::take(&mut self.cut) {
            self.slot_mut(slot).file.commit_cuts(u64::MAX);
        }
    }
}

fn in_log_directory(file: &str) -> String {
    format!("{LOG_DIRECTORY}/{file}")
}

impl Disk for SimDisk {
    fn create_directory(&mut self, path: &str) -> Result<(), DiskError> {
        self.charge(NAME_COST);
        self.check_room()?;
        match self.tree.resolve(path) {
            Some(Entry::Directory(_)) => Ok(()),
            Some(Entry::File(_)) => Err(DiskError::Io),
            None => Arc::make_mut(&mut self.tree).create_directory(path),
        }
    }

    fn list(&mut self, directory: &str) -> Result<Vec<String>, DiskError> {
        self.charge(NAME_COST);
        self.check()?;
        self.tree.list(directory)
    }

    fn remove_directory(&mut self, path: &str) -> Result<(), DiskError> {
        self.charge(NAME_COST);
        self.check()?;
        let Some(Entry::Directory(_)) = self.tree.resolve(path) else { return Err(DiskError::NotFound) };
        let files = self.tree.files_below(path);
        Arc::make_mut(&mut self.tree).unlink(path)?;
        for slot in &files {
            self.close_slot(*slot);
        }
        self.may_be_garbage(files.len() as u32);
        Ok(())
    }

    fn exists(&self, path: &str) -> bool {
        self.tree.resolve(path).is_some()
    }

    fn open(&mut self, path: &str, create: bool) -> Result<FileId, DiskError> {
        self.charge(NAME_COST);
        self.check()?;
        let slot = match self.tree.resolve(path) {
            Some(Entry::File(slot)) => slot,
            Some(Entry::Directory(_)) => return Err(DiskError::Io),
            None if !create => return Err(DiskError::NotFound),
            None => {
                self.check_room()?;
                let slot = self.new_slot();
                let linked = Arc::make_mut(&mut self.tree).link(path, Entry::File(slot));
                if let Err(error) = linked {
                    self.free.push(slot);
                    return Err(error);
                }
                slot
            }
        };
        if self.slots[slot as usize].opened_in != self.life {
            self.slot_mut(slot).opened_in = self.life;
        }
        Ok(self.id(slot))
    }

    fn close(&mut self, file: FileId) {
        if let Some(slot) = self.slot(file) {
            self.close_slot(slot);
            self.may_be_garbage(1);
        }
    }

    fn length(&self, file: FileId) -> u64 {
        self.open_file(file).map_or(0, File::length)
    }

    fn append(&mut self, file: FileId, extent: Extent) -> Result<(), DiskError> {
        self.charge_bytes(extent.length());
        self.check_room()?;
        self.open_file_mut(file)?.append(extent);
        Ok(())
    }

    fn write_at(&mut self, file: FileId, position: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.charge_bytes(bytes.len() as u64);
        self.check_room()?;
        self.open_file_mut(file)?.write_at(position, bytes);
        Ok(())
    }

    fn read(&mut self, file: FileId, position: u64, length: usize) -> Result<Bytes, DiskError> {
        self.check()?;
        let bytes = self.readable_file(file)?.read(position, length);
        self.charge_bytes(bytes.len() as u64);
        Ok(bytes)
    }

    fn extent(&mut self, file: FileId, position: u64) -> Result<Option<Extent>, DiskError> {
        self.check()?;
        let extent = self.readable_file(file)?.extent(position);
        self.charge_bytes(extent.as_ref().map_or(0, Extent::length));
        Ok(extent)
    }

    fn truncate(&mut self, file: FileId, length: u64) -> Result<(), DiskError> {
        self.charge_bytes(0);
        self.check()?;
        if self.open_file(file)?.length() > length {
            let number = Arc::make_mut(&mut self.tree).count_operation();
            let slot = self.slot(file).ok_or(DiskError::Io)?;
            if self.slot_mut(slot).file.truncate(length, number) {
                self.cut.push(slot);
            }
        }
        Ok(())
    }

    fn flush(&mut self, file: FileId) -> Result<(), DiskError> {
        self.charge(self.flush_cost.0);
        self.check()?;
        if !self.open_file(file)?.is_flushed() {
            self.open_file_mut(file)?.flush();
        }
        self.commit_journal();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.charge(NAME_COST);
        self.check()?;
        let replaced = match (self.tree.resolve(from), self.tree.resolve(to)) {
            (None, _) => return Err(DiskError::NotFound),
            (Some(one), Some(other)) if one == other => return Ok(()),
            (_, Some(Entry::Directory(_))) => return Err(DiskError::Io),
            (_, replaced) => replaced.is_some(),
        };
        Arc::make_mut(&mut self.tree).rename(from, to)?;
        self.may_be_garbage(u32::from(replaced));
        Ok(())
    }

    fn delete(&mut self, path: &str) -> Result<(), DiskError> {
        self.charge(NAME_COST);
        self.check()?;
        let Some(Entry::File(_)) = self.tree.resolve(path) else { return Err(DiskError::NotFound) };
        Arc::make_mut(&mut self.tree).unlink(path)?;
        self.may_be_garbage(1);
        Ok(())
    }

    fn flush_directory(&mut self, path: &str) -> Result<(), DiskError> {
        self.charge(self.flush_cost.0);
        self.check()?;
        Arc::make_mut(&mut self.tree).flush(path)?;
        self.commit_journal();
        Ok(())
    }
}
