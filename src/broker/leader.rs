//! What a leader knows of its followers (`Partition`'s leader half, `Replica`).

use crate::ids::{BrokerId, Offset};

/// A leader's state.
#[derive(Clone, Debug)]
pub struct LeaderState {
    /// Where its own epoch began in its log.
    pub epoch_start: Offset,
    /// The ISR as committed.
    pub isr: Vec<BrokerId>,
}
