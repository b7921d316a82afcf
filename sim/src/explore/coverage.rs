//! What trials have seen between them: notes, rules that decided, kinds of fault, and how partitions moved from one state
//! to another; and what never came.

use super::profile::{FaultKind, Profile};
use crate::scenario::validate::note_names;
use crate::world::World;
use kafka::ids::BrokerId;
use kafka::note::Decided;
use kafka::partition_map::PartitionMap;
use kafka::zookeeper::znode::PartitionState;
use std::collections::{BTreeMap, BTreeSet};

/// How a partition stands in ZooKeeper.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// Led, and every replica is in the ISR.
    Whole,
    /// Led, and some are not.
    Shrunk,
    /// Led, and its leader is alone.
    Alone,
    /// Nobody leads.
    Leaderless,
}

impl Standing {
    /// Every one.
    pub const ALL: [Standing; 4] = [Standing::Whole, Standing::Shrunk, Standing::Alone, Standing::Leaderless];

    fn of(state: &PartitionState, replicas: usize) -> Standing {
        match state.isr.len() {
            _ if state.leader == BrokerId::NONE => Standing::Leaderless,
            members if members >= replicas => Standing::Whole,
            1 => Standing::Alone,
            _ => Standing::Shrunk,
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Whole => "whole",
            Standing::Shrunk => "shrunk",
            Standing::Alone => "alone",
            Standing::Leaderless => "leaderless",
        }
    }
}

/// A move: from, to, and whether the leader is another one.
pub type Move = (Standing, Standing, bool);

/// Watches how partitions move, during one trial.
#[derive(Default)]
pub struct Moves {
    version: u64,
    stands: PartitionMap<(Standing, BrokerId)>,
    /// What was seen.
    pub seen: BTreeMap<Move, u64>,
}

impl Moves {
    /// After an event.
    #[inline]
    pub fn look(&mut self, world: &World) {
        let zookeeper = world.nodes.zookeeper();
        let version = zookeeper.partition_states_version();
        if version != self.version {
            self.version = version;
            self.compare(world);
        }
    }

    fn compare(&mut self, world: &World) {
        let zookeeper = world.nodes.zookeeper();
        for partition in zookeeper.partitions() {
            let Some((state, _)) = zookeeper.partition_state(partition) else { continue };
            let is = (Standing::of(state, zookeeper.assignment(partition).len()), state.leader);
            let was = std::mem::replace(self.stands.get_or_insert_with(partition, || is), is);
            if was != is {
                *self.seen.entry((was.0, is.0, was.1 != is.1)).or_default() += 1;
            }
        }
    }
}

/// What was seen, and how often: in so many trials.
#[derive(Clone, Default, Debug)]
pub struct Coverage {
    /// Names of notes.
    pub notes: BTreeMap<&'static str, u64>,
    /// Rules that decided something that a note tells of.
    pub decided: BTreeMap<Decided, u64>,
    /// Kinds of fault.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Moves of partitions.
    pub moves: BTreeMap<Move, u64>,
}

impl Coverage {
    /// What one trial saw.
    pub fn of(world: &World, moves: &Moves, faults: &BTreeSet<FaultKind>) -> Coverage {
        Coverage {
            notes: world.recorder.noted().iter().map(|name| (*name, 1)).collect(),
            decided: world.recorder.decided().iter().map(|decided| (*decided, 1)).collect(),
            faults: faults.iter().map(|kind| (*kind, 1)).collect(),
            moves: moves.seen.keys().map(|seen| (*seen, 1)).collect(),
        }
    }

    /// Adds what another has seen.
    pub fn add(&mut self, other: &Coverage) {
        fn add<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            from.iter().for_each(|(key, count)| *to.entry(*key).or_default() += count);
        }
        add(&mut self.notes, &other.notes);
        add(&mut self.decided, &other.decided);
        add(&mut self.faults, &other.faults);
        add(&mut self.moves, &other.moves);
    }

    /// Notes that were never made.
    pub fn silent(&self) -> Vec<&'static str> {
        note_names().filter(|name| !self.notes.contains_key(name)).collect()
    }

    /// Kinds of fault of a profile that never came.
    pub fn spared(&self, profile: Profile) -> Vec<&'static str> {
        let kinds = profile.kinds().into_iter().filter(|(kind, _)| !self.faults.contains_key(kind));
        kinds.map(|(kind, _)| kind.name()).collect()
    }
}
