//! What unit tests of nodes share: everything a step is lent, in one place, without a world.

use crate::disk::{Disk, DiskError, Extent, FileId};
use crate::node::{Effect, Entropy, Env, Input, Node, Purpose};
use crate::time::{Time, Timestamp};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// A disk in memory: everything is durable at once, until it is told to fail.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk {
    directories: BTreeSet<String>,
    /// Paths, and the files they name.
    names: BTreeMap<String, FileId>,
    files: Vec<Vec<u8>>,
    /// Whether every call fails from now on.
    pub broken: bool,
}

impl MemoryDisk {
    fn works(&self) -> Result<(), DiskError> {
        if self.broken { Err(DiskError::Io) } else { Ok(()) }
    }

    fn bytes(&mut self, file: FileId) -> Result<&mut Vec<u8>, DiskError> {
        self.works()?;
        self.files.get_mut(file.0 as usize).ok_or(DiskError::NotFound)
    }
}

/// Whether `path` is `directory` or below it.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Disk for MemoryDisk {
    fn create_directory(&mut self, path: &str) -> Result<(), DiskError> {
        self.works()?;
        self.directories.insert(path.to_owned());
        Ok(())
    }
    fn list(&mut self, directory: &str) -> Result<Vec<String>, DiskError> {
        self.works()?;
        if !self.directories.contains(directory) {
            return Err(DiskError::NotFound);
        }
        let prefix = format!("{directory}/");
        let paths = self.directories.iter().chain(self.names.keys());
        let names = paths.filter_map(|path| path.strip_prefix(&prefix)).filter(|name| !name.contains('/'));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        Ok(names.into_iter().collect())
    }
    fn remove_directory(&mut self, path: &str) -> Result<(), DiskError> {
        self.works()?;
        self.names.retain(|name, _| !is_below(name, path));
        self.directories.retain(|name| !is_below(name, path));
        Ok(())
    }
    fn exists(&self, path: &str) -> bool {
        self.directories.contains(path) || self.names.contains_key(path)
    }
    fn open(&mut self, path: &str, create: bool) -> Result<FileId, DiskError> {
        self.works()?;
        if let Some(file) = self.names.get(path) {
            return Ok(*file);
        }
        if !create {
            return Err(DiskError::NotFound);
        }
        let file = FileId(self.files.len() as u32);
        self.files.push(Vec::new());
        self.names.insert(path.to_owned(), file);
        Ok(file)
    }
    fn length(&self, file: FileId) -> u64 {
        self.files.get(file.0 as usize).map_or(0, |bytes| bytes.len() as u64)
    }
    fn append(&mut self, file: FileId, extent: Extent) -> Result<(), DiskError> {
        let bytes = self.bytes(file)?;
        bytes.extend_from_slice(&extent.header[..usize::from(extent.header_length)]);
        bytes.extend_from_slice(&extent.body);
        Ok(())
    }
    fn write_at(&mut self, file: FileId, position: u64, written: &[u8]) -> Result<(), DiskError> {
        let bytes = self.bytes(file)?;
        let end = position as usize + written.len();
        bytes.resize(bytes.len().max(end), 0);
        bytes[position as usize..end].copy_from_slice(written);
        Ok(())
    }
    fn read(&mut self, file: FileId, position: u64, length: usize) -> Result<Bytes, DiskError> {
        let bytes = self.bytes(file)?;
        let from = bytes.len().min(position as usize);
        let to = bytes.len().min(from + length);
        Ok(Bytes::copy_from_slice(&bytes[from..to]))
    }
    fn extent(&mut self, file: FileId, _: u64) -> Result<Option<Extent>, DiskError> {
        self.bytes(file).map(|_| None)
    }
    fn truncate(&mut self, file: FileId, length: u64) -> Result<(), DiskError> {
        self.bytes(file)?.truncate(length as usize);
        Ok(())
    }
    fn flush(&mut self, file: FileId) -> Result<(), DiskError> {
        self.bytes(file).map(|_| ())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.works()?;
        let moved = |path: &str| is_below(path, from).then(|| format!("{to}{}", &path[from.len()..]));
        let names = std::mem::take(&mut self.names);
        let (renamed, rest): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|(path, _)| moved(path).is_some());
        self.names.extend(rest);
        self.names.extend(renamed.into_iter().filter_map(|(path, file)| Some((moved(&path)?, file))));
        let directories = std::mem::take(&mut self.directories);
        self.directories.extend(directories.into_iter().map(|path| moved(&path).unwrap_or(path)));
        Ok(())
    }
    fn delete(&mut self, path: &str) -> Result<(), DiskError> {
        self.works()?;
        self.names.remove(path).map(|_| ()).ok_or(DiskError::NotFound)
    }
    fn flush_directory(&mut self, _: &str) -> Result<(), DiskError> {
        self.works()
    }
}

/// Entropy that counts: 0, 1, 2, whatever the purpose.
#[derive(Default)]
pub(crate) struct Counting(pub u64);

impl Entropy for Counting {
    fn draw(&mut self, _: Purpose) -> u64 {
        self.0 += 1;
        self.0 - 1
    }
}

/// Everything a step is lent. Time moves only by hand.
pub(crate) struct TestEnv {
    pub now: Time,
    pub wall: Timestamp,
    pub entropy: Counting,
    pub effects: Vec<Effect>,
    pub marks: Vec<crate::ids::TopicPartition>,
    pub disk: MemoryDisk,
}

impl TestEnv {
    /// At time 0.
    pub fn new() -> TestEnv {
        TestEnv {
            now: Time::ZERO,
            wall: Timestamp(1_000_000),
            entropy: Counting::default(),
            effects: Vec::new(),
            marks: Vec::new(),
            disk: MemoryDisk::default(),
        }
    }

    /// Lends it, for a part of a node that is tested on its own.
    pub fn env(&mut self) -> Env<'_> {
        Env {
            now: self.now,
            wall: self.wall,
            disk: &mut self.disk,
            entropy: &mut self.entropy,
            effects: &mut self.effects,
            marks: &mut self.marks,
            notes_wanted: true,
        }
    }

    /// One step of a node: what it wants done.
    pub fn step(&mut self, node: &mut impl Node, input: Input) -> Vec<Effect> {
        node.step(input, &mut self.env());
        std::mem::take(&mut self.effects)
    }
}
