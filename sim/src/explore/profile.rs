//! Profiles: which kinds of fault a random run may have, and how often. Few, shared, none made for one flaw.

use std::fmt;

/// What a run is about.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Profile {
    /// Leaders and controllers change: sessions expire, processes die or stand still, control messages and fetches are
    /// late.
    Elections,
    /// Machines lose power, disks fail.
    Durability,
    /// Links are cut, slow, late, or go one way.
    Network,
    /// All of it.
    Everything,
}

/// A kind of fault, or of what an operator does.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FaultKind {
    /// A broker is killed, and restarted after a while.
    Kill,
    /// A broker stands still for a while.
    Pause,
    /// A broker is shut down in order, and restarted.
    Shutdown,
    /// ZooKeeper ends the session of a broker that runs.
    ExpireSession,
    /// The controller's znode is deleted: another broker may win it.
    MoveController,
    /// The preferred leaders are elected.
    ElectPreferred,
    /// A partition gets other replicas, or the same in another order.
    Reassign,
    /// What the controller tells brokers waits.
    HoldControl,
    /// Fetches between replicas, or their answers, wait.
    HoldFetch,
    /// Questions and answers about epochs wait.
    HoldEpochs,
    /// What a leader tells of its ISR waits.
    HoldIsr,
    /// All that one node sends to another is late.
    Delay,
    /// Messages are lost, and their connection with them.
    Drop,
    /// Nothing gets through between two groups.
    Cut,
    /// Nothing gets through one way.
    CutOneWay,
    /// A broker does not reach ZooKeeper.
    CutFromZooKeeper,
    /// A link is slow.
    SlowLink,
    /// Connections break.
    Reset,
    /// A broker computes slowly.
    SlowCpu,
    /// A machine loses power.
    PowerOff,
    /// A disk is slow.
    SlowDisk,
    /// A disk fails, or is full.
    DiskFails,
    /// The operating system writes back what was not flushed.
    WrittenBack,
    /// A wall clock jumps.
    StepClock,
    /// A topic's settings change.
    SetTopic,
    /// The oldest records of a partition are deleted.
    DeleteRecords,
}

/// What faults are to each other.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Family {
    /// Messages are late or lost.
    Late,
    /// Somebody else may lead after it.
    Change,
    /// No fault: somebody writes.
    Write,
    /// Anything else.
    Other,
}

/// A kind, and how often it is drawn in each profile: elections, durability, network, everything.
type Row = (FaultKind, &'static str, [u32; 4]);

const TABLE: &[Row] = &[
    (FaultKind::Kill, "kill", [6, 4, 2, 4]),
    (FaultKind::Pause, "pause", [6, 1, 1, 4]),
    (FaultKind::Shutdown, "shutdown", [4, 2, 0, 3]),
    (FaultKind::ExpireSession, "expire-session", [8, 1, 1, 5]),
    (FaultKind::MoveController, "move-controller", [4, 0, 1, 2]),
    (FaultKind::ElectPreferred, "elect-preferred", [9, 1, 1, 5]),
    (FaultKind::Reassign, "reassign", [4, 1, 0, 2]),
    (FaultKind::HoldControl, "hold-control", [5, 0, 2, 3]),
    (FaultKind::HoldFetch, "hold-fetch", [12, 4, 4, 7]),
    (FaultKind::HoldEpochs, "hold-epochs", [4, 0, 1, 2]),
    (FaultKind::HoldIsr, "hold-isr", [3, 0, 1, 2]),
    (FaultKind::Delay, "delay", [3, 0, 5, 3]),
    (FaultKind::Drop, "drop", [0, 0, 2, 1]),
    (FaultKind::Cut, "cut", [2, 0, 6, 2]),
    (FaultKind::CutOneWay, "cut-one-way", [0, 0, 5, 2]),
    (FaultKind::CutFromZooKeeper, "cut-from-zookeeper", [3, 0, 4, 2]),
    (FaultKind::SlowLink, "slow-link", [2, 1, 5, 2]),
    (FaultKind::Reset, "reset", [1, 0, 4, 2]),
    (FaultKind::SlowCpu, "slow-cpu", [1, 0, 1, 1]),
    (FaultKind::PowerOff, "power-off", [0, 10, 0, 4]),
    (FaultKind::SlowDisk, "slow-disk", [0, 2, 0, 1]),
    (FaultKind::DiskFails, "disk-fails", [0, 2, 0, 1]),
    (FaultKind::WrittenBack, "written-back", [0, 3, 0, 1]),
    (FaultKind::StepClock, "step-clock", [0, 1, 0, 1]),
    (FaultKind::SetTopic, "set-topic", [1, 1, 0, 1]),
    (FaultKind::DeleteRecords, "delete-records", [2, 2, 0, 2]),
];

impl Profile {
    /// Every profile.
    pub const ALL: [Profile; 4] =
        [Profile::Elections, Profile::Durability, Profile::Network, Profile::Everything];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Elections => "elections",
            Profile::Durability => "durability",
            Profile::Network => "network",
            Profile::Everything => "everything",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// Its kinds of fault, with their weights.
    pub fn kinds(self) -> Vec<(FaultKind, u32)> {
        let weight = |row: &Row| row.2[self as usize];
        TABLE.iter().filter(|row| weight(row) > 0).map(|row| (row.0, weight(row))).collect()
    }

    /// Whether machines lose their power.
    pub fn has_power_failures(self) -> bool {
        self.kinds().iter().any(|(kind, _)| *kind == FaultKind::PowerOff)
    }

    /// In one of so many runs, machines may lose more page caches at once than the contract survives: the auditor then
    /// tells declared losses apart. `None`: never.
    pub fn beyond_the_contract(self) -> Option<u64> {
        match self {
            Profile::Durability => Some(5),
            Profile::Elections | Profile::Network | Profile::Everything => None,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FaultKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = FaultKind> {
        TABLE.iter().map(|row| row.0)
    }

    /// What it is to others.
    pub fn family(self) -> Family {
        match self {
            FaultKind::Kill
            | FaultKind::Pause
            | FaultKind::Shutdown
            | FaultKind::ExpireSession
            | FaultKind::MoveController
            | FaultKind::ElectPreferred
            | FaultKind::Reassign
            | FaultKind::CutFromZooKeeper
            | FaultKind::PowerOff => Family::Change,
            FaultKind::HoldControl
            | FaultKind::HoldFetch
            | FaultKind::HoldEpochs
            | FaultKind::HoldIsr
            | FaultKind::Delay
            | FaultKind::Drop
            | FaultKind::Cut
            | FaultKind::CutOneWay
            | FaultKind::SlowLink
            | FaultKind::Reset
            | FaultKind::SlowCpu => Family::Late,
            FaultKind::SlowDisk
            | FaultKind::DiskFails
            | FaultKind::WrittenBack
            | FaultKind::StepClock
            | FaultKind::SetTopic
            | FaultKind::DeleteRecords => Family::Other,
        }
    }

    /// A stable name, for coverage.
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).expect("every kind has a row").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_in_the_table_once_and_in_everything() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index, "{:?}", row.0);
            assert!(row.2[Profile::Everything as usize] > 0 && row.2.iter().any(|weight| *weight > 0));
        }
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.name()), Some(profile));
        }
    }
}
