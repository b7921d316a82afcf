//! The disk: a stand-in until the real one arrives. Every file is absent; `costly` makes calls cost time.

use crate::world::{DiskFault, Survives};
use bytes::Bytes;
use kafka::disk::{Disk, DiskError, Extent, FileId};
use kafka::time::Micros;

/// One machine's disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    cost: Micros,
    slow: u32,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// The process ended.
    pub fn end_of_life(&mut self) {}

    /// The machine lost power.
    pub fn power_loss(&mut self, survives: Survives, draw: &mut dyn FnMut() -> u64) {
        let _ = (survives, draw());
    }

    /// A fault.
    pub fn fault(&mut self, fault: DiskFault) -> bool {
        if let DiskFault::Slow(factor) = fault {
            self.slow = factor;
        }
        true
    }

    /// What the calls since the last time cost.
    pub fn take_cost(&mut self) -> Micros {
        std::mem::take(&mut self.cost)
    }
}

impl Disk for SimDisk {
    fn create_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
    fn list(&mut self, _: &str) -> Result<Vec<String>, DiskError> {
        Err(DiskError::NotFound)
    }
    fn remove_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn exists(&self, _: &str) -> bool {
        false
    }
    fn open(&mut self, _: &str, _: bool) -> Result<FileId, DiskError> {
        Err(DiskError::NotFound)
    }
    fn length(&self, _: FileId) -> u64 {
        0
    }
    fn append(&mut self, _: FileId, _: Extent) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn write_at(&mut self, _: FileId, _: u64, _: &[u8]) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn read(&mut self, _: FileId, _: u64, _: usize) -> Result<Bytes, DiskError> {
        Err(DiskError::NotFound)
    }
    fn extent(&mut self, _: FileId, _: u64) -> Result<Option<Extent>, DiskError> {
        Err(DiskError::NotFound)
    }
    fn truncate(&mut self, _: FileId, _: u64) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn flush(&mut self, _: FileId) -> Result<(), DiskError> {
        self.cost = Micros(u64::from(self.slow.max(1)) * 1000);
        Ok(())
    }
    fn rename(&mut self, _: &str, _: &str) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn delete(&mut self, _: &str) -> Result<(), DiskError> {
        Err(DiskError::NotFound)
    }
    fn flush_directory(&mut self, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
}
