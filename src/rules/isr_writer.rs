//! Who writes a change of the ISR.

use crate::era::Release;

rule! {
    /// Who writes a change of the ISR.
    IsrWriter("isr-writer") {
        /// The leader itself, by compare-and-set of the state znode; the controller hears of it later.
        LeaderWritesZooKeeper("leader-writes-zookeeper", "before KIP-497", [(Release::FIRST, Release::new(2, 7, 0))]),
        /// The controller, at the leader's request.
        AlterPartition("alter-partition", "KIP-497", [(Release::new(2, 7, 0), Release::NEXT)]),
    }
}

/// What a leader does with a change of its ISR.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum IsrWriteStep {
    /// Set the state znode, holding the partition's write lock until ZooKeeper has answered: nobody appends or reads.
    WriteUnderLock,
    /// Queue a request to the controller and go on; the change is pending meanwhile.
    AskController,
}

impl IsrWriter {
    /// What a leader does with a change of its ISR.
    pub fn step(self) -> IsrWriteStep {
        match self {
            IsrWriter::LeaderWritesZooKeeper => IsrWriteStep::WriteUnderLock,
            IsrWriter::AlterPartition => IsrWriteStep::AskController,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rule;

    #[test]
    fn the_controller_writes_from_2_7_on() {
        assert_eq!(IsrWriter::of(Release::new(2, 6, 3)).step(), IsrWriteStep::WriteUnderLock);
        assert_eq!(IsrWriter::of(Release::new(2, 7, 0)).step(), IsrWriteStep::AskController);
    }
}
