//! What is seen of a replica after an event: how it is taken over from the broker's view.

use super::ghost::{Log, Seen};
use kafka::broker::view::{ReplicaView, Role};
use kafka::ids::{BrokerId, LeaderEpoch, NodeId, Offset};
use kafka::log::partition_log::BatchInfo;

impl Seen {
    pub(super) fn nothing(node: NodeId, broker: BrokerId) -> Seen {
        Seen {
            node,
            broker,
            alive: true,
            life: 0,
            role: Role::Idle,
            leader_epoch: LeaderEpoch::NONE,
            high_watermark: Offset::ZERO,
            start: Offset::ZERO,
            end: Offset::ZERO,
            isr: Vec::new(),
            batches: Log::default(),
            epochs: Vec::new(),
            maximal_isr: Vec::new(),
            flushed: Offset::ZERO,
            lost_power: false,
            complete: 0,
        }
    }

    /// Takes over everything but the log. Says whether the ISR it holds is another, and whether its leader epoch cache is.
    pub(super) fn look(&mut self, view: &ReplicaView<'_>, life: u32) -> (bool, bool) {
        self.alive = true;
        self.flushed = view.log.recovery_point();
        self.lost_power = false;
        if self.maximal_isr != view.maximal_isr {
            self.maximal_isr.clear();
            self.maximal_isr.extend_from_slice(view.maximal_isr);
        }
        self.life = life;
        self.role = view.role;
        self.leader_epoch = view.leader_epoch;
        self.high_watermark = view.high_watermark;
        self.start = view.log.start_offset();
        self.end = view.log.end_offset();
        let isr_changed = self.isr != view.isr;
        if isr_changed {
            self.isr.clear();
            self.isr.extend_from_slice(view.isr);
        }
        let epochs_changed = self.epochs != view.log.epochs();
        if epochs_changed {
            self.epochs.clear();
            self.epochs.extend_from_slice(view.log.epochs());
        }
        (isr_changed, epochs_changed)
    }

    /// Takes over a log as it is now, which starts at `start`. Returns how many batches were kept, and what went.
    ///
    /// Logs change at their ends: what is equal at one place is equal before it.
    pub(super) fn take_log(&mut self, now: &[BatchInfo], start: Offset) -> (usize, Vec<BatchInfo>) {
        let mut dropped = Vec::new();
        if let (Some(old), Some(new)) = (self.batches.get(0), now.first())
            && old.base_offset < new.base_offset
        {
            let front = self.batches.partition_point(|batch| batch.base_offset < new.base_offset);
            // Deletion from the front is no cut, but a hole behind the log's start offset is.
            dropped
                .extend(self.batches.iter().take(front).filter(|batch| batch.last_offset >= start).copied());
            self.batches.drop_front(front);
        }
        let mut kept = self.batches.len().min(now.len());
        while kept > 0 && self.batches.get(kept - 1) != Some(&now[kept - 1]) {
            kept -= 1;
        }
        dropped.extend(self.batches.split_off(kept));
        self.batches.extend(now[kept..].iter().copied());
        (kept, dropped)
    }
}
