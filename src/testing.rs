//! What unit tests of nodes share: everything a step is lent, in one place, without a world.

use crate::disk::{Disk, DiskError, Extent, FileId};
use crate::node::{Effect, Entropy, Env, Input, Node, Purpose};
use crate::time::{Time, Timestamp};
use bytes::Bytes;

/// A disk on which nothing is, and on which nothing stays.
pub(crate) struct NoDisk;

impl Disk for NoDisk {
    fn create_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn list(&mut self, _: &str) -> Result<Vec<String>, DiskError> {
        Ok(Vec::new())
    }
    fn remove_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn exists(&self, _: &str) -> bool {
        false
    }
    fn open(&mut self, _: &str, create: bool) -> Result<FileId, DiskError> {
        if create { Ok(FileId(0)) } else { Err(DiskError::NotFound) }
    }
    fn length(&self, _: FileId) -> u64 {
        0
    }
    fn append(&mut self, _: FileId, _: Extent) -> Result<(), DiskError> {
        Ok(())
    }
    fn write_at(&mut self, _: FileId, _: u64, _: &[u8]) -> Result<(), DiskError> {
        Ok(())
    }
    fn read(&mut self, _: FileId, _: u64, _: usize) -> Result<Bytes, DiskError> {
        Ok(Bytes::new())
    }
    fn extent(&mut self, _: FileId, _: u64) -> Result<Option<Extent>, DiskError> {
        Ok(None)
    }
    fn truncate(&mut self, _: FileId, _: u64) -> Result<(), DiskError> {
        Ok(())
    }
    fn flush(&mut self, _: FileId) -> Result<(), DiskError> {
        Ok(())
    }
    fn rename(&mut self, _: &str, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn delete(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn flush_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
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
    disk: NoDisk,
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
            disk: NoDisk,
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
