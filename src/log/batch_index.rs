//! Every batch of a log, in memory: where it stands and what is known of it.
//!
//! Kafka finds a batch through the sparse offset index and a scan from there. We write that index byte for byte but
//! find batches here: by binary search, without touching the disk, and checkers read the same list. It is kept
//! exactly in step with the files. Cloning shares it; the first change after a clone copies it.

use super::partition_log::BatchInfo;
use crate::ids::Offset;
use std::sync::Arc;

/// All batches of a log, oldest first.
#[derive(Clone, Debug, Default)]
pub struct BatchIndex {
    shared: Arc<Columns>,
}

#[derive(Clone, Debug, Default)]
struct Columns {
    infos: Vec<BatchInfo>,
    /// Position of each batch in its segment's file.
    positions: Vec<u32>,
}

/// So many batches are looked at from the end before the others are searched.
const NEAR_THE_END: usize = 3;

impl BatchIndex {
    /// What is known of each batch.
    pub fn infos(&self) -> &[BatchInfo] {
        &self.shared.infos
    }

    /// Where the batch of this number begins in its segment.
    pub fn position(&self, number: usize) -> u32 {
        self.shared.positions[number]
    }

    /// The number of the first batch whose last offset is at or after `offset`: the one that holds it, if any does.
    pub fn find(&self, offset: Offset) -> usize {
        // Who reads is nearly always at the end; a search through all would touch memory that nothing else needs.
        let infos = self.infos();
        let mut end = infos.len();
        for _ in 0..NEAR_THE_END {
            match infos[..end].last() {
                Some(last) if last.last_offset >= offset => end -= 1,
                _ => return end,
            }
        }
        infos[..end].partition_point(|info| info.last_offset < offset)
    }

    /// Adds the next batch.
    pub fn push(&mut self, info: BatchInfo, position: u32) {
        let columns = Arc::make_mut(&mut self.shared);
        columns.infos.push(info);
        columns.positions.push(position);
    }

    /// Forgets the batches below `offset`, where a batch begins.
    pub fn drop_below(&mut self, offset: Offset) {
        let count = self.find(offset);
        if count > 0 {
            let columns = Arc::make_mut(&mut self.shared);
            columns.infos.drain(..count);
            columns.positions.drain(..count);
        }
    }

    /// Keeps the first `count` batches.
    pub fn truncate(&mut self, count: usize) {
        if count < self.infos().len() {
            let columns = Arc::make_mut(&mut self.shared);
            columns.infos.truncate(count);
            columns.positions.truncate(count);
        }
    }
}
